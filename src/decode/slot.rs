//! Where the fields of a row are, in memory that is reused from row to row.

use memchr::memchr;

use super::encoding::describe;
use super::error::RowErrorCode;

/// Where a field's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// SQL's NULL.
    Null,
    /// In the row.
    Raw(usize, usize),
    /// In [`Scratch::text`].
    Text(usize, usize),
    /// In [`Scratch::wire`].
    Wire(usize, usize),
}

/// Memory that is reused from row to row.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// One slot a field.
    pub(super) slots: Vec<Slot>,
    /// Values that had escapes.
    pub(super) text: Vec<u8>,
    /// Vectors in binary form.
    pub(super) wire: Vec<u8>,
}

impl Scratch {
    /// Adds a text that `write` appends.
    pub(super) fn text_slot<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<Slot, E> {
        let start = self.text.len();
        write(&mut self.text)?;
        Ok(Slot::Text(start, self.text.len()))
    }
}

/// Checks that bytes are text that PostgreSQL can hold: UTF-8 without NUL.
pub(super) fn check_text(bytes: &[u8]) -> Result<(), (RowErrorCode, String)> {
    if let Err(error) = simdutf8::compat::from_utf8(bytes) {
        return Err((RowErrorCode::Encoding, describe(bytes, error.valid_up_to(), "UTF8")));
    }
    no_nul(bytes)
}

/// Checks that text in UTF-8 has no NUL.
pub(super) fn no_nul(bytes: &[u8]) -> Result<(), (RowErrorCode, String)> {
    match memchr(0, bytes) {
        None => Ok(()),
        Some(at) => Err((
            RowErrorCode::NulByte,
            format!("invalid byte sequence for encoding \"UTF8\": 0x00 (at byte {at} of the row)"),
        )),
    }
}
