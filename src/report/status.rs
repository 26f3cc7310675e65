//! How far a run has come, for people: as tables once, as a few lines that are drawn again and again, as one line a moment.

use std::io::{self, Write};

use super::grid::{Grid, Head, count, duration, number, printable, size, table_name, text};
use super::grid::{as_count, rounded};
use super::runs::write_head;
use super::{View, books};
use crate::outcome::status::Activity;
use crate::outcome::{Progress, Status};

/// Columns of a bar.
const BAR: usize = 24;

/// Writes how far a run has come.
pub(super) fn write(status: &Status, view: View, writer: &mut dyn Write) -> io::Result<()> {
    write_head(&status.run, view, writer)?;
    for line in progress_lines(status, view.color) {
        writeln!(writer, "{line}")?;
    }
    writeln!(writer)?;
    books::write(&status.run.state, &status.tables, view, writer)?;
    let heads = [
        Head::Text("target"),
        Head::Number("batches"),
        Head::Number("of"),
        Head::Number("rows"),
        Head::Number("of"),
        Head::Number("done"),
    ];
    let mut grid = Grid::new("Promotion", view, &heads);
    for target in &status.targets {
        grid.row(vec![
            text(&table_name(&target.target)),
            number(target.batches_done),
            number(target.batches_planned),
            number(target.rows_done),
            number(target.rows_planned),
            text(&percent(target.batches_done, target.batches_planned)),
        ]);
    }
    grid.write(writer)
}

/// What a person looks at while a run goes on: a bar and a few lines, each narrow enough for a terminal of 120 columns. The
/// run's own display shows the same as `sqlmig status --watch`.
#[must_use]
pub fn progress_lines(status: &Status, color: bool) -> Vec<String> {
    let bold = |text: &str| if color { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() };
    let Some(at) = &status.progress else {
        let state = format!("{} {}", bold(&format!("{:<8}", status.activity.as_str())), told(status));
        let rows = format!("{} rows read", count(status.rows_read));
        let batches = format!("{} batches committed", count(status.batches.done));
        return vec![state, format!("         {rows} · {batches} · {}", events(status))];
    };
    let mut lines = vec![format!("{} {}", bold(&format!("{:<8}", at.phase)), how_far(at))];
    let mut what: Vec<String> = Vec::new();
    if let Some(again) = at.reread_percent {
        what.push(format!("reading again what is staged: {again:.0} %"));
    }
    if let Some(doing) = &at.doing {
        what.push(format!("at {}", printable(doing)));
    }
    let batches = &status.batches;
    if at.phase == "promote" {
        let all = batches.done + batches.failed + batches.pending;
        what.push(format!("batch {} of {}", count((batches.done + 1).min(all)), count(all)));
    }
    if let Some(p95) = status.batch_seconds.p95.filter(|_| at.phase == "promote") {
        what.push(format!("95 % of batches within {}", seconds(p95)));
    }
    if at.tries > 1 {
        what.push(format!("try {}", at.tries));
    }
    what.push(format!("for {}", seconds(at.active_seconds)));
    lines.push(format!("         {}", what.join(" · ")));
    lines.push(format!("         {}", events(status)));
    lines.push(format!("         {}", resources(status)));
    if status.activity == Activity::Silent {
        lines.push(format!("         {}", bold(&told(status))));
    }
    lines
}

/// One line of how far a run has come, for a log.
#[must_use]
pub fn progress_line(status: &Status) -> String {
    let moment = super::runs::moment(status.at);
    let Some(at) = &status.progress else {
        return format!("{moment} {} {}", status.activity.as_str(), told(status));
    };
    let mut parts = vec![format!("{moment} {}", at.phase)];
    parts.extend(at.percent.map(|percent| format!("{percent:.1} %")));
    parts.extend(amounts(at));
    parts.extend(at.doing.as_ref().map(|doing| format!("at {}", printable(doing))));
    if at.phase == "promote" {
        parts.push(format!("{} batches", count(status.batches.done)));
    }
    parts.push(events(status));
    if status.activity == Activity::Silent {
        parts.push(told(status));
    }
    parts.join(" · ")
}

/// A bar, where there is a whole to show, and numbers.
fn how_far(at: &Progress) -> String {
    let mut parts = Vec::new();
    if let Some(percent) = at.percent {
        parts.push(format!("{} {percent:>5.1} %", bar(percent)));
    }
    parts.extend(amounts(at));
    parts.join(" · ")
}

