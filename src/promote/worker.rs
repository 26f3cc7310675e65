//! A worker: takes batches of one transform until none is left.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::db::DbError;
use crate::db::ledger::{Batch, BatchResult};
use crate::event::Event;

use super::PromoteError;
use super::backoff::rest;
use super::crew::{Change, Crew};
use super::layout::Step;
use super::promotion::Promotion;
use super::tried::{Tried, Written};

/// First pause of a worker that finds nothing to claim while others still have batches in hand; it doubles.
const FIRST_LOOK: Duration = Duration::from_millis(100);
/// The longest.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// What a worker needs.
pub(super) struct Worker<'a> {
    pub promotion: &'a Promotion<'a>,
    pub step: &'a Step<'a>,
    /// How many workers may take batches.
    pub crew: &'a Crew,
    /// Whether another worker of this process has stopped for good: then nothing new is begun.
    pub halt: &'a AtomicBool,
    /// Batches committed by this process.
    pub committed: &'a AtomicU64,
    /// Tells the workers of this process that a batch is out of somebody's hands.
    pub progress: &'a Notify,
}

impl Worker<'_> {
    /// Takes batches until none is left, in nobody's hands either; `place` is its place in the crew, from 0.
    ///
    /// # Errors
    /// The first batch that fails for good, its own or another's; it is rolled back and recorded. Or it is asked to stop; the
    /// batch in hand is finished then.
    pub async fn work(&self, place: usize) -> Result<(), PromoteError> {
        let outcome = self.until_none_is_left(place).await;
        if outcome.is_err() {
            self.halt.store(true, Ordering::Relaxed);
        }
        // Whoever waits to be let in has nothing left to wait for.
        self.crew.dismiss();
        outcome
    }

    async fn until_none_is_left(&self, place: usize) -> Result<(), PromoteError> {
        let promotion = self.promotion;
        let (mut outage, mut look) = (promotion.outage(), FIRST_LOOK);
        while self.crew.admits(place).await && !self.halt.load(Ordering::Relaxed) {
            if promotion.stop.is_requested() {
                return Err(PromoteError::Interrupted);
            }
            let tried = self.attempt().await;
            if !matches!(tried, Ok(Tried::Nothing(_))) {
                self.progress.notify_waiters();
            }
            match tried {
                Ok(Tried::Done(batch, written)) => {
                    self.finished(&batch, &written);
                    (outage, look) = (promotion.outage(), FIRST_LOOK);
                }
                Ok(Tried::Failed(failed)) => {
                    self.settle(*failed).await?;
                    (outage, look) = (promotion.outage(), FIRST_LOOK);
                }
                Ok(Tried::Presumed) => {}
                Ok(Tried::Nothing(left)) => {
                    if let Some((batch, error)) = left.failed {
                        let transform = self.step.promote.file.path.clone();
                        return Err(PromoteError::GivenUp { transform, batch, error });
                    }
                    if left.pending == 0 {
                        return Ok(());
                    }
                    outage = promotion.outage();
                    tokio::select! {
                        rested = rest(look, promotion.stop) => rested?,
                        () = self.progress.notified() => {}
                    }
                    look = (look * 2).min(LAST_LOOK);
                }
                Err(error) => {
                    if error.database().is_some_and(DbError::is_full) {
                        self.told(self.crew.too_many());
                    }
                    outage.bear(error).await?;
                }
            }
        }
        Ok(())
    }

    /// Tells of a change of the crew's size.
    fn told(&self, change: Option<Change>) {
        if let Some(Change { workers, why }) = change {
            self.promotion.events.emit(Event::WorkersChanged { workers, why });
        }
    }

    /// Tells of a batch that this worker has committed.
    pub(super) fn finished(&self, batch: &Batch, written: &Written) {
        self.committed.fetch_add(1, Ordering::Relaxed);
        let count = |rows: i64| u64::try_from(rows).unwrap_or_default();
        self.promotion.events.emit(Event::BatchFinished {
            target: self.step.promote.target.clone(),
            number: batch.number,
            inserted: count(written.result.inserted),
            updated: count(written.result.updated),
            unchanged: count(written.result.unchanged),
            deleted: count(written.result.deleted),
            elapsed: written.elapsed,
        });
        let BatchResult { inserted, updated, unchanged, deleted } = written.result;
        let rows = inserted + updated + unchanged + deleted;
        self.promotion.events.emit(Event::Busy { shares: self.crew.spent().shares() });
        self.told(self.crew.finished(count(rows)));
    }
}
