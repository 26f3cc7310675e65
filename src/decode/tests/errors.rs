//! What is said of sources and rows that can't be read, word for word, and what to do next.

use super::*;

/// A row of a dump, decoded; what is wrong with it in full.
fn decoded(dump: &str, number: usize) -> Result<Vec<Option<String>>, RowError> {
    let mut scanner = Scanner::new(dump.as_bytes(), ScanOptions::default());
    let (mut decoder, mut seen) = (None, 0);
    loop {
        match scanner.next_item().unwrap().unwrap() {
            Item::Block(block) => decoder = Some(RowDecoder::new(block)),
            Item::Row(_) if seen < number => seen += 1,
            Item::Row(row) => {
                let text = |field: Option<&[u8]>| field.map(|field| String::from_utf8(field.to_vec()).unwrap());
                let decoder = decoder.as_mut().unwrap();
                let fields = decoder.decode(&row)?;
                assert_eq!((fields.len(), fields.is_empty()), (fields.iter().len(), fields.iter().len() == 0));
                return Ok(fields.iter().map(text).collect());
            }
            Item::Oversized(_) => panic!("nothing is that long"),
        }
    }
}

#[test]
fn a_row_error_says_what_where_and_what_next() {
    for (dump, expected, hint) in [
        ("copy t (a, b) from stdin;\n1\n\\.\n", "column b: missing data for column \"b\"", "correct the row"),
        (
            "copy t (a) from stdin;\n1\t2\n\\.\n",
            "extra data after last expected column (the table has 1)",
            "correct the row",
        ),
        (
            "copy t (a, b) from stdin;\n1\t\\xe9\n\\.\n",
            "column b: invalid byte sequence for encoding \"UTF8\": 0xe9",
            "--encoding=UTF8",
        ),
        (
            "copy t (a) from stdin;\nab\0\n\\.\n",
            "invalid byte sequence for encoding \"UTF8\": 0x00 (at byte 2 of the row)",
            "--encoding=UTF8",
        ),
        ("insert into t (a) values (now());\n", "column a: the expression now() would have to be evaluated", "pg_dump"),
        (
            "insert into t (a) values (1, 2);\n",
            "INSERT has more expressions than target columns (1)",
            "correct the row",
        ),
        (
            "insert into t (a, b, c) values (1);\n",
            "column b: INSERT has more target columns (3) than expressions (1)",
            "correct the row",
        ),
        ("insert into t (a) values (E'\\ud83d');\n", "column a: invalid Unicode escape value", "correct the row"),
        (
            "create table t (a vector(1));\ncopy t from stdin;\n[x]\n\\.\n",
            "column a: invalid input syntax for type vector: \"[x]\" (expected a number)",
            "correct the row",
        ),
        (
            "create table t (a int);\ninsert into t default values;\n",
            "the expression DEFAULT VALUES would have to be evaluated",
            "pg_dump",
        ),
    ] {
        let error = decoded(dump, 0).unwrap_err();
        assert_eq!(error.to_string(), expected, "{dump}");
        assert!(error.hint().unwrap().contains(hint), "{:?} of {dump}", error.hint());
    }
    let error = RowError::oversized(300, 256);
    assert_eq!(error.to_string(), "the row has 300 bytes, more than the limit of 256");
    assert_eq!((error.code.as_str(), error.hint().as_deref()), ("oversized", Some("raise the row limit")));
}

/// Reads a dump that can't be read: what is said, with a hint that holds these words.
fn told(dump: &str, options: &ScanOptions, expected: &str, hint: &str, incomplete: bool) {
    let error = read_with(dump.as_bytes(), options).unwrap_err();
    assert_eq!(error.to_string(), expected, "{dump}");
    assert!(error.hint().unwrap().contains(hint), "{:?} of {dump}", error.hint());
    assert_eq!(error.is_incomplete(), incomplete, "{dump}");
}

#[test]
fn an_unfinished_source_says_where_it_ends() {
    for (dump, expected) in [
        (
            "copy s.t (a) from stdin;\n1\n2",
            "line 3, byte 27, table s.t, after row 1 of its block: the source ends inside the rows of a COPY statement",
        ),
        (
            "insert into s.t values (1), (2",
            "line 1, byte 28, table s.t, after row 1 of its block: the source ends inside a statement",
        ),
        ("select 1;\nselect 2", "line 2, byte 10: the source ends inside a statement"),
        ("", "line 1, byte 0: the source is empty"),
        (
            "-- PostgreSQL database dump\n",
            "line 2, byte 28: the dump that begins at line 1 has no closing comment \"PostgreSQL database dump complete\"",
        ),
    ] {
        told(dump, &ScanOptions::default(), expected, "cut off", true);
    }
}

