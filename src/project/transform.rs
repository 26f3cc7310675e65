//! Transforms: SELECTs with a header, one type per phase.

use std::fmt;

use crate::names::TableName;
use crate::outcome::Severity;
use crate::template::suggest;

use super::error::{ProjectError, ProjectErrorKind};
use super::files::Tree;
use super::header::{Header, Key};
use super::statement::{self, Form};
use super::{render, settings};

/// The folder of `transforms/` that a file is in: what its SELECT means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransformPhase {
    /// A way from a source table into a canonical relation.
    Normalise,
    /// A search for offending rows.
    Check,
    /// A duplicate rule.
    Dedup,
    /// Rows that want a vector.
    Embed,
    /// The rows of a final table.
    Promote,
    /// An index that is built after the load.
    Index,
    /// A proof on the final tables.
    Validate,
    /// A search by vector.
    Search,
}

/// One transform's file: its template and where messages about it point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlFile {
    /// The folder it is in.
    pub phase: TransformPhase,
    /// The file's stem without its leading number: unique in its phase.
    pub name: String,
    /// Path inside the project, for messages: `transforms/check/010_content_empty.sql`.
    pub path: String,
    /// What it does, in one line.
    pub summary: String,
    /// The template: what follows the header.
    pub body: String,
    /// Line of the file, from 1, on which the body begins.
    pub first_line: usize,
}

/// A way from one source table into a canonical relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normalise {
    /// The SELECT: `_row` and the relation's columns.
    pub file: SqlFile,
    /// The source table it reads; the transform is skipped where the source has none of that name.
    pub from: TableName,
    /// The canonical relation it feeds.
    pub into: String,
}

/// A search for offending rows of a canonical relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The SELECT: `_row`, `reason`.
    pub file: SqlFile,
    /// The canonical relation it looks at.
    pub on: String,
    /// What its findings mean.
    pub severity: Severity,
}

/// A duplicate rule on a canonical relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dedup {
    /// The SELECT: `_source`, `_row` of the loser, `_winner_source`, `_winner_row`, then the columns of `merge`.
    pub file: SqlFile,
    /// The canonical relation it looks at.
    pub on: String,
    /// Columns that the winner may take from the loser; may be empty.
    pub merge: Vec<String>,
}

/// Rows of a canonical relation that want a vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embed {
    /// The SELECT: `_row`, `text`.
    pub file: SqlFile,
    /// The canonical relation whose rows it names; no other file names rows of it.
    pub on: String,
    /// What becomes of a row that is left without: reported, taken out, or nothing is promoted.
    pub severity: Severity,
    /// Where a source table has these columns, a plan can tell before anything is staged: the one that holds the text, and the one
    /// that holds the vector, where a row has one.
    pub columns: Option<(String, String)>,
}

/// The rows of one final table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promote {
    /// The SELECT: exactly the target's columns.
    pub file: SqlFile,
    /// The final table; always with its schema.
    pub target: TableName,
    /// Columns that identify a row; never empty.
    pub key: Vec<String>,
    /// The canonical relation whose rows the batches count; without one, all is one batch outside the books.
    pub from: Option<String>,
    /// Columns that are written with a new row and never updated; may be empty.
    pub insert_only: Vec<String>,
}

/// A proof on the final tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validate {
    /// The SELECT: `row` (text that names the row), `reason`.
    pub file: SqlFile,
    /// The final table it looks at; always with its schema.
    pub on: TableName,
    /// `Error` or `Warn`.
    pub severity: Severity,
}

/// An index of a final table that is built after the load, beside those who read and write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// What follows the table in CREATE INDEX: `using …`. The file's name is the index's.
    pub file: SqlFile,
    /// The final table; always with its schema.
    pub on: TableName,
}

/// A search by vector in a final table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchFile {
    /// The SELECT: `row`, `distance`, `text`, nearest first; `$1` the vector (`real[]`), `$2` how many.
    pub file: SqlFile,
    /// The final table; always with its schema.
    pub on: TableName,
    /// Its column of vectors.
    pub vector: String,
    /// The column of the texts that they were made of.
    pub text: String,
}

/// All transforms of a project, each phase in file-name order.
pub(super) struct Transforms {
    pub normalise: Vec<Normalise>,
    pub check: Vec<Check>,
    pub dedup: Vec<Dedup>,
    pub embed: Vec<Embed>,
    pub promote: Vec<Promote>,
    pub index: Vec<IndexFile>,
    pub validate: Vec<Validate>,
    pub search: Vec<SearchFile>,
}

