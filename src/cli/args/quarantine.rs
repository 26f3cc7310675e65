//! What `sqlmig quarantine` takes.

use clap::Subcommand;
use sqlmig::limits::MaxRejects;
use sqlmig::names::TableName;

use super::which::LoadArgs;
use super::{ConsentArgs, EmbeddingArgs, WaitArgs};

/// What to do with the quarantine.
#[derive(Debug, Subcommand)]
pub enum QuarantineCommand {
    /// Count the rows by table, check and code, and list them
    ///
    /// Reads the ledger. Rows that a retry took are counted, and listed where that retry put them.
    #[command(after_help = concat!("\
Examples:
  sqlmig quarantine list
  sqlmig quarantine list --table public.documents --check content_empty --limit 100 --output json

Next: sqlmig quarantine show TABLE ROW.
", "Exit codes: sqlmig --help lists them."))]
    List {
        /// Which run.
        #[command(flatten)]
        run: LoadArgs,
        /// Only rows of this source table
        #[arg(long, value_name = "TABLE")]
        table: Option<TableName>,
        /// Only rows that this check took out; decode means those that could not be read
        #[arg(long, value_name = "CHECK")]
        check: Option<String>,
        /// At most so many rows [default: 20]
        #[arg(long, value_name = "N", env = "SQLMIG_LIMIT", value_parser = clap::value_parser!(u32).range(1..))]
        limit: Option<u32>,
    },
    /// Show one row whole: why it is there, where it stood, and what is in it
    ///
    /// Reads the ledger.
    #[command(after_help = concat!("\
Examples:
  sqlmig quarantine show public.documents 1290
  sqlmig quarantine show public.documents 1290 --output json

Next: sqlmig quarantine retry TABLE ROW --set COLUMN=VALUE.
", "Exit codes: sqlmig --help lists them."))]
    Show {
        /// The source table
        #[arg(value_name = "TABLE")]
        table: TableName,
        /// The row's ordinal in it, from 1
        #[arg(value_name = "ROW")]
        row: i64,
        /// Which run.
        #[command(flatten)]
        run: LoadArgs,
    },
    /// Try rows again, through the same checks, into the same final tables
    ///
    /// For rows whose check was corrected in the project, and for a row that is mended by --set. A retry is a run of its
    /// own: it stages the rows from the ledger, checks, promotes and validates them, and ends in a report. What fails
    /// again is in its quarantine. Nothing in the old run's quarantine is changed but that it names the retry.
    #[command(after_help = concat!("\
Examples:
  sqlmig quarantine retry --check content_empty
  sqlmig quarantine retry public.documents 1290 --set doc_type=rust --set-null metadata
  sqlmig quarantine retry public.documents 1290 --set-file content=mended.txt

Next: sqlmig quarantine list shows what failed again.
", "Exit codes: sqlmig --help lists them."))]
    Retry {
        /// Only rows of this source table
        #[arg(value_name = "TABLE")]
        table: Option<TableName>,
        /// Only the row of this ordinal
        #[arg(value_name = "ROW", requires = "table")]
        row: Option<i64>,
        /// Only rows of this source table
        #[arg(id = "only_table", long = "table", value_name = "TABLE", conflicts_with = "table")]
        only_table: Option<TableName>,
        /// Only the row of this ordinal
        #[arg(id = "only_row", long = "row", value_name = "ROW", conflicts_with = "row")]
        only_row: Option<i64>,
        /// Only rows that this check took out
        #[arg(long, value_name = "CHECK")]
        check: Option<String>,
        /// Which run.
        #[command(flatten)]
        run: LoadArgs,
        /// Fail where more rows are rejected again: a count as 10, or a share of the rows tried as 50% [default: no bound;
        /// max_rejects of sqlmig.toml is about loads]
        #[arg(long, value_name = "N|P%", env = "SQLMIG_MAX_REJECTS")]
        max_rejects: Option<MaxRejects>,
        /// Whether to ask.
        #[command(flatten)]
        consent: ConsentArgs,
        /// How long to wait.
        #[command(flatten)]
        waits: Box<WaitArgs>,
        /// How the row is mended.
        #[command(flatten)]
        mend: MendArgs,
        /// How to fetch embeddings.
        #[command(flatten)]
        embedding: Box<EmbeddingArgs>,
    },
}

/// How a row is mended.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Mending one row")]
pub struct MendArgs {
    /// The value of a column, as text; may be given many times
    #[arg(long = "set", value_name = "COLUMN=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
    /// A column that is null; may be given many times
    #[arg(long = "set-null", value_name = "COLUMN")]
    pub set_null: Vec<String>,
    /// A column whose value is what this file holds; may be given many times
    #[arg(long = "set-file", value_name = "COLUMN=FILE", value_parser = assignment)]
    pub set_file: Vec<(String, String)>,
}

/// A column and what is given for it.
fn assignment(text: &str) -> Result<(String, String), String> {
    let (column, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not COLUMN=VALUE"))?;
    Ok((column.to_owned(), value.to_owned()))
}
