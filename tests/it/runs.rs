//! Whole runs of the built-in project: what they report, and that repeating, batching and splitting them changes nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::TestDb;
use crate::program::{MIGRATED, Outcome, Things, fixture, number, sqlmig, state, text};

/// Loads a fixture and returns the report.
async fn load(db: &TestDb, name: &str, options: &str) -> Value {
    sqlmig(db, &format!("run {} --output json {options}", fixture(name))).await.code(0).json()
}

/// The entry of a list whose field has this value.
fn entry<'a>(report: &'a Value, list: &str, field: &str, value: &str) -> &'a Value {
    let found = report[list].as_array().unwrap().iter().find(|entry| entry[field] == value);
    found.unwrap_or_else(|| panic!("{list} has no {field} {value}"))
}

/// Inserted, updated, unchanged, merged and quarantined.
fn books(report: &Value, table: &str) -> [i64; 5] {
    let table = entry(report, "tables", "source", table);
    ["inserted", "updated", "unchanged", "merged", "quarantined"]
        .map(|name| table[format!("rows_{name}")].as_i64().unwrap())
}

fn assert_balanced(report: &Value) {
    for table in report["tables"].as_array().unwrap() {
        let sum: i64 = books(report, table["source"].as_str().unwrap()).iter().sum();
        assert_eq!(Some(sum), table["rows_read"].as_i64(), "{table}");
        assert!(table["balanced"] == true && table["used"] == true, "{table}");
    }
}

#[tokio::test]
async fn the_report_says_what_happened_by_its_contract() {
    let db = TestDb::from(&MIGRATED, "report").await;
    let report = load(&db, "docs.sql.gz", "").await;
    assert_eq!(report["format"], 1);
    let run = &report["run"];
    assert_eq!((&run["project"], &run["state"], &run["complete"]), (&"docs".into(), &"done".into(), &true.into()));
    assert_eq!(run["id"].as_str().unwrap().len(), 36);
    assert!(run["source"].as_str().unwrap().ends_with("docs.sql.gz"));
    assert_eq!(run["source_sha256"], "8fd22795639277c647e700df710b2c4687534f7ed1e70d46f0ae299f5e7d2035");
    assert!(run["started_at"].as_str().unwrap() < run["finished_at"].as_str().unwrap() && run["error"].is_null());
    assert_balanced(&report);
    assert_eq!(books(&report, "public.document_sources"), [36, 0, 0, 1, 4]);
    assert_eq!(books(&report, "public.documents"), [148, 0, 0, 2, 30]);
    let documents = entry(&report, "tables", "source", "public.documents");
    assert_eq!(
        (&documents["staged_as"], &documents["rows_read"], &documents["rows_staged"]),
        (&"staging.documents".into(), &180.into(), &180.into())
    );
    let check = entry(&report, "checks", "name", "content_empty");
    assert_eq!((&check["on"], &check["severity"]), (&"public.documents".into(), &"reject".into()));
    assert_eq!((&check["rows_examined"], &check["rows_failed"]), (&180.into(), &2.into()));
    let out = entry(&report, "quarantine", "check", "doc_type_unknown");
    assert_eq!(
        (&out["source"], &out["code"], &out["rows"]),
        (&"public.documents".into(), &"doc_type_unknown".into(), &2.into())
    );
    let quarantined: i64 =
        report["quarantine"].as_array().unwrap().iter().map(|entry| entry["rows"].as_i64().unwrap()).sum();
    assert_eq!(quarantined, 34);
    let workers = entry(&report, "phases", "phase", "promote")["summary"].as_str().unwrap();
    assert!(workers.contains(" (auto; began with ") && workers.contains("; too few batches"), "{workers}");
    let batches = &report["batches"];
    assert_eq!((&batches["done"], &batches["failed"], &batches["retried"]), (&3.into(), &0.into(), &0.into()));
    for name in ["rows_per_second", "documents_per_minute", "seconds", "peak_rss_bytes"] {
        assert!(report["throughput"][name].as_f64().unwrap() > 0.0, "{name}");
    }
    let speed = |name: &str| report["throughput"][name].as_f64().unwrap();
    let sum = |names: &[&str]| -> f64 {
        let tables = report["tables"].as_array().unwrap().iter();
        tables.flat_map(|table| names.iter().map(|name| table[*name].as_f64().unwrap())).sum()
    };
    let per_second = sum(&["rows_read"]) / speed("seconds");
    let per_minute = sum(&["rows_inserted", "rows_updated", "rows_unchanged"]) / speed("seconds") * 60.0;
    assert!((speed("rows_per_second") / per_second - 1.0).abs() < 1e-9, "{per_second}: {report}");
    assert!((speed("documents_per_minute") / per_minute - 1.0).abs() < 1e-9, "{per_minute}: {report}");
    // The report of a run is the same later, and from anywhere.
    assert_eq!(sqlmig(&db, "report --output json").await.code(0).json(), report);
    let by_id = format!("report --output json --run {}", run["id"].as_str().unwrap());
    assert_eq!(sqlmig(&db, &by_id).await.code(0).json(), report);
}

