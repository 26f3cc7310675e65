//! A password is nowhere to be read: wherever it comes from, whatever becomes of the command.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

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
        fs::write(&hba, lines).unwrap();
        client.batch_execute("select pg_reload_conf(); drop role canary").await.unwrap();
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
    for (outcome, arguments, code) in tried.0 {
        let outcome = outcome.code(code);
        let told = outcome.stdout + &outcome.stderr;
        assert!(!told.contains(CANARY) && !told.contains(ENCODED), "{arguments}: {told}");
    }

    // Nor in any table of the ledger, in staging, or in the final tables.
    let tables = "select oid::regclass::text as name from pg_class where relnamespace::regnamespace::text in ('sqlmig', 'staging', 'public') and relkind = 'r'";
    let tables = client.query(tables, &[]).await.unwrap();
    assert!(tables.len() > 10);
    for table in tables {
        let name: &str = table.get("name");
        let found = format!("select count(*) from {name} as t where t::text like '%4n4r1env0g3l%'");
        assert_eq!(number(&client, &found).await, 0, "{name}");
    }
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
