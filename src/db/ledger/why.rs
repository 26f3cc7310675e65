//! What the ledger knows of one row, and of what happened to a run.

use serde_json::{Map, Value};
use time::OffsetDateTime;
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use crate::db::{DbError, doing};
use crate::outcome::{ChunkPlace, FateBatch, MergedWith, QuarantinedRow, RunEvent};

/// Everything that happened to a run, in order.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn run_events(client: &impl GenericClient, run: Uuid) -> Result<Vec<RunEvent>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/run_events.sql"), &[&run])
        .await
        .map_err(doing("read the run's events"))?;
    let event = |row: &Row| RunEvent {
        at: row.get::<_, OffsetDateTime>("at"),
        kind: row.get("kind"),
        message: row.get("message"),
        who: row.get("who"),
        client_address: row.get("client_address"),
        application: row.get("application"),
    };
    Ok(rows.iter().map(event).collect())
}

/// The run that staging holds, unless a crash of the server has emptied it.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn staged_run(client: &impl GenericClient) -> Result<Option<Uuid>, DbError> {
    let row = client
        .query_opt(include_str!("../../../sql/staged_run.sql"), &[])
        .await
        .map_err(doing("ask which run is staged"))?;
    Ok(row.map(|row| row.get("run_id")))
}

/// The chunk that a row was staged with, and the line and byte of the row where they are known.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn why_chunk(
    client: &impl GenericClient,
    run: Uuid,
    source: &str,
    row: i64,
) -> Result<Option<(ChunkPlace, Option<i64>, Option<i64>)>, DbError> {
    let found = client
        .query_opt(include_str!("../../../sql/why_chunk.sql"), &[&run, &source, &row])
        .await
        .map_err(doing("read the chunk of a row"))?;
    Ok(found.map(|row| {
        let chunk = ChunkPlace {
            first_row: row.get("first_row"),
            last_row: row.get("last_row"),
            first_line: row.get("first_line"),
            first_byte: row.get("first_byte"),
        };
        (chunk, row.get("line"), row.get("byte"))
    }))
}

/// What a row was merged into, and the rows that were merged into it.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn why_merged(
    client: &impl GenericClient,
    run: Uuid,
    source: &str,
    row: i64,
) -> Result<(Option<MergedWith>, Vec<MergedWith>), DbError> {
    let rows = client
        .query(include_str!("../../../sql/why_merged.sql"), &[&run, &source, &row])
        .await
        .map_err(doing("read the duplicates of a row"))?;
    let with = |row: &Row| MergedWith { rule: row.get("rule"), source: row.get("source"), row: row.get("row") };
    let into_that = |row: &&Row| row.get::<_, bool>("into_that");
    let into = rows.iter().find(into_that).map(with);
    Ok((into, rows.iter().filter(|row| !into_that(row)).map(with).collect()))
}

/// A row as a run's quarantine has it, and as it was staged.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn why_quarantine(
    client: &impl GenericClient,
    run: Uuid,
    source: &str,
    row: i64,
) -> Result<Option<(QuarantinedRow, Option<Map<String, Value>>)>, DbError> {
    let found = client
        .query_opt(include_str!("../../../sql/why_quarantine.sql"), &[&run, &source, &row])
        .await
        .map_err(doing("look for a row in quarantine"))?;
    Ok(found.map(|row| (super::quarantine::entry(&row), object(row.get("staged")))))
}

/// A row that a retry took: the run that it took it from, the columns that were given by hand, and the row.
#[derive(Debug, Clone)]
pub struct RetriedRow {
    /// The run whose quarantine it was in.
    pub from_run: Uuid,
    /// Columns that were given by hand.
    pub mended: Vec<String>,
    /// The row as it was tried.
    pub staged: Option<Map<String, Value>>,
}

/// A row that a retry took.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn why_retry(
    client: &impl GenericClient,
    run: Uuid,
    source: &str,
    row: i64,
) -> Result<Option<RetriedRow>, DbError> {
    let found = client
        .query_opt(include_str!("../../../sql/why_retry.sql"), &[&run, &source, &row])
        .await
        .map_err(doing("look for a row that was tried again"))?;
    Ok(found.map(|row| RetriedRow {
        from_run: row.get("from_run"),
        mended: row.get("mended"),
        staged: object(row.get("staged")),
    }))
}

/// The batches whose range a row is in, and those that are named; each with its undo table.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn why_batches(
    client: &impl GenericClient,
    run: Uuid,
    place: Option<(&str, i64)>,
    named: &[i64],
) -> Result<Vec<(FateBatch, Option<String>)>, DbError> {
    let (source, row) = place.unzip();
    let rows = client
        .query(include_str!("../../../sql/why_batches.sql"), &[&run, &source, &row, &named])
        .await
        .map_err(doing("read the batches of a row"))?;
    let batch = |row: &Row| {
        let batch = FateBatch {
            number: row.get("number"),
            transform: row.get("transform"),
            target: row.get("target"),
            first_row: row.get("first_row"),
            last_row: row.get("last_row"),
            state: row.get("state"),
            attempts: row.get("attempts"),
            xid: row.get("xid"),
            epoch: row.get("epoch"),
            finished_at: row.get("finished_at"),
            operation: None,
        };
        (batch, row.get("undo_table"))
    };
    Ok(rows.iter().map(batch).collect())
}

/// The tables that hold before-images of a final table, as SQL.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn why_undo_tables(client: &impl GenericClient, target: &str) -> Result<Vec<String>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/why_undo_tables.sql"), &[&target])
        .await
        .map_err(doing("look for before-images"))?;
    Ok(rows.iter().map(|row| row.get("undo_table")).collect())
}

/// The batch that wrote the version of a row whose `xmin` this is.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn why_written_by(
    client: &impl GenericClient,
    target: &str,
    xmin: i64,
) -> Result<Option<(Uuid, i64)>, DbError> {
    let row = client
        .query_opt(include_str!("../../../sql/why_written_by.sql"), &[&target, &xmin])
        .await
        .map_err(doing("look for the batch that wrote a row"))?;
    Ok(row.map(|row| (row.get("run_id"), row.get("number"))))
}

/// Rows of these tables that could not be decoded in a run, so that they have no key.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn why_undecoded(client: &impl GenericClient, run: Uuid, sources: &[String]) -> Result<i64, DbError> {
    let row = client
        .query_one(include_str!("../../../sql/why_undecoded.sql"), &[&run, &sources])
        .await
        .map_err(doing("count the rows that could not be decoded"))?;
    Ok(row.get("rows"))
}

fn object(value: Option<Value>) -> Option<Map<String, Value>> {
    match value {
        Some(Value::Object(object)) => Some(object),
        _ => None,
    }
}
