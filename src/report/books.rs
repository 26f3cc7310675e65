//! The books, and the sentence that says whether they balance.

use std::io::{self, Write};

use comfy_table::{Attribute, Cell};

use super::View;
use super::grid::{Grid, Head, Mark, count, exception, mark, number, printable, table_name, text};
use crate::outcome::{Report, Severity, TableBooks};

/// Whether all is well with a run, and the sentence that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the books balance, nothing blocks and the run did not fail.
    pub holds: bool,
    /// For people; several sentences where several things are wrong.
    pub sentence: String,
}

/// Sums over tables.
#[derive(Default, serde::Serialize)]
pub(super) struct Totals {
    pub read: i64,
    pub staged: i64,
    pub inserted: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub merged: i64,
    pub quarantined: i64,
}

impl Totals {
    pub fn of<'a>(tables: impl Iterator<Item = &'a TableBooks>) -> Self {
        tables.fold(Self::default(), |sum, table| Self {
            read: sum.read + table.rows_read,
            staged: sum.staged + table.rows_staged,
            inserted: sum.inserted + table.rows_inserted,
            updated: sum.updated + table.rows_updated,
            unchanged: sum.unchanged + table.rows_unchanged,
            merged: sum.merged + table.rows_merged,
            quarantined: sum.quarantined + table.rows_quarantined,
        })
    }

    pub fn promoted(&self) -> i64 {
        self.inserted + self.updated + self.unchanged
    }

    fn accounted(&self) -> i64 {
        self.promoted() + self.merged + self.quarantined
    }
}

/// Whether rows were promoted, so that the whole equation is asked and not only that of staging.
pub(super) fn promoted(state: &str, tables: &[TableBooks]) -> bool {
    matches!(state, "promoted" | "done") || tables.iter().any(|table| Totals::of([table].into_iter()).promoted() > 0)
}

/// Says whether the books of a run balance and, where something is wrong, what.
#[must_use]
pub fn verdict(report: &Report) -> Verdict {
    let mut wrong = Vec::new();
    let mut said = Vec::new();
    match books(report) {
        Ok(sentence) => said.push(sentence),
        Err(sentence) => wrong.push(sentence),
    }
    let found =
        |severity| report.checks.iter().filter(move |check| check.severity == severity && check.rows_failed > 0);
    let blocking: Vec<String> = found(Severity::Error).map(|check| printable(&check.name)).collect();
    if !blocking.is_empty() {
        wrong.push(format!("Checks of severity error found rows: {}.", blocking.join(", ")));
    }
    if !report.run.complete {
        wrong.push("The source was not read to a proper end.".to_owned());
    }
    if report.run.state == "checked" && report.batches.rolled_back > 0 {
        wrong.push(
            "Batches were taken back: sqlmig promote does them again, sqlmig rollback takes back the rest.".to_owned(),
        );
    }
    if report.batches.pending + report.batches.failed > 0 {
        let left = count(report.batches.pending + report.batches.failed);
        wrong.push(format!("Batches still to do: {left}; the same command again goes on with them."));
    }
    if let Some(error) = &report.run.error {
        wrong.push(format!("The run failed: {}.", printable(error.trim_end_matches('.'))));
    }
    let holds = wrong.is_empty();
    said.extend(wrong);
    Verdict { holds, sentence: said.join(" ") }
}

/// How far the books of a table are from balancing; nothing where they do.
pub(super) fn imbalance(report: &Report, table: &TableBooks) -> Option<String> {
    if table.balanced {
        return None;
    }
    let sums = Totals::of([table].into_iter());
    let promoted = promoted(&report.run.state, &report.tables);
    let found = if promoted && table.used { sums.accounted() } else { sums.staged + sums.quarantined };
    let name = printable(&table.source);
    let difference = match sums.read - found {
        // The ledger's own comparison looks at more than these numbers, e.g. what the server counts.
        0 => "the server's count differs".to_owned(),
        missing @ 1.. => format!("{} missing", count(missing)),
        more => format!("{} too many", count(-more)),
    };
    Some(format!("{name}: {} rows read, {} accounted for, {difference}", count(sums.read), count(found)))
}

/// The sentence about the books: `Ok` where they balance.
fn books(report: &Report) -> Result<String, String> {
    if report.tables.is_empty() {
        return Err("Nothing was loaded: the source held no table.".to_owned());
    }
    let promoted = promoted(&report.run.state, &report.tables);
    let broken: Vec<String> = report.tables.iter().filter_map(|table| imbalance(report, table)).collect();
    if !broken.is_empty() {
        return Err(format!("The books do not balance: {}.", broken.join("; ")));
    }
    let sums = Totals::of(report.tables.iter().filter(|table| !promoted || table.used));
    let aside = report.tables.iter().filter(|table| promoted && !table.used).count();
    if Totals::of(report.tables.iter()).read == 0 {
        return Err("Nothing was loaded: the source's tables held no rows.".to_owned());
    }
    let mut sentence = if promoted {
        format!(
            "The books balance: {} rows read = {} promoted + {} merged + {} quarantined.",
            count(sums.read),
            count(sums.promoted()),
            count(sums.merged),
            count(sums.quarantined)
        )
    } else {
        // Checks move rows from "to be promoted" to quarantine without touching staging, so the two overlap then.
        let end = if report.run.state == "rolled_back" {
            "what was promoted of them was taken back"
        } else {
            "nothing is promoted yet"
        };
        format!(
            "The books of staging balance: {} rows read, {} staged, {} quarantined so far; {end}.",
            count(sums.read),
            count(sums.staged),
            count(sums.quarantined)
        )
    };
    if aside > 0 {
        let tables = if aside == 1 { "table that no transform uses is" } else { "tables that no transform uses are" };
        sentence = format!("{sentence} {aside} {tables} only staged.");
    }
    Ok(sentence)
}

