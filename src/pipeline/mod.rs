//! The ordered list of phases. Each is a command of its own; [`Conductor::run`] is their composition.

mod error;
mod record;
mod retry;
mod why;

use std::time::{Duration, Instant};

use deadpool_postgres::Pool;
use uuid::Uuid;

use crate::check::{check, find_patches};
use crate::db::ledger::{
    EventKind, Fence, Run, RunState, event_insert, phase_insert, run_insert, run_take, runs, source_tables,
};
use crate::db::migrate::{MigrationSet, migrate as apply_migrations};
use crate::db::{doing, staging, transaction};
use crate::event::{Event, Events, Phase};
use crate::limits::MaxRejects;
use crate::names::staging_table;
use crate::project::Project;
use crate::promote::{PromoteOptions, promote};
use crate::relations::Relations;
use crate::source::Source;
use crate::stage::{StageOptions, stage};
use crate::validate::validate;

pub use error::PipelineError;
pub use retry::{Given, RetryError, RetryOptions};
pub use why::WhyError;

/// Where a run happens: the target and the project.
pub struct Conductor {
    /// Connections to the target.
    pub pool: Pool,
    /// The project.
    pub project: Project,
    /// Who listens.
    pub events: Events,
}

/// How to load a source.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// How to stage it.
    pub stage: StageOptions,
    /// How to promote it.
    pub promote: PromoteOptions,
    /// Whether rows of a source that ended early may be promoted.
    pub allow_incomplete: bool,
}

impl Conductor {
    /// Everything, in order: the whole of what sqlmig does.
    ///
    /// # Errors
    /// The first phase that fails; the run is recorded with its error, and what was done stays.
    pub async fn run(&self, source: Source, options: LoadOptions) -> Result<Uuid, (Option<Uuid>, PipelineError)> {
        let started = Instant::now();
        let migrated = self.migrate(true).await.map_err(|error| (None, error))?;
        let run = self.begin(&source).await.map_err(|error| (None, error))?;
        let steps = async {
            self.record_migrations(run, &migrated, started.elapsed()).await?;
            let ended_early = self.stage(run, source, options.stage.clone()).await?;
            self.check(run, options.stage.max_rejects).await?;
            if let Some(place) = ended_early.filter(|_| !options.allow_incomplete) {
                return Err(self.refuse(run, PipelineError::Incomplete(place)).await);
            }
            self.promote(run, options.promote, options.allow_incomplete).await?;
            self.validate(run).await
        };
        steps.await.map(|()| run).map_err(|error| (Some(run), error))
    }

    /// Brings the ledger up to date and, if `project` says so, the project's schema; returns what was applied.
    ///
    /// # Errors
    /// A migration fails or was changed since it was applied.
    pub async fn migrate(&self, project: bool) -> Result<Vec<String>, PipelineError> {
        let mut client = self.pool.get().await.map_err(doing("connect"))?;
        let mut applied = Vec::new();
        let mut sets = vec![MigrationSet::ledger()?];
        if project {
            let files = self
                .project
                .migrations
                .iter()
                .map(|file| (format!("V{}__{}", file.version, file.name), file.sql.clone()));
            sets.push(MigrationSet::project(&self.project.name, files)?);
        }
        for set in sets {
            for name in apply_migrations(&mut client, &set).await? {
                self.events.emit(Event::MigrationApplied { set: set.name.clone(), name: name.clone() });
                applied.push(format!("{}: {name}", set.name));
            }
        }
        Ok(applied)
    }

    /// Records that a run of this source begins.
    ///
    /// # Errors
    /// Fails when the database refuses.
    pub async fn begin(&self, source: &Source) -> Result<Uuid, PipelineError> {
        let run = Uuid::now_v7();
        let mut client = self.pool.get().await.map_err(doing("connect"))?;
        let tx = client.transaction().await.map_err(doing("record the run"))?;
        run_insert(&tx, run, &self.project.name, &self.project.hash, &source.display).await?;
        tx.commit().await.map_err(doing("record the run"))?;
        self.events.emit(Event::RunStarted { run, source: source.display.clone(), project: self.project.name.clone() });
        Ok(run)
    }

    /// Records the migrations that were applied on the way into a run, which could not be recorded before its ledger.
    ///
    /// # Errors
    /// Fails when the database refuses.
    pub async fn record_migrations(
        &self,
        run: Uuid,
        applied: &[String],
        elapsed: Duration,
    ) -> Result<(), PipelineError> {
        let client = self.pool.get().await.map_err(doing("connect"))?;
        for name in applied {
            event_insert(&**client, run, EventKind::Migration, name).await?;
        }
        let summary = format!("{} migrations applied", applied.len());
        phase_insert(&**client, run, Phase::Migrate, elapsed, &summary).await?;
        Ok(())
    }

    /// Streams the source into staging; says why the source ended before its proper end, if it did.
    ///
    /// # Errors
    /// As [`stage`].
    pub async fn stage(
        &self,
        run: Uuid,
        source: Source,
        options: StageOptions,
    ) -> Result<Option<String>, PipelineError> {
        let mut ended_early = None;
        self.phase(run, Phase::Stage, async {
            let staged = stage(&self.pool, run, source, options, &self.events).await?;
            ended_early = staged.ended_early;
            for warning in staged.warnings {
                self.warn(run, warning).await?;
            }
            Ok(format!(
                "{} rows of {} tables staged, {} in quarantine",
                staged.rows_staged, staged.tables, staged.rows_rejected
            ))
        })
        .await?;
        Ok(ended_early)
    }

