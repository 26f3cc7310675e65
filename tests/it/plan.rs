//! A plan says what would happen, and nothing happens.

use std::fs;

use serde_json::Value;

use crate::harness::TestDb;
use crate::program::{MIGRATED, Things, all_migrations, as_role, fixture, number, sqlmig, state, text};

/// The books of a run as a plan names them: inserted, updated, unchanged, merged, rejected.
fn books(report: &Value, source: &str) -> [i64; 5] {
    let table = report["tables"].as_array().unwrap().iter().find(|table| table["source"] == source).unwrap();
    ["inserted", "updated", "unchanged", "merged", "quarantined"].map(|n| table[format!("rows_{n}")].as_i64().unwrap())
}

/// The same of a plan.
fn fate(plan: &Value, source: &str) -> [i64; 5] {
    let table = plan["tables"].as_array().unwrap().iter().find(|table| table["source"] == source).unwrap();
    ["insert", "update", "unchanged", "merge", "reject"]
        .map(|n| table["fate"][n].as_i64().unwrap_or_else(|| panic!("{table}")))
}

/// Everything in the catalogue, and the rows of the ledger.
async fn snapshot(db: &TestDb) -> String {
    let client = db.connect().await;
    let mut state = text(&client, include_str!("../sql/catalogue.sql")).await;
    if text(&client, "select to_regclass('sqlmig.run') is not null").await == "true" {
        state += &text(&client, "select concat((select count(*) from sqlmig.run), ' ', (select count(*) from sqlmig.event), ' ', (select count(*) from sqlmig.batch), ' ', (select count(*) from public.documents))").await;
    }
    state
}

#[tokio::test]
async fn a_plan_writes_nothing() {
    let databases = [(TestDb::new("plan_bare").await, all_migrations()), (TestDb::from(&MIGRATED, "plan").await, 0)];
    for (db, pending) in databases {
        let before = snapshot(&db).await;
        let plan =
            sqlmig(&db, &format!("plan {} --output json --batch-size 50", fixture("docs.sql.gz"))).await.code(0).json();
        assert_eq!(snapshot(&db).await, before);
        assert_eq!(plan["pending_migrations"].as_array().unwrap().len(), pending);
        assert_eq!(
            (&plan["format"], &plan["project"], &plan["source_format"]),
            (&1.into(), &"docs".into(), &"gzip".into())
        );
        assert_eq!((&plan["source_bytes"], &plan["encoding"]), (&2_640_235.into(), &"UTF8".into()));
        assert_eq!(plan["dumps"].as_array().unwrap().len(), 1);
        let documents = &plan["tables"][1];
        assert_eq!(
            (&documents["source"], &documents["rows"], &documents["batches"]),
            (&"public.documents".into(), &180.into(), &4.into())
        );
        assert_eq!(documents["used_by"], serde_json::json!(["documents"]));
        assert!(
            plan["checks"]
                .as_array()
                .unwrap()
                .iter()
                .any(|check| check["name"] == "content_empty" && check["skipped"].is_null())
        );
        assert_eq!(plan["promote"].as_array().unwrap().len(), 7);
        assert!(plan["other_statements"].as_array().unwrap().iter().any(|other| other["kind"] == "CREATE FUNCTION"));
        sqlmig(&db, &format!("plan {}", fixture("docs.sql.gz"))).await.code(0);
        // What a plan promises is what a run does.
        let report =
            sqlmig(&db, &format!("run {} --output json --batch-size 50", fixture("docs.sql.gz"))).await.code(0).json();
        assert_eq!(report["migrations"].as_array().unwrap().len(), pending);
        assert_eq!(report["other_statements"], plan["other_statements"]);
        assert_eq!(report["batches"]["done"], 1 + 4 + 1);
    }
}

#[tokio::test]
async fn a_plan_tells_what_would_not_be_used() {
    let db = TestDb::new("plan_unused").await;
    let plan = sqlmig(&db, &format!("plan {} --output json", fixture("hostile.sql"))).await.code(0).json();
    assert_eq!(
        (&plan["tables"][0]["source"], &plan["tables"][0]["used_by"]),
        (&"public.notes".into(), &serde_json::json!([]))
    );
    assert!(
        plan["promote"]
            .as_array()
            .unwrap()
            .iter()
            .all(|promote| promote["from"].is_null() || !promote["skipped"].is_null())
    );
    let kinds: Vec<&str> =
        plan["other_statements"].as_array().unwrap().iter().filter_map(|other| other["kind"].as_str()).collect();
    assert!(kinds.contains(&"ALTER SYSTEM") && kinds.iter().any(|kind| kind.starts_with("DROP")), "{kinds:?}");
    sqlmig(&db, &format!("plan {}", fixture("hostile-meta.sql"))).await.code(4).says(&["line 21"]);
    // A project is judged by a plan already.
    let things = Things::new().with("transforms/check/broken.sql", "select 1");
    let line = format!("plan {} --project {}", things.dump(&[]).display(), things.path().display());
    sqlmig(&db, &line).await.code(2).says(&["transforms/check/broken.sql", "no header", "hint: "]);
}

