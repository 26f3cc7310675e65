//! What a source told about itself: headers, shapes of tables, and everything that was seen and not executed.

use std::collections::BTreeMap;

use crate::names::TableName;

/// Which program's opening comment a dump begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DumpKind {
    /// `pg_dump` of one database.
    Database,
    /// `pg_dumpall` of a cluster; the dumps of its databases follow as dumps of their own.
    Cluster,
}

/// One dump in the source, from its opening comment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpHeader {
    /// What wrote it.
    pub kind: DumpKind,
    /// Line of the opening comment, from 1.
    pub line: u64,
    /// Version of the server, as `pg_dump` wrote it, e.g. `13.5 (Debian 13.5-1.pgdg110+1)`.
    pub server_version: Option<String>,
    /// Version of `pg_dump`.
    pub pg_dump_version: Option<String>,
    /// Whether its closing comment was seen.
    pub complete: bool,
}

/// A column as a `CREATE TABLE` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnShape {
    /// Its name, unquoted.
    pub name: String,
    /// Its type as written, e.g. `public.vector(384)` or `timestamp without time zone`.
    pub type_text: String,
    /// Whether its value is generated, so that COPY without a column list leaves it out.
    pub generated: bool,
}

/// A table as a `CREATE TABLE` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableShape {
    /// Its name.
    pub name: TableName,
    /// The database it was created in, where the source names one.
    pub database: Option<String>,
    /// Its columns in order.
    pub columns: Vec<ColumnShape>,
}

/// An enum type and its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnumShape {
    /// Its name.
    pub name: TableName,
    /// Its labels in order.
    pub labels: Vec<String>,
}

/// Everything learned from a source so far; final once the scanner came to the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DumpFacts {
    /// The dumps in the source, in order; empty where no opening comment was seen.
    pub dumps: Vec<DumpHeader>,
    /// PostgreSQL's name of the last `client_encoding`, e.g. `UTF8`.
    pub encoding: Option<String>,
    /// Statements that were seen and not executed, by kind, e.g. `CREATE FUNCTION`. Rows' own statements
    /// (`COPY … FROM stdin`, `INSERT … VALUES`) are not among them.
    pub statements: BTreeMap<String, u64>,
    /// `COPY … FROM stdin` blocks.
    pub copy_blocks: u64,
    /// `INSERT … VALUES` statements.
    pub insert_statements: u64,
    /// Rows handed out or skipped as oversized.
    pub rows: u64,
    /// Tables created, in order.
    pub tables: Vec<TableShape>,
    /// Enum types created, in order.
    pub enums: Vec<EnumShape>,
    /// Databases that `\connect` names, in order, each once.
    pub databases: Vec<String>,
    /// Lines that are no SQL, such as messages on stderr that got into the file: the first 100, each at most 500 bytes.
    pub stray_lines: Vec<String>,
    /// How many such lines there are.
    pub stray_line_count: u64,
    /// Whether the source was read to its proper end.
    pub complete: bool,
}

impl DumpFacts {
    pub(super) fn count(&mut self, kind: String) {
        *self.statements.entry(kind).or_default() += 1;
    }

    pub(super) fn stray(&mut self, line: &[u8]) {
        self.stray_line_count += 1;
        if self.stray_lines.len() < 100 {
            let head = &line[..line.len().min(500)];
            self.stray_lines.push(String::from_utf8_lossy(head).trim_end().to_owned());
        }
    }

    /// Looks for the comments that `pg_dump` and `pg_dumpall` write; `text` is a comment without its `--`.
    pub(super) fn comment(&mut self, text: &str, line: u64) {
        let text = text.trim();
        match text {
            "PostgreSQL database dump" => self.open(DumpKind::Database, line),
            "PostgreSQL database cluster dump" => self.open(DumpKind::Cluster, line),
            "PostgreSQL database dump complete" => self.close(DumpKind::Database),
            "PostgreSQL database cluster dump complete" => self.close(DumpKind::Cluster),
            _ => {
                let Some(dump) = self.dumps.last_mut() else { return };
                if let Some(version) = text.strip_prefix("Dumped from database version ") {
                    dump.server_version = Some(version.to_owned());
                } else if let Some(version) = text.strip_prefix("Dumped by pg_dump version ") {
                    dump.pg_dump_version = Some(version.to_owned());
                }
            }
        }
    }

    fn open(&mut self, kind: DumpKind, line: u64) {
        self.dumps.push(DumpHeader { kind, line, server_version: None, pg_dump_version: None, complete: false });
    }

    /// Closes the newest open dump of its kind, so that an unfinished one before it stays open and is found.
    fn close(&mut self, kind: DumpKind) {
        if let Some(dump) = self.dumps.iter_mut().rev().find(|dump| dump.kind == kind && !dump.complete) {
            dump.complete = true;
        }
    }
}
