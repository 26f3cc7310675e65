//! Data on stdout: what commands show.

use std::io::{self, BufWriter, Write};

use sqlmig::db::{DbError, attempts, catalog, doing, ledger};
use sqlmig::fault;
use sqlmig::outcome::{FORMAT, History};
use sqlmig::pipeline::{Conductor, PipelineError};
use sqlmig::report;
use sqlmig::telemetry::Display;
use uuid::Uuid;

use super::failure::Failure;
use super::settings::Settings;

/// Shows the report of a run.
pub async fn show_report(
    conductor: &Conductor,
    settings: &Settings,
    display: &Display,
    run: Uuid,
) -> Result<(), Failure> {
    fault::point("report.begin").await;
    let read = async || {
        let client = conductor.pool.get().await.map_err(doing("connect"))?;
        ledger::report(&**client, run).await
    };
    // What was done is done: that somebody holds a table of the ledger for a moment, or a connection is lost, is no reason to end as if
    // it were not.
    let found = attempts(DbError::is_retryable, |text| conductor.events.retry(text), read).await?;
    let found = found.ok_or(PipelineError::NoRun(Some(run)))?;
    show(settings, display, |view, out| report::render(&found, view, out))
}

/// Lists the runs.
pub async fn history(conductor: &Conductor, settings: &Settings, display: &Display) -> Result<(), Failure> {
    let client = conductor.pool.get().await.map_err(doing("connect"))?;
    let runs = if catalog::has_ledger(&**client).await? {
        ledger::runs(&**client, None, i64::from(settings.limit)).await?
    } else {
        Vec::new()
    };
    let history = History { format: FORMAT, runs: runs.into_iter().map(Into::into).collect() };
    show(settings, display, |view, out| report::render_history(&history, view, out))
}

/// Writes data to stdout. A reader who has seen enough and closed the pipe is no failure.
pub fn show(
    settings: &Settings,
    display: &Display,
    render: impl FnOnce(report::View, &mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    display.clear();
    let mut out = BufWriter::new(io::stdout().lock());
    match render(settings.presentation.view(), &mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
