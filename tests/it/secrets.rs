//! A password is nowhere to be read: wherever it comes from, whatever becomes of the command.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlmig::db::Connection;
use sqlmig::db::lock::{Lock, LockKind};

use crate::cut::{Cut, Proxy};
use crate::following::{Running, get};
use crate::harness::{TestDb, embedded};
use crate::program::{MIGRATED, Outcome, Things, bare, finish, fixture, number, text, url};

/// What no output may hold; and the same, percent-encoded as a URL may have it.
const CANARY: &str = "k4n4r1env0g3l";
const ENCODED: &str = "%6b4n4r1env0g3l";

fn secret_file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

/// The commands tried so far.
struct Tried(Vec<(Outcome, String, i32)>);

impl Tried {
    async fn with(&mut self, arguments: &str, variables: &[(&str, &str)], code: i32) {
        let mut command = bare(arguments);
        command.envs(variables.iter().copied());
        self.0.push((finish(command).await, arguments.to_owned(), code));
    }

    /// Fails where a command ended otherwise than it should have, or told the password.
    #[track_caller]
    fn told_nothing(self) {
        for (outcome, arguments, code) in self.0 {
            let outcome = outcome.code(code);
            let told = outcome.stdout + &outcome.stderr;
            assert!(!told.contains(CANARY) && !told.contains(ENCODED), "{arguments}: {told}");
        }
    }
}

/// No table of the ledger, of staging or of the final ones holds it.
async fn nowhere_in(client: &Connection) {
    let tables = "select oid::regclass::text as name from pg_class where relnamespace::regnamespace::text in ('sqlmig', 'staging', 'public') and relkind = 'r'";
    let tables = client.query(tables, &[]).await.unwrap();
    assert!(tables.len() > 10);
    for table in tables {
        let name: &str = table.get("name");
        let found = format!("select count(*) from {name} as t where t::text like '%4n4r1env0g3l%'");
        assert_eq!(number(client, &found).await, 0, "{name}");
    }
}

