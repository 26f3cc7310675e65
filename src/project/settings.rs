//! What a project's `sqlmig.toml` says.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::names::TableName;

use super::error::ProjectError;
use super::files::Tree;

/// A project's settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// `name`: what the project is called.
    pub name: Option<String>,
    /// `[digest]`: for each source table, the columns of which the reader takes a SHA-256.
    pub digest: BTreeMap<TableName, Vec<String>>,
    /// `[vars]`: values that templates read as `vars.x`.
    pub vars: BTreeMap<String, toml::Value>,
    /// `[options]`: the project's wishes for options of the command line, which wins over them.
    pub options: Options,
}

/// Options of the command line that a project may set; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Rows promoted in one transaction.
    pub batch_size: Option<u32>,
    /// Workers that promote batches at the same time.
    pub parallel: Option<u16>,
    /// How many rows may go to quarantine before the run fails.
    pub max_rejects: Option<MaxRejects>,
    /// Longest row that the reader holds, in bytes; longer ones go to quarantine.
    pub row_limit_bytes: Option<usize>,
}

/// How many rows may go to quarantine before a run fails: `100` or `0.5%`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxRejects {
    /// At most so many rows.
    Rows(u64),
    /// At most so many of a hundred rows, 0 to 100.
    Percent(f64),
}
