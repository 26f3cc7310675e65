//! The scanner and the decoder together, on small dumps written here.

use std::fmt::Write;
use std::io::Read;

use proptest::prelude::*;

use super::*;

mod edges;
mod errors;

/// A reader that brings at most so many bytes at once.
struct Sips<'a>(&'a [u8], usize);

impl Read for Sips<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let length = out.len().min(self.1);
        self.0.read(&mut out[..length])
    }
}

/// A row as tests compare it: its fields, or the code of what is wrong with it.
type Row = Result<Vec<Option<Vec<u8>>>, &'static str>;

#[derive(Debug, Default, PartialEq)]
struct Reading {
    rows: Vec<(String, Row)>,
    blocks: Vec<(String, Vec<String>)>,
    facts: DumpFacts,
}

fn scan(dump: &[u8], options: &ScanOptions, sip: usize) -> Result<Reading, DecodeError> {
    let mut scanner = Scanner::new(Sips(dump, sip), options.clone());
    let mut read = Reading::default();
    let mut decoder = None;
    while let Some(item) = scanner.next_item()? {
        match item {
            Item::Block(block) => {
                let columns = block.columns.iter().map(|column| column.name.clone()).collect();
                read.blocks.push((block.table.to_string(), columns));
                decoder = Some(RowDecoder::new(block));
            }
            Item::Row(row) => {
                let decoder = decoder.as_mut().unwrap();
                let table = decoder.block().table.to_string();
                let fields = decoder.decode(&row);
                let row = fields.map(|fields| fields.iter().map(|field| field.map(<[u8]>::to_vec)).collect());
                read.rows.push((table, row.map_err(|error| error.code.as_str())));
            }
            Item::Oversized(row) => read.rows.push((format!("{} bytes", row.length), Err("oversized"))),
        }
    }
    read.facts = scanner.facts().clone();
    Ok(read)
}

/// Reads a dump at several read sizes, which must not matter.
fn read_with(dump: &[u8], options: &ScanOptions) -> Result<Reading, DecodeError> {
    let whole = scan(dump, options, usize::MAX);
    for (sip, buffer_bytes) in [(1, 1), (3, 8)] {
        let options = ScanOptions { buffer_bytes, ..options.clone() };
        match (scan(dump, &options, sip), &whole) {
            (Ok(sipped), Ok(whole)) => assert_eq!(&sipped, whole),
            (Err(sipped), Err(whole)) => assert_eq!(sipped.to_string(), whole.to_string()),
            (sipped, whole) => panic!("{sipped:?} but {whole:?}"),
        }
    }
    whole
}

fn read(dump: &[u8]) -> Result<Reading, DecodeError> {
    read_with(dump, &ScanOptions::default())
}

/// The rows of a dump that is read without an error, as text; NULL as `None`.
fn rows(dump: &[u8]) -> Vec<Result<Vec<Option<String>>, &'static str>> {
    let text = |field: Option<Vec<u8>>| field.map(|bytes| String::from_utf8(bytes).unwrap());
    let row = |row: Row| row.map(|fields| fields.into_iter().map(text).collect());
    read(dump).unwrap().rows.into_iter().map(|(_, fields)| row(fields)).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "it stands beside rows that are errors")]
fn texts(fields: &[&str]) -> Result<Vec<Option<String>>, &'static str> {
    Ok(fields.iter().map(|field| (*field != "NULL").then(|| (*field).to_owned())).collect())
}

fn copy(lines: &str) -> Vec<Result<Vec<Option<String>>, &'static str>> {
    rows(format!("copy t (a, b) from stdin;\n{lines}\\.\n").as_bytes())
}

#[test]
fn copy_escapes() {
    assert_eq!(copy("a\\tb\\n\\r\\b\\f\\v\\\\\t\\N\n"), [texts(&["a\tb\n\r\u{8}\u{c}\u{b}\\", "NULL"])]);
    assert_eq!(copy("\\101\\x41\\x4g\\7x\ta\\N\n"), [texts(&["AA\u{4}g\u{7}x", "aN"])]);
    assert_eq!(copy("\\xc3\\xa9\\303\\251\\xyz\t\\q\n"), [texts(&["ééxyz", "q"])]);
    // A backslash makes a delimiter or a newline data.
    assert_eq!(copy("a\\\tb\tc\\\nd\n1\t2\n"), [texts(&["a\tb", "c\nd"]), texts(&["1", "2"])]);
    assert_eq!(copy("a\\\\\t\n\t\n"), [texts(&["a\\", ""]), texts(&["", ""])]);
}

