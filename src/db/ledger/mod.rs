//! The ledger: typed wrappers of the statements in `sql/`, one function a file, named for its stem.
//!
//! What changes the state of a run takes a [`tokio_postgres::Transaction`], never a client, so that progress cannot be
//! recorded apart from the work it tells of.

mod batch;
mod embedding;
mod fence;
mod findings;
mod journal;
mod known;
mod laid_out;
mod plan;
mod pace;
mod quarantine;
mod read;
mod report;
mod rollback;
mod run;
mod status;
mod stint;
mod tables;
mod why;

pub use batch::{
    Batch, BatchFailure, BatchResult, BatchStanding, BatchesLeft, Refusals, batch_claim, batch_claim_put_off,
    batch_done, batch_failed, batch_halve, batch_put_off, batch_refused, batch_settle, batches_left,
    batches_unfinished, promoted_rows, refusals,
};
pub use embedding::{
    Fetched, Paid, TextHash, Wanted, embedding_asked, embedding_counts, embedding_forget, embedding_insert,
    embedding_known, embedding_left, embedding_missing, embedding_refuse, embedding_spent,
};
pub use fence::{Fence, FenceError, canary_forget, canary_put, runs_unstage};
pub use findings::{
    CheckRecord, CheckResults, DecodeReject, FoundRow, Written, check_forget, check_result_insert, finding_insert,
    quarantine_decoded,
};
pub use journal::{EventKind, event_insert, event_staging_emptied, phase_insert};
pub use known::{KnownError, KnownFileRow, known_files, known_files_now, known_files_pin};
pub use laid_out::{BatchesPlanned, batches_forget, batches_plan, refusals_forget};
pub use plan::{run_plan, run_plan_insert};
pub use quarantine::{
    Quarantined, RetryTable, Selection, last_rows, quarantine_choose, quarantine_list_counts, quarantine_list_rows,
    quarantine_mark, quarantine_mend, quarantine_root, quarantine_row, quarantine_tables, quarantine_unread,
    retry_begin, retry_promoted, retry_read, retry_tables, row_findings, row_tries,
};
pub use report::{batch_counts, books, report, target_counts};
pub use rollback::{
    BatchState, UndoneBatch, rollback_batch_done, rollback_batch_state, rollback_batches, rollback_forget,
    rollback_kept, rollback_kept_forget, rollback_reopen, rollback_run, rollback_totals, run_accept, undo_key,
    undo_table_forget, undo_tables,
};
pub use run::{
    NewRun, Run, RunState, RunToJoin, last_load, past_predecessors, run_advance, run_exit, run_fail, run_insert,
    run_memory, run_set_aside, run_source_read, run_take, run_target_schema, run_to_join, runs,
};
pub use status::status;
pub use stint::{StintBeat, stint_beat};
pub use tables::{
    Chunk, Place, SourceTable, chunk_insert, chunks, chunks_forget, source_statement_insert, source_table_insert,
    source_table_read, source_table_staged, source_tables,
};
pub use why::{
    RetriedRow, run_events, staged_run, why_batches, why_chunk, why_merged, why_quarantine, why_retry, why_undecoded,
    why_undo_tables, why_written_by,
};

/// A duration as the ledger keeps it.
fn milliseconds(elapsed: std::time::Duration) -> i64 {
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// A count as the ledger keeps it: PostgreSQL has no unsigned integers, and no table has 2⁶³ rows.
pub(crate) fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
