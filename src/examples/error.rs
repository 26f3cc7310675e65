//! Why a case could not be tried.

use tokio_postgres::error::SqlState;

use crate::check::CheckError;
use crate::db::DbError;
use crate::names::TableName;
use crate::relations::RelationsError;
use crate::stage::StageError;
use crate::template::TemplateError;

/// Why a case could not be tried.
#[derive(Debug, thiserror::Error)]
pub(super) enum CaseError {
    /// No given table is what the transform reads.
    #[error("the example gives no row of {0}")]
    NotGiven(String),
    /// The final table is not there.
    #[error("there is no table {0}")]
    NoTarget(TableName),
    /// The final table has no such column.
    #[error("{0} has no column {1:?}")]
    NoColumn(TableName, String),
    /// The rows could not be staged.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The canonical relations could not be built.
    #[error(transparent)]
    Relations(#[from] RelationsError),
    /// A duplicate rule failed.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// A template is wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl CaseError {
    /// What to do next.
    fn hint(&self) -> Option<String> {
        match self {
            Self::NotGiven(_) => Some("the transform is skipped then; give it a table in [[case.given]]".into()),
            Self::NoTarget(_) | Self::NoColumn(..) => Some("correct the name, or add a migration".into()),
            Self::Stage(error) => error.hint(),
            Self::Relations(error) => error.hint(),
            Self::Check(error) => error.hint(),
            Self::Template(error) => error.hint(),
            Self::Db(error) if error.sqlstate() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => {
                Some("a transform only reads: leave out the function that writes".into())
            }
            Self::Db(error) => error.hint(),
        }
    }

    /// Message and hint as what stands in place of a difference.
    pub(super) fn told(&self) -> String {
        match self.hint() {
            Some(hint) => format!("{self}\nhint: {hint}"),
            None => self.to_string(),
        }
    }
}