#[test]
fn copy_rows_that_postgresql_refuses() {
    for (line, code) in [
        ("a", "column_count"),
        ("a\tb\tc", "column_count"),
        ("a\t\\x80", "encoding"),
        ("a\t\\xc3", "encoding"),
        ("a\t\\000", "nul_byte"),
        ("a\0\tb", "nul_byte"),
        ("a\\.\tb", "end_marker"),
        ("a\tb\\.", "end_marker"),
        ("\\.\tb", "end_marker"),
        ("a\rb\tc", "literal_carriage_return"),
    ] {
        // The rows before and after it are none the worse.
        assert_eq!(
            copy(&format!("1\t2\n{line}\n3\t4\n")),
            [texts(&["1", "2"]), Err(code), texts(&["3", "4"])],
            "{line}"
        );
    }
    let dump = b"copy t (a) from stdin;\nx\n\xff\ny\n\\.\n";
    assert_eq!(rows(dump), [texts(&["x"]), Err("encoding"), texts(&["y"])]);
}

#[test]
fn line_ends_follow_the_first() {
    let dump = b"copy t (a, b) from stdin;\r\n1\t2\r\n3\t4\\r\r\n\\.\r\nselect 1;\r\n";
    assert_eq!(rows(dump), [texts(&["1", "2"]), texts(&["3", "4\r"])]);
    let dump = b"copy t (a) from stdin;\r\n1\r\n2\n3\rx\r\n4\r\n\\.\r\n";
    let expected = [texts(&["1"]), Err("literal_newline"), Err("literal_carriage_return"), texts(&["4"])];
    assert_eq!(rows(dump), expected);
    assert_eq!(copy("1\t2\n3\t4\r\n"), [texts(&["1", "2"]), Err("literal_carriage_return")]);
}

#[test]
fn delimiter_null_and_tables_without_columns() {
    let dump = b"copy t (a, b, c) from stdin with (delimiter '|', null 'nil');\n1|nil|\\nil\n\\||\\174|x\n\\.\n";
    assert_eq!(rows(dump), [texts(&["1", "NULL", "\nil"]), texts(&["|", "|", "x"])]);
    let dump = b"create table public.e ();\ncopy public.e  from stdin;\n\n\nx\n\\.\n";
    assert_eq!(rows(dump), [Ok(vec![]), Ok(vec![]), Err("column_count")]);
}

#[test]
fn columns_come_from_the_statement_the_table_the_caller_or_the_first_row() {
    let dump = b"create table public.t (a int, g int generated always as (a + 1) stored, v public.vector(2));
copy public.t from stdin;\n1\t[1,2]\n2\t[1,NaN]\n3\tx\n\\.\ncopy public.u from stdin;\n1\\\t2\\\n\t3\n\\.\n
insert into public.t values (1, default, '[1,2]'), (default, 1, null);\n";
    let found = read(dump).unwrap();
    let blocks: Vec<_> = found.blocks.iter().map(|(table, columns)| (table.as_str(), columns.join(","))).collect();
    let expected =
        [("public.t", "a,v".to_owned()), ("public.u", "column1,column2".to_owned()), ("public.t", "a,g,v".to_owned())];
    assert_eq!(blocks, expected);
    let vector = [0, 2, 0, 0, 0x3f, 0x80, 0, 0, 0x40, 0, 0, 0].to_vec();
    assert_eq!(found.rows[0].1, Ok(vec![Some(b"1".to_vec()), Some(vector.clone())]));
    assert_eq!((&found.rows[1].1, &found.rows[2].1), (&Err("vector_value"), &Err("vector_syntax")));
    assert_eq!(found.rows[4].1, Ok(vec![Some(b"1".to_vec()), None, Some(vector)]));
    assert_eq!(found.rows[5].1, Err("expression"));

    let known = vec![TableShape {
        name: crate::names::TableName::new("public", "u"),
        database: None,
        columns: vec![ColumnShape { name: "e".to_owned(), type_text: "halfvec".to_owned(), generated: false }],
    }];
    let options = ScanOptions { known, ..ScanOptions::default() };
    let found = read_with(b"copy public.u from stdin;\n[1]\n\\.\n", &options).unwrap();
    assert_eq!(found.rows[0].1, Ok(vec![Some(vec![0, 1, 0, 0, 0x3c, 0])]));
}

