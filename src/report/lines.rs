//! What stands between the tables: lists, warnings.

use std::io::{self, Write};

use super::View;
use super::grid::{count, printable, title};
use crate::outcome::StatementCount;

/// Writes what else a source held.
pub(super) fn write_statements(statements: &[StatementCount], view: View, writer: &mut dyn Write) -> io::Result<()> {
    if statements.is_empty() {
        return Ok(());
    }
    let told: Vec<String> =
        statements.iter().map(|statement| format!("{} × {}", count(statement.count), statement.kind)).collect();
    let told: Vec<&str> = told.iter().map(String::as_str).collect();
    list("In the source, not executed:", &told, view, writer)?;
    writeln!(writer)
}

/// Writes warnings, one a line.
pub(super) fn write_warnings(warnings: &[String], view: View, writer: &mut dyn Write) -> io::Result<()> {
    if warnings.is_empty() {
        return Ok(());
    }
    title("Warnings", view.color, writer)?;
    for warning in warnings {
        let warning = printable(warning);
        if view.color { writeln!(writer, "\x1b[33m!\x1b[0m {warning}")? } else { writeln!(writer, "! {warning}")? }
    }
    writeln!(writer)
}

/// Writes a lead and a list behind it, broken between items at the page's width.
pub(super) fn list(lead: &str, items: &[&str], view: View, writer: &mut dyn Write) -> io::Result<()> {
    let mut column = lead.chars().count();
    write!(writer, "{lead}")?;
    for (place, item) in items.iter().enumerate() {
        let item = printable(item) + if place + 1 < items.len() { "," } else { "" };
        let length = item.chars().count() + 1;
        if column + length > usize::from(view.width) {
            write!(writer, "\n ")?;
            column = 1;
        }
        write!(writer, " {item}")?;
        column += length;
    }
    writeln!(writer)
}
