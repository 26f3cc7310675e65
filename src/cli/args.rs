//! What may be typed. Every option may also come from the environment (`SQLMIG_…`) and, mostly, from `sqlmig.toml`;
//! an option that was not given is `None` here, and [`super::settings`] decides what it then means.

mod asked;
mod embedding;
mod follow;
mod generate;
mod global;
mod load;
mod plan;
mod preflight;
mod output;
mod quarantine;
mod remote;
mod report;
mod rollback;
mod which;
mod worker;

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use sqlmig::names::TableName;

pub use self::embedding::EmbeddingArgs;
pub use self::follow::{MetricsArgs, MonitorArgs, StatusArgs};
pub use self::generate::GenerateArgs;
pub use self::global::{Color, GlobalArgs, LogFormat};
pub use self::load::{BatchArgs, LimitArgs, PromoteArgs, RestartArgs, SourceArgs, TimeoutArgs, WaitArgs};
pub use self::output::{Output, OutputParser, OutputTo};
pub use self::plan::{ConsentArgs, FollowArgs, PlanFileArgs};
pub use self::preflight::PreflightArgs;
pub use self::quarantine::{MendArgs, QuarantineCommand};
pub use self::remote::RemoteArgs;
pub use self::report::{ReportArgs, ReportFileArgs};
pub use self::rollback::RollbackArgs;
pub use self::which::{EventRunArgs, EveryRunArgs, RunArgs};
pub use self::worker::WorkerArgs;

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
  9 the source is unavailable (retry)

First steps:
  sqlmig preflight dump.sql.gz  is everything ready?
  sqlmig plan dump.sql.gz       what would happen; writes nothing
  sqlmig run dump.sql.gz        all of it, ending in a report";

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
  sqlmig run dump.sql.gz --report report.html --report junit.xml
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
        /// Load a source that was loaded whole before once more
        #[arg(long, help_heading = "Source")]
        force: bool,
        /// When to give up.
        #[command(flatten)]
        limits: LimitArgs,
        /// How long to wait.
        #[command(flatten)]
        timeouts: TimeoutArgs,
        /// How to promote.
        #[command(flatten)]
        promote: PromoteArgs,
        /// How to fetch embeddings.
        #[command(flatten)]
        embedding: EmbeddingArgs,
        /// Do not build the project's indexes after the load; sqlmig index does it later
        #[arg(long, value_name = "BOOL", env = "SQLMIG_NO_INDEX", num_args = 0..=1, require_equals = true,
              default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
        no_index: Option<bool>,
        /// The plan.
        #[command(flatten)]
        follow: FollowArgs,
        /// Whether to ask.
        #[command(flatten)]
        consent: ConsentArgs,
        /// Where to serve metrics.
        #[command(flatten)]
        metrics: MetricsArgs,
        /// Where to write the report to.
        #[command(flatten)]
        report: ReportFileArgs,
    },
    /// Show what a run would do; writes nothing
    ///
    /// Stages SOURCE into temporary tables, checks it and compares every batch with the target, in one transaction that is
    /// rolled back. Prints the rows that would be inserted (+), updated (~), deleted (-) and left (=), merged and rejected;
    /// the pending migrations, disk, WAL and time, embeddings and their cost, and what else the source holds (functions,
    /// triggers, grants …) that no one will execute.
    #[command(after_help = concat!("\
Examples:
  sqlmig plan dump.sql.gz
  sqlmig plan dump.sql.gz --save plan.json

Next: sqlmig run dump.sql.gz --plan plan.json does exactly that, or refuses.
", "Exit codes: sqlmig --help lists them."))]
    Plan {
        /// What to look at.
        #[command(flatten)]
        source: SourceArgs,
        /// Rows of one batch.
        #[command(flatten)]
        batch: BatchArgs,
        /// What embeddings would cost.
        #[command(flatten)]
        embedding: EmbeddingArgs,
        /// What becomes of the plan.
        #[command(flatten)]
        file: PlanFileArgs,
    },
    /// Say whether everything is ready for a run; writes nothing that stays
    ///
    /// Asks the server, the project and SOURCE: connection, versions, rights, connections, replication, disk, memory, locks,
    /// indexes, clocks, who else runs, and, from a probe that it measures, how long it would take. Each finding is red (a run
    /// would fail), yellow (it may go wrong) or info, with what to do about it. Red ends with exit code 3.
    #[command(after_help = concat!("\
