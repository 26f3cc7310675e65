//! Which trees there are: their types, names and versions, from what was typed, a marker, or their manifests.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde_json::{Map, Value};

use super::manifest::{MANIFEST_BYTES, MARKER, is_manifest};
use super::{GENERIC, archive};

/// A tree as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Type of its documents; `None` leaves it to the tree's marker.
    pub doc_type: Option<String>,
    /// Name of the source; `None` leaves it to marker, manifest and folder.
    pub name: Option<String>,
    /// Folder, archive or file. A `*` as its last part stands for everything in the folder, each a source of its own.
    pub path: PathBuf,
}

impl FromStr for Root {
    type Err = String;

    /// `TYPE=PATH` or `TYPE:NAME=PATH`.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some((what, path)) = text.split_once('=') else {
            return Err("write it as TYPE=PATH or TYPE:NAME=PATH, such as rust=./serde".to_owned());
        };
        let (doc_type, name) = match what.split_once(':') {
            Some((doc_type, name)) => (doc_type, Some(name.to_owned())),
            None => (what, None),
        };
        if !is_type(doc_type) {
            return Err(format!("{doc_type:?} is no type: use a-z, 0-9 and _, at most 40"));
        }
        if path.is_empty() || name.as_deref() == Some("") {
            return Err("neither path nor name may be empty".to_owned());
        }
        Ok(Self { doc_type: Some(doc_type.to_owned()), name, path: PathBuf::from(path) })
    }
}

fn is_type(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && text.len() <= 40
}

/// A tree that was found.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    pub doc_type: String,
    pub name: String,
    pub version: Option<String>,
    pub path: PathBuf,
    pub kind: Kind,
    /// Folders in it that are sources of their own.
    pub without: Vec<PathBuf>,
    /// Values of the manifests at its top, by file name.
    pub facts: Value,
}

/// What a tree is stored as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    File,
    /// What is left out of the paths inside, where all have it in common.
    Archive {
        top: Option<String>,
    },
}

/// Why trees can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// It is not there, or can't be looked at.
    #[error("can't open {path}: {error}")]
    Open {
        /// The tree.
        path: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// Two trees would be one source.
    #[error("two trees are both the source {source_name}: {first} and {second}")]
    SameName {
        /// Type and name.
        source_name: String,
        /// The first.
        first: String,
        /// The second.
        second: String,
    },
    /// A marker can't be understood.
    #[error("{path}: {reason}")]
    Marker {
        /// The marker.
        path: String,
        /// Why.
        reason: String,
    },
    /// There is nothing in it.
    #[error("{0} holds no tree")]
    Empty(String),
}

impl TreeError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Open { .. } => "check the path and its permissions".to_owned(),
            Self::SameName { .. } => "give one of them another name: --source TYPE:NAME=PATH".to_owned(),
            Self::Marker { .. } => {
                "it has the keys type, name and version, each a text; all may be left out".to_owned()
            }
            Self::Empty(_) => "name a folder with files in it".to_owned(),
        })
    }
}

/// Finds the trees that are asked for.
pub(super) fn resolve(asked: &[Root]) -> Result<Vec<Resolved>, TreeError> {
    let mut found = Vec::new();
    for root in asked {
        if root.path.file_name().is_some_and(|name| name == "*") {
            let folder = root.path.parent().map_or(Path::new("."), |parent| parent);
            let folder = if folder == Path::new("") { Path::new(".") } else { folder };
            let inside = children(folder)?;
            for path in inside {
                found.push(one(&Root { path, ..root.clone() })?);
            }
        } else if root.doc_type.is_none() {
            found.extend(marked(root)?);
        } else {
            found.push(one(root)?);
        }
    }
    if found.is_empty() {
        let names: Vec<String> = asked.iter().map(|root| root.path.display().to_string()).collect();
        return Err(TreeError::Empty(names.join(", ")));
    }
    for (place, root) in found.iter().enumerate() {
        let same = |other: &&Resolved| other.doc_type == root.doc_type && other.name == root.name;
        if let Some(other) = found[..place].iter().find(same) {
            return Err(TreeError::SameName {
                source_name: format!("{}/{}", root.doc_type, root.name),
                first: other.path.display().to_string(),
                second: root.path.display().to_string(),
            });
        }
    }
    Ok(found)
}

