//! Batches: what they keep for undo, what happens when one fails, and others who write to the target meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlmig::db::Connection;
use tokio_postgres::error::SqlState;

use crate::harness::TestDb;
use crate::program::{MIGRATED, Things, fixture, number, sqlmig, state, text};

/// A union over all undo tables of a target, with these columns.
async fn undo(client: &Connection, target: &str) -> String {
    let query =
        format!("select string_agg(oid::regclass::text, ',') from pg_class where relname like 'undo % {target}'");
    let name = text(client, &query).await;
    assert!(!name.is_empty() && !name.contains(','), "one undo table of {target}: {name:?}");
    name
}

#[tokio::test]
async fn undo_tables_hold_what_was_there_before() {
    let db = TestDb::from(&MIGRATED, "undo").await;
    let client = db.connect().await;
    sqlmig(&db, &format!("run {}", fixture("docs.sql.gz"))).await.code(0);
    let table = undo(&client, "public.documents").await;
    // Of the first load: the keys of 148 inserted rows and nothing else.
    let inserted = format!(
        "select count(*) from {table} as u join public.documents as d using (doc_type, source_name, doc_path) where _operation = 'insert' and u.id is null and u.content is null"
    );
    assert_eq!(number(&client, &inserted).await, 148);
    assert_eq!(number(&client, &format!("select count(*) from {table}")).await, 148);
    client.batch_execute("create table before as select * from public.documents").await.unwrap();
    sqlmig(&db, &format!("run {} --batch-size 50", fixture("docs-newer.sql.gz"))).await.code(0);
    // Of the second: nine rows exactly as they were, five keys, and none of the rows that did not change.
    let newest = "(select id from sqlmig.run order by started_at desc limit 1)";
    let images = format!(
        "select count(*) from (select {{}} from {table} as old where _operation = 'update' and _run_id = {newest} intersect all select {{}} from before as old) as same"
    );
    let columns = "id, doc_type, source_name, doc_path, content, metadata, embedding, token_count, created_at, updated_at, content_sha256, embedding_sha256, embedding_model";
    assert_eq!(number(&client, &images.replace("{}", columns)).await, 9);
    let of = |operation: &str| {
        format!("select count(*) from {table} where _operation = '{operation}' and _run_id = {newest}")
    };
    assert_eq!((number(&client, &of("update")).await, number(&client, &of("insert")).await), (9, 5));
    let unchanged = format!(
        "select count(*) from {table} as u join public.documents as now using (id) where _operation = 'update' and _run_id = {newest} and u.content = now.content and u.updated_at = now.updated_at and u.metadata = now.metadata and u.embedding is not distinct from now.embedding"
    );
    assert_eq!(number(&client, &unchanged).await, 0);
    // Each is the ledger's batch that wrote it.
    let astray = format!(
        "select count(*) from {table} as u where not exists (select from sqlmig.batch as b where b.run_id = u._run_id and b.number = u._batch and b.state = 'done' and b.target = 'public.documents' and b.undo_table::regclass = '{table}'::regclass)"
    );
    assert_eq!(number(&client, &astray).await, 0);
}

/// The first batches find nothing in the target, so the next ones do not look there any more; the last row of the source is
/// there all the same.
#[tokio::test]
async fn a_row_that_is_there_after_all_is_not_overwritten_unseen() {
    let db = TestDb::from(&MIGRATED, "there_after_all").await;
    let client = db.connect().await;
    sqlmig(&db, &format!("run {}", fixture("docs.sql.gz"))).await.code(0);
    let documents = "select md5(string_agg(d.doc_path || d.content || coalesce(d.embedding::text, ''), '' order by d.doc_path, d.id)) from public.documents as d";
    let loaded = text(&client, documents).await;
    let last = "(select documents.id from public.documents join staging.documents as staged on staged.id = documents.id::text order by staged._row desc limit 1)";
    client.batch_execute(include_str!("../sql/count_inserts.sql")).await.unwrap();
    let edit = format!("update public.documents set content = 'of somebody else' where id = {last}");
    client.batch_execute(&edit).await.unwrap();
    client.batch_execute("delete from public.documents where content <> 'of somebody else'").await.unwrap();

    let run = format!("run --force {} --parallel 1 --batch-size 20 --output json", fixture("docs.sql.gz"));
    let report = sqlmig(&db, &run).await.code(0).json();
    assert_eq!(text(&client, documents).await, loaded);
    let written = report["targets"].as_array().unwrap().iter().find(|one| one["target"] == "public.documents").unwrap();
    assert_eq!((&written["rows_inserted"], &written["rows_updated"]), (&147.into(), &1.into()));
    // It is no failure of the batch.
    assert_eq!(report["batches"]["retried"], 0);
    // Of 147 rows that were inserted, and of some that were tried in vain with the one that is there.
    let inserts = number(&client, "select last_value from public.inserts").await;
    assert!(inserts > 147, "no batch was written without a look: {inserts} inserts were tried");

    let run = report["run"]["id"].as_str().unwrap();
    sqlmig(&db, &format!("rollback --run {run} --yes")).await.code(0);
    let left = text(&client, "select string_agg(content, ',') from public.documents").await;
    assert_eq!(left, "of somebody else");
}

