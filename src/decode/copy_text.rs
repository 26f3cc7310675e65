//! COPY's text format: splitting a line into fields and undoing its escapes.
//!
//! <https://www.postgresql.org/docs/current/sql-copy.html>, "Text Format", and what PostgreSQL's
//! `CopyReadAttributesText` does where the manual is silent.

use memchr::{memchr, memchr_iter, memchr2, memchr2_iter};

use super::block::Column;
use super::error::{RowError, RowErrorCode};
use super::slot::{Scratch, Slot, check_text};
use super::values::digits;

/// Splits a line, already UTF-8, into one slot a column.
pub(super) fn split(
    text: &[u8],
    columns: &[Column],
    delimiter: u8,
    null: &[u8],
    scratch: &mut Scratch,
) -> Result<(), RowError> {
    let escaped = memchr(b'\\', text).is_some();
    if memchr2(b'\r', b'\n', text).is_some() {
        line_ends(text)?;
    }
    if columns.is_empty() {
        return if text.is_empty() { Ok(()) } else { Err(too_many(0)) };
    }
    let mut start = 0;
    if escaped {
        loop {
            let (end, found) = field_end(text, start, delimiter)?;
            let slot = if !found || &text[start..end] == null {
                plain(text, start, end, null)
            } else {
                let column = columns.get(scratch.slots.len());
                unescape(&text[start..end], scratch).map_err(|(code, reason)| RowError {
                    code,
                    column: column.map(|column| column.name.clone()),
                    reason,
                })?
            };
            push(columns, scratch, slot)?;
            if end >= text.len() {
                break;
            }
            start = end + 1;
        }
    } else {
        for end in memchr_iter(delimiter, text) {
            push(columns, scratch, plain(text, start, end, null))?;
            start = end + 1;
        }
        push(columns, scratch, plain(text, start, text.len(), null))?;
    }
    match columns.get(scratch.slots.len()) {
        None => Ok(()),
        Some(missing) => Err(RowError {
            code: RowErrorCode::ColumnCount,
            column: Some(missing.name.clone()),
            reason: format!("missing data for column \"{}\"", missing.name),
        }),
    }
}

/// Number of fields in a line: what a table without known columns has.
pub(super) fn count(text: &[u8], delimiter: u8) -> usize {
    let mut fields = 1;
    let mut start = 0;
    while let Ok((end, _)) = field_end(text, start, delimiter) {
        if end >= text.len() {
            break;
        }
        fields += 1;
        start = end + 1;
    }
    fields
}

fn plain(text: &[u8], start: usize, end: usize, null: &[u8]) -> Slot {
    if &text[start..end] == null { Slot::Null } else { Slot::Raw(start, end) }
}

fn push(columns: &[Column], scratch: &mut Scratch, slot: Slot) -> Result<(), RowError> {
    if scratch.slots.len() == columns.len() {
        return Err(too_many(columns.len()));
    }
    scratch.slots.push(slot);
    Ok(())
}

fn too_many(columns: usize) -> RowError {
    RowError {
        code: RowErrorCode::ColumnCount,
        column: None,
        reason: format!("extra data after last expected column (the table has {columns})"),
    }
}

/// Where the field at `start` ends, and whether there are escapes in it.
fn field_end(text: &[u8], start: usize, delimiter: u8) -> Result<(usize, bool), RowError> {
    let mut at = start;
    let mut escapes = false;
    while let Some(found) = memchr2(delimiter, b'\\', &text[at..]) {
        at += found;
        if text[at] != b'\\' {
            return Ok((at, escapes));
        }
        if text.get(at + 1) == Some(&b'.') {
            return Err(RowError {
                code: RowErrorCode::EndMarker,
                column: None,
                reason: "end-of-copy marker is not alone on its line".to_owned(),
            });
        }
        escapes = true;
        at = (at + 2).min(text.len());
    }
    Ok((text.len(), escapes))
}

/// A line holds no line ends but escaped ones; the scanner leaves a wrong one in place for this to find.
fn line_ends(text: &[u8]) -> Result<(), RowError> {
    for at in memchr2_iter(b'\r', b'\n', text) {
        let backslashes = text[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        if backslashes % 2 == 0 {
            let (code, what) = if text[at] == b'\n' {
                (RowErrorCode::LiteralNewline, "literal newline found in data")
            } else {
                (RowErrorCode::LiteralCarriageReturn, "literal carriage return found in data")
            };
            return Err(RowError { code, column: None, reason: what.to_owned() });
        }
    }
    Ok(())
}

fn unescape(mut field: &[u8], scratch: &mut Scratch) -> Result<Slot, (RowErrorCode, String)> {
    scratch.text_slot(|out| {
        let begin = out.len();
        let mut check = false;
        while let Some(at) = memchr(b'\\', field) {
            out.extend_from_slice(&field[..at]);
            let Some(&first) = field.get(at + 1) else {
                // A backslash at the very end stands for nothing.
                field = b"";
                break;
            };
            field = &field[at + 2..];
            match first {
                b'b' => out.push(0x08),
                b'f' => out.push(0x0c),
                b'n' => out.push(b'\n'),
                b'r' => out.push(b'\r'),
                b't' => out.push(b'\t'),
                b'v' => out.push(0x0b),
                b'0'..=b'7' => {
                    let (more, length) = digits(field, 8, 2);
                    let value = u32::from(first - b'0') * 8_u32.pow(u32::try_from(length).unwrap_or(0)) + more;
                    out.push(value.to_le_bytes()[0]);
                    field = &field[length..];
                    check = true;
                }
                b'x' if field.first().is_some_and(u8::is_ascii_hexdigit) => {
                    let (value, length) = digits(field, 16, 2);
                    out.push(value.to_le_bytes()[0]);
                    field = &field[length..];
                    check = true;
                }
                other => out.push(other),
            }
        }
        out.extend_from_slice(field);
        if check {
            check_text(&out[begin..])?;
        }
        Ok(())
    })
}
