//! What a run did, as plain data: read from the ledger, rendered by `report`, serialised as `report --output json`.
//!
//! The JSON form is a contract, documented in `docs/report.md`: [`FORMAT`] rises whenever a field is renamed, removed or
//! changes its meaning.

use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

/// Version of the JSON forms of [`Report`], [`Plan`], [`Status`], [`History`] and [`ExampleReport`].
pub const FORMAT: u32 = 1;

/// What the findings of a check mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Reported, nothing more.
    Warn,
    /// The rows are taken out and kept in quarantine.
    Reject,
    /// Nothing is promoted.
    Error,
}

impl Severity {
    /// The word used in headers, the ledger and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Reject => "reject",
            Self::Error => "error",
        }
    }
}

impl std::str::FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "warn" => Ok(Self::Warn),
            "reject" => Ok(Self::Reject),
            "error" => Ok(Self::Error),
            other => Err(format!("{other:?} is no severity: use warn, reject or error")),
        }
    }
}

/// Everything `report` shows of one run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// The run itself.
    pub run: RunSummary,
    /// The books, one line a source table, in the order of the source.
    pub tables: Vec<TableBooks>,
    /// What each check found, in the order they ran.
    pub checks: Vec<CheckResult>,
    /// Rows taken out, by table, check and code.
    pub quarantine: Vec<QuarantineCount>,
    /// Some of the rows that were found, at most a few of each check.
    pub samples: Vec<Finding>,
    /// Duplicates merged, by rule.
    pub duplicates: Vec<DuplicateCount>,
    /// What was written, one line a promote transform.
    pub targets: Vec<TargetCount>,
    /// Batches of the whole run.
    pub batches: BatchCount,
    /// Migrations applied by this run.
    pub migrations: Vec<String>,
    /// What else the source held and nothing executed, by kind.
    pub other_statements: Vec<StatementCount>,
    /// Time each phase took, in order.
    pub phases: Vec<PhaseTime>,
    /// Speed and memory.
    pub throughput: Throughput,
    /// What an operator should know: skipped transforms, tables without one, incomplete input.
    pub warnings: Vec<String>,
    /// Everything that happened to the run, in order.
    pub events: Vec<RunEvent>,
}

/// A change of a run, and who made it.
#[derive(Debug, Clone, Serialize)]
pub struct RunEvent {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// `begun`, `taken`, `state`, `failed`, `accepted`, `migration`, `warning`, `retried`.
    pub kind: String,
    /// What, for people.
    pub message: String,
    /// The role that the session logged in as.
    pub who: String,
    /// Its address; none over a unix socket.
    pub client_address: Option<String>,
    /// What the client called itself.
    pub application: String,
}

/// Everything that happened to one run.
#[derive(Debug, Clone, Serialize)]
pub struct RunEvents {
    /// [`FORMAT`].
    pub format: u32,
    /// The run.
    pub run: RunSummary,
    /// Its events, in order.
    pub events: Vec<RunEvent>,
}

/// The fate of one row, in every run that met it.
#[derive(Debug, Clone, Serialize)]
pub struct Why {
    /// [`FORMAT`].
    pub format: u32,
    /// The table that was asked for.
    pub table: String,
    /// The row that was asked for.
    pub key: String,
    /// What the final tables have now.
    pub finals: Vec<FinalRow>,
    /// What each run did with it, the newest first.
    pub fates: Vec<Fate>,
    /// What could not be found out, and why.
    pub notes: Vec<String>,
}

/// A row of a final table.
#[derive(Debug, Clone, Serialize)]
pub struct FinalRow {
    /// The final table.
    pub target: String,
    /// The row's key: its columns' values with / between them.
    pub key: String,
    /// Whether it is there now.
    pub exists: bool,
    /// The run whose batch wrote the row as it is now; none where somebody else did.
    pub written_by: Option<Uuid>,
    /// That batch.
    pub batch: Option<i64>,
    /// The row as it is now.
    pub columns: Vec<ColumnValue>,
}

