//! The command as others meet it: exit codes, what goes where, questions, secrets, terminals.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use sqlmig::db::lock::{Lock, LockKind};

use crate::harness::TestDb;
use crate::program::{MIGRATED, Things, bare, finish, fixture, number, on, sqlmig, text, url};

#[tokio::test]
async fn wrong_usage_is_2() {
    let db = TestDb::from(&MIGRATED, "usage").await;
    let outcome = |arguments: &'static str| sqlmig(&db, arguments);
    outcome("run").await.code(2).says(&["SOURCE"]);
    outcome("run a --batch-size 0").await.code(2).says(&["--batch-size"]);
    outcome("run a --max-rejects 101%").await.code(2);
    outcome("history --project /nonexistent").await.code(2).says(&["/nonexistent"]);
    outcome("report --run 019ab1c2-0000-7000-8000-000000000001").await.code(2).says(&["019ab1c2", "hint: "]);
    outcome("report").await.code(2).says(&["there is no run"]);
    // A dump of which the project uses no table is not a success.
    let unused = sqlmig(&db, &format!("run {} --output json", fixture("hostile.sql"))).await.code(2);
    let report = unused.says(&["the project docs uses no table of this source", "hint: "]).json();
    assert_eq!(
        (&report["tables"][0]["source"], &report["tables"][0]["rows_staged"]),
        (&"public.notes".into(), &5.into())
    );
    assert!(report["run"]["error"].as_str().unwrap().contains("no table"));
}

#[tokio::test]
async fn data_that_fails_is_3_and_the_report_is_there() {
    let db = TestDb::from(&MIGRATED, "rejects").await;
    let client = db.connect().await;
    // 4 of 60 rows cannot be read, which is 6.7 %.
    let load = async |name: &str, limit: &str| {
        sqlmig(&db, &format!("run {} --output json --max-rejects {limit}", fixture(name))).await
    };
    for limit in ["3", "6.6%", "0"] {
        load("unreadable.sql.gz", limit).await.code(3).says(&["4 rows could not be decoded", "--max-rejects"]).json();
        assert_eq!(number(&client, "select count(*) from public.documents").await, 0, "{limit}");
    }
    for limit in ["4", "6.7%"] {
        load("unreadable.sql.gz", limit).await.code(0);
    }
    // What checks take out counts as well: 34 of 221.
    let db = TestDb::from(&MIGRATED, "rejects").await;
    let load = async |limit: &str| {
        sqlmig(&db, &format!("run {} --output json --max-rejects {limit}", fixture("docs.sql.gz"))).await
    };
    for limit in ["33", "15%"] {
        let outcome = load(limit).await.code(3).says(&["34 rows were taken out"]);
        assert_eq!(outcome.json()["run"]["state"], "failed", "{limit}");
        sqlmig(&db, "promote").await.code(2);
    }
    sqlmig(&db, "check --max-rejects 33").await.code(3);
    sqlmig(&db, "check --max-rejects 34").await.code(0);
    load("16%").await.code(0);
}

#[tokio::test]
async fn a_source_that_cannot_be_read_is_4() {
    let db = TestDb::from(&MIGRATED, "source").await;
    let client = db.connect().await;
    sqlmig(&db, "run /nonexistent/dump.sql.gz").await.code(4).says(&["/nonexistent/dump.sql.gz", "hint: "]);
    sqlmig(&db, &format!("run {}", fixture("hostile-meta.sql"))).await.code(4).says(&["line 21", "hint: "]);
    assert!(!Path::new("/tmp/sqlmig-was-here").exists());
    // A dump that ends too early: what came is staged, and promoted only on request.
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.sql.gz");
    let whole = fs::read(fixture("docs.sql.gz")).unwrap();
    fs::write(&cut, &whole[..whole.len() * 2 / 3]).unwrap();
    let outcome = sqlmig(&db, &format!("run {} --output json", cut.display())).await.code(4);
    let report = outcome.says(&["incomplete", "byte", "public.documents", "--allow-incomplete"]).json();
    assert_eq!(report["run"]["complete"], false);
    let staged = report["tables"][1]["rows_staged"].as_i64().unwrap();
    assert!((50..180).contains(&staged), "{staged}");
    assert_eq!(number(&client, "select count(*) from public.documents").await, 0);
    sqlmig(&db, "promote").await.code(4).says(&["incomplete"]);
    sqlmig(&db, "promote --allow-incomplete").await.code(0);
    assert!(number(&client, "select count(*) from public.documents").await > 40);
    // The whole one is another source, and goes on from what is promoted.
    let load = format!("run {} --output json", fixture("docs.sql.gz"));
    sqlmig(&db, &load).await.code(2).says(&["another source", "--restart"]);
    let report = sqlmig(&db, &format!("{load} --restart")).await.code(0).json();
    let books = &report["tables"][1];
    assert_eq!(
        books["rows_inserted"].as_i64().unwrap() + books["rows_unchanged"].as_i64().unwrap(),
        148 - books["rows_updated"].as_i64().unwrap()
    );
}

