//! Why a plan could not be made, or is not followed.

use crate::check::CheckError;
use crate::db::DbError;
use crate::db::ledger::KnownError;
use crate::db::migrate::MigrateError;
use crate::embed::EmbedError;
use crate::promote::PromoteError;
use crate::relations::RelationsError;
use crate::stage::StageError;
use crate::template::TemplateError;

/// Why a plan could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A thread failed.
    #[error("reading the source failed: {0}")]
    Thread(String),
    /// A migration is misnamed.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// It is not known which files of a tree are known.
    #[error(transparent)]
    Known(#[from] KnownError),
    /// The source can't be read or staged.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// A normalise transform is wrong.
    #[error(transparent)]
    Relations(#[from] RelationsError),
    /// A check or a duplicate rule could not run.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// It was not known which rows want an embedding.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// A promote transform does not fit its target.
    #[error(transparent)]
    Promote(#[from] PromoteError),
    /// A template is wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The database does not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl PlanError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Thread(_) => None,
            Self::Migrate(error) => error.hint(),
            Self::Known(error) => error.hint(),
            Self::Stage(error) => error.hint(),
            Self::Relations(error) => error.hint(),
            Self::Check(error) => error.hint(),
            Self::Embed(error) => error.hint(),
            Self::Promote(error) => error.hint(),
            Self::Template(error) => error.hint(),
            Self::Db(error) => error.hint(),
        }
    }
}
