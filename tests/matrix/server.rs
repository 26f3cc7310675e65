//! A PostgreSQL for one worker: it is crashed, stopped and started without any other cell noticing.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlmig::db::environment::Environment;
use sqlmig::db::{Connection, Embedded, EmbeddedOptions, Target};

/// Ends the servers of a test process when that process ends, however it ends.
const GUARDIAN: &str = r#"
read -r _
while read -r data; do [ -e "$data/postmaster.pid" ] && kill -QUIT "$(head -n 1 "$data/postmaster.pid")"; done <"$1/servers"
for small in "$1"/*/small; do [ -d "$small" ] && umount -l "$small"; done
sleep 0.5
[ -e "$1/keep" ] || rm -rf "$1"
"#;

/// The folder of all servers of this process.
pub struct Ground {
    pub folder: PathBuf,
    guardian: Child,
}

impl Ground {
    /// A folder that vanishes with this process, unless a file `keep` is in it.
    pub fn new() -> Self {
        let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("matrix");
        fs::create_dir_all(&all).unwrap();
        for entry in fs::read_dir(&all).unwrap().flatten() {
            let gone = !Path::new("/proc").join(entry.file_name()).exists();
            if gone && !entry.path().join("keep").exists() {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let folder = all.join(std::process::id().to_string());
        fs::create_dir_all(&folder).unwrap();
        let mut guardian = Command::new("sh");
        guardian.args(["-c", GUARDIAN, "sqlmig"]).arg(&folder).stdin(Stdio::piped()).stderr(Stdio::null());
        // Out of the terminal's reach: Ctrl-C is for the tests, whose end it then sees.
        std::os::unix::process::CommandExt::process_group(&mut guardian, 0);
        let guardian = guardian.spawn().unwrap();
        Self { folder, guardian }
    }

    /// Keeps what is in the folder, for a look after a failure.
    pub fn keep(&self) {
        let _ = fs::write(self.folder.join("keep"), "");
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Some(mut input) = self.guardian.stdin.take() {
            let _ = input.write_all(b"\n");
        }
        let _ = self.guardian.wait();
    }
}

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// As `pg_ctl stop -m immediate`: a crash, as far as its data is concerned.
    Immediate,
    /// As `pg_ctl stop -m fast`: sessions are ended, everything is written.
    Fast,
}

pub struct Server {
    options: EmbeddedOptions,
    embedded: Option<Embedded>,
    target: Target,
    /// Its data directory, in which its socket is, too.
    pub data: PathBuf,
    /// Where a small tablespace is mounted, or why it is not.
    pub small: Result<PathBuf, String>,
}

impl Server {
    /// Starts a server in a folder of its own.
    pub async fn start(ground: &Ground, number: usize) -> Self {
        let folder = ground.folder.join(number.to_string());
        let mut options = EmbeddedOptions::new(&folder, EmbeddedOptions::default_cache(&Environment::of_process()));
        options.binaries = std::env::var_os("SQLMIG_POSTGRES_BIN").map(PathBuf::from);
        let asked = std::env::var("SQLMIG_TEST_PG_VERSION").ok();
        let major = asked.map_or(18, |text| text.parse().expect("SQLMIG_TEST_PG_VERSION is a major version"));
        options.version = Some(major);
        // What a crash of the server loses does not depend on it; only a power cut would.
        options.durable = false;
        let embedded = Embedded::start(options.clone()).await;
        let embedded = embedded.unwrap_or_else(|error| panic!("the matrix needs a PostgreSQL: {error}"));
        let (target, data) = (embedded.target(), embedded.folder().join("data"));
        let mut list = fs::OpenOptions::new().create(true).append(true).open(ground.folder.join("servers")).unwrap();
        writeln!(list, "{}", data.display()).unwrap();
        let mut server = Self { options, embedded: Some(embedded), target, data, small: Err("not asked for".into()) };
        server.small = server.mount_small(&folder).await;
        server
    }

    /// How to reach a database of it.
    pub fn target(&self, database: &str) -> Target {
        self.target.with_database(database)
    }

    /// The same as a connection string, over the unix socket.
    pub fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user=postgres", self.data.display())
    }

    /// The socket that it listens on.
    pub fn socket(&self) -> PathBuf {
        self.data.join(".s.PGSQL.5432")
    }

    /// A connection, as soon as the server answers.
    pub async fn connect(&self, database: &str) -> Connection {
        let (target, begun) = (self.target(database), Instant::now());
        loop {
            match target.connect().await {
                Ok(connection) => return connection,
                Err(error) if begun.elapsed() > Duration::from_mins(1) => panic!("the server is gone: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Stops it; returns when it is gone.
    pub async fn stop(&mut self, how: Stop) {
        let lock = self.data.join("postmaster.pid");
        let text = fs::read_to_string(&lock).expect("the server runs");
        let pid = Pid::from_raw(text.lines().next().unwrap().trim().parse().unwrap());
        kill(pid, if how == Stop::Immediate { Signal::SIGQUIT } else { Signal::SIGINT }).unwrap();
        let begun = Instant::now();
        while lock.exists() {
            assert!(begun.elapsed() < Duration::from_mins(1), "the server does not stop");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // Waits for the process that it was, so that none is left behind.
        if let Some(embedded) = self.embedded.take() {
            let _ = embedded.stop().await;
        }
    }

    /// Starts it again; returns when it answers.
    pub async fn start_again(&mut self) {
        let embedded = Embedded::start(self.options.clone()).await;
        self.embedded = Some(embedded.unwrap_or_else(|error| panic!("the server does not start again: {error}")));
    }

    /// Copies a database. File by file, after a checkpoint: the other strategy leaves it to a later checkpoint to write what
    /// UNLOGGED tables are to be emptied to, where `wal_level` is minimal.
    pub async fn copy(&self, template: &str, name: &str) {
        let client = self.connect("postgres").await;
        let statement = format!("create database {name} template {template} strategy file_copy");
        client.batch_execute(&statement).await.unwrap_or_else(|error| panic!("{statement}: {:?}", error.as_db_error()));
        client.close().await;
    }

    /// Makes an empty database.
    pub async fn create(&self, name: &str) {
        self.copy("template0", name).await;
    }

    /// Drops a database, whoever is connected to it.
    pub async fn drop_database(&self, name: &str) {
        let client = self.connect("postgres").await;
        let dropped = client.batch_execute(&format!("drop database if exists {name} with (force)")).await;
        dropped.unwrap_or_else(|error| panic!("drop database {name}: {:?}", error.as_db_error()));
        client.close().await;
    }

    /// A tablespace on a file system of a few megabytes, if this process may mount one.
    async fn mount_small(&self, folder: &Path) -> Result<PathBuf, String> {
        let small = folder.join("small");
        fs::create_dir_all(&small).map_err(|error| error.to_string())?;
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(&small).output();
        match mounted {
            Ok(output) if output.status.success() => {}
            Ok(output) => return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => return Err(error.to_string()),
        }
        let owner = fs::metadata(&self.data).map_err(|error| error.to_string())?;
        let place = small.join("tables");
        fs::create_dir(&place).map_err(|error| error.to_string())?;
        chown(&place, Some(owner.uid()), Some(owner.gid())).map_err(|error| error.to_string())?;
        let client = self.connect("postgres").await;
        let statement = format!("create tablespace small location '{}'", place.display());
        client.batch_execute(&statement).await.map_err(|error| format!("{:?}", error.as_db_error()))?;
        client.close().await;
        Ok(small)
    }
}
