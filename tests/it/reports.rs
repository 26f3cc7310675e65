//! Reports that are handed on: the forms, the files, and the facts in them that only a real run has.

use std::fs;
use std::path::Path;
use std::process::Command;

use scraper::{Html, Selector};

use crate::harness::TestDb;
use crate::program::{MIGRATED, finish, fixture, number, on, sqlmig};

#[tokio::test]
async fn a_run_writes_its_report_to_files_also_when_it_fails() {
    let db = TestDb::from(&MIGRATED, "report_files").await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let run = async |more: &str, page: &str, cases: &str| {
        let line = format!("run {} {more} --output json", fixture("docs.sql.gz"));
        let mut command = on(&db, &line).await;
        command.arg("--report").arg(file(page)).env("SQLMIG_NO_INDEX", "true");
        command.arg("--report").arg(file(cases));
        finish(command).await
    };
    let failed = run("--max-rejects 10", "failed.html", "failed.xml").await.code(3).json();
    let page = fs::read_to_string(file("failed.html")).unwrap();
    let read = Html::parse_document(&page);
    let told: String = read.select(&Selector::parse(".verdict").unwrap()).flat_map(|said| said.text()).collect();
    assert!(told.contains("34 rows were taken out"), "{told}");
    assert_eq!(failed["run"]["state"], "failed");
    let cases = fs::read_to_string(file("failed.xml")).unwrap();
    let xml = roxmltree::Document::parse(&cases).unwrap();
    assert_ne!(xml.root_element().attribute("failures"), Some("0"));
    let done = run("--restart", "done.html", "done.md").await.code(0).json();
    assert!(fs::read_to_string(file("done.md")).unwrap().starts_with("## ✅ "));
    assert!(fs::read_to_string(file("done.html")).unwrap().contains(done["run"]["id"].as_str().unwrap()));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "parts are left: {left:?}");
}

#[tokio::test]
async fn every_form_is_had_on_stdout_and_as_a_file() {
    let db = TestDb::from(&MIGRATED, "report_forms").await;
    sqlmig(&db, &format!("run {} --no-index", fixture("docs.sql.gz"))).await.code(0);
    let folder = tempfile::tempdir().unwrap();
    let begins = [
        ("table", "txt", "Run      "),
        ("json", "json", "{\n  \"format\": 1,"),
        ("yaml", "yaml", "format: 1\n"),
        ("markdown", "md", "## ✅ "),
        ("html", "html", "<!DOCTYPE html>\n"),
        ("junit", "xml", "<?xml version=\"1.0\""),
    ];
    for (form, ending, begin) in begins {
        let shown = sqlmig(&db, &format!("report --format {form}")).await.code(0).stdout;
        assert!(shown.starts_with(begin), "{form}: {shown}");
        let to_stdout = sqlmig(&db, &format!("report --format {form} --output -")).await.code(0).stdout;
        assert_eq!(to_stdout, shown);
        let path = folder.path().join(format!("report.{ending}"));
        let outcome = sqlmig(&db, &format!("report --output {}", path.display())).await.code(0);
        assert_eq!(outcome.stdout, "");
        let written = fs::read_to_string(&path).unwrap();
        // A table in a file is as wide as the page, and shows all.
        assert!(written == shown || form == "table" && written.starts_with(begin), "{form}");
        let named = folder.path().join("named");
        sqlmig(&db, &format!("report --format {form} --output {}", named.display())).await.code(0);
        assert_eq!(fs::read_to_string(named).unwrap(), written);
    }
    // What --output says everywhere, it says here.
    let json = sqlmig(&db, "report --output json").await.code(0).json();
    assert_eq!(json, sqlmig(&db, "report --format json").await.code(0).json());
    let table = sqlmig(&db, "report --output table").await.code(0).stdout;
    assert_eq!(table, sqlmig(&db, "report").await.code(0).stdout);
}

