//! Takes back what a run did. Before promotion that is emptying staging: nothing else was written. After it, batch by batch
//! from the before-images, the newest first.

mod batch;
mod error;
mod finish;
mod statement;

use std::collections::BTreeMap;
use std::time::Instant;

use deadpool_postgres::Pool;
use uuid::Uuid;

use crate::db::catalog::has_ledger;
use crate::db::ledger::{
    EventKind, Fence, RunState, UndoneBatch, canary_forget, event_insert, event_staging_emptied, past_predecessors,
    rollback_batches, rollback_forget, rollback_run, run_advance, run_take, runs_unstage,
};
use crate::db::staging::truncate_all;
use crate::db::{attempts, doing, transaction};
use crate::event::{Event, Events};
use crate::fault;
use crate::stop::Stop;

pub use error::RollbackError;
pub use finish::{Finished, finish};

use batch::Undone;
use statement::Statements;

/// What to take back.
#[derive(Debug, Clone, Copy)]
pub struct RollbackOptions {
    /// Only this batch.
    pub batch: Option<i64>,
    /// Whether rows that somebody changed or deleted since are put back, too.
    pub force: bool,
}

/// Empties every staging table that sqlmig made, and records who did; returns their names.
///
/// # Errors
/// Fails when the database refuses.
pub async fn rollback_staging(pool: &Pool) -> Result<Vec<String>, RollbackError> {
    let empty = async || {
        transaction(pool, "empty the staging tables", async |tx| {
            let has_ledger = has_ledger(&**tx).await?;
            if has_ledger {
                canary_forget(&**tx).await?;
                runs_unstage(tx).await?;
            }
            let emptied = truncate_all(&**tx).await?;
            fault::point("rollback.staging_emptied").await;
            if has_ledger {
                event_staging_emptied(&**tx, emptied.len()).await?;
            }
            Ok(emptied)
        })
        .await
    };
    let (emptied, _) = past_predecessors(pool, RollbackError::is_lock_timeout, empty).await?;
    Ok(emptied)
}

/// Takes back what a run promoted, or one batch of it; returns how many batches that were. Only for who holds the run lock.
///
/// Each batch is one transaction, so that this can be stopped at any moment and called again. Rows that were left because
/// others referred to them are tried again at the end, as long as that helps. What was left, and why, is in the ledger.
/// A run that is taken back as a whole can not be gone on with; after a single batch, promotion does that batch again.
///
/// # Errors
/// The run was accepted, the final table changed its shape or is gone, this role may not write to it, or the database
/// refuses, or it was asked to stop. Batches that were taken back stay so.
pub async fn rollback(
    pool: &Pool,
    run: Uuid,
    options: RollbackOptions,
    stop: &Stop,
    events: &Events,
) -> Result<i64, RollbackError> {
    let client = pool.get().await.map_err(doing("connect"))?;
    let (state, accepted_at) = rollback_run(&**client, run).await?;
    if let Some(at) = accepted_at {
        return Err(RollbackError::Accepted { run, at });
    }
    drop(client);
    let fence = take(pool, run).await?;
    let work = Work { pool, fence, options, stop, events };
    let batches = work.batches(false).await?;
    if batches.is_empty() && options.batch.is_some() {
        work.explain(options.batch.unwrap_or_default()).await?;
    }
    let statements = work.prepare(&batches).await?;
    let started = Instant::now();
    let rows = batches.iter().map(|batch| counted(batch.rows_written)).sum();
    events.emit(Event::RollbackStarted { run, batches: batches.len() as u64, rows });
    if !batches.is_empty() {
        let forced = if options.force { ", also of rows changed since" } else { "" };
        let of = options.batch.map_or_else(|| "the run".to_owned(), |number| format!("batch {number}"));
        work.tell(&format!("rollback of {of} begins{forced}: {} batches", batches.len())).await?;
    }
    let mut sum = Undone::default();
    for batch in &batches {
        let at = Instant::now();
        let undone = work.take_back(batch, &statements).await?;
        sum.deleted += undone.deleted;
        sum.restored += undone.restored;
        events.emit(Event::BatchTakenBack {
            target: batch.target.clone(),
            number: batch.number,
            rows: counted(batch.rows_written),
            deleted: counted(undone.deleted),
            restored: counted(undone.restored),
            elapsed: at.elapsed(),
        });
    }
    loop {
        // What only waited for another row to go can go now.
        let left = work.batches(true).await?;
        let mut gained = 0;
        for batch in &left {
            let undone = work.take_back(batch, &statements).await?;
            sum.deleted += undone.deleted;
            sum.restored += undone.restored;
            gained += undone.deleted + undone.restored;
        }
        if gained == 0 {
            break;
        }
    }
    work.end(state, sum, !batches.is_empty()).await?;
    events.emit(Event::RollbackFinished {
        batches: batches.len() as u64,
        deleted: counted(sum.deleted),
        restored: counted(sum.restored),
        elapsed: started.elapsed(),
    });
    Ok(i64::try_from(batches.len()).unwrap_or(i64::MAX))
}

