//! Why the canonical relations could not be built.

use crate::db::DbError;
use crate::template::TemplateError;

/// Why the canonical relations could not be built.
#[derive(Debug, thiserror::Error)]
pub enum RelationsError {
    /// A template is wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A transform's SQL is wrong.
    #[error("{0}: {1}")]
    Sql(String, DbError),
    /// A transform does not say which row its rows come from.
    #[error("{0} yields no column _row")]
    NoRow(String),
    /// Two files of one relation yield different columns.
    #[error("{file} yields other columns than the first transform into {relation}: {found}; expected {expected}")]
    Columns {
        /// The file.
        file: String,
        /// The relation.
        relation: String,
        /// Columns of the first.
        expected: String,
        /// Columns of this one.
        found: String,
    },
    /// The database does not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl RelationsError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Template(error) => error.hint(),
            Self::Sql(_, error) | Self::Db(error) => error.hint(),
            Self::NoRow(_) => {
                Some("select _row from {{ rows }} first: it names the row from here to the report".into())
            }
            Self::Columns { .. } => {
                Some("give every transform into one relation the same columns in the same order".into())
            }
        }
    }
}
