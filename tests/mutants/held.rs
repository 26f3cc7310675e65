//! Holds a mutant against the tests that enter its function.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A test is given this much, and four times what it took undisturbed: machines are busy now and then.
const LEAST_LIMIT: Duration = Duration::from_secs(30);

/// One test, and what is known of it.
#[derive(Debug, Clone)]
pub struct Test {
    pub name: String,
    pub took: Duration,
    /// Numbers of the functions that it enters.
    pub enters: BTreeSet<usize>,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Passed,
    Failed,
    /// It was ended, for it did not end by itself.
    Never,
}

/// A program of tests that was built with the mutants in it.
#[derive(Debug, Clone)]
pub struct Program {
    pub path: PathBuf,
    pub tree: PathBuf,
}

/// What came of some tests.
pub struct Told {
    pub ended: Ended,
    /// Those that were begun, in order: the last one failed, or never ended, if it was one.
    pub begun: Vec<String>,
}

impl Program {
    /// Names of its tests.
    pub fn tests(&self) -> Result<Vec<String>, String> {
        let output = self.command().args(["--list", "--format", "terse"]).output();
        let output = output.map_err(|error| format!("{}: {error}", self.path.display()))?;
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(listed.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        // A function with all its mutants needs a lot of stack.
        command.current_dir(&self.tree).env("RUST_MIN_STACK", "67108864");
        command
    }

    /// Runs a test with no mutant; says which functions are entered, or nothing if it fails.
    pub fn trace(&self, name: &str, trace: &Path) -> Option<BTreeSet<usize>> {
        drop(fs::remove_file(trace));
        let mut command = self.command();
        command.env("SQLMIG_MUTANT_TRACE", trace);
        if self.run(command, &[name], Duration::from_mins(5)).ended != Ended::Passed {
            return None;
        }
        let told = fs::read_to_string(trace).unwrap_or_default();
        Some(told.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// Runs tests with a mutant, one after another in one process, for a server takes longer to start than most of them.
    pub fn hold(&self, names: &[&str], chosen: (usize, usize), usual: Duration) -> Told {
        let mut command = self.command();
        command.env("SQLMIG_MUTANT", format!("{}:{}", chosen.0, chosen.1));
        self.run(command, names, LEAST_LIMIT + usual * 4)
    }

    /// Runs tests until one fails, or one takes longer than the limit. Nothing that they started is left.
    fn run(&self, mut command: Command, names: &[&str], limit: Duration) -> Told {
        let number = RUNS.fetch_add(1, Ordering::Relaxed);
        let token = format!("SQLMIG_MUTANT_RUN={}.{number}", std::process::id());
        let temporary = std::env::temp_dir().join(format!("sqlmig-mutants.{}.{number}", std::process::id()));
        drop(fs::create_dir_all(&temporary));
        // Servers have a user of their own.
        drop(fs::set_permissions(&temporary, fs::Permissions::from_mode(0o755)));
        command.arg("--exact").arg("--test-threads=1").args(names).env("TMPDIR", &temporary);
        if let Some((name, value)) = token.split_once('=') {
            command.env(name, value);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut told = Told { ended: Ended::Failed, begun: Vec::new() };
        if let Ok(mut child) = command.spawn() {
            let said = follow(&mut child);
            told.ended = wait(&mut child, &said, limit);
            end(&mut child, &token);
            let said = said.lock().map(|said| said.clone()).unwrap_or_default();
            let begun = |line: &str| Some(line.strip_prefix("test ")?.split_once(" ... ")?.0.to_owned());
            told.begun = said.lines().filter_map(begun).collect();
            // What tests keep of a failure is of no use here.
            if let Some(target) = self.path.ancestors().nth(3) {
                drop(fs::remove_dir_all(target.join("tmp/servers").join(child.id().to_string())));
            }
        }
        drop(fs::remove_dir_all(&temporary));
        told
    }
}

static RUNS: AtomicU32 = AtomicU32::new(0);

/// What a program says, as it says it.
fn follow(child: &mut Child) -> Arc<Mutex<String>> {
    let said = Arc::new(Mutex::new(String::new()));
    if let Some(mut output) = child.stdout.take() {
        let said = Arc::clone(&said);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                if let Ok(mut said) = said.lock() {
                    said.push_str(&String::from_utf8_lossy(&buffer[..read]));
                }
            }
        });
    }
    said
}

fn wait(child: &mut Child, said: &Mutex<String>, limit: Duration) -> Ended {
    const TURN: Duration = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    let mut last = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ended::Passed,
            Ok(Some(_)) | Err(_) => return Ended::Failed,
            Ok(None) if waited > limit => return Ended::Never,
            Ok(None) => {}
        }
        if said.lock().is_ok_and(|said| said.contains("FAILED")) {
            return Ended::Failed;
        }
        std::thread::sleep(TURN);
        // While this program is itself stopped, so are the tests.
        waited += last.elapsed().min(TURN * 10);
        last = Instant::now();
    }
}

/// Ends a program and what it started: its process group, and what has left that but still has the variable in its environment.
/// Servers for tests end by themselves when their program does, and clean up.
fn end(child: &mut Child, token: &str) {
    drop(child.kill());
    drop(Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).stderr(Stdio::null()).status());
    drop(child.wait());
    for turn in 0.. {
        let left = with_variable(token);
        if left.is_empty() {
            return;
        }
        if turn > 100 {
            drop(Command::new("kill").arg("-KILL").args(&left).stderr(Stdio::null()).status());
        }
        if turn > 200 {
            return;
        }
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// Numbers of the processes with this in their environment.
fn with_variable(token: &str) -> Vec<String> {
    let has = |folder: &Path| {
        let found = fs::read(folder.join("environ")).unwrap_or_default();
        found.split(|byte| *byte == 0).any(|variable| variable == token.as_bytes())
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let number = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit());
    let with = processes.filter(|entry| number(entry) && has(&entry.path()));
    with.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// The tests that a mutant of this function is held against, quickest first: at most `most`, of which two thirds are those that
/// have most to do with it.
pub fn chosen<'a>(tests: &'a [Test], function: usize, most: usize, relevance: &dyn Fn(&str) -> f64) -> Vec<&'a Test> {
    let entering: Vec<&Test> = tests.iter().filter(|test| test.enters.contains(&function)).collect();
    let mut by_relevance: Vec<(f64, &Test)> = entering.iter().map(|test| (relevance(&test.name), *test)).collect();
    by_relevance.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let mut by_time = entering;
    by_time.sort_by_key(|test| test.took);
    let mut picked: BTreeMap<&str, &Test> = BTreeMap::new();
    for test in by_relevance.into_iter().map(|(_, test)| test).take(most / 3 * 2).chain(by_time) {
        if picked.len() == most {
            break;
        }
        picked.insert(&test.name, test);
    }
    let mut picked: Vec<&Test> = picked.into_values().collect();
    picked.sort_by_key(|test| test.took);
    picked
}
