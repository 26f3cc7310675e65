//! What may be typed. Every option may also come from the environment (`SQLMIG_…`) and, mostly, from `sqlmig.toml`;
//! an option that was not given is `None` here, and [`super::settings`] decides what it then means.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{ArgGroup, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use secrecy::SecretString;
use sqlmig::generate::{FaultShare, Shape};
use sqlmig::limits::{ByteSize, MaxRejects, TimeSpan};
use sqlmig::names::TableName;
use uuid::Uuid;

/// Says, under `sqlmig --help`, what holds for every command.
const AFTER_HELP: &str = "\
Settings:
  An option given as a flag wins over its environment variable, that over the key of the same name in the project's \
sqlmig.toml (--batch-size, SQLMIG_BATCH_SIZE, batch_size = 5000), and that over the default. A switch that a file turned \
on is turned off by --switch=false.

Database:
  DATABASE_URL names the target. Without one sqlmig starts a PostgreSQL of its own in .sqlmig/ and says so.

Output:
  Data goes to stdout, everything else to stderr. After any failure, run the same command again.

Exit codes (docs/exit-codes.md says what to do about each):
  0 done
  1 unexpected
  2 usage or configuration
  3 the data failed a check, a budget or the books
  4 the source cannot be read
  5 the database is unavailable (retry)
  6 another run holds the lock (retry)
  7 interrupted, resumable (retry)
  8 the embeddings API is unavailable (retry)

First steps:
  sqlmig plan dump.sql.gz     what would happen; writes nothing
  sqlmig run dump.sql.gz      all of it, ending in a report";

/// A declarative, SQL-first loader into PostgreSQL and pgvector.
///
/// Hand it a dump and a folder of SQL. It stages the dump's rows, checks them, promotes them to their final tables in
/// batches that can be undone, and proves at the end that no row was lost.
#[derive(Debug, Parser)]
#[command(name = "sqlmig", version, after_help = AFTER_HELP, max_term_width = 120, arg_required_else_help = true)]
pub struct Args {
    /// What holds for every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// The target database, as a postgres:// URL
    ///
    /// A password in a command line is visible to everyone on the machine (ps): leave it out of the flag and give it by
    /// DATABASE_URL, PGPASSWORD, a pgpass file, or a file named by SQLMIG_PASSWORD_FILE.
    #[arg(long, global = true, value_name = "URL", env = "DATABASE_URL", hide_env_values = true, value_parser = secret)]
    pub database_url: Option<SecretString>,
    /// The project's folder (sqlmig.toml, migrations/, transforms/) [default: the built-in project docs]
    #[arg(long, global = true, value_name = "DIR", env = "SQLMIG_PROJECT")]
    pub project: Option<PathBuf>,
    /// Where the embedded PostgreSQL lives when no database is named [default: .sqlmig]
    #[arg(long, global = true, value_name = "DIR", env = "SQLMIG_EMBEDDED_DIR")]
    pub embedded_dir: Option<PathBuf>,
    /// The folder with the initdb and postgres to start as embedded server [default: the newest found]
    #[arg(long, global = true, value_name = "DIR", env = "SQLMIG_POSTGRES_BIN")]
    pub postgres_bin: Option<PathBuf>,
    /// Never download PostgreSQL; fail where none is installed
    #[arg(long, global = true, value_name = "BOOL", env = "SQLMIG_NO_FETCH", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    pub no_fetch: Option<bool>,
    /// How data is written to stdout [default: table]
    #[arg(long, global = true, value_name = "FORMAT", env = "SQLMIG_OUTPUT")]
    pub output: Option<Output>,
    /// How log lines are written to stderr [default: text]
    #[arg(long, global = true, value_name = "FORMAT", env = "SQLMIG_LOG_FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Which log lines: error, warn, info, debug, trace, or directives as sqlmig=debug,tokio_postgres=info
    /// [default: info; warn under a progress display]
    #[arg(long, global = true, value_name = "LEVEL", env = "SQLMIG_LOG_LEVEL")]
    pub log_level: Option<String>,
    /// No progress display and no log lines but warnings
    #[arg(short, long, global = true, value_name = "BOOL", env = "SQLMIG_QUIET", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    pub quiet: Option<bool>,
    /// Show also what passed: every check, every staging table
    #[arg(short, long, global = true, value_name = "BOOL", env = "SQLMIG_VERBOSE", num_args = 0..=1,
          require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new(),
          hide_possible_values = true)]
    pub verbose: Option<bool>,
    /// Colours: on a terminal, always or never; NO_COLOR is honoured [default: auto]
    #[arg(long, global = true, value_name = "WHEN", env = "SQLMIG_COLOR")]
    pub color: Option<Color>,
}

