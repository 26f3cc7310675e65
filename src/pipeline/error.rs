//! Why a run stopped.

use uuid::Uuid;

use crate::check::CheckError;
use crate::db::DbError;
use crate::db::migrate::MigrateError;
use crate::db::server_info::ServerError;
use crate::db::staging::StagingError;
use crate::promote::PromoteError;
use crate::relations::RelationsError;
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
    /// The project was changed between two steps of a run.
    #[error("run {0} was staged with another version of the project")]
    OtherProject(Uuid),
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
    /// Checking failed.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// Promotion failed.
    #[error(transparent)]
    Promote(#[from] PromoteError),
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
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoRun(_) => Some("see sqlmig history; load something with sqlmig run SOURCE".into()),
            Self::TooEarly { .. } => {
                Some("the order is stage, check, promote, validate; sqlmig run does all four".into())
            }
            Self::Superseded { .. } => {
                Some("stage its source again: sqlmig run SOURCE goes on from what is promoted".into())
            }
            Self::StagingLost { .. } => Some(
                "staging is emptied by rollback --staging and by a crash of the server: stage the source again".into(),
            ),
            Self::OtherProject(_) => Some("use the project it was staged with, or stage again".into()),
            Self::Incomplete(_) => {
                Some("get the whole source; --allow-incomplete promotes what was read of this one".into())
            }
            Self::Unused(_) => Some(
                "sqlmig stage loads any dump into staging; --project DIR names a project that uses its tables".into(),
            ),
            Self::Migrate(error) => error.hint(),
            Self::Stage(error) => error.hint(),
            Self::Relations(error) => error.hint(),
            Self::Check(error) => error.hint(),
            Self::Promote(error) => error.hint(),
            Self::Validate(error) => error.hint(),
            Self::Retry(error) => error.hint(),
            Self::Why(error) => error.hint(),
            Self::Server(error) => error.hint(),
            Self::Staging(error) => error.hint(),
            Self::Db(error) => error.hint(),
        }
    }
}
