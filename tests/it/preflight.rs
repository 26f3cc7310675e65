//! Preflight: each thing that would stop a run, or harm it, is provoked and seen to be told, and nothing that it writes stays.

use serde_json::Value;

use crate::harness::{TestDb, server};
use crate::program::{MIGRATED, Outcome, Things, as_role, bare, finish, fixture, number, on, sqlmig, text};

mod between;
mod own_server;
mod provoked;

/// The findings of a check, as `red: message → remedy`.
fn told(preflight: &Value, check: &str) -> Vec<String> {
    let findings = preflight["findings"].as_array().unwrap();
    let own = findings.iter().filter(|finding| finding["check"] == check);
    own.map(|finding| {
        let word = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        format!("{}: {} → {}", word("light"), word("message"), word("remedy"))
    })
    .collect()
}

/// Fails unless a check says something of this light with each of these parts, and with a remedy.
#[track_caller]
fn says(outcome: &Outcome, check: &str, light: &str, parts: &[&str]) -> Value {
    assert_eq!(outcome.code, if light == "red" { 3 } else { 0 }, "{}\n{}", outcome.stdout, outcome.stderr);
    let preflight = outcome.json();
    let lines = told(&preflight, check);
    let fits = |line: &&String| {
        line.starts_with(light) && parts.iter().all(|part| line.contains(part)) && !line.ends_with("→ ")
    };
    assert!(lines.iter().any(|line| fits(&line)), "{parts:?} is not in {lines:#?}");
    preflight
}

async fn ask(db: &TestDb, arguments: &str) -> Outcome {
    sqlmig(db, &format!("preflight {arguments} --output json")).await
}

#[tokio::test]
async fn a_database_that_is_ready_is_said_to_be() {
    for db in [TestDb::new("ready_bare").await, TestDb::from(&MIGRATED, "ready").await] {
        let client = db.connect().await;
        let before = text(&client, include_str!("../sql/catalogue.sql")).await;
        let preflight = ask(&db, &fixture("docs.sql.gz")).await.code(0).json();
        assert_eq!(text(&client, include_str!("../sql/catalogue.sql")).await, before);
        assert_eq!((&preflight["format"], &preflight["ready"]), (&1.into(), &true.into()));
        // Every check of the table has something to say, and none could not be asked.
        for check in sqlmig::preflight::CHECKS {
            let lines = told(&preflight, check.name);
            assert!(!lines.is_empty(), "{} is silent", check.name);
            assert!(!lines.iter().any(|line| line.contains("could not be asked")), "{lines:?}");
        }
        let (time, needs) = (&preflight["time"], &preflight["needs"]);
        assert!(time["probed_bytes"].as_i64().unwrap() > 1 << 20 && time["stage_ms"].as_i64().unwrap() > 0, "{time}");
        assert!(needs["staging_bytes"].as_i64().unwrap() > 1 << 20, "{needs}");
        // Without a source, what needs one is said to be left out.
        let bare = ask(&db, "").await.code(0).json();
        assert_eq!(bare["left_out"].as_array().unwrap().len(), 4, "{}", bare["left_out"]);
        assert!(bare["source"].is_null() && bare["time"].is_null());
        let shown = sqlmig(&db, "preflight").await.code(0).stdout;
        assert!(shown.contains("\nReady: 0 red") && shown.ends_with("Nothing was written.\n"), "{shown}");
    }
}

