//! What holds: the flags, the environment, the project's file and the defaults, resolved once.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use sqlmig::limits::{BatchSize, ByteSize, MaxRejects, Parallel, TimeSpan, Timeouts};
use sqlmig::names::TableName;
use sqlmig::pipeline::EarlierRuns;

use super::args::{Command, GlobalArgs, QuarantineCommand};
use super::embedding::EmbeddingSettings;
use super::presentation::Presentation;

pub mod file;

pub use self::file::{FileSettings, SettingsError};

/// Staged rows of one batch; of the sizes tried, larger ones gained nothing and made what one failure undoes larger.
const MAX_CONNECTIONS: u32 = 20;
/// PostgreSQL refuses a field of more than 1 GiB; a row of a quarter of that is most likely a quoting fault.
const ROW_LIMIT: ByteSize = ByteSize(256 << 20);
/// Documentation is written by people: a larger file is data, or a log.
const FILE_LIMIT: ByteSize = ByteSize(32 << 20);
/// A server that is started again, or a bucket that wants less to be asked, is back by then.
const SOURCE_TIMEOUT: Duration = Duration::from_mins(1);
/// A conductor that was started together with its workers has laid batches out by then, unless it stages first.
const WAIT: Duration = Duration::from_mins(1);
/// Runs that `history` lists, rows that `quarantine list` does.
const LIMIT: u32 = 20;
/// Rows that `search` shows.
const TOP: u32 = 10;
/// How often `status --watch` looks, and how long it waits for somebody to go on with a run that nobody works on.
const INTERVAL: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_mins(1);
/// Where the embedded server lives, below the folder sqlmig was started in.
const EMBEDDED_DIR: &str = ".sqlmig";

/// The embedded server, used when no database is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedSettings {
    /// Where its data, socket and log live.
    pub dir: PathBuf,
    /// The folder with its programs, where one was named.
    pub postgres_bin: Option<PathBuf>,
    /// Whether PostgreSQL may be downloaded.
    pub fetch: bool,
}

/// How a source on the network is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteSettings {
    /// How long it may give nothing.
    pub timeout: Duration,
    /// Whether it may be read without encryption.
    pub allow_http: bool,
}

/// Everything that holds for one command.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How sqlmig talks.
    pub presentation: Presentation,
    /// The target, where one was named.
    pub database_url: Option<SecretString>,
    /// The server to start where no target was named.
    pub embedded: EmbeddedSettings,
    /// Only these tables of the source; empty means all.
    pub tables: Vec<TableName>,
    /// Which database of a `pg_dumpall` file.
    pub database: Option<String>,
    /// Rows longer than this go to quarantine unread.
    pub row_limit: ByteSize,
    /// Files of a tree that are larger go to quarantine unread.
    pub file_limit: ByteSize,
    /// Whether documents of files that are gone are removed.
    pub prune: bool,
    /// How a source on the network is read.
    pub remote: RemoteSettings,
    /// How many rows may be rejected; `None` means any number.
    pub max_rejects: Option<MaxRejects>,
    /// How long the server may take.
    pub timeouts: Timeouts,
    /// Staged rows promoted in one transaction.
    pub batch_size: BatchSize,
    /// Batches at work at once.
    pub parallel: Parallel,
    /// Connections that a run may have.
    pub max_connections: u32,
    /// Whether rows of an unfinished source may be promoted.
    pub allow_incomplete: bool,
    /// What earlier runs are to this one.
    pub earlier: EarlierRuns,
    /// How long a worker waits for batches.
    pub wait: Duration,
    /// Runs that `history` lists, rows that `quarantine list` does.
    pub limit: u32,
    /// Whether the project's indexes are built after the load.
    pub index: bool,
    /// Rows that `search` shows.
    pub top: u32,
    /// How embeddings are fetched.
    pub embedding: EmbeddingSettings,
    /// Where metrics are served.
    pub metrics_addr: Option<String>,
    /// The size of the volume that the server's data is on.
    pub disk_limit: Option<ByteSize>,
    /// How often `status --watch` looks.
    pub interval: Duration,
    /// How long it waits for somebody to go on.
    pub patience: Duration,
}