/// What one run did with a row.
#[derive(Debug, Clone, Serialize)]
pub struct Fate {
    /// The run.
    pub run: RunSummary,
    /// Source table, where the row is known.
    pub source: Option<String>,
    /// Its ordinal in it, from 1.
    pub row: Option<i64>,
    /// Line in the source's text, from 1, where it is known.
    pub line: Option<i64>,
    /// Byte offset in the source's text, from 0, where it is known.
    pub byte: Option<i64>,
    /// The chunk that it was read with.
    pub chunk: Option<ChunkPlace>,
    /// Whether it is in staging now.
    pub in_staging: bool,
    /// The row as it was staged, where staging or quarantine still has it.
    pub staged: Vec<ColumnValue>,
    /// The run whose quarantine it was taken from, in a retry.
    pub retried_from: Option<Uuid>,
    /// Columns that were given by hand then.
    pub mended: Vec<String>,
    /// Every finding on it.
    pub found_by: Vec<FoundBy>,
    /// Where it is in quarantine, if it is.
    pub quarantine: Option<QuarantinedRow>,
    /// The times that it was tried again.
    pub tries: Vec<Try>,
    /// The row that it was merged into as a duplicate, if it was.
    pub merged_into: Option<MergedWith>,
    /// The rows that were merged into it.
    pub took_from: Vec<MergedWith>,
    /// The batches that it was in.
    pub batches: Vec<FateBatch>,
    /// What became of it, in a sentence.
    pub verdict: String,
}

/// A chunk of staging, and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ChunkPlace {
    /// Ordinal of its first row.
    pub first_row: i64,
    /// Ordinal of its last row.
    pub last_row: i64,
    /// Line where it begins, where that was recorded.
    pub first_line: Option<i64>,
    /// Byte where it begins, where that was recorded.
    pub first_byte: Option<i64>,
}

/// The other row of a merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MergedWith {
    /// The duplicate rule.
    pub rule: String,
    /// Source table of the other row.
    pub source: String,
    /// Its ordinal in it.
    pub row: i64,
}

/// A batch that a row was in.
#[derive(Debug, Clone, Serialize)]
pub struct FateBatch {
    /// Its number in the run.
    pub number: i64,
    /// The promote transform.
    pub transform: String,
    /// The final table.
    pub target: String,
    /// First `_row` of its range.
    pub first_row: i64,
    /// Last `_row` of its range.
    pub last_row: i64,
    /// `pending`, `done`, `failed` or `rolled_back`.
    pub state: String,
    /// Times it was tried.
    pub attempts: i32,
    /// The transaction that committed it.
    pub xid: Option<String>,
    /// The run's epoch then.
    pub epoch: Option<i64>,
    /// When it was committed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
    /// `insert`, `update` or `unchanged`, where the before-images tell.
    pub operation: Option<String>,
}

/// One run.
#[derive(Debug, Clone, Serialize)]
pub struct RunSummary {
    /// `UUIDv7`, so ids sort by time.
    pub id: Uuid,
    /// The project's name.
    pub project: String,
    /// The source as it was named, without secrets.
    pub source: String,
    /// SHA-256 of the source's bytes as stored, lower-case hex; empty until the source was read to its end.
    pub source_sha256: String,
    /// `staging`, `staged`, `checked`, `promoted`, `done`, `superseded`, `rolled_back`, or `failed`: then `error` says why.
    pub state: String,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// When it ended, if it has.
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
    /// Whether the source was read to its proper end.
    pub complete: bool,
    /// The error that ended it, if one did.
    pub error: Option<String>,
    /// The run whose quarantine it retries, if it does.
    pub parent: Option<Uuid>,
}