/// The commands, in the order in which a load uses them.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Load a source: everything, in order, ending in a report
    ///
    /// Reads SOURCE and the project. Migrates the database, stages the source's rows, normalises and checks them,
    /// promotes what passed to the final tables in batches, proves the result and prints the report. Stopped at any
    /// point, the same command ends in the same final tables; done already, it changes nothing and says so.
    #[command(after_help = concat!("\
Examples:
  sqlmig run dump.sql.gz
  pg_dump mydb | sqlmig run -
  DATABASE_URL=postgres://loader@db/docs sqlmig run dump.sql.gz --max-rejects 1%

Next: sqlmig report shows the result again; sqlmig history lists all runs.
", "Exit codes: sqlmig --help lists them."))]
    Run {
        /// What to load.
        #[command(flatten)]
        source: SourceArgs,
        /// Whether to begin anew.
        #[command(flatten)]
        restart: RestartArgs,
        /// When to give up.
        #[command(flatten)]
        limits: LimitArgs,
        /// How long to wait.
        #[command(flatten)]
        timeouts: TimeoutArgs,
        /// How to promote.
        #[command(flatten)]
        promote: PromoteArgs,
    },
    /// Show what a run would do; writes nothing
    ///
    /// Reads SOURCE to its end and looks at the target in READ ONLY transactions. Prints the tables with their rows,
    /// which transforms use them, the pending migrations, the checks, the batches, and what else the source holds
    /// (functions, triggers, grants …) that no one will execute.
    #[command(after_help = concat!("\
Examples:
  sqlmig plan dump.sql.gz
  sqlmig plan dump.sql.gz --output json

Next: sqlmig run dump.sql.gz does it.
", "Exit codes: sqlmig --help lists them."))]
    Plan {
        /// What to look at.
        #[command(flatten)]
        source: SourceArgs,
        /// Rows of one batch.
        #[command(flatten)]
        batch: BatchArgs,
    },
    /// Bring the ledger and the project's schema up to date
    ///
    /// Applies the ledger's and the project's pending migrations and prints which. Safe to run by many processes at
    /// once. A migration that was applied and has since been edited or lost is refused by name.
    #[command(after_help = concat!("\
Examples:
  sqlmig migrate
  sqlmig migrate --project ./myproject

Next: sqlmig stage SOURCE.
", "Exit codes: sqlmig --help lists them."))]
    Migrate,
    /// Stream a source into staging tables
    ///
    /// Reads SOURCE; nothing in it is executed. Writes one UNLOGGED table per source table in schema staging, with the
    /// source's columns and _row. Rows that cannot be decoded go to quarantine with their line and reason. Works on
    /// any pg_dump, also without a project.
    #[command(after_help = concat!("\
Examples:
  sqlmig stage dump.sql.gz
  sqlmig stage dump.sql.gz --table public.documents --max-rejects 100

Next: sqlmig check.
", "Exit codes: sqlmig --help lists them."))]
    Stage {
        /// What to stage.
        #[command(flatten)]
        source: SourceArgs,
        /// Whether to begin anew.
        #[command(flatten)]
        restart: RestartArgs,
        /// When to give up.
        #[command(flatten)]
        limits: LimitArgs,
        /// How long to wait for the server.
        #[command(flatten)]
        timeouts: TimeoutArgs,
    },
    /// Run the project's checks on the staged rows and settle duplicates
    ///
    /// Reads the staged rows through transforms/normalise, runs transforms/check and transforms/dedup. Rows that a
    /// check of severity reject finds go to quarantine; one of severity error blocks promotion (exit code 3); one of
    /// severity warn is reported.
    #[command(after_help = concat!("\
Examples:
  sqlmig check
  sqlmig check --verbose