impl TransformPhase {
    /// Every phase, in the order in which they run.
    pub const ALL: [Self; 8] = [
        Self::Normalise,
        Self::Check,
        Self::Dedup,
        Self::Embed,
        Self::Promote,
        Self::Index,
        Self::Validate,
        Self::Search,
    ];

    /// The folder's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normalise => "normalise",
            Self::Check => "check",
            Self::Dedup => "dedup",
            Self::Embed => "embed",
            Self::Promote => "promote",
            Self::Index => "index",
            Self::Validate => "validate",
            Self::Search => "search",
        }
    }
}

impl fmt::Display for TransformPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const SUMMARY: Key = Key { name: "summary", meaning: "what the transform does, in one line" };
const FROM_TABLE: Key = Key { name: "from", meaning: "the source table that it reads, e.g. public.documents" };
const INTO: Key = Key { name: "into", meaning: "the canonical relation that it feeds, e.g. documents" };
const ON: Key = Key { name: "on", meaning: "the canonical relation that it looks at, e.g. documents" };
const SEVERITY: Key = Key { name: "severity", meaning: "what its findings mean: warn, reject or error" };
const MERGE: Key = Key { name: "merge", meaning: "columns that the winner may take" };
const TARGET: Key = Key { name: "target", meaning: "the final table that it writes, e.g. public.documents" };
const KEY: Key = Key { name: "key", meaning: "the columns that identify a row of the target" };
const FROM_RELATION: Key = Key { name: "from", meaning: "the canonical relation whose rows it promotes" };
const INSERT_ONLY: Key = Key { name: "insert_only", meaning: "columns that are never updated" };
const VECTOR: Key = Key { name: "vector", meaning: "the column that holds the vectors" };
const TEXT: Key = Key { name: "text", meaning: "the column that holds the texts that the vectors were made of" };
const ON_TABLE: Key = Key { name: "on", meaning: "the final table that it looks at, e.g. public.documents" };

/// What sqlmig calls its own checks: rows that could not be decoded, and values that could not be cast.
const RESERVED_NAMES: [&str; 2] = ["decode", "cast"];

impl TransformPhase {
    /// Words that its SQL may begin with.
    pub(super) fn first_words(self) -> &'static [&'static str] {
        if self == Self::Index { &statement::INDEX_WORDS } else { &statement::QUERY_WORDS }
    }

    /// The keys that a header of this phase may have.
    fn keys(self) -> &'static [&'static Key] {
        match self {
            Self::Normalise => &[&SUMMARY, &FROM_TABLE, &INTO],
            Self::Check => &[&SUMMARY, &ON, &SEVERITY],
            Self::Embed => &[&SUMMARY, &ON, &SEVERITY, &VECTOR, &TEXT],
            Self::Dedup => &[&SUMMARY, &ON, &MERGE],
            Self::Promote => &[&SUMMARY, &TARGET, &KEY, &FROM_RELATION, &INSERT_ONLY],
            Self::Index => &[&SUMMARY, &ON_TABLE],
            Self::Validate => &[&SUMMARY, &ON_TABLE, &SEVERITY],
            Self::Search => &[&SUMMARY, &ON_TABLE, &VECTOR, &TEXT],
        }
    }
}