#[tokio::test]
async fn a_database_that_is_away_is_5_and_one_in_use_6() {
    let db = TestDb::from(&MIGRATED, "away").await;
    let mut command = bare(&format!("run {}", fixture("docs.sql.gz")));
    command.env("DATABASE_URL", "postgres://somebody@127.0.0.1:1/nothing?connect_timeout=2&sslmode=disable");
    finish(command).await.code(5).says(&["127.0.0.1:1", "hint: "]);
    // A database that is not there is a mistake, not an outage.
    let mut command = bare("status");
    command.env("DATABASE_URL", url(&db).await.replace("sqlmig_test_", "no_such_"));
    finish(command).await.code(2).says(&["does not exist", "hint: create the database"]);

    let lock = Lock::try_take(&db.target().with_application_name("the other"), LockKind::Run).await.unwrap();
    for command in [&*format!("run {}", fixture("docs.sql.gz")), "check", "promote", "rollback --staging --yes"] {
        sqlmig(&db, command).await.code(6).says(&["the other", "hint: "]);
    }
    // Who only looks needs no lock.
    sqlmig(&db, "history").await.code(0);
    sqlmig(&db, &format!("plan {}", fixture("docs.sql.gz"))).await.code(0);
    let refused = sqlmig(&db, "check --log-format json").await.code(6);
    let told: Value = serde_json::from_str(refused.stderr.lines().last().unwrap()).unwrap();
    assert_eq!((&told["code"], &told["retryable"]), (&6.into(), &true.into()));
    lock.release().await;
    sqlmig(&db, "check").await.code(2);
}

#[tokio::test]
async fn emptying_staging_asks_first() {
    let db = TestDb::from(&MIGRATED, "rollback").await;
    let client = db.connect().await;
    sqlmig(&db, &format!("stage {}", fixture("crates.sql.gz"))).await.code(0);
    client.batch_execute("create table staging.mine as select 1 as a").await.unwrap();
    sqlmig(&db, "rollback --staging").await.code(2).says(&["nobody to ask", "--yes"]);
    assert_eq!(number(&client, "select count(*) from staging.doc_embeddings").await, 40);
    sqlmig(&db, "rollback --yes").await.code(2).says(&["--staging"]);
    let emptied = sqlmig(&db, "rollback --staging --yes").await.code(0);
    assert_eq!(emptied.stdout.trim(), "2 staging tables emptied");
    for (table, rows) in [("doc_embeddings", 0), ("crates", 0), ("mine", 1)] {
        assert_eq!(number(&client, &format!("select count(*) from staging.{table}")).await, rows, "{table}");
    }
    // A run whose staging is gone cannot be gone on with; a new one can.
    sqlmig(&db, "check").await.code(2).says(&["is staging", "hint: "]);
    sqlmig(&db, &format!("run {}", fixture("crates.sql.gz"))).await.code(0);
}

