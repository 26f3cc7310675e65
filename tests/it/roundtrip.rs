//! Hostile tables, written by PostgreSQL's own programs in every form they know, staged, and compared row by row.
//!
//! `PROPTEST_RNG_SEED` repeats a failure, `PROPTEST_CASES` asks for more than the few that every run makes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use futures_util::StreamExt;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};
use sqlmig::db::Connection;
use sqlmig::names::{TableName, ident, literal, staging_table};
use tempfile::TempDir;

use crate::harness::TestDb;

/// A table's rows, in order.
#[derive(Debug, PartialEq)]
struct Rows {
    columns: Vec<(String, String)>,
    rows: Vec<(i64, Vec<Option<String>>)>,
}

/// A database to dump, another to stage into, and the server's programs.
struct Trip {
    source: TestDb,
    target: TestDb,
    programs: PathBuf,
    folder: TempDir,
    expected: BTreeMap<TableName, Rows>,
}

impl Trip {
    async fn new(name: &str, set_up: &[&str]) -> Self {
        let source = TestDb::new(&format!("{name}_from")).await;
        let client = source.connect().await;
        for sql in set_up {
            client.batch_execute(sql).await.unwrap_or_else(|error| {
                let error = error.as_db_error().expect("the server says why");
                let at = match error.position() {
                    Some(tokio_postgres::error::ErrorPosition::Original(at)) => *at as usize,
                    _ => 0,
                };
                let near: String = sql.chars().skip(at.saturating_sub(100)).take(300).collect();
                panic!("{error}: {near}")
            });
        }
        Self::of(name, source).await
    }

    /// The trip of a database that is filled already.
    async fn of(name: &str, source: TestDb) -> Self {
        let mut trip = Self {
            programs: source.programs().await,
            target: TestDb::new(&format!("{name}_to")).await,
            source,
            folder: TempDir::new().unwrap(),
            expected: BTreeMap::new(),
        };
        let client = helped(&trip.source).await;
        for row in client.query("select schema, name from pg_temp.tables_of()", &[]).await.unwrap() {
            let table = TableName::new(row.get::<_, String>(0), row.get::<_, String>(1));
            let rows = rows_of(&client, &table.to_sql(), false).await;
            trip.expected.insert(table, rows);
        }
        trip
    }