#[test]
fn inserts() {
    let dump = br#"
INSERT INTO public.t (a, "B") VALUES (1, 'it''s; -- no comment');
INSERT INTO public.t (a, "B") VALUES (-2.5e-3, E'a\'\n\x41\u00e9\U0001F600\\');
INSERT INTO public.t (a, "B") VALUES (NULL, B'101'), (true, X'1f')
    , ('2020-01-01'::date, 'x'::character varying(3)) ON CONFLICT DO NOTHING;
INSERT INTO public.t (a, "B") VALUES ('NaN', U&'d\0061t\+000061'), (1, ARRAY[1,2]), (now(), 2), (1), (1, 2, 3);
INSERT INTO public.t SELECT * FROM (VALUES (1, 2)) AS v;
INSERT INTO public.e DEFAULT VALUES;
INSERT INTO public.t (a, "B") VALUES (1, E'\377'), (1, E'\000'), (1, 'a' 'b'), (1 + 1, 2), (FALSE, + 7);
"#;
    let expected = [
        texts(&["1", "it's; -- no comment"]),
        texts(&["-2.5e-3", "a'\nAé😀\\"]),
        texts(&["NULL", "101"]),
        texts(&["true", "00011111"]),
        texts(&["2020-01-01", "x"]),
        texts(&["NaN", "data"]),
        Err("expression"),
        Err("expression"),
        Err("column_count"),
        Err("column_count"),
        Ok(vec![]),
        Err("encoding"),
        Err("nul_byte"),
        Err("expression"),
        Err("expression"),
        texts(&["false", "7"]),
    ];
    assert_eq!(rows(dump), expected);
    let found = read(dump).unwrap();
    // One-row statements of one shape share a block.
    assert_eq!(
        found.blocks.iter().map(|(table, _)| table.as_str()).collect::<Vec<_>>(),
        ["public.t", "public.e", "public.t"]
    );
    assert_eq!((found.facts.insert_statements, found.facts.statements["INSERT"]), (6, 1));
    let old = b"set standard_conforming_strings = off;\ninsert into t values ('a\\'b\\\\');\n";
    assert_eq!(rows(old), [texts(&["a'b\\"])]);
}

#[test]
fn what_looks_like_data_in_bodies_and_comments_is_none() {
    let dump = b"/* copy a from stdin; /* nested */ ' */
create function f() returns void language plpgsql as $_$
begin
COPY t FROM stdin;
1
\\.
insert into t values (1);
\\! ls
end $_$;
create function g() returns void language sql begin atomic insert into t values (1); insert into t values (2); end;
comment on function f() is 'it''s
copy t from stdin;
\\.
';
-- insert into t values (3);
do 'begin null; end';\n";
    let found = read(dump).unwrap();
    assert_eq!((found.rows.len(), found.facts.stray_line_count), (0, 0));
    let kinds: Vec<_> = found.facts.statements.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(kinds, [("COMMENT", 1), ("CREATE FUNCTION", 2), ("DO", 1)]);
}

#[test]
fn everything_else_is_counted_by_kind() {
    let dump = b"create or replace trigger a b; create constraint trigger a b; create unique index i on t (a);
create materialized view v as select 1; create event trigger e; alter table only t add column x int;
alter default privileges grant select on tables to x; alter system set a = b; drop database d; grant all on t to x;
copy t from program 'id'; copy t from '/etc/passwd'; copy (select 1) to stdout; (select 1); refresh materialized view v;
select pg_catalog.setval('s', 1); create type t as (a int); with x as (select 1) select 2; create rule r as on insert
to t do instead (delete from a; delete from b); begin; commit; ;\n";
    let found = read(dump).unwrap();
    let kinds: Vec<_> = found.facts.statements.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    assert_eq!(
        kinds.join(", "),
        "ALTER DEFAULT PRIVILEGES 1, ALTER SYSTEM 1, ALTER TABLE 1, BEGIN 1, COMMIT 1, \
        COPY FROM FILE 1, COPY FROM PROGRAM 1, COPY TO 1, CREATE EVENT TRIGGER 1, CREATE INDEX 1, \
        CREATE MATERIALIZED VIEW 1, CREATE RULE 1, CREATE TRIGGER 2, CREATE TYPE 1, DROP DATABASE 1, GRANT 1, \
        REFRESH MATERIALIZED VIEW 1, SELECT 1, SELECT setval 1, WITH 1"
    );
}

