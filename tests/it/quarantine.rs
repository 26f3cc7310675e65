//! Rows in quarantine: listed, shown, and tried again once they or the SQL are mended.

use serde_json::{Value, json};

use crate::harness::TestDb;
use crate::program::{MIGRATED, Things, fixture, number, sqlmig, state, text};

const ROWS: [&str; 5] = [
    "1|one|1.5|{}|{a,b}|x",
    "2|\\N|2|{}|{}|y",
    "3|three|many|\\N|\\N|\\N",
    "4|\\N|4|\\N|\\N|\\N",
    "5|five|5|\\N|\\N|\\N",
];

/// What the old run's quarantine holds, besides who retried it.
async fn kept(db: &TestDb, run: &str) -> String {
    let query = format!(
        "select string_agg((to_jsonb(q) - 'retried_by')::text, ' ' order by source, row) from sqlmig.quarantine as q where run_id = '{run}'"
    );
    text(&db.connect().await, &query).await
}

async fn all_things(db: &TestDb) -> String {
    text(
        &db.connect().await,
        "select string_agg(concat_ws(' ', id, name, amount), ', ' order by id) from public.things",
    )
    .await
}

fn run_id(report: &Value) -> &str {
    report["run"]["id"].as_str().unwrap()
}

/// Inserted, updated, unchanged, merged and quarantined.
fn books(report: &Value) -> [i64; 5] {
    ["inserted", "updated", "unchanged", "merged", "quarantined"]
        .map(|name| report["tables"][0][format!("rows_{name}")].as_i64().unwrap())
}

#[tokio::test]
async fn the_quarantine_is_counted_and_listed() {
    let db = TestDb::new("quarantine_list").await;
    let things = Things::new();
    things.sqlmig(&db, "quarantine list").await.code(2).says(&["there is no run"]);
    let report = things.run(&db, &ROWS).await.code(0).json();
    let list = things.sqlmig(&db, "quarantine list").await.code(0).json();
    assert_eq!((&list["format"], list["run"].as_str()), (&1.into(), Some(run_id(&report))));
    assert_eq!(
        list["counts"],
        json!([
            { "source": "public.things", "check": "cast", "code": "cast", "rows": 1, "retried": 0 },
            { "source": "public.things", "check": "name_missing", "code": "name_missing", "rows": 2, "retried": 0 },
        ])
    );
    let rows: Vec<i64> = list["rows"].as_array().unwrap().iter().map(|row| row["row"].as_i64().unwrap()).collect();
    assert_eq!((rows, &list["more"]), (vec![2, 3, 4], &0.into()));
    let list = things.sqlmig(&db, "quarantine list --check name_missing --table things --limit 1").await.code(0).json();
    assert_eq!(
        (&list["rows"][0]["row"], &list["more"], list["rows"].as_array().unwrap().len()),
        (&2.into(), &1.into(), 1)
    );
    things
        .sqlmig(&db, "quarantine list --table nothing")
        .await
        .code(2)
        .says(&["has no table nothing", "public.things"]);
    let table = sqlmig(&db, &format!("quarantine list --project {}", things.path().display())).await.code(0);
    for part in ["name_missing", "name is missing", "amount is not a valid numeric: 'many'"] {
        assert!(table.stdout.contains(part), "{}", table.stdout);
    }
}

#[tokio::test]
async fn a_row_in_quarantine_is_shown_whole() {
    let db = TestDb::new("quarantine_show").await;
    // A second check finds what the first took out already.
    let select = "select _row, 'amount is even' as reason from {{ rows }} as things where amount % 2 = 0";
    let things = Things::new().check("even", "reject", select);
    things.run(&db, &ROWS).await.code(0);
    let shown = things.sqlmig(&db, "quarantine show public.things 2").await.code(0).json();
    assert_eq!(
        (&shown["row"]["check"], &shown["row"]["reason"], &shown["open"]),
        (&"even".into(), &"amount is even".into(), &true.into())
    );
    assert_eq!(
        shown["found_by"],
        json!([
            { "phase": "check", "check": "even", "severity": "reject", "reason": "amount is even" },
            { "phase": "check", "check": "name_missing", "severity": "reject", "reason": "name is missing" },
        ])
    );
    let staged: Vec<(&str, Option<&str>)> = shown["staged"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| (column["column"].as_str().unwrap(), column["value"].as_str()))
        .collect();
    assert_eq!(
        staged,
        [
            ("id", Some("2")),
            ("name", None),
            ("amount", Some("2")),
            ("extra", Some("{}")),
            ("tags", Some("{}")),
            ("note", Some("y"))
        ]
    );
    things.sqlmig(&db, "quarantine show public.things 1").await.code(2).says(&["row 1 of public.things is not in"]);

    // A row that could not be decoded is shown as it stood in the file, with its place; one that is no text in base64.
    let db = TestDb::from(&MIGRATED, "quarantine_raw").await;
    sqlmig(&db, &format!("run {}", fixture("unreadable.sql.gz"))).await.code(0);
    let list = sqlmig(&db, "quarantine list --check decode --output json").await.code(0).json();
    let mut seen = (false, false);
    for row in list["rows"].as_array().unwrap() {
        let show = format!("quarantine show {} {} --output json", row["source"].as_str().unwrap(), row["row"]);
        let shown = sqlmig(&db, &show).await.code(0).json();
        assert!(shown["row"]["line"].as_i64() > Some(0) && shown["row"]["byte"].as_i64() > Some(0), "{shown}");
        match (&shown["raw"], &shown["raw_base64"]) {
            (Value::String(raw), Value::Null) => seen.0 |= !raw.is_empty(),
            (Value::Null, Value::String(raw)) => seen.1 |= !raw.is_empty(),
            _ => panic!("{shown}"),
        }
    }
    assert_eq!(seen, (true, true));
}