    /// Runs one of the server's programs on the source.
    async fn program(&self, name: &str, arguments: &[&str]) -> Vec<u8> {
        let url = self.source.url().await;
        let run = || Command::new(self.programs.join(name)).args(arguments).args(["--dbname", &url]).output().unwrap();
        let mut output = run();
        // Databases of other tests come and go while pg_dumpall makes its list.
        if !output.status.success() && name == "pg_dumpall" {
            output = run();
        }
        assert!(output.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Stages a file and holds what arrived against what was dumped.
    async fn compare(&self, what: &str, file: &Path, options: &[&str]) {
        let output = self.stage(file, options).await;
        assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["quarantine"], serde_json::json!([]), "{what}: {:#}", report["samples"]);
        let read: BTreeMap<String, i64> = report["tables"]
            .as_array()
            .unwrap()
            .iter()
            .map(|table| {
                assert_eq!(table["rows_read"], table["rows_staged"], "{what}: {table}");
                (table["source"].as_str().unwrap().to_owned(), table["rows_read"].as_i64().unwrap())
            })
            .collect();
        let client = helped(&self.target).await;
        for (table, expected) in &self.expected {
            let Some(&count) = read.get(&table.to_string()) else {
                assert!(expected.rows.is_empty(), "{what}: {table} was not met");
                continue;
            };
            assert_eq!(count, i64::try_from(expected.rows.len()).unwrap(), "{what}: {table}");
            let staged = rows_of(&client, &staging_table(&table.staged_as()), true).await;
            assert_same(&format!("{what}: {table}"), expected, &staged);
        }
        for table in read.keys() {
            assert!(self.expected.keys().any(|name| name.to_string() == *table), "{what}: {table} is no table");
        }
    }

    async fn stage(&self, file: &Path, options: &[&str]) -> Output {
        // pg_restore has to be the server's own: an older one refuses its archives.
        let path = format!("{}:{}", self.programs.display(), std::env::var("PATH").unwrap_or_default());
        Command::new(env!("CARGO_BIN_EXE_sqlmig"))
            .args(["--quiet", "--output", "json", "stage", "--restart"])
            .args(options)
            .arg(file)
            .env("DATABASE_URL", self.target.url().await)
            .env("SQLMIG_LOG_FORMAT", "text")
            .env("PATH", path)
            .output()
            .unwrap()
    }
}

async fn helped(db: &TestDb) -> Connection {
    let client = db.connect().await;
    client.batch_execute(include_str!("../sql/rows_of.sql")).await.unwrap();
    client
}

async fn rows_of(client: &Connection, table: &str, staged: bool) -> Rows {
    let query = "select name, type from pg_temp.columns_of($1::text::regclass)";
    let columns = client.query(query, &[&table]).await.unwrap();
    let query = "select ordinal, fields from pg_temp.rows_of($1::text::regclass, $2)";
    let rows = client.query(query, &[&table, &staged]).await.unwrap();
    Rows {
        columns: columns.iter().map(|row| (row.get(0), row.get(1))).collect(),
        rows: rows.iter().map(|row| (row.get(0), row.get(1))).collect(),
    }
}

/// What is not in staging is generated; a boolean has one spelling in COPY and another in INSERT.
fn assert_same(what: &str, expected: &Rows, staged: &Rows) {
    assert_eq!(expected.rows.len(), staged.rows.len(), "{what}: rows");
    for (name, type_name) in &staged.columns {
        let vector = matches!(type_name.as_str(), "vector" | "halfvec" | "sparsevec");
        // A project may want checksums of a column.
        let digest = type_name == "bytea" && name.starts_with('_') && name.ends_with("_sha256");
        assert!(vector || digest || type_name == "text", "{what}: {name} is staged as {type_name}");
    }
    let mut wrong = Vec::new();
    for (index, (name, type_name)) in expected.columns.iter().enumerate() {
        let mut staged_name = name.clone();
        while ["_row", "_digest"].contains(&staged_name.as_str())
            || (staged_name != *name && expected.columns.iter().any(|c| c.0 == staged_name))
        {
            staged_name.push('_');
        }
        let place = staged.columns.iter().position(|column| column.0 == staged_name);
        for (row, (expected, staged)) in expected.rows.iter().zip(&staged.rows).enumerate() {
            assert_eq!(expected.0, staged.0, "{what}: order of rows");
            let found = place.and_then(|place| staged.1[place].clone());
            let found = match (type_name.as_str(), found.as_deref()) {
                ("bool" | "flag", Some("true")) => Some("t".to_owned()),
                ("bool" | "flag", Some("false")) => Some("f".to_owned()),
                _ => found,
            };
            if expected.1[index] != found {
                let (row, expected) = (row + 1, &expected.1[index]);
                wrong.push(format!("row {row}, column {name:?} of type {type_name}: {found:?} for {expected:?}"));
            }
        }
    }
    let shown = wrong.iter().take(10).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{what}: {} values differ\n{shown}", wrong.len());
}

/// Text that looks like something else wherever it stands.
fn hostile_text() -> BoxedStrategy<String> {
    let fragment = prop_oneof![
        4 => proptest::sample::select(vec![
            "\t", "\n", "\r", "\r\n", "\\", "\\.", "\n\\.\n", "\\N", "'", "''", "\"", "$$", "$_$", "$tag$", "--", "/*",
            "*/", ";", ");\n", "),(", "(", "COPY public.trap (id, note) FROM stdin;\n91\tx\n\\.\n", "\\restrict abc\n",
            "\n\\connect x\n", "\n\\! touch /tmp/x\n", "INSERT INTO public.trap VALUES (1);\n", "é", "日本語", "𝄞", "\u{feff}",
            "\u{2028}", "\u{85}", "\u{a0}", "e\u{301}", "NULL", "null", "{", "}", ",", " ", "\\x41", "\\101", "\\b", "E'",
            "\u{7f}", "%s", "{{ x }}", "\n--\n-- PostgreSQL database dump complete\n--\n",
        ]).prop_map(str::to_owned),
        2 => (1_u8..0x20).prop_map(|byte| char::from(byte).to_string()),
        2 => any::<char>().prop_filter("PostgreSQL has no NUL", |c| *c != '\0').prop_map(String::from),
        1 => "[a-z]{1,8}",
    ];
    let text = proptest::collection::vec(fragment, 0..6).prop_map(|fragments| fragments.concat());
    prop_oneof![20 => text.clone(), 1 => text.prop_map(|text| (text + "long ").repeat(3000))].boxed()
}

/// A type, and expressions of values of it.
fn column_type() -> BoxedStrategy<&'static str> {
    proptest::sample::select(vec![
        "text",
        "text",
        "varchar",
        "char(9)",
        "name",
        "json",
        "jsonb",
        "text[]",
        "integer",
        "bigint",
        "numeric",
        "double precision",
        "real",
        "boolean",
        "bytea",
        "date",
        "timestamptz",
        "timestamp",
        "interval",
        "bit(5)",
        "bit varying",
        "uuid",
        "point",
        "int4range",
        "inet",
        "\"Other schema\".\"Mood's\"",
        "public.flag",
        "public.short_text",
        "public.pair",
        "boolean[]",
        "public.vector",
        "public.halfvec(3)",
        "public.sparsevec",
        "tsvector",
        "xid8",
        "oid",
        "money",
        "\"char\"",
        "int8multirange",
    ])
    .boxed()
}

