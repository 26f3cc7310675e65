//! Source tables, their chunks, and the statements beside them in the ledger.

use tokio_postgres::{GenericClient, Transaction};
use uuid::Uuid;

use super::count;
use crate::db::{DbError, doing};
use crate::names::TableName;

/// A source table as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceTable {
    /// The table in the source.
    pub source: TableName,
    /// Its staging table, unquoted and without the schema.
    pub staged_as: String,
    /// The staging table's columns, `_row` not among them.
    pub columns: Vec<String>,
    /// Their types: `text`, `bytea`, or one of pgvector's.
    pub column_types: Vec<String>,
    /// Rows the reader saw.
    pub rows_read: i64,
    /// Rows of them that could not be decoded.
    pub rows_rejected: i64,
    /// Rows the server counted in the staging table.
    pub rows_staged: i64,
    /// Bytes that its rows have in the source; 0 where they come from elsewhere.
    pub bytes_read: i64,
    /// The reader's digest, as a decimal number.
    pub digest: Option<String>,
}

/// Records a table that the source turned out to hold.
///
/// # Errors
/// Fails when the database refuses the row.
pub async fn source_table_insert(
    client: &impl GenericClient,
    run: Uuid,
    ordinal: i32,
    table: &SourceTable,
) -> Result<(), DbError> {
    client
        .execute(
            include_str!("../../../sql/source_table_insert.sql"),
            &[&run, &table.source.to_string(), &ordinal, &table.staged_as, &table.columns, &table.column_types],
        )
        .await
        .map_err(doing("record a table of the source"))?;
    Ok(())
}

/// Records the reader's own numbers of a table.
///
/// # Errors
/// Fails when the database refuses the row.
pub async fn source_table_read(
    tx: &Transaction<'_>,
    run: Uuid,
    source: &TableName,
    rows_read: u64,
    rows_rejected: u64,
    bytes_read: u64,
    digest: &str,
) -> Result<(), DbError> {
    tx.execute(
        include_str!("../../../sql/source_table_read.sql"),
        &[&run, &source.to_string(), &count(rows_read), &count(rows_rejected), &count(bytes_read), &digest],
    )
    .await
    .map_err(doing("record what was read"))?;
    Ok(())
}

/// Records how many rows the server counted in a staging table.
///
/// # Errors
/// Fails when the database refuses the row.
pub async fn source_table_staged(
    tx: &Transaction<'_>,
    run: Uuid,
    source: &TableName,
    rows_staged: i64,
) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/source_table_staged.sql"), &[&run, &source.to_string(), &rows_staged])
        .await
        .map_err(doing("record what was staged"))?;
    Ok(())
}

/// The source tables of a run, in the order of the source.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn source_tables(client: &impl GenericClient, run: Uuid) -> Result<Vec<SourceTable>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/source_tables.sql"), &[&run])
        .await
        .map_err(doing("read the run's tables"))?;
    Ok(rows
        .iter()
        .map(|row| SourceTable {
            source: stored_name(row.get("source")),
            staged_as: row.get("staged_as"),
            columns: row.get("columns"),
            column_types: row.get("column_types"),
            rows_read: row.get("rows_read"),
            rows_rejected: row.get("rows_rejected"),
            rows_staged: row.get("rows_staged"),
            bytes_read: row.get("bytes_read"),
            digest: row.get("digest"),
        })
        .collect())
}

/// A name that the ledger holds: it was written by `Display`, which parses back.
pub(super) fn stored_name(text: &str) -> TableName {
    text.parse().unwrap_or_else(|_| TableName::unqualified(text))
}

/// A contiguous range of rows of one source table, as the reader took it and one COPY sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Ordinal of its first row.
    pub first_row: u64,
    /// Ordinal of its last row.
    pub last_row: u64,
    /// Rows that COPY took.
    pub rows_staged: u64,
    /// Rows in quarantine.
    pub rows_rejected: u64,
    /// Bytes the rows had in the source.
    pub bytes: u64,
    /// Digest of all its rows in their order.
    pub content_digest: i64,
}

/// A place in the source's text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: u64,
    /// Byte offset, from 0.
    pub byte: u64,
    /// Whether the rows that follow begin each on the line after the one before.
    pub consecutive: bool,
}

/// Records a chunk, in the transaction that copied it; `place` is where its first row stands, `stored_bytes` what of the source
/// as stored was read for it.
///
/// # Errors
/// Fails when the database refuses the row.
pub async fn chunk_insert(
    tx: &deadpool_postgres::Transaction<'_>,
    run: Uuid,
    source: &TableName,
    chunk: &Chunk,
    place: Place,
    stored_bytes: Option<u64>,
) -> Result<(), DbError> {
    let doing = || doing("record a chunk");
    let statement = tx.prepare_cached(include_str!("../../../sql/chunk_insert.sql")).await.map_err(doing())?;
    tx.execute(
        &statement,
        &[
            &run,
            &source.to_string(),
            &count(chunk.first_row),
            &count(chunk.last_row),
            &count(chunk.rows_staged),
            &count(chunk.rows_rejected),
            &count(chunk.bytes),
            &chunk.content_digest,
            &count(place.line),
            &count(place.byte),
            &place.consecutive,
            &stored_bytes.map(count),
        ],
    )
    .await
    .map_err(doing())?;
    Ok(())
}

/// The chunks of a run that were committed, by source table.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn chunks(client: &impl GenericClient, run: Uuid) -> Result<Vec<(TableName, Chunk)>, DbError> {
    let rows =
        client.query(include_str!("../../../sql/chunks.sql"), &[&run]).await.map_err(doing("read the run's chunks"))?;
    let number = |value: i64| u64::try_from(value).unwrap_or_default();
    Ok(rows
        .iter()
        .map(|row| {
            let chunk = Chunk {
                first_row: number(row.get("first_row")),
                last_row: number(row.get("last_row")),
                rows_staged: number(row.get("rows_staged")),
                rows_rejected: number(row.get("rows_rejected")),
                bytes: number(row.get("bytes")),
                content_digest: row.get("content_digest"),
            };
            (stored_name(row.get("source")), chunk)
        })
        .collect())
}

/// Forgets what was staged of a run, because it is no longer there: its chunks, and the rows that could not be decoded, which
/// will be met again.
///
/// # Errors
/// Fails when the database refuses.
pub async fn chunks_forget(tx: &Transaction<'_>, run: Uuid) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/chunks_forget.sql"), &[&run])
        .await
        .map_err(doing("forget what was staged"))?;
    Ok(())
}

/// Records what else the source held, by kind and number.
///
/// # Errors
/// Fails when the database refuses the rows.
pub async fn source_statement_insert<'a>(
    tx: &Transaction<'_>,
    run: Uuid,
    statements: impl Iterator<Item = (&'a str, u64)>,
) -> Result<(), DbError> {
    let (kinds, counts): (Vec<&str>, Vec<i64>) = statements.map(|(kind, number)| (kind, count(number))).unzip();
    tx.execute(include_str!("../../../sql/source_statement_insert.sql"), &[&run, &kinds, &counts])
        .await
        .map_err(doing("record the source's other statements"))?;
    Ok(())
}