/// A number of rows as events tell it.
fn counted(rows: i64) -> u64 {
    u64::try_from(rows).unwrap_or_default()
}

/// Takes the run on, so that a conductor who had it before stops.
async fn take(pool: &Pool, run: Uuid) -> Result<Fence, RollbackError> {
    let take = async || Ok(transaction(pool, "take the run on", async |tx| run_take(tx, run).await).await?);
    let (epoch, _) = past_predecessors(pool, RollbackError::is_lock_timeout, take).await?;
    Ok(Fence { run, epoch })
}

/// A rollback at work.
struct Work<'a> {
    pool: &'a Pool,
    fence: Fence,
    options: RollbackOptions,
    stop: &'a Stop,
    events: &'a Events,
}

impl Work<'_> {
    /// The batches to take back; or only those with rows that were left because of other rows.
    async fn batches(&self, waiting: bool) -> Result<Vec<UndoneBatch>, RollbackError> {
        let client = self.pool.get().await.map_err(doing("connect"))?;
        Ok(rollback_batches(&**client, self.fence.run, self.options.batch, waiting).await?)
    }

    /// The statements for each table of before-images; what this role may not do is found out before anything is done.
    async fn prepare(&self, batches: &[UndoneBatch]) -> Result<BTreeMap<String, Statements>, RollbackError> {
        let mut statements = BTreeMap::new();
        for batch in batches.iter().filter(|batch| batch.rows_written > 0) {
            let undo_table = batch.undo_table.clone().unwrap_or_default();
            if statements.contains_key(&undo_table) {
                continue;
            }
            let client = self.pool.get().await.map_err(doing("connect"))?;
            let prepared = statement::prepare(&**client, batch, &undo_table).await?;
            drop(client);
            batch::rehearse(self.pool, self.fence, &prepared).await.map_err(|error| RollbackError::Batch {
                batch: batch.number,
                target: batch.target.clone(),
                error,
            })?;
            statements.insert(undo_table, prepared);
        }
        Ok(statements)
    }

    /// Takes a batch back, several times where trying again may help.
    async fn take_back(
        &self,
        batch: &UndoneBatch,
        statements: &BTreeMap<String, Statements>,
    ) -> Result<Undone, RollbackError> {
        if self.stop.is_requested() {
            return Err(RollbackError::Interrupted);
        }
        let statements = batch.undo_table.as_ref().and_then(|table| statements.get(table));
        attempts(
            RollbackError::is_retryable,
            |text| self.events.warn(text),
            async || batch::take_back(self.pool, self.fence, batch, statements, self.options.force).await,
        )
        .await
    }

    /// Why the batch asked for is not among those that can be taken back; nothing where it was taken back already.
    async fn explain(&self, number: i64) -> Result<(), RollbackError> {
        let run = self.fence.run;
        self.fence
            .transaction(self.pool, "read the batch", async |tx| {
                let state = crate::db::ledger::rollback_batch_state(tx, run, number).await?;
                match state {
                    None => Err(RollbackError::NoBatch { run, batch: number }),
                    Some(state) if state.state == "rolled_back" => Ok(()),
                    Some(state) => Err(RollbackError::NotPromoted { run, batch: number, state: state.state }),
                }
            })
            .await
    }

    /// Records what came of it; a run that was taken back as a whole is at its end.
    async fn end(&self, before: RunState, sum: Undone, anything: bool) -> Result<(), RollbackError> {
        fault::point("rollback.before_end").await;
        let run = self.fence.run;
        self.fence
            .transaction(self.pool, "record the rollback", async |tx| {
                if self.options.batch.is_none() {
                    rollback_forget(tx, run).await?;
                    if before != RunState::RolledBack {
                        run_advance(tx, run, RunState::RolledBack).await?;
                    }
                }
                if anything {
                    let message = format!("rollback ends: {} rows deleted, {} restored", sum.deleted, sum.restored);
                    event_insert(&**tx, run, EventKind::Rollback, &[&message]).await?;
                }
                Ok::<_, RollbackError>(())
            })
            .await?;
        fault::point("rollback.after_end").await;
        Ok(())
    }

    async fn tell(&self, message: &str) -> Result<(), RollbackError> {
        let run = self.fence.run;
        self.fence
            .transaction(self.pool, "record the rollback", async |tx| {
                Ok::<_, RollbackError>(event_insert(&**tx, run, EventKind::Rollback, &[message]).await?)
            })
            .await
    }
}