#[test]
fn names_follow_the_search_path() {
    let dump = b"create table Early (a int);
copy early from stdin;\n1\n\\.\nset search_path = cd, pg_catalog;
copy bookings (a) from stdin;\n1\n\\.\nselect pg_catalog.set_config('search_path', '', false);
copy t (a) from stdin;\n\\.\nset search_path to '$user', \"Odd one\", public;\ninsert into t (a) values (1);\n";
    let tables: Vec<_> = read(dump).unwrap().blocks.into_iter().map(|(table, _)| table).collect();
    assert_eq!(tables, ["early", "cd.bookings", "t", "\"Odd one\".t"]);
}

#[test]
fn encodings_are_converted() {
    let latin = b"set client_encoding = 'LATIN1';\ncopy t (a) from stdin;\n\xe9\x80\n\\.\n";
    assert_eq!(rows(latin), [texts(&["é\u{80}"])]);
    let windows = b"set client_encoding to win1252;\ncopy t (a) from stdin;\n\x80\n\x81\n\\.\n";
    assert_eq!(rows(windows), [texts(&["€"]), Err("encoding")]);
    // The second byte of a character may be a backslash (SJIS 表 0x95 0x5c) or, in GB18030, a digit; in SJIS a newline
    // after it ends the row, and the row of one backslash more does not end there.
    let sjis = b"SET client_encoding = 'SJIS';\ncopy t (a, b) from stdin;\n\x95\x5c\t\x95\x5c\n\x95\x5c\\\t\t\x95\x5c\\\n\n\\.\ninsert into t (a, b) values ('\x95\x5c', E'\x95\x5c\\'');\n";
    assert_eq!(rows(sjis), [texts(&["表", "表"]), texts(&["表\t", "表\n"]), texts(&["表", "表'"])]);
    let gb = b"set names 'GB18030';\ncopy t (a) from stdin;\n\x81\x30\x81\x30\xe8\\n\n\\.\n";
    assert_eq!(rows(gb), [texts(&["\u{80}鑌n"])]);
    let ascii = b"set client_encoding = 'SQL_ASCII';\ncopy t (a) from stdin;\n\xc3\xa9\n\xe9\n\\.\n";
    assert_eq!(rows(ascii), [texts(&["é"]), Err("encoding")]);
    let error = read(b"set client_encoding = 'EUC_TW';\n").unwrap_err();
    assert!(matches!(&error.kind, DecodeErrorKind::Encoding(name) if name == "EUC_TW"), "{error}");
    let error = read(b"\xff\xfe-\0-\0").unwrap_err();
    assert!(matches!(&error.kind, DecodeErrorKind::Encoding(name) if name == "UTF-16"), "{error}");
}

const DUMP: &str = "--\n-- PostgreSQL database dump\n--\n\n\\restrict aB1\n
-- Dumped from database version 18.4 (Debian)\n-- Dumped by pg_dump version 18.5\n
SET client_encoding = 'UTF8';\nCREATE TABLE public.t (a text);\nCOPY public.t (a) FROM stdin;\n1\n2\n\\.\n
--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict aB1\n\n";

#[test]
fn headers_several_dumps_and_stray_lines() {
    let noise = "Defaulted container \"db\" out of: db, can't\npg_dump: warning: can't do \"x;\n\u{feff}";
    let dump = format!("{noise}{DUMP}{noise}{}", DUMP.replace("18.4 (Debian)", "9.2"));
    let found = read(dump.as_bytes()).unwrap();
    assert_eq!(found.rows.len(), 4);
    let dumps = &found.facts.dumps;
    assert_eq!(
        dumps.iter().map(|dump| dump.server_version.as_deref().unwrap()).collect::<Vec<_>>(),
        ["18.4 (Debian)", "9.2"]
    );
    assert!(dumps.iter().all(|dump| dump.complete && dump.pg_dump_version.as_deref() == Some("18.5")));
    assert!(found.facts.complete);
    assert_eq!((found.facts.stray_line_count, found.facts.encoding.as_deref()), (4, Some("UTF8")));
}

