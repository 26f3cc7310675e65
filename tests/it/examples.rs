//! The examples of a project, run on a real server.

use std::fs;

use sqlmig::db::migrate::{MigrationSet, migrate};
use sqlmig::db::{ServerInfo, Target};
use sqlmig::examples::run;
use sqlmig::outcome::ExampleReport;
use sqlmig::project::Project;

use crate::harness::{Template, TestDb};

/// The schema of the built-in project, without a row.
static DOCS: Template = Template::new("docs", |target| Box::pin(async move { prepare(&target).await }));

async fn prepare(target: &Target) {
    let mut client = target.connect().await.unwrap();
    ServerInfo::ensure_pgvector(&client).await.unwrap();
    let project = Project::builtin().unwrap();
    let files = project.migrations.iter().map(|file| (format!("V{}__{}", file.version, file.name), file.sql.clone()));
    for set in [MigrationSet::ledger().unwrap(), MigrationSet::project(&project.name, files).unwrap()] {
        migrate(&mut client, &set).await.unwrap();
    }
    client.close().await;
}

async fn examples(project: &Project, names: &[&str]) -> ExampleReport {
    let db = TestDb::from(&DOCS, "examples").await;
    let pool = crate::program::target(&db).await.pool(1).unwrap();
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut told = 0;
    let report = run(&pool, project, &names, |_| told += 1).await.unwrap();
    assert_eq!(told, report.cases.len());
    let kept = "select (select count(*) from sqlmig.run) + (select count(*) from public.documents) as rows";
    assert_eq!(db.connect().await.query_one(kept, &[]).await.unwrap().get::<_, i64>("rows"), 0);
    report
}

#[tokio::test]
async fn every_example_of_the_built_in_project_holds() {
    let report = examples(&Project::builtin().unwrap(), &[]).await;
    let failed: Vec<String> = report
        .cases
        .iter()
        .filter_map(|case| Some(format!("{}: {}\n{}", case.transform, case.case, case.difference.as_deref()?)))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    assert!(report.cases.len() > 50, "only {} cases ran", report.cases.len());
    assert_eq!(report.without_example, Vec::<String>::new());
}

#[tokio::test]
async fn what_an_example_gets_wrong_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join("transforms").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let given = "[[case.given.\"public.things\"]]\nid = 1\nname = \"a\"\n";
    fs::write(folder.path().join("sqlmig.toml"), "[digest]\n\"public.things\" = [\"name\"]\n").unwrap();
    write(
        "normalise/things.sql",
        "--! summary: things\n--! from: public.things\n--! into: things\n\
         select _row, {{ cast('id', 'integer') }} as id, name, _name_sha256 as name_sha256 from {{ rows }} as staged\n",
    );
    write(
        "check/name.sql",
        "--! summary: a name\n--! on: things\n--! severity: reject\n\
         select _row, 'no name' as reason from {{ rows }} as things where name = ''\n",
    );
    write(
        "check/broken.sql",
        "--! summary: broken\n--! on: things\n--! severity: warn\n\
         select _row, 'x' as reason from {{ rows }} as things where nmae = ''\n",
    );
    write(
        "check/writes.sql",
        "--! summary: writes\n--! on: things\n--! severity: warn\n\
         select _row, pg_catalog.nextval('sqlmig.event_ordinal_seq')::text as reason from {{ rows }} as things\n",
    );
    write(
        "examples/normalise_things.toml",
        &format!(
            "[[case]]\nname = \"another id\"\n{given}[[case.expected]]\nid = 2\n\
             [[case]]\nname = \"a row more\"\nexpected = []\n{given}\
             [[case]]\nname = \"no such column\"\n{given}[[case.expected]]\nnumber = 1\n\
             [[case]]\nname = \"right\"\n{given}[[case.expected]]\n_row = 1\n\
             name_sha256 = '\\xca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'\n\
             [[case]]\nname = \"its own digest\"\n{given}_name_sha256 = '\\x00'\n[[case.expected]]\nname_sha256 = '\\x00'\n\
             [[case]]\nname = \"a target that is not there\"\nexpected = []\n[[case.target.\"public.nothing\"]]\na = 1\n"
        ),
    );
    write("examples/check_broken.toml", &format!("[[case]]\nname = \"fails\"\nexpected = []\n{given}"));
    write("examples/check_writes.toml", &format!("[[case]]\nname = \"fails\"\nexpected = []\n{given}"));
    let project = Project::load(folder.path()).unwrap();

    let report = examples(&project, &[]).await;
    let mut shown = Vec::new();
    let view = sqlmig::report::View { format: sqlmig::report::Format::Table, width: 80, color: false, verbose: false };
    sqlmig::report::render_examples(&report, view, &mut shown).unwrap();
    insta::assert_snapshot!(String::from_utf8(shown).unwrap(), @r#"
    FAIL check/broken: fails
           could not run broken: column "nmae" does not exist (SQLSTATE 42703)
             server's hint: Perhaps you meant to reference the column "things.name".
    FAIL check/writes: fails
           could not run writes: cannot execute nextval() in a read-only transaction (SQLSTATE 25006)
           hint: a transform only reads: leave out the function that writes
    FAIL normalise/things: another id
           expected, and not yielded:
             id
             2
           yielded, and not expected:
             id
             1
    FAIL normalise/things: a row more
           yielded, and not expected:
             _row  id  name  name_sha256
             1     1   a     \xca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785a…
    FAIL normalise/things: no such column
           it yields no column "number"; it yields _row, id, name, name_sha256
    ok   normalise/things: right
    ok   normalise/things: its own digest
    FAIL normalise/things: a target that is not there
           there is no table public.nothing
           hint: correct the name, or add a migration
         check/name: no example
    2 passed, 6 failed; transforms without an example: 1.
    "#);

    let some = examples(&project, &["normalise_th"]).await;
    assert_eq!(some.cases.len(), 6);
    assert_eq!(examples(&project, &["check/broken"]).await.cases.len(), 1);
}