#[tokio::test]
async fn a_failing_batch_is_told_in_full_and_gone_on_with() {
    for options in ["--batch-size 20", "--batch-size 20 --parallel 4"] {
        let (db, whole) = (TestDb::from(&MIGRATED, "failing").await, TestDb::from(&MIGRATED, "reference").await);
        let client = db.connect().await;
        sqlmig(&whole, &format!("run {}", fixture("docs.sql.gz"))).await.code(0);
        let reference = whole.connect().await;
        // Row 100 of the dump is in the fifth batch of documents. The checks take out as many rows as are allowed.
        sqlmig(&db, &format!("stage {}", fixture("docs.sql.gz"))).await.code(0);
        let id = text(&client, "select id from staging.documents where _row = 100").await;
        let out = number(&reference, "select count(*) from sqlmig.quarantine").await;
        client.batch_execute(include_str!("../sql/slow_constraint.sql")).await.unwrap();
        let setting = format!("alter database {} set test.refused = '{id}'", db.target().database());
        client.batch_execute(&setting).await.unwrap();
        let constraint = "alter table public.documents add constraint not_this_one check (public.refused(id))";
        client.batch_execute(constraint).await.unwrap();

        let run = format!("run {} --output json --max-rejects {out} {options}", fixture("docs.sql.gz"));
        let failed = sqlmig(&db, &run).await.code(3);
        let failed = failed.says(&["rows 81 to 100", "row 100 of public.documents", "in quarantine (--max-rejects)"]);
        let failed = failed.says(&["SQLSTATE 23514", "public.documents", "not_this_one", "Failing row"]);
        let report = failed.json();
        assert_eq!(report["batches"]["failed"], 1);
        let error = report["run"]["error"].as_str().unwrap();
        assert!(error.contains("not_this_one"), "{error}");
        let kept = number(&client, "select count(*) from public.documents").await;
        assert_eq!(kept, report["targets"].as_array().unwrap().iter().find(|target| target["transform"] == "documents").unwrap()["rows_inserted"].as_i64().unwrap());
        let before = "select count(*) from public.documents as d join staging.documents as s on s.id = d.id::text where _row <= 80";
        let all = number(&reference, "select count(*) from public.documents").await;
        assert!(number(&client, before).await > 50 && kept < all, "{kept} of {all}");
        assert_eq!(number(&client, "select count(*) from sqlmig.quarantine").await, out);

        // Nothing is changed by trying again in vain; without the constraint it ends as if nothing had been.
        let again = sqlmig(&db, &format!("promote --max-rejects {out} {options}")).await.code(3);
        again.says(&["not_this_one", "hint: "]);
        sqlmig(&db, "validate").await.code(2);
        client.batch_execute("alter table public.documents drop constraint not_this_one").await.unwrap();
        let report = sqlmig(&db, &format!("promote --output json {options}")).await.code(0).json();
        assert_eq!((&report["batches"]["failed"], &report["run"]["error"]), (&0.into(), &serde_json::Value::Null));
        sqlmig(&db, "validate").await.code(0);
        assert_eq!(state(&client).await, state(&reference).await);
        let twice = "select count(*) from (select source, row from sqlmig.batch as b, generate_series(first_row, last_row) as row where counted and state = 'done' and run_id = (select id from sqlmig.run order by started_at desc limit 1) group by 1, 2 having count(*) > 1) as twice";
        assert_eq!(number(&client, twice).await, 0);
    }
}