#[tokio::test]
async fn what_others_do_to_the_tables_is_told() {
    let db = TestDb::from(&MIGRATED, "pf_tables").await;
    let (client, mut other) = (db.connect().await, db.connect().await);
    let held = other.transaction().await.unwrap();
    held.batch_execute("lock table public.documents in share mode").await.unwrap();
    says(&ask(&db, "").await, "locks", "red", &["public.documents", "ShareLock", "pg_terminate_backend"]);
    held.rollback().await.unwrap();
    // An index whose build failed, as a unique one on what is not unique does.
    client
        .batch_execute("insert into public.document_sources (id, doc_type, source_name) select gen_random_uuid(), 'rust', n from (values ('a'), ('b')) as v (n)")
        .await
        .unwrap();
    assert!(
        client
            .batch_execute("create unique index concurrently broken on public.document_sources (doc_type)")
            .await
            .is_err()
    );
    says(&ask(&db, "").await, "indexes", "yellow", &["broken", "reindex index concurrently"]);
    let strict = ask(&db, "--strict").await.code(3).says(&["not ready", "--strict", "hint: "]);
    assert_eq!(strict.json()["ready"], false);
    client.batch_execute("drop index public.broken").await.unwrap();
    client
        .batch_execute(
            "create function public.loud() returns trigger language plpgsql as $$ begin return new; end $$;
             create trigger loud before insert on public.documents for each row execute function public.loud()",
        )
        .await
        .unwrap();
    let preflight = says(&ask(&db, "").await, "triggers", "yellow", &["loud", "sqlmig.loading"]);
    // Those of the project heed the setting.
    assert!(told(&preflight, "triggers").iter().any(|line| line.starts_with("info: 2 triggers")));
    client
        .batch_execute(
            "alter table public.documents drop constraint documents_doc_type_source_name_doc_path_key cascade",
        )
        .await
        .unwrap();
    says(
        &ask(&db, "").await,
        "keys",
        "red",
        &["public.documents", "no unique index", "doc_type, source_name, doc_path"],
    );
}

#[tokio::test]
async fn who_else_runs_and_who_keeps_a_transaction_open_is_told() {
    let db = TestDb::from(&MIGRATED, "pf_lock").await;
    let holder = db.connect().await;
    holder.batch_execute("select pg_advisory_lock(x'73716c6d'::int, 1)").await.unwrap();
    let pid = text(&holder, "select pg_backend_pid()").await;
    says(&ask(&db, "").await, "run_lock", "red", &["another run holds the lock", &pid, "pg_terminate_backend"]);
    holder.close().await;
    // A prepared transaction would do as well, but the server of the tests allows none.
    let old = sqlmig::preflight::CHECKS.iter().find(|check| check.name == "transactions").unwrap();
    assert!(!old.needs_source);
    let asked = include_str!("../../sql/preflight_transactions.sql");
    let mut keeper = db.connect().await;
    let open = keeper.transaction().await.unwrap();
    open.batch_execute("select txid_current()").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let client = db.connect().await;
    let rows = client.query(asked, &[&1.0_f64]).await.unwrap();
    let pid: i32 = open.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    assert!(rows.iter().any(|row| row.get::<_, Option<i32>>("pid") == Some(pid)));
}

#[tokio::test]
async fn what_the_role_may_not_do_is_told_right_by_right() {
    let db = TestDb::from(&MIGRATED, "pf_rights").await;
    let client = db.connect().await;
    let database = db.target().database().to_owned();
    client
        .batch_execute(&format!(
            "do $$ begin if to_regrole('sqlmig_pf') is null then create role sqlmig_pf login; end if; end $$;
             revoke temporary on database {database} from public;
             grant usage on schema public, sqlmig, staging to sqlmig_pf;
             grant select on all tables in schema sqlmig to sqlmig_pf;
             grant select, insert on public.documents, public.document_sources to sqlmig_pf"
        ))
        .await
        .unwrap();
    let asked = || as_role(&db, "sqlmig_pf", "preflight --output json");
    let preflight =
        says(&asked().await, "privileges", "red", &["no update on \"public\".\"documents\"", "grant update on"]);
    let lines = told(&preflight, "privileges").join("\n");
    assert!(lines.contains("red: no create on schema staging") && lines.contains("can't be written"), "{lines}");
    assert!(lines.contains("yellow: no temporary tables"), "{lines}");
    // Only the table's owner builds an index on it.
    let index = "yellow: index documents_embedding is to be built on public.documents, which belongs to ";
    assert!(lines.contains(index) && lines.contains("sqlmig index"), "{lines}");
    // Trees alone need these; a dump does not.
    assert!(lines.contains("yellow: no delete on \"public\".\"documents\""), "{lines}");
    assert!(told(&preflight, "rollback_privileges")[0].contains("can't take a run back"), "{preflight}");
    // Row security, which the owner would pass by.
    client.batch_execute("alter table public.documents enable row level security").await.unwrap();
    says(&asked().await, "row_security", "red", &["public.documents", "bypassrls"]);
    // Pending migrations of tables that belong to another.
    client.batch_execute("delete from sqlmig.project_docs_migration where version = 26").await.unwrap();
    client.batch_execute("grant select on all tables in schema sqlmig to sqlmig_pf").await.unwrap();
    says(&asked().await, "migrations", "red", &["public.documents belongs to", "sqlmig migrate"]);
    // What a managed service sets.
    client
        .batch_execute(&format!("alter role sqlmig_pf in database {database} set statement_timeout = '30s'"))
        .await
        .unwrap();
    let preflight = asked().await.code(3).json();
    let lines = told(&preflight, "timeouts");
    assert!(lines[0].starts_with("info: statement_timeout is 30 s (set by database user): a run sets"), "{lines:?}");
    client.batch_execute(&format!("alter database {database} connection limit 3")).await.unwrap();
    says(&asked().await, "connections", "red", &["connections are free", "the database's limit", "a run needs"]);
    client.batch_execute(&format!("alter database {database} connection limit 12")).await.unwrap();
    let preflight = asked().await.code(3).json();
    let lines = told(&preflight, "connections");
    assert!(lines[0].starts_with("yellow: ") && lines[0].contains("run with --max-connections"), "{lines:?}");
}

