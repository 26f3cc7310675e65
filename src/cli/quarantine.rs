//! `sqlmig quarantine`: the rows that were taken out, and another try for them.

use std::fs;

use sqlmig::db::doing;
use sqlmig::db::ledger::{
    Quarantined, Selection, quarantine_list_counts, quarantine_list_rows, quarantine_row, row_findings, row_tries,
};
use sqlmig::names::TableName;
use sqlmig::outcome::{ColumnValue, FORMAT, QuarantineEntry, QuarantineList};
use sqlmig::pipeline::{Conductor, Given, PipelineError, RetryError, RetryOptions};
use sqlmig::promote::PromoteOptions;
use sqlmig::report;
use sqlmig::telemetry::Display;
use uuid::Uuid;

use super::args::{MendArgs, QuarantineCommand};
use super::failure::{ExitCode, Failure};
use super::settings::Settings;
use super::show::{show, show_report};

impl QuarantineCommand {
    /// Whether it does more than look.
    #[must_use]
    pub fn changes_anything(&self) -> bool {
        matches!(self, Self::Retry { .. })
    }
}

/// Lists the quarantine, or shows one row of it.
pub async fn look_into_quarantine(
    action: &QuarantineCommand,
    conductor: &Conductor,
    settings: &Settings,
    display: &Display,
) -> Result<(), Failure> {
    match action {
        QuarantineCommand::List { run, table, check, .. } => {
            let run = conductor.quarantine_of(run.run).await?.id;
            let tables = conductor.tables_called(run, table.as_ref()).await?;
            let which = Selection { tables, check: check.clone(), row: None };
            let client = conductor.pool.get().await.map_err(doing("connect"))?;
            let counts = quarantine_list_counts(&**client, run, &which).await?;
            let rows = quarantine_list_rows(&**client, run, &which, i64::from(settings.limit)).await?;
            let open: i64 = counts.iter().map(|group| group.rows - group.retried).sum();
            let more = open - i64::try_from(rows.len()).unwrap_or(open);
            let list = QuarantineList { format: FORMAT, run, counts, rows, more };
            show(settings, display, |view, out| report::render_quarantine(&list, view, out))
        }
        QuarantineCommand::Show { table, row, run } => {
            let run = conductor.quarantine_of(run.run).await?.id;
            let entry = entry(conductor, run, table, *row).await?;
            show(settings, display, |view, out| report::render_quarantine_entry(&entry, view, out))
        }
        QuarantineCommand::Retry { .. } => Ok(()),
    }
}

/// One row whole, with what is known of it beyond the quarantine.
async fn entry(conductor: &Conductor, run: Uuid, table: &TableName, row: i64) -> Result<QuarantineEntry, Failure> {
    let tables = conductor.tables_called(run, Some(table)).await?.unwrap_or_default();
    let client = conductor.pool.get().await.map_err(doing("connect"))?;
    for source in &tables {
        if let Some(found) = quarantine_row(&**client, run, source, row).await?.into_iter().next() {
            let found_by = row_findings(&**client, found.entry.run, source, row).await?;
            let tries = row_tries(&**client, run, source, row).await?;
            return Ok(whole(found, found_by, tries));
        }
    }
    let table = tables.into_iter().next().unwrap_or_else(|| table.to_string());
    Err(PipelineError::from(RetryError::NoRow { run, table, row }).into())
}

fn whole(
    found: Quarantined,
    found_by: Vec<sqlmig::outcome::FoundBy>,
    tries: Vec<sqlmig::outcome::Try>,
) -> QuarantineEntry {
    let raw = found.raw.and_then(|raw| String::from_utf8(raw).ok());
    let staged = found.staged.unwrap_or_default();
    QuarantineEntry {
        format: FORMAT,
        row: found.entry,
        open: found.open,
        found_by,
        raw_base64: found.raw_base64.filter(|_| raw.is_none()),
        raw,
        staged: found
            .columns
            .into_iter()
            .filter(|column| staged.contains_key(column))
            .map(|column| ColumnValue {
                value: staged.get(&column).and_then(|value| value.as_str()).map(str::to_owned),
                column,
            })
            .collect(),
        tries,
    }
}

/// Tries rows again.
pub async fn retry_quarantine(
    action: &QuarantineCommand,
    conductor: &Conductor,
    settings: &Settings,
    display: &Display,
    promote: PromoteOptions,
) -> Result<(), Failure> {
    let QuarantineCommand::Retry { table, row, only_table, only_row, check, run, max_rejects, mend, .. } = action
    else {
        return Ok(());
    };
    let options = RetryOptions {
        run: run.run,
        table: table.as_ref().or(only_table.as_ref()).cloned(),
        check: check.clone(),
        row: row.or(*only_row),
        given: given(mend)?,
        max_rejects: *max_rejects,
    };
    if !options.given.is_empty() && (options.table.is_none() || options.row.is_none()) {
        return Err(Failure::new(ExitCode::Usage, "--set mends one row, and none is named")
            .with_hint(Some("sqlmig quarantine retry TABLE ROW --set COLUMN=VALUE".to_owned())));
    }
    let (run, outcome) = match conductor.retry(&options, promote).await {
        Ok(run) => (Some(run), Ok(())),
        Err((run, error)) => (run, Err(error)),
    };
    if let Some(run) = run {
        show_report(conductor, settings, display, run).await?;
    }
    Ok(outcome?)
}

/// The columns that are given anew.
fn given(mend: &MendArgs) -> Result<Given, Failure> {
    let mut given = Given::new();
    let mut add = |column: &String, value: Option<String>| match given.insert(column.clone(), value) {
        None => Ok(()),
        Some(_) => Err(Failure::new(ExitCode::Usage, format!("column {column:?} is given twice"))),
    };
    for (column, value) in &mend.set {
        add(column, Some(value.clone()))?;
    }
    for column in &mend.set_null {
        add(column, None)?;
    }
    for (column, path) in &mend.set_file {
        let value = fs::read_to_string(path)
            .map_err(|error| Failure::new(ExitCode::Usage, format!("{path} cannot be read: {error}")))?;
        add(column, Some(value))?;
    }
    Ok(given)
}
