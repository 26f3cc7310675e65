//! What was left without a vector: filled by the run itself, or by one of its own later; and what a plan says of it.

use serde_json::json;

use crate::embeddings::{found, right, rows, service, things, with};
use crate::harness::TestDb;
use crate::program::{MIGRATED, bare, finish, fixture, number, on, sqlmig, state, text};
use crate::service::{Fault, Service};

#[tokio::test]
async fn documents_without_an_embedding_get_one_and_say_whose() {
    let service = Service::start("127.0.0.1:0", "text-embedding-3-large", 3072).await.unwrap();
    let db = TestDb::from(&MIGRATED, "embed_docs").await;
    let line = format!("run {} --output json", fixture("docs.sql.gz"));
    let without = sqlmig(&db, &line).await.code(0).json();
    let missing = without["embeddings"][0]["missing"].as_i64().unwrap();
    assert!(missing > 0);
    let client = db.connect().await;
    let nulls = "select count(*) from public.documents where embedding is null";
    assert_eq!(number(&client, nulls).await, missing);
    let mut command = on(&db, &line).await;
    command.env("SQLMIG_EMBEDDING_URL", service.url());
    let report = finish(command).await.code(0).json();
    assert_eq!(report["tables"][1]["rows_updated"], missing);
    assert_eq!(number(&client, nulls).await, 0);
    let provenance = "select string_agg(distinct concat_ws(' ', embedding_provider, embedding_model, embedding_text_sha256 = content_sha256, embedding_sha256 = sha256(vector_send(embedding))), ', ') from public.documents";
    assert_eq!(
        text(&client, provenance).await,
        "127.0.0.1 text-embedding-3-large t t, source text-embedding-3-large t t"
    );
    // Loaded again without a service: nothing is lost, and nothing changes.
    let before = state(&client).await;
    let report = sqlmig(&db, &format!("{line} --force")).await.code(0).json();
    assert_eq!((&report["tables"][1]["rows_updated"], &report["embeddings"]), (&0.into(), &json!([])));
    assert_eq!(state(&client).await, before);
}

#[tokio::test]
async fn rows_that_were_left_without_are_filled_by_a_run_of_their_own() {
    let (db, things, service) = (TestDb::new("embed_fill").await, things(), service().await);
    // Rows 7 and 8 are one thing; the one that stays takes the note of the other.
    let things = things.with(
        "transforms/dedup/same.sql",
        "--! summary: One thing of an id\n--! on: things\n--! merge: amount\n\
         select loser._source, loser._row, winner._source as _winner_source, winner._row as _winner_row, loser.amount\n\
         from {{ rows }} as loser join {{ rows }} as winner on winner.id = loser.id and winner._row < loser._row\n",
    );
    let mut rows = rows(12);
    rows[6] = "7|name 7|\\N|{}|{}|note number 7".into();
    rows[7] = "7|name 7 again|77|{}|{}|note number 7".into();
    let lines: Vec<&str> = rows.iter().map(String::as_str).collect();
    things.run(&db, &lines).await.code(0);
    let client = db.connect().await;
    let all = "select string_agg(concat_ws(' ', id, name, amount), ', ' order by id) from public.things";
    let (before, filled) = (text(&client, all).await, "select count(*) from public.things where embedding is not null");
    assert!(before.contains("7 name 7 77"));
    assert_eq!(number(&client, filled).await, 0);
    let command = |line: &'static str| {
        let (db, things, service) = (&db, &things, &service);
        async move {
            let line = format!("{line} --project {} --output json", things.path().display());
            finish(with(on(db, &line).await, service)).await
        }
    };
    // A first try fails, and the same command goes on.
    service.state.always(Some(Fault::Status(503, String::new(), String::new())));
    command("embed").await.code(8);
    service.state.always(None);
    let report = command("embed").await.code(0).json();
    assert_eq!(report["embeddings"][0]["fetched"], 11);
    assert_eq!(number(&client, filled).await, 0);
    command("promote").await.code(0);
    let report = command("validate").await.code(0).json();
    let books = &report["tables"][0];
    assert_eq!(
        (&books["rows_read"], &books["rows_updated"], &books["rows_merged"]),
        (&12.into(), &11.into(), &1.into())
    );
    right(&found(&db).await);
    // Nothing else has changed, and there is nothing left to do.
    assert_eq!(text(&client, all).await, before);
    assert!(command("embed").await.code(0).stdout.contains("no row of the run is left"));
    assert_eq!(service.state.repeated(), 0);
    // It is undone like any other run.
    let run = report["run"]["id"].as_str().unwrap().to_owned();
    let line = format!("rollback --run {run} --yes --project {}", things.path().display());
    sqlmig(&db, &line).await.code(0);
    assert_eq!((number(&client, filled).await, text(&client, all).await), (0, before));
}

