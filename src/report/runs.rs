//! Runs: the head of a report, and the history.

use std::io::{self, Write};

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::View;
use super::grid::{Grid, Head, Mark, duration, mark, printable, text};
use crate::outcome::{History, RunEvents, RunSummary};

const MOMENT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");

/// What a state is to the reader.
fn weight(state: &str) -> Mark {
    match state {
        "done" => Mark::Good,
        "failed" => Mark::Bad,
        _ => Mark::Plain,
    }
}

pub(super) fn moment(at: OffsetDateTime) -> String {
    // The format has no part that a date could lack.
    at.to_offset(time::UtcOffset::UTC).format(MOMENT).unwrap_or_default()
}

pub(super) fn elapsed(run: &RunSummary) -> Option<String> {
    let finished = run.finished_at?;
    let millis = (finished - run.started_at).whole_milliseconds();
    Some(duration(i64::try_from(millis).unwrap_or(i64::MAX)))
}

/// Writes which run it is.
pub(super) fn write_head(run: &RunSummary, view: View, writer: &mut dyn Write) -> io::Result<()> {
    let line = |writer: &mut dyn Write, label: &str, value: &str| {
        if view.color {
            writeln!(writer, "\x1b[1m{label:<8}\x1b[0m {value}")
        } else {
            writeln!(writer, "{label:<8} {value}")
        }
    };
    let state = printable(&run.state);
    line(writer, "Run", &format!("{} · project {} · {state}", run.id, printable(&run.project)))?;
    let end = if run.complete { "complete" } else { "NOT complete" };
    line(writer, "Source", &format!("{} · {end}", printable(&run.source)))?;
    if !run.source_sha256.is_empty() {
        line(writer, "SHA-256", &printable(&run.source_sha256))?;
    }
    let took = elapsed(run).map_or_else(|| " · not ended".to_owned(), |took| format!(" · took {took}"));
    line(writer, "Started", &format!("{}{took}", moment(run.started_at)))?;
    if let Some(at) = run.accepted_at {
        line(writer, "Accepted", &format!("{}: it cannot be taken back any more", moment(at)))?;
    }
    if let Some(error) = &run.error {
        line(writer, "Error", &printable(error))?;
    }
    writeln!(writer)
}

/// Writes the runs, one line each.
pub(super) fn write_history(history: &History, view: View, writer: &mut dyn Write) -> io::Result<()> {
    if history.runs.is_empty() {
        return writeln!(writer, "No run yet in this database: sqlmig run SOURCE begins one.");
    }
    let heads = [
        Head::Name(""),
        Head::Name("run"),
        Head::Text("source"),
        Head::Name("state"),
        Head::Name("started"),
        Head::Number("took"),
    ];
    let mut grid = Grid::new("Runs, newest first", view, &heads);
    for run in &history.runs {
        // On a narrow page the source's last part says more than its folders.
        let file = run.source.rsplit('/').next().unwrap_or(&run.source);
        let source = if view.verbose { &run.source } else { file };
        grid.row(vec![
            mark(weight(&run.state)),
            text(&run.id.to_string()),
            text(source),
            text(if run.accepted_at.is_some() { "accepted" } else { &run.state }),
            text(moment(run.started_at).trim_end_matches(" UTC")),
            text(&elapsed(run).unwrap_or_default()),
        ]);
    }
    grid.write(writer)
}

/// Writes what happened to a run, one line an event.
pub(super) fn write_events(events: &RunEvents, view: View, writer: &mut dyn Write) -> io::Result<()> {
    write_head(&events.run, view, writer)?;
    let heads = [Head::Name("at"), Head::Name("kind"), Head::Text("what"), Head::Text("who"), Head::Text("from")];
    let mut grid = Grid::new("Events", view, &heads);
    for event in &events.events {
        let from = event.client_address.as_deref().unwrap_or("the same machine");
        grid.row(vec![
            text(moment(event.at).trim_end_matches(" UTC")),
            text(&event.kind),
            text(&event.message),
            text(&event.who),
            text(&format!("{from}, {}", event.application)),
        ]);
    }
    grid.write(writer)
}
