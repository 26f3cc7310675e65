//! The rows of an INSERT: tuples, one by one, however many a statement has.

use std::io::Read;
use std::sync::Arc;

use super::{Found, Scanner, State};
use crate::decode::block::{Block, Column, RowForm};
use crate::decode::cursor::Cursor;
use crate::decode::error::DecodeErrorKind;
use crate::decode::extent::{Extent, extent, tuple_extent};
use crate::decode::rows::{self, Insert};
use crate::decode::session::Session;
use crate::decode::values;
use crate::names::TableName;

#[derive(Debug)]
pub(super) struct ValuesState {
    pub(super) table: TableName,
    line: u64,
    byte: u64,
    /// Whether a tuple was read, so that a comma or the end of the statement must follow.
    tuple_read: bool,
    /// Whether the block of these rows was handed out.
    announced: bool,
}

#[derive(Debug)]
pub(super) struct LastInsert {
    text: Vec<u8>,
    session: Session,
    head: Insert,
    tables: usize,
    /// Values in the first tuple, where that decides the columns.
    count: Option<usize>,
}

impl<R: Read> Scanner<R> {
    /// Begins the rows of an INSERT whose VALUES ends at `end` of the window; `false` if its rows do not simply follow.
    pub(super) fn insert_head(&mut self, end: usize) -> bool {
        let text = &self.buffer.window()[..end];
        let same = self.insert.as_ref().is_some_and(|last| {
            last.text == text && last.session == self.session && last.tables == self.facts.tables.len()
        });
        if !same {
            let mut cursor = Cursor::new(text, self.session.mode(), self.session.encoding);
            let Some(mut head) = rows::insert(&mut cursor) else { return false };
            head.table = self.session.resolve(head.table);
            self.insert = Some(LastInsert {
                text: text.to_vec(),
                session: self.session.clone(),
                head,
                tables: self.facts.tables.len(),
                count: None,
            });
        }
        let Some(last) = &self.insert else { return false };
        let (line, byte) = (self.buffer.line, self.buffer.byte);
        // Where the head names the columns, one like the last one means the same block.
        let announced = same && (last.head.columns.is_some() || last.head.defaults);
        let table = last.head.table.clone();
        self.facts.insert_statements += 1;
        self.block_rows = 0;
        self.buffer.consume(end);
        self.state = State::Values(ValuesState { table, line, byte, tuple_read: false, announced });
        true
    }

    /// The next tuple of an INSERT; `None` at the end of the statement.
    pub(super) fn tuple(&mut self) -> Result<Option<Found>, DecodeErrorKind> {
        let State::Values(mut state) = std::mem::replace(&mut self.state, State::Statements) else { return Ok(None) };
        let found = self.next_tuple(&mut state);
        if !matches!(found, Ok(None)) {
            self.state = State::Values(state);
        }
        found
    }

    fn next_tuple(&mut self, state: &mut ValuesState) -> Result<Option<Found>, DecodeErrorKind> {
        let defaults = self.insert.as_ref().is_some_and(|last| last.head.defaults);
        let more = self.skip_blanks(false)?;
        let next = self.buffer.window().first().copied().filter(|_| more).ok_or(DecodeErrorKind::EndInStatement)?;
        if defaults && !state.tuple_read {
            if !state.announced {
                return self.announce(state, None);
            }
            state.tuple_read = true;
            self.block_rows += 1;
            return Ok(Some(Found::Defaults { line: self.buffer.line, byte: self.buffer.byte }));
        }
        if state.tuple_read {
            if next != b',' || defaults {
                return self.end_insert();
            }
            self.buffer.consume(1);
            if !self.skip_blanks(false)? {
                return Err(DecodeErrorKind::EndInStatement);
            }
            state.tuple_read = false;
        }
        if self.buffer.window().first() != Some(&b'(') {
            return Err(DecodeErrorKind::Syntax("expected \"(\" after VALUES".to_owned()));
        }
        let end = loop {
            let ended = self.buffer.ended;
            match tuple_extent(self.buffer.window(), self.session.mode(), ended) {
                Extent::Statement(end) => break end,
                Extent::Backslash(at) => {
                    self.buffer.consume(at);
                    return Err(DecodeErrorKind::MetaCommand(String::new()));
                }
                _ if ended => return Err(DecodeErrorKind::EndInStatement),
                _ => self.fill_item()?,
            }
        };
        let window = self.buffer.window();
        if !state.announced {
            let count = values::count(&window[..end], self.session.mode());
            let found = self.announce(state, Some(count))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        let (position, line, byte) = (self.buffer.position(), self.buffer.line, self.buffer.byte);
        self.buffer.consume(end);
        state.tuple_read = true;
        self.block_rows += 1;
        Ok(Some(Found::Row { position, length: end, line, byte }))
    }

    /// Hands out the block of an INSERT's rows, unless it is the last one still.
    fn announce(&mut self, state: &mut ValuesState, count: Option<usize>) -> Result<Option<Found>, DecodeErrorKind> {
        self.rows_begin()?;
        state.announced = true;
        let Some(last) = &self.insert else { return Ok(None) };
        if last.count.is_some() && last.count == count {
            return Ok(None);
        }
        let columns = self.insert_columns(&last.head, count);
        let block = Arc::new(Block {
            table: last.head.table.clone(),
            columns,
            form: RowForm::Values { standard_strings: self.session.standard_strings },
            encoding: self.session.encoding,
            line: state.line,
            byte: state.byte,
        });
        if let Some(last) = &mut self.insert {
            last.count = count;
        }
        Ok(Some(Found::Block(block)))
    }

    /// Without a list of columns, as many of the table's as there are values; the others have their defaults.
    fn insert_columns(&self, head: &Insert, count: Option<usize>) -> Vec<Column> {
        match rows::columns(head.columns.as_deref(), self.shape(&head.table)) {
            Some(mut columns) => {
                if head.columns.is_none()
                    && let Some(count) = count
                {
                    columns.truncate(count);
                }
                columns
            }
            None => rows::unnamed(count.unwrap_or(0)),
        }
    }

    /// Skips what follows the last tuple: ON CONFLICT, RETURNING, the semicolon.
    fn end_insert(&mut self) -> Result<Option<Found>, DecodeErrorKind> {
        loop {
            let ended = self.buffer.ended;
            match extent(self.buffer.window(), self.session.mode(), ended, false) {
                Extent::Statement(end) => {
                    self.buffer.consume(end);
                    return Ok(None);
                }
                Extent::Backslash(at) => {
                    self.buffer.consume(at);
                    return Err(DecodeErrorKind::MetaCommand(String::new()));
                }
                _ if ended => return Err(DecodeErrorKind::EndInStatement),
                _ => self.fill_item()?,
            }
        }
    }
}
