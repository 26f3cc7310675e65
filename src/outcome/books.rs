//! The books: how many rows went where.

use serde::Serialize;

/// The books of one source table. They balance when
/// `rows_read = rows_inserted + rows_updated + rows_unchanged + rows_merged + rows_quarantined`.
#[derive(Debug, Clone, Serialize)]
pub struct TableBooks {
    /// The table in the source.
    pub source: String,
    /// Its staging table, schema included.
    pub staged_as: String,
    /// Rows the reader saw.
    pub rows_read: i64,
    /// Rows in the staging table.
    pub rows_staged: i64,
    /// Rows new in the final table.
    pub rows_inserted: i64,
    /// Rows that changed the final table.
    pub rows_updated: i64,
    /// Rows the final table already had.
    pub rows_unchanged: i64,
    /// Rows merged into another as duplicates.
    pub rows_merged: i64,
    /// Rows taken out, by the decoder or a check.
    pub rows_quarantined: i64,
    /// Whether a transform of the project uses this table; one that none uses is staged and goes no further.
    pub used: bool,
    /// Whether the books balance. Of a table that no transform uses, or before promotion, whether
    /// `rows_read = rows_staged` + the rows that could not be decoded.
    pub balanced: bool,
}

/// Rows merged by one duplicate rule.
#[derive(Debug, Clone, Serialize)]
pub struct DuplicateCount {
    /// The rule's name.
    pub rule: String,
    /// Source table of the rows that lost.
    pub source: String,
    /// Rows merged into another.
    pub rows: i64,
}

/// What one promote transform wrote.
#[derive(Debug, Clone, Serialize)]
pub struct TargetCount {
    /// The transform's name.
    pub transform: String,
    /// The final table.
    pub target: String,
    /// Batches committed.
    pub batches: i64,
    /// Rows new in the target.
    pub rows_inserted: i64,
    /// Rows changed in the target.
    pub rows_updated: i64,
    /// Rows the target already had.
    pub rows_unchanged: i64,
    /// Rows deleted from the target.
    pub rows_deleted: i64,
}

/// Batches of a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct BatchCount {
    /// Committed.
    pub done: i64,
    /// Given up.
    pub failed: i64,
    /// Still to do.
    pub pending: i64,
    /// Attempts beyond the first.
    pub retried: i64,
    /// Taken back after they were committed.
    pub rolled_back: i64,
}

/// Statements of one kind in the source.
#[derive(Debug, Clone, Serialize)]
pub struct StatementCount {
    /// Kind, e.g. `CREATE FUNCTION`.
    pub kind: String,
    /// How many.
    pub count: i64,
}
