//! Files of documentation that a run need not decode.

use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::types::ToSql;
use tokio_postgres::{GenericClient, Transaction};
use uuid::Uuid;

use crate::db::catalog::table_exists;
use crate::db::{DbError, doing};
use crate::names::TableName;
use crate::template::{Fragment, TemplateError, render_wrap};

/// Why it is not known which files are.
#[derive(Debug, thiserror::Error)]
pub enum KnownError {
    /// One of sqlmig's own statements could not be made.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl KnownError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Template(error) => error.hint(),
            Self::Db(error) => error.hint(),
        }
    }
}

/// A file that the target has as it was: type and name of its source, its path, the SHA-256 of its bytes (lower-case hex), and
/// what it was decoded by.
pub type KnownFileRow<'a> = [&'a str; 5];

/// Has a run keep what the target knows of files, as it does now; once: what the run promotes later does not change it. Where it
/// `embeds`, a file of which a document is without an embedding is not known.
///
/// # Errors
/// Fails when the database refuses.
pub async fn known_files_pin(
    tx: &Transaction<'_>,
    run: Uuid,
    known: &TableName,
    embeds: bool,
) -> Result<(), KnownError> {
    let action = "note which files are known";
    let row = tx.query_one(include_str!("../../../sql/known_files_asked.sql"), &[&run]).await.map_err(doing(action))?;
    if row.get::<_, Option<i64>>("known_files").is_some() {
        return Ok(());
    }
    tx.execute(include_str!("../../../sql/known_files_forget.sql"), &[&run]).await.map_err(doing(action))?;
    let mut files = 0;
    if table_exists(tx, known).await? {
        let context = minijinja::context! { known => Fragment::table(known), embeds };
        let source = include_str!("../../../sql/wrap/known_files_take.sql");
        let take = render_wrap("known_files_take.sql", source, context)?;
        files = tx.execute(&take, &[&run]).await.map_err(doing(action))?;
    }
    let files = super::count(files);
    tx.execute(include_str!("../../../sql/known_files_note.sql"), &[&run, &files]).await.map_err(doing(action))?;
    Ok(())
}

/// Tells of each file that a run keeps as known.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn known_files(
    client: &impl GenericClient,
    run: Uuid,
    each: impl FnMut(KnownFileRow<'_>),
) -> Result<(), KnownError> {
    let parameters: [&(dyn ToSql + Sync); 1] = [&run];
    stream(client, include_str!("../../../sql/known_files.sql"), &parameters, each).await
}

/// Tells of each file that the target knows now; of none where it has no such table or view. `embeds` as for a run.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn known_files_now(
    client: &impl GenericClient,
    known: &TableName,
    embeds: bool,
    each: impl FnMut(KnownFileRow<'_>),
) -> Result<(), KnownError> {
    if !table_exists(client, known).await? {
        return Ok(());
    }
    let context = minijinja::context! { known => Fragment::table(known), embeds };
    let source = include_str!("../../../sql/wrap/known_files_now.sql");
    let query = render_wrap("known_files_now.sql", source, context)?;
    stream(client, &query, &[], each).await
}

async fn stream(
    client: &impl GenericClient,
    query: &str,
    parameters: &[&(dyn ToSql + Sync)],
    mut each: impl FnMut(KnownFileRow<'_>),
) -> Result<(), KnownError> {
    let action = "read which files are known";
    let rows = client.query_raw(query, parameters.iter().copied()).await.map_err(doing(action))?;
    let mut rows = pin!(rows);
    while let Some(row) = rows.try_next().await.map_err(doing(action))? {
        each(["doc_type", "source_name", "path", "sha256", "decoded_by"].map(|column| row.get(column)));
    }
    Ok(())
}
