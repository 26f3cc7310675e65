//! What the scanner hands out: blocks of rows of one shape, and the rows, still as they stand in the source.

use std::sync::Arc;

use super::encoding::Encoding;
use crate::names::TableName;

/// One thing the scanner found.
#[derive(Debug)]
pub enum Item<'a> {
    /// The rows that follow belong to this block. Emitted when it changes: one-row INSERT statements of one shape share one.
    Block(Arc<Block>),
    /// One row, not yet decoded.
    Row(RawRow<'a>),
    /// A row over the limit, skipped without being held.
    Oversized(Oversized),
}

/// A row as it stands in the source: a line of a COPY block without its line end, or a parenthesised list of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawRow<'a> {
    /// Its bytes, in the block's encoding.
    pub bytes: &'a [u8],
    /// Line where it begins, from 1.
    pub line: u64,
    /// Byte where it begins in the decompressed text, from 0.
    pub byte: u64,
}

/// A row that was longer than the limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oversized {
    /// Line where it begins, from 1.
    pub line: u64,
    /// Byte where it begins in the decompressed text, from 0.
    pub byte: u64,
    /// Its length in bytes, without its line end.
    pub length: u64,
    /// Its first bytes, at most 4 KiB.
    pub head: Vec<u8>,
}

/// How the rows of a block are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowForm {
    /// Lines of COPY's text format.
    CopyText {
        /// Byte between two fields.
        delimiter: u8,
        /// What a NULL is written as, in the block's encoding.
        null: Vec<u8>,
    },
    /// Tuples of an INSERT's VALUES list.
    Values {
        /// Whether a backslash in `'…'` is an ordinary character (`standard_conforming_strings = on`).
        standard_strings: bool,
    },
}

/// Rows of one table and one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The table.
    pub table: TableName,
    /// Its columns, in the order of the rows' fields.
    pub columns: Vec<Column>,
    /// How its rows are written.
    pub form: RowForm,
    /// The encoding of its rows.
    pub encoding: Encoding,
    /// Line where its statement begins, from 1.
    pub line: u64,
    /// Byte where its statement begins, from 0.
    pub byte: u64,
}

/// A column of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, unquoted.
    pub name: String,
    /// What its fields are decoded to.
    pub kind: ColumnKind,
    /// Whether its value is generated: DEFAULT in such a column is read as NULL, anywhere else it can't be known.
    pub generated: bool,
}

/// What the fields of a column are decoded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnKind {
    /// UTF-8 text.
    Text,
    /// pgvector's `vector`.
    Vector,
    /// pgvector's `halfvec`.
    HalfVector,
    /// pgvector's `sparsevec`.
    SparseVector,
}

impl ColumnKind {
    /// The kind of a column of this type, whatever schema and type modifier it carries.
    #[must_use]
    pub fn of_type(type_text: &str) -> Self {
        let base = type_text.split('(').next().unwrap_or_default().trim();
        let array = type_text.contains('[');
        let name = base.rsplit('.').next().unwrap_or_default().trim().trim_matches('"');
        match name.to_ascii_lowercase().as_str() {
            _ if array => Self::Text,
            "vector" => Self::Vector,
            "halfvec" => Self::HalfVector,
            "sparsevec" => Self::SparseVector,
            _ => Self::Text,
        }
    }
}
