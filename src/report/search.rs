//! What a search found, for people.

use std::io::{self, Write};

use super::View;
use super::grid::{Grid, Head, text};
use crate::outcome::SearchReport;

/// Letters of a row's text that are shown.
const SHOWN: usize = 120;

pub(super) fn write(found: &SearchReport, view: View, writer: &mut dyn Write) -> io::Result<()> {
    let heads = [Head::Number("distance"), Head::Text("row"), Head::Text("text")];
    let mut grid = Grid::new("Nearest first", view, &heads);
    for hit in &found.hits {
        let line: String = hit.text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SHOWN).collect();
        grid.row(vec![text(&format!("{:.4}", hit.distance)), text(&hit.row), text(&line)]);
    }
    grid.write(writer)?;
    if found.hits.is_empty() {
        return writeln!(writer, "No row has an embedding.");
    }
    let by =
        if found.index_used { "found by an index" } else { "every row was looked at; sqlmig index builds an index" };
    writeln!(writer, "{} rows; {by}.", found.hits.len())
}
