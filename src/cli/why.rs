//! `sqlmig why`, and the events of one run.

use sqlmig::db::{doing, ledger};
use sqlmig::names::TableName;
use sqlmig::outcome::{FORMAT, RunEvents};
use sqlmig::pipeline::Conductor;
use sqlmig::report;
use sqlmig::telemetry::Display;
use uuid::Uuid;

use super::failure::Failure;
use super::settings::Settings;
use super::show::show;

/// Shows the fate of one row.
pub async fn why(
    conductor: &Conductor,
    settings: &Settings,
    display: &Display,
    table: &TableName,
    key: &[String],
    run: Option<Uuid>,
) -> Result<(), Failure> {
    let why = conductor.why(table, key, run).await?;
    show(settings, display, |view, out| report::render_why(&why, view, out))
}

/// Shows everything that happened to one run.
pub async fn events(conductor: &Conductor, settings: &Settings, display: &Display, run: Uuid) -> Result<(), Failure> {
    let found = conductor.find_run(Some(run)).await?;
    let client = conductor.pool.get().await.map_err(doing("connect"))?;
    let events = ledger::run_events(&**client, run).await?;
    let events = RunEvents { format: FORMAT, run: found.into(), events };
    show(settings, display, |view, out| report::render_events(&events, view, out))
}
