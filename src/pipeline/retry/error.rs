//! Why rows in quarantine were not tried again.

use uuid::Uuid;

use crate::decode::RowError;

/// Why rows in quarantine were not tried again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// Staging holds a run that is not at its end, and a retry would take its place.
    #[error("run {run} is {state}: it is not at its end, and what it staged would be lost")]
    Unfinished {
        /// The run.
        run: Uuid,
        /// How far it came.
        state: &'static str,
        /// The command that ends it.
        finish: String,
    },
    /// The run was set aside.
    #[error("run {0} was set aside for another, so most of its rows are not promoted")]
    SetAside(Uuid),
    /// The run was loaded by another project.
    #[error("run {run} is of project {theirs}, and this is project {ours}")]
    OtherProject {
        /// The run.
        run: Uuid,
        /// Its project.
        theirs: String,
        /// The project in use.
        ours: String,
    },
    /// No row is meant.
    #[error("no row in the quarantine of run {run} is left to try again{which}")]
    Nothing {
        /// The run.
        run: Uuid,
        /// Which rows were asked for.
        which: String,
    },
    /// All rows that are meant could not be decoded.
    #[error("the {rows} rows that are meant could not be decoded, so there is nothing that could be staged")]
    OnlyUndecoded {
        /// How many.
        rows: i64,
    },
    /// There is no such table.
    #[error("run {run} has no table {table}; it has {known}")]
    NoTable {
        /// The run.
        run: Uuid,
        /// The table.
        table: String,
        /// Those that it has.
        known: String,
    },
    /// There is no such row.
    #[error("row {row} of {table} is not in the quarantine of run {run}")]
    NoRow {
        /// The run.
        run: Uuid,
        /// The table.
        table: String,
        /// The row.
        row: i64,
    },
    /// A retry has the row already.
    #[error("row {row} of {table} was tried again by run {by}")]
    Taken {
        /// The table.
        table: String,
        /// The row.
        row: i64,
        /// The retry.
        by: Uuid,
    },
    /// The row has no such column.
    #[error("{table} has no column {column:?}; it has {known}")]
    NoColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Those that it has.
        known: String,
    },
    /// The raw row does not say what the other columns are.
    #[error("{reason}, so the raw row does not tell what stands in {missing}")]
    Unread {
        /// Why it cannot be read.
        reason: String,
        /// The columns that must be given.
        missing: String,
    },
    /// The mended row is no row either.
    #[error("the mended row cannot be decoded: {0}")]
    Value(RowError),
}

impl RetryError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unfinished { run, finish, .. } => {
                format!("{finish}, or take it back with sqlmig rollback --run {run}; then try again")
            }
            Self::SetAside(_) => "load its source again: sqlmig run SOURCE".into(),
            Self::OtherProject { .. } => "name its project with --project DIR".into(),
            Self::OnlyUndecoded { .. } | Self::Taken { .. } => {
                "mend one with sqlmig quarantine retry TABLE ROW --set COLUMN=VALUE; sqlmig quarantine show TABLE ROW shows it"
                    .into()
            }
            Self::Nothing { .. } | Self::NoTable { .. } | Self::NoRow { .. } => "sqlmig quarantine list shows what there is".into(),
            Self::NoColumn { .. } => "sqlmig quarantine show TABLE ROW shows the row".into(),
            Self::Unread { .. } => {
                "give each of these with --set COLUMN=VALUE or --set-null COLUMN, or mend the source and load it again".into()
            }
            Self::Value(_) => "give the value as a dump would have it, and nothing that its column cannot hold".into(),
        })
    }
}