#[tokio::test]
async fn what_cannot_be_written_is_refused_before_anything_is_done() {
    let db = TestDb::from(&MIGRATED, "report_refused").await;
    sqlmig(&db, "history --output xml").await.code(2).says(&["--output takes table or json, not xml", "hint: "]);
    sqlmig(&db, "report --output report").await.code(2).says(&["report has no ending", ".html"]);
    for (files, says) in [("report.pdf", "no ending"), ("/nonexistent/report.html", "/nonexistent is no folder")] {
        let outcome = sqlmig(&db, &format!("run {} --report {files}", fixture("docs.sql.gz"))).await;
        outcome.code(2).says(&[says, "hint: "]);
    }
    assert_eq!(number(&db.connect().await, "select count(*) from sqlmig.run").await, 0);
}

#[tokio::test]
async fn the_pace_of_a_run_adds_up_to_its_rows() {
    let db = TestDb::from(&MIGRATED, "report_pace").await;
    let line = format!("run {} --batch-size 10 --no-index --output json", fixture("docs.sql.gz"));
    let report = sqlmig(&db, &line).await.code(0).json();
    let sum = |phase: &str, field: &str| -> i64 {
        let of = |slice: &&serde_json::Value| slice["phase"] == phase;
        report["pace"].as_array().unwrap().iter().filter(of).map(|slice| slice[field].as_i64().unwrap()).sum()
    };
    assert_eq!(sum("stage", "rows"), 41 + 180);
    let client = db.connect().await;
    let rows = number(&client, "select sum(last_row - first_row + 1) from sqlmig.batch where state = 'done'").await;
    assert_eq!(sum("promote", "rows"), rows);
    let read: i64 = report["digests"].as_array().unwrap().iter().map(|table| table["bytes"].as_i64().unwrap()).sum();
    assert_eq!(sum("stage", "bytes"), read);
    // Slices follow each other, none of nothing, and none longer than the phase.
    let slices = report["pace"].as_array().unwrap();
    assert!(slices.len() > 3 && slices.iter().all(|slice| slice["rows"].as_i64() > Some(0)), "{slices:?}");
    assert!(slices.iter().all(|slice| slice["seconds"].as_f64().unwrap() < 60.0), "{slices:?}");
    let batches = |name: &str| -> i64 {
        report[name].as_array().unwrap().iter().map(|entry| entry["batches"].as_i64().unwrap()).sum()
    };
    let done = report["batches"]["done"].as_i64().unwrap();
    assert_eq!((batches("batch_times"), batches("batch_spread")), (done, done));
    for times in report["batch_times"].as_array().unwrap() {
        let times = ["p50_ms", "p95_ms", "p99_ms", "max_ms"].map(|name| times[name].as_i64().unwrap());
        assert!(times.is_sorted(), "{times:?}");
    }
    let environment = &report["environment"];
    let server = crate::program::text(&client, "select current_setting('server_version')").await;
    assert_eq!(environment["server_version"], server.as_str());
    let settings = environment["settings"].as_array().unwrap();
    assert!(
        settings.iter().any(|setting| setting["name"] == "shared_buffers" && setting["value"] != ""),
        "{settings:?}"
    );
}

/// The slices of memory in a report: phase, seconds, bytes.
fn memory(report: &serde_json::Value) -> Vec<(String, f64, i64)> {
    let slices = report["memory"].as_array().unwrap();
    let slice = |slice: &serde_json::Value| {
        let phase = slice["phase"].as_str().unwrap().to_owned();
        (phase, slice["seconds"].as_f64().unwrap(), slice["rss_bytes"].as_i64().unwrap())
    };
    slices.iter().map(slice).collect()
}

