//! A plan says what would happen, and nothing happens.

use crate::harness::TestDb;
use crate::program::{MIGRATED, Things, all_migrations, fixture, sqlmig, text};

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