/// The books of one source table. They balance when
/// `rows_read = rows_inserted + rows_updated + rows_unchanged + rows_merged + rows_quarantined`.
#[derive(Debug, Clone, Serialize)]
pub struct TableBooks {
    /// The table in the source.
    pub source: String,
    /// Its staging table, schema included.
    pub staged_as: String,
    /// Rows the reader saw.
    pub rows_read: i64,
    /// Rows in the staging table.
    pub rows_staged: i64,
    /// Rows new in the final table.
    pub rows_inserted: i64,
    /// Rows that changed the final table.
    pub rows_updated: i64,
    /// Rows the final table already had.
    pub rows_unchanged: i64,
    /// Rows merged into another as duplicates.
    pub rows_merged: i64,
    /// Rows taken out, by the decoder or a check.
    pub rows_quarantined: i64,
    /// Whether a transform of the project uses this table; one that none uses is staged and goes no further.
    pub used: bool,
    /// Whether the books balance. Of a table that no transform uses, or before promotion, whether
    /// `rows_read = rows_staged` + the rows that could not be decoded.
    pub balanced: bool,
}

/// What one check found.
#[derive(Debug, Clone, Serialize)]
pub struct CheckResult {
    /// Its name: the file's stem.
    pub name: String,
    /// `check`, `dedup` or `validate`.
    pub phase: String,
    /// The table it looked at.
    pub on: String,
    /// What its findings mean.
    pub severity: Severity,
    /// Rows looked at.
    pub rows_examined: i64,
    /// Rows found.
    pub rows_failed: i64,
    /// Milliseconds the query took.
    pub elapsed_ms: i64,
    /// Why it did not run, if it did not.
    pub skipped: Option<String>,
}

/// Rows in quarantine.
#[derive(Debug, Clone, Serialize)]
pub struct QuarantineCount {
    /// Source table.
    pub source: String,
    /// The check, or `decode` for rows that could not be read.
    pub check: String,
    /// Stable code of a decoder error; the check's name otherwise.
    pub code: String,
    /// Rows.
    pub rows: i64,
}

/// The rows in quarantine: counted, and the first of them.
#[derive(Debug, Clone, Serialize)]
pub struct QuarantineList {
    /// [`FORMAT`].
    pub format: u32,
    /// The run; the rows that its retries could not mend either are among these.
    pub run: Uuid,
    /// By table, check and code.
    pub counts: Vec<QuarantineGroup>,
    /// The first that no retry took, in the order of the source.
    pub rows: Vec<QuarantinedRow>,
    /// How many more there are.
    pub more: i64,
}

/// Rows in the quarantine of a run and of its retries.
#[derive(Debug, Clone, Serialize)]
pub struct QuarantineGroup {
    /// Source table.
    pub source: String,
    /// The check, or `decode` for rows that could not be read.
    pub check: String,
    /// Stable code of a decoder error; the check's name otherwise.
    pub code: String,
    /// Rows.
    pub rows: i64,
    /// Of these, rows that a retry took: they are promoted, or in its own quarantine.
    pub retried: i64,
}

/// A row in quarantine, and why it is there.
#[derive(Debug, Clone, Serialize)]
pub struct QuarantinedRow {
    /// The run that took it out.
    pub run: Uuid,
    /// Source table.
    pub source: String,
    /// Its ordinal in it, from 1.
    pub row: i64,
    /// The first check that took it out, or `decode`.
    pub check: String,
    /// Stable code of a decoder error; the check's name otherwise.
    pub code: String,
    /// The column, where a decoder error is one column's.
    pub column: Option<String>,
    /// What is wrong with it.
    pub reason: String,
    /// Line in the source's text, from 1, where it is known.
    pub line: Option<i64>,
    /// Byte offset in the source's text, from 0, where it is known.
    pub byte: Option<i64>,
    /// When it was taken out.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// One row in quarantine, whole.
#[derive(Debug, Clone, Serialize)]
pub struct QuarantineEntry {
    /// [`FORMAT`].
    pub format: u32,
    /// Where it is, and why.
    pub row: QuarantinedRow,
    /// Whether it can be retried: no retry took it, or the one that did was taken back.
    pub open: bool,
    /// Every finding on it, of checks that reject and of those that warn.
    pub found_by: Vec<FoundBy>,
    /// The row as it stood in the source, where it could not be decoded and is UTF-8.
    pub raw: Option<String>,
    /// The same in base64, where it is not.
    pub raw_base64: Option<String>,
    /// The row as it was staged, column by column; none where it could not be decoded.
    pub staged: Vec<ColumnValue>,
    /// The times that it was tried again.
    pub tries: Vec<Try>,
}

/// What a check found of one row.
#[derive(Debug, Clone, Serialize)]
pub struct FoundBy {
    /// `check` or `validate`.
    pub phase: String,
    /// The check.
    pub check: String,
    /// What its findings mean.
    pub severity: Option<String>,
    /// What is wrong with the row.
    pub reason: String,
}

/// A column and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnValue {
    /// The column.
    pub column: String,
    /// Its value as text; none is SQL's null.
    pub value: Option<String>,
}