#[tokio::test]
async fn a_schema_in_which_migrations_may_make_no_tables_is_told() {
    let (db, things) = (TestDb::new("pf_create").await, Things::new());
    let client = db.connect().await;
    let role =
        "do $$ begin if to_regrole('sqlmig_pf_maker') is null then create role sqlmig_pf_maker login; end if; end $$";
    client.batch_execute(role).await.unwrap();
    let database = db.target().database().to_owned();
    let rights =
        format!("grant create on database {database} to sqlmig_pf_maker; revoke create on schema public from public");
    client.batch_execute(&rights).await.unwrap();
    let project = things.path().display().to_string();
    let asked =
        || async { as_role(&db, "sqlmig_pf_maker", &format!("preflight --output json --project {project}")).await };
    let run = format!("run {} --project {project}", things.dump(&["1|one|1|{}|{}|x"]).display());
    let parts =
        ["no create on schema \"public\"", "make public.things", "grant create on schema", "\"sqlmig_pf_maker\""];
    says(&asked().await, "migrations", "red", &parts);
    // So it is.
    as_role(&db, "sqlmig_pf_maker", &run).await.code(2);
    client.batch_execute("grant create on schema public to sqlmig_pf_maker").await.unwrap();
    let lines = told(&asked().await.json(), "migrations");
    assert!(lines.iter().all(|line| line.starts_with("info: ")), "{lines:?}");
    as_role(&db, "sqlmig_pf_maker", &run).await.code(0);
    // What is there need not be made.
    client.batch_execute("revoke create on schema public from sqlmig_pf_maker").await.unwrap();
    asked().await.code(0);
}

#[tokio::test]
async fn a_database_that_takes_no_writes_or_cannot_hold_every_text_is_told() {
    let db = TestDb::from(&MIGRATED, "pf_writes").await;
    let database = db.target().database().to_owned();
    let client = db.connect().await;
    client.batch_execute(&format!("alter database {database} set default_transaction_read_only = on")).await.unwrap();
    says(&ask(&db, &fixture("docs.sql.gz")).await, "writes", "red", &["READ ONLY", "reset it"]);

    let admin = server().await.target().connect().await;
    let admin = admin.unwrap();
    let name = format!("sqlmig_test_latin_{}", std::process::id());
    let make = format!("create database {name} template template0 encoding 'LATIN1' locale 'C'");
    admin.batch_execute(&make).await.unwrap();
    let mut command = on(&db, "preflight --output json").await;
    let url = crate::program::url(&db).await.replace(&database, &name);
    command.env("DATABASE_URL", url);
    let outcome = finish(command).await;
    admin.batch_execute(&format!("drop database {name} with (force)")).await.unwrap();
    says(&outcome, "encoding", "red", &["LATIN1", "encoding 'UTF8'"]);
}

