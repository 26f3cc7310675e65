//! Transforms: SELECTs with a header, one type per phase. [`read`] makes them of a project's files.

mod agree;
mod keys;
mod read;

use std::fmt;

use crate::names::TableName;
use crate::outcome::Severity;

pub(super) use self::read::read;

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
    /// A canonical relation without which it has nothing to do: where nothing feeds that, it is left out.
    pub needs: Option<String>,
    /// What is done with its rows.
    pub action: Action,
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

/// SQL that transforms share: macros, imported by the file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MacroFile {
    /// The file's name, as in `{% from 'tree.sql' import documents %}`.
    pub name: String,
    /// Path inside the project, for messages.
    pub path: String,
    /// The template.
    pub body: String,
}

/// What a promote transform does with the rows that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// They are inserted, or updated where they differ.
    Upsert,
    /// They are deleted, each with its before-image kept.
    Delete,
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
    pub macros: Vec<MacroFile>,
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
}
