//! Staging tables of a layout: made, filled, counted.

use serde::Serialize;
use tokio_postgres::GenericClient;

use crate::db::catalog::staging_tables;
use crate::db::ledger::SourceTable;
use crate::db::{Place, doing, staging};
use crate::template::{Fragment, render_wrap};

use super::StageError;
use super::layout::{Layout, vector_type};

#[derive(Serialize)]
struct Created {
    kind: Fragment,
    table: Fragment,
    columns: Vec<Column>,
}

#[derive(Serialize)]
struct Column {
    name: String,
    r#type: Fragment,
}

/// Names and types of a staging table's columns, `_row` not among them.
fn column_types(layout: &Layout) -> (Vec<String>, Vec<String>) {
    let own = layout.columns.iter().map(|c| (c.name.clone(), vector_type(c.kind).unwrap_or("text").to_owned()));
    let digests = layout
        .digested
        .iter()
        .map(|&index| (staging::digest_column(&layout.columns[index].source_name), "bytea".into()));
    own.chain(digests).unzip()
}

/// Whether a table that the ledger has is one of this layout.
pub(super) fn is_of(recorded: &SourceTable, layout: &Layout) -> bool {
    let (names, types) = column_types(layout);
    recorded.staged_as == layout.staged_as && recorded.columns == names && recorded.column_types == types
}

/// Makes the staging table of `layout`, in place of one that an earlier run left; returns what the ledger records of it.
///
/// # Errors
/// Fails when a table of that name exists that sqlmig did not make, or the database refuses.
pub(super) async fn create(
    client: &impl GenericClient,
    layout: &Layout,
    vector_schema: Option<&str>,
) -> Result<SourceTable, StageError> {
    let existing = staging_tables(client).await?;
    if existing.iter().any(|table| table.name == layout.staged_as && !table.ours) {
        return Err(StageError::Foreign { table: layout.table() });
    }
    staging::drop_table(client, &layout.staged_as).await?;
    let table = create_in(client, Place::Ledger, layout, vector_schema).await?;
    staging::mark(client, &layout.staged_as).await?;
    Ok(table)
}

/// Makes the table of `layout` where nothing of its name is: an UNLOGGED one in staging, or a temporary one.
///
/// # Errors
/// The database refuses.
pub(super) async fn create_in(
    client: &impl GenericClient,
    place: Place,
    layout: &Layout,
    vector_schema: Option<&str>,
) -> Result<SourceTable, StageError> {
    let table = place.table(&layout.staged_as);
    let (names, types) = column_types(layout);
    let columns = names
        .iter()
        .zip(&types)
        .map(|(name, type_name)| {
            let type_name = match type_name.as_str() {
                "text" | "bytea" => type_name.clone(),
                vector => staging::in_schema(vector_schema, vector),
            };
            Column { name: name.clone(), r#type: Fragment::new(type_name) }
        })
        .collect();
    let kind = Fragment::new(if place == Place::Ledger { "unlogged table" } else { "temporary table" });
    let context = Created { kind, table: Fragment::new(table.clone()), columns };
    let create =
        render_wrap("create_staging_table.sql", include_str!("../../sql/wrap/create_staging_table.sql"), context)?;
    let action = || format!("create {table}");
    client.batch_execute(&create).await.map_err(doing(action()))?;
    let text: Vec<String> =
        layout.columns.iter().filter(|c| vector_type(c.kind).is_none()).map(|c| c.name.clone()).collect();
    if !text.is_empty() {
        let context = minijinja::context! { table => Fragment::new(table.clone()), columns => text };
        let store =
            render_wrap("store_uncompressed.sql", include_str!("../../sql/wrap/store_uncompressed.sql"), context)?;
        client.batch_execute(&store).await.map_err(doing(action()))?;
    }
    Ok(SourceTable {
        source: layout.source.clone(),
        staged_as: layout.staged_as.clone(),
        columns: names,
        column_types: types,
        rows_read: 0,
        rows_rejected: 0,
        rows_staged: 0,
        bytes_read: 0,
        digest: None,
    })
}

/// The COPY statement of a table's chunks.
///
/// # Errors
/// Fails when the template cannot be rendered.
pub(super) fn copy_statement(layout: &Layout, place: Place) -> Result<String, StageError> {
    let table = Fragment::new(place.table(&layout.staged_as));
    let context = minijinja::context! { table, columns => layout.column_names() };
    Ok(render_wrap("copy_chunk.sql", include_str!("../../sql/wrap/copy_chunk.sql"), context)?)
}

/// Rows of a staging table and the sum of their digests, as the server has them.
///
/// # Errors
/// Fails when the database does not answer.
pub(super) async fn count_and_digest(
    client: &impl GenericClient,
    layout: &Layout,
) -> Result<(i64, String), StageError> {
    let context = minijinja::context! { table => Fragment::new(layout.table()) };
    let query = render_wrap("table_digest.sql", include_str!("../../sql/wrap/table_digest.sql"), context)?;
    let row = client.query_one(&query, &[]).await.map_err(doing(format!("count and digest {}", layout.table())))?;
    Ok((row.get("rows"), row.get("digest")))
}
