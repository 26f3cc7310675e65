//! All mutants in one program: of each function a body for every mutant, of which a variable of the environment chooses one
//! when the function is entered. A build for each would take minutes; this takes one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::listed::{Mutant, Span};

/// Compiled into the program: which mutant is chosen, and which functions are entered.
const CHOICE: &str = r#"//! Chooses a mutant.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Mutex, OnceLock};

/// The chosen mutant, if it is one of this function. Says that the function was entered, if somebody wants to know.
pub fn entered(function: usize) -> usize {
    static CHOSEN: OnceLock<(usize, usize)> = OnceLock::new();
    static TOLD: OnceLock<Option<(std::path::PathBuf, Mutex<BTreeSet<usize>>)>> = OnceLock::new();
    let told = TOLD.get_or_init(|| Some((std::env::var_os("SQLMIG_MUTANT_TRACE")?.into(), Mutex::default())));
    if let Some((file, told)) = told
        && told.lock().is_ok_and(|mut told| told.insert(function))
        && let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(file)
    {
        drop(file.write_all(format!("{function}\n").as_bytes()));
    }
    let chosen = CHOSEN.get_or_init(|| {
        let chosen = std::env::var("SQLMIG_MUTANT").unwrap_or_default();
        let (function, mutant) = chosen.split_once(':').unwrap_or_default();
        (function.parse().unwrap_or(usize::MAX), mutant.parse().unwrap_or(usize::MAX))
    });
    if chosen.0 == function { chosen.1 } else { usize::MAX }
}
"#;

/// What was planted: the function of each mutant that compiles, by the mutant's place in the list.
pub type Planted = BTreeMap<usize, usize>;

/// The functions of one file that have mutants: each with its number and its mutants.
type Functions = BTreeMap<Span, (usize, Vec<usize>)>;

/// Lines of a planted file, and the mutant or the function that they belong to.
#[derive(Default)]
struct Lines {
    mutants: Vec<(usize, usize, usize)>,
    functions: Vec<(usize, usize, usize)>,
}

/// Plants what compiles of `mutants` in the sources of a tree. `dropped` are those that are known not to, by their places in the
/// list; it takes those that are found.
pub fn plant(tree: &Path, mutants: &[Mutant], dropped: &mut BTreeSet<usize>) -> Result<Planted, String> {
    let mut files: BTreeMap<&str, (String, Functions)> = BTreeMap::new();
    let mut numbers: BTreeMap<(&str, Span), usize> = BTreeMap::new();
    let spans: BTreeSet<(&str, Span)> =
        mutants.iter().filter_map(|mutant| Some((mutant.file.as_str(), mutant.function.as_ref()?.span))).collect();
    for (id, mutant) in mutants.iter().enumerate() {
        let Some(span) = outermost(&spans, mutant) else { continue };
        if !files.contains_key(mutant.file.as_str()) {
            let text =
                fs::read_to_string(tree.join(&mutant.file)).map_err(|error| format!("{}: {error}", mutant.file))?;
            files.insert(&mutant.file, (text, Functions::new()));
        }
        let next = numbers.len();
        let number = *numbers.entry((&mutant.file, span)).or_insert(next);
        if let Some((_, functions)) = files.get_mut(mutant.file.as_str()) {
            functions.entry(span).or_insert((number, Vec::new())).1.push(id);
        }
    }
    let choice = tree.join("src/mutant.rs");
    fs::write(choice, CHOICE).map_err(|error| error.to_string())?;
    let lib = tree.join("src/lib.rs");
    let root = fs::read_to_string(&lib).map_err(|error| error.to_string())?;
    fs::write(&lib, format!("{root}\npub mod mutant;\n")).map_err(|error| error.to_string())?;

    let mut whole: BTreeSet<usize> = BTreeSet::new();
    loop {
        let mut lines: BTreeMap<&str, Lines> = BTreeMap::new();
        let mut planted = Planted::new();
        for (file, (text, functions)) in &files {
            let keep = |id: &usize| !dropped.contains(id);
            let (changed, of_file) = plant_file(text, functions, mutants, &keep, &|number| !whole.contains(&number));
            for (_, _, id) in &of_file.mutants {
                let number = outermost(&spans, &mutants[*id]).map(|span| numbers[&(*file, span)]);
                planted.insert(*id, number.unwrap_or_default());
            }
            lines.insert(file, of_file);
            fs::write(tree.join(file), changed).map_err(|error| format!("{file}: {error}"))?;
        }
        let errors = errors(tree)?;
        if errors.is_empty() {
            return Ok(planted);
        }
        let before = dropped.len() + whole.len();
        for (file, line) in &errors {
            let Some(of_file) = lines.get(file.as_str()) else { continue };
            let within = |(from, to, _): &&(usize, usize, usize)| from <= line && line <= to;
            if let Some((_, _, id)) = of_file.mutants.iter().find(within) {
                dropped.insert(*id);
            } else if let Some((_, _, number)) = of_file.functions.iter().find(within) {
                whole.insert(*number);
            }
        }
        println!("{} mutants and {} functions do not compile", dropped.len(), whole.len());
        if dropped.len() + whole.len() == before {
            return Err(format!("what does not compile is no mutant: {errors:?}"));
        }
    }
}

