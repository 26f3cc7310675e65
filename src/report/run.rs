//! The report of one run, for people.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::grid::{
    Grid, Head, Mark, as_count, count, duration, exception, mark, number, printable, rounded, size, table_name, text,
    title,
};
use super::lines::{list, write_statements, write_warnings};
use super::runs::write_head;
use super::{View, books, verdict};
use crate::outcome::{CheckResult, Report, Severity};

pub(super) fn write(report: &Report, view: View, writer: &mut dyn Write) -> io::Result<()> {
    write_head(&report.run, view, writer)?;
    books::write(&report.run.state, &report.tables, view, writer)?;
    super::plan::write_followed(&report.plan, view, writer)?;
    write_checks(&report.checks, view, writer)?;
    write_duplicates(report, view, writer)?;
    write_quarantine(report, view, writer)?;
    write_embeddings(report, view, writer)?;
    write_targets(report, view, writer)?;
    write_times(report, view, writer)?;
    write_rest(report, view, writer)?;
    let verdict = verdict(report);
    let sign = if verdict.holds { Mark::Good } else { Mark::Bad }.sign();
    match (view.color, verdict.holds) {
        (false, _) => writeln!(writer, "{sign} {}", verdict.sentence),
        (true, true) => writeln!(writer, "\x1b[1;32m{sign}\x1b[0m {}", verdict.sentence),
        (true, false) => writeln!(writer, "\x1b[1;31m{sign} {}\x1b[0m", verdict.sentence),
    }
}

/// What the findings of a check are to the reader.
fn weight(check: &CheckResult) -> Mark {
    match (check.rows_failed, check.severity) {
        (..=0, _) if check.skipped.is_some() => Mark::Plain,
        (..=0, _) => Mark::Good,
        (_, Severity::Error) => Mark::Bad,
        _ => Mark::Warn,
    }
}

fn write_checks(checks: &[CheckResult], view: View, writer: &mut dyn Write) -> io::Result<()> {
    if checks.is_empty() {
        title("Checks", view.color, writer)?;
        return writeln!(writer, "No check ran.\n");
    }
    let heads = [
        Head::Name(""),
        Head::Text("check"),
        Head::Text("on"),
        Head::Name("severity"),
        Head::Number("examined"),
        Head::Number("found"),
        Head::Number("ms"),
    ];
    let mut grid = Grid::new("Checks", view, &heads);
    let mut found: Vec<&CheckResult> = checks.iter().filter(|check| check.rows_failed > 0).collect();
    // A stable sort: the gravest first, then in the order they ran.
    found.sort_by_key(|check| std::cmp::Reverse(check.severity));
    let passed: Vec<&CheckResult> = checks.iter().filter(|check| weight(check) == Mark::Good).collect();
    for check in found.iter().chain(passed.iter().filter(|_| view.verbose)) {
        let weight = weight(check);
        grid.row(vec![
            mark(weight),
            text(&check.name),
            text(&table_name(&check.on)),
            text(check.severity.as_str()),
            number(check.rows_examined),
            exception(check.rows_failed, weight),
            number(check.elapsed_ms),
        ]);
    }
    grid.write(writer)?;
    if found.is_empty() && !view.verbose {
        title("Checks", view.color, writer)?;
    }
    if !passed.is_empty() && !view.verbose {
        let names = counted(passed.iter().map(|check| check.name.as_str()));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        list(&format!("✓ {} passed:", count(as_count(passed.len()))), &names, view, writer)?;
    }
    let mut skipped: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for check in checks {
        if let Some(reason) = &check.skipped {
            skipped.entry(reason).or_default().push(&check.name);
        }
    }
    for (reason, names) in &skipped {
        let lead = format!("- {} skipped, {}:", count(as_count(names.len())), printable(reason));
        list(&lead, names, view, writer)?;
    }
    if (!passed.is_empty() && !view.verbose) || !skipped.is_empty() { writeln!(writer) } else { Ok(()) }
}

/// Each name once, in the order of their first: a check that looked at several tables with how many those were.
fn counted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut times: Vec<(&str, usize)> = Vec::new();
    for name in names {
        match times.iter_mut().find(|(known, _)| *known == name) {
            Some((_, times)) => *times += 1,
            None => times.push((name, 1)),
        }
    }
    let name = |(name, times): (&str, usize)| if times == 1 { name.to_owned() } else { format!("{name} ×{times}") };
    times.into_iter().map(name).collect()
}

fn write_duplicates(report: &Report, view: View, writer: &mut dyn Write) -> io::Result<()> {
    let mut grid =
        Grid::new("Duplicates merged", view, &[Head::Text("rule"), Head::Text("table"), Head::Number("rows")]);
    for duplicate in &report.duplicates {
        grid.row(vec![text(&duplicate.rule), text(&table_name(&duplicate.source)), number(duplicate.rows)]);
    }
    grid.write(writer)
}

