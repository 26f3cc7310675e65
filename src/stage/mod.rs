//! Streams a source into UNLOGGED staging tables.
//!
//! ```text
//! decompress ─► scan ─► chunks ─┬► decode ─► COPY BINARY     a lane
//!  (thread)   (thread)          └► decode ─► COPY BINARY     another
//! ```
//!
//! Every arrow is a bounded channel, so memory depends on their sizes and the widest row, never on the source. A chunk
//! is copied and recorded in one transaction. At the end the server counts each table and sums its rows' digests, and both
//! numbers must be the reader's.

mod buffers;
mod chunk;
mod digest;
mod earlier;
mod error;
mod known;
mod layout;
mod read;
mod send;
mod settle;
mod tables;
mod trial;
mod waits;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Instant;

use deadpool_postgres::Pool;
use tokio::runtime::Handle;
use tokio_postgres::GenericClient;

use crate::db::ledger::{Fence, SourceTable, source_table_insert};
use crate::db::{ServerInfo, doing};
use crate::decode::{ColumnKind, DumpFacts, ScanOptions, Scanner};
use crate::event::{Event, Events};
use crate::fault;
use crate::limits::{ByteSize, MaxRejects, Timeouts};
use crate::names::TableName;
use crate::source::Source;
use crate::stop::Stop;

pub use error::StageError;
pub use known::known_shapes;
pub use trial::{TrialStaged, ready_trial, stage_trial};
pub use waits::Busy;

use buffers::Buffers;
use chunk::CHUNK_CAPACITY;
use earlier::Earlier;
use layout::Layout;
use read::{ReadOutcome, Reading};
use send::Lanes;
use settle::{ReadSource, settle};
use waits::Waits;

/// Raw chunks that wait for a lane.
const RAW_CHUNKS_WAITING: usize = 1;

/// How to stage.
#[derive(Debug, Clone)]
pub struct StageOptions {
    /// Only these tables, where any are named.
    pub only: Vec<TableName>,
    /// How to scan.
    pub scan: ScanOptions,
    /// Columns whose SHA-256 is staged with each row, by source table.
    pub digested: BTreeMap<TableName, Vec<String>>,
    /// How many rows may be rejected.
    pub max_rejects: Option<MaxRejects>,
    /// Lanes: decoding threads with a connection each.
    pub lanes: usize,
    /// How long the server may take.
    pub timeouts: Timeouts,
}

impl StageOptions {
    /// What of a source they ask for, in words: another part of it is another run.
    #[must_use]
    pub fn scope(&self) -> String {
        let tables: Vec<String> = self.only.iter().map(ToString::to_string).collect();
        let tables = if tables.is_empty() { "all tables".to_owned() } else { tables.join(", ") };
        let database = self.scan.database.as_deref().map(|name| format!(" of database {name}")).unwrap_or_default();
        format!("{tables}{database}, rows up to {}", ByteSize(self.scan.row_limit_bytes as u64))
    }
}

/// What was staged.
#[derive(Debug)]
pub struct Staged {
    /// Rows in staging, in all tables.
    pub rows_staged: u64,
    /// Rows that could not be decoded.
    pub rows_rejected: u64,
    /// Tables.
    pub tables: usize,
    /// Chunks that an earlier try had staged, and that were not sent again.
    pub chunks_skipped: u64,
    /// Why the source ended before its proper end, if it did.
    pub ended_early: Option<String>,
    /// What each part of it was busy with, while the source was read.
    pub busy: Busy,
    /// What an operator should know: an early end, tables left out, lines that are no SQL.
    pub warnings: Vec<String>,
}

