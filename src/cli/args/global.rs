//! What every command takes.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::BoolishValueParser;
use secrecy::SecretString;

use super::{OutputParser, OutputTo};

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
    /// How data is written to stdout [default: table]; sqlmig report takes the name of a file, too
    #[arg(long, global = true, value_name = "FORMAT", env = "SQLMIG_OUTPUT", value_parser = OutputParser)]
    pub output: Option<OutputTo>,
    /// How log lines and the error at the end are written to stderr [default: text on a terminal, json elsewhere]
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

/// A value that must not be shown again.
#[expect(clippy::unnecessary_wraps, reason = "the form that clap asks for")]
fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(SecretString::from(text))
}
