//! The documents of a dump, one after another: clean ones, and those that faults were planted in.

use std::collections::VecDeque;

use super::corpus::{Corpus, Source};
use super::faults::{Fault, PlantedFault};
use super::random::Random;
use super::text;
use super::vectors::Embedding;
use super::{Options, Shape};

/// How many clean documents are remembered to be repeated later: far enough apart to lie in different batches.
const POOL: usize = 32;
/// One in so many documents is changed in a newer dump, and one added for so many that were there.
const CHANGED_ONE_IN: u64 = 20;
const ADDED_ONE_IN: u64 = 40;

/// What is wrong with a row as such, beyond its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    ExtraColumn,
    NotUtf8,
}

/// One document, its values as COPY writes them but unescaped.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) id: String,
    pub(super) doc_type: String,
    pub(super) source_name: String,
    pub(super) doc_path: String,
    pub(super) content: Option<String>,
    pub(super) metadata: Option<String>,
    pub(super) embedding: Embedding,
    pub(super) token_count: Option<String>,
    pub(super) created_at: String,
    pub(super) updated_at: String,
    pub(super) damage: Option<Damage>,
}

impl Document {
    /// Whether a reader can decode the row.
    pub(super) fn readable(&self) -> bool {
        self.damage.is_none() && !matches!(self.embedding, Embedding::Malformed(_))
    }
}

/// One row, the faults in it, and whether a newer dump changed it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) document: Document,
    pub(super) planted: Vec<PlantedFault>,
    pub(super) change: Option<&'static str>,
}

/// The documents in the order of the dump.
pub(super) struct Rows<'a> {
    options: &'a Options,
    corpus: &'a Corpus,
    table: &'static str,
    /// Faults still to plant, each with the earliest row for it.
    queue: VecDeque<(u64, Fault)>,
    pool: VecDeque<(u64, Document)>,
    at: u64,
    end: u64,
}

impl<'a> Rows<'a> {
    pub(super) fn new(options: &'a Options, corpus: &'a Corpus, table: &'static str) -> Self {
        let mut queue = Vec::new();
        for share in &options.faults {
            for &fault in share.faults.iter().filter(|fault| fault.fits(options.shape) && !fault.on_source()) {
                let mut random = Random::of(options.seed, 2, fault as u64);
                queue
                    .extend((0..share.of(options.documents)).map(|_| (1 + random.below(options.documents - 1), fault)));
            }
        }
        queue.sort_unstable();
        let added = if options.newer { options.documents.div_ceil(ADDED_ONE_IN) } else { 0 };
        let pool = VecDeque::with_capacity(POOL);
        Self { options, corpus, table, queue: queue.into(), pool, at: 0, end: options.documents + added }
    }

    /// The first fault that is due and can be planted now.
    fn due(&mut self) -> Option<Fault> {
        let ready = |&(row, fault): &(u64, Fault)| row <= self.at && !(fault.needs_original() && self.pool.is_empty());
        // Those that wait for an original are few: the pool fills with the next clean row.
        let place = self.queue.iter().take(POOL).position(ready)?;
        self.queue.remove(place).map(|(_, fault)| fault)
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if self.at == self.end {
            return None;
        }
        let source = self.corpus.source_of(self.at);
        let mut document = clean(self.options, &source, self.at);
        let added = self.at >= self.options.documents;
        // The documents that a newer dump changes are clean in both, and nothing is made from them.
        let changes = (self.at + 1).is_multiple_of(CHANGED_ONE_IN);
        let due = if added || changes { None } else { self.due() };
        self.at += 1;
        let mut row = Row { document: document.clone(), planted: Vec::new(), change: None };
        if let Some(fault) = due {
            let original = if fault.needs_original() { self.pool.pop_front() } else { None };
            let mut random = Random::of(self.options.seed, 3, self.at);
            let (winner, also) = plant(fault, &mut document, original.as_ref(), &mut random, self.options);
            let found = |row, fault: Fault, winner_row| PlantedFault {
                table: self.table,
                row,
                fault: fault.name(),
                check: fault.check(),
                fate: fault.fate(),
                winner_row,
                follows: false,
            };
            row.planted.push(match (winner, original) {
                (Some(Winner::Planted), Some((at, _))) => found(at, fault, Some(self.at)),
                (Some(Winner::Original), Some((at, _))) => found(self.at, fault, Some(at)),
                _ => found(self.at, fault, None),
            });
            row.planted.extend(also.map(|also| found(self.at, also, None)));
            if let Some(check) = fault.follows() {
                row.planted.push(PlantedFault { check, follows: true, ..found(self.at, fault, None) });
            }
            row.document = document;
        } else if added {
            row.change = Some("added");
        } else if changes {
            if self.options.newer {
                revise(&mut row.document);
                row.change = Some("changed");
            }
        } else if !self.queue.is_empty() {
            if self.pool.len() == POOL {
                self.pool.pop_front();
            }
            self.pool.push_back((self.at, document));
        }
        Some(row)
    }
}

