//! Mutants of the ledger, of resuming and of promotion, held against the tests with a server. docs/mutants.md.

mod held;
mod listed;
mod page;
mod planted;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use held::{Ended, Program, Test, chosen};
use listed::{Mutant, mutants};
use planted::{Planted, build, plant};
use words::Words;

const USAGE: &str = "\
cargo test --test mutants -- [OPTIONS]

  --sample N     only N of the mutants, by a shuffle that is always the same
  --part TEXT    only mutants whose names have this in them; may be given more than once
  --list         names them, runs nothing
  --tests N      hold a mutant against at most N tests that enter its function; 24 where nothing is said, 0 is all
  --tests-of T   only tests whose names begin with this, such as promotion::; may be given more than once
  --workers N    mutants held at once; 2 where nothing is said
  --again        survivors of earlier runs are held again
  --built        take the program as it was built last

With SQLMIG_TRY=1 the mutants are named before anything is built, whether they compile or not.
Outcomes are kept in target/mutants/outcomes.json, and a mutant that has one is not held again for as long as its file is the
same: a run that was stopped goes on where it was. Remove target/mutants to begin anew. All outcomes that are known are counted
in docs/mutants.md. MUTANTS_TARGET_DIR names the folder that is built into; not the one that cargo test itself builds into, or the tests would run that program, without
mutants. Ends with 1 where less than 85 % of those asked for are noticed.";

/// The least share of mutants that must be noticed, in percent.
const WANTED: usize = 85;

/// What came of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A test failed.
    Noticed,
    /// A test never came to an end, twice.
    NeverEnded,
    /// Every test passed.
    Survived,
    /// No test enters its function.
    NotEntered,
}

/// What came of a mutant, and by which test.
type Known = (Outcome, String);

struct Options {
    sample: usize,
    parts: Vec<String>,
    tests: usize,
    tests_of: Vec<String>,
    workers: usize,
    list: bool,
    again: bool,
    built: bool,
}

