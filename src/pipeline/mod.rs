//! The ordered list of phases. Each is a command of its own; [`Conductor::run`] is their composition.

mod embed;
mod error;
mod index;
mod join;
mod known;
mod loaded;
mod memory;
mod probe;
mod record;
mod resume;
mod retry;
mod standing;
mod stint;
mod vitals;
mod why;

use std::time::Instant;

use deadpool_postgres::Pool;
use uuid::Uuid;

use crate::check::check;
use crate::db::doing;
use crate::db::ledger::{Fence, RunState, batch_counts};
use crate::db::lock::Holder;
use crate::db::migrate::{MigrationSet, migrate as apply_migrations};
use crate::embed::EmbedOptions;
use crate::event::{Event, Events, Phase};
use crate::limits::MaxRejects;
use crate::outcome::PlannedTable;
use crate::project::Project;
use crate::promote::{PromoteOptions, Promotion, promote};
use crate::relations::Relations;
use crate::source::Source;
use crate::stage::{StageOptions, stage};
use crate::stop::Stop;
use crate::validate::validate;

pub use error::PipelineError;
pub use resume::Taken;
pub use retry::{Given, RetryError, RetryOptions};
pub use vitals::Vitals;
pub use why::WhyError;

/// Where a run happens: the target and the project.
pub struct Conductor {
    /// Connections to the target.
    pub pool: Pool,
    /// The project.
    pub project: Project,
    /// Who listens.
    pub events: Events,
    /// What this process says of its work; it hears of it where `events` were made by [`Vitals::listen`].
    pub vitals: Vitals,
    /// Whether to stop.
    pub stop: Stop,
    /// Who holds the run lock for it; without one, whoever calls sees to it that there is no other conductor.
    pub holder: Option<Holder>,
    /// How embeddings are fetched.
    pub embed: EmbedOptions,
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
    /// What earlier runs are to this one.
    pub earlier: EarlierRuns,
    /// Whether the project's indexes are built after the load.
    pub index: bool,
    /// The plan that it follows, which was held against source and target before.
    pub following: Option<Following>,
}

/// What a run keeps of the plan that it follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Following {
    /// SHA-256 of the plan's file, lower-case hex.
    pub sha256: String,
    /// What it says of each source table.
    pub tables: Vec<PlannedTable>,
}

/// What earlier runs in the database are to a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EarlierRuns {
    /// An unfinished run is gone on with, and a source that was loaded whole before is not loaded again.
    #[default]
    Heeded,
    /// An unfinished run is gone on with; a source is loaded, whatever was loaded before.
    LoadedAgain,
    /// An unfinished run is set aside, and the source is loaded from its beginning.
    SetAside,
}

impl Conductor {
    /// Everything, in order: the whole of what sqlmig does. A run that was stopped goes on where it stopped; a source that
    /// was loaded whole before is not loaded again, unless `options` say so, and its run is returned.
    ///
    /// # Errors
    /// The first phase that fails; the run is recorded with its error, and what was done stays.
    pub async fn run(&self, source: Source, options: LoadOptions) -> Result<Uuid, (Option<Uuid>, PipelineError)> {
        let started = Instant::now();
        let migrated = self.migrate(true).await.map_err(|error| (None, error))?;
        if options.earlier == EarlierRuns::Heeded {
            let known = self.loaded_before(&source, &options.stage.scope()).await.map_err(|error| (None, error))?;
            if let Some(run) = known {
                return Ok(self.tell_loaded(&run, &source));
            }
        }
        let taken = self.begin(&source, &options, &migrated, started).await.map_err(|error| (None, error))?;
        let fence = taken.fence;
        let steps = async {
            self.note_plan(fence, options.following.as_ref()).await?;
            let ended_early = self.stage(taken, source, options.stage.clone()).await?;
            if taken.state < RunState::Checked {
                self.check(fence, options.stage.max_rejects).await?;
            }
            if let Some(place) = ended_early.filter(|_| !options.allow_incomplete) {
                return Err(self.refuse(fence, PipelineError::Incomplete(place)).await);
            }
            if taken.state < RunState::Promoted {
                self.embed(fence).await?;
                self.promote(fence, options.promote, options.allow_incomplete).await?;
            }
            self.index_step(fence, options.index).await?;
            self.validate(fence).await
        };
        steps.await.map(|()| fence.run).map_err(|error| (Some(fence.run), error))
    }

    /// Brings the database up to date, with the project's schema if `project` says so, and takes on the run of a source: one that
    /// has loaded it whole, too, as long as its rows are staged, unless `options` say otherwise.
    ///
    /// # Errors
    /// As [`Self::migrate`] and [`Self::begin_or_resume`].
    pub async fn open(&self, source: &Source, options: &LoadOptions, project: bool) -> Result<Taken, PipelineError> {
        let started = Instant::now();
        let migrated = self.migrate(project).await?;
        if options.earlier == EarlierRuns::Heeded
            && let Some(taken) = self.staged_before(source, &options.stage.scope()).await?
        {
            return Ok(taken);
        }
        self.begin(source, options, &migrated, started).await
    }