/// Where only a part of the mark had arrived, the statement after it was taken for a stray line.
#[test]
fn a_byte_order_mark_may_arrive_in_pieces() {
    let found = read("select 1;\n\u{feff}copy t (a) from stdin;\n1\n\\.\n\u{feff}".as_bytes()).unwrap();
    assert_eq!((found.rows.len(), found.facts.stray_line_count), (1, 0));
}

#[test]
fn every_cut_is_found_to_be_one() {
    let last = DUMP.find("dump complete").unwrap() + "dump complete".len();
    // A dash and no more could be anything.
    for cut in (0..last).filter(|cut| ![1, 4].contains(cut)) {
        let error = scan(&DUMP.as_bytes()[..cut], &ScanOptions::default(), usize::MAX).unwrap_err();
        assert!(error.is_incomplete(), "{cut}: {error}");
    }
    assert!(read(&DUMP.as_bytes()[..last]).is_ok());
    let in_copy = DUMP.find("2\n\\.").unwrap();
    let error = read(&DUMP.as_bytes()[..in_copy]).unwrap_err();
    assert_eq!((error.row, error.byte), (Some(1), in_copy as u64));
    assert_eq!(error.table.unwrap().to_string(), "public.t");
    // A first dump without its closing comment is not healed by a second that has one.
    let error = read(format!("{}{DUMP}", &DUMP[..last - 13]).as_bytes()).unwrap_err();
    assert!(matches!(error.kind, DecodeErrorKind::NoClosingComment { opened: 2, .. }), "{error}");
}

#[test]
fn psql_commands_and_other_languages_are_refused() {
    for (dump, line) in [
        ("select 1;\n\\! touch x\n", 2),
        ("select 1\n  \\gexec\n", 2),
        ("insert into t values (1, \\! ls\n);", 1),
        ("\\unrestrict a\n", 1),
        ("\\restrict a\n\\unrestrict b\n", 2),
    ] {
        let error = read(dump.as_bytes()).unwrap_err();
        assert_eq!(error.line, line, "{dump}: {error}");
        assert!(!error.is_incomplete());
    }
    assert!(matches!(read(b"hello,world\n1,2\n").unwrap_err().kind, DecodeErrorKind::NotADump(_)));
    assert!(matches!(read(b"").unwrap_err().kind, DecodeErrorKind::Empty));
}

#[test]
fn databases_are_kept_apart() {
    let part = |name: &str| {
        format!(
            "\\connect {name}\ncreate table t (a int);\ncopy t (a) from stdin;\n{name}\n\\.\ninsert into t values (1);\n"
        )
    };
    let cluster = format!(
        "create role x;\n\\connect postgres\n{}\\connect -reuse-previous=on \"dbname='two'\"\n{}",
        part("one"),
        part("two")
    );
    let error = read(cluster.as_bytes()).unwrap_err();
    assert!(matches!(&error.kind, DecodeErrorKind::SeveralDatabases(names) if names == &["one", "postgres", "two"]));
    let options = |name: &str| ScanOptions { database: Some(name.to_owned()), ..ScanOptions::default() };
    let found = read_with(cluster.as_bytes(), &options("two")).unwrap();
    assert_eq!(found.rows.len(), 2);
    assert_eq!(found.rows[0].1, Ok(vec![Some(b"two".to_vec())]));
    assert_eq!(found.facts.tables.len(), 1);
    let error = read_with(cluster.as_bytes(), &options("three")).unwrap_err();
    assert!(matches!(error.kind, DecodeErrorKind::NoSuchDatabase { .. }), "{error}");
}

#[test]
fn rows_over_the_limit_are_skipped_and_statements_refused() {
    let options = ScanOptions { row_limit_bytes: 100, ..ScanOptions::default() };
    let long = format!("{}\\\n{}", "x".repeat(300), "\\\\".repeat(70));
    let dump = format!("copy t (a) from stdin;\n1\n{long}\n2\n\\.\nselect 1;\n");
    let found = read_with(dump.as_bytes(), &options).unwrap();
    let one = |text: &str| ("t".to_owned(), Ok(vec![Some(text.as_bytes().to_vec())]));
    assert_eq!(found.rows, [one("1"), (format!("{} bytes", long.len()), Err("oversized")), one("2")]);
    // Also when it is the first, of a table that nothing is known of: the buffer grows no further than the limit.
    let dump = format!("copy t from stdin;\n{long}\n2\n\\.\n");
    assert_eq!(read_with(dump.as_bytes(), &options).unwrap().rows.len(), 2);
    for dump in [format!("insert into t values ('{long}');\n"), format!("select '{long}';\n")] {
        let small = ScanOptions { buffer_bytes: 16, ..options.clone() };
        let error = scan(dump.as_bytes(), &small, usize::MAX).unwrap_err();
        assert!(matches!(error.kind, DecodeErrorKind::TooLong { limit: 100 }), "{error}");
    }
}

