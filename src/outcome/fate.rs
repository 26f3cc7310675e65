//! The fate of one row.

use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{FoundBy, QuarantinedRow, RunSummary, Try};

/// The fate of one row, in every run that met it.
#[derive(Debug, Clone, Serialize)]
pub struct Why {
    /// [`super::FORMAT`].
    pub format: u32,
    /// The table that was asked for.
    pub table: String,
    /// The row that was asked for.
    pub key: String,
    /// What the final tables have now.
    pub finals: Vec<FinalRow>,
    /// What each run did with it, the newest first.
    pub fates: Vec<Fate>,
    /// What could not be found out, and why.
    pub notes: Vec<String>,
}

/// A row of a final table.
#[derive(Debug, Clone, Serialize)]
pub struct FinalRow {
    /// The final table.
    pub target: String,
    /// The row's key: its columns' values with / between them.
    pub key: String,
    /// Whether it is there now.
    pub exists: bool,
    /// The run whose batch wrote the row as it is now; none where somebody else did.
    pub written_by: Option<Uuid>,
    /// That batch.
    pub batch: Option<i64>,
    /// The row as it is now.
    pub columns: Vec<ColumnValue>,
}

/// What one run did with a row.
#[derive(Debug, Clone, Serialize)]
pub struct Fate {
    /// The run.
    pub run: RunSummary,
    /// Source table, where the row is known.
    pub source: Option<String>,
    /// Its ordinal in it, from 1.
    pub row: Option<i64>,
    /// Line in the source's text, from 1, where it is known.
    pub line: Option<i64>,
    /// Byte offset in the source's text, from 0, where it is known.
    pub byte: Option<i64>,
    /// The chunk that it was read with.
    pub chunk: Option<ChunkPlace>,
    /// Whether it is in staging now.
    pub in_staging: bool,
    /// The row as it was staged, where staging or quarantine still has it.
    pub staged: Vec<ColumnValue>,
    /// The run whose quarantine it was taken from, in a retry.
    pub retried_from: Option<Uuid>,
    /// Columns that were given by hand then.
    pub mended: Vec<String>,
    /// Every finding on it.
    pub found_by: Vec<FoundBy>,
    /// Where it is in quarantine, if it is.
    pub quarantine: Option<QuarantinedRow>,
    /// The times that it was tried again.
    pub tries: Vec<Try>,
    /// The row that it was merged into as a duplicate, if it was.
    pub merged_into: Option<MergedWith>,
    /// The rows that were merged into it.
    pub took_from: Vec<MergedWith>,
    /// The batches that it was in.
    pub batches: Vec<FateBatch>,
    /// What became of it, in a sentence.
    pub verdict: String,
}

/// A chunk of staging, and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ChunkPlace {
    /// Ordinal of its first row.
    pub first_row: i64,
    /// Ordinal of its last row.
    pub last_row: i64,
    /// Line where it begins, where that was recorded.
    pub first_line: Option<i64>,
    /// Byte where it begins, where that was recorded.
    pub first_byte: Option<i64>,
}

/// The other row of a merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MergedWith {
    /// The duplicate rule.
    pub rule: String,
    /// Source table of the other row.
    pub source: String,
    /// Its ordinal in it.
    pub row: i64,
}

/// A batch that a row was in.
#[derive(Debug, Clone, Serialize)]
pub struct FateBatch {
    /// Its number in the run.
    pub number: i64,
    /// The promote transform.
    pub transform: String,
    /// The final table.
    pub target: String,
    /// First `_row` of its range.
    pub first_row: i64,
    /// Last `_row` of its range.
    pub last_row: i64,
    /// `pending`, `done`, `failed` or `rolled_back`.
    pub state: String,
    /// Times it was tried.
    pub attempts: i32,
    /// The transaction that committed it.
    pub xid: Option<String>,
    /// The run's epoch then.
    pub epoch: Option<i64>,
    /// When it was committed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
    /// `insert`, `update` or `unchanged`, where the before-images tell.
    pub operation: Option<String>,
}

/// A column and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnValue {
    /// The column.
    pub column: String,
    /// Its value as text; none is SQL's null.
    pub value: Option<String>,
}
