//! What a project's `sqlmig.toml` says.

use std::num::NonZeroU32;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;
use sqlmig::limits::{BatchSize, ByteSize, MaxRejects, Parallel, TimeSpan};
use sqlmig::names::TableName;

use crate::cli::args::{Color, LogFormat, Output};

/// The settings that a project's `sqlmig.toml` may hold: the options' names with `_` for `-`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileSettings {
    /// `--database-url`; leave the password to the environment.
    #[serde(deserialize_with = "secret")]
    pub database_url: Option<SecretString>,
    /// `--embedded-dir`.
    pub embedded_dir: Option<PathBuf>,
    /// `--postgres-bin`.
    pub postgres_bin: Option<PathBuf>,
    /// `--no-fetch`.
    pub no_fetch: Option<bool>,
    /// `--output`.
    pub output: Option<Output>,
    /// `--log-format`.
    pub log_format: Option<LogFormat>,
    /// `--log-level`.
    pub log_level: Option<String>,
    /// `--quiet`.
    pub quiet: Option<bool>,
    /// `--verbose`.
    pub verbose: Option<bool>,
    /// `--color`.
    pub color: Option<Color>,
    /// `--table`: a list.
    pub table: Option<Vec<String>>,
    /// `--database`.
    pub database: Option<String>,
    /// `--row-limit`: bytes, or a text with a unit.
    pub row_limit: Option<ByteSize>,
    /// `--file-limit`: bytes, or a text with a unit.
    pub file_limit: Option<ByteSize>,
    /// `--source-timeout`: a text with a unit.
    pub source_timeout: Option<TimeSpan>,
    /// `--allow-http`.
    pub allow_http: Option<bool>,
    /// `--max-rejects`: rows, or a text as `"0.5%"`.
    pub max_rejects: Option<MaxRejects>,
    /// `--lock-timeout`: a text with a unit.
    pub lock_timeout: Option<TimeSpan>,
    /// `--statement-timeout`: a text with a unit.
    pub statement_timeout: Option<TimeSpan>,
    /// `--long-timeout`: a text with a unit.
    pub long_timeout: Option<TimeSpan>,
    /// `--batch-size`.
    pub batch_size: Option<BatchSize>,
    /// `--parallel`.
    pub parallel: Option<Parallel>,
    /// `--max-connections`.
    pub max_connections: Option<NonZeroU32>,
    /// `--allow-incomplete`.
    pub allow_incomplete: Option<bool>,
    /// `--wait` of `promote --worker`.
    pub wait: Option<TimeSpan>,
    /// `--limit` of `history` and `quarantine list`.
    pub limit: Option<NonZeroU32>,
    /// `--embedding-url`.
    pub embedding_url: Option<String>,
    /// `--embedding-model`.
    pub embedding_model: Option<String>,
    /// `--embedding-dimensions`.
    pub embedding_dimensions: Option<u32>,
    /// `--embedding-provider`.
    pub embedding_provider: Option<String>,
    /// `--embedding-key-file`.
    pub embedding_key_file: Option<PathBuf>,
    /// `--embedding-batch`.
    pub embedding_batch: Option<u32>,
    /// `--embedding-batch-tokens`.
    pub embedding_batch_tokens: Option<u32>,
    /// `--embedding-input-tokens`.
    pub embedding_input_tokens: Option<u32>,
    /// `--embedding-tokenizer`.
    pub embedding_tokenizer: Option<String>,
    /// `--embedding-concurrency`.
    pub embedding_concurrency: Option<u32>,
    /// `--embedding-attempts`.
    pub embedding_attempts: Option<u32>,
    /// `--embedding-timeout`.
    pub embedding_timeout: Option<TimeSpan>,
    /// `--embedding-price`.
    pub embedding_price: Option<f64>,
    /// `--embedding-proxy`.
    pub embedding_proxy: Option<String>,
    /// `--embedding-allow-http`.
    pub embedding_allow_http: Option<bool>,
    /// `--embedding-send-dimensions`.
    pub embedding_send_dimensions: Option<bool>,
    /// `--metrics-addr`.
    pub metrics_addr: Option<String>,
    /// `--disk-limit`: bytes, or a text with a unit.
    pub disk_limit: Option<ByteSize>,
    /// `--interval` of `status --watch`: a text with a unit.
    pub interval: Option<TimeSpan>,
    /// `--patience` of `status --watch`: a text with a unit.
    pub patience: Option<TimeSpan>,
    /// `--no-index`.
    pub no_index: Option<bool>,
    /// `--top`.
    pub top: Option<NonZeroU32>,
    /// `--max-cost`.
    pub max_cost: Option<f64>,
    /// `--max-tokens`.
    pub max_tokens: Option<u64>,
}

/// A text that must not be shown again.
fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    String::deserialize(deserializer).map(|text| Some(text.into()))
}

/// Why settings do not hold.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file's settings are not of the right form.
    #[error("the settings in sqlmig.toml cannot be used: {0}")]
    File(String),
}

impl SettingsError {
    /// What to do next.
    #[must_use]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "every error of sqlmig is asked the same way")]
    pub fn hint(&self) -> Option<String> {
        Some("a key is an option's name with _ for -, as batch_size = 5000; sqlmig run --help lists them".to_owned())
    }
}

impl FileSettings {
    /// Reads the settings from a table of `sqlmig.toml`.
    ///
    /// # Errors
    ///
    /// [`SettingsError::File`] names the key that is unknown or the value that is of the wrong form.
    pub fn from_table(table: toml::Table) -> Result<Self, SettingsError> {
        // The error's own text may quote the input over several lines, so only its message is kept.
        let settings: Self =
            table.try_into().map_err(|error: toml::de::Error| SettingsError::File(error.message().to_owned()))?;
        settings.tables()?;
        Ok(settings)
    }

    /// The tables of `table`.
    pub(super) fn tables(&self) -> Result<Vec<TableName>, SettingsError> {
        let names = self.table.iter().flatten();
        names.map(|name| name.parse().map_err(|error| SettingsError::File(format!("table: {error}")))).collect()
    }
}
