//! Why rows are left without vectors.

use crate::db::DbError;
use crate::db::ledger::FenceError;
use crate::provider::RequestError;
use crate::relations::RelationsError;
use crate::template::TemplateError;

/// Why rows are left without vectors.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The service is away or too busy.
    #[error("{error}; given up after {failures} failures, {fetched} vectors of this call are kept")]
    Unavailable {
        /// What it last said.
        error: RequestError,
        /// Failures without a success between.
        failures: u32,
        /// Vectors that came.
        fetched: u64,
    },
    /// The service cannot be used as it is asked.
    #[error("{error}")]
    Unusable {
        /// What it said.
        error: RequestError,
    },
    /// The next request would cost too much.
    #[error("the next request would pass {bound}: {spent}; {left} texts of those read so far are left")]
    Budget {
        /// The bound, with its option.
        bound: String,
        /// What the run has spent.
        spent: String,
        /// Texts that wait.
        left: usize,
    },
    /// Rows lack a vector that the project requires.
    #[error("rows have no embedding that must have one: {}", .0.join("; "))]
    Blocked(Vec<String>),
    /// A text is not what was recorded of it a moment ago.
    #[error("row {row} of {table} changed while its embedding was fetched")]
    Changed {
        /// The source table.
        table: String,
        /// The row.
        row: i64,
    },
    /// It was asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// A transform's SQL is wrong.
    #[error("{0}: {1}")]
    Sql(String, DbError),
    /// A transform cannot be rendered.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A relation cannot be rendered.
    #[error(transparent)]
    Relations(#[from] RelationsError),
    /// The run is another conductor's, or what it staged is gone.
    #[error(transparent)]
    Fence(#[from] FenceError),
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl EmbedError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unavailable { error, .. } | Self::Unusable { error } => error.hint(),
            Self::Budget { .. } => Some(
                "run the same command with a larger bound, or sqlmig promote, which leaves those rows without an embedding"
                    .into(),
            ),
            Self::Blocked(_) => Some(
                "see the reasons with sqlmig report; name a service with --embedding-url, or let the project's \
                 transforms/embed say severity: warn"
                    .into(),
            ),
            Self::Changed { .. } => Some("run the same command again, and leave the staging tables alone".into()),
            Self::Interrupted => None,
            Self::Sql(_, error) | Self::Db(error) => error.hint(),
            Self::Template(error) => error.hint(),
            Self::Relations(error) => error.hint(),
            Self::Fence(error) => error.hint(),
        }
    }
}
