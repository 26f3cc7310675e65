//! The mutants that `cargo mutants` would make, and where in the source each of them is.

use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// What is judged: the parts whose promises only tests with a server can break.
const PARTS: [&str; 7] = [
    "src/db/ledger/**",
    "src/pipeline/resume.rs",
    "src/promote/**",
    "src/stage/earlier.rs",
    "src/stage/known.rs",
    "src/stage/send.rs",
    "src/stage/settle.rs",
];

/// A place in a file: line and column, from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    line: usize,
    column: usize,
}

/// From the first character to the one after the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    pub start: Place,
    pub end: Place,
}

impl Span {
    /// The bytes of `text` that it covers.
    pub fn bytes(self, text: &str) -> std::ops::Range<usize> {
        self.start.byte(text)..self.end.byte(text)
    }
}

impl Place {
    fn byte(self, text: &str) -> usize {
        let line: usize = text.split_inclusive('\n').take(self.line - 1).map(str::len).sum();
        let rest = &text[line..];
        line + rest.char_indices().nth(self.column - 1).map_or(rest.len(), |(at, _)| at)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Function {
    #[serde(rename = "function_name")]
    pub name: String,
    pub span: Span,
}

/// One change of one place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mutant {
    /// File, line, column and change, in the words of `cargo mutants`.
    pub name: String,
    pub file: String,
    pub function: Option<Function>,
    pub span: Span,
    pub replacement: String,
}

impl Mutant {
    /// Its name without line and column, which move with every change above them.
    pub fn key(&self) -> String {
        let change = self.name.splitn(4, ':').nth(3).unwrap_or(&self.name).trim();
        format!("{}: {change}", self.file)
    }
}

/// All mutants of the parts under test, in the order of the source.
pub fn mutants(tree: &Path) -> Result<Vec<Mutant>, String> {
    let mut command = Command::new("cargo");
    command.args(["mutants", "--list", "--json", "--no-config"]).current_dir(tree);
    for part in PARTS {
        command.args(["--file", part]);
    }
    let output = command.output().map_err(|error| format!("cargo mutants: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo mutants (is it installed? cargo install cargo-mutants --locked): {said}"));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo mutants --list: {error}"))
}