Next: sqlmig promote.
", "Exit codes: sqlmig --help lists them."))]
    Check {
        /// Which run.
        #[command(flatten)]
        run: RunArgs,
        /// When to give up.
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// Write the rows that passed to the final tables, batch by batch
    ///
    /// Reads the checked rows through transforms/promote. Each batch is one transaction with its before-images, its
    /// rows and its line in the ledger: it happened wholly or not at all. Rows that the target already has as they are
    /// stay untouched. A row that the database refuses goes to quarantine.
    ///
    /// With --worker: takes batches that another process, the conductor, has laid out, until none is left. Any number of
    /// such processes may help; one that dies leaves its batch to the others.
    #[command(after_help = concat!("\
Examples:
  sqlmig promote
  sqlmig promote --batch-size 10000 --parallel 2
  sqlmig promote --worker

Next: sqlmig validate.
", "Exit codes: sqlmig --help lists them."))]
    Promote {
        /// Which run.
        #[command(flatten)]
        run: RunArgs,
        /// Help another process: take its batches, and begin and conclude nothing
        #[arg(long, env = "SQLMIG_WORKER", value_parser = BoolishValueParser::new())]
        worker: bool,
        /// When to give up.
        #[command(flatten)]
        limits: LimitArgs,
        /// How long to wait.
        #[command(flatten)]
        timeouts: TimeoutArgs,
        /// How to promote.
        #[command(flatten)]
        promote: PromoteArgs,
    },
    /// Prove the result: the books, and the project's proofs on the final tables
    ///
    /// Reads the ledger, the staged rows and the final tables; runs transforms/validate. Ends with exit code 3 where
    /// the books do not balance or a proof of severity error finds rows.
    #[command(after_help = concat!("\
Examples:
  sqlmig validate
  sqlmig validate --output json

Next: sqlmig report.
", "Exit codes: sqlmig --help lists them."))]
    Validate {
        /// Which run.
        #[command(flatten)]
        run: RunArgs,
    },
    /// Show how far a run has come, from anywhere
    ///
    /// Reads the ledger only, so it may be asked while another process runs.
    #[command(after_help = concat!("\
Examples:
  sqlmig status
  sqlmig status --run 019ab1c2-0000-7000-8000-000000000001 --output json

Next: sqlmig report, once the run has ended.
", "Exit codes: sqlmig --help lists them."))]
    Status {
        /// Which run.
        #[command(flatten)]
        run: RunArgs,
    },
    /// Show what a run did: the books, checks, duplicates, quarantine, batches, timings
    ///
    /// Reads the ledger. The last line is the verdict: do the books balance? The JSON form is documented in
    /// docs/report.md and carries a format number.
    #[command(after_help = concat!("\
Examples:
  sqlmig report
  sqlmig report --output json | jq '.tables[] | select(.balanced | not)'

Next: sqlmig history lists earlier runs.
", "Exit codes: sqlmig --help lists them."))]
    Report {
        /// Which run.
        #[command(flatten)]
        run: RunArgs,
    },
    /// Show the rows that were taken out, and try them again once they or the SQL are mended
    ///
    /// Rows in quarantine are never lost: each is kept whole, with its check, its reason and, where it could not be
    /// decoded, its line and bytes.
    #[command(arg_required_else_help = true, after_help = concat!("\
Examples:
  sqlmig quarantine list
  sqlmig quarantine show public.documents 17
  sqlmig quarantine retry --check embedding_dimensions

Next: sqlmig quarantine retry, once the SQL or the rows are mended.
", "Exit codes: sqlmig --help lists them."))]
    Quarantine {
        /// What to do.
        #[command(subcommand)]
        action: QuarantineCommand,
    },
    /// Show the fate of one row, from the dump to the final table
    ///
    /// Reads the ledger, staging and the final tables: where the row stood in the source, what the checks found, whether
    /// it was merged or taken out, which batch wrote it, and what the final table has now. Also for a row that never
    /// made it. TABLE is a table of the source or a final table.
    #[command(after_help = concat!("\
Examples:
  sqlmig why public.documents rust/serde/serde/index.html
  sqlmig why public.documents doc_type=rust source_name=serde doc_path=serde/index.html
  sqlmig why public.documents row:1290 --output json

Next: sqlmig quarantine show TABLE ROW, where the row was taken out.
", "Exit codes: sqlmig --help lists them."))]
    Why {
        /// A table of the source, or a final table
        #[arg(value_name = "TABLE")]
        table: TableName,
        /// The row: row:N for the N-th of its source table, or the final table's key, as a/b/c or as column=value …
        #[arg(value_name = "KEY", required = true)]
        key: Vec<String>,
        /// Which run.
        #[command(flatten)]
        run: EveryRunArgs,
    },
    /// List the runs in this database, newest first; or what happened to one
    ///
    /// Reads the ledger. With --run: every change of that run's state, with who did it, from where and when.
    #[command(after_help = concat!("\
Examples:
  sqlmig history
  sqlmig history --limit 100 --output json
  sqlmig history --run 019ab1c2-0000-7000-8000-000000000001

Next: sqlmig report --run ID shows one of them.
", "Exit codes: sqlmig --help lists them."))]
    History {
        /// Which run.
        #[command(flatten)]
        run: EventRunArgs,
        /// At most so many runs [default: 20]
        #[arg(long, value_name = "N", env = "SQLMIG_LIMIT", value_parser = clap::value_parser!(u32).range(1..))]
        limit: Option<u32>,
    },
    /// Take back what was promoted, or empty the staging tables
    ///
    /// With --run: every batch of a run, the newest first; with --batch: one of them, which sqlmig promote then does again.
    /// Rows that were inserted are deleted, rows that were updated get back what they were. A row that somebody changed
    /// or deleted since, or that rows of another table refer to, is left as it is and named. Stopped at any point, the
    /// same command goes on.
    ///
    /// With --staging: empties the staging tables; the final tables and the ledger stay as they are.
    ///
    /// Asks first on a terminal; elsewhere it needs --yes.
    #[command(after_help = concat!("\
Examples:
  sqlmig rollback --run 019ab1c2-0000-7000-8000-000000000001
  sqlmig rollback --batch 7 --yes
  sqlmig rollback --staging --yes

Next: sqlmig report shows what is left of the run; sqlmig promote does a single batch again.
", "Exit codes: sqlmig --help lists them."))]
    Rollback(RollbackArgs),
    /// Accept a run as it is: give up its before-images
    ///
    /// The run must be done. What was kept to take it back is deleted, and sqlmig rollback refuses it from then on. Asks
    /// first on a terminal; elsewhere it needs --yes.
    #[command(after_help = concat!("\
Examples:
  sqlmig finish
  sqlmig finish --run 019ab1c2-0000-7000-8000-000000000001 --yes

Next: nothing; sqlmig history lists the runs.
", "Exit codes: sqlmig --help lists them."))]
    Finish {
        /// Which run.
        #[command(flatten)]
        run: RunArgs,
        /// Do not ask
        #[arg(short, long, env = "SQLMIG_YES", value_parser = BoolishValueParser::new())]
        yes: bool,
    },
    /// Run the project's own examples
    ///
    /// Reads transforms/examples/: for each, puts the given rows into an empty database, runs the transform and
    /// compares what it yields with what is expected. Needs no Rust and no source.
    #[command(after_help = concat!("\
Examples:
  sqlmig test --project ./myproject
  sqlmig test check_content_not_empty

Next: sqlmig plan SOURCE.
", "Exit codes: sqlmig --help lists them."))]
    Test {
        /// Only examples whose name contains one of these
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Print the completion script of a shell
    #[command(after_help = "\
Examples:
  sqlmig completions bash > ~/.local/share/bash-completion/completions/sqlmig
  sqlmig completions zsh > ~/.zfunc/_sqlmig")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write a pg_dump of generated documents, the same for the same seed
    ///
    /// For trying, testing and measuring: realistic text and vectors, all document types, and a chosen share of each
    /// fault that the checks of the docs project claim to catch.
    #[command(
        hide = true,
        after_help = "\
Examples:
  sqlmig generate dump.sql.gz
  sqlmig generate - --documents 100 | sqlmig run -"
    )]
    Generate(GenerateArgs),
}

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
        /// How the row is mended.
        #[command(flatten)]
        mend: MendArgs,
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