#[tokio::test]
async fn status_and_history_read_the_ledger() {
    let db = TestDb::from(&MIGRATED, "history").await;
    let empty = sqlmig(&db, "history --output json").await.code(0).json();
    assert_eq!(empty["runs"], serde_json::json!([]));
    sqlmig(&db, &format!("stage {}", fixture("crates.sql.gz"))).await.code(0);
    let status = sqlmig(&db, "status --output json").await.code(0).json();
    assert_eq!((&status["run"]["state"], &status["tables"][1]["rows_staged"]), (&"staged".into(), &40.into()));
    sqlmig(&db, &format!("run {} --batch-size 10", fixture("crates.sql.gz"))).await.code(0);
    let status = sqlmig(&db, "status --output json").await.code(0).json();
    assert_eq!(status["run"]["state"], "done");
    let documents =
        status["targets"].as_array().unwrap().iter().find(|target| target["target"] == "public.documents").unwrap();
    assert_eq!((&documents["batches_done"], &documents["batches_planned"]), (&4.into(), &4.into()));
    let history = sqlmig(&db, "history --output json").await.code(0).json();
    let ended: Vec<_> = history["runs"].as_array().unwrap().iter().map(|run| run["state"].as_str().unwrap()).collect();
    assert_eq!(ended, ["done"]);
    assert_eq!(
        sqlmig(&db, "history --limit 1 --output json").await.code(0).json()["runs"].as_array().unwrap().len(),
        1
    );
    for command in ["status", "history", "report"] {
        assert!(sqlmig(&db, command).await.code(0).stdout.contains("crates.sql.gz"), "{command}");
    }
    // A database without a ledger has no runs, and gets none by being asked.
    let bare_db = TestDb::new("no_ledger").await;
    sqlmig(&bare_db, "status").await.code(2).says(&["there is no run"]);
    sqlmig(&bare_db, "history").await.code(0);
    assert_eq!(number(&bare_db.connect().await, "select count(*) from pg_namespace where nspname = 'sqlmig'").await, 0);
}

#[tokio::test]
async fn completions_need_nothing() {
    for (shell, part) in [("bash", "complete -F _sqlmig"), ("zsh", "#compdef sqlmig"), ("fish", "complete -c sqlmig")] {
        let outcome = finish(bare(&format!("completions {shell}"))).await.code(0);
        assert!(outcome.stdout.contains(part) && outcome.stdout.contains("max-rejects"), "{shell}");
        assert_eq!(outcome.stderr, "");
    }
    finish(bare("completions tcl")).await.code(2);
}

#[tokio::test]
async fn off_a_terminal_there_are_plain_lines() {
    let db = TestDb::from(&MIGRATED, "plain").await;
    let plain = |text: &str| text.chars().all(|c| c == '\n' || !c.is_control());
    let outcome = sqlmig(&db, &format!("run {}", fixture("crates.sql.gz"))).await.code(0);
    assert!(plain(&outcome.stderr) && plain(&outcome.stdout), "{:?}", outcome.stderr);
    assert!(outcome.stderr.lines().any(|line| line.contains("phase finished") && line.contains("phase=promote")));
    assert!(outcome.stdout.trim_end().lines().last().unwrap().starts_with("✓ The books balance"), "{}", outcome.stdout);
    let quiet = sqlmig(&db, &format!("run {} --force --quiet", fixture("crates.sql.gz"))).await.code(0);
    assert!(
        !quiet.stderr.contains(" INFO ") && quiet.stderr.contains(" WARN ") && plain(&quiet.stderr),
        "{}",
        quiet.stderr
    );
    let json = sqlmig(&db, &format!("run {} --force --log-format json", fixture("crates.sql.gz"))).await.code(0);
    for line in json.stderr.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    // What a dump says cannot steer a terminal.
    let things = Things::new().check("names", "warn", "select _row, name as reason from {{ rows }} as things");
    let things_db = TestDb::new("escapes").await;
    let dump = things.dump(&["1|\u{1b}[2Jred\u{7}|1|\\N|\\N|\\N"]);
    let line = format!("run {} --project {}", dump.display(), things.path().display());
    let shown = sqlmig(&things_db, &line).await.code(0);
    assert!(plain(&shown.stdout) && plain(&shown.stderr), "{:?}", shown.stdout);
}

