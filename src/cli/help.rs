//! What the help says, command by command: the page a newcomer reads first, so it is reviewed as text.

use clap::{Command, CommandFactory, Parser};

use super::args::Args;

/// A command as its long help shows it, the same whatever the environment and the terminal.
fn help(path: &[&str]) -> String {
    fn still(command: Command) -> Command {
        let command = command.mut_args(|arg| arg.hide_env_values(true)).term_width(100);
        command.mut_subcommands(still)
    }
    let mut command = still(Args::command());
    command.build();
    let mut at = &mut command;
    for name in path {
        at = at.find_subcommand_mut(name).unwrap();
    }
    let help = at.render_long_help().to_string();
    help.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// What a command's help says before the options that all commands share.
fn own(name: &str) -> String {
    let help = help(&[name]);
    let (own, rest) = help.split_once("Global options:").unwrap();
    let end = rest.split_once("Examples:").map_or("", |(_, examples)| examples);
    format!("{own}Global options: …\n\nExamples:{end}")
}

#[test]
fn arguments_are_well_formed() {
    Args::command().debug_assert();
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one page")]
fn the_first_page() {
    insta::assert_snapshot!(help(&[]), @r"
    A declarative, SQL-first loader into PostgreSQL and pgvector.

    Hand it a dump and a folder of SQL. It stages the dump's rows, checks them, promotes them to their
    final tables in batches that can be undone, and proves at the end that no row was lost.

    Usage: sqlmig [OPTIONS] <COMMAND>

    Commands:
      run          Load a source: everything, in order, ending in a report
      plan         Show what a run would do; writes nothing
      preflight    Say whether everything is ready for a run; writes nothing that stays
      migrate      Bring the ledger and the project's schema up to date
      stage        Stream a source into staging tables
      check        Run the project's checks on the staged rows and settle duplicates
      embed        Fetch the embeddings that rows lack, each text once and never twice
      promote      Write the rows that passed to the final tables, batch by batch
      index        Build the project's indexes that are not there, beside those who read and write
      search       Find the rows nearest to a text or a vector
      validate     Prove the result: the books, and the project's proofs on the final tables
      status       Show how far a run has come, from anywhere
      monitor      Serve Prometheus metrics of runs elsewhere, from the ledger
      report       Show what a run did: the books, checks, duplicates, quarantine, batches, timings
      quarantine   Show the rows that were taken out, and try them again once they or the SQL are mended
      why          Show the fate of one row, from the dump to the final table
      history      List the runs in this database, newest first; or what happened to one
      rollback     Take back what was promoted, or empty the staging tables
      finish       Accept a run as it is: give up its before-images
      test         Run the project's own examples
      completions  Print the completion script of a shell
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Global options:
          --database-url <URL>
              The target database, as a postgres:// URL

              A password in a command line is visible to everyone on the machine (ps): leave it out of
              the flag and give it by DATABASE_URL, PGPASSWORD, a pgpass file, or a file named by
              SQLMIG_PASSWORD_FILE.

              [env: DATABASE_URL]

          --project <DIR>
              The project's folder (sqlmig.toml, migrations/, transforms/) [default: the built-in
              project docs]

              [env: SQLMIG_PROJECT]

          --embedded-dir <DIR>
              Where the embedded PostgreSQL lives when no database is named [default: .sqlmig]

              [env: SQLMIG_EMBEDDED_DIR]

          --postgres-bin <DIR>
              The folder with the initdb and postgres to start as embedded server [default: the newest
              found]

              [env: SQLMIG_POSTGRES_BIN]

          --no-fetch[=<BOOL>]
              Never download PostgreSQL; fail where none is installed

              [env: SQLMIG_NO_FETCH]

          --output <FORMAT>
              How data is written to stdout [default: table]; sqlmig report takes the name of a file,
              too

              Possible values:
              - table: For people
              - json:  For programs

              [env: SQLMIG_OUTPUT]

          --log-format <FORMAT>
              How log lines and the error at the end are written to stderr [default: text on a terminal,
              json elsewhere]

              Possible values:
              - text: For people
              - json: For programs: one JSON object a line

              [env: SQLMIG_LOG_FORMAT]

          --log-level <LEVEL>
              Which log lines: error, warn, info, debug, trace, or directives as
              sqlmig=debug,tokio_postgres=info [default: info; warn under a progress display]

              [env: SQLMIG_LOG_LEVEL]

      -q, --quiet[=<BOOL>]
              No progress display and no log lines but warnings

              [env: SQLMIG_QUIET]

      -v, --verbose[=<BOOL>]
              Show also what passed: every check, every staging table

              [env: SQLMIG_VERBOSE]

          --color <WHEN>
              Colours: on a terminal, always or never; NO_COLOR is honoured [default: auto]

              Possible values:
              - auto:   On a terminal, unless NO_COLOR is set
              - always: Also into files and pipes
              - never:  Never

              [env: SQLMIG_COLOR]

    Settings:
      An option given as a flag wins over its environment variable, that over the key of the same name
      in the project's sqlmig.toml (--batch-size, SQLMIG_BATCH_SIZE, batch_size = 5000), and that over
      the default. A switch that a file turned on is turned off by --switch=false.

    Database:
      DATABASE_URL names the target. Without one sqlmig starts a PostgreSQL of its own in .sqlmig/ and
      says so.

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
      sqlmig run dump.sql.gz        all of it, ending in a report
    ");
}

#[test]
fn run() {
    insta::assert_snapshot!(own("run"), @r"
    Load a source: everything, in order, ending in a report

    Reads SOURCE and the project. Migrates the database, stages the source's rows, normalises and checks
    them, promotes what passed to the final tables in batches, proves the result and prints the report.
    Stopped at any point, the same command ends in the same final tables; done already, it changes
    nothing and says so.

    Usage: sqlmig run [OPTIONS] [SOURCE]

    Arguments:
      [SOURCE]
              A pg_dump file, plain or compressed (gzip, zstd, xz) or in custom format; - reads stdin;
              https:// and s3:// URLs are streamed; docs-tree:PATH is a folder or archive of
              documentation

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Source:
          --source <TYPE=PATH>
              A tree of documentation of a type, as TYPE=PATH or TYPE:NAME=PATH; may be given many times

              PATH is a folder, an archive (.zip, .tar.gz, .crate) or a file; FOLDER/* stands for
              everything in a folder, each a source of its own. docs/documentation-trees.md says more.

              [env: SQLMIG_SOURCE]

          --prune
              Remove the documents of files that are gone from their tree; sqlmig rollback brings them
              back

              [env: SQLMIG_PRUNE]

          --file-limit <SIZE>
              Files of a tree larger than this go to quarantine unread [default: 32MiB]

              [env: SQLMIG_FILE_LIMIT]

          --table <TABLE>
              Only this table, as schema.table; may be given many times [default: all]

              [env: SQLMIG_TABLE]

          --database <NAME>
              Which database of a pg_dumpall file

              [env: SQLMIG_DATABASE]

          --row-limit <SIZE>
              Rows longer than this go to quarantine unread [default: 256MiB]

              [env: SQLMIG_ROW_LIMIT]

          --source-timeout <TIME>
              Wait at most so long for a URL that gives nothing; every byte begins the time anew
              [default: 1min]

              [env: SQLMIG_SOURCE_TIMEOUT]

          --allow-http[=<BOOL>]
              Read http:// URLs, and s3:// over http, from other machines too, where anyone on the way
              can read and change them

              [env: SQLMIG_ALLOW_HTTP]

          --restart
              Set an unfinished run aside and begin a new one; what it promoted stays

              [env: SQLMIG_RESTART]

          --force
              Load a source that was loaded whole before once more

    Limits:
          --max-rejects <N|P%>
              Fail where more rows are rejected: a count as 100, or a share of all rows as 0.5%
              [default: no bound]

              [env: SQLMIG_MAX_REJECTS]

          --lock-timeout <TIME>
              Wait at most so long for a lock: 500ms, 5s, 1min; a batch tries again [default: 5s]

              [env: SQLMIG_LOCK_TIMEOUT]

          --long-timeout <TIME>
              A check, a proof or taking a batch back may take so long [default: 2h]

              [env: SQLMIG_LONG_TIMEOUT]

          --statement-timeout <TIME>
              A statement may take so long; a batch that takes longer twice is halved [default: 5min]

              [env: SQLMIG_STATEMENT_TIMEOUT]

    Promotion:
          --batch-size <ROWS>
              Staged rows promoted in one transaction; auto: 5000, fewer where rows are wide [default:
              auto]

              [env: SQLMIG_BATCH_SIZE]

          --parallel <N>
              Batches at work at once, each on a connection of its own; auto: as many as turn out to be
              fastest [default: auto]

              [env: SQLMIG_PARALLEL]

          --max-connections <N>
              Connections that sqlmig may have to the target at once [default: 20]

              [env: SQLMIG_MAX_CONNECTIONS]

          --allow-incomplete[=<BOOL>]
              Promote also what came from an unfinished source (truncated file, no closing comment)

              [env: SQLMIG_ALLOW_INCOMPLETE]

    Embeddings:
          --embedding-url <URL>
              The embeddings service: the base URL of an OpenAI-compatible one, as
              https://api.openai.com/v1, or the URL of an Azure deployment with its api-version
              [default: none; rows without an embedding stay without]

              The key is given by SQLMIG_EMBEDDING_KEY or in a file by --embedding-key-file, never in a
              flag.

              [env: SQLMIG_EMBEDDING_URL]

          --embedding-model <NAME>
              The model [default: what the project says]

              [env: SQLMIG_EMBEDDING_MODEL]

          --embedding-dimensions <N>
              Dimensions of its vectors [default: what the project says]

              [env: SQLMIG_EMBEDDING_DIMENSIONS]

          --embedding-provider <NAME>
              What the service is called in the ledger [default: the URL's host]

              [env: SQLMIG_EMBEDDING_PROVIDER]

          --embedding-key-file <FILE>
              A file that holds the key

              [env: SQLMIG_EMBEDDING_KEY_FILE]

          --embedding-batch <N>
              Texts of one request [default: 128]

              [env: SQLMIG_EMBEDDING_BATCH]

          --embedding-batch-tokens <N>
              Tokens of one request [default: 100000]

              [env: SQLMIG_EMBEDDING_BATCH_TOKENS]

          --embedding-input-tokens <N>
              Tokens that the model takes of one text; longer texts are not sent [default: 8191]

              [env: SQLMIG_EMBEDDING_INPUT_TOKENS]

          --embedding-tokenizer <NAME>
              How tokens are counted: cl100k_base, o200k_base, p50k_base or r50k_base [default:
              cl100k_base]

              [env: SQLMIG_EMBEDDING_TOKENIZER]

          --embedding-concurrency <N>
              Requests at once, at most; fewer while the service is slow or says no [default: 8]

              [env: SQLMIG_EMBEDDING_CONCURRENCY]

          --embedding-attempts <N>
              Failures without a success between, after which the service counts as down (exit code 8)
              [default: 8]

              [env: SQLMIG_EMBEDDING_ATTEMPTS]

          --embedding-timeout <TIME>
              How long an answer may take [default: 1min]

              [env: SQLMIG_EMBEDDING_TIMEOUT]

          --embedding-price <PRICE>
              Price of a million tokens, in any currency

              [env: SQLMIG_EMBEDDING_PRICE]

          --max-cost <COST>
              Stop before the run's embeddings cost more, in the currency of the price

              [env: SQLMIG_MAX_COST]

          --max-tokens <N>
              Stop before the run sends more tokens to the service

              [env: SQLMIG_MAX_TOKENS]

          --embedding-proxy <URL>
              A proxy for the service, as http://proxy:3128 [default: none, whatever the environment
              says]

              [env: SQLMIG_EMBEDDING_PROXY]

          --embedding-allow-http[=<BOOL>]
              Send texts and key unencrypted to another machine

              [env: SQLMIG_EMBEDDING_ALLOW_HTTP]

          --embedding-send-dimensions[=<BOOL>]
              Name the dimensions in each request [default: for the models text-embedding-3-…, which
              shorten their vectors]

              [env: SQLMIG_EMBEDDING_SEND_DIMENSIONS]

          --no-index[=<BOOL>]
              Do not build the project's indexes after the load; sqlmig index does it later

              [env: SQLMIG_NO_INDEX]

          --plan <FILE>
              Do what this plan says, or nothing: where source, project, target or counts differ, refuse
              and say which

              [env: SQLMIG_PLAN]

      -y, --yes
              Do not ask

              [env: SQLMIG_YES]

    Metrics:
          --metrics-addr <HOST:PORT>
              Serve Prometheus metrics there: /metrics and /healthz [default: nowhere; of monitor
              127.0.0.1:9464]

              [env: SQLMIG_METRICS_ADDR]

          --disk-limit <SIZE>
              The size of the volume that the server's data is on: the alert about a full disk needs it,
              and SQL cannot tell

              [env: SQLMIG_DISK_LIMIT]

    Report:
          --report <FILE>
              Write the report to FILE too, also when the run fails; its ending says how: html, xml
              (JUnit), md, json, yaml or txt; may be repeated

              [env: SQLMIG_REPORT]

    Global options: …

    Examples:
      sqlmig run dump.sql.gz
      sqlmig run dump.sql.gz --report report.html --report junit.xml
      pg_dump mydb | sqlmig run -
      DATABASE_URL=postgres://loader@db/docs sqlmig run dump.sql.gz --max-rejects 1%

    Next: sqlmig report shows the result again; sqlmig history lists all runs.
    Exit codes: sqlmig --help lists them.
    ");
}

#[test]
fn plan() {
    insta::assert_snapshot!(own("plan"), @r"
    Show what a run would do; writes nothing

    Stages SOURCE into temporary tables, checks it and compares every batch with the target, in one
    transaction that is rolled back. Prints the rows that would be inserted (+), updated (~), deleted
    (-) and left (=), merged and rejected; the pending migrations, disk, WAL and time, embeddings and
    their cost, and what else the source holds (functions, triggers, grants …) that no one will execute.

    Usage: sqlmig plan [OPTIONS] [SOURCE]

    Arguments:
      [SOURCE]
              A pg_dump file, plain or compressed (gzip, zstd, xz) or in custom format; - reads stdin;
              https:// and s3:// URLs are streamed; docs-tree:PATH is a folder or archive of
              documentation

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Source:
          --source <TYPE=PATH>
              A tree of documentation of a type, as TYPE=PATH or TYPE:NAME=PATH; may be given many times

              PATH is a folder, an archive (.zip, .tar.gz, .crate) or a file; FOLDER/* stands for
              everything in a folder, each a source of its own. docs/documentation-trees.md says more.

              [env: SQLMIG_SOURCE]

          --prune
              Remove the documents of files that are gone from their tree; sqlmig rollback brings them
              back

              [env: SQLMIG_PRUNE]

          --file-limit <SIZE>
              Files of a tree larger than this go to quarantine unread [default: 32MiB]

              [env: SQLMIG_FILE_LIMIT]

          --table <TABLE>
              Only this table, as schema.table; may be given many times [default: all]

              [env: SQLMIG_TABLE]

          --database <NAME>
              Which database of a pg_dumpall file

              [env: SQLMIG_DATABASE]

          --row-limit <SIZE>
              Rows longer than this go to quarantine unread [default: 256MiB]

              [env: SQLMIG_ROW_LIMIT]

          --source-timeout <TIME>
              Wait at most so long for a URL that gives nothing; every byte begins the time anew
              [default: 1min]

              [env: SQLMIG_SOURCE_TIMEOUT]

          --allow-http[=<BOOL>]
              Read http:// URLs, and s3:// over http, from other machines too, where anyone on the way
              can read and change them

              [env: SQLMIG_ALLOW_HTTP]

    Promotion:
          --batch-size <ROWS>
              Staged rows promoted in one transaction; auto: 5000, fewer where rows are wide [default:
              auto]

              [env: SQLMIG_BATCH_SIZE]

    Embeddings:
          --embedding-url <URL>
              The embeddings service: the base URL of an OpenAI-compatible one, as
              https://api.openai.com/v1, or the URL of an Azure deployment with its api-version
              [default: none; rows without an embedding stay without]

              The key is given by SQLMIG_EMBEDDING_KEY or in a file by --embedding-key-file, never in a
              flag.

              [env: SQLMIG_EMBEDDING_URL]

          --embedding-model <NAME>
              The model [default: what the project says]

              [env: SQLMIG_EMBEDDING_MODEL]

          --embedding-dimensions <N>
              Dimensions of its vectors [default: what the project says]

              [env: SQLMIG_EMBEDDING_DIMENSIONS]

          --embedding-provider <NAME>
              What the service is called in the ledger [default: the URL's host]

              [env: SQLMIG_EMBEDDING_PROVIDER]

          --embedding-key-file <FILE>
              A file that holds the key

              [env: SQLMIG_EMBEDDING_KEY_FILE]

          --embedding-batch <N>
              Texts of one request [default: 128]

              [env: SQLMIG_EMBEDDING_BATCH]

          --embedding-batch-tokens <N>
              Tokens of one request [default: 100000]

              [env: SQLMIG_EMBEDDING_BATCH_TOKENS]

          --embedding-input-tokens <N>
              Tokens that the model takes of one text; longer texts are not sent [default: 8191]

              [env: SQLMIG_EMBEDDING_INPUT_TOKENS]

          --embedding-tokenizer <NAME>
              How tokens are counted: cl100k_base, o200k_base, p50k_base or r50k_base [default:
              cl100k_base]

              [env: SQLMIG_EMBEDDING_TOKENIZER]

          --embedding-concurrency <N>
              Requests at once, at most; fewer while the service is slow or says no [default: 8]

              [env: SQLMIG_EMBEDDING_CONCURRENCY]

          --embedding-attempts <N>
              Failures without a success between, after which the service counts as down (exit code 8)
              [default: 8]

              [env: SQLMIG_EMBEDDING_ATTEMPTS]

          --embedding-timeout <TIME>
              How long an answer may take [default: 1min]

              [env: SQLMIG_EMBEDDING_TIMEOUT]

          --embedding-price <PRICE>
              Price of a million tokens, in any currency

              [env: SQLMIG_EMBEDDING_PRICE]

          --max-cost <COST>
              Stop before the run's embeddings cost more, in the currency of the price

              [env: SQLMIG_MAX_COST]

          --max-tokens <N>
              Stop before the run sends more tokens to the service

              [env: SQLMIG_MAX_TOKENS]

          --embedding-proxy <URL>
              A proxy for the service, as http://proxy:3128 [default: none, whatever the environment
              says]

              [env: SQLMIG_EMBEDDING_PROXY]

          --embedding-allow-http[=<BOOL>]
              Send texts and key unencrypted to another machine

              [env: SQLMIG_EMBEDDING_ALLOW_HTTP]

          --embedding-send-dimensions[=<BOOL>]
              Name the dimensions in each request [default: for the models text-embedding-3-…, which
              shorten their vectors]

              [env: SQLMIG_EMBEDDING_SEND_DIMENSIONS]

          --save <FILE>
              Save the plan as JSON, for sqlmig run --plan FILE

              [env: SQLMIG_SAVE]

          --quick
              Only read the source; do not compare its rows with the target

              [env: SQLMIG_QUICK]

    Global options: …

    Examples:
      sqlmig plan dump.sql.gz
      sqlmig plan dump.sql.gz --save plan.json

    Next: sqlmig run dump.sql.gz --plan plan.json does exactly that, or refuses.
    Exit codes: sqlmig --help lists them.
    ");
}

#[test]
fn migrate() {
    insta::assert_snapshot!(own("migrate"), @r"
    Bring the ledger and the project's schema up to date

    Applies the ledger's and the project's pending migrations and prints which. Safe to run by many
    processes at once. A migration that was applied and has since been edited or lost is refused by
    name.

    Usage: sqlmig migrate [OPTIONS]

    Options:
      -y, --yes
              Do not ask

              [env: SQLMIG_YES]

      -h, --help
              Print help (see a summary with '-h')

    Global options: …

    Examples:
      sqlmig migrate
      sqlmig migrate --project ./myproject

    Next: sqlmig stage SOURCE.
    Exit codes: sqlmig --help lists them.
    ");
}

#[test]
fn stage() {
    insta::assert_snapshot!(own("stage"), @r"
    Stream a source into staging tables

    Reads SOURCE; nothing in it is executed. Writes one UNLOGGED table per source table in schema
    staging, with the source's columns and _row. Rows that cannot be decoded go to quarantine with their
    line and reason. Works on any pg_dump, also without a project. A source that was loaded whole before
    is not staged again: --restart does it.

    Usage: sqlmig stage [OPTIONS] [SOURCE]

    Arguments:
      [SOURCE]
              A pg_dump file, plain or compressed (gzip, zstd, xz) or in custom format; - reads stdin;
              https:// and s3:// URLs are streamed; docs-tree:PATH is a folder or archive of
              documentation

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Source:
          --source <TYPE=PATH>
              A tree of documentation of a type, as TYPE=PATH or TYPE:NAME=PATH; may be given many times

              PATH is a folder, an archive (.zip, .tar.gz, .crate) or a file; FOLDER/* stands for
              everything in a folder, each a source of its own. docs/documentation-trees.md says more.

              [env: SQLMIG_SOURCE]

          --prune
              Remove the documents of files that are gone from their tree; sqlmig rollback brings them
              back

              [env: SQLMIG_PRUNE]

          --file-limit <SIZE>
              Files of a tree larger than this go to quarantine unread [default: 32MiB]

              [env: SQLMIG_FILE_LIMIT]

          --table <TABLE>
              Only this table, as schema.table; may be given many times [default: all]

              [env: SQLMIG_TABLE]

          --database <NAME>
              Which database of a pg_dumpall file

              [env: SQLMIG_DATABASE]

          --row-limit <SIZE>
              Rows longer than this go to quarantine unread [default: 256MiB]

              [env: SQLMIG_ROW_LIMIT]

          --source-timeout <TIME>
              Wait at most so long for a URL that gives nothing; every byte begins the time anew
              [default: 1min]

              [env: SQLMIG_SOURCE_TIMEOUT]

          --allow-http[=<BOOL>]
              Read http:// URLs, and s3:// over http, from other machines too, where anyone on the way
              can read and change them

              [env: SQLMIG_ALLOW_HTTP]

          --restart
              Set an unfinished run aside and begin a new one; what it promoted stays

              [env: SQLMIG_RESTART]

    Limits:
          --max-rejects <N|P%>
              Fail where more rows are rejected: a count as 100, or a share of all rows as 0.5%
              [default: no bound]

              [env: SQLMIG_MAX_REJECTS]

          --lock-timeout <TIME>
              Wait at most so long for a lock: 500ms, 5s, 1min; a batch tries again [default: 5s]

              [env: SQLMIG_LOCK_TIMEOUT]

          --long-timeout <TIME>
              A check, a proof or taking a batch back may take so long [default: 2h]

              [env: SQLMIG_LONG_TIMEOUT]

          --statement-timeout <TIME>
              A statement may take so long; a batch that takes longer twice is halved [default: 5min]

              [env: SQLMIG_STATEMENT_TIMEOUT]

      -y, --yes
              Do not ask

              [env: SQLMIG_YES]

    Metrics:
          --metrics-addr <HOST:PORT>
              Serve Prometheus metrics there: /metrics and /healthz [default: nowhere; of monitor
              127.0.0.1:9464]

              [env: SQLMIG_METRICS_ADDR]

          --disk-limit <SIZE>
              The size of the volume that the server's data is on: the alert about a full disk needs it,
              and SQL cannot tell

              [env: SQLMIG_DISK_LIMIT]

    Global options: …

    Examples:
      sqlmig stage dump.sql.gz
      sqlmig stage dump.sql.gz --table public.documents --max-rejects 100

    Next: sqlmig check.
    Exit codes: sqlmig --help lists them.
    ");
}

#[test]
fn check() {
    insta::assert_snapshot!(own("check"), @r"
    Run the project's checks on the staged rows and settle duplicates

    Reads the staged rows through transforms/normalise, runs transforms/check and transforms/dedup. Rows
    that a check of severity reject finds go to quarantine; one of severity error blocks promotion (exit
    code 3); one of severity warn is reported.

    Usage: sqlmig check [OPTIONS]

    Options:
          --run <ID>
              The run's id, as history shows it [default: the newest]

              [env: SQLMIG_RUN]

      -h, --help
              Print help (see a summary with '-h')

    Limits:
          --max-rejects <N|P%>
              Fail where more rows are rejected: a count as 100, or a share of all rows as 0.5%
              [default: no bound]

              [env: SQLMIG_MAX_REJECTS]

          --lock-timeout <TIME>
              Wait at most so long for a lock: 500ms, 5s, 1min; a batch tries again [default: 5s]

              [env: SQLMIG_LOCK_TIMEOUT]

          --long-timeout <TIME>
              A check, a proof or taking a batch back may take so long [default: 2h]

              [env: SQLMIG_LONG_TIMEOUT]

    Metrics:
          --metrics-addr <HOST:PORT>
              Serve Prometheus metrics there: /metrics and /healthz [default: nowhere; of monitor
              127.0.0.1:9464]

              [env: SQLMIG_METRICS_ADDR]

          --disk-limit <SIZE>
              The size of the volume that the server's data is on: the alert about a full disk needs it,
              and SQL cannot tell

              [env: SQLMIG_DISK_LIMIT]

    Global options: …

    Examples:
      sqlmig check
      sqlmig check --verbose

    Next: sqlmig promote.
    Exit codes: sqlmig --help lists them.
    ");
}

#[test]
fn promote() {
    insta::assert_snapshot!(own("promote"), @r"
    Write the rows that passed to the final tables, batch by batch

    Reads the checked rows through transforms/promote. Each batch is one transaction with its
    before-images, its rows and its line in the ledger: it happened wholly or not at all. Rows that the
    target already has as they are stay untouched. A row that the database refuses goes to quarantine.

    With --worker: takes batches that another process, the conductor, has laid out, until none is left.
    Any number of such processes may help; one that dies leaves its batch to the others.

    Usage: sqlmig promote [OPTIONS]

    Options:
          --run <ID>
              The run's id, as history shows it [default: the newest]

              [env: SQLMIG_RUN]

          --worker
              Help another process: take its batches, and begin and conclude nothing

              [env: SQLMIG_WORKER]

          --wait <TIME>
              As a worker, wait at most so long for batches to be laid out [default: 1min]

              [env: SQLMIG_WAIT]

      -h, --help
              Print help (see a summary with '-h')

    Limits:
          --max-rejects <N|P%>
              Fail where more rows are rejected: a count as 100, or a share of all rows as 0.5%
              [default: no bound]

              [env: SQLMIG_MAX_REJECTS]

          --lock-timeout <TIME>
              Wait at most so long for a lock: 500ms, 5s, 1min; a batch tries again [default: 5s]

              [env: SQLMIG_LOCK_TIMEOUT]

          --long-timeout <TIME>
              A check, a proof or taking a batch back may take so long [default: 2h]

              [env: SQLMIG_LONG_TIMEOUT]

          --statement-timeout <TIME>
              A statement may take so long; a batch that takes longer twice is halved [default: 5min]

              [env: SQLMIG_STATEMENT_TIMEOUT]

    Promotion:
          --batch-size <ROWS>
              Staged rows promoted in one transaction; auto: 5000, fewer where rows are wide [default:
              auto]

              [env: SQLMIG_BATCH_SIZE]

          --parallel <N>
              Batches at work at once, each on a connection of its own; auto: as many as turn out to be
              fastest [default: auto]

              [env: SQLMIG_PARALLEL]

          --max-connections <N>
              Connections that sqlmig may have to the target at once [default: 20]

              [env: SQLMIG_MAX_CONNECTIONS]

          --allow-incomplete[=<BOOL>]
              Promote also what came from an unfinished source (truncated file, no closing comment)

              [env: SQLMIG_ALLOW_INCOMPLETE]

      -y, --yes
              Do not ask

              [env: SQLMIG_YES]

    Metrics:
          --metrics-addr <HOST:PORT>
              Serve Prometheus metrics there: /metrics and /healthz [default: nowhere; of monitor
              127.0.0.1:9464]

              [env: SQLMIG_METRICS_ADDR]

          --disk-limit <SIZE>
              The size of the volume that the server's data is on: the alert about a full disk needs it,
              and SQL cannot tell

              [env: SQLMIG_DISK_LIMIT]

    Global options: …

    Examples:
      sqlmig promote
      sqlmig promote --batch-size 10000 --parallel 2
      sqlmig promote --worker

    Next: sqlmig validate.
    Exit codes: sqlmig --help lists them.
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one page")]
fn validate() {
    insta::assert_snapshot!(own("validate"), @r"
    Prove the result: the books, and the project's proofs on the final tables

    Reads the ledger, the staged rows and the final tables; runs transforms/validate. Ends with exit
    code 3 where the books do not balance or a proof of severity error finds rows.

    Usage: sqlmig validate [OPTIONS]

    Options:
          --run <ID>
              The run's id, as history shows it [default: the newest]

              [env: SQLMIG_RUN]

          --probe <N>
              Have the embeddings of so many rows made again, and compare them: are they by the model
              that is named?

              [env: SQLMIG_PROBE]

      -h, --help
              Print help (see a summary with '-h')

    Limits:
          --lock-timeout <TIME>
              Wait at most so long for a lock: 500ms, 5s, 1min; a batch tries again [default: 5s]

              [env: SQLMIG_LOCK_TIMEOUT]

          --long-timeout <TIME>
              A check, a proof or taking a batch back may take so long [default: 2h]

              [env: SQLMIG_LONG_TIMEOUT]

    Embeddings:
          --embedding-url <URL>
              The embeddings service: the base URL of an OpenAI-compatible one, as
              https://api.openai.com/v1, or the URL of an Azure deployment with its api-version
              [default: none; rows without an embedding stay without]

              The key is given by SQLMIG_EMBEDDING_KEY or in a file by --embedding-key-file, never in a
              flag.

              [env: SQLMIG_EMBEDDING_URL]

          --embedding-model <NAME>
              The model [default: what the project says]

              [env: SQLMIG_EMBEDDING_MODEL]

          --embedding-dimensions <N>
              Dimensions of its vectors [default: what the project says]

              [env: SQLMIG_EMBEDDING_DIMENSIONS]

          --embedding-provider <NAME>
              What the service is called in the ledger [default: the URL's host]

              [env: SQLMIG_EMBEDDING_PROVIDER]

          --embedding-key-file <FILE>
              A file that holds the key

              [env: SQLMIG_EMBEDDING_KEY_FILE]

          --embedding-batch <N>
              Texts of one request [default: 128]

              [env: SQLMIG_EMBEDDING_BATCH]

          --embedding-batch-tokens <N>
              Tokens of one request [default: 100000]

              [env: SQLMIG_EMBEDDING_BATCH_TOKENS]

          --embedding-input-tokens <N>
              Tokens that the model takes of one text; longer texts are not sent [default: 8191]

              [env: SQLMIG_EMBEDDING_INPUT_TOKENS]

          --embedding-tokenizer <NAME>
              How tokens are counted: cl100k_base, o200k_base, p50k_base or r50k_base [default:
              cl100k_base]

              [env: SQLMIG_EMBEDDING_TOKENIZER]

          --embedding-concurrency <N>
              Requests at once, at most; fewer while the service is slow or says no [default: 8]

              [env: SQLMIG_EMBEDDING_CONCURRENCY]

          --embedding-attempts <N>
              Failures without a success between, after which the service counts as down (exit code 8)
              [default: 8]

              [env: SQLMIG_EMBEDDING_ATTEMPTS]

          --embedding-timeout <TIME>
              How long an answer may take [default: 1min]

              [env: SQLMIG_EMBEDDING_TIMEOUT]

          --embedding-price <PRICE>
              Price of a million tokens, in any currency

              [env: SQLMIG_EMBEDDING_PRICE]

          --max-cost <COST>
              Stop before the run's embeddings cost more, in the currency of the price

              [env: SQLMIG_MAX_COST]

          --max-tokens <N>
              Stop before the run sends more tokens to the service

              [env: SQLMIG_MAX_TOKENS]

          --embedding-proxy <URL>
              A proxy for the service, as http://proxy:3128 [default: none, whatever the environment
              says]

              [env: SQLMIG_EMBEDDING_PROXY]

          --embedding-allow-http[=<BOOL>]
              Send texts and key unencrypted to another machine

              [env: SQLMIG_EMBEDDING_ALLOW_HTTP]

          --embedding-send-dimensions[=<BOOL>]
              Name the dimensions in each request [default: for the models text-embedding-3-…, which
              shorten their vectors]

              [env: SQLMIG_EMBEDDING_SEND_DIMENSIONS]

    Metrics:
          --metrics-addr <HOST:PORT>
              Serve Prometheus metrics there: /metrics and /healthz [default: nowhere; of monitor
              127.0.0.1:9464]

              [env: SQLMIG_METRICS_ADDR]

          --disk-limit <SIZE>
              The size of the volume that the server's data is on: the alert about a full disk needs it,
              and SQL cannot tell

              [env: SQLMIG_DISK_LIMIT]

    Global options: …

    Examples:
      sqlmig validate
      sqlmig validate --output json

    Next: sqlmig report.
    Exit codes: sqlmig --help lists them.
    ");
}

#[test]
fn status() {
    insta::assert_snapshot!(own("status"), @r"
    Show how far a run has come, from anywhere

    Reads the ledger only, so it may be asked while another process runs, on any machine that reaches
    the database. Shows the phase, how much of it is done, its rate and when it will be through,
    retries, rejected rows, what holds it up, and what it takes of memory and connections.

    Usage: sqlmig status [OPTIONS]

    Options:
          --run <ID>
              The run's id, as history shows it [default: the newest]

              [env: SQLMIG_RUN]

      -w, --watch
              Go on until the run has ended, and end as it did

              On a terminal the status is drawn again and again; elsewhere every look is a line, with
              --output json an object. Ends with the exit code of the run: 0 when it is done, that of
              its failure, or 7 when nobody works on it any more.

              [env: SQLMIG_WATCH]

          --interval <TIME>
              Look so often [default: 2s]

              [env: SQLMIG_INTERVAL]

          --patience <TIME>
              End when nobody has worked on the unfinished run for so long, or the database has not
              answered [default: 1min]

              [env: SQLMIG_PATIENCE]

      -h, --help
              Print help (see a summary with '-h')

    Global options: …

    Examples:
      sqlmig status
      sqlmig status --watch
      sqlmig status --watch --interval 10s --output json | jq '.progress.percent'

    Next: sqlmig report, once the run has ended.
    Exit codes: sqlmig --help lists them.
    ");
}

#[test]
fn report() {
    insta::assert_snapshot!(own("report"), @r"
    Show what a run did: the books, checks, duplicates, quarantine, batches, timings

    Reads the ledger. The last line is the verdict: do the books balance? --format gives it as a page,
    for a pull request, for a CI or for programs; --output FILE writes it to a file. docs/report.md
    documents every form.

    Usage: sqlmig report [OPTIONS]

    Options:
          --run <ID>
              The run's id, as history shows it [default: the newest]

              [env: SQLMIG_RUN]

          --format <FORM>
              The report's form [default: what the ending of --output FILE says, else table]

              Possible values:
              - table:    Tables for a terminal
              - json:     JSON by the contract of docs/report.md
              - yaml:     The same as YAML
              - markdown: For a pull request or a ticket
              - html:     One self-contained page
              - junit:    Checks, proofs and books as test cases, for a CI

              [env: SQLMIG_FORMAT]

      -h, --help
              Print help (see a summary with '-h')

    Global options: …

    Examples:
      sqlmig report
      sqlmig report --output report.html
      sqlmig report --format markdown
      sqlmig report --output json | jq '.tables[] | select(.balanced | not)'

    Next: sqlmig history lists earlier runs.
    Exit codes: sqlmig --help lists them.
    ");
}

#[test]
fn history() {
    insta::assert_snapshot!(own("history"), @r"
    List the runs in this database, newest first; or what happened to one

    Reads the ledger. With --run: every change of that run's state, with who did it, from where and
    when.

    Usage: sqlmig history [OPTIONS]

    Options:
          --run <ID>
              Show what happened to this run, by its id [default: list all runs]

              [env: SQLMIG_RUN]

          --limit <N>
              At most so many runs [default: 20]

              [env: SQLMIG_LIMIT]

      -h, --help
              Print help (see a summary with '-h')

    Global options: …

    Examples:
      sqlmig history
      sqlmig history --limit 100 --output json
      sqlmig history --run 019ab1c2-0000-7000-8000-000000000001

    Next: sqlmig report --run ID shows one of them.
    Exit codes: sqlmig --help lists them.
    ");
}

#[test]
fn rollback() {
    insta::assert_snapshot!(own("rollback"), @r"
    Take back what was promoted, or empty the staging tables

    With --run: every batch of a run, the newest first; with --batch: one of them, which sqlmig promote
    then does again. Rows that were inserted are deleted, rows that were updated get back what they
    were. A row that somebody changed or deleted since, or that rows of another table refer to, is left
    as it is and named. Stopped at any point, the same command goes on.

    With --staging: empties the staging tables; the final tables and the ledger stay as they are.

    Asks first on a terminal; elsewhere it needs --yes.

    Usage: sqlmig rollback [OPTIONS] <--batch <N>|--run <ID>|--staging>

    Options:
          --batch <N>
              One batch, by its number in the run

          --run <ID>
              The run's id, as history shows it; with --batch, the run whose batch it is [default with
              --batch: the newest]

              [env: SQLMIG_RUN]

          --staging
              Empty the staging tables

          --force
              Put back also rows that somebody changed or deleted since: what they did is lost

      -y, --yes
              Do not ask

              [env: SQLMIG_YES]

      -h, --help
              Print help (see a summary with '-h')

    Limits:
          --lock-timeout <TIME>
              Wait at most so long for a lock: 500ms, 5s, 1min; a batch tries again [default: 5s]

              [env: SQLMIG_LOCK_TIMEOUT]

          --long-timeout <TIME>
              A check, a proof or taking a batch back may take so long [default: 2h]

              [env: SQLMIG_LONG_TIMEOUT]

    Global options: …

    Examples:
      sqlmig rollback --run 019ab1c2-0000-7000-8000-000000000001
      sqlmig rollback --batch 7 --yes
      sqlmig rollback --staging --yes

    Next: sqlmig report shows what is left of the run; sqlmig promote does a single batch again.
    Exit codes: sqlmig --help lists them.
    ");
}

#[test]
fn finish() {
    insta::assert_snapshot!(own("finish"), @r"
    Accept a run as it is: give up its before-images

    The run must be done. What was kept to take it back is deleted, and sqlmig rollback refuses it from
    then on. Asks first on a terminal; elsewhere it needs --yes.

    Usage: sqlmig finish [OPTIONS]

    Options:
          --run <ID>
              The run's id, as history shows it [default: the newest]

              [env: SQLMIG_RUN]

      -y, --yes
              Do not ask

              [env: SQLMIG_YES]

      -h, --help
              Print help (see a summary with '-h')

    Global options: …

    Examples:
      sqlmig finish
      sqlmig finish --run 019ab1c2-0000-7000-8000-000000000001 --yes

    Next: nothing; sqlmig history lists the runs.
    Exit codes: sqlmig --help lists them.
    ");
}

#[test]
fn test() {
    insta::assert_snapshot!(own("test"), @r"
    Run the project's own examples

    Reads transforms/examples/: for each, puts the given rows into an empty database, runs the transform
    and compares what it yields with what is expected. Needs no Rust and no source.

    Usage: sqlmig test [OPTIONS] [NAME]...

    Arguments:
      [NAME]...
              Only examples whose name contains one of these

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Global options: …

    Examples:
      sqlmig test --project ./myproject
      sqlmig test check_content_not_empty

    Next: sqlmig plan SOURCE.
    Exit codes: sqlmig --help lists them.
    ");
}

#[test]
fn completions() {
    insta::assert_snapshot!(own("completions"), @r"
    Print the completion script of a shell

    Usage: sqlmig completions [OPTIONS] <SHELL>

    Arguments:
      <SHELL>
              The shell

              [possible values: bash, elvish, fish, powershell, zsh]

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Global options: …

    Examples:
      sqlmig completions bash > ~/.local/share/bash-completion/completions/sqlmig
      sqlmig completions zsh > ~/.zfunc/_sqlmig
    ");
}

#[test]
fn generate() {
    insta::assert_snapshot!(own("generate"), @r"
    Write a pg_dump of generated documents, the same for the same seed

    For trying, testing and measuring: realistic text and vectors, all document types, and a chosen
    share of each fault that the checks of the docs project claim to catch.

    Usage: sqlmig generate [OPTIONS] <FILE>

    Arguments:
      <FILE>
              Where to: a file, compressed where its name ends in .gz, or - for stdout

    Options:
          --documents <N>
              Documents

              [default: 4600]

          --seed <N>
              The same seed gives the same bytes

              [default: 1]

          --dimensions <N>
              Dimensions of the vectors

              [default: 3072]

          --faults <KIND=PERCENT%>
              Faults to plant and their share of the rows, as in all=0.1% or content_empty=5%; may be
              repeated

          --shape <SHAPE>
              The shape of the dump: docs (the doc-server's tables), crates (the older ones) or narrow
              (many short rows)

              [default: docs]

          --newer
              The same dump taken later: some rows changed, some added

          --index <FILE>
              Write here which rows have which fault

      -h, --help
              Print help (see a summary with '-h')

    Global options: …

    Examples:
      sqlmig generate dump.sql.gz
      sqlmig generate - --documents 100 | sqlmig run -
    ");
}

#[test]
fn every_command_says_what_comes_next_with_an_example() {
    for command in
        Args::command().get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help")
    {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(after.contains("Examples:\n  "), "{}", command.get_name());
        let leads_on = after.contains("\nNext: ") || matches!(command.get_name(), "completions" | "generate");
        assert!(leads_on, "{}", command.get_name());
    }
}

#[test]
fn switches_do_not_swallow_the_source() {
    let args = Args::try_parse_from(["sqlmig", "run", "--allow-incomplete", "--quiet", "dump.sql"]).unwrap();
    assert_eq!(args.global.quiet, Some(true));
    assert_eq!(args.command.source().unwrap().source.as_ref().unwrap().as_os_str(), "dump.sql");
}

#[test]
fn what_makes_no_sense_is_refused() {
    for line in [
        "run",
        "run a --batch-size 0",
        "run a --max-rejects 101%",
        "run a --table a.b.c",
        "rollback",
        "rollback --yes",
        "rollback --staging --batch 1",
        "rollback --batch 0",
        "report --run latest",
        "generate a --faults 2",
    ] {
        assert!(Args::try_parse_from(format!("sqlmig {line}").split(' ')).is_err(), "{line}");
    }
}
