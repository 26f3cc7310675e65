//! Stages a source into temporary tables of one session: the same reading, decoding and COPY as a run's, of which nothing stays.
//!
//! One connection in place of lanes, because temporary tables are one session's. What is measured on the way is what a run is
//! estimated by.

use std::cell::Cell;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc as blocking;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::sync::mpsc;
use tokio_postgres::Transaction;
use uuid::Uuid;

use crate::db::ledger::{DecodeReject, SourceTable};
use crate::db::{Place, ServerInfo, doing, staging};
use crate::decode::{DecodeError, DumpFacts, RowDecoder, Scanner};
use crate::event::{Event, Events};
use crate::names::hex;
use crate::source::Source;
use crate::stop::Stop;
use crate::template::render_wrap;

use super::buffers::Buffers;
use super::chunk::{CHUNK_CAPACITY, EncodedChunk, RawChunk};
use super::layout::Layout;
use super::read::{ReadOutcome, Reading};
use super::waits::Waits;
use super::{RAW_CHUNKS_WAITING, StageError, StageOptions, known_shapes, read, tables};

/// What a trial has staged, and how long it took.
#[derive(Debug)]
pub struct TrialStaged {
    /// The tables, in the order of the source.
    pub tables: Vec<SourceTable>,
    /// What the source told about itself.
    pub facts: DumpFacts,
    /// Why it ended before its proper end, if it did.
    pub ended_early: Option<DecodeError>,
    /// SHA-256 of the source's bytes as stored, lower-case hex; of a source that was read to its end.
    pub source_sha256: Option<String>,
    /// Stored bytes read.
    pub stored_bytes: u64,
    /// Bytes of the rows as text.
    pub row_bytes: u64,
    /// Time from the first byte to the last row's arrival.
    pub elapsed: Duration,
}

/// Stages a source, or as much of it as makes `most_bytes` of rows, into temporary tables of the transaction's session. Rows that
/// can't be decoded go to the session's own quarantine, under `run`.
///
/// # Errors
/// As [`super::stage`], but for what has to do with a ledger. The transaction is to be rolled back then.
pub async fn stage_trial(
    tx: &Transaction<'_>,
    run: Uuid,
    source: Source,
    options: StageOptions,
    most_bytes: Option<u64>,
    stop: &Stop,
    events: &Events,
) -> Result<TrialStaged, StageError> {
    let mut scan = options.scan;
    scan.known.extend(known_shapes(tx).await?);
    let (digest, progress, position) = (source.digest(), source.progress(), source.position());
    events.emit(Event::SourceOpened { bytes: source.stored_bytes });
    let started = Instant::now();
    let failed = Arc::new(AtomicBool::new(false));
    let (chunks, raw) = blocking::sync_channel(RAW_CHUNKS_WAITING);
    let (encoded, mut waiting) = mpsc::channel(1);
    let row_limit = scan.row_limit_bytes;
    let reader = {
        let (events, failed, stop) = (events.clone(), Arc::clone(&failed), stop.clone());
        let (only, digested) = (options.only, options.digested);
        tokio::task::spawn_blocking(move || {
            let reading = Reading {
                only: &only,
                digested: &|table| digested.get(table).cloned().unwrap_or_default(),
                // Made by who copies the first rows: the session's connection is his.
                create: &|_, _| Ok(()),
                chunks,
                texts: Buffers::new(2 + RAW_CHUNKS_WAITING, CHUNK_CAPACITY),
                failed: &failed,
                stop: &stop,
                position: position.as_deref(),
                flushed_at: Cell::new(0),
                waits: &Waits::default(),
                began: (started, 1),
                events: &events,
            };
            read::read(Scanner::new(source.into_reader(), scan), &reading)
        })
    };
    let decoder = tokio::task::spawn_blocking(move || decode(&raw, &encoded, row_limit));
    let mut copying = Copying { tx, run, made: HashMap::new(), row_bytes: 0 };
    let mut copied = Ok(());
    let mut enough = false;
    while let Some(chunk) = waiting.recv().await {
        copied = copying.copy(chunk).await;
        enough = most_bytes.is_some_and(|most| copying.row_bytes >= most);
        if copied.is_err() || enough {
            failed.store(true, Ordering::Relaxed);
            break;
        }
    }
    let elapsed = started.elapsed();
    drop(waiting);
    let outcome = reader.await.map_err(|panic| StageError::Lane(panic.to_string()))?;
    decoder.await.map_err(|panic| StageError::Lane(panic.to_string()))?;
    copied?;
    let outcome = match outcome {
        // It was told that there is enough.
        Err(StageError::Stopped) if enough => ReadOutcome::default(),
        outcome => outcome?,
    };
    for (layout, rows) in &outcome.tables {
        copying.make(layout).await?;
        if let Some(table) = copying.made.get_mut(&layout.staged_as) {
            table.recorded.rows_read = i64::try_from(*rows).unwrap_or(i64::MAX);
        }
    }
    let row_bytes = copying.row_bytes;
    let mut made: Vec<Made> = copying.made.into_values().collect();
    made.sort_by_key(|table| table.ordinal);
    Ok(TrialStaged {
        tables: made.into_iter().map(|table| table.recorded).collect(),
        facts: outcome.facts,
        ended_early: outcome.ended_early,
        source_sha256: digest.get().map(|digest| hex(&digest)),
        stored_bytes: progress.load(Ordering::Relaxed),
        row_bytes,
        elapsed,
    })
}