/// Whatever collects lines off a terminal is a program, unless it is said otherwise.
#[tokio::test]
async fn off_a_terminal_log_lines_are_json() {
    let db = TestDb::from(&MIGRATED, "json_lines").await;
    let unsaid = async |arguments: &str| {
        let mut command = on(&db, arguments).await;
        command.env_remove("SQLMIG_LOG_FORMAT");
        finish(command).await
    };
    let lines = |stderr: &str| -> Vec<Value> {
        let object = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        stderr.lines().map(object).collect()
    };
    let stopped = unsaid(&format!("run {} --max-rejects 0", fixture("docs.sql.gz"))).await.code(3);
    let id = text(&db.connect().await, "select id from sqlmig.run").await;
    let told = lines(&stopped.stderr);
    let begun = told.iter().position(|line| line["message"] == "run started").expect("a run began");
    assert!(told.len() > begun + 2, "{}", stopped.stderr);
    for line in &told[begun..] {
        assert_eq!(line["run"], *id, "{line}");
    }
    assert_eq!(told.last().unwrap()["code"], 3);
    // What was loaded is data: stdout is as it was.
    assert!(!stopped.stdout.starts_with('{'), "{}", stopped.stdout);
    // Also what fails before anything is known.
    let refused = unsaid("history --project /nonexistent").await.code(2);
    let told = lines(&refused.stderr);
    assert_eq!((told.len(), &told[0]["code"]), (1, &2.into()), "{}", refused.stderr);
    // What is asked for decides, by option and by variable.
    let asked = unsaid("history --project /nonexistent --log-format text").await.code(2);
    assert!(asked.stderr.starts_with("error: "), "{}", asked.stderr);
    let asked = sqlmig(&db, "history --project /nonexistent").await.code(2);
    assert!(asked.stderr.starts_with("error: "), "{}", asked.stderr);
}

#[tokio::test]
async fn a_source_may_come_through_a_pipe() {
    let db = TestDb::from(&MIGRATED, "pipe").await;
    let mut command = on(&db, "run - --output json").await;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let feeding = std::thread::spawn(move || pipe.write_all(&fs::read(fixture("crates.sql.gz")).unwrap()));
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    feeding.join().unwrap().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["tables"][1]["rows_inserted"]), (Some(0), &33.into()));
}

/// Runs the binary on a terminal of its own; returns all that it wrote there.
fn on_terminal(url: &str, line: &str, answer: &str) -> (i32, String) {
    let mut script = Command::new("script");
    script.args(["-qec", &format!("{} {line}", env!("CARGO_BIN_EXE_sqlmig")), "/dev/null"]);
    script
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TERM", "xterm")
        .env("DATABASE_URL", url)
        .env("HOME", "/nonexistent");
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    let mut shown = String::new();
    child.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
    (child.wait().unwrap().code().unwrap(), shown)
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_there_is_a_progress_display_and_a_question() {
    if !Path::new("/usr/bin/script").exists() {
        eprintln!("there is no script(1): the terminal is not tested");
        return;
    }
    let db = TestDb::from(&MIGRATED, "terminal").await;
    let own = url(&db).await;
    let own = own.as_str();
    let shown = tokio::task::block_in_place(|| on_terminal(own, &format!("run {} --yes", fixture("docs.sql.gz")), ""));
    let (code, shown) = shown;
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains('\u{1b}') && shown.contains("stage") && shown.contains("MiB"), "{shown:?}");
    assert!(shown.contains("The books balance") && !shown.contains(" INFO "), "{shown}");
    for (answer, emptied, code) in [("n\n", 180, 2), ("y\n", 0, 0)] {
        let (got, shown) = tokio::task::block_in_place(|| on_terminal(own, "rollback --staging", answer));
        assert!(got == code && shown.contains("[y/N]"), "{shown}");
        assert_eq!(number(&db.connect().await, "select count(*) from staging.documents").await, emptied);
    }
}