/// The length was one more where the row did not fit into the buffer; and 表, whose second byte in SJIS is a backslash,
/// took the next row with it.
#[test]
fn rows_over_the_limit_end_where_they_would_end_within_it() {
    let options = ScanOptions { row_limit_bytes: 60, ..ScanOptions::default() };
    let lengths = |dump: &[u8]| {
        let found = read_with(dump, &options).unwrap();
        found.rows.into_iter().map(|(table, row)| row.map_or(table, |_| "fits".to_owned())).collect::<Vec<_>>()
    };
    let long = "x".repeat(90);
    let dump = format!("copy t (a) from stdin;\r\n{long}\r\n1\r\n{long}\\\r\r\n2\r\n{long}\n\\.\r\n");
    assert_eq!(lengths(dump.as_bytes()), ["90 bytes", "fits", "92 bytes", "fits", "91 bytes"]);
    let sjis = [b"set names 'SJIS';\ncopy t (a) from stdin;\n", long.as_bytes(), b"\x95\x5c\n1\n\\.\n"].concat();
    assert_eq!(lengths(&sjis), ["92 bytes", "fits"]);
    let broken = [b"set names 'GB18030';\ncopy t (a) from stdin;\n", long.as_bytes(), b"\x9a\n1\n\\.\n"].concat();
    assert_eq!(lengths(&broken), ["91 bytes", "fits"]);
    // The carriage return is taken for the rest of a broken letter, and is a line end all the same.
    let broken = [b"set names 'SJIS';\ncopy t (a) from stdin;\n", long.as_bytes(), b"\x95\r\n1\r\n\\.\r\n"].concat();
    assert_eq!(lengths(&broken), ["91 bytes", "fits"]);
    let (fits, longer) = ("x".repeat(60), "x".repeat(61));
    let dump = format!("copy t (a) from stdin;\r\n{fits}\r\n{longer}\r\n\\.\r\n");
    assert_eq!(lengths(dump.as_bytes()), ["fits", "61 bytes"]);
    let dump = format!("copy t (a) from stdin;\n1\n{long}\\\n");
    let error = read_with(dump.as_bytes(), &options).unwrap_err();
    assert!(matches!(error.kind, DecodeErrorKind::EndInCopy) && error.row == Some(1), "{error}");
}

#[test]
fn lines_and_bytes_point_at_the_rows() {
    let dump = b"select 1;\ncopy t (a) from stdin;\n1\\\n1\n2\n\\.\n\n insert into t values (\n3), (4);\n";
    let mut scanner = Scanner::new(dump.as_slice(), ScanOptions::default());
    let mut places = Vec::new();
    while let Some(item) = scanner.next_item().unwrap() {
        if let Item::Row(row) = item {
            assert!(dump[usize::try_from(row.byte).unwrap()..].starts_with(row.bytes));
            places.push(row.line);
        }
    }
    assert_eq!(places, [3, 5, 8, 9]);
}

/// How a value may be written in COPY's text format, by a choice of its own for each letter.
fn escaped(value: &str, choice: &mut impl FnMut() -> u8) -> String {
    let mut out = String::new();
    for letter in value.chars() {
        let simple = match letter {
            '\t' => Some('t'),
            '\n' => Some('n'),
            '\r' => Some('r'),
            '\u{8}' => Some('b'),
            '\u{c}' => Some('f'),
            '\u{b}' => Some('v'),
            _ => None,
        };
        let mut utf8 = [0; 4];
        let bytes = letter.encode_utf8(&mut utf8).bytes();
        match (choice() % 8, simple) {
            (0, _) => bytes.for_each(|byte| write!(out, "\\{byte:03o}").unwrap()),
            (1, _) => bytes.for_each(|byte| write!(out, "\\x{byte:02x}").unwrap()),
            (2, _) if matches!(letter, '\t' | '\n' | '\\') => out.extend(['\\', letter]),
            (_, Some(name)) => out.extend(['\\', name]),
            (_, None) if letter == '\\' => out.push_str("\\\\"),
            _ => out.push(letter),
        }
    }
    out
}

