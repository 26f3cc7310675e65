//! Nothing of a run waits for ever: every session of a phase has its bounds, and who waits for somebody's lock says so.

use std::time::Duration;

use crate::harness::TestDb;
use crate::program::{Outcome, Things, number, text};

/// Far longer than a command may wait, and then it is let go: it must have ended by itself before.
const HELD: Duration = Duration::from_secs(40);

/// What a command comes to while somebody holds a table.
async fn while_held(db: &TestDb, table: &str, things: &Things, command: &str) -> Outcome {
    let holder = db.connect().await;
    holder.batch_execute(&format!("begin; lock table {table} in access exclusive mode")).await.unwrap();
    let mut running = Box::pin(things.sqlmig(db, command));
    let ended = tokio::time::timeout(HELD, &mut running).await;
    holder.batch_execute("rollback").await.unwrap();
    if let Ok(outcome) = ended {
        return outcome;
    }
    let outcome = running.await;
    panic!("it waited for {table} until that was let go: {}\n{}", outcome.stdout, outcome.stderr);
}

#[tokio::test]
async fn a_check_and_a_proof_wait_for_a_lock_no_longer_than_they_may() {
    let db = TestDb::new("held").await;
    let client = db.connect().await;
    client.batch_execute("create table public.lookup (id integer)").await.unwrap();
    db.hand_over().await;
    let proof = "--! summary: A test's\n--! on: public.things\n--! severity: error\nselect id as row, 'known' as reason \
                 from public.things where id in (select id from public.lookup)\n";
    let check = "select _row, 'known' as reason from {{ rows }} as things where exists (select from public.lookup)";
    let things = Things::new().check("known", "warn", check).with("transforms/validate/known.sql", proof);
    let dump = things.dump(&["1|one|1|{}|{}|x", "2|two|2|{}|{}|y"]);
    let told = ["SQLSTATE 55P03", "hint: someone holds a lock on the table", "--lock-timeout"];
    things.sqlmig(&db, &format!("stage {}", dump.display())).await.code(0);

    let held = while_held(&db, "public.lookup", &things, "check --lock-timeout 500ms").await;
    held.code(5).says(&["run check known on public.things"]).says(&told);
    things.sqlmig(&db, "check").await.code(0);
    things.sqlmig(&db, "promote").await.code(0);
    // Where nobody says how long, it is for seconds.
    let held = while_held(&db, "public.lookup", &things, "validate").await;
    held.code(5).says(&["run validate known on public.things"]).says(&told);
    // So it is for the final table itself, whichever statement reads it first.
    let held = while_held(&db, "public.things", &things, "validate --lock-timeout 500ms").await;
    held.code(5).says(&told);
    things.sqlmig(&db, "validate").await.code(0);
    // Emptying staging waits for who reads there.
    let held = while_held(&db, "staging.things", &things, "rollback --staging --yes --lock-timeout 500ms");
    held.await.code(5).says(&told);
    assert_eq!(number(&client, "select count(*) from staging.things").await, 2);
}

#[tokio::test]
async fn a_check_that_takes_too_long_is_ended_and_says_what_to_raise() {
    let db = TestDb::new("long").await;
    let check = "select _row, 'slow' as reason from {{ rows }} as things where pg_sleep(60)::text = 'never'";
    let things = Things::new().check("slow", "warn", check);
    let dump = things.dump(&["1|one|1|{}|{}|x"]);
    things.sqlmig(&db, &format!("stage {}", dump.display())).await.code(0);
    let ended = things.sqlmig(&db, "check --long-timeout 2s").await.code(5);
    ended.says(&["run check slow on public.things", "SQLSTATE 57014", "raise --long-timeout"]);
}

/// The bounds of a session, as it shows them.
const BOUNDS: &str = "concat_ws(' ', current_setting('lock_timeout'), current_setting('statement_timeout'), \
                      current_setting('idle_in_transaction_session_timeout'))";

/// Each phase is asked from within: a check by its own SELECT, the others by triggers on what they write.
#[tokio::test]
async fn every_phase_has_bounds() {
    let db = TestDb::new("bounds").await;
    let client = db.connect().await;
    let check = format!("select _row, {BOUNDS} as reason from {{{{ rows }}}} as things");
    let things = Things::new().check("bounds", "warn", &check);
    let dump = things.dump(&["1|one|1|{}|{}|x"]);
    things.sqlmig(&db, "migrate").await.code(0);
    let noting = format!(
        "create table public.bounds (id integer generated always as identity, at text, said text);
         create function public.note_bounds() returns trigger language plpgsql as $$ begin
             insert into public.bounds (at, said) values (tg_op || ' ' || tg_relid::regclass, {BOUNDS});
             return null;
         end $$;
         create trigger noted after insert or delete on public.things execute function public.note_bounds();
         create trigger noted after insert on sqlmig.chunk execute function public.note_bounds();
         create trigger noted after insert on sqlmig.check_result execute function public.note_bounds();"
    );
    client.batch_execute(&noting).await.unwrap();
    db.hand_over().await;
    let said = "select string_agg(distinct at || ': ' || said, e'\\n' order by at || ': ' || said) from public.bounds";
    for (options, lock, statement, long) in
        [("", "5s", "5min", "2h"), ("--lock-timeout 7s --statement-timeout 9min --long-timeout 3h", "7s", "9min", "3h")]
    {
        let run = format!("run {} --force {options}", dump.display());
        let report = things.sqlmig(&db, &run).await.code(0).json();
        let sample = report["samples"].as_array().unwrap().iter().find(|sample| sample["check"] == "bounds").unwrap();
        assert_eq!(sample["reason"], format!("{lock} {long} 1min"), "{report}");
        let id = report["run"]["id"].as_str().unwrap();
        let options = options.replace("--statement-timeout 9min", "");
        things.sqlmig(&db, &format!("rollback --yes --run {id} {options}")).await.code(0);
        let expected = [
            format!("DELETE things: {lock} {long} 1min"),
            format!("INSERT sqlmig.check_result: {lock} {long} 1min"),
            // A COPY may wait for its source; this side of the connection watches that something moves.
            format!("INSERT sqlmig.chunk: {lock} 0 1min"),
            format!("INSERT things: {lock} {statement} 1min"),
        ];
        assert_eq!(text(&client, said).await.lines().collect::<Vec<_>>(), expected);
        client.batch_execute("truncate public.bounds").await.unwrap();
    }
}
