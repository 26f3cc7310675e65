//! Chunks: contiguous rows of one source table, first as they stand in the source, then as COPY BINARY sends them.

use std::sync::Arc;

use crate::db::ledger::{Chunk, DecodeReject, Place, Written};
use crate::decode::{Block, Oversized, RawRow, RowDecoder, RowError, RowForm};

use super::buffers::Buffer;
use super::digest;
use super::layout::Layout;

/// Text a chunk holds before it is sent on, in bytes. Large enough that a transaction a chunk costs nothing, small
/// enough that the chunks in flight stay in the tens of megabytes.
pub(super) const CHUNK_BYTES: usize = 2 << 20;
/// What a chunk's text may grow to without being moved: most rows are far shorter than this is beyond it.
pub(super) const CHUNK_CAPACITY: usize = CHUNK_BYTES + (64 << 10);

/// Header of COPY's binary format: signature, no flags, no extension (PostgreSQL manual, COPY, "Binary Format").
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Its trailer: a field count of -1.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
/// Length of a NULL.
const NULL: [u8; 4] = (-1_i32).to_be_bytes();

/// Rows on their way from the scanner to a decoder.
#[derive(Debug)]
pub(super) struct RawChunk {
    /// Where the rows go.
    pub layout: Arc<Layout>,
    /// Which field fills which column.
    pub fields: Arc<Vec<Option<usize>>>,
    /// How the rows are written.
    pub block: Arc<Block>,
    /// Ordinal of the first row in its source table, from 1.
    pub first_row: u64,
    /// Stored bytes of the source from the end of the last chunk to that of this one, where they are known.
    pub stored_bytes: Option<u64>,
    /// The rows' bytes, one after another.
    text: Buffer,
    rows: Vec<Span>,
    oversized: Vec<(u64, Oversized)>,
}

/// One row in a chunk's text.
#[derive(Debug)]
struct Span {
    end: usize,
    row: u64,
    line: u64,
    byte: u64,
}

impl RawChunk {
    /// An empty chunk whose first row will be `first_row`, and whose text will stand in `text`.
    pub fn new(
        layout: Arc<Layout>,
        fields: Arc<Vec<Option<usize>>>,
        block: Arc<Block>,
        first_row: u64,
        text: Buffer,
    ) -> Self {
        Self { layout, fields, block, first_row, stored_bytes: None, text, rows: Vec::new(), oversized: Vec::new() }
    }

    /// Adds the next row.
    pub fn push(&mut self, row: &RawRow<'_>) {
        let ordinal = self.next_row();
        self.text.extend_from_slice(row.bytes);
        self.rows.push(Span { end: self.text.len(), row: ordinal, line: row.line, byte: row.byte });
    }

    /// Adds the next row, which was over the limit and is not here.
    pub fn push_oversized(&mut self, row: Oversized) {
        let ordinal = self.next_row();
        self.oversized.push((ordinal, row));
    }

    /// Number of rows.
    pub fn len(&self) -> u64 {
        (self.rows.len() + self.oversized.len()) as u64
    }

    /// Bytes of text it holds.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    fn next_row(&self) -> u64 {
        self.first_row + self.len()
    }

    /// Where the first row stands, and whether that tells where all others do.
    fn place(&self) -> Place {
        let held = self.rows.iter().map(|span| (span.row, span.line, span.byte));
        let oversized = self.oversized.iter().map(|(row, at)| (*row, at.line, at.byte));
        let all = held.chain(oversized);
        let Some((first, line, byte)) = all.clone().min_by_key(|(row, ..)| *row) else { return Place::default() };
        let consecutive = all.into_iter().all(|(row, at, _)| at == line + (row - first));
        Place { line, byte, consecutive }
    }

    /// How the rows are written, in the names that their columns have in staging.
    fn written(&self) -> Written {
        let name = |(index, column): (usize, &crate::decode::Column)| {
            let place = self.fields.iter().position(|field| *field == Some(index));
            place.map_or(&column.name, |place| &self.layout.columns[place].name).clone()
        };
        let form = match &self.block.form {
            RowForm::CopyText { delimiter: b'\t', null } if null == b"\\N" => Some("copy"),
            RowForm::CopyText { .. } => None,
            RowForm::Values { standard_strings: true } => Some("values"),
            RowForm::Values { standard_strings: false } => Some("values_escaped"),
        };
        let fields = self.block.columns.iter().enumerate().map(name).collect();
        Written { form, fields, encoding: self.block.encoding.name() }
    }

    /// Decodes every row and writes it as COPY BINARY wants it; rows that can't be decoded are set apart.
    ///
    /// `row_limit_bytes` is told to the person who reads why an oversized row was not loaded; `payload` is what is written into.
    pub fn encode(self, decoder: &mut RowDecoder, row_limit_bytes: usize, mut payload: Buffer) -> EncodedChunk {
        payload.reserve(self.text.len() + 64 * self.rows.len());
        let written = self.written();
        let mut chunk = EncodedChunk {
            place: self.place(),
            stored_bytes: self.stored_bytes,
            written,
            first_row: self.first_row,
            last_row: self.first_row + self.len() - 1,
            rows: 0,
            rejects: Vec::new(),
            payload,
            digest: 0,
            content_digest: 0,
            bytes: self.text.len() as u64,
            layout: self.layout,
        };
        chunk.payload.extend_from_slice(HEADER);
        let mut start = 0;
        for span in &self.rows {
            let raw = RawRow { bytes: &self.text[start..span.end], line: span.line, byte: span.byte };
            start = span.end;
            match decoder.decode(&raw) {
                Ok(fields) => chunk.push(span.row, &self.fields.iter().map(|place| place.and_then(|i| fields.get(i)))),
                Err(error) => chunk.rejects.push(reject(error, span.row, &raw, raw.bytes.to_vec())),
            }
        }
        for (row, oversized) in self.oversized {
            let raw = RawRow { bytes: &[], line: oversized.line, byte: oversized.byte };
            let error = RowError::oversized(oversized.length, row_limit_bytes);
            chunk.bytes += oversized.length;
            chunk.rejects.push(reject(error, row, &raw, oversized.head));
        }
        chunk.payload.extend_from_slice(&TRAILER);
        for reject in &chunk.rejects {
            chunk.content_digest = digest::chain(chunk.content_digest, &reject.raw);
        }
        chunk
    }
}

