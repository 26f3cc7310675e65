//! Every row is promoted once, or refused with a reason: when the answer to a COMMIT is lost, when a batch fails, takes too
//! long or is cut short, and when several processes do it together.

use std::num::NonZeroU32;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlmig::check::find_patches;
use sqlmig::db::ledger::{Fence, run_take};
use sqlmig::db::{Connection, transaction};
use sqlmig::event::{Event, Events};
use sqlmig::limits::{BatchSize, Parallel, Timeouts};
use sqlmig::project::Project;
use sqlmig::promote::{PromoteError, PromoteOptions, Promotion, promote};
use sqlmig::relations::Relations;
use sqlmig::stop::Stop;

use crate::cut::{Cut, Proxy};
use crate::harness::TestDb;
use crate::program::{MIGRATED, Outcome, Things, bare, finish, fixture, number, on, sqlmig, state, target, text, url};

/// The rows that a run wrote, and what it noted of them.
async fn written(client: &Connection) -> String {
    let mut written = text(client, include_str!("../sql/written.sql")).await;
    let undo = "select distinct undo_table from sqlmig.batch where state = 'done' order by 1";
    for row in client.query(undo, &[]).await.unwrap() {
        let table: String = row.get(0);
        let rows = text(client, &format!("select count(*) || ' of ' || count(distinct u.*) from {table} as u")).await;
        let part = format!(" {table}: {rows}");
        written.push_str(&part);
    }
    written
}

/// A database in which the fixture is staged and checked.
async fn checked(name: &str) -> TestDb {
    let db = TestDb::from(&MIGRATED, name).await;
    sqlmig(&db, &format!("stage {}", fixture("docs.sql.gz"))).await.code(0);
    sqlmig(&db, "check").await.code(0);
    db
}

