//! One command, from its start to its end: time, CPU, WAL and memory.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::server::Server;

/// Clock ticks a second in /proc: 100 on every Linux there is (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;
/// Between two looks at a command's memory.
const LOOK: Duration = Duration::from_millis(10);

/// What one run of a command took.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Wall-clock seconds.
    pub seconds: f64,
    /// CPU seconds of the command and its children.
    pub client_cpu: f64,
    /// CPU seconds of the server.
    pub server_cpu: f64,
    /// WAL in bytes.
    pub wal_bytes: u64,
    /// Largest resident set of one of its processes, in bytes.
    pub peak_bytes: u64,
}

/// Runs a command to its end.
///
/// # Errors
/// What it says, if it fails.
pub fn run(server: &Server, command: &mut Command) -> Result<Sample, String> {
    let (wal, server_cpu, own_cpu) = (server.wal_bytes(), server.cpu_seconds(), ended_children());
    let log = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.reopen().map_err(|error| error.to_string())?)
        .spawn()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let mut peak_bytes = 0;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break status;
        }
        for process in std::iter::once(child.id()).chain(children(child.id())) {
            peak_bytes = peak_bytes.max(peak(process));
        }
        thread::sleep(LOOK);
    };
    let seconds = started.elapsed().as_secs_f64();
    if !status.success() {
        let said = fs::read_to_string(log.path()).unwrap_or_default();
        return Err(format!("{status}: {}", said.lines().last().unwrap_or_default()));
    }
    // A backend's CPU time counts once the server has seen it end.
    thread::sleep(Duration::from_millis(100));
    Ok(Sample {
        seconds,
        client_cpu: ended_children() - own_cpu,
        server_cpu: server.cpu_seconds() - server_cpu,
        wal_bytes: server.wal_bytes() - wal,
        peak_bytes,
    })
}

/// Largest resident set of a process so far, in bytes.
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() * 1024
}

/// Processes that a process has started and not seen end.
pub fn children(pid: u32) -> Vec<u32> {
    let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    listed.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// CPU seconds of a process, with those of its children that have ended if `ended` says so.
pub fn cpu_seconds(pid: u32, ended: bool) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name stands in parentheses and may hold anything (proc_pid_stat(5)).
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    let own = ticks(11) + ticks(12);
    (if ended { own + ticks(13) + ticks(14) } else { own }) / TICKS
}

/// CPU seconds of all commands that have ended.
fn ended_children() -> f64 {
    cpu_seconds(std::process::id(), true) - cpu_seconds(std::process::id(), false)
}