/// Which of two rows with one key is promoted.
enum Winner {
    Planted,
    Original,
}

/// A document without any fault.
fn clean(options: &Options, source: &Source, at: u64) -> Document {
    let mut random = Random::of(options.seed, 4, at);
    let doc_type = source.doc_type();
    let topic = random.pick(doc_type.topics);
    let doc_path = source.path(topic, at + 1);
    let bytes = 250 + random.below(1500) + if random.chance(12) { random.below(6000) } else { 0 };
    let mut content = String::new();
    let title = format!("{topic} — {} {} ({})", source.name, source.version, at + 1);
    text::write_document(&mut random, doc_type.language, &title, usize::try_from(bytes).unwrap_or(0), &mut content);
    let pairs = source.metadata(topic, &doc_path, &mut random);
    let created = random.below(200 * 86_400);
    Document {
        id: random.uuid(),
        doc_type: doc_type.name.to_owned(),
        source_name: source.name.to_owned(),
        token_count: Some((content.len() / 4).to_string()),
        content: Some(content),
        metadata: Some(json_object(pairs)),
        embedding: Embedding::Unit { seed: random.next(), theme: source.theme as u64, dimensions: options.dimensions },
        created_at: timestamp(options.shape, created, &mut random),
        updated_at: timestamp(options.shape, created + 1 + random.below(100 * 86_400), &mut random),
        doc_path,
        damage: None,
    }
}

/// What a newer dump has in place of a document.
fn revise(document: &mut Document) {
    if let Some(content) = &mut document.content {
        content.push_str("\nRevised since.\n");
    }
    "2026-01-02 03:04:05.000006+00".clone_into(&mut document.updated_at);
}

