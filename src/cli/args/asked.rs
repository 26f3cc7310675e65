//! What of its options a command has, whichever it is.

use sqlmig::pipeline::EarlierRuns;

use super::{
    BatchArgs, Command, EmbeddingArgs, LimitArgs, MetricsArgs, MonitorArgs, PromoteArgs, QuarantineCommand,
    RollbackArgs, SourceArgs, TimeoutArgs, WaitArgs,
};

impl Command {
    /// The command line that goes on where this one was stopped, without its options.
    #[must_use]
    pub fn again(&self) -> String {
        let name = match self {
            Self::Run { source, .. } => return format!("sqlmig run {}", source.typed()),
            Self::Stage { source, .. } => return format!("sqlmig stage {}", source.typed()),
            Self::Check { .. } => "sqlmig check",
            Self::Embed { .. } => "sqlmig embed",
            Self::Index { .. } => "sqlmig index",
            Self::Promote { .. } => "sqlmig promote",
            Self::Validate { .. } => "sqlmig validate",
            Self::Rollback { .. } => "sqlmig rollback",
            Self::Migrate { .. } => "sqlmig migrate",
            _ => "the same command",
        };
        name.to_owned()
    }

    /// The source and its options, of a command that has one.
    #[must_use]
    pub fn source(&self) -> Option<&SourceArgs> {
        match self {
            Self::Run { source, .. } | Self::Plan { source, .. } | Self::Stage { source, .. } => Some(source),
            _ => None,
        }
    }

    /// What earlier runs are to this command's.
    #[must_use]
    pub fn earlier(&self) -> EarlierRuns {
        match self {
            Self::Run { restart, .. } | Self::Stage { restart, .. } if restart.restart => EarlierRuns::SetAside,
            Self::Run { force: true, .. } => EarlierRuns::LoadedAgain,
            _ => EarlierRuns::Heeded,
        }
    }

    /// The bounds, of a command that has them.
    #[must_use]
    pub fn limits(&self) -> Option<&LimitArgs> {
        match self {
            Self::Run { limits, .. }
            | Self::Stage { limits, .. }
            | Self::Check { limits, .. }
            | Self::Promote { limits, .. } => Some(limits),
            _ => None,
        }
    }

    /// How long to wait, of a command that says so.
    #[must_use]
    pub fn timeouts(&self) -> Option<&TimeoutArgs> {
        match self {
            Self::Run { timeouts, .. } | Self::Stage { timeouts, .. } | Self::Promote { timeouts, .. } => {
                Some(timeouts)
            }
            _ => None,
        }
    }

    /// How long to wait for what is in no batch, of a command that says so.
    #[must_use]
    pub fn waits(&self) -> Option<&WaitArgs> {
        match self {
            Self::Check { waits, .. }
            | Self::Embed { waits, .. }
            | Self::Validate { waits, .. }
            | Self::Rollback(RollbackArgs { waits, .. }) => Some(waits),
            Self::Quarantine { action: QuarantineCommand::Retry { waits, .. } } => Some(waits),
            _ => self.timeouts().map(|timeouts| &timeouts.waits),
        }
    }

    /// Where metrics are served, of a command that may.
    #[must_use]
    pub fn metrics(&self) -> Option<&MetricsArgs> {
        match self {
            Self::Run { metrics, .. }
            | Self::Stage { metrics, .. }
            | Self::Check { metrics, .. }
            | Self::Embed { metrics, .. }
            | Self::Promote { metrics, .. }
            | Self::Validate { metrics, .. }
            | Self::Monitor(MonitorArgs { metrics, .. }) => Some(metrics),
            _ => None,
        }
    }

    /// How to promote, of a command that does.
    #[must_use]
    pub fn promote(&self) -> Option<&PromoteArgs> {
        match self {
            Self::Run { promote, .. } | Self::Promote { promote, .. } => Some(promote),
            Self::Preflight(options) => Some(&options.promote),
            _ => None,
        }
    }

    /// How to fetch embeddings, of a command that does.
    #[must_use]
    pub fn embedding(&self) -> Option<&EmbeddingArgs> {
        match self {
            Self::Run { embedding, .. }
            | Self::Plan { embedding, .. }
            | Self::Embed { embedding, .. }
            | Self::Search { embedding, .. }
            | Self::Validate { embedding, .. } => Some(embedding),
            Self::Quarantine { action: QuarantineCommand::Retry { embedding, .. } } => Some(embedding),
            Self::Preflight(options) => Some(&options.embedding),
            _ => None,
        }
    }

    /// The size of a batch, of a command that lays batches out.
    #[must_use]
    pub fn batch(&self) -> Option<&BatchArgs> {
        match self {
            Self::Plan { batch, .. } => Some(batch),
            _ => self.promote().map(|promote| &promote.batch),
        }
    }
}
