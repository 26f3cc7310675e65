//! Files that say what a tree is.

/// A file of a tree that says what it is: `type`, `name`, `version`.
pub(super) const MARKER: &str = "sqlmig-source.toml";

/// Bytes of a manifest at most: a longer file is none.
pub(super) const MANIFEST_BYTES: u64 = 64 << 10;

/// Whether a file at the top of a tree may be one that says what the tree is.
pub(super) fn is_manifest(name: &str) -> bool {
    [MARKER, "Cargo.toml", "package.json", "pyproject.toml", "book.toml"].contains(&name)
}