/// Stages a source for a run that the ledger has, or what of it is not staged yet.
///
/// An earlier try's chunks that are still there are read again and compared, but not sent again.
///
/// # Errors
/// The source can't be read or is not the one that the run began with, the database refuses, more rows are rejected than
/// allowed, what arrived is not what was sent, or it was asked to stop. A source that ended early is not an error here:
/// what came before it is staged, and the caller decides.
pub async fn stage(
    pool: &Pool,
    fence: Fence,
    source: Source,
    options: StageOptions,
    stop: &Stop,
    events: &Events,
) -> Result<Staged, StageError> {
    fault::point("stage.begin").await;
    let earlier = Arc::new(Earlier::find(pool, fence, events).await?);
    fault::point("stage.canary").await;
    let client = pool.get().await.map_err(doing("connect for staging"))?;
    let mut scan = options.scan;
    scan.known.extend(known_shapes(&**client).await?);
    drop(client);
    let digest = source.digest();
    let (progress, position) = (source.progress(), source.position());
    events.emit(Event::SourceOpened { bytes: source.stored_bytes.filter(|_| position.is_some()) });

    let (chunks, waiting) = mpsc::sync_channel(RAW_CHUNKS_WAITING);
    let failed = Arc::new(AtomicBool::new(false));
    let (waits, started, lane_count) = (Waits::of(source.reading_share()), Instant::now(), options.lanes.max(1));
    let lanes = Lanes {
        waits: waits.clone(),
        pool: pool.clone(),
        fence,
        earlier: Arc::clone(&earlier),
        chunks: Arc::new(Mutex::new(waiting)),
        // Of each lane: one that is decoded, those that wait, one that is sent.
        payloads: Buffers::new(options.lanes.max(1) * (send::CHUNKS_WAITING + 2), CHUNK_CAPACITY),
        row_limit_bytes: scan.row_limit_bytes,
        max_rejects: options.max_rejects,
        timeouts: options.timeouts,
        failed: Arc::clone(&failed),
        events: events.clone(),
    };
    let reader = {
        let (events, pool) = (events.clone(), pool.clone());
        let (only, digested) = (options.only.clone(), options.digested.clone());
        let (earlier, stop, waits) = (Arc::clone(&earlier), stop.clone(), waits.clone());
        tokio::task::spawn_blocking(move || {
            let handle = Handle::current();
            let tables_met = AtomicI32::new(0);
            let scanner = Scanner::new(waits.timed(source.into_reader()), scan);
            let reading = Reading {
                only: &only,
                digested: &|table| digested.get(table).cloned().unwrap_or_default(),
                create: &|layout, facts| {
                    let ordinal = 1 + tables_met.fetch_add(1, Ordering::Relaxed);
                    handle.block_on(create(&pool, fence, ordinal, layout, facts, &earlier))
                },
                chunks,
                // One that is read, those that wait, of each lane one that is decoded.
                texts: Buffers::new(1 + RAW_CHUNKS_WAITING + options.lanes.max(1), CHUNK_CAPACITY),
                failed: &failed,
                stop: &stop,
                position: position.as_deref(),
                flushed_at: Cell::new(0),
                waits: &waits,
                began: (started, lane_count),
                events: &events,
            };
            read::read(scanner, &reading)
        })
    };
    let sent = send::run(lanes, options.lanes).await;
    let outcome = reader.await.map_err(|panic| StageError::Lane(panic.to_string()))?;
    // When a lane failed, the reader only says that it was stopped: the lane's error is the one to tell.
    let (sent, mut outcome) = match sent.and_then(|sent| Ok((sent, outcome?))) {
        Ok(both) => both,
        Err(error) => return Err(left_clean(pool, fence, &earlier, events, error).await?),
    };
    let busy = waits.busy(started.elapsed(), lane_count);
    let rejected: u64 = sent.values().map(|sent| sent.rejects).sum();
    let read: u64 = outcome.tables.iter().map(|(_, rows)| rows).sum();
    let complete = outcome.ended_early.is_none();
    let refused = match options.max_rejects {
        Some(limit) if limit.exceeded(rejected, read) => Some(StageError::TooManyRejects { rejected, limit }),
        _ if !outcome.tables.is_empty() => None,
        // Nothing to keep: what ended early is no better than what can't be read.
        _ => Some(match outcome.ended_early.take() {
            Some(error) => StageError::Decode(Box::new(error)),
            None => StageError::NoTables { left_out: outcome.left_out.clone() },
        }),
    };
    let source = ReadSource { complete, sha256: digest.get(), stored_bytes: progress.load(Ordering::Relaxed) };
    if let Err(error) = settle(pool, fence, &outcome, &sent, &earlier, source, refused.is_none()).await {
        return Err(left_clean(pool, fence, &earlier, events, error).await?);
    }
    for (layout, _) in &outcome.tables {
        let sent = sent.get(&layout.source).copied().unwrap_or_default();
        events.emit(Event::TableStaged { table: layout.source.clone(), staged: sent.rows, rejected: sent.rejects });
    }
    if let Some(refused) = refused {
        return Err(refused);
    }
    Ok(Staged {
        rows_staged: sent.values().map(|sent| sent.rows).sum(),
        rows_rejected: rejected,
        tables: outcome.tables.len(),
        chunks_skipped: earlier.skipped(),
        busy,
        ended_early: outcome.ended_early.as_ref().map(ToString::to_string),
        warnings: warnings(&outcome),
    })
}

