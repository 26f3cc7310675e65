//! The ledger by itself: what it says of figures that are put into it.

use deadpool_postgres::Pool;
use sqlmig::db::Connection;
use sqlmig::db::ledger::{batches_unfinished, status};
use sqlmig::outcome::Status;
use sqlmig::outcome::status::{Activity, LATENCY_BOUNDS_MS};

use crate::harness::TestDb;
use crate::program::{Things, finish, number, on, text};

/// A run that has loaded six things, of which the ledger then says that it is being promoted.
async fn promoting(name: &str) -> (TestDb, Connection) {
    let db = TestDb::new(name).await;
    let rows: Vec<String> = (1..=6).map(|id| format!("{id}|x|1|{{}}|{{}}|x")).collect();
    Things::new().run(&db, &rows.iter().map(String::as_str).collect::<Vec<_>>()).await.code(0);
    let client = db.connect().await;
    client.batch_execute(include_str!("../sql/ledger_status.sql")).await.unwrap();
    (db, client)
}

async fn now(pool: &Pool) -> Status {
    status(&mut pool.get().await.unwrap(), None).await.unwrap().unwrap()
}

/// Whether this is a time of so many seconds: what was asked may have taken a while.
fn about(seconds: f64, expected: f64) -> bool {
    (expected - 0.1..expected + 3.0).contains(&seconds)
}

#[tokio::test]
async fn the_status_adds_up_what_the_ledger_holds() {
    let (db, client) = promoting("status_sums").await;
    client.execute(include_str!("../sql/ledger_stints.sql"), &[&0.0, &false]).await.unwrap();
    let pool = db.target().pool(1).unwrap();
    let status = now(&pool).await;
    assert_eq!((status.rows_read, status.rows_staged, status.chunks), (43, 40, 1));
    assert_eq!((status.source_bytes_done, status.source_bytes), (Some(4900), Some(5000)));
    // Of tries of batches three were in vain, and six more things, by two processes.
    assert_eq!((status.retries, status.batches.done, status.batches.pending), (9, 3, 1));
    let [written] = &status.written[..] else { panic!("{:?}", status.written) };
    assert_eq!((written.inserted, written.updated, written.unchanged, written.deleted), (24, 3, 2, 1));
    let [target] = &status.targets[..] else { panic!("{:?}", status.targets) };
    assert_eq!((target.batches_done, target.batches_planned, target.rows_done, target.rows_planned), (3, 4, 30, 40));
    let taken: Vec<_> = status.rejects.by_check.iter().map(|taken| (taken.check.as_str(), taken.rows)).collect();
    assert_eq!((status.rejects.rows, taken), (3, vec![("one", 2), ("two", 1)]));
    // Half of 43 rows.
    assert_eq!(status.rejects.allowed, Some(21));
    let paid = &status.embeddings;
    assert_eq!((paid.requests, paid.vectors, paid.tokens), (2, 7, 400));
    assert!((paid.cost - 0.0008).abs() < 1e-12, "{}", paid.cost);

    let within = |bound: i64, latency: &[(f64, i64)]| {
        let place = LATENCY_BOUNDS_MS.iter().position(|known| *known == bound).unwrap();
        latency[place].1
    };
    let batches = &status.batch_seconds;
    assert_eq!((batches.count, batches.p50), (3, Some(0.06)));
    assert!((batches.sum - 0.77).abs() < 1e-9 && (batches.p99.unwrap() - 0.6872).abs() < 1e-9, "{batches:?}");
    assert_eq!([10, 50, 100, 500, 1000].map(|bound| within(bound, &batches.buckets)), [1, 1, 2, 2, 3]);
    assert!((batches.buckets[0].0 - 0.01).abs() < 1e-12);
    let requests = &status.embeddings.request_seconds;
    assert_eq!((requests.count, requests.p50), (2, Some(0.21)));
    assert_eq!([10, 25, 250, 500].map(|bound| within(bound, &requests.buckets)), [0, 1, 1, 2]);

    let phases: Vec<_> = status.phases.iter().map(|spent| (spent.phase.as_str(), spent.tries)).collect();
    assert_eq!(phases, [("stage", 2), ("promote", 1)]);
    assert!(about(status.phases[0].seconds, 30.0) && about(status.phases[1].seconds, 30.0), "{:?}", status.phases);
    let busy: Vec<_> = status.busy.iter().map(|share| share.part.as_str()).collect();
    assert_eq!(busy, ["locks", "server"]);
    let progress = status.progress.as_ref().unwrap();
    assert_eq!((progress.doing.as_deref(), progress.done, progress.total), (Some("public.things"), 30, Some(40)));
    // Twenty rows in the half minute since promotion began.
    let rate = progress.per_second.unwrap();
    assert!((20.0 / 33.0..=20.0 / 30.0).contains(&rate), "{rate}");
    assert!(about(status.seconds_since_progress(), 5.0), "{}", status.seconds_since_progress());
    assert_eq!(status.processes.len(), 2);
    let process = &status.processes[1];
    assert_eq!((process.role.as_str(), process.host.as_str(), process.pid), ("worker", "there", 10));
    assert_eq!((process.workers, process.rss_bytes, process.peak_rss_bytes), (Some(1), Some(300), Some(400)));
    assert!(about(process.silent_seconds, 0.0));
}

