//! What only a server of one's own can be: a standby, one that keeps WAL for others or waits for them, one whose disk is full.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use sqlmig::db::{Embedded, Target};

use super::{says, told};
use crate::harness::embedded_options;
use crate::program::{Outcome, bare, finish, fixture, text};

/// A server whose settings and files are the test's, as who owns them: the embedded one keeps too little WAL for a standby.
pub(super) struct OwnServer {
    programs: String,
    pub(super) data: PathBuf,
    pub(super) target: Target,
    /// What it is started with besides.
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    running: Option<Child>,
}

impl OwnServer {
    /// One that was set up in `folder`, and runs.
    async fn start(folder: &Path) -> Self {
        let started = Embedded::start(embedded_options(folder)).await.unwrap();
        let data = started.folder().join("data");
        let client = started.target().connect().await.unwrap();
        let programs = text(&client, "select setting from pg_config where name = 'BINDIR'").await;
        client.close().await;
        let target = Target::on_socket(&data, 5432, started.target().user(), started.target().database());
        started.stop().await.unwrap();
        let mut server = Self::of(programs, data, target);
        server.begin().await;
        server
    }

    /// One of these programs on data that are there, not started yet.
    pub(super) fn of(programs: String, data: PathBuf, target: Target) -> Self {
        let arguments = ["listen_addresses=", "wal_level=replica", "max_prepared_transactions=2"].map(str::to_owned);
        Self { programs, data, target, arguments: arguments.into(), environment: Vec::new(), running: None }
    }

    pub(super) async fn begin(&mut self) {
        let (owner, data) = (fs::metadata(&self.data).unwrap(), &self.data);
        let mut command = Command::new(format!("{}/postgres", self.programs));
        command.arg("-D").arg(data).arg("-k").arg(data);
        for setting in &self.arguments {
            command.args(["-c", setting]);
        }
        command.uid(owner.uid()).gid(owner.gid()).env_clear().envs(self.environment.clone()).current_dir(data);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.running = Some(command.spawn().unwrap());
        for _ in 0..300 {
            if self.target.connect().await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the server does not answer");
    }

    pub(super) fn stop(&mut self) {
        let Some(mut server) = self.running.take() else { return };
        kill(Pid::from_raw(i32::try_from(server.id()).unwrap()), Signal::SIGINT).unwrap();
        server.wait().unwrap();
    }

    /// A program of the server's, run by who owns the server.
    fn program(&self, name: &str) -> Command {
        let owner = fs::metadata(&self.data).unwrap();
        let mut command = Command::new(format!("{}/{name}", self.programs));
        command.arg("-h").arg(&self.data).args(["-U", self.target.user()]);
        command.uid(owner.uid()).gid(owner.gid()).env_clear().current_dir(&self.data);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    pub(super) async fn preflight(&self, arguments: &str) -> Outcome {
        let mut command = bare(&format!("preflight {arguments} --output json"));
        let (database, user) = (self.target.database(), self.target.user());
        command.env("DATABASE_URL", format!("postgresql:///{database}?host={}&user={user}", self.data.display()));
        finish(command).await
    }
}

/// A server, and the folder that it is in: the server ends before its folder is removed.
pub(super) async fn own_server() -> (TempDir, OwnServer) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let server = OwnServer::start(&folder.path().join("server")).await;
    (folder, server)
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.stop();
    }
}

#[tokio::test]
async fn standbys_and_who_keeps_wal_are_told() {
    let (_folder, mut server) = own_server().await;
    let client = server.target.connect().await.unwrap();
    // A slot that a subscriber or standby left behind keeps all WAL from here on.
    client.batch_execute("select pg_create_physical_replication_slot('forgotten', true)").await.unwrap();
    let preflight = says(
        &server.preflight("").await,
        "replication",
        "yellow",
        &["slot forgotten (inactive) keeps", "pg_drop_replication_slot('forgotten')"],
    );
    let lines = told(&preflight, "replication");
    assert!(lines.iter().any(|line| line.starts_with("info: no standby")), "{lines:?}");
    client.batch_execute("select pg_drop_replication_slot('forgotten')").await.unwrap();
    let lines = told(&server.preflight("").await.code(0).json(), "replication");
    assert_eq!(lines.len(), 1, "{lines:?}");
    // One that everybody waits for and that is not there: every commit would wait.
    client.batch_execute("alter system set synchronous_standby_names = 'away'").await.unwrap();
    client.batch_execute("select pg_reload_conf()").await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let waits = ["commits wait for a synchronous standby", "synchronous_standby_names"];
    says(&server.preflight("").await, "replication", "red", &waits);
    client.close().await;
    server.stop();
    fs::write(server.data.join("standby.signal"), "").unwrap();
    server.begin().await;
    says(&server.preflight("").await, "writes", "red", &["standby", "target_session_attrs=read-write"]);
}

