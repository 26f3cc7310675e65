//! What mutations of the reader showed to be untested: every escape, every name of an encoding, every hint.

use super::*;
use crate::names::TableName;

/// The only row of a VALUES list, for one column.
fn value(literal: &str) -> Result<Option<String>, &'static str> {
    let found = rows(format!("insert into t (a) values ({literal});\n").as_bytes());
    let [row] = found.as_slice() else { panic!("{found:?} of {literal}") };
    row.clone().map(|mut fields| fields.remove(0))
}

#[test]
fn escapes_of_e_strings() {
    for (literal, expected) in [
        (r"E'\b\f\n\r\t\v'", "\u{8}\u{c}\n\r\t\u{b}"),
        (r"E'\7|\75|\1011'", "\u{7}|=|A1"),
        (r"E'\x4|\x4a|\x4a1|\xg'", "\u{4}|J|J1|xg"),
        (r"E'\u00e9\U000000e9\q\''", "ééq'"),
        (r"E'\ud83d\ude00|\uD83D\U0000DE00'", "😀|😀"),
        (r"E'\udbff\udfff'", "\u{10ffff}"),
        (r"E'\ud800\udc00'", "\u{10000}"),
        (r"E'it''s \\'", "it's \\"),
        (r"U&'\0041\+000042\\C'", "AB\\C"),
        (r"U&'it''s \d83d\de00'", "it's 😀"),
        ("X'0fA'", "000011111010"),
        ("x''", ""),
        ("B'01'", "01"),
        ("n'it''s'", "it's"),
        ("- 5", "-5"),
        ("-5", "-5"),
        ("+ 5.5e-3", "5.5e-3"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        (".5e-3", ".5e-3"),
        ("1E+05", "1E+05"),
        ("1e+5", "1e+5"),
        ("True", "true"),
    ] {
        assert_eq!(value(literal), Ok(Some(expected.to_owned())), "{literal}");
    }
    for literal in [
        r"E'\u00e'",
        r"E'\U0000e'",
        r"E'\ud83d'",
        r"E'\ud83dx'",
        r"E'\ud83d\u0041'",
        r"E'\ud83d\ue000'",
        r"E'\ude00'",
        r"E'\U00110000'",
        r"U&'\41'",
        r"U&'\+00041'",
        r"U&'\d83d'",
        r"U&'\d83d\0041'",
        "X'0g'",
    ] {
        assert_eq!(value(literal), Err("literal_syntax"), "{literal}");
    }
}

#[test]
fn casts_change_nothing_and_expressions_are_named() {
    for literal in
        ["'a'::text", "'a'::pg_catalog.text", "'a'::\"T\"", "'a'::character varying(3)", "'a'::numeric(10,2)"]
    {
        assert_eq!(value(literal), Ok(Some("a".to_owned())), "{literal}");
    }
    for literal in ["'a'::text[]", "'a'::text[3]", "'a'::text::bytea"] {
        assert_eq!(value(literal), Ok(Some("a".to_owned())), "{literal}");
    }
    for literal in [
        "'a'::",
        "'a':text",
        "'a'::3",
        "'a'::text(b)",
        "'a'::text[b]",
        "'a'::.x",
        "'a' || 'b'",
        "1 + 1",
        "- x",
        "+ 'a'",
        "1e-x",
        "1-e+5",
        "0xe+5",
        "f(1, (2))",
        "array[1, 2]",
        "default",
        "nil",
    ] {
        assert_eq!(value(literal), Err("expression"), "{literal}");
    }
}

#[test]
fn every_encoding_has_its_names_and_its_letters() {
    for (names, bytes, letter) in [
        ("UTF8 utf-8 Unicode", &b"\xc3\xa9"[..], 'é'),
        ("SQL_ASCII", b"\xc3\xa9", 'é'),
        ("LATIN1 ISO88591 iso-8859-1", b"\xe9", 'é'),
        ("LATIN2 ISO88592", b"\xe8", 'č'),
        ("LATIN3 ISO88593", b"\xa1", 'Ħ'),
        ("LATIN4 ISO88594", b"\xb9", 'š'),
        ("LATIN5 ISO88599", b"\xd0", 'Ğ'),
        ("LATIN6 ISO885910", b"\xaf", 'Ŋ'),
        ("LATIN7 ISO885913", b"\xd8", 'Ų'),
        ("LATIN8 ISO885914", b"\xa1", 'Ḃ'),
        ("LATIN9 ISO885915", b"\xa4", '€'),
        ("LATIN10 ISO885916", b"\xaa", 'Ș'),
        ("ISO_8859_5", b"\xb6", 'Ж'),
        ("ISO_8859_6", b"\xc8", 'ب'),
        ("ISO_8859_7", b"\xd9", 'Ω'),
        ("ISO_8859_8", b"\xf9", 'ש'),
        ("WIN1250 windows1250", b"\x8a", 'Š'),
        ("WIN1251 windows1251 WIN", b"\xc6", 'Ж'),
        ("WIN1252 windows1252", b"\x80", '€'),
        ("WIN1253 windows1253", b"\xd9", 'Ω'),
        ("WIN1254 windows1254", b"\xd0", 'Ğ'),
        ("WIN1255 windows1255", b"\xf9", 'ש'),
        ("WIN1256 windows1256", b"\xc8", 'ب'),
        ("WIN1257 windows1257", b"\xd8", 'Ų'),
        ("WIN1258 windows1258 ABC TCVN TCVN5712 VSCII", b"\xfe", '₫'),
        ("WIN866 windows866 ALT", b"\x86", 'Ж'),
        ("WIN874 windows874", b"\xa1", 'ก'),
        ("KOI8R KOI8", b"\xf6", 'Ж'),
        ("KOI8U", b"\xa4", 'є'),
        ("EUC_JP", b"\xa4\xa2", 'あ'),
        ("EUC_KR", b"\xb0\xa1", '가'),
        ("EUC_CN", b"\xd6\xd0", '中'),
        ("SJIS Shift_JIS mskanji win932 windows932", b"\x82\xa0", 'あ'),
        ("BIG5 win950 windows950", b"\xa4\xa4", '中'),
        ("GBK win936 windows936", b"\xd6\xd0", '中'),
        ("GB18030", b"\xd6\xd0", '中'),
        ("UHC win949 windows949", b"\xb0\xa1", '가'),
    ] {
        let first = Encoding::by_name(names.split(' ').next().unwrap()).unwrap();
        for name in names.split(' ') {
            let encoding = Encoding::by_name(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(encoding, first, "{name}");
            let mut out = Vec::new();
            encoding.convert(bytes, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), letter.to_string(), "{name}");
        }
    }
    assert_eq!(Encoding::by_name("EUC_TW"), None);
    let latin5: String = "ĞİŞğışé".to_owned();
    let mut out = Vec::new();
    Encoding::by_name("LATIN5").unwrap().convert(b"\xd0\xdd\xde\xf0\xfd\xfe\xe9", &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), latin5);
}

