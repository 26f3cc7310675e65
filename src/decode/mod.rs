//! Bytes of a dump in, rows out: pure, synchronous, memory bounded by the widest row.
//!
//! [`Scanner`] finds blocks and rows and never executes anything; [`RowDecoder`] turns a row into fields. The two may
//! live on different threads.

mod block;
mod buffer;
mod copy_text;
mod cursor;
mod ddl;
mod differences;
mod encoding;
mod error;
mod extent;
mod facts;
mod float;
mod kind;
mod lexer;
mod psql;
mod row;
mod rows;
mod scanner;
mod session;
mod slot;
#[cfg(test)]
mod tests;
mod values;
mod vector;

pub use block::{Block, Column, ColumnKind, Item, Oversized, RawRow, RowForm};
pub use encoding::Encoding;
pub use error::{DecodeError, DecodeErrorKind, RowError, RowErrorCode};
pub use facts::{ColumnShape, DumpFacts, DumpHeader, DumpKind, EnumShape, TableShape};
pub use row::{Fields, RowDecoder};
pub use scanner::{ScanOptions, Scanner};