impl Settings {
    /// Resolves what was typed (flags and environment, which clap merged) with what the project's file says.
    ///
    /// # Errors
    ///
    /// [`SettingsError::File`] where the file names something that is no table.
    pub fn resolve(typed: &GlobalArgs, command: &Command, file: &FileSettings) -> Result<Self, SettingsError> {
        let source = command.source();
        let promote = command.promote();
        let (timeouts, waits) = (command.timeouts(), command.waits());
        let time =
            |typed: Option<TimeSpan>, file: Option<TimeSpan>, default| typed.or(file).map_or(default, |time| time.0);
        let usual = Timeouts::default();
        let metrics = command.metrics();
        let follow = if let Command::Status(follow) = command { Some(follow) } else { None };
        let named: &[TableName] = source.map_or(&[], |source| &source.tables);
        let typed_limit = match command {
            Command::History { limit, .. } | Command::Quarantine { action: QuarantineCommand::List { limit, .. } } => {
                *limit
            }
            _ => None,
        };
        Ok(Self {
            presentation: Presentation::resolve(typed, file),
            database_url: typed.database_url.clone().or_else(|| file.database_url.clone()),
            embedded: EmbeddedSettings {
                dir: first(typed.embedded_dir.as_ref(), file.embedded_dir.as_ref()).unwrap_or(EMBEDDED_DIR.into()),
                postgres_bin: first(typed.postgres_bin.as_ref(), file.postgres_bin.as_ref()),
                fetch: !typed.no_fetch.or(file.no_fetch).unwrap_or(false),
            },
            tables: if named.is_empty() { file.tables()? } else { named.to_vec() },
            database: first(source.and_then(|source| source.database.as_ref()), file.database.as_ref()),
            row_limit: source.and_then(|source| source.row_limit).or(file.row_limit).unwrap_or(ROW_LIMIT),
            file_limit: source.and_then(|source| source.file_limit).or(file.file_limit).unwrap_or(FILE_LIMIT),
            prune: source.is_some_and(|source| source.prune),
            remote: RemoteSettings {
                timeout: time(
                    source.and_then(|source| source.remote.source_timeout),
                    file.source_timeout,
                    SOURCE_TIMEOUT,
                ),
                allow_http: source.and_then(|source| source.remote.allow_http).or(file.allow_http).unwrap_or(false),
            },
            max_rejects: command.limits().and_then(|limits| limits.max_rejects).or(file.max_rejects),
            timeouts: Timeouts {
                lock: time(waits.and_then(|typed| typed.lock_timeout), file.lock_timeout, usual.lock),
                statement: time(
                    timeouts.and_then(|typed| typed.statement_timeout),
                    file.statement_timeout,
                    usual.statement,
                ),
                long: time(waits.and_then(|typed| typed.long_timeout), file.long_timeout, usual.long),
                ..usual
            },
            batch_size: command.batch().and_then(|batch| batch.batch_size).or(file.batch_size).unwrap_or_default(),
            parallel: promote.and_then(|promote| promote.parallel).or(file.parallel).unwrap_or_default(),
            max_connections: number(
                promote.and_then(|promote| promote.max_connections),
                file.max_connections,
                MAX_CONNECTIONS,
            ),
            allow_incomplete: promote
                .and_then(|promote| promote.allow_incomplete)
                .or(file.allow_incomplete)
                .unwrap_or(false),
            earlier: command.earlier(),
            wait: time(if let Command::Promote { worker, .. } = command { worker.wait } else { None }, file.wait, WAIT),
            limit: number(typed_limit, file.limit, LIMIT),
            index: !match command {
                Command::Run { no_index, .. } => *no_index,
                _ => None,
            }
            .or(file.no_index)
            .unwrap_or(false),
            top: number(if let Command::Search { top, .. } = command { *top } else { None }, file.top, TOP),
            embedding: EmbeddingSettings::resolve(command.embedding(), file),
            metrics_addr: first(metrics.and_then(|metrics| metrics.metrics_addr.as_ref()), file.metrics_addr.as_ref()),
            disk_limit: metrics.and_then(|metrics| metrics.disk_limit).or(file.disk_limit),
            interval: time(follow.and_then(|follow| follow.interval), file.interval, INTERVAL),
            patience: time(follow.and_then(|follow| follow.patience), file.patience, PATIENCE),
        })
    }
}

/// What was typed, else what the file says.
fn first<T: Clone>(typed: Option<&T>, file: Option<&T>) -> Option<T> {
    typed.or(file).cloned()
}