/// A process that is gone leaves its lock at once, and falls silent later.
#[tokio::test]
async fn whoever_was_heard_of_lately_is_at_work() {
    use Activity::{Ended, Idle, Silent, Working};
    let (db, client) = promoting("status_activity").await;
    let pool = db.target().pool(1).unwrap();
    // Silent for so long, ended, the lock is held, the run has an error, its state; then what is said, and of how many.
    for (silent, ended, locked, error, state, activity, processes) in [
        (0.0, false, false, None, "checked", Working, 2),
        (5.0, false, false, None, "checked", Silent, 2),
        (5.0, false, true, None, "checked", Working, 2),
        (16.0, false, true, None, "checked", Silent, 1),
        (16.0, false, false, Some("no"), "checked", Ended, 1),
        (0.0, false, false, Some("no"), "checked", Working, 2),
        (1.0, true, true, None, "checked", Working, 0),
        (1.0, true, false, None, "checked", Idle, 0),
        (1.0, true, false, Some("no"), "checked", Ended, 0),
        (0.0, false, true, None, "done", Ended, 0),
    ] {
        let what = format!("{silent} {ended} {locked} {error:?} {state}");
        client.execute("select pg_advisory_unlock_all()", &[]).await.unwrap();
        if locked {
            // The letters sqlm, and the lock of a conductor.
            client
                .execute("select pg_advisory_lock(('x' || encode('sqlm', 'hex'))::bit(32)::int, 1)", &[])
                .await
                .unwrap();
        }
        client.execute("update sqlmig.run set state = $1, error = $2", &[&state, &error]).await.unwrap();
        client.execute(include_str!("../sql/ledger_stints.sql"), &[&silent, &ended]).await.unwrap();
        let status = now(&pool).await;
        assert_eq!((status.activity, status.processes.len()), (activity, processes), "{what}");
        assert_eq!(status.is_conducted, locked && state != "done", "{what}");
        assert_eq!(status.progress.is_some(), !ended && activity != Ended, "{what}");
        assert_eq!(status.has_ended(), activity == Ended);
        // Of one that is silent nobody knows more than that it was at work until then.
        let promoted = if ended {
            29.0
        } else if silent > 15.0 {
            14.0
        } else {
            30.0
        };
        assert!(about(status.phases[1].seconds, promoted), "{what}: {:?}", status.phases);
    }
}

#[tokio::test]
async fn batches_that_are_left_are_counted() {
    let (_db, client) = promoting("unfinished").await;
    let run = client.query_one("select id from sqlmig.run", &[]).await.unwrap().get(0);
    assert_eq!(batches_unfinished(&*client, run).await.unwrap(), (1, None));
    client.execute("update sqlmig.batch set state = 'failed' where number in (2, 3)", &[]).await.unwrap();
    assert_eq!(batches_unfinished(&*client, run).await.unwrap(), (1, Some(2)));
    client.execute("update sqlmig.batch set state = 'done'", &[]).await.unwrap();
    assert_eq!(batches_unfinished(&*client, run).await.unwrap(), (0, None));
}

/// A run is not called promoted while any batch is left, wherever that came from.
#[tokio::test]
async fn a_run_with_batches_left_is_not_promoted() {
    let (db, things) = (TestDb::new("batches_left").await, Things::new());
    things.run(&db, &[]).await.code(0);
    let client = db.connect().await;
    client
        .batch_execute(
            "create function public.another() returns trigger language plpgsql as $$ begin \
                 insert into sqlmig.batch (run_id, number, transform, target, first_row, last_row, counted, state, error) values \
                     (new.run_id, 100, 'another', 'public.things', 1, 1, false, 'pending', null), \
                     (new.run_id, 101, 'another', 'public.things', 1, 1, false, 'failed', 'no'); \
                 return new; end $$; \
             create trigger another after update on sqlmig.batch for each row when (new.state = 'done') \
                 execute function public.another()",
        )
        .await
        .unwrap();
    let outcome = things.run(&db, &["1|x|1|{}|{}|x"]).await.code(1).says(&["2 batches of the run are not done"]);
    assert_eq!(outcome.json()["run"]["state"], "failed");
}

/// What a process says of its end must not be taken for another's.
#[tokio::test]
async fn a_run_says_which_process_conducts_it() {
    let (db, things) = (TestDb::new("conducted").await, Things::new());
    let line = format!("run {} --project {}", things.dump(&["1|x|1|{}|{}|x"]).display(), things.path().display());
    let mut command = on(&db, &line).await;
    let child = command.spawn().unwrap();
    let pid = i64::from(child.id());
    tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let client = db.connect().await;
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(number(&client, "select pid from sqlmig.run").await, pid);
    assert_eq!(text(&client, "select host from sqlmig.run").await, host.trim());
    assert_eq!(text(&client, "select distinct host || pid from sqlmig.stint").await, format!("{}{pid}", host.trim()));
    assert_eq!(number(&client, "select exit_code from sqlmig.run").await, 0);
    // A report is another process, and ends nobody's run.
    client.execute("update sqlmig.run set exit_code = 5", &[]).await.unwrap();
    finish(on(&db, "report").await).await.code(0);
    assert_eq!(number(&client, "select exit_code from sqlmig.run").await, 5);
}