/// Waits until a query counts something.
async fn until(client: &Connection, query: &str) {
    let since = Instant::now();
    while number(client, query).await == 0 {
        assert!(since.elapsed() < Duration::from_mins(1), "in vain: {query}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn outcome(child: Child) -> Outcome {
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap_or_else(|| -output.status.signal().unwrap());
    Outcome { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn spawn(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[tokio::test]
async fn a_lost_answer_to_commit_is_settled_by_asking() {
    let calm = checked("answered").await;
    sqlmig(&calm, "promote --batch-size 50").await.code(0);
    let calm = calm.connect().await;
    for (cut, nth, says) in [
        (Cut::Answer, 1, "the ledger says that it was committed"),
        (Cut::Answer, 3, "the ledger says that it was committed"),
        (Cut::Commit, 3, "trying again (1 of 5)"),
        (Cut::Silence, 2, "trying again (1 of 5)"),
    ] {
        let db = checked("unanswered").await;
        let proxy = Proxy::start(cut, nth).await;
        let mut command = bare("promote --batch-size 50 --parallel 1 --statement-timeout 1s --output json");
        command.env("DATABASE_URL", proxy.url(db.target().database()));
        let report = finish(command).await.code(0).says(&[says]).json();
        assert!(proxy.commits() > nth, "{cut:?}");
        assert_eq!(report["batches"]["failed"], 0);
        assert_eq!(report["batches"]["retried"], i32::from(cut != Cut::Answer), "{cut:?}");
        let client = db.connect().await;
        assert_eq!(state(&client).await, state(&calm).await, "{cut:?}");
        // Rows that were written once are not found unchanged the second time, and noted once for undo.
        assert_eq!(written(&client).await, written(&calm).await, "{cut:?}");
        sqlmig(&db, "validate").await.code(0);
    }
}

#[tokio::test]
async fn a_row_that_the_database_refuses_goes_to_quarantine_alone() {
    for (options, refused) in [("--batch-size 64", 1), ("--batch-size 64 --parallel 3", 1), ("--batch-size 1", 1)] {
        let db = TestDb::from(&MIGRATED, "refused").await;
        let client = db.connect().await;
        let calm = TestDb::from(&MIGRATED, "accepted").await;
        let whole = sqlmig(&calm, &format!("run {} --output json", fixture("docs.sql.gz"))).await.code(0).json();
        let path = text(&calm.connect().await, "select doc_path from public.documents order by id limit 1").await;
        let constraint =
            format!("alter table public.documents add constraint not_this_one check (doc_path <> '{path}')");
        client.batch_execute(&constraint).await.unwrap();
        let run = format!("run {} --output json {options}", fixture("docs.sql.gz"));
        let outcome = sqlmig(&db, &run).await.code(0).says(&["not_this_one", "the row is in quarantine"]);
        let report = outcome.json();
        let books = |report: &serde_json::Value, field: &str| report["tables"][1][field].as_i64().unwrap();
        assert_eq!(books(&report, "rows_inserted") + refused, books(&whole, "rows_inserted"), "{report}");
        assert_eq!(books(&report, "rows_quarantined") - refused, books(&whole, "rows_quarantined"));
        assert_eq!(report["tables"][1]["balanced"], true);
        let counts = report["quarantine"].as_array().unwrap();
        let count = counts.iter().find(|count| count["check"] == "promote").unwrap();
        assert_eq!((&count["code"], &count["rows"]), (&"23514".into(), &refused.into()));
        let samples = report["samples"].as_array().unwrap();
        let sample = samples.iter().find(|sample| sample["check"] == "promote").unwrap();
        assert!(sample["reason"].as_str().unwrap().contains("not_this_one"), "{sample}");
        let kept = format!(
            "select count(*) from sqlmig.quarantine where check_name = 'promote' and staged ->> 'doc_path' = '{path}' and not staged ? '_row'"
        );
        assert_eq!(number(&client, &kept).await, refused);
        // Every row of every table is in one batch of each transform that promotes it, and in no two.
        assert_eq!(text(&client, include_str!("../sql/uncovered.sql")).await, "");
        // What was refused once is not forgotten by looking again.
        sqlmig(&db, "promote").await.code(0);
        sqlmig(&db, "validate").await.code(0);
        assert_eq!(number(&client, &kept).await, refused);
    }
}

/// Halves of parents have later numbers than their children, and the totals are written last: rollback goes by time.
#[tokio::test]
async fn what_was_halved_is_rolled_back_in_the_order_it_was_done() {
    let db = TestDb::from(&MIGRATED, "halved_back").await;
    let client = db.connect().await;
    let before = state(&client).await;
    let constraint =
        "alter table public.document_sources add constraint not_this_one check (hashtext(source_name) % 7 <> 0)";
    client.batch_execute(constraint).await.unwrap();
    sqlmig(&db, &format!("run {}", fixture("docs.sql.gz"))).await.code(0).says(&["not_this_one"]);
    let later = "select count(*) from sqlmig.batch as b where transform = 'document_sources' and number > (select min(number) from sqlmig.batch where transform <> 'document_sources')";
    assert!(number(&client, later).await > 0);
    assert!(number(&client, "select count(*) from public.documents").await > 50);
    let run = text(&client, "select id from sqlmig.run").await;
    sqlmig(&db, &format!("rollback --run {run} --yes")).await.code(0);
    assert_eq!(state(&client).await, before);
}

/// A row that refers to one in a later batch, or in one that another worker has in hand, waits for it; only what refers to
/// nothing is refused, and what refers to that.
#[tokio::test]
async fn rows_that_refer_to_others_of_their_table_wait_for_them() {
    let things = Things::new()
        .with(
            "migrations/V1__things.sql",
            "create table public.things (id integer primary key, name text not null, amount numeric, extra json,
                 tags text[], note text, parent integer references public.things (id));",
        )
        .replacing("transforms/promote/things.sql", "tags, note from", "tags, note, amount::integer as parent from");
    // Each row refers to the next, the last to itself; 7 and 8 refer to what is nowhere.
    let rows: Vec<String> = (1..=40)
        .map(|id| match id {
            7 | 8 => format!("{id}|x|99|{{}}|{{}}|x"),
            _ => format!("{id}|x|{}|{{}}|{{}}|x", 40.min(id + 1)),
        })
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    for options in ["--batch-size 3 --parallel 1", "--batch-size 16 --parallel 1", "--batch-size 3 --parallel 4"] {
        let db = TestDb::new("waiting").await;
        let run = format!("run {} {options}", things.dump(&rows).display());
        let report = things.sqlmig(&db, &run).await.code(0).says(&["put off until others are done"]).json();
        let client = db.connect().await;
        let refused = "select string_agg(row::text || code, ' ' order by row) from sqlmig.quarantine";
        let expected = (1..=8).map(|row| format!("{row}23503")).collect::<Vec<_>>().join(" ");
        assert_eq!(text(&client, refused).await, expected, "{options}");
        assert_eq!(number(&client, "select count(*) from public.things where id > 8").await, 32, "{options}");
        assert_eq!((&report["tables"][0]["balanced"], &report["batches"]["failed"]), (&true.into(), &0.into()));
        assert_eq!(text(&client, include_str!("../sql/uncovered.sql")).await, "");
    }
}

#[tokio::test]
async fn a_transform_that_is_wrong_for_every_row_stops_soon() {
    let db = TestDb::new("wrong").await;
    let things = Things::new();
    things.run(&db, &["1|a|1|{}|{}|0"]).await.code(0);
    let client = db.connect().await;
    client.batch_execute("alter table public.things add constraint never check (id < 2)").await.unwrap();
    let rows: Vec<String> = (1..=400).map(|id| format!("{id}|first|1|{{}}|{{}}|0")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let outcome = things.run(&db, &rows).await.code(3);
    let report = outcome.says(&["more than 100 refused by the database", "never", "hint: mend the transform"]).json();
    assert_eq!(report["batches"]["failed"], 1);
    let refused = "select count(*) from sqlmig.quarantine where check_name = 'promote'";
    assert_eq!(number(&client, refused).await, 100);
    assert!(number(&client, "select max(attempts) from sqlmig.batch").await < 12);
    // A bound of one's own, and what was refused before is tried again.
    things.sqlmig(&db, "promote --max-rejects 7").await.code(3).says(&["more than 7 in quarantine"]);
    assert_eq!(number(&client, refused).await, 7);
    client.batch_execute("alter table public.things drop constraint never").await.unwrap();
    let report = things.sqlmig(&db, "promote --max-rejects 0").await.code(0).json();
    assert_eq!((number(&client, refused).await, &report["tables"][0]["balanced"]), (0, &true.into()));
    assert_eq!(number(&client, "select count(*) from public.things where name = 'first'").await, 400);
    assert_eq!(text(&client, include_str!("../sql/uncovered.sql")).await, "");
}

#[tokio::test]
async fn a_batch_that_takes_too_long_is_halved() {
    let db = TestDb::new("slow").await;
    let things = Things::new();
    things.run(&db, &[]).await.code(0);
    let client = db.connect().await;
    client.batch_execute(include_str!("../sql/slow_row.sql")).await.unwrap();
    let rows: Vec<String> = (1..=16).map(|id| format!("{id}|first|1|{{}}|{{}}|0")).collect();
    let dump = things.dump(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let run = format!("run {} --statement-timeout 1s", dump.display());
    let report = things.sqlmig(&db, &run).await.code(0).says(&["SQLSTATE 57014", "halved: rows 9 to 16"]).json();
    assert_eq!((&report["tables"][0]["balanced"], &report["quarantine"][0]["code"]), (&true.into(), &"57014".into()));
    assert_eq!(text(&client, "select string_agg(row::text, ',') from sqlmig.quarantine").await, "7");
    assert_eq!(number(&client, "select count(*) from public.things where id <> 7").await, 15);
    assert_eq!(text(&client, include_str!("../sql/uncovered.sql")).await, "");
    // 16, 8, 4, 2 and the one row, each twice; every other batch is done at its last try.
    let slow = "select sum(attempts - (rows_refused = 0)::int) from sqlmig.batch where state = 'done'";
    assert_eq!(number(&client, slow).await, 10);
}

/// One whom someone else ended is not tried again behind his back; a connection that was ended is.
#[tokio::test]
async fn what_someone_ended_on_purpose_is_not_tried_again() {
    for (end, code, says) in
        [("pg_cancel_backend", 5, "SQLSTATE 57014"), ("pg_terminate_backend", 0, "trying again (1 of 5)")]
    {
        let db = TestDb::new("ended").await;
        let things = Things::new();
        things.run(&db, &[]).await.code(0);
        let client = db.connect().await;
        client.batch_execute(include_str!("../sql/slow_row.sql")).await.unwrap();
        let dump = things.dump(&["7|slow|1|{}|{}|0", "8|quick|1|{}|{}|0"]);
        let run = format!("run {} --project {}", dump.display(), things.path().display());
        let child = spawn(on(&db, &run).await);
        let busy = "pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'";
        until(&client, &format!("select count(*) from {busy}")).await;
        assert_eq!(text(&client, &format!("select {end}(pid) from {busy}")).await, "true");
        outcome(child).await.code(code).says(&[says]);
        let promoted = number(&client, "select count(*) from public.things").await;
        assert_eq!(promoted, if code == 0 { 2 } else { 0 });
        let attempts = number(&client, "select sum(attempts) from sqlmig.batch where first_row = 1").await;
        assert_eq!(attempts, if code == 0 { 2 } else { 1 });
    }
}

#[tokio::test]
async fn workers_of_other_processes_help_and_may_die() {
    let calm = checked("alone").await;
    sqlmig(&calm, "promote").await.code(0);
    let calm = calm.connect().await;
    let db = checked("together").await;
    let client = db.connect().await;
    client.batch_execute(include_str!("../sql/slow_tables.sql")).await.unwrap();
    // Workers may come first, and wait.
    let worker = |name: &str, url: &str| {
        let mut command = bare("promote --worker");
        command.env("DATABASE_URL", format!("{url}&application_name={name}"));
        spawn(command)
    };
    let address = url(&db).await;
    let (doomed, helper) = (worker("doomed", &address), worker("helper", &address));
    let conductor = spawn(on(&db, "promote --batch-size 10").await);
    let writing = "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'doomed' and wait_event = 'PgSleep' and not exists (select from sqlmig.batch where transform = 'document_sources' and state <> 'done')";
    until(&client, writing).await;
    kill(Pid::from_raw(i32::try_from(doomed.id()).unwrap()), Signal::SIGKILL).unwrap();
    outcome(doomed).await.code(-9);
    let report = outcome(conductor).await.code(0);
    let done = outcome(helper).await.code(0).stdout;
    assert!(done.split(' ').next().unwrap().parse::<u32>().unwrap() > 0, "{done}");
    assert_eq!(report.code, 0);
    sqlmig(&db, "validate").await.code(0);
    assert_eq!(state(&client).await, state(&calm).await);
    assert_eq!(written(&client).await, written(&calm).await);
    // No batch of a transform was begun before the last of the transform before it was done.
    let early = "select count(*) from sqlmig.batch as later, sqlmig.batch as earlier where later.transform > earlier.transform and later.finished_at - later.elapsed_ms * interval '1 ms' < earlier.finished_at - interval '5 ms'";
    assert_eq!(number(&client, early).await, 0);
    assert!(number(&client, "select count(*) from sqlmig.batch where transform = 'document_sources'").await > 2);
    // Nothing is left to do.
    let run = text(&client, "select id from sqlmig.run").await;
    let idle = sqlmig(&db, &format!("promote --worker --run {run}")).await.code(0);
    assert_eq!(idle.stdout, "0 batches committed\n");
}

#[tokio::test]
async fn batches_of_a_dead_conductor_can_be_finished_by_workers() {
    let calm = checked("living").await;
    sqlmig(&calm, "promote").await.code(0);
    let db = checked("dead").await;
    let client = db.connect().await;
    client.batch_execute(include_str!("../sql/slow_tables.sql")).await.unwrap();
    let conductor = spawn(on(&db, "promote --batch-size 10").await);
    until(&client, "select count(*) from sqlmig.batch where transform = 'documents' and state = 'done'").await;
    kill(Pid::from_raw(i32::try_from(conductor.id()).unwrap()), Signal::SIGKILL).unwrap();
    outcome(conductor).await.code(-9);
    sqlmig(&db, "promote --worker").await.code(0);
    assert_eq!(number(&client, "select count(*) from sqlmig.batch where state <> 'done'").await, 0);
    // To say that the run is promoted is a conductor's.
    assert_eq!(text(&client, "select state from sqlmig.run").await, "checked");
    sqlmig(&db, "promote").await.code(0);
    sqlmig(&db, "validate").await.code(0);
    let calm = calm.connect().await;
    assert_eq!((state(&client).await, written(&client).await), (state(&calm).await, written(&calm).await));
}

/// While a worker waits for the last batch in another's hands, that is committed and the conductor's next step takes the run on.
#[tokio::test]
async fn a_worker_whose_run_has_gone_on_without_it_is_done() {
    for (state, code) in [("promoted", 0), ("checked", 6)] {
        let db = checked("gone_on").await;
        let mut client = db.connect().await;
        client.batch_execute(include_str!("../sql/slow_tables.sql")).await.unwrap();
        let conductor = spawn(on(&db, "promote --batch-size 10").await);
        until(&client, "select count(*) from sqlmig.batch where transform = 'documents' and state = 'done'").await;
        kill(Pid::from_raw(i32::try_from(conductor.id()).unwrap()), Signal::SIGKILL).unwrap();
        outcome(conductor).await.code(-9);
        let last = client.transaction().await.unwrap();
        last.batch_execute("select from sqlmig.batch where state = 'pending' for update").await.unwrap();
        let mut worker = bare("promote --worker");
        worker.env("DATABASE_URL", format!("{}&application_name=waits", url(&db).await));
        let worker = spawn(worker);
        let waits = "select count(*) from pg_stat_activity where datname = current_database() \
                     and application_name = 'waits' and query like '%What is left of one transform%'";
        until(&db.connect().await, waits).await;
        last.batch_execute(&format!(
            "update sqlmig.batch set state = 'done' where state = 'pending'; \
             update sqlmig.run set state = '{state}', epoch = epoch + 1"
        ))
        .await
        .unwrap();
        last.commit().await.unwrap();
        let done = outcome(worker).await.code(code);
        assert_eq!(done.stdout.contains("0 batches committed"), code == 0, "{}", done.stdout);
    }
}

#[tokio::test]
async fn a_wish_to_stop_is_seen_between_two_batches() {
    let db = checked("stopped").await;
    let client = db.connect().await;
    let (pool, project) = (target(&db).await.pool(4).unwrap(), Project::builtin().unwrap());
    let run = text(&client, "select id from sqlmig.run").await.parse().unwrap();
    let mut relations = Relations::resolve(&*client, &project, run).await.unwrap();
    find_patches(&*client, &project, &mut relations).await.unwrap();
    let epoch = transaction(&pool, "take", async |tx| run_take(tx, run).await).await.unwrap();
    let stop = Stop::default();
    let asked = stop.clone();
    let events = Events::new(move |event| {
        if matches!(event, Event::BatchFinished { .. }) {
            asked.request();
        }
    });
    let options = PromoteOptions {
        batch_size: BatchSize::Rows(NonZeroU32::new(10).unwrap()),
        parallel: Parallel::Workers(NonZeroU32::MIN),
        most_workers: 1,
        timeouts: Timeouts::default(),
        max_refused: None,
    };
    let fence = Fence { run, epoch };
    let (pool, project, relations, stop, events) = (&pool, &project, &relations, &stop, &events);
    let stopped = promote(&Promotion { pool, fence, project, relations, options, stop, events }).await;
    assert!(matches!(stopped, Err(PromoteError::Interrupted)), "{stopped:?}");
    assert_eq!(number(&client, "select count(*) from sqlmig.batch where state = 'done'").await, 1);
    assert_eq!(
        number(
            &client,
            "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%'"
        )
        .await,
        0
    );
    sqlmig(&db, "promote").await.code(0);
    sqlmig(&db, "validate").await.code(0);
}