#[tokio::test]
async fn a_corrected_check_lets_its_rows_through() {
    let db = TestDb::new("retry_check").await;
    let things = Things::new();
    let report = things.run(&db, &ROWS).await.code(0).json();
    assert_eq!(books(&report), [2, 0, 0, 0, 3]);
    let old = run_id(&report).to_owned();
    let before = kept(&db, &old).await;
    let client = db.connect().await;
    // As it was, everything fails again: nothing is written.
    let again = things.sqlmig(&db, "quarantine retry --check name_missing").await.code(0).json();
    assert_eq!((books(&again), &again["run"]["parent"]), ([0, 0, 0, 0, 2], &old.clone().into()));
    assert_eq!(all_things(&db).await, "1 one 1.5, 5 five 5");
    // The check is corrected: a name is missing only where there is no note either.
    let things = things
        .replacing("transforms/check/name_missing.sql", "where name is null", "where name is null and note is null")
        .replacing("transforms/normalise/things.sql", "    name,", "    coalesce(name, note) as name,");
    let report = things.sqlmig(&db, "quarantine retry").await.code(0).json();
    // The row whose amount is no number, and the one that has neither name nor note, are out again.
    assert_eq!((books(&report), &report["run"]["state"]), ([1, 0, 0, 0, 2], &"done".into()));
    assert!(report["tables"][0]["balanced"] == true && report["run"]["source"] == format!("quarantine of run {old}"));
    assert_eq!(all_things(&db).await, "1 one 1.5, 2 y 2, 5 five 5");
    // What stood in quarantine stands there still, and names the retry; the books of the old run are the same.
    assert_eq!(kept(&db, &old).await, before);
    let marked = format!("select count(*) from sqlmig.quarantine where run_id = '{old}' and retried_by is not null");
    assert_eq!(number(&client, &marked).await, 3);
    let first = things.sqlmig(&db, &format!("report --run {old}")).await.code(0).json();
    assert_eq!((books(&first), &first["tables"][0]["balanced"]), ([2, 0, 0, 0, 3], &true.into()));
    let told = first["events"].as_array().unwrap().iter().filter(|event| event["kind"] == "retried");
    let told: Vec<&str> = told.filter_map(|event| event["message"].as_str()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    let hash =
        text(&client, &format!("select left(project_hash, 12) from sqlmig.run where id = '{}'", run_id(&report))).await;
    assert!(
        told[0].contains("the same project") && told[1].contains(&format!("by project {hash}, which was")),
        "{told:?}"
    );
    // What is left is what failed again, under the ordinals that it always had.
    let list = things.sqlmig(&db, "quarantine list").await.code(0).json();
    let left: Vec<i64> = list["rows"].as_array().unwrap().iter().map(|row| row["row"].as_i64().unwrap()).collect();
    assert_eq!((left, &list["more"]), (vec![3, 4], &0.into()));
    let shown = things.sqlmig(&db, "quarantine show things 2").await.code(0).json();
    let tries = shown["tries"].as_array().unwrap();
    assert_eq!((tries.len(), &tries[0]["check"], &tries[1]["check"]), (2, &"name_missing".into(), &Value::Null));
    things
        .sqlmig(&db, "quarantine retry things 2")
        .await
        .code(2)
        .says(&["row 2 of public.things was tried again by run"]);
    things.sqlmig(&db, "quarantine retry --check unknown").await.code(2).says(&["no row in the quarantine", "unknown"]);
}

#[tokio::test]
async fn a_row_is_mended_by_hand() {
    let db = TestDb::new("retry_mended").await;
    let things = Things::new();
    let report = things.run(&db, &ROWS).await.code(0).json();
    let old = run_id(&report).to_owned();
    let before = kept(&db, &old).await;
    let retry = async |arguments: &str| things.sqlmig(&db, &format!("quarantine retry {arguments}")).await;
    retry("--set name=x").await.code(2).says(&["--set mends one row"]);
    retry("things 2 --set nome=x").await.code(2).says(&["no column \"nome\"", "id, name, amount"]);
    retry("things 1 --set name=x").await.code(2).says(&["row 1 of public.things is not in the quarantine"]);
    retry("things 9 --set name").await.code(2).says(&["COLUMN=VALUE"]);
    retry("things 2 --set name=a --set-null name").await.code(2).says(&["given twice"]);
    // None of that began anything.
    assert_eq!(number(&db.connect().await, "select count(*) from sqlmig.run").await, 1);
    let report = retry("things 2 --set name=two=2").await.code(0).json();
    assert_eq!(books(&report), [1, 0, 0, 0, 0]);
    let note = things.path().join("note");
    std::fs::write(&note, "of two\nlines\\").unwrap();
    retry(&format!("--table things --row 3 --set-null amount --set-file note={}", note.display())).await.code(0);
    assert_eq!(all_things(&db).await, "1 one 1.5, 2 two=2 2, 3 three, 5 five 5");
    assert_eq!(text(&db.connect().await, "select note from public.things where id = 3").await, "of two\nlines\\");
    assert_eq!(kept(&db, &old).await, before);
    let shown = things.sqlmig(&db, "quarantine show things 3").await.code(0).json();
    assert_eq!(shown["tries"][0]["mended"], json!(["amount", "note"]));
}