/// Spoils a document. Says which row wins where there are two, and what other fault that brings.
fn plant(
    fault: Fault,
    document: &mut Document,
    original: Option<&(u64, Document)>,
    random: &mut Random,
    options: &Options,
) -> (Option<Winner>, Option<Fault>) {
    let original = original.map(|(_, original)| original.clone());
    match fault {
        Fault::FieldMissing if random.chance(50) => {
            document.doc_path = " ".repeat(document.doc_path.len());
        }
        Fault::FieldMissing => document.content = None,
        Fault::ContentEmpty => {
            document.content = Some(random.pick(&["", " ", "\n\n", " \t\r\n"]).to_owned());
            document.token_count = Some("0".to_owned());
        }
        Fault::MetadataNotObject => {
            document.metadata = [None, Some("[]"), Some("\"rust\""), Some("42")]
                [usize::try_from(random.below(4)).unwrap_or(0)]
            .map(str::to_owned);
        }
        Fault::MetadataFieldMissing => {
            document.metadata = Some(random.pick(&["{}", "{\"topic\": null}", "{\"title\": \"Über\"}"]).to_owned());
        }
        Fault::MetadataMalformed => {
            document.metadata = Some(random.pick(&["{'crate_name': 'serde'}", "{\"a\": 1,}", "", "NaN"]).to_owned());
        }
        Fault::IdMalformed => random.pick(&["12345", "not-a-uuid", ""]).clone_into(&mut document.id),
        Fault::TokenCountMalformed => {
            document.token_count = Some(random.pick(&["many", "1.5", "99999999999", ""]).to_owned());
        }
        Fault::TimestampMalformed => {
            random
                .pick(&["2025-02-30 00:00:00+00", "yesterday-ish", "0000-00-00"])
                .clone_into(&mut document.created_at);
        }
        Fault::DocTypeUnknown => random.pick(&["cobol", "Rust", "jupiter"]).clone_into(&mut document.doc_type),
        Fault::SourceMissing => random.pick(&["unlisted", "left-pad", "SERDE"]).clone_into(&mut document.source_name),
        Fault::TimestampsOrder => std::mem::swap(&mut document.created_at, &mut document.updated_at),
        Fault::TokenCountImplausible => {
            let bytes = document.content.as_ref().map_or(0, String::len);
            document.token_count = Some(match random.below(3) {
                0 => "-1".to_owned(),
                1 => (bytes + 1 + bytes / 2).to_string(),
                _ => "0".to_owned(),
            });
        }
        Fault::IdDuplicate => document.id = original.map(|original| original.id).unwrap_or_default(),
        Fault::KeyDuplicate => return duplicate(document, original, random, options),
        Fault::ContentRepeated => {
            if let Some(original) = original {
                (document.content, document.token_count) = (original.content, original.token_count);
            }
        }
        Fault::EmbeddingMissing => document.embedding = Embedding::Missing,
        Fault::EmbeddingDimensions => {
            let dimensions = (options.dimensions / 2).max(1);
            document.embedding = Embedding::Unit { seed: random.next(), theme: 0, dimensions };
        }
        Fault::EmbeddingZero => document.embedding = Embedding::Zero { dimensions: options.dimensions },
        Fault::EmbeddingNotFinite => {
            document.embedding = Embedding::Malformed(random.pick(&["[0.1,NaN,0.2]", "[Infinity,0]", "[1e39]"]));
        }
        Fault::EmbeddingSyntax => {
            document.embedding = Embedding::Malformed(random.pick(&["[0.1,0.2", "[0.1,,0.2]", "0.1,0.2", "[]", "[a]"]));
        }
        Fault::ColumnCount => document.damage = Some(Damage::ExtraColumn),
        Fault::NotUtf8 => document.damage = Some(Damage::NotUtf8),
        Fault::SourceFieldMissing
        | Fault::SourceTypeUnknown
        | Fault::SourceIdDuplicate
        | Fault::SourceTimestampsOrder
        | Fault::SourceTotalsDiffer
        | Fault::SourceKeyDuplicate => {}
    }
    (None, None)
}

/// Makes a document a duplicate of an earlier one: newer with less in it, or older with more.
fn duplicate(
    document: &mut Document,
    original: Option<Document>,
    random: &mut Random,
    options: &Options,
) -> (Option<Winner>, Option<Fault>) {
    let Some(original) = original else { return (None, None) };
    let id = std::mem::take(&mut document.id);
    *document = Document { id, ..original };
    if random.chance(50) {
        document.embedding = Embedding::Missing;
        document.token_count = None;
        document.updated_at = timestamp(options.shape, 340 * 86_400, random);
        if options.shape == Shape::Crates {
            document.created_at.clone_from(&document.updated_at);
        }
        (Some(Winner::Planted), Some(Fault::EmbeddingMissing))
    } else {
        document.created_at = timestamp(options.shape, 0, random).replace("2025-", "2024-");
        document.updated_at.clone_from(&document.created_at);
        if let Some(metadata) = &mut document.metadata {
            *metadata = metadata.replacen('{', "{\"old\": true, ", 1);
        }
        (Some(Winner::Original), None)
    }
}

/// An object as jsonb prints it: shorter keys first, then by their bytes (PostgreSQL manual, "JSON Types").
pub(super) fn json_object(mut pairs: Vec<(&'static str, String)>) -> String {
    pairs.sort_by_key(|&(key, _)| (key.len(), key));
    let fields: Vec<String> = pairs.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
    format!("{{{}}}", fields.join(", "))
}

/// A time in 2025 as PostgreSQL prints it, `seconds` after the year began; with its zone where the shape keeps one.
pub(super) fn timestamp(shape: Shape, seconds: u64, random: &mut Random) -> String {
    const DAYS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let (mut day, mut month) = (seconds / 86_400 % 365, 0);
    while day >= DAYS[month] {
        day -= DAYS[month];
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    // PostgreSQL drops trailing zeros; an odd last digit has none.
    let micros = random.below(1_000_000) | 1;
    let zone = if shape == Shape::Crates { "" } else { "+00" };
    format!("2025-{:02}-{:02} {hour:02}:{minute:02}:{second:02}.{micros:06}{zone}", month + 1, day + 1)
}
