//! Why checking stopped.

use crate::db::DbError;
use crate::db::ledger::FenceError;
use crate::db::staging::StagingError;
use crate::limits::MaxRejects;
use crate::relations::RelationsError;
use crate::template::TemplateError;

/// Why checking stopped.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A check of severity `error` found something: nothing may be promoted.
    #[error("{} found what must not be promoted: {}", plural(.0.len()), .0.join(", "))]
    Blocked(Vec<String>),
    /// A duplicate rule yields what would lose a row.
    #[error("duplicate rule {rule}: row {row} of {source_table} {reason}")]
    Dedup {
        /// The rule.
        rule: String,
        /// Source table of the row.
        source_table: String,
        /// The row.
        row: i64,
        /// What is wrong.
        reason: String,
    },
    /// More rows are out than allowed.
    #[error("{rejected} rows were taken out, more than --max-rejects {limit} allows")]
    TooManyRejects {
        /// Rows in quarantine.
        rejected: u64,
        /// The limit.
        limit: MaxRejects,
    },
    /// A table of sqlmig's own in staging could not be made.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// The canonical relations could not be built.
    #[error(transparent)]
    Relations(#[from] RelationsError),
    /// A template is wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A check tried to write.
    #[error("a check may only read: {0}")]
    Writes(DbError),
    /// The run is another conductor's.
    #[error(transparent)]
    Fence(#[from] FenceError),
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

fn plural(checks: usize) -> String {
    if checks == 1 { "a check".into() } else { format!("{checks} checks") }
}

impl CheckError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Blocked(_) => {
                Some("see the rows with sqlmig report; mend the source or the check, then run it again".into())
            }
            Self::Dedup { .. } => {
                Some("a duplicate rule yields each losing row once, with a winner that is no loser itself".into())
            }
            Self::TooManyRejects { .. } => {
                Some("see them with sqlmig report; mend the source or raise --max-rejects".into())
            }
            Self::Staging(error) => error.hint(),
            Self::Relations(error) => error.hint(),
            Self::Template(error) => error.hint(),
            Self::Writes(_) => Some("take out of its SELECT the function that writes".into()),
            Self::Fence(error) => error.hint(),
            Self::Db(error) => error.hint(),
        }
    }
}
