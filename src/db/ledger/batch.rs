//! Batches of promotion in the ledger.

use std::time::Duration;

use deadpool_postgres::Transaction as Pooled;
use tokio_postgres::{GenericClient, Row, Transaction};
use uuid::Uuid;

use super::milliseconds;
use super::tables::stored_name;
use crate::db::{DbError, doing};
use crate::names::TableName;

/// A batch in a worker's hand.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Its number in the run, from 1.
    pub number: i64,
    /// The source table whose rows it promotes; none for a transform that reads no source rows.
    pub source: Option<TableName>,
    /// First `_row` of its range.
    pub first_row: i64,
    /// Last `_row` of its range.
    pub last_row: i64,
    /// Whether its rows enter the books.
    pub counted: bool,
    /// Times it failed since it has had this range.
    pub failures: i32,
    /// Times it took too long since it has had this range.
    pub timeouts: i32,
    /// Whether a foreign key has held it up since it has had this range: how many batches of its transform were done then.
    pub put_off: Option<i64>,
    /// How many are done now; not counted for a batch that nothing has held up.
    pub done_before: Option<i64>,
}

/// What a batch wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchResult {
    /// Rows new in the target.
    pub inserted: i64,
    /// Rows changed in the target.
    pub updated: i64,
    /// Rows the target already had.
    pub unchanged: i64,
    /// Rows deleted from the target.
    pub deleted: i64,
}

/// What is left of a transform's batches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchesLeft {
    /// Batches to do, those in other workers' hands among them.
    pub pending: i64,
    /// Those among them that a foreign key has held up.
    pub put_off: i64,
    /// Rows in their ranges.
    pub rows: i64,
    /// The first that was given up, and why.
    pub failed: Option<(i64, String)>,
}

/// How a batch stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchStanding {
    /// `pending`, `done` or `failed`.
    pub state: String,
    /// The transaction that did it.
    pub xid: Option<String>,
    /// First `_row` of its range.
    pub first_row: i64,
    /// Last `_row` of its range.
    pub last_row: i64,
    /// Times it failed since it has had this range.
    pub failures: i32,
    /// How many batches were done when a foreign key last held it up.
    pub put_off: Option<i64>,
}

/// Rows of each final table that a run has written or found as they are; `None` where that does not hold any more, since a
/// batch of it was taken back.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn promoted_rows(client: &impl GenericClient, run: Uuid) -> Result<Vec<(TableName, Option<i64>)>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/promoted_rows.sql"), &[&run])
        .await
        .map_err(doing("count what a run has promoted"))?;
    Ok(rows.iter().map(|row| (stored_name(row.get("target")), row.get("rows"))).collect())
}

/// Rows in quarantine, against the rows read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusals {
    /// Rows in quarantine.
    pub quarantined: i64,
    /// Those among them that the database refused in promotion.
    pub refused: i64,
    /// Rows that the reader saw.
    pub rows_read: i64,
}

/// What of a batch's failure is recorded.
#[derive(Debug, Clone, Copy)]
pub struct BatchFailure<'a> {
    /// The error, without secrets.
    pub error: &'a str,
    /// Whether it is given up.
    pub given_up: bool,
    /// Whether it took too long.
    pub timed_out: bool,
    /// When anyone may claim it again.
    pub retry_after: Duration,
}

/// What is left of a transform.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn batches_left(client: &impl GenericClient, run: Uuid, transform: &str) -> Result<BatchesLeft, DbError> {
    let row = client
        .query_one(include_str!("../../../sql/batches_left.sql"), &[&run, &transform])
        .await
        .map_err(doing("count batches"))?;
    let failed: Option<i64> = row.get("failed");
    let error = row.get::<_, Option<String>>("error").unwrap_or_default();
    Ok(BatchesLeft {
        pending: row.get("pending"),
        put_off: row.get("put_off"),
        rows: row.get("rows"),
        failed: failed.map(|number| (number, error)),
    })
}

/// Batches of a run that are pending, and the first that was given up.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn batches_unfinished(client: &impl GenericClient, run: Uuid) -> Result<(i64, Option<i64>), DbError> {
    let row = client
        .query_one(include_str!("../../../sql/batches_unfinished.sql"), &[&run])
        .await
        .map_err(doing("count batches"))?;
    Ok((row.get("pending"), row.get("failed")))
}

/// Takes the next batch of this epoch that no other worker has in hand; it is this transaction's until that ends.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn batch_claim(tx: &Pooled<'_>, run: Uuid, transform: &str, epoch: i64) -> Result<Option<Batch>, DbError> {
    let row = claim(tx, include_str!("../../../sql/batch_claim.sql"), run, transform, epoch).await;
    let row = row.map_err(doing("claim a batch"))?;
    Ok(row.map(|row| claimed(&row, None, None)))
}

/// As [`batch_claim`], of those that a foreign key has held up and that are worth another try.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn batch_claim_put_off(
    tx: &Pooled<'_>,
    run: Uuid,
    transform: &str,
    epoch: i64,
) -> Result<Option<Batch>, DbError> {
    let row = claim(tx, include_str!("../../../sql/batch_claim_put_off.sql"), run, transform, epoch).await;
    let row = row.map_err(doing("claim a batch that was put off"))?;
    Ok(row.map(|row| claimed(&row, row.get("put_off"), Some(row.get("done")))))
}

