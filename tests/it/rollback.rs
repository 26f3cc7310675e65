//! What was promoted is taken back: wholly, by batch, around what others did since, after a kill, and not once too often.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use sqlmig::db::Connection;

use crate::harness::{TestDb, program_role};
use crate::program::{MIGRATED, Outcome, Things, finish, fixture, number, on, sqlmig, state, text};

/// Rows of things with these ids.
fn rows(ids: std::ops::RangeInclusive<i32>, name: &str, amount: i32) -> Vec<String> {
    ids.map(|id| format!("{id}|{name}|{amount}|{{\"a\": {id}}}|{{x,y}}|note {id}")).collect()
}

/// Loads rows with these options; the report.
async fn load(things: &Things, db: &TestDb, rows: &[String], options: &str) -> Value {
    let dump = things.dump(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    things.sqlmig(db, &format!("run {} {options}", dump.display())).await.code(0).json()
}

/// Takes back; what it says.
async fn rollback(things: &Things, db: &TestDb, options: &str) -> Value {
    things.sqlmig(db, &format!("rollback --yes {options}")).await.code(0).json()
}

fn id(report: &Value) -> &str {
    report["run"]["id"].as_str().unwrap()
}

/// All things, in their order.
async fn content(client: &Connection) -> String {
    text(client, "select string_agg(things::text, e'\n' order by id) from public.things").await
}

/// The sums over all final tables: deleted, restored, left.
fn sums(outcome: &Value) -> [i64; 3] {
    let targets = outcome["targets"].as_array().unwrap();
    ["deleted", "restored", "kept"]
        .map(|name| targets.iter().map(|target| target[format!("rows_{name}")].as_i64().unwrap()).sum())
}

/// Why rows were left, by id.
fn kept(outcome: &Value) -> Vec<(i64, String)> {
    let word = |row: &Value| match row["detail"].as_str() {
        Some(detail) => format!("{} {detail}", row["reason"].as_str().unwrap()),
        None => row["reason"].as_str().unwrap().to_owned(),
    };
    let rows = outcome["kept"].as_array().unwrap().iter();
    let mut kept: Vec<_> = rows.map(|row| (row["key"]["id"].as_i64().unwrap(), word(row))).collect();
    kept.sort();
    kept
}

fn left(expected: &[(i64, &str)]) -> Vec<(i64, String)> {
    expected.iter().map(|(id, why)| (*id, (*why).to_owned())).collect()
}

#[tokio::test]
async fn runs_are_taken_back_one_after_the_other_to_where_it_began() {
    let db = TestDb::from(&MIGRATED, "taken_back").await;
    let client = db.connect().await;
    let empty = state(&client).await;
    let run = async |name: &str| {
        sqlmig(&db, &format!("run {} --batch-size 40 --output json", fixture(name))).await.code(0).json()
    };
    let first = run("docs.sql.gz").await;
    let loaded = state(&client).await;
    let second = run("docs-newer.sql.gz").await;
    assert_ne!(state(&client).await, loaded);

    let back = sqlmig(&db, &format!("rollback --run {} --yes --output json", id(&second))).await.code(0).json();
    assert_eq!(state(&client).await, loaded);
    assert_eq!((&back["run"]["state"], &back["kept"]), (&json!("rolled_back"), &json!([])));
    let promoted = |name: &str| -> i64 {
        let targets = second["targets"].as_array().unwrap();
        targets.iter().map(|target| target[format!("rows_{name}")].as_i64().unwrap()).sum()
    };
    assert!(promoted("inserted") > 0 && promoted("updated") > 0);
    assert_eq!(sums(&back), [promoted("inserted"), promoted("updated"), 0]);
    // Its books claim nothing that is not there any more.
    let report = sqlmig(&db, &format!("report --run {} --output json", id(&second))).await.code(0).json();
    assert_eq!(report["batches"]["rolled_back"], second["batches"]["done"]);
    assert_eq!((&report["batches"]["done"], &report["batches"]["pending"]), (&json!(0), &json!(0)));
    for table in report["tables"].as_array().unwrap() {
        assert_eq!(
            (&table["rows_inserted"], &table["rows_updated"], &table["balanced"]),
            (&json!(0), &json!(0), &json!(true))
        );
    }
    let told = sqlmig(&db, &format!("report --run {}", id(&second))).await.code(0).stdout;
    assert!(told.contains("what was promoted of them was taken back"), "{told}");
    // And it cannot be gone on with.
    for command in ["promote", "validate", "check"] {
        let refused = sqlmig(&db, &format!("{command} --run {}", id(&second))).await.code(2);
        refused.says(&["rolled_back", "hint: load its source again"]);
    }
    // Children go before the parents that they refer to.
    sqlmig(&db, &format!("rollback --run {} --yes", id(&first))).await.code(0);
    assert_eq!(state(&client).await, empty);
    let events = "select string_agg(message, ' | ' order by ordinal) from sqlmig.event where kind in ('state', 'rollback') and run_id = (select min(id::text)::uuid from sqlmig.run)";
    let events = text(&client, events).await;
    assert!(events.contains("rollback of the run begins: ") && events.contains("rows deleted"), "{events}");
    assert!(events.contains("done to checked") && events.contains("checked to rolled_back"), "{events}");
    // A before-image that was put back is spent.
    let tables =
        text(&client, "select string_agg('select 1 from ' || name, ' union all ') from sqlmig.undo_table").await;
    assert_eq!(number(&client, &format!("select count(*) from ({tables}) as image")).await, 0);
}

#[tokio::test]
async fn what_others_did_since_is_left_and_named_unless_forced() {
    let db = TestDb::new("others_since").await;
    let things = Things::new();
    load(&things, &db, &rows(1..=10, "first", 1), "").await;
    let client = db.connect().await;
    let before = content(&client).await;
    let second = load(&things, &db, &rows(6..=15, "second", 2), "--batch-size 4").await;
    let theirs = "update public.things set note = null where id in (6, 11); delete from public.things where id in (7, 12); update public.things set name = 'back' where id = 8; update public.things set name = 'second' where id = 8; insert into public.things (id, name) values (99, 'theirs')";
    client.batch_execute(theirs).await.unwrap();
    let back = rollback(&things, &db, &format!("--run {}", id(&second))).await;
    assert_eq!(sums(&back), [3, 3, 4]);
    let expected = left(&[(6, "changed"), (7, "deleted"), (11, "changed"), (12, "deleted")]);
    assert_eq!(kept(&back), expected);
    let now = "select string_agg(concat_ws(' ', id, name, note), ', ' order by id) from public.things where id > 5";
    let same = "8 first note 8, 9 first note 9, 10 first note 10, 11 second, 99 theirs";
    assert_eq!(text(&client, now).await, format!("6 second, {same}"));
    assert_eq!(back["run"]["state"], "rolled_back");
    // Asked again, it says the same and does nothing.
    let again = rollback(&things, &db, &format!("--run {}", id(&second))).await;
    assert_eq!((sums(&again), kept(&again)), ([3, 3, 4], expected));
    let table = sqlmig(&db, &format!("rollback --yes --run {}", id(&second))).await.code(0).stdout;
    for part in ["Taken back", "Left as they are", "deleted since", "3 rows deleted, 3 restored, 4 left as they are"] {
        assert!(table.contains(part), "{part}: {table}");
    }
    // Forced, everything is as before the run, but for what it never touched.
    let forced = rollback(&things, &db, &format!("--run {} --force", id(&second))).await;
    assert_eq!((sums(&forced), kept(&forced)), ([4, 5, 0], Vec::new()));
    client.batch_execute("delete from public.things where id = 99").await.unwrap();
    assert_eq!(content(&client).await, before);
}

#[tokio::test]
async fn an_older_run_leaves_what_a_later_one_changed() {
    let db = TestDb::new("older_run").await;
    let things = Things::new();
    let first = load(&things, &db, &rows(1..=6, "first", 1), "").await;
    let second = load(&things, &db, &rows(4..=8, "second", 2), "").await;
    let client = db.connect().await;
    let back = rollback(&things, &db, &format!("--run {}", id(&first))).await;
    assert_eq!((sums(&back), kept(&back)), ([3, 0, 3], left(&[(4, "changed"), (5, "changed"), (6, "changed")])));
    rollback(&things, &db, &format!("--run {}", id(&second))).await;
    assert_eq!(
        text(&client, "select string_agg(id::text || name, ' ' order by id) from public.things").await,
        "4first 5first 6first"
    );
    let back = rollback(&things, &db, &format!("--run {}", id(&first))).await;
    assert_eq!((sums(&back), content(&client).await), ([6, 0, 0], String::new()));
}

#[tokio::test]
async fn rows_that_others_refer_to_are_left_and_the_others_named() {
    let db = TestDb::new("referred").await;
    let things = Things::new().with(
        "migrations/V1__things.sql",
        "create table public.things (id integer primary key, name text not null, amount numeric unique, extra json,
             tags text[], note text, parent integer references public.things (id));
         create table public.orders (thing integer references public.things (id) on delete cascade);
         create table public.prices (amount numeric references public.things (amount) on update cascade);",
    );
    let row = |id: i32, amount: i32| format!("{id}|x|{amount}|{{}}|{{}}|x");
    load(&things, &db, &[row(1, 10), row(2, 20)], "").await;
    let second: Vec<_> = [row(1, 11), row(2, 21)].into_iter().chain((3..=8).map(|id| row(id, id * 10))).collect();
    let second = load(&things, &db, &second, "--batch-size 5").await;
    let client = db.connect().await;
    let theirs = "insert into public.orders values (3), (3), (4); insert into public.prices values (11);
        insert into public.things (id, name, parent) values (50, 'theirs', 5);
        insert into public.things (id, name, parent) values (51, 'theirs', 50)";
    client.batch_execute(theirs).await.unwrap();
    let run = format!("--run {}", id(&second));
    let back = rollback(&things, &db, &run).await;
    let expected = left(&[
        (1, "referenced by 1 row of public.prices (prices_amount_fkey)"),
        (3, "referenced by 2 rows of public.orders (orders_thing_fkey)"),
        (4, "referenced by 1 row of public.orders (orders_thing_fkey)"),
        (5, "referenced by 1 row of public.things (things_parent_fkey)"),
    ]);
    assert_eq!((sums(&back), kept(&back)), ([3, 1, 4], expected.clone()));
    let whole = "select concat_ws(' ', (select count(*) from public.orders), (select sum(amount) from public.prices), (select string_agg(id::text || coalesce(':' || amount, ''), ',' order by id) from public.things))";
    assert_eq!(text(&client, whole).await, "3 11 1:11,2:20,3:30,4:40,5:50,50,51");
    // What others refer to is not put back by force, either: it would take their rows along.
    let forced = rollback(&things, &db, &format!("{run} --force")).await;
    assert_eq!(kept(&forced), expected);
    // Once they are gone, it can.
    client
        .batch_execute("delete from public.orders; delete from public.prices; delete from public.things where id >= 50")
        .await
        .unwrap();
    let back = rollback(&things, &db, &run).await;
    assert_eq!((sums(&back), kept(&back)), ([6, 2, 0], Vec::new()));
    assert_eq!(text(&client, whole).await, "0 1:10,2:20");
}