#[tokio::test]
async fn a_password_is_nowhere_to_be_read() {
    let db = TestDb::from(&MIGRATED, "secrets").await;
    let folder = tempfile::tempdir().unwrap();
    let client = db.connect().await;
    let own = url(&db).await;
    let (plain, encoded) = (format!("{own}&password={CANARY}"), format!("{own}&password={ENCODED}"));
    let file = secret_file(folder.path(), "password", &format!("{CANARY}\n"));
    let passfile = secret_file(folder.path(), "pgpass", &format!("*:*:*:*:{CANARY}\n"));
    let dump = fixture("docs.sql.gz");
    let run = format!("run {dump} --force --log-level trace");
    let mut tried = Tried(Vec::new());

    // Every place that a password can come from.
    tried.with(&run, &[("DATABASE_URL", &plain)], 0).await;
    tried.with(&format!("{run} --verbose --output json"), &[("DATABASE_URL", &own), ("PGPASSWORD", CANARY)], 0).await;
    let limited = format!("{run} --max-rejects 1");
    tried.with(&limited, &[("DATABASE_URL", &own), ("SQLMIG_PASSWORD_FILE", &file)], 3).await;
    tried.with(&run, &[("DATABASE_URL", &own), ("PGPASSFILE", &passfile)], 0).await;
    tried.with(&run, &[("DATABASE_URL", &encoded)], 0).await;
    let home = folder.path().display().to_string();
    secret_file(folder.path(), ".pgpass", &format!("*:*:*:*:{CANARY}\n"));
    tried.with(&run, &[("DATABASE_URL", &own), ("HOME", &home)], 0).await;
    tried.with(&run, &[("DATABASE_URL", &format!("{own}&passfile={passfile}"))], 0).await;
    let things = Things::new();
    let project =
        things.with("sqlmig.toml", &format!("[project]\nname = \"things\"\n[options]\ndatabase_url = \"{plain}\"\n"));
    let load = format!(
        "run {} --log-level trace --project {}",
        project.dump(&["1|a|\\N|\\N|\\N|\\N"]).display(),
        project.path().display()
    );
    tried.with(&load, &[], 0).await;

    // Every way in which a connection can fail.
    let away = format!("postgres://u:{CANARY}@127.0.0.1:1/db?connect_timeout=2&sslmode=disable");
    tried.with(&run, &[("DATABASE_URL", &away)], 5).await;
    tried.with(&format!("{run} --log-format json"), &[("DATABASE_URL", &away)], 5).await;
    tried.with(&run, &[("DATABASE_URL", &plain.replace("sqlmig_test_", "no_such_"))], 2).await;
    for url in [
        format!("postgres://u:{CANARY}@host:port/db"),
        format!("postgres://u:{CANARY}@/db?nonsense=1"),
        format!("host=h password={CANARY} nonsense=1"),
        format!("host=h password='{CANARY}"),
        format!("u:{CANARY}@h/db"),
        format!("postgres://u:{CANARY} @h/db"),
        format!("postgres://h/db?password={CANARY}?sslmode=disable"),
    ] {
        tried.with(&run, &[("DATABASE_URL", &url)], 2).await;
    }

    // A role that must give it: the right one and too few rights, the wrong one, and none.
    if std::env::var_os("SQLMIG_TEST_DATABASE_URL").is_none() {
        let hba = embedded().await.folder().join("data/pg_hba.conf");
        let lines = fs::read_to_string(&hba).unwrap();
        fs::write(&hba, format!("local all canary scram-sha-256\n{lines}")).unwrap();
        client.batch_execute(&format!("create role canary login password '{CANARY}'")).await.unwrap();
        client.batch_execute("select pg_reload_conf()").await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let guarded = own.split_once("&user=").unwrap().0.to_owned() + "&user=canary";
        tried.with(&run, &[("DATABASE_URL", &guarded), ("PGPASSWORD", CANARY)], 2).await;
        tried.with(&run, &[("DATABASE_URL", &guarded), ("PGPASSWORD", &format!("{CANARY}x"))], 2).await;
        tried.with(&run, &[("DATABASE_URL", &guarded)], 2).await;
        // With rights enough it succeeds, so it was taken from each of these places; the last is a URL's user and password.
        client.batch_execute("alter role canary superuser").await.unwrap();
        tried.with(&run, &[("DATABASE_URL", &guarded), ("HOME", &home)], 0).await;
        tried.with(&run, &[("DATABASE_URL", &format!("{guarded}&passfile={passfile}"))], 0).await;
        let (before, role) = own.split_once("&user=").unwrap();
        let userinfo = before.replacen("postgres:///", &format!("postgres://canary:{CANARY}@/"), 1);
        tried.with(&run, &[("DATABASE_URL", &userinfo)], 0).await;
        fs::write(&hba, lines).unwrap();
        let gone = format!(
            "select pg_reload_conf(); reassign owned by canary to {role}; drop owned by canary; drop role canary"
        );
        client.batch_execute(&gone).await.unwrap();
    }

    // Every command, and help.
    let run_id =
        text(&client, "select id from sqlmig.run where project = 'docs' order by started_at desc limit 1").await;
    for (arguments, code) in [
        ("--help".to_owned(), 0),
        ("run --help".to_owned(), 0),
        ("run".to_owned(), 2),
        ("report".to_owned(), 0),
        (format!("report --run {run_id} --output json"), 0),
        ("history --output json".to_owned(), 0),
        (format!("history --run {run_id}"), 0),
        ("status".to_owned(), 0),
        (format!("quarantine list --run {run_id}"), 0),
        (format!("why public.documents row:1 --run {run_id}"), 0),
        (format!("plan {dump}"), 0),
        (format!("rollback --run {run_id} --yes"), 0),
        (format!("finish --run {run_id} --yes"), 2),
    ] {
        tried.with(&arguments, &[("DATABASE_URL", &plain), ("PGPASSWORD", CANARY)], code).await;
    }
    tried.told_nothing();
    nowhere_in(&client).await;
}