/// A session of somebody else that writes to `public.things` as fast as it can until it is told to stop: counts a row
/// up, adds rows of its own, takes out and puts back others. Returns how often it counted, and the rows it added.
async fn somebody_else(client: Connection, stop: Arc<AtomicBool>) -> (i32, i32) {
    let (mut counted, mut added) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let count =
            "update public.things set note = (coalesce(note, '0')::int + 1)::text where id % 10 = 5 and id <= 200";
        client.execute(count, &[]).await.unwrap();
        counted += 1;
        let own = 10_000 + added;
        client.execute("insert into public.things (id, name) values ($1, 'theirs')", &[&own]).await.unwrap();
        added += 1;
        client.execute("delete from public.things where id % 10 = 7 and id <= 200", &[]).await.unwrap();
        let early = "insert into public.things (id, name, amount) values (1 + (random() * 199)::int, 'theirs', 0) on conflict do nothing";
        client.execute(early, &[]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (counted, added)
}

#[tokio::test]
async fn others_may_write_to_the_target_meanwhile() {
    let db = TestDb::new("meanwhile").await;
    // `note` is somebody else's: new rows get it, updates leave it alone.
    let things =
        Things::new().replacing("transforms/promote/things.sql", "--! key: id", "--! key: id\n--! insert_only: note");
    let first: Vec<String> = (1..=200).map(|id| format!("{id}|first|1|{{}}|{{}}|0")).collect();
    things.run(&db, &first.iter().map(String::as_str).collect::<Vec<_>>()).await.code(0);
    let client = db.connect().await;
    client.batch_execute(include_str!("../sql/audit.sql")).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let theirs = tokio::spawn(somebody_else(db.connect().await, Arc::clone(&stop)));
    for round in 0..4 {
        let rows: Vec<String> = (1..=200).map(|id| format!("{id}|round {round}|{round}|{{}}|{{}}|0")).collect();
        let dump = things.dump(&rows.iter().map(String::as_str).collect::<Vec<_>>());
        let run = format!("run {} --batch-size 25 --parallel 2", dump.display());
        let report = things.sqlmig(&db, &run).await.code(0).json();
        assert!(report["tables"][0]["balanced"] == true, "{report}");
    }
    stop.store(true, Ordering::Relaxed);
    let (counted, added) = theirs.await.unwrap();
    assert!(counted > 20, "{counted} rounds of somebody else");
    // None of their counts on rows that were always there was lost, and none of their rows.
    let counts = "select concat_ws(' ', min(note::int), max(note::int), count(*)) from public.things where id % 10 = 5 and id <= 200 and note::int >= 0";
    assert_eq!(text(&client, counts).await, format!("{counted} {counted} 20"));
    assert_eq!(number(&client, "select count(*) from public.things where id >= 10000").await, i64::from(added));
    // Every before-image is the version that was replaced, theirs included.
    let table = undo(&client, "public.things").await;
    let images = text(&client, &include_str!("../sql/stale_images.sql").replace("{undo}", &table)).await;
    let updated = number(&client, "select sum(rows_updated) from sqlmig.batch where transform = 'things'").await;
    assert_eq!(images, format!("{updated} images, {updated} of {updated}"));
}

#[tokio::test]
async fn a_target_that_is_never_at_rest_is_loaded_all_the_same() {
    let db = TestDb::new("restless").await;
    let things = Things::new();
    let rows: Vec<String> = (1..=2000).map(|id| format!("{id}|first|1|{{}}|{{}}|0")).collect();
    things.run(&db, &rows.iter().map(String::as_str).collect::<Vec<_>>()).await.code(0);
    let stop = Arc::new(AtomicBool::new(false));
    let (client, stopped) = (db.connect().await, Arc::clone(&stop));
    let theirs = tokio::spawn(async move {
        while !stopped.load(Ordering::Relaxed) {
            // Two that lock the same rows in another order may meet; then one of them has to try again.
            let written = client.execute("update public.things set note = 'theirs' where id % 3 = 0", &[]).await;
            let deadlock = |error: &tokio_postgres::Error| error.code() == Some(&SqlState::T_R_DEADLOCK_DETECTED);
            assert!(written.as_ref().map_or_else(deadlock, |_| true), "{written:?}");
        }
    });
    let rows: Vec<String> = (1..=2000).map(|id| format!("{id}|second|2|{{}}|{{}}|0")).collect();
    let outcome = things.run(&db, &rows.iter().map(String::as_str).collect::<Vec<_>>()).await;
    stop.store(true, Ordering::Relaxed);
    theirs.await.unwrap();
    let report = outcome.code(0).json();
    assert_eq!(report["tables"][0]["rows_updated"], 2000);
    assert_eq!(number(&db.connect().await, "select count(*) from public.things where name = 'second'").await, 2000);
}

/// Another session has a row that a batch needs. The report says that locks held the phase up, whether the batch got its row in the
/// end or let go and was tried again.
#[tokio::test]
async fn a_lock_that_another_session_holds_is_what_held_promotion_up() {
    for (options, part) in [("", "; server: CPU "), ("--lock-timeout 1s", ", lock timeouts ")] {
        let (db, things) = (TestDb::new("locked").await, Things::new());
        things.run(&db, &["1|one|1|{}|{}|0"]).await.code(0);
        let (mut other, watch) = (db.connect().await, db.connect().await);
        let theirs = other.transaction().await.unwrap();
        theirs.execute("update public.things set note = 'theirs' where id = 1", &[]).await.unwrap();
        let run = format!("run {} {options}", things.dump(&["1|two|2|{}|{}|0"]).display());
        let (outcome, ()) = tokio::join!(things.sqlmig(&db, &run), async {
            waited_for(&watch).await;
            tokio::time::sleep(Duration::from_millis(1800)).await;
            theirs.rollback().await.unwrap();
        });
        let report = outcome.code(0).json();
        let phases = report["phases"].as_array().unwrap();
        let told = phases.iter().find(|phase| phase["phase"] == "promote").unwrap()["summary"].as_str().unwrap();
        assert!(told.contains("; held up by locks (statements ") && told.contains(part), "{options}: {told}");
        assert_eq!(text(&watch, "select name || note from public.things").await, "two0");
        // It waited all the time in one transaction, or again and again.
        let longest = number(&watch, "select max(elapsed_ms) from sqlmig.batch").await;
        let whole = if options.is_empty() { 1800..60_000 } else { 0..1800 };
        assert!(whole.contains(&longest), "{options}: {longest} ms");
    }
}

/// A batch that fails once while someone else waits for the run's row in the ledger, and then keeps it for longer than five
/// tries take: what became of the batch is asked until the ledger says it.
#[tokio::test]
async fn a_ledger_that_others_lock_is_asked_for_longer_than_a_few_tries() {
    let (db, things) = (TestDb::new("ledger_locked").await, Things::new());
    things.run(&db, &[]).await.code(0);
    let (mut other, watch) = (db.connect().await, db.connect().await);
    other.batch_execute(include_str!("../sql/slow_first_try.sql")).await.unwrap();
    db.hand_over().await;
    let run = format!("run {} --lock-timeout 100ms", things.dump(&["1|one|1|{}|{}|0"]).display());
    let (outcome, ()) = tokio::join!(things.sqlmig(&db, &run), async {
        for _ in 0..3000 {
            if number(&watch, "select is_called::int from public.tries").await == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let theirs = other.transaction().await.unwrap();
        theirs.batch_execute("select from sqlmig.run where state <> 'done' for update").await.unwrap();
        tokio::time::sleep(Duration::from_secs(4)).await;
        theirs.rollback().await.unwrap();
    });
    let outcome = outcome.code(0);
    assert!(outcome.stderr.matches("could not lock the run's row").count() > 4, "{}", outcome.stderr);
    assert_eq!(text(&watch, "select name || note from public.things").await, "one0");
    assert_eq!(text(&watch, include_str!("../sql/uncovered.sql")).await, "");
}

/// Waits until a session of this database waits for a lock.
async fn waited_for(client: &Connection) {
    let waiting =
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    for _ in 0..3000 {
        if number(client, waiting).await > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("for a minute nobody waited for the row");
}

/// Whoever takes a run on raises its epoch: the one who had it before stops at its next batch, keeps what it has
/// committed, and leaves the run to the other.
#[tokio::test]
async fn a_run_that_another_takes_on_is_left_to_it() {
    let db = TestDb::from(&MIGRATED, "fence").await;
    let client = db.connect().await;
    let calm = TestDb::from(&MIGRATED, "unfenced").await;
    sqlmig(&calm, &format!("run {}", fixture("docs.sql.gz"))).await.code(0);
    client.batch_execute(include_str!("../sql/take_over.sql")).await.unwrap();
    sqlmig(&db, &format!("run {} --batch-size 50", fixture("docs.sql.gz")))
        .await
        .code(6)
        .says(&["another sqlmig has taken run", "hint: leave it to the other"]);
    assert_eq!(text(&client, "select state || coalesce(error, '') from sqlmig.run").await, "checked");
    let done = "select count(*) from sqlmig.batch where state = 'done' and transform = 'documents'";
    assert_eq!(number(&client, done).await, 1);
    client.batch_execute("drop trigger take_over on public.documents").await.unwrap();
    sqlmig(&db, "promote").await.code(0);
    sqlmig(&db, "validate").await.code(0);
    assert_eq!(state(&client).await, state(&calm.connect().await).await);
}

/// A person who watches learns of a failed batch while others are still at work: what the trigger says is the moment of the
/// failure, and the log line has its own.
#[tokio::test]
async fn a_failed_batch_is_told_when_it_fails() {
    let db = TestDb::new("told").await;
    let client = db.connect().await;
    let things = Things::new();
    let rows: Vec<String> = (1..=20).map(|id| format!("{id}|thing {id}|1|{{}}|{{}}|x")).collect();
    let dump = things.dump(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    things.sqlmig(&db, "migrate").await.code(0);
    let triggers = "create table public.ended (at timestamptz);
        create function public.refuse() returns trigger language plpgsql as $$ begin
            if new.id = 7 then
                raise 'failed at %.', extract(epoch from clock_timestamp()) using errcode = '23514';
            elsif new.id = 11 then
                perform pg_sleep(4);
                insert into public.ended values (clock_timestamp());
            end if;
            return new;
        end $$;
        create trigger refuse before insert on public.things for each row execute function public.refuse();";
    client.batch_execute(triggers).await.unwrap();
    db.hand_over().await;
    let run = format!("run {} --batch-size 10 --parallel 2 --log-format json", dump.display());
    let outcome = things.sqlmig(&db, &run).await.code(0);
    let mut told = Vec::new();
    for line in outcome.stderr.lines().filter(|line| line.contains("failed at ")) {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let (_, failed_at) = line.split_once("failed at ").unwrap();
        let failed_at: String = failed_at.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        let failed_at = failed_at.trim_end_matches('.');
        let logged = format!("timestamptz '{}'", record["timestamp"].as_str().unwrap());
        let after = text(&client, &format!("round(extract(epoch from {logged}) - {failed_at}, 3)")).await;
        let after: f64 = after.parse().unwrap();
        assert!((-1.0..30.0).contains(&after), "told {after} s after the failure: {line}");
        let early = format!("select ({logged} < at)::int from public.ended");
        told.push((number(&client, &early).await, after));
    }
    // Ten rows, and what is left of them after each halving: the first is told while the other batch is still written.
    assert!(told.len() >= 4, "{told:?}\n{}", outcome.stderr);
    assert_eq!(told[0].0, 1, "told only once all was over: {told:?}");
    assert_eq!(number(&client, "select count(*) from sqlmig.quarantine where code = '23514'").await, 1);
}

/// A server whose batches wait for something that is not its processor: every worker more brings more.
#[tokio::test]
async fn workers_are_added_while_each_brings_more() {
    let db = TestDb::from(&MIGRATED, "more_workers").await;
    let client = db.connect().await;
    let slow = "create function public.wait() returns trigger language plpgsql as $$ begin perform pg_sleep(0.04); return new; end $$;
                create trigger wait before insert on public.documents for each row execute function public.wait()";
    client.batch_execute(slow).await.unwrap();
    let line = format!("run {} --parallel auto --batch-size 2 --output json", fixture("docs.sql.gz"));
    let run = sqlmig(&db, &line).await.code(0);
    let changes = run.stderr.lines().filter(|line| line.contains("promotion goes on with another number of workers"));
    let workers = |line: &str| line.split("workers=").nth(1)?.split(' ').next()?.parse::<usize>().ok();
    let sizes: Vec<usize> = changes.filter_map(workers).collect();
    let phases = run.json()["phases"].as_array().unwrap().clone();
    let promote = phases.iter().find(|phase| phase["phase"] == "promote").unwrap()["summary"].as_str().unwrap();
    let began =
        promote.split("auto; began with ").nth(1).and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
    assert_eq!(sizes.first().copied(), began.map(|began| began + 1), "{sizes:?} {promote}");
    assert!(!promote.contains("too few batches"), "{promote}");
}
