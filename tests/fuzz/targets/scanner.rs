//! The statement scanner: how the bytes arrive changes nothing, rows are slices of the input in order, a cut loses only
//! what comes after it, and statements before and after are none the worse.
#![no_main]

use std::io::Read;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use sqlmig::decode::{Block, DecodeError, DecodeErrorKind, DumpFacts, Item, RawRow, RowDecoder, ScanOptions, Scanner};

/// A limit that rows of this size can pass.
const SMALL_LIMIT_BYTES: usize = 60;

fuzz_target!(|data: &[u8]| {
    let [mode, place, dump @ ..] = data else { return };
    let limited = mode & 1 != 0;
    let options = ScanOptions {
        row_limit_bytes: if limited { SMALL_LIMIT_BYTES } else { 1 << 20 },
        database: (mode & 2 != 0).then(|| "one".to_owned()),
        ..ScanOptions::default()
    };
    let whole = scan(dump, &options, usize::MAX, 1 << 16);
    in_order(dump, &whole);
    for (sip, buffer) in [(1, 1), (usize::from(mode / 16) + 2, 8)] {
        let sipped = scan(dump, &options, sip, buffer);
        if limited {
            in_order(dump, &sipped);
            same_within_limit(&whole, &sipped);
        } else {
            assert_eq!(sipped.found, whole.found, "what is found depends on how the bytes arrive");
            assert_eq!(sipped.error, whole.error, "the error depends on how the bytes arrive");
            assert_eq!(sipped.facts, whole.facts, "the facts depend on how the bytes arrive");
        }
    }
    if limited {
        return;
    }
    let cut = usize::from(*place) * dump.len() / 256;
    let before = scan(&dump[..cut], &options, usize::MAX, 1 << 16);
    let rows = |reading: &Reading| reading.found.iter().filter(|found| found.row()).cloned().collect::<Vec<_>>();
    assert!(rows(&whole).starts_with(&rows(&before)), "a cut at {cut} brings rows that are not there");
    if whole.error.is_none() {
        neighbours(dump, &options, &whole);
    }
});

/// One thing that the scanner handed out.
#[derive(Debug, Clone, PartialEq)]
enum Found {
    Block(Arc<Block>),
    Row { bytes: Vec<u8>, line: u64, byte: u64 },
    Oversized { line: u64, byte: u64, length: u64 },
}

impl Found {
    fn row(&self) -> bool {
        !matches!(self, Self::Block(_))
    }
}

#[derive(Debug)]
struct Reading {
    found: Vec<Found>,
    facts: DumpFacts,
    error: Option<String>,
    too_long: bool,
}

/// A reader that brings at most so many bytes at once.
struct Sips<'a>(&'a [u8], usize);

impl Read for Sips<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let length = out.len().min(self.1);
        self.0.read(&mut out[..length])
    }
}

fn scan(dump: &[u8], options: &ScanOptions, sip: usize, buffer_bytes: usize) -> Reading {
    let options = ScanOptions { buffer_bytes, ..options.clone() };
    let mut scanner = Scanner::new(Sips(dump, sip), options);
    let mut found = Vec::new();
    let mut decoder = None;
    let error: Option<DecodeError> = loop {
        match scanner.next_item() {
            Ok(None) => break None,
            Err(error) => break Some(error),
            Ok(Some(Item::Block(block))) => {
                decoder = Some(RowDecoder::new(Arc::clone(&block)));
                found.push(Found::Block(block));
            }
            Ok(Some(Item::Row(row))) => {
                decoded(decoder.as_mut().expect("a block comes before its rows"), &row);
                found.push(Found::Row { bytes: row.bytes.to_vec(), line: row.line, byte: row.byte });
            }
            Ok(Some(Item::Oversized(row))) => {
                assert!(decoder.is_some(), "a block comes before its rows");
                found.push(Found::Oversized { line: row.line, byte: row.byte, length: row.length });
            }
        }
    };
    let facts = scanner.facts().clone();
    assert_eq!(facts.complete, error.is_none());
    assert_eq!(facts.rows, found.iter().filter(|found| found.row()).count() as u64);
    let too_long = error.as_ref().is_some_and(|error| matches!(error.kind, DecodeErrorKind::TooLong { .. }));
    Reading { found, facts, error: error.map(|error| format!("{error} {:?}", error.hint())), too_long }
}

