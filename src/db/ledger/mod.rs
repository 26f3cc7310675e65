//! The ledger: typed wrappers of the statements in `sql/`, one function a file, named for its stem.
//!
//! What changes the state of a run takes a [`tokio_postgres::Transaction`], never a client, so that progress cannot be
//! recorded apart from the work it tells of.

mod batch;
mod fence;
mod findings;
mod report;
mod rollback;
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
pub use report::{books, report, status};
pub use rollback::{
    BatchState, UndoneBatch, rollback_batch_done, rollback_batch_state, rollback_batches, rollback_forget,
    rollback_kept, rollback_kept_forget, rollback_reopen, rollback_run, rollback_totals, run_accept, undo_key,
    undo_table_forget, undo_tables,
};
pub use run::{
    EventKind, Run, RunState, event_insert, phase_insert, run_advance, run_end_predecessors, run_fail, run_insert,
    run_memory, run_set_aside, run_source_read, run_take, runs,
};
pub use tables::{
    SourceTable, chunk_insert, source_statement_insert, source_table_insert, source_table_read, source_table_staged,
    source_tables,
};

/// A duration as the ledger keeps it.
fn milliseconds(elapsed: std::time::Duration) -> i64 {
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// A count as the ledger keeps it: PostgreSQL has no unsigned integers, and no table has 2⁶³ rows.
pub(crate) fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