impl Options {
    fn read() -> Result<Self, String> {
        let mut options = Self {
            sample: usize::MAX,
            parts: Vec::new(),
            tests: 24,
            tests_of: Vec::new(),
            workers: 2,
            list: false,
            again: false,
            built: false,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} wants a value\n\n{USAGE}"));
            let number = |text: String| text.parse::<usize>().map_err(|error| format!("{text}: {error}\n\n{USAGE}"));
            match word.as_str() {
                "--sample" => options.sample = number(value()?)?,
                "--part" => options.parts.push(value()?),
                "--list" => options.list = true,
                "--tests" => options.tests = number(value()?)?,
                "--tests-of" => options.tests_of.push(value()?),
                "--workers" => options.workers = number(value()?)?.max(1),
                "--again" => options.again = true,
                "--built" => options.built = true,
                _ => return Err(USAGE.to_owned()),
            }
        }
        if options.tests == 0 {
            options.tests = usize::MAX;
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    if std::env::args().any(|word| word == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match Options::read().and_then(|options| prove(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether enough mutants are noticed.
fn prove(options: &Options) -> Result<bool, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/mutants");
    let tree = folder.join("tree");
    if !options.built {
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        lay_out(root, &tree)?;
    }
    let all = if options.built { read(&folder.join("mutants.json"))? } else { mutants(&tree)? };
    if std::env::var_os("SQLMIG_TRY").is_some() {
        let tried = selected(&all, 0..all.len(), options);
        tried.iter().for_each(|id| println!("{}", all[*id].name));
        return Ok(!tried.is_empty());
    }
    let sources = sources(&tree, &all)?;
    let keys = keys(&all, &sources);
    let planted =
        if options.built { read(&folder.join("planted.json"))? } else { planted(&tree, &folder, &all, &keys)? };
    write(&folder.join("mutants.json"), &all)?;
    write(&folder.join("planted.json"), &planted)?;
    let ids = selected(&all, planted.keys().copied(), options);
    if options.list {
        for id in ids {
            println!("{}", all[id].name);
        }
        return Ok(true);
    }
    println!("{} mutants, of which {} compile", all.len(), planted.len());
    let units = program(&tree, "--lib", &folder, "lib", options.built)?;
    let tests = program(&tree, "--test=it", &folder, "it", options.built)?;
    let (unit_tests, server_tests) =
        (traced(&units, &folder, "lib", &planted, options)?, traced(&tests, &folder, "it", &planted, options)?);

    let outcomes_file = folder.join("outcomes.json");
    let known: BTreeMap<String, Known> = read(&outcomes_file).unwrap_or_default();
    let is_left = |id: &usize| {
        known
            .get(&keys[*id])
            .is_none_or(|(outcome, _)| options.again && matches!(outcome, Outcome::Survived | Outcome::NotEntered))
    };
    let left: Vec<usize> = ids.iter().copied().filter(is_left).collect();
    let outcomes = Mutex::new(known);
    let words = Words::read(&tree);
    // Tests that noticed another mutant of the function, or of the file, are likely to notice this one, too.
    let relevance = |id: usize, test: &str| {
        let noticed = |like: &dyn Fn(usize) -> bool| {
            let Ok(outcomes) = outcomes.lock() else { return false };
            planted.keys().any(|other| like(*other) && outcomes.get(&keys[*other]).is_some_and(|(_, by)| by == test))
        };
        let of_function = noticed(&|other| planted[&other] == planted[&id]);
        let of_file = of_function || noticed(&|other| all[other].file == all[id].file);
        let learned = if of_function { 1000.0 } else { 0.0 } + if of_file { 10.0 } else { 0.0 };
        learned + words.in_common(test, &all[id], &sources[&all[id].file])
    };
    let next = AtomicUsize::new(0);
    let hold = || {
        while let Some(id) = left.get(next.fetch_add(1, Ordering::Relaxed)) {
            let started = Instant::now();
            let pick = |tests| chosen(tests, planted[id], options.tests, &|test| relevance(*id, test));
            let (outcome, by) = judge([(&units, pick(&unit_tests)), (&tests, pick(&server_tests))], (planted[id], *id));
            println!("{outcome:?} {} ({by}, {} s)", all[*id].name, started.elapsed().as_secs());
            // Where only some tests are asked, it is no news that none of them enters a function.
            if outcome == Outcome::NotEntered && !options.tests_of.is_empty() {
                continue;
            }
            if let Ok(mut outcomes) = outcomes.lock() {
                outcomes.insert(keys[*id].clone(), (outcome, by));
                drop(write(&outcomes_file, &*outcomes));
            }
        }
    };
    std::thread::scope(|scope| (0..options.workers).for_each(|_| drop(scope.spawn(hold))));
    let outcomes = outcomes.into_inner().map_err(|error| error.to_string())?;
    let counted: Vec<(&Mutant, Outcome)> =
        planted.keys().filter_map(|id| Some((&all[*id], outcomes.get(&keys[*id])?.0))).collect();
    let summary = page::Summary { listed: all.len(), compiled: planted.len(), counted: &counted };
    page::write(root, &summary)?;
    println!("{summary}");
    // What was asked for is judged, not what happens to be known: some files have easier mutants than others.
    let asked: Vec<(&Mutant, Outcome)> =
        ids.iter().filter_map(|id| Some((&all[*id], outcomes.get(&keys[*id])?.0))).collect();
    let asked = page::Summary { listed: all.len(), compiled: planted.len(), counted: &asked };
    println!("of those asked for: {} noticed of {}", asked.noticed(), asked.counted.len());
    Ok(!asked.counted.is_empty() && asked.noticed() * 100 >= WANTED * asked.counted.len())
}

/// Plants mutants. Those that do not compile are kept by their keys, for finding them takes minutes.
fn planted(tree: &Path, folder: &Path, all: &[Mutant], keys: &[String]) -> Result<Planted, String> {
    let kept = folder.join("dropped.json");
    let known: BTreeSet<String> = read(&kept).unwrap_or_default();
    let mut dropped = (0..all.len()).filter(|id| known.contains(&keys[*id])).collect();
    let planted = plant(tree, all, &mut dropped)?;
    write(&kept, &dropped.iter().map(|id| &keys[*id]).collect::<Vec<_>>())?;
    Ok(planted)
}

/// A tree of the last commit for the mutants to live in.
fn lay_out(root: &Path, tree: &Path) -> Result<(), String> {
    let git = |arguments: &[&str]| Command::new("git").current_dir(root).args(arguments).output();
    let path = tree.to_string_lossy();
    drop(git(&["worktree", "remove", "--force", &path]));
    drop(git(&["worktree", "prune"]));
    let made = git(&["worktree", "add", "--detach", &path, "HEAD"]).map_err(|error| error.to_string())?;
    if !made.status.success() {
        return Err(String::from_utf8_lossy(&made.stderr).into_owned());
    }
    // Tests start sqlmig with an environment of their own, and the choice of the mutant must reach it.
    let mut folders = vec![tree.join("tests/it")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| error.to_string())?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
                let kept = ".env_clear().envs(std::env::vars().filter(|(name, _)| name.starts_with(\"SQLMIG_MUTANT\") || name == \"RUST_MIN_STACK\"))";
                fs::write(&path, text.replace(".env_clear()", kept)).map_err(|error| error.to_string())?;
            }
        }
    }
    Ok(())
}

/// Builds a target with the mutants in it; says where the program is.
fn program(tree: &Path, target: &str, folder: &Path, name: &str, built: bool) -> Result<Program, String> {
    let kept = folder.join(format!("{name}.path.json"));
    let path = if built {
        read(&kept)?
    } else {
        let said = |error: &Value| error["rendered"].as_str().unwrap_or_default().to_owned();
        build(tree, target)?.map_err(|errors| errors.iter().map(said).collect::<String>())?
    };
    write(&kept, &path)?;
    Ok(Program { path, tree: tree.to_owned() })
}

/// Milliseconds that a test takes, and the numbers of the functions that it enters.
type Traced = (u64, BTreeSet<usize>);

/// Every test of a program, the functions that it enters, and how long it takes.
fn traced(
    program: &Program,
    folder: &Path,
    name: &str,
    planted: &Planted,
    options: &Options,
) -> Result<Vec<Test>, String> {
    // What is known of a test is of no use once functions have other numbers.
    let numbers = hash(&format!("{planted:?}"));
    let kept = folder.join(format!("{name}.tests.{numbers:x}.json"));
    let known: Mutex<BTreeMap<String, Traced>> = Mutex::new(read(&kept).unwrap_or_default());
    let is_wanted =
        |name: &String| options.tests_of.is_empty() || options.tests_of.iter().any(|start| name.starts_with(start));
    let names: Vec<String> = program.tests()?.into_iter().filter(is_wanted).collect();
    let next = AtomicUsize::new(0);
    let trace = |worker: usize| {
        while let Some(test) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            if known.lock().is_ok_and(|known| known.contains_key(test)) {
                continue;
            }
            let started = Instant::now();
            let Some(entered) = program.trace(test, &folder.join(format!("trace.{name}.{worker}"))) else {
                println!("left out, it fails without a mutant: {test}");
                continue;
            };
            let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            if let Ok(mut known) = known.lock() {
                known.insert(test.clone(), (took, entered));
                drop(write(&kept, &*known));
            }
        }
    };
    std::thread::scope(|scope| {
        for worker in 0..options.workers {
            let trace = &trace;
            scope.spawn(move || trace(worker));
        }
    });
    let mut known = known.into_inner().map_err(|error| error.to_string())?;
    let test = |name: String| {
        let (took, enters) = known.remove(&name)?;
        Some(Test { name, took: Duration::from_millis(took), enters })
    };
    Ok(names.into_iter().filter_map(test).collect())
}