async fn claim(
    tx: &Pooled<'_>,
    sql: &str,
    run: Uuid,
    transform: &str,
    epoch: i64,
) -> Result<Option<Row>, tokio_postgres::Error> {
    let statement = tx.prepare_cached(sql).await?;
    tx.query_opt(&statement, &[&run, &transform, &epoch]).await
}

fn claimed(row: &Row, put_off: Option<i64>, done_before: Option<i64>) -> Batch {
    Batch {
        number: row.get("number"),
        source: row.get::<_, Option<&str>>("source").map(stored_name),
        first_row: row.get("first_row"),
        last_row: row.get("last_row"),
        counted: row.get("counted"),
        failures: row.get("failures"),
        timeouts: row.get("timeouts"),
        put_off,
        done_before,
    }
}

/// Records a batch's result, in the transaction that wrote its rows; returns that transaction's id.
///
/// # Errors
/// Fails when the database refuses.
pub async fn batch_done(
    tx: &Pooled<'_>,
    run: Uuid,
    batch: &Batch,
    result: BatchResult,
    undo_table: &str,
    epoch: i64,
    elapsed: Duration,
) -> Result<String, DbError> {
    let doing = || doing("record a batch");
    let statement = tx.prepare_cached(include_str!("../../../sql/batch_done.sql")).await.map_err(doing())?;
    let row = tx
        .query_one(
            &statement,
            &[
                &run,
                &batch.number,
                &result.inserted,
                &result.updated,
                &result.unchanged,
                &undo_table,
                &epoch,
                &milliseconds(elapsed),
                &result.deleted,
            ],
        )
        .await
        .map_err(doing())?;
    Ok(row.get("xid"))
}

/// How a batch stands, once no other transaction has it in hand; `None` when it was laid out anew. It is this transaction's
/// until that ends.
///
/// # Errors
/// Fails when the database does not answer; by lock timeout while another transaction has it.
pub async fn batch_settle(tx: &Transaction<'_>, run: Uuid, number: i64) -> Result<Option<BatchStanding>, DbError> {
    let row = tx
        .query_opt(include_str!("../../../sql/batch_settle.sql"), &[&run, &number])
        .await
        .map_err(doing("ask what became of a batch"))?;
    Ok(row.map(|row| BatchStanding {
        state: row.get("state"),
        xid: row.get("xid"),
        first_row: row.get("first_row"),
        last_row: row.get("last_row"),
        failures: row.get("failures"),
        put_off: row.get("put_off"),
    }))
}

/// Records that a batch's transaction failed, after it was rolled back.
///
/// # Errors
/// Fails when the database refuses.
pub async fn batch_failed(
    tx: &Transaction<'_>,
    run: Uuid,
    number: i64,
    failure: BatchFailure<'_>,
) -> Result<(), DbError> {
    #[expect(clippy::cast_precision_loss, reason = "a pause of seconds")]
    let pause = milliseconds(failure.retry_after) as f64;
    tx.execute(
        include_str!("../../../sql/batch_failed.sql"),
        &[&run, &number, &failure.error, &failure.given_up, &failure.timed_out, &pause],
    )
    .await
    .map_err(doing("record a failed batch"))?;
    Ok(())
}

/// Puts off a pending batch that a foreign key refused; whether the rows it refers to may still come.
///
/// # Errors
/// Fails when the database refuses.
pub async fn batch_put_off(tx: &Transaction<'_>, run: Uuid, batch: &Batch, error: &str) -> Result<bool, DbError> {
    // What was done when nothing was counted is unknown, so anything may have come since.
    let done_before = batch.done_before.unwrap_or(-1);
    let put_off = tx
        .execute(include_str!("../../../sql/batch_put_off.sql"), &[&run, &batch.number, &done_before, &error])
        .await
        .map_err(doing("put off a batch"))?;
    Ok(put_off > 0)
}

/// Leaves a pending batch its first half and lays the second half out as a new batch: its number and range.
///
/// # Errors
/// Fails when the database refuses.
pub async fn batch_halve(
    tx: &Transaction<'_>,
    run: Uuid,
    number: i64,
    error: &str,
) -> Result<Option<(i64, i64, i64)>, DbError> {
    let turn = tx.execute(include_str!("../../../sql/batch_number_turn.sql"), &[&run]).await;
    turn.map_err(doing("halve a batch"))?;
    let row = tx
        .query_opt(include_str!("../../../sql/batch_halve.sql"), &[&run, &number, &error])
        .await
        .map_err(doing("halve a batch"))?;
    Ok(row.map(|row| (row.get("number"), row.get("first_row"), row.get("last_row"))))
}

/// Calls a pending batch of one row done without a row, in the transaction that puts the row into quarantine.
///
/// # Errors
/// Fails when the database refuses.
pub async fn batch_refused(
    tx: &Transaction<'_>,
    run: Uuid,
    number: i64,
    undo_table: &str,
    epoch: i64,
    error: &str,
) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/batch_refused.sql"), &[&run, &number, &undo_table, &epoch, &error])
        .await
        .map_err(doing("take out a refused row"))?;
    Ok(())
}

/// Rows in quarantine, and rows read.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn refusals(client: &impl GenericClient, run: Uuid) -> Result<Refusals, DbError> {
    let row = client
        .query_one(include_str!("../../../sql/refusals.sql"), &[&run])
        .await
        .map_err(doing("count the rows taken out"))?;
    Ok(Refusals { quarantined: row.get("quarantined"), refused: row.get("refused"), rows_read: row.get("rows_read") })
}