fn reject(error: RowError, row: u64, at: &RawRow<'_>, raw: Vec<u8>) -> DecodeReject {
    DecodeReject {
        row,
        code: error.code.as_str(),
        column: error.column,
        reason: error.reason,
        line: at.line,
        byte: at.byte,
        raw,
    }
}

/// Rows on their way from a decoder to the server.
#[derive(Debug)]
pub(super) struct EncodedChunk {
    /// Where the first row stands in the source.
    pub place: Place,
    /// Stored bytes of the source from the end of the last chunk to that of this one, where they are known.
    pub stored_bytes: Option<u64>,
    /// How the rows are written there.
    pub written: Written,
    /// Where they go.
    pub layout: Arc<Layout>,
    /// Ordinal of the first row.
    pub first_row: u64,
    /// Ordinal of the last row.
    pub last_row: u64,
    /// Rows in the payload.
    pub rows: u64,
    /// Rows that could not be decoded.
    pub rejects: Vec<DecodeReject>,
    /// What COPY BINARY sends.
    pub payload: Buffer,
    /// Sum of the rows' digests.
    pub digest: i128,
    /// Digest of all rows in their order, those that could not be decoded among them.
    pub content_digest: i64,
    /// Bytes the rows had in the source.
    pub bytes: u64,
}

impl EncodedChunk {
    /// What the ledger keeps of it.
    pub fn record(&self) -> Chunk {
        Chunk {
            first_row: self.first_row,
            last_row: self.last_row,
            rows_staged: self.rows,
            rows_rejected: self.rejects.len() as u64,
            bytes: self.bytes,
            content_digest: self.content_digest,
        }
    }

    /// Writes one row: `_row`, its digest, the columns, their digests.
    fn push<'a>(&mut self, row: u64, values: &(impl Iterator<Item = Option<&'a [u8]>> + Clone)) {
        let layout = &self.layout;
        let payload = &mut *self.payload;
        // PostgreSQL allows 1,600 columns, so the count fits.
        #[expect(clippy::cast_possible_truncation, reason = "at most 1,600 columns")]
        let count = (2 + layout.columns.len() + layout.digested.len()) as u16;
        payload.extend_from_slice(&count.to_be_bytes());
        let row_digest = digest::row(values.clone());
        write(payload, Some(&row.to_be_bytes()));
        write(payload, Some(&row_digest.to_be_bytes()));
        for value in values.clone() {
            write(payload, value);
        }
        for &index in &layout.digested {
            let hash = values.clone().nth(index).flatten().map(digest::sha256);
            write(payload, hash.as_ref().map(<[u8; 32]>::as_slice));
        }
        self.digest += i128::from(row_digest);
        self.content_digest = digest::chain(self.content_digest, &row_digest.to_be_bytes());
        self.rows += 1;
    }
}

fn write(payload: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        None => payload.extend_from_slice(&NULL),
        Some(bytes) => {
            // A field is at most a row, and the row limit is under PostgreSQL's own of 1 GiB.
            #[expect(clippy::cast_possible_truncation, reason = "a field is under 1 GiB")]
            payload.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
            payload.extend_from_slice(bytes);
        }
    }
}
