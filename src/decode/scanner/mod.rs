//! The pull parser over a dump's text.

mod copy_block;
mod insert;
mod statement;

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use memchr::memchr;

use crate::decode::block::{Block, Item, Oversized, RawRow};
use crate::decode::buffer::Buffer;
use crate::decode::error::{DecodeError, DecodeErrorKind};
use crate::decode::extent::{Extent, extent};
use crate::decode::facts::{DumpFacts, DumpKind, TableShape};
use crate::decode::lexer::{self, Kind};
use crate::decode::psql::{self, Command};
use crate::decode::session::Session;
use crate::decode::{kind, values};
use crate::names::TableName;
use copy_block::CopyState;
use insert::{LastInsert, ValuesState};

/// UTF-8's byte order mark: a file begins with it, and so does each of several that were put together.
const BYTE_ORDER_MARK: [u8; 3] = *b"\xef\xbb\xbf";

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
    buffer: Buffer<R>,
    options: ScanOptions,
    facts: DumpFacts,
    session: Session,
    /// Where in [`DumpFacts::tables`] the present database's tables are.
    tables: HashMap<TableName, usize>,
    /// Token of the `\restrict` that is in force.
    restricted: Option<String>,
    /// The database that rows came from so far.
    rows_from: Option<Origin>,
    state: State,
    /// Rows since the present COPY or INSERT statement began.
    block_rows: u64,
    /// The head of the last INSERT as it was written, with what it was read as; most follow one like themselves.
    insert: Option<LastInsert>,
}

/// The database that rows come from, where the source names one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin(Option<String>);

#[derive(Debug)]
enum State {
    Start,
    Statements,
    Copy(CopyState),
    Values(ValuesState),
    Done,
}

/// What [`Scanner::advance`] found, without borrowing the buffer.
enum Found {
    Block(Arc<Block>),
    Row { position: usize, length: usize, line: u64, byte: u64 },
    Defaults { line: u64, byte: u64 },
    Oversized(Oversized),
    End,
}

impl<R: Read> Scanner<R> {
    /// A scanner at the beginning of `input`, which is decompressed text.
    pub fn new(input: R, options: ScanOptions) -> Self {
        Self {
            buffer: Buffer::new(input, options.buffer_bytes),
            options,
            facts: DumpFacts::default(),
            session: Session::default(),
            tables: HashMap::new(),
            restricted: None,
            rows_from: None,
            state: State::Start,
            block_rows: 0,
            insert: None,
        }
    }

