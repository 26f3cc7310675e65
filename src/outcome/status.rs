//! How far a run has come.

use serde::Serialize;

use super::{RunSummary, TableBooks};

/// How far a run has come.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// [`super::FORMAT`].
    pub format: u32,
    /// The run.
    pub run: RunSummary,
    /// The books so far.
    pub tables: Vec<TableBooks>,
    /// Promotion so far, one line a target.
    pub targets: Vec<TargetProgress>,
}

/// How far the promotion of one target has come.
#[derive(Debug, Clone, Serialize)]
pub struct TargetProgress {
    /// The final table.
    pub target: String,
    /// Batches committed.
    pub batches_done: i64,
    /// Batches laid out.
    pub batches_planned: i64,
    /// Rows in the committed batches.
    pub rows_done: i64,
    /// Rows in all batches.
    pub rows_planned: i64,
}