/// A file with the mutants that are kept, and where they are.
fn plant_file(
    text: &str,
    functions: &Functions,
    mutants: &[Mutant],
    keep: &dyn Fn(&usize) -> bool,
    is_planted: &dyn Fn(usize) -> bool,
) -> (String, Lines) {
    let (mut out, mut lines, mut at) = (String::new(), Lines::default(), 0);
    for (span, (number, ids)) in functions {
        let range = span.bytes(text);
        // A function within another one is part of its body.
        if range.start < at || !is_planted(*number) {
            continue;
        }
        let Some(open) = text[range.clone()].find('{').map(|found| range.start + found) else { continue };
        let body = open + 1..range.end - 1;
        out.push_str(&text[at..body.start]);
        let first = line_of(&out);
        let _ = write!(out, "\nmatch crate::mutant::entered({number}) {{\n");
        for id in ids.iter().filter(|id| keep(id)) {
            let change = mutants[*id].span.bytes(text);
            if change.start < body.start || change.end > body.end {
                continue;
            }
            let from = line_of(&out);
            let (before, after) = (&text[body.start..change.start], &text[change.end..body.end]);
            let _ = write!(out, "{id} => {{{before} {} {after}\n}}\n", mutants[*id].replacement);
            lines.mutants.push((from, line_of(&out) - 1, *id));
        }
        let _ = write!(out, "_ => {{{}\n}}\n}}\n", &text[body.clone()]);
        lines.functions.push((first, line_of(&out), *number));
        at = body.end;
    }
    out.push_str(&text[at..]);
    (out, lines)
}

fn line_of(text: &str) -> usize {
    1 + text.matches('\n').count()
}

/// The function that a mutant is in, or the one around that.
fn outermost(spans: &BTreeSet<(&str, Span)>, mutant: &Mutant) -> Option<Span> {
    let own = mutant.function.as_ref()?.span;
    let around = |(file, span): &&(&str, Span)| *file == mutant.file && span.start <= own.start && own.end <= span.end;
    spans.iter().find(around).map(|(_, span)| *span)
}

/// cargo in a tree with mutants.
fn cargo(tree: &Path) -> Command {
    let mut command = Command::new("cargo");
    let target = std::env::var_os("MUTANTS_TARGET_DIR").map_or_else(|| tree.join("../build"), PathBuf::from);
    command.current_dir(tree).env("CARGO_TARGET_DIR", target);
    // What it depends on unpacks and hashes, so that is built as for other tests; what is full of mutants must build quickly.
    for setting in ["debug=0", "opt-level=0"] {
        command.args(["--config", &format!("profile.dev.package.sqlmig.{setting}")]);
    }
    command
}

/// Builds the tests of a target (`--lib`, `--test=it`): where the program is, or what the compiler said, message by message.
/// Building finds errors as soon as `cargo check` does, and needs no second build of the dependencies.
pub fn build(tree: &Path, target: &str) -> Result<Result<PathBuf, Vec<Value>>, String> {
    let output = cargo(tree)
        .args(["test", "--locked", target, "--no-run", "--message-format", "json"])
        .output()
        .map_err(|error| format!("cargo test: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let messages: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let is_error = |message: &&Value| message["message"]["level"] == "error";
    let errors: Vec<Value> = messages.iter().filter(is_error).map(|said| said["message"].clone()).collect();
    if !errors.is_empty() {
        return Ok(Err(errors));
    }
    let is_test = |message: &&Value| message["profile"]["test"] == true && message["executable"].is_string();
    let program = messages.iter().rev().find(is_test).and_then(|message| message["executable"].as_str());
    let program = program.filter(|_| output.status.success());
    program
        .map(|program| Ok(PathBuf::from(program)))
        .ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// File and line of each error of the compiler.
fn errors(tree: &Path) -> Result<Vec<(String, usize)>, String> {
    let Err(messages) = build(tree, "--test=it")? else { return Ok(Vec::new()) };
    let mut places = Vec::new();
    for message in &messages {
        let spans = message["spans"].as_array().map(Vec::as_slice).unwrap_or_default();
        places.extend(spans.iter().filter(|span| span["is_primary"] == true).filter_map(|span| {
            let line = usize::try_from(span["line_start"].as_u64()?).ok()?;
            Some((span["file_name"].as_str()?.to_owned(), line))
        }));
    }
    if places.is_empty() {
        return Err(messages.iter().filter_map(|message| message["rendered"].as_str()).collect());
    }
    Ok(places)
}
