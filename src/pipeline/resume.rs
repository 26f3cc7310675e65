//! Taking a run on: the one to go on with, or a new one; held against what it was begun with.

use uuid::Uuid;

use super::{Conductor, PipelineError};
use crate::db::catalog::{has_ledger, target_identity};
use crate::db::ledger::{
    Fence, NewRun, Run, RunState, batch_counts, chunks, run_end_predecessors, run_insert, run_set_aside, run_take, runs,
};
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
        let client = self.pool.get().await.map_err(doing("connect"))?;
        let target = target_identity(&**client).await?;
        let newest = runs(&**client, None, 1).await?.pop().filter(|run| !run.state.is_final());
        drop(client);
        if let Some(run) = newest {
            // Of a run that has not staged a row there is nothing to go on with.
            let begun = run.state > RunState::Staging || !self.staged_nothing(run.id).await?;
            if begun && !restart {
                let mut differing = self.differing(&run);
                if run.scope != scope {
                    differing.push(format!("part of the source ({} then, {scope} now)", run.scope));
                }
                if run.target.as_ref().is_some_and(|known| *known != target) {
                    differing.push(format!("database ({} then, {target} now)", run.target.unwrap_or_default()));
                }
                if let (Some(then), Some(now)) = (run.source_bytes, source.stored_bytes)
                    && u64::try_from(then) != Ok(now)
                {
                    differing
                        .push(format!("source ({} of {then} bytes then, {} of {now} now)", run.source, source.display));
                }
                return match differing.is_empty() {
                    true => self.take(run.id).await,
                    false => Err(PipelineError::Differs { run: run.id, parts: differing }),
                };
            }
            // Taken first, so that whoever conducts it stops.
            let fence = self.take(run.id).await?.fence;
            fence
                .transaction(&self.pool, "set the run aside", async |tx| {
                    Ok::<_, PipelineError>(run_set_aside(tx, run.id).await?)
                })
                .await?;
            if begun {
                self.events.warn(format!("run {} is set aside; what it promoted stays", run.id));
            }
        }
        let id = Uuid::now_v7();
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
        transaction(&self.pool, "record the run", async |tx| run_insert(tx, &new).await).await?;
        fault::point("run.begun").await;
        self.events.emit(Event::RunStarted {
            run: id,
            source: source.display.clone(),
            project: self.project.name.clone(),
        });
        Ok(Taken { fence: Fence { run: id, epoch: 1 }, state: RunState::Staging })
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

    async fn staged_nothing(&self, run: Uuid) -> Result<bool, PipelineError> {
        let client = self.pool.get().await.map_err(doing("connect"))?;
        Ok(chunks(&**client, run).await?.is_empty())
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

    /// Raises the epoch of a run, so that whoever conducted it before stops.
    async fn take(&self, run: Uuid) -> Result<Taken, PipelineError> {
        let take = async || transaction(&self.pool, "take the run on", async |tx| run_take(tx, run).await).await;
        fault::point("run.take").await;
        let epoch = match take().await {
            // This process holds the run lock, so whoever keeps the row is stuck or cut off.
            Err(error) if error.is_lock_timeout() => {
                let client = self.pool.get().await.map_err(doing("connect"))?;
                let ended = run_end_predecessors(&**client).await?;
                self.events
                    .warn(format!("ended {ended} server processes that an earlier conductor of the run left open"));
                take().await?
            }
            other => other?,
        };
        fault::point("run.taken").await;
        let found = self.find_run(Some(run)).await?;
        let client = self.pool.get().await.map_err(doing("connect"))?;
        let batches = batch_counts(&**client, run).await?;
        self.events.emit(Event::RunResumed {
            run,
            source: found.source,
            project: found.project,
            state: found.state.as_str(),
            batches_done: u64::try_from(batches.done).unwrap_or_default(),
        });
        Ok(Taken { fence: Fence { run, epoch }, state: found.state })
    }
}
