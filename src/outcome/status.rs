//! How far a run has come: the one model that its own display, `sqlmig status` and the metrics show.

use serde::Serialize;
use time::OffsetDateTime;

use super::{BatchCount, Progress, RunSummary, TableBooks};

/// How far a run has come, as the ledger has it at one moment.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// [`super::FORMAT`].
    pub format: u32,
    /// The moment, by the server's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The run.
    pub run: RunSummary,
    /// What the last process that conducted it ended with; none while one is at work, and after one that was killed.
    pub exit_code: Option<u8>,
    /// Whether somebody works on it.
    pub activity: Activity,
    /// Whether a process holds the lock under which runs of this database are conducted.
    pub is_conducted: bool,
    /// The phase that is being worked on, or was when the process was last heard of.
    pub progress: Option<Progress>,
    /// Time that every phase took so far, all tries together.
    pub phases: Vec<PhaseSpent>,
    /// The books so far.
    pub tables: Vec<TableBooks>,
    /// Promotion so far, one line a target.
    pub targets: Vec<TargetProgress>,
    /// Rows written, one line a target.
    pub written: Vec<TargetWritten>,
    /// Batches of the whole run.
    pub batches: BatchCount,
    /// How long they took.
    pub batch_seconds: Latency,
    /// Rows that are staged and rows that could not be decoded.
    pub rows_read: i64,
    /// Rows that are staged.
    pub rows_staged: i64,
    /// Chunks of rows that are staged, each one transaction.
    pub chunks: i64,
    /// Stored (compressed) bytes of the source of which every row is staged.
    pub source_bytes_done: Option<i64>,
    /// Its size as stored, where it is known.
    pub source_bytes: Option<i64>,
    /// Rows taken out.
    pub rejects: Rejects,
    /// Things that failed and were tried again: chunks, batches, requests, connections.
    pub retries: i64,
    /// Embeddings so far.
    pub embeddings: EmbeddingProgress,
    /// What each part of the present phase is busy with, the busiest first.
    pub busy: Vec<Share>,
    /// Who works on it.
    pub processes: Vec<Process>,
    /// What the server has, and what of it is taken.
    pub server: ServerUse,
    /// When something was last committed, or a process last said that it came further.
    #[serde(with = "time::serde::rfc3339")]
    pub last_progress_at: OffsetDateTime,
    /// When a process was last heard of.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_heard_at: Option<OffsetDateTime>,
}

impl Status {
    /// Whether nothing is left to do.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.activity == Activity::Ended
    }

    /// Seconds since something moved.
    #[must_use]
    pub fn seconds_since_progress(&self) -> f64 {
        (self.at - self.last_progress_at).as_seconds_f64().max(0.0)
    }
}

/// Whether somebody works on a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// A process says that it does.
    Working,
    /// One said so, and has not been heard of since: it was killed, or is cut off.
    Silent,
    /// Nobody: a step ended, and another is to come.
    Idle,
    /// Nothing is left to do, or a step failed.
    Ended,
}

impl Activity {
    /// The word used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Silent => "silent",
            Self::Idle => "idle",
            Self::Ended => "ended",
        }
    }
}

/// Time of one phase.
#[derive(Debug, Clone, Serialize)]
pub struct PhaseSpent {
    /// The phase.
    pub phase: String,
    /// Seconds that a process was at it.
    pub seconds: f64,
    /// Times that it was begun.
    pub tries: i64,
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

/// Rows that were written to one target, also those that were taken back since.
#[derive(Debug, Clone, Serialize)]
pub struct TargetWritten {
    /// The final table.
    pub target: String,
    /// Rows new in it.
    pub inserted: i64,
    /// Rows changed in it.
    pub updated: i64,
    /// Rows that it already had.
    pub unchanged: i64,
    /// Rows deleted from it.
    pub deleted: i64,
}

/// How long something took, many times.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Latency {
    /// How many times.
    pub count: i64,
    /// Seconds, all together.
    pub sum: f64,
    /// Seconds that half of them took at most.
    pub p50: Option<f64>,
    /// That 95 of 100 took at most.
    pub p95: Option<f64>,
    /// That 99 of 100 took at most.
    pub p99: Option<f64>,
    /// How many took at most so many seconds, for [`LATENCY_BOUNDS_MS`].
    #[serde(skip)]
    pub buckets: Vec<(f64, i64)>,
}

/// Upper bounds of the buckets of a histogram of times, in milliseconds: a batch takes from a few to some minutes.
pub const LATENCY_BOUNDS_MS: [i64; 14] =
    [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000];

/// Rows taken out.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Rejects {
    /// How many.
    pub rows: i64,
    /// By the check, or `decode`.
    pub by_check: Vec<CheckRejects>,
    /// How many there may be, by `--max-rejects` and the rows read so far; none where there is no bound.
    pub allowed: Option<i64>,
}

/// Rows that one check took out.
#[derive(Debug, Clone, Serialize)]
pub struct CheckRejects {
    /// The check.
    pub check: String,
    /// Rows.
    pub rows: i64,
}

/// Embeddings fetched so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct EmbeddingProgress {
    /// Requests that were paid for.
    pub requests: i64,
    /// Vectors that came.
    pub vectors: i64,
    /// Tokens, as the service counts them.
    pub tokens: i64,
    /// Price of them, as far as one was configured.
    pub cost: f64,
    /// How long the requests took.
    pub request_seconds: Latency,
}

/// A part of a phase, and for which share of the time it was at work, from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
pub struct Share {
    /// The part.
    pub part: String,
    /// Its share.
    pub share: f64,
}

/// A process that works on a run.
#[derive(Debug, Clone, Serialize)]
pub struct Process {
    /// `conductor` or `worker`.
    pub role: String,
    /// Where it runs.
    pub host: String,
    /// Its number there.
    pub pid: i32,
    /// What it is at.
    pub phase: String,
    /// Batches that it has at work at once, in promotion.
    pub workers: Option<i32>,
    /// Memory that it has, in bytes.
    pub rss_bytes: Option<i64>,
    /// The most that it had.
    pub peak_rss_bytes: Option<i64>,
    /// Seconds since it was last heard of.
    pub silent_seconds: f64,
}

/// What the server has, and what of it is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct ServerUse {
    /// Connections of sqlmig, of all its processes.
    pub connections: i64,
    /// Connections of everybody.
    pub connections_all: i64,
    /// Connections that the server allows.
    pub connections_max: i64,
    /// Size of the database.
    pub database_bytes: i64,
    /// Bytes of WAL that the server has written since it was made; none on a standby.
    pub wal_bytes: Option<i64>,
}