Examples:
  sqlmig preflight
  sqlmig preflight dump.sql.gz --strict --output json

Next: sqlmig plan SOURCE.
", "Exit codes: sqlmig --help lists them."))]
    Preflight(PreflightArgs),
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
    Migrate {
        /// Whether to ask.
        #[command(flatten)]
        consent: ConsentArgs,
    },
    /// Stream a source into staging tables
    ///
    /// Reads SOURCE; nothing in it is executed. Writes one UNLOGGED table per source table in schema staging, with the
    /// source's columns and _row. Rows that cannot be decoded go to quarantine with their line and reason. Works on
    /// any pg_dump, also without a project. A source that was loaded whole before is not staged again: --restart does it.
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
        /// Whether to ask before an unfinished run is set aside.
        #[command(flatten)]
        consent: ConsentArgs,
        /// Where to serve metrics.
        #[command(flatten)]
        metrics: MetricsArgs,
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
        /// How long to wait.
        #[command(flatten)]
        waits: WaitArgs,
        /// Where to serve metrics.
        #[command(flatten)]
        metrics: MetricsArgs,
    },
    /// Fetch the embeddings that rows lack, each text once and never twice
    ///
    /// Reads the checked rows through transforms/embed, asks the ledger for each text's vector and the embeddings service
    /// for the rest. What comes is judged, and committed to the ledger before it is used. Without a service, says how many
    /// are missing. On a run that is done: begins another one over its rows that were left without, which sqlmig promote and
    /// sqlmig validate then take further.
    #[command(after_help = concat!("\
Examples:
  SQLMIG_EMBEDDING_KEY=… sqlmig embed --embedding-url https://api.openai.com/v1
  sqlmig embed --embedding-url http://localhost:11434/v1 --embedding-model nomic-embed-text --embedding-dimensions 768
  sqlmig embed --embedding-price 0.13 --max-cost 2

Next: sqlmig promote.
", "Exit codes: sqlmig --help lists them."))]
    Embed {
        /// Which run.
        #[command(flatten)]
        run: RunArgs,
        /// Whether to ask.
        #[command(flatten)]
        consent: ConsentArgs,
        /// How long to wait.
        #[command(flatten)]
        waits: WaitArgs,
        /// How to fetch embeddings.
        #[command(flatten)]
        embedding: EmbeddingArgs,
        /// Where to serve metrics.
        #[command(flatten)]
        metrics: MetricsArgs,
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
        /// Whether to help another process.
        #[command(flatten)]
        worker: WorkerArgs,
        /// When to give up.
        #[command(flatten)]
        limits: LimitArgs,
        /// How long to wait.
        #[command(flatten)]
        timeouts: TimeoutArgs,
        /// How to promote.
        #[command(flatten)]
        promote: PromoteArgs,
        /// Whether to ask.
        #[command(flatten)]
        consent: ConsentArgs,
        /// Where to serve metrics.
        #[command(flatten)]
        metrics: MetricsArgs,
    },
    /// Build the project's indexes that are not there, beside those who read and write
    ///
    /// Reads transforms/index. Builds each with CREATE INDEX CONCURRENTLY, outside of any transaction; one that an
    /// interrupted build left unusable, or that is of another definition, is dropped and built again. sqlmig run does it
    /// after the load, unless --no-index.
    #[command(after_help = concat!("\
Examples:
  sqlmig index
  sqlmig run dump.sql.gz --no-index && sqlmig index