/// Which load a command is about.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct LoadArgs {
    /// The run's id, as history shows it; its retries belong to it [default: the newest load]
    #[arg(long, value_name = "ID", env = "SQLMIG_RUN")]
    pub run: Option<Uuid>,
}

/// One run, or all.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct EveryRunArgs {
    /// Only what this run did, by its id as history shows it [default: every run, newest first]
    #[arg(long, value_name = "ID", env = "SQLMIG_RUN")]
    pub run: Option<Uuid>,
}

/// The run whose events are shown.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct EventRunArgs {
    /// Show what happened to this run, by its id [default: list all runs]
    #[arg(long, value_name = "ID", env = "SQLMIG_RUN")]
    pub run: Option<Uuid>,
}

/// A source and which part of it.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Source")]
pub struct SourceArgs {
    /// A pg_dump file, plain or compressed (gzip, zstd, xz) or in custom format; - reads stdin
    #[arg(value_name = "SOURCE", help_heading = None)]
    pub source: PathBuf,
    /// Only this table, as schema.table; may be given many times [default: all]
    #[arg(long = "table", value_name = "TABLE", env = "SQLMIG_TABLE", value_delimiter = ',')]
    pub tables: Vec<TableName>,
    /// Which database of a pg_dumpall file
    #[arg(long, value_name = "NAME", env = "SQLMIG_DATABASE")]
    pub database: Option<String>,
    /// Rows longer than this go to quarantine unread [default: 256MiB]
    #[arg(long, value_name = "SIZE", env = "SQLMIG_ROW_LIMIT")]
    pub row_limit: Option<ByteSize>,
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

/// Rows of one batch.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Promotion")]
pub struct BatchArgs {
    /// Staged rows promoted in one transaction [default: 5000]
    #[arg(long, value_name = "ROWS", env = "SQLMIG_BATCH_SIZE", value_parser = clap::value_parser!(u32).range(1..))]
    pub batch_size: Option<u32>,
}

/// How rows are promoted.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Promotion")]
pub struct PromoteArgs {
    /// Rows of one batch.
    #[command(flatten)]
    pub batch: BatchArgs,
    /// Batches at work at once, each on a connection of its own; more than the server has cores is slower [default: 1]
    #[arg(long, value_name = "N", env = "SQLMIG_PARALLEL", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub parallel: Option<u32>,
    /// Promote also what came from an unfinished source (truncated file, no closing comment)
    #[arg(long, value_name = "BOOL", env = "SQLMIG_ALLOW_INCOMPLETE", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    pub allow_incomplete: Option<bool>,
}

/// How long the server may take.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct TimeoutArgs {
    /// Wait at most so long for a lock, then try again: 500ms, 5s, 1min [default: 5s]
    #[arg(long, value_name = "TIME", env = "SQLMIG_LOCK_TIMEOUT")]
    pub lock_timeout: Option<TimeSpan>,
    /// A statement may take so long; a batch that takes longer twice is halved [default: 5min]
    #[arg(long, value_name = "TIME", env = "SQLMIG_STATEMENT_TIMEOUT")]
    pub statement_timeout: Option<TimeSpan>,
}

