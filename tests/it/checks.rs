//! What stops a load, each with a small project of its own, and what does not.

use serde_json::Value;

use crate::harness::TestDb;
use crate::program::{Things, number, text};

const ROWS: [&str; 3] = ["1|one|1.5|{}|{a,b}|x", "2|two|2|{}|{}|y", "3|three|\\N|\\N|\\N|\\N"];

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap()
}

async fn things_in(db: &TestDb) -> i64 {
    number(&db.connect().await, "select count(*) from public.things").await
}

#[tokio::test]
async fn severity_decides_what_a_finding_does() {
    let db = TestDb::new("severity").await;
    let select = "select _row, 'two is wrong' as reason from {{ rows }} as things where name = 'two'";
    let report = Things::new().check("twos", "warn", select).run(&db, &ROWS).await.code(0).json();
    assert_eq!((&check(&report, "twos")["rows_failed"], &report["run"]["state"]), (&1.into(), &"done".into()));
    assert_eq!(things_in(&db).await, 3);

    let db = TestDb::new("severity").await;
    let things = Things::new().check("twos", "error", select);
    let outcome = things.run(&db, &ROWS).await.code(3).says(&["twos on public.things (1 rows)", "hint: "]);
    let report = outcome.json();
    // All checks have run, and the report has them and the reason.
    assert_eq!(check(&report, "name_missing")["rows_failed"], 0);
    assert_eq!(report["samples"][0]["reason"], "two is wrong");
    assert!(report["run"]["error"].as_str().unwrap().contains("twos"));
    assert_eq!(things_in(&db).await, 0);
    things.sqlmig(&db, "promote").await.code(2).says(&["cannot be promoted yet"]);

    let db = TestDb::new("severity").await;
    let report = Things::new().check("twos", "reject", select).run(&db, &ROWS).await.code(0).json();
    assert_eq!((&report["tables"][0]["rows_quarantined"], &report["tables"][0]["balanced"]), (&1.into(), &true.into()));
    assert_eq!(things_in(&db).await, 2);
    let kept = "select concat_ws(' ', source, row, check_name, reason, staged ->> 'name') from sqlmig.quarantine";
    assert_eq!(text(&db.connect().await, kept).await, "public.things 2 twos two is wrong two");
}

#[tokio::test]
async fn a_check_can_not_write() {
    let db = TestDb::new("writing").await;
    let function = "create table public.traces (at text);\ncreate function public.leave_trace() returns text language sql as $$ insert into public.traces values ('here') returning at $$;";
    let things = Things::new().with("migrations/V2__traces.sql", function).check(
        "writes",
        "warn",
        "select _row, public.leave_trace() as reason from {{ rows }} as things",
    );
    things
        .run(&db, &ROWS)
        .await
        .says(&["a check may only read", "check writes on public.things", "SQLSTATE 25006"])
        .code(2);
    assert_eq!(number(&db.connect().await, "select count(*) from public.traces").await, 0);
}

#[tokio::test]
async fn a_cast_that_fails_takes_one_row_out_and_aborts_nothing() {
    let db = TestDb::new("casts").await;
    let rows =
        ["1|one|1e3|{}|{a}|x", "two|two|2|{}|{}|y", "3|three|many|{\"a\":|{a|\\N", "99999999999|four|NaN|1|\\N|z"];
    let report = Things::new().run(&db, &rows).await.code(0).json();
    let reasons: Vec<&str> = report["samples"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|found| found["check"] == "cast")
        .filter_map(|found| found["reason"].as_str())
        .collect();
    assert_eq!(
        reasons,
        [
            "id is not a valid integer: 'two'",
            "amount is not a valid numeric: 'many'; extra is not a valid json: '{\"a\":'; tags is not a valid text[]: '{a'",
            "id is not a valid integer: '99999999999'",
        ]
    );
    assert_eq!(report["tables"][0]["rows_quarantined"], 3);
    assert_eq!(text(&db.connect().await, "select things from public.things").await, "(1,one,1000,{},{a},x,2)");
}