#[tokio::test]
async fn the_same_dump_again_writes_no_row() {
    let db = TestDb::from(&MIGRATED, "twice").await;
    let client = db.connect().await;
    load(&db, "docs.sql.gz", "").await;
    let before = text(&client, include_str!("../sql/untouched.sql")).await;
    let (content, undo) = (state(&client).await, undo_rows(&client).await);
    let report = load(&db, "docs.sql.gz", "--force").await;
    assert_eq!(books(&report, "public.documents"), [0, 0, 148, 2, 30]);
    assert_eq!(books(&report, "public.document_sources"), [0, 0, 36, 1, 4]);
    for target in report["targets"].as_array().unwrap() {
        assert_eq!((&target["rows_inserted"], &target["rows_updated"]), (&0.into(), &0.into()), "{target}");
    }
    assert_eq!(text(&client, include_str!("../sql/untouched.sql")).await, before);
    assert_eq!(state(&client).await, content);
    assert_eq!(undo_rows(&client).await, undo);
}

#[tokio::test]
async fn a_dump_that_was_loaded_whole_is_recognised() {
    let db = TestDb::from(&MIGRATED, "known").await;
    let client = db.connect().await;
    let first = load(&db, "docs.sql.gz", "").await;
    let runs = "select count(*) from sqlmig.run";
    let again = sqlmig(&db, &format!("run {} --output json", fixture("docs.sql.gz"))).await.code(0);
    let again = again.says(&["was loaded whole by this run", "--force"]).json();
    assert_eq!((&again, number(&client, runs).await), (&first, 1));
    // Under another name it is the same source.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.gz");
    std::fs::copy(fixture("docs.sql.gz"), &copy).unwrap();
    sqlmig(&db, &format!("run {}", copy.display())).await.code(0).says(&["was loaded whole"]);
    // Of the same length, it is not.
    let mut bytes = std::fs::read(&copy).unwrap();
    // The time in the gzip header, which the text does not depend on.
    bytes[5] ^= 1;
    std::fs::write(&copy, bytes).unwrap();
    assert_eq!(load_file(&db, &copy).await["tables"][1]["rows_unchanged"], 148);
    // What is gone is loaded again, and so is what was taken back, or what another load came after.
    load(&db, "docs.sql.gz", "").await;
    client.batch_execute("delete from public.documents where doc_path like '%7.md'").await.unwrap();
    let lost = load(&db, "docs.sql.gz", "").await;
    assert!(lost["tables"][1]["rows_inserted"].as_i64().unwrap() > 0, "{lost}");
    sqlmig(&db, "rollback --batch 2 --yes").await.code(0);
    let mended = load(&db, "docs.sql.gz", "").await;
    assert!(mended["tables"][1]["rows_inserted"].as_i64().unwrap() > 0, "{mended}");
    load(&db, "docs-newer.sql.gz", "").await;
    let before = number(&client, runs).await;
    load(&db, "docs.sql.gz", "").await;
    assert_eq!(number(&client, runs).await, before + 1);
    // Only part of it, or by stdin, which can be read but once.
    load(&db, "docs.sql.gz", "--table public.document_sources").await;
    assert_eq!(number(&client, runs).await, before + 2);
}

async fn load_file(db: &TestDb, path: &std::path::Path) -> Value {
    sqlmig(db, &format!("run {} --output json", path.display())).await.code(0).json()
}

/// Rows in all undo tables.
async fn undo_rows(client: &sqlmig::db::Connection) -> i64 {
    client.batch_execute("analyze").await.unwrap();
    number(client, "select sum(reltuples)::bigint from pg_class where relname like 'undo %'").await
}