/// A row that refers to another goes with it, in whichever batches the two are.
#[tokio::test]
async fn rows_that_refer_to_each_other_go_together() {
    let db = TestDb::new("together").await;
    let things = Things::new()
        .with(
            "migrations/V1__things.sql",
            "create table public.things (id integer primary key, name text not null, amount numeric, extra json,
                 tags text[], note text, parent integer references public.things (id) deferrable initially deferred);",
        )
        .replacing("transforms/promote/things.sql", "tags, note from", "tags, note, amount::integer as parent from");
    let row = |id: i32, parent: &str| format!("{id}|x|{parent}|{{}}|{{}}|x");
    let all = [row(1, "2"), row(2, "1"), row(3, "3"), row(4, "\\N"), row(5, "4"), row(6, "5"), row(7, "4")];
    let report = load(&things, &db, &all, "--batch-size 2").await;
    let back = rollback(&things, &db, &format!("--run {}", id(&report))).await;
    assert_eq!((sums(&back), kept(&back)), ([7, 0, 0], Vec::new()));
    assert_eq!(content(&db.connect().await).await, "");
}

#[tokio::test]
async fn a_batch_that_was_taken_back_is_promoted_again() {
    let db = TestDb::new("batch_again").await;
    let things = Things::new();
    load(&things, &db, &rows(1..=10, "first", 1), "").await;
    let second = load(&things, &db, &rows(1..=20, "second", 2), "--batch-size 5").await;
    let client = db.connect().await;
    let loaded = content(&client).await;
    for (batch, sum) in [(1, [0, 5, 0]), (3, [5, 0, 0])] {
        let back = rollback(&things, &db, &format!("--batch {batch}")).await;
        assert_eq!((sums(&back), &back["batch"], &back["run"]["state"]), (sum, &json!(batch), &json!("checked")));
    }
    assert_eq!(text(&client, "select string_agg(distinct name || case when id <= 5 then 1 when id between 11 and 15 then 3 else 0 end, ' ') from public.things").await, "first1 second0");
    let report = things.sqlmig(&db, "report").await.code(0).json();
    assert_eq!((&report["batches"]["rolled_back"], &report["batches"]["done"]), (&json!(2), &json!(2)));
    assert_eq!((&report["tables"][0]["rows_inserted"], &report["tables"][0]["balanced"]), (&json!(5), &json!(false)));
    things.sqlmig(&db, "validate").await.code(2);
    things.sqlmig(&db, "finish --yes").await.code(2).says(&["is checked", "hint: "]);
    // Asked once more it has nothing to do.
    assert_eq!(sums(&rollback(&things, &db, "--batch 3").await), [5, 0, 0]);
    things.sqlmig(&db, "rollback --yes --batch 9").await.code(2).says(&["has no batch 9"]);

    let report = things.sqlmig(&db, "promote").await.code(0).json();
    assert_eq!(content(&client).await, loaded);
    assert_eq!((&report["batches"]["rolled_back"], &report["batches"]["done"]), (&json!(2), &json!(4)));
    assert_eq!((&report["tables"][0]["rows_updated"], &report["tables"][0]["balanced"]), (&json!(10), &json!(true)));
    let report = things.sqlmig(&db, "validate").await.code(0).json();
    assert_eq!(report["run"]["state"], "done");
    // The whole run, the batches that were put back among it.
    let back = rollback(&things, &db, &format!("--run {}", id(&second))).await;
    assert_eq!(back["batches"], 4);
    assert_eq!(
        text(&client, "select concat_ws(' ', count(*), min(name), max(name)) from public.things").await,
        "10 first first"
    );
}