fn one_of(values: &'static [&'static str]) -> BoxedStrategy<String> {
    proptest::sample::select(values).prop_map(literal).boxed()
}

fn value(type_name: &'static str) -> BoxedStrategy<String> {
    let quoted = || hostile_text().prop_map(|text| literal(&text));
    let json = || hostile_text().prop_map(|text| literal(&serde_json::json!({ &text: [&text, null] }).to_string()));
    let float =
        || prop_oneof![any::<f32>(), Just(0.0), Just(-0.0), Just(1e-45), Just(f32::MAX), Just(f32::MIN_POSITIVE)];
    let finite = move || float().prop_filter("pgvector takes finite numbers", |number| number.is_finite());
    let present = match type_name {
        "json" | "jsonb" => json().boxed(),
        "char(9)" => "[a\\\\'\t\n ]{0,9}".prop_map(|text| literal(&text)).boxed(),
        "name" => hostile_text().prop_map(|text| literal(&text.chars().take(12).collect::<String>())).boxed(),
        "text[]" => {
            let list = proptest::collection::vec(
                prop_oneof![8 => quoted().boxed(), 1 => Just("null".to_owned()).boxed()],
                0..4,
            );
            list.prop_map(|values| format!("array[{}]::text[]", values.join(","))).boxed()
        }
        "public.pair" => (any::<i32>(), quoted()).prop_map(|(a, b)| format!("row({a}, {b})")).boxed(),
        "integer" => any::<i32>().prop_map(|number| literal(&number.to_string())).boxed(),
        "bigint" => any::<i64>().prop_map(|number| literal(&number.to_string())).boxed(),
        "numeric" => {
            one_of(&["0", "-0.0", "1e30", "1e-30", "NaN", "Infinity", "-Infinity", "123456789.1234567890", "-7.10"])
        }
        "double precision" => any::<f64>().prop_map(|number| literal(&number.to_string())).boxed(),
        "real" => any::<f32>().prop_map(|number| literal(&number.to_string())).boxed(),
        "boolean" | "public.flag" => one_of(&["true", "false"]),
        "boolean[]" => one_of(&["{}", "{t,f,NULL}", "{{t},{f}}"]),
        "bytea" => proptest::collection::vec(any::<u8>(), 0..20)
            .prop_map(|bytes| literal(&format!("\\x{}", sqlmig::names::hex(&bytes))))
            .boxed(),
        "date" => one_of(&["2024-02-29", "0001-01-01 BC", "infinity", "-infinity", "5874897-12-31"]),
        "timestamptz" | "timestamp" => {
            one_of(&["2024-02-29 23:59:59.999999", "infinity", "0044-03-15 12:00 BC", "294276-12-31"])
        }
        "interval" => one_of(&["-1 year -2 days 3 hours", "0", "1.5 seconds", "178000000 years"]),
        "bit(5)" => one_of(&["10101", "00000"]),
        "bit varying" => one_of(&["", "1", "0101010101"]),
        "uuid" => any::<u128>().prop_map(|number| literal(&uuid::Uuid::from_u128(number).to_string())).boxed(),
        "point" => one_of(&["(1,2)", "(-1e300,0.1)", "(NaN,Infinity)"]),
        "int4range" => one_of(&["empty", "[1,5)", "(,)", "[,7)"]),
        "int8multirange" => one_of(&["{}", "{[1,2),[5,7)}"]),
        "inet" => one_of(&["::1", "10.0.0.0/8", "fe80::1/64"]),
        "\"Other schema\".\"Mood's\"" => one_of(&["sad", "it's", "a,b", "back\\slash", "\"", "日本", ""]),
        "public.vector" => proptest::collection::vec(finite(), 1..8).prop_map(|v| vector(&v)).boxed(),
        "public.halfvec(3)" => proptest::collection::vec(-65503.0..65503.0_f32, 3).prop_map(|v| vector(&v)).boxed(),
        "public.sparsevec" => (any::<bool>(), finite())
            .prop_map(|(empty, number)| {
                literal(&if empty { "{}/9".to_owned() } else { format!("{{3:{number}}}/16000") })
            })
            .boxed(),
        "tsvector" => one_of(&["'it''s':1A 'back\\\\slash' ", "", "a:1 'b c':2"]),
        "xid8" | "oid" => any::<u32>().prop_map(|number| literal(&number.to_string())).boxed(),
        "money" => one_of(&["1234.5", "-0.01"]),
        "\"char\"" => one_of(&["a", "\\", "'", "\t", "\\377", "\\200", ""]),
        _ => quoted().boxed(),
    };
    prop_oneof![7 => present, 1 => Just("null".to_owned())].boxed()
}

