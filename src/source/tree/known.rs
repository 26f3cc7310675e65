//! Files that were decoded before, and are in the target as they were then.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

/// A file that is in the target: type and name of its source, its path, the SHA-256 of its bytes (lower-case hex), and what it
/// was decoded by.
pub type KnownFile<'a> = [&'a str; 5];

/// A set of such files. It keeps 16 bytes of a digest for each: millions of files are some dozen megabytes.
#[derive(Debug, Default)]
pub struct Known(HashSet<u128>);

impl Known {
    /// Adds a file.
    pub fn insert(&mut self, file: KnownFile<'_>) {
        self.0.insert(key(file));
    }

    pub(super) fn has(&self, file: KnownFile<'_>) -> bool {
        !self.0.is_empty() && self.0.contains(&key(file))
    }
}

fn key(file: KnownFile<'_>) -> u128 {
    let mut hash = Sha256::new();
    for part in file {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    u128::from_be_bytes(half)
}
