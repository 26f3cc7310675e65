//! The report as Markdown, as pull requests and tickets show it: tables, and what there is much of folded away.

use std::io::{self, Write};

use super::books::{self, Verdict};
use super::found::{Found, found};
use super::grid::{count, duration, printable, size, table_name};
use super::runs::{elapsed, moment};
use super::verdict;
use crate::outcome::{Report, Severity};

pub(super) fn write(report: &Report, writer: &mut dyn Write) -> io::Result<()> {
    let Verdict { holds, sentence } = verdict(report);
    let sign = if holds { "✅" } else { "❌" };
    let run = &report.run;
    writeln!(writer, "## {sign} {}: {}\n", text(&run.source), text(&run.state))?;
    writeln!(writer, "**{}**\n", text(&sentence))?;
    let took = elapsed(run).map_or_else(|| "not ended".to_owned(), |took| format!("took {took}"));
    writeln!(
        writer,
        "Run `{}` · project {} · {} · {took} · {} rows/s · peak memory {}\n",
        run.id,
        text(&run.project),
        moment(run.started_at),
        count(super::grid::rounded(report.throughput.rows_per_second)),
        size(report.throughput.peak_rss_bytes)
    )?;
    write_books(report, writer)?;
    let found = found(report);
    write_found(&found, writer)?;
    write_samples(&found, writer)?;
    write_rest(report, &found, writer)
}

fn write_books(report: &Report, writer: &mut dyn Write) -> io::Result<()> {
    let begun = books::promoted(&report.run.state, &report.tables);
    writeln!(writer, "### Books\n")?;
    head(
        &["table", "> read", "> inserted", "> updated", "> unchanged", "> merged", "> quarantined", "balanced"],
        writer,
    )?;
    for table in &report.tables {
        let state = match books::imbalance(report, table) {
            Some(_) => "❌",
            None if begun && !table.used => "✓ only staged",
            None => "✓",
        };
        row(
            &[
                text(&table_name(&table.source)),
                count(table.rows_read),
                count(table.rows_inserted),
                count(table.rows_updated),
                count(table.rows_unchanged),
                count(table.rows_merged),
                count(table.rows_quarantined),
                state.to_owned(),
            ],
            writer,
        )?;
    }
    writeln!(writer)
}

fn write_found(found: &[Found<'_>], writer: &mut dyn Write) -> io::Result<()> {
    let (with, without): (Vec<_>, Vec<_>) = found.iter().partition(|found| found.check.rows_failed > 0);
    writeln!(writer, "### Checks\n")?;
    if !with.is_empty() {
        head(&["", "check", "on", "severity", "> examined", "> found"], writer)?;
    }
    for Found { check, .. } in &with {
        let sign = if check.severity == Severity::Error { "❌" } else { "⚠️" };
        row(
            &[
                sign.to_owned(),
                text(&check.name),
                text(&table_name(&check.on)),
                check.severity.as_str().to_owned(),
                count(check.rows_examined),
                count(check.rows_failed),
            ],
            writer,
        )?;
    }
    let skipped = without.iter().filter(|found| found.check.skipped.is_some()).count();
    writeln!(writer, "\n{} checks found nothing, {skipped} were skipped.\n", without.len() - skipped)
}

fn write_samples(found: &[Found<'_>], writer: &mut dyn Write) -> io::Result<()> {
    let samples: Vec<_> = found.iter().flat_map(|found| &found.samples).collect();
    if samples.is_empty() {
        return Ok(());
    }
    writeln!(writer, "<details><summary>Some of the rows found</summary>\n")?;
    head(&["table", "> row", "> line", "check", "reason"], writer)?;
    for sample in samples {
        row(
            &[
                text(&table_name(&sample.source)),
                sample.row.map_or_else(|| text(sample.subject.as_deref().unwrap_or_default()), |row| row.to_string()),
                sample.line.map_or_else(String::new, |line| line.to_string()),
                text(&sample.check),
                text(&sample.reason),
            ],
            writer,
        )?;
    }
    writeln!(writer, "\n</details>\n")
}

fn write_rest(report: &Report, found: &[Found<'_>], writer: &mut dyn Write) -> io::Result<()> {
    writeln!(writer, "<details><summary>Time, batches, digests</summary>\n")?;
    head(&["phase", "> time", "what it did"], writer)?;
    for phase in &report.phases {
        row(&[text(&phase.phase), duration(phase.elapsed_ms), text(&phase.summary)], writer)?;
    }
    writeln!(writer)?;
    if !report.batch_times.is_empty() {
        head(&["target", "> batches", "> half within", "> 95 % within", "> slowest"], writer)?;
        for times in &report.batch_times {
            row(
                &[
                    text(&table_name(&times.target)),
                    count(times.batches),
                    duration(times.p50_ms),
                    duration(times.p95_ms),
                    duration(times.max_ms),
                ],
                writer,
            )?;
        }
        writeln!(writer)?;
    }
    if !report.plan.tables.is_empty() {
        head(&["planned", "> insert", "> update", "> leave", "> merge", "> reject"], writer)?;
        for table in &report.plan.tables {
            let counts = [table.insert, table.update, table.unchanged, table.merge, table.reject].map(count);
            let cells: Vec<String> = std::iter::once(text(&table_name(&table.source))).chain(counts).collect();
            row(&cells, writer)?;
        }
        writeln!(writer)?;
    }
    writeln!(writer, "- SHA-256 of the source: `{}`", printable(&report.run.source_sha256))?;
    let environment = &report.environment;
    writeln!(
        writer,
        "- sqlmig {} · PostgreSQL {} · pgvector {}",
        text(&environment.sqlmig_version),
        text(environment.server_version.as_deref().unwrap_or("unknown")),
        text(environment.pgvector.as_deref().unwrap_or("not installed")),
    )?;
    for warning in &report.warnings {
        writeln!(writer, "- ⚠️ {}", text(warning))?;
    }
    for Found { check, .. } in found {
        if let Some(why) = &check.skipped {
            writeln!(writer, "- {} was skipped: {}", text(&check.name), text(why))?;
        }
    }
    writeln!(writer, "\n</details>")
}

/// The head of a table; a name that begins with `> ` is a column of numbers.
fn head(names: &[&str], writer: &mut dyn Write) -> io::Result<()> {
    let plain: Vec<String> = names.iter().map(|name| name.trim_start_matches("> ").to_owned()).collect();
    row(&plain, writer)?;
    let lines: Vec<String> =
        names.iter().map(|name| if name.starts_with('>') { "--:" } else { "---" }.to_owned()).collect();
    row(&lines, writer)
}

fn row(cells: &[String], writer: &mut dyn Write) -> io::Result<()> {
    writeln!(writer, "| {} |", cells.join(" | "))
}

/// Text from outside that stays text: as entities, which Markdown does not read as its own signs. GitHub looks for `@name` and
/// `#1` after that, so a space without width keeps those apart.
fn text(value: &str) -> String {
    let mut shown = String::with_capacity(value.len());
    let value = printable(value);
    let mut before = ' ';
    let mut rest = value.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            // Within a word it is no sign of Markdown's, and names are full of them.
            '_' if before.is_alphanumeric() && rest.peek().is_some_and(|c| c.is_alphanumeric()) => shown.push(c),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '$' | '&' => {
                shown.push_str("&#");
                shown.push_str(&u32::from(c).to_string());
                shown.push(';');
            }
            '@' | '#' => shown.extend([c, '\u{200b}']),
            c => shown.push(c),
        }
        before = c;
    }
    shown
}
