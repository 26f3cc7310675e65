//! What a project is known by.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::files::{BUILTIN_SETTINGS, SETTINGS, Tree};
use super::settings::Settings;

/// SHA-256 over everything that matters to results.
pub(super) fn hash(tree: &Tree, settings: &Settings) -> String {
    let mut hasher = Sha256::new();
    // Lengths before contents: no two different projects give the same bytes.
    let mut part = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    for (table, columns) in &settings.digest {
        part(b"digest");
        part(table.to_string().as_bytes());
        part(columns.join("\0").as_bytes());
    }
    for (name, value) in &settings.vars {
        part(b"var");
        part(name.as_bytes());
        part(value.to_string().as_bytes());
    }
    for (path, text) in tree.all() {
        let beside = path.ends_with("/README.md") || path.starts_with("transforms/examples/");
        if !beside && ![SETTINGS, BUILTIN_SETTINGS].contains(&path) {
            part(b"file");
            part(path.as_bytes());
            part(text.as_bytes());
        }
    }
    hasher.finalize().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
