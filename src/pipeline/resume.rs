//! Taking a run on: the one to go on with, or a new one; held against what it was begun with.

use tokio_postgres::Transaction;
use uuid::Uuid;

use super::{Conductor, PipelineError};
use crate::db::catalog::{has_ledger, target_identity};
use crate::db::ledger::{
    Fence, NewRun, Run, RunState, batch_counts, chunks, past_predecessors, run_insert, run_set_aside, run_take, runs,
};
use crate::db::lock::LockError;
use crate::db::{doing, transaction};
use crate::event::Event;
use crate::fault;
use crate::source::Source;

/// A run that this process conducts.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// The run, in the epoch in which it was taken on.
    pub fence: Fence,
    /// How far it had come.
    pub state: RunState,
}

impl Conductor {
    /// Goes on with the newest run if it is not finished, else begins a new one; `scope` says what of the source is asked
    /// for, `restart` sets an unfinished run aside.
    ///
    /// # Errors
    /// An unfinished run was begun with something else, each part of which is named; or the database refuses.
    pub async fn begin_or_resume(&self, source: &Source, scope: &str, restart: bool) -> Result<Taken, PipelineError> {
        let id = Uuid::now_v7();
        let begin = async || {
            transaction(&self.pool, "begin a run", async |tx| {
                self.begin_or_resume_in(tx, id, source, scope, restart).await
            })
            .await
        };
        let opened = self.past_predecessors(begin).await?;
        fault::point("run.begun").await;
        self.tell(opened).await
    }

    /// The same, in a transaction that has its turn, so that two which come at once see each other.
    async fn begin_or_resume_in(
        &self,
        tx: &Transaction<'_>,
        id: Uuid,
        source: &Source,
        scope: &str,
        restart: bool,
    ) -> Result<Opened, PipelineError> {
        self.take_turn(tx).await?;
        let target = target_identity(tx).await?;
        if let Some(run) = runs(tx, None, 1).await?.pop().filter(|run| !run.state.is_final()) {
            let differing = self.differing_from(&run, source, scope, &target);
            if differing.is_empty() && !restart {
                return Ok(Opened { fence: Fence { run: run.id, epoch: run_take(tx, run.id).await? }, new: false });
            }
            // Of a run that has not staged a row there is nothing to go on with.
            let begun = run.state > RunState::Staging || !chunks(tx, run.id).await?.is_empty();
            if begun && !restart {
                return Err(PipelineError::Differs { run: run.id, parts: differing });
            }
            // Taken first, so that whoever conducts it stops.
            run_take(tx, run.id).await?;
            run_set_aside(tx, run.id).await?;
            // Whoever asks for it is told, also where the staged rows were of no use any more.
            if begun || restart {
                self.events.warn(format!("run {} is set aside; what it promoted stays", run.id));
            }
        }
        let new = NewRun {
            id,
            project: &self.project.name,
            project_hash: &self.project.hash,
            source: &source.display,
            source_bytes: source.stored_bytes,
            scope,
            target: &target,
        };
        fault::point("run.begin").await;
        run_insert(tx, &new).await?;
        Ok(Opened { fence: Fence { run: id, epoch: 1 }, new: true })
    }

    /// Takes on the run that was asked for, or the newest.
    ///
    /// # Errors
    /// There is no such run, it was begun with another project, or the database refuses.
    pub async fn resume(&self, run: Option<Uuid>) -> Result<Taken, PipelineError> {
        let run = self.find_run(run).await?;
        let differing = self.differing(&run);
        if !differing.is_empty() {
            return Err(PipelineError::Differs { run: run.id, parts: differing });
        }
        self.take(run.id).await
    }

    /// The run that was asked for, or the newest.
    ///
    /// # Errors
    /// There is no such run.
    pub async fn find_run(&self, run: Option<Uuid>) -> Result<Run, PipelineError> {
        let client = self.pool.get().await.map_err(doing("connect"))?;
        if !has_ledger(&**client).await? {
            return Err(PipelineError::NoRun(run));
        }
        runs(&**client, run, 1).await?.pop().ok_or(PipelineError::NoRun(run))
    }