#[tokio::test]
async fn what_a_plan_counts_is_what_a_run_then_does() {
    // An empty database, then one that has another state of the same documents: all five fates.
    for (db, first) in
        [(TestDb::new("plan_exact").await, None), (TestDb::from(&MIGRATED, "plan_newer").await, Some("docs.sql.gz"))]
    {
        if let Some(first) = first {
            sqlmig(&db, &format!("run {}", fixture(first))).await.code(0);
        }
        for dump in ["docs-newer.sql.gz", "unreadable.sql.gz", "crates.sql.gz"] {
            let plan = sqlmig(&db, &format!("plan {} --output json", fixture(dump))).await.code(0).json();
            assert_eq!((&plan["counts"]["compared"], &plan["counts"]["why_not"]), (&true.into(), &Value::Null));
            let report = sqlmig(&db, &format!("run {} --output json", fixture(dump))).await.code(0).json();
            for source in report["tables"].as_array().unwrap().iter().filter(|table| table["used"] == true) {
                let source = source["source"].as_str().unwrap();
                assert_eq!(fate(&plan, source), books(&report, source), "{dump} {source}");
            }
            for step in plan["promote"].as_array().unwrap() {
                // What it counts in is what another step has yet to change.
                if dump == "docs-newer.sql.gz" {
                    let counts = step["transform"] == "source_totals";
                    assert_eq!(step["reads_changed"].to_string().contains("\"public.documents\""), counts, "{step}");
                }
                let told = step["reads_changed"].as_array().unwrap().is_empty();
                let done = report["targets"].as_array().unwrap().iter().find(|t| t["transform"] == step["transform"]);
                if let (Some(done), true) = (done, told) {
                    assert_eq!(step["rows"]["insert"], done["rows_inserted"], "{step}");
                }
            }
            for check in plan["checks"].as_array().unwrap().iter().filter(|check| check["phase"] == "check") {
                let ran = |known: &&Value| known["phase"] == "check" && known["name"] == check["name"];
                let found: i64 = report["checks"].as_array().unwrap().iter().filter(ran).map(failed).sum();
                assert_eq!(check["found"].as_i64().unwrap_or_default(), found, "{dump} {check}");
            }
        }
    }
}

fn failed(check: &Value) -> i64 {
    check["rows_failed"].as_i64().unwrap()
}

#[tokio::test]
async fn a_plan_that_cannot_compare_says_why_and_gives_bounds() {
    let db = TestDb::from(&MIGRATED, "plan_bounds").await;
    let quick = sqlmig(&db, &format!("plan {} --quick --output json", fixture("docs.sql.gz"))).await.code(0).json();
    assert_eq!(quick["counts"]["compared"], false);
    assert!(quick["tables"][1]["fate"].is_null() && quick["tables"][1]["rows"] == 180);
    let shown = sqlmig(&db, &format!("plan {} --quick", fixture("docs.sql.gz"))).await.code(0).stdout;
    assert!(shown.contains("these are bounds"), "{shown}");
    // A role that may make no temporary tables.
    let client = db.connect().await;
    let database = db.target().database().to_owned();
    let role = "create role sqlmig_plan_reader login";
    client
        .batch_execute(&format!(
            "do $$ begin if to_regrole('sqlmig_plan_reader') is null then {role}; end if; end $$;
             revoke temporary on database {database} from public;
             grant usage on schema sqlmig, public to sqlmig_plan_reader;
             grant select on all tables in schema sqlmig, public to sqlmig_plan_reader"
        ))
        .await
        .unwrap();
    let line = format!("plan {} --output json", fixture("docs.sql.gz"));
    let plan = as_role(&db, "sqlmig_plan_reader", &line).await.code(0).json();
    assert!(plan["counts"]["why_not"].as_str().unwrap().contains("42501"), "{}", plan["counts"]);
    // To try a migration of a table that is in use would lock it.
    client.batch_execute("delete from sqlmig.project_docs_migration where version = 26").await.unwrap();
    let plan = sqlmig(&db, &line).await.code(0).json();
    assert!(plan["counts"]["why_not"].as_str().unwrap().contains("sqlmig migrate"), "{}", plan["counts"]);
}

