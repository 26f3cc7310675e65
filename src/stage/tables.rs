//! Staging tables on the server: made, emptied, dropped, counted.

use std::sync::Arc;

use serde::Serialize;
use tokio_postgres::GenericClient;

use crate::db::catalog::staging_tables;
use crate::db::doing;
use crate::names::{STAGING_SCHEMA, ident};
use crate::project::{Fragment, render_wrap};

use super::StageError;
use super::layout::{Layout, digest_column, vector_type};

/// What marks a table as made by sqlmig.
const MARK: &str = "sqlmig: staging";

#[derive(Serialize)]
struct Table {
    table: Fragment,
    columns: Vec<Column>,
}

#[derive(Serialize)]
struct Column {
    name: String,
    r#type: Fragment,
    send: Option<Fragment>,
}

/// Names and types of a staging table's columns, `_row` not among them.
pub(super) fn column_types(layout: &Layout) -> (Vec<String>, Vec<String>) {
    let own = layout.columns.iter().map(|c| (c.name.clone(), vector_type(c.kind).unwrap_or("text").to_owned()));
    let digests =
        layout.digested.iter().map(|&index| (digest_column(&layout.columns[index].source_name), "bytea".into()));
    own.chain(digests).unzip()
}

/// Makes the staging table of `layout`, in place of one that an earlier run left.
///
/// # Errors
/// Fails when a table of that name exists that sqlmig did not make, or the database refuses.
pub(super) async fn create(
    client: &impl GenericClient,
    layout: &Layout,
    vector_schema: Option<&str>,
) -> Result<(), StageError> {
    let existing = staging_tables(client).await?;
    if existing.iter().any(|table| table.name == layout.staged_as && !table.ours) {
        return Err(StageError::Foreign { table: layout.table() });
    }
    let (names, types) = column_types(layout);
    let columns = names
        .into_iter()
        .zip(types)
        .map(|(name, type_name)| {
            let type_name = match type_name.as_str() {
                "text" | "bytea" => type_name,
                vector => in_schema(vector_schema, vector),
            };
            Column { name, r#type: Fragment::new(type_name), send: None }
        })
        .collect();
    drop_table(client, &layout.staged_as).await?;
    let context = Table { table: Fragment::new(layout.table()), columns };
    let create =
        render_wrap("create_staging_table.sql", include_str!("../../sql/wrap/create_staging_table.sql"), context)?;
    let action = || format!("create {}", layout.table());
    client.batch_execute(&create).await.map_err(doing(action()))?;
    let text: Vec<String> =
        layout.columns.iter().filter(|c| vector_type(c.kind).is_none()).map(|c| c.name.clone()).collect();
    if !text.is_empty() {
        let context = minijinja::context! { table => Fragment::new(layout.table()), columns => text };
        let store =
            render_wrap("store_uncompressed.sql", include_str!("../../sql/wrap/store_uncompressed.sql"), context)?;
        client.batch_execute(&store).await.map_err(doing(action()))?;
    }
    mark(client, &layout.table()).await?;
    Ok(())
}

/// Marks a table as made by sqlmig.
///
/// # Errors
/// Fails when the database refuses.
pub(crate) async fn mark(client: &impl GenericClient, table: &str) -> Result<(), StageError> {
    let context = minijinja::context! { table => Fragment::new(table), comment => MARK };
    let mark = render_wrap("mark_table.sql", include_str!("../../sql/wrap/mark_table.sql"), context)?;
    client.batch_execute(&mark).await.map_err(doing(format!("mark {table}")))?;
    Ok(())
}

fn in_schema(schema: Option<&str>, name: &str) -> String {
    match schema {
        Some(schema) => format!("{}.{}", ident(schema), ident(name)),
        None => ident(name),
    }
}

/// Drops what an earlier run left in staging; returns how many tables that were.
///
/// # Errors
/// Fails when the database refuses.
pub(super) async fn drop_all(client: &impl GenericClient) -> Result<usize, StageError> {
    let ours: Vec<_> = staging_tables(client).await?.into_iter().filter(|table| table.ours).collect();
    for table in &ours {
        drop_table(client, &table.name).await?;
    }
    Ok(ours.len())
}

async fn drop_table(client: &impl GenericClient, name: &str) -> Result<(), StageError> {
    let drop = one_table("drop_table.sql", include_str!("../../sql/wrap/drop_table.sql"), name)?;
    client.batch_execute(&drop).await.map_err(doing(format!("drop staging table {name}")))?;
    Ok(())
}

/// Empties every staging table of sqlmig; returns their names.
///
/// # Errors
/// Fails when the database refuses.
pub(crate) async fn truncate_all(client: &impl GenericClient) -> Result<Vec<String>, StageError> {
    let ours: Vec<_> = staging_tables(client).await?.into_iter().filter(|table| table.ours).collect();
    for table in &ours {
        let truncate = one_table("truncate_table.sql", include_str!("../../sql/wrap/truncate_table.sql"), &table.name)?;
        client.batch_execute(&truncate).await.map_err(doing(format!("empty staging table {}", table.name)))?;
    }
    Ok(ours.into_iter().map(|table| table.name).collect())
}

/// Makes a filled staging table ready to be read: an index on `_row` and statistics for the planner.
///
/// # Errors
/// Fails when the database refuses.
pub(super) async fn make_ready(client: &impl GenericClient, layout: &Layout) -> Result<(), StageError> {
    let name = &layout.staged_as;
    let index = one_table("index_staging_rows.sql", include_str!("../../sql/wrap/index_staging_rows.sql"), name)?;
    client.batch_execute(&index).await.map_err(doing(format!("index {}", layout.table())))?;
    let analyze = one_table("analyze_table.sql", include_str!("../../sql/wrap/analyze_table.sql"), name)?;
    client.batch_execute(&analyze).await.map_err(doing(format!("analyze {}", layout.table())))?;
    Ok(())
}

fn one_table(file: &'static str, source: &'static str, staged_as: &str) -> Result<String, StageError> {
    let table = format!("{}.{}", ident(STAGING_SCHEMA), ident(staged_as));
    Ok(render_wrap(file, source, minijinja::context! { table => Fragment::new(table) })?)
}

/// The COPY statement of a table's chunks.
///
/// # Errors
/// Fails when the template cannot be rendered.
pub(super) fn copy_statement(layout: &Arc<Layout>) -> Result<String, StageError> {
    let context = minijinja::context! { table => Fragment::new(layout.table()), columns => layout.column_names() };
    Ok(render_wrap("copy_chunk.sql", include_str!("../../sql/wrap/copy_chunk.sql"), context)?)
}

/// Rows and digest of a staging table, as the server counts them.
///
/// # Errors
/// Fails when the database does not answer.
pub(super) async fn count_and_digest(
    client: &impl GenericClient,
    layout: &Layout,
    vector_schema: Option<&str>,
) -> Result<(i64, String), StageError> {
    let columns = layout
        .columns
        .iter()
        .map(|column| Column {
            name: column.name.clone(),
            r#type: Fragment::new(""),
            send: vector_type(column.kind).map(|name| Fragment::new(in_schema(vector_schema, &format!("{name}_send")))),
        })
        .collect();
    let context = Table { table: Fragment::new(layout.table()), columns };
    let query = render_wrap("table_digest.sql", include_str!("../../sql/wrap/table_digest.sql"), context)?;
    let row = client.query_one(&query, &[]).await.map_err(doing(format!("count and digest {}", layout.table())))?;
    Ok((row.get("rows"), row.get("digest")))
}
