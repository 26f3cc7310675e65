//! Migrations: once, by however many processes; refused where the files are not those that were applied; and a
//! database that the doc-server already lives in.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::harness::TestDb;
use crate::program::{MIGRATED, Outcome, Things, all_migrations, finish, fixture, number, on, sqlmig, text, url};

#[tokio::test]
async fn applied_once_however_many_apply_them() {
    let db = TestDb::new("eight").await;
    let mut running = Vec::new();
    for _ in 0..8 {
        running.push(tokio::spawn(finish(on(&db, "migrate --quiet").await)));
    }
    let mut applied = 0;
    for process in running {
        let outcome: Outcome = process.await.unwrap().code(0);
        applied += outcome.stdout.lines().filter(|line| line.starts_with("applied ")).count();
    }
    let client = db.connect().await;
    assert_eq!(applied, all_migrations());
    let recorded =
        "select (select count(*) from sqlmig.ledger_migration) + (select count(*) from sqlmig.project_docs_migration)";
    assert_eq!(number(&client, recorded).await, i64::try_from(applied).unwrap());
    let again = sqlmig(&db, "migrate").await.code(0);
    assert_eq!(again.stdout.trim(), "0 migrations applied");
}

#[tokio::test]
async fn files_that_are_not_those_applied_are_refused_by_name() {
    let db = TestDb::new("changed").await;
    let things = Things::new().with("migrations/V2__more.sql", "alter table public.things add column more text;");
    things.sqlmig(&db, "migrate").await.code(0);
    let (file, more) = ("migrations/V1__things.sql", "migrations/V2__more.sql");
    let things = things.replacing(file, "note text", "note  text");
    things.sqlmig(&db, "migrate").await.code(2).says(&[
        "V1__things",
        "another form",
        "hint: migrations are append only",
    ]);
    let things = things.replacing(file, "note  text", "note text");
    things.sqlmig(&db, "migrate").await.code(0);
    let things = things.without(more);
    things.sqlmig(&db, "migrate").await.code(2).says(&["V2__more", "hint: "]);
    // A load refuses before it does anything else.
    things.run(&db, &["1|one||||"]).await.code(2).says(&["V2__more"]);
    assert_eq!(number(&db.connect().await, "select count(*) from sqlmig.run").await, 0);
}

#[tokio::test]
async fn a_misnamed_or_failing_migration_is_named() {
    let db = TestDb::new("misnamed").await;
    let things = Things::new().with("migrations/2_more.sql", "select 1;");
    things.sqlmig(&db, "migrate").await.code(2).says(&["migrations/2_more.sql", "V<number>__<name>.sql"]);
    let things = things
        .without("migrations/2_more.sql")
        .with("migrations/V2__broken.sql", "create table public.things (id int);");
    things.sqlmig(&db, "migrate").await.code(2).says(&["V2__broken", "already exists"]);
    let client = db.connect().await;
    // The one before it stays, and the broken one left nothing behind.
    assert_eq!(number(&client, "select count(*) from sqlmig.project_things_migration").await, 1);
}

#[tokio::test]
async fn a_database_of_the_doc_server_is_adopted_with_its_rows() {
    let db = TestDb::new("adopted").await;
    let client = db.connect().await;
    client.batch_execute(include_str!("../sql/doc_server.sql")).await.unwrap();
    db.hand_over().await;
    sqlmig(&db, "migrate").await.code(0);
    let rows = "select string_agg(concat_ws(' ', doc_type, source_name, doc_path, content, updated_at), ', ' order by doc_path) from public.documents";
    assert_eq!(
        text(&client, rows).await,
        "rust serde a serde a 2025-01-02 00:00:00+00, jupyter lost b notebook b 2025-01-03 00:00:00+00"
    );
    assert_eq!(number(&client, "select count(*) from public.document_sources where source_name = 'lost'").await, 1);
    // What the doc-server asks goes on working, and its view.
    let query = "select count(*) from public.documents where doc_type = 'rust'::public.doc_type";
    assert_eq!(number(&client, query).await, 1);
    assert_eq!(number(&client, "select count(*) from public.rust_documents").await, 1);
    // A dump goes in, and comes to rest.
    let load = format!("run {} --output json", fixture("docs.sql.gz"));
    sqlmig(&db, &load).await.code(0);
    assert_eq!(number(&client, "select count(*) from public.documents").await, 150);
    let report = sqlmig(&db, &format!("{load} --force")).await.code(0).json();
    assert_eq!(report["tables"][1]["rows_unchanged"], 148);
}

#[tokio::test]
async fn the_schema_is_the_one_that_was_reviewed() {
    let db = TestDb::from(&MIGRATED, "schema").await;
    let client = db.connect().await;
    // The server's own: another version may write the same schema otherwise.
    let bin = text(&client, "select setting from pg_config where name = 'BINDIR'").await;
    let pg_dump = Path::new(&bin).join("pg_dump");
    // PostgreSQL 18 gives NOT NULL constraints names, and dumps them otherwise.
    let version = number(&client, "select current_setting('server_version_num')::int / 10000").await;
    if version < 18 || !pg_dump.exists() {
        eprintln!("PostgreSQL {version}, {}: the schema is not compared", pg_dump.display());
        return;
    }
    let folder = TempDir::new().unwrap();
    let mut command = Command::new(&pg_dump);
    command.args(["-s", "-O", "-x", "-N", "staging", "-f"]).arg(folder.path().join("schema.sql")).arg(url(&db).await);
    let outcome = command.output().unwrap();
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stderr));
    let dumped = fs::read_to_string(folder.path().join("schema.sql")).unwrap();
    // What depends on the versions of server and pg_dump is left out.
    let volatile = |line: &&str| {
        !line.is_empty()
            && !line.starts_with("--")
            && !line.starts_with('\\')
            && !line.starts_with("SET ")
            && !line.starts_with("SELECT pg_catalog.set_config")
    };
    let schema = dumped.lines().filter(volatile).collect::<Vec<_>>().join("\n") + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sql/schema.sql");
    if std::env::var_os("SQLMIG_WRITE_DOCS").is_some() {
        fs::write(path, &schema).unwrap();
    }
    let known = fs::read_to_string(path).unwrap_or_default();
    assert!(
        known == schema,
        "the schema changed; write it again if it should: SQLMIG_WRITE_DOCS=1 cargo test --test it schema"
    );
}
