//! The part of docs/mutants.md that is made of outcomes.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;

use super::Outcome;
use super::listed::Mutant;

const BEGIN: &str = "<!-- written by cargo test --test mutants -->";
const END: &str = "<!-- to here -->";

/// Why survivors survive, by hand: `file: change in function | why`.
const REASONS: &str = "tests/mutants/survivors.txt";

/// What came of those that were held against tests.
pub struct Summary<'a> {
    pub listed: usize,
    pub compiled: usize,
    pub counted: &'a [(&'a Mutant, Outcome)],
}

impl Summary<'_> {
    fn of(&self, wanted: Outcome) -> usize {
        self.counted.iter().filter(|(_, outcome)| *outcome == wanted).count()
    }

    /// Those that some test does not pass with.
    pub fn noticed(&self) -> usize {
        self.of(Outcome::Noticed) + self.of(Outcome::NeverEnded)
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (noticed, held) = (self.noticed(), self.counted.len());
        let percent = noticed * 1000 / held.max(1);
        writeln!(f, "| | mutants |\n|---|---:|")?;
        writeln!(f, "| listed | {} |", self.listed)?;
        writeln!(f, "| compile | {} |", self.compiled)?;
        writeln!(f, "| held against tests | {held} |")?;
        writeln!(f, "| a test failed | {} |", self.of(Outcome::Noticed))?;
        writeln!(f, "| a test never came to its end | {} |", self.of(Outcome::NeverEnded))?;
        writeln!(f, "| survived | {} |", self.of(Outcome::Survived))?;
        writeln!(f, "| survived: no test enters the function | {} |", self.of(Outcome::NotEntered))?;
        // Of a part that was not picked by chance a share says nothing of the whole.
        if held == self.compiled {
            write!(f, "| **noticed** | **{}.{} %** |", percent / 10, percent % 10)
        } else {
            write!(f, "| noticed | {noticed} |")
        }
    }
}

/// Writes the part of the page.
pub fn write(root: &Path, summary: &Summary<'_>) -> Result<(), String> {
    let reasons = fs::read_to_string(root.join(REASONS)).unwrap_or_default();
    let reasons: BTreeMap<&str, &str> = reasons
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit_once(" | "))
        .map(|(key, why)| (key.trim(), why.trim()))
        .collect();
    let mut part = format!("\n\n{summary}\n\n| file | held against tests | noticed |\n|---|---:|---:|\n");
    // Where not all were held, some files may have more than their share.
    let mut files: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (mutant, outcome) in summary.counted {
        let (held, noticed) = files.entry(&mutant.file).or_default();
        *held += 1;
        *noticed += usize::from(matches!(outcome, Outcome::Noticed | Outcome::NeverEnded));
    }
    for (file, (held, noticed)) in files {
        let _ = writeln!(part, "| `{file}` | {held} | {noticed} |");
    }
    part.push_str("\n| survivor | why |\n|---|---|\n");
    let mut survivors: BTreeMap<String, usize> = BTreeMap::new();
    for (mutant, outcome) in summary.counted {
        if matches!(outcome, Outcome::Survived | Outcome::NotEntered) {
            *survivors.entry(mutant.key()).or_default() += 1;
        }
    }
    for (key, times) in survivors {
        let times = if times > 1 { format!(" (in {times} places)") } else { String::new() };
        let why = reasons.get(key.as_str()).copied().unwrap_or("not looked into");
        let _ = writeln!(part, "| `{}`{times} | {why} |", key.replace('|', "\\|"));
    }
    let file = root.join("docs/mutants.md");
    let text = fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let (before, rest) = text.split_once(BEGIN).ok_or_else(|| format!("docs/mutants.md has no {BEGIN}"))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| format!("docs/mutants.md has no {END}"))?;
    fs::write(&file, format!("{before}{BEGIN}{part}\n{END}{after}")).map_err(|error| error.to_string())
}