/// Which run a command is about.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RunArgs {
    /// The run's id, as history shows it [default: the newest]
    #[arg(long, value_name = "ID", env = "SQLMIG_RUN")]
    pub run: Option<Uuid>,
}

/// What to take back.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(["batch", "run", "staging"]))]
pub struct RollbackArgs {
    /// One batch, by its number in the run
    #[arg(long, value_name = "N", conflicts_with = "staging", value_parser = clap::value_parser!(i64).range(1..))]
    pub batch: Option<i64>,
    /// The run's id, as history shows it; with --batch, the run whose batch it is [default with --batch: the newest]
    #[arg(long, value_name = "ID", env = "SQLMIG_RUN", conflicts_with = "staging")]
    pub run: Option<Uuid>,
    /// Empty the staging tables
    #[arg(long)]
    pub staging: bool,
    /// Put back also rows that somebody changed or deleted since: what they did is lost
    #[arg(long, conflicts_with = "staging")]
    pub force: bool,
    /// Do not ask
    #[arg(short, long, env = "SQLMIG_YES", value_parser = BoolishValueParser::new())]
    pub yes: bool,
}

/// What to generate.
#[derive(Debug, Clone, clap::Args)]
pub struct GenerateArgs {
    /// Where to: a file, compressed where its name ends in .gz, or - for stdout
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Documents
    #[arg(long, value_name = "N", default_value_t = 4600)]
    pub documents: u64,
    /// The same seed gives the same bytes
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Dimensions of the vectors
    #[arg(long, value_name = "N", default_value_t = 3072, value_parser = clap::value_parser!(u32).range(1..=16_000))]
    pub dimensions: u32,
    /// Faults to plant and their share of the rows, as in all=0.1% or content_empty=5%; may be repeated
    #[arg(long, value_name = "KIND=PERCENT%")]
    pub faults: Vec<FaultShare>,
    /// The shape of the dump: docs (the doc-server's tables), crates (the older ones) or narrow (many short rows)
    #[arg(long, value_name = "SHAPE", default_value = "docs")]
    pub shape: Shape,
    /// The same dump taken later: some rows changed, some added
    #[arg(long)]
    pub newer: bool,
    /// Write here which rows have which fault
    #[arg(long, value_name = "FILE")]
    pub index: Option<PathBuf>,
}

