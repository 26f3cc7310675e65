//! The report as `JUnit`'s XML, by the schema that Jenkins publishes and others read: so that a CI fails on checks.

use std::fmt::Write as _;
use std::io::{self, Write};

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::found::{Found, found};
use super::grid::{count, printable};
use super::{books, verdict};
use crate::outcome::{Finding, Report, TableBooks};

/// Times in that schema have no zone.
const MOMENT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

struct Case {
    class: &'static str,
    name: String,
    millis: i64,
    end: End,
    /// What there is to say of one that passed.
    said: Option<String>,
}

enum End {
    Passed,
    Skipped(String),
    Failed { kind: String, message: String, text: String },
}

pub(super) fn write(report: &Report, writer: &mut dyn Write) -> io::Result<()> {
    let suites = [("run", vec![whole(report)]), ("books", books_of(report)), ("checks", checks(report))];
    let total = |of: fn(&Case) -> bool| suites.iter().flat_map(|(_, cases)| cases).filter(|case| of(case)).count();
    let millis: i64 = report.phases.iter().map(|phase| phase.elapsed_ms).sum();
    writeln!(writer, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        writer,
        r#"<testsuites name="sqlmig {}" tests="{}" failures="{}" errors="0" time="{}">"#,
        attribute(&report.run.source),
        total(|_| true),
        total(|case| matches!(case.end, End::Failed { .. })),
        seconds(millis),
    )?;
    for (id, (name, cases)) in suites.iter().enumerate() {
        suite(report, id, name, cases, writer)?;
    }
    writeln!(writer, "</testsuites>")
}

fn suite(report: &Report, id: usize, name: &str, cases: &[Case], writer: &mut dyn Write) -> io::Result<()> {
    let number = |of: fn(&End) -> bool| cases.iter().filter(|case| of(&case.end)).count();
    writeln!(
        writer,
        r#"  <testsuite name="sqlmig.{name}" id="{id}" tests="{}" failures="{}" errors="0" skipped="{}" time="{}" timestamp="{}" hostname="{}">"#,
        cases.len(),
        number(|end| matches!(end, End::Failed { .. })),
        number(|end| matches!(end, End::Skipped(_))),
        seconds(cases.iter().map(|case| case.millis).sum()),
        report.run.started_at.to_offset(time::UtcOffset::UTC).format(MOMENT).unwrap_or_default(),
        attribute(&report.environment.host),
    )?;
    if name == "run" {
        writeln!(writer, "    <properties>")?;
        for (name, value) in [
            ("run", report.run.id.to_string()),
            ("project", report.run.project.clone()),
            ("source", report.run.source.clone()),
            ("source_sha256", report.run.source_sha256.clone()),
            ("state", report.run.state.clone()),
            ("sqlmig_version", report.environment.sqlmig_version.clone()),
        ] {
            writeln!(writer, r#"      <property name="{name}" value="{}"/>"#, attribute(&value))?;
        }
        writeln!(writer, "    </properties>")?;
    }
    for case in cases {
        write_case(case, writer)?;
    }
    writeln!(writer, "  </testsuite>")
}

fn write_case(case: &Case, writer: &mut dyn Write) -> io::Result<()> {
    write!(
        writer,
        r#"    <testcase classname="sqlmig.{}" name="{}" time="{}""#,
        case.class,
        attribute(&case.name),
        seconds(case.millis)
    )?;
    match (&case.end, &case.said) {
        (End::Passed, None) => return writeln!(writer, "/>"),
        (End::Passed, Some(_)) => writeln!(writer, ">")?,
        (End::Skipped(why), _) => writeln!(writer, ">\n      <skipped message=\"{}\"/>", attribute(why))?,
        (End::Failed { kind, message, text }, _) => writeln!(
            writer,
            ">\n      <failure type=\"{kind}\" message=\"{}\">{}</failure>",
            attribute(message),
            body(text)
        )?,
    }
    if let Some(said) = &case.said {
        writeln!(writer, "      <system-out>{}</system-out>", body(said))?;
    }
    writeln!(writer, "    </testcase>")
}

/// The run as a whole: whether all is well.
fn whole(report: &Report) -> Case {
    let verdict = verdict(report);
    let end = if verdict.holds {
        End::Passed
    } else {
        let text = report.warnings.join("\n");
        End::Failed { kind: report.run.state.clone(), message: verdict.sentence.clone(), text }
    };
    let millis = report.phases.iter().map(|phase| phase.elapsed_ms).sum();
    Case { class: "run", name: format!("load of {}", report.run.source), millis, end, said: Some(verdict.sentence) }
}

/// The books of each table.
fn books_of(report: &Report) -> Vec<Case> {
    let case = |table: &TableBooks| {
        let said = format!(
            "rows_read={} rows_inserted={} rows_updated={} rows_unchanged={} rows_merged={} rows_quarantined={}",
            table.rows_read,
            table.rows_inserted,
            table.rows_updated,
            table.rows_unchanged,
            table.rows_merged,
            table.rows_quarantined
        );
        let end = match books::imbalance(report, table) {
            None => End::Passed,
            Some(message) => End::Failed { kind: "books".to_owned(), message, text: said.clone() },
        };
        Case { class: "books", name: table.source.clone(), millis: 0, end, said: Some(said) }
    };
    report.tables.iter().map(case).collect()
}

/// Every check and proof.
fn checks(report: &Report) -> Vec<Case> {
    found(report).iter().map(case_of).collect()
}

fn case_of(found: &Found<'_>) -> Case {
    let check = &found.check;
    let message = format!("{} of {} rows found", count(check.rows_failed), count(check.rows_examined));
    let text: String = found.samples.iter().fold(String::new(), |text, sample| text + &line(sample) + "\n");
    let (end, said) = if let Some(why) = &check.skipped {
        (End::Skipped(why.clone()), None)
    } else if found.failed() {
        (End::Failed { kind: check.severity.as_str().to_owned(), message, text }, None)
    } else if check.rows_failed > 0 {
        (End::Passed, Some(format!("{message}\n{text}")))
    } else {
        (End::Passed, None)
    };
    let class = match check.phase.as_str() {
        "validate" => "proofs",
        "dedup" => "duplicates",
        _ => "checks",
    };
    Case { class, name: format!("{} on {}", check.name, check.on), millis: check.elapsed_ms, end, said }
}

/// A row that was found, as a line.
fn line(sample: &Finding) -> String {
    let mut line = printable(&sample.source);
    if let Some(row) = sample.row {
        let _ = write!(line, " row {row}");
    }
    if let Some(subject) = &sample.subject {
        let _ = write!(line, " {}", printable(subject));
    }
    if let Some(at) = sample.line {
        let _ = write!(line, " (line {at})");
    }
    line + ": " + &printable(&sample.reason)
}

#[expect(clippy::cast_precision_loss, reason = "a time of centuries is none")]
fn seconds(millis: i64) -> String {
    format!("{:.3}", millis as f64 / 1000.0)
}

/// Text from outside, in an attribute.
fn attribute(text: &str) -> String {
    escape(&printable(text))
}

/// Lines of text, each printable already or made so.
fn body(text: &str) -> String {
    let lines: Vec<String> = text.trim_end().lines().map(|line| escape(&printable(line))).collect();
    lines.join("\n")
}

/// XML has no way to write a control character; [`printable`] has replaced those. Two more code points are no characters.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