/// Reads and judges every transform of a project.
pub(super) fn read(tree: &Tree) -> Result<Transforms, ProjectError> {
    refuse_strays(tree)?;
    let transforms = Transforms {
        normalise: each(tree, TransformPhase::Normalise, |file, header| {
            Ok(Normalise { file, from: header.table(&FROM_TABLE)?, into: header.relation(&INTO)? })
        })?,
        check: each(tree, TransformPhase::Check, |file, header| {
            if RESERVED_NAMES.contains(&file.name.as_str()) {
                return Err(ProjectError::file(file.path, ProjectErrorKind::ReservedName(file.name)));
            }
            Ok(Check { file, on: header.relation(&ON)?, severity: severity(header)? })
        })?,
        dedup: each(tree, TransformPhase::Dedup, |file, header| {
            Ok(Dedup { file, on: header.relation(&ON)?, merge: header.columns(&MERGE)? })
        })?,
        embed: each(tree, TransformPhase::Embed, |file, header| {
            let columns = match (header.optional_column(&TEXT)?, header.optional_column(&VECTOR)?) {
                (Some(text), Some(vector)) => Some((text, vector)),
                (None, None) => None,
                (Some(_), None) => return Err(header.wrong(&TEXT, "name the column of the vector too: vector")),
                (None, Some(_)) => return Err(header.wrong(&VECTOR, "name the column of the text too: text")),
            };
            Ok(Embed { file, on: header.relation(&ON)?, severity: severity(header)?, columns })
        })?,
        promote: each(tree, TransformPhase::Promote, promote)?,
        index: each(tree, TransformPhase::Index, |file, header| {
            Ok(IndexFile { file, on: header.final_table(&ON_TABLE)? })
        })?,
        search: each(tree, TransformPhase::Search, |file, header| {
            let (on, vector, text) = (header.final_table(&ON_TABLE)?, header.column(&VECTOR)?, header.column(&TEXT)?);
            Ok(SearchFile { file, on, vector, text })
        })?,
        validate: each(tree, TransformPhase::Validate, |file, header| {
            let severity = severity(header)?;
            if severity == Severity::Reject {
                return Err(header.wrong(&SEVERITY, "a row of a final table cannot be rejected: use error or warn"));
            }
            Ok(Validate { file, on: header.final_table(&ON_TABLE)?, severity })
        })?,
    };
    transforms.refuse_same_way()?;
    transforms.refuse_two_vectors()?;
    transforms.refuse_unfed(tree)?;
    Ok(transforms)
}

fn promote(file: SqlFile, header: &Header<'_>) -> Result<Promote, ProjectError> {
    let target = header.final_table(&TARGET)?;
    header.text(&KEY)?;
    let key = header.columns(&KEY)?;
    let insert_only = header.columns(&INSERT_ONLY)?;
    if let Some(column) = insert_only.iter().find(|column| key.contains(column)) {
        return Err(header.wrong(&INSERT_ONLY, format!("{column} is part of the key, which is never updated anyway")));
    }
    Ok(Promote { file, target, key, from: header.optional_relation(&FROM_RELATION)?, insert_only })
}

fn severity(header: &Header<'_>) -> Result<Severity, ProjectError> {
    header.text(&SEVERITY)?.parse().map_err(|reason: String| header.wrong(&SEVERITY, reason))
}

