//! Rows of COPY's text format, against a decoder written plainly after the manual and `CopyReadAttributesText`.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use sqlmig::decode::{Block, Column, ColumnKind, Encoding, RawRow, RowDecoder, RowForm};
use sqlmig::names::TableName;

const DELIMITERS: [u8; 8] = [b'\t', b'|', b',', b';', b' ', b'~', 0x01, b'\''];
const NULLS: [&[u8]; 8] = [b"\\N", b"", b"nil", b"\\\\", b"N", b"\\x41", b"\xc3\xa9", b"\\0"];

type Row = Vec<Option<Vec<u8>>>;

fuzz_target!(|data: &[u8]| {
    let [shape, form, line @ ..] = data else { return };
    let (delimiter, null) = (DELIMITERS[usize::from(form % 8)], NULLS[usize::from(form / 8 % 8)]);
    let latin1 = form & 0x80 != 0 || form & 0x40 != 0;
    let columns = usize::from(shape % 5);
    if null.contains(&delimiter) || (latin1 && !null.is_ascii()) {
        return;
    }
    let column = |number| Column { name: format!("c{number}"), kind: ColumnKind::Text, generated: false };
    let encoding = if latin1 { "LATIN1" } else { "UTF8" };
    let block = Block {
        table: TableName::unqualified("t"),
        columns: (0..columns).map(column).collect(),
        form: RowForm::CopyText { delimiter, null: null.to_vec() },
        encoding: Encoding::by_name(encoding).expect("it is known"),
        line: 1,
        byte: 0,
    };
    let mut decoder = RowDecoder::new(Arc::new(block));
    // Twice: nothing of the row before may be left over.
    let mut decode = || {
        let fields = decoder.decode(&RawRow { bytes: line, line: 1, byte: 0 })?;
        assert_eq!(fields.len(), columns);
        Ok::<Row, sqlmig::decode::RowError>(fields.iter().map(|field| field.map(<[u8]>::to_vec)).collect())
    };
    let found = decode();
    assert_eq!(found, decode());
    let line =
        if latin1 { line.iter().map(|byte| char::from(*byte)).collect::<String>().into() } else { line.to_vec() };
    let expected = reference(&line, columns, delimiter, null);
    assert_eq!(found.as_ref().ok(), expected.as_ref(), "{found:?} of {:?}", String::from_utf8_lossy(&line));
    for field in found.iter().flatten().flatten() {
        assert!(!field.contains(&0) && std::str::from_utf8(field).is_ok(), "{field:?} is no text");
    }
});

/// The fields of a line, `None` where PostgreSQL refuses it.
fn reference(line: &[u8], columns: usize, delimiter: u8, null: &[u8]) -> Option<Row> {
    if std::str::from_utf8(line).is_err() || line.contains(&0) {
        return None;
    }
    let mut row = Row::new();
    let mut value = Vec::new();
    let (mut start, mut at) = (0, 0);
    loop {
        let here = line.get(at).copied();
        if here == Some(delimiter) || here.is_none() {
            let value = std::mem::take(&mut value);
            if &line[start..at] == null {
                row.push(None);
            } else if value.contains(&0) || std::str::from_utf8(&value).is_err() {
                return None;
            } else {
                row.push(Some(value));
            }
            if here.is_none() {
                break;
            }
            at += 1;
            start = at;
            continue;
        }
        match (here?, line.get(at + 1).copied()) {
            (b'\n' | b'\r', _) | (b'\\', Some(b'.')) => return None,
            (b'\\', None) => at += 1,
            (b'\\', Some(letter)) => {
                at += 2;
                let hex = line.get(at).is_some_and(u8::is_ascii_hexdigit);
                let mut number = |radix: u32, most: usize, first: u32| {
                    let mut number = first;
                    let end = at + most;
                    while at < end
                        && let Some(digit) = line.get(at).and_then(|byte| char::from(*byte).to_digit(radix))
                    {
                        number = number * radix + digit;
                        at += 1;
                    }
                    number.to_le_bytes()[0]
                };
                let byte = match letter {
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => 10,
                    b'r' => 13,
                    b't' => 9,
                    b'v' => 11,
                    b'0'..=b'7' => number(8, 2, u32::from(letter - b'0')),
                    b'x' if hex => number(16, 2, 0),
                    other => other,
                };
                value.push(byte);
            }
            (byte, _) => {
                value.push(byte);
                at += 1;
            }
        }
    }
    // A table without columns has rows of nothing.
    if columns == 0 {
        return line.is_empty().then(Row::new);
    }
    (row.len() == columns).then_some(row)
}
