//! On a terminal sqlmig asks before it writes; elsewhere it goes ahead, unless something would be lost.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::TestDb;
use crate::program::{MIGRATED, fixture, number, on, sqlmig, text};

/// A program on a terminal of its own: what it asks is read, what a person types is written.
struct Terminal {
    child: Child,
    screen: File,
    shown: String,
}

impl Terminal {
    fn start(mut command: Command) -> Self {
        let pair = openpty(None, None).unwrap();
        command.stdin(Stdio::from(pair.slave.try_clone().unwrap())).stderr(Stdio::from(pair.slave));
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        // The command keeps its own copies of the terminal's end, and with them the screen open.
        drop(command);
        Self { child, screen: File::from(pair.master), shown: String::new() }
    }

    /// Reads until it has asked.
    fn asked(mut self, parts: &[&str]) -> Self {
        while !self.shown.contains("[y/N] ") {
            assert!(self.read() > 0, "it ended without a question: {}", self.shown);
        }
        for part in parts {
            assert!(self.shown.contains(part), "{part:?} is not in: {}", self.shown);
        }
        self
    }

    fn types(mut self, text: &str) -> Self {
        self.screen.write_all(text.as_bytes()).unwrap();
        self
    }

    fn read(&mut self) -> usize {
        let mut bytes = [0; 4096];
        // A terminal whose last user is gone answers with an error.
        let count = self.screen.read(&mut bytes).unwrap_or(0);
        self.shown += &String::from_utf8_lossy(&bytes[..count]);
        count
    }

    /// Waits for its end; returns its exit code and everything it showed.
    fn ends(mut self) -> (i32, String) {
        while self.read() > 0 {}
        (self.child.wait().unwrap().code().unwrap(), self.shown)
    }
}

/// Does what blocks beside the test's own connections.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test]
async fn on_a_terminal_a_load_asks_first() {
    let db = TestDb::from(&MIGRATED, "ask_run").await;
    let client = db.connect().await;
    let run = format!("run {}", fixture("docs.sql.gz"));
    let command = on(&db, &run).await;
    let (code, shown) = apart(|| {
        let parts = ["Target   database", "docs.sql.gz", "sqlmig plan", "Load it?"];
        Terminal::start(command).asked(&parts).types("n\n").ends()
    })
    .await;
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("nothing was done") && shown.contains("--yes"), "{shown}");
    assert_eq!(number(&client, "select count(*) from sqlmig.run").await, 0);

    // A signal ends the wait at once, and in good order.
    let command = on(&db, &run).await;
    let (code, shown) = apart(|| {
        let terminal = Terminal::start(command).asked(&[]);
        kill(Pid::from_raw(i32::try_from(terminal.child.id()).unwrap()), Signal::SIGINT).unwrap();
        terminal.ends()
    })
    .await;
    assert_eq!(code, 7, "{shown}");
    assert_eq!(number(&client, "select count(*) from sqlmig.run").await, 0);

    let command = on(&db, &run).await;
    let (code, shown) = apart(|| Terminal::start(command).asked(&[]).types("y\n").ends()).await;
    assert_eq!(code, 0, "{shown}");
    // Consent that was given is not asked for; nor is it where nobody can answer.
    for line in [format!("{run} --force --yes"), format!("{run} --restart --yes"), "promote -y".to_owned()] {
        let command = on(&db, &line).await;
        let (_, shown) = apart(|| Terminal::start(command).ends()).await;
        assert!(!shown.contains("[y/N]"), "{line}: {shown}");
    }
    let mut command = on(&db, &format!("{run} --force")).await;
    command.env("SQLMIG_YES", "true");
    let (code, shown) = apart(|| Terminal::start(command).ends()).await;
    assert!(code == 0 && !shown.contains("[y/N]"), "{shown}");
    sqlmig(&db, &format!("{run} --force")).await.code(0);
}

#[tokio::test]
async fn what_sets_a_run_aside_or_takes_it_back_asks_and_says_what() {
    let db = TestDb::from(&MIGRATED, "ask_rollback").await;
    let client = db.connect().await;
    let dump = fixture("docs.sql.gz");
    sqlmig(&db, &format!("stage {dump}")).await.code(0);
    let staged = text(&client, "select id from sqlmig.run").await;
    // An unfinished run is named before it is set aside, or gone on with.
    for (line, part) in [
        (format!("run {dump} --restart"), format!("- run {staged} (staged) is set aside")),
        (format!("stage {dump} --restart"), format!("- run {staged} (staged) is set aside")),
        (format!("run {dump}"), format!("~ run {staged} (staged) is not finished")),
    ] {
        let command = on(&db, &line).await;
        let (code, shown) = apart(move || Terminal::start(command).asked(&[&part]).types("\n").ends()).await;
        assert_eq!(code, 2, "{line}: {shown}");
    }
    assert_eq!(number(&client, "select count(*) from sqlmig.run").await, 1);
    sqlmig(&db, &format!("run {dump}")).await.code(0);
    // Elsewhere, what is lost needs consent.
    sqlmig(&db, &format!("rollback --run {staged}")).await.code(2).says(&["nobody to ask", "--yes"]);
    let command = on(&db, &format!("rollback --run {staged}")).await;
    let (code, shown) = apart(|| Terminal::start(command).asked(&["Take back run"]).types("y\n").ends()).await;
    assert_eq!(code, 0, "{shown}");
    assert_eq!(number(&client, "select count(*) from public.documents").await, 0);
    for line in ["finish", "rollback --staging"] {
        let command = on(&db, line).await;
        let (code, shown) = apart(|| Terminal::start(command).asked(&[]).types("no\n").ends()).await;
        assert_eq!(code, 2, "{line}: {shown}");
    }
}

#[tokio::test]
async fn on_a_terminal_what_is_said_is_text() {
    let db = TestDb::from(&MIGRATED, "terminal_text").await;
    let mut command = on(&db, &format!("run {} --max-rejects 0 --yes --log-level info", fixture("docs.sql.gz"))).await;
    command.env_remove("SQLMIG_LOG_FORMAT");
    let (code, shown) = apart(|| Terminal::start(command).ends()).await;
    assert_eq!(code, 3, "{shown}");
    assert!(shown.contains("error:") && shown.contains("hint:") && !shown.contains("{\""), "{shown}");
}
