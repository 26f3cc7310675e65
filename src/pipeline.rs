//! The ordered list of phases. Each is a command of its own; [`run`] is their composition.

use std::time::{Duration, Instant};

use deadpool_postgres::Pool;
use uuid::Uuid;

use crate::check::{CheckError, check, find_patches};
use crate::db::ledger::{EventKind, Run, RunState, event_insert, phase_insert, run_fail, run_insert, run_memory, runs};
use crate::db::migrate::{MigrateError, MigrationSet, migrate as apply_migrations};
use crate::db::{DbError, doing};
use crate::event::{Event, Events, Phase};
use crate::project::Project;
use crate::promote::{PromoteError, PromoteOptions, promote};
use crate::relations::{Relations, RelationsError};
use crate::source::Source;
use crate::stage::{StageError, StageOptions, stage};
use crate::validate::{ValidateError, validate};

/// Where a run happens: the target and the project.
pub struct Conductor {
    /// Connections to the target.
    pub pool: Pool,
    /// The project.
    pub project: Project,
    /// Who listens.
    pub events: Events,
}

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The database has no run.
    #[error("there is no run{}", .0.map_or_else(String::new, |id| format!(" {id}")))]
    NoRun(Option<Uuid>),
    /// A step was asked for before the one that it builds on.
    #[error("run {run} is {state}: it cannot be {wanted} yet")]
    TooEarly {
        /// The run.
        run: Uuid,
        /// How far it came.
        state: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
    /// The project was changed between two steps of a run.
    #[error("run {0} was staged with another version of the project")]
    OtherProject(Uuid),
    /// The source ended before its proper end.
    #[error("the source is incomplete: {0}")]
    Incomplete(String),
    /// No transform uses any table of the source.
    #[error("the project {0} uses no table of this source")]
    Unused(String),
    /// Migrations failed.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// Staging failed.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The canonical relations could not be built.
    #[error(transparent)]
    Relations(#[from] RelationsError),
    /// Checking failed.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// Promotion failed.
    #[error(transparent)]
    Promote(#[from] PromoteError),
    /// Validation failed.
    #[error(transparent)]
    Validate(#[from] ValidateError),
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl PipelineError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoRun(_) => Some("see sqlmig history; load something with sqlmig run SOURCE".into()),
            Self::TooEarly { .. } => {
                Some("the order is stage, check, promote, validate; sqlmig run does all four".into())
            }
            Self::OtherProject(_) => Some("use the project it was staged with, or stage again".into()),
            Self::Incomplete(_) => {
                Some("get the whole source; --allow-incomplete promotes what was read of this one".into())
            }
            Self::Unused(_) => Some(
                "sqlmig stage loads any dump into staging; --project DIR names a project that uses its tables".into(),
            ),
            Self::Migrate(error) => error.hint(),
            Self::Stage(error) => error.hint(),
            Self::Relations(error) => error.hint(),
            Self::Check(error) => error.hint(),
            Self::Promote(error) => error.hint(),
            Self::Validate(error) => error.hint(),
            Self::Db(error) => error.hint(),
        }
    }
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
            self.stage(run, source, options.stage).await?;
            self.check(run).await?;
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
            if staged.facts.stray_line_count > 0 {
                let lines = staged.facts.stray_line_count;
                self.warn(run, format!("{lines} lines of the source are no SQL and were passed over")).await?;
            }
            if let Some(error) = &staged.ended_early {
                self.warn(run, format!("the source is incomplete: {error}")).await?;
                ended_early = Some(error.to_string());
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
    pub async fn check(&self, run: Uuid) -> Result<(), PipelineError> {
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
            let checked = check(&self.pool, run, &self.project, &mut relations, &self.events).await?;
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
            promote(&self.pool, run, &self.project, &relations, options, &self.events).await?;
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

    async fn relations(&self, run: Uuid) -> Result<Relations, PipelineError> {
        let client = self.pool.get().await.map_err(doing("connect"))?;
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
        Ok(known)
    }

    async fn warn(&self, run: Uuid, message: String) -> Result<(), PipelineError> {
        let client = self.pool.get().await.map_err(doing("connect"))?;
        event_insert(&**client, run, EventKind::Warning, &message).await?;
        self.events.warn(message);
        Ok(())
    }

    /// Runs one phase: the only place that tells of it, measures it and records how it ended.
    async fn phase(
        &self,
        run: Uuid,
        phase: Phase,
        work: impl Future<Output = Result<String, PipelineError>>,
    ) -> Result<(), PipelineError> {
        let started = Instant::now();
        self.events.emit(Event::PhaseStarted { phase });
        let outcome = work.await;
        let elapsed = started.elapsed();
        let client = self.pool.get().await.map_err(doing("record the phase"))?;
        run_memory(&**client, run, peak_rss_bytes()).await?;
        match outcome {
            Ok(summary) => {
                phase_insert(&**client, run, phase, elapsed, &summary).await?;
                self.events.emit(Event::PhaseFinished { phase, elapsed, summary });
                Ok(())
            }
            Err(error) => {
                // The phase's own error is the one to tell, even when it cannot be recorded.
                let text = error.to_string();
                drop(phase_insert(&**client, run, phase, elapsed, &text).await);
                drop(run_fail(&**client, run, &text).await);
                Err(error)
            }
        }
    }
}

/// Largest resident set of this process in bytes, from Linux's /proc; 0 where there is none.
fn peak_rss_bytes() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes: i64 = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0);
    kibibytes * 1024
}