Next: sqlmig search TEXT.
", "Exit codes: sqlmig --help lists them."))]
    Index {
        /// Whether to ask.
        #[command(flatten)]
        consent: ConsentArgs,
    },
    /// Find the rows nearest to a text or a vector
    ///
    /// Asks the embeddings service for the text's vector and the database for the nearest rows, by the project's
    /// transforms/search. With --vector no service is asked.
    #[command(after_help = concat!("\
Examples:
  sqlmig search 'how do I derive Serialize' --embedding-url https://api.openai.com/v1
  echo '[0.1, 0.2, …]' | sqlmig search --vector - --top 3 --output json

Next: sqlmig validate measures how many of the nearest rows the index finds.
", "Exit codes: sqlmig --help lists them."))]
    Search {
        /// What to search for
        #[arg(value_name = "TEXT", required_unless_present = "vector", conflicts_with = "vector")]
        text: Option<String>,
        /// A file that holds a vector as JSON, [0.1, 0.2]; - reads stdin
        #[arg(long, value_name = "FILE", env = "SQLMIG_VECTOR")]
        vector: Option<PathBuf>,
        /// So many rows [default: 10]
        #[arg(long, value_name = "N", env = "SQLMIG_TOP", value_parser = clap::value_parser!(u32).range(1..=1000))]
        top: Option<u32>,
        /// How to fetch embeddings.
        #[command(flatten)]
        embedding: EmbeddingArgs,
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
        /// Have the embeddings of so many rows made again, and compare them: are they by the model that is named?
        #[arg(long, value_name = "N", env = "SQLMIG_PROBE", value_parser = clap::value_parser!(u32).range(1..=10_000))]
        probe: Option<u32>,
        /// How long to wait.
        #[command(flatten)]
        waits: WaitArgs,
        /// How to fetch embeddings.
        #[command(flatten)]
        embedding: EmbeddingArgs,
        /// Where to serve metrics.
        #[command(flatten)]
        metrics: MetricsArgs,
    },
    /// Show how far a run has come, from anywhere
    ///
    /// Reads the ledger only, so it may be asked while another process runs, on any machine that reaches the database. Shows the
    /// phase, how much of it is done, its rate and when it will be through, retries, rejected rows, what holds it up, and
    /// what it takes of memory and connections.
    #[command(after_help = concat!("\
Examples:
  sqlmig status
  sqlmig status --watch
  sqlmig status --watch --interval 10s --output json | jq '.progress.percent'

Next: sqlmig report, once the run has ended.
", "Exit codes: sqlmig --help lists them."))]
    Status(StatusArgs),
    /// Serve Prometheus metrics of runs elsewhere, from the ledger
    ///
    /// Reads the ledger at every scrape, so it needs nothing of the process that runs, and goes on after that is gone. Serves
    /// /metrics and /healthz; where the database is away, the last values and sqlmig_up 0. docs/monitoring.md lists the
    /// metrics.
    #[command(after_help = concat!("\
Examples:
  sqlmig monitor --metrics-addr 0.0.0.0:9464
  curl http://127.0.0.1:9464/metrics

Next: k8s/monitoring/ has the alerts and the dashboard.
", "Exit codes: sqlmig --help lists them."))]
    Monitor(MonitorArgs),
    /// Show what a run did: the books, checks, duplicates, quarantine, batches, timings
    ///
    /// Reads the ledger. The last line is the verdict: do the books balance? --format gives it as a page, for a pull request,
    /// for a CI or for programs; --output FILE writes it to a file. docs/report.md documents every form.
    #[command(after_help = concat!("\
Examples:
  sqlmig report
  sqlmig report --output report.html
  sqlmig report --format markdown
  sqlmig report --output json | jq '.tables[] | select(.balanced | not)'

Next: sqlmig history lists earlier runs.
", "Exit codes: sqlmig --help lists them."))]
    Report(ReportArgs),
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
        /// Whether to ask.
        #[command(flatten)]
        consent: ConsentArgs,
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
    /// Read a PDF from stdin and write its text as JSON: what a tree's reader starts for each PDF
    #[command(hide = true)]
    ReadPdf,
}
