//! What happens during a run, as plain data: the one stream that the progress display and the log read.
//!
//! Phases emit, readers listen; nothing flows back. Events are emitted after the fact they tell of: a batch's event
//! after its COMMIT, a table's after its rows were counted by the server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::names::TableName;
use crate::outcome::Severity;

/// The steps of a run, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Bring the ledger and the project's schema up to date.
    Migrate,
    /// Stream the source into staging tables.
    Stage,
    /// Build the canonical relations over the staged rows.
    Normalise,
    /// Run the project's checks and settle duplicates.
    Check,
    /// Fetch the vectors that rows lack.
    Embed,
    /// Write the surviving rows to the final tables, batch by batch.
    Promote,
    /// Build the indexes that would slow the load down.
    Index,
    /// Prove the result.
    Validate,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Migrate => "migrate",
            Self::Stage => "stage",
            Self::Normalise => "normalise",
            Self::Check => "check",
            Self::Embed => "embed",
            Self::Promote => "promote",
            Self::Index => "index",
            Self::Validate => "validate",
        })
    }
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// An embedded server is in use; `detail` says which and where.
    ServerReady {
        /// For people: what was found or started.
        detail: String,
    },
    /// A run that was stopped is gone on with.
    RunResumed {
        /// The run.
        run: Uuid,
        /// The source as it was named, without secrets.
        source: String,
        /// The project's name.
        project: String,
        /// How far it had come.
        state: &'static str,
        /// Batches that are promoted already.
        batches_done: u64,
    },
    /// A run began.
    RunStarted {
        /// The run.
        run: Uuid,
        /// The source as it was named, without secrets.
        source: String,
        /// The project's name.
        project: String,
    },
    /// The source was loaded whole before: there is nothing to do.
    AlreadyLoaded {
        /// The run that loaded it.
        run: Uuid,
        /// The source as it is named now, without secrets.
        source: String,
        /// When that run ended.
        finished_at: Option<time::OffsetDateTime>,
    },
    /// A phase began.
    PhaseStarted {
        /// Which.
        phase: Phase,
    },
    /// A phase came to its end without an error.
    PhaseFinished {
        /// Which.
        phase: Phase,
        /// Wall-clock time it took.
        elapsed: Duration,
        /// One line for people: what it did.
        summary: String,
    },
    /// A migration was applied.
    MigrationApplied {
        /// `ledger` or `project`.
        set: String,
        /// Its version and name, e.g. `V1__documents`.
        name: String,
    },
    /// The source is open.
    SourceOpened {
        /// Its size as stored (compressed), where it is known.
        bytes: Option<u64>,
    },
    /// More of the source was read.
    SourceProgress {
        /// Stored (compressed) bytes read so far.
        bytes: u64,
        /// Rows decoded so far, in all tables.
        rows: u64,
    },
    /// All rows of a table are staged.
    TableStaged {
        /// The source table.
        table: TableName,
        /// Rows in the staging table.
        staged: u64,
        /// Rows that could not be decoded and went to quarantine.
        rejected: u64,
    },
    /// A check, a duplicate rule or a validation ran.
    CheckFinished {
        /// Its name.
        name: String,
        /// The table or relation it looked at.
        on: String,
        /// What its findings mean.
        severity: Severity,
        /// Rows looked at.
        examined: u64,
        /// Rows found.
        failed: u64,
        /// Time the query took.
        elapsed: Duration,
    },
    /// Vectors are missing, and a service is asked for them.
    VectorsWanted {
        /// Rows without a vector of which the ledger has none either.
        rows: u64,
    },
    /// Vectors came and are committed to the ledger.
    VectorsFetched {
        /// Texts of this answer that have their vector now.
        texts: u64,
        /// Tokens of it.
        tokens: u64,
        /// Time from the request to the COMMIT.
        elapsed: Duration,
    },
    /// The batches of one target are laid out.
    BatchesPlanned {
        /// The final table.
        target: TableName,
        /// Batches still to do.
        batches: u64,
        /// Rows in them.
        rows: u64,
    },
    /// A batch was committed.
    BatchFinished {
        /// The final table.
        target: TableName,
        /// The batch's number in its run, from 1.
        number: i64,
        /// Rows new in the target.
        inserted: u64,
        /// Rows of the target that were changed.
        updated: u64,
        /// Rows that the target already had as they are.
        unchanged: u64,
        /// Rows deleted from the target.
        deleted: u64,
        /// Time from claim to COMMIT.
        elapsed: Duration,
    },
    /// An index is being built.
    IndexProgress {
        /// The index.
        name: String,
        /// What the server is at, in its own words.
        phase: String,
        /// Blocks or rows done.
        done: u64,
        /// Of so many; 0 where that is not known.
        total: u64,
    },
    /// An index was built.
    IndexBuilt {
        /// The index, with its schema.
        name: String,
        /// Time it took.
        elapsed: Duration,
    },
    /// Another number of workers has batches in hand.
    WorkersChanged {
        /// So many from now on.
        workers: usize,
        /// What was measured.
        why: String,
    },
    /// A rollback begins, and these batches are to be taken back.
    RollbackStarted {
        /// The run.
        run: Uuid,
        /// Batches still to take back.
        batches: u64,
        /// Rows that they wrote.
        rows: u64,
    },
    /// A batch was taken back: its rollback was committed.
    BatchTakenBack {
        /// The final table.
        target: TableName,
        /// The batch's number in its run, from 1.
        number: i64,
        /// Rows that it had written.
        rows: u64,
        /// Rows that it had inserted, deleted.
        deleted: u64,
        /// Rows that it had changed, restored.
        restored: u64,
        /// Time from the first try to COMMIT.
        elapsed: Duration,
    },
    /// A rollback came to its end.
    RollbackFinished {
        /// Batches taken back.
        batches: u64,
        /// Rows deleted.
        deleted: u64,
        /// Rows restored.
        restored: u64,
        /// Wall-clock time it took.
        elapsed: Duration,
    },
    /// Something the operator should know, in one line.
    Warning {
        /// The line.
        message: String,
    },
}

/// Where events go: cheap to clone, safe to call from any thread. It must not block.
#[derive(Clone)]
pub struct Events(Arc<dyn Fn(Event) + Send + Sync>);

impl Events {
    /// Hands every event to `reader`.
    pub fn new(reader: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(reader))
    }

    /// Drops every event.
    #[must_use]
    pub fn none() -> Self {
        Self::new(|_| {})
    }

    /// Tells of an event.
    pub fn emit(&self, event: Event) {
        (self.0)(event);
    }

    /// Tells of something the operator should know.
    pub fn warn(&self, message: impl Into<String>) {
        self.emit(Event::Warning { message: message.into() });
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