#[test]
fn a_refused_source_says_where_and_what_next() {
    let one = |name: &str| ScanOptions { database: Some(name.to_owned()), ..ScanOptions::default() };
    let plain = ScanOptions::default();
    for (dump, options, expected, hint) in [
        ("a,b\n", &plain, "line 2, byte 4: the source is no SQL dump: it begins with \"a,b\"", "made by pg_dump"),
        ("\\i x\n", &plain, "line 1, byte 0: the psql command \\i is not allowed in a dump", "only \\restrict"),
        (
            "\\restrict a.b\n",
            &plain,
            "line 1, byte 0: the token of \\restrict is missing, not alphanumeric or does not match",
            "altered",
        ),
        (
            "set client_encoding = 'MULE';",
            &plain,
            "line 1, byte 0: the encoding MULE is not supported",
            "--encoding=UTF8",
        ),
        ("copy t from stdin csv;\n", &plain, "line 1, byte 0: COPY in csv format is not supported", "plain format"),
        (
            "copy t from stdin (default 'x');\n",
            &plain,
            "line 1, byte 0: the COPY option DEFAULT is not supported",
            "plain format",
        ),
        ("copy t stdin;\n", &plain, "line 1, byte 0: can't understand this statement: copy t stdin;", "plain format"),
        (
            "copy t from stdin; x\n",
            &plain,
            "line 1, byte 18: can't understand this statement: \"x\" after COPY on the same line",
            "plain format",
        ),
        (
            "insert into t values 1;",
            &plain,
            "line 1, byte 21, table t, after row 0 of its block: can't understand this statement: expected \"(\" after VALUES",
            "plain format",
        ),
        (
            "\\connect a\nselect 1;\n",
            &one("b"),
            "line 3, byte 21: the source holds no database \"b\"; it has: a",
            "--database NAME",
        ),
        (
            "select 1;\n",
            &one("b"),
            "line 2, byte 10: the source holds no database \"b\"; it has: none named",
            "--database NAME",
        ),
        (
            "copy t (a) from stdin;\n\\.\n\\connect b\ninsert into t values (1);",
            &plain,
            "line 4, byte 58, table t, after row 0 of its block: the source holds rows of several databases: (not named), b",
            "--database NAME",
        ),
    ] {
        told(dump, options, expected, hint, false);
    }
}

/// A reader of a few bytes, with what goes wrong after them.
struct Fails<'a>(&'a [u8], Vec<std::io::ErrorKind>);

impl Read for Fails<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        match self.1.pop() {
            Some(kind) => Err(kind.into()),
            None => self.0.read(out),
        }
    }
}

#[test]
fn a_failing_input_is_an_error_and_an_interrupted_one_is_none() {
    use std::io::ErrorKind;
    let read = |kinds: &[ErrorKind]| {
        let mut scanner = Scanner::new(Fails(b"select 1;\n", kinds.to_vec()), ScanOptions::default());
        scanner.next_item().map(|item| item.is_none())
    };
    assert!(read(&[ErrorKind::Interrupted, ErrorKind::Interrupted]).unwrap());
    for (kind, incomplete) in
        [(ErrorKind::PermissionDenied, false), (ErrorKind::UnexpectedEof, true), (ErrorKind::InvalidData, true)]
    {
        let error = read(&[kind]).unwrap_err();
        assert!(matches!(&error.kind, DecodeErrorKind::Read(error) if error.kind() == kind), "{error}");
        assert_eq!(error.is_incomplete(), incomplete, "{kind}");
        assert!(error.hint().unwrap().contains("gzip -t"));
    }
}

#[test]
fn a_cluster_dump_needs_its_own_closing_comment() {
    let (open, close) = ("-- PostgreSQL database cluster dump\n", "-- PostgreSQL database cluster dump complete\n");
    let found = read(format!("{open}{DUMP}{close}").as_bytes()).unwrap();
    let kinds: Vec<_> = found.facts.dumps.iter().map(|dump| (dump.kind, dump.complete)).collect();
    assert_eq!(kinds, [(DumpKind::Cluster, true), (DumpKind::Database, true)]);
    let opened = |dump: String| match read(dump.as_bytes()).unwrap_err().kind {
        DecodeErrorKind::NoClosingComment { opened, closing } => (opened, closing),
        other => panic!("{other}"),
    };
    assert_eq!(opened(format!("{open}{DUMP}")), (1, "PostgreSQL database cluster dump complete"));
    let cut = DUMP.find("-- PostgreSQL database dump complete").unwrap();
    assert_eq!(opened(format!("{open}{}{close}", &DUMP[..cut])), (3, "PostgreSQL database dump complete"));
    assert_eq!(opened(format!("{DUMP}{open}{close}{}", &DUMP[..cut])).1, "PostgreSQL database dump complete");
}

#[test]
fn a_command_that_is_cut_off_may_be_a_good_one() {
    for (dump, incomplete) in [
        ("select 1;\n\\", true),
        ("select 1;\n\\rest", true),
        ("select 1;\n\\unre", true),
        ("select 1;\n\\conn", true),
        ("select 1;\n\\copy", false),
        ("select 1;\n\\rest\n", false),
        ("select 1;\n\\restrict", true),
    ] {
        assert_eq!(read(dump.as_bytes()).unwrap_err().is_incomplete(), incomplete, "{dump:?}");
    }
}

#[test]
fn an_expression_is_quoted_in_short() {
    let error = decoded("insert into t (a, b) values (1, f(1, 'x')[2] || (3) ), (1, 2);\n", 0).unwrap_err();
    assert_eq!(error.to_string(), "column b: the expression f(1, 'x')[2] || (3) would have to be evaluated");
    let long = "x".repeat(200);
    let error = decoded(&format!("insert into t (a) values ({long});\n"), 0).unwrap_err();
    assert_eq!(error.reason, format!("the expression {} would have to be evaluated", "x".repeat(80)));
}