/// Columns that no hash or equality is defined for, that the server fills, and nulls.
#[tokio::test]
async fn every_kind_of_column_is_watched_and_restored() {
    let db = TestDb::new("kinds").await;
    let things = Things::new().with(
        "migrations/V1__things.sql",
        "create extension if not exists vector;
         create type public.mood as enum ('low', 'high');
         create type public.pair as (a integer, b json);
         create domain public.short as varchar(20);
         create table public.things (id integer primary key, name text not null, amount numeric, extra json,
             tags text[], note text, doubled integer generated always as (id * 2) stored,
             seq bigint generated always as identity, place point default '(1,2)', mood public.mood default 'low', moods public.mood[] default '{low}', pair public.pair default '(1,{})',
             label public.short default 'x', labels varchar(9)[] default '{a}', span int4range default '[1,5)', cost money default 1,
             bits bit(3) default b'101', words tsvector default 'a b', at timestamptz default '2020-01-01Z', nothing jsonb,
             spot vector(3) default '[1,2,3]', half halfvec(2) default '[1,2]', sparse sparsevec(4) default '{1:1}/4', \"Odd \"\"name\" inet default '::1');
         create table public.kinds (change text);
         insert into public.kinds values ('place = ''(1,3)'''), ('mood = ''high'''), ('moods = ''{}'''),
             ('pair = row(1, ''[]'')::public.pair'), ('label = ''y'''), ('labels = null'), ('span = ''empty'''), ('cost = 2'),
             ('bits = b''111'''), ('words = ''a'''), ('at = now()'), ('nothing = ''null'''), ('spot = ''[1,2,4]'''), ('half = ''[1,3]'''),
             ('sparse = ''{2:1}/4'''), ('\"Odd \"\"name\" = ''::2'''), ('tags = ''{x}'''), ('extra = ''{}'''), ('amount = 3');",
    );
    load(&things, &db, &rows(1..=21, "first", 1), "").await;
    let client = db.connect().await;
    let before = content(&client).await;
    let second = load(&things, &db, &rows(1..=22, "second", 2), "").await;
    let changes = client.query("select change, row_number() over () as id from public.kinds", &[]).await.unwrap();
    assert_eq!(changes.len(), 19);
    for row in &changes {
        let (change, id): (&str, i64) = (row.get(0), row.get(1));
        let update = format!("update public.things set {change} where id = {id}");
        assert_eq!(client.execute(&update, &[]).await.unwrap(), 1, "{change}");
    }
    client.batch_execute("delete from public.things where id = 20").await.unwrap();
    let back = rollback(&things, &db, &format!("--run {}", id(&second))).await;
    let expected: Vec<_> = (1..=19).map(|id| (id, "changed")).chain([(20, "deleted")]).collect();
    assert_eq!((sums(&back), kept(&back)), ([1, 1, 20], left(&expected)));
    let forced = rollback(&things, &db, &format!("--run {} --force", id(&second))).await;
    assert_eq!(sums(&forced), [1, 21, 0]);
    assert_eq!(content(&client).await, before);
}

#[tokio::test]
async fn what_the_database_refuses_is_left_and_the_rest_is_taken_back() {
    let db = TestDb::new("refused").await;
    let things = Things::new();
    load(&things, &db, &rows(1..=4, "first", 1), "").await;
    let second: Vec<_> = (1..=6).map(|id| format!("{id}|second|2|{{}}|{{}}|other {id}")).collect();
    let second = load(&things, &db, &second, "").await;
    let client = db.connect().await;
    let theirs = "create unique index one_note on public.things (note);
        insert into public.things (id, name, note) values (99, 'theirs', 'note 2');
        create function public.keep() returns trigger language plpgsql as $$ begin
            if old.id = 6 then return null; end if;
            if old.id = 5 then raise exception 'five stays'; end if;
            return old;
        end $$;
        create trigger keep before delete on public.things for each row execute function public.keep()";
    client.batch_execute(theirs).await.unwrap();
    let run = format!("--run {}", id(&second));
    let back = rollback(&things, &db, &run).await;
    let reasons = kept(&back);
    assert_eq!(sums(&back), [0, 3, 3]);
    assert_eq!(reasons.iter().map(|row| row.0).collect::<Vec<_>>(), [2, 5, 6]);
    for (row, part) in [(0, "one_note"), (0, "(note)=(note 2) already exists"), (1, "five stays"), (2, "by a trigger")]
    {
        assert!(reasons[row].1.contains(part), "{reasons:?}");
    }
    client.batch_execute("delete from public.things where id = 99; drop trigger keep on public.things").await.unwrap();
    let back = rollback(&things, &db, &run).await;
    assert_eq!((sums(&back), kept(&back)), ([2, 4, 0], Vec::new()));
}

/// Killed in the middle, the same command ends where an undisturbed one does, and no row goes twice.
#[tokio::test]
async fn a_killed_rollback_is_gone_on_with() {
    let db = TestDb::new("killed").await;
    let things = Things::new();
    load(&things, &db, &rows(1..=50, "first", 1), "").await;
    let client = db.connect().await;
    let before = content(&client).await;
    let second = load(&things, &db, &rows(1..=100, "second", 2), "--batch-size 10").await;
    let slow = "create table public.log (id integer, operation text);
        create function public.slow() returns trigger language plpgsql as $$ begin
            perform pg_sleep(0.003);
            insert into public.log values (old.id, tg_op);
            return null;
        end $$;
        create trigger slow after delete or update on public.things for each row execute function public.slow()";
    client.batch_execute(slow).await.unwrap();
    let arguments = format!("rollback --run {} --yes --project {}", id(&second), things.path().display());
    for done in [2, 5] {
        let mut command = on(&db, &arguments).await;
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while number(&client, "select count(*) from sqlmig.batch where state = 'rolled_back'").await < done {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(number(&client, "select count(*) from sqlmig.batch where state = 'done'").await > 1);
    // Not done, not as if it were.
    assert_eq!(text(&client, "select state from sqlmig.run order by started_at desc limit 1").await, "checked");
    // The lock goes with the killed process, when the server notices.
    let mut outcome: Outcome = finish(on(&db, &format!("{arguments} --output json")).await).await;
    while outcome.code == 6 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        outcome = finish(on(&db, &format!("{arguments} --output json")).await).await;
    }
    let back = outcome.code(0).json();
    assert_eq!((sums(&back), &back["run"]["state"]), ([50, 50, 0], &json!("rolled_back")));
    assert_eq!(content(&client).await, before);
    assert_eq!(
        text(&client, "select concat_ws(' ', count(*), count(distinct (id, operation))) from public.log").await,
        "100 100"
    );
}

#[tokio::test]
async fn a_rollback_tells_how_far_it_is() {
    let db = TestDb::new("rollback_progress").await;
    let things = Things::new();
    load(&things, &db, &rows(1..=4, "first", 1), "").await;
    let second = load(&things, &db, &rows(3..=7, "second", 2), "--batch-size 3 --parallel 1").await;
    let command = format!("rollback --yes --log-format json --run {}", id(&second));
    let told = things.sqlmig(&db, &command).await.code(0).stderr;
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said = |message: &str| -> Vec<Value> {
        let fields = lines.iter().map(|line| line.get("fields").unwrap_or(line));
        fields.filter(|fields| fields["message"] == message).cloned().collect()
    };
    let started = said("rollback started");
    assert_eq!((started.len(), &started[0]["batches"], &started[0]["rows"]), (1, &json!(2), &json!(5)), "{told}");
    let batches = said("batch taken back");
    let numbers: Vec<_> =
        batches.iter().map(|batch| (&batch["batch"], &batch["deleted"], &batch["restored"])).collect();
    assert_eq!(numbers, [(&json!(2), &json!(2), &json!(0)), (&json!(1), &json!(1), &json!(2))], "the newest first");
    assert_eq!(batches[0]["table"], "public.things");
    let finished = said("rollback finished");
    assert_eq!((&finished[0]["batches"], &finished[0]["deleted"]), (&json!(2), &json!(3)), "{told}");
    assert!(lines.iter().all(|line| line.to_string().contains(id(&second))), "each line names the run: {told}");
}

#[tokio::test]
async fn an_accepted_run_cannot_be_taken_back() {
    let db = TestDb::new("accepted").await;
    let things = Things::new();
    let first = load(&things, &db, &rows(1..=5, "first", 1), "").await;
    let second = load(&things, &db, &rows(4..=8, "second", 2), "").await;
    let client = db.connect().await;
    let images = async || number(&client, "select count(*) from sqlmig.undo_table").await;
    things.sqlmig(&db, "finish").await.code(2).says(&["nobody to ask", "--yes"]);
    let accepted = things.sqlmig(&db, "finish --yes").await.code(0).json();
    assert_eq!((&accepted["images"], &accepted["tables_dropped"], images().await), (&json!(5), &json!(0), 1));
    // The report and the history say so, and of the other run they do not.
    let report = things.sqlmig(&db, "report").await.code(0).json();
    assert_eq!(report["run"]["accepted_at"], accepted["accepted_at"]);
    let runs = things.sqlmig(&db, "history").await.code(0).json();
    assert_eq!([&runs["runs"][0], &runs["runs"][1]].map(|run| run["accepted_at"].is_string()), [true, false]);
    let refused = things.sqlmig(&db, &format!("rollback --yes --force --run {}", id(&second))).await.code(2);
    refused.says(&[id(&second), "was accepted on", "hint: load an older dump"]);
    things.sqlmig(&db, "rollback --yes --batch 1").await.code(2).says(&["was accepted on"]);
    // Twice is once.
    let again = things.sqlmig(&db, "finish --yes").await.code(0).json();
    assert_eq!((&again["images"], &again["accepted_at"]), (&json!(0), &accepted["accepted_at"]));
    // The other run's images are still there.
    let back = rollback(&things, &db, &format!("--run {}", id(&first))).await;
    assert_eq!((sums(&back), kept(&back)), ([3, 0, 2], left(&[(4, "changed"), (5, "changed")])));
    things.sqlmig(&db, &format!("finish --yes --run {}", id(&first))).await.code(2).says(&["is rolled_back"]);
    // The last one takes the table with it.
    client.batch_execute("truncate public.things").await.unwrap();
    rollback(&things, &db, &format!("--force --run {}", id(&first))).await;
    load(&things, &db, &rows(1..=5, "third", 1), "").await;
    let accepted = things.sqlmig(&db, "finish --yes").await.code(0).json();
    assert_eq!((&accepted["images"], &accepted["tables_dropped"], images().await), (&json!(5), &json!(1), 0));
    assert_eq!(number(&client, "select count(*) from pg_class where relname like '%undo %'").await, 0);
    // And the next load makes it again.
    load(&things, &db, &rows(1..=5, "fourth", 1), "").await;
    assert_eq!(images().await, 1);
}

#[tokio::test]
async fn a_target_of_another_shape_is_refused() {
    let db = TestDb::new("reshaped").await;
    let things = Things::new();
    load(&things, &db, &rows(1..=5, "first", 1), "").await;
    let client = db.connect().await;
    client.batch_execute("alter table public.things add column added integer").await.unwrap();
    let refused = things.sqlmig(&db, "rollback --yes --batch 1").await.code(2);
    refused.says(&["the columns of public.things are no longer those", "undo ", "hint: bring its columns"]);
    client
        .batch_execute("alter table public.things drop column added; alter table public.things rename to thinks")
        .await
        .unwrap();
    let refused = things.sqlmig(&db, "rollback --yes --batch 1").await.code(2);
    refused.says(&["there is no table public.things any more", "hint: "]);
    client.batch_execute("alter table public.thinks rename to things").await.unwrap();
    assert_eq!(sums(&rollback(&things, &db, "--batch 1").await), [5, 0, 0]);
}

/// A role that may do what a rollback needs, and one that lacks a right: told, and nothing is half done.
#[tokio::test]
async fn a_rollback_needs_few_rights_and_is_told_which() {
    let db = TestDb::from(&MIGRATED, "rights").await;
    let client = db.connect().await;
    let empty = state(&client).await;
    let report =
        sqlmig(&db, &format!("run {} --batch-size 40 --output json", fixture("docs.sql.gz"))).await.code(0).json();
    let loaded = state(&client).await;
    let database = db.target().database().to_owned();
    let role = database.replace("sqlmig_test_rights", "undoer");
    let page = include_str!("../../docs/rollback.md").split_once("## The role for it").unwrap().1;
    let grants = page.split("```").nth(1).unwrap().trim_start_matches("sql").replace("sqlmig_rollback", &role);
    client.batch_execute(&format!("{grants} revoke delete on public.document_sources from {role}")).await.unwrap();
    client.batch_execute(&format!("alter database {database} set role = {role}")).await.unwrap();
    if let Some(runner) = program_role() {
        client.batch_execute(&format!("grant {role} to {runner}")).await.unwrap();
    }
    let command = format!("rollback --run {} --yes", id(&report));
    let refused = sqlmig(&db, &command).await.code(2);
    refused.says(&["SQLSTATE 42501", "permission denied for table document_sources", "hint: grant the role"]);
    assert_eq!(state(&client).await, loaded);
    assert_eq!(number(&client, "select count(*) from sqlmig.batch where state <> 'done'").await, 0);
    client.batch_execute(&format!("grant delete on public.document_sources to {role}")).await.unwrap();
    sqlmig(&db, &command).await.code(0);
    assert_eq!(state(&client).await, empty);
    client
        .batch_execute(&format!("alter database {database} reset role; drop owned by {role}; drop role {role}"))
        .await
        .unwrap();
}

#[tokio::test]
async fn exactly_one_thing_is_taken_back_and_only_with_consent() {
    let db = TestDb::new("consent").await;
    let things = Things::new();
    let report = load(&things, &db, &rows(1..=3, "first", 1), "").await;
    for wrong in [
        "",
        "--staging --batch 1",
        "--staging --run 019ab1c2-0000-7000-8000-000000000001",
        "--staging --force",
        "--batch 0",
    ] {
        sqlmig(&db, &format!("rollback --yes {wrong}")).await.code(2);
    }
    sqlmig(&db, &format!("rollback --run {}", id(&report))).await.code(2).says(&["nobody to ask", "--yes"]);
    let unknown = sqlmig(&db, "rollback --yes --run 019ab1c2-0000-7000-8000-000000000001").await.code(2);
    unknown.says(&["there is no run 019ab1c2"]);
    let client = db.connect().await;
    assert_eq!(number(&client, "select count(*) from public.things").await, 3);
    // Emptied staging is no longer taken for that of the run.
    assert_eq!(number(&client, "select count(*) from staging.things").await, 3);
    client.batch_execute("insert into sqlmig.canary select id from sqlmig.run on conflict do nothing").await.unwrap();
    let emptied = things.sqlmig(&db, "rollback --staging --yes").await.code(0).json();
    assert_eq!(emptied["emptied"], json!(["things"]));
    assert_eq!(number(&client, "select count(*) from sqlmig.canary").await, 0);
}

#[tokio::test]
async fn who_emptied_staging_is_in_the_events() {
    let db = TestDb::new("emptied").await;
    let things = Things::new();
    let client = db.connect().await;
    // Without a ledger there is nobody to tell it of, and without a run neither.
    things.sqlmig(&db, "rollback --staging --yes").await.code(0);
    things.sqlmig(&db, "migrate").await.code(0);
    things.sqlmig(&db, "rollback --staging --yes").await.code(0);
    assert_eq!(number(&client, "select count(*) from sqlmig.event").await, 0);
    let older = load(&things, &db, &rows(1..=3, "first", 1), "").await;
    let newer = load(&things, &db, &rows(1..=4, "second", 2), "").await;
    things.sqlmig(&db, "rollback --staging --yes").await.code(0);
    let who = program_role().unwrap_or_else(|| db.target().user().to_owned());
    let events = "select string_agg(concat_ws(' ', message, who, application ~ '^sqlmig .+:[0-9]+$'), e'\\n') \
                  from sqlmig.event where kind = 'rollback' and run_id = ";
    assert_eq!(
        text(&client, &format!("{events} '{}'", id(&newer))).await,
        format!("staging is emptied: 1 tables {who} t")
    );
    assert_eq!(text(&client, &format!("{events} '{}'", id(&older))).await, "");
    // A run that has to begin again for it says that, too.
    let dump = things.dump(&["9|nine|9|{}|{}|x"]);
    things.sqlmig(&db, &format!("stage {}", dump.display())).await.code(0);
    things.sqlmig(&db, "rollback --staging --yes").await.code(0);
    let newest = "select string_agg(message, ' | ' order by ordinal) from sqlmig.event where kind in ('state', 'rollback') \
                  and run_id = (select id from sqlmig.run order by started_at desc limit 1)";
    let told = text(&client, newest).await;
    assert!(told.ends_with("staged to staging | staging is emptied: 1 tables"), "{told}");
}
