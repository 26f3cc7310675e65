//! The rows of a COPY block: lines up to the end marker.

use std::io::Read;
use std::sync::Arc;

use memchr::memchr_iter;

use super::{Found, Scanner, State};
use crate::decode::block::{Block, Oversized, RowForm};
use crate::decode::copy_text;
use crate::decode::encoding::Trail;
use crate::decode::error::DecodeErrorKind;
use crate::decode::rows::{self, CopyStdin};

/// How much of an oversized row is kept for people to recognise it by.
const OVERSIZED_HEAD_BYTES: usize = 4096;
/// The longest that is looked at as one: a backslash and a letter of GB18030.
const LONGEST_STEP_BYTES: usize = 5;

#[derive(Debug)]
pub(super) struct CopyState {
    pub(super) head: CopyStdin,
    line: u64,
    byte: u64,
    /// Whether the block was handed out.
    announced: bool,
    /// Whether the line that names the columns is still to come.
    header: bool,
    /// Whether the first line ended in CR LF, as all others must then.
    crlf: Option<bool>,
    /// Bytes of the window in which no line end was found, and escaped newlines among them.
    searched: usize,
    newlines: u64,
}

impl<R: Read> Scanner<R> {
    pub(super) fn begin_copy(&mut self, mut head: CopyStdin, end: usize) -> Result<(), DecodeErrorKind> {
        self.rows_begin()?;
        head.table = self.session.resolve(head.table);
        let (line, byte) = (self.buffer.line, self.buffer.byte);
        self.buffer.consume(end);
        // psql sends the lines after the statement's own.
        let length = self.line_length()?;
        let rest = String::from_utf8_lossy(&self.buffer.window()[..length]).trim().to_owned();
        if !rest.is_empty() && !rest.starts_with("--") {
            return Err(DecodeErrorKind::Syntax(format!("{rest:?} after COPY on the same line")));
        }
        self.buffer.consume(length);
        self.facts.copy_blocks += 1;
        self.block_rows = 0;
        self.insert = None;
        let header = head.header;
        self.state =
            State::Copy(CopyState { head, line, byte, announced: false, header, crlf: None, searched: 0, newlines: 0 });
        Ok(())
    }

    /// The next row of a COPY block; `None` where a line was none.
    pub(super) fn copy_row(&mut self) -> Result<Option<Found>, DecodeErrorKind> {
        let State::Copy(mut copy) = std::mem::replace(&mut self.state, State::Statements) else { return Ok(None) };
        let found = self.copy_line(&mut copy);
        // Only the end marker leaves the block.
        if !matches!(found, Ok(CopyLine::End)) {
            self.state = State::Copy(copy);
        }
        Ok(match found? {
            CopyLine::Found(found) => Some(found),
            CopyLine::Skipped | CopyLine::End => None,
        })
    }

    fn copy_line(&mut self, copy: &mut CopyState) -> Result<CopyLine, DecodeErrorKind> {
        let trail = copy.head.encoding.unwrap_or(self.session.encoding).trail();
        let limit = self.options.row_limit_bytes;
        let end = loop {
            let window = self.buffer.window();
            let newline = memchr_iter(b'\n', &window[copy.searched..]).map(|at| at + copy.searched).find(|&at| {
                let escaped = is_escaped(window, at, trail);
                copy.newlines += u64::from(escaped);
                !escaped
            });
            if let Some(end) = newline {
                break end;
            }
            copy.searched = window.len();
            // Only a row can be this long, and it ends somewhere, or the input does. The last byte may be half a line end.
            if window.len() > limit.saturating_add(1) {
                if copy.announced {
                    return self.skip_oversized(copy).map(CopyLine::Found);
                }
                let length = window.len();
                return Ok(CopyLine::Found(self.announce_copy(copy, Some(length))));
            }
            if !self.fill()? {
                if self.buffer.window() == b"\\." {
                    break 2;
                }
                return Err(DecodeErrorKind::EndInCopy);
            }
        };
        let window = self.buffer.window();
        let line = &window[..end];
        let (with_end, at_end) = ((end + 1).min(window.len()), line == b"\\." || line == b"\\.\r");
        if !copy.announced {
            return Ok(CopyLine::Found(self.announce_copy(copy, (!at_end).then_some(end))));
        }
        let lines = 1 + std::mem::take(&mut copy.newlines);
        copy.searched = 0;
        if at_end {
            self.buffer.consume_lines(with_end, u64::from(with_end > end));
            return Ok(CopyLine::End);
        }
        let ends_in_cr = line.last() == Some(&b'\r') && !is_escaped(line, end - 1, trail);
        let crlf = *copy.crlf.get_or_insert(ends_in_cr);
        // A line end of the wrong kind stays in the row, where the decoder finds it.
        let length = match (crlf, ends_in_cr) {
            (true, true) => end - 1,
            (true, false) => with_end,
            (false, _) => end,
        };
        let (position, line, byte) = (self.buffer.position(), self.buffer.line, self.buffer.byte);
        self.buffer.consume_lines(with_end, lines);
        if std::mem::take(&mut copy.header) {
            return Ok(CopyLine::Skipped);
        }
        self.block_rows += 1;
        if length > limit {
            let head = self.buffer.at(position, OVERSIZED_HEAD_BYTES.min(length)).to_vec();
            return Ok(CopyLine::Found(Found::Oversized(Oversized { line, byte, length: length as u64, head })));
        }
        Ok(CopyLine::Found(Found::Row { position, length, line, byte }))
    }

