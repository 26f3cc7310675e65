//! The files of a folder, in the order of their names.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use super::roots::Resolved;

/// What a walk met.
pub(super) enum Met {
    /// A file.
    File { path: PathBuf },
    /// A symbolic link; what it points to is never read by its name.
    Link { path: PathBuf, reason: String },
    /// Something that can't be read, or is no file: a folder without permission, a socket.
    Unreadable { path: PathBuf, reason: String },
}

/// Walks a folder; `visit` is told of all that is in it and may end the walk with an error. Returns how many files were left
/// out: by rules of .gitignore and .ignore files, or because their names begin with a dot.
pub(super) fn walk<E>(root: &Resolved, mut visit: impl FnMut(Met) -> Result<(), E>) -> Result<u64, E> {
    let mut met = 0_u64;
    for entry in builder(root).build() {
        let found = match entry {
            Ok(entry) if entry.depth() == 0 => continue,
            Ok(entry) => {
                let Some(kind) = entry.file_type() else { continue };
                if kind.is_dir() {
                    continue;
                }
                let path = entry.into_path();
                if kind.is_symlink() {
                    let reason = link(&path, &root.path);
                    Met::Link { path, reason }
                } else if kind.is_file() {
                    Met::File { path }
                } else {
                    Met::Unreadable { path, reason: "it is no file, but a socket, pipe or device".to_owned() }
                }
            }
            Err(error) => {
                let path = path_of(&error).unwrap_or_else(|| root.path.clone());
                let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                Met::Unreadable { path, reason }
            }
        };
        met += 1;
        visit(found)?;
    }
    let mut all = builder(root);
    all.standard_filters(false);
    let is_git = |name: &std::ffi::OsStr| name == ".git";
    let without = root.without.clone();
    all.filter_entry(move |entry| !is_git(entry.file_name()) && !without.iter().any(|path| path == entry.path()));
    let all = all.build().filter(|entry| {
        entry.as_ref().is_ok_and(|entry| entry.depth() > 0 && !entry.file_type().is_some_and(|kind| kind.is_dir()))
    });
    Ok((all.count() as u64).saturating_sub(met))
}

/// How a folder is walked: by the rules inside it, whatever stands around it.
fn builder(root: &Resolved) -> WalkBuilder {
    let mut builder = WalkBuilder::new(&root.path);
    builder
        .parents(false)
        .git_global(false)
        .git_exclude(false)
        .require_git(false)
        .follow_links(false)
        .sort_by_file_name(std::ffi::OsStr::cmp);
    let without = root.without.clone();
    builder.filter_entry(move |entry| !without.iter().any(|path| path == entry.path()));
    builder
}

fn path_of(error: &ignore::Error) -> Option<PathBuf> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path.clone()),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        ignore::Error::Partial(errors) => errors.iter().find_map(path_of),
        ignore::Error::Loop { child, .. } => Some(child.clone()),
        _ => None,
    }
}

/// What is said of a symbolic link. A link is never followed: what it points to inside the tree is read under its own
/// name, and what is outside is none of the tree's business.
fn link(path: &Path, root: &Path) -> String {
    match std::fs::canonicalize(path) {
        Ok(target) => match target.strip_prefix(root) {
            Ok(inside) if path.starts_with(&target) => {
                format!("a symbolic link in a loop: to {:?}, which it stands in", inside.display().to_string())
            }
            Ok(inside) => {
                format!("a symbolic link to {:?}, which is read under that name", inside.display().to_string())
            }
            Err(_) => "a symbolic link out of the tree, which is not followed".to_owned(),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "a symbolic link to nothing".to_owned(),
        Err(error) => format!("a symbolic link that leads nowhere: {error}"),
    }
}
