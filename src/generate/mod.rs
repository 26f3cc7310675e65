//! Made-up dumps of the docs shape: any size, every fault on request, and the same bytes for the same options.
//!
//! The fixtures and the measurements come from here, and so can a bug report: a seed and the options are the whole dump.

mod corpus;
mod dump;
mod faults;
mod random;
mod rows;
mod text;
mod vectors;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::str::FromStr;

pub use faults::{Fate, Fault, FaultShare, Planted, PlantedChange, PlantedFault, ShareError, TableRows};

use corpus::{Corpus, Source};
use dump::Copy;
use random::Random;
use rows::{Damage, Document, Rows, json_object, timestamp};
use vectors::Embedding;

/// Which database the dump is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The doc-server's: `document_sources` and `documents`.
    Docs,
    /// The older one: `crates` and `doc_embeddings`.
    Crates,
    /// `measurements`: many short rows without vectors, to measure the cost of a row.
    Narrow,
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "docs" => Ok(Self::Docs),
            "crates" => Ok(Self::Crates),
            "narrow" => Ok(Self::Narrow),
            _ => Err(format!("{text:?} is not a shape: write docs, crates or narrow")),
        }
    }
}

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The database that the dump is of.
    pub shape: Shape,
    /// Rows of the largest table, at least 2.
    pub documents: u64,
    /// Where all randomness comes from.
    pub seed: u64,
    /// Dimensions of an embedding.
    pub dimensions: usize,
    /// Faults to plant; none by default.
    pub faults: Vec<FaultShare>,
    /// The same dump taken later: one document in twenty changed, and one added for forty that were there.
    pub newer: bool,
}

impl Default for Options {
    /// A dump as large as the doc-server's own: 4,600 documents of 3072 dimensions, about 184 MB.
    fn default() -> Self {
        Self { shape: Shape::Docs, documents: 4600, seed: 1, dimensions: 3072, faults: Vec::new(), newer: false }
    }
}

/// Writes a dump, and says which faults are where in it.
///
/// Memory does not depend on the number of documents, but on that of faults.
///
/// # Errors
///
/// What the output says.
pub fn write_dump(options: &Options, out: &mut impl Write) -> io::Result<Planted> {
    let options = &Options { documents: options.documents.max(2), ..options.clone() };
    if options.shape == Shape::Narrow {
        return write_narrow(options, out);
    }
    let docs = options.shape == Shape::Docs;
    let corpus = Corpus::new(options.documents, |source: &Source| docs || source.doc_type().name == "rust");
    let (sources_table, documents_table) =
        if docs { ("public.document_sources", "public.documents") } else { ("public.crates", "public.doc_embeddings") };
    // pg_dump writes the sources first, and they hold totals: the documents are made twice, without vectors at first.
    let mut totals = BTreeMap::<(String, String), (u64, i64)>::new();
    let mut found =
        Planted { format: 1, seed: options.seed, tables: Vec::new(), faults: Vec::new(), changes: Vec::new() };
    let mut rows = 0;
    for row in Rows::new(options, &corpus, documents_table) {
        rows += 1;
        let at = rows;
        found.faults.extend(row.planted);
        found.changes.extend(row.change.map(|change| PlantedChange { table: documents_table, row: at, change }));
        if row.document.readable() {
            let entry = totals.entry((row.document.doc_type, row.document.source_name)).or_default();
            entry.0 += 1;
            entry.1 += row.document.token_count.and_then(|count| count.parse::<i32>().ok()).map_or(0, i64::from);
        }
    }
    let sources = sources(options, &corpus, &totals, sources_table, &mut found.faults);
    found.faults.sort_by_key(|fault| (fault.table, fault.row));
    found.tables = vec![
        TableRows { table: sources_table, rows: sources.len() as u64 },
        TableRows { table: documents_table, rows },
    ];
    let template = match (docs, found.faults.is_empty()) {
        (true, true) => include_str!("shapes/docs.sql"),
        (true, false) => include_str!("shapes/docs_relaxed.sql"),
        (false, true) => include_str!("shapes/crates.sql"),
        (false, false) => include_str!("shapes/crates_relaxed.sql"),
    };
    dump::write(template, options.seed, options.dimensions, out, |table, copy| {
        if table == "document_sources" || table == "crates" {
            return sources.iter().zip(1..).try_for_each(|(source, at)| write_source(options.shape, at, source, copy));
        }
        Rows::new(options, &corpus, documents_table)
            .zip(1..)
            .try_for_each(|(row, at)| write_document(options.shape, at, &row.document, copy))
    })?;
    Ok(found)
}

/// One row of `document_sources` or `crates`.
#[derive(Debug, Clone)]
struct SourceRow {
    id: String,
    doc_type: String,
    name: String,
    version: String,
    total_docs: u64,
    total_tokens: i64,
    created_at: String,
    updated_at: String,
}