/// Writes the books: the tables on their way to final tables, then those that are only staged.
pub(super) fn write(state: &str, tables: &[TableBooks], view: View, writer: &mut dyn Write) -> io::Result<()> {
    let promoted = promoted(state, tables);
    let (used, rest): (Vec<_>, Vec<_>) = tables.iter().partition(|table| promoted && table.used);
    write_promoted(&used, view, writer)?;
    write_staged(if promoted { "Only staged: no transform uses these tables" } else { "Staged" }, &rest, view, writer)
}

fn write_promoted(tables: &[&TableBooks], view: View, writer: &mut dyn Write) -> io::Result<()> {
    let heads = [
        Head::Text("table"),
        Head::Number("read"),
        Head::Number("inserted"),
        Head::Number("updated"),
        Head::Number("unchanged"),
        Head::Number("merged"),
        Head::Number("quarantine"),
        Head::Name(""),
    ];
    let mut grid = Grid::new("Books", view, &heads);
    let mut add = |name: Cell, sums: &Totals, balanced: bool| {
        grid.row(vec![
            name,
            number(sums.read),
            number(sums.inserted),
            number(sums.updated),
            number(sums.unchanged),
            number(sums.merged),
            exception(sums.quarantined, Mark::Warn),
            mark(if balanced { Mark::Good } else { Mark::Bad }),
        ]);
    };
    for table in tables {
        add(text(&table_name(&table.source)), &Totals::of([*table].into_iter()), table.balanced);
    }
    if tables.len() > 1 {
        let all = tables.iter().all(|table| table.balanced);
        add(Cell::new("total").add_attribute(Attribute::Bold), &Totals::of(tables.iter().copied()), all);
    }
    grid.write(writer)
}

fn write_staged(title: &'static str, tables: &[&TableBooks], view: View, writer: &mut dyn Write) -> io::Result<()> {
    let heads = [
        Head::Text("table"),
        Head::Text("staged as"),
        Head::Number("read"),
        Head::Number("staged"),
        Head::Number("quarantine"),
        Head::Name(""),
    ];
    let mut grid = Grid::new(title, view, &heads);
    let mut add = |name: Cell, staged_as: &str, sums: &Totals, balanced: bool| {
        grid.row(vec![
            name,
            text(staged_as),
            number(sums.read),
            number(sums.staged),
            exception(sums.quarantined, Mark::Warn),
            mark(if balanced { Mark::Good } else { Mark::Bad }),
        ]);
    };
    for table in tables {
        let sums = Totals::of([*table].into_iter());
        add(text(&table_name(&table.source)), &table.staged_as, &sums, table.balanced);
    }
    if tables.len() > 1 {
        let all = tables.iter().all(|table| table.balanced);
        add(Cell::new("total").add_attribute(Attribute::Bold), "", &Totals::of(tables.iter().copied()), all);
    }
    grid.write(writer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::BatchCount;
    use crate::report::sample;

    fn sentence(change: impl FnOnce(&mut Report)) -> (bool, String) {
        let mut report = sample::report();
        change(&mut report);
        let verdict = verdict(&report);
        (verdict.holds, verdict.sentence)
    }

    #[test]
    fn books_that_balance_are_summed() {
        let (holds, said) = sentence(|report| report.tables.truncate(1));
        assert!(holds);
        assert_eq!(said, "The books balance: 4,600 rows read = 4,560 promoted + 20 merged + 20 quarantined.");
    }

    #[test]
    fn what_is_missing_is_named() {
        let (holds, said) = sentence(|report| {
            report.tables[0].rows_merged = 10;
            report.tables[0].balanced = false;
        });
        assert!(!holds);
        assert_eq!(
            said,
            "The books do not balance: public.documents: 4,600 rows read, 4,590 accounted for, 10 missing."
        );
    }

    #[test]
    fn nothing_loaded_is_no_success() {
        let (holds, said) = sentence(|report| report.tables.clear());
        assert!(!holds && said.starts_with("Nothing was loaded"), "{said}");
        let (holds, said) = sentence(|report| report.tables = vec![sample::table("public.documents", 0, 0, 0, 0)]);
        assert!(!holds && said.starts_with("Nothing was loaded"), "{said}");
    }

    #[test]
    fn balanced_books_do_not_hide_what_else_is_wrong() {
        let (holds, said) = sentence(|report| {
            report.run.complete = false;
            report.run.error = Some("connection lost.".into());
            report.checks[3].rows_failed = 2;
            report.batches = BatchCount { done: 1, pending: 11, ..BatchCount::default() };
        });
        assert!(!holds);
        assert!(said.starts_with("The books balance"), "{said}");
        for part in
            ["severity error found rows: dimensions", "proper end", "still to do: 11", "failed: connection lost."]
        {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}
