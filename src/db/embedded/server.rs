//! The server process: made, started, waited for, joined, stopped.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::num::NonZeroUsize;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};

use super::account::Account;
use super::error::{EmbeddedError, io_error};
use super::find::Binaries;
use super::folder::Folder;
use super::{EmbeddedOptions, PORT, SUPERUSER};
use crate::db::conninfo::Target;
use crate::db::error::{DbError, doing};
use crate::names::ident;

/// Time for a server that answers "starting up": after a crash it replays its log first.
const START_PATIENCE: Duration = Duration::from_mins(5);
const STOP_PATIENCE: Duration = Duration::from_mins(1);
/// The children of a killed server end by themselves, soon after they notice.
const CHILDREN_PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// Parallel index builds share memory of about `maintenance_work_mem`; containers often have a /dev/shm of 64 MB.
const ROOMY_SHARED_MEMORY_BYTES: u64 = 512 << 20;

const OTHER_CLIENTS: &str = include_str!("../../../sql/other_clients.sql");

/// Runs a server for as long as its standard input is open; then ends it and removes its data, unless asked to keep it.
const GUARDIAN: &str = r#"
base=$1; shift
"$@" </dev/null & server=$!
read -r _
if [ -e "$base/keep" ]; then kill -INT "$server"; wait "$server"; exit; fi
kill -QUIT "$server"
wait "$server"
rm -rf "$base/data" 2>/dev/null
"#;

/// A server process, started here or by another sqlmig.
pub(super) struct Server {
    pub(super) pid: i32,
    pub(super) socket_folder: PathBuf,
    child: Option<Child>,
    log_start: u64,
}