/// The sources: clean ones, then those made for a fault.
fn sources(
    options: &Options,
    corpus: &Corpus,
    totals: &BTreeMap<(String, String), (u64, i64)>,
    table: &'static str,
    found: &mut Vec<PlantedFault>,
) -> Vec<SourceRow> {
    let row = |(at, source): (u64, Source)| {
        let mut random = Random::of(options.seed, 6, at);
        let (doc_type, name) = (source.doc_type().name.to_owned(), source.name.to_owned());
        let (total_docs, total_tokens) = totals.get(&(doc_type.clone(), name.clone())).copied().unwrap_or_default();
        SourceRow {
            id: random.uuid(),
            doc_type,
            name,
            version: source.version.to_owned(),
            total_docs,
            total_tokens,
            created_at: timestamp(options.shape, at * 3600, &mut random),
            updated_at: timestamp(options.shape, 301 * 86_400 + at, &mut random),
        }
    };
    let mut rows: Vec<SourceRow> = (0..).zip(corpus.sources()).map(row).collect();
    let clean = rows.len() as u64;
    for share in &options.faults {
        for &fault in share.faults.iter().filter(|fault| fault.fits(options.shape) && fault.on_source()) {
            for nth in 0..share.of(clean).min(clean) {
                let place = usize::try_from(nth).unwrap_or(0);
                let mut planted = PlantedFault {
                    table,
                    row: rows.len() as u64 + 1,
                    fault: fault.name(),
                    check: fault.check(),
                    fate: fault.fate(),
                    winner_row: None,
                    follows: false,
                };
                if fault == Fault::SourceTotalsDiffer {
                    rows[place].total_docs += 1 + nth;
                    planted.row = nth + 1;
                } else {
                    // The last ones: those at the front may have been given other faults.
                    let original = usize::try_from(clean).unwrap_or(1) - 1 - place;
                    if fault == Fault::SourceKeyDuplicate {
                        planted.winner_row = Some(original as u64 + 1);
                    }
                    let made = spoiled(fault, nth, &rows[original], options);
                    rows.push(made);
                }
                found.push(planted);
            }
        }
    }
    rows
}

/// A source made from another, with a fault.
fn spoiled(fault: Fault, nth: u64, original: &SourceRow, options: &Options) -> SourceRow {
    let mut random = Random::of(options.seed, 7 + fault as u64, nth);
    let older = |random: &mut Random| timestamp(options.shape, 0, random).replace("2025-", "2024-");
    if fault == Fault::SourceKeyDuplicate {
        let (created_at, updated_at) = (older(&mut random), older(&mut random));
        let updated_at = created_at.clone().max(updated_at);
        return SourceRow {
            id: random.uuid(),
            version: "0.1.0".to_owned(),
            created_at,
            updated_at,
            ..original.clone()
        };
    }
    let mut row = SourceRow {
        id: random.uuid(),
        name: format!("{}-{}-{nth}", original.name, fault.name().replace('_', "-")),
        total_docs: 0,
        total_tokens: 0,
        ..original.clone()
    };
    match fault {
        Fault::SourceFieldMissing => row.name = " ".repeat(usize::try_from(nth).unwrap_or(0)),
        Fault::SourceTypeUnknown => "cobol".clone_into(&mut row.doc_type),
        Fault::SourceIdDuplicate => row.id.clone_from(&original.id),
        _ => std::mem::swap(&mut row.created_at, &mut row.updated_at),
    }
    row
}

fn write_source(shape: Shape, at: u64, row: &SourceRow, copy: &mut Copy) -> io::Result<()> {
    let (docs, tokens) = (row.total_docs.to_string(), row.total_tokens.to_string());
    if shape == Shape::Crates {
        copy.field(Some(&at.to_string())).field(Some(&row.name)).field(Some(&row.version));
        copy.field(Some(&row.updated_at)).field(Some(&docs)).field(Some(&tokens));
        return copy.end();
    }
    let config = json_object(vec![("features", "[]".to_owned()), ("version_spec", "\"latest\"".to_owned())]);
    copy.field(Some(&row.id)).field(Some(&row.doc_type)).field(Some(&row.name)).field(Some(&row.version));
    copy.field(Some(&config)).field(Some("t")).field(Some(&row.updated_at)).field(Some(&docs)).field(Some(&tokens));
    copy.field(Some(&row.created_at)).field(Some(&row.updated_at)).end()
}

fn write_document(shape: Shape, at: u64, row: &Document, copy: &mut Copy) -> io::Result<()> {
    if shape == Shape::Crates {
        copy.field(Some(&at.to_string())).field(Some(&row.source_name));
    } else {
        copy.field(Some(&row.id)).field(Some(&row.doc_type)).field(Some(&row.source_name));
    }
    copy.field(Some(&row.doc_path)).field(row.content.as_deref());
    if row.damage == Some(Damage::NotUtf8) {
        // A lone continuation byte, and Latin-1's é.
        copy.raw(b" \x80 caf\xe9");
    }
    if shape == Shape::Docs {
        copy.field(row.metadata.as_deref());
    }
    if row.embedding == Embedding::Missing {
        copy.field(None);
    } else {
        copy.plain(|out| row.embedding.write(out));
    }
    copy.field(row.token_count.as_deref()).field(Some(&row.created_at));
    if shape == Shape::Docs {
        copy.field(Some(&row.updated_at));
    }
    if row.damage == Some(Damage::ExtraColumn) {
        copy.field(Some("one too many"));
    }
    copy.end()
}

