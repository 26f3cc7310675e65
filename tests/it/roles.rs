//! Least privilege: a run needs no more than docs/roles.md says.

use crate::harness::TestDb;
use crate::program::{MIGRATED, as_role, fixture, number, sqlmig, state};

/// The runner's name here: the page's may be the one that the whole suite's program runs as, and own what it runs on.
const RUNNER: &str = "sqlmig_page_runner";

/// The statements of the page.
fn statements() -> String {
    let page = include_str!("../../docs/roles.md");
    let start = page.find("```sql\n").unwrap() + 7;
    page[start..start + page[start..].find("```").unwrap()].replace("sqlmig_runner", RUNNER)
}

#[tokio::test]
async fn a_runner_needs_only_what_the_page_grants() {
    let (db, free) = (TestDb::from(&MIGRATED, "runner").await, TestDb::from(&MIGRATED, "owner").await);
    let client = db.connect().await;
    client.batch_execute(&statements()).await.unwrap();
    let as_runner = async |arguments: String| as_role(&db, RUNNER, &arguments).await;
    as_runner(format!("run {} --batch-size 50", fixture("docs.sql.gz"))).await.code(0);
    sqlmig(&free, &format!("run {} --batch-size 50", fixture("docs.sql.gz"))).await.code(0);
    assert_eq!(state(&client).await, state(&free.connect().await).await);
    // Again, step by step, with a newer dump.
    as_runner(format!("stage {}", fixture("docs-newer.sql.gz"))).await.code(0);
    for step in ["check", "promote", "validate", "report", "status", "history", "quarantine list"] {
        as_runner(step.to_owned()).await.code(0);
    }
    // It cannot take anything back: that is another role's.
    as_runner("rollback --run 00000000-0000-0000-0000-000000000000 --yes".into()).await.code(2);
    let run = crate::program::text(&client, "select id from sqlmig.run order by started_at desc limit 1").await;
    as_runner(format!("rollback --run {run} --yes")).await.code(2).says(&["42501", "hint: "]);
    assert_eq!(number(&client, "select count(*) from sqlmig.run where state = 'done'").await, 2);
    as_runner("finish --yes".into()).await.code(0);
    // Nothing that was done made it mightier.
    let more = format!(
        "select count(*) from pg_roles where rolname = '{RUNNER}' \
         and (rolsuper or rolcreatedb or rolcreaterole or rolbypassrls or rolreplication)"
    );
    assert_eq!(number(&client, &more).await, 0);
    let may_delete = format!("select has_table_privilege('{RUNNER}', 'public.documents', 'delete')::int");
    assert_eq!(number(&client, &may_delete).await, 0);
}
