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
    #[error("batch {batch} of {transform} (rows {first_row} to {last_row}) was rolled back: {error}")]
    Batch {
        /// The transform's file.
        transform: String,
        /// The batch.
        batch: i64,
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
    /// A worker panicked.
    #[error("a promotion worker failed: {0}")]
    Worker(String),
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

impl PromoteError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoTarget { .. } => Some("add a migration that creates it, or correct the header's target".into()),
            Self::Columns { .. } => Some("the SELECT yields the target's columns by their names".into()),
            Self::NoUniqueKey { .. } => {
                Some("name the columns of a unique constraint as key, or add one in a migration, each column not null".into())
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
            Self::Worker(_) => None,
        }
    }
}