/// A row has as many fields as its block has columns, all of them text, or is refused with a reason.
fn decoded(decoder: &mut RowDecoder, row: &RawRow<'_>) {
    let block = Arc::clone(decoder.block());
    match decoder.decode(row) {
        Ok(fields) => {
            assert_eq!(fields.len(), block.columns.len());
            for (field, column) in fields.iter().zip(&block.columns) {
                let Some(field) = field else { continue };
                if column.kind == sqlmig::decode::ColumnKind::Text {
                    assert!(!field.contains(&0) && std::str::from_utf8(field).is_ok(), "{field:?} is no text");
                }
            }
        }
        Err(error) => assert!(!error.reason.is_empty()),
    }
}

/// Rows are pieces of the dump, one after another, on the lines that they are said to be on.
fn in_order(dump: &[u8], reading: &Reading) {
    let (mut at, mut line) = (0, 1);
    for found in &reading.found {
        let (byte, of_line, length) = match found {
            Found::Block(_) => continue,
            Found::Row { bytes, line, byte } => {
                let here = usize::try_from(*byte).expect("it is small");
                let defaults = bytes == b"DEFAULT VALUES";
                assert!(defaults || dump[here..].starts_with(bytes), "a row is not what stands in the dump");
                (here, *line, if defaults { 0 } else { bytes.len() })
            }
            Found::Oversized { line, byte, length } => {
                assert!(*length > SMALL_LIMIT_BYTES as u64, "a row of {length} bytes is oversized");
                (usize::try_from(*byte).expect("it is small"), *line, usize::try_from(*length).expect("it is small"))
            }
        };
        assert!(byte >= at && byte + length <= dump.len(), "rows overlap");
        line += dump[at..byte].iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!(line, of_line, "the row at byte {byte} is on another line");
        line += dump[byte..byte + length].iter().filter(|byte| **byte == b'\n').count() as u64;
        at = byte + length;
    }
}

/// Where a limit is passed, a larger buffer may happen to hold what a smaller one has to refuse; up to there both agree.
fn same_within_limit(one: &Reading, other: &Reading) {
    let rows = |reading: &Reading| reading.found.iter().filter(|found| found.row()).cloned().collect::<Vec<_>>();
    let (rows_of_one, rows_of_other) = (rows(one), rows(other));
    match (one.too_long, other.too_long) {
        (false, false) => assert_eq!((rows_of_one, &one.error), (rows_of_other, &other.error)),
        (true, false) => assert!(rows_of_other.starts_with(&rows_of_one)),
        (false, true) => assert!(rows_of_one.starts_with(&rows_of_other)),
        (true, true) => {}
    }
}

/// A statement before a whole dump and one after it are both seen, and change nothing in between.
fn neighbours(dump: &[u8], options: &ScanOptions, whole: &Reading) {
    const STATEMENT: &[u8] = b"\nlisten a;\n";
    // Only the first bytes of a source tell its encoding.
    if dump.iter().take(4).any(|byte| matches!(byte, 0 | 0xfe | 0xff)) {
        return;
    }
    let between = scan(&[STATEMENT, dump, STATEMENT].concat(), options, usize::MAX, 1 << 16);
    assert_eq!(between.error, None, "a statement before or after a dump makes it unreadable");
    let count = |facts: &DumpFacts| facts.statements.get("LISTEN").copied().unwrap_or_default();
    assert_eq!(count(&between.facts), count(&whole.facts) + 2, "a statement before or after a dump is lost");
    let moved = |found: &Found| match found {
        Found::Row { bytes, line, byte } => Some((bytes.clone(), line + 2, byte + STATEMENT.len() as u64)),
        _ => None,
    };
    let rows = |found: &Found| match found {
        Found::Row { bytes, line, byte } => Some((bytes.clone(), *line, *byte)),
        _ => None,
    };
    let expected: Vec<_> = whole.found.iter().filter_map(moved).collect();
    assert_eq!(between.found.iter().filter_map(rows).collect::<Vec<_>>(), expected);
}
