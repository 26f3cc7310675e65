//! Renders a run's outcome for people and machines.

mod books;
mod examples;
mod form;
mod found;
mod grid;
mod html;
mod junit;
mod lines;
mod markdown;
mod plan;
mod preflight;
mod quarantine;
mod rollback;
mod run;
mod runs;
mod search;
mod status;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
mod why;

use std::io::{self, Write};

use serde::Serialize;

use crate::outcome::{
    Accepted, CaseOutcome, ExampleReport, History, Plan, Preflight, QuarantineEntry, QuarantineList, Report, Rollback,
    RunEvents, SearchReport, StagingEmptied, Status, Why,
};

pub use books::{Verdict, verdict};
pub use form::{Form, render_form};
pub use grid::{count, duration, printable, size};
pub use status::{progress_line, progress_lines};

/// How data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Tables for people.
    Table,
    /// JSON for programs, by the contract of `docs/report.md`.
    Json,
}

/// How something is shown.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// For whom.
    pub format: Format,
    /// Columns of the screen or page; tables use what they need of it. JSON ignores it.
    pub width: u16,
    /// Whether to colour. JSON ignores it.
    pub color: bool,
    /// Whether to show also what passed. JSON always holds everything.
    pub verbose: bool,
}

/// Writes the report of a run; the last line of a table view is the [`verdict`].
///
/// # Errors
///
/// What the writer reports.
pub fn render(report: &Report, view: View, writer: &mut dyn Write) -> io::Result<()> {
    match view.format {
        Format::Json => json(report, writer),
        Format::Table => run::write(report, view, writer),
    }
}

/// Writes what a run would do.
///
/// # Errors
///
/// What the writer reports.
pub fn render_plan(plan: &Plan, view: View, writer: &mut dyn Write) -> io::Result<()> {
    match view.format {
        Format::Json => json(plan, writer),
        Format::Table => plan::write(plan, view, writer),
    }
}

/// Writes whether everything is ready.
///
/// # Errors
///
/// What the writer reports.
pub fn render_preflight(preflight: &Preflight, view: View, writer: &mut dyn Write) -> io::Result<()> {
    match view.format {
        Format::Json => json(preflight, writer),
        Format::Table => preflight::write(preflight, view, writer),
    }
}

/// Writes the runs of a database, one line each.
///
/// # Errors
///
/// What the writer reports.
pub fn render_history(history: &History, view: View, writer: &mut dyn Write) -> io::Result<()> {
    match view.format {
        Format::Json => json(history, writer),
        Format::Table => runs::write_history(history, view, writer),
    }
}

/// Writes everything that happened to one run.
///
/// # Errors
///
/// What the writer reports.
pub fn render_events(events: &RunEvents, view: View, writer: &mut dyn Write) -> io::Result<()> {
    match view.format {
        Format::Json => json(events, writer),
        Format::Table => runs::write_events(events, view, writer),
    }
}

/// Writes the fate of one row.
///
/// # Errors
///
/// What the writer reports.
pub fn render_why(why: &Why, view: View, writer: &mut dyn Write) -> io::Result<()> {
    match view.format {
        Format::Json => json(why, writer),
        Format::Table => why::write(why, view, writer),
    }
}

/// Writes what a search found.
///
/// # Errors
///
/// What the writer reports.
pub fn render_search(found: &SearchReport, view: View, writer: &mut dyn Write) -> io::Result<()> {
    match view.format {
        Format::Json => json(found, writer),
        Format::Table => search::write(found, view, writer),
    }
}

/// Writes how far a run has come.
///
/// # Errors
///
/// What the writer reports.
pub fn render_status(status: &Status, view: View, writer: &mut dyn Write) -> io::Result<()> {
    match view.format {
        Format::Json => json(status, writer),
        Format::Table => status::write(status, view, writer),
    }
}

/// Writes how far a run has come as one line: of JSON, or for people.
///
/// # Errors
///
/// What the writer reports.
pub fn render_status_line(status: &Status, view: View, writer: &mut dyn Write) -> io::Result<()> {
    match view.format {
        Format::Json => {
            serde_json::to_writer(&mut *writer, status)?;
            writeln!(writer)
        }
        Format::Table => writeln!(writer, "{}", status::progress_line(status)),
    }
}

/// Writes the rows in quarantine.
///
/// # Errors
///
/// What the writer reports.
pub fn render_quarantine(list: &QuarantineList, view: View, writer: &mut dyn Write) -> io::Result<()> {
    match view.format {
        Format::Json => json(list, writer),
        Format::Table => quarantine::write_list(list, view, writer),
    }
}

/// Writes one row in quarantine whole.
///
/// # Errors
///
/// What the writer reports.
pub fn render_quarantine_entry(entry: &QuarantineEntry, view: View, writer: &mut dyn Write) -> io::Result<()> {
    match view.format {
        Format::Json => json(entry, writer),
        Format::Table => quarantine::write_entry(entry, view, writer),
    }
}

/// Writes what came of a project's examples.
///
/// # Errors
///
/// What the writer reports.
pub fn render_examples(report: &ExampleReport, view: View, writer: &mut dyn Write) -> io::Result<()> {
    if view.format == Format::Json {
        return json(report, writer);
    }
    for case in &report.cases {
        examples::write_case(case, view, writer)?;
    }
    examples::write_verdict(report, writer)
}

/// Writes one case as it ends, as a line of [`render_examples`]; JSON is written at the end, whole.
///
/// # Errors
///
/// What the writer reports.
pub fn render_case(case: &CaseOutcome, view: View, writer: &mut dyn Write) -> io::Result<()> {
    match view.format {
        Format::Json => Ok(()),
        Format::Table => examples::write_case(case, view, writer),
    }
}

/// Writes what was taken back, and what was left.
///
/// # Errors
///
/// What the writer reports.
pub fn render_rollback(rollback: &Rollback, view: View, writer: &mut dyn Write) -> io::Result<()> {
    match view.format {
        Format::Json => json(rollback, writer),
        Format::Table => rollback::write(rollback, view, writer),
    }
}

/// Writes that a run was accepted.
///
/// # Errors
///
/// What the writer reports.
pub fn render_accepted(accepted: &Accepted, view: View, writer: &mut dyn Write) -> io::Result<()> {
    match view.format {
        Format::Json => json(accepted, writer),
        Format::Table => rollback::write_accepted(accepted, writer),
    }
}

/// Writes that the staging tables were emptied.
///
/// # Errors
///
/// What the writer reports.
pub fn render_staging_emptied(emptied: &StagingEmptied, view: View, writer: &mut dyn Write) -> io::Result<()> {
    match view.format {
        Format::Json => json(emptied, writer),
        Format::Table => writeln!(writer, "{} staging tables emptied", emptied.emptied.len()),
    }
}

/// Writes indented JSON and a line end.
fn json(value: &impl Serialize, writer: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *writer, value)?;
    writeln!(writer)
}
