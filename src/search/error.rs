//! Why nothing could be searched.

use crate::db::DbError;
use crate::provider::RequestError;
use crate::template::TemplateError;

/// Why nothing could be searched.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The project has no search.
    #[error("the project {0} has no search")]
    None(String),
    /// The search's SELECT is wrong.
    #[error("{0}: {1}")]
    Sql(String, DbError),
    /// It does not yield what it must.
    #[error("{0}: it yields no column {1:?}")]
    Column(String, &'static str),
    /// The server does not search as it must for a comparison of the two ways.
    #[error("{0}: {1}")]
    Plan(String, &'static str),
    /// The text's vector could not be fetched.
    #[error("{0}")]
    Service(RequestError),
    /// A template is wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl SearchError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::None(_) => Some("add transforms/search/<name>.sql: docs/search.md shows one".into()),
            Self::Sql(_, error) | Self::Db(error) => error.hint(),
            Self::Column(..) => Some("a search yields row, distance and text, nearest first".into()),
            Self::Plan(..) => Some("the search must order by the very expression that the index is of".into()),
            Self::Service(error) => error.hint(),
            Self::Template(error) => error.hint(),
        }
    }
}
