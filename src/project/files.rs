//! The files of a project, from a folder or from inside the binary.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use include_dir::{Dir, DirEntry, include_dir};

use super::error::{ProjectError, ProjectErrorKind};

/// Where the settings are: next to `transforms/`.
pub(super) const SETTINGS: &str = "sqlmig.toml";
/// Where they may be instead, and are in the project that is built into the binary.
pub(super) const BUILTIN_SETTINGS: &str = "transforms/project.toml";

static MIGRATIONS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/migrations");
static TRANSFORMS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/transforms");

/// A project is two folders deep; what is deeper is not followed, so a circle of links ends.
const MAX_DEPTH: usize = 3;

/// The text of every file, by its path inside the project, `/` between its parts.
pub(super) struct Tree {
    /// What to call the whole in messages.
    pub root: String,
    files: BTreeMap<String, String>,
}

impl Tree {
    /// The text of one file.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// The files below a folder in name order: path inside the project, path inside the folder, text.
    pub fn under<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
        self.files.iter().filter_map(move |(path, text)| {
            let inside = path.strip_prefix(folder)?.strip_prefix('/')?;
            Some((path.as_str(), inside, text.as_str()))
        })
    }

    /// All files in name order: path, text.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    fn insert(&mut self, path: String, bytes: Vec<u8>) -> Result<(), ProjectError> {
        match String::from_utf8(bytes) {
            Ok(text) => {
                self.files.insert(path, text);
                Ok(())
            }
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                Err(ProjectError::file(path, ProjectErrorKind::NotUtf8(offset)))
            }
        }
    }
}

/// The files inside the binary.
pub(super) fn builtin() -> Result<Tree, ProjectError> {
    let mut tree = Tree { root: "the built-in project".to_owned(), files: BTreeMap::new() };
    embed(&mut tree, "migrations", &MIGRATIONS)?;
    embed(&mut tree, "transforms", &TRANSFORMS)?;
    Ok(tree)
}

fn embed(tree: &mut Tree, folder: &str, dir: &Dir<'_>) -> Result<(), ProjectError> {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => embed(tree, folder, dir)?,
            DirEntry::File(file) => {
                let path = format!("{folder}/{}", file.path().display()).replace('\\', "/");
                let hidden = path.rsplit('/').next().is_some_and(|name| name.starts_with('.'));
                if !hidden {
                    tree.insert(path, file.contents().to_vec())?;
                }
            }
        }
    }
    Ok(())
}

/// The files of a folder. Names that begin with a dot are left out: they belong to editors, version control and, in
/// Kubernetes' `ConfigMap` volumes, to the mount itself.
pub(super) fn read(directory: &Path) -> Result<Tree, ProjectError> {
    let root = directory.display().to_string();
    let fail = |error| ProjectError::file(root.clone(), ProjectErrorKind::Io(error));
    if !fs::metadata(directory).map_err(fail)?.is_dir() {
        return Err(fail(io::Error::from(io::ErrorKind::NotADirectory)));
    }
    let mut tree = Tree { root: root.clone(), files: BTreeMap::new() };
    let settings = directory.join(SETTINGS);
    if settings.exists() {
        let bytes = fs::read(&settings).map_err(|e| ProjectError::file(SETTINGS, ProjectErrorKind::Io(e)))?;
        tree.insert(SETTINGS.to_owned(), bytes)?;
    }
    for folder in ["migrations", "transforms"] {
        if directory.join(folder).exists() {
            collect(&mut tree, &directory.join(folder), folder, 1)?;
        }
    }
    Ok(tree)
}

fn collect(tree: &mut Tree, directory: &Path, inside: &str, depth: usize) -> Result<(), ProjectError> {
    let fail = |error| ProjectError::file(inside, ProjectErrorKind::Io(error));
    if depth > MAX_DEPTH {
        let expected = "folders of a project are transforms/<phase> at the deepest; move it out of the project";
        return Err(ProjectError::file(inside, ProjectErrorKind::Stray { expected: expected.to_owned() }));
    }
    for entry in fs::read_dir(directory).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = format!("{inside}/{name}");
        let fail = |error| ProjectError::file(path.clone(), ProjectErrorKind::Io(error));
        // The metadata of what a link points to: a mounted ConfigMap is a folder of links.
        if fs::metadata(entry.path()).map_err(fail)?.is_dir() {
            collect(tree, &entry.path(), &path, depth + 1)?;
        } else {
            let bytes = fs::read(entry.path()).map_err(fail)?;
            tree.insert(path, bytes)?;
        }
    }
    Ok(())
}

/// The name of a folder, links resolved; `project` where it has none.
pub(super) fn folder_name(directory: &Path) -> String {
    let resolved = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    resolved.file_name().map_or_else(|| "project".to_owned(), |name| name.to_string_lossy().into_owned())
}
