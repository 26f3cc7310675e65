//! The progress of a run on the terminal that it was begun on, and on that of whoever watches it.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};

use crate::consent::{Terminal, apart};
use crate::following::{dump, until};
use crate::harness::TestDb;
use crate::program::{MIGRATED, on};

/// The text of a screen: what moves the cursor or colours is left out, and begins a new line.
fn text(screen: &str) -> String {
    let mut text = String::new();
    let mut parts = screen.split('\u{1b}');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        // CSI: parameters, then one letter (ECMA-48, 5.4).
        text.push_str(part.split_once(|c: char| c.is_ascii_alphabetic()).map_or("", |(_, rest)| rest));
    }
    text.replace('\r', "\n")
}

/// What was drawn last, as far as it does not change while a run waits: percentage and rows, table and batch, retries and
/// rejects.
fn standing(screen: &str) -> [String; 3] {
    let text = text(screen);
    // A bar fills its line with blanks rather than end it.
    let parts: Vec<&str> = text.lines().flat_map(|line| line.split("   ")).map(str::trim).collect();
    ["promote  ━", "at public.documents · batch ", " retries · "].map(|mark| {
        let part = parts.iter().rfind(|part| part.contains(mark)).unwrap_or_else(|| panic!("{mark} is not in: {text}"));
        part.split(" · ").take(2).collect::<Vec<_>>().join(" · ")
    })
}

#[tokio::test]
async fn whoever_watches_sees_what_stands_on_the_terminal_of_the_run() {
    let (db, folder) = (TestDb::from(&MIGRATED, "screens").await, tempfile::tempdir().unwrap());
    let client = db.connect().await;
    let dump = dump(folder.path(), "d.sql.gz", 300).await;
    // The second batch of documents waits for a lock.
    let held = "create function public.held() returns trigger language plpgsql as $$ begin \
                    if (select count(*) from public.documents) >= 100 then perform pg_advisory_xact_lock_shared(4242); end if; \
                    return new; end $$; \
                create trigger held before insert on public.documents for each statement execute function public.held(); \
                select pg_advisory_lock(4242)";
    client.batch_execute(held).await.unwrap();
    let begin = async |line: &str| {
        let mut command = on(&db, line).await;
        command.env("TERM", "xterm-256color").env("NO_COLOR", "1");
        let terminal = Terminal::wide(command);
        let process = terminal.process();
        // Somebody must read, or the program waits for its terminal.
        (process, tokio::spawn(apart(|| terminal.ends())))
    };
    let run = format!("run {dump} --yes --no-index --parallel 1 --batch-size 100 --lock-timeout 1min");
    let (run_process, run) = begin(&run).await;
    until(&db, |status| {
        status["batches"]["done"].as_i64() > Some(1) && status["progress"]["doing"] == "public.documents"
    })
    .await;
    let (watch_process, watch) = begin("status --watch --interval 200ms").await;
    // Time for each to draw what stands: a run looks every few seconds.
    tokio::time::sleep(Duration::from_secs(5)).await;
    for process in [run_process, watch_process] {
        kill(process, Signal::SIGKILL).unwrap();
    }
    client.batch_execute("select pg_advisory_unlock(4242)").await.unwrap();
    let (run, watch) = (run.await.unwrap().1, watch.await.unwrap().1);
    let (run, watch) = (standing(&run), standing(&watch));
    assert!(run[0].contains(" % · ") && run[0].ends_with(" rows"), "{run:?}");
    assert_eq!(run, watch);
}
