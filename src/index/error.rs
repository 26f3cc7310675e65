//! Why an index was not built.

use tokio_postgres::error::SqlState;

use crate::db::DbError;
use crate::template::TemplateError;

/// Why an index was not built.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Another table has an index of that name.
    #[error("{index} is an index on {on}, not on {wanted}")]
    Taken {
        /// The index.
        index: String,
        /// Its table.
        on: String,
        /// The table of the project's.
        wanted: String,
    },
    /// The project declares none.
    #[error("the project {0} declares no index")]
    None(String),
    /// Its definition is wrong, or the server could not build it.
    #[error("{0}: {1}")]
    Sql(String, DbError),
    /// It was asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// A template is wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl IndexError {
    /// Whether an index of that name came to be there meanwhile (42P07, whatever kind of relation it is).
    #[must_use]
    pub fn is_there_now(&self) -> bool {
        let (Self::Sql(_, error) | Self::Db(error)) = self else { return false };
        error.server().is_some_and(|server| *server.code() == SqlState::DUPLICATE_TABLE)
    }

    /// Whether this role must not build it: only a table's owner may.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        let (Self::Sql(_, error) | Self::Db(error)) = self else { return false };
        error.server().is_some_and(|server| *server.code() == SqlState::INSUFFICIENT_PRIVILEGE)
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Taken { .. } => Some("rename the file in transforms/index, whose name is the index's".into()),
            Self::None(_) => Some("add transforms/index/<name>.sql: docs/search.md shows one".into()),
            Self::Sql(_, error) => error.hint().or_else(|| Some("sqlmig index builds it again".into())),
            Self::Interrupted => None,
            Self::Template(error) => error.hint(),
            Self::Db(error) => error.hint(),
        }
    }
}