#[tokio::test]
async fn a_run_follows_its_plan_or_says_what_changed() {
    let things = Things::new();
    let db = TestDb::new("plan_followed").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json").display().to_string();
    let dump = things.dump(&["1|a|1|\\N|\\N|\\N", "2|b|2|\\N|\\N|\\N"]).display().to_string();
    let saved = things.sqlmig(&db, &format!("plan {dump} --save {file}")).await.code(0);
    assert_eq!(saved.json(), serde_json::from_str::<Value>(&fs::read_to_string(&file).unwrap()).unwrap());
    let run = format!("run {dump} --plan {file}");
    let report = things.sqlmig(&db, &run).await.code(0).json();
    assert_eq!(report["plan"]["tables"][0]["insert"], 2);
    assert_eq!(report["plan"]["sha256"].as_str().unwrap().len(), 64);
    // Done is done, and the same command says so.
    things.sqlmig(&db, &run).await.code(0);

    // Somebody changes the target, so that the newer dump would update another row than planned.
    let newer = things.dump(&["1|a|1|\\N|\\N|\\N", "2|b|3|\\N|\\N|\\N"]).display().to_string();
    things.sqlmig(&db, &format!("plan {newer} --save {file}")).await.code(0);
    let client = db.connect().await;
    client.batch_execute("update public.things set name = 'else' where id = 1").await.unwrap();
    let before = text(&client, "select string_agg(t::text, ';' order by id) from public.things t").await;
    let runs = number(&client, "select count(*) from sqlmig.run").await;
    let refused = format!("run {newer} --plan {file}");
    things.sqlmig(&db, &refused).await.code(3).says(&[
        "public.things: 1 rows to update were planned, now it would be 2",
        "hint: ",
        "nothing was done",
    ]);
    assert_eq!(text(&client, "select string_agg(t::text, ';' order by id) from public.things t").await, before);
    assert_eq!(number(&client, "select count(*) from sqlmig.run").await, runs);
    client.batch_execute("update public.things set name = 'a' where id = 1").await.unwrap();
    things.sqlmig(&db, &format!("run {newer} --plan {file} --table things")).await.code(3).says(&["option scope"]);

    // Another dump under the same name, another project, another shape of the target.
    let other = things.dump(&["1|a|1|\\N|\\N|\\N", "2|b|4|\\N|\\N|\\N"]).display().to_string();
    things.sqlmig(&db, &format!("run {other} --plan {file}")).await.code(3).says(&["source: ", "SHA-256"]);
    let newer = things.dump(&["1|a|1|\\N|\\N|\\N", "2|b|3|\\N|\\N|\\N"]).display().to_string();
    client.batch_execute("alter table public.things add column more text").await.unwrap();
    things.sqlmig(&db, &format!("run {newer} --plan {file}")).await.code(3).says(&["schema: "]);
    client.batch_execute("alter table public.things drop column more").await.unwrap();
    let things = things.check("another", "warn", "select _row, 'x' as reason from {{ rows }} as r where false");
    things.sqlmig(&db, &format!("run {newer} --plan {file}")).await.code(3).says(&["project: "]);

    // What is no plan is said to be none.
    fs::write(&file, "{}").unwrap();
    things.sqlmig(&db, &format!("run {newer} --plan {file}")).await.code(2).says(&["no format", "hint: "]);
    things.sqlmig(&db, &format!("run - --plan {file}x")).await.code(2).says(&["cannot be read"]);
}

