//! What came of a project's examples, one line a case.

use std::io::{self, Write};

use super::View;
use super::grid::as_count;
use super::grid::{count, printable};
use crate::outcome::{CaseOutcome, ExampleReport};

/// Writes one case: a line, and under it what differs.
pub(super) fn write_case(case: &CaseOutcome, view: View, writer: &mut dyn Write) -> io::Result<()> {
    let (word, color) = if case.passed { ("ok  ", "32") } else { ("FAIL", "31") };
    if view.color {
        write!(writer, "\x1b[{color}m{word}\x1b[0m")?;
    } else {
        write!(writer, "{word}")?;
    }
    writeln!(writer, " {}: {}", printable(&case.transform), printable(&case.case))?;
    for line in case.difference.iter().flat_map(|difference| difference.lines()) {
        writeln!(writer, "       {}", printable(line))?;
    }
    Ok(())
}

/// Writes the end of it: the transforms that nothing tests, and how many cases passed.
pub(super) fn write_verdict(report: &ExampleReport, writer: &mut dyn Write) -> io::Result<()> {
    for transform in &report.without_example {
        writeln!(writer, "     {}: no example", printable(transform))?;
    }
    let failed = report.cases.iter().filter(|case| !case.passed).count();
    let passed = report.cases.len() - failed;
    if report.cases.is_empty() {
        return writeln!(writer, "No example was run.");
    }
    writeln!(
        writer,
        "{} passed, {} failed; transforms without an example: {}.",
        count(as_count(passed)),
        count(as_count(failed)),
        count(as_count(report.without_example.len()))
    )
}
