//! The layers: which module may use which, held against what the source says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The modules from top to bottom: each may use those in the rows below its own, and no others.
const LAYERS: [(&str, &[&str]); 14] = [
    ("binary", &["main", "cli"]),
    ("conductor: is it ready", &["preflight"]),
    ("conductor", &["pipeline", "plan", "examples"]),
    ("phases", &["stage", "check", "embed", "promote", "validate", "rollback", "generate", "index", "search"]),
    ("tools: the canonical relations", &["relations"]),
    ("tools", &["source", "decode", "project", "db"]),
    ("tools: the embeddings service", &["provider"]),
    ("tools: the template language", &["template"]),
    ("tools: what files say", &["formats"]),
    ("side: telemetry", &["telemetry"]),
    ("side: report", &["report", "metrics"]),
    ("leaves: events", &["event"]),
    ("leaves: outcomes", &["outcome"]),
    ("leaves: words", &["limits", "names", "stop", "fault", "tokens"]),
];

/// Read events and outcomes: what is above them and below the binary must not know that they exist.
const SIDE: [&str; 3] = ["telemetry", "report", "metrics"];

/// What only some files may do: a name, texts that give it away, and where it may stand, each with the reason.
const RESERVED: [Reserved; 3] = [
    Reserved {
        what: "reads the command line",
        signs: &["clap::", "clap_complete::"],
        places: &[("cli/", "its place"), ("main.rs", "the door")],
    },
    Reserved {
        what: "reads the environment",
        signs: &["env::var", "env::args", "env::current_dir", "env::home_dir"],
        places: &[
            ("cli/", "its place"),
            ("db/environment.rs", "libpq's variables, as one value that tests can make up"),
            ("db/embedded/account.rs", "takes variables away from the server that it starts"),
            ("db/embedded/find.rs", "PATH, to find a server's programs"),
            ("fault.rs", "compiled into the fault tests only"),
        ],
    },
    Reserved {
        what: "quotes a name by hand",
        signs: &[r#"format!("\"{}\"""#, r#"\".\""#, r#"replace('"', "\"\"")"#],
        places: &[("names.rs", "its place"), ("db/embedded/server.rs", "pg_ident.conf, which is no SQL")],
    },
];

struct Reserved {
    what: &'static str,
    signs: &'static [&'static str],
    places: &'static [(&'static str, &'static str)],
}