fn vector(numbers: &[f32]) -> String {
    let numbers: Vec<String> = numbers.iter().map(|number| (*number).to_string()).collect();
    literal(&format!("[{}]", numbers.join(",")))
}

/// A table: its name, its columns' names and types, its rows as SQL expressions.
#[derive(Debug, Clone)]
struct Made {
    schema: &'static str,
    name: String,
    columns: Vec<(String, &'static str)>,
    rows: Vec<Vec<String>>,
}

fn name() -> BoxedStrategy<String> {
    let known = proptest::sample::select(vec![
        "plain",
        "select",
        "MixedCase",
        "with space",
        "quo\"te",
        "日本",
        "a.b",
        "tab\tbed",
        "semi;colon",
        "it's",
        "$tag$",
        "--x",
        "/*x",
        "back\\slash",
        "ünï",
        "table",
        "x(y)",
        "new\nline",
        "cr\rlf\r\n",
        "%s",
        "{{ x }}",
        "COPY",
        "stdin",
        "from stdin;",
        "vector",
        "\\.",
        "ctid_",
        "\u{1}",
        "_source",
        "default",
        "values",
    ]);
    let any_text = hostile_text().prop_map(|text| text.chars().take(8).collect::<String>());
    prop_oneof![3 => known.prop_map(str::to_owned), 1 => any_text].boxed()
}

fn table() -> impl Strategy<Value = Made> {
    let schema = proptest::sample::select(vec!["public", "Other schema", "dotted.\"schema"]);
    let columns = proptest::collection::vec((name(), column_type()), 1..9);
    (schema, name(), columns).prop_flat_map(|(schema, name, columns)| {
        let values: Vec<BoxedStrategy<String>> = columns.iter().map(|(_, type_name)| value(type_name)).collect();
        let rows = proptest::collection::vec(values, 0..40);
        rows.prop_map(move |rows| Made { schema, name: name.clone(), columns: columns.clone(), rows })
    })
}

impl Made {
    /// The statements that make it. A number in each name keeps them apart.
    fn sql(&self, number: usize) -> String {
        let table = TableName::new(self.schema, format!("{number} {}", self.name)).to_sql();
        let names: Vec<String> =
            self.columns.iter().enumerate().map(|(index, column)| ident(&format!("{}{index}", column.0))).collect();
        let typed: Vec<String> =
            names.iter().zip(&self.columns).map(|(name, column)| format!("{name} {}", column.1)).collect();
        let mut sql = format!("create table {table} ({});\n", typed.join(", "));
        for row in &self.rows {
            writeln!(sql, "insert into {table} ({}) values ({});", names.join(", "), row.join(", ")).unwrap();
        }
        sql
    }
}

const FORMS: [(&str, &[&str]); 7] = [
    ("plain", &[]),
    ("inserts", &["--inserts"]),
    ("inserts of several rows", &["--inserts", "--rows-per-insert=3"]),
    ("column-inserts", &["--column-inserts", "--rows-per-insert=7", "--on-conflict-do-nothing"]),
    ("quoted", &["--quote-all-identifiers", "--disable-dollar-quoting", "--no-comments"]),
    ("create", &["--create"]),
    ("custom", &["-Fc"]),
];

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn generated_tables_come_back_from_every_form() {
    let cases = std::env::var("PROPTEST_CASES").map_or(2, |cases| cases.parse().expect("PROPTEST_CASES is a number"));
    let mut config = Config { cases, max_shrink_iters: 40, failure_persistence: None, ..Config::default() };
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => uuid::Uuid::now_v7().as_u64_pair().1,
    };
    config.rng_seed = RngSeed::Fixed(seed);
    let tables = proptest::collection::vec(table(), 12..16);
    let outcome = TestRunner::new(config).run(&tables, |tables| {
        let sql: Vec<String> = tables.iter().enumerate().map(|(number, table)| table.sql(number)).collect();
        // A panic is a failure like any other, and its text is in the report.
        let tried = std::panic::catch_unwind(|| {
            run(async {
                let objects = include_str!("../sql/roundtrip_objects.sql");
                let trip = Trip::new("forms", &[objects, &sql.concat()]).await;
                for (form, options) in FORMS {
                    let dump = trip.program("pg_dump", options).await;
                    trip.compare(form, &trip.write(form, &dump), &[]).await;
                }
            });
        });
        tried.map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            TestCaseError::fail(text)
        })
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Abort(reason)) => panic!("{reason}"),
        Err(TestError::Fail(reason, tables)) => {
            let sql: String = tables.iter().enumerate().map(|(number, table)| table.sql(number)).collect();
            panic!("{reason}\nfound with PROPTEST_RNG_SEED={seed}:\n{}", sql.chars().take(4000).collect::<String>());
        }
    }
}