/// How data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// For people
    Table,
    /// For programs
    Json,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people
    Text,
    /// For programs: one JSON object a line
    Json,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Also into files and pipes
    Always,
    /// Never
    Never,
}

impl Command {
    /// The command line that goes on where this one was stopped, without its options.
    #[must_use]
    pub fn again(&self) -> String {
        let name = match self {
            Self::Run { source, .. } => return format!("sqlmig run {}", source.source.display()),
            Self::Stage { source, .. } => return format!("sqlmig stage {}", source.source.display()),
            Self::Check { .. } => "sqlmig check",
            Self::Promote { .. } => "sqlmig promote",
            Self::Validate { .. } => "sqlmig validate",
            Self::Rollback { .. } => "sqlmig rollback",
            Self::Migrate => "sqlmig migrate",
            _ => "the same command",
        };
        name.to_owned()
    }

    /// The source and its options, of a command that has one.
    #[must_use]
    pub fn source(&self) -> Option<&SourceArgs> {
        match self {
            Self::Run { source, .. } | Self::Plan { source, .. } | Self::Stage { source, .. } => Some(source),
            _ => None,
        }
    }

    /// Whether an unfinished run is set aside, of a command that may begin another.
    #[must_use]
    pub fn restart(&self) -> bool {
        match self {
            Self::Run { restart, .. } | Self::Stage { restart, .. } => restart.restart,
            _ => false,
        }
    }

    /// The bounds, of a command that has them.
    #[must_use]
    pub fn limits(&self) -> Option<&LimitArgs> {
        match self {
            Self::Run { limits, .. }
            | Self::Stage { limits, .. }
            | Self::Check { limits, .. }
            | Self::Promote { limits, .. } => Some(limits),
            _ => None,
        }
    }

    /// How long to wait, of a command that says so.
    #[must_use]
    pub fn timeouts(&self) -> Option<&TimeoutArgs> {
        match self {
            Self::Run { timeouts, .. } | Self::Stage { timeouts, .. } | Self::Promote { timeouts, .. } => {
                Some(timeouts)
            }
            _ => None,
        }
    }

    /// How to promote, of a command that does.
    #[must_use]
    pub fn promote(&self) -> Option<&PromoteArgs> {
        match self {
            Self::Run { promote, .. } | Self::Promote { promote, .. } => Some(promote),
            _ => None,
        }
    }

    /// The size of a batch, of a command that lays batches out.
    #[must_use]
    pub fn batch(&self) -> Option<&BatchArgs> {
        match self {
            Self::Plan { batch, .. } => Some(batch),
            _ => self.promote().map(|promote| &promote.batch),
        }
    }
}

/// A column and what is given for it.
fn assignment(text: &str) -> Result<(String, String), String> {
    let (column, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not COLUMN=VALUE"))?;
    Ok((column.to_owned(), value.to_owned()))
}

/// A value that must not be shown again.
#[expect(clippy::unnecessary_wraps, reason = "the form that clap asks for")]
fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(SecretString::from(text))
}
