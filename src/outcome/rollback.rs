//! What was taken back, or given up.

use serde::Serialize;
use time::OffsetDateTime;

use super::RunSummary;

/// What came of a rollback, of a run or of one batch.
#[derive(Debug, Clone, Serialize)]
pub struct Rollback {
    /// [`super::FORMAT`].
    pub format: u32,
    /// The run.
    pub run: RunSummary,
    /// The batch, where only one was asked for.
    pub batch: Option<i64>,
    /// Whether rows were put back that somebody had changed since.
    pub forced: bool,
    /// Batches taken back by this command; an earlier one that was stopped may have done others.
    pub batches: i64,
    /// What was taken back in all, one line a final table.
    pub targets: Vec<TakenBack>,
    /// Rows that were left as they are, at most a thousand of them; `targets` counts all.
    pub kept: Vec<KeptRow>,
}

/// What was taken back of one final table.
#[derive(Debug, Clone, Serialize)]
pub struct TakenBack {
    /// The final table.
    pub target: String,
    /// Batches taken back.
    pub batches: i64,
    /// Rows that they had inserted, deleted.
    pub rows_deleted: i64,
    /// Rows that they had changed, restored.
    pub rows_restored: i64,
    /// Rows left as they are.
    pub rows_kept: i64,
}

/// A row that a rollback left as it is.
#[derive(Debug, Clone, Serialize)]
pub struct KeptRow {
    /// The batch that wrote it.
    pub batch: i64,
    /// The final table.
    pub target: String,
    /// Its key: columns and values.
    pub key: serde_json::Value,
    /// What the batch did to it: `insert` or `update`.
    pub operation: String,
    /// `changed` or `deleted` since, `referenced` by another row, `refused` by the database.
    pub reason: String,
    /// By whom or what, where that is known.
    pub detail: Option<String>,
}

/// What came of accepting a run.
#[derive(Debug, Clone, Serialize)]
pub struct Accepted {
    /// [`super::FORMAT`].
    pub format: u32,
    /// The run.
    pub run: RunSummary,
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub accepted_at: OffsetDateTime,
    /// Before-images given up by this command.
    pub images: i64,
    /// Tables of before-images dropped by this command, since they held no others.
    pub tables_dropped: i64,
}

/// What came of emptying the staging tables.
#[derive(Debug, Clone, Serialize)]
pub struct StagingEmptied {
    /// [`super::FORMAT`].
    pub format: u32,
    /// Their names.
    pub emptied: Vec<String>,
}
