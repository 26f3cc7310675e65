//! The search index: built after the load, repaired when a build did not end, and measured; and the search itself.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::following::Running;
use crate::harness::TestDb;
use crate::program::{MIGRATED, bare, finish, fixture, number, on, sqlmig, text};
use crate::service::{Service, vector};

const INDEX: &str =
    "select count(*) from pg_index where indexrelid = to_regclass('public.documents_embedding') and indisvalid";

#[tokio::test]
async fn the_index_is_built_after_the_load_and_finds_what_is_nearest() {
    let service = Service::start("127.0.0.1:0", "text-embedding-3-large", 3072).await.unwrap();
    let db = TestDb::from(&MIGRATED, "search").await;
    let client = db.connect().await;
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump.sql");
    let generate = format!("generate {} --documents 60 --faults embedding_missing=100%", dump.display());
    finish(bare(&generate)).await.code(0);
    // Every embedding is by the service, so that the nearest are known.
    let mut run = on(&db, &format!("run {} --output json --no-index", dump.display())).await;
    run.env("SQLMIG_EMBEDDING_URL", service.url());
    let report = finish(run).await.code(0).json();
    assert!(report["warnings"].to_string().contains("no index documents_embedding"), "{}", report["warnings"]);
    assert_eq!(number(&client, INDEX).await, 0);
    assert_eq!(number(&client, "select count(*) from public.documents where embedding is null").await, 0);
    let out = sqlmig(&db, "index").await.code(0).stdout;
    assert!(out.contains("1 index built"), "{out}");
    assert_eq!(number(&client, INDEX).await, 1);
    assert!(sqlmig(&db, "index").await.code(0).stdout.contains("1 index is there"));

    let wanted = text(&client, "select content from public.documents order by id limit 1").await;
    let name = "select concat_ws('/', doc_type, source_name, doc_path) from public.documents order by id limit 1";
    let name = text(&client, name).await;
    let mut search = on(&db, "search --top 3 --output json").await;
    search.arg(&wanted).env("SQLMIG_EMBEDDING_URL", service.url());
    let found = finish(search).await.code(0).json();
    assert_eq!(found["hits"].as_array().unwrap().len(), 3);
    assert_eq!(found["hits"][0]["row"], json!(name));
    assert!(found["hits"][0]["distance"].as_f64().unwrap() < 0.001);
    // The same by a vector, without a service.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), serde_json::to_string(&vector(&wanted, 3072)).unwrap()).unwrap();
    let by_vector = sqlmig(&db, &format!("search --top 3 --output json --vector {}", file.path().display())).await;
    assert_eq!(by_vector.code(0).json()["hits"], found["hits"]);
    sqlmig(&db, "search words").await.code(2).says(&["no embeddings service is named"]);
    // So few rows are looked at one by one, unless the server is told not to: the index finds the same.
    let unlike = format!("alter database {} set enable_seqscan = off", db.target().database());
    client.batch_execute(&unlike).await.unwrap();
    let search = async || {
        let found = sqlmig(&db, &format!("search --top 3 --output json --vector {}", file.path().display())).await;
        found.code(0).json()
    };
    let indexed = search().await;
    assert_eq!((&indexed["index_used"], &indexed["hits"]), (&json!(true), &found["hits"]));
    // Without it there is no other way; and an index that is there for something else is none for this.
    client.batch_execute("drop index public.documents_embedding").await.unwrap();
    let looked = search().await;
    assert_eq!((&looked["index_used"], &looked["hits"]), (&json!(false), &found["hits"]));
    client.batch_execute(&unlike.replace("set enable_seqscan = off", "reset enable_seqscan")).await.unwrap();
    assert!(sqlmig(&db, "index").await.code(0).stdout.contains("1 index built"));

    // An index that is there is measured, and the model that made the vectors is known from any other.
    let probe = |model: &'static str| {
        let (db, service) = (&db, &service);
        async move {
            let mut command = on(db, "validate --probe 5 --output json").await;
            command.env("SQLMIG_EMBEDDING_URL", service.url()).env("SQLMIG_EMBEDDING_MODEL", model);
            finish(command).await
        }
    };
    let report = probe("text-embedding-3-large").await.json();
    let probed = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == "embedding_probe").unwrap();
    // Its last result is its only one.
    let again = probe("text-embedding-3-large").await.json();
    let results = again["checks"].as_array().unwrap().iter().filter(|check| check["name"] == "embedding_probe");
    assert_eq!(results.count(), 1);
    // A few of a dump's embeddings are the dump's own, and found out.
    assert!(probed["rows_failed"].as_i64().unwrap() <= 1, "{probed}");
    let events = report["events"].to_string();
    // The graph of so few is all but whole.
    let shares = shares(&report);
    assert!(!shares.is_empty() && shares.iter().all(|share| (0.95..=1.0).contains(share)), "{events}");
    client.execute("update public.documents set embedding = (select array_agg(v order by o desc) from unnest(embedding::real[]) with ordinality as u (v, o))::vector where embedding_provider <> 'source'", &[]).await.unwrap();
    let report = probe("text-embedding-3-large").await.code(3).says(&["embedding_probe ("]).json();
    assert!(report["samples"].to_string().contains("cosine similarity"), "{}", report["samples"]);
    // So is what it found.
    let found = "select count(*) from sqlmig.finding where check_name = 'embedding_probe'";
    let once = number(&client, found).await;
    probe("text-embedding-3-large").await.code(3);
    assert_eq!((once > 0, number(&client, found).await), (true, once));
}

