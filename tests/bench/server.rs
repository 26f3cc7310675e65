//! The server that all contestants load into: the one that sqlmig starts where no other is named.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use sqlmig::db::embedded::{Embedded, EmbeddedOptions};
use sqlmig::db::environment::Environment;

/// A server of this benchmark's own; its data vanish with it.
pub struct Server {
    embedded: Embedded,
    _folder: tempfile::TempDir,
    version: String,
    programs: PathBuf,
}

impl Server {
    /// Starts it. As durable as one that a user has: who writes WAL must wait for the disk.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the server");
        let cache = EmbeddedOptions::default_cache(&Environment::of_process());
        let mut options = EmbeddedOptions::new(folder.path().join("server"), cache);
        options.throwaway = true;
        let embedded = Embedded::start(options).await.expect("the embedded server starts");
        let client = embedded.target().connect().await.expect("it answers");
        let version = client.query_one("select version()", &[]).await.expect("it has a version").get(0);
        let query = "select setting from pg_config where name = 'BINDIR'";
        let programs: String = client.query_one(query, &[]).await.expect("it has programs").get(0);
        Self { embedded, _folder: folder, version, programs: programs.into() }
    }

    /// Stops it.
    pub async fn stop(self) {
        self.embedded.stop().await.expect("it stops");
    }

    /// Machine and versions, for the page.
    pub fn describe(&self) -> String {
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kilobytes: u64 =
            memory.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let settings = "select string_agg(name || ' ' || current_setting(name), ', ' order by name) from pg_settings
            where name = any ('{checkpoint_timeout,fsync,maintenance_work_mem,max_parallel_workers_per_gather,max_wal_size,
                shared_buffers,synchronous_commit,wal_compression,wal_level,work_mem}')";
        format!(
            "Machine: {cores} × {}, {} GiB. {}, as sqlmig starts it: {}. sqlmig {}, release build; {}.",
            model.trim_start_matches([' ', '\t', ':']),
            kilobytes >> 20,
            self.version.split(" on ").next().unwrap_or_default(),
            self.ask("postgres", settings),
            env!("CARGO_PKG_VERSION"),
            ["gunzip", "pgloader", "pgcopydb"].map(version).join(", "),
        )
    }

    /// The folder of its own `psql`, `pg_dump` and `pg_restore`.
    pub fn programs(&self) -> &std::path::Path {
        &self.programs
    }

    /// The folder of its socket.
    pub fn socket(&self) -> PathBuf {
        self.embedded.folder().join("data")
    }

    /// A connection string for sqlmig and others that take a URL.
    pub fn url(&self, database: &str) -> String {
        let socket = self.socket().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{socket}/{database}")
    }

    /// Runs a statement in the maintenance database and returns what it yields.
    pub fn ask(&self, database: &str, sql: &str) -> String {
        let output = Command::new(self.programs.join("psql"))
            .args(["-XAtq", "-U", "postgres", "-d", database, "-h"])
            .arg(self.socket())
            .args(["-c", sql])
            .stdin(Stdio::null())
            .output()
            .expect("psql is installed");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// An empty database of this name, in place of one that there is.
    pub fn fresh(&self, database: &str) {
        self.ask("postgres", &format!("drop database if exists {database} with (force)"));
        self.ask("postgres", &format!("create database {database}"));
        // What one contestant has left in dirty pages, the next must not write.
        self.ask("postgres", "checkpoint");
    }

    /// WAL written since the server began, in bytes.
    pub fn wal_bytes(&self) -> u64 {
        self.ask("postgres", "select pg_current_wal_insert_lsn() - '0/0'").parse().unwrap_or_default()
    }

    /// CPU time of the server and all its processes, those that have ended among them, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        let pid = std::fs::read_to_string(self.socket().join("postmaster.pid")).unwrap_or_default();
        let pid: u32 = pid.lines().next().and_then(|line| line.parse().ok()).expect("the server has a process");
        let living = super::measure::children(pid).into_iter().map(|child| super::measure::cpu_seconds(child, false));
        super::measure::cpu_seconds(pid, true) + living.sum::<f64>()
    }
}

/// What a program says of its version, on its first line; it may be on any machine or not.
fn version(program: &str) -> String {
    let Ok(said) = Command::new(program).arg("--version").stdin(Stdio::null()).output() else {
        return format!("no {program}");
    };
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    said.lines().next().map_or_else(|| program.to_owned(), str::to_owned)
}
