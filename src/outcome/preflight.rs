//! Whether everything is ready for a run.

use serde::Serialize;

/// What a finding means for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Light {
    /// Good to know, or as it should be.
    Info,
    /// A run may go wrong, or take longer.
    Yellow,
    /// A run would fail, or do harm.
    Red,
}

impl Light {
    /// The word used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }
}

/// What one check says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadyFinding {
    /// The check's name.
    pub check: String,
    /// What it means.
    pub light: Light,
    /// What was seen.
    pub message: String,
    /// What to do about it; none where nothing need be done.
    pub remedy: Option<String>,
}

/// Disk that a run needs, reckoned from the source's rows, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DiskNeeds {
    /// Staging tables.
    pub staging_bytes: i64,
    /// Final tables, were every row written.
    pub target_bytes: i64,
    /// Indexes of them.
    pub index_bytes: i64,
    /// Before-images, were every row to replace one that is there.
    pub undo_bytes: i64,
    /// WAL.
    pub wal_bytes: i64,
}

impl DiskNeeds {
    /// All of it.
    #[must_use]
    pub fn sum(&self) -> i64 {
        self.staging_bytes + self.target_bytes + self.index_bytes + self.undo_bytes + self.wal_bytes
    }
}

/// Time that a run would take, from a probe that was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TimeEstimate {
    /// Bytes of rows that the probe staged.
    pub probed_bytes: i64,
    /// Milliseconds that staging them took.
    pub probed_ms: i64,
    /// Milliseconds that staging the whole source would take at that speed.
    pub stage_ms: i64,
    /// Milliseconds that promotion would take by what earlier runs into this database took for as many rows; none without any.
    pub promote_ms: Option<i64>,
}

/// Whether everything is ready for a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preflight {
    /// [`super::FORMAT`].
    pub format: u32,
    /// The project's name.
    pub project: String,
    /// The target database, without secrets.
    pub target: String,
    /// The source as it was named, if one was.
    pub source: Option<String>,
    /// Whether yellow counts as red.
    pub strict: bool,
    /// Whether a run may begin: nothing is red, and nothing yellow where that counts.
    pub ready: bool,
    /// What the checks say: red first, then yellow, then what is good to know.
    pub findings: Vec<ReadyFinding>,
    /// Checks that were left out, each with the reason.
    pub left_out: Vec<String>,
    /// Disk that a run needs, where a source was named.
    pub needs: Option<DiskNeeds>,
    /// Time that it would take, where a source was named and could be probed.
    pub time: Option<TimeEstimate>,
}
