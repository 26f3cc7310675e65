//! The layers: which module may use which, held against what the source says.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
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
        for (at, module) in uses(&file) {
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
        uses(&file).into_iter().map(|(_, module)| module).collect()
    };
    assert_eq!(found(&["db", "lock"], "use crate::names::ident;\nlet x = crate::event::Event::A;"), ["names", "event"]);
    assert_eq!(found(&["db"], "use crate::{\n    names::{a, b},\n    event,\n};"), ["names", "event"]);
    assert_eq!(found(&["db", "lock"], "use super::super::check::x;\nuse super::lock;"), ["check"]);
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

/// The top-level modules that a file names, each with the place where it does.
fn uses(file: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for prefix in ["crate::", "sqlmig::"] {
        for (at, _) in file.text.match_indices(prefix) {
            // `sqlmig` is our own name only in the binary; elsewhere the text is part of another word or of SQL.
            let whole = !file.text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if whole && (prefix == "crate::" || row_of(&file.path[0]) == Some(0)) {
                found.extend(first_words(&file.text, at + prefix.len()));
            }
        }
    }
    let mut at = 0;
    while let Some(offset) = file.text[at..].find("super::") {
        let start = at + offset;
        let mut rest = start;
        let mut ups = 0;
        while file.text[rest..].starts_with("super::") {
            rest += "super::".len();
            ups += 1;
        }
        if ups == file.path.len() {
            found.extend(first_words(&file.text, rest));
        }
        at = rest;
    }
    found.sort();
    found
}

/// The first word of a path, or of each path in braces, from `at` on.
fn first_words(text: &str, at: usize) -> Vec<(usize, String)> {
    let word = |range: Range<usize>| {
        let part = &text[range.clone()];
        let start = range.start + (part.len() - part.trim_start().len());
        let word: String = part.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        (!word.is_empty()).then_some((start, word))
    };
    if !text[at..].starts_with('{') {
        return word(at..text.len()).into_iter().collect();
    }
    let mut depth = 0;
    let mut words = Vec::new();
    let mut start = at + 1;
    for (offset, letter) in text[at..].char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && letter == ',') {
            words.extend(word(start..at + offset));
            start = at + offset + 1;
        }
        if depth == 0 {
            break;
        }
    }
    words
}
