//! Sources that are damaged, hostile or no dumps at all, given to the program as a person would.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::TestDb;

const HEAD: &str = "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 18.4\n-- Dumped by pg_dump version 18.4\n\n\
    SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n\n\
    CREATE TABLE public.notes (\n    id integer NOT NULL,\n    note text\n);\n\n";
const TAIL: &str = "--\n-- PostgreSQL database dump complete\n--\n\n";

/// A dump of one table of `rows` rows.
fn dump(rows: usize) -> String {
    let mut text = format!("{HEAD}COPY public.notes (id, note) FROM stdin;\n");
    for row in 1..=rows {
        writeln!(text, "{row}\tnote number {row}, it's here").unwrap();
    }
    text + "\\.\n\n\n" + TAIL
}

/// Without compression, so that the bytes do not depend on the version of the compressor.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::none());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

struct Desk {
    db: TestDb,
    url: String,
    folder: TempDir,
}

impl Desk {
    async fn new(name: &str) -> Self {
        let db = TestDb::new(name).await;
        Self { url: db.url().await, db, folder: TempDir::new().unwrap() }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sqlmig"));
        command.args(["--quiet", "--output", "json"]).env("DATABASE_URL", &self.url);
        command.env("SQLMIG_LOG_FORMAT", "text").current_dir(self.folder.path());
        command
    }

