//! The pull parser over a dump's text.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use memchr::{memchr, memchr_iter};

use super::block::{Block, Column, Item, Oversized, RawRow, RowForm};
use super::buffer::Buffer;
use super::cursor::Cursor;
use super::ddl::{self, Created};
use super::encoding::Trail;
use super::error::{DecodeError, DecodeErrorKind};
use super::facts::{DumpFacts, DumpKind, EnumShape, TableShape};
use super::lexer::{self, Extent, Kind};
use super::psql::{self, Command};
use super::rows::{self, Copy, CopyStdin, Insert};
use super::session::Session;
use super::{copy_text, kind, values};
use crate::names::TableName;

/// How much of an oversized row is kept for people to recognise it by.
const OVERSIZED_HEAD_BYTES: usize = 4096;

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
    /// The block that was handed out last.
    block: Option<Arc<Block>>,
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

#[derive(Debug)]
struct CopyState {
    head: CopyStdin,
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

#[derive(Debug)]
struct ValuesState {
    table: TableName,
    line: u64,
    byte: u64,
    /// Whether a tuple was read, so that a comma or the end of the statement must follow.
    tuple_read: bool,
    /// Whether the block of these rows was handed out.
    announced: bool,
}

#[derive(Debug)]
struct LastInsert {
    text: Vec<u8>,
    session: Session,
    head: Insert,
    tables: usize,
    /// Values in the first tuple, where that decides the columns.
    count: Option<usize>,
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
            block: None,
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
            if window.starts_with(b"\xef\xbb\xbf") && between {
                self.buffer.consume(3);
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
            match lexer::extent(self.buffer.window(), self.session.mode(), ended, stop_at_values) {
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

    /// Takes note of a statement that ends at `end` of the window.
    fn complete_statement(&mut self, end: usize) -> Result<(), DecodeErrorKind> {
        let text = &self.buffer.window()[..end];
        let mut cursor = Cursor::new(text, self.session.mode(), self.session.encoding);
        let mut kind = kind::of(&mut cursor.clone());
        let mut created = None;
        let mut copy = None;
        match cursor.peek_word().as_deref() {
            Some("copy") => {
                cursor.next();
                match rows::copy(&mut cursor)? {
                    Copy::Stdin(head) => copy = Some(head),
                    Copy::Other(name) => name.clone_into(&mut kind),
                }
            }
            Some("set") => {
                cursor.next();
                self.session.set(&mut cursor)?;
                self.facts.encoding = Some(self.session.encoding.name().to_owned());
            }
            Some("select") => {
                cursor.next();
                if let Some(name) = self.session.select(&mut cursor)? {
                    name.clone_into(&mut kind);
                }
            }
            Some("create") => {
                cursor.next();
                created = ddl::create(&mut cursor);
            }
            _ => {}
        }
        if let Some(head) = copy {
            return self.begin_copy(head, end);
        }
        self.facts.count(kind);
        if self.is_selected() {
            match created {
                Some(Created::Table { name, columns, parents }) => self.create_table(name, columns, &parents),
                Some(Created::Enum { name, labels }) => {
                    self.facts.enums.push(EnumShape { name: self.session.resolve(name), labels });
                }
                None => {}
            }
        }
        self.buffer.consume(end);
        Ok(())
    }

    fn create_table(&mut self, name: TableName, own: Vec<super::ColumnShape>, parents: &[TableName]) {
        let name = self.session.resolve(name);
        let mut columns: Vec<super::ColumnShape> = Vec::new();
        for parent in parents {
            if let Some(shape) = self.shape(&self.session.resolve(parent.clone())) {
                columns.extend(shape.columns.iter().cloned());
            }
        }
        columns.extend(own);
        // A column that a parent has too is one column, where it stood first.
        let mut names = std::collections::HashSet::new();
        columns.retain(|column| names.insert(column.name.clone()));
        self.tables.insert(name.clone(), self.facts.tables.len());
        self.facts.tables.push(TableShape { name, database: self.session.database.clone(), columns });
    }

    /// The shape of a table, from the source or from what the caller knows.
    fn shape(&self, name: &TableName) -> Option<&TableShape> {
        let unqualified = TableName::unqualified(name.table.as_str());
        // A table may be created before the search path is set, or have rows before it: then only its own name is known.
        let created = self.tables.get(name).or_else(|| self.tables.get(&unqualified)).or_else(|| {
            let same = |known: &&TableName| name.schema.is_none() && known.table == name.table;
            let mut found = self.tables.keys().filter(same);
            found.next().filter(|_| found.next().is_none()).and_then(|only| self.tables.get(only))
        });
        if let Some(index) = created {
            return self.facts.tables.get(*index);
        }
        let known = || self.options.known.iter();
        known().find(|shape| shape.name == *name).or_else(|| {
            let mut found = known().filter(|shape| name.schema.is_none() && shape.name.table == name.table);
            found.next().filter(|_| found.next().is_none())
        })
    }

    /// Refuses rows of a second database, unless one was chosen.
    fn rows_begin(&mut self) -> Result<(), DecodeErrorKind> {
        if self.options.database.is_some() {
            return Ok(());
        }
        let here = Origin(self.session.database.clone());
        let before = self.rows_from.get_or_insert_with(|| here.clone());
        if *before == here {
            return Ok(());
        }
        let mut names = vec![before.0.clone().unwrap_or_else(|| "(not named)".to_owned())];
        names.extend(self.facts.databases.iter().filter(|name| Some(*name) != before.0.as_ref()).cloned());
        Err(DecodeErrorKind::SeveralDatabases(names))
    }

    fn begin_copy(&mut self, mut head: CopyStdin, end: usize) -> Result<(), DecodeErrorKind> {
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
    fn copy_row(&mut self) -> Result<Option<Found>, DecodeErrorKind> {
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
            // Only a row can be this long, and it ends somewhere, or the input does.
            if window.len() > limit && copy.announced {
                return self.skip_oversized(copy).map(CopyLine::Found);
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
            copy.searched = end;
            copy.newlines = 0;
            let first = (!at_end).then_some(line);
            let block = self.copy_block(&copy.head, first, copy.line, copy.byte);
            copy.searched = 0;
            copy.announced = true;
            self.block = Some(Arc::clone(&block));
            return Ok(CopyLine::Found(Found::Block(block)));
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
        let (line, byte) = (self.buffer.line, self.buffer.byte);
        let window = self.buffer.window();
        let head = window[..OVERSIZED_HEAD_BYTES.min(window.len())].to_vec();
        copy.newlines = 0;
        loop {
            // What is dropped ends before the last backslashes, so that it stays known whether a newline is escaped.
            let window = self.buffer.window();
            let run = window.iter().rev().take_while(|byte| **byte == b'\\').count();
            let dropped = window.len() - (run % 2);
            self.buffer.consume(dropped);
            if !self.fill()? {
                return Err(DecodeErrorKind::EndInCopy);
            }
            let window = self.buffer.window();
            let end = memchr_iter(b'\n', window).find(|&at| !is_escaped(window, at, Trail::Safe));
            if let Some(end) = end {
                self.buffer.consume(end + 1);
                copy.searched = 0;
                self.block_rows += 1;
                let length = self.buffer.byte - byte - 1;
                return Ok(Found::Oversized(Oversized { line, byte, length, head }));
            }
        }
    }

    /// Begins the rows of an INSERT whose VALUES ends at `end` of the window; `false` if its rows do not simply follow.
    fn insert_head(&mut self, end: usize) -> bool {
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
    fn tuple(&mut self) -> Result<Option<Found>, DecodeErrorKind> {
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
        let end = loop {
            let ended = self.buffer.ended;
            match lexer::tuple_extent(self.buffer.window(), self.session.mode(), ended) {
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
        if window[0] != b'(' {
            return Err(DecodeErrorKind::Syntax("expected \"(\" after VALUES".to_owned()));
        }
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
        self.block = Some(Arc::clone(&block));
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
            match lexer::extent(self.buffer.window(), self.session.mode(), ended, false) {
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