proptest! {
    #[test]
    fn rows_written_with_any_escapes_read_back_equal(
        rows in proptest::collection::vec(proptest::collection::vec(
            proptest::option::of("([\\\\\t\n\r.Nx0-7'\"é表]|\\PC){0,12}"), 3), 0..12),
        choices in proptest::collection::vec(any::<u8>(), 1..200),
        sip in 1_usize..40,
        buffer_bytes in 1_usize..64,
    ) {
        let mut turns = choices.iter().cycle();
        let mut choice = || *turns.next().unwrap();
        let mut dump = "create table t (a text, b text, c text);\ncopy t from stdin;\n".to_owned();
        for row in &rows {
            let fields: Vec<_> = row.iter().map(|field| match field {
                Some(value) => escaped(value, &mut choice),
                None => "\\N".to_owned(),
            }).collect();
            dump.push_str(&fields.join("\t"));
            dump.push('\n');
        }
        dump.push_str("\\.\n");
        let options = ScanOptions { buffer_bytes, ..ScanOptions::default() };
        let found = scan(dump.as_bytes(), &options, sip).unwrap();
        let bytes = |row: &Vec<Option<String>>| Ok(row.iter().map(|f| f.as_ref().map(|f| f.as_bytes().to_vec())).collect());
        prop_assert_eq!(found.rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>(),
            rows.iter().map(bytes).collect::<Vec<Row>>());
    }

    #[test]
    fn inserts_written_with_quotes_read_back_equal(
        rows in proptest::collection::vec(proptest::collection::vec(
            proptest::option::of("(['\\\\\n;(),$-]|\\PC){0,12}"), 2), 1..8),
        sip in 1_usize..40,
    ) {
        let tuples: Vec<_> = rows.iter().enumerate().map(|(number, row)| {
            let values: Vec<_> = row.iter().map(|value| match value {
                Some(value) if number % 2 == 0 => format!("'{}'", value.replace('\'', "''")),
                Some(value) => format!("E'{}'", value.replace('\\', "\\\\").replace('\'', "\\'")),
                None => "NULL".to_owned(),
            }).collect();
            format!("({})", values.join(", "))
        }).collect();
        let dump = format!("insert into t (a, b) values {};\n", tuples.join(",\n\t"));
        let options = ScanOptions { buffer_bytes: 1, ..ScanOptions::default() };
        let found = scan(dump.as_bytes(), &options, sip).unwrap();
        let bytes = |row: &Vec<Option<String>>| Ok(row.iter().map(|f| f.as_ref().map(|f| f.as_bytes().to_vec())).collect());
        prop_assert_eq!(found.rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>(),
            rows.iter().map(bytes).collect::<Vec<Row>>());
    }

    #[test]
    fn garbage_is_never_a_panic_and_never_endless(bytes in proptest::collection::vec(any::<u8>(), 0..200), sip in 1_usize..9) {
        let _ = scan(&bytes, &ScanOptions { buffer_bytes: 1, ..ScanOptions::default() }, sip);
    }

    #[test]
    fn garbled_sql_is_never_a_panic(words in proptest::collection::vec(prop_oneof![
        Just("copy t (a) from stdin;\n"), Just("insert into t values "), Just("('a', "), Just("E'\\"), Just("$$"), Just(")"),
        Just(";"), Just("\\."), Just("\n"), Just("--"), Just("/*"), Just("*/"), Just("'"), Just("\""), Just("\\connect x\n"),
        Just("create table t (a int)"), Just("set client_encoding = 'SJIS';"), Just("U&\""), Just("\u{95}"), Just("1"),
        Just(" begin atomic "), Just("\t"), Just("\\"), Just("values"), Just("default"),
    ], 0..30), sip in 1_usize..9) {
        let text = words.concat();
        let options = ScanOptions { buffer_bytes: 1, row_limit_bytes: 60, ..ScanOptions::default() };
        let _ = scan(text.as_bytes(), &options, sip);
        let _ = scan(text.as_bytes(), &ScanOptions::default(), sip);
    }
}
