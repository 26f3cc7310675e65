//! Rows in quarantine.

use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{ColumnValue, FoundBy};

/// Rows in quarantine.
#[derive(Debug, Clone, Serialize)]
pub struct QuarantineCount {
    /// Source table.
    pub source: String,
    /// The check, or `decode` for rows that could not be read.
    pub check: String,
    /// Stable code of a decoder error; the check's name otherwise.
    pub code: String,
    /// Rows.
    pub rows: i64,
}

/// The rows in quarantine: counted, and the first of them.
#[derive(Debug, Clone, Serialize)]
pub struct QuarantineList {
    /// [`super::FORMAT`].
    pub format: u32,
    /// The run; the rows that its retries could not mend either are among these.
    pub run: Uuid,
    /// By table, check and code.
    pub counts: Vec<QuarantineGroup>,
    /// The first that no retry took, in the order of the source.
    pub rows: Vec<QuarantinedRow>,
    /// How many more there are.
    pub more: i64,
}

/// Rows in the quarantine of a run and of its retries.
#[derive(Debug, Clone, Serialize)]
pub struct QuarantineGroup {
    /// Source table.
    pub source: String,
    /// The check, or `decode` for rows that could not be read.
    pub check: String,
    /// Stable code of a decoder error; the check's name otherwise.
    pub code: String,
    /// Rows.
    pub rows: i64,
    /// Of these, rows that a retry took: they are promoted, or in its own quarantine.
    pub retried: i64,
}

/// A row in quarantine, and why it is there.
#[derive(Debug, Clone, Serialize)]
pub struct QuarantinedRow {
    /// The run that took it out.
    pub run: Uuid,
    /// Source table.
    pub source: String,
    /// Its ordinal in it, from 1.
    pub row: i64,
    /// The first check that took it out, or `decode`.
    pub check: String,
    /// Stable code of a decoder error; the check's name otherwise.
    pub code: String,
    /// The column, where a decoder error is one column's.
    pub column: Option<String>,
    /// What is wrong with it.
    pub reason: String,
    /// Line in the source's text, from 1, where it is known.
    pub line: Option<i64>,
    /// Byte offset in the source's text, from 0, where it is known.
    pub byte: Option<i64>,
    /// When it was taken out.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// One row in quarantine, whole.
#[derive(Debug, Clone, Serialize)]
pub struct QuarantineEntry {
    /// [`super::FORMAT`].
    pub format: u32,
    /// Where it is, and why.
    pub row: QuarantinedRow,
    /// Whether it can be retried: no retry took it, or the one that did was taken back.
    pub open: bool,
    /// Every finding on it, of checks that reject and of those that warn.
    pub found_by: Vec<FoundBy>,
    /// The row as it stood in the source, where it could not be decoded and is UTF-8.
    pub raw: Option<String>,
    /// The same in base64, where it is not.
    pub raw_base64: Option<String>,
    /// The row as it was staged, column by column; none where it could not be decoded.
    pub staged: Vec<ColumnValue>,
    /// The times that it was tried again.
    pub tries: Vec<Try>,
}

/// A time that a row in quarantine was tried again.
#[derive(Debug, Clone, Serialize)]
pub struct Try {
    /// The run that tried it.
    pub run: Uuid,
    /// The run whose quarantine it was in.
    pub from_run: Uuid,
    /// How far that run came.
    pub state: String,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// Columns that were given by hand.
    pub mended: Vec<String>,
    /// The check that took it out again, if one did.
    pub check: Option<String>,
    /// What was wrong then.
    pub reason: Option<String>,
}