/// The same of whatever ends a command, of what it leaves behind, and of what it serves.
#[tokio::test]
async fn a_password_is_nowhere_to_be_read_when_something_fails() {
    let db = TestDb::from(&MIGRATED, "secrets_failing").await;
    let folder = tempfile::tempdir().unwrap();
    let client = db.connect().await;
    let own = format!("{}&password={CANARY}", url(&db).await);
    let given: &[(&str, &str)] = &[("DATABASE_URL", &own), ("PGPASSWORD", CANARY)];
    let mut tried = Tried(Vec::new());

    // A signal, while half of a dump has come.
    let mut command = bare("run - --log-level trace");
    command.envs(given.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let dump = fs::read(fixture("docs.sql.gz")).unwrap();
    stdin.write_all(&dump[..dump.len() / 2]).unwrap();
    let since = Instant::now();
    while number(&client, "select count(*) from sqlmig.run").await == 0 {
        assert!(since.elapsed() < Duration::from_mins(1), "no run began");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    drop(stdin);
    let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text_of(&output.stdout), text_of(&output.stderr));
    tried.0.push((Outcome { code: output.status.code().unwrap_or(-1), stdout, stderr }, "run - and SIGTERM".into(), 7));

    // A source that is broken, one that is away, and a lock that another holds.
    let cut = folder.path().join("cut.sql.gz").display().to_string();
    fs::write(&cut, &dump[..dump.len() * 2 / 3]).unwrap();
    tried.with(&format!("run {cut} --restart --log-level trace"), given, 4).await;
    let away = "run http://127.0.0.1:9/dump --restart --source-timeout 1s --log-level trace";
    tried.with(away, given, 9).await;
    let lock = Lock::try_take(&db.target(), LockKind::Run).await.unwrap();
    tried.with(&format!("run {} --restart --log-level trace", fixture("docs.sql.gz")), given, 6).await;
    lock.release().await;
    // The answer to a COMMIT is lost with its connection; the batch is asked after on another.
    if std::env::var_os("SQLMIG_TEST_DATABASE_URL").is_none() {
        let proxy = Proxy::start(Cut::Answer, 1).await;
        let through = proxy.url(db.target().database()).replacen('@', &format!(":{CANARY}@"), 1);
        let run = format!("run {} --restart --batch-size 50 --parallel 1 --log-level trace", fixture("docs.sql.gz"));
        tried.with(&run, &[("DATABASE_URL", &through)], 0).await;
        assert!(proxy.commits() > 1, "nothing was cut");
    }

    // What is served of it.
    let mut command = bare("monitor --metrics-addr 127.0.0.1:0 --log-level trace");
    command.envs(given.iter().copied());
    let mut monitor = Running::start(command);
    let (head, body) = get(&monitor.metrics().await, "/metrics").await;
    assert!(head.starts_with("HTTP/1.1 200") && body.contains("sqlmig_up 1"), "{head}\n{body}");
    monitor.kill();
    let told = head + &body + &monitor.stderr();
    assert!(!told.contains(CANARY), "{told}");

    tried.told_nothing();
    nowhere_in(&client).await;
}

/// And of rows that are refused, of quarantine, and of reports in every form.
#[tokio::test]
async fn a_password_is_nowhere_to_be_read_of_what_is_refused() {
    let db = TestDb::new("secrets_refused").await;
    let folder = tempfile::tempdir().unwrap();
    let client = db.connect().await;
    let own = format!("{}&password={CANARY}", url(&db).await);
    let given: &[(&str, &str)] = &[("DATABASE_URL", &own), ("PGPASSWORD", CANARY)];
    let mut tried = Tried(Vec::new());
    let things = Things::new();
    let with_project = |line: &str| format!("{line} --project {} --log-level trace", things.path().display());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (page, cases, ticket) = (file("report.html"), file("report.xml"), file("report.md"));

    let dump = things.dump(&["1|one|1|{}|{}|x", "2|\\N|2|{}|{}|y"]).display().to_string();
    let run = format!("run {dump} --report {page} --report {cases} --report {ticket}");
    tried.with(&with_project(&run), given, 0).await;
    tried.with(&with_project("quarantine show public.things 2"), given, 0).await;
    tried.with(&with_project("quarantine show public.things 2 --output json"), given, 0).await;
    tried.with(&with_project("quarantine retry public.things 2 --set name=two"), given, 0).await;
    for form in ["html", "markdown", "junit", "yaml"] {
        tried.with(&with_project(&format!("report --format {form}")), given, 0).await;
    }

    // A batch that the database refuses (class 23), and more of them than are allowed.
    client.batch_execute("alter table public.things add constraint small check (id < 100)").await.unwrap();
    things.dump(&["1|one|1|{}|{}|x", "200|large|2|{}|{}|y"]);
    tried.with(&with_project(&format!("run {dump} --restart")), given, 0).await;
    assert_eq!(number(&client, "select count(*) from sqlmig.quarantine where code = '23514'").await, 1);
    things.dump(&["3|three|1|{}|{}|x", "300|large|2|{}|{}|y"]);
    tried.with(&with_project(&format!("run {dump} --restart --max-rejects 0")), given, 3).await;

    // A connection that is lost midway.
    let lost = "select _row, 'x' as reason from {{ rows }} as things where pg_terminate_backend(pg_backend_pid())";
    let losing = Things::new().check("lost", "warn", lost);
    let dump = losing.dump(&["4|four|1|{}|{}|x"]);
    let run = format!("run {} --restart --project {} --log-level trace", dump.display(), losing.path().display());
    tried.with(&run, given, 5).await;

    // What nobody expects: the ledger says that a batch is left over.
    let left_over = "create function public.another() returns trigger language plpgsql as $$ begin \
             insert into sqlmig.batch (run_id, number, transform, target, first_row, last_row, counted, state) values \
                 (new.run_id, 100, 'another', 'public.things', 1, 1, false, 'pending') on conflict do nothing; \
             return new; end $$; \
         create trigger another after update on sqlmig.batch for each row when (new.state = 'done') \
             execute function public.another()";
    client.batch_execute(left_over).await.unwrap();
    let dump = things.dump(&["5|five|1|{}|{}|x"]);
    tried.with(&with_project(&format!("run {} --restart", dump.display())), given, 1).await;

    for report in [page, cases, ticket] {
        let report = fs::read_to_string(report).unwrap();
        assert!(report.contains("things") && !report.contains(CANARY), "{report}");
    }
    tried.told_nothing();
    nowhere_in(&client).await;
}

/// A run that waits for its source shows no password to those who list processes, here or on the server.
#[tokio::test]
async fn no_list_of_processes_shows_a_password() {
    let db = TestDb::from(&MIGRATED, "processes").await;
    let client = db.connect().await;
    let mut command = bare("run - --log-level trace");
    command.env("DATABASE_URL", format!("{}&password={CANARY}", url(&db).await)).env("PGPASSWORD", CANARY);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let dump = fs::read(fixture("docs.sql.gz")).unwrap();
    stdin.write_all(&dump[..dump.len() / 2]).unwrap();
    while number(&client, "select count(*) from sqlmig.run").await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut seen = 0;
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        seen += usize::from(entry.file_name().to_string_lossy() == child.id().to_string() && line.contains("sqlmig"));
        assert!(!line.contains(CANARY), "{line}");
    }
    assert_eq!(seen, 1);
    let shown = format!(
        "select count(*) from pg_stat_activity as a where a::text like '%{CANARY}%' and pid <> pg_backend_pid()"
    );
    assert_eq!(number(&client, &shown).await, 0);
    child.kill().unwrap();
    tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
}
