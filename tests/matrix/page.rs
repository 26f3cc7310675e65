//! The table of cells and outcomes: docs/fault-matrix.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::cell::{Outcome, Rule};
use crate::kinds::Kind;
use crate::{Done, Job, place};

/// An outcome in a word.
pub fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::WentOn => "went on".into(),
        Outcome::Resumed => "resumed".into(),
        Outcome::Retried => "retried".into(),
        Outcome::AsResumed => "as another".into(),
        Outcome::Refused => "refused".into(),
        Outcome::TakenOver => "taken over".into(),
        Outcome::Senseless(rule) => format!("({})", rule.letter()),
        Outcome::Failed(_) => "**FAILED**".into(),
    }
}

const HEAD: &str = "# The fault matrix

Written by the full run of the matrix itself; do not edit.

<!-- slow: six cells and cuts -->
```sh
SQLMIG_MATRIX=full cargo test --features fault-points --test matrix
```

A row is a point of the program, at which it is held still; a column is what is done to it, or to its server, there. A
point that is passed often is held at its first time and, with `#n`, in the middle and at the end; a chunk that is sent at the
quarters, too.
What stands behind a point is the command that is held there once more: a worker process (`--worker`), the rollback of one batch
(`--batch`). `… unanswered` is no point of the program: a proxy holds the answer of the server back, for the COMMIT of a transaction that
wrote to that table of the ledger last, or for the end of a COPY. After the fault the same command is run again, directly on
the server, and then everything of [proving.md](proving.md#what-is-checked-after-each-cell) must hold. A cell that is
filled in has held:

| word | what happened |
|---|---|
| went on | the command came to its end in spite of the fault |
| resumed | the fault ended the command, with an exit code that says so; the same command again ended well |
| retried | as resumed, but it took more than one: the lock or the server was not free yet |
| refused | the second conductor was told who has the run (exit code 6), and the first went on undisturbed |
| taken over | the second conductor finished the run; the first, woken up, stopped and had written nothing |
| **FAILED** | a promise did not hold |
";

/// The outcomes by the names of cells and cuts. A full run begins them anew, and cells that are run again by their names replace
/// theirs; they are written to a file as they come, after a line that names the build.
pub struct Results {
    file: fs::File,
    words: BTreeMap<String, String>,
    /// What this build has done already, and held.
    held: BTreeSet<String>,
}

impl Results {
    /// Those that are known; none where all is run `anew`.
    pub fn load(anew: bool) -> Result<Self, String> {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("matrix-results.txt");
        let text = if anew { String::new() } else { fs::read_to_string(&path).unwrap_or_default() };
        let (build, failed) = (format!("# {}", build()?), word(&Outcome::Failed(Vec::new())));
        let (mut words, mut held, mut is_this) = (BTreeMap::new(), BTreeSet::new(), false);
        for line in text.lines() {
            if let Some((name, word)) = line.split_once('\t') {
                words.insert(name.to_owned(), word.to_owned());
                if is_this && word != failed {
                    held.insert(name.to_owned());
                }
            } else {
                is_this = line == build;
                held.clear();
            }
        }
        let io_error = |error: std::io::Error| format!("{}: {error}", path.display());
        let mut options = fs::OpenOptions::new();
        options.create(true).write(true).append(!anew).truncate(anew);
        let mut file = options.open(&path).map_err(io_error)?;
        if !is_this {
            writeln!(file, "{build}").map_err(io_error)?;
        }
        Ok(Self { file, words, held })
    }

    /// Takes in what was done now.
    pub fn add(&mut self, done: &Done) {
        let (name, word) = (done.job.name(), word(&done.outcome));
        writeln!(self.file, "{name}\t{word}").unwrap();
        self.words.insert(name, word);
    }

    /// Whether this build has done it before, and it held.
    pub fn has_held(&self, name: &str) -> bool {
        self.held.contains(name)
    }
}

/// What tells one build of sqlmig from another.
fn build() -> Result<String, String> {
    let program = fs::read(env!("CARGO_BIN_EXE_sqlmig")).map_err(|error| error.to_string())?;
    let digest: [u8; 32] = Sha256::digest(program).into();
    Ok(digest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}

/// Writes the page.
pub fn write(jobs: &[Job], results: &Results) {
    let mut points: Vec<String> = Vec::new();
    let mut cells: BTreeMap<(String, Kind), String> = BTreeMap::new();
    for job in jobs {
        let Some((name, kind)) = place(job) else { continue };
        if !points.contains(&name) {
            points.push(name.clone());
        }
        if let Some(word) = results.words.get(&job.name()) {
            cells.insert((name, kind), word.clone());
        }
    }
    let mut text = HEAD.to_owned();
    for rule in Rule::ALL {
        writeln!(text, "| ({}) | no meaning here: {} |", rule.letter(), rule.what()).unwrap();
    }
    text.push_str("\n| column | what is done |\n|---|---|\n");
    for kind in Kind::ALL {
        writeln!(text, "| {} | {} |", kind.name(), kind.what()).unwrap();
    }
    text.push_str("\n| point |");
    for kind in Kind::ALL {
        write!(text, " {} |", kind.name()).unwrap();
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(Kind::ALL.len()));
    text.push('\n');
    for point in &points {
        write!(text, "| `{point}` |").unwrap();
        for kind in Kind::ALL {
            write!(text, " {} |", cells.get(&(point.clone(), kind)).map_or("", String::as_str)).unwrap();
        }
        text.push('\n');
    }
    let meant = cells.values().filter(|word| !word.starts_with('(')).count();
    let place = |point: &str| point.split(" --").next().and_then(|point| point.split('#').next()).map(str::to_owned);
    let distinct = points.iter().map(|point| place(point)).collect::<std::collections::BTreeSet<_>>().len();
    let held = meant - cells.values().filter(|word| word.contains("FAILED")).count();
    writeln!(
        text,
        "\n{distinct} points, {} with their repetitions; {} kinds of faults; {meant} cells with a meaning, of which {held} held.",
        points.len(),
        Kind::ALL.len()
    )
    .unwrap();
    text.push_str(&cuts(jobs, results));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/fault-matrix.md");
    fs::write(&path, text).unwrap();
    println!("{} is written", path.display());
}

/// The cuts, in a table of their own.
fn cuts(jobs: &[Job], results: &Results) -> String {
    let mut text = "\n## Cut at every message\n\nA run of seven rows, through a proxy that counts the messages of the protocol in \
                    both directions and on all\nconnections. *Before*: the message does not arrive, and its connection is \
                    reset. *After*: it arrives, then every connection is\nreset and for a second no new one is made. The run is then resumed \
                    directly on the server, and checked as above; one that left what an earlier cut had left too, *as another*, is not \
                    resumed once more.\n\n| cut | made | went on | resumed | retried | as another | failed |\n\
                    |---|---|---|---|---|---|---|\n"
        .to_owned();
    for side in ["before", "after"] {
        let prefix = format!("cut/{side}-");
        let words = results.words.iter().filter(|(name, _)| name.starts_with(&prefix));
        let words: Vec<&String> = words.map(|(_, word)| word).collect();
        let count = |wanted: &str| words.iter().filter(|word| word.contains(wanted)).count();
        let [went_on, resumed, retried, same] = ["went on", "resumed", "retried", "as another"].map(count);
        let (made, failed) = (words.len(), count("FAILED"));
        writeln!(text, "| {side} | {made} | {went_on} | {resumed} | {retried} | {same} | {failed} |").unwrap();
    }
    let done = results.words.keys().filter(|name| name.starts_with("cut/")).count();
    let all = jobs.iter().filter(|job| matches!(job, Job::Cut(_))).count();
    if done == all {
        writeln!(text, "\nAll {all} cuts were made for this page.").unwrap();
    } else {
        writeln!(text, "\n{done} of {all} cuts were made for this page (`SQLMIG_MATRIX_CUTS`).").unwrap();
    }
    text
}