/// The error that staging failed with; the next try must not build on what is staged now, if it is not what was sent, or
/// partly of another source.
async fn left_clean(
    pool: &Pool,
    fence: Fence,
    earlier: &Earlier,
    events: &Events,
    error: StageError,
) -> Result<StageError, StageError> {
    if earlier.is_spoilt_by(&error) {
        events.warn("what is staged is not to be gone on with: the next try stages the source from the beginning");
        earlier::distrust(pool, fence).await?;
    }
    Ok(error)
}

/// What an operator should know of a source that was read.
fn warnings(outcome: &ReadOutcome) -> Vec<String> {
    let incomplete = outcome.ended_early.iter().map(|error| format!("the source is incomplete: {error}"));
    let left_out = outcome.left_out.iter().map(|table| format!("{table} was left out: other tables were asked for"));
    let stray = outcome.facts.stray_lines.first().map(|first| {
        format!(
            "{} lines of the source are no SQL and were passed over, first: {first:?}",
            outcome.facts.stray_line_count
        )
    });
    incomplete.chain(left_out).chain(stray).collect()
}

/// Makes the staging table of a table that the reader met, and records it; unless an earlier try has.
async fn create(
    pool: &Pool,
    fence: Fence,
    ordinal: i32,
    layout: &Arc<Layout>,
    facts: &DumpFacts,
    earlier: &Earlier,
) -> Result<(), StageError> {
    let known = earlier.table(&layout.source);
    if known.is_some_and(|known| !tables::is_of(&known.recorded, layout)) {
        return Err(StageError::OtherSource { table: layout.source.clone(), what: "the columns".into() });
    }
    if known.is_some_and(|known| known.stands) {
        return Ok(());
    }
    fault::point("stage.create").await;
    // A dump creates its tables before it fills them, so this is known before the first row is sent.
    let vectors = layout.has_vectors()
        || facts
            .tables
            .iter()
            .any(|table| table.columns.iter().any(|column| ColumnKind::of_type(&column.type_text) != ColumnKind::Text));
    if vectors {
        let client = pool.get().await.map_err(doing("connect for staging"))?;
        ServerInfo::ensure_pgvector(&client).await.map_err(StageError::NoVector)?;
    }
    fence
        .transaction(pool, "make a staging table", async |tx| {
            let schema = ServerInfo::read(&**tx).await?.pgvector_schema;
            let table = tables::create(&**tx, layout, schema.as_deref()).await?;
            if known.is_none() {
                source_table_insert(&**tx, fence.run, ordinal, &table).await?;
            }
            Ok::<_, StageError>(())
        })
        .await?;
    fault::point("stage.created").await;
    Ok(())
}

/// Makes the staging table that a source table with these columns gets, without a source; returns what the ledger
/// records of it. `vector_schema` is where pgvector is installed.
///
/// # Errors
/// Fails when a table of that name exists that sqlmig did not make, or the database refuses.
pub async fn lay_out(
    client: &impl GenericClient,
    source: &TableName,
    columns: &[(String, ColumnKind)],
    digested: &[String],
    vector_schema: Option<&str>,
) -> Result<SourceTable, StageError> {
    tables::create(client, &Layout::of(source.clone(), columns.to_vec(), digested), vector_schema).await
}