    /// The next block or row; `None` at the proper end of a complete source.
    ///
    /// # Errors
    /// The source can't be read on, or ended too early; see [`DecodeError::is_incomplete`].
    pub fn next_item(&mut self) -> Result<Option<Item<'_>>, DecodeError> {
        let found = match self.advance() {
            Ok(found) => found,
            Err(kind) => return Err(self.error(kind)),
        };
        Ok(match found {
            Found::Block(block) => Some(Item::Block(block)),
            Found::Row { position, length, line, byte } => {
                Some(Item::Row(RawRow { bytes: self.buffer.at(position, length), line, byte }))
            }
            Found::Defaults { line, byte } => Some(Item::Row(RawRow { bytes: values::DEFAULT_VALUES, line, byte })),
            Found::Oversized(oversized) => Some(Item::Oversized(oversized)),
            Found::End => None,
        })
    }

    /// What was learned so far; final after the end.
    pub fn facts(&self) -> &DumpFacts {
        &self.facts
    }

    fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        let table = match &self.state {
            State::Copy(copy) => Some(Box::new(copy.head.table.clone())),
            State::Values(values) => Some(Box::new(values.table.clone())),
            _ => None,
        };
        let row = table.is_some().then_some(self.block_rows);
        DecodeError { line: self.buffer.line, byte: self.buffer.byte, table, row, kind }
    }

    fn advance(&mut self) -> Result<Found, DecodeErrorKind> {
        loop {
            let found = match self.state {
                State::Start => {
                    self.start()?;
                    None
                }
                State::Statements => {
                    if !self.skip_blanks(true)? {
                        self.finish()?;
                        return Ok(Found::End);
                    }
                    self.statement()?
                }
                State::Copy(_) => self.copy_row()?,
                State::Values(_) => self.tuple()?,
                State::Done => return Ok(Found::End),
            };
            let Some(found) = found else { continue };
            if !self.is_selected() {
                continue;
            }
            match &found {
                Found::Row { .. } | Found::Oversized(_) | Found::Defaults { .. } => self.facts.rows += 1,
                Found::Block(_) | Found::End => {}
            }
            return Ok(found);
        }
    }

    fn is_selected(&self) -> bool {
        self.options.database.is_none() || self.options.database == self.session.database
    }

    fn start(&mut self) -> Result<(), DecodeErrorKind> {
        while self.buffer.window().len() < 4 && self.fill()? {}
        let head = self.buffer.window();
        // A byte order mark, or the zero half of ASCII.
        if head.starts_with(&[0xff, 0xfe])
            || head.starts_with(&[0xfe, 0xff])
            || head.iter().take(4).any(|byte| *byte == 0)
        {
            return Err(DecodeErrorKind::Encoding("UTF-16".to_owned()));
        }
        self.state = State::Statements;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), DecodeErrorKind> {
        if let Some(open) = self.facts.dumps.iter().find(|dump| !dump.complete) {
            let closing = match open.kind {
                DumpKind::Database => "PostgreSQL database dump complete",
                DumpKind::Cluster => "PostgreSQL database cluster dump complete",
            };
            return Err(DecodeErrorKind::NoClosingComment { opened: open.line, closing });
        }
        let facts = &self.facts;
        if facts.dumps.is_empty() && facts.statements.is_empty() && facts.copy_blocks + facts.insert_statements == 0 {
            return Err(match facts.stray_lines.first() {
                Some(line) => DecodeErrorKind::NotADump(line.chars().take(80).collect()),
                None => DecodeErrorKind::Empty,
            });
        }
        if let Some(wanted) = &self.options.database
            && !facts.databases.contains(wanted)
        {
            let present = facts.databases.clone();
            return Err(DecodeErrorKind::NoSuchDatabase { wanted: wanted.clone(), present });
        }
        self.facts.complete = true;
        self.state = State::Done;
        Ok(())
    }

    fn fill(&mut self) -> Result<bool, DecodeErrorKind> {
        self.buffer.fill().map_err(DecodeErrorKind::Read)
    }

    /// Reads on for an item that is looked at from its beginning again; one over the limit is refused.
    fn fill_item(&mut self) -> Result<(), DecodeErrorKind> {
        if self.buffer.window().len() > self.options.row_limit_bytes {
            return Err(DecodeErrorKind::TooLong { limit: self.options.row_limit_bytes });
        }
        self.buffer.fill_double().map_err(DecodeErrorKind::Read)?;
        Ok(())
    }

    /// Skips blanks and comments; `false` at the end of the input. Between statements, the comments may be a dump's.
    fn skip_blanks(&mut self, between: bool) -> Result<bool, DecodeErrorKind> {
        loop {
            let ended = self.buffer.ended;
            let window = self.buffer.window();
            if between && window.starts_with(&BYTE_ORDER_MARK) {
                self.buffer.consume(BYTE_ORDER_MARK.len());
                continue;
            }
            if between && !ended && !window.is_empty() && BYTE_ORDER_MARK.starts_with(window) {
                self.fill_item()?;
                continue;
            }
            match lexer::token(window, 0, self.session.mode(), ended) {
                Some(token) if token.is_blank() => {
                    if between && token.kind == Kind::LineComment {
                        let text = String::from_utf8_lossy(&window[2..token.end]).into_owned();
                        self.facts.comment(&text, self.buffer.line);
                    }
                    self.buffer.consume(token.end);
                }
                Some(_) => return Ok(true),
                None if window.is_empty() && ended => return Ok(false),
                None if !window.is_empty() && !matches!(window[0], b'-' | b'/') => return Ok(true),
                None if ended => return Err(DecodeErrorKind::EndInStatement),
                None => self.fill_item()?,
            }
        }
    }

    /// Reads one statement, psql command or stray line.
    fn statement(&mut self) -> Result<Option<Found>, DecodeErrorKind> {
        let first = self.buffer.window()[0];
        if first == b'\\' {
            self.psql_line()?;
            return Ok(None);
        }
        if first == b';' {
            self.buffer.consume(1);
            return Ok(None);
        }
        if first != b'(' && !self.begins_statement()? {
            let length = self.line_length()?;
            let line = &self.buffer.window()[..length];
            self.facts.stray(line);
            self.buffer.consume(length);
            return Ok(None);
        }
        let mut stop_at_values = true;
        loop {
            let ended = self.buffer.ended;
            match extent(self.buffer.window(), self.session.mode(), ended, stop_at_values) {
                Extent::Statement(end) => return self.complete_statement(end).map(|()| None),
                Extent::Values(end) if self.insert_head(end) => return Ok(None),
                Extent::Values(_) => stop_at_values = false,
                Extent::Backslash(at) => {
                    self.buffer.consume(at);
                    let length = self.line_length()?;
                    let line = String::from_utf8_lossy(&self.buffer.window()[1..length]).into_owned();
                    let name = line.split_whitespace().next().unwrap_or_default().to_owned();
                    return Err(DecodeErrorKind::MetaCommand(name));
                }
                Extent::Unfinished if ended => return Err(DecodeErrorKind::EndInStatement),
                Extent::Unfinished => self.fill_item()?,
            }
        }
    }

    /// Whether the window begins with a word that begins statements. Messages on stderr that got into the file do not,
    /// and have a colon where theirs would end.
    fn begins_statement(&mut self) -> Result<bool, DecodeErrorKind> {
        loop {
            let window = self.buffer.window();
            let length = window.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
            if length < window.len() || self.buffer.ended {
                let after = window.get(length).copied();
                let joined =
                    after.is_some_and(|byte| byte.is_ascii_digit() || matches!(byte, b'_' | b':' | b'-' | 0x80..));
                return Ok(length > 0 && !joined && kind::is_command(&window[..length]));
            }
            self.fill_item()?;
        }
    }

    /// Length of the line that begins the window, with its line end.
    fn line_length(&mut self) -> Result<usize, DecodeErrorKind> {
        loop {
            let window = self.buffer.window();
            if let Some(end) = memchr(b'\n', window) {
                return Ok(end + 1);
            }
            if self.buffer.ended {
                return Ok(window.len());
            }
            self.fill_item()?;
        }
    }

    fn psql_line(&mut self) -> Result<(), DecodeErrorKind> {
        let length = self.line_length()?;
        let line = String::from_utf8_lossy(&self.buffer.window()[..length]).into_owned();
        // A command without its line end may be the beginning of one that is allowed.
        let cut = |error| {
            if line.ends_with('\n') || !psql::begins_command(&line) { error } else { DecodeErrorKind::EndInStatement }
        };
        match psql::command(&line).map_err(cut)? {
            Command::Restrict(token) => self.restricted = Some(token),
            Command::Unrestrict(token) => {
                if self.restricted.take() != Some(token) {
                    return Err(DecodeErrorKind::RestrictToken("unrestrict"));
                }
            }
            Command::Connect(database) => {
                if let Some(name) = &database
                    && !self.facts.databases.contains(name)
                {
                    self.facts.databases.push(name.clone());
                }
                if database.is_some() && database != self.session.database {
                    self.tables.clear();
                }
                self.session.connect(database);
                self.insert = None;
            }
        }
        self.buffer.consume(length);
        Ok(())
    }
}
