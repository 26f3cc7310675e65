//! The Dockerfile, without an engine: what it is made of is pinned, all that the build reads is in its context, and the image has
//! nothing else than it says. `.ci/image` runs the binary as the image would.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The instructions of the Dockerfile, each as one line; comments are left out.
fn instructions() -> Vec<String> {
    let text = fs::read_to_string(root().join("Dockerfile")).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let whole = lines.join("\n").replace("\\\n", " ");
    whole
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect()
}

/// Whether a text is numbers with dots, so many of them.
fn is_version(text: &str, numbers: usize) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == numbers
        && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[test]
fn the_base_is_an_exact_version_and_the_image_has_two_files() {
    let instructions = instructions();
    let base = instructions.iter().find_map(|line| line.strip_prefix("ARG RUST=")).unwrap();
    let (rust, alpine) = base.split_once("-alpine").unwrap();
    assert!(is_version(rust, 3) && is_version(alpine, 2), "{base}");
    let own = env!("CARGO_PKG_RUST_VERSION");
    let number = |version: &str| version.split('.').nth(1).unwrap().parse::<u32>().unwrap();
    assert!(number(rust) >= number(own), "{rust} is older than {own}");
    // The page pins the same one harder.
    assert!(include_str!("../../../docs/kubernetes.md").contains(&format!("rust:{base}")));
    let stages: Vec<usize> = (0..instructions.len()).filter(|at| instructions[*at].starts_with("FROM ")).collect();
    let [build, last] = stages[..] else { panic!("{stages:?}") };
    assert_eq!(instructions[build], "FROM rust:${RUST} AS build");
    assert_eq!(instructions[last], "FROM scratch");
    let made: Vec<&str> = instructions[last + 1..].iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(made, ["LABEL", "COPY", "USER", "ENTRYPOINT"]);
    let build = instructions[build..last].join("\n");
    assert!(build.contains("cargo build --locked --profile dist --bin sqlmig"), "{build}");
    assert_eq!(build.matches(" /image/").count(), 2, "{build}");
    // Nobody, by a number: Kubernetes can't tell of a name that it is not root's.
    let user = instructions.iter().find_map(|line| line.strip_prefix("USER ")).unwrap();
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)), "{user}");
}

#[test]
fn what_is_built_is_the_same_wherever_it_is_built() {
    let text = instructions().join("\n");
    // No path of the machine, no parallel code units whose order may differ, no time but that of the commit.
    for part in
        ["--remap-path-prefix=/usr/local/cargo=", "--remap-path-prefix=/src=", "WORKDIR /src", "CARGO_INCREMENTAL=0"]
    {
        assert!(text.contains(part), "{part}");
    }
    assert!(text.contains("ARG SOURCE_DATE_EPOCH") && text.contains("touch -h -d \"@${SOURCE_DATE_EPOCH}\""));
    let cargo = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let profile = cargo.split_once("[profile.dist]\n").unwrap().1.split("\n[").next().unwrap();
    assert!(profile.contains("codegen-units = 1\n") && profile.contains("strip = true"), "{profile}");
}

/// What the compiler read for the program, by its own account, is in the context that the build is given.
#[test]
fn the_context_has_every_file_that_the_build_reads() {
    let ignored = fs::read_to_string(root().join(".dockerignore")).unwrap();
    let kept: BTreeSet<&str> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    assert!(ignored.lines().any(|line| line == "*") && kept.contains("Cargo.lock"), "{ignored}");
    let deps = Path::new(env!("CARGO_BIN_EXE_sqlmig")).parent().unwrap().join("deps");
    let of_ours = |path: &PathBuf| {
        let is_ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("sqlmig-"));
        is_ours && path.extension().is_some_and(|ending| ending == "d")
    };
    let mut accounts: Vec<PathBuf> =
        fs::read_dir(deps).unwrap().map(|entry| entry.unwrap().path()).filter(of_ours).collect();
    // Those of earlier builds may name files that are there no more.
    accounts.sort_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
    let accounts: Vec<String> = accounts.iter().rev().map(|path| fs::read_to_string(path).unwrap()).collect();
    let mut read = BTreeSet::new();
    for product in [".rlib: src/lib.rs", ": src/main.rs"] {
        let line = accounts.iter().flat_map(|text| text.lines()).find(|line| line.contains(product));
        let (_, files) = line.unwrap_or_else(|| panic!("there is no account of {product}")).split_once(": ").unwrap();
        read.extend(files.split(' ').filter_map(|path| root().join(path).canonicalize().ok()));
    }
    let own = root().canonicalize().unwrap();
    let read: Vec<&Path> = read.iter().filter_map(|path| path.strip_prefix(&own).ok()).collect();
    assert!(read.len() > 300, "{}", read.len());
    for path in read {
        let top = path.iter().next().unwrap().to_str().unwrap();
        // Cargo's own output may be below the repository.
        assert!(kept.contains(top) || top == "target", "{} is not in the context", path.display());
    }
}