#[tokio::test]
async fn what_is_wrong_with_the_source_is_told() {
    let (db, things) = (TestDb::new("pf_source").await, Things::new());
    let dump = things.dump(&["1|a|1|\\N|\\N|\\N"]);
    let text = std::fs::read_to_string(&dump).unwrap();
    let write = |text: &str| std::fs::write(&dump, text).unwrap();
    let line = format!("preflight {}", dump.display());
    write(&text.replace(
        "-- PostgreSQL database dump\n--\n",
        "-- PostgreSQL database dump\n--\n\n-- Dumped from database version 99.1\n",
    ));
    says(&things.sqlmig(&db, &line).await, "dump_version", "yellow", &["PostgreSQL 99.1", "sqlmig plan"]);
    write(&text.replace(
        "-- PostgreSQL database dump\n--\n",
        "-- PostgreSQL database dump\n--\n\n-- Dumped from database version 9.6.24\n",
    ));
    let preflight = things.sqlmig(&db, &line).await.code(0).json();
    assert!(told(&preflight, "dump_version")[0].starts_with("info: the dump is of PostgreSQL 9.6.24"));
    write(&text.replace("-- PostgreSQL database dump complete\n", ""));
    says(&things.sqlmig(&db, &line).await, "source", "red", &["incomplete", "--allow-incomplete"]);
    write(&text.replace("public.things", "public.others"));
    says(&things.sqlmig(&db, &line).await, "source", "red", &["uses none of them", "--project"]);
    // A source that is none ends as it does everywhere.
    things.sqlmig(&db, "preflight /nonexistent/dump.sql").await.code(4);
}

/// An update keeps the whole old row: before-images of a load over a full table are no smaller than what it replaces.
#[tokio::test]
async fn before_images_are_reckoned_with_the_rows_that_are_there() {
    /// What is kept of a row besides the old row.
    const ENTRY: i64 = 160;
    let (db, things) = (TestDb::new("pf_undo").await, Things::new());
    let client = db.connect().await;
    let rows: Vec<String> = (1..=1000).map(|id| format!("{id}|name|1|{{}}|{{}}|{}", "x".repeat(200))).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let undo = async |rows: &[&str]| {
        let line = format!("preflight {}", things.dump(rows).display());
        things.sqlmig(&db, &line).await.code(0).json()["needs"]["undo_bytes"].as_i64().unwrap()
    };
    assert_eq!(undo(&rows).await, 1000 * ENTRY);
    things.run(&db, &rows).await.code(0);
    client.batch_execute("vacuum analyze public.things").await.unwrap();
    let table = number(&client, "select pg_table_size('public.things')").await;
    assert!(table > 200 * 1000, "{table}");
    assert_eq!(undo(&rows).await, 1000 * ENTRY + table);
    assert_eq!(undo(&rows[..10]).await, 10 * ENTRY + table * 10 / 1000);
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_told_and_none_is_no_finding() {
    let db = TestDb::from(&MIGRATED, "pf_service").await;
    let service = "--embedding-url http://127.0.0.1:9/v1 --embedding-model m --embedding-dimensions 3";
    says(&ask(&db, service).await, "embeddings", "red", &["127.0.0.1:9", "--embedding-url"]);
    let preflight = ask(&db, "").await.code(0).json();
    assert!(told(&preflight, "embeddings")[0].starts_with("info: no embeddings service"));
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_the_database_s_failure() {
    let mut command = bare("preflight --output json");
    command.env("DATABASE_URL", "postgres://nobody@127.0.0.1:9/none");
    finish(command).await.code(5).says(&["could not connect", "hint"]);
}

#[tokio::test]
async fn an_extension_that_the_role_may_not_create_is_told() {
    let db = TestDb::new("pf_vector").await;
    let client = db.connect().await;
    let role = "drop extension if exists vector;
        do $$ begin if to_regrole('sqlmig_pf_bare') is null then create role sqlmig_pf_bare login; end if; end $$";
    client.batch_execute(role).await.unwrap();
    let asked = || as_role(&db, "sqlmig_pf_bare", "preflight --output json");
    let preflight = says(&asked().await, "pgvector", "red", &["may not create it", "create extension vector"]);
    assert!(told(&preflight, "privileges")[0].contains("the schemas sqlmig and staging are not there"), "{preflight}");
    // A server that has none to offer is another matter, which takes another server; one that is too old is seen by its number.
    assert!(!sqlmig::db::server_info::has_halfvec("0.6.2") && sqlmig::db::server_info::has_halfvec("0.7.0"));
}
