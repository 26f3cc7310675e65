//! On a terminal sqlmig asks before it writes; elsewhere it goes ahead, unless something would be lost.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::TestDb;
use crate::program::{MIGRATED, Things, fixture, number, on, sqlmig, text};
use crate::service::Service;

/// A program on a terminal of its own: what it asks is read, what a person types is written.
pub struct Terminal {
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

    /// One whose output is seen, too, on a screen that is wide enough for every line.
    pub fn wide(mut command: Command) -> Self {
        let size = Winsize { ws_row: 50, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(Some(&size), None).unwrap();
        let end = || Stdio::from(pair.slave.try_clone().unwrap());
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        drop((command, pair.slave));
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

    /// Waits for its end; returns its exit code, -1 after a signal, and everything it showed.
    pub fn ends(mut self) -> (i32, String) {
        while self.read() > 0 {}
        (self.child.wait().unwrap().code().unwrap_or(-1), self.shown)
    }

    /// The program's process.
    pub fn process(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }
}

/// Does what blocks beside the test's own connections.
pub async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
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
        kill(terminal.process(), Signal::SIGINT).unwrap();
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

#[tokio::test]
async fn what_changes_the_schema_or_costs_money_asks_first() {
    let db = TestDb::new("ask_migrate").await;
    let client = db.connect().await;
    // On a terminal, with an answer to the question, which must have these parts; without one no question is expected.
    let ends =
        async |db: &TestDb, service: &Service, line: &str, answer: Option<(&'static [&'static str], &'static str)>| {
            let mut command = on(db, line).await;
            command.env("SQLMIG_EMBEDDING_URL", service.url());
            let (code, shown) = apart(move || {
                let terminal = Terminal::start(command);
                match answer {
                    Some((parts, typed)) => terminal.asked(parts).types(typed).ends(),
                    None => terminal.ends(),
                }
            })
            .await;
            assert_eq!(shown.contains("[y/N]"), answer.is_some(), "{line}: {shown}");
            (code, shown)
        };
    let service = Service::start("127.0.0.1:0", "text-embedding-3-large", 3072).await.unwrap();
    let ledger = "select count(*) from pg_namespace where nspname = 'sqlmig'";
    let parts: &[&str] = &["Target   database", "+ V1__", "+ V2__doc_server_tables", "Apply these migrations?"];
    assert_eq!(ends(&db, &service, "migrate", Some((parts, "n\n"))).await.0, 2);
    assert_eq!(number(&client, ledger).await, 0);
    assert_eq!(ends(&db, &service, "migrate", Some((parts, "y\n"))).await.0, 0);
    assert_eq!(number(&client, ledger).await, 1);
    // Where there is nothing to do there is nothing to ask.
    assert_eq!(ends(&db, &service, "migrate", None).await.0, 0);

    sqlmig(&db, &format!("run {} --no-index", fixture("docs.sql.gz"))).await.code(0);
    let index = "select count(*) from pg_class where oid = to_regclass('public.documents_embedding')";
    let parts: &[&str] = &["+ documents_embedding", "Build these indexes?"];
    assert_eq!(ends(&db, &service, "index", Some((parts, "n\n"))).await.0, 2);
    assert_eq!(number(&client, index).await, 0);
    assert_eq!(ends(&db, &service, "index", Some((parts, "y\n"))).await.0, 0);
    assert_eq!(number(&client, index).await, 1);
    assert_eq!(ends(&db, &service, "index", None).await.0, 0);

    let parts: &[&str] = &[
        "text-embedding-3-large",
        "rows were left without an embedding",
        "0.13 for a million tokens, at most 2",
        "Fetch embeddings?",
    ];
    let embed = "embed --embedding-price 0.13 --max-cost 2";
    assert_eq!(ends(&db, &service, embed, Some((parts, "n\n"))).await.0, 2);
    assert_eq!((service.state.requests(), number(&client, "select count(*) from sqlmig.run").await), (0, 1));
    // Consent that was given is not asked for.
    assert_eq!(ends(&db, &service, &format!("{embed} --yes"), None).await.0, 0);
    assert!(service.state.requests() > 0);
    for line in ["migrate --yes", "index -y"] {
        assert_eq!(ends(&db, &service, line, None).await.0, 0);
    }
}

#[tokio::test]
async fn rows_from_quarantine_are_not_tried_again_unasked() {
    let db = TestDb::new("ask_retry").await;
    let client = db.connect().await;
    let things = Things::new();
    things.run(&db, &["1|one|1|{}|{}|x", "2|\\N|2|{}|{}|y", "3|\\N|3|{}|{}|z"]).await.code(0);
    let project = things.path().display();
    let runs = "select count(*) from sqlmig.run";
    let command = on(&db, &format!("quarantine retry --check name_missing --project {project}")).await;
    let (code, shown) = apart(|| {
        let parts = ["public.things: 2 rows that name_missing took out", "Try these rows again"];
        Terminal::start(command).asked(&parts).types("\n").ends()
    })
    .await;
    assert_eq!((code, number(&client, runs).await), (2, 1), "{shown}");
    let mend = format!("quarantine retry things 2 --set name=two --project {project}");
    let command = on(&db, &mend).await;
    let (code, shown) = apart(|| Terminal::start(command).asked(&["row 2 of public.things"]).types("y\n").ends()).await;
    assert_eq!((code, number(&client, "select count(*) from public.things").await), (0, 2), "{shown}");
    let command = on(&db, &format!("quarantine retry --check name_missing --yes --project {project}")).await;
    let (code, shown) = apart(|| Terminal::start(command).ends()).await;
    assert!(code == 0 && !shown.contains("[y/N]"), "{shown}");
    // Where nobody can answer it goes ahead, as before.
    let line = format!("quarantine retry --check name_missing --project {project}");
    sqlmig(&db, &line).await.code(0);
    assert_eq!(number(&client, runs).await, 4);
}
