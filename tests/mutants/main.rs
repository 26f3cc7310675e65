//! Mutants of the ledger, of resuming and of promotion, held against the tests with a server. docs/mutants.md.

mod held;
mod listed;
mod page;
mod planted;

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

const USAGE: &str = "\
cargo test --test mutants -- [OPTIONS]

  --sample N     only N of the mutants, by a shuffle that is always the same
  --part TEXT    only mutants whose names have this in them
  --tests N      hold a mutant against at most N tests that enter its function; 12 where nothing is said, 0 is all
  --workers N    mutants held at once; 2 where nothing is said
  --again        survivors of earlier runs are held again
  --built        take the program as it was built last

Outcomes are kept in target/mutants/outcomes.json for as long as the source is the same; they are left out when it runs again.
Ends with 1 where less than 85 % of the mutants are noticed. Writes docs/mutants.md.";

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

struct Options {
    sample: usize,
    part: String,
    tests: usize,
    workers: usize,
    again: bool,
    built: bool,
}

impl Options {
    fn read() -> Result<Self, String> {
        let mut options =
            Self { sample: usize::MAX, part: String::new(), tests: 12, workers: 2, again: false, built: false };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} wants a value\n\n{USAGE}"));
            let number = |text: String| text.parse::<usize>().map_err(|error| format!("{text}: {error}\n\n{USAGE}"));
            match word.as_str() {
                "--sample" => options.sample = number(value()?)?,
                "--part" => options.part = value()?,
                "--tests" => options.tests = number(value()?)?,
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
    let planted = if options.built { read(&folder.join("planted.json"))? } else { plant(&tree, &all)? };
    write(&folder.join("mutants.json"), &all)?;
    write(&folder.join("planted.json"), &planted)?;
    println!("{} mutants, of which {} compile", all.len(), planted.len());
    let units = program(&tree, "--lib", &folder, "lib", options.built)?;
    let tests = program(&tree, "--test=it", &folder, "it", options.built)?;
    let (unit_tests, server_tests) = (traced(&units, &folder, "lib")?, traced(&tests, &folder, "it")?);

    let outcomes_file = folder.join("outcomes.json");
    let outcomes: BTreeMap<String, Outcome> = read(&outcomes_file).unwrap_or_default();
    let outcomes = Mutex::new(outcomes);
    let ids = selected(&all, &planted, options);
    let wanted: Vec<usize> = ids
        .iter()
        .copied()
        .filter(|id| {
            let known = outcomes.lock().ok().and_then(|known| known.get(&all[*id].name).copied());
            known.is_none() || (options.again && known == Some(Outcome::Survived))
        })
        .collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..options.workers {
            scope.spawn(|| {
                while let Some(id) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let chosen_one = (planted[id], *id);
                    let started = Instant::now();
                    let (outcome, by) =
                        judge(&[(&units, &unit_tests), (&tests, &server_tests)], chosen_one, options.tests);
                    let took = started.elapsed().as_secs();
                    println!("{outcome:?} {} ({by}, {took} s)", all[*id].name);
                    if let Ok(mut outcomes) = outcomes.lock() {
                        outcomes.insert(all[*id].name.clone(), outcome);
                        drop(write(&outcomes_file, &*outcomes));
                    }
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().map_err(|error| error.to_string())?;
    let counted: Vec<(&Mutant, Outcome)> =
        ids.iter().filter_map(|id| Some((&all[*id], *outcomes.get(&all[*id].name)?))).collect();
    let summary = page::Summary { listed: all.len(), compiled: planted.len(), counted: &counted };
    page::write(root, &summary)?;
    println!("{summary}");
    Ok(summary.noticed() * 100 >= WANTED * counted.len())
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

/// Every test of a program, the functions that it enters, and how long it takes.
fn traced(program: &Program, folder: &Path, name: &str) -> Result<Vec<Test>, String> {
    let kept = folder.join(format!("{name}.tests.json"));
    let known: BTreeMap<String, Option<(u64, BTreeSet<usize>)>> = read(&kept).unwrap_or_default();
    let names = program.tests()?;
    let fresh = Mutex::new(BTreeMap::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let (names, known, fresh, next) = (&names, &known, &fresh, &next);
            scope.spawn(move || {
                while let Some(test) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = known.get(test).cloned().unwrap_or_else(|| {
                        let started = Instant::now();
                        let entered = program.trace(test, &folder.join(format!("trace.{name}.{worker}")));
                        let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
                        entered.map(|entered| (took, entered))
                    });
                    if found.is_none() {
                        println!("left out, it fails without a mutant: {test}");
                    }
                    if let Ok(mut fresh) = fresh.lock() {
                        fresh.insert(test.clone(), found);
                    }
                }
            });
        }
    });
    let fresh = fresh.into_inner().map_err(|error| error.to_string())?;
    write(&kept, &fresh)?;
    let test = |(name, found): (String, Option<(u64, BTreeSet<usize>)>)| {
        let (took, enters) = found?;
        Some(Test { name, took: Duration::from_millis(took), enters })
    };
    Ok(fresh.into_iter().filter_map(test).collect())
}

/// What comes of a mutant, and by which test.
fn judge(programs: &[(&Program, &Vec<Test>)], mutant: (usize, usize), most: usize) -> (Outcome, String) {
    let mut met = 0;
    for (program, tests) in programs {
        let mut left = chosen(tests, mutant.0, most);
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

/// The mutants that are asked for.
fn selected(all: &[Mutant], planted: &Planted, options: &Options) -> Vec<usize> {
    let mut ids: Vec<usize> = planted.keys().copied().filter(|id| all[*id].name.contains(&options.part)).collect();
    // A hash of the name: the same order on every machine, and no order of the source.
    ids.sort_by_key(|id| shuffled(&all[*id].key(), *id));
    ids.truncate(options.sample);
    ids
}

/// FNV-1a, for it must not differ between versions of Rust.
fn shuffled(key: &str, id: usize) -> (u64, usize) {
    let hash = key
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (hash, id)
}

fn read<T: for<'de> Deserialize<'de>>(file: &Path) -> Result<T, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}

fn write<T: Serialize>(file: &Path, what: &T) -> Result<(), String> {
    let text = serde_json::to_string_pretty(what).map_err(|error| error.to_string())?;
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}
