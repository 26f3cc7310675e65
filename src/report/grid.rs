//! The look of everything shown: tables, numbers, times, and text that came from outside.

use std::fmt::Write as _;
use std::io::{self, Write};

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table,
    TableStyle,
};

use super::View;

/// A frame without inner lines: eight columns, seven of them numbers, must fit a terminal of 80.
const FRAME: TableStyle = TableStyle::new()
    .top_border(LineStyle::new('╭', '─', '─', '╮'))
    .header_lines(ContentLineStyle::none().left('│').right('│'))
    .header_separator(LineStyle::new('├', '─', '─', '┤'))
    .content_lines(ContentLineStyle::none().left('│').right('│'))
    .bottom_border(LineStyle::new('╰', '─', '─', '╯'));

/// A column's head, and what stands in it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Head {
    /// Text: flush left, wrapped where the page is too narrow.
    Text(&'static str),
    /// Text that is never wrapped: names one copies.
    Name(&'static str),
    /// A number: flush right, never wrapped.
    Number(&'static str),
}

/// How good a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// As it should be.
    Good,
    /// To be looked at.
    Warn,
    /// Wrong.
    Bad,
    /// Neither.
    Plain,
}

impl Mark {
    /// The sign that tells it without colour.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Warn => "!",
            Self::Bad => "✗",
            Self::Plain => "",
        }
    }

    fn color(self) -> Option<Color> {
        match self {
            Self::Good => Some(Color::Green),
            Self::Warn => Some(Color::Yellow),
            Self::Bad => Some(Color::Red),
            Self::Plain => None,
        }
    }
}

/// A table under a title.
pub(super) struct Grid {
    title: &'static str,
    color: bool,
    table: Table,
}

impl Grid {
    pub(super) fn new(title: &'static str, view: View, heads: &[Head]) -> Self {
        let mut table = Table::new();
        table.load_style(FRAME).set_content_arrangement(ContentArrangement::Dynamic).set_width(view.width);
        // The writer is what decides about colour, not what stdout happens to be.
        table.force_no_tty();
        if view.color {
            table.enforce_styling();
        }
        table.set_header(heads.iter().map(|head| match head {
            Head::Text(name) | Head::Name(name) | Head::Number(name) => Cell::new(name).add_attribute(Attribute::Bold),
        }));
        for (place, (column, head)) in table.column_iter_mut().zip(heads).enumerate() {
            // Between columns stands a space in place of a line, and one of padding.
            column.set_padding((u16::from(place == 0), 1));
            match head {
                Head::Text(_) => {}
                Head::Name(_) => drop(column.set_constraint(ColumnConstraint::ContentWidth)),
                Head::Number(_) => {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        Self { title, color: view.color, table }
    }

    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.table.add_row(cells);
    }

    /// Writes title and table, and an empty line after; nothing at all where no row was added.
    pub(super) fn write(&self, writer: &mut dyn Write) -> io::Result<()> {
        if self.table.is_empty() {
            return Ok(());
        }
        title(self.title, self.color, writer)?;
        for line in self.table.lines() {
            writeln!(writer, "{}", line.trim_end())?;
        }
        writeln!(writer)
    }
}

/// Writes the title of a section.
pub(super) fn title(text: &str, color: bool, writer: &mut dyn Write) -> io::Result<()> {
    if color { writeln!(writer, "\x1b[1m{text}\x1b[0m") } else { writeln!(writer, "{text}") }
}

/// A cell of text from outside.
pub(super) fn text(value: &str) -> Cell {
    Cell::new(printable(value))
}

/// A cell with a number.
pub(super) fn number(value: i64) -> Cell {
    Cell::new(count(value))
}

/// A cell with a number that should be zero.
pub(super) fn exception(value: i64, mark: Mark) -> Cell {
    let cell = number(value);
    match (value, mark.color()) {
        (1.., Some(color)) => cell.fg(color),
        _ => cell,
    }
}

/// A cell with a sign.
pub(super) fn mark(mark: Mark) -> Cell {
    let cell = Cell::new(mark.sign());
    mark.color().map_or(cell.clone(), |color| cell.fg(color))
}

/// A table's name as people read it: PostgreSQL's default schema is left out, as `staging.documents` leaves it out.
pub(super) fn table_name(name: &str) -> String {
    printable(name.strip_prefix("public.").unwrap_or(name))
}

/// The length of a list as a number to show.
pub(super) fn as_count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// A fraction as a number to show.
#[expect(clippy::cast_possible_truncation, reason = "a rate of more than 2^63 rows is shown as that")]
pub(super) fn rounded(value: f64) -> i64 {
    value.round() as i64
}

/// A number with its thousands apart: `1,234,567`.
#[must_use]
pub fn count(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        grouped.push('-');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A time in milliseconds as people say it: `7 ms`, `1.2 s`, `3 min 5 s`, `2 h 10 min`.
#[must_use]
pub fn duration(millis: i64) -> String {
    let seconds = millis / 1000;
    match millis {
        ..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{seconds}.{} s", millis % 1000 / 100),
        60_000..3_600_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A size in bytes as people say it: `512 B`, `1.5 MiB`.
#[must_use]
pub fn size(bytes: i64) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if bytes >= 1 << shift {
            let tenths = (bytes >> (shift - 10)) * 10 / 1024;
            return format!("{}.{} {unit}", count(tenths / 10), tenths % 10);
        }
    }
    format!("{bytes} B")
}

/// Text from outside as one harmless line: control characters, which a terminal would obey, and the marks that turn the
/// direction of writing around (CVE-2021-42574) are shown as escapes.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}') {
            // Writing to a String cannot fail.
            let _ = write!(shown, "{}", c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_thousands_apart() {
        for (value, shown) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (-4600, "-4,600")] {
            assert_eq!(count(value), shown);
        }
        assert_eq!(count(i64::MIN), "-9,223,372,036,854,775,808");
    }

    #[test]
    fn times_and_sizes_read_well() {
        assert_eq!([999, 1_000, 59_999, 60_000, 3_600_000].map(duration).join(" · "), {
            "999 ms · 1.0 s · 59.9 s · 1 min 0 s · 1 h 0 min"
        });
        assert_eq!(
            [0, 1023, 1024, 1 << 20, 3 << 29].map(size).join(" · "),
            "0 B · 1023 B · 1.0 KiB · 1.0 MiB · 1.5 GiB"
        );
    }

    #[test]
    fn text_from_outside_cannot_drive_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\r\n\tc\u{202e}d é"), "a\\u{1b}[2Jb\\r\\n\\tc\\u{202e}d é");
    }
}
