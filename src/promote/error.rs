//! Why promotion stopped.

use crate::db::DbError;
use crate::db::ledger::FenceError;
use crate::names::TableName;
use crate::relations::RelationsError;
use crate::template::TemplateError;

/// Why promotion stopped.
#[derive(Debug, thiserror::Error)]
pub enum PromoteError {
    /// There is no such table to write to.
    #[error("{transform}: the target has no table {target}")]
    NoTarget {
        /// The transform's file.
        transform: String,
        /// The final table.
        target: TableName,
    },
    /// The transform's columns are not the target's.
    #[error("{transform}: {reason}")]
    Columns {
        /// The transform's file.
        transform: String,
        /// Which, and why.
        reason: String,
    },
    /// The key that a transform names is not unique in the target.
    #[error("{transform}: {target} has no unique index on exactly ({key}), or one of these may be null")]
    NoUniqueKey {
        /// The transform's file.
        transform: String,
        /// The final table.
        target: TableName,
        /// The key's columns.
        key: String,
    },
    /// Several rows of the run have one key.
    #[error("{transform}: several rows of this run go to one row of {target}: {keys}")]
    SameKey {
        /// The transform's file.
        transform: String,
        /// The final table.
        target: TableName,
        /// Some of the keys, with the number of rows.
        keys: String,
    },
    /// A transform's SQL is wrong.
    #[error("{0}: {1}")]
    Sql(String, DbError),
    /// A batch's numbers do not add up.
    #[error("batch {batch} of {transform} (rows {first_row} to {last_row}): {reason}; it was rolled back")]
    Counts {
        /// The transform's file.
        transform: String,
        /// The batch.
        batch: i64,
        /// First row.
        first_row: i64,
        /// Last row.
        last_row: i64,
        /// What does not add up.
        reason: String,
    },
    /// The database refused a batch.
    #[error(
        "batch {batch} of {transform} ({}) was rolled back: {error}",
        rows(source_table.as_ref(), *first_row, *last_row)
    )]
    Batch {
        /// The transform's file.
        transform: String,
        /// The batch.
        batch: i64,
        /// The source table, if it promotes one's rows.
        source_table: Option<TableName>,
        /// First row.
        first_row: i64,
        /// Last row.
        last_row: i64,
        /// What the database said.
        error: DbError,
    },
    /// The run is another conductor's, or what it staged is gone.
    #[error(transparent)]
    Fence(#[from] FenceError),
    /// The database refuses row after row.
    #[error("more than {bound}: {last}")]
    TooManyRefused {
        /// The bound.
        bound: String,
        /// What it said of the last.
        last: Box<PromoteError>,
    },
    /// Another worker gave a batch up.
    #[error("batch {batch} of {transform} was given up by another worker: {error}")]
    GivenUp {
        /// The transform's file.
        transform: String,
        /// The batch.
        batch: i64,
        /// What it said.
        error: String,
    },
    /// Batches are left that nobody promoted.
    #[error("{0} batches of the run are not done")]
    Unfinished(i64),
    /// It was asked to stop, and did so between two batches.
    #[error("promotion was stopped between two batches")]
    Interrupted,
    /// The canonical relations could not be built.
    #[error(transparent)]
    Relations(#[from] RelationsError),
    /// A template is wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Whose rows, and which.
fn rows(source: Option<&TableName>, first: i64, last: i64) -> String {
    let of = source.map(|source| format!(" of {source}")).unwrap_or_default();
    if first == last { format!("row {first}{of}") } else { format!("rows {first} to {last}{of}") }
}

impl PromoteError {
    /// What the database said, if it was the database that failed.
    pub(super) fn database(&self) -> Option<&DbError> {
        match self {
            Self::Batch { error, .. }
            | Self::Sql(_, error)
            | Self::Db(error)
            | Self::Fence(FenceError::Db(error))
            | Self::Relations(RelationsError::Db(error)) => Some(error),
            _ => None,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoTarget { .. } => Some("add a migration that creates it, or correct the header's target".into()),
            Self::Columns { .. } => Some("the SELECT yields the target's columns by their names".into()),
            Self::NoUniqueKey { .. } => {
                Some("name the columns of a unique constraint as key, or add one in a migration: not deferrable, each column not null".into())
            }
            Self::SameKey { .. } => Some("add a duplicate rule (transforms/dedup) that leaves one row of each key".into()),
            Self::Counts { .. } => {
                Some("every row that enters a promote transform must leave it once: look for joins and conditions that drop or repeat rows".into())
            }
            Self::Batch { error, .. } => error.hint().or_else(|| {
                error.is_data().then(|| {
                    "add a check that takes such rows out, mend the source or change the target; sqlmig promote then goes on".into()
                })
            }),
            Self::Sql(_, error) | Self::Db(error) => error.hint(),
            Self::Relations(error) => error.hint(),
            Self::Template(error) => error.hint(),
            Self::Fence(error) => error.hint(),
            Self::TooManyRefused { .. } => Some(
                "mend the transform, the target or the source, or allow more (--max-rejects); sqlmig promote then tries the refused rows again"
                    .into(),
            ),
            Self::GivenUp { .. } => Some("once that is mended, sqlmig promote goes on from here".into()),
            Self::Unfinished(_) | Self::Interrupted => {
                Some("run the same command again: what is promoted stays, and the rest is promoted".into())
            }
        }
    }
}
