//! One batch: claimed, written and recorded in one transaction.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use deadpool_postgres::Pool;

use crate::db::doing;
use crate::db::ledger::{Batch, BatchResult, Fence, batch_claim, batch_done, batch_failed};
use crate::event::{Event, Events};
use crate::names::TableName;
use crate::project::Promote;

use super::PromoteError;
use super::statement::Statement;

/// Times a batch is tried when the database says that trying again may help.
const ATTEMPTS: u32 = 5;
/// From this try on nobody else may write to the target while a batch is written. A table that others write to all the
/// time would otherwise refuse every try.
const LOCK_FROM: u32 = 3;
/// Pause before the second try; it doubles with each.
const PAUSE: Duration = Duration::from_millis(100);

/// What a worker needs.
pub(super) struct Worker<'a> {
    pub pool: Pool,
    /// The run, as the conductor took it on.
    pub fence: Fence,
    pub promote: &'a Promote,
    /// The statement of each source table; of a transform that reads no source rows, the one under no name.
    pub statements: &'a BTreeMap<Option<TableName>, Statement>,
    pub events: &'a Events,
}

/// What one try came to.
enum Tried {
    /// No batch is left to claim.
    Nothing,
    /// Committed.
    Done(Batch, BatchResult, Duration),
    /// Rolled back; trying again may help.
    Again(Batch, PromoteError),
}

impl Worker<'_> {
    /// Takes batches until none is left.
    ///
    /// # Errors
    /// The first batch that fails for good; it is rolled back and recorded.
    pub async fn work(&self) -> Result<(), PromoteError> {
        let mut attempt = 1;
        loop {
            match self.try_one(attempt).await {
                Ok(Tried::Nothing) => return Ok(()),
                Ok(Tried::Done(batch, result, elapsed)) => {
                    attempt = 1;
                    let count = |rows: i64| u64::try_from(rows).unwrap_or_default();
                    self.events.emit(Event::BatchFinished {
                        target: self.promote.target.clone(),
                        number: batch.number,
                        inserted: count(result.inserted),
                        updated: count(result.updated),
                        unchanged: count(result.unchanged),
                        elapsed,
                    });
                }
                Ok(Tried::Again(batch, error)) => {
                    let given_up = attempt == ATTEMPTS;
                    self.record_failure(&batch, &error, given_up).await?;
                    if given_up {
                        return Err(error);
                    }
                    self.events.warn(format!("{error}; trying again ({attempt} of {ATTEMPTS})"));
                    tokio::time::sleep(PAUSE * 2_u32.pow(attempt - 1)).await;
                    attempt += 1;
                }
                Err(error) => {
                    if let PromoteError::Batch { batch, .. } | PromoteError::Counts { batch, .. } = &error {
                        let batch = Batch { number: *batch, source: None, first_row: 0, last_row: 0 };
                        self.record_failure(&batch, &error, true).await?;
                    }
                    return Err(error);
                }
            }
        }
    }

    async fn try_one(&self, attempt: u32) -> Result<Tried, PromoteError> {
        let started = Instant::now();
        let mut client = self.pool.get().await.map_err(doing("connect for promotion"))?;
        let tx = client.transaction().await.map_err(doing("begin a batch"))?;
        tx.batch_execute(include_str!("../../sql/promote_settings.sql")).await.map_err(doing("begin a batch"))?;
        self.fence.hold_staged(&tx).await?;
        let Some(batch) = batch_claim(&tx, self.fence.run, &self.promote.file.name).await? else {
            return Ok(Tried::Nothing);
        };
        let Some(statement) = self.statements.get(&batch.source) else {
            return Err(self.counts(&batch, "its source table is not in this run".into()));
        };
        let write = async {
            if attempt >= LOCK_FROM {
                tx.batch_execute(&statement.lock).await?;
            }
            tx.query_one(&statement.sql, &[&batch.first_row, &batch.last_row, &self.fence.run, &batch.number]).await
        };
        let written = write.await;
        let row = match written {
            Ok(row) => row,
            Err(error) => {
                let error = doing(format!("write to {}", self.promote.target))(error);
                let again = error.is_retryable();
                let error = PromoteError::Batch {
                    transform: self.promote.file.path.clone(),
                    batch: batch.number,
                    first_row: batch.first_row,
                    last_row: batch.last_row,
                    error,
                };
                return if again { Ok(Tried::Again(batch, error)) } else { Err(error) };
            }
        };
        let count = |name: &str| row.get::<_, i64>(name);
        let (expected, incoming, existing) = (count("expected"), count("incoming"), count("existing"));
        let (saved, changed, added, noted) = (count("saved"), count("changed"), count("added"), count("noted"));
        if incoming != expected {
            let reason = format!("the transform yields {incoming} rows for {expected}");
            return Err(self.counts(&batch, reason));
        }
        if existing + added != incoming || changed != saved || noted != added {
            let reason = "rows of the target were changed by someone else at the same moment".to_owned();
            let error = self.counts(&batch, reason);
            return Ok(Tried::Again(batch, error));
        }
        let result = BatchResult { inserted: added, updated: changed, unchanged: existing - changed };
        let elapsed = started.elapsed();
        batch_done(&tx, self.fence.run, &batch, result, &statement.undo_table, self.fence.epoch, elapsed).await?;
        tx.commit().await.map_err(doing("commit a batch"))?;
        Ok(Tried::Done(batch, result, elapsed))
    }

    fn counts(&self, batch: &Batch, reason: String) -> PromoteError {
        PromoteError::Counts {
            transform: self.promote.file.path.clone(),
            batch: batch.number,
            first_row: batch.first_row,
            last_row: batch.last_row,
            reason,
        }
    }

    async fn record_failure(&self, batch: &Batch, error: &PromoteError, given_up: bool) -> Result<(), PromoteError> {
        let client = self.pool.get().await.map_err(doing("record a failed batch"))?;
        batch_failed(&**client, self.fence.run, batch.number, &error.to_string(), given_up).await?;
        Ok(())
    }
}
