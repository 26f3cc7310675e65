//! How a run went over time.

use serde::Serialize;
use time::OffsetDateTime;

/// The work of one slice of time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    /// `stage`, `embed` or `promote`.
    pub phase: String,
    /// When the slice begins.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// How long it is, in seconds.
    pub seconds: f64,
    /// Rows staged, vectors fetched, or rows promoted in it.
    pub rows: i64,
    /// Bytes of the source that these rows had; 0 where nothing was read.
    pub bytes: i64,
}

/// Memory of a run in one slice of time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemorySlice {
    /// The phase.
    pub phase: String,
    /// When the slice begins.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// How long it is, in seconds.
    pub seconds: f64,
    /// The most that one of its processes had resident in it, in bytes.
    pub rss_bytes: i64,
}

/// How long the batches of one promote transform took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BatchTimes {
    /// The transform.
    pub transform: String,
    /// The final table.
    pub target: String,
    /// Batches committed.
    pub batches: i64,
    /// Milliseconds that half of them took at most.
    pub p50_ms: i64,
    /// Milliseconds that 95 of 100 took at most.
    pub p95_ms: i64,
    /// Milliseconds that 99 of 100 took at most.
    pub p99_ms: i64,
    /// Milliseconds of the slowest.
    pub max_ms: i64,
}

/// How many batches took about as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BatchSpread {
    /// They took at least so many milliseconds, and less than twice as many; 0: less than one.
    pub from_ms: i64,
    /// Batches committed.
    pub batches: i64,
}