/// Letters on which PostgreSQL and the decoders differ are found where they stand, and not across two others.
#[test]
fn differing_letters_are_found_at_their_places_only() {
    let text = |encoding: &str, bytes: &[u8]| {
        let mut out = Vec::new();
        Encoding::by_name(encoding).unwrap().convert(bytes, &mut out).map(|()| String::from_utf8(out).unwrap())
    };
    // 0x8f begins three bytes, others two; what follows is read from there on.
    assert_eq!(text("EUC_JP", b"\x8f\xa2\xc3a\xa4\xa2\x8f\xf3\xf3b").unwrap(), "￤aあⅰb");
    assert_eq!(text("EUC_JP", b"\x8e\xb1\x8f\xa2\xc3").unwrap(), "ｱ￤");
    // EUC_CN's a1a4 is a middle dot: alone, and made of the halves of two letters.
    assert_eq!(text("EUC_CN", b"\xa1\xa4a\xa1\xaa").unwrap(), "・a―");
    assert_eq!(text("EUC_CN", b"\xb0\xa1\xa4\xa2").unwrap(), "啊あ");
    assert_eq!(text("BIG5", b"\xa1\x45a\xa2\x46").unwrap(), "•a¢");
    assert!(text("EUC_JP", b"a\x8f\xa2").is_err());
    assert_eq!(
        text("WIN1252", b"a\x81").unwrap_err(),
        "character with byte sequence 0x81 in encoding \"WIN1252\" has no equivalent in encoding \"UTF8\""
    );
    assert_eq!(
        text("UTF8", b"ab\xff\xfe\xfd\xfc\xfb").unwrap_err(),
        "invalid byte sequence for encoding \"UTF8\": 0xff 0xfe 0xfd 0xfc"
    );
}

