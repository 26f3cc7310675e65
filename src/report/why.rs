//! The fate of one row, for people.

use std::io::{self, Write};

use super::View;
use super::grid::title;
use super::quarantine::{line, write_columns, write_tries};
use super::runs::moment;
use crate::outcome::{ChunkPlace, Fate, FateBatch, FinalRow, Why};

/// Writes what the final tables have, then each run's part, the newest first.
pub(super) fn write(why: &Why, view: View, writer: &mut dyn Write) -> io::Result<()> {
    for found in &why.finals {
        write_final(found, view, writer)?;
    }
    for fate in &why.fates {
        write_fate(fate, view, writer)?;
    }
    if why.fates.is_empty() {
        writeln!(writer, "No run is known to have met {} {}.", why.table, why.key)?;
    }
    for note in &why.notes {
        writeln!(writer, "! {}", super::printable(note))?;
    }
    Ok(())
}

fn write_final(found: &FinalRow, view: View, writer: &mut dyn Write) -> io::Result<()> {
    title(&format!("{} {} now", found.target, super::printable(&found.key)), view.color, writer)?;
    if !found.exists {
        return writeln!(writer, "  not in the table\n");
    }
    let by = match (found.written_by, found.batch) {
        (Some(run), Some(batch)) => format!("as batch {batch} of run {run} left it"),
        _ => "changed since, or put there, by somebody else than a batch of sqlmig".to_owned(),
    };
    writeln!(writer, "  {by}")?;
    write_columns("", &found.columns, view, writer)
}

fn write_fate(fate: &Fate, view: View, writer: &mut dyn Write) -> io::Result<()> {
    title(&format!("Run {}", fate.run.id), view.color, writer)?;
    line("Source", &fate.run.source, view, writer)?;
    line("State", &fate.run.state, view, writer)?;
    line("Started", &moment(fate.run.started_at), view, writer)?;
    if let (Some(source), Some(row)) = (&fate.source, fate.row) {
        line("Row", &format!("{row} of {source}"), view, writer)?;
    } else {
        line("Row", "not known any more: another run is staged; its before-images tell the rest", view, writer)?;
    }
    if let Some(from) = fate.retried_from {
        let mended =
            if fate.mended.is_empty() { String::new() } else { format!(", mended: {}", fate.mended.join(", ")) };
        line("From", &format!("the quarantine of run {from}{mended}"), view, writer)?;
    }
    match (fate.line, fate.byte, fate.chunk) {
        (Some(at), Some(byte), _) => line("Place", &format!("line {at}, byte {byte}"), view, writer)?,
        (Some(at), None, chunk) => {
            let with = chunk.map(|chunk| format!(", {}", place(chunk))).unwrap_or_default();
            line("Place", &format!("line {at}{with}"), view, writer)?;
        }
        (None, _, Some(chunk)) => line("Place", &place(chunk), view, writer)?,
        _ => {}
    }
    if fate.row.is_some() {
        line("Staging", if fate.in_staging { "still there" } else { "not there any more" }, view, writer)?;
    }
    for found in &fate.found_by {
        let severity = found.severity.as_deref().unwrap_or_default();
        line("Found", &format!("{} ({severity}): {}", found.check, found.reason), view, writer)?;
    }
    for from in &fate.took_from {
        line("Merged", &format!("row {} of {} into it, by {}", from.row, from.source, from.rule), view, writer)?;
    }
    for batch in &fate.batches {
        line("Batch", &batch_told(batch), view, writer)?;
    }
    line("Fate", &fate.verdict, view, writer)?;
    writeln!(writer)?;
    write_tries(&fate.tries, view, writer)?;
    write_columns("As it was staged", &fate.staged, view, writer)
}

/// Where a row is that no line was recorded for.
fn place(chunk: ChunkPlace) -> String {
    let rows = format!("read with rows {} to {}", chunk.first_row, chunk.last_row);
    match (chunk.first_line, chunk.first_byte) {
        (Some(line), Some(byte)) => format!("{rows}, which begin at line {line}, byte {byte}"),
        _ => rows,
    }
}

fn batch_told(batch: &FateBatch) -> String {
    let mut told = format!(
        "{} of {}, rows {} to {}, {}",
        batch.number, batch.transform, batch.first_row, batch.last_row, batch.state
    );
    if let Some(operation) = &batch.operation {
        told.push_str(match operation.as_str() {
            "insert" => ": inserted",
            "update" => ": updated",
            "delete" => ": deleted",
            _ => ": found unchanged",
        });
    }
    if let (Some(xid), Some(epoch), Some(at)) = (&batch.xid, batch.epoch, batch.finished_at) {
        let when = format!(" · transaction {xid}, epoch {epoch}, {}", moment(at));
        told.push_str(&when);
    }
    told
}
