//! What a run did, as plain data: read from the ledger, rendered by `report`, serialised as `report --output json`.
//!
//! The JSON form is a contract, documented in `docs/report.md`: [`FORMAT`] rises whenever a field is renamed, removed or
//! changes its meaning.

mod books;
mod check;
mod embedding;
mod environment;
mod examples;
mod fate;
mod pace;
mod plan;
mod preflight;
pub mod progress;
mod quarantine;
mod rollback;
mod run;
mod search;
mod severity;
pub mod status;

use serde::Serialize;

pub use self::books::{BatchCount, DuplicateCount, StatementCount, TableBooks, TargetCount};
pub use self::check::{CheckResult, Finding, FoundBy};
pub use self::embedding::{EmbeddingCost, EmbeddingCount};
pub use self::environment::{Environment, Setting, SourceDigest};
pub use self::examples::{CaseOutcome, ExampleReport};
pub use self::fate::{ChunkPlace, ColumnValue, Fate, FateBatch, FinalRow, MergedWith, Why};
pub use self::pace::{BatchSpread, BatchTimes, MemorySlice, Slice};
pub use self::plan::{
    FollowedPlan, Plan, PlanCheck, PlanCounts, PlanDump, PlanEmbedding, PlanEstimate, PlanFate, PlanMigration,
    PlanPromote, PlanRows, PlanTable, PlannedTable,
};
pub use self::preflight::{DiskNeeds, Light, Preflight, ReadyFinding, TimeEstimate};
pub use self::progress::Progress;
pub use self::quarantine::{QuarantineCount, QuarantineEntry, QuarantineGroup, QuarantineList, QuarantinedRow, Try};
pub use self::rollback::{Accepted, KeptRow, Rollback, StagingEmptied, TakenBack};
pub use self::run::{History, PhaseTime, RunEvent, RunEvents, RunSummary, Throughput};
pub use self::search::{Hit, SearchReport};
pub use self::severity::Severity;
pub use self::status::{Share, Status, TargetProgress};

/// Version of the JSON forms of [`Report`], [`Plan`], [`Status`], [`History`] and [`ExampleReport`].
pub const FORMAT: u32 = 1;

/// Everything `report` shows of one run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// The run itself.
    pub run: RunSummary,
    /// The plan that it was told to follow, if it was.
    pub plan: FollowedPlan,
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
    /// Rows that came without an embedding, by relation and source table.
    pub embeddings: Vec<EmbeddingCount>,
    /// What the run has spent on embeddings.
    pub embedding_cost: EmbeddingCost,
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
    /// How the work went over time, slice by slice, phase after phase.
    pub pace: Vec<Slice>,
    /// How much memory its processes had over time.
    pub memory: Vec<MemorySlice>,
    /// How long the batches of each promote transform took.
    pub batch_times: Vec<BatchTimes>,
    /// How many batches took how long, the fastest first.
    pub batch_spread: Vec<BatchSpread>,
    /// What the reader read, and the digests that the server was held to.
    pub digests: Vec<SourceDigest>,
    /// By what and on what the run was done.
    pub environment: Environment,
    /// What an operator should know: skipped transforms, tables without one, incomplete input.
    pub warnings: Vec<String>,
    /// Everything that happened to the run, in order.
    pub events: Vec<RunEvent>,
}
