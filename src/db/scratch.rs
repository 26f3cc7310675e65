//! A database for a moment: made beside the target, dropped afterwards.

use uuid::Uuid;

use super::conninfo::Target;
use super::error::{DbError, doing};
use crate::template::{TemplateError, render_wrap};

/// A database of its own on the target's server. Drop it with [`Scratch::remove`]; nothing else does.
#[derive(Debug)]
pub struct Scratch {
    beside: Target,
    name: String,
}

/// Why a scratch database was not made or dropped.
#[derive(Debug, thiserror::Error)]
pub enum ScratchError {
    /// The statement could not be made.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The server refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl ScratchError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Template(error) => error.hint(),
            Self::Db(_) => {
                Some("name a role that may create databases, or no database: then a server is started".into())
            }
        }
    }
}

impl Scratch {
    /// Makes an empty database on the server that `beside` is on.
    ///
    /// # Errors
    /// The role may not create databases, or the server does not answer.
    pub async fn create(beside: &Target) -> Result<Self, ScratchError> {
        let scratch = Self { beside: beside.clone(), name: format!("sqlmig_scratch_{}", Uuid::now_v7().simple()) };
        let create = include_str!("../../sql/wrap/create_database.sql");
        scratch.execute("create_database.sql", create, "create a scratch database").await?;
        Ok(scratch)
    }

    /// How to reach it.
    #[must_use]
    pub fn target(&self) -> Target {
        self.beside.with_database(&self.name)
    }

    /// Drops it, whoever is still connected.
    ///
    /// # Errors
    /// The server refuses or does not answer.
    pub async fn remove(self) -> Result<(), ScratchError> {
        let drop = include_str!("../../sql/wrap/drop_database.sql");
        self.execute("drop_database.sql", drop, "drop the scratch database").await
    }

    async fn execute(&self, file: &'static str, source: &'static str, action: &str) -> Result<(), ScratchError> {
        let statement = render_wrap(file, source, minijinja::context! { name => self.name.as_str() })?;
        let connection = self.beside.connect().await?;
        connection.batch_execute(&statement).await.map_err(doing(action))?;
        Ok(())
    }
}
