//! What a search found.

use serde::Serialize;

/// What `sqlmig search` shows.
#[derive(Debug, Clone, Serialize)]
pub struct SearchReport {
    /// [`super::FORMAT`].
    pub format: u32,
    /// Whether an index found the rows; without one every row is looked at.
    pub index_used: bool,
    /// The rows, nearest first.
    pub hits: Vec<Hit>,
}

/// One row that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// What names the row.
    pub row: String,
    /// Distance from what was asked for, as the project measures it; 0 is the same.
    pub distance: f64,
    /// Some of its text.
    pub text: String,
}