#[tokio::test]
async fn a_reader_that_lags_is_told() {
    let (_folder, server) = own_server().await;
    let client = server.target.connect().await.unwrap();
    client.batch_execute("select pg_create_physical_replication_slot('slow', true)").await.unwrap();
    let mut access = fs::OpenOptions::new().append(true).open(server.data.join("pg_hba.conf")).unwrap();
    access.write_all(b"local replication all trust\n").unwrap();
    client.batch_execute("select pg_reload_conf()").await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut command = server.program("pg_receivewal");
    fs::create_dir(server.data.join("received")).unwrap();
    let owner = fs::metadata(&server.data).unwrap();
    std::os::unix::fs::chown(server.data.join("received"), Some(owner.uid()), Some(owner.gid())).unwrap();
    let mut reader = command.args(["-D", "received", "-S", "slow"]).spawn().unwrap();
    let is_active = "select bool_or(active)::text from pg_replication_slots";
    for tries in 0.. {
        if text(&client, is_active).await == "true" {
            break;
        }
        assert!(tries < 200 && reader.try_wait().unwrap().is_none(), "pg_receivewal does not read");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let lines = told(&server.preflight("").await.code(0).json(), "replication");
    assert!(lines.iter().any(|line| line.starts_with("info: replication slot slow (active)")), "{lines:?}");
    // It is still there, and reads no more.
    let pid = Pid::from_raw(i32::try_from(reader.id()).unwrap());
    kill(pid, Signal::SIGSTOP).unwrap();
    for _ in 0..66 {
        client
            .batch_execute("select pg_logical_emit_message(false, 'sqlmig', 'x'); select pg_switch_wal()")
            .await
            .unwrap();
    }
    let keeps = ["slot slow (active) keeps 1", "have its reader catch up"];
    says(&server.preflight("").await, "replication", "yellow", &keeps);
    kill(pid, Signal::SIGKILL).unwrap();
    reader.wait().unwrap();
}

#[tokio::test]
async fn a_prepared_transaction_that_locks_a_final_table_is_told() {
    let (_folder, server) = own_server().await;
    let client = server.target.connect().await.unwrap();
    client.batch_execute("create table public.documents (id uuid primary key)").await.unwrap();
    client.batch_execute("begin; lock table public.documents in exclusive mode").await.unwrap();
    client.batch_execute("prepare transaction 'forgotten'").await.unwrap();
    let locked = ["public.documents is locked", "by a prepared transaction", "pg_prepared_xacts"];
    says(&server.preflight("").await, "locks", "red", &locked);
    client.batch_execute("rollback prepared 'forgotten'").await.unwrap();
    let lines = told(&server.preflight("").await.json(), "locks");
    assert_eq!(lines, ["info: nobody locks a final table → "]);
}

/// A file system of a few megabytes in memory.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: &Path) -> Option<Self> {
        fs::create_dir(folder).unwrap();
        let mut command = Command::new("mount");
        let output = command.args(["-t", "tmpfs", "-o", "size=256m,mode=0755", "tmpfs"]).arg(folder).output();
        match output {
            Ok(output) if output.status.success() => return Some(Self(folder.to_owned())),
            Ok(output) => eprintln!("passed over: {}", String::from_utf8_lossy(&output.stderr).trim()),
            Err(error) => eprintln!("passed over: mount: {error}"),
        }
        None
    }

    fn free(&self) -> u64 {
        let stat = nix::sys::statvfs::statvfs(&self.0).unwrap();
        stat.blocks_available() * stat.fragment_size()
    }

    /// Fills it until so much is left.
    fn leave(&self, bytes: u64) {
        let filler = self.0.join("filler");
        let _ = fs::remove_file(&filler);
        let much = usize::try_from(self.free().saturating_sub(bytes)).unwrap();
        fs::write(filler, vec![0_u8; much]).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_disk_that_is_too_small_for_the_source_is_told() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // Mounting takes rights that no test can give itself.
    let Some(disk) = SmallDisk::mount(&folder.path().join("small")) else { return };
    let server = OwnServer::start(&disk.0.join("server")).await;
    let source = fixture("docs.sql.gz");
    let preflight = server.preflight(&source).await.code(0).json();
    let needs = preflight["needs"].as_object().unwrap().values().map(|bytes| bytes.as_u64().unwrap()).sum::<u64>();
    let there = server.data.display().to_string();
    let lines = told(&preflight, "disk");
    assert!(lines[0].starts_with("info: a run needs about") && lines[0].contains(&there), "{lines:?}");
    disk.leave(needs + needs / 4);
    says(&server.preflight(&source).await, "disk", "yellow", &["little is left", &there, "make room"]);
    disk.leave(needs - (2 << 20));
    says(&server.preflight(&source).await, "disk", "red", &["and only", &there, "sqlmig finish"]);
    disk.leave(needs + needs);
    assert!(told(&server.preflight(&source).await.code(0).json(), "disk")[0].starts_with("info: "));
}

