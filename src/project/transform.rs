//! Transforms: SELECTs with a header, one type per phase.

use std::fmt;

use crate::names::TableName;
use crate::outcome::Severity;

use super::error::ProjectError;
use super::files::Tree;

/// The folder of `transforms/` that a file is in: what its SELECT means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransformPhase {
    /// A way from a source table into a canonical relation.
    Normalise,
    /// A search for offending rows.
    Check,
    /// A duplicate rule.
    Dedup,
    /// The rows of a final table.
    Promote,
    /// A proof on the final tables.
    Validate,
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

/// All transforms of a project, each phase in file-name order.
pub(super) struct Transforms {
    pub normalise: Vec<Normalise>,
    pub check: Vec<Check>,
    pub dedup: Vec<Dedup>,
    pub promote: Vec<Promote>,
    pub validate: Vec<Validate>,
}

impl TransformPhase {
    /// Every phase, in the order in which they run.
    pub const ALL: [Self; 5] = [Self::Normalise, Self::Check, Self::Dedup, Self::Promote, Self::Validate];

    /// The folder's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normalise => "normalise",
            Self::Check => "check",
            Self::Dedup => "dedup",
            Self::Promote => "promote",
            Self::Validate => "validate",
        }
    }
}

impl fmt::Display for TransformPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads and judges every transform of a project.
pub(super) fn read(tree: &Tree) -> Result<Transforms, ProjectError> {
    todo!()
}
