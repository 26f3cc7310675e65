//! What may come of a batch's try.

use std::time::Duration;

use crate::db::DbError;
use crate::db::ledger::{Batch, BatchResult, BatchesLeft};

use super::PromoteError;

/// What one try came to.
pub(super) enum Tried {
    /// No batch is free to claim.
    Nothing(BatchesLeft),
    /// Committed.
    Done(Batch, Written),
    /// It failed, or nobody knows.
    Failed(Box<Failed>),
    /// It was taken for one whose rows the target has not, and is not: the next try looks.
    Presumed,
}

/// What a batch wrote.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub result: BatchResult,
    pub elapsed: Duration,
    /// What of that the statement took.
    pub writing: Duration,
    /// The transaction that wrote it.
    pub xid: String,
}

/// A batch whose transaction ended otherwise than by an answer to COMMIT.
pub(super) struct Failed {
    pub batch: Batch,
    pub trouble: Trouble,
    pub error: PromoteError,
    /// What it wrote, if COMMIT was sent.
    pub written: Option<Written>,
}

/// What can be done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It may pass: another writer, a deadlock, a server that is away.
    Passing,
    /// The statement took too long; whether it was the server that said so.
    Slow { by_server: bool },
    /// The database refuses the data.
    Data,
    /// A foreign key does; the row that is referred to may be in another batch.
    Reference,
    /// Trying again is in vain.
    Lasting,
}

impl Failed {
    /// Whether it may come of nothing but that the batch was written without a look at what is there: a key that is there, or
    /// counts that do not add up. The batch's next try tells.
    pub fn may_be_presumed(&self) -> bool {
        self.error.database().is_some_and(DbError::is_duplicate) || matches!(self.error, PromoteError::Counts { .. })
    }
}
