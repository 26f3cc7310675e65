//! The sending side of staging: lanes, each a decoding thread and a connection that copies what it decoded.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use deadpool_postgres::Pool;
use futures_util::SinkExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::db::doing;
use crate::db::ledger::{chunk_insert, quarantine_decoded};
use crate::decode::RowDecoder;
use crate::limits::MaxRejects;
use crate::names::TableName;

use super::StageError;
use super::chunk::{EncodedChunk, RawChunk};
use super::tables;

/// Encoded chunks that wait for a lane's connection: one in hand and one ready keep it busy.
const CHUNKS_WAITING: usize = 1;

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
    pub run: Uuid,
    /// Where raw chunks come from.
    pub chunks: Arc<Mutex<Receiver<RawChunk>>>,
    /// Longest row held, in bytes: for messages.
    pub row_limit_bytes: usize,
    /// How many rows may be rejected.
    pub max_rejects: Option<MaxRejects>,
    /// Set when a lane has failed.
    pub stop: Arc<AtomicBool>,
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
            lanes.stop.store(true, Ordering::Relaxed);
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
        let next = lanes.chunks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(chunk) = next else { return };
        let block = &chunk.block;
        let known = decoder.take_if(|decoder| !Arc::ptr_eq(decoder.block(), block));
        drop(known);
        let decoder = decoder.get_or_insert_with(|| RowDecoder::new(Arc::clone(block)));
        if encoded.blocking_send(chunk.encode(decoder, lanes.row_limit_bytes)).is_err() {
            return;
        }
    }
}

/// A lane's connection.
async fn send(
    lanes: Arc<Lanes>,
    mut chunks: mpsc::Receiver<EncodedChunk>,
    totals: Arc<Mutex<HashMap<TableName, Sent>>>,
    rejected: Arc<AtomicU64>,
) -> Result<(), StageError> {
    let mut client = lanes.pool.get().await.map_err(doing("connect for staging"))?;
    let mut statements: HashMap<String, String> = HashMap::new();
    while let Some(mut chunk) = chunks.recv().await {
        let layout = Arc::clone(&chunk.layout);
        if !statements.contains_key(&layout.staged_as) {
            statements.insert(layout.staged_as.clone(), tables::copy_statement(&layout)?);
        }
        let copy = &statements[&layout.staged_as];
        let action = || format!("copy rows {} to {} of {}", chunk.first_row, chunk.last_row, layout.source);
        let tx = client.transaction().await.map_err(doing(action()))?;
        tx.batch_execute(include_str!("../../sql/stage_settings.sql")).await.map_err(doing(action()))?;
        let mut sink = pin!(tx.copy_in::<_, Bytes>(copy).await.map_err(doing(action()))?);
        let payload = Bytes::from(std::mem::take(&mut chunk.payload));
        sink.as_mut().send(payload).await.map_err(doing(action()))?;
        let copied = sink.as_mut().finish().await.map_err(doing(action()))?;
        if copied != chunk.rows {
            return Err(StageError::Copied { table: layout.source.clone(), sent: chunk.rows, copied });
        }
        if !chunk.rejects.is_empty() {
            quarantine_decoded(&tx, lanes.run, &layout.source, &chunk.rejects).await?;
        }
        let rejects = chunk.rejects.len() as u64;
        chunk_insert(&tx, lanes.run, &layout.source, chunk.first_row, chunk.last_row, chunk.rows, rejects).await?;
        tx.commit().await.map_err(doing(action()))?;
        {
            let mut totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
            let sent = totals.entry(layout.source.clone()).or_default();
            sent.rows += chunk.rows;
            sent.rejects += rejects;
            sent.digest += chunk.digest;
            sent.bytes += chunk.bytes;
        }
        let rejected = rejected.fetch_add(rejects, Ordering::Relaxed) + rejects;
        // A share of the rows can only be judged at the end; a number can be exceeded at once.
        if let Some(limit @ MaxRejects::Count(_)) = lanes.max_rejects
            && limit.exceeded(rejected, u64::MAX)
        {
            return Err(StageError::TooManyRejects { rejected, limit });
        }
    }
    Ok(())
}
