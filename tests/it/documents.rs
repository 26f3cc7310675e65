//! Every command block of the README and of `docs/` is run on a real database, as a reader would type it. What is not run
//! says why, and is listed in docs/contributing.md.

mod block;
mod reader;
mod stand_ins;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::block::{Block, How, PART_OF_THE_CHECKS, REASONS, Run, SLOW, blocks};
use self::reader::Reader;

/// Pages that are read at a time: each runs one command after another, and most of that is waiting for the server.
const PAGES_AT_A_TIME: usize = 3;

/// The README and the pages of `docs/`, by their path in the repository.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = vec![root.join("README.md")];
    for folder in ["docs", "docs/adr"] {
        let entries = fs::read_dir(root.join(folder)).unwrap();
        files.extend(entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension() == Some("md".as_ref())));
    }
    files.sort();
    let name = |path: &Path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    files.into_iter().map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_block_does_what_it_says() {
    read_all(false, PAGES_AT_A_TIME).await;
}

/// Those that build programs, or would take hours: of these, a piece.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds tools and benchmarks, for minutes: cargo test --test it -- --ignored documents::"]
async fn every_slow_command_block_does_what_it_says() {
    read_all(true, 1).await;
}

/// Reads all pages that have a block that is slow, or one that is not.
async fn read_all(slow: bool, at_a_time: usize) {
    let places = Arc::new(Semaphore::new(at_a_time));
    let mut readers = JoinSet::new();
    // One page: SQLMIG_TEST_PAGE=docs/rollback.md
    let only = std::env::var("SQLMIG_TEST_PAGE").ok();
    for (name, text) in pages() {
        let found = blocks(&name, &text).unwrap_or_else(|wrong| panic!("{}", wrong.join("\n")));
        if only.as_ref().is_some_and(|only| *only != name) || !found.iter().any(|block| block.how.runs(slow)) {
            continue;
        }
        let places = Arc::clone(&places);
        readers.spawn(async move {
            let _place = places.acquire_owned().await.unwrap();
            read(&name, &found, slow).await
        });
    }
    let wrong: Vec<String> = readers.join_all().await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Runs the blocks of one page in their order, up to the first that does not do what it says.
async fn read(name: &str, blocks: &[Block], slow: bool) -> Option<String> {
    let reader = Reader::begin().await;
    // Files that are blocks are put there for both.
    for block in blocks.iter().filter(|block| block.how.runs(slow) || !block.how.runs(!slow)) {
        if let Err(why) = reader.run(block).await {
            return Some(format!("{name}:{}: {why}", block.line));
        }
    }
    None
}

#[test]
fn what_is_not_run_is_listed() {
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, text) in pages() {
        for block in blocks(&name, &text).unwrap_or_else(|wrong| panic!("{}", wrong.join("\n"))) {
            let first = block.text.lines().next().unwrap_or_default();
            let first = first.split(" #").next().unwrap_or_default().trim_end();
            match block.how {
                How::Not(reason) => places.entry(reason).or_default().push(format!("  - {name}: `{first}`\n")),
                How::Run(Run { slow: Some(piece), .. }) => {
                    places.entry(SLOW.0).or_default().push(format!("  - {name}: `{first}`: {piece}\n"));
                }
                How::Run(_) | How::Read => {}
            }
        }
    }
    let mut list = String::new();
    for (reason, meaning) in REASONS.into_iter().chain([SLOW]) {
        let places = places.get(reason).map(Vec::as_slice).unwrap_or_default();
        let _ = write!(list, "- **{reason}** ({}): {meaning}\n{}", places.len(), places.concat());
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/contributing.md");
    let page = fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- begin of the list -->\n", "<!-- end of the list -->");
    let (head, rest) = page.split_once(begin).expect("the page has a place for the list");
    let (known, tail) = rest.split_once(end).expect("the list has an end");
    if std::env::var_os("SQLMIG_WRITE_DOCS").is_some() {
        fs::write(path, format!("{head}{begin}{list}{end}{tail}")).unwrap();
        return;
    }
    assert!(known == list, "write it again: SQLMIG_WRITE_DOCS=1 cargo test --test it documents\n{list}");
}

/// What is said to be a part of `.ci/run` is: its commands are read from the page by it, or are some of the tests that it runs.
#[test]
fn what_is_part_of_the_checks_is_run_by_them() {
    let checks = include_str!("../../.ci/run");
    let mut seen = 0;
    for (name, text) in pages() {
        let found = blocks(&name, &text).unwrap_or_else(|wrong| panic!("{}", wrong.join("\n")));
        for block in found.iter().filter(|block| block.how == How::Not(PART_OF_THE_CHECKS)) {
            seen += 1;
            let is_read = checks.contains(&format!("page_command {name} 1"));
            let are_some = |line: &str| line.starts_with("cargo test --test it -- ");
            assert!(is_read || block.text.lines().all(are_some), "{name}: .ci/run does not run {}", block.text);
        }
    }
    assert!(seen >= 3);
}
