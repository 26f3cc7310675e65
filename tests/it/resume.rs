//! A run that was stopped goes on, with the same source, project and database, and no others.

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlmig::db::Connection;

use crate::harness::TestDb;
use crate::program::{MIGRATED, Outcome, Things, finish, fixture, number, on, sqlmig, state, target, text};

/// Gives a run the beginning of a source on stdin, waits until `count` chunks are committed, and kills it.
async fn killed_while_staging(db: &TestDb, arguments: &str, beginning: &[u8], count: i64) {
    let client = db.connect().await;
    let mut command = on(db, arguments).await;
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(beginning).unwrap();
    // Lanes overtake one another: the first table's only chunk may come after some of the second's.
    let staged =
        "select case when bool_or(source like '%document_sources%') then count(*) else 0 end from sqlmig.chunk";
    while number(&client, staged).await < count {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGKILL).unwrap();
    tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    drop(stdin);
    // The server notices within two seconds that the holder of the run lock is gone.
    let gone = "select count(*) from pg_locks where locktype = 'advisory' and objsubid = 2 \
                and database = (select oid from pg_database where datname = current_database())";
    while number(&client, gone).await > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Runs the whole dump on stdin.
async fn run_from_stdin(db: &TestDb, arguments: &str, dump: Vec<u8>) -> Outcome {
    let mut command = on(db, arguments).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump");
    fs::write(&path, dump).unwrap();
    command.stdin(fs::File::open(&path).unwrap());
    finish(command).await
}

async fn events(client: &Connection, kind: &str) -> Vec<String> {
    let query = "select message from sqlmig.event where kind = $1 order by ordinal";
    client.query(query, &[&kind]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// The fixture's dump as text: 41 sources and 180 documents of 12 kB each, so two chunks and more.
fn dump() -> Vec<u8> {
    let mut text = Vec::new();
    let file = fs::File::open(fixture("docs.sql.gz")).unwrap();
    std::io::copy(&mut flate2::read::MultiGzDecoder::new(file), &mut text).unwrap();
    text
}

#[tokio::test]
async fn a_killed_stage_sends_only_what_is_missing() {
    let (db, calm) = (TestDb::from(&MIGRATED, "resume").await, TestDb::from(&MIGRATED, "calm").await);
    let dump = dump();
    run_from_stdin(&calm, "run -", dump.clone()).await.code(0);
    let chunks = number(&calm.connect().await, "select count(*) from sqlmig.chunk").await;
    assert!(chunks > 3, "{chunks}");
    killed_while_staging(&db, "run -", &dump[..dump.len() / 2], 2).await;
    let client = db.connect().await;
    let staged = text(&client, "select string_agg(xmin::text, ' ' order by source, first_row) from sqlmig.chunk").await;
    run_from_stdin(&db, "run -", dump).await.code(0).says(&["chunks were staged already"]);
    assert_eq!(number(&client, "select count(*) from sqlmig.run").await, 1);
    assert_eq!(number(&client, "select count(*) from sqlmig.chunk").await, chunks);
    let kept = text(&client, "select string_agg(xmin::text, ' ' order by source, first_row) from sqlmig.chunk").await;
    assert!(staged.split(' ').all(|xmin| kept.contains(xmin)), "{staged} was sent again: {kept}");
    assert_eq!(state(&client).await, state(&calm.connect().await).await);
}

/// What someone ends on purpose is not sent again behind his back.
#[tokio::test]
async fn a_chunk_whose_connection_is_lost_is_sent_again() {
    for (end, times, code) in [("pg_terminate_backend", 3, 0), ("pg_cancel_backend", 1, 5)] {
        let db = TestDb::from(&MIGRATED, "chunk_lost").await;
        let client = db.connect().await;
        // Whoever records a chunk waits for a lock.
        client
            .batch_execute(
                "create function public.held() returns trigger language plpgsql as \
                     $$ begin perform pg_advisory_xact_lock_shared(4242); return new; end $$; \
                 create trigger held before insert on sqlmig.chunk for each row execute function public.held(); \
                 select pg_advisory_lock(4242)",
            )
            .await
            .unwrap();
        let stage = format!("stage {} --lock-timeout 1min --output json", fixture("docs.sql.gz"));
        let staging = tokio::spawn(finish(on(&db, &stage).await));
        let other = db.connect().await;
        let waiting = format!(
            "select count({end}(pid)) from (select pid from pg_stat_activity where datname = current_database() and \
             wait_event_type = 'Lock' order by pid limit 1) as waiting"
        );
        let (mut ended, since) = (0, Instant::now());
        while ended < times {
            ended += number(&other, &waiting).await;
            assert!(since.elapsed() < Duration::from_mins(1), "nobody waits");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        client.batch_execute("select pg_advisory_unlock(4242)").await.unwrap();
        let outcome = staging.await.unwrap().code(code);
        assert_eq!(outcome.stderr.contains("trying again (1 of 5)"), code == 0, "{}", outcome.stderr);
        if code == 0 {
            let report = outcome.json();
            assert_eq!((&report["tables"][1]["rows_read"], &report["run"]["state"]), (&180.into(), &"staged".into()));
            let retried = number(&client, "select sum(retries) from sqlmig.stint").await;
            assert!((1..=3).contains(&retried), "{retried}");
        }
    }
}

#[tokio::test]
async fn another_source_is_refused_at_the_first_row_that_differs() {
    let db = TestDb::from(&MIGRATED, "resume_other").await;
    let mut dump = dump();
    killed_while_staging(&db, "run -", &dump[..dump.len() / 2], 2).await;
    let at = dump.windows(8).position(|window| window == b"\nCOPY pu").unwrap();
    let digit = at + dump[at..].iter().position(|byte| *byte == b';').unwrap() + 4;
    dump[digit] = if dump[digit] == b'1' { b'2' } else { b'1' };
    run_from_stdin(&db, "run -", dump.clone()).await.code(2).says(&["rows 1 to ", "another source", "--restart"]);
    let client = db.connect().await;
    assert_eq!(number(&client, "select count(*) from public.documents").await, 0);
    run_from_stdin(&db, "run - --restart", dump).await.says(&["is set aside"]);
    assert_eq!(number(&client, "select count(*) from sqlmig.run where state = 'superseded'").await, 1);
}

/// Lanes overtake one another: the first chunk may be missing and the second staged, and of another source the first is then
/// sent before the second is seen to differ. That must not keep the run's own source from going on.
#[tokio::test]
async fn what_another_source_has_added_is_not_gone_on_with() {
    let (db, calm) = (TestDb::from(&MIGRATED, "resume_mixed").await, TestDb::from(&MIGRATED, "calm").await);
    let dump = dump();
    run_from_stdin(&calm, "run -", dump.clone()).await.code(0);
    killed_while_staging(&db, "run -", &dump[..dump.len() / 2], 2).await;
    let client = db.connect().await;
    client
        .batch_execute(
            "delete from sqlmig.chunk where source = 'public.document_sources'; truncate staging.document_sources",
        )
        .await
        .unwrap();
    // A digit in the first row of each table.
    let mut other = dump.clone();
    let blocks: Vec<usize> = (0..dump.len() - 8).filter(|at| dump[*at..].starts_with(b"\nCOPY pu")).collect();
    for block in blocks {
        let digit = block + other[block..].iter().position(|byte| *byte == b';').unwrap() + 4;
        other[digit] = if other[digit] == b'1' { b'2' } else { b'1' };
    }
    run_from_stdin(&db, "run -", other).await.code(2).says(&["another source", "from the beginning"]);
    run_from_stdin(&db, "run -", dump).await.code(0);
    assert_eq!(state(&client).await, state(&calm.connect().await).await);
}

/// What PostgreSQL does to UNLOGGED tables after a crash: all of them are empty, without a word.
async fn crash(client: &Connection) {
    client.batch_execute("truncate staging.documents, staging.document_sources, sqlmig.canary").await.unwrap();
}

#[tokio::test]
async fn what_a_crash_emptied_is_staged_again_and_promoted_batches_are_kept() {
    let (db, calm) = (TestDb::from(&MIGRATED, "crash").await, TestDb::from(&MIGRATED, "calm").await);
    let load = format!("run {} --batch-size 50", fixture("docs.sql.gz"));
    let undisturbed = sqlmig(&calm, &load).await.code(0).stderr;
    assert!(!undisturbed.contains("no longer there"), "{undisturbed}");
    let client = db.connect().await;
    client.batch_execute(include_str!("../sql/take_over.sql")).await.unwrap();
    sqlmig(&db, &load).await.code(6);
    client.batch_execute("drop trigger take_over on public.documents").await.unwrap();
    let done = text(
        &client,
        "select string_agg(number || ' ' || xid, ',' order by number) from sqlmig.batch where state = 'done'",
    )
    .await;
    assert!(!done.is_empty());
    crash(&client).await;
    // Without the source nothing can be staged again, and nothing is promoted from empty tables.
    sqlmig(&db, "promote").await.code(5).says(&["has crashed", "sqlmig run SOURCE"]);
    sqlmig(&db, &load).await.code(0).says(&["what is promoted is kept", "what was staged is no longer there"]);
    let kept = text(
        &client,
        "select string_agg(number || ' ' || xid, ',' order by number) from sqlmig.batch where state = 'done'",
    )
    .await;
    assert!(done.split(',').all(|batch| kept.contains(batch)), "{done}: {kept}");
    assert_eq!(number(&client, "select count(*) from sqlmig.run").await, 1);
    assert_eq!(state(&client).await, state(&calm.connect().await).await);
}

#[tokio::test]
async fn what_a_run_was_begun_with_is_named_where_it_differs() {
    let db = TestDb::from(&MIGRATED, "identity").await;
    let (docs, newer) = (fixture("docs.sql.gz"), fixture("docs-newer.sql.gz"));
    sqlmig(&db, &format!("stage {docs}")).await.code(0);
    sqlmig(&db, &format!("stage {docs} --table public.documents")).await.code(2).says(&["another part of the source"]);
    sqlmig(&db, &format!("run {newer}")).await.code(2).says(&["another source", "bytes then"]);
    let things = Things::new();
    things.sqlmig(&db, "check").await.code(2).says(&["another project (docs then, things now)"]);
    // The same number of bytes, and another file.
    let folder = tempfile::tempdir().unwrap();
    let changed = folder.path().join("docs.sql.gz");
    let mut bytes = fs::read(&docs).unwrap();
    bytes[4] ^= 1; // the time in gzip's header: the same text, and another file
    fs::write(&changed, bytes).unwrap();
    sqlmig(&db, &format!("run {}", changed.display())).await.code(2).says(&["another source (SHA-256 "]);
    // The same file under another name is the same source.
    let copy = folder.path().join("copy.sql.gz");
    fs::copy(&docs, &copy).unwrap();
    sqlmig(&db, "check").await.code(0);
    let client = db.connect().await;
    client.batch_execute("alter table public.documents add column extra integer").await.unwrap();
    sqlmig(&db, "promote").await.code(2).says(&["another shape of the final tables"]);
    client.batch_execute("alter table public.documents drop column extra").await.unwrap();
    client.batch_execute("update sqlmig.run set target = 'docs (1 on server 2)'").await.unwrap();
    let load = format!("run {}", copy.display());
    sqlmig(&db, &load).await.code(2).says(&["another database (docs (1 on server 2) then"]);
    client.batch_execute("update sqlmig.run set target = null").await.unwrap();
    sqlmig(&db, &load).await.code(0).says(&["run goes on", "state=checked"]);
    assert_eq!(number(&client, "select count(*) from sqlmig.run").await, 1);
}

#[tokio::test]
async fn every_change_of_a_run_is_told_of() {
    let db = TestDb::from(&MIGRATED, "audit").await;
    sqlmig(&db, &format!("stage {}", fixture("docs.sql.gz"))).await.code(0);
    sqlmig(&db, &format!("run {}", fixture("docs.sql.gz"))).await.code(0);
    let client = db.connect().await;
    assert_eq!(
        events(&client, "state").await,
        ["staging to staged", "staged to checked", "checked to promoted", "promoted to done"]
    );
    assert_eq!(events(&client, "taken").await.len(), 1);
    let who = crate::harness::program_role().unwrap_or_else(|| db.target().user().to_owned());
    let unsigned =
        format!("select count(*) from sqlmig.event where who <> '{who}' or application not like 'sqlmig %:%'");
    assert_eq!(number(&client, &unsigned).await, 0);
}

/// A transaction of the conductor before that neither ends nor goes on does not keep a new one away.
#[tokio::test]
async fn a_stuck_predecessor_is_ended() {
    let db = TestDb::from(&MIGRATED, "stuck").await;
    sqlmig(&db, &format!("stage {}", fixture("docs.sql.gz"))).await.code(0);
    // Of its own role: the processes of others are not a runner's to end.
    let stuck = target(&db).await.connect().await.unwrap();
    stuck.batch_execute("begin; select epoch from sqlmig.run for share").await.unwrap();
    sqlmig(&db, &format!("run {}", fixture("docs.sql.gz"))).await.code(0).says(&["ended 1 server processes"]);
    assert!(stuck.batch_execute("commit").await.is_err());
}
