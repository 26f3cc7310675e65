//! Batches of promotion in the ledger.

use std::time::Duration;

use tokio_postgres::{GenericClient, Transaction};
use uuid::Uuid;

use super::tables::stored_name;
use super::{count, milliseconds};
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
}

/// Batches still to do.
#[derive(Debug, Clone, Copy)]
pub struct PendingBatches {
    /// How many.
    pub batches: i64,
    /// Rows in their ranges.
    pub rows: i64,
}

/// Forgets a transform's batches that are not done, so that they can be laid out anew.
///
/// # Errors
/// Fails when the database refuses.
pub async fn batches_forget(tx: &Transaction<'_>, run: Uuid, transform: &str) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/batches_forget.sql"), &[&run, &transform])
        .await
        .map_err(doing("lay out batches"))?;
    Ok(())
}

/// Lays out batches over the rows 1 to `last_row` of a source table that no batch of this transform has done.
///
/// # Errors
/// Fails when the database refuses the rows.
#[expect(clippy::too_many_arguments, reason = "the statement's parameters, one for one")]
pub async fn batches_plan(
    tx: &Transaction<'_>,
    run: Uuid,
    transform: &str,
    target: &TableName,
    source: Option<&TableName>,
    last_row: i64,
    batch_size: u64,
    counted: bool,
) -> Result<(), DbError> {
    tx.execute(
        include_str!("../../../sql/batches_plan.sql"),
        &[
            &run,
            &transform,
            &target.to_string(),
            &source.map(ToString::to_string),
            &last_row,
            &count(batch_size),
            &counted,
        ],
    )
    .await
    .map_err(doing("lay out batches"))?;
    Ok(())
}

/// How much of a transform is still to do.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn batches_pending(
    client: &impl GenericClient,
    run: Uuid,
    transform: &str,
) -> Result<PendingBatches, DbError> {
    let row = client
        .query_one(include_str!("../../../sql/batches_pending.sql"), &[&run, &transform])
        .await
        .map_err(doing("count batches"))?;
    Ok(PendingBatches { batches: row.get("batches"), rows: row.get("rows") })
}

/// Takes the next batch that no other worker has in hand; it is this transaction's until that ends.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn batch_claim(tx: &Transaction<'_>, run: Uuid, transform: &str) -> Result<Option<Batch>, DbError> {
    let row = tx
        .query_opt(include_str!("../../../sql/batch_claim.sql"), &[&run, &transform])
        .await
        .map_err(doing("claim a batch"))?;
    Ok(row.map(|row| Batch {
        number: row.get("number"),
        source: row.get::<_, Option<&str>>("source").map(stored_name),
        first_row: row.get("first_row"),
        last_row: row.get("last_row"),
    }))
}

/// Records a batch's result, in the transaction that wrote its rows.
///
/// # Errors
/// Fails when the database refuses.
pub async fn batch_done(
    tx: &Transaction<'_>,
    run: Uuid,
    batch: &Batch,
    result: BatchResult,
    undo_table: &str,
    epoch: i64,
    elapsed: Duration,
) -> Result<(), DbError> {
    tx.execute(
        include_str!("../../../sql/batch_done.sql"),
        &[
            &run,
            &batch.number,
            &result.inserted,
            &result.updated,
            &result.unchanged,
            &undo_table,
            &epoch,
            &milliseconds(elapsed),
        ],
    )
    .await
    .map_err(doing("record a batch"))?;
    Ok(())
}

/// Records that a batch's transaction failed, after it was rolled back.
///
/// # Errors
/// Fails when the database refuses.
pub async fn batch_failed(
    client: &impl GenericClient,
    run: Uuid,
    number: i64,
    error: &str,
    given_up: bool,
) -> Result<(), DbError> {
    client
        .execute(include_str!("../../../sql/batch_failed.sql"), &[&run, &number, &error, &given_up])
        .await
        .map_err(doing("record a failed batch"))?;
    Ok(())
}