#[tokio::test]
async fn compressed_dumps_come_back() {
    let trip = Trip::new("compressed", &[include_str!("../sql/roundtrip_objects.sql")]).await;
    let plain = trip.program("pg_dump", &[]).await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    trip.compare("gzip", &trip.write("dump.gz", &gzip.finish().unwrap()), &[]).await;
    let zstd = zstd::encode_all(plain.as_slice(), 1).unwrap();
    trip.compare("zstd", &trip.write("named as text.sql", &zstd), &[]).await;
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
    xz.write_all(&plain).unwrap();
    trip.compare("xz", &trip.write("dump.xz", &xz.finish().unwrap()), &[]).await;
}

#[tokio::test]
async fn one_database_of_a_cluster_comes_back() {
    let trip = Trip::new("zcluster", &[include_str!("../sql/roundtrip_objects.sql")]).await;
    let exclude = ["--exclude-database=sqlmig_template_*", "--exclude-database=sqlmig_test_[^z]*"];
    let name = trip.source.target().database().to_owned();
    let (other, leftover) = (trip.target.target().database().to_owned(), "--no-role-passwords");
    let exclude_other = format!("--exclude-database={other}");
    let dump = trip.program("pg_dumpall", &[exclude[0], exclude[1], &exclude_other, leftover]).await;
    let file = trip.write("cluster.sql", &dump);
    trip.compare("cluster", &file, &["--database", &name]).await;
}

