//! Batches before the first of them is tried.

use tokio_postgres::Transaction;
use uuid::Uuid;

use crate::db::{DbError, doing};
use crate::names::TableName;

/// Forgets a run's batches that are not done, so that they can be laid out anew.
///
/// # Errors
/// Fails when the database refuses.
pub async fn batches_forget(tx: &Transaction<'_>, run: Uuid) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/batches_forget.sql"), &[&run]).await.map_err(doing("lay out batches"))?;
    Ok(())
}

/// Gives back the rows of a transform that the database refused in an earlier try, unless one of the transforms `after` it has
/// gone over them already; returns how many.
///
/// # Errors
/// Fails when the database refuses.
pub async fn refusals_forget(tx: &Transaction<'_>, run: Uuid, transform: &str, after: &[&str]) -> Result<u64, DbError> {
    tx.execute(include_str!("../../../sql/refusals_forget.sql"), &[&run, &transform, &after])
        .await
        .map_err(doing("try refused rows again"))
}

/// The batches of a transform over one source table.
#[derive(Debug)]
pub struct BatchesPlanned<'a> {
    /// The transform's name.
    pub transform: &'a str,
    /// The final table.
    pub target: &'a TableName,
    /// The source table; none of a transform that reads no source's rows.
    pub source: Option<&'a TableName>,
    /// The last row of the source table.
    pub last_row: i64,
    /// Rows a batch.
    pub batch_rows: i64,
    /// Whether its rows enter the books.
    pub counted: bool,
}

/// Lays out batches over the rows 1 to the last of a source table that no batch of this transform has done.
///
/// # Errors
/// Fails when the database refuses the rows.
pub async fn batches_plan(
    tx: &Transaction<'_>,
    run: Uuid,
    epoch: i64,
    planned: &BatchesPlanned<'_>,
) -> Result<(), DbError> {
    let BatchesPlanned { transform, target, source, last_row, batch_rows, counted } = planned;
    tx.execute(
        include_str!("../../../sql/batches_plan.sql"),
        &[
            &run,
            transform,
            &target.to_string(),
            &source.map(ToString::to_string),
            last_row,
            batch_rows,
            counted,
            &epoch,
        ],
    )
    .await
    .map_err(doing("lay out batches"))?;
    Ok(())
}
