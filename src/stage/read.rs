//! The reading side of staging: one thread that scans the source and cuts its rows into chunks.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use crate::decode::{Block, DecodeError, DumpFacts, Item, Scanner};
use crate::event::{Event, Events};
use crate::fault;
use crate::names::TableName;
use crate::stop::Stop;

use super::StageError;
use super::buffers::Buffers;
use super::chunk::{CHUNK_BYTES, RawChunk};
use super::layout::Layout;
use super::waits::{Wait, Waits};

/// Rows a chunk holds at most, so that a table of very short rows does not make chunks that grow much when encoded.
const CHUNK_ROWS: u64 = 20_000;

/// Makes the staging table of a table that was met for the first time.
type Create<'a> = dyn Fn(&Arc<Layout>, &DumpFacts) -> Result<(), StageError> + 'a;

/// What the reader needs besides the source.
pub(super) struct Reading<'a> {
    /// Only these tables, where any are named.
    pub only: &'a [TableName],
    /// Columns whose SHA-256 the project wants.
    pub digested: &'a dyn Fn(&TableName) -> Vec<String>,
    /// Makes staging tables.
    pub create: &'a Create<'a>,
    /// Where chunks go.
    pub chunks: SyncSender<RawChunk>,
    /// What their text is written into.
    pub texts: Buffers,
    /// Set when the sending side has failed and reading on is of no use.
    pub failed: &'a AtomicBool,
    /// Whether it was asked to stop.
    pub stop: &'a Stop,
    /// Stored bytes whose text was taken so far, where that is known.
    pub position: Option<&'a AtomicU64>,
    /// What they were when the last chunk was sent on.
    pub flushed_at: Cell<u64>,
    /// Told how long lanes were waited for.
    pub waits: &'a Waits,
    /// When reading began, and how many lanes there are.
    pub began: (Instant, usize),
    /// Told how far reading has come.
    pub events: &'a Events,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct ReadOutcome {
    /// The tables met, in the order of the source, and the rows seen of each.
    pub tables: Vec<(Arc<Layout>, u64)>,
    /// Tables left out because others were asked for.
    pub left_out: Vec<TableName>,
    /// What the source told about itself.
    pub facts: DumpFacts,
    /// Why it ended before its proper end, if it did.
    pub ended_early: Option<DecodeError>,
}

/// A table that rows were met of.
struct Table {
    layout: Arc<Layout>,
    rows: u64,
}

/// Reads the source to its end.
///
/// # Errors
/// A source that can't be read at all fails; one that ends too early is an outcome, because what came before is good.
pub(super) fn read<R: Read>(mut scanner: Scanner<R>, reading: &Reading<'_>) -> Result<ReadOutcome, StageError> {
    let mut tables: Vec<Table> = Vec::new();
    let mut places: HashMap<TableName, usize> = HashMap::new();
    let mut left_out: Vec<TableName> = Vec::new();
    let mut open: Option<(usize, RawChunk)> = None;
    let mut rows: u64 = 0;
    let ended_early = loop {
        // The block's facts are read while the item borrows the scanner's buffer, so it is cloned out first.
        let block = match scanner.next_item() {
            Ok(None) => break None,
            Ok(Some(Item::Block(block))) => block,
            Ok(Some(item)) => {
                rows += 1;
                if let Some((_, chunk)) = &mut open {
                    match item {
                        Item::Row(row) => chunk.push(&row),
                        Item::Oversized(row) => chunk.push_oversized(row),
                        Item::Block(_) => {}
                    }
                    if chunk.bytes() >= CHUNK_BYTES || chunk.len() >= CHUNK_ROWS {
                        flush(&mut open, &mut tables, reading, rows)?;
                    }
                }
                continue;
            }
            Err(error) if error.is_incomplete() => break Some(error),
            Err(error) => return Err(StageError::Decode(Box::new(error))),
        };
        flush(&mut open, &mut tables, reading, rows)?;
        if !reading.only.is_empty() && !reading.only.iter().any(|table| same(table, &block.table)) {
            if !left_out.contains(&block.table) {
                left_out.push(block.table.clone());
            }
            open = None;
            continue;
        }
        let place = if let Some(&place) = places.get(&block.table) {
            place
        } else {
            let digested = (reading.digested)(&block.table);
            let layout = Arc::new(Layout::new(&block, scanner.facts(), &digested));
            if let Some(other) = tables.iter().find(|table| table.layout.staged_as == layout.staged_as) {
                let (first, second) = (other.layout.source.clone(), layout.source.clone());
                return Err(StageError::SameName { first, second });
            }
            (reading.create)(&layout, scanner.facts())?;
            tables.push(Table { layout, rows: 0 });
            places.insert(block.table.clone(), tables.len() - 1);
            tables.len() - 1
        };
        open = Some((place, start(&tables[place], block, reading)?));
    };
    flush(&mut open, &mut tables, reading, rows)?;
    fault::point_blocking("stage.source_end");
    Ok(ReadOutcome {
        tables: tables.into_iter().map(|table| (table.layout, table.rows)).collect(),
        left_out,
        facts: scanner.facts().clone(),
        ended_early,
    })
}

/// An unqualified name given by a person means the public schema's table too.
fn same(asked: &TableName, found: &TableName) -> bool {
    let schema = |name: &TableName| name.schema.clone().unwrap_or_else(|| "public".into());
    asked.table == found.table && schema(asked) == schema(found)
}

/// An empty chunk at the table's next row.
fn start(table: &Table, block: Arc<Block>, reading: &Reading<'_>) -> Result<RawChunk, StageError> {
    let fields = Arc::new(table.layout.fields_of(&block)?);
    Ok(RawChunk::new(Arc::clone(&table.layout), fields, block, table.rows + 1, reading.texts.take()))
}

/// Sends the open chunk on and leaves an empty one of the same block behind.
fn flush(
    open: &mut Option<(usize, RawChunk)>,
    tables: &mut [Table],
    reading: &Reading<'_>,
    rows: u64,
) -> Result<(), StageError> {
    if reading.failed.load(Ordering::Relaxed) {
        return Err(StageError::Stopped);
    }
    if reading.stop.is_requested() {
        return Err(StageError::Interrupted);
    }
    let Some((place, mut chunk)) = open.take() else { return Ok(()) };
    if chunk.len() == 0 {
        *open = Some((place, chunk));
        return Ok(());
    }
    tables[place].rows += chunk.len();
    let position = reading.position.map(|position| position.load(Ordering::Relaxed));
    chunk.stored_bytes = position.map(|position| position - reading.flushed_at.replace(position));
    let (layout, fields, block) = (Arc::clone(&chunk.layout), Arc::clone(&chunk.fields), Arc::clone(&chunk.block));
    let sent = Instant::now();
    reading.chunks.send(chunk).map_err(|_| StageError::Stopped)?;
    reading.waits.add(Wait::ReaderForLane, sent);
    let table = Some(layout.source.clone());
    reading.events.emit(Event::SourceProgress { bytes: position.unwrap_or_default(), rows, table });
    let (began, lanes) = reading.began;
    reading.events.emit(Event::Busy { shares: reading.waits.busy(began.elapsed(), lanes).shares() });
    let next = RawChunk::new(layout, fields, block, tables[place].rows + 1, reading.texts.take());
    *open = Some((place, next));
    Ok(())
}
