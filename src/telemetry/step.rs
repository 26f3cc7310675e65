//! Events as log lines, one a step, with their numbers as fields.

use tracing::{debug, info, warn};

use crate::event::Event;
use crate::outcome::{Severity, Status};

/// Milliseconds, as every time in sqlmig's logs.
fn ms(elapsed: std::time::Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// Logs an event.
pub(super) fn log(event: &Event) {
    match event {
        Event::ServerReady { detail } => info!(detail, "server ready"),
        Event::RunStarted { source, project, .. } => info!(source, project, "run started"),
        Event::RunResumed { source, project, state, batches_done, .. } => {
            info!(source, project, state, batches_done, "run goes on");
        }
        Event::AlreadyLoaded { source, .. } => {
            info!(source, "the source was loaded whole by this run; run --force loads it again");
        }
        Event::PhaseStarted { phase } => info!(%phase, "phase started"),
        Event::PhaseFinished { phase, elapsed, summary } => {
            info!(%phase, elapsed_ms = ms(*elapsed), summary, "phase finished");
        }
        Event::MigrationApplied { set, name } => info!(set, name, "migration applied"),
        Event::SourceOpened { bytes } => info!(bytes, "source opened"),
        // Too many for a log; what they tell is in the status.
        Event::SourceProgress { .. } | Event::StepStarted { .. } | Event::Busy { .. } => {}
        Event::StepsPlanned { steps } => debug!(steps, "steps planned"),
        Event::StatusRead { status } => progress(status),
        Event::TableStaged { table, staged, rejected: 0 } => info!(%table, staged, rejected = 0, "table staged"),
        Event::TableStaged { table, staged, rejected } => warn!(%table, staged, rejected, "table staged"),
        Event::CheckFinished { name, on, severity, examined, failed, elapsed } => {
            check(name, on, *severity, (*examined, *failed), ms(*elapsed));
        }
        Event::VectorsWanted { rows } => info!(rows, "vectors wanted"),
        Event::VectorsFetched { texts, tokens, elapsed } => {
            info!(texts, tokens, elapsed_ms = ms(*elapsed), "vectors fetched");
        }
        Event::WorkersChanged { workers, why } => {
            info!(workers, %why, "promotion goes on with another number of workers");
        }
        Event::BatchesPlanned { target, batches, rows } => info!(table = %target, batches, rows, "batches planned"),
        Event::BatchFinished { target, number, inserted, updated, unchanged, deleted, elapsed } => {
            let elapsed_ms = ms(*elapsed);
            info!(table = %target, batch = number, inserted, updated, unchanged, deleted, elapsed_ms, "batch committed");
        }
        Event::RollbackStarted { batches, rows, .. } => info!(batches, rows, "rollback started"),
        Event::BatchTakenBack { target, number, deleted, restored, elapsed, .. } => {
            info!(table = %target, batch = number, deleted, restored, elapsed_ms = ms(*elapsed), "batch taken back");
        }
        Event::RollbackFinished { batches, deleted, restored, elapsed } => {
            info!(batches, deleted, restored, elapsed_ms = ms(*elapsed), "rollback finished");
        }
        Event::IndexProgress { name, phase, done, total } => info!(index = name, phase, done, total, "building index"),
        Event::IndexBuilt { name, elapsed } => info!(index = name, elapsed_ms = ms(*elapsed), "index built"),
        Event::Retried { message } => warn!(retried = true, "{message}"),
        Event::Warning { message } => warn!("{message}"),
    }
}

/// A check that found something is a warning, whatever its severity: the log's levels are about attention.
fn check(name: &str, on: &str, severity: Severity, (examined, failed): (u64, u64), elapsed_ms: u64) {
    let severity = severity.as_str();
    if failed == 0 {
        info!(check = name, on, severity, examined, failed, elapsed_ms, "check finished");
    } else {
        warn!(check = name, on, severity, examined, failed, elapsed_ms, "check found rows");
    }
}

/// How far the run is: a line every now and then, for a phase that takes long.
fn progress(status: &Status) {
    let Some(at) = &status.progress else { return };
    info!(
        phase = at.phase,
        doing = at.doing,
        unit = at.unit,
        done = at.done,
        total = at.total,
        percent = at.percent.map(tenths),
        rows = at.rows,
        rows_per_second = at.rows_per_second.map(tenths),
        eta_seconds = at.eta_seconds.map(f64::round),
        batches_done = status.batches.done,
        retries = status.retries,
        rejected = status.rejects.rows,
        held_up_by = status.busy.first().map(|busy| busy.part.as_str()),
        "in progress"
    );
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
