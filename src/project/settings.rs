//! What a project's `sqlmig.toml` says.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::names::TableName;

use super::error::{ProjectError, ProjectErrorKind};
use super::files::{BUILTIN_SETTINGS, SETTINGS, Tree};

/// A project's settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// `[project]`, `name`: what the project is called.
    pub name: Option<String>,
    /// `[digest]`: for each source table, the columns of which the reader takes a SHA-256.
    pub digest: BTreeMap<TableName, Vec<String>>,
    /// `[vars]`: values that templates read as `vars.x`.
    pub vars: BTreeMap<String, toml::Value>,
    /// `[tree]`, `known`: the table or view of the target that says which files of documentation need not be decoded again.
    pub known_files: Option<TableName>,
    /// `[options]`: the project's wishes for options of the command line, which reads them and wins over them.
    pub options: toml::Table,
}

/// The file's own form.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    project: RawProject,
    #[serde(default)]
    digest: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    vars: BTreeMap<String, toml::Value>,
    #[serde(default)]
    tree: RawTree,
    #[serde(default)]
    options: toml::Table,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTree {
    known: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProject {
    name: Option<String>,
}

/// Reads the settings of a project.
pub(super) fn read(tree: &Tree) -> Result<Settings, ProjectError> {
    let (file, text) = match (tree.get(SETTINGS), tree.get(BUILTIN_SETTINGS)) {
        (Some(_), Some(_)) => return Err(ProjectError::file(BUILTIN_SETTINGS, ProjectErrorKind::TwoSettings)),
        (Some(text), None) => (SETTINGS, text),
        (None, Some(text)) => (BUILTIN_SETTINGS, text),
        (None, None) => return Err(ProjectError::file(tree.root.as_str(), ProjectErrorKind::NoSettings)),
    };
    let raw: Raw = parse_toml(file, text)?;
    let wrong = |message: String| ProjectError::file(file, ProjectErrorKind::Toml(message));
    if let Some(name) = raw.project.name.as_deref()
        && (name.trim().is_empty() || name.chars().any(char::is_control))
    {
        return Err(wrong(format!("[project] {name:?} is no name")));
    }
    let mut digest = BTreeMap::new();
    for (table, columns) in raw.digest {
        let name: TableName = table.parse().map_err(|error| wrong(format!("[digest] {error}")))?;
        if columns.is_empty() {
            return Err(wrong(format!("[digest] {name} names no column")));
        }
        if digest.insert(name.clone(), columns).is_some() {
            return Err(wrong(format!("[digest] {name} is named twice")));
        }
    }
    let known: Option<TableName> = match raw.tree.known {
        Some(name) => Some(name.parse().map_err(|error| wrong(format!("[tree] known: {error}")))?),
        None => None,
    };
    if let Some(name) = known.as_ref().filter(|name| name.schema.is_none()) {
        return Err(wrong(format!("[tree] known: name the schema too, as in public.{name}")));
    }
    Ok(Settings { name: raw.project.name, digest, vars: raw.vars, known_files: known, options: raw.options })
}

/// Reads TOML; the error says the line.
pub(super) fn parse_toml<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, ProjectError> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
        let kind = ProjectErrorKind::Toml(error.message().replace('\n', "; "));
        ProjectError { file: file.to_owned(), line, kind: Box::new(kind) }
    })
}