#[test]
fn letters_of_two_bytes_hide_no_quotes() {
    for dump in [
        &b"set names 'SJIS';\ninsert into t (a) values (E'\\\x95\x5c');\n"[..],
        b"set names 'SJIS';\ninsert into t (\"\x95\x5c\") values ('\x95\x5c');\n",
        b"set names 'GB18030';\ninsert into t (a) values (E'\x95\x5c');\n",
        b"set names 'BIG5';\ninsert into t (a) values (E'\xa5\x5c');\n",
        b"set names 'SJIS';\nset standard_conforming_strings = off;\ninsert into t (a) values ('\x95\x5c');\n",
        b"set names 'SJIS';\nselect $\x95\x5c$;$\x95\x5c$;\ninsert into t (a) values ('\x95\x5c');\n",
        b"set standard_conforming_strings = off;\ninsert into t (a) values (n'a\\'b');\n",
        b"insert into t (a) values (n'a\\');\n",
        b"insert into t overriding user value values (1);\n",
        b"insert into t (a) overriding system value values (1);\n",
        b"set names 'SJIS';\ninsert into \x95\x5c (a) values ('x');\n",
        // Half a katakana letter is one byte there.
        b"set names 'SJIS';\ninsert into t (a) values (E'\xb1\\'');\n",
    ] {
        let found = read(dump).unwrap();
        assert!(matches!(found.rows.as_slice(), [(_, Ok(_))]), "{:?} of {}", found.rows, String::from_utf8_lossy(dump));
    }
    let escaped = b"set names 'SJIS';\ncopy t (a) from stdin;\n\\\x95\x5c\n\x95\x5c\\\n\n\xb1\\\n\n\\.\n";
    assert_eq!(rows(escaped), [texts(&["表"]), texts(&["表\n"]), texts(&["ｱ\n"])]);
}

#[test]
fn what_sets_the_session_is_followed() {
    let old = "insert into t (a) values ('a\\'b');\n";
    for setting in [
        "set standard_conforming_strings = off;",
        "set session standard_conforming_strings to false;",
        "set local standard_conforming_strings = 'no';",
        "SET Standard_Conforming_Strings = 0;",
        "select pg_catalog.set_config('standard_conforming_strings', 'OFF', false);",
        "select set_config('Standard_Conforming_Strings', 'off', false);",
    ] {
        assert_eq!(rows(format!("{setting}\n{old}").as_bytes()), [texts(&["a'b"])], "{setting}");
    }
    let new = "insert into t (a) values ('a\\');\n";
    for setting in
        ["set standard_conforming_strings = on;", "set standard_conforming_strings;", "reset all;", "select 1;"]
    {
        assert_eq!(rows(format!("{setting}\n{new}").as_bytes()), [texts(&["a\\"])], "{setting}");
    }
    let table = |settings: &str| {
        read(format!("{settings}\ncopy t (a) from stdin;\n\\.\n").as_bytes()).unwrap().blocks.remove(0).0
    };
    for (settings, expected) in [
        ("set search_path = \"\", pg_catalog, a, b;", "a.t"),
        ("set search_path to 'a';", "a.t"),
        ("set search_path = '$user', default;", "t"),
        ("set search_path = a; set search_path = default;", "t"),
        ("select pg_catalog.set_config('search_path', ' pg_catalog, \"a\"', false);", "a.t"),
        ("set search_path = a; select pg_catalog.set_config('search_path', '', false);", "t"),
        ("set client_encoding = 'LATIN1'; set client_encoding to default;", "t"),
        ("set names 'LATIN1'; set names;", "t"),
    ] {
        assert_eq!(table(settings), expected, "{settings}");
    }
    let facts =
        read(b"set names 'latin1'; select setval('a', 1); select set_config('x', 'y', true); select f();\n").unwrap();
    let kinds: Vec<_> = facts.facts.statements.keys().map(String::as_str).collect();
    assert_eq!(kinds, ["SELECT", "SELECT set_config", "SELECT setval", "SET"]);
    assert_eq!(facts.facts.encoding.as_deref(), Some("LATIN1"));
}