    /// Hands out the block, before its first row, of this length, is looked at again.
    fn announce_copy(&mut self, copy: &mut CopyState, first: Option<usize>) -> Found {
        let first = first.map(|length| &self.buffer.window()[..length]);
        let block = self.copy_block(&copy.head, first, copy.line, copy.byte);
        (copy.announced, copy.searched, copy.newlines) = (true, 0, 0);
        Found::Block(block)
    }

    fn copy_block(&self, head: &CopyStdin, first: Option<&[u8]>, line: u64, byte: u64) -> Arc<Block> {
        let known = rows::columns(head.columns.as_deref(), self.shape(&head.table)).map(|mut columns| {
            // Without a list of columns, COPY leaves out the generated ones.
            columns.retain(|column| head.columns.is_some() || !column.generated);
            columns
        });
        let columns =
            known.unwrap_or_else(|| rows::unnamed(first.map_or(0, |line| copy_text::count(line, head.delimiter))));
        Arc::new(Block {
            table: head.table.clone(),
            columns,
            form: RowForm::CopyText { delimiter: head.delimiter, null: head.null.clone() },
            encoding: head.encoding.unwrap_or(self.session.encoding),
            line,
            byte,
        })
    }

    /// Skips a row that is longer than what may be held. The window holds no line end.
    fn skip_oversized(&mut self, copy: &mut CopyState) -> Result<Found, DecodeErrorKind> {
        let trail = copy.head.encoding.unwrap_or(self.session.encoding).trail();
        let (line, byte) = (self.buffer.line, self.buffer.byte);
        let window = self.buffer.window();
        let head = window[..OVERSIZED_HEAD_BYTES.min(window.len())].to_vec();
        (copy.newlines, copy.searched) = (0, 0);
        let mut ends_in_cr = false;
        loop {
            let (window, ended) = (self.buffer.window(), self.buffer.ended);
            // An escape or a letter that may not be here whole is left for the next time.
            let whole = if ended { window.len() } else { window.len().saturating_sub(LONGEST_STEP_BYTES) };
            let mut at = 0;
            while at < whole && window[at] != b'\n' {
                let start = at;
                at += usize::from(window[at] == b'\\');
                let letter = &window[at..at + trail.width(&window[at..])];
                // No letter goes on after a line end, but a broken one stands before it.
                at += letter.iter().skip(1).position(|byte| *byte == b'\n').map_or(letter.len(), |rest| rest + 1);
                // Also where it is the rest of a broken letter; not where a backslash escapes it.
                ends_in_cr = window[at - 1] == b'\r' && window[start..at] != *b"\\\r";
            }
            let found = at < whole;
            self.buffer.consume(at);
            if found {
                let length = self.buffer.byte - byte;
                self.buffer.consume(1);
                self.block_rows += 1;
                let length = match (*copy.crlf.get_or_insert(ends_in_cr), ends_in_cr) {
                    (true, true) => length - 1,
                    (true, false) => length + 1,
                    (false, _) => length,
                };
                return Ok(Found::Oversized(Oversized { line, byte, length, head }));
            }
            if ended {
                return Err(DecodeErrorKind::EndInCopy);
            }
            self.fill()?;
        }
    }
}

enum CopyLine {
    Found(Found),
    /// A line that is no row.
    Skipped,
    End,
}

/// Whether the character at `at` of a row, which begins the window, is escaped by a backslash before it.
fn is_escaped(row: &[u8], at: usize, trail: Trail) -> bool {
    let run = row[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
    if run == 0 || trail == Trail::Safe {
        return run % 2 == 1;
    }
    // The backslash may be the second half of a character; only reading from the beginning tells.
    let mut here = 0;
    while here < at {
        if row[here] == b'\\' {
            if here + 1 == at {
                return true;
            }
            here += 1;
        }
        here += trail.width(&row[here..]);
    }
    false
}
