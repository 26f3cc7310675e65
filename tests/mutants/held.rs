//! Holds a mutant against the tests that enter its function.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
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
        command.current_dir(&self.tree);
        command
    }

    /// Runs tests, all in one process, with no mutant; says which functions are entered, or nothing if one fails.
    pub fn trace(&self, names: &[&str], trace: &Path) -> Option<BTreeSet<usize>> {
        drop(fs::remove_file(trace));
        let mut command = self.command();
        command.arg("--exact").args(names).env("SQLMIG_MUTANT_TRACE", trace);
        if run(command, Duration::from_mins(5)) != Ended::Passed {
            return None;
        }
        let told = fs::read_to_string(trace).unwrap_or_default();
        Some(told.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// Runs tests with a mutant.
    pub fn hold(&self, names: &[&str], chosen: (usize, usize), usual: Duration) -> Ended {
        let mut command = self.command();
        command.arg("--exact").args(names).env("SQLMIG_MUTANT", format!("{}:{}", chosen.0, chosen.1));
        run(command, LEAST_LIMIT + usual * 4)
    }
}

/// Runs a program in a process group of its own, so that what it started ends with it.
fn run(mut command: Command, limit: Duration) -> Ended {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let Ok(mut child) = command.spawn() else { return Ended::Failed };
    let ended = wait(&mut child, limit);
    let group = child.id().to_string();
    drop(Command::new("kill").args(["-KILL", "--", &format!("-{group}")]).stderr(Stdio::null()).status());
    drop(child.wait());
    ended
}

fn wait(child: &mut Child, limit: Duration) -> Ended {
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ended::Passed,
            Ok(Some(_)) | Err(_) => return Ended::Failed,
            Ok(None) if started.elapsed() > limit => return Ended::Never,
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// The tests that a mutant of this function is held against, quickest first: at most `most`, of which half are those that enter
/// the fewest functions, for they are about this one.
pub fn chosen(tests: &[Test], function: usize, most: usize) -> Vec<&Test> {
    let entering: Vec<&Test> = tests.iter().filter(|test| test.enters.contains(&function)).collect();
    let mut picked: BTreeMap<&str, &Test> = BTreeMap::new();
    let mut by_focus = entering.clone();
    by_focus.sort_by_key(|test| (test.enters.len(), test.took));
    let mut by_time = entering;
    by_time.sort_by_key(|test| test.took);
    for test in by_focus.into_iter().take(most / 2).chain(by_time) {
        if picked.len() == most {
            break;
        }
        picked.insert(&test.name, test);
    }
    let mut picked: Vec<&Test> = picked.into_values().collect();
    picked.sort_by_key(|test| test.took);
    picked
}
