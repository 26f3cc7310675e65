//! Who is at work on a run, as they say themselves.

use serde_json::Value;
use uuid::Uuid;

use super::run::this_process;
use crate::db::{DbError, doing};
use crate::event::Phase;

/// What a process says of its work.
#[derive(Debug, Clone)]
pub struct StintBeat {
    /// The run.
    pub run: Uuid,
    /// The stint: one process at one phase.
    pub id: Uuid,
    /// The phase.
    pub phase: Phase,
    /// Whether it conducts the run, or helps.
    pub conducts: bool,
    /// What it is at: a table, a check.
    pub doing: Option<String>,
    /// What it has done of the phase, in the phase's unit.
    pub done: i64,
    /// Of so much, where that is known.
    pub total: Option<i64>,
    /// Things that it tried again, batches not among them: those have their number in the ledger.
    pub retries: i64,
    /// Batches that it has at work at once.
    pub workers: Option<i32>,
    /// What each of its parts is busy with: a list of [`crate::outcome::Share`].
    pub busy: Option<Value>,
    /// Memory that it has, and the most that it had, in bytes.
    pub memory: Option<(i64, i64)>,
    /// Memory over time: how long a slot is in milliseconds, and the most of each, in bytes.
    pub memory_slots: Option<(i64, Vec<i64>)>,
    /// How many rows may be rejected, as it was told.
    pub max_rejects: Option<String>,
    /// Whether it ends its work on the phase.
    pub ended: bool,
}

/// Records what a process says of its work. That moves no run: nothing but the display reads it.
///
/// # Errors
/// Fails when the database refuses the row.
pub async fn stint_beat(client: &deadpool_postgres::ClientWrapper, beat: &StintBeat) -> Result<(), DbError> {
    let doing = || doing("tell how far the run is");
    let (host, pid) = this_process();
    let role = if beat.conducts { "conductor" } else { "worker" };
    let (rss, peak) = beat.memory.unzip();
    let (slot_ms, slots) = beat.memory_slots.as_ref().map(|(slot_ms, slots)| (slot_ms, slots)).unzip();
    let statement = client.prepare_cached(include_str!("../../../sql/stint_beat.sql")).await.map_err(doing())?;
    client
        .execute(
            &statement,
            &[
                &beat.run,
                &beat.id,
                &beat.phase.to_string(),
                &role,
                &host,
                &pid,
                &beat.doing,
                &beat.done,
                &beat.total,
                &beat.retries,
                &beat.workers,
                &beat.busy,
                &rss,
                &peak,
                &beat.max_rejects,
                &beat.ended,
                &slot_ms,
                &slots,
            ],
        )
        .await
        .map_err(doing())?;
    Ok(())
}