    /// What an unfinished run was begun with that is not what is asked for now.
    pub(super) fn differing_from(&self, run: &Run, source: &Source, scope: &str, target: &str) -> Vec<String> {
        let mut parts = self.differing(run);
        if run.scope != scope {
            parts.push(format!("part of the source ({} then, {scope} now)", run.scope));
        }
        if let Some(known) = run.target.as_ref().filter(|known| *known != target) {
            parts.push(format!("database ({known} then, {target} now)"));
        }
        if let (Some(then), Some(now)) = (run.source_bytes, source.stored_bytes)
            && u64::try_from(then) != Ok(now)
        {
            parts.push(format!("source ({} of {then} bytes then, {} of {now} now)", run.source, source.display));
        }
        parts
    }

    /// Parts of the project that are not those a run was begun with.
    fn differing(&self, run: &Run) -> Vec<String> {
        let mut parts = Vec::new();
        if run.project != self.project.name {
            parts.push(format!("project ({} then, {} now)", run.project, self.project.name));
        } else if run.project_hash != self.project.hash {
            let short = |hash: &str| hash.chars().take(12).collect::<String>();
            let (then, now) = (short(&run.project_hash), short(&self.project.hash));
            parts.push(format!("state of the files of project {} (hash {then} then, {now} now)", run.project));
        }
        parts
    }

    /// Takes a run on, and tells of it.
    pub(super) async fn take(&self, run: Uuid) -> Result<Taken, PipelineError> {
        let fence = self.raise(run).await?;
        self.tell(Opened { fence, new: false }).await
    }

    /// Raises the epoch of a run, so that whoever conducted it before stops.
    pub(super) async fn raise(&self, run: Uuid) -> Result<Fence, PipelineError> {
        let take = async || {
            transaction(&self.pool, "take the run on", async |tx| {
                self.take_turn(tx).await?;
                Ok::<_, PipelineError>(Opened { fence: Fence { run, epoch: run_take(tx, run).await? }, new: false })
            })
            .await
        };
        fault::point("run.take").await;
        let opened = self.past_predecessors(take).await?;
        fault::point("run.taken").await;
        Ok(opened.fence)
    }

    /// Waits for the turn to begin a run or take one on, and sees that the run lock is still held.
    async fn take_turn(&self, tx: &Transaction<'_>) -> Result<(), PipelineError> {
        match &self.holder {
            Some(holder) => Ok(holder.take_turn(tx).await?),
            None => Ok(()),
        }
    }

    /// Takes a run on, if need be after ending what an earlier conductor left open: this process holds the run lock, so
    /// whoever keeps the run's row is stuck or cut off.
    async fn past_predecessors(
        &self,
        take: impl AsyncFn() -> Result<Opened, PipelineError>,
    ) -> Result<Opened, PipelineError> {
        let is_held_up = |error: &PipelineError| {
            let (PipelineError::Db(error) | PipelineError::Lock(LockError::Db(error))) = error else { return false };
            error.is_lock_timeout()
        };
        let (opened, ended) = past_predecessors(&self.pool, is_held_up, take).await?;
        if ended > 0 {
            self.events.warn(format!("ended {ended} server processes that an earlier conductor of the run left open"));
        }
        Ok(opened)
    }

    /// Tells what was taken on.
    async fn tell(&self, opened: Opened) -> Result<Taken, PipelineError> {
        let fence = opened.fence;
        let found = self.find_run(Some(fence.run)).await?;
        let client = self.pool.get().await.map_err(doing("connect"))?;
        let batches = batch_counts(&**client, fence.run).await?;
        let (run, source, project) = (found.id, found.source, found.project);
        self.events.emit(if opened.new {
            Event::RunStarted { run, source, project }
        } else {
            Event::RunResumed {
                run,
                source,
                project,
                state: found.state.as_str(),
                batches_done: u64::try_from(batches.done).unwrap_or_default(),
            }
        });
        Ok(Taken { fence, state: found.state })
    }
}

/// A run as it was just taken on.
#[derive(Debug, Clone, Copy)]
struct Opened {
    fence: Fence,
    /// Whether it was begun rather than gone on with.
    new: bool,
}