#[test]
fn a_module_uses_only_those_below_it() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for file in sources() {
        let own = file.path[0].clone();
        let Some(row) = row_of(&own) else {
            wrong.push(format!("src/{}: module {own} stands in no row of LAYERS", file.name));
            continue;
        };
        seen.insert(own.clone());
        for (at, path) in uses(&file) {
            let Some(module) = path.into_iter().next() else { continue };
            let allowed = module == own
                || row_of(&module).is_some_and(|other| {
                    other > row && (!SIDE.contains(&module.as_str()) || row == 0 || SIDE.contains(&own.as_str()))
                });
            if !allowed {
                let line = file.text[..at].matches('\n').count() + 1;
                wrong.push(format!("src/{}:{line}: {own} must not use {module}", file.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen.len() > 15 && seen.contains("names"), "the sources were not found: {seen:?}");
}

/// A folder's `mod.rs` and what is in the folder name each other by their nature; other files do not.
#[test]
fn no_file_uses_one_that_uses_it() {
    let files = sources();
    let modules: BTreeSet<&[String]> = files.iter().map(|file| file.path.as_slice()).collect();
    let file_of = |path: &[String]| (1..=path.len()).rev().find_map(|end| modules.get(&path[..end]).copied());
    let mut used: BTreeMap<&[String], BTreeSet<&[String]>> = BTreeMap::new();
    for file in &files {
        let others = uses(file).into_iter().filter_map(|(_, path)| file_of(&path));
        let apart = others.filter(|other| !other.starts_with(&file.path) && !file.path.starts_with(other));
        used.insert(&file.path, apart.collect());
    }
    assert!(used.values().map(BTreeSet::len).sum::<usize>() > 500, "what files use was not found");
    // Who uses nothing that is left, or is used by nobody that is left, is in no circle.
    loop {
        let names: BTreeSet<&[String]> = used.values().flatten().copied().collect();
        let before = used.len();
        used.retain(|path, uses| !uses.is_empty() && names.contains(path));
        let left: BTreeSet<&[String]> = used.keys().copied().collect();
        for uses in used.values_mut() {
            uses.retain(|path| left.contains(path));
        }
        if used.len() == before {
            break;
        }
    }
    let left: Vec<String> = used.keys().map(|path| path.join("::")).collect();
    assert!(left.is_empty(), "in circles: {left:?}");
}

#[test]
fn what_has_its_place_stands_nowhere_else() {
    let files = sources();
    let mut wrong = Vec::new();
    for rule in &RESERVED {
        let mut used = BTreeSet::new();
        for file in &files {
            for sign in rule.signs {
                for (at, _) in file.text.match_indices(sign) {
                    if let Some((place, _)) = rule.places.iter().find(|(place, _)| file.name.starts_with(place)) {
                        used.insert(*place);
                    } else {
                        let line = file.text[..at].matches('\n').count() + 1;
                        wrong.push(format!("src/{}:{line}: {} ({sign})", file.name, rule.what));
                    }
                }
            }
        }
        let stale = rule.places.iter().filter(|(place, reason)| *reason != "its place" && !used.contains(place));
        wrong.extend(stale.map(|(place, _)| format!("src/{place} no longer {}: strike it from the list", rule.what)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn paths_are_understood_however_they_are_written() {
    let found = |path: &[&str], text: &str| -> Vec<String> {
        let path = path.iter().map(|&part| part.to_owned()).collect();
        let file = Source { name: String::new(), path, text: without_comments(text) };
        uses(&file).into_iter().map(|(_, path)| path.join("::")).collect()
    };
    assert_eq!(
        found(&["db", "lock"], "use crate::names::ident;\nlet x = crate::event::Event::A;"),
        ["names::ident", "event::Event::A"]
    );
    assert_eq!(
        found(&["db"], "use crate::{\n    names::{a as b, c::{self, d}},\n    event,\n};"),
        ["names::a", "names::c", "names::c::d", "event", ""]
    );
    assert_eq!(found(&["db", "lock"], "use super::super::check::x;\nuse super::lock;"), ["check::x", "db::lock"]);
    assert_eq!(found(&["db"], "use super::{stage, names};"), ["stage", "names"]);
    assert_eq!(found(&["main"], "use sqlmig::pipeline;"), ["pipeline"]);
    assert!(
        found(&["db"], "/// [`crate::check`]\n// crate::check\n#[cfg(test)]\nmod tests { use crate::check; }")
            .is_empty()
    );
    assert_eq!(found(&["db"], "#[cfg(test)]\nmod tests;\nuse crate::check;"), ["check"]);
}

fn row_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|(_, modules)| modules.contains(&module))
}

/// One file of the program.
struct Source {
    /// Its path below `src/`.
    name: String,
    /// The module's path: `db::ledger::run` as its parts.
    path: Vec<String>,
    /// Its text without comments and tests; line breaks stay.
    text: String,
}

/// All of `src/` but the files that are tests and `lib.rs`, which declares the modules.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let mut sources = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        let mut path: Vec<String> = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if path.last().is_some_and(|last| last == "mod") {
            path.pop();
        }
        if name == "lib.rs" || path.last().is_some_and(|last| last == "tests") {
            continue;
        }
        sources.push(Source { name, path, text: without_comments(&fs::read_to_string(&file).unwrap()) });
    }
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The text up to its test module, with comment lines emptied. A comment behind code stays, which can only make the test
/// stricter.
fn without_comments(text: &str) -> String {
    let end = text.match_indices("#[cfg(test)]\n").map(|(at, _)| at).find(|at| {
        let next = text[*at..].lines().nth(1).unwrap_or_default();
        next.starts_with("mod ") && next.contains('{')
    });
    text[..end.unwrap_or(text.len())]
        .split('\n')
        .map(|line| if line.trim_start().starts_with("//") { "" } else { line })
        .collect::<Vec<_>>()
        .join("\n")
}

/// What a file names of this program: the place, and the path from the top.
fn uses(file: &Source) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for prefix in ["crate::", "sqlmig::"] {
        for (at, _) in file.text.match_indices(prefix) {
            // `sqlmig` is our own name only in the binary; elsewhere the text is part of another word or of SQL.
            let whole = !file.text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if whole && (prefix == "crate::" || row_of(&file.path[0]) == Some(0)) {
                leaves(&file.text, at + prefix.len(), &[], &mut found);
            }
        }
    }
    let mut at = 0;
    while let Some(offset) = file.text[at..].find("super::") {
        at += offset;
        let mut parent = file.path.as_slice();
        while file.text[at..].starts_with("super::") {
            at += "super::".len();
            parent = parent.split_last().map_or(&[], |(_, parent)| parent);
        }
        leaves(&file.text, at, parent, &mut found);
    }
    found.sort();
    found
}

/// Reads a path, or a tree of them in braces, that goes on at `at` behind `before`; returns where it ends.
fn leaves(text: &str, mut at: usize, before: &[String], found: &mut Vec<(usize, Vec<String>)>) -> usize {
    let skip = |at: usize| at + text[at..].len() - text[at..].trim_start().len();
    let word = |at: usize| text[at..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    if text[at..].starts_with('{') {
        loop {
            at = skip(leaves(text, skip(at + 1), before, found));
            if !text[at..].starts_with(',') {
                return at + 1;
            }
        }
    }
    let name = word(at);
    if name.is_empty() || name == "self" {
        found.push((at, before.to_vec()));
        return at + name.len();
    }
    let path = [before, std::slice::from_ref(&name)].concat();
    let end = at + name.len();
    if text[end..].starts_with("::") {
        return leaves(text, end + "::".len(), &path, found);
    }
    found.push((at, path));
    let renamed = skip(end);
    if text[renamed..].starts_with("as ") { renamed + "as ".len() + word(renamed + "as ".len()).len() } else { end }
}
