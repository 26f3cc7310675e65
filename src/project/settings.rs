//! What a project's `sqlmig.toml` says.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use crate::names::TableName;

use super::error::{ProjectError, ProjectErrorKind};
use super::files::Tree;

/// Where the settings are: next to `transforms/`.
pub(super) const FILE: &str = "sqlmig.toml";
/// Where they may be instead, and are in the project that is built into the binary.
pub(super) const BUILTIN_FILE: &str = "transforms/project.toml";

/// A project's settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// `[project]`, `name`: what the project is called.
    pub name: Option<String>,
    /// `[digest]`: for each source table, the columns of which the reader takes a SHA-256.
    pub digest: BTreeMap<TableName, Vec<String>>,
    /// `[vars]`: values that templates read as `vars.x`.
    pub vars: BTreeMap<String, toml::Value>,
    /// `[options]`: the project's wishes for options of the command line, which wins over them.
    pub options: Options,
}

/// Options of the command line that a project may set; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Rows promoted in one transaction.
    pub batch_size: Option<u32>,
    /// Workers that promote batches at the same time.
    pub parallel: Option<u16>,
    /// How many rows may go to quarantine before the run fails.
    pub max_rejects: Option<MaxRejects>,
    /// Longest row that the reader holds, in bytes; longer ones go to quarantine.
    pub row_limit_bytes: Option<usize>,
}

/// How many rows may go to quarantine before a run fails: `100` or `0.5%`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxRejects {
    /// At most so many rows.
    Rows(u64),
    /// At most so many of a hundred rows, 0 to 100.
    Percent(f64),
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
    options: Options,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProject {
    name: Option<String>,
}

/// Reads the settings of a project.
pub(super) fn read(tree: &Tree) -> Result<Settings, ProjectError> {
    let (file, text) = match (tree.get(FILE), tree.get(BUILTIN_FILE)) {
        (Some(_), Some(_)) => return Err(ProjectError::file(BUILTIN_FILE, ProjectErrorKind::TwoSettings)),
        (Some(text), None) => (FILE, text),
        (None, Some(text)) => (BUILTIN_FILE, text),
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
    if raw.options.batch_size == Some(0) || raw.options.parallel == Some(0) {
        return Err(wrong("[options] batch_size and parallel are at least 1".to_owned()));
    }
    Ok(Settings { name: raw.project.name, digest, vars: raw.vars, options: raw.options })
}

/// Reads TOML; the error says the line.
pub(super) fn parse_toml<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, ProjectError> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
        let kind = ProjectErrorKind::Toml(error.message().replace('\n', "; "));
        ProjectError { file: file.to_owned(), line, kind: Box::new(kind) }
    })
}

impl std::str::FromStr for MaxRejects {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let error = || format!("{text:?} is no limit: write a number of rows, or a share as in 0.5%");
        match text.trim().strip_suffix('%') {
            None => text.trim().parse().map(Self::Rows).map_err(|_| error()),
            Some(percent) => match percent.trim().parse() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::Percent(percent)),
                _ => Err(error()),
            },
        }
    }
}

impl fmt::Display for MaxRejects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(rows) => write!(f, "{rows}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl<'de> Deserialize<'de> for MaxRejects {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Rows(u64),
            Text(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Rows(rows) => Ok(Self::Rows(rows)),
            Form::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_rejects_is_rows_or_a_share() {
        for (text, limit) in
            [("0", MaxRejects::Rows(0)), ("12", MaxRejects::Rows(12)), ("0.5%", MaxRejects::Percent(0.5))]
        {
            assert_eq!(text.parse(), Ok(limit));
            assert_eq!(limit.to_string(), text);
        }
        for text in ["", "%", "-1", "101%", "NaN%", "1 %%", "many"] {
            assert!(text.parse::<MaxRejects>().is_err(), "{text}");
        }
    }
}