/// A time that a row in quarantine was tried again.
#[derive(Debug, Clone, Serialize)]
pub struct Try {
    /// The run that tried it.
    pub run: Uuid,
    /// The run whose quarantine it was in.
    pub from_run: Uuid,
    /// How far that run came.
    pub state: String,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// Columns that were given by hand.
    pub mended: Vec<String>,
    /// The check that took it out again, if one did.
    pub check: Option<String>,
    /// What was wrong then.
    pub reason: Option<String>,
}

/// One row that a check found.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Source table.
    pub source: String,
    /// The row's ordinal in it, from 1; none where what was found is no row of the source.
    pub row: Option<i64>,
    /// What names it then.
    pub subject: Option<String>,
    /// The check.
    pub check: String,
    /// What is wrong with it.
    pub reason: String,
    /// Line in the source's text, from 1, where it is known.
    pub line: Option<i64>,
}

/// Rows merged by one duplicate rule.
#[derive(Debug, Clone, Serialize)]
pub struct DuplicateCount {
    /// The rule's name.
    pub rule: String,
    /// Source table of the rows that lost.
    pub source: String,
    /// Rows merged into another.
    pub rows: i64,
}

/// What one promote transform wrote.
#[derive(Debug, Clone, Serialize)]
pub struct TargetCount {
    /// The transform's name.
    pub transform: String,
    /// The final table.
    pub target: String,
    /// Batches committed.
    pub batches: i64,
    /// Rows new in the target.
    pub rows_inserted: i64,
    /// Rows changed in the target.
    pub rows_updated: i64,
    /// Rows the target already had.
    pub rows_unchanged: i64,
}

/// Batches of a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct BatchCount {
    /// Committed.
    pub done: i64,
    /// Given up.
    pub failed: i64,
    /// Still to do.
    pub pending: i64,
    /// Attempts beyond the first.
    pub retried: i64,
    /// Taken back after they were committed.
    pub rolled_back: i64,
}

/// Statements of one kind in the source.
#[derive(Debug, Clone, Serialize)]
pub struct StatementCount {
    /// Kind, e.g. `CREATE FUNCTION`.
    pub kind: String,
    /// How many.
    pub count: i64,
}

/// Time of one phase.
#[derive(Debug, Clone, Serialize)]
pub struct PhaseTime {
    /// The phase.
    pub phase: String,
    /// Milliseconds.
    pub elapsed_ms: i64,
}

/// Speed and memory of a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Throughput {
    /// Rows read from the source per second of all phases together.
    pub rows_per_second: f64,
    /// Rows promoted (inserted, updated or found unchanged) per minute of all phases together.
    pub documents_per_minute: f64,
    /// Seconds of all phases together.
    pub seconds: f64,
    /// Largest resident set of the sqlmig process in bytes; 0 where the system does not tell.
    pub peak_rss_bytes: i64,
}

/// What a run would do: read from the source and the target, nothing written.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// [`FORMAT`].
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
    /// What an operator should know.
    pub warnings: Vec<String>,
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

