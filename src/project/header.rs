//! The header of a transform: lines of the form `--! key: value` at the top of the file.

use crate::names::TableName;
use crate::template::suggest;

use super::error::{ProjectError, ProjectErrorKind};

/// What begins a header line.
const MARK: &str = "--!";

/// One header line.
struct Entry<'a> {
    key: &'a str,
    value: &'a str,
    line: usize,
}

/// A file taken apart: its header, and what follows it.
pub(super) struct Header<'a> {
    path: &'a str,
    entries: Vec<Entry<'a>>,
    /// What follows the header.
    pub body: &'a str,
    /// Line of the file, from 1, on which the body begins.
    pub first_line: usize,
}

/// A key of a header, and what it is for.
pub(super) struct Key {
    pub name: &'static str,
    pub meaning: &'static str,
}

impl<'a> Header<'a> {
    /// Takes a file apart. `keys` are those that files of this phase may have.
    pub fn parse(path: &'a str, text: &'a str, phase: &str, keys: &[&Key]) -> Result<Self, ProjectError> {
        let mut entries: Vec<Entry<'a>> = Vec::new();
        let mut body = text;
        let mut line = 1;
        while body.starts_with(MARK) {
            let (first, rest) = body.split_once('\n').unwrap_or((body, ""));
            let content = first[MARK.len()..].trim();
            let fail = |kind| ProjectError::line(path, line, kind);
            let (key, value) = match content.split_once(':') {
                Some((key, value)) if !key.trim().is_empty() && !value.trim().is_empty() => (key.trim(), value.trim()),
                _ => return Err(fail(ProjectErrorKind::HeaderLine(first.trim_end().to_owned()))),
            };
            if !keys.iter().any(|known| known.name == key) {
                let known = || keys.iter().map(|key| key.name);
                return Err(fail(ProjectErrorKind::UnknownKey {
                    key: key.to_owned(),
                    phase: phase.to_owned(),
                    known: suggest::list(known()),
                    closest: suggest::closest(key, known()),
                }));
            }
            if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                return Err(fail(ProjectErrorKind::SameKey { key: key.to_owned(), first: first.line }));
            }
            entries.push(Entry { key, value, line });
            body = rest;
            line += 1;
        }
        if entries.is_empty() {
            return Err(ProjectError::line(path, 1, ProjectErrorKind::NoHeader));
        }
        if let Some(offset) = body.lines().position(|line| line.trim_start().starts_with(MARK)) {
            return Err(ProjectError::line(path, line + offset, ProjectErrorKind::LateHeader));
        }
        Ok(Self { path, entries, body, first_line: line })
    }

    /// The value of a key that must be there.
    pub fn text(&self, key: &Key) -> Result<&'a str, ProjectError> {
        let missing = ProjectErrorKind::MissingKey { key: key.name, meaning: key.meaning };
        self.entry(key).map(|entry| entry.value).ok_or_else(|| ProjectError::file(self.path, missing))
    }

    /// The line of a key, or the file's first.
    pub fn line_of(&self, key: &Key) -> usize {
        self.entry(key).map_or(1, |entry| entry.line)
    }

    /// An error about the value of a key.
    pub fn wrong(&self, key: &Key, reason: impl Into<String>) -> ProjectError {
        let kind = ProjectErrorKind::Value { key: key.name, reason: reason.into() };
        ProjectError::line(self.path, self.line_of(key), kind)
    }

    /// The name of a table.
    pub fn table(&self, key: &Key) -> Result<TableName, ProjectError> {
        self.text(key)?.parse().map_err(|error| self.wrong(key, format!("{error}")))
    }

    /// The name of a final table: with its schema, as sqlmig searches no path.
    pub fn final_table(&self, key: &Key) -> Result<TableName, ProjectError> {
        let table = self.table(key)?;
        if table.schema.is_none() {
            return Err(self.wrong(key, format!("name the schema too, as in public.{table}")));
        }
        Ok(table)
    }

    /// The name of a canonical relation.
    pub fn relation(&self, key: &Key) -> Result<String, ProjectError> {
        let name = self.text(key)?;
        let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && name.len() <= 63;
        if !plain {
            return Err(self.wrong(key, format!("{name:?} is no relation's name: use a-z, 0-9 and _, at most 63")));
        }
        Ok(name.to_owned())
    }

    /// The name of a canonical relation, where the key is there.
    pub fn optional_relation(&self, key: &Key) -> Result<Option<String>, ProjectError> {
        self.entry(key).map(|_| self.relation(key)).transpose()
    }

    /// Columns, comma separated, unquoted and folded as SQL does it; none where the key is not there.
    pub fn columns(&self, key: &Key) -> Result<Vec<String>, ProjectError> {
        let mut columns: Vec<String> = Vec::new();
        for part in self.entry(key).map(|entry| entry.value.split(',')).into_iter().flatten() {
            let part = part.trim();
            let Ok(TableName { schema: None, table: name }) = part.parse() else {
                return Err(self.wrong(key, format!("{part:?} is not the name of a column")));
            };
            if columns.contains(&name) {
                return Err(self.wrong(key, format!("{part} is named twice")));
            }
            columns.push(name);
        }
        Ok(columns)
    }

    /// One column, which must be there.
    pub fn column(&self, key: &Key) -> Result<String, ProjectError> {
        self.text(key)?;
        let mut columns = self.columns(key)?;
        match (columns.pop(), columns.is_empty()) {
            (Some(column), true) => Ok(column),
            _ => Err(self.wrong(key, "name one column")),
        }
    }

    /// One column, where the key is there.
    pub fn optional_column(&self, key: &Key) -> Result<Option<String>, ProjectError> {
        self.entry(key).map(|_| self.column(key)).transpose()
    }

    fn entry(&self, key: &Key) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.key == key.name)
    }
}