#[tokio::test]
async fn a_duplicate_rule_that_would_lose_a_row_is_refused_by_name() {
    for (select, reason) in [
        (
            "select _source, _row, _source as _winner_source, _row % 3 + 1 as _winner_row from {{ rows }} as r",
            "is merged into a row that is merged itself",
        ),
        (
            "select _source, 2 as _row, _source as _winner_source, _row as _winner_row from {{ rows }} as r where _row <> 2",
            "is merged twice",
        ),
        (
            "select _source, _row, _source as _winner_source, _row as _winner_row from {{ rows }} as r where _row = 1",
            "is merged into itself",
        ),
        (
            "select _source, _row, _source as _winner_source, null::bigint as _winner_row from {{ rows }} as r where _row = 1",
            "names no row, or no winner",
        ),
        (
            "select _source, _row, _source as _winner_source, 99 as _winner_row from {{ rows }} as r where _row = 1",
            "is merged into a row that is not there",
        ),
        (
            "select _source, 99 as _row, _source as _winner_source, 1 as _winner_row from {{ rows }} as r where _row = 1",
            "is not there",
        ),
    ] {
        let db = TestDb::new("dedup").await;
        let outcome = Things::new().dedup("greedy", select).run(&db, &ROWS).await.code(2);
        outcome.says(&["duplicate rule greedy", "public.things", reason, "hint: "]);
        assert_eq!(things_in(&db).await, 0, "{reason}");
    }
}

#[tokio::test]
async fn rows_of_one_key_are_refused_before_anything_is_written() {
    let db = TestDb::new("same_key").await;
    let rows = ["1|one|\\N|\\N|\\N|\\N", "2|two|\\N|\\N|\\N|\\N", "1|uno|\\N|\\N|\\N|\\N"];
    let things = Things::new();
    things.run(&db, &rows).await.code(3).says(&[
        "promote/things.sql",
        "public.things",
        "1 (2 rows)",
        "transforms/dedup",
    ]);
    let done = "select count(*) from sqlmig.batch where state <> 'pending'";
    assert_eq!((things_in(&db).await, number(&db.connect().await, done).await), (0, 0));
    let rule = "select _source, _row, first_source as _winner_source, first_row as _winner_row from (select _source, _row, first_value(_source) over w as first_source, first_value(_row) over w as first_row from {{ rows }} as r window w as (partition by id order by _row)) as r where _row <> first_row";
    let report = things.dedup("same_id", rule).run(&db, &rows).await.code(0).json();
    assert_eq!((&report["tables"][0]["rows_merged"], &report["tables"][0]["rows_inserted"]), (&1.into(), &2.into()));
    assert_eq!(text(&db.connect().await, "select name from public.things where id = 1").await, "one");
}

#[tokio::test]
async fn a_promote_select_that_loses_or_repeats_rows_is_rolled_back() {
    const FILE: &str = "transforms/promote/things.sql";
    let select = "select id, name, amount, extra, tags, note from {{ rows }} as things";
    for (other, reason) in [
        (format!("{select} where name <> 'two'"), "yields 2 rows for 3"),
        (format!("{select} limit 2"), "yields 2 rows for 3"),
        (format!("{select} union all select 4, 'four', null, null, null, null"), "yields 4 rows for 3"),
        (format!("{select} cross join generate_series(1, 2)"), "(2 rows)"),
    ] {
        let db = TestDb::new("losing").await;
        let outcome = Things::new().replacing(FILE, select, &other).run(&db, &ROWS).await;
        outcome.code(3).says(&["promote/things.sql", reason]);
        assert_eq!(things_in(&db).await, 0, "{other}");
    }
}

