//! What the commands of a load take: the source, the limits, and how to promote.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use sqlmig::limits::{BatchSize, ByteSize, MaxRejects, Parallel, TimeSpan};
use sqlmig::names::TableName;
use sqlmig::source::remote::shown;
use sqlmig::source::tree::Root;

use super::RemoteArgs;

/// A source and which part of it.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Source")]
pub struct SourceArgs {
    /// A pg_dump file, plain or compressed (gzip, zstd, xz) or in custom format; - reads stdin; https:// and s3:// URLs
    /// are streamed; docs-tree:PATH is a folder or archive of documentation
    #[arg(value_name = "SOURCE", help_heading = None, required_unless_present = "sources", conflicts_with = "sources")]
    pub source: Option<PathBuf>,
    /// A tree of documentation of a type, as TYPE=PATH or TYPE:NAME=PATH; may be given many times
    ///
    /// PATH is a folder, an archive (.zip, .tar.gz, .crate) or a file; FOLDER/* stands for everything in a folder, each a
    /// source of its own. docs/documentation-trees.md says more.
    #[arg(long = "source", id = "sources", value_name = "TYPE=PATH", env = "SQLMIG_SOURCE", value_delimiter = ',')]
    pub sources: Vec<Root>,
    /// Remove the documents of files that are gone from their tree; sqlmig rollback brings them back
    #[arg(long, env = "SQLMIG_PRUNE", value_parser = BoolishValueParser::new())]
    pub prune: bool,
    /// Files of a tree larger than this go to quarantine unread [default: 32MiB]
    #[arg(long, value_name = "SIZE", env = "SQLMIG_FILE_LIMIT")]
    pub file_limit: Option<ByteSize>,
    /// Only this table, as schema.table; may be given many times [default: all]
    #[arg(long = "table", value_name = "TABLE", env = "SQLMIG_TABLE", value_delimiter = ',')]
    pub tables: Vec<TableName>,
    /// Which database of a pg_dumpall file
    #[arg(long, value_name = "NAME", env = "SQLMIG_DATABASE")]
    pub database: Option<String>,
    /// Rows longer than this go to quarantine unread [default: 256MiB]
    #[arg(long, value_name = "SIZE", env = "SQLMIG_ROW_LIMIT")]
    pub row_limit: Option<ByteSize>,
    /// How a source on the network is read.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

impl SourceArgs {
    /// The source as it was typed, for the command to run again; without what is secret in a URL.
    #[must_use]
    pub fn typed(&self) -> String {
        if let Some(path) = &self.source {
            shown(&path.display().to_string())
        } else {
            {
                let one = |root: &Root| {
                    let name = root.name.as_ref().map(|name| format!(":{name}")).unwrap_or_default();
                    let doc_type = root.doc_type.as_deref().unwrap_or_default();
                    format!("--source {doc_type}{name}={}", root.path.display())
                };
                let trees: Vec<String> = self.sources.iter().map(one).collect();
                trees.join(" ") + if self.prune { " --prune" } else { "" }
            }
        }
    }
}

/// What becomes of a run that is not finished.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Source")]
pub struct RestartArgs {
    /// Set an unfinished run aside and begin a new one; what it promoted stays
    #[arg(long, env = "SQLMIG_RESTART", value_parser = BoolishValueParser::new())]
    pub restart: bool,
}

/// When rejected rows stop a load.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Fail where more rows are rejected: a count as 100, or a share of all rows as 0.5% [default: no bound]
    #[arg(long, value_name = "N|P%", env = "SQLMIG_MAX_REJECTS")]
    pub max_rejects: Option<MaxRejects>,
}

/// How long to wait for what is in no batch.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct WaitArgs {
    /// Wait at most so long for a lock: 500ms, 5s, 1min; a batch tries again [default: 5s]
    #[arg(long, value_name = "TIME", env = "SQLMIG_LOCK_TIMEOUT")]
    pub lock_timeout: Option<TimeSpan>,
    /// A check, a proof or taking a batch back may take so long [default: 2h]
    #[arg(long, value_name = "TIME", env = "SQLMIG_LONG_TIMEOUT")]
    pub long_timeout: Option<TimeSpan>,
}

/// How long the server may take.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct TimeoutArgs {
    /// What is in no batch.
    #[command(flatten)]
    pub waits: WaitArgs,
    /// A statement may take so long; a batch that takes longer twice is halved [default: 5min]
    #[arg(long, value_name = "TIME", env = "SQLMIG_STATEMENT_TIMEOUT")]
    pub statement_timeout: Option<TimeSpan>,
}

/// Rows of one batch.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Promotion")]
pub struct BatchArgs {
    /// Staged rows promoted in one transaction; auto: 5000, fewer where rows are wide [default: auto]
    #[arg(long, value_name = "ROWS", env = "SQLMIG_BATCH_SIZE")]
    pub batch_size: Option<BatchSize>,
}

/// How rows are promoted.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Promotion")]
pub struct PromoteArgs {
    /// Rows of one batch.
    #[command(flatten)]
    pub batch: BatchArgs,
    /// Batches at work at once, each on a connection of its own; auto: as many as turn out to be fastest [default: auto]
    #[arg(long, value_name = "N", env = "SQLMIG_PARALLEL")]
    pub parallel: Option<Parallel>,
    /// Connections that sqlmig may have to the target at once [default: 20]
    #[arg(long, value_name = "N", env = "SQLMIG_MAX_CONNECTIONS", value_parser = clap::value_parser!(u32).range(6..=90))]
    pub max_connections: Option<u32>,
    /// Promote also what came from an unfinished source (truncated file, no closing comment)
    #[arg(long, value_name = "BOOL", env = "SQLMIG_ALLOW_INCOMPLETE", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    pub allow_incomplete: Option<bool>,
}
