//! What a rollback did, and that a run was accepted.

use std::io::{self, Write};

use super::View;
use super::grid::{Grid, Head, Mark, count, exception, number, printable, table_name, text};
use super::runs::write_head;
use crate::outcome::{Accepted, KeptRow, Rollback};

/// Rows left that a page shows; JSON and the ledger have the others.
const KEPT_SHOWN: usize = 20;

/// Writes what was taken back, then what was left, then the sum in a sentence.
pub(super) fn write(rollback: &Rollback, view: View, writer: &mut dyn Write) -> io::Result<()> {
    write_head(&rollback.run, view, writer)?;
    let heads = [
        Head::Text("table"),
        Head::Number("batches"),
        Head::Number("deleted"),
        Head::Number("restored"),
        Head::Number("left"),
    ];
    let mut grid = Grid::new("Taken back", view, &heads);
    for target in &rollback.targets {
        grid.row(vec![
            text(&table_name(&target.target)),
            number(target.batches),
            number(target.rows_deleted),
            number(target.rows_restored),
            exception(target.rows_kept, Mark::Warn),
        ]);
    }
    grid.write(writer)?;
    write_kept(&rollback.kept, view, writer)?;
    let sum = |of: fn(&crate::outcome::TakenBack) -> i64| rollback.targets.iter().map(of).sum::<i64>();
    let (deleted, restored, kept) =
        (sum(|target| target.rows_deleted), sum(|target| target.rows_restored), sum(|target| target.rows_kept));
    let what = rollback.batch.map_or_else(|| "The run".to_owned(), |batch| format!("Batch {batch}"));
    write!(writer, "{what} was taken back: {} rows deleted, {} restored", count(deleted), count(restored))?;
    match kept {
        0 => writeln!(writer, "."),
        _ => writeln!(writer, ", {} left as they are; sqlmig.rollback_kept lists them all.", count(kept)),
    }
}

fn write_kept(kept: &[KeptRow], view: View, writer: &mut dyn Write) -> io::Result<()> {
    let heads = [Head::Number("batch"), Head::Text("table"), Head::Text("key"), Head::Text("why")];
    let mut grid = Grid::new("Left as they are", view, &heads);
    let shown = if view.verbose { kept.len() } else { KEPT_SHOWN };
    for row in kept.iter().take(shown) {
        grid.row(vec![
            number(row.batch),
            text(&table_name(&row.target)),
            text(&key(&row.key)),
            text(&why(&row.reason, row.detail.as_deref())),
        ]);
    }
    grid.write(writer)
}

/// A key as a person reads it: its values, separated by slashes.
fn key(key: &serde_json::Value) -> String {
    let value = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let values: Vec<String> = key.as_object().into_iter().flat_map(|key| key.values()).map(value).collect();
    printable(&values.join("/"))
}

fn why(reason: &str, detail: Option<&str>) -> String {
    let reason = match reason {
        "changed" => "changed since",
        "deleted" => "deleted since",
        "referenced" => "referred to",
        other => other,
    };
    detail.map_or_else(|| reason.to_owned(), |detail| format!("{reason} {}", printable(detail)))
}

/// Writes that a run was accepted.
pub(super) fn write_accepted(accepted: &Accepted, writer: &mut dyn Write) -> io::Result<()> {
    let day = accepted.accepted_at.date();
    writeln!(
        writer,
        "Run {} is accepted ({day}): {} before-images given up; tables of them dropped: {}.",
        accepted.run.id,
        count(accepted.images),
        accepted.tables_dropped
    )
}
