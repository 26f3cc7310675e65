//! Streams a source into UNLOGGED staging tables.
//!
//! ```text
//! decompress ─► scan ─► chunks ─┬► decode ─► COPY BINARY     a lane
//!  (thread)   (thread)          └► decode ─► COPY BINARY     another
//! ```
//!
//! Every arrow is a bounded channel, so memory depends on their sizes and the widest row, never on the source. A chunk
//! is copied and recorded in one transaction. At the end each table is counted and digested by the server, and both
//! numbers must be the reader's.

mod chunk;
mod digest;
mod error;
mod known;
mod layout;
mod read;
mod send;
mod settle;
mod tables;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use deadpool_postgres::Pool;
use tokio::runtime::Handle;
use tokio_postgres::GenericClient;
use uuid::Uuid;

use crate::db::ledger::{SourceTable, canary_forget, canary_put, source_table_insert};
use crate::db::{ServerInfo, doing, staging};
use crate::decode::{ColumnKind, DumpFacts, ScanOptions, Scanner};
use crate::event::{Event, Events};
use crate::limits::MaxRejects;
use crate::names::TableName;
use crate::source::Source;

pub use error::StageError;
pub use known::known_shapes;
pub(crate) use layout::digest_column;

use layout::Layout;
use read::{ReadOutcome, Reading};
use send::Lanes;
use settle::{ReadSource, settle};

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
    /// Why the source ended before its proper end, if it did.
    pub ended_early: Option<String>,
    /// What an operator should know: an early end, tables left out, lines that are no SQL.
    pub warnings: Vec<String>,
}

/// Stages a source for a run that the ledger has.
///
/// # Errors
/// The source can't be read, the database refuses, more rows are rejected than allowed, or what arrived is not what was
/// sent. A source that ended early is not an error here: what came before it is staged, and the caller decides.
pub async fn stage(
    pool: &Pool,
    run: Uuid,
    source: Source,
    options: StageOptions,
    events: &Events,
) -> Result<Staged, StageError> {
    let mut client = pool.get().await.map_err(doing("connect for staging"))?;
    staging::drop_all(&**client).await?;
    canary_forget(&**client).await?;
    canary_put(&**client, run).await?;
    let mut scan = options.scan;
    scan.known.extend(known_shapes(&**client).await?);
    let digest = source.digest();
    let progress = source.progress();
    events.emit(Event::SourceOpened { bytes: source.stored_bytes });

    let (chunks, waiting) = mpsc::sync_channel(RAW_CHUNKS_WAITING);
    let stop = Arc::new(AtomicBool::new(false));
    let lanes = Lanes {
        pool: pool.clone(),
        run,
        chunks: Arc::new(Mutex::new(waiting)),
        row_limit_bytes: scan.row_limit_bytes,
        max_rejects: options.max_rejects,
        stop: Arc::clone(&stop),
    };
    let reader = {
        let (events, progress, pool) = (events.clone(), Arc::clone(&progress), pool.clone());
        let (only, digested) = (options.only.clone(), options.digested.clone());
        tokio::task::spawn_blocking(move || {
            let handle = Handle::current();
            let tables_met = AtomicI32::new(0);
            let scanner = Scanner::new(source.into_reader(), scan);
            let reading = Reading {
                only: &only,
                digested: &|table| digested.get(table).cloned().unwrap_or_default(),
                create: &|layout, facts| {
                    let ordinal = 1 + tables_met.fetch_add(1, Ordering::Relaxed);
                    handle.block_on(create(&pool, run, ordinal, layout, facts))
                },
                chunks,
                stop: &stop,
                progress: &progress,
                events: &events,
            };
            read::read(scanner, &reading)
        })
    };
    let sent = send::run(lanes, options.lanes).await;
    let outcome = reader.await.map_err(|panic| StageError::Lane(panic.to_string()))?;
    // When a lane failed, the reader only says that it was stopped: the lane's error is the one to tell.
    let sent = sent?;
    let mut outcome = outcome?;
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
    settle(&mut client, run, &outcome, &sent, source, refused.is_none(), events).await?;
    if let Some(refused) = refused {
        return Err(refused);
    }
    Ok(Staged {
        rows_staged: sent.values().map(|sent| sent.rows).sum(),
        rows_rejected: rejected,
        tables: outcome.tables.len(),
        ended_early: outcome.ended_early.as_ref().map(ToString::to_string),
        warnings: warnings(&outcome),
    })
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

/// Makes the staging table of a table that the reader met, and records it.
async fn create(
    pool: &Pool,
    run: Uuid,
    ordinal: i32,
    layout: &Arc<Layout>,
    facts: &DumpFacts,
) -> Result<(), StageError> {
    let client = pool.get().await.map_err(doing("connect for staging"))?;
    // A dump creates its tables before it fills them, so this is known before the first row is sent.
    let vectors = layout.has_vectors()
        || facts
            .tables
            .iter()
            .any(|table| table.columns.iter().any(|column| ColumnKind::of_type(&column.type_text) != ColumnKind::Text));
    if vectors {
        ServerInfo::ensure_pgvector(&client).await.map_err(StageError::NoVector)?;
    }
    let schema = ServerInfo::read(&client).await?.pgvector_schema;
    let table = tables::create(&**client, layout, schema.as_deref()).await?;
    source_table_insert(&**client, run, ordinal, &table).await?;
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
