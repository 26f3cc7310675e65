//! What a run would do.

use serde::Serialize;

use super::{Severity, StatementCount};

/// What a run would do: read from the source and the target, nothing written.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// [`super::FORMAT`].
    pub format: u32,
    /// The project's name.
    pub project: String,
    /// The target database, without secrets.
    pub target: String,
    /// The source as it was named, without secrets.
    pub source: String,
    /// What the source comes in, e.g. `gzip`.
    pub source_format: String,
    /// Bytes of the source as stored.
    pub source_bytes: i64,
    /// The dumps in the source, one after another; more than one in a `pg_dumpall` or a concatenated file.
    pub dumps: Vec<PlanDump>,
    /// The source's encoding, as PostgreSQL names it.
    pub encoding: String,
    /// Whether the source was read to its proper end.
    pub complete: bool,
    /// The source's tables, in its order.
    pub tables: Vec<PlanTable>,
    /// What else the source holds and nothing will execute, by kind.
    pub other_statements: Vec<StatementCount>,
    /// Migrations that would be applied.
    pub pending_migrations: Vec<String>,
    /// Checks, duplicate rules and validations, in the order they would run.
    pub checks: Vec<PlanCheck>,
    /// Promote transforms, in the order they would run.
    pub promote: Vec<PlanPromote>,
    /// Rows that come without an embedding.
    pub embeddings: Vec<PlanEmbedding>,
    /// What an operator should know.
    pub warnings: Vec<String>,
}

/// Rows of one source table that come without an embedding, before any check: what fetching them would take.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanEmbedding {
    /// The transform that asks for them.
    pub transform: String,
    /// The source table.
    pub source: String,
    /// Rows without one.
    pub rows: i64,
    /// Texts of them that would be sent: each once, and only those that the ledger has no embedding of.
    pub texts: i64,
    /// Tokens of those texts.
    pub tokens: i64,
    /// What they would cost, where a price is configured.
    pub cost: Option<f64>,
}

/// One dump of a source.
#[derive(Debug, Clone, Serialize)]
pub struct PlanDump {
    /// Version of the server it was taken from, if the dump says.
    pub server_version: Option<String>,
    /// Version of the `pg_dump` that wrote it, if the dump says.
    pub pg_dump_version: Option<String>,
}

/// One table of a source.
#[derive(Debug, Clone, Serialize)]
pub struct PlanTable {
    /// The table in the source.
    pub source: String,
    /// Its staging table, schema included.
    pub staged_as: String,
    /// Rows.
    pub rows: i64,
    /// Bytes of its rows as text.
    pub bytes: i64,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// The normalise transforms that read it; empty means that its rows are staged and go no further.
    pub used_by: Vec<String>,
    /// Batches that its rows would be promoted in.
    pub batches: i64,
}

/// A check that would run.
#[derive(Debug, Clone, Serialize)]
pub struct PlanCheck {
    /// Its name: the file's stem.
    pub name: String,
    /// `check`, `dedup` or `validate`.
    pub phase: String,
    /// The table it would look at.
    pub on: String,
    /// What its findings mean.
    pub severity: Severity,
    /// Its one-line summary.
    pub summary: String,
    /// Why it would not run, if it would not.
    pub skipped: Option<String>,
}

/// A promote transform that would run.
#[derive(Debug, Clone, Serialize)]
pub struct PlanPromote {
    /// Its name: the file's stem.
    pub transform: String,
    /// The final table.
    pub target: String,
    /// The canonical relation whose rows it promotes, if it has one.
    pub from: Option<String>,
    /// Why it would not run, if it would not.
    pub skipped: Option<String>,
}