    fn sqlmig(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    fn stage(&self, file: &Path) -> Output {
        self.command().args(["stage", "--restart"]).arg(file).output().unwrap()
    }
}

/// What a run of the program told, in a few lines without what differs from run to run.
fn told(output: &Output) -> String {
    let mut text = format!("  exit {}\n", output.status.code().unwrap());
    if let Ok(report) = serde_json::from_slice::<Value>(&output.stdout) {
        for table in report["tables"].as_array().into_iter().flatten() {
            let rows = |name: &str| table[name].as_i64().unwrap();
            let (read, staged) = (rows("rows_read"), rows("rows_staged"));
            writeln!(text, "  {}: {read} read, {staged} staged", table["source"].as_str().unwrap()).unwrap();
        }
        for count in report["quarantine"].as_array().into_iter().flatten() {
            writeln!(text, "  quarantine: {} {}", count["code"].as_str().unwrap(), count["rows"]).unwrap();
        }
        writeln!(text, "  complete: {}", report["run"]["complete"]).unwrap();
        for warning in report["warnings"].as_array().into_iter().flatten() {
            writeln!(text, "  warning: {}", warning.as_str().unwrap()).unwrap();
        }
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    if let Some(failure) = stderr.lines().find_map(|line| serde_json::from_str::<Value>(line).ok()) {
        writeln!(text, "  error: {}", failure["error"].as_str().unwrap()).unwrap();
        for cause in failure["causes"].as_array().into_iter().flatten() {
            writeln!(text, "  cause: {}", cause.as_str().unwrap()).unwrap();
        }
        writeln!(text, "  hint: {}", failure["hint"].as_str().unwrap_or("none")).unwrap();
    }
    text
}

/// Compares a snapshot, folders and run ids left out.
fn assert_told(name: &str, desk: &Desk, text: &str) {
    let text = text.replace(&desk.folder.path().display().to_string(), "FOLDER");
    let text = text.replace(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"), "FIXTURES");
    insta::with_settings!({filters => vec![
        (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "RUN"),
        (r"(?m) +$", ""),
    ]}, { insta::assert_snapshot!(name, text); });
}

#[tokio::test]
async fn damaged_sources_are_told_with_their_place() {
    let desk = Desk::new("damaged").await;
    let text = dump(40);
    let plain = text.as_bytes();
    let whole = gzip(plain);
    let cut = |length: usize| whole[..length].to_vec();
    let mut wrong_crc = whole.clone();
    let crc = whole.len() - 8;
    wrong_crc[crc] ^= 1;
    let (first, second) = plain.split_at(plain.len() / 2);
    let in_row = text.find("number 20").unwrap();
    let after_row = text.find("20\tnote").unwrap();
    let after_marker = text.find("\\.\n").unwrap() + 3;
    let crlf = text.replace('\n', "\r\n");
    let stray = format!(
        "pg_dump: warning: there's a \"circular\" foreign key\npg_dump: hint: don't COPY x FROM stdin;\n{text}"
    );
    let utf16 = |big: bool| -> Vec<u8> {
        let units = text.encode_utf16();
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("whole", whole.clone()),
        ("gzip cut in its header", cut(5)),
        ("gzip cut in the rows", cut(whole.len() / 2)),
        ("gzip cut before its checksum", cut(whole.len() - 8)),
        ("gzip cut in its length", cut(whole.len() - 2)),
        ("gzip with a wrong checksum", wrong_crc),
        ("gzip and garbage", [&whole[..], b"garbage"].concat()),
        ("gzip and zeros", [&whole[..], &[0; 700]].concat()),
        ("gzip of two members", [gzip(first), gzip(second)].concat()),
        ("two dumps in one gzip", [&whole[..], &whole[..]].concat()),
        ("end in a row", plain[..in_row].to_vec()),
        ("end between rows", plain[..after_row].to_vec()),
        ("end after the rows", plain[..after_marker].to_vec()),
        ("no closing comment", text.replace(TAIL, "").into_bytes()),
        ("end in a statement", plain[..text.find("note text").unwrap()].to_vec()),
        ("CR LF", crlf.into_bytes()),
        ("messages of stderr first", stray.into_bytes()),
        ("byte order mark", [b"\xef\xbb\xbf", plain].concat()),
        ("UTF-16", [b"\xff\xfe", &utf16(false)[..]].concat()),
        ("UTF-16 without a mark", utf16(true)),
        ("empty", Vec::new()),
        ("empty gzip", gzip(b"")),
        ("a letter", b"Dear Sir,\nplease find the dump attached.\n".to_vec()),
        ("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
        ("tar", tar),
        ("bzip2", b"BZh91AY&SY".to_vec()),
        ("schema only", format!("{HEAD}{TAIL}").into_bytes()),
    ];
    let mut told_of_all = String::new();
    for (name, bytes) in cases {
        let output = desk.stage(&desk.file(&format!("{name}.dump"), &bytes));
        writeln!(told_of_all, "{name}\n{}", told(&output)).unwrap();
    }
    for (name, path) in [("a folder", desk.folder.path().to_owned()), ("missing", desk.folder.path().join("none.sql"))]
    {
        writeln!(told_of_all, "{name}\n{}", told(&desk.stage(&path))).unwrap();
    }
    let mut child =
        desk.command().args(["stage", "--restart", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&whole).unwrap();
    writeln!(told_of_all, "stdin\n{}", told(&child.wait_with_output().unwrap())).unwrap();
    let meta = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hostile-meta.sql");
    writeln!(told_of_all, "psql's commands\n{}", told(&desk.stage(&meta))).unwrap();
    assert_told("damaged_sources", &desk, &told_of_all);
}

#[tokio::test]
async fn archives_need_pg_restore() {
    let desk = Desk::new("archives").await;
    let client = desk.db.connect().await;
    client.batch_execute("create table public.notes as select n as id from generate_series(1, 3) as n").await.unwrap();
    let programs = desk.db.programs().await;
    let archive = |format: &str| {
        let mut command = Command::new(programs.join("pg_dump"));
        let output = command.args(["--schema=public", format, "--dbname", &desk.url]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let custom = archive("-Fc");
    let whole = desk.file("custom.dump", &custom);
    let cut = desk.file("cut.dump", &custom[..custom.len() - 40]);
    let tar = desk.file("tar.dump", &archive("-Ft"));
    let stage = |file: &Path, path: &Path| {
        told(&desk.command().args(["stage", "--restart"]).arg(file).env("PATH", path).output().unwrap())
    };
    let mut text = format!("custom\n{}\n", stage(&whole, &programs));
    writeln!(text, "custom, no pg_restore\n{}", stage(&whole, desk.folder.path())).unwrap();
    writeln!(text, "tar\n{}", stage(&tar, &programs)).unwrap();
    // What pg_restore says of a damaged archive is its own.
    let output = desk.command().args(["stage", "--restart"]).arg(&cut).env("PATH", &programs).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", told(&output));
    assert_told("archives", &desk, &text);
}

#[tokio::test]
async fn an_unfinished_source_is_promoted_only_when_asked_to() {
    let desk = Desk::new("unfinished").await;
    let fixture = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/docs.sql.gz")).unwrap();
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(fixture.as_slice()).read_to_end(&mut text).unwrap();
    // The dump has its tables in alphabetical order: documents come after their sources.
    let start = text.windows(22).position(|window| window == b"COPY public.documents ").unwrap();
    let rows = text[start..].iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let end = start + rows.map(|(at, _)| at).nth(60).unwrap();
    let file = desk.file("docs.sql.gz", &gzip(&text[..=end]));
    let path = file.display().to_string();
    let client = desk.db.connect().await;
    let promoted =
        async || -> i64 { client.query_one("select count(*) from public.documents", &[]).await.unwrap().get(0) };

    let migrated = desk.sqlmig(&["migrate"]);
    assert_eq!(migrated.status.code(), Some(0), "{}", told(&migrated));
    let staged = desk.sqlmig(&["stage", "--restart", &path]);
    assert_eq!(staged.status.code(), Some(4), "{}", told(&staged));
    assert!(told(&staged).contains("table public.documents, after row 60 of its block"), "{}", told(&staged));
    let report: Value = serde_json::from_slice(&staged.stdout).unwrap();
    assert_eq!(report["run"]["complete"], false);
    let documents = report["tables"].as_array().unwrap().iter().find(|t| t["source"] == "public.documents").unwrap();
    assert_eq!((documents["rows_read"].as_i64(), documents["rows_staged"].as_i64()), (Some(60), Some(60)));
    let kept: i64 = client.query_one("select count(*) from staging.documents", &[]).await.unwrap().get(0);
    assert_eq!(kept, 60);

    let checked = desk.sqlmig(&["check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", told(&checked));
    let refused = desk.sqlmig(&["promote"]);
    assert_eq!(refused.status.code(), Some(4), "{}", told(&refused));
    assert!(told(&refused).contains("--allow-incomplete"), "{}", told(&refused));
    assert_eq!(promoted().await, 0);
    let allowed = desk.sqlmig(&["promote", "--allow-incomplete"]);
    assert_eq!(allowed.status.code(), Some(0), "{}", told(&allowed));
    assert!(promoted().await > 40);
}

#[tokio::test]
async fn a_row_over_the_limit_goes_to_quarantine_with_its_head() {
    let desk = Desk::new("oversized").await;
    let long = format!("20\tlong {}\n", "ab".repeat(4000));
    let file = desk.file("long.sql", dump(40).replace("20\tnote", &format!("{long}20\tnote")).as_bytes());
    let output = desk.sqlmig(&["stage", "--restart", "--row-limit", "4096", &file.display().to_string()]);
    let client = desk.db.connect().await;
    let found = client.query("select source, row, code, line, raw, reason from sqlmig.quarantine", &[]).await.unwrap();
    assert_eq!(found.len(), 1, "{}", told(&output));
    let row = &found[0];
    assert_eq!(row.get::<_, &str>("source"), "public.notes");
    assert_eq!((row.get::<_, i64>("row"), row.get::<_, &str>("code")), (20, "oversized"));
    assert_eq!(row.get::<_, i64>("line"), 36);
    assert_eq!(row.get::<_, &[u8]>("raw"), &long.as_bytes()[..4096]);
    assert_eq!(
        row.get::<_, &str>("reason"),
        format!("the row has {} bytes, more than the limit of 4096", long.len() - 1)
    );
    assert_eq!(output.status.code(), Some(0));
    assert!(told(&output).contains("public.notes: 41 read, 40 staged"), "{}", told(&output));
}

#[tokio::test]
async fn memory_does_not_grow_with_the_source() {
    let desk = Desk::new("memory").await;
    let path = desk.folder.path().join("zeros.sql.gz");
    let mut out = GzEncoder::new(fs::File::create(&path).unwrap(), Compression::fast());
    writeln!(out, "{HEAD}COPY public.notes (id, note) FROM stdin;").unwrap();
    let row = format!("0\t{}\n", "0".repeat(9_997)).repeat(100);
    for _ in 0..200 {
        out.write_all(row.as_bytes()).unwrap();
    }
    write!(out, "\\.\n\n{TAIL}").unwrap();
    out.finish().unwrap();
    assert!(fs::metadata(&path).unwrap().len() < 4 << 20);
    let output = desk.stage(&path);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["tables"][0]["rows_staged"], 20_000);
    let peak = report["throughput"]["peak_rss_bytes"].as_i64().unwrap();
    assert!(0 < peak && peak < 128 << 20, "{} MiB", peak >> 20);
}

#[tokio::test]
async fn whoever_writes_waits_for_the_database() {
    /// Rows of ten kilobytes: far more than may be under way.
    const ROWS: usize = 25_000;
    let desk = Desk::new("backpressure").await;
    let mut child = desk
        .command()
        .args(["stage", "--restart", "--lock-timeout", "1min", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let written = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&written);
    let writer = thread::spawn(move || {
        writeln!(pipe, "{HEAD}COPY public.notes (id, note) FROM stdin;").unwrap();
        let rows = format!("0\t{}\n", "0".repeat(9_997)).repeat(10);
        for _ in 0..ROWS / 10 {
            pipe.write_all(rows.as_bytes()).unwrap();
            counter.fetch_add(rows.len(), Ordering::Relaxed);
        }
        write!(pipe, "\\.\n\n{TAIL}").unwrap();
    });
    let mut other = desk.db.connect().await;
    let staged = "select count(*) from sqlmig.chunk";
    while !other.query_one(staged, &[]).await.is_ok_and(|row| row.get::<_, i64>(0) > 0) {
        assert!(child.try_wait().unwrap().is_none() && !writer.is_finished(), "nothing was staged in time");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let held = other.transaction().await.unwrap();
    held.batch_execute("lock table staging.notes in share mode").await.unwrap();
    let at_lock = written.load(Ordering::Relaxed);
    let mut last = at_lock;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = written.load(Ordering::Relaxed);
        if now == last {
            break;
        }
        last = now;
    }
    assert!(!writer.is_finished(), "all was taken in");
    assert!(last - at_lock < 48 << 20, "{} MiB were taken in meanwhile", (last - at_lock) >> 20);
    held.rollback().await.unwrap();
    writer.join().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["tables"][0]["rows_staged"], ROWS);
}

#[tokio::test]
async fn nothing_in_a_hostile_file_is_executed() {
    let desk = Desk::new("hostile").await;
    let client = desk.db.connect().await;
    client.batch_execute(include_str!("../sql/catalog_snapshot.sql")).await.unwrap();
    let snapshot = async || -> Vec<String> {
        let rows = client.query("select concat_ws(' ', kind, name, detail) from pg_temp.catalog_snapshot()", &[]).await;
        rows.unwrap().iter().map(|row| row.get(0)).collect()
    };
    let traces = || -> Vec<String> {
        let names =
            fs::read_dir("/tmp").unwrap().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("sqlmig-hostile")).collect()
    };
    assert_eq!(traces(), Vec::<String>::new(), "left by something else: remove them");
    let before = snapshot().await;
    assert!(before.len() > 300, "{}", before.len());
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hostile.sql");
    let plan = desk.sqlmig(&["plan", file]);
    assert_eq!(plan.status.code(), Some(0), "{}", told(&plan));
    let staged = desk.sqlmig(&["stage", "--restart", file]);
    assert_eq!(staged.status.code(), Some(0), "{}", told(&staged));
    let after = snapshot().await;
    let changed: Vec<&String> = after.iter().filter(|line| !before.contains(line)).collect();
    let gone: Vec<&String> = before.iter().filter(|line| !after.contains(line)).collect();
    assert_eq!((changed, gone), (vec![], vec![]));
    assert_eq!(traces(), Vec::<String>::new());
    let notes = client.query("select note from staging.notes order by _row", &[]).await.unwrap();
    let notes: Vec<&str> = notes.iter().map(|row| row.get(0)).collect();
    assert_eq!(notes.len(), 5);
    assert_eq!(notes[2], "\\! touch /tmp/sqlmig-hostile-data");
    let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
    let mut text = String::new();
    for other in plan["other_statements"].as_array().unwrap() {
        writeln!(text, "{} {}", other["count"], other["kind"].as_str().unwrap()).unwrap();
    }
    for table in plan["tables"].as_array().unwrap() {
        writeln!(text, "{} rows of {}", table["rows"], table["source"].as_str().unwrap()).unwrap();
    }
    assert_told("hostile_plan", &desk, &text);
}
