//! A worker process: it joins a run that another process conducts.

use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{Conductor, PipelineError};
use crate::db::catalog::has_ledger;
use crate::db::ledger::{Fence, RunState, RunToJoin, run_to_join};
use crate::db::{DbError, doing};
use crate::event::{Event, Phase};
use crate::promote::{PromoteError, PromoteOptions, work};

/// How often a worker looks for batches at first, when its conductor most likely begins as well; and later.
const LOOK: Duration = Duration::from_millis(200);
const LATER_LOOK: Duration = Duration::from_secs(2);
const LATER: Duration = Duration::from_mins(1);
/// How long a worker that finds the newest run promoted waits for a newer one: it may have come late, or too early.
const LATE: Duration = Duration::from_mins(5);

impl Conductor {
    /// Promotes batches of a run that another process conducts, the newest or the one that is asked for; returns how many this
    /// one committed. The run's record is the conductor's to write. A worker that comes before its conductor waits so long for
    /// batches, and no longer than until the run that it saw on its way is promoted without it.
    ///
    /// # Errors
    /// No batches were laid out in time, or as [`work`].
    pub async fn work(&self, run: Option<Uuid>, options: PromoteOptions, wait: Duration) -> Result<u64, PipelineError> {
        let started = Instant::now();
        let Some(fence) = self.join(run, wait).await? else { return Ok(0) };
        let committed = AtomicU64::new(0);
        match self.help(fence, options, &committed).await {
            // The conductor has gone on to what follows the last batch, which another worker had in hand.
            Err(error) if error.is_taken_over() && self.is_promoted(fence.run).await? => {}
            helped => helped?,
        }
        let batches = committed.into_inner();
        let (elapsed, summary) = (started.elapsed(), format!("{batches} batches committed by this worker"));
        self.events.emit(Event::PhaseFinished { phase: Phase::Promote, elapsed, summary });
        Ok(batches)
    }

    /// Promotes batches of the run that it has joined.
    async fn help(&self, fence: Fence, options: PromoteOptions, committed: &AtomicU64) -> Result<(), PipelineError> {
        let known = self.require(fence, RunState::Checked, "promoted").await?;
        self.events.emit(Event::RunStarted { run: known.id, source: known.source, project: known.project });
        self.events.emit(Event::PhaseStarted { phase: Phase::Promote });
        let stint = self.stint(fence.run, Phase::Promote, false);
        let relations = self.checked_relations(fence).await?;
        let worked = work(&self.promotion(fence, &relations, options), committed).await;
        stint.end().await;
        Ok(worked?)
    }

    /// Whether every batch of a run is committed.
    async fn is_promoted(&self, run: Uuid) -> Result<bool, PipelineError> {
        Ok(self.look(Some(run)).await?.is_some_and(|found| found.is_promoted))
    }

    /// Waits for batches; `None` when there is nothing left to do.
    async fn join(&self, run: Option<Uuid>, wait: Duration) -> Result<Option<Fence>, PipelineError> {
        let started = Instant::now();
        let mut on_its_way = None;
        loop {
            let found = match self.look(run).await {
                Ok(found) => found,
                // A ledger of an older sqlmig, which the conductor is about to bring up to date.
                Err(error) if error.is_unavailable() || error.is_statement() => None,
                Err(error) => return Err(error.into()),
            };
            if let Some(found) = found.filter(|found| found.has_batches) {
                return Ok(Some(Fence { run: found.id, epoch: found.epoch }));
            }
            if let Some(found) = found {
                let seen = on_its_way == Some(found.id);
                // A newer run may yet come, unless this very one was asked for, or seen before it was done.
                if found.is_promoted && (run.is_some() || seen || started.elapsed() >= wait.min(LATE)) {
                    return Ok(None);
                }
                on_its_way = (!found.is_promoted || seen).then_some(found.id);
            }
            if started.elapsed() >= wait {
                return Err(PipelineError::NothingToJoin(wait));
            }
            tokio::select! {
                () = tokio::time::sleep(if started.elapsed() < LATER { LOOK } else { LATER_LOOK }) => {}
                () = self.stop.requested() => return Err(PromoteError::Interrupted.into()),
            }
        }
    }

    async fn look(&self, run: Option<Uuid>) -> Result<Option<RunToJoin>, DbError> {
        let client = self.pool.get().await.map_err(doing("connect"))?;
        if has_ledger(&**client).await? { run_to_join(&**client, run).await } else { Ok(None) }
    }
}
