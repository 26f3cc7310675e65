//! What a run would do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Severity, StatementCount};

/// What a run would do: read from the source and the target, nothing written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`super::FORMAT`].
    pub format: u32,
    /// The project's name.
    pub project: String,
    /// SHA-256 over the project's files, lower-case hex.
    pub project_hash: String,
    /// The target database, without secrets.
    pub target: String,
    /// Which database it is, wherever it is reached: its name, its number and its server's own identifier.
    pub database: String,
    /// A digest of the columns of the final tables.
    pub target_schema: String,
    /// The source as it was named, without secrets.
    pub source: String,
    /// SHA-256 of the source's bytes as stored, lower-case hex; empty where it was not read to its end.
    pub source_sha256: String,
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
    /// Options that decide what a run does.
    pub options: BTreeMap<String, String>,
    /// Whether the rows were compared with the target.
    pub counts: PlanCounts,
    /// The source's tables, in its order.
    pub tables: Vec<PlanTable>,
    /// What else the source holds and nothing will execute, by kind.
    pub other_statements: Vec<StatementCount>,
    /// Migrations that would be applied.
    pub pending_migrations: Vec<String>,
    /// The same, each with its SQL.
    pub migrations: Vec<PlanMigration>,
    /// Checks, duplicate rules and validations, in the order they would run.
    pub checks: Vec<PlanCheck>,
    /// Promote transforms, in the order they would run.
    pub promote: Vec<PlanPromote>,
    /// Rows that come without an embedding.
    pub embeddings: Vec<PlanEmbedding>,
    /// What it would take, where the rows were compared.
    pub estimate: Option<PlanEstimate>,
    /// Why a run would stop before it has promoted everything, each in one line; none where it would not.
    pub refused: Vec<String>,
    /// What an operator should know.
    pub warnings: Vec<String>,
}

/// Rows of one source table that come without an embedding: what fetching them would take. Where the rows were not compared, before
/// any check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanDump {
    /// Version of the server it was taken from, if the dump says.
    pub server_version: Option<String>,
    /// Version of the `pg_dump` that wrote it, if the dump says.
    pub pg_dump_version: Option<String>,
}

/// One table of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// What would become of its rows, where they were compared.
    pub fate: Option<PlanFate>,
}

/// What would become of the rows of one source table: as in the books of a run, they come to all of its rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanFate {
    /// Rows new in the final table.
    pub insert: i64,
    /// Rows that change the final table.
    pub update: i64,
    /// Rows the final table has as they are.
    pub unchanged: i64,
    /// Rows merged into another as duplicates.
    pub merge: i64,
    /// Rows taken out, by the decoder or a check.
    pub reject: i64,
}

/// Whether rows were compared with the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCounts {
    /// Whether the rows were staged in a trial, checked, and compared with the target.
    pub compared: bool,
    /// Why they were not.
    pub why_not: Option<String>,
}

/// A migration that would be applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanMigration {
    /// `ledger`, or the project's name.
    pub set: String,
    /// Version and name.
    pub name: String,
    /// Its SQL.
    pub sql: String,
}

/// What a run would take: measured in the trial, but for what is written to the target, which is reckoned from the rows' widths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEstimate {
    /// Bytes that the staging tables take on disk, measured.
    pub staging_bytes: i64,
    /// Bytes of the rows that are written to final tables, before compression.
    pub target_bytes: i64,
    /// Bytes that the final tables' indexes grow by.
    pub index_bytes: i64,
    /// Bytes of the before-images.
    pub undo_bytes: i64,
    /// Bytes of WAL, at least: what is written once each; full-page images come on top.
    pub wal_bytes: i64,
    /// Milliseconds to stage, measured on one connection.
    pub stage_ms: i64,
    /// Milliseconds to check and settle duplicates, measured.
    pub check_ms: i64,
    /// Milliseconds to promote: to compare, measured, and to write at the speed that was measured in staging.
    pub promote_ms: i64,
    /// Indexes that are built after the load and are not reckoned with.
    pub indexes_left_out: Vec<String>,
    /// All indexes that are built after the load. The time of that, and of fetching embeddings, is in none of these.
    #[serde(default)]
    pub indexes_built: Vec<String>,
}

/// A check that would run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Rows that it would find, or merge away, where they were compared.
    pub found: Option<i64>,
}

/// A promote transform that would run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanPromote {
    /// Its name: the file's stem.
    pub transform: String,
    /// The final table.
    pub target: String,
    /// The canonical relation whose rows it promotes, if it has one.
    pub from: Option<String>,
    /// Why it would not run, if it would not.
    pub skipped: Option<String>,
    /// What it would do to its target, where the rows were compared.
    pub rows: Option<PlanRows>,
    /// Tables that it reads and that an earlier transform would change: what it finds in them then may differ, and so may its rows.
    pub reads_changed: Vec<String>,
}

/// What one promote transform would do to its target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRows {
    /// Rows new in it.
    pub insert: i64,
    /// Rows changed in it.
    pub update: i64,
    /// Rows deleted from it.
    pub delete: i64,
    /// Rows that it has as they are.
    pub unchanged: i64,
}

/// The plan that a run was told to follow; all empty where it was told of none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FollowedPlan {
    /// SHA-256 of the plan's file, lower-case hex.
    pub sha256: Option<String>,
    /// When the run began to follow it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub at: Option<OffsetDateTime>,
    /// What it said of each source table.
    pub tables: Vec<PlannedTable>,
}

/// What a plan said of the rows of one source table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTable {
    /// The table in the source.
    pub source: String,
    /// Rows to insert.
    pub insert: i64,
    /// Rows to update.
    pub update: i64,
    /// Rows to leave as they are.
    pub unchanged: i64,
    /// Rows to merge.
    pub merge: i64,
    /// Rows to take out.
    pub reject: i64,
}
