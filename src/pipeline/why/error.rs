//! Why the fate of a row cannot be told.

/// Why the fate of a row cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum WhyError {
    /// Neither a source nor a final table.
    #[error("{table} is neither a table of a source nor a final table; there is {known}")]
    NoTable {
        /// The table.
        table: String,
        /// Those that there are.
        known: String,
    },
    /// A row's number says nothing where several source tables feed a final table.
    #[error("row:{row} is a row of a source table, and {table} is fed by {sources}")]
    SeveralSources {
        /// The row.
        row: i64,
        /// The final table.
        table: String,
        /// Its source tables.
        sources: String,
    },
    /// The source table's rows go to no final table, so they have no key.
    #[error("rows of {0} go to no final table, so they have no key")]
    NoKey(String),
    /// Not a number.
    #[error("{0:?} is no row: write row:N, N from 1")]
    NotARow(String),
    /// The pairs do not name the key.
    #[error("the key of {table} is {key}; {missing} is not given")]
    PartOfKey {
        /// The final table.
        table: String,
        /// Its key.
        key: String,
        /// What is missing.
        missing: String,
    },
}

impl WhyError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoTable { .. } => "name a table of the dump, or one that the project promotes to".into(),
            Self::SeveralSources { .. } => "name one of these".into(),
            Self::NoKey(_) => "name the row by its number: row:N".into(),
            Self::NotARow(_) => "sqlmig quarantine list and sqlmig report show the numbers of rows".into(),
            Self::PartOfKey { .. } => "give every column of the key, as column=value, or all values as a/b/c".into(),
        })
    }
}
