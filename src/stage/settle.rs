//! The end of staging: what the server holds is counted, rows and digests, and held against what the reader took.

use std::collections::HashMap;

use deadpool_postgres::Pool;
use tokio_postgres::Transaction;

use crate::db::ledger::{
    Fence, FenceError, RunState, run_advance, run_source_read, runs, source_statement_insert, source_table_read,
    source_table_staged,
};
use crate::db::{Place, doing, staging};
use crate::fault;
use crate::names::{TableName, hex};

use super::StageError;
use super::earlier::Earlier;
use super::layout::Layout;
use super::read::ReadOutcome;
use super::send::Sent;
use super::tables;

/// The source as it was stored.
pub(super) struct ReadSource {
    /// Whether it came to its proper end.
    pub complete: bool,
    /// SHA-256 of its bytes, if all were read.
    pub sha256: Option<[u8; 32]>,
    /// How many were read.
    pub stored_bytes: u64,
}

/// Records what was read, counts what arrived, and holds the one against the other and against what an earlier try of the
/// run had read; the run is staged then, if `reached` says so.
pub(super) async fn settle(
    pool: &Pool,
    fence: Fence,
    outcome: &ReadOutcome,
    sent: &HashMap<TableName, Sent>,
    earlier: &Earlier,
    source: ReadSource,
    reached: bool,
) -> Result<(), StageError> {
    let sha256 = source.sha256.map(|digest| hex(&digest)).unwrap_or_default();
    if let Some(table) = earlier.not_met() {
        return Err(StageError::OtherSource { table: table.clone(), what: "the rows staged before".into() });
    }
    fault::point("stage.settle").await;
    fence
        .transaction(pool, "record what was staged", async |tx| {
            let settings = include_str!("../../sql/settle_settings.sql");
            tx.batch_execute(settings).await.map_err(doing("count what was staged"))?;
            if !fence.has_canary(tx).await? {
                return Err(FenceError::StagingLost(fence.run).into());
            }
            for (layout, rows) in &outcome.tables {
                let sent = sent.get(&layout.source).copied().unwrap_or_default();
                settle_table(tx, fence, layout, *rows, sent, earlier).await?;
            }
            fault::point("stage.counted").await;
            let statements = outcome.facts.statements.iter().map(|(kind, count)| (kind.as_str(), *count));
            source_statement_insert(tx, fence.run, statements).await?;
            if let Some(table) =
                outcome.tables.first().filter(|_| earlier.sha256.as_ref().is_some_and(|own| *own != sha256))
            {
                return Err(StageError::OtherSource { table: table.0.source.clone(), what: "the file's bytes".into() });
            }
            run_source_read(tx, fence.run, &sha256, source.stored_bytes, source.complete).await?;
            let run = runs(&**tx, Some(fence.run), 1).await?.pop();
            // What was checked and promoted before staging was lost stays so.
            if reached && run.is_some_and(|run| run.state == RunState::Staging) {
                run_advance(tx, fence.run, RunState::Staged).await?;
            }
            fault::point("stage.settle_before_commit").await;
            Ok(())
        })
        .await?;
    fault::point("stage.settle_after_commit").await;
    Ok(())
}

/// Counts one table.
async fn settle_table(
    tx: &Transaction<'_>,
    fence: Fence,
    layout: &Layout,
    rows: u64,
    sent: Sent,
    earlier: &Earlier,
) -> Result<(), StageError> {
    let table = &layout.source;
    staging::make_ready(tx, Place::Ledger, &layout.staged_as).await?;
    fault::point("stage.indexed").await;
    let (staged, server_digest) = tables::count_and_digest(tx, layout).await?;
    let own_digest = sent.digest.to_string();
    let recorded = earlier.table(table).and_then(|known| known.recorded.digest.as_ref());
    if recorded.is_some_and(|recorded| *recorded != own_digest) {
        return Err(StageError::OtherSource { table: table.clone(), what: "the rows".into() });
    }
    if u64::try_from(staged).ok() != Some(sent.rows) || sent.rows + sent.rejects != rows {
        return Err(StageError::Count { table: table.clone(), read: rows, rejected: sent.rejects, staged });
    }
    if own_digest != server_digest {
        return Err(StageError::Digest { table: table.clone() });
    }
    source_table_read(tx, fence.run, table, rows, sent.rejects, sent.bytes, &own_digest).await?;
    source_table_staged(tx, fence.run, table, staged).await?;
    Ok(())
}