#[tokio::test]
async fn rows_written_by_copy_to_come_back() {
    let trip = Trip::new("copied", &[include_str!("../sql/roundtrip_objects.sql")]).await;
    let client = trip.source.connect().await;
    let mut forms = [("tabs", "", Vec::new()), ("bars", " with (delimiter '|', null 'NIL')", Vec::new())];
    for (_, options, dump) in &mut forms {
        for (table, rows) in trip.expected.iter().filter(|(_, rows)| !rows.columns.is_empty()) {
            // Whatever wrote this dump also says what the table's columns are; vectors are known by it.
            let generated = |name: &str| matches!(name, "doubled" | "shouted");
            let columns: Vec<&(String, String)> = rows.columns.iter().filter(|column| !generated(&column.0)).collect();
            let names: Vec<String> = columns.iter().map(|column| ident(&column.0)).collect();
            let typed: Vec<String> =
                columns.iter().map(|column| format!("{} {}", ident(&column.0), column.1)).collect();
            let (table, names) = (table.to_sql(), names.join(","));
            dump.extend(format!("create table {table} ({});", typed.join(",")).bytes());
            dump.extend(format!("copy {table} ({names}) from stdin{options};\n").bytes());
            let mut rows =
                Box::pin(client.copy_out(&format!("copy {table} ({names}) to stdout{options}")).await.unwrap());
            while let Some(bytes) = rows.next().await {
                dump.extend(bytes.unwrap());
            }
            dump.extend(b"\\.\n");
        }
    }
    for (form, _, dump) in forms {
        let mut trip_dump = dump;
        trip_dump.extend(b"create table public.zero (); copy public.zero from stdin;\n\n\n\n\\.\n");
        trip.compare(form, &trip.write(form, &trip_dump), &[]).await;
    }
}

/// The fixture, promoted into the project's tables, dumped without its schema: names and types come from the target.
#[tokio::test]
async fn data_only_dumps_are_read_with_the_shapes_of_the_target() {
    let source = TestDb::new("data_only_from").await;
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/docs.sql.gz");
    let sqlmig = async |db: &TestDb, arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sqlmig"));
        command.args(arguments).env("DATABASE_URL", db.url().await).env("SQLMIG_LOG_FORMAT", "text");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    sqlmig(&source, &["--quiet", "run", fixture]).await;
    let trip = Trip::of("data_only", source).await;
    sqlmig(&trip.target, &["--quiet", "migrate"]).await;
    let vectors = trip.expected[&TableName::new("public", "documents")].columns.iter();
    assert_eq!(vectors.filter(|column| column.1 == "vector").count(), 1);
    for form in [&["--inserts"][..], &[], &["--inserts", "--rows-per-insert=50"]] {
        let common = ["--data-only", "--schema=public"];
        let dump = trip.program("pg_dump", &[&common, form].concat()).await;
        trip.compare(&format!("data only {form:?}"), &trip.write("data.sql", &dump), &[]).await;
    }
}

/// Every character that the encoding has, alone and between characters that mean something.
async fn every_character_comes_back(encoding: &str) {
    let set_up = include_str!("../sql/every_character.sql").replace("ENCODING", encoding);
    let trip = Trip::new(&format!("encoding_{}", encoding.to_lowercase()), &[&set_up]).await;
    for (form, options) in [("copy", "--no-comments"), ("inserts", "--rows-per-insert=100")] {
        let dump = trip.program("pg_dump", &["--encoding", encoding, options]).await;
        trip.compare(&format!("{encoding} {form}"), &trip.write(form, &dump), &[]).await;
    }
}

macro_rules! encodings {
    ($($test:ident $name:literal)*) => {
        $(#[tokio::test]
        async fn $test() {
            every_character_comes_back($name).await;
        })*
    };
}

encodings! {
    latin1_comes_back "LATIN1"
    win1252_comes_back "WIN1252"
    sjis_comes_back "SJIS"
    big5_comes_back "BIG5"
    gb18030_comes_back "GB18030"
    euc_jp_comes_back "EUC_JP"
    euc_kr_comes_back "EUC_KR"
    euc_cn_comes_back "EUC_CN"
    gbk_comes_back "GBK"
    uhc_comes_back "UHC"
    koi8u_comes_back "KOI8U"
}