#[tokio::test]
async fn a_run_that_was_stopped_goes_on_by_its_plan() {
    let (db, free) = (TestDb::new("plan_resumed").await, TestDb::new("plan_free").await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json").display().to_string();
    let dump = fixture("docs.sql.gz");
    sqlmig(&db, &format!("plan {dump} --save {file}")).await.code(0);
    let client = db.connect().await;
    // The second batch of documents is refused for as long as a trigger says so.
    sqlmig(&db, "migrate").await.code(0);
    // Migrating changed what is pending: the plan is made again.
    sqlmig(&db, &format!("run {dump} --plan {file}")).await.code(3).says(&["was planned and is not pending now"]);
    sqlmig(&db, &format!("plan {dump} --save {file}")).await.code(0);
    let failing = "create function public.stop() returns trigger language plpgsql as \
                   $$ begin if (select count(*) from public.documents) >= 50 then raise 'full' using errcode = '53100'; end if; return new; end $$;
                   create trigger stop before insert on public.documents for each statement execute function public.stop()";
    client.batch_execute(failing).await.unwrap();
    let line = format!("run {dump} --plan {file} --batch-size 50 --parallel 1");
    let stopped = sqlmig(&db, &line).await;
    assert_ne!(stopped.code, 0, "{}", stopped.stderr);
    assert!(number(&client, "select count(*) from public.documents").await > 0);
    client.batch_execute("drop trigger stop on public.documents").await.unwrap();
    sqlmig(&db, &line).await.code(0);
    sqlmig(&free, &format!("run {dump}")).await.code(0);
    assert_eq!(state(&client).await, state(&free.connect().await).await);
}

#[tokio::test]
async fn a_plan_of_a_tree_counts_what_is_deleted() {
    let db = TestDb::from(&MIGRATED, "plan_tree").await;
    let tree = tempfile::tempdir().unwrap();
    let write = |name: &str, body: &str| {
        fs::write(tree.path().join(name), format!("# {name}\n\n{body}\n")).unwrap();
    };
    write("stays.md", "A page that stays as it is, and says something about mills.");
    write("changes.md", "A page that changes.");
    write("goes.md", "A page that goes, with all that it says.");
    let source = format!("--source rust:tree={} --prune", tree.path().display());
    sqlmig(&db, &format!("run {source}")).await.code(0);
    write("changes.md", "A page that has changed since.");
    write("comes.md", "A page that was not there.");
    fs::remove_file(tree.path().join("goes.md")).unwrap();
    let plan = sqlmig(&db, &format!("plan {source} --output json")).await.code(0).json();
    let report = sqlmig(&db, &format!("run {source} --output json")).await.code(0).json();
    for table in report["tables"].as_array().unwrap().iter().filter(|table| table["used"] == true) {
        let source = table["source"].as_str().unwrap();
        assert_eq!(fate(&plan, source), books(&report, source), "{source}");
    }
    let of = |list: &Value, name: &str| -> Value {
        list.as_array().unwrap().iter().find(|step| step["transform"] == name).unwrap().clone()
    };
    let planned = of(&plan["promote"], "documents_gone")["rows"]["delete"].as_i64().unwrap();
    let done = of(&report["targets"], "documents_gone");
    assert_eq!((planned, done["rows_deleted"].as_i64().unwrap()), (1, 1), "{done}");
}

#[tokio::test]
async fn rows_that_a_project_lets_in_only_with_an_embedding_are_planned_as_rejected() {
    let things = Things::new().with(
        "transforms/embed/wanted.sql",
        "--! summary: A thing has a vector of its name\n--! on: things\n--! severity: reject\n\
         select _row, name as text from {{ rows }} as things where name <> 'known'\n",
    );
    let db = TestDb::new("plan_embed").await;
    let dump = things.dump(&["1|a|1|\\N|\\N|\\N", "2|known|2|\\N|\\N|\\N"]).display().to_string();
    let plan = things.sqlmig(&db, &format!("plan {dump}")).await.code(0).json();
    let report = things.sqlmig(&db, &format!("run {dump}")).await.code(0).json();
    assert_eq!((fate(&plan, "public.things"), books(&report, "public.things")), ([1, 0, 0, 0, 1], [1, 0, 0, 0, 1]));
    assert_eq!((&plan["embeddings"][0]["rows"], &plan["embeddings"][0]["texts"]), (&1.into(), &1.into()));
}

#[tokio::test]
async fn a_plan_says_what_a_run_would_take_and_what_is_not_in_that() {
    let db = TestDb::from(&MIGRATED, "plan_estimate").await;
    let line = format!("plan {}", fixture("docs.sql.gz"));
    let plan = sqlmig(&db, &format!("{line} --output json")).await.code(0).json();
    let estimate = &plan["estimate"];
    let [staging, target, index, undo, wal, stage, check, promote] = [
        "staging_bytes",
        "target_bytes",
        "index_bytes",
        "undo_bytes",
        "wal_bytes",
        "stage_ms",
        "check_ms",
        "promote_ms",
    ]
    .map(|name| estimate[name].as_i64().unwrap_or_else(|| panic!("no {name} in {estimate}")));
    // 2.6 MB of gzip hold some 5 MB of rows, most of which are written once.
    assert!((1 << 20..64 << 20).contains(&staging) && (1 << 19..staging * 2).contains(&target), "{estimate}");
    assert!(index > 0 && wal == target + index + undo, "{estimate}");
    assert!(stage > 0 && check >= 0 && promote > 0, "{estimate}");
    // Nothing is there yet: of each row that is inserted its key is kept, and no old row.
    let inserted = |step: &Value| step["rows"]["insert"].as_i64().unwrap_or_default();
    let rows: i64 = plan["promote"].as_array().unwrap().iter().map(inserted).sum();
    assert!(rows > 100 && undo >= rows * 100 && undo < rows * 1000, "{undo} for {rows} rows");
    assert_eq!(estimate["indexes_built"], serde_json::json!(["documents_embedding"]));
    let texts: i64 = plan["embeddings"].as_array().unwrap().iter().map(|one| one["texts"].as_i64().unwrap()).sum();
    assert!(texts > 0, "{}", plan["embeddings"]);
    let shown = sqlmig(&db, &line).await.code(0).stdout;
    let besides = format!("not estimated: building index documents_embedding, fetching embeddings of {texts} texts");
    assert!(shown.contains("to promote") && shown.contains(&besides), "{shown}");
    // An index that is there is not built again.
    sqlmig(&db, "index").await.code(0);
    let plan = sqlmig(&db, &format!("{line} --output json")).await.code(0).json();
    assert_eq!(plan["estimate"]["indexes_built"], serde_json::json!([]));
    assert!(!sqlmig(&db, &line).await.code(0).stdout.contains("building index"));
}

#[tokio::test]
async fn a_plan_has_the_sql_of_pending_migrations() {
    let (db, things) = (TestDb::new("plan_migrations").await, Things::new());
    let line = format!("plan {}", things.dump(&["1|a|1|\\N|\\N|\\N"]).display());
    let plan = things.sqlmig(&db, &line).await.code(0).json();
    let migrations = plan["migrations"].as_array().unwrap();
    assert_eq!(migrations.len(), plan["pending_migrations"].as_array().unwrap().len());
    let own: Vec<&Value> = migrations.iter().filter(|migration| migration["name"] == "V1__things").collect();
    let file = fs::read_to_string(things.path().join("migrations/V1__things.sql")).unwrap();
    assert_eq!((own.len(), own[0]["sql"].as_str().unwrap().trim()), (1, file.trim()));
    let shown = sqlmig(&db, &format!("{line} --verbose --project {}", things.path().display())).await.code(0).stdout;
    assert!(shown.contains("doubled integer generated always as (id * 2) stored"), "{shown}");
    things.sqlmig(&db, "migrate").await.code(0);
    let plan = things.sqlmig(&db, &line).await.code(0).json();
    assert_eq!((&plan["migrations"], &plan["pending_migrations"]), (&serde_json::json!([]), &serde_json::json!([])));
}

#[tokio::test]
async fn a_plan_is_followed_only_where_it_was_made_and_as_what_it_is() {
    let things = Things::new()
        .with("migrations/V2__watched.sql", "create table public.watched (id integer primary key);\n")
        .check(
            "watched",
            "warn",
            "select _row, 'watched' as reason from {{ rows }} as things where id in (select id from public.watched)",
        );
    let (db, other) = (TestDb::new("plan_here").await, TestDb::new("plan_there").await);
    for db in [&db, &other] {
        things.sqlmig(db, "migrate").await.code(0);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json").display().to_string();
    let dump = things.dump(&["1|a|1|\\N|\\N|\\N", "2|b|2|\\N|\\N|\\N"]).display().to_string();
    let run = format!("run {dump} --plan {file}");
    let client = db.connect().await;
    let runs = "select count(*) from sqlmig.run";

    // One that compared nothing promises nothing.
    things.sqlmig(&db, &format!("plan {dump} --quick --save {file}")).await.code(0);
    things.sqlmig(&db, &run).await.code(3).says(&["made without comparing rows", "--quick", "nothing was done"]);

    things.sqlmig(&db, &format!("plan {dump} --save {file}")).await.code(0);
    things.sqlmig(&other, &run).await.code(3).says(&["database: ", " was planned for, this is "]);
    assert_eq!(number(&other.connect().await, runs).await, 0);

    // The rows would become what was planned, and a check has something else to say of them.
    client.batch_execute("insert into public.watched values (2)").await.unwrap();
    things.sqlmig(&db, &run).await.code(3).says(&["check watched: it found 0 rows, and finds 1"]);
    assert_eq!(number(&client, runs).await, 0);
    client.batch_execute("delete from public.watched").await.unwrap();
    things.sqlmig(&db, &run).await.code(0);
}