#[tokio::test]
async fn who_promotes_before_embeddings_were_asked_for_is_told() {
    let (db, things) = (TestDb::new("embed_unasked").await, things());
    things.sqlmig(&db, "migrate").await.code(0);
    for (row, asks) in [("1|one|1|{}|{}|a note", true), ("1|one|2|{}|{}|another note", false)] {
        things.sqlmig(&db, &format!("stage {}", things.dump(&[row]).display())).await.code(0);
        things.sqlmig(&db, "check").await.code(0);
        if asks {
            things.sqlmig(&db, "embed").await.code(0);
        }
        let promoted = things.sqlmig(&db, "promote").await.code(0);
        assert_eq!(promoted.stderr.contains("embeddings were not asked for"), !asks, "{}", promoted.stderr);
        things.sqlmig(&db, "validate").await.code(0);
    }
}

#[tokio::test]
async fn the_plan_says_what_embeddings_would_cost() {
    let service = Service::start("127.0.0.1:0", "text-embedding-3-large", 3072).await.unwrap();
    let db = TestDb::from(&MIGRATED, "embed_plan").await;
    let ask = |line: String| {
        let (db, service) = (&db, &service);
        async move {
            let mut command = on(db, &line).await;
            command.env("SQLMIG_EMBEDDING_URL", service.url());
            finish(command).await.code(0).json()
        }
    };
    let plan = || format!("plan {} --output json --embedding-price 1000", fixture("docs.sql.gz"));
    let planned = ask(plan()).await["embeddings"][0].clone();
    let (rows, tokens) = (planned["rows"].as_i64().unwrap(), planned["tokens"].as_i64().unwrap());
    assert!(rows > 0 && tokens > 0 && planned["texts"].as_i64().unwrap() <= rows, "{planned}");
    assert!((planned["cost"].as_f64().unwrap() - f64::from(i32::try_from(tokens).unwrap()) / 1000.0).abs() < 1e-6);
    // One that reads the source alone counts the rows, too, that the checks would take out.
    let quick = async || ask(format!("{} --quick", plan())).await["embeddings"][0]["texts"].as_i64().unwrap();
    let before = quick().await;
    assert_eq!(service.state.requests(), 0);
    ask(format!("run {} --output json", fixture("docs.sql.gz"))).await;
    let left = ask(plan()).await["embeddings"][0].clone();
    assert!(left["texts"].as_i64().unwrap() < planned["texts"].as_i64().unwrap());
    // What the ledger has is not counted any more.
    assert_eq!(before - quick().await, planned["texts"].as_i64().unwrap());
}

#[tokio::test]
async fn the_plan_of_a_tree_counts_the_tokens_that_its_documents_have() {
    let service = Service::start("127.0.0.1:0", "text-embedding-3-large", 3072).await.unwrap();
    let db = TestDb::from(&MIGRATED, "embed_plan_tree").await;
    let trees = format!("--source rust={} --source talos={}", fixture("trees/rust"), fixture("trees/talos"));
    let mut command = on(&db, &format!("plan {trees} --output json")).await;
    command.env("SQLMIG_EMBEDDING_URL", service.url());
    let plan = finish(command).await.code(0).json();
    let planned = |what: &str| -> i64 {
        plan["embeddings"].as_array().unwrap().iter().map(|source| source[what].as_i64().unwrap()).sum()
    };
    assert_eq!(service.state.requests(), 0);
    sqlmig(&db, &format!("run {trees}")).await.code(0);
    let client = db.connect().await;
    let texts = "from (select distinct content, token_count from public.documents) as texts";
    let [rows, texts, tokens] = [
        number(&client, "select count(*) from public.documents").await,
        number(&client, &format!("select count(*) {texts}")).await,
        number(&client, &format!("select sum(token_count) {texts}")).await,
    ];
    assert!(tokens > 0);
    assert_eq!((planned("rows"), planned("texts"), planned("tokens")), (rows, texts, tokens));
}

#[tokio::test]
async fn documents_that_were_left_without_are_filled_without_their_sources() {
    let service = Service::start("127.0.0.1:0", "text-embedding-3-large", 3072).await.unwrap();
    let db = TestDb::from(&MIGRATED, "embed_fill_docs").await;
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump.sql");
    finish(bare(&format!("generate {} --documents 40 --faults embedding_missing=50%", dump.display()))).await.code(0);
    sqlmig(&db, &format!("run {} --no-index", dump.display())).await.code(0);
    for step in ["embed", "promote", "validate"] {
        let mut command = on(&db, step).await;
        command.env("SQLMIG_EMBEDDING_URL", service.url());
        finish(command).await.code(0);
    }
    assert_eq!(number(&db.connect().await, "select count(*) from public.documents where embedding is null").await, 0);
}
