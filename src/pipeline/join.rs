//! A worker process: it joins a run that another process conducts.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{Conductor, PipelineError};
use crate::db::catalog::has_ledger;
use crate::db::ledger::{Fence, RunState, RunToJoin, run_to_join};
use crate::db::{DbError, doing};
use crate::event::{Event, Phase};
use crate::promote::{PromoteError, PromoteOptions, work};

/// How long a worker that comes before its conductor waits for batches.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(200);

impl Conductor {
    /// Promotes batches of a run that another process conducts, the newest or the one that is asked for; returns how many this
    /// one committed. The run's record is the conductor's to write.
    ///
    /// # Errors
    /// No batches were laid out in time, or as [`work`].
    pub async fn work(&self, run: Option<Uuid>, options: PromoteOptions) -> Result<u64, PipelineError> {
        let started = Instant::now();
        let Some(fence) = self.join(run).await? else { return Ok(0) };
        let known = self.require(fence, RunState::Checked, "promoted").await?;
        self.events.emit(Event::RunStarted { run: known.id, source: known.source, project: known.project });
        self.events.emit(Event::PhaseStarted { phase: Phase::Promote });
        let stint = self.stint(fence.run, Phase::Promote, false);
        let relations = self.checked_relations(fence).await?;
        let worked = work(&self.pool, fence, &self.project, &relations, options, &self.stop, &self.events).await;
        stint.end().await;
        let batches = worked?;
        let (elapsed, summary) = (started.elapsed(), format!("{batches} batches committed by this worker"));
        self.events.emit(Event::PhaseFinished { phase: Phase::Promote, elapsed, summary });
        Ok(batches)
    }

    /// Waits for batches; `None` when there is nothing left to do.
    async fn join(&self, run: Option<Uuid>) -> Result<Option<Fence>, PipelineError> {
        let started = Instant::now();
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
            let is_promoted = found.is_some_and(|found| found.is_promoted);
            // A newer run may yet come, unless this very one was asked for.
            if is_promoted && (run.is_some() || started.elapsed() >= PATIENCE) {
                return Ok(None);
            }
            if started.elapsed() >= PATIENCE {
                return Err(PipelineError::NothingToJoin(PATIENCE));
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.stop.requested() => return Err(PromoteError::Interrupted.into()),
            }
        }
    }

    async fn look(&self, run: Option<Uuid>) -> Result<Option<RunToJoin>, DbError> {
        let client = self.pool.get().await.map_err(doing("connect"))?;
        if has_ledger(&**client).await? { run_to_join(&**client, run).await } else { Ok(None) }
    }
}
