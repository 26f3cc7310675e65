//! Prometheus metrics of a run, out of its [`Status`], which is read from the ledger. So a counter counts what is committed and
//! nothing else, goes on after a restart, and is the same whoever serves it: the run itself, or a monitor elsewhere.

mod list;
mod server;
mod text;

use crate::outcome::Status;
use crate::outcome::status::Latency;

pub use list::METRICS;
pub use server::{MetricsError, MetricsServer, Read};

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only rises, but for a new run.
    Counter,
    /// Rises and falls.
    Gauge,
    /// How often something took how long.
    Histogram,
}

impl Kind {
    /// The word of the exposition format.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric. Their list is [`METRICS`].
pub struct Metric {
    /// Its name: `sqlmig_`, what it is, its unit, `_total` for a counter.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its labels. Of each there are few values: states, or names that the project gives.
    pub labels: &'static [&'static str],
    /// One sentence for people.
    pub help: &'static str,
    /// Takes its values out of what was read.
    samples: fn(&Seen<'_>) -> Vec<Sample>,
}

/// One value of a metric.
struct Sample {
    labels: Vec<String>,
    value: Value,
}

enum Value {
    Number(f64),
    Times(Latency),
}

/// What there is to tell of at one scrape.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// The status that was read last, if one was.
    pub status: Option<&'a Status>,
    /// Whether the ledger could be read for this scrape.
    pub is_up: bool,
    /// Seconds that reading it took.
    pub read_seconds: f64,
    /// The size of the volume that the server's data is on, where a person said so.
    pub disk_limit_bytes: Option<u64>,
}

/// The exposition: Prometheus' text format, version 0.0.4.
#[must_use]
pub fn exposition(seen: &Seen<'_>) -> String {
    text::write(&METRICS, seen)
}

#[cfg(test)]
mod tests;
