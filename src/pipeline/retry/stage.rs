//! The rows of a retry, put into staging from the ledger's copy of them.

use serde::Serialize;
use tokio_postgres::Transaction;
use uuid::Uuid;

use crate::db::ledger::{
    RunState, canary_forget, canary_put, retry_read, retry_tables, run_advance, source_table_insert, source_tables,
};
use crate::db::{Place, doing, staging};
use crate::decode::ColumnKind;
use crate::names::staging_table;
use crate::pipeline::PipelineError;
use crate::project::Project;
use crate::stage::lay_out;
use crate::template::{Fragment, render_wrap};

#[derive(Serialize)]
struct Rows {
    table: Fragment,
    columns: Vec<Column>,
    digests: Vec<Digest>,
}

#[derive(Clone, Serialize)]
struct Column {
    /// In the new staging table.
    name: String,
    /// In the ledger's copy.
    key: String,
    /// `::` and its type.
    cast: Fragment,
}

#[derive(Serialize)]
struct Digest {
    name: String,
    column: Column,
    /// The function that gives a vector's bytes; none for text.
    send: Option<Fragment>,
}

/// Stages the rows that a retry has taken, in place of whatever staging held; returns how many.
///
/// The rows need no source: however often staging is lost, it is filled again from here. Once the checks have run, `checked`,
/// what they have made in staging stays: it is logged, and batches may have been promoted by it.
///
/// # Errors
/// Fails when the database refuses.
pub(super) async fn stage_retry(
    tx: &Transaction<'_>,
    retry: Uuid,
    project: &Project,
    vector_schema: Option<&str>,
    checked: bool,
) -> Result<i64, PipelineError> {
    if !checked {
        staging::drop_all(tx).await?;
    }
    canary_forget(tx).await?;
    canary_put(tx, retry).await?;
    let known = source_tables(tx, retry).await?;
    let mut rows = 0;
    for (ordinal, table) in (1..).zip(retry_tables(tx, retry).await?) {
        let digested = project.settings.digest.get(&table.source).map(Vec::as_slice).unwrap_or_default();
        let own: Vec<(String, ColumnKind)> = table
            .columns
            .iter()
            .zip(&table.column_types)
            .filter(|(_, type_name)| *type_name != staging::DIGEST_TYPE)
            .map(|(name, type_name)| (name.clone(), ColumnKind::of_type(type_name)))
            .collect();
        let laid_out = lay_out(tx, &table.source, &own, digested, vector_schema).await?;
        if !known.iter().any(|known| known.source == table.source) {
            source_table_insert(tx, retry, ordinal, &laid_out).await?;
        }
        // The columns of the source come first, in their order; a name may differ where the project's digests do.
        let columns: Vec<Column> = own
            .iter()
            .zip(laid_out.columns.iter().zip(&laid_out.column_types))
            .map(|((key, _), (name, type_name))| Column {
                name: name.clone(),
                key: key.clone(),
                cast: Fragment::new(if type_name == "text" {
                    String::new()
                } else {
                    format!("::{}", staging::in_schema(vector_schema, type_name))
                }),
            })
            .collect();
        let digests = columns.iter().zip(&laid_out.column_types).filter(|(column, _)| digested.contains(&column.key));
        let context = Rows {
            table: Fragment::new(staging_table(&laid_out.staged_as)),
            digests: digests
                .map(|(column, type_name)| Digest {
                    name: staging::digest_column(&column.key),
                    column: column.clone(),
                    send: (type_name != "text")
                        .then(|| Fragment::new(staging::in_schema(vector_schema, &format!("{type_name}_send")))),
                })
                .collect(),
            columns,
        };
        let insert =
            render_wrap("quarantine_stage.sql", include_str!("../../../sql/wrap/quarantine_stage.sql"), context)
                .map_err(staging::StagingError::from)?;
        let staged = tx
            .execute(&insert, &[&retry, &table.source.to_string()])
            .await
            .map_err(doing(format!("stage the rows of {}", table.source)))?;
        let counted = retry_read(tx, retry, &table.source).await?;
        // The number of rows that a statement reports is the server's own; a difference would be a lost row.
        if i64::try_from(staged) != Ok(counted) {
            return Err(lost(&laid_out.staged_as, counted, staged));
        }
        staging::make_ready(tx, Place::Ledger, &laid_out.staged_as).await?;
        rows += counted;
    }
    if !checked {
        run_advance(tx, retry, RunState::Staged).await?;
    }
    Ok(rows)
}

fn lost(table: &str, staged: i64, found: u64) -> PipelineError {
    PipelineError::StagingLost { table: staging_table(table), staged, found: i64::try_from(found).unwrap_or(i64::MAX) }
}

/// Whether a retry's rows are still in staging, all of them.
///
/// # Errors
/// Fails when the database does not answer.
pub(super) async fn is_staged(tx: &Transaction<'_>, retry: Uuid) -> Result<bool, PipelineError> {
    for table in source_tables(tx, retry).await? {
        if staging::count(tx, &table.staged_as).await? != table.rows_staged {
            return Ok(false);
        }
    }
    Ok(true)
}