/// How far a run has come.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// [`FORMAT`].
    pub format: u32,
    /// The run.
    pub run: RunSummary,
    /// The books so far.
    pub tables: Vec<TableBooks>,
    /// Promotion so far, one line a target.
    pub targets: Vec<TargetProgress>,
}

/// How far the promotion of one target has come.
#[derive(Debug, Clone, Serialize)]
pub struct TargetProgress {
    /// The final table.
    pub target: String,
    /// Batches committed.
    pub batches_done: i64,
    /// Batches laid out.
    pub batches_planned: i64,
    /// Rows in the committed batches.
    pub rows_done: i64,
    /// Rows in all batches.
    pub rows_planned: i64,
}

/// The runs in a database, newest first.
#[derive(Debug, Clone, Serialize)]
pub struct History {
    /// [`FORMAT`].
    pub format: u32,
    /// The runs.
    pub runs: Vec<RunSummary>,
}

/// What came of a project's examples.
#[derive(Debug, Clone, Serialize)]
pub struct ExampleReport {
    /// [`FORMAT`].
    pub format: u32,
    /// The cases that were tried, in the order of their files.
    pub cases: Vec<CaseOutcome>,
    /// Transforms that no example tests: `check/content_empty`.
    pub without_example: Vec<String>,
}

/// What came of one case of an example.
#[derive(Debug, Clone, Serialize)]
pub struct CaseOutcome {
    /// The example's path inside the project.
    pub example: String,
    /// The transform that it tests: `check/content_empty`.
    pub transform: String,
    /// The case's name.
    pub case: String,
    /// Whether the transform yielded what is expected.
    pub passed: bool,
    /// What differs, or why the transform could not run; several lines.
    pub difference: Option<String>,
}

/// What came of a rollback, of a run or of one batch.
#[derive(Debug, Clone, Serialize)]
pub struct Rollback {
    /// [`FORMAT`].
    pub format: u32,
    /// The run.
    pub run: RunSummary,
    /// The batch, where only one was asked for.
    pub batch: Option<i64>,
    /// Whether rows were put back that somebody had changed since.
    pub forced: bool,
    /// Batches taken back by this command; an earlier one that was stopped may have done others.
    pub batches: i64,
    /// What was taken back in all, one line a final table.
    pub targets: Vec<TakenBack>,
    /// Rows that were left as they are, at most a thousand of them; `targets` counts all.
    pub kept: Vec<KeptRow>,
}

/// What was taken back of one final table.
#[derive(Debug, Clone, Serialize)]
pub struct TakenBack {
    /// The final table.
    pub target: String,
    /// Batches taken back.
    pub batches: i64,
    /// Rows that they had inserted, deleted.
    pub rows_deleted: i64,
    /// Rows that they had changed, restored.
    pub rows_restored: i64,
    /// Rows left as they are.
    pub rows_kept: i64,
}

/// A row that a rollback left as it is.
#[derive(Debug, Clone, Serialize)]
pub struct KeptRow {
    /// The batch that wrote it.
    pub batch: i64,
    /// The final table.
    pub target: String,
    /// Its key: columns and values.
    pub key: serde_json::Value,
    /// What the batch did to it: `insert` or `update`.
    pub operation: String,
    /// `changed` or `deleted` since, `referenced` by another row, `refused` by the database.
    pub reason: String,
    /// By whom or what, where that is known.
    pub detail: Option<String>,
}

/// What came of accepting a run.
#[derive(Debug, Clone, Serialize)]
pub struct Accepted {
    /// [`FORMAT`].
    pub format: u32,
    /// The run.
    pub run: RunSummary,
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub accepted_at: OffsetDateTime,
    /// Before-images given up by this command.
    pub images: i64,
    /// Tables of before-images dropped by this command, since they held no others.
    pub tables_dropped: i64,
}

/// What came of emptying the staging tables.
#[derive(Debug, Clone, Serialize)]
pub struct StagingEmptied {
    /// [`FORMAT`].
    pub format: u32,
    /// Their names.
    pub emptied: Vec<String>,
}
