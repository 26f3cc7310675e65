//! One run, and what happened to it.

use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

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
    /// When it was accepted by `finish`, so that it cannot be taken back any more, if it was.
    #[serde(with = "time::serde::rfc3339::option")]
    pub accepted_at: Option<OffsetDateTime>,
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
    /// [`super::FORMAT`].
    pub format: u32,
    /// The run.
    pub run: RunSummary,
    /// Its events, in order.
    pub events: Vec<RunEvent>,
}

/// The runs in a database, newest first.
#[derive(Debug, Clone, Serialize)]
pub struct History {
    /// [`super::FORMAT`].
    pub format: u32,
    /// The runs.
    pub runs: Vec<RunSummary>,
}

/// Time of one phase.
#[derive(Debug, Clone, Serialize)]
pub struct PhaseTime {
    /// The phase.
    pub phase: String,
    /// Milliseconds.
    pub elapsed_ms: i64,
    /// What it did and what held it up, in words.
    pub summary: String,
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