/// Reads the files of one phase in file-name order, each with what `build` makes of its header.
fn each<T>(
    tree: &Tree,
    phase: TransformPhase,
    build: impl Fn(SqlFile, &Header<'_>) -> Result<T, ProjectError>,
) -> Result<Vec<T>, ProjectError> {
    let folder = format!("transforms/{phase}");
    let mut seen: Vec<(String, &str)> = Vec::new();
    let mut transforms = Vec::new();
    for (path, inside, text) in tree.under(&folder).filter(|(_, inside, _)| *inside != "README.md") {
        let Some(name) = transform_name(inside) else {
            return Err(ProjectError::file(path, ProjectErrorKind::MisnamedTransform));
        };
        if let Some((_, other)) = seen.iter().find(|(other, _)| other == name) {
            let kind = ProjectErrorKind::SameName { name: name.to_owned(), other: (*other).to_owned() };
            return Err(ProjectError::file(path, kind));
        }
        seen.push((name.to_owned(), path));
        let header = Header::parse(path, text, phase.as_str(), phase.keys())?;
        let file = SqlFile {
            phase,
            name: name.to_owned(),
            path: path.to_owned(),
            summary: header.text(&SUMMARY)?.to_owned(),
            body: header.body.to_owned(),
            first_line: header.first_line,
        };
        let transform = build(file.clone(), &header)?;
        statement::check(&file.body, Form::Template, phase.first_words()).map_err(|(line, problem)| {
            ProjectError::line(path, file.first_line + line - 1, ProjectErrorKind::Statement(problem))
        })?;
        render::parse(&file)
            .map_err(|error| ProjectError::line(path, error.line, ProjectErrorKind::Template(error)))?;
        transforms.push(transform);
    }
    Ok(transforms)
}

/// `name` of `name.sql` or `010_name.sql`.
fn transform_name(file: &str) -> Option<&str> {
    let stem = file.strip_suffix(".sql")?;
    let name = match stem.split_once('_') {
        Some((number, name)) if number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => stem,
    };
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    plain.then_some(name)
}

/// Everything below `transforms/` must be something that is read.
fn refuse_strays(tree: &Tree) -> Result<(), ProjectError> {
    let folders = || TransformPhase::ALL.iter().map(|phase| phase.as_str()).chain(["examples"]);
    for (path, inside, _) in tree.under("transforms") {
        let expected = match inside.split_once('/') {
            None if inside == "README.md" || path == settings::BUILTIN_FILE => continue,
            None => format!("move it into one of transforms/{{{}}}", folders().collect::<Vec<_>>().join(",")),
            Some((folder, _)) if folders().any(|known| known == folder) => continue,
            Some((folder, _)) => match suggest::closest(folder, folders()) {
                Some(closest) => format!("did you mean transforms/{closest}?"),
                None => format!("the folders of transforms are {}", suggest::list(folders())),
            },
        };
        return Err(ProjectError::file(path, ProjectErrorKind::Stray { expected }));
    }
    Ok(())
}

impl Transforms {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.normalise.is_empty()
            && self.check.is_empty()
            && self.dedup.is_empty()
            && self.embed.is_empty()
            && self.promote.is_empty()
            && self.index.is_empty()
            && self.validate.is_empty()
            && self.search.is_empty()
    }

    /// A row of a relation is named by its source table and `_row`, so there is one way from a table to a relation.
    fn refuse_same_way(&self) -> Result<(), ProjectError> {
        for (at, transform) in self.normalise.iter().enumerate() {
            let same = |other: &&Normalise| other.from == transform.from && other.into == transform.into;
            if let Some(other) = self.normalise[..at].iter().find(same) {
                let kind = ProjectErrorKind::SameWay {
                    from: transform.from.to_string(),
                    into: transform.into.clone(),
                    other: other.file.path.clone(),
                };
                return Err(ProjectError::file(transform.file.path.as_str(), kind));
            }
        }
        Ok(())
    }

    /// A row takes one vector, so one file says which rows of a relation want one.
    fn refuse_two_vectors(&self) -> Result<(), ProjectError> {
        for (at, transform) in self.embed.iter().enumerate() {
            if let Some(other) = self.embed[..at].iter().find(|other| other.on == transform.on) {
                let kind =
                    ProjectErrorKind::TwoVectors { relation: transform.on.clone(), other: other.file.path.clone() };
                return Err(ProjectError::file(transform.file.path.as_str(), kind));
            }
        }
        Ok(())
    }

    /// Every relation that is read must be one that some normalise transform feeds.
    fn refuse_unfed(&self, tree: &Tree) -> Result<(), ProjectError> {
        let mut fed: Vec<&str> = self.normalise.iter().map(|transform| transform.into.as_str()).collect();
        fed.sort_unstable();
        fed.dedup();
        let checks = self.check.iter().map(|transform| (&transform.file, &ON, &transform.on));
        let dedups = self.dedup.iter().map(|transform| (&transform.file, &ON, &transform.on));
        let embeds = self.embed.iter().map(|transform| (&transform.file, &ON, &transform.on));
        let promotes = self.promote.iter().filter_map(|t| t.from.as_ref().map(|from| (&t.file, &FROM_RELATION, from)));
        for (file, key, relation) in checks.chain(dedups).chain(embeds).chain(promotes) {
            if !fed.contains(&relation.as_str()) {
                let kind = ProjectErrorKind::UnknownRelation {
                    relation: relation.clone(),
                    known: suggest::list(fed.iter().copied()),
                    closest: suggest::closest(relation, fed.iter().copied()),
                };
                let text = tree.get(&file.path).unwrap_or_default();
                let header = Header::parse(&file.path, text, file.phase.as_str(), file.phase.keys())?;
                return Err(ProjectError::line(file.path.as_str(), header.line_of(key), kind));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_three_digits_is_not_part_of_the_name() {
        assert_eq!(transform_name("010_content_empty.sql"), Some("content_empty"));
        assert_eq!(transform_name("content_empty.sql"), Some("content_empty"));
        for name in ["10_a.sql", "0100_a.sql", "010_.sql", "010.sql", "A.sql", "a-b.sql", "a.sql~", "x/a.sql", ".sql"] {
            assert_eq!(transform_name(name), None, "{name}");
        }
    }
}
