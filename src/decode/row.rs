//! From a row as it stands in the source to its fields.

use std::sync::Arc;

use super::block::{Block, ColumnKind, RawRow, RowForm};
use super::error::{RowError, RowErrorCode};
use super::slot::{Scratch, Slot, check_text, no_nul};
use super::{copy_text, values, vector};

/// Decodes the rows of one block; its memory is reused from row to row, so keep one per thread.
#[derive(Debug)]
pub struct RowDecoder {
    block: Arc<Block>,
    /// The block's NULL marker in UTF-8.
    null: Vec<u8>,
    /// The row in UTF-8, where it came in another encoding.
    converted: Vec<u8>,
    scratch: Scratch,
}

/// The fields of one row, in the order of the block's columns.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    slots: &'a [Slot],
    raw: &'a [u8],
    text: &'a [u8],
    wire: &'a [u8],
}

impl RowDecoder {
    /// A decoder of the rows of `block`.
    #[must_use]
    pub fn new(block: Arc<Block>) -> Self {
        let mut converted = Vec::new();
        let null = match &block.form {
            RowForm::CopyText { null, .. } if block.encoding.convert(null, &mut converted).is_ok() => converted,
            RowForm::CopyText { null, .. } => null.clone(),
            RowForm::Values { .. } => Vec::new(),
        };
        Self { block, null, converted: Vec::new(), scratch: Scratch::default() }
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
        let Self { block, null, converted, scratch } = self;
        scratch.slots.clear();
        scratch.text.clear();
        scratch.wire.clear();
        let raw = if block.encoding.is_utf8() {
            check_text(row.bytes).map_err(|(code, reason)| RowError { code, column: None, reason })?;
            row.bytes
        } else {
            converted.clear();
            block.encoding.convert(row.bytes, converted).map_err(|reason| RowError {
                code: RowErrorCode::Encoding,
                column: None,
                reason,
            })?;
            no_nul(converted).map_err(|(code, reason)| RowError { code, column: None, reason })?;
            converted.as_slice()
        };
        match &block.form {
            RowForm::CopyText { delimiter, .. } => copy_text::split(raw, &block.columns, *delimiter, null, scratch)?,
            RowForm::Values { standard_strings } => {
                values::split(raw, &block.columns, *standard_strings, scratch)?;
                // E-strings can make bytes of their own; what stands in the row itself is checked already.
                for (slot, column) in scratch.slots.iter().zip(&block.columns) {
                    let Slot::Text(start, end) = *slot else { continue };
                    check_text(&scratch.text[start..end]).map_err(|(code, reason)| RowError {
                        code,
                        column: Some(column.name.clone()),
                        reason,
                    })?;
                }
            }
        }
        for (slot, column) in scratch.slots.iter_mut().zip(&block.columns) {
            let text = match *slot {
                _ if column.kind == ColumnKind::Text => continue,
                Slot::Raw(start, end) => &raw[start..end],
                Slot::Text(start, end) => &scratch.text[start..end],
                Slot::Null | Slot::Wire(..) => continue,
            };
            let start = scratch.wire.len();
            vector::encode(column.kind, text, &mut scratch.wire).map_err(|(code, reason)| RowError {
                code,
                column: Some(column.name.clone()),
                reason,
            })?;
            *slot = Slot::Wire(start, scratch.wire.len());
        }
        Ok(Fields { slots: &scratch.slots, raw, text: &scratch.text, wire: &scratch.wire })
    }
}

impl<'a> Fields<'a> {
    /// Number of fields, which is that of the block's columns.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether the table has no columns.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The field at `index`; `None` is SQL's NULL. Text is valid UTF-8 without NUL bytes; vectors are in the binary
    /// form that pgvector's send functions write.
    ///
    /// # Panics
    /// If there is no such field.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        match self.slots[index] {
            Slot::Null => None,
            Slot::Raw(start, end) => Some(&self.raw[start..end]),
            Slot::Text(start, end) => Some(&self.text[start..end]),
            Slot::Wire(start, end) => Some(&self.wire[start..end]),
        }
    }

    /// The fields in order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<&'a [u8]>> + use<'a> {
        let fields = *self;
        (0..self.len()).map(move |index| fields.get(index))
    }
}