    /// Runs the checks and settles duplicates.
    ///
    /// # Errors
    /// As [`check`]; or nothing is staged.
    pub async fn check(&self, run: Uuid, max_rejects: Option<MaxRejects>) -> Result<(), PipelineError> {
        self.require(run, RunState::Staged, "checked").await?;
        self.phase(run, Phase::Check, async {
            let mut relations = self.relations(run).await?;
            if relations.feeds().next().is_none() {
                return Err(PipelineError::Unused(self.project.name.clone()));
            }
            let unused: Vec<String> = relations.unused().map(ToString::to_string).collect();
            if !unused.is_empty() {
                self.warn(run, format!("no transform uses {}: staged, and no further", unused.join(", "))).await?;
            }
            for skipped in relations.skipped() {
                self.warn(run, format!("skipped {skipped}")).await?;
            }
            let checked = check(&self.pool, run, &self.project, &mut relations, max_rejects, &self.events).await?;
            Ok(format!(
                "{} checks: {} rows taken out, {} merged, {} warnings",
                checked.checks, checked.rejected, checked.merged, checked.warned
            ))
        })
        .await
    }

    /// Writes the clean rows to the final tables.
    ///
    /// # Errors
    /// As [`promote`]; or the checks have not run, or the source is incomplete.
    pub async fn promote(
        &self,
        run: Uuid,
        options: PromoteOptions,
        allow_incomplete: bool,
    ) -> Result<(), PipelineError> {
        let known = self.require(run, RunState::Checked, "promoted").await?;
        self.phase(run, Phase::Promote, async {
            if !known.complete && !allow_incomplete {
                return Err(PipelineError::Incomplete("nothing of it is promoted".into()));
            }
            let mut relations = self.relations(run).await?;
            let client = self.pool.get().await.map_err(doing("connect"))?;
            find_patches(&**client, &self.project, &mut relations).await?;
            drop(client);
            let epoch = transaction(&self.pool, "take the run on", async |tx| run_take(tx, run).await).await?;
            promote(&self.pool, Fence { run, epoch }, &self.project, &relations, options, &self.events).await?;
            Ok("every batch is committed".into())
        })
        .await
    }

    /// Proves the result.
    ///
    /// # Errors
    /// As [`validate`]; or not all batches are done.
    pub async fn validate(&self, run: Uuid) -> Result<(), PipelineError> {
        self.require(run, RunState::Promoted, "validated").await?;
        self.phase(run, Phase::Validate, async {
            let mut relations = self.relations(run).await?;
            let client = self.pool.get().await.map_err(doing("connect"))?;
            find_patches(&**client, &self.project, &mut relations).await?;
            drop(client);
            let proofs = validate(&self.pool, run, &self.project, &relations, &self.events).await?;
            Ok(format!("the books balance, {proofs} proofs hold"))
        })
        .await
    }

    /// The run that was asked for, or the newest.
    ///
    /// # Errors
    /// There is no such run.
    pub async fn find_run(&self, run: Option<Uuid>) -> Result<Run, PipelineError> {
        let client = self.pool.get().await.map_err(doing("connect"))?;
        if !crate::db::catalog::has_ledger(&**client).await? {
            return Err(PipelineError::NoRun(run));
        }
        runs(&**client, run, 1).await?.pop().ok_or(PipelineError::NoRun(run))
    }

    /// The run that was asked for, or the newest, to go on with.
    ///
    /// # Errors
    /// There is no such run.
    pub async fn go_on(&self, run: Option<Uuid>) -> Result<Uuid, PipelineError> {
        let run = self.find_run(run).await?;
        self.events.emit(Event::RunStarted { run: run.id, source: run.source, project: run.project });
        Ok(run.id)
    }

    async fn relations(&self, run: Uuid) -> Result<Relations, PipelineError> {
        let client = self.pool.get().await.map_err(doing("connect"))?;
        // PostgreSQL empties UNLOGGED tables after a crash (manual, CREATE TABLE), without a word to anyone.
        for table in source_tables(&**client, run).await? {
            let found = staging::count(&**client, &table.staged_as).await?;
            if found != table.rows_staged {
                let table_name = staging_table(&table.staged_as);
                return Err(PipelineError::StagingLost { table: table_name, staged: table.rows_staged, found });
            }
        }
        Ok(Relations::resolve(&**client, &self.project, run).await?)
    }

    /// A run that has come as far as `state`, with this project.
    async fn require(&self, run: Uuid, state: RunState, wanted: &'static str) -> Result<Run, PipelineError> {
        let known = self.find_run(Some(run)).await?;
        if known.state < state {
            return Err(PipelineError::TooEarly { run, state: known.state.as_str(), wanted });
        }
        if known.project_hash != self.project.hash {
            return Err(PipelineError::OtherProject(run));
        }
        // Staging holds one run, the newest: every stage begins by dropping what an earlier one left there.
        let newer = self.find_run(None).await?.id;
        if newer != run {
            return Err(PipelineError::Superseded { run, newer });
        }
        Ok(known)
    }
}
