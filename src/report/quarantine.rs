//! The quarantine: its list, and one row whole.

use std::io::{self, Write};

use super::View;
use super::grid::{Grid, Head, Mark, count, exception, number, printable, table_name, text, title};
use super::runs::moment;
use crate::outcome::{ColumnValue, QuarantineEntry, QuarantineList, QuarantinedRow, Try};

/// Characters shown of a value, unless all are asked for.
const VALUE_SHOWN: usize = 300;

/// Writes the counts, then the rows.
pub(super) fn write_list(list: &QuarantineList, view: View, writer: &mut dyn Write) -> io::Result<()> {
    if list.counts.is_empty() {
        return writeln!(writer, "No such row in the quarantine of run {}.", list.run);
    }
    let heads =
        [Head::Text("table"), Head::Text("check"), Head::Text("code"), Head::Number("rows"), Head::Number("retried")];
    let mut grid = Grid::new("Quarantine", view, &heads);
    for group in &list.counts {
        grid.row(vec![
            text(&table_name(&group.source)),
            text(&group.check),
            text(&group.code),
            exception(group.rows, Mark::Warn),
            number(group.retried),
        ]);
    }
    grid.write(writer)?;
    let heads =
        [Head::Text("table"), Head::Number("row"), Head::Number("line"), Head::Text("check"), Head::Text("reason")];
    let mut grid = Grid::new("Rows", view, &heads);
    for row in &list.rows {
        grid.row(vec![
            text(&table_name(&row.source)),
            // Numbers that one searches for are written as one types them.
            text(&row.row.to_string()),
            text(&row.line.map_or_else(String::new, |line| line.to_string())),
            text(&row.check),
            text(&row.reason),
        ]);
    }
    grid.write(writer)?;
    if list.more > 0 { writeln!(writer, "… and {} more: --limit shows them.", count(list.more)) } else { Ok(()) }
}

/// Writes one row whole.
pub(super) fn write_entry(entry: &QuarantineEntry, view: View, writer: &mut dyn Write) -> io::Result<()> {
    let row = &entry.row;
    write_place(row, view, writer)?;
    let state = if entry.open { "in quarantine" } else { "tried again" };
    line("State", state, view, writer)?;
    for found in &entry.found_by {
        if found.check != row.check || found.reason != row.reason {
            let severity = found.severity.as_deref().unwrap_or_default();
            line("Also", &format!("{} ({severity}): {}", found.check, found.reason), view, writer)?;
        }
    }
    writeln!(writer)?;
    if let Some(raw) = &entry.raw {
        title("As it stands in the source", view.color, writer)?;
        writeln!(writer, "{}\n", shortened(raw, view))?;
    }
    if let Some(raw) = &entry.raw_base64 {
        title("As it stands in the source, in base64 (it is not UTF-8)", view.color, writer)?;
        writeln!(writer, "{}\n", shortened(raw, view))?;
    }
    write_columns("As it was staged", &entry.staged, view, writer)?;
    write_tries(&entry.tries, view, writer)
}

/// Where a row is, and why.
fn write_place(row: &QuarantinedRow, view: View, writer: &mut dyn Write) -> io::Result<()> {
    line("Row", &format!("{} of {}", row.row, row.source), view, writer)?;
    line("Run", &row.run.to_string(), view, writer)?;
    if let (Some(at), byte) = (row.line, row.byte.unwrap_or_default()) {
        line("Place", &format!("line {at}, byte {byte}"), view, writer)?;
    }
    let check = if row.check == row.code { row.check.clone() } else { format!("{}: {}", row.check, row.code) };
    line("Check", &check, view, writer)?;
    if let Some(column) = &row.column {
        line("Column", column, view, writer)?;
    }
    line("Reason", &row.reason, view, writer)?;
    line("Since", &moment(row.at), view, writer)
}

/// Writes columns and values, one a line.
pub(super) fn write_columns(head: &str, columns: &[ColumnValue], view: View, writer: &mut dyn Write) -> io::Result<()> {
    if columns.is_empty() {
        return Ok(());
    }
    if !head.is_empty() {
        title(head, view.color, writer)?;
    }
    let width = columns.iter().map(|column| column.column.chars().count()).max().unwrap_or_default();
    for ColumnValue { column, value } in columns {
        let value = value.as_deref().map_or_else(|| "null".to_owned(), |value| shortened(value, view));
        writeln!(writer, "  {:<width$}  {value}", printable(column))?;
    }
    writeln!(writer)
}

/// Writes the times that a row was tried again.
pub(super) fn write_tries(tries: &[Try], view: View, writer: &mut dyn Write) -> io::Result<()> {
    let heads = [Head::Name("retried by"), Head::Name("state"), Head::Text("mended"), Head::Text("taken out again by")];
    let mut grid = Grid::new("Tried again", view, &heads);
    for tried in tries {
        let out = match (&tried.check, &tried.reason) {
            (Some(check), Some(reason)) => format!("{check}: {reason}"),
            _ => String::new(),
        };
        grid.row(vec![text(&tried.run.to_string()), text(&tried.state), text(&tried.mended.join(", ")), text(&out)]);
    }
    grid.write(writer)
}

/// A label and its value.
pub(super) fn line(label: &str, value: &str, view: View, writer: &mut dyn Write) -> io::Result<()> {
    if view.color {
        writeln!(writer, "\x1b[1m{label:<8}\x1b[0m {}", printable(value))
    } else {
        writeln!(writer, "{label:<8} {}", printable(value))
    }
}

/// A value from outside on one line, cut where it is long and not all was asked for.
pub(super) fn shortened(value: &str, view: View) -> String {
    match value.char_indices().nth(VALUE_SHOWN) {
        Some((end, _)) if !view.verbose => {
            let all = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
            format!("{}… ({} characters; --verbose shows all)", printable(&value[..end]), count(all))
        }
        _ => printable(value),
    }
}
