//! One batch: claimed, written and recorded in one transaction.

use std::time::{Duration, Instant};

use deadpool_postgres::{ClientWrapper, Transaction};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::db::ledger::{Batch, BatchResult, BatchesLeft, batch_claim, batch_claim_put_off, batch_done, batches_left};
use crate::db::patience::{close, connection, within};
use crate::db::{DbError, doing};
use crate::fault;
use crate::project::Action;

use super::PromoteError;
use super::promotion::is_lost;
use super::statement::Statement;
use super::tried::{Failed, Tried, Trouble, Written};
use super::worker::Worker;

/// From this try on nobody else may write to the target while a batch is written. A table that others write to all the
/// time would otherwise refuse every try.
const LOCK_FROM: i32 = 3;

impl Worker<'_> {
    /// Tries the next batch.
    ///
    /// # Errors
    /// It came to no batch: the database is away, or the fence does not hold.
    pub async fn attempt(&self) -> Result<Tried, PromoteError> {
        fault::point("promote.begin").await;
        let mut client = connection(self.promotion.pool, self.promotion.limit(), "connect for promotion").await?;
        let tried = self.claim(&mut client).await;
        let lost = match &tried {
            Ok(Tried::Failed(failed)) => is_lost(&failed.error),
            Ok(_) => false,
            Err(error) => is_lost(error),
        };
        if lost {
            close(client);
        }
        tried
    }

    async fn claim(&self, client: &mut ClientWrapper) -> Result<Tried, PromoteError> {
        let (started, promotion) = (Instant::now(), self.promotion);
        let limit = promotion.limit();
        let tx = within(limit, "begin a batch", promotion.begin(client, "begin a batch")).await?;
        within(limit, "lock the run's row", promotion.fence.hold_staged(&tx)).await?;
        fault::point("promote.fenced").await;
        let batch = match self.next(&tx).await? {
            Ok(batch) => batch,
            Err(left) => return Ok(Tried::Nothing(left)),
        };
        fault::point("promote.claimed").await;
        Ok(match self.write(&tx, &batch, started).await {
            Err(failed) => {
                if failed.error.database().is_some_and(DbError::is_lock_timeout) {
                    self.crew.spent().locked_out(started.elapsed());
                }
                Tried::Failed(failed)
            }
            Ok(None) => {
                self.step.overlap.was_missed();
                Tried::Presumed
            }
            Ok(Some(written)) => self.commit(tx, batch, written).await,
        })
    }

    /// The batch to try now: first those that nothing has held up, then those that a foreign key did. What is left where
    /// none is free.
    async fn next(&self, tx: &Transaction<'_>) -> Result<Result<Batch, BatchesLeft>, PromoteError> {
        let (limit, fence) = (self.promotion.limit(), self.promotion.fence);
        let (run, epoch, name) = (fence.run, fence.epoch, self.step.promote.file.name.as_str());
        if let Some(batch) = within(limit, "claim a batch", batch_claim(tx, run, name, epoch)).await? {
            return Ok(Ok(batch));
        }
        let left = within(limit, "count batches", batches_left(&**tx, run, name)).await?;
        if left.put_off == 0 || left.failed.is_some() {
            return Ok(Err(left));
        }
        let put_off = within(limit, "claim a batch", batch_claim_put_off(tx, run, name, epoch)).await?;
        Ok(put_off.ok_or(left))
    }

    /// Writes the batch's rows, counts them and records the result. `None` where it was written without a look, and the target
    /// seems to have rows of its after all: it is to be rolled back then.
    async fn write(
        &self,
        tx: &Transaction<'_>,
        batch: &Batch,
        started: Instant,
    ) -> Result<Option<Written>, Box<Failed>> {
        let (limit, fence) = (self.promotion.limit(), self.promotion.fence);
        let Some(statement) = self.step.statements.get(&batch.source) else {
            return Err(self.miscounted(batch, Trouble::Lasting, "its source table is not in this run"));
        };
        let action = format!("write to {}", self.step.promote.target);
        if batch.failures + 1 >= LOCK_FROM {
            self.ask(batch, &action, tx.batch_execute(&statement.lock)).await?;
        }
        // What failed before is written with a look at what is there.
        let insert = statement.insert.as_ref().filter(|_| batch.failures == 0 && self.step.overlap.is_none());
        let written = self.execute(tx, batch, &action, insert.unwrap_or(&statement.sql)).await;
        let (result, writing) = match written {
            Err(failed) if insert.is_some() && failed.may_be_presumed() => return Ok(None),
            other => other?,
        };
        if insert.is_none() {
            self.step.overlap.found(result.updated + result.unchanged);
        }
        let (elapsed, asked) = (started.elapsed(), Instant::now());
        let done = batch_done(tx, fence.run, batch, result, &statement.undo_table, fence.epoch, elapsed);
        let xid = within(limit, "record a batch", done).await;
        let xid = xid.map_err(|error| self.failed(batch, error, asked.elapsed(), false))?;
        fault::point("promote.recorded").await;
        Ok(Some(Written { result, elapsed, writing, xid }))
    }

    /// Runs a batch's statement; what it did, and how long that took.
    async fn execute(
        &self,
        tx: &Transaction<'_>,
        batch: &Batch,
        action: &str,
        sql: &str,
    ) -> Result<(BatchResult, Duration), Box<Failed>> {
        let asked = Instant::now();
        let parameters: [&(dyn ToSql + Sync); 4] =
            [&batch.first_row, &batch.last_row, &self.promotion.fence.run, &batch.number];
        let row = self.ask(batch, action, async {
            // Parsed once a connection: the text is long, and parsing it takes about a millisecond.
            let statement = tx.prepare_cached(sql).await?;
            tx.query_one(&statement, &parameters).await
        });
        let row = row.await?;
        let writing = asked.elapsed();
        fault::point("promote.written").await;
        let result = self.counted(batch, &row)?;
        fault::point("promote.counted").await;
        Ok((result, writing))
    }

    /// What a batch's statement says that it did.
    ///
    /// # Errors
    /// The counts do not add up.
    fn counted(&self, batch: &Batch, row: &Row) -> Result<BatchResult, Box<Failed>> {
        let count = |name: &str| row.get::<_, i64>(name);
        let (expected, incoming, existing) = (count("expected"), count("incoming"), count("existing"));
        let (saved, changed, added, noted) = (count("saved"), count("changed"), count("added"), count("noted"));
        if incoming != expected {
            let reason = format!("the transform yields {incoming} rows for {expected}");
            return Err(self.miscounted(batch, Trouble::Lasting, &reason));
        }
        if existing + added != incoming || changed != saved || noted != added {
            let reason = "rows of the target were changed by someone else at the same moment";
            return Err(self.miscounted(batch, Trouble::Passing, reason));
        }
        let (updated, deleted) = match self.step.promote.action {
            Action::Upsert => (changed, 0),
            Action::Delete => (0, changed),
        };
        Ok(BatchResult { inserted: added, updated, unchanged: existing - changed, deleted })
    }

    async fn commit(&self, tx: Transaction<'_>, batch: Batch, written: Written) -> Tried {
        fault::point("promote.before_commit").await;
        let asked = Instant::now();
        let commit = async { tx.commit().await.map_err(doing("commit a batch")) };
        match within(self.promotion.limit(), "commit a batch", commit).await {
            Ok(()) => {
                fault::point("promote.after_commit").await;
                let committing = asked.elapsed();
                self.crew.spent().add(written.elapsed + committing, written.writing, committing);
                Tried::Done(batch, written)
            }
            Err(error) => {
                let mut failed = self.failed(&batch, error, asked.elapsed(), false);
                failed.written = Some(written);
                Tried::Failed(failed)
            }
        }
    }

    /// Waits for the answer to a statement that writes the batch.
    async fn ask<T>(
        &self,
        batch: &Batch,
        action: &str,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Box<Failed>> {
        let asked = Instant::now();
        let answer = async { answer.await.map_err(doing(action)) };
        let answer = within(self.promotion.limit(), action, answer).await;
        answer.map_err(|error| self.failed(batch, error, asked.elapsed(), true))
    }

    /// What the database said of the batch. `elapsed` tells the server's own time limit from a person who ended the
    /// statement: the code is the same (57014), and the text is in the server's language.
    fn failed(&self, batch: &Batch, error: DbError, elapsed: Duration, writing: bool) -> Box<Failed> {
        let trouble = if error.is_canceled() && elapsed >= self.promotion.options.timeouts.statement {
            Trouble::Slow { by_server: true }
        } else if error.is_timed_out() && writing {
            Trouble::Slow { by_server: false }
        } else if error.is_retryable() {
            Trouble::Passing
        } else if error.is_foreign_key() {
            Trouble::Reference
        } else if error.is_data() {
            Trouble::Data
        } else {
            Trouble::Lasting
        };
        let error = PromoteError::Batch {
            transform: self.step.promote.file.path.clone(),
            batch: batch.number,
            source_table: batch.source.clone(),
            first_row: batch.first_row,
            last_row: batch.last_row,
            error,
        };
        Box::new(Failed { batch: batch.clone(), trouble, error, written: None })
    }

    fn miscounted(&self, batch: &Batch, trouble: Trouble, reason: &str) -> Box<Failed> {
        let error = PromoteError::Counts {
            transform: self.step.promote.file.path.clone(),
            batch: batch.number,
            first_row: batch.first_row,
            last_row: batch.last_row,
            reason: reason.to_owned(),
        };
        Box::new(Failed { batch: batch.clone(), trouble, error, written: None })
    }

    /// The statement of a batch's source table.
    pub(super) fn statement(&self, batch: &Batch) -> Option<&Statement> {
        self.step.statements.get(&batch.source)
    }
}
