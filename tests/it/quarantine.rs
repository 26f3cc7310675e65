//! Rows in quarantine: listed, shown, and tried again once they or the SQL are mended.

use serde_json::{Value, json};

use crate::harness::TestDb;
use crate::program::{MIGRATED, Things, finish, fixture, number, on, sqlmig, text};

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
async fn a_retry_has_a_bound_of_its_own() {
    let db = TestDb::new("retry_bound").await;
    // A bound on loads, which the load itself just keeps.
    let things = Things::new();
    let settings = std::fs::read_to_string(things.path().join("sqlmig.toml")).unwrap();
    let things = things.with("sqlmig.toml", &format!("{settings}\n[options]\nmax_rejects = \"60%\"\n"));
    things.run(&db, &ROWS).await.code(0);
    let promoted = all_things(&db).await;
    let things = things
        .replacing("transforms/check/name_missing.sql", "where name is null", "where name is null and note is null")
        .replacing("transforms/normalise/things.sql", "    name,", "    coalesce(name, note) as name,");
    // Of three rows two fail again: that is more than one, and more than half of them.
    for bound in ["1", "50%"] {
        let refused = things.sqlmig(&db, &format!("quarantine retry --max-rejects {bound}")).await.code(3);
        refused.says(&["2 rows", bound]);
        assert_eq!(all_things(&db).await, promoted, "nothing of it is promoted");
    }
    // The same retry goes on with another bound; and the one on loads is none: 67 % of its rows failed.
    let report = things.sqlmig(&db, "quarantine retry").await.code(0).json();
    assert_eq!(
        (books(&report), number(&db.connect().await, "select count(*) from sqlmig.run").await),
        ([1, 0, 0, 0, 2], 2)
    );
    assert_eq!(all_things(&db).await, "1 one 1.5, 2 y 2, 5 five 5");
    let bounded = things.sqlmig(&db, "quarantine retry --check cast --max-rejects 1").await.code(0).json();
    assert_eq!(books(&bounded), [0, 0, 0, 0, 1]);
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

/// The command with a value that has spaces in it.
async fn retry_with(db: &TestDb, arguments: &str, more: &[&str]) -> crate::program::Outcome {
    let mut command = on(db, &format!("quarantine retry {arguments} --output json")).await;
    command.args(more);
    finish(command).await
}

#[tokio::test]
async fn a_mended_column_gets_a_new_digest_and_the_others_keep_theirs() {
    let db = TestDb::from(&MIGRATED, "retry_digest").await;
    let client = db.connect().await;
    sqlmig(&db, &format!("run {}", fixture("docs.sql.gz"))).await.code(0);
    let (empty, zero) = (
        number(&client, "select min(row) from sqlmig.quarantine where check_name = 'content_empty'").await,
        number(&client, "select min(row) from sqlmig.quarantine where check_name = 'embedding_zero'").await,
    );
    let mended = "content=Mended,\twith a tab";
    let report =
        retry_with(&db, &format!("documents {empty}"), &["--set", mended, "--set", "token_count=5"]).await.code(0);
    assert_eq!(books(&report.json()), [1, 0, 0, 0, 0]);
    let promoted = format!(
        "select d.content = e'Mended,\\twith a tab' and d.content_sha256 = sha256(convert_to(d.content, 'UTF8'))
            and d.embedding_sha256 = (q.staged ->> '_embedding_sha256')::bytea
            and d.embedding_sha256 = sha256(vector_send(d.embedding))
        from public.documents as d, sqlmig.quarantine as q
        where q.source = 'public.documents' and q.row = {empty} and d.id = (q.staged ->> 'id')::uuid"
    );
    assert_eq!(text(&client, &promoted).await, "true");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("embedding");
    std::fs::write(&file, format!("[{}]", vec!["0.5"; 3072].join(","))).unwrap();
    retry_with(&db, &format!("documents {zero}"), &["--set", "embedding=[1,"])
        .await
        .code(2)
        .says(&["invalid input syntax"]);
    let report =
        retry_with(&db, &format!("documents {zero} --set-file embedding={}", file.display()), &[]).await.code(0);
    assert_eq!(books(&report.json()), [1, 0, 0, 0, 0]);
    let promoted = format!(
        "select d.embedding_sha256 = sha256(vector_send(d.embedding)) and vector_norm(d.embedding) > 27
            and d.content_sha256 = (q.staged ->> '_content_sha256')::bytea
        from public.documents as d, sqlmig.quarantine as q
        where q.source = 'public.documents' and q.row = {zero} and d.id = (q.staged ->> 'id')::uuid"
    );
    assert_eq!(text(&client, &promoted).await, "true");
    // A digest is not for anybody to give; and one that does not fit is still found.
    let refused = format!(
        "documents {empty} --set _content_sha256=x --run {}",
        text(&client, "select id from sqlmig.run where parent is null").await
    );
    retry_with(&db, &refused, &[]).await.code(2);
    let other = number(&client, "select max(row) from sqlmig.quarantine where check_name = 'content_empty'").await;
    let tamper = format!(
        "update sqlmig.quarantine set staged = jsonb_set(staged, '{{content}}', '\"other\"') where source = 'public.documents' and row = {other}"
    );
    client.batch_execute(&tamper).await.unwrap();
    let report = retry_with(&db, &format!("documents {other} --set token_count=5"), &[]).await.code(0).json();
    assert_eq!(report["quarantine"][0]["check"], "checksum", "{}", report["quarantine"]);
}

#[tokio::test]
async fn a_row_that_could_not_be_decoded_is_mended() {
    let db = TestDb::from(&MIGRATED, "retry_raw").await;
    let client = db.connect().await;
    sqlmig(&db, &format!("run {}", fixture("unreadable.sql.gz"))).await.code(0);
    sqlmig(&db, "quarantine retry").await.code(2).says(&["4 rows that are meant could not be decoded", "--set"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("embedding");
    std::fs::write(&file, format!("[{}]", vec!["0.5"; 3072].join(","))).unwrap();
    let embedding = format!("--set-file embedding={}", file.display());
    // Without a word on how the row was written nothing of it is guessed.
    client
        .batch_execute(
            "create table recorded as select source, row, form, fields, encoding from sqlmig.quarantine;
            update sqlmig.quarantine set fields = null, form = null, encoding = null",
        )
        .await
        .unwrap();
    retry_with(&db, &format!("documents 17 {embedding}"), &[]).await.code(2).says(&[
        "how the row was written is not recorded",
        "id, doc_type, source_name, doc_path, content, metadata, token_count, created_at, updated_at",
    ]);
    let written = "update sqlmig.quarantine as q set form = r.form, fields = r.fields, encoding = r.encoding from recorded as r where (r.source, r.row) = (q.source, q.row)";
    client.batch_execute(written).await.unwrap();
    // Tried as it is, it is told what is wrong with it.
    retry_with(&db, "documents 17", &[]).await.code(2).says(&["cannot be decoded", "[a]"]);
    let report = retry_with(&db, &format!("documents 17 {embedding}"), &[]).await.code(0).json();
    assert_eq!(books(&report), [1, 0, 0, 0, 0]);
    // What stood in the file stays as it was, beside the row that it became.
    let raw = "select count(*) = 1 from sqlmig.quarantine as q join public.documents as d on d.doc_path = split_part(convert_from(q.raw, 'UTF8'), E'\\t', 4) where q.source = 'public.documents' and q.row = 17 and vector_dims(d.embedding) = 3072";
    assert_eq!(text(&client, raw).await, "true");
    // Bytes that are no text: the column that they stand in is given, the others are read.
    retry_with(&db, "documents 12 --set token_count=1", &[]).await.code(2).says(&["UTF8", "content"]);
    let report = retry_with(&db, "documents 12 --set content=Mended --set token_count=2", &[]).await.code(0).json();
    assert_eq!(books(&report), [1, 0, 0, 0, 0]);
    let mended = "select content = 'Mended' and token_count = 2 and metadata ->> 'crate_name' = 'futures' and vector_dims(embedding) = 3072 from public.documents where doc_path like '%struct.Iter12.html'";
    assert_eq!(text(&client, mended).await, "true");
    // One field too many: which, nobody knows, so all columns are given.
    retry_with(&db, "documents 19 --set content=Mended", &[]).await.code(2).says(&["id, doc_type", "what stands in"]);
    let all = format!(
        "documents 19 --set id=0866c8f0-a526-498e-9e29-5f281c476980 --set doc_type=meteora --set source_name=meteora-damm \
         --set doc_path=a --set content=b --set metadata={{\"category\":\"x\",\"topic\":\"x\",\"format\":\"x\",\"complexity\":\"x\",\"original_doc_type\":\"x\"}} {embedding} --set token_count=1 \
         --set created_at=2025-06-12 --set updated_at=2025-09-16"
    );
    let report = retry_with(&db, &all, &[]).await.code(0).json();
    assert_eq!(books(&report), [1, 0, 0, 0, 0], "{}", report["samples"]);
    let left = sqlmig(&db, "quarantine list --output json").await.code(0).json();
    assert_eq!((&left["rows"][0]["row"], left["rows"].as_array().unwrap().len()), (&22.into(), 1));
}

#[tokio::test]
async fn a_retry_that_was_stopped_is_gone_on_with() {
    let db = TestDb::new("retry_stopped").await;
    let things = Things::new().with("sqlmig.toml", "[project]\nname = \"things\"\n[options]\nbatch_size = 1\n");
    things.run(&db, &ROWS).await.code(0);
    let client = db.connect().await;
    let refuse = "create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'not four' using errcode = 'insufficient_privilege'; end $$;
        create trigger refuse before insert on public.things for each row when (new.id = 4) execute function public.refuse()";
    client.batch_execute(refuse).await.unwrap();
    let things = things.replacing("transforms/check/name_missing.sql", "where name is null", "where false").replacing(
        "transforms/normalise/things.sql",
        "    name,",
        "    coalesce(name, 'nameless') as name,",
    );
    let stopped = things.sqlmig(&db, "quarantine retry --check name_missing").await.says(&["not four"]).json();
    // Rows 2 and 4 lie apart, and have a batch each all the same.
    assert_eq!((&stopped["run"]["state"], &stopped["batches"]["done"]), (&"failed".into(), &1.into()));
    assert_eq!(all_things(&db).await, "1 one 1.5, 2 nameless 2, 5 five 5");
    // It has promoted something, so nothing else begins before it is at its end.
    let refused = things.sqlmig(&db, "quarantine retry --check cast").await.code(2);
    refused.says(&[run_id(&stopped), "is checked: it is not at its end", "the same sqlmig quarantine retry"]);
    // A crash of the server takes the staged rows with it.
    client.batch_execute("truncate staging.things, sqlmig.canary; drop trigger refuse on public.things").await.unwrap();
    let report = things
        .sqlmig(&db, "quarantine retry --check name_missing")
        .await
        .code(0)
        .says(&["staged again from the ledger"]);
    let report = report.json();
    assert_eq!((run_id(&report), &report["run"]["state"]), (run_id(&stopped), &"done".into()));
    assert_eq!(books(&report), [2, 0, 0, 0, 0]);
    assert_eq!(all_things(&db).await, "1 one 1.5, 2 nameless 2, 4 nameless 4, 5 five 5");
    // At its end, the same words find nothing left.
    things.sqlmig(&db, "quarantine retry --check name_missing").await.code(2).says(&["no row in the quarantine"]);
}

#[tokio::test]
async fn a_retry_that_promoted_nothing_gives_its_rows_back() {
    let db = TestDb::new("retry_back").await;
    let things = Things::new();
    things.run(&db, &ROWS).await.code(0);
    let client = db.connect().await;
    // The corrected project has a check that blocks everything.
    let things = things
        .replacing("transforms/normalise/things.sql", "    name,", "    coalesce(name, 'nameless') as name,")
        .check("blocks", "error", "select _row, 'no' as reason from {{ rows }} as things");
    let blocked = things.sqlmig(&db, "quarantine retry").await.code(3).says(&["blocks on public.things"]).json();
    let things = things.without("transforms/check/blocks.sql");
    let report = things.sqlmig(&db, "quarantine retry").await.code(0).json();
    assert_eq!(books(&report), [2, 0, 0, 0, 1]);
    let state = format!("select state from sqlmig.run where id = '{}'", run_id(&blocked));
    assert_eq!(text(&client, &state).await, "superseded");
    // So does one that was taken back: its own quarantine counts no more.
    let list = async || {
        let list = things.sqlmig(&db, "quarantine list").await.code(0).json();
        let rows = list["rows"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| (row["row"].as_i64().unwrap(), row["check"].as_str().unwrap().to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(list().await, [(3, "cast".to_owned())]);
    things.sqlmig(&db, &format!("rollback --run {} --yes", run_id(&report))).await.code(0);
    assert_eq!(list().await, [(2, "name_missing".to_owned()), (3, "cast".to_owned()), (4, "name_missing".to_owned())]);
    let report = things.sqlmig(&db, "quarantine retry things 4").await.code(0).json();
    assert_eq!(books(&report), [1, 0, 0, 0, 0]);
}

#[tokio::test]
async fn what_another_run_has_staged_is_not_thrown_away() {
    let db = TestDb::new("retry_unfinished").await;
    let things = Things::new();
    things.run(&db, &ROWS).await.code(0);
    let old = things.sqlmig(&db, "report").await.json();
    let dump = things.dump(&ROWS);
    // The same dump is loaded whole already.
    let staged = things.sqlmig(&db, &format!("stage {} --restart --yes", dump.display())).await.code(0).json();
    for arguments in ["", &*format!("--run {}", run_id(&old))] {
        let refused = things.sqlmig(&db, &format!("quarantine retry {arguments}")).await.code(2);
        refused.says(&[
            run_id(&staged),
            "is staged: it is not at its end",
            "sqlmig run SOURCE",
            "sqlmig rollback --run",
        ]);
    }
    assert_eq!(number(&db.connect().await, "select count(*) from staging.things").await, 5);
    // Another project's rows are not tried by this one.
    let other = things.replacing("sqlmig.toml", "name = \"things\"", "name = \"others\"");
    other.sqlmig(&db, "quarantine retry").await.code(2).says(&["is of project things, and this is project others"]);
}

/// A number of them is judged while rows arrive: the source is not read to its end for nothing.
#[tokio::test]
async fn max_rejects_stops_staging_at_once() {
    let (db, things) = (TestDb::new("max_staged").await, Things::new());
    let dump = things.dump(&["1|one|1|\\N|\\N|\\N", "2|two|2|\\N|\\N", "3|three|3|\\N|\\N", "4|four|4|\\N|\\N|\\N"]);
    for (limit, code) in [(0, 3), (1, 3), (2, 0)] {
        let stage = format!("stage --restart --yes {} --max-rejects {limit}", dump.display());
        let outcome = things.sqlmig(&db, &stage).await.code(code);
        if code == 3 {
            outcome.says(&[&format!("2 rows could not be decoded, more than the {limit}")]);
        } else {
            let table = &outcome.json()["tables"][0];
            assert_eq!((&table["rows_read"], &table["rows_quarantined"]), (&4.into(), &2.into()));
        }
    }
}

/// Rows that cannot be decoded and rows that checks take out count together, against the rows read.
#[tokio::test]
async fn max_rejects_counts_what_the_decoder_and_the_checks_took_out() {
    let rows = [
        "1|one|1|\\N|\\N|\\N",
        "2|two|2|\\N|\\N",
        "3|\\N|3|\\N|\\N|\\N",
        "4|four|4|\\N|\\N|\\N",
        "5|five|5|\\N|\\N|\\N",
    ];
    let things = Things::new();
    let dump = things.dump(&rows);
    for (limit, code) in [("1", 3), ("39.9%", 3), ("0%", 3), ("2", 0), ("40%", 0)] {
        let db = TestDb::new("max_rejects").await;
        let outcome = things.sqlmig(&db, &format!("run {} --max-rejects {limit}", dump.display())).await.code(code);
        let report = outcome.json();
        let promoted = number(&db.connect().await, "select count(*) from public.things").await;
        assert_eq!(promoted, if code == 0 { 3 } else { 0 }, "{limit}");
        assert_eq!(report["tables"][0]["rows_quarantined"], if limit == "0%" { 1 } else { 2 }, "{limit}");
        if code == 3 {
            things.sqlmig(&db, "promote").await.code(2).says(&["cannot be promoted yet"]);
        }
    }
}
