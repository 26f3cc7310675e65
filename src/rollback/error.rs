//! Why nothing, or no more, was taken back.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::db::DbError;
use crate::db::ledger::FenceError;
use crate::db::staging::StagingError;
use crate::names::TableName;
use crate::template::TemplateError;

/// Why nothing, or no more, was taken back.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// The run was accepted, and its before-images are gone.
    #[error("run {run} was accepted on {}: its before-images were given up", .at.date())]
    Accepted {
        /// The run.
        run: Uuid,
        /// When.
        at: OffsetDateTime,
    },
    /// The run has no batch of this number.
    #[error("run {run} has no batch {batch}")]
    NoBatch {
        /// The run.
        run: Uuid,
        /// The number asked for.
        batch: i64,
    },
    /// The batch was not promoted.
    #[error("batch {batch} of run {run} is {state}: it wrote nothing")]
    NotPromoted {
        /// The run.
        run: Uuid,
        /// The batch.
        batch: i64,
        /// Its state.
        state: String,
    },
    /// Only a run that is done can be accepted.
    #[error("run {run} is {state}: it cannot be accepted")]
    NotDone {
        /// The run.
        run: Uuid,
        /// Its state.
        state: &'static str,
    },
    /// The final table is gone.
    #[error("there is no table {0} any more")]
    TargetGone(TableName),
    /// The final table's columns are not those that the before-images have.
    #[error("the columns of {target} are no longer those of the before-images in {undo_table}")]
    TargetChanged {
        /// The final table.
        target: TableName,
        /// Where the before-images are.
        undo_table: String,
    },
    /// There are no before-images that could be used.
    #[error("the before-images of batch {batch} are gone: there is no {undo_table} that this version of sqlmig made")]
    NoImages {
        /// The batch.
        batch: i64,
        /// Where they should be.
        undo_table: String,
    },
    /// Deleting rows would change others that cannot be seen.
    #[error(
        "rows of {table} may refer to those of {target} ({constraint}), and would go or change with them; this role may not read {table}"
    )]
    Unreadable {
        /// The final table.
        target: TableName,
        /// The table that refers to it.
        table: TableName,
        /// The foreign key.
        constraint: String,
    },
    /// The database refused a batch.
    #[error("batch {batch} of {target} was not taken back: {error}")]
    Batch {
        /// The batch.
        batch: i64,
        /// The final table.
        target: TableName,
        /// What the database said.
        error: DbError,
    },
    /// It was asked to stop.
    #[error("the rollback was stopped between two batches")]
    Interrupted,
    /// The run is another conductor's.
    #[error(transparent)]
    Fence(#[from] FenceError),
    /// Staging could not be emptied.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// One of sqlmig's own statements could not be made.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl RollbackError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Accepted { .. } | Self::NoImages { .. } => {
                Some("load an older dump to get an earlier state back".into())
            }
            Self::NoBatch { .. } => {
                Some("sqlmig report --output json counts the batches; sqlmig.batch has each".into())
            }
            Self::NotPromoted { .. } => Some("only what was promoted can be taken back".into()),
            Self::NotDone { .. } => Some("a run is done when sqlmig validate has proven it; see sqlmig status".into()),
            Self::TargetGone(_) => Some("sqlmig rollback --batch N takes back what went to other tables".into()),
            Self::TargetChanged { undo_table, .. } => {
                Some(format!("bring its columns to what they were, or put back by hand what {undo_table} holds"))
            }
            Self::Unreadable { table, .. } => Some(format!("grant the role select on {table}")),
            Self::Batch { error, .. } | Self::Db(error) => error.hint(),
            Self::Interrupted => Some("run the same command again: it goes on from here".into()),
            Self::Fence(error) => error.hint(),
            Self::Staging(error) => error.hint(),
            Self::Template(error) => error.hint(),
        }
    }

    /// Whether a lock was waited for in vain.
    pub(super) fn is_lock_timeout(&self) -> bool {
        matches!(self, Self::Db(error) | Self::Staging(StagingError::Db(error)) if error.is_lock_timeout())
    }

    /// Whether the same may well succeed when it is tried again.
    pub(super) fn is_retryable(&self) -> bool {
        match self {
            Self::Batch { error, .. } | Self::Db(error) | Self::Fence(FenceError::Db(error)) => error.is_retryable(),
            _ => false,
        }
    }
}
