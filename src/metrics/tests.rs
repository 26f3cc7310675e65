//! The list of metrics, and what is written of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::*;
use crate::report::sample;

fn seen(status: &Status) -> Seen<'_> {
    Seen { status: Some(status), is_up: true, read_seconds: 0.004, disk_limit_bytes: Some(1 << 30) }
}

#[test]
fn names_and_units_follow_the_conventions() {
    let mut names = BTreeSet::new();
    for metric in &METRICS {
        let name = metric.name;
        assert!(names.insert(name), "{name} is there twice");
        assert!(name.starts_with("sqlmig_") && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
        assert_eq!(name.ends_with("_total"), metric.kind == Kind::Counter, "{name}");
        for unit in ["_ms", "_millis", "_kb", "_mb", "_mib", "_gib", "_minutes", "_percent"] {
            assert!(!name.contains(unit), "{name}: base units only");
        }
        assert!(metric.help.ends_with('.'), "{name}: {}", metric.help);
        // What names a run, a file or a row would make a new series of each: one metric does, to be joined with the others.
        let names_a_run =
            metric.labels.iter().any(|label| ["run", "source", "row", "batch", "host", "pid"].contains(label));
        assert_eq!(names_a_run, name == "sqlmig_run_info", "{name}");
    }
}

#[test]
fn every_metric_has_a_value_where_there_is_one_of_everything() {
    let mut status = sample::status();
    status.exit_code = Some(3);
    status.run.finished_at = Some(status.at);
    let written = exposition(&seen(&status));
    for metric in &METRICS {
        let line = format!("\n# TYPE {} {}\n", metric.name, metric.kind.as_str());
        assert!(written.contains(&line), "{} has no value", metric.name);
    }
    let lines: Vec<&str> = written.lines().filter(|line| !line.starts_with('#')).collect();
    for line in [
        "sqlmig_up 1",
        "sqlmig_run_state{state=\"checked\"} 1",
        "sqlmig_run_state{state=\"done\"} 0",
        "sqlmig_phase_active{phase=\"promote\"} 1",
        "sqlmig_phase_progress_ratio 0.25",
        "sqlmig_rows_promoted_total{target=\"public.documents\",result=\"updated\"} 100",
        "sqlmig_rows_rejected_total{check=\"decode\"} 10",
        "sqlmig_batch_duration_seconds_bucket{le=\"0.5\"} 2",
        "sqlmig_batch_duration_seconds_bucket{le=\"+Inf\"} 3",
        "sqlmig_batch_duration_seconds_sum 1.25",
        "sqlmig_run_exit_code 3",
        "sqlmig_disk_limit_bytes 1073741824",
    ] {
        assert!(lines.contains(&line), "{line} is not in\n{written}");
    }
}

#[test]
fn where_nothing_was_read_nothing_is_said() {
    let away = Seen { status: None, is_up: false, read_seconds: 0.0, disk_limit_bytes: None };
    let written = exposition(&away);
    assert!(written.contains("\nsqlmig_up 0\n") && !written.contains("sqlmig_rows"), "{written}");
    // The last values stay, and say that they are no more than that.
    let status = sample::status();
    let stale = exposition(&Seen { is_up: false, ..seen(&status) });
    assert!(stale.contains("\nsqlmig_up 0\n") && stale.contains("\nsqlmig_rows_read_total 4610\n"), "{stale}");
}

#[test]
fn names_from_outside_cannot_break_a_line() {
    let mut status = sample::status();
    status.run.source = "a\"b\\c\nd".into();
    let written = exposition(&seen(&status));
    assert!(written.contains(r#"source="a\"b\\c\nd"}"#), "{written}");
}

/// The table of docs/monitoring.md.
fn table() -> String {
    let mut table = String::from("| metric | type | labels | what it is |\n|---|---|---|---|\n");
    for metric in &METRICS {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let (kind, labels) = (metric.kind.as_str(), labels.join(", "));
        writeln!(table, "| `{}` | {kind} | {labels} | {} |", metric.name, metric.help).unwrap();
    }
    table
}

#[test]
fn the_page_lists_every_metric() {
    const BEGIN: &str = "<!-- written by SQLMIG_WRITE_DOCS=1 cargo test --lib the_page_lists_every_metric -->\n";
    const END: &str = "<!-- end -->";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/monitoring.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has a place for the table");
    let (written, after) = rest.split_once(END).expect("the table has an end");
    if std::env::var_os("SQLMIG_WRITE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
    } else {
        assert!(written == table(), "write it again: SQLMIG_WRITE_DOCS=1 cargo test --lib the_page_lists_every_metric");
    }
}
