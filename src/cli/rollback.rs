//! `rollback` and `finish`: consent, the run lock, and what is shown.

use sqlmig::db::ledger::{rollback_kept, rollback_totals, target_counts};
use sqlmig::db::lock::{Lock, LockKind};
use sqlmig::db::migrate::{MigrationSet, pending};
use sqlmig::db::pooler::refuse_transaction_pooler;
use sqlmig::db::{Target, doing};
use sqlmig::outcome::{Accepted, FORMAT, Rollback, StagingEmptied, TargetCount};
use sqlmig::pipeline::{Conductor, PipelineError};
use sqlmig::report;
use sqlmig::rollback::{self, RollbackOptions};
use sqlmig::telemetry::Display;
use uuid::Uuid;

use super::args::RollbackArgs;
use super::consent::{Question, Stakes, ask};
use super::failure::Failure;
use super::settings::Settings;
use super::show::show;

/// Rows left that are listed; the ledger has them all.
const KEPT_LISTED: i64 = 1000;

/// Takes back a run, a batch, or what is staged.
pub async fn rollback(
    typed: &RollbackArgs,
    conductor: &Conductor,
    target: &Target,
    settings: &Settings,
    display: &Display,
) -> Result<(), Failure> {
    if typed.staging {
        let what = format!("Empty the staging tables in {}?", target.describe());
        confirm(typed.consent.yes, what, conductor, display).await?;
        let emptied = locked(target, async || Ok(rollback::rollback_staging(&conductor.pool).await?)).await?;
        let emptied = StagingEmptied { format: FORMAT, emptied };
        return show(settings, display, |view, out| report::render_staging_emptied(&emptied, view, out));
    }
    let run = conductor.find_run(typed.run).await?.id;
    let what = typed.batch.map_or_else(|| format!("run {run}"), |batch| format!("batch {batch} of run {run}"));
    let too = if typed.force { ", also rows that somebody changed since" } else { "" };
    let question = format!("Take back {what} in {}{too}?", target.describe());
    let lines = written(conductor, run, typed.batch.is_none()).await?;
    ask(typed.consent.yes, &Question { ask: question, lines, stakes: Stakes::Loses }, display, &conductor.stop).await?;
    let options = RollbackOptions { batch: typed.batch, force: typed.force };
    let batches = locked(target, async || {
        bring_up_to_date(conductor).await?;
        Ok(rollback::rollback(&conductor.pool, run, options, &conductor.stop, &conductor.events).await?)
    })
    .await?;
    let found = conductor.find_run(Some(run)).await?;
    let client = conductor.pool.get().await.map_err(doing("connect"))?;
    let outcome = Rollback {
        format: FORMAT,
        run: found.into(),
        batch: typed.batch,
        forced: typed.force,
        batches,
        targets: rollback_totals(&**client, run, typed.batch).await?,
        kept: rollback_kept(&**client, run, typed.batch, KEPT_LISTED).await?,
    };
    show(settings, display, |view, out| report::render_rollback(&outcome, view, out))
}

/// Accepts a run.
pub async fn finish(
    run: Option<Uuid>,
    yes: bool,
    conductor: &Conductor,
    target: &Target,
    settings: &Settings,
    display: &Display,
) -> Result<(), Failure> {
    let run = conductor.find_run(run).await?.id;
    let question = format!("Give up what is kept to take run {run} back in {}?", target.describe());
    confirm(yes, question, conductor, display).await?;
    let finished = locked(target, async || {
        bring_up_to_date(conductor).await?;
        Ok(rollback::finish(&conductor.pool, run).await?)
    })
    .await?;
    let accepted = Accepted {
        format: FORMAT,
        run: conductor.find_run(Some(run)).await?.into(),
        accepted_at: finished.at,
        images: finished.images,
        tables_dropped: finished.tables_dropped,
    };
    show(settings, display, |view, out| report::render_accepted(&accepted, view, out))
}

/// What a run has written, a line a final table: what is to be taken back of it.
async fn written(conductor: &Conductor, run: Uuid, whole: bool) -> Result<Vec<String>, Failure> {
    if !whole {
        return Ok(Vec::new());
    }
    let client = conductor.pool.get().await.map_err(doing("connect"))?;
    let targets = target_counts(&**client, run).await?;
    let line = |target: &TargetCount| {
        let (inserted, updated) = (target.rows_inserted, target.rows_updated);
        format!("  - {}: {inserted} rows that it inserted, ~ {updated} that it updated", target.target)
    };
    Ok(targets.iter().filter(|target| target.rows_inserted + target.rows_updated > 0).map(line).collect())
}

/// Asks before something is lost.
async fn confirm(yes: bool, what: String, conductor: &Conductor, display: &Display) -> Result<(), Failure> {
    let question = Question { ask: what, lines: Vec::new(), stakes: Stakes::Loses };
    ask(yes, &question, display, &conductor.stop).await
}

/// Does something under the run lock.
async fn locked<T>(target: &Target, work: impl AsyncFnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let own = refuse_transaction_pooler(target).await?;
    let lock = Lock::try_take_on(own, target, LockKind::Run).await?;
    let outcome = work().await;
    lock.release().await;
    outcome
}

/// Brings the ledger up to date, where that is needed: a role that only rolls back may not be allowed to.
async fn bring_up_to_date(conductor: &Conductor) -> Result<(), Failure> {
    let client = conductor.pool.get().await.map_err(doing("connect"))?;
    let ledger = MigrationSet::ledger().map_err(PipelineError::from)?;
    let behind = !pending(&**client, &ledger).await.map_err(PipelineError::from)?.is_empty();
    drop(client);
    if behind {
        conductor.migrate(false).await?;
    }
    Ok(())
}
