//! The embedded server: started, joined, stopped, and what can stand in its way.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sqlmig::db::{Embedded, EmbeddedError, ServerInfo};

use crate::harness::{TestDb, embedded_options, program_role};

/// A folder that every user can get to, as the server's user must.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("sqlmig-test").tempdir_in("/tmp").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

async fn start(folder: &Path) -> Embedded {
    Embedded::start(embedded_options(folder)).await.unwrap_or_else(|error| panic!("{error}\n{:?}", error.hint()))
}

/// The first line of the server's lock file.
fn process(server: &Embedded) -> i32 {
    let text = fs::read_to_string(server.folder().join("data/postmaster.pid")).unwrap();
    text.lines().next().unwrap().parse().unwrap()
}

fn kill(process: i32) {
    let process = nix::unistd::Pid::from_raw(process);
    nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn the_test_server_has_what_a_load_needs() {
    let db = TestDb::new("info").await;
    let client = db.connect().await;
    let info = ServerInfo::read(&*client).await.unwrap();
    assert_eq!(info.check().unwrap(), Vec::<String>::new());
    // Where the program runs as a role without rights, pgvector is made for it.
    assert!(info.pgvector.is_none() || program_role().is_some());
    let version = ServerInfo::ensure_pgvector(&client).await.unwrap();
    assert_eq!(ServerInfo::read(&*client).await.unwrap().pgvector, Some(version));
    client.batch_execute("select '[1,2]'::halfvec(2) <-> '[1,2]'").await.unwrap();
}

#[tokio::test]
async fn a_second_user_joins_and_the_last_one_stops_it() {
    let folder = folder();
    let (one, two) = tokio::join!(start(folder.path()), start(folder.path()));
    let (first, second) = if one.description().starts_with("joined") { (two, one) } else { (one, two) };
    assert!(first.description().starts_with("created and started PostgreSQL "), "{}", first.description());
    assert!(second.description().starts_with("joined the running PostgreSQL "), "{}", second.description());
    let target = second.target();
    target.connect().await.unwrap().batch_execute("create table kept as select 1 as a").await.unwrap();
    assert!(!first.stop().await.unwrap(), "the second still uses it");
    target.connect().await.unwrap();
    assert!(second.stop().await.unwrap(), "nobody uses it any more");
    assert!(target.connect().await.unwrap_err().is_unavailable());

    let again = start(folder.path()).await;
    assert!(again.description().starts_with("started PostgreSQL "), "{}", again.description());
    let client = again.target().connect().await.unwrap();
    assert_eq!(client.query("select a from kept", &[]).await.unwrap().len(), 1, "data stays in the folder");
    assert!(!again.stop().await.unwrap(), "a client is still connected");
    drop(client);
    let last = start(folder.path()).await;
    assert!(last.stop().await.unwrap());
}

#[tokio::test]
async fn a_server_that_was_killed_is_started_again() {
    let folder = folder();
    let server = start(folder.path()).await;
    server.target().connect().await.unwrap().batch_execute("create table kept as select 1 as a").await.unwrap();
    let dead = process(&server);
    kill(dead);
    drop(server);
    assert!(folder.path().join("data/postmaster.pid").exists());
    let server = start(folder.path()).await;
    assert!(server.description().contains(&format!("stale lock file of process {dead}")), "{}", server.description());
    server.target().connect().await.unwrap().query_one("select a from kept", &[]).await.unwrap();
    assert!(server.stop().await.unwrap());

    // The same, with the dead server's number given to another program: this one.
    let own = std::process::id();
    let text = format!("{own}\n{}\n1\n5432\n{}\n\n", folder.path().join("data").display(), folder.path().display());
    fs::write(folder.path().join("data/postmaster.pid"), text).unwrap();
    let server = start(folder.path()).await;
    assert!(server.description().contains(&format!("stale lock file of process {own}")), "{}", server.description());
    assert!(server.stop().await.unwrap());
}

#[tokio::test]
async fn data_of_another_version_is_not_touched() {
    let folder = folder();
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/PG_VERSION"), "17\n").unwrap();
    let mut options = embedded_options(folder.path());
    options.version = Some(18);
    let error = Embedded::start(options).await.err().unwrap();
    assert!(matches!(error, EmbeddedError::OtherVersion { found: 17, wanted: 18, .. }), "{error}");
    assert!(error.hint().unwrap().contains("PostgreSQL 17"));
    fs::remove_file(folder.path().join("data/PG_VERSION")).unwrap();
    let error = Embedded::start(embedded_options(folder.path())).await.err().unwrap();
    assert!(matches!(error, EmbeddedError::BrokenData(_)), "{error}");
}

#[tokio::test]
async fn missing_programs_are_an_error_with_a_remedy() {
    let folder = folder();
    let mut options = embedded_options(folder.path());
    options.binaries = Some(folder.path().join("nothing"));
    let error = Embedded::start(options).await.err().unwrap();
    assert!(matches!(error, EmbeddedError::Program { .. }), "{error}");
    assert!(error.hint().unwrap().contains("SQLMIG_POSTGRES_BIN"));
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let folder = folder();
    assert!(start(folder.path()).await.stop().await.unwrap());
    let settings = folder.path().join("data/postgresql.conf");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, format!("{text}\nno_such_setting = 1\n")).unwrap();
    let error = Embedded::start(embedded_options(folder.path())).await.err().unwrap();
    assert!(matches!(error, EmbeddedError::Start { .. }), "{error}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[tokio::test]
async fn paths_too_long_for_a_socket_work() {
    let folder = folder();
    let long = folder.path().join("x".repeat(100));
    let server = start(&long).await;
    server.target().connect().await.unwrap();
    assert!(server.stop().await.unwrap());
}

/// `PostgreSQL` refuses root; and where the server's user cannot get to the folder, the data is elsewhere.
#[tokio::test]
async fn root_lets_another_user_run_it() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let folder = folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let server = start(&folder.path().join("inner")).await;
    assert!(server.folder().starts_with("/var/tmp"), "{}", server.folder().display());
    assert!(server.description().contains("cannot enter"), "{}", server.description());
    let elsewhere = server.folder().to_owned();
    let client = server.target().connect().await.unwrap();
    client.query_one("select 1", &[]).await.unwrap();
    client.close().await;
    assert!(server.stop().await.unwrap());
    fs::remove_dir_all(elsewhere).unwrap();
}

/// Programs that do nothing but say so.
fn fake_programs(folder: &Path, postgres: &str, initdb: &str) -> std::path::PathBuf {
    let programs = folder.join("bin");
    fs::create_dir(&programs).unwrap();
    for (name, script) in [("postgres", postgres), ("initdb", initdb)] {
        let path = programs.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    programs
}

#[tokio::test]
async fn a_full_disk_and_an_old_version_are_named() {
    let folder = folder();
    let full = "echo 'initdb: error: could not write file: No space left on device' >&2; exit 1";
    let mut options = embedded_options(&folder.path().join("server"));
    options.version = None;
    options.binaries = Some(fake_programs(folder.path(), "echo 'postgres (PostgreSQL) 18.4 (Debian 18.4-1)'", full));
    let error = Embedded::start(options.clone()).await.err().unwrap();
    assert!(matches!(error, EmbeddedError::DiskFull(_)), "{error}");
    assert!(error.hint().unwrap().contains("make room"));
    assert!(!folder.path().join("server/data.new").exists(), "what was written is removed again");

    fs::remove_dir_all(folder.path().join("bin")).unwrap();
    options.binaries = Some(fake_programs(folder.path(), "echo 'postgres (PostgreSQL) 14.9'", "exit 1"));
    let error = Embedded::start(options).await.err().unwrap();
    assert!(error.to_string().contains("14.9"), "{error}");
}
