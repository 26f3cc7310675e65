//! What was taken back, in the ledger.

use time::OffsetDateTime;
use tokio_postgres::{GenericClient, Transaction};
use uuid::Uuid;

use super::run::RunState;
use super::tables::stored_name;
use crate::db::{DbError, doing};
use crate::names::TableName;
use crate::outcome::{KeptRow, TakenBack};

/// A batch that can be taken back.
#[derive(Debug, Clone)]
pub struct UndoneBatch {
    /// Its number in the run.
    pub number: i64,
    /// The final table.
    pub target: TableName,
    /// Where its before-images are, as SQL.
    pub undo_table: Option<String>,
    /// Rows that it inserted or updated.
    pub rows_written: i64,
}

/// How a batch stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchState {
    /// `pending`, `done`, `failed` or `rolled_back`.
    pub state: String,
    /// Rows that an earlier rollback left.
    pub rows_kept: i64,
}

/// How far a run has come, and when its before-images were given up, if they were.
///
/// # Errors
/// Fails when the run is not in the ledger or the database does not answer.
pub async fn rollback_run(
    client: &impl GenericClient,
    run: Uuid,
) -> Result<(RunState, Option<OffsetDateTime>), DbError> {
    let row = client
        .query_one(include_str!("../../../sql/rollback_run.sql"), &[&run])
        .await
        .map_err(doing("read the run"))?;
    Ok((RunState::parse(row.get("state")), row.get("accepted_at")))
}

/// The batches of a run that can be taken back, the newest first; or the one asked for, if it can. `waiting` asks for those
/// only that were taken back but for rows that waited for others to go.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn rollback_batches(
    client: &impl GenericClient,
    run: Uuid,
    batch: Option<i64>,
    waiting: bool,
) -> Result<Vec<UndoneBatch>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/rollback_batches.sql"), &[&run, &batch, &waiting])
        .await
        .map_err(doing("read the batches"))?;
    Ok(rows
        .iter()
        .map(|row| UndoneBatch {
            number: row.get("number"),
            target: stored_name(row.get("target")),
            undo_table: row.get("undo_table"),
            rows_written: row.get("rows_written"),
        })
        .collect())
}

/// Locks a batch until the transaction ends; `None` where the run has none of this number.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn rollback_batch_state(tx: &Transaction<'_>, run: Uuid, number: i64) -> Result<Option<BatchState>, DbError> {
    let row = tx
        .query_opt(include_str!("../../../sql/rollback_batch_state.sql"), &[&run, &number])
        .await
        .map_err(doing("lock the batch"))?;
    Ok(row.map(|row| BatchState { state: row.get("state"), rows_kept: row.get("rows_kept") }))
}

/// Records that a batch was taken back, in the transaction that did it.
///
/// # Errors
/// Fails when the database refuses.
pub async fn rollback_batch_done(
    tx: &Transaction<'_>,
    run: Uuid,
    number: i64,
    deleted: i64,
    restored: i64,
    kept: i64,
) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/rollback_batch_done.sql"), &[&run, &number, &deleted, &restored, &kept])
        .await
        .map_err(doing("record what was taken back"))?;
    Ok(())
}

/// Records that a run is not promoted any more, in the transaction that took back a part of it.
///
/// # Errors
/// Fails when the database refuses.
pub async fn rollback_reopen(tx: &Transaction<'_>, run: Uuid) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/rollback_reopen.sql"), &[&run])
        .await
        .map_err(doing("record what was taken back"))?;
    Ok(())
}

/// Forgets the batches that a run will never do.
///
/// # Errors
/// Fails when the database refuses.
pub async fn rollback_forget(tx: &Transaction<'_>, run: Uuid) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/rollback_forget.sql"), &[&run])
        .await
        .map_err(doing("forget the batches to do"))?;
    Ok(())
}

/// Forgets which rows of a batch an earlier try left.
///
/// # Errors
/// Fails when the database refuses.
pub async fn rollback_kept_forget(tx: &Transaction<'_>, run: Uuid, batch: i64) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/rollback_kept_forget.sql"), &[&run, &batch])
        .await
        .map_err(doing("forget the rows left"))?;
    Ok(())
}

/// Rows that rollbacks left as they are, at most `limit`.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn rollback_kept(
    client: &impl GenericClient,
    run: Uuid,
    batch: Option<i64>,
    limit: i64,
) -> Result<Vec<KeptRow>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/rollback_kept.sql"), &[&run, &batch, &limit])
        .await
        .map_err(doing("read the rows left"))?;
    Ok(rows
        .iter()
        .map(|row| KeptRow {
            batch: row.get("batch"),
            target: row.get("target"),
            key: row.get("key"),
            operation: row.get("operation"),
            reason: row.get("reason"),
            detail: row.get("detail"),
        })
        .collect())
}

/// What rollbacks of a run, or of one batch, came to, by final table.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn rollback_totals(
    client: &impl GenericClient,
    run: Uuid,
    batch: Option<i64>,
) -> Result<Vec<TakenBack>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/rollback_totals.sql"), &[&run, &batch])
        .await
        .map_err(doing("count what was taken back"))?;
    Ok(rows
        .iter()
        .map(|row| TakenBack {
            target: row.get("target"),
            batches: row.get("batches"),
            rows_deleted: row.get("rows_deleted"),
            rows_restored: row.get("rows_restored"),
            rows_kept: row.get("rows_kept"),
        })
        .collect())
}

/// The key of a table of before-images; `None` where there is no such table.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn undo_key(client: &impl GenericClient, table: &str) -> Result<Option<Vec<String>>, DbError> {
    let row = client
        .query_opt(include_str!("../../../sql/undo_key.sql"), &[&table])
        .await
        .map_err(doing("look for the before-images"))?;
    Ok(row.map(|row| row.get("key")))
}

/// The tables, as SQL, that hold before-images of a run.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn undo_tables(client: &impl GenericClient, run: Uuid) -> Result<Vec<String>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/undo_tables.sql"), &[&run])
        .await
        .map_err(doing("look for the before-images"))?;
    Ok(rows.iter().map(|row| row.get("name")).collect())
}

/// Forgets a table of before-images that was dropped.
///
/// # Errors
/// Fails when the database refuses.
pub async fn undo_table_forget(tx: &Transaction<'_>, table: &str) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/undo_table_forget.sql"), &[&table])
        .await
        .map_err(doing("forget a table of before-images"))?;
    Ok(())
}

/// Records that a run is accepted as it is.
///
/// # Errors
/// Fails when the database refuses.
pub async fn run_accept(tx: &Transaction<'_>, run: Uuid) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/run_accept.sql"), &[&run]).await.map_err(doing("accept the run"))?;
    Ok(())
}