/// Has the server make its next file of WAL, so that it can write a while on a disk that is full.
async fn fresh_segment(server: &OwnServer) {
    let client = server.target.connect().await.unwrap();
    client.batch_execute("select pg_switch_wal()").await.unwrap();
    client.batch_execute("checkpoint").await.unwrap();
    client.close().await;
}

#[tokio::test]
async fn wal_and_tablespaces_on_another_disk_are_told() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let server_folder = folder.path().join("server");
    // Unmounted after the server has ended: what is declared first is dropped last.
    let Some(disk) = SmallDisk::mount(&folder.path().join("small")) else { return };
    let mut server = OwnServer::start(&server_folder).await;
    let source = fixture("docs.sql.gz");
    let preflight = server.preflight(&source).await.code(0).json();
    assert_eq!(told(&preflight, "disk").len(), 1, "{preflight}");
    let wal = preflight["needs"]["wal_bytes"].as_u64().unwrap();
    let needs = preflight["needs"].as_object().unwrap().values().map(|bytes| bytes.as_u64().unwrap()).sum::<u64>();
    let rest = needs - wal;
    // WAL, as an administrator moves it.
    server.stop();
    let (from, to) = (server.data.join("pg_wal"), disk.0.join("pg_wal"));
    assert!(Command::new("cp").arg("--archive").arg(&from).arg(&to).status().unwrap().success());
    fs::remove_dir_all(&from).unwrap();
    std::os::unix::fs::symlink(&to, &from).unwrap();
    server.begin().await;
    let lines = told(&server.preflight(&source).await.code(0).json(), "disk");
    let apart = "info: pg_wal lies on another file system, where ";
    assert!(lines.len() == 2 && lines.iter().any(|line| line.starts_with(apart)), "{lines:?}");
    fresh_segment(&server).await;
    disk.leave(wal / 2);
    let parts = ["pg_wal lies on another file system", "only", "of WAL", "make room there"];
    says(&server.preflight(&source).await, "disk", "yellow", &parts);
    fs::remove_file(disk.0.join("filler")).unwrap();
    // New tables go to a tablespace.
    let (space, owner) = (disk.0.join("space"), fs::metadata(&server.data).unwrap());
    fs::create_dir(&space).unwrap();
    std::os::unix::fs::chown(&space, Some(owner.uid()), Some(owner.gid())).unwrap();
    let client = server.target.connect().await.unwrap();
    client.batch_execute(&format!("create tablespace apart location '{}'", space.display())).await.unwrap();
    let database = server.target.database();
    client.batch_execute(&format!("alter database {database} set default_tablespace = 'apart'")).await.unwrap();
    client.close().await;
    let lines = told(&server.preflight(&source).await.code(0).json(), "disk");
    let place = space.display().to_string();
    assert!(
        lines.iter().any(|line| line.starts_with("info: tablespace apart lies on another") && line.contains(&place)),
        "{lines:?}"
    );
    fresh_segment(&server).await;
    disk.leave(rest / 2);
    let parts = ["tablespace apart lies on another file system", "too little", "make room there"];
    says(&server.preflight(&source).await, "disk", "yellow", &parts);
    fs::remove_file(disk.0.join("filler")).unwrap();
}