/// What is done, how fast, and when the rest will be.
fn amounts(at: &Progress) -> Vec<String> {
    let unit = |value: i64| match at.unit {
        "bytes" => size(value),
        other => format!("{} {other}", count(value)),
    };
    let mut parts = match at.total {
        Some(total) if at.unit == "bytes" => vec![format!("{} of {}", size(at.done), size(total))],
        Some(total) => vec![format!("{} of {} {}", count(at.done), count(total), at.unit)],
        None => vec![unit(at.done)],
    };
    if at.unit == "bytes" {
        parts.extend(at.per_second.map(|rate| format!("{}/s", size(rounded(rate)))));
    }
    if let Some(rows) = at.rows.filter(|_| at.unit != "rows") {
        parts.push(format!("{} rows", count(rows)));
    }
    if let Some(rate) = at.rows_per_second.or(at.per_second.filter(|_| at.unit == "texts")) {
        let what = if at.unit == "texts" { "texts" } else { "rows" };
        parts.push(format!("{} {what}/s", count(rounded(rate))));
    }
    parts.extend(at.eta_seconds.map(|eta| format!("ETA {}", seconds(eta))));
    parts
}

/// What went otherwise than it should, and what holds the rest up.
fn events(status: &Status) -> String {
    let mut parts = Vec::new();
    let retries = status.retries;
    parts.push(format!("{} {}", count(retries), if retries == 1 { "retry" } else { "retries" }));
    let allowed = status.rejects.allowed.map(|most| format!(" of {} allowed", count(most))).unwrap_or_default();
    parts.push(format!("{} rows rejected{allowed}", count(status.rejects.rows)));
    if status.embeddings.requests > 0 {
        let spent = &status.embeddings;
        let cost = if spent.cost > 0.0 { format!(", cost {:.4}", spent.cost) } else { String::new() };
        parts.push(format!("{} vectors, {} tokens{cost}", count(spent.vectors), count(spent.tokens)));
    }
    if let Some(busy) = status.busy.first() {
        parts.push(format!("held up by {} ({:.0} %)", printable(&busy.part), busy.share * 100.0));
    }
    parts.join(" · ")
}

/// Who is at work, and what is taken for it.
fn resources(status: &Status) -> String {
    let mut parts = Vec::new();
    let memory: i64 = status.processes.iter().filter_map(|process| process.rss_bytes).sum();
    match status.processes.as_slice() {
        [] => {}
        [one] => parts.push(format!("{} process {}", printable(&one.host), one.pid)),
        many => parts.push(format!("{} processes", count(as_count(many.len())))),
    }
    if memory > 0 {
        parts.push(format!("{} of memory", size(memory)));
    }
    let server = &status.server;
    parts.push(format!(
        "{} connections ({} of {} taken)",
        count(server.connections),
        count(server.connections_all),
        count(server.connections_max)
    ));
    parts.push(format!("database {}", size(server.database_bytes)));
    parts.join(" · ")
}

/// What there is to say where nothing is at work.
fn told(status: &Status) -> String {
    let heard = status.last_heard_at.map_or(0.0, |heard| (status.at - heard).as_seconds_f64());
    match status.activity {
        Activity::Silent => {
            format!("nothing heard for {}: the process is gone or cut off; the same command goes on", seconds(heard))
        }
        Activity::Idle => format!("{}; nobody is at work", status.run.state),
        Activity::Ended | Activity::Working => {
            let error = status.run.error.as_ref().map(|error| format!(": {}", printable(error))).unwrap_or_default();
            format!("{}{error}", status.run.state)
        }
    }
}

fn bar(percent: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a percentage as columns of a bar"
    )]
    let full = ((percent / 100.0) * BAR as f64) as usize;
    let full = full.min(BAR);
    format!("{}{}", "━".repeat(full), "─".repeat(BAR - full))
}

fn seconds(seconds: f64) -> String {
    duration(rounded(seconds * 1000.0))
}

/// How much of a whole is done; a whole of nothing is done.
fn percent(done: i64, planned: i64) -> String {
    let share = if planned <= 0 { 100 } else { done.saturating_mul(100) / planned };
    format!("{} %", count(share))
}