fn write_quarantine(report: &Report, view: View, writer: &mut dyn Write) -> io::Result<()> {
    let heads = [Head::Text("table"), Head::Text("check"), Head::Text("code"), Head::Number("rows")];
    let mut grid = Grid::new("Quarantine", view, &heads);
    for taken in &report.quarantine {
        grid.row(vec![
            text(&table_name(&taken.source)),
            text(&taken.check),
            text(&taken.code),
            exception(taken.rows, Mark::Warn),
        ]);
    }
    grid.write(writer)?;
    let heads =
        [Head::Text("table"), Head::Number("row"), Head::Number("line"), Head::Text("check"), Head::Text("reason")];
    let mut grid = Grid::new("Some of the rows found", view, &heads);
    for finding in &report.samples {
        // Numbers that one searches for are written as one types them.
        let line = finding.line.map_or_else(String::new, |line| line.to_string());
        grid.row(vec![
            text(&table_name(&finding.source)),
            text(&finding.row.map_or_else(|| finding.subject.clone().unwrap_or_default(), |row| row.to_string())),
            text(&line),
            text(&finding.check),
            text(&finding.reason),
        ]);
    }
    grid.write(writer)
}

fn write_embeddings(report: &Report, view: View, writer: &mut dyn Write) -> io::Result<()> {
    let heads = [
        Head::Text("embeddings of"),
        Head::Text("from"),
        Head::Number("wanted"),
        Head::Number("from ledger"),
        Head::Number("fetched"),
        Head::Number("missing"),
    ];
    let mut grid = Grid::new("Rows that came without an embedding", view, &heads);
    for count in &report.embeddings {
        grid.row(vec![
            text(&count.relation),
            text(&table_name(&count.source)),
            number(count.wanted),
            number(count.known),
            number(count.fetched),
            exception(count.missing, Mark::Warn),
        ]);
    }
    grid.write(writer)?;
    let spent = &report.embedding_cost;
    if spent.requests == 0 {
        return Ok(());
    }
    let whole = |number: u64| count(i64::try_from(number).unwrap_or(i64::MAX));
    let cost = if spent.cost > 0.0 { format!(", at a cost of {:.4}", spent.cost) } else { String::new() };
    writeln!(writer, "Embeddings: {} tokens in {} requests{cost}.\n", whole(spent.tokens), whole(spent.requests))
}

fn write_targets(report: &Report, view: View, writer: &mut dyn Write) -> io::Result<()> {
    let deletes = report.targets.iter().any(|target| target.rows_deleted > 0);
    let mut heads = vec![
        Head::Text("transform"),
        Head::Text("target"),
        Head::Number("batches"),
        Head::Number("inserted"),
        Head::Number("updated"),
        Head::Number("unchanged"),
    ];
    heads.extend(deletes.then_some(Head::Number("deleted")));
    let mut grid = Grid::new("Written", view, &heads);
    for target in &report.targets {
        let mut row = vec![
            text(&target.transform),
            text(&table_name(&target.target)),
            number(target.batches),
            number(target.rows_inserted),
            number(target.rows_updated),
            number(target.rows_unchanged),
        ];
        row.extend(deletes.then(|| number(target.rows_deleted)));
        grid.row(row);
    }
    grid.write(writer)?;
    let batches = &report.batches;
    if batches.done + batches.failed + batches.pending + batches.rolled_back == 0 {
        return Ok(());
    }
    let parts = [
        (batches.done, "done"),
        (batches.failed, "failed"),
        (batches.pending, "to do"),
        (batches.rolled_back, "taken back"),
    ];
    let told: Vec<String> =
        parts.iter().filter(|(rows, _)| *rows > 0).map(|(rows, what)| format!("{} {what}", count(*rows))).collect();
    writeln!(writer, "Batches: {}; retries: {}.\n", told.join(", "), count(batches.retried))
}

fn write_times(report: &Report, view: View, writer: &mut dyn Write) -> io::Result<()> {
    let mut grid = Grid::new("Time", view, &[Head::Text("phase"), Head::Number("time"), Head::Text("what it did")]);
    for phase in &report.phases {
        grid.row(vec![text(&phase.phase), text(&duration(phase.elapsed_ms)), text(&phase.summary)]);
    }
    grid.write(writer)?;
    let speed = &report.throughput;
    if speed.seconds <= 0.0 {
        return Ok(());
    }
    write!(
        writer,
        "Throughput: {} documents/minute, {} rows/s over {}",
        count(rounded(speed.documents_per_minute)),
        count(rounded(speed.rows_per_second)),
        duration(rounded(speed.seconds * 1000.0)),
    )?;
    if speed.peak_rss_bytes > 0 {
        write!(writer, "; peak memory {}", size(speed.peak_rss_bytes))?;
    }
    writeln!(writer, ".\n")
}

fn write_rest(report: &Report, view: View, writer: &mut dyn Write) -> io::Result<()> {
    if !report.migrations.is_empty() {
        let names: Vec<&str> = report.migrations.iter().map(String::as_str).collect();
        list("Migrations applied:", &names, view, writer)?;
        writeln!(writer)?;
    }
    write_statements(&report.other_statements, view, writer)?;
    write_warnings(&report.warnings, view, writer)
}