    /// Takes on the run of a source in a database that was brought up to date, since `started`, by these migrations.
    async fn begin(
        &self,
        source: &Source,
        options: &LoadOptions,
        migrated: &[String],
        started: Instant,
    ) -> Result<Taken, PipelineError> {
        let taken =
            self.begin_or_resume(source, &options.stage.scope(), options.earlier == EarlierRuns::SetAside).await?;
        self.record_migrations(taken.fence, migrated, started.elapsed()).await?;
        Ok(taken)
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

    /// Streams the source into staging, or what of it is missing there; says why the source ended before its proper end,
    /// if it did. Of a run that is done there is nothing to stage: it was taken on because it has loaded this very source.
    ///
    /// # Errors
    /// As [`stage`]; or this is not the source that the run was begun with.
    pub async fn stage(
        &self,
        taken: Taken,
        source: Source,
        options: StageOptions,
    ) -> Result<Option<String>, PipelineError> {
        let fence = taken.fence;
        if taken.state == RunState::Done {
            return Ok(None);
        }
        self.tell_known(fence, &source).await?;
        if taken.state >= RunState::Staged {
            match self.staged_rows_stand(fence).await {
                Ok(()) => return self.compare(fence, source).await,
                Err(error) if error.is_staging_lost() => {
                    self.warn(fence, [format!("{error}; staging it again, what is promoted is kept")]).await?;
                }
                Err(error) => return Err(error),
            }
        }
        let mut ended_early = None;
        self.phase(fence, Phase::Stage, async {
            let staged = stage(&self.pool, fence, source, options, &self.stop, &self.events).await?;
            ended_early = staged.ended_early;
            self.warn(fence, staged.warnings).await?;
            let kept = match staged.chunks_skipped {
                0 => String::new(),
                kept => format!("; {kept} chunks were staged already"),
            };
            Ok(format!(
                "{} rows of {} tables staged, {} in quarantine{kept}; {}",
                staged.rows_staged,
                staged.tables,
                staged.rows_rejected,
                staged.busy.told(&self.vitals.server())
            ))
        })
        .await?;
        Ok(ended_early)
    }

    /// Runs the checks and settles duplicates.
    ///
    /// # Errors
    /// As [`check`]; or nothing is staged.
    pub async fn check(&self, fence: Fence, max_rejects: Option<MaxRejects>) -> Result<(), PipelineError> {
        let known = self.require(fence, RunState::Staged, "checked").await?;
        let client = self.pool.get().await.map_err(doing("connect"))?;
        if known.state >= RunState::Checked && batch_counts(&**client, fence.run).await?.done > 0 {
            self.events.warn("the checks are not repeated: batches are promoted by their result");
            return Ok(());
        }
        drop(client);
        self.phase(fence, Phase::Check, async {
            let mut relations = self.relations(fence).await?;
            if relations.feeds().next().is_none() {
                return Err(PipelineError::Unused(self.project.name.clone()));
            }
            let unused: Vec<String> = relations.unused().map(ToString::to_string).collect();
            let unused = (!unused.is_empty())
                .then(|| format!("no transform uses {}: staged, and no further", unused.join(", ")));
            let skipped = relations.skipped().iter().map(|skipped| format!("skipped {skipped}"));
            self.warn(fence, unused.into_iter().chain(skipped)).await?;
            self.note_target_schema(fence).await?;
            let checked = check(&self.pool, fence, &self.project, &mut relations, max_rejects, &self.events).await?;
            Ok(format!(
                "{} checks: {} rows taken out, {} merged, {} warnings{}",
                checked.checks,
                checked.rejected,
                checked.merged,
                checked.warned,
                self.vitals.server().held_up()
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
        fence: Fence,
        options: PromoteOptions,
        allow_incomplete: bool,
    ) -> Result<(), PipelineError> {
        let known = self.require(fence, RunState::Checked, "promoted").await?;
        self.tell_of_embeddings(fence).await?;
        self.phase(fence, Phase::Promote, async {
            if !known.complete && !allow_incomplete {
                return Err(PipelineError::Incomplete("nothing of it is promoted".into()));
            }
            let relations = self.checked_relations(fence).await?;
            let effort = promote(&self.promotion(fence, &relations, options)).await?;
            Ok(format!("every batch is committed by {}", effort.told(&self.vitals.server())))
        })
        .await
    }

    fn promotion<'a>(&'a self, fence: Fence, relations: &'a Relations, options: PromoteOptions) -> Promotion<'a> {
        let Self { pool, project, stop, events, .. } = self;
        Promotion { pool, fence, project, relations, options, stop, events }
    }

    /// Proves the result.
    ///
    /// # Errors
    /// As [`validate`]; or not all batches are done.
    pub async fn validate(&self, fence: Fence) -> Result<(), PipelineError> {
        self.require(fence, RunState::Promoted, "validated").await?;
        self.phase(fence, Phase::Validate, async {
            let relations = self.checked_relations(fence).await?;
            let proofs = validate(&self.pool, fence, &self.project, &relations, &self.events).await?;
            let recall = self.recall(fence).await?;
            let held_up = self.vitals.server().held_up();
            Ok(format!("the books balance, {proofs} proofs hold{recall}{held_up}"))
        })
        .await
    }
}
