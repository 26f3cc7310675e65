//! The sending side of staging: lanes, each a decoding thread and a connection that copies what it decoded.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use deadpool_postgres::{Client, Pool, Transaction};
use futures_util::SinkExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::db::ledger::{Fence, FenceError, chunk_insert, quarantine_decoded};
use crate::db::patience::{client_limit, close, within};
use crate::db::{DbError, Place, doing};
use crate::decode::RowDecoder;
use crate::event::Events;
use crate::fault;
use crate::limits::{MaxRejects, Timeouts};
use crate::names::TableName;

use super::StageError;
use super::buffers::Buffers;
use super::chunk::{EncodedChunk, RawChunk};
use super::earlier::Earlier;
use super::tables;
use super::waits::{Wait, Waits};

/// Encoded chunks that wait for a lane's connection: one in hand and one ready keep it busy.
pub(super) const CHUNKS_WAITING: usize = 1;
/// Times a chunk is tried when the database says that trying again may help.
const ATTEMPTS: u32 = 5;
/// Pause before the second try; it doubles with each.
const PAUSE: Duration = Duration::from_millis(250);

/// What was sent of one table.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sent {
    /// Rows that COPY took.
    pub rows: u64,
    /// Rows in quarantine.
    pub rejects: u64,
    /// Sum of the digests of the rows that COPY took.
    pub digest: i128,
    /// Bytes the rows had in the source.
    pub bytes: u64,
}

/// What all lanes share.
pub(super) struct Lanes {
    /// Connections.
    pub pool: Pool,
    /// The run.
    pub fence: Fence,
    /// What is staged already.
    pub earlier: Arc<Earlier>,
    /// Where raw chunks come from.
    pub chunks: Arc<Mutex<Receiver<RawChunk>>>,
    /// What is sent is written into.
    pub payloads: Buffers,
    /// Longest row held, in bytes: for messages.
    pub row_limit_bytes: usize,
    /// How many rows may be rejected.
    pub max_rejects: Option<MaxRejects>,
    /// How long the server may take.
    pub timeouts: Timeouts,
    /// Set when a lane has failed.
    pub failed: Arc<AtomicBool>,
    /// Told of retries.
    pub events: Events,
    /// Told who waited for whom.
    pub waits: Waits,
}

/// Runs `count` lanes until the chunks end; returns what was sent of each table.
///
/// # Errors
/// The first lane's error; the others stop at their next chunk.
pub(super) async fn run(lanes: Lanes, count: usize) -> Result<HashMap<TableName, Sent>, StageError> {
    let lanes = Arc::new(lanes);
    let totals: Arc<Mutex<HashMap<TableName, Sent>>> = Arc::default();
    let rejected = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..count.max(1) {
        let (encoded, waiting) = mpsc::channel(CHUNKS_WAITING);
        let decoding = Arc::clone(&lanes);
        tasks.spawn_blocking(move || {
            decode(&decoding, &encoded);
            Ok(())
        });
        tasks.spawn(send(Arc::clone(&lanes), waiting, Arc::clone(&totals), Arc::clone(&rejected)));
    }
    let mut result = Ok(());
    while let Some(ended) = tasks.join_next().await {
        let ended = ended.unwrap_or_else(|panic| Err(StageError::Lane(panic.to_string())));
        if ended.is_err() {
            lanes.failed.store(true, Ordering::Relaxed);
        }
        result = result.and(ended);
    }
    result?;
    let totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(totals.clone())
}

/// A lane's decoding thread.
fn decode(lanes: &Lanes, encoded: &mpsc::Sender<EncodedChunk>) {
    let mut decoder: Option<RowDecoder> = None;
    loop {
        // The lock is held while waiting: the lanes take chunks in turn, and whoever is first waits for all.
        let asked = Instant::now();
        let next = lanes.chunks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        lanes.waits.add(Wait::DecoderForReader, asked);
        let Ok(chunk) = next else { return };
        let block = &chunk.block;
        let known = decoder.take_if(|decoder| !Arc::ptr_eq(decoder.block(), block));
        drop(known);
        let decoder = decoder.get_or_insert_with(|| RowDecoder::new(Arc::clone(block)));
        let chunk = chunk.encode(decoder, lanes.row_limit_bytes, lanes.payloads.take());
        let ready = Instant::now();
        if encoded.blocking_send(chunk).is_err() {
            return;
        }
        lanes.waits.add(Wait::DecoderForConnection, ready);
    }
}

