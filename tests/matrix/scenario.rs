//! The commands that are put under faults.

/// A command under faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    /// `run` of the newer dump into a database that holds the older one.
    Run,
    /// `run` of a dump of few rows, for cutting at every message.
    Small,
    /// `run` of the newer dump again, after an earlier one was killed in the middle of promotion.
    Resume,
    /// `promote --worker` of the batches that such a run has left.
    Worker,
    /// `run` of the newer dump into a database that holds the older one and refuses one of the newer rows.
    Refuse,
    /// `quarantine retry` of rows of that run, after what they lacked was added.
    Retry,
    /// `run` of a tree of documentation into an empty database, with a service of embeddings and an index to build.
    Tree,
    /// `embed` of such a tree that was loaded without one.
    Fill,
    /// `rollback --run` of the run of the newer dump.
    Rollback,
    /// `rollback --batch` of one of its batches.
    RollbackBatch,
    /// `rollback --staging` of the newer dump, which is staged.
    RollbackStaging,
    /// `finish` of the run of the newer dump: its before-images are given up.
    Finish,
}

impl Scenario {
    /// In the order of the table's rows.
    pub const ALL: [Self; 11] = [
        Self::Run,
        Self::Resume,
        Self::Worker,
        Self::Refuse,
        Self::Retry,
        Self::Tree,
        Self::Fill,
        Self::Rollback,
        Self::RollbackBatch,
        Self::RollbackStaging,
        Self::Finish,
    ];

    /// Whether it loads a source.
    pub fn loads(self) -> bool {
        matches!(self, Self::Run | Self::Small | Self::Resume | Self::Refuse | Self::Tree)
    }

    /// Whether it writes to `public.things`.
    pub fn loads_things(self) -> bool {
        matches!(self, Self::Run | Self::Resume | Self::Worker)
    }

    /// Whether it does a part of what another command does, and may need that command again after a crash.
    pub fn helps(self) -> bool {
        matches!(self, Self::Worker | Self::Fill)
    }

    /// Whether it asks a service for embeddings.
    pub fn embeds(self) -> bool {
        matches!(self, Self::Tree | Self::Fill)
    }

    /// Of a command that passes the same points as another and is held there once more: how it is called, and where it is held.
    pub fn variant(self) -> Option<(&'static str, &'static [&'static str])> {
        match self {
            Self::Worker => Some((
                "--worker",
                &["promote.claimed", "promote.written", "promote.before_commit", "promote.after_commit"],
            )),
            Self::RollbackBatch => Some((
                "--batch",
                &["rollback.begin", "rollback.batch_locked", "rollback.before_commit", "rollback.after_commit"],
            )),
            _ => None,
        }
    }

    /// The table that the step after a point wants and that somebody else may have locked.
    pub fn table_after(point: &str) -> Option<&'static str> {
        let (phase, _) = point.split_once('.').unwrap_or((point, ""));
        Some(match phase {
            "stage" => "sqlmig.chunk",
            "check" => "sqlmig.check_result",
            "promote" | "rollback" => "public.things",
            "run" | "validate" | "report" => "sqlmig.event",
            "finish" => "sqlmig.run",
            "retry" | "fill" => "sqlmig.retry",
            "embed" => "sqlmig.embedding",
            "index" => "public.documents",
            _ => return None,
        })
    }
}