#[tokio::test]
async fn the_memory_of_a_run_is_drawn_over_its_phases() {
    let db = TestDb::from(&MIGRATED, "report_memory").await;
    let line = format!("run {} --no-index --output json", fixture("docs.sql.gz"));
    let report = sqlmig(&db, &line).await.code(0).json();
    let peak = report["throughput"]["peak_rss_bytes"].as_i64().unwrap();
    let slices = memory(&report);
    for phase in ["stage", "check", "promote", "validate"] {
        assert!(slices.iter().any(|(of, ..)| of == phase), "{phase}: {slices:?}");
    }
    // Linux adds up the memory of threads only now and then, so the two may differ by a few pages.
    let bounds = (1 << 20)..=peak + (1 << 20);
    let fits = slices.iter().all(|(_, seconds, bytes)| *seconds >= 0.0 && bounds.contains(bytes));
    assert!(fits, "{peak}: {slices:?}");
    let page = sqlmig(&db, "report --format html").await.code(0).stdout;
    let page = Html::parse_document(&page);
    let title = page.select(&Selector::parse("figure.memory title").unwrap()).next().unwrap();
    let title: String = title.text().collect();
    assert!(title.contains("stage ") && title.contains("validate "), "{title}");
}

#[tokio::test]
async fn memory_of_many_processes_is_the_most_of_one_and_waiting_is_left_out() {
    let db = TestDb::from(&MIGRATED, "report_memory_many").await;
    sqlmig(&db, &format!("run {} --no-index", fixture("docs.sql.gz"))).await.code(0);
    let client = db.connect().await;
    // Two processes that promote at the same time for 64 s, and one that went on a day later for 6.4 s.
    client.batch_execute(include_str!("../sql/memory_of_three.sql")).await.unwrap();
    let report = sqlmig(&db, "report --output json").await.code(0).json();
    let mut slices = memory(&report);
    slices.retain(|(phase, ..)| phase == "promote");
    assert!(slices.len() <= 60, "{} slices", slices.len());
    let seconds: f64 = slices.iter().map(|(_, seconds, _)| seconds).sum();
    assert!((seconds - 70.4).abs() < 0.01, "{seconds}");
    // The other had more at second 10.
    let bytes: Vec<i64> = slices.iter().map(|(.., bytes)| *bytes).collect();
    let most = bytes.iter().position(|bytes| *bytes == 900).unwrap();
    assert!((8..=9).contains(&most), "{bytes:?}");
    assert!(bytes[..most].iter().chain(&bytes[most + 1..54]).all(|bytes| *bytes == 500), "{bytes:?}");
    assert_eq!(bytes.last(), Some(&100), "{bytes:?}");
}

/// Jenkins' schema of `JUnit`'s XML, which its plugin holds files to; none where it was not fetched.
fn schema_of_junit() -> Option<String> {
    let named = std::env::var("SQLMIG_JUNIT_XSD").ok();
    let there = named.is_some() && Command::new("xmllint").arg("--version").output().is_ok();
    let what = "xmllint, or no schema in SQLMIG_JUNIT_XSD; .ci/run fetches both";
    assert!(there || std::env::var_os("CI").is_none(), "there is no {what}");
    if !there {
        eprintln!("passed over: there is no {what}");
    }
    named.filter(|_| there)
}

#[tokio::test]
async fn junit_is_valid_by_the_schema_that_jenkins_holds_it_to() {
    let Some(schema) = schema_of_junit() else { return };
    let folder = tempfile::tempdir().unwrap();
    let valid = |path: &Path| {
        let output = Command::new("xmllint").args(["--noout", "--schema", &schema]).arg(path).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let file = folder.path().join("report.xml");
    // One whose checks failed, with rows to show, and one that went well.
    for (name, line, code) in [
        ("failed", format!("run {} --no-index --max-rejects 10", fixture("docs.sql.gz")), 3),
        ("done", format!("run {} --no-index --restart", fixture("docs.sql.gz")), 0),
    ] {
        let db = TestDb::from(&MIGRATED, &format!("junit_{name}")).await;
        sqlmig(&db, &line).await.code(code);
        sqlmig(&db, &format!("report --output {}", file.display())).await.code(0);
        let (holds, said) = valid(&file);
        assert!(holds, "{name}: {said}\n{}", fs::read_to_string(&file).unwrap());
    }
    // The schema does refuse what it does not know.
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("<testcase ", "<testcase verdict=\"good\" ", 1)).unwrap();
    assert!(!valid(&file).0);
}