/// A lane's connection.
async fn send(
    lanes: Arc<Lanes>,
    mut chunks: mpsc::Receiver<EncodedChunk>,
    totals: Arc<Mutex<HashMap<TableName, Sent>>>,
    rejected: Arc<AtomicU64>,
) -> Result<(), StageError> {
    let mut statements: HashMap<String, String> = HashMap::new();
    loop {
        let asked = Instant::now();
        let next = chunks.recv().await;
        lanes.waits.add(Wait::ConnectionForDecoder, asked);
        let Some(mut chunk) = next else { return Ok(()) };
        let layout = Arc::clone(&chunk.layout);
        let record = chunk.record();
        if !lanes.earlier.has(&layout.source, &record)? {
            if !statements.contains_key(&layout.staged_as) {
                statements.insert(layout.staged_as.clone(), tables::copy_statement(&layout, Place::Ledger)?);
            }
            let payload = Bytes::from_owner(std::mem::take(&mut chunk.payload));
            lanes.earlier.add();
            lanes.copy(&chunk, &statements[&layout.staged_as], payload).await?;
        }
        {
            let mut totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
            let sent = totals.entry(layout.source.clone()).or_default();
            sent.rows += chunk.rows;
            sent.rejects += record.rows_rejected;
            sent.digest += chunk.digest;
            sent.bytes += chunk.bytes;
        }
        let rejected = rejected.fetch_add(record.rows_rejected, Ordering::Relaxed) + record.rows_rejected;
        // A share of the rows can only be judged at the end; a number can be exceeded at once.
        if let Some(limit @ MaxRejects::Count(_)) = lanes.max_rejects
            && limit.exceeded(rejected, u64::MAX)
        {
            return Err(StageError::TooManyRejects { rejected, limit });
        }
    }
}

impl Lanes {
    /// Copies a chunk and records it, in one transaction; again, on a new connection, when the database says that it may
    /// help.
    async fn copy(&self, chunk: &EncodedChunk, copy: &str, payload: Bytes) -> Result<(), StageError> {
        let mut attempt = 1;
        loop {
            let mut client = match self.pool.get().await.map_err(doing("connect for staging")) {
                Ok(client) => client,
                Err(error) => {
                    self.pause(error, &mut attempt).await?;
                    continue;
                }
            };
            match self.try_copy(&mut client, chunk, copy, payload.clone()).await {
                Ok(()) => return Ok(()),
                // It was committed, and only the answer was lost: its row in the ledger is there.
                Err(StageError::Db(error)) if attempt > 1 && error.is_duplicate() => return Ok(()),
                Err(StageError::Db(error) | StageError::Fence(FenceError::Db(error))) => {
                    // Whatever the connection still waits for, nobody else must get it.
                    close(client);
                    self.pause(error, &mut attempt).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits before the next try; fails when there is to be none.
    async fn pause(&self, error: DbError, attempt: &mut u32) -> Result<(), StageError> {
        if *attempt == ATTEMPTS || !error.is_retryable() || self.failed.load(Ordering::Relaxed) {
            return Err(error.into());
        }
        self.events.retry(format!("{error}; trying again ({attempt} of {ATTEMPTS})"));
        tokio::time::sleep(PAUSE * 2_u32.pow(*attempt - 1)).await;
        *attempt += 1;
        Ok(())
    }

    async fn try_copy(
        &self,
        client: &mut Client,
        chunk: &EncodedChunk,
        copy: &str,
        payload: Bytes,
    ) -> Result<(), StageError> {
        let source = &chunk.layout.source;
        let limit = client_limit(self.timeouts.statement);
        let action = &format!("copy rows {} to {} of {source}", chunk.first_row, chunk.last_row);
        fault::point("stage.chunk").await;
        let tx = answer(limit, action, client.transaction()).await?;
        answer(limit, action, settings(&tx, self.timeouts)).await?;
        if !self.fence.has_canary(&tx).await? {
            return Err(FenceError::StagingLost(self.fence.run).into());
        }
        fault::point("stage.chunk_fenced").await;
        // First, so that a chunk whose COMMIT got no answer is not sent a second time.
        chunk_insert(&tx, self.fence.run, source, &chunk.record(), chunk.place, chunk.stored_bytes).await?;
        fault::point("stage.chunk_recorded").await;
        let copy = answer(limit, action, tx.prepare_cached(copy)).await?;
        let mut sink = pin!(answer(limit, action, tx.copy_in::<_, Bytes>(&copy)).await?);
        answer(limit, action, sink.as_mut().send(payload)).await?;
        fault::point("stage.chunk_sent").await;
        let copied = answer(limit, action, sink.as_mut().finish()).await?;
        if copied != chunk.rows {
            return Err(StageError::Copied { table: source.clone(), sent: chunk.rows, copied });
        }
        if !chunk.rejects.is_empty() {
            quarantine_decoded(&tx, self.fence.run, source, &chunk.rejects, &chunk.written).await?;
        }
        fault::point("stage.chunk_before_commit").await;
        answer(limit, action, tx.commit()).await?;
        fault::point("stage.chunk_after_commit").await;
        Ok(())
    }
}

/// Waits for the server's answer, at most for `limit`.
async fn answer<T>(
    limit: Duration,
    action: &str,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, DbError> {
    within(limit, action, async { answer.await.map_err(doing(action)) }).await
}

/// Settings of the transaction that stages a chunk.
async fn settings(tx: &Transaction<'_>, timeouts: Timeouts) -> Result<(), tokio_postgres::Error> {
    let milliseconds = |time: std::time::Duration| time.as_millis().to_string();
    let statement = tx.prepare_cached(include_str!("../../sql/stage_settings.sql")).await?;
    tx.query_one(&statement, &[&milliseconds(timeouts.lock), &milliseconds(timeouts.idle)]).await?;
    Ok(())
}
