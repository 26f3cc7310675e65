//! What holds for every table in the staging schema, whatever is staged in it: marked, emptied, dropped, made ready.

use serde::Serialize;
use tokio_postgres::GenericClient;

use super::Place;
use super::catalog::staging_tables;
use super::{DbError, doing};
use crate::names::{fit, ident, staging_table};
use crate::template::{Fragment, TemplateError, render_wrap};

/// What marks a table as made by sqlmig.
const MARK: &str = "sqlmig: staging";

/// Type of the columns that hold the SHA-256 of another. A source's own columns are text or vectors.
pub const DIGEST_TYPE: &str = "bytea";

/// Why a staging table was not changed.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// One of sqlmig's own statements could not be made.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl StagingError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Template(error) => error.hint(),
            Self::Db(error) => error.hint(),
        }
    }
}

/// Marks a staging table as made by sqlmig: only such a table is ever emptied or dropped.
///
/// # Errors
/// Fails when the database refuses.
pub async fn mark(client: &impl GenericClient, name: &str) -> Result<(), StagingError> {
    let context = minijinja::context! { table => Fragment::new(staging_table(name)), comment => MARK };
    let mark = render_wrap("mark_table.sql", include_str!("../../sql/wrap/mark_table.sql"), context)?;
    client.batch_execute(&mark).await.map_err(doing(format!("mark staging table {name}")))?;
    Ok(())
}

/// Drops a staging table, if there is one of this name.
///
/// # Errors
/// Fails when the database refuses.
pub async fn drop_table(client: &impl GenericClient, name: &str) -> Result<(), StagingError> {
    let source = include_str!("../../sql/wrap/drop_table.sql");
    execute(client, "drop", name, "drop_table.sql", source).await
}

/// Drops every staging table of sqlmig; returns how many that were.
///
/// # Errors
/// Fails when the database refuses.
pub async fn drop_all(client: &impl GenericClient) -> Result<usize, StagingError> {
    let names = ours(client).await?;
    for name in &names {
        drop_table(client, name).await?;
    }
    Ok(names.len())
}

/// Empties every staging table of sqlmig; returns their names.
///
/// # Errors
/// Fails when the database refuses.
pub async fn truncate_all(client: &impl GenericClient) -> Result<Vec<String>, StagingError> {
    let names = ours(client).await?;
    let source = include_str!("../../sql/wrap/truncate_table.sql");
    for name in &names {
        execute(client, "empty", name, "truncate_table.sql", source).await?;
    }
    Ok(names)
}

/// Makes a filled staging table ready to be read: an index on `_row` and statistics for the planner.
///
/// # Errors
/// Fails when the database refuses.
pub async fn make_ready(client: &impl GenericClient, place: Place, name: &str) -> Result<(), StagingError> {
    let index = include_str!("../../sql/wrap/index_staging_rows.sql");
    execute_in(client, place, "index", name, "index_staging_rows.sql", index).await?;
    let analyze = include_str!("../../sql/wrap/analyze_table.sql");
    execute_in(client, place, "analyze", name, "analyze_table.sql", analyze).await
}

/// What the reader's digest of a row is held against: the hash of its columns, but for sqlmig's own, as SQL. Of a vector it
/// is its binary form that is hashed.
#[must_use]
pub fn row_hash(columns: &[String], types: &[String], vector_schema: Option<&str>) -> Fragment {
    let hashed = columns.iter().zip(types).filter(|(_, type_name)| *type_name != DIGEST_TYPE);
    let hashed = hashed.map(|(name, type_name)| match type_name.as_str() {
        // Whatever the database sorts by, its bytes are hashed.
        "text" => format!("{} collate \"C\"", ident(name)),
        vector => format!("{}({})", in_schema(vector_schema, &format!("{vector}_send")), ident(name)),
    });
    Fragment::new(format!("pg_catalog.hash_record_extended(row({}), 0)", hashed.collect::<Vec<_>>().join(", ")))
}

/// The columns whose SHA-256 is staged beside them: their bytes, as SQL, and the column of the digest.
#[must_use]
pub fn digested(columns: &[String], types: &[String], vector_schema: Option<&str>) -> Vec<Digested> {
    let held = columns.iter().zip(types).filter(|(_, type_name)| *type_name != DIGEST_TYPE);
    let beside = held.filter_map(|(name, type_name)| {
        let digest = digest_column(name);
        let bytes = match type_name.as_str() {
            "text" => format!("pg_catalog.convert_to({}, 'UTF8')", ident(name)),
            vector => format!("{}({})", in_schema(vector_schema, &format!("{vector}_send")), ident(name)),
        };
        columns.contains(&digest).then(|| Digested { bytes: Fragment::new(bytes), digest })
    });
    beside.collect()
}

/// A column whose SHA-256 is staged with it.
#[derive(Debug, Serialize)]
pub struct Digested {
    /// Its bytes, as SQL.
    pub bytes: Fragment,
    /// Name of the column of the digest.
    pub digest: String,
}

/// Name of the staging column that holds the SHA-256 of `column`.
#[must_use]
pub fn digest_column(column: &str) -> String {
    fit(&format!("_{column}_sha256"))
}

/// A name of pgvector's, in the schema where it is installed.
#[must_use]
pub fn in_schema(schema: Option<&str>, name: &str) -> String {
    schema.map_or_else(|| ident(name), |schema| format!("{}.{}", ident(schema), ident(name)))
}

/// Whether there is a staging table of this name.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn exists(client: &impl GenericClient, name: &str) -> Result<bool, DbError> {
    Ok(staging_tables(client).await?.iter().any(|table| table.name == name))
}

/// Rows of a staging table; 0 where it is gone.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn count(client: &impl GenericClient, name: &str) -> Result<i64, StagingError> {
    if !exists(client, name).await? {
        return Ok(0);
    }
    let context = minijinja::context! { table => Fragment::new(staging_table(name)) };
    let query = render_wrap("count_rows.sql", include_str!("../../sql/wrap/count_rows.sql"), context)?;
    let row = client.query_one(&query, &[]).await.map_err(doing(format!("count staging table {name}")))?;
    Ok(row.get("rows"))
}

/// Names of the staging tables that sqlmig made.
async fn ours(client: &impl GenericClient) -> Result<Vec<String>, DbError> {
    let tables = staging_tables(client).await?;
    Ok(tables.into_iter().filter(|table| table.ours).map(|table| table.name).collect())
}

/// Runs a statement that needs nothing but the table's name.
async fn execute(
    client: &impl GenericClient,
    verb: &str,
    name: &str,
    file: &'static str,
    source: &'static str,
) -> Result<(), StagingError> {
    execute_in(client, Place::Ledger, verb, name, file, source).await
}

/// The same, of a table that may be the session's own.
async fn execute_in(
    client: &impl GenericClient,
    place: Place,
    verb: &str,
    name: &str,
    file: &'static str,
    source: &'static str,
) -> Result<(), StagingError> {
    let index = fit(&format!("rows {name}"));
    let table = place.table(name);
    let context = minijinja::context! { table => Fragment::new(table.clone()), table_name => table, index };
    let statement = render_wrap(file, source, context)?;
    client.batch_execute(&statement).await.map_err(doing(format!("{verb} staging table {name}")))?;
    Ok(())
}
