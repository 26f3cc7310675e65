//! What stands between sqlmig and the server, and what the two do not agree on: a pooler, their clocks, their collations.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{ask, says, told};
use crate::harness::{TestDb, embedded, hand_over, server};
use crate::program::{MIGRATED, Outcome, bare, finish, number, on};

/// Says that something is not installed; where it must be, that is a failure.
pub(super) fn passed_over(what: &str, package: &str) {
    assert!(std::env::var_os("CI").is_none(), "install {what} (Debian's package {package})");
    eprintln!("passed over: there is no {what} (Debian's package {package})");
}

/// A pgbouncer before the tests' own server.
struct Pgbouncer {
    running: Child,
    folder: tempfile::TempDir,
}

impl Pgbouncer {
    /// One in this mode; none where it is not installed.
    async fn start(mode: &str) -> Option<Self> {
        if Command::new("pgbouncer").arg("--version").output().is_err() {
            passed_over("pgbouncer", "pgbouncer");
            return None;
        }
        let data = embedded().await.folder().join("data");
        let owner = fs::metadata(&data).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        fs::write(place("users.txt"), "\"postgres\" \"\"\n").unwrap();
        fs::write(
            place("pgbouncer.ini"),
            format!(
                "[databases]\n* = host={} port=5432\n[pgbouncer]\nlisten_addr =\nlisten_port = 6432\n\
                 unix_socket_dir = {}\nauth_type = trust\nauth_file = {}\npool_mode = {mode}\n\
                 ignore_startup_parameters = options,extra_float_digits\n",
                data.display(),
                folder.path().display(),
                place("users.txt").display(),
            ),
        )
        .unwrap();
        // It refuses to run as root, and must be let in by the server.
        for path in [folder.path().to_owned(), place("users.txt"), place("pgbouncer.ini")] {
            chown(path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        let mut command = Command::new("pgbouncer");
        command.arg("--quiet").arg(place("pgbouncer.ini")).uid(owner.uid()).gid(owner.gid());
        let log = fs::File::create(place("log")).unwrap();
        let running = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let started = Self { running, folder };
        for _ in 0..100 {
            if started.folder.path().join(".s.PGSQL.6432").exists() {
                return Some(started);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("pgbouncer does not listen: {}", fs::read_to_string(started.folder.path().join("log")).unwrap());
    }

    async fn preflight(&self, db: &TestDb) -> Outcome {
        let mut command = bare("preflight --output json");
        let (database, host) = (db.target().database().to_owned(), self.folder.path().display().to_string());
        command.env("DATABASE_URL", format!("postgresql:///{database}?host={host}&port=6432&user=postgres"));
        finish(command).await
    }
}

impl Drop for Pgbouncer {
    fn drop(&mut self) {
        let _ = self.running.kill();
        let _ = self.running.wait();
    }
}

#[tokio::test]
async fn a_pooler_in_transaction_mode_is_told_and_one_that_keeps_sessions_is_not() {
    if std::env::var_os("SQLMIG_TEST_DATABASE_URL").is_some() {
        return;
    }
    let db = TestDb::from(&MIGRATED, "pf_pooler").await;
    let Some(pooler) = Pgbouncer::start("transaction").await else { return };
    let parts = ["pooler stands before the server", "pool_mode=session"];
    says(&pooler.preflight(&db).await, "pooler", "red", &parts);
    drop(pooler);
    let Some(pooler) = Pgbouncer::start("session").await else { return };
    let lines = told(&pooler.preflight(&db).await.code(0).json(), "pooler");
    assert_eq!(lines, ["info: every connection has a server process of its own → "]);
}

/// What makes a process believe that it is another time.
pub(super) fn libfaketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let found = folders.map(|folder| folder.join("faketime/libfaketime.so.1")).find(|path| path.exists());
    if found.is_none() {
        passed_over("libfaketime", "libfaketime");
    }
    found
}

#[tokio::test]
async fn clocks_that_disagree_are_told() {
    let Some(library) = libfaketime() else { return };
    let db = TestDb::from(&MIGRATED, "pf_clock").await;
    let at = async |offset: &str| {
        let mut command = on(&db, "preflight --output json").await;
        command.env("LD_PRELOAD", &library).env("FAKETIME", offset).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        finish(command).await
    };
    says(&at("-90s").await, "clock", "yellow", &["the server's clock is 9", "s ahead of this machine's", "NTP"]);
    says(&at("+90s").await, "clock", "yellow", &["s behind this machine's", "NTP"]);
    let lines = told(&at("+1s").await.code(0).json(), "clock");
    assert!(lines[0].starts_with("info: the clocks agree within 1."), "{lines:?}");
}

#[tokio::test]
async fn a_collation_of_another_version_is_told() {
    let admin = server().await.target().connect().await.unwrap();
    if number(&admin, "select current_setting('server_version_num')::bigint").await < 170_000 {
        eprintln!("passed over: before PostgreSQL 17 no collation that every server has bears a version");
        return;
    }
    let name = format!("sqlmig_test_locale_{}", std::process::id());
    let provider = "locale_provider builtin builtin_locale 'C.UTF-8' encoding 'UTF8'";
    admin.batch_execute(&format!("create database {name} template template0 {provider}")).await.unwrap();
    hand_over(&server().await.target().with_database(&name)).await;
    let db = TestDb::new("pf_collation").await;
    let url = crate::program::url(&db).await.replace(db.target().database(), &name);
    let asked = async || {
        let mut command = bare("preflight --output json");
        command.env("DATABASE_URL", &url);
        finish(command).await
    };
    let same = asked().await;
    // What an upgrade of the system's libraries does, seen from the database.
    let older = format!("update pg_database set datcollversion = '0.9' where datname = '{name}'");
    admin.batch_execute(&older).await.unwrap();
    let other = asked().await;
    admin.batch_execute(&format!("drop database {name} with (force)")).await.unwrap();
    let lines = told(&same.code(0).json(), "collation");
    assert!(lines[0].starts_with("info: collation C.UTF-8, version 1 "), "{lines:?}");
    let parts = ["version 0.9 of collation C.UTF-8", "reindex database", "refresh collation version"];
    says(&other, "collation", "yellow", &parts);
    // One without versions, as that of the tests' databases, is as it is.
    assert!(told(&ask(&db, "").await.code(0).json(), "collation")[0].starts_with("info: collation "));
}
