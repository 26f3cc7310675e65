//! sqlmig as a process that is held at a point, and what it came to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::process::{Child, Command};

/// A command that takes longer than this hangs: nothing in the matrix takes a tenth of it.
pub const PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(3);

/// What is run: arguments and where.
#[derive(Clone)]
pub struct Invocation {
    pub arguments: Vec<String>,
    pub url: String,
    /// Variables: options that a command without them does not mind.
    pub variables: Vec<(&'static str, &'static str)>,
    /// Where it is held, and what it passes on the way is written to.
    pub faults: Option<PathBuf>,
}

/// A process of sqlmig.
pub struct Running {
    child: Child,
    pid: Pid,
    faults: Option<PathBuf>,
    output: PathBuf,
}

/// How one ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.stdout).ok()
    }

    /// The code in words of the table.
    pub fn word(&self) -> String {
        self.code.map_or_else(|| "killed".into(), |code| code.to_string())
    }
}

/// A folder for one process's faults.
pub fn fault_folder(folder: &Path, at: &str) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    for old in ["reached", "go", "passed"] {
        let _ = fs::remove_file(folder.join(old));
    }
    fs::write(folder.join("at"), at).unwrap();
    folder.to_owned()
}

impl Invocation {
    /// Starts it; what it says goes to files that begin with `output`.
    pub fn start(&self, output: &Path) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sqlmig"));
        command.args(&self.arguments).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent");
        command.env("DATABASE_URL", &self.url).env("RUST_BACKTRACE", "1").env("SQLMIG_LOG_FORMAT", "text");
        command.stdin(Stdio::null());
        command.envs(self.variables.iter().copied());
        if let Some(folder) = &self.faults {
            command.env("SQLMIG_FAULT_DIR", folder);
        }
        let file = |kind| fs::File::create(output.with_extension(kind)).unwrap();
        command.stdout(file("stdout")).stderr(file("stderr")).kill_on_drop(true);
        let child = command.spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap());
        Running { child, pid, faults: self.faults.clone(), output: output.to_owned() }
    }

    /// Runs it to its end.
    pub async fn run(&self, output: &Path) -> Result<Ended, String> {
        self.start(output).end(PATIENCE).await
    }
}

impl Running {
    pub fn pid(&self) -> Pid {
        self.pid
    }

    pub fn signal(&self, signal: Signal) {
        // One that has ended by itself is as good.
        let _ = kill(self.pid, signal);
    }

    /// Waits until it is at the point where it is held; says how it ended where it never came there.
    pub async fn reached(&mut self) -> Result<(), String> {
        let Some(folder) = self.faults.clone() else { return Ok(()) };
        let begun = Instant::now();
        while !folder.join("reached").exists() {
            if let Ok(Some(status)) = self.child.try_wait() {
                let at = fs::read_to_string(folder.join("at")).unwrap_or_default();
                return Err(format!("{at} was never reached: {status}\n{}", self.said("stderr")));
            }
            if begun.elapsed() > PATIENCE {
                return Err("the point was not reached in time".into());
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Lets it go on.
    pub fn go(&self) {
        if let Some(folder) = &self.faults {
            fs::write(folder.join("go"), "").unwrap();
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// How it ended, once it has.
    pub fn ended(&mut self) -> Result<Ended, String> {
        let status = self.child.try_wait().map_err(|error| error.to_string())?;
        let code = status.ok_or("it has not ended")?.code();
        let (stdout, stderr) = (self.said("stdout"), self.said("stderr"));
        if stderr.contains("panicked at") {
            return Err(format!("it panicked\n{stderr}"));
        }
        Ok(Ended { code, stdout, stderr })
    }

    /// Waits for its end; kills what does not end.
    pub async fn end(mut self, patience: Duration) -> Result<Ended, String> {
        // By the second: where the whole machine stands still for a while, that is one second to both.
        for _ in 0..patience.as_secs() {
            if tokio::time::timeout(Duration::from_secs(1), self.child.wait()).await.is_ok() {
                return self.ended();
            }
        }
        self.signal(Signal::SIGABRT);
        let _ = self.child.wait().await;
        Err(format!("did not end in {} s\n{}", patience.as_secs(), self.said("stderr")))
    }

    fn said(&self, kind: &str) -> String {
        fs::read_to_string(self.output.with_extension(kind)).unwrap_or_default()
    }
}