fn write_narrow(options: &Options, out: &mut impl Write) -> io::Result<Planted> {
    let template = include_str!("shapes/narrow.sql");
    dump::write(template, options.seed, options.dimensions, out, |_, copy| {
        (1..=options.documents).try_for_each(|at| {
            let mut random = Random::of(options.seed, 8, at);
            let station = random.pick(&["north", "south", "harbour", "airport", "Zürich", "roof\tsouth"]);
            let value = format!("{}.{:03}", random.below(1000), random.below(1000));
            copy.field(Some(&at.to_string())).field(Some(station));
            copy.field(Some(random.pick(&["temperature", "pressure", "humidity", "wind"]))).field(Some(&value));
            copy.field(Some(&timestamp(options.shape, at, &mut random)));
            let note = random.pick(&["calibrated", "C:\\logs\\a.txt", "replaced\nsensor", ""]);
            copy.field(random.chance(10).then_some(note)).end()
        })
    })?;
    let tables = vec![TableRows { table: "public.measurements", rows: options.documents }];
    Ok(Planted { format: 1, seed: options.seed, tables, faults: Vec::new(), changes: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dump(options: &Options) -> (Vec<u8>, Planted) {
        let mut out = Vec::new();
        let planted = write_dump(options, &mut out).unwrap();
        (out, planted)
    }

    fn small() -> Options {
        Options { documents: 300, dimensions: 4, ..Options::default() }
    }

    /// The rows of a COPY block, by table.
    fn block<'a>(dump: &'a [u8], table: &str) -> Vec<&'a [u8]> {
        let head = format!("COPY {table} (");
        let mut lines = dump.split(|&byte| byte == b'\n').skip_while(|line| !line.starts_with(head.as_bytes()));
        lines.next();
        lines.take_while(|line| *line != b"\\.").collect()
    }

    #[test]
    fn a_seed_is_the_whole_dump() {
        assert_eq!(dump(&small()), dump(&small()));
        assert_ne!(dump(&small()).0, dump(&Options { seed: 2, ..small() }).0);
    }

    #[test]
    fn every_fault_that_fits_is_planted_where_the_index_says() {
        for shape in [Shape::Docs, Shape::Crates] {
            let options = Options { shape, faults: vec!["all=0.5%".parse().unwrap()], ..small() };
            let (bytes, planted) = dump(&options);
            for &fault in Fault::ALL.iter().filter(|fault| fault.fits(shape)) {
                assert!(planted.faults.iter().any(|found| found.fault == fault.name()), "{}", fault.name());
            }
            for &TableRows { table, rows } in &planted.tables {
                assert_eq!(block(&bytes, table).len() as u64, rows);
            }
            let columns = if shape == Shape::Docs { 10 } else { 7 };
            let table = planted.tables[1].table;
            let rows = block(&bytes, table);
            for (row, at) in rows.iter().zip(1..) {
                let has = |fault: Fault| {
                    planted.faults.iter().any(|f| (f.table, f.row, f.fault) == (table, at, fault.name()))
                };
                let fields: Vec<_> = row.split(|&byte| byte == b'\t').collect();
                assert_eq!(fields.len() != columns, has(Fault::ColumnCount), "row {at}");
                assert_eq!(std::str::from_utf8(row).is_err(), has(Fault::NotUtf8), "row {at}");
                let zeros = fields.contains(&&b"[0,0,0,0]"[..]);
                assert_eq!(zeros, has(Fault::EmbeddingZero), "row {at}");
            }
        }
    }

    #[test]
    fn a_newer_dump_differs_only_where_it_says() {
        let faults = vec!["storable=0.5%".parse().unwrap()];
        let (older, before) = dump(&Options { faults: faults.clone(), ..small() });
        let (newer, after) = dump(&Options { faults, newer: true, ..small() });
        assert_eq!(before.faults, after.faults);
        let (older, newer) = (block(&older, "public.documents"), block(&newer, "public.documents"));
        let differ: Vec<u64> =
            (1..).zip(&newer).filter(|&(at, row)| older.get(at - 1) != Some(row)).map(|(at, _)| at as u64).collect();
        assert_eq!(differ, after.changes.iter().map(|change| change.row).collect::<Vec<_>>());
        assert!(after.changes.iter().any(|change| change.change == "changed"));
        assert!(after.changes.iter().any(|change| change.change == "added"));
    }
}