/// Holds a mutant against tests.
fn judge(programs: [(&Program, Vec<&Test>); 2], mutant: (usize, usize)) -> Known {
    let mut met = 0;
    for (program, mut left) in programs {
        met += left.len();
        // The first few are quick, and mostly enough.
        let mut size = 3;
        while !left.is_empty() {
            let now = &left[..left.len().min(size)];
            let names: Vec<&str> = now.iter().map(|test| test.name.as_str()).collect();
            let told = program.hold(&names, mutant, now.iter().map(|test| test.took).sum());
            let by = told.begun.last().cloned().unwrap_or_default();
            match told.ended {
                Ended::Passed => {
                    left.drain(..names.len());
                    size = usize::MAX;
                }
                Ended::Failed => return (Outcome::Noticed, by),
                // The machine may have been busy.
                Ended::Never => {
                    let took = now.iter().find(|test| test.name == by).map_or(Duration::ZERO, |test| test.took);
                    match program.hold(&[&by], mutant, took).ended {
                        Ended::Passed => left.retain(|test| !told.begun.contains(&test.name)),
                        Ended::Failed => return (Outcome::Noticed, by),
                        Ended::Never => return (Outcome::NeverEnded, by),
                    }
                }
            }
        }
    }
    match met {
        0 => (Outcome::NotEntered, "no test enters it".to_owned()),
        tests => (Outcome::Survived, format!("{tests} tests")),
    }
}

/// Those of these mutants that are asked for.
fn selected(all: &[Mutant], ids: impl Iterator<Item = usize>, options: &Options) -> Vec<usize> {
    let is_wanted = |name: &str| options.parts.is_empty() || options.parts.iter().any(|part| name.contains(part));
    let mut ids: Vec<usize> = ids.filter(|id| is_wanted(&all[*id].name)).collect();
    // The same order on every machine, and no order of the source: what similar names differ in is spread over all bits.
    let spread = |hash: u64| (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    ids.sort_by_key(|id| spread(spread(hash(&all[*id].name))));
    ids.truncate(options.sample);
    ids
}

/// The files of mutants, as they are without any.
fn sources(tree: &Path, all: &[Mutant]) -> Result<BTreeMap<String, String>, String> {
    let mut sources = BTreeMap::new();
    for file in all.iter().map(|mutant| &mutant.file).collect::<BTreeSet<_>>() {
        let shown = Command::new("git").current_dir(tree).args(["show", &format!("HEAD:{file}")]).output();
        let text = shown.map_err(|error| error.to_string())?.stdout;
        sources.insert(file.clone(), String::from_utf8_lossy(&text).into_owned());
    }
    Ok(sources)
}

/// What the outcomes of mutants are kept by: their names, and their files as they are.
fn keys(all: &[Mutant], sources: &BTreeMap<String, String>) -> Vec<String> {
    let files: BTreeMap<&str, u64> = sources.iter().map(|(file, text)| (file.as_str(), hash(text))).collect();
    all.iter().map(|mutant| format!("{} (file {:x})", mutant.name, files[mutant.file.as_str()])).collect()
}

/// FNV-1a, for it must not differ between versions of Rust.
fn hash(text: &str) -> u64 {
    let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

fn read<T: for<'de> Deserialize<'de>>(file: &Path) -> Result<T, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}

fn write<T: Serialize>(file: &Path, what: &T) -> Result<(), String> {
    let text = serde_json::to_string_pretty(what).map_err(|error| error.to_string())?;
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}
