//! Real dumps of other people, in the folder `SQLMIG_DUMPS_DIR`: each must be read with exactly the rows that its
//! `counts.json` has, however few bytes a read brings.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sqlmig::decode::{DecodeErrorKind, Item, RowDecoder, ScanOptions, Scanner};
use sqlmig::source::{self, SourceSpec};

use crate::harness::TestDb;
use crate::program::{number, sqlmig};

type Counts = BTreeMap<String, u64>;

/// A reader that brings at most so many bytes at once.
struct Sips<R>(R, usize);

impl<R: Read> Read for Sips<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = out.len().min(self.1);
        self.0.read(&mut out[..length])
    }
}

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("SQLMIG_DUMPS_DIR").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("SQLMIG_DUMPS_DIR is not set: the real dumps are not read");
    }
    folder
}

/// Rows of each table, every one decoded.
fn count(path: &Path, sip: usize, buffer_bytes: usize) -> Result<Counts, String> {
    let source = source::open(&SourceSpec::File(path.to_owned())).map_err(|error| error.to_string())?;
    let options = ScanOptions { buffer_bytes, ..ScanOptions::default() };
    let mut scanner = Scanner::new(Sips(source.into_reader(), sip), options);
    let mut counts = Counts::new();
    let mut decoder: Option<(String, RowDecoder)> = None;
    loop {
        match scanner.next_item().map_err(|error| error.to_string())? {
            None => return Ok(counts),
            Some(Item::Block(block)) => {
                let name = block.table.to_string();
                counts.entry(name.clone()).or_default();
                decoder = Some((name, RowDecoder::new(block)));
            }
            Some(Item::Row(row)) => {
                let (name, decoder) = decoder.as_mut().expect("a row comes after its block");
                decoder.decode(&row).map_err(|error| format!("line {}: {error}", row.line))?;
                *counts.get_mut(name.as_str()).expect("counted since its block") += 1;
            }
            Some(Item::Oversized(row)) => return Err(format!("line {} is oversized", row.line)),
        }
    }
}

#[test]
fn real_dumps_have_exactly_their_rows_at_every_read_size() {
    let Some(folder) = folder() else { return };
    let text = std::fs::read_to_string(folder.join("counts.json")).unwrap();
    let expected: BTreeMap<String, Counts> = serde_json::from_str(&text).unwrap();
    assert!(!expected.is_empty());
    for (file, counts) in &expected {
        if file.starts_with("d29") {
            continue;
        }
        for (sip, buffer) in [(1, 1), (7, 16), (4 << 10, 1 << 20), (1 << 20, 64), (1 << 20, 1 << 20)] {
            let found = count(&folder.join(file), sip, buffer).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!(&found, counts, "{file}, {sip} bytes a read");
        }
    }
}

#[test]
fn a_file_of_psql_commands_is_refused_at_its_first() {
    let Some(folder) = folder() else { return };
    let source = source::open(&SourceSpec::File(folder.join("d29_alter_function_body_copy.sql"))).unwrap();
    let mut scanner = Scanner::new(source.into_reader(), ScanOptions::default());
    let error = scanner.next_item().unwrap_err();
    assert!(matches!(&error.kind, DecodeErrorKind::MetaCommand(name) if name == "getenv"), "{error}");
    assert_eq!(error.line, 2);
}

/// The same through the program and a server: what the report says is staged is what the server counts.
#[tokio::test]
async fn real_dumps_stage_with_exactly_their_rows() {
    let Some(folder) = folder() else { return };
    let text = std::fs::read_to_string(folder.join("counts.json")).unwrap();
    let expected: BTreeMap<String, Counts> = serde_json::from_str(&text).unwrap();
    let db = TestDb::new("real").await;
    let client = db.connect().await;
    for (file, counts) in expected {
        let outcome = sqlmig(&db, &format!("stage --restart {} --output json", folder.join(&file).display())).await;
        // Files without rows: one is a schema alone, the other holds psql commands that are refused.
        let outcome = match (counts.is_empty(), file.starts_with("d29")) {
            (true, true) => outcome.code(4),
            (true, false) => outcome.code(2),
            (false, _) => outcome.code(0),
        };
        let report = outcome.json();
        let mut staged = Counts::new();
        for table in report["tables"].as_array().unwrap() {
            assert_eq!(table["rows_read"], table["rows_staged"], "{file}: {table}");
            let rows = number(&client, &format!("select count(*) from {}", table["staged_as"].as_str().unwrap())).await;
            staged.insert(table["source"].as_str().unwrap().to_owned(), u64::try_from(rows).unwrap());
        }
        assert_eq!(staged, counts, "{file}");
    }
}
