//! What can go wrong: with the source as a whole, and with one row of it.

use std::io;

use crate::names::TableName;

/// The source can't be read on from here.
#[derive(Debug, thiserror::Error)]
#[error("line {line}, byte {byte}{}: {kind}", place(self))]
pub struct DecodeError {
    /// Line, from 1.
    pub line: u64,
    /// Byte in the decompressed text, from 0.
    pub byte: u64,
    /// The table whose rows were being read, if any.
    pub table: Option<Box<TableName>>,
    /// Rows of that block that were complete before this point.
    pub row: Option<u64>,
    /// What happened.
    #[source]
    pub kind: DecodeErrorKind,
}

fn place(error: &DecodeError) -> String {
    match (&error.table, error.row) {
        (Some(table), Some(row)) => format!(", table {table}, after row {row} of its block"),
        (Some(table), None) => format!(", table {table}"),
        _ => String::new(),
    }
}

impl DecodeError {
    /// Whether the source was cut off or damaged, so that what came before is good but not all.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        match &self.kind {
            DecodeErrorKind::EndInCopy
            | DecodeErrorKind::EndInStatement
            | DecodeErrorKind::NoClosingComment { .. }
            | DecodeErrorKind::Empty => true,
            DecodeErrorKind::Read(error) => {
                matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData)
            }
            _ => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.kind.hint()
    }
}

/// Why a source can't be read on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input itself failed: a read error, a truncated or damaged compressed file.
    #[error("reading failed: {0}")]
    Read(#[source] io::Error),
    /// The source ended inside a COPY block.
    #[error("the source ends inside the rows of a COPY statement")]
    EndInCopy,
    /// The source ended inside a statement, a quoted string or a comment.
    #[error("the source ends inside a statement")]
    EndInStatement,
    /// A dump's closing comment is missing.
    #[error("the dump that begins at line {opened} has no closing comment \"{closing}\"")]
    NoClosingComment {
        /// Line of the opening comment.
        opened: u64,
        /// The comment that is missing.
        closing: &'static str,
    },
    /// The source holds nothing at all.
    #[error("the source is empty")]
    Empty,
    /// The source holds text, but no SQL.
    #[error("the source is no SQL dump: it begins with {0:?}")]
    NotADump(String),
    /// A psql command that is not understood.
    #[error("the psql command \\{0} is not allowed in a dump")]
    MetaCommand(String),
    /// A `\restrict` or `\unrestrict` whose token is missing, malformed or another one.
    #[error("the token of \\{0} is missing, not alphanumeric or does not match")]
    RestrictToken(&'static str),
    /// The source is in an encoding that can't be converted.
    #[error("the encoding {0} is not supported")]
    Encoding(String),
    /// A COPY format other than text.
    #[error("COPY in {0} format is not supported")]
    CopyFormat(String),
    /// A COPY option that changes what the rows mean.
    #[error("the COPY option {0} is not supported")]
    CopyOption(String),
    /// A statement that has rows and can't be understood.
    #[error("can't understand this statement: {0}")]
    Syntax(String),
    /// A statement or tuple over the row limit.
    #[error("a statement or tuple is longer than the limit of {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// Rows of more than one database, and none was chosen.
    #[error("the source holds rows of several databases: {}", .0.join(", "))]
    SeveralDatabases(Vec<String>),
    /// The chosen database is not in the source.
    #[error("the source holds no database {wanted:?}; it has: {}", list(.present))]
    NoSuchDatabase {
        /// The database that was asked for.
        wanted: String,
        /// Those that the source names.
        present: Vec<String>,
    },
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none named".to_owned() } else { names.join(", ") }
}

impl DecodeErrorKind {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read(_) => "check that the file was copied whole, e.g. with gzip -t, and fetch it again".to_owned(),
            Self::EndInCopy | Self::EndInStatement | Self::NoClosingComment { .. } | Self::Empty => {
                "the dump was cut off: make it again, or fetch it again".to_owned()
            }
            Self::NotADump(_) => "give a file made by pg_dump, plain or compressed".to_owned(),
            Self::MetaCommand(_) => {
                "only \\restrict, \\unrestrict and \\connect are understood; remove the line if you trust the file"
                    .to_owned()
            }
            Self::RestrictToken(_) => "the dump was altered or put together from pieces: make it again".to_owned(),
            Self::Encoding(_) => "make the dump with pg_dump --encoding=UTF8".to_owned(),
            Self::CopyFormat(_) | Self::CopyOption(_) | Self::Syntax(_) => {
                "make the dump with pg_dump's plain format, which writes COPY in text format".to_owned()
            }
            Self::TooLong { .. } => "raise the row limit".to_owned(),
            Self::SeveralDatabases(_) => "choose one with --database NAME".to_owned(),
            Self::NoSuchDatabase { .. } => "choose one of those with --database NAME".to_owned(),
        })
    }
}

/// Stable names of what can be wrong with one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RowErrorCode {
    /// More or fewer fields than columns.
    ColumnCount,
    /// Bytes that are invalid in the encoding.
    Encoding,
    /// A NUL byte, which PostgreSQL can't store in text.
    NulByte,
    /// A vector that is not written as one.
    VectorSyntax,
    /// A vector with an element or dimension that pgvector refuses.
    VectorValue,
    /// A newline that is neither escaped nor a line end of the block's kind.
    LiteralNewline,
    /// A carriage return that is neither escaped nor part of a line end.
    LiteralCarriageReturn,
    /// `\.` in the middle of a row.
    EndMarker,
    /// An expression that would have to be evaluated.
    Expression,
    /// A literal that is malformed.
    LiteralSyntax,
    /// A row over the limit.
    Oversized,
}

impl RowErrorCode {
    /// The code as it is stored and reported.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ColumnCount => "column_count",
            Self::Encoding => "encoding",
            Self::NulByte => "nul_byte",
            Self::VectorSyntax => "vector_syntax",
            Self::VectorValue => "vector_value",
            Self::LiteralNewline => "literal_newline",
            Self::LiteralCarriageReturn => "literal_carriage_return",
            Self::EndMarker => "end_marker",
            Self::Expression => "expression",
            Self::LiteralSyntax => "literal_syntax",
            Self::Oversized => "oversized",
        }
    }
}

/// One row can't be decoded; the rows after it can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", .column.as_ref().map(|name| format!("column {name}: ")).unwrap_or_default())]
pub struct RowError {
    /// Stable code.
    pub code: RowErrorCode,
    /// The column, where the fault is in one.
    pub column: Option<String>,
    /// What is wrong, for people.
    pub reason: String,
}

impl RowError {
    /// The error of a row that was skipped for its length, for the row's entry in the quarantine.
    #[must_use]
    pub fn oversized(length: u64, limit: usize) -> Self {
        Self {
            code: RowErrorCode::Oversized,
            column: None,
            reason: format!("the row has {length} bytes, more than the limit of {limit}"),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self.code {
            RowErrorCode::Encoding | RowErrorCode::NulByte => {
                "correct the value at its origin, or make the dump with pg_dump --encoding=UTF8".to_owned()
            }
            RowErrorCode::Expression => "make the dump with pg_dump, which writes values and no expressions".to_owned(),
            RowErrorCode::Oversized => "raise the row limit".to_owned(),
            _ => "correct the row in the source and load it again".to_owned(),
        })
    }
}