/// What was typed, else what the file says, else the default.
fn number(typed: Option<u32>, file: Option<NonZeroU32>, default: u32) -> u32 {
    typed.or(file.map(NonZeroU32::get)).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};
    use secrecy::ExposeSecret;
    use sqlmig::report::Format;

    use super::*;
    use crate::cli::args::{Args, Color};

    fn resolve(line: &[&str], file: &str) -> Settings {
        let args = Args::try_parse_from([&["sqlmig"], line].concat()).unwrap();
        let file = FileSettings::from_table(file.parse().unwrap()).unwrap();
        Settings::resolve(&args.global, &args.command, &file).unwrap()
    }

    const FILE: &str = r#"
        database_url = "postgres://file/db"
        no_fetch = true
        output = "json"
        table = ["public.documents"]
        row_limit = "1MiB"
        max_rejects = "0.5%"
        batch_size = 100
        allow_incomplete = true
    "#;

    #[test]
    fn the_default_holds_where_nothing_is_said() {
        let settings = resolve(&["run", "dump.sql"], "");
        assert_eq!(
            (settings.batch_size, settings.parallel, settings.row_limit),
            (BatchSize::Auto, Parallel::Auto, ROW_LIMIT)
        );
        assert_eq!(settings.embedded, EmbeddedSettings { dir: ".sqlmig".into(), postgres_bin: None, fetch: true });
        assert_eq!((settings.max_rejects, settings.allow_incomplete), (None, false));
        assert_eq!((settings.presentation.output, settings.presentation.color), (Format::Table, Color::Auto));
    }

    #[test]
    fn the_file_wins_over_the_default() {
        let settings = resolve(&["run", "dump.sql"], FILE);
        assert_eq!(settings.database_url.unwrap().expose_secret(), "postgres://file/db");
        assert_eq!((settings.batch_size.to_string(), settings.row_limit), ("100".to_owned(), ByteSize(1 << 20)));
        assert_eq!(settings.max_rejects, Some(MaxRejects::Percent(0.5)));
        assert_eq!(settings.tables, [TableName::new("public", "documents")]);
        assert_eq!(settings.presentation.output, Format::Json);
        assert!(settings.allow_incomplete && !settings.embedded.fetch);
    }

    #[test]
    fn what_is_typed_wins_over_the_file() {
        let line = "run dump.sql --batch-size 7 --max-rejects 3 --row-limit 4096 --table a.b --table c --output table \
                    --allow-incomplete=false --no-fetch=false --database-url postgres://typed/db";
        let settings = resolve(&line.split_whitespace().collect::<Vec<_>>(), FILE);
        assert_eq!(settings.database_url.unwrap().expose_secret(), "postgres://typed/db");
        assert_eq!((settings.batch_size.to_string(), settings.row_limit), ("7".to_owned(), ByteSize(4096)));
        assert_eq!(settings.max_rejects, Some(MaxRejects::Count(3)));
        assert_eq!(settings.tables, [TableName::new("a", "b"), TableName::unqualified("c")]);
        assert_eq!(settings.presentation.output, Format::Table);
        assert!(!settings.allow_incomplete && settings.embedded.fetch);
    }

    #[test]
    fn a_file_with_an_unknown_key_or_a_wrong_value_is_refused() {
        for (file, named) in [
            ("batchsize = 1", "batchsize"),
            ("batch_size = 0", "size of a batch"),
            ("max_rejects = \"many\"", "many"),
            ("table = [\"a.b.c\"]", "a.b.c"),
            ("output = \"xml\"", "xml"),
        ] {
            let error = FileSettings::from_table(file.parse().unwrap()).unwrap_err().to_string();
            assert!(error.contains(named), "{file}: {error}");
        }
    }

    #[test]
    fn a_secret_stays_secret() {
        let settings = resolve(&["run", "a", "--database-url", "postgres://u:hunter2@h/d"], "");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    /// Options that no file may set: where the file is, consent, and what is about one call only.
    const NOT_IN_A_FILE: [&str; 19] = [
        "project", "yes", "run", "staging", "restart", "worker", "batch", "force", "vector", "probe", "source",
        "prune", "plan", "save", "quick", "strict", "watch", "report", "format",
    ];
    /// Of these, what is so much about one call that it has no variable, either.
    const TYPED_ONLY: [&str; 3] = ["staging", "batch", "force"];

    #[test]
    fn every_option_has_a_variable_and_a_key() {
        let command = Args::command();
        let commands = command.get_subcommands().filter(|command| command.get_name() != "generate");
        for option in std::iter::once(&command).chain(commands).flat_map(clap::Command::get_arguments) {
            let Some(name) = option.get_long().filter(|name| *name != "help" && *name != "version") else { continue };
            let key = name.replace('-', "_");
            if !TYPED_ONLY.contains(&name) {
                let variable = option.get_env().unwrap_or_else(|| panic!("--{name} has no variable"));
                let own = format!("SQLMIG_{}", key.to_uppercase());
                assert!(variable == own.as_str() || (name == "database-url" && variable == "DATABASE_URL"), "--{name}");
            }
            let table = toml::Table::from_iter([(key, toml::Value::Array(vec![toml::Value::Boolean(true)]))]);
            let error = FileSettings::from_table(table).unwrap_err().to_string();
            assert_eq!(error.contains("unknown field"), NOT_IN_A_FILE.contains(&name), "--{name}: {error}");
        }
    }
}