#[test]
fn tables_in_all_their_forms() {
    let dump = b"create unlogged table a.p (id int, v vector(2), v2 public.halfvec);
create table a.child (id int, extra int) inherits (a.p);
create table a.part partition of a.p for values in (1);
create table a.like_it (first int, like a.p including all, g int default (1) generated always as ((1)) stored not null,
  i int generated by default as identity, j int generated always as identity (start with 1));
create foreign table a.f (x int options (c 'generated always as ('), y int unique);
create global temporary table tmp (x text collate \"C\" compression lz4 storage main references q (z), check (x > ')'));
create type a.mood as enum ('x', 'it''s');
create type a.none as (b int);\n";
    let facts = read(dump).unwrap().facts;
    let shapes: Vec<_> = facts
        .tables
        .iter()
        .map(|table| {
            let columns = table.columns.iter().map(|column| {
                format!("{} {}{}", column.name, column.type_text, if column.generated { " generated" } else { "" })
            });
            format!("{}: {}", table.name, columns.collect::<Vec<_>>().join(", "))
        })
        .collect();
    assert_eq!(
        shapes,
        [
            "a.p: id int, v vector(2), v2 public.halfvec",
            "a.child: id int, v vector(2), v2 public.halfvec, extra int",
            "a.part: id int, v vector(2), v2 public.halfvec",
            "a.like_it: id int, v vector(2), v2 public.halfvec, first int, g int generated, i int, j int",
            "a.f: x int, y int",
            "tmp: x text",
        ]
    );
    assert_eq!(facts.enums.len(), 1);
    assert_eq!((facts.enums[0].name.to_string(), facts.enums[0].labels.join("|")), ("a.mood".into(), "x|it's".into()));
}

#[test]
fn a_table_is_known_by_its_name_alone_where_only_one_is_so_called() {
    let vector = |dump: &str| read(dump.as_bytes()).unwrap().rows[0].1.clone().unwrap()[0].clone().unwrap().len();
    let rows = "copy t (v) from stdin;\n[1]\n\\.\n";
    let create = |name: &str| format!("create table {name} (v vector(1));\n");
    assert_eq!(vector(&format!("{}{rows}", create("a.t"))), 8);
    assert_eq!(vector(&format!("{}{}{rows}", create("a.t"), create("b.t"))), 3);
    assert_eq!(vector(&format!("{}set search_path = a;\n{rows}", create("t"))), 8);
    assert_eq!(vector(&format!("{}set search_path = b;\n{rows}", create("a.t"))), 3);
    // Connecting to the same database again forgets nothing, to another one everything.
    let again = |database: &str| vector(&format!("\\connect a\n{}\\connect {database}\n{rows}", create("t")));
    assert_eq!((again("a"), again("b")), (8, 3));
    let known = |names: &[(&str, &str)]| {
        let shape = |(schema, table): &(&str, &str)| TableShape {
            name: TableName::new(*schema, *table),
            database: None,
            columns: vec![ColumnShape { name: "v".to_owned(), type_text: "vector".to_owned(), generated: false }],
        };
        let options = ScanOptions { known: names.iter().map(shape).collect(), ..ScanOptions::default() };
        read_with(rows.as_bytes(), &options).unwrap().rows[0].1.clone().unwrap()[0].clone().unwrap().len()
    };
    assert_eq!((known(&[("a", "t")]), known(&[("a", "t"), ("b", "t")]), known(&[("a", "u")])), (8, 3, 3));
}

#[test]
fn only_a_routine_has_a_body_that_begins() {
    for dump in [
        "create table begin (a int); select 1;",
        "create trigger begin before insert on t; select 1;",
        "create or replace trigger begin before insert on t; select 1;",
        "create rule begin as on insert to t do nothing; select 1;",
        "create or view function begin; select 1;",
        "alter function begin; select 1;",
        "create or replace function f() returns int begin atomic select case when 1 then 2 end; end; select 1;",
        "create procedure f() begin atomic select 1; end; select 1;",
        "create function f(a int default (case when true then 1 end)) returns int return 1; select 1;",
    ] {
        let facts = read(dump.as_bytes()).unwrap().facts;
        assert_eq!(facts.statements.values().sum::<u64>(), 2, "{dump}: {:?}", facts.statements);
        assert_eq!(facts.statements["SELECT"], 1, "{dump}");
    }
}

#[test]
fn stray_lines_are_counted_and_the_first_are_kept_in_short() {
    let line = "é".repeat(300);
    let dump = format!("{}select 1;\n", format!("{line}\n").repeat(150));
    let facts = read(dump.as_bytes()).unwrap().facts;
    assert_eq!((facts.stray_line_count, facts.stray_lines.len()), (150, 100));
    assert_eq!(facts.stray_lines[0], "é".repeat(250));
    let facts = read(b"copying 5 rows\nselect_x\nset-up: y\ninsert: z\nselect 1;").unwrap().facts;
    assert_eq!((facts.stray_line_count, facts.stray_lines[0].as_str()), (4, "copying 5 rows"));
}

#[test]
fn kinds_of_columns_are_told_by_their_types() {
    for (text, kind) in [
        ("vector", ColumnKind::Vector),
        ("public.vector(3)", ColumnKind::Vector),
        (r#""x"."halfvec"(3)"#, ColumnKind::HalfVector),
        ("SparseVec", ColumnKind::SparseVector),
        ("vector(3)[]", ColumnKind::Text),
        ("tsvector", ColumnKind::Text),
        ("text", ColumnKind::Text),
    ] {
        assert_eq!(ColumnKind::of_type(text), kind, "{text}");
    }
}
