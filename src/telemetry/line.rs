//! Events as lines for a person at a terminal.

use std::time::Duration;

use crate::event::Event;
use crate::outcome::Severity;
use crate::report::{count, duration, printable};

/// How a line is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Warn,
    Bad,
    Plain,
}

/// The line that an event leaves on the screen, if it leaves one.
pub(super) fn line(event: &Event, color: bool) -> Option<String> {
    let (tone, text) = told(event)?;
    let (sign, paint) = match tone {
        Tone::Good => ("✓", "32"),
        Tone::Warn => ("!", "33"),
        Tone::Bad => ("✗", "31"),
        Tone::Plain => ("·", "2"),
    };
    Some(if color { format!("\x1b[{paint}m{sign}\x1b[0m {text}") } else { format!("{sign} {text}") })
}

/// What to say of an event, and how.
fn told(event: &Event) -> Option<(Tone, String)> {
    let said = match event {
        Event::ServerReady { detail } => (Tone::Plain, printable(detail)),
        Event::RunStarted { run, source, project } => {
            (Tone::Plain, format!("run {run}: {} into project {}", printable(source), printable(project)))
        }
        Event::RunResumed { run, source, project, state, batches_done } => {
            let (source, project) = (printable(source), printable(project));
            let promoted =
                if *batches_done == 0 { String::new() } else { format!(", {batches_done} batches promoted") };
            (Tone::Plain, format!("run {run} goes on: {source} into project {project}, {state}{promoted}"))
        }
        Event::AlreadyLoaded { run, source, finished_at } => {
            let when = finished_at.map(|at| format!(" on {}", at.date())).unwrap_or_default();
            let source = printable(source);
            (
                Tone::Good,
                format!("{source} was loaded whole by run {run}{when}: nothing to do (run --force loads it again)"),
            )
        }
        Event::PhaseFinished { phase, elapsed, summary } => {
            (Tone::Good, format!("{phase}: {} ({})", printable(summary), time(*elapsed)))
        }
        Event::MigrationApplied { set, name } => {
            (Tone::Good, format!("migration {} of {} applied", printable(name), printable(set)))
        }
        Event::TableStaged { table, staged, rejected } => {
            let table = printable(&table.to_string());
            let rows = rows_of(*staged);
            if *rejected == 0 {
                (Tone::Good, format!("{table}: {rows} staged"))
            } else {
                (Tone::Warn, format!("{table}: {rows} staged, {} to quarantine", rows_of(*rejected)))
            }
        }
        Event::CheckFinished { name, on, severity, examined, failed, elapsed } => {
            let tone = match (failed, severity) {
                (0, _) => Tone::Good,
                (_, Severity::Error) => Tone::Bad,
                _ => Tone::Warn,
            };
            let found = match (failed, severity) {
                (0, _) => "nothing found".to_owned(),
                (_, Severity::Reject) => format!("{} to quarantine", rows_of(*failed)),
                (_, Severity::Warn) => format!("{} to look at", rows_of(*failed)),
                (_, Severity::Error) => format!("{} that block promotion", rows_of(*failed)),
            };
            let (name, on) = (printable(name), printable(on));
            (tone, format!("{name} on {on}: {found} in {} ({})", rows_of(*examined), time(*elapsed)))
        }
        Event::IndexBuilt { name, elapsed } => {
            (Tone::Good, format!("index {} built ({})", printable(name), time(*elapsed)))
        }
        Event::RollbackFinished { batches, deleted, restored, elapsed } => {
            let batches = counted(*batches, "batch", "batches");
            let (deleted, restored) = (rows_of(*deleted), rows_of(*restored));
            (Tone::Good, format!("rollback: {batches}, {deleted} deleted, {restored} restored ({})", time(*elapsed)))
        }
        Event::Retried { message } | Event::Warning { message } => (Tone::Warn, printable(message)),
        Event::PhaseStarted { .. }
        | Event::SourceOpened { .. }
        | Event::SourceProgress { .. }
        | Event::StepsPlanned { .. }
        | Event::StepStarted { .. }
        | Event::Busy { .. }
        | Event::StatusRead { .. }
        | Event::IndexProgress { .. }
        | Event::VectorsWanted { .. }
        | Event::VectorsFetched { .. }
        | Event::BatchesPlanned { .. }
        | Event::WorkersChanged { .. }
        | Event::BatchFinished { .. }
        | Event::RollbackStarted { .. }
        | Event::BatchTakenBack { .. } => return None,
    };
    Some(said)
}

/// A number of rows in words.
pub(super) fn rows_of(rows: u64) -> String {
    counted(rows, "row", "rows")
}

fn counted(number: u64, one: &str, many: &str) -> String {
    let shown = count(i64::try_from(number).unwrap_or(i64::MAX));
    format!("{shown} {}", if number == 1 { one } else { many })
}

fn time(elapsed: Duration) -> String {
    duration(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::TableName;

    fn check(severity: Severity, failed: u64) -> Event {
        Event::CheckFinished {
            name: "content_not_empty".into(),
            on: "documents".into(),
            severity,
            examined: 4600,
            failed,
            elapsed: Duration::from_millis(12),
        }
    }

    #[test]
    fn a_check_says_what_its_findings_mean() {
        let lines = [
            check(Severity::Error, 0),
            check(Severity::Reject, 1),
            check(Severity::Warn, 20),
            check(Severity::Error, 3),
        ];
        let lines: Vec<String> = lines.iter().filter_map(|event| line(event, false)).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        ✓ content_not_empty on documents: nothing found in 4,600 rows (12 ms)
        ! content_not_empty on documents: 1 row to quarantine in 4,600 rows (12 ms)
        ! content_not_empty on documents: 20 rows to look at in 4,600 rows (12 ms)
        ✗ content_not_empty on documents: 3 rows that block promotion in 4,600 rows (12 ms)
        ");
    }

    #[test]
    fn a_rollback_says_what_it_took_back() {
        let elapsed = Duration::from_millis(1200);
        let ended = |batches, deleted| Event::RollbackFinished { batches, deleted, restored: 2, elapsed };
        let lines = [ended(1, 1), ended(12, 4600)].map(|event| line(&event, false).unwrap());
        insta::assert_snapshot!(lines.join("\n"), @r"
        ✓ rollback: 1 batch, 1 row deleted, 2 rows restored (1.2 s)
        ✓ rollback: 12 batches, 4,600 rows deleted, 2 rows restored (1.2 s)
        ");
    }

    #[test]
    fn a_name_from_the_source_cannot_drive_the_terminal() {
        let table = TableName::unqualified("a\x1b[2J");
        let told = line(&Event::TableStaged { table, staged: 1, rejected: 2 }, false);
        assert_eq!(told.unwrap(), "! \"a\\u{1b}[2J\": 1 row staged, 2 rows to quarantine");
    }
}