/// A tree without a type: folders in it that have a marker are sources of their own.
fn marked(root: &Root) -> Result<Vec<Resolved>, TreeError> {
    if !root.path.is_dir() || root.path.join(MARKER).is_file() {
        return Ok(vec![one(root)?]);
    }
    let (own, rest): (Vec<PathBuf>, Vec<PathBuf>) =
        children(&root.path)?.into_iter().partition(|path| path.join(MARKER).is_file());
    let mut found = Vec::new();
    for path in &own {
        found.push(one(&Root { path: path.clone(), doc_type: None, name: None })?);
    }
    if own.is_empty() || !rest.is_empty() {
        found.push(Resolved { without: own, ..one(root)? });
    }
    Ok(found)
}

/// What is in a folder, in the order of names, without what is hidden.
fn children(folder: &Path) -> Result<Vec<PathBuf>, TreeError> {
    let failed = |error| TreeError::Open { path: folder.display().to_string(), error };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

fn one(root: &Root) -> Result<Resolved, TreeError> {
    let display = root.path.display().to_string();
    let failed = |error| TreeError::Open { path: display.clone(), error };
    let path = fs::canonicalize(&root.path).map_err(failed)?;
    let metadata = fs::metadata(&path).map_err(failed)?;
    let (kind, manifests) = if metadata.is_dir() {
        (Kind::Folder, manifests_of_folder(&path).map_err(failed)?)
    } else if archive::is_archive(&path.to_string_lossy()) {
        let (top, manifests) = archive::survey(&path, MANIFEST_BYTES).map_err(failed)?;
        (Kind::Archive { top }, manifests)
    } else {
        (Kind::File, Vec::new())
    };
    let mut facts = Map::new();
    for (name, bytes) in manifests {
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let value: Option<Value> = match name.rsplit_once('.') {
            Some((_, "toml")) => toml::from_str(&text).ok(),
            _ => serde_json::from_str(&text).ok(),
        };
        if let Some(value) = value {
            facts.insert(name, value);
        }
    }
    let marker = match facts.remove(MARKER) {
        Some(marker) => Marker::of(&marker, &path)?,
        None => Marker::default(),
    };
    let facts = Value::Object(facts);
    let manifest = |key: &str| {
        let text = |path: &str| facts.pointer(path).and_then(Value::as_str).map(ToOwned::to_owned);
        text(&format!("/Cargo.toml/package/{key}"))
            .or_else(|| text(&format!("/package.json/{key}")))
            .or_else(|| text(&format!("/pyproject.toml/project/{key}")))
    };
    let name = root.name.clone().or(marker.name).or_else(|| manifest("name")).unwrap_or_else(|| stem(&path));
    Ok(Resolved {
        doc_type: root.doc_type.clone().or(marker.doc_type).unwrap_or_else(|| GENERIC.to_owned()),
        name,
        version: marker.version.or_else(|| manifest("version")),
        path,
        kind,
        without: Vec::new(),
        facts,
    })
}

#[derive(Default)]
struct Marker {
    doc_type: Option<String>,
    name: Option<String>,
    version: Option<String>,
}

impl Marker {
    fn of(value: &Value, path: &Path) -> Result<Self, TreeError> {
        let wrong = |reason: String| TreeError::Marker { path: path.join(MARKER).display().to_string(), reason };
        let mut marker = Self::default();
        for (key, value) in value.as_object().into_iter().flatten() {
            let Some(text) = value.as_str().filter(|text| !text.trim().is_empty()) else {
                return Err(wrong(format!("{key} is no text")));
            };
            match key.as_str() {
                "type" if is_type(text) => marker.doc_type = Some(text.to_owned()),
                "type" => return Err(wrong(format!("{text:?} is no type: use a-z, 0-9 and _"))),
                "name" => marker.name = Some(text.to_owned()),
                "version" => marker.version = Some(text.to_owned()),
                _ => return Err(wrong(format!("it has an unknown key {key}"))),
            }
        }
        Ok(marker)
    }
}

/// The name of a folder, or of an archive without what says that it is one.
fn stem(path: &Path) -> String {
    let name = path.file_name().map_or_else(|| "docs".to_owned(), |name| name.to_string_lossy().into_owned());
    let endings = [".tar.gz", ".tgz", ".crate", ".tar", ".zip"];
    let stem = endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    stem.to_owned()
}

/// The manifests at the top of a folder: its small TOML and JSON files.
fn manifests_of_folder(folder: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let metadata = entry.metadata()?;
        if is_manifest(&name) && metadata.is_file() && metadata.len() <= MANIFEST_BYTES {
            // One that can't be read says so when it is read as a file.
            if let Ok(bytes) = fs::read(entry.path()) {
                found.push((name, bytes));
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}
