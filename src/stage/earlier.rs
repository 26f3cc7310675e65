//! What an earlier try of this run has staged, and whether it is still there.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use deadpool_postgres::{Pool, Transaction};

use crate::db::ledger::{
    Chunk, Fence, RunState, SourceTable, canary_forget, canary_put, chunks, chunks_forget, runs, source_tables,
};
use crate::db::staging;
use crate::event::Events;
use crate::names::TableName;

use super::StageError;

/// What is staged of a run.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    tables: HashMap<TableName, EarlierTable>,
    /// The source's SHA-256, if it was read to its end.
    pub sha256: Option<String>,
    /// Chunks of it that the reader met again.
    met: AtomicU64,
    /// Chunks that this try adds to it.
    added: AtomicU64,
}

/// A source table that the ledger has.
#[derive(Debug)]
pub(super) struct EarlierTable {
    /// As it was made and, if it was read to its end, counted.
    pub recorded: SourceTable,
    /// Whether its staging table stands, with these chunks in it.
    pub stands: bool,
    /// By the ordinal of their first row.
    chunks: HashMap<u64, Chunk>,
}

impl Earlier {
    /// Finds what is staged of a run and clears away what can't be gone on with: staging tables of other runs, and those of
    /// this run if any of them lost rows, as after a crash of the server.
    ///
    /// # Errors
    /// The run was taken over, or the database refuses.
    pub async fn find(pool: &Pool, fence: Fence, events: &Events) -> Result<Self, StageError> {
        fence.transaction(pool, "see what is staged", async |tx| Self::find_in(tx, fence, events).await).await
    }

    async fn find_in(tx: &Transaction<'_>, fence: Fence, events: &Events) -> Result<Self, StageError> {
        let mut by_table: HashMap<TableName, HashMap<u64, Chunk>> = HashMap::new();
        for (table, chunk) in chunks(&**tx, fence.run).await? {
            by_table.entry(table).or_default().insert(chunk.first_row, chunk);
        }
        let recorded = source_tables(&**tx, fence.run).await?;
        let lost = if fence.has_canary(tx).await? { lost_rows(tx, &recorded, &by_table).await? } else { true };
        if lost {
            if !by_table.is_empty() {
                events.warn(
                    "what was staged is no longer there (a crash of the server empties staging): staging it again",
                );
            }
            let state = runs(&**tx, Some(fence.run), 1).await?.pop().map(|run| run.state);
            if state.is_some_and(|state| state >= RunState::Checked) {
                // What the checks have made in staging is LOGGED, and batches may have been promoted by it.
                for table in &recorded {
                    staging::drop_table(&**tx, &table.staged_as).await?;
                }
            } else {
                staging::drop_all(&**tx).await?;
            }
            chunks_forget(tx, fence.run).await?;
            canary_forget(&**tx).await?;
            canary_put(&**tx, fence.run).await?;
            by_table.clear();
        }
        let sha256 = runs(&**tx, Some(fence.run), 1).await?.pop().and_then(|run| run.source_sha256);
        let tables = recorded.into_iter().map(|recorded| {
            let chunks = by_table.remove(&recorded.source).unwrap_or_default();
            // A table without a row is as well made anew.
            let stands = !lost && !chunks.is_empty();
            (recorded.source.clone(), EarlierTable { recorded, stands, chunks })
        });
        Ok(Self { tables: tables.collect(), sha256: sha256.filter(|text| !text.is_empty()), ..Self::default() })
    }

    /// What the ledger has of a table.
    pub fn table(&self, source: &TableName) -> Option<&EarlierTable> {
        self.tables.get(source)
    }

    /// Whether this chunk is staged already.
    ///
    /// # Errors
    /// Another chunk was staged in its place: this is not the source that the run began with.
    pub fn has(&self, source: &TableName, chunk: &Chunk) -> Result<bool, StageError> {
        let known = self.table(source).and_then(|table| table.chunks.get(&chunk.first_row));
        match known {
            None => Ok(false),
            Some(known) if known == chunk => {
                self.met.fetch_add(1, Ordering::Relaxed);
                Ok(true)
            }
            Some(_) => Err(StageError::OtherSource {
                table: source.clone(),
                what: format!("rows {} to {}", chunk.first_row, chunk.last_row),
            }),
        }
    }

    /// Says that a chunk is about to be staged which was not there: whether its COMMIT was answered may never be known.
    pub fn add(&self) {
        self.added.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether what is staged now is of no use, since staging failed like this.
    ///
    /// Another source is found out at the first chunk that was staged of the run's own. One that was not staged yet may stand
    /// before it, for lanes overtake one another, and is then the other source's: neither source could be gone on with.
    pub fn is_spoilt_by(&self, error: &StageError) -> bool {
        match error {
            StageError::Count { .. } | StageError::Digest { .. } => true,
            StageError::OtherSource { .. } => self.added.load(Ordering::Relaxed) > 0,
            _ => false,
        }
    }

    /// Chunks that were not sent again.
    pub fn skipped(&self) -> u64 {
        self.met.load(Ordering::Relaxed)
    }

    /// A table with more rows staged than this source turned out to have.
    pub fn not_met(&self) -> Option<&TableName> {
        let chunks: usize = self.tables.values().map(|table| table.chunks.len()).sum();
        if chunks as u64 == self.skipped() {
            return None;
        }
        self.tables.iter().find(|(_, table)| !table.chunks.is_empty()).map(|(source, _)| source)
    }
}

/// Whether a staging table holds other rows than the ledger says.
async fn lost_rows(
    tx: &tokio_postgres::Transaction<'_>,
    recorded: &[SourceTable],
    chunks: &HashMap<TableName, HashMap<u64, Chunk>>,
) -> Result<bool, StageError> {
    for table in recorded {
        let staged: u64 =
            chunks.get(&table.source).into_iter().flat_map(HashMap::values).map(|chunk| chunk.rows_staged).sum();
        if !staging::exists(tx, &table.staged_as).await?
            || u64::try_from(staging::count(tx, &table.staged_as).await?) != Ok(staged)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Sees to it that nothing that is staged now is gone on with.
///
/// # Errors
/// The run was taken over, or the database refuses.
pub(super) async fn distrust(pool: &Pool, fence: Fence) -> Result<(), StageError> {
    fence
        .transaction(pool, "forget what was staged", async |tx| {
            chunks_forget(tx, fence.run).await?;
            Ok(canary_forget(&**tx).await?)
        })
        .await
}