#[tokio::test]
async fn a_newer_dump_changes_what_differs_and_nothing_else() {
    let db = TestDb::from(&MIGRATED, "newer").await;
    let client = db.connect().await;
    load(&db, "docs.sql.gz", "").await;
    client.batch_execute("create table before as select * from public.documents").await.unwrap();
    let report = load(&db, "docs-newer.sql.gz", "").await;
    assert_balanced(&report);
    assert_eq!(books(&report, "public.documents"), [5, 9, 139, 2, 30]);
    let query = include_str!("../sql/changed_since.sql");
    let rows = client.query(query, &[]).await.unwrap();
    let changed: BTreeSet<(i64, String)> = rows.iter().map(|row| (row.get("row"), row.get("change"))).collect();
    let index: Value =
        serde_json::from_str(&std::fs::read_to_string(fixture("docs-newer.planted.json")).unwrap()).unwrap();
    let listed = index["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (change["row"].as_i64().unwrap(), change["change"].as_str().unwrap().to_owned()));
    assert_eq!(changed, listed.collect());
    // A load of the newer one alone ends in the same state.
    let other = TestDb::from(&MIGRATED, "newer_alone").await;
    load(&other, "docs-newer.sql.gz", "").await;
    assert_eq!(state(&other.connect().await).await, state(&client).await);
}

#[tokio::test]
async fn both_shapes_go_into_one_database_in_either_order() {
    let one = TestDb::from(&MIGRATED, "shapes_a").await;
    let report = load(&one, "crates.sql.gz", "").await;
    assert_balanced(&report);
    assert_eq!(books(&report, "public.crates"), [20, 0, 0, 1, 0]);
    assert_eq!(books(&report, "public.doc_embeddings"), [33, 0, 0, 1, 6]);
    let skipped: Vec<&str> = report["warnings"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(skipped.iter().any(|line| line.contains("normalise/documents.sql")), "{skipped:?}");
    assert_balanced(&load(&one, "docs.sql.gz", "").await);
    let client = one.connect().await;
    let migrated = "select count(*) from public.documents where metadata ->> 'migrated_from' = 'rust_docs_vectors'";
    let (older, all) =
        (number(&client, migrated).await, number(&client, "select count(*) from public.documents").await);
    assert!(older > 0 && all - older == 148, "{older} of {all}");
    // The totals count the documents of both.
    let wrong = "select count(*) from public.document_sources as s where total_docs <> (select count(*) from public.documents as d where (d.doc_type, d.source_name) = (s.doc_type, s.source_name))";
    assert_eq!(number(&client, wrong).await, 0);
    let other = TestDb::from(&MIGRATED, "shapes_b").await;
    load(&other, "docs.sql.gz", "").await;
    assert_balanced(&load(&other, "crates.sql.gz", "").await);
    let keys = "select md5(string_agg(concat_ws('/', doc_type, source_name, doc_path), ' ' order by doc_type, source_name, doc_path)) from public.documents";
    assert_eq!(text(&client, keys).await, text(&other.connect().await, keys).await);
}

#[tokio::test]
async fn two_projects_live_in_one_database() {
    let db = TestDb::from(&MIGRATED, "projects").await;
    let things = Things::new();
    load(&db, "docs.sql.gz", "").await;
    let client = db.connect().await;
    let before = state(&client).await;
    let report = things.run(&db, &["1|one|1.50|{}|{a,b}|\\N"]).await.code(0).json();
    assert_balanced(&report);
    assert_eq!(report["migrations"], serde_json::json!(["things: V1__things"]));
    assert_eq!(text(&client, "select things from public.things").await, "(1,one,1.50,{},\"{a,b}\",,2)");
    assert_eq!(state(&client).await, before);
    load(&db, "docs.sql.gz", "").await;
    assert_eq!(state(&client).await, before);
    let history = sqlmig(&db, "history --output json").await.code(0).json();
    let projects: Vec<&str> =
        history["runs"].as_array().unwrap().iter().filter_map(|run| run["project"].as_str()).collect();
    assert_eq!(projects, ["docs", "things", "docs"]);
    // A run is gone on with by its own project only.
    things
        .sqlmig(&db, "check")
        .await
        .code(2)
        .says(&["begun with another project (docs then, things now)", "--restart"]);
}

#[tokio::test]
async fn the_steps_one_by_one_are_a_run() {
    let (db, whole) = (TestDb::new("steps").await, TestDb::from(&MIGRATED, "whole").await);
    let reference = load(&whole, "docs.sql.gz", "").await;
    sqlmig(&db, "check").await.code(2).says(&["there is no run", "hint: "]);
    let stage = format!("stage {} --output json", fixture("docs.sql.gz"));
    let staged = sqlmig(&db, &stage).await.code(0).json();
    assert_eq!(staged["run"]["state"], "staged");
    sqlmig(&db, "promote").await.code(2).says(&["is staged: it cannot be promoted yet", "hint: "]);
    // Checks read tables of the project, which staging alone does not make.
    sqlmig(&db, "migrate").await.code(0);
    assert_eq!(sqlmig(&db, "check --output json").await.code(0).json()["run"]["state"], "checked");
    sqlmig(&db, "validate").await.code(2).says(&["cannot be validated yet"]);
    assert_eq!(sqlmig(&db, "embed --output json").await.code(0).json()["run"]["state"], "checked");
    assert_eq!(sqlmig(&db, "promote --output json").await.code(0).json()["run"]["state"], "promoted");
    sqlmig(&db, "index").await.code(0);
    assert_eq!(sqlmig(&db, "validate --output json").await.code(0).json()["run"]["state"], "done");
    let report = sqlmig(&db, "report --output json").await.code(0).json();
    assert_eq!(facts(&report), facts(&reference));
    assert_eq!(state(&db.connect().await).await, state(&whole.connect().await).await);
    // Each can be repeated alone, and finds nothing left to do.
    for command in ["check", "promote", "validate"] {
        let again = sqlmig(&db, &format!("{command} --output json")).await.code(0).json();
        assert_eq!(facts(&again)[..3], facts(&reference)[..3], "{command}");
    }
    assert_eq!(state(&db.connect().await).await, state(&whole.connect().await).await);
}

/// What two reports of the same load must agree on.
fn facts(report: &Value) -> Vec<Value> {
    let mut checks = report["checks"].clone();
    checks.as_array_mut().unwrap().iter_mut().for_each(|check| check["elapsed_ms"] = Value::Null);
    ["tables", "quarantine", "duplicates", "targets", "batches", "samples", "other_statements"]
        .iter()
        .map(|list| report[*list].clone())
        .chain([checks])
        .collect()
}

#[tokio::test]
async fn small_batches_by_several_workers_end_in_the_same_state() {
    let (one, many) = (TestDb::from(&MIGRATED, "one_batch").await, TestDb::from(&MIGRATED, "batches").await);
    let reference = load(&one, "docs.sql.gz", "").await;
    let report = load(&many, "docs.sql.gz", "--batch-size 7 --parallel 4").await;
    assert_eq!(facts(&report)[..3], facts(&reference)[..3]);
    // 41 sources, 180 documents, and the totals in one.
    assert_eq!(report["batches"]["done"], 6 + 26 + 1);
    assert_eq!(state(&one.connect().await).await, state(&many.connect().await).await);
}

#[tokio::test]
async fn only_what_is_staged_now_is_gone_on_with() {
    let db = TestDb::from(&MIGRATED, "superseded").await;
    let stage = |name: &str| format!("stage {} --output json", fixture(name));
    let first = sqlmig(&db, &stage("docs.sql.gz")).await.code(0).json();
    sqlmig(&db, "check").await.code(0);
    sqlmig(&db, &stage("crates.sql.gz")).await.code(2).says(&["not finished", "another source", "--restart"]);
    let second = sqlmig(&db, &(stage("crates.sql.gz") + " --restart")).await.code(0).json();
    let (first, second) = (first["run"]["id"].as_str().unwrap(), second["run"]["id"].as_str().unwrap());
    let refused: Outcome = sqlmig(&db, &format!("promote --run {first}")).await;
    refused.code(2).says(&[first, "superseded", "hint: "]);
    let history = sqlmig(&db, &format!("status --run {second} --output json")).await.code(0).json();
    assert_eq!(history["run"]["state"], "staged");
    // A crash of the server, or a rollback, empties staging.
    let client = db.connect().await;
    client.batch_execute("truncate staging.doc_embeddings").await.unwrap();
    sqlmig(&db, "check").await.code(5).says(&["holds 0 rows, 40 were staged", "stages it again"]);
    assert_eq!(number(&client, "select count(*) from public.documents").await, 0);
}

/// What the reader sent and what the server holds are held against each other: a value that was changed on the way, a
/// text that became null, a row that did not arrive.
#[tokio::test]
async fn what_arrives_changed_is_found() {
    let db = TestDb::new("tampered").await;
    let client = db.connect().await;
    client.batch_execute(include_str!("../sql/tamper.sql")).await.unwrap();
    let stage = format!("stage {}", fixture("docs.sql.gz"));
    let tamper = async |way: &str| {
        let set = format!("alter database \"{}\" set test.tamper = '{way}'", db.target().database());
        client.batch_execute(&set).await.unwrap();
    };
    // Rows that are not there, and rows that are others.
    for (way, told) in [("digest", "the digests differ"), ("drop", "rows of")] {
        tamper(way).await;
        sqlmig(&db, &stage).await.code(3).says(&["public.documents", told]);
        // Nothing of it can be gone on with.
        sqlmig(&db, "check").await.code(2).says(&["cannot be checked yet"]);
    }
    // Rows that are there and changed: the checks, which read every row before anything is done with it, take them out.
    let taken_out = "select row from sqlmig.quarantine where check_name = 'checksum'
        and run_id = (select run.id from sqlmig.run as run order by run.id desc limit 1)";
    for way in ["change", "empty"] {
        tamper(way).await;
        sqlmig(&db, &format!("{stage} --restart")).await.code(0);
        sqlmig(&db, "check").await.code(0);
        assert_eq!(number(&client, taken_out).await, 2, "{way}");
    }
    client.batch_execute("drop event trigger arm").await.unwrap();
    sqlmig(&db, &format!("{stage} --restart")).await.code(0);
}
