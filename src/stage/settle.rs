//! The end of staging: what the server holds is counted and digested, and held against what the reader took.

use std::collections::HashMap;

use uuid::Uuid;

use crate::db::ledger::{
    RunState, run_advance, run_source_read, source_statement_insert, source_table_read, source_table_staged,
};
use crate::db::{ServerInfo, doing, staging};
use crate::event::{Event, Events};
use crate::names::{TableName, hex};

use super::StageError;
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

/// Records what was read, counts what arrived, and holds the one against the other; the run is staged then, if `reached`
/// says so.
pub(super) async fn settle(
    client: &mut deadpool_postgres::Client,
    run: Uuid,
    outcome: &ReadOutcome,
    sent: &HashMap<TableName, Sent>,
    source: ReadSource,
    reached: bool,
    events: &Events,
) -> Result<(), StageError> {
    let schema = ServerInfo::read(client).await?.pgvector_schema;
    let tx = client.transaction().await.map_err(doing("record what was staged"))?;
    tx.batch_execute(include_str!("../../sql/verify_settings.sql")).await.map_err(doing("count what was staged"))?;
    for (layout, rows) in &outcome.tables {
        staging::make_ready(&*tx, &layout.staged_as).await?;
        let (staged, server_digest) = tables::count_and_digest(&*tx, layout, schema.as_deref()).await?;
        let sent = sent.get(&layout.source).copied().unwrap_or_default();
        let own_digest = sent.digest.to_string();
        if u64::try_from(staged).ok() != Some(sent.rows) || sent.rows + sent.rejects != *rows {
            return Err(StageError::Count {
                table: layout.source.clone(),
                read: *rows,
                rejected: sent.rejects,
                staged,
            });
        }
        if own_digest != server_digest {
            return Err(StageError::Digest { table: layout.source.clone() });
        }
        source_table_read(&tx, run, &layout.source, *rows, sent.rejects, sent.bytes, &own_digest).await?;
        source_table_staged(&tx, run, &layout.source, staged).await?;
    }
    let statements = outcome.facts.statements.iter().map(|(kind, count)| (kind.as_str(), *count));
    source_statement_insert(&tx, run, statements).await?;
    let sha256 = source.sha256.map(|digest| hex(&digest)).unwrap_or_default();
    run_source_read(&tx, run, &sha256, source.stored_bytes, source.complete).await?;
    if reached {
        run_advance(&tx, run, RunState::Staged).await?;
    }
    tx.commit().await.map_err(doing("record what was staged"))?;
    for (layout, _) in &outcome.tables {
        let sent = sent.get(&layout.source).copied().unwrap_or_default();
        events.emit(Event::TableStaged { table: layout.source.clone(), staged: sent.rows, rejected: sent.rejects });
    }
    Ok(())
}