/// What was found of the nearest, each time that it was measured.
fn shares(report: &Value) -> Vec<f64> {
    let events = report["events"].as_array().unwrap().iter().filter(|event| event["kind"] == "recall");
    let share = |event: &Value| {
        let message = event["message"].as_str().unwrap();
        let share =
            message.strip_prefix("recall@10 of the index ").and_then(|rest| rest.strip_suffix(" over 10 searches"));
        share.unwrap_or_else(|| panic!("{message}")).parse::<f64>().unwrap()
    };
    events.map(share).collect()
}

#[tokio::test]
async fn recall_is_what_the_index_finds_or_is_not_told() {
    let db = TestDb::from(&MIGRATED, "search_recall").await;
    let client = db.connect().await;
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump.sql");
    finish(bare(&format!("generate {} --documents 60", dump.display()))).await.code(0);
    sqlmig(&db, &format!("run {} --no-index", dump.display())).await.code(0);
    let validate = async || sqlmig(&db, "validate --output json").await.code(0).json();
    // One of that name that is of something else: what would be compared is a look at every row with itself.
    client.batch_execute("create index documents_embedding on public.documents (doc_type)").await.unwrap();
    let report = validate().await;
    let phases = report["phases"].to_string();
    for said in ["the index's recall was not measured: transforms/search/", "the server does not use the index for it"]
    {
        assert!(phases.contains(said), "{phases}");
    }
    assert!(shares(&report).is_empty(), "{}", report["events"]);
    // One with a list for each row, that looks into one of them: it finds the row itself, and hardly any other.
    let few = "drop index public.documents_embedding; create index documents_embedding on public.documents \
               using ivfflat ((embedding::halfvec(3072)) halfvec_cosine_ops) with (lists = 200)";
    client.batch_execute(few).await.unwrap();
    let report = validate().await;
    let found = shares(&report);
    assert!(matches!(found[..], [share] if (0.05..0.5).contains(&share)), "{}", report["events"]);
    assert!(report["warnings"].to_string().contains("raise hnsw.ef_search"), "{}", report["warnings"]);
    // The project's own.
    client.batch_execute("drop index public.documents_embedding").await.unwrap();
    sqlmig(&db, "index").await.code(0);
    let found = shares(&validate().await);
    assert!(matches!(found[..], [_, share] if (0.95..=1.0).contains(&share)), "{found:?}");
}

#[tokio::test]
async fn an_index_that_a_build_left_unusable_is_built_again() {
    let db = TestDb::from(&MIGRATED, "search_broken").await;
    let client = db.connect().await;
    sqlmig(&db, &format!("run {} --no-index", fixture("docs.sql.gz"))).await.code(0);
    // A build that fails leaves an index that is never read: here, one that says it is unique and is not.
    let broken = "create unique index concurrently documents_embedding on public.documents (doc_type)";
    client.execute(broken, &[]).await.unwrap_err();
    assert_eq!(number(&client, "select count(*) from pg_index where not indisvalid").await, 1);
    let outcome = sqlmig(&db, "index").await.code(0).says(&["left unusable", "built again"]);
    assert!(outcome.stdout.contains("1 index built"));
    assert_eq!(number(&client, INDEX).await, 1);
    // One of another definition, too.
    client.execute("comment on index public.documents_embedding is 'sqlmig: 00000000'", &[]).await.unwrap();
    sqlmig(&db, "index").await.code(0).says(&["of another definition"]);
}

/// The first log line that tells of a build in this phase of the server's.
async fn told(running: &Running, phase: &str) -> Value {
    let since = Instant::now();
    loop {
        let said = running.stderr();
        // The last line may not be whole yet.
        let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut building = lines.filter(|line| line["message"] == "building index");
        if let Some(line) = building.find(|line| line["phase"] == phase) {
            return line;
        }
        assert!(since.elapsed() < Duration::from_mins(1), "in vain for {phase:?}: {said}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_build_says_what_the_server_is_at() {
    let db = TestDb::from(&MIGRATED, "search_progress").await;
    sqlmig(&db, &format!("run {} --no-index", fixture("docs.sql.gz"))).await.code(0);
    // A build without a lock waits for those who write before it begins, and in the end for those who still see the table
    // without it.
    let (reader, writer, client) = (db.connect().await, db.connect().await, db.connect().await);
    let read = "begin isolation level repeatable read; select count(*) from public.documents";
    reader.batch_execute(read).await.unwrap();
    writer.batch_execute("begin; lock table public.documents in row exclusive mode").await.unwrap();
    let running = Running::start(on(&db, "index --log-format json").await);
    let line = told(&running, "waiting for writers before build").await;
    assert_eq!((&line["index"], &line["done"], &line["total"]), (&json!("documents_embedding"), &json!(0), &json!(0)));
    assert_eq!(number(&client, INDEX).await, 0);
    writer.batch_execute("commit").await.unwrap();
    // The blocks of the table, which it has been through by now.
    let line = told(&running, "waiting for old snapshots").await;
    let (done, total) = (line["done"].as_u64().unwrap(), line["total"].as_u64().unwrap());
    assert!(total > 0 && done <= total, "{line}");
    assert_eq!(number(&client, INDEX).await, 0);
    reader.batch_execute("commit").await.unwrap();
    let outcome = running.end().await.code(0).says(&["index built"]);
    assert!(outcome.stdout.contains("1 index built"), "{}", outcome.stdout);
    assert_eq!(number(&client, INDEX).await, 1);
}
