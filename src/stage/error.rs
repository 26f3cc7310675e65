//! Why a source was not staged.

use crate::db::DbError;
use crate::db::ledger::FenceError;
use crate::db::server_info::ServerError;
use crate::db::staging::StagingError;
use crate::decode::DecodeError;
use crate::limits::MaxRejects;
use crate::names::TableName;
use crate::template::TemplateError;

/// Why a source was not staged.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The source can't be read.
    #[error("the source can't be read: {0}")]
    Decode(#[source] Box<DecodeError>),
    /// One table appears with two sets of columns.
    #[error("{table} gets a column {column:?} at line {line} that its earlier rows did not have")]
    Shape {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// Line of the statement that has it.
        line: u64,
    },
    /// Two tables would share a staging table.
    #[error("{first} and {second} would both be staged under one name")]
    SameName {
        /// The first.
        first: TableName,
        /// The second.
        second: TableName,
    },
    /// A table of that name is in the staging schema, and sqlmig did not make it.
    #[error("{table} exists and was not made by sqlmig, so it is not touched")]
    Foreign {
        /// The table.
        table: String,
    },
    /// The source holds vectors, and the target has no pgvector.
    #[error("the source holds vectors: {0}")]
    NoVector(#[source] ServerError),
    /// The source holds no rows' statement of any table that was asked for.
    #[error("the source holds no table to stage{}", besides(.left_out))]
    NoTables {
        /// Tables that it does hold.
        left_out: Vec<TableName>,
    },
    /// More rows could not be decoded than allowed.
    #[error("{rejected} rows could not be decoded, more than the {limit} that are allowed")]
    TooManyRejects {
        /// Rows in quarantine.
        rejected: u64,
        /// The limit.
        limit: MaxRejects,
    },
    /// The server took another number of rows than was sent.
    #[error("COPY into {table} took {copied} rows of {sent} that were sent")]
    Copied {
        /// The table.
        table: TableName,
        /// Rows sent.
        sent: u64,
        /// Rows taken.
        copied: u64,
    },
    /// The run began with another source.
    #[error("{table}: {what} are not those that this run has read before, so this is another source")]
    OtherSource {
        /// The table.
        table: TableName,
        /// What differs.
        what: String,
    },
    /// The rows counted by reader and server differ.
    #[error("{table}: {read} rows were read, {rejected} of them rejected, but {staged} are in staging")]
    Count {
        /// The table.
        table: TableName,
        /// Rows the reader saw.
        read: u64,
        /// Rows in quarantine.
        rejected: u64,
        /// Rows the server counts.
        staged: i64,
    },
    /// The digests of reader and server differ.
    #[error("{table}: what is in staging is not what was read: the digests differ")]
    Digest {
        /// The table.
        table: TableName,
    },
    /// It was asked to stop.
    #[error("staging was interrupted")]
    Interrupted,
    /// The run is another conductor's, or what it staged is gone.
    #[error(transparent)]
    Fence(#[from] FenceError),
    /// The other side has failed; its error is the one to tell.
    #[error("staging was stopped")]
    Stopped,
    /// A thread of staging panicked.
    #[error("a thread of staging failed: {0}")]
    Lane(String),
    /// One of sqlmig's own statements could not be made.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A staging table could not be changed.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

fn besides(tables: &[TableName]) -> String {
    let names: Vec<String> = tables.iter().map(ToString::to_string).collect();
    if names.is_empty() { String::new() } else { format!("; it has {}", names.join(", ")) }
}

impl StageError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Decode(error) => error.hint(),
            Self::Shape { .. } => {
                Some("make the dump anew with pg_dump, which gives a table one set of columns".into())
            }
            Self::SameName { first, .. } => Some(format!("stage them apart: --table {first}, then the other")),
            Self::Foreign { .. } => Some("rename or drop that table; the schema staging is sqlmig's own".into()),
            Self::NoVector(error) => error.hint(),
            Self::NoTables { left_out } if left_out.is_empty() => {
                Some("see what the file holds: sqlmig plan SOURCE".into())
            }
            Self::NoTables { .. } => Some("name one of those with --table, or leave --table out".into()),
            Self::TooManyRejects { .. } => {
                Some("see them with sqlmig report; mend the source or raise --max-rejects".into())
            }
            Self::Copied { .. } | Self::Count { .. } | Self::Digest { .. } => {
                Some("run the same command again; if it fails in the same way, please report it as a bug".into())
            }
            Self::OtherSource { .. } => {
                Some("give the source that the run began with, or begin a new run with --restart".into())
            }
            Self::Fence(error) => error.hint(),
            Self::Interrupted | Self::Stopped | Self::Lane(_) | Self::Template(_) => None,
            Self::Staging(error) => error.hint(),
            Self::Db(error) => error.hint(),
        }
    }
}
