//! The ledger: typed wrappers of the statements in `sql/`, one function a file, named for its stem.
//!
//! What changes the state of a run takes a [`tokio_postgres::Transaction`], never a client, so that progress cannot be
//! recorded apart from the work it tells of.

mod batch;
mod fence;
mod findings;
mod report;
mod run;
mod tables;

pub use batch::{
    Batch, BatchResult, PendingBatches, batch_claim, batch_done, batch_failed, batches_forget, batches_pending,
    batches_plan,
};
pub use fence::{Fence, FenceError, canary_forget, canary_put};
pub use findings::{
    CheckRecord, DecodeReject, FoundRow, check_forget, check_result_insert, finding_insert, quarantine_decoded,
};
pub use report::{batch_counts, books, report, status};
pub use run::{
    EventKind, NewRun, Run, RunState, event_insert, phase_insert, run_advance, run_end_predecessors, run_fail,
    run_insert, run_memory, run_set_aside, run_source_read, run_take, run_target_schema, runs,
};
pub use tables::{
    Chunk, SourceTable, chunk_exists, chunk_insert, chunks, chunks_forget, source_statement_insert,
    source_table_insert, source_table_read, source_table_staged, source_tables,
};

/// A duration as the ledger keeps it.
fn milliseconds(elapsed: std::time::Duration) -> i64 {
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// A count as the ledger keeps it: PostgreSQL has no unsigned integers, and no table has 2⁶³ rows.
pub(crate) fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