/// Makes the temporary tables of a trial ready to be read.
///
/// # Errors
/// The database refuses.
pub async fn ready_trial(tx: &Transaction<'_>, tables: &[SourceTable]) -> Result<(), StageError> {
    for table in tables {
        staging::make_ready(tx, Place::Session, &table.staged_as).await?;
    }
    Ok(())
}

/// The decoding thread.
fn decode(raw: &blocking::Receiver<RawChunk>, encoded: &mpsc::Sender<EncodedChunk>, row_limit: usize) {
    let payloads = Buffers::new(3, CHUNK_CAPACITY);
    let mut decoder: Option<RowDecoder> = None;
    while let Ok(chunk) = raw.recv() {
        if decoder.as_ref().is_none_or(|decoder| !Arc::ptr_eq(decoder.block(), &chunk.block)) {
            decoder = Some(RowDecoder::new(Arc::clone(&chunk.block)));
        }
        let Some(decoder) = &mut decoder else { return };
        if encoded.blocking_send(chunk.encode(decoder, row_limit, payloads.take())).is_err() {
            return;
        }
    }
}

/// A temporary table, and what went into it.
struct Made {
    ordinal: usize,
    recorded: SourceTable,
    copy: String,
}

/// The sending side: the session's only connection.
struct Copying<'a> {
    tx: &'a Transaction<'a>,
    run: Uuid,
    made: HashMap<String, Made>,
    row_bytes: u64,
}

impl Copying<'_> {
    /// Makes the table of a layout, unless it is there.
    async fn make(&mut self, layout: &Layout) -> Result<(), StageError> {
        if self.made.contains_key(&layout.staged_as) {
            return Ok(());
        }
        let mut schema = None;
        if layout.has_vectors() {
            schema = Some(ServerInfo::ensure_pgvector_in(self.tx).await.map_err(StageError::NoVector)?);
        }
        let recorded = tables::create_in(self.tx, Place::Session, layout, schema.as_deref()).await?;
        let copy = tables::copy_statement(layout, Place::Session)?;
        self.made.insert(layout.staged_as.clone(), Made { ordinal: self.made.len(), recorded, copy });
        Ok(())
    }

    async fn copy(&mut self, mut chunk: EncodedChunk) -> Result<(), StageError> {
        self.make(&chunk.layout).await?;
        let source = &chunk.layout.source;
        let action = || format!("copy rows {} to {} of {source}", chunk.first_row, chunk.last_row);
        let Some(table) = self.made.get_mut(&chunk.layout.staged_as) else { return Ok(()) };
        let payload = Bytes::from_owner(std::mem::take(&mut chunk.payload));
        let statement = self.tx.prepare(&table.copy).await.map_err(doing(action()))?;
        let mut sink = pin!(self.tx.copy_in::<_, Bytes>(&statement).await.map_err(doing(action()))?);
        sink.send(payload).await.map_err(doing(action()))?;
        let copied = sink.finish().await.map_err(doing(action()))?;
        if copied != chunk.rows {
            return Err(StageError::Copied { table: source.clone(), sent: chunk.rows, copied });
        }
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        table.recorded.rows_staged += count(copied);
        table.recorded.rows_rejected += count(chunk.rejects.len() as u64);
        table.recorded.rows_read += count(copied) + count(chunk.rejects.len() as u64);
        table.recorded.bytes_read += count(chunk.bytes);
        self.row_bytes += chunk.bytes;
        if chunk.rejects.is_empty() { Ok(()) } else { take_out(self.tx, self.run, &chunk).await }
    }
}

/// Takes out the rows of a chunk that could not be decoded.
async fn take_out(tx: &Transaction<'_>, run: Uuid, chunk: &EncodedChunk) -> Result<(), StageError> {
    let number = |reject: &DecodeReject| i64::try_from(reject.row).unwrap_or(i64::MAX);
    let rows: Vec<i64> = chunk.rejects.iter().map(number).collect();
    let take = render_wrap(
        "trial_undecoded.sql",
        include_str!("../../sql/wrap/trial_undecoded.sql"),
        minijinja::context! { quarantine => Place::Session.quarantine() },
    )?;
    tx.execute(&take, &[&run, &chunk.layout.source.to_string(), &rows])
        .await
        .map_err(doing("take out rows that can't be decoded"))?;
    Ok(())
}