#[tokio::test]
async fn without_vectors_no_pgvector_is_needed() {
    let db = TestDb::new("no_vector").await;
    let client = db.connect().await;
    client.batch_execute("drop extension if exists vector").await.unwrap();
    Things::new().run(&db, &["1|one|1|{}|{}|x"]).await.code(0);
    sqlmig(&db, &format!("stage {}", fixture("hostile.sql"))).await.code(0);
    assert_eq!(number(&client, "select count(*) from pg_extension where extname = 'vector'").await, 0);
}

/// SIGTERM, as Kubernetes sends it, and Ctrl-C end a run that waits for its source: with exit code 7, the lock freed,
/// and the same command then loads everything.
#[tokio::test]
async fn a_signal_is_7_and_the_same_command_goes_through() {
    let db = TestDb::from(&MIGRATED, "signal").await;
    for stop in [Signal::SIGTERM, Signal::SIGINT] {
        stopped(&db, on(&db, "run -").await, stop, |child| i32::try_from(child.id()).ok()).await;
    }
    sqlmig(&db, &format!("run {}", fixture("docs.sql.gz"))).await.code(0);
}

/// Process 1 of a container is sent a signal in vain, unless it has a handler for it.
#[tokio::test]
async fn a_signal_is_7_of_process_1_too() {
    let Some(apart) = apart() else { return };
    let db = TestDb::from(&MIGRATED, "process_1").await;
    for stop in [Signal::SIGTERM, Signal::SIGINT] {
        let mut command = Command::new("unshare");
        command.args(apart).args([env!("CARGO_BIN_EXE_sqlmig"), "run", "-"]).env_clear();
        command.env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent").env("DATABASE_URL", url(&db).await);
        command.env("SQLMIG_LOG_FORMAT", "text");
        // The one child of unshare, by the number that it has out here.
        let child_of = |parent: &Child| {
            let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", parent.id())).ok()?;
            children.split_whitespace().next()?.parse().ok()
        };
        stopped(&db, command, stop, child_of).await;
        assert_eq!(number(&db.connect().await, "select pid from sqlmig.run").await, 1, "it was not process 1");
    }
    sqlmig(&db, &format!("run {}", fixture("docs.sql.gz"))).await.code(0);
}

/// How `unshare` makes a command process 1, as far as this process may: as root, or in a user namespace of its own.
fn apart() -> Option<&'static [&'static str]> {
    const AS_ROOT: &[&str] = &["--pid", "--fork", "--kill-child", "--mount-proc"];
    const AS_USER: &[&str] = &["--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let mut said = String::new();
    for apart in [AS_ROOT, AS_USER] {
        match Command::new("unshare").args(apart).arg("true").output() {
            Ok(output) if output.status.success() => return Some(apart),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().clone_into(&mut said),
            Err(error) => said = format!("unshare: {error}"),
        }
    }
    assert!(std::env::var_os("CI").is_none(), "nobody can be made process 1 here: {said}");
    eprintln!("passed over: nobody can be made process 1 here: {said}");
    None
}

/// Gives a `run -` half of a dump, and stops the process that `process` finds: it must end with exit code 7.
async fn stopped(db: &TestDb, mut command: Command, stop: Signal, process: impl Fn(&Child) -> Option<i32>) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Half of the dump, and then silence: the source may be slow, but the end must not be.
    let dump = fs::read(fixture("docs.sql.gz")).unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&dump[..dump.len() / 2]).unwrap();
    let client = db.connect().await;
    let staged = "select count(*) from pg_class where oid = to_regclass('staging.documents')";
    let since = Instant::now();
    while number(&client, staged).await == 0 {
        assert!(since.elapsed() < Duration::from_mins(1), "nothing was staged: {:?}", child.try_wait());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let pid = Pid::from_raw(process(&child).unwrap());
    let asked = Instant::now();
    kill(pid, stop).unwrap();
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(10), "{stop} took {:?}", asked.elapsed());
    drop(stdin);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{stderr}");
    assert!(stderr.contains("stopped by") && stderr.contains("hint: sqlmig run - goes on from here"), "{stderr}");
    client.batch_execute("drop table staging.documents").await.unwrap();
}