#[tokio::test]
async fn what_does_not_fit_the_target_is_told_before_it_is_tried() {
    const FILE: &str = "transforms/promote/things.sql";
    for (old, new, reason) in [
        ("name, amount", "name as title, amount", "has no column \"title\""),
        ("id, name", "name", "needs a value in column \"id\""),
        ("name, amount", "amount", "needs a value in column \"name\""),
        ("--! key: id", "--! key: id, name", "no unique index on exactly (id, name)"),
        ("--! key: id", "--! key: name", "no unique index on exactly (name)"),
        ("--! key: id", "--! key: note", "no unique index on exactly (note)"),
        ("note from", "note, 2 as doubled from", "is generated by the server"),
        ("target: public.things", "target: public.other", "no table public.other"),
        ("name, amount", "nam, amount", "column \"nam\" does not exist"),
    ] {
        let db = TestDb::new("fit").await;
        let unique = "create unique index on public.things (note);
            alter table public.things add unique (name) deferrable;";
        let things = Things::new().with("migrations/V2__note.sql", unique).replacing(FILE, old, new);
        things.run(&db, &ROWS).await.code(2).says(&["promote/things.sql", reason]);
        assert_eq!(things_in(&db).await, 0, "{new}");
    }
}

#[tokio::test]
async fn every_kind_of_column_comes_to_rest() {
    let db = TestDb::new("columns").await;
    let things = Things::new();
    let rows = ["1|one|1.50|{\"b\": 1,  \"a\": 2}|{a,NULL,\"c d\"}|x", "2|two|\\N|\\N|\\N|\\N", "3||-0.000|null|{}|"];
    things.run(&db, &rows).await.code(0);
    let client = db.connect().await;
    let all = "select string_agg(things::text, ' ' order by id) from public.things";
    assert_eq!(
        text(&client, all).await,
        "(1,one,1.50,\"{\"\"b\"\": 1,  \"\"a\"\": 2}\",\"{a,NULL,\"\"c d\"\"}\",x,2) (2,two,,,,,4) (3,\"\",0.000,null,{},\"\",6)"
    );
    let report = things.run(&db, &rows).await.code(0).json();
    assert_eq!(report["tables"][0]["rows_unchanged"], 3);
    // From a value to null and back, and a json that differs as text only.
    let rows = ["1|one|\\N|{\"b\":1,\"a\":2}|{a,NULL,\"c d\"}|x", "2|two|7|1|{z}|n", "3||-0.000|null|{}|"];
    let report = things.run(&db, &rows).await.code(0).json();
    assert_eq!((&report["tables"][0]["rows_updated"], &report["tables"][0]["rows_unchanged"]), (&2.into(), &1.into()));
    let report = things.run(&db, &rows).await.code(0).json();
    assert_eq!(report["tables"][0]["rows_unchanged"], 3);
}

#[tokio::test]
async fn a_row_that_normalise_drops_unbalances_the_books() {
    let db = TestDb::new("books").await;
    let things =
        Things::new().replacing("transforms/normalise/things.sql", "as staged", "as staged where name <> 'two'");
    let outcome = things.run(&db, &ROWS).await.code(3);
    let outcome =
        outcome.says(&["the books do not balance", "public.things: 3 read, but 2 promoted + 0 merged + 0 quarantined"]);
    let report = outcome.json();
    assert_eq!((&report["tables"][0]["balanced"], &report["run"]["state"]), (&false.into(), &"failed".into()));
    things.sqlmig(&db, "validate").await.code(3);
}

#[tokio::test]
async fn a_proof_that_fails_fails_the_run() {
    let db = TestDb::new("proof").await;
    let proof = "--! summary: No thing is called two\n--! on: public.things\n--! severity: error\nselect id::text as row, 'it is called two' as reason from public.things where name = 'two'\n";
    let things = Things::new().with("transforms/validate/twos.sql", proof);
    let report = things.run(&db, &ROWS).await.code(3).says(&["twos (1)", "hint: "]).json();
    assert_eq!(check(&report, "twos")["rows_failed"], 1);
    let named = report["samples"].as_array().unwrap().iter().any(|found| found["subject"] == "2");
    assert!(named, "{}", report["samples"]);
}
