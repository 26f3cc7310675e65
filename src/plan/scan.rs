//! A source read to its end and no further: what it holds, table by table.

use std::collections::HashMap;

use super::PlanError;
use super::embedding::Counter;
use crate::decode::{DecodeError, DumpFacts, Item, ScanOptions, Scanner};
use crate::event::{Event, Events};
use crate::names::TableName;
use crate::project::Project;
use crate::source::Source;
use crate::stage::StageError;
use crate::tokens::Tokenizer;

/// Rows and bytes of one table, as the scanner counts them.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The table.
    pub table: TableName,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// Rows.
    pub rows: i64,
    /// Bytes of them as text.
    pub bytes: i64,
}

/// What was read of a source.
pub struct Scanned {
    /// Its tables, in its order.
    pub tables: Vec<Counted>,
    /// Rows that come without an embedding.
    pub(super) embeddings: Vec<Counter>,
    /// What it told about itself.
    pub facts: DumpFacts,
    /// Why it ended before its proper end, if it did.
    pub ended_early: Option<DecodeError>,
}

/// Counts the rows of a source, table by table.
///
/// # Errors
/// It can't be read at all; one that ends too early is an outcome.
pub fn scan(
    source: Source,
    options: ScanOptions,
    project: &Project,
    tokenizer: Tokenizer,
    events: &Events,
) -> Result<Scanned, PlanError> {
    /// Rows between two signs of progress.
    const ROWS_A_SIGN: u64 = 1000;
    let progress = source.progress();
    let mut scanner = Scanner::new(source.into_reader(), options);
    let mut tables: Vec<Counted> = Vec::new();
    let mut places: HashMap<TableName, usize> = HashMap::new();
    let mut open = None;
    let mut counters: HashMap<TableName, Counter> = HashMap::new();
    let mut counted_in: Option<TableName> = None;
    let mut rows = 0;
    let ended_early = loop {
        let bytes = match scanner.next_item() {
            Ok(None) => break None,
            Ok(Some(Item::Block(block))) => {
                let place = *places.entry(block.table.clone()).or_insert_with(|| {
                    let columns = block.columns.iter().map(|column| column.name.clone()).collect();
                    tables.push(Counted { table: block.table.clone(), columns, rows: 0, bytes: 0 });
                    tables.len() - 1
                });
                open = Some(place);
                counted_in = Counter::of(project, tokenizer, &block).map(|counter| {
                    let earlier = counters.remove(&block.table);
                    counters.insert(block.table.clone(), counter.join(earlier));
                    block.table.clone()
                });
                continue;
            }
            Ok(Some(Item::Row(row))) => {
                if let Some(counter) = counted_in.as_ref().and_then(|table| counters.get_mut(table)) {
                    counter.row(&row);
                }
                row.bytes.len() as u64
            }
            Ok(Some(Item::Oversized(row))) => row.length,
            Err(error) if error.is_incomplete() => break Some(error),
            Err(error) => return Err(StageError::Decode(Box::new(error)).into()),
        };
        rows += 1;
        if let Some(place) = open {
            tables[place].rows += 1;
            tables[place].bytes += i64::try_from(bytes).unwrap_or(i64::MAX);
        }
        if rows % ROWS_A_SIGN == 0 {
            let bytes = progress.load(std::sync::atomic::Ordering::Relaxed);
            events.emit(Event::SourceProgress { bytes, rows, table: None });
        }
    };
    let mut embeddings: Vec<(TableName, Counter)> = counters.into_iter().collect();
    embeddings.sort_by(|a, b| a.0.cmp(&b.0));
    let embeddings = embeddings.into_iter().map(|(_, counter)| counter).collect();
    Ok(Scanned { tables, embeddings, facts: scanner.facts().clone(), ended_early })
}