/// Makes the data directory, beside its place and then renamed, so that it is whole or not there.
pub(super) fn initialise(
    folder: &Folder,
    binaries: &Binaries,
    account: &Account,
    durable: bool,
) -> Result<(), EmbeddedError> {
    let (data, new) = (folder.data(), folder.base.join("data.new"));
    if new.exists() {
        fs::remove_dir_all(&new).map_err(io_error(&new))?;
    }
    DirBuilder::new().mode(0o700).create(&new).map_err(io_error(&new))?;
    account.own(&new)?;
    let mut command = account.command(&binaries.program("initdb"));
    command.arg("-D").arg(&new).args(["-U", SUPERUSER, "-E", "UTF8", "--auth-local=peer", "--auth-host=reject"]);
    if binaries.major >= 17 {
        command.args(["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]);
    } else {
        command.arg(if cfg!(target_os = "linux") { "--locale=C.UTF-8" } else { "--locale=C" });
    }
    if !durable {
        command.arg("--no-sync");
    }
    let program = binaries.program("initdb");
    let output = command.stdin(Stdio::null()).output().map_err(|error| cannot_run(&program, &error))?;
    if !output.status.success() {
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        // What is left of it is of no use, and takes room that may be short.
        let _ = fs::remove_dir_all(&new);
        return Err(if disk_is_full(&text) {
            EmbeddedError::DiskFull(new)
        } else {
            EmbeddedError::Initialise(tail(&text))
        });
    }
    fs::rename(&new, &data).map_err(io_error(&data))
}

fn cannot_run(program: &Path, error: &std::io::Error) -> EmbeddedError {
    EmbeddedError::Program { program: program.to_owned(), reason: error.to_string() }
}

fn disk_is_full(text: &str) -> bool {
    // The second is the server's hint where a write came out short.
    text.contains("No space left on device") || text.contains("Check free disk space")
}

/// Lets in, over the unix socket, whom the kernel says to be one of these users, and nobody else.
fn admit(folder: &Folder, account: &Account, major: u16) -> Result<(), EmbeddedError> {
    let own = User::from_uid(geteuid()).ok().flatten().map(|user| user.name);
    let mut names = vec!["root".to_owned(), account.name.clone()];
    names.extend(own);
    names.sort();
    names.dedup();
    // Since 16 a map may let a user be any role.
    let role = if major >= 16 { "all" } else { SUPERUSER };
    let lines: Vec<String> =
        names.iter().map(|name| format!("sqlmig \"{}\" {role}\n", name.replace('"', "\"\""))).collect();
    let map = lines.concat();
    for (file, text) in [("pg_hba.conf", "local all all peer map=sqlmig\n"), ("pg_ident.conf", map.as_str())] {
        let path = folder.data().join(file);
        fs::write(&path, text).map_err(io_error(&path))?;
        account.own(&path)?;
    }
    Ok(())
}

/// Settings for a server that one loader uses: durable unless told otherwise, little WAL, room for index builds.
fn settings(options: &EmbeddedOptions) -> Vec<(&'static str, &'static str)> {
    let mut settings = vec![
        ("listen_addresses", ""),
        ("unix_socket_permissions", "0700"),
        ("shared_buffers", "256MB"),
        ("maintenance_work_mem", "256MB"),
        ("work_mem", "32MB"),
        // There are no standbys and no base backups of it.
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
        ("max_wal_size", "4GB"),
        ("checkpoint_timeout", "15min"),
        // WAL is written while a batch is; its COMMIT waits for the rest.
        ("wal_writer_delay", "10ms"),
        ("max_parallel_workers_per_gather", parallel_workers()),
        ("client_connection_check_interval", "2s"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        ("logging_collector", "off"),
        ("log_destination", "stderr"),
        // Rows are data of others: failed statements, which may hold some, stay out of the log.
        ("log_min_error_statement", "panic"),
    ];
    let shared_memory = nix::sys::statvfs::statvfs("/dev/shm");
    if shared_memory.is_ok_and(|fs| fs.blocks_available() * fs.fragment_size() < ROOMY_SHARED_MEMORY_BYTES) {
        settings.push(("dynamic_shared_memory_type", "mmap"));
    }
    if !options.durable {
        // synchronous_commit stays on: a server that is killed, not unplugged, must keep what it committed.
        settings.extend([("fsync", "off"), ("full_page_writes", "off")]);
    }
    settings
}

/// Processes that may help a query: two queries of a run are at work at once, and helpers that find no core of their own take longer
/// to start than they save.
fn parallel_workers() -> &'static str {
    match std::thread::available_parallelism().map_or(1, NonZeroUsize::get) {
        ..=2 => "0",
        3 => "1",
        _ => "2",
    }
}

impl Server {
    /// The server that runs in the folder, if one does. A lock file that a dead one left is told of.
    pub(super) fn running(folder: &Folder, notes: &mut Vec<String>) -> Result<Option<Self>, EmbeddedError> {
        let path = folder.data().join("postmaster.pid");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(&path)(error)),
        };
        let lines: Vec<&str> = text.lines().collect();
        let pid = lines.first().and_then(|line| line.trim().trim_start_matches('-').parse::<i32>().ok());
        let Some(pid) = pid.filter(|pid| *pid > 1 && is_server(*pid, &folder.data())) else {
            let who =
                pid.map_or_else(|| "an unknown process".to_owned(), |pid| format!("process {pid}, which is gone"));
            // PostgreSQL removes the file of a dead process by itself, after making sure that no child of it still uses
            // the data. It refuses if the number now belongs to another program, as it often does in containers.
            let deadline = Instant::now() + CHILDREN_PATIENCE;
            while in_use(&folder.data()) && Instant::now() < deadline {
                std::thread::sleep(POLL);
            }
            if pid.is_none_or(is_alive) && !in_use(&folder.data()) {
                let socket_folder = lines.get(4).map_or_else(|| folder.data(), PathBuf::from);
                for stale in [path, socket_folder.join(format!(".s.PGSQL.{PORT}.lock"))] {
                    match fs::remove_file(&stale) {
                        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                            return Err(io_error(&stale)(error));
                        }
                        _ => {}
                    }
                }
            }
            notes.push(format!("found a stale lock file of {who}; recovering"));
            return Ok(None);
        };
        // The fifth line is the socket's folder (manual, "postmaster.pid"); it is written early, but not at once.
        let socket = lines.get(4).filter(|line| !line.is_empty()).map(PathBuf::from);
        Ok(Some(Self { pid, socket_folder: socket.unwrap_or_else(|| folder.data()), child: None, log_start: 0 }))
    }

    /// Starts the server; it does not answer yet.
    pub(super) fn spawn(
        folder: &Folder,
        binaries: &Binaries,
        account: &Account,
        options: &EmbeddedOptions,
    ) -> Result<Self, EmbeddedError> {
        admit(folder, account, binaries.major)?;
        let socket_folder = folder.socket_folder(account)?;
        let path = folder.log();
        let log = OpenOptions::new().create(true).append(true).open(&path).map_err(io_error(&path))?;
        let log_start = log.metadata().map_err(io_error(&path))?.len();
        let program = binaries.program("postgres");
        let mut arguments = vec!["-D".into(), folder.data(), "-k".into(), socket_folder.clone()];
        arguments.extend(["-p".into(), PORT.to_string().into()]);
        for (name, value) in settings(options) {
            arguments.extend(["-c".into(), format!("{name}={value}").into()]);
        }
        let output = log.try_clone().map_err(io_error(&path))?;
        let mut command = if options.throwaway {
            let mut guardian = account.command(Path::new("sh"));
            guardian.args(["-c", GUARDIAN, "sqlmig"]).arg(&folder.base).arg(&program).stdin(Stdio::piped());
            guardian
        } else {
            let mut server = account.command(&program);
            server.stdin(Stdio::null());
            server
        };
        command.args(&arguments).stdout(output).stderr(log);
        // A group of its own: Ctrl-C on the terminal is for sqlmig, which then stops the server when it is done with it.
        let child = command.process_group(0).spawn().map_err(|error| cannot_run(&program, &error))?;
        let pid = i32::try_from(child.id()).map_err(|_| EmbeddedError::Interrupted)?;
        Ok(Self { pid, socket_folder, child: Some(child), log_start })
    }

    /// Whether another process started it.
    pub(super) fn is_joined(&self) -> bool {
        self.child.is_none()
    }

    /// Waits until a connection succeeds.
    pub(super) async fn wait_until_ready(&mut self, target: &Target, folder: &Folder) -> Result<(), EmbeddedError> {
        let start = Instant::now();
        loop {
            let error = match target.connect().await {
                Ok(connection) => {
                    connection.close().await;
                    return Ok(());
                }
                Err(error) => error,
            };
            let gone = match &mut self.child {
                Some(child) => matches!(child.try_wait(), Ok(Some(_)) | Err(_)),
                None => !is_server(self.pid, &folder.data()),
            };
            let words = || self.last_words(folder);
            if gone {
                let tail = words();
                return Err(if disk_is_full(&tail) {
                    EmbeddedError::DiskFull(folder.base.clone())
                } else {
                    EmbeddedError::Start { tail, log: folder.log() }
                });
            }
            if !error.is_unavailable() {
                return Err(error.into());
            }
            if start.elapsed() > START_PATIENCE {
                return Err(EmbeddedError::NoAnswer { seconds: START_PATIENCE.as_secs(), tail: words() });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Ends the sessions and stops ("fast shutdown"), and waits for it.
    pub(super) async fn stop(&mut self, folder: &Folder) -> Result<(), EmbeddedError> {
        self.interrupt();
        let lock_file = folder.data().join("postmaster.pid");
        let start = Instant::now();
        while start.elapsed() < STOP_PATIENCE {
            let gone = match &mut self.child {
                Some(child) => matches!(child.try_wait(), Ok(Some(_)) | Err(_)),
                // Another process's child may stay on as a zombie; the lock file goes last.
                None => !lock_file.exists() || !is_server(self.pid, &folder.data()),
            };
            if gone {
                if self.socket_folder != folder.data() {
                    // The short one in /tmp. It is made again when needed, and harmless if it cannot be removed.
                    let _ = fs::remove_dir(&self.socket_folder);
                }
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
        Err(EmbeddedError::Stop(self.pid))
    }

    /// Tells it to stop.
    pub(super) fn interrupt(&mut self) {
        match self.child.as_mut().and_then(|child| child.stdin.take()) {
            // A guardian takes the end of its input for the word to stop.
            Some(input) => drop(input),
            // It may be gone already, which is what is wanted.
            None => _ = kill(Pid::from_raw(self.pid), Signal::SIGINT),
        }
    }

    fn last_words(&self, folder: &Folder) -> String {
        let mut text = Vec::new();
        if let Ok(mut log) = File::open(folder.log()) {
            let _ = log.seek(SeekFrom::Start(self.log_start));
            // The end of a log is small; nothing can be done about one that cannot be read.
            let _ = log.take(1 << 20).read_to_end(&mut text);
        }
        tail(&String::from_utf8_lossy(&text))
    }
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(10)..].iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn is_alive(pid: i32) -> bool {
    // Not being allowed to signal it means that it is there.
    !matches!(kill(Pid::from_raw(pid), None), Err(nix::errno::Errno::ESRCH))
}

/// Whether this process is the server of this data directory. Where the system does not tell, being alive has to do.
fn is_server(pid: i32, data: &Path) -> bool {
    if !is_alive(pid) {
        return false;
    }
    if !Path::new("/proc/self/cwd").exists() {
        return true;
    }
    works_in(Path::new(&format!("/proc/{pid}")), data)
}

/// Whether any process works in the data directory: children of a killed server live on for a moment.
fn in_use(data: &Path) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.into_iter().any(|process| works_in(&process.path(), data))
}

/// Whether a process is a server of this data directory, which is the working directory of all of a server's processes.
fn works_in(process: &Path, data: &Path) -> bool {
    match fs::read_link(process.join("cwd")) {
        Ok(folder) => folder == data,
        // In a container even root may not look at other users' processes; then any PostgreSQL of the user who owns the
        // data may be the one.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            let owner = |path: &Path| fs::metadata(path).map(|metadata| metadata.uid()).ok();
            owner(process) == owner(data)
                && fs::read(process.join("cmdline"))
                    .is_ok_and(|line| String::from_utf8_lossy(&line).contains("postgres"))
        }
        Err(_) => false,
    }
}

/// Makes the database if it is missing; returns how to reach it.
pub(super) async fn ensure_database(server: &Target, name: &str) -> Result<Target, DbError> {
    let client = server.connect().await?;
    let found = client.query_opt("select from pg_catalog.pg_database where datname = $1", &[&name]).await;
    if found.map_err(doing("look for the database"))?.is_none() {
        let statement = format!("create database {}", ident(name));
        client.batch_execute(&statement).await.map_err(doing("create the database"))?;
    }
    client.close().await;
    Ok(server.with_database(name))
}

/// Whether clients other than this connection are there. A server that does not answer has none.
pub(super) async fn other_clients(target: &Target) -> bool {
    let Ok(client) = target.connect().await else { return false };
    // The server processes of connections that were just closed, such as a pool's, take a moment to go.
    for _ in 0..25 {
        match client.query_one(OTHER_CLIENTS, &[]).await {
            Ok(row) if row.get::<_, i64>(0) > 0 => tokio::time::sleep(POLL).await,
            _ => return false,
        }
    }
    true
}
