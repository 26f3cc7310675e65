//! What checks found.

use serde::Serialize;

use super::Severity;

/// What one check found.
#[derive(Debug, Clone, Serialize)]
pub struct CheckResult {
    /// Its name: the file's stem.
    pub name: String,
    /// `check`, `dedup` or `validate`.
    pub phase: String,
    /// The table it looked at.
    pub on: String,
    /// What its findings mean.
    pub severity: Severity,
    /// Rows looked at.
    pub rows_examined: i64,
    /// Rows found.
    pub rows_failed: i64,
    /// Milliseconds the query took.
    pub elapsed_ms: i64,
    /// Why it did not run, if it did not.
    pub skipped: Option<String>,
}

/// One row that a check found.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Source table.
    pub source: String,
    /// The row's ordinal in it, from 1; none where what was found is no row of the source.
    pub row: Option<i64>,
    /// What names it then.
    pub subject: Option<String>,
    /// The check.
    pub check: String,
    /// What is wrong with it.
    pub reason: String,
    /// Line in the source's text, from 1, where it is known.
    pub line: Option<i64>,
}

/// What a check found of one row.
#[derive(Debug, Clone, Serialize)]
pub struct FoundBy {
    /// `check` or `validate`.
    pub phase: String,
    /// The check.
    pub check: String,
    /// What its findings mean.
    pub severity: Option<String>,
    /// What is wrong with the row.
    pub reason: String,
}
