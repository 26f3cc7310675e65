//! Why a run stopped.

use uuid::Uuid;

use crate::check::CheckError;
use crate::db::DbError;
use crate::db::ledger::{FenceError, KnownError};
use crate::db::lock::LockError;
use crate::db::migrate::MigrateError;
use crate::db::server_info::ServerError;
use crate::db::staging::StagingError;
use crate::embed::EmbedError;
use crate::index::IndexError;
use crate::promote::PromoteError;
use crate::relations::RelationsError;
use crate::search::SearchError;
use crate::stage::StageError;
use crate::validate::ValidateError;

use super::retry::RetryError;
use super::why::WhyError;

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The database has no run.
    #[error("there is no run{}", .0.map_or_else(String::new, |id| format!(" {id}")))]
    NoRun(Option<Uuid>),
    /// A step was asked for before the one that it builds on.
    #[error("run {run} is {state}: it cannot be {wanted} yet")]
    TooEarly {
        /// The run.
        run: Uuid,
        /// How far it came.
        state: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
    /// The run is at its end, without being done.
    #[error("run {run} is {state}: it cannot be {wanted} any more")]
    Ended {
        /// The run.
        run: Uuid,
        /// How it ended.
        state: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
    /// Another source was staged since.
    #[error("run {run} is no longer staged: run {newer} was staged after it")]
    Superseded {
        /// The run.
        run: Uuid,
        /// The newest run.
        newer: Uuid,
    },
    /// A staging table no longer holds what was staged.
    #[error("{table} holds {found} rows, {staged} were staged")]
    StagingLost {
        /// The staging table.
        table: String,
        /// Rows when it was staged.
        staged: i64,
        /// Rows now.
        found: i64,
    },
    /// An unfinished run was begun with something else.
    #[error("run {run} is not finished, and was begun with another {}", .parts.join("; another "))]
    Differs {
        /// The run.
        run: Uuid,
        /// What differs: then and now.
        parts: Vec<String>,
    },
    /// The source can't be read.
    #[error("{source_name} can't be read: {error}")]
    Unreadable {
        /// The source.
        source_name: String,
        /// Why.
        error: std::io::Error,
    },
    /// It was asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// The run is another conductor's, or what it staged is gone.
    #[error(transparent)]
    Fence(#[from] FenceError),
    /// No conductor laid out batches in this time.
    #[error("no run with batches to promote appeared within {} s", .0.as_secs())]
    NothingToJoin(std::time::Duration),
    /// The run lock is not held any more.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The source ended before its proper end.
    #[error("the source is incomplete: {0}")]
    Incomplete(String),
    /// No transform uses any table of the source.
    #[error("the project {0} uses no table of this source")]
    Unused(String),
    /// Migrations failed.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// Staging failed.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The canonical relations could not be built.
    #[error(transparent)]
    Relations(#[from] RelationsError),
    /// It is not known which files of a tree are known.
    #[error(transparent)]
    Known(#[from] KnownError),
    /// Checking failed.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// Rows are left without embeddings.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// Promotion failed.
    #[error(transparent)]
    Promote(#[from] PromoteError),
    /// No embeddings service is named.
    #[error("no embeddings service is named")]
    NoService,
    /// An index was not built.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Nothing could be searched.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// Validation failed.
    #[error(transparent)]
    Validate(#[from] ValidateError),
    /// Rows in quarantine were not tried again.
    #[error(transparent)]
    Retry(#[from] RetryError),
    /// The fate of a row cannot be told.
    #[error(transparent)]
    Why(#[from] WhyError),
    /// The server cannot be used.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Staging could not be counted.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl PipelineError {
    /// Whether staged rows are gone, and the source would have to be staged again.
    #[must_use]
    pub fn is_staging_lost(&self) -> bool {
        matches!(
            self,
            Self::StagingLost { .. }
                | Self::Fence(FenceError::StagingLost(_))
                | Self::Stage(StageError::Fence(FenceError::StagingLost(_)))
                | Self::Embed(EmbedError::Fence(FenceError::StagingLost(_)))
                | Self::Promote(PromoteError::Fence(FenceError::StagingLost(_)))
        )
    }

    /// Whether another process has taken the run on.
    #[must_use]
    pub fn is_taken_over(&self) -> bool {
        matches!(
            self,
            Self::Fence(FenceError::TakenOver(_)) | Self::Promote(PromoteError::Fence(FenceError::TakenOver(_)))
        )
    }

    /// Whether it was asked to stop.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        matches!(
            self,
            Self::Interrupted
                | Self::Stage(StageError::Interrupted)
                | Self::Embed(EmbedError::Interrupted)
                | Self::Index(IndexError::Interrupted)
                | Self::Promote(PromoteError::Interrupted)
        )
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoRun(_) => Some("see sqlmig history; load something with sqlmig run SOURCE".into()),
            Self::TooEarly { .. } => {
                Some("the order is stage, check, embed, promote, validate; sqlmig run does all five".into())
            }
            Self::Ended { .. } => Some("load its source again: sqlmig run SOURCE".into()),
            Self::Superseded { .. } => {
                Some("stage its source again: sqlmig run SOURCE goes on from what is promoted".into())
            }
            Self::StagingLost { .. } => Some(
                "staging is emptied by rollback --staging and by a crash of the server: sqlmig run SOURCE (or sqlmig stage \
                 SOURCE) stages it again, and what is promoted is kept"
                    .into(),
            ),
            Self::Differs { .. } => Some(
                "finish it with what it was begun with; or --restart sets it aside and begins a new run (what it promoted \
                 stays, and sqlmig rollback --run takes it back)"
                    .into(),
            ),
            Self::Unreadable { .. } => Some("check the path and its permissions".into()),
            Self::Interrupted => None,
            Self::Fence(error) => error.hint(),
            Self::Lock(error) => error.hint(),
            Self::NothingToJoin(_) => Some("start sqlmig run SOURCE or sqlmig promote, and workers beside it".into()),
            Self::Incomplete(_) => {
                Some("get the whole source; --allow-incomplete promotes what was read of this one".into())
            }
            Self::Unused(_) => Some(
                "sqlmig stage loads any dump into staging; --project DIR names a project that uses its tables".into(),
            ),
            Self::Migrate(error) => error.hint(),
            Self::Stage(error) => error.hint(),
            Self::Relations(error) => error.hint(),
            Self::Known(error) => error.hint(),
            Self::Check(error) => error.hint(),
            Self::Embed(error) => error.hint(),
            Self::Promote(error) => error.hint(),
            Self::NoService => Some("name one with --embedding-url".into()),
            Self::Index(error) => error.hint(),
            Self::Search(error) => error.hint(),
            Self::Validate(error) => error.hint(),
            Self::Retry(error) => error.hint(),
            Self::Why(error) => error.hint(),
            Self::Server(error) => error.hint(),
            Self::Staging(error) => error.hint(),
            Self::Db(error) => error.hint(),
        }
    }
}
