//! Rows of a source that come without an embedding, counted as they are read.

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio_postgres::GenericClient;

use crate::db::DbError;
use crate::db::ledger::{TextHash, embedding_known};
use crate::decode::{Block, Column, ColumnKind, RawRow, RowDecoder};
use crate::embed::EmbedOptions;
use crate::names::TableName;
use crate::outcome::PlanEmbedding;
use crate::project::Project;
use crate::tokens::Tokenizer;

/// Texts that the ledger is asked for at once.
const AT_ONCE: usize = 1000;

/// What one transform would ask for of one source table.
pub(super) struct Counter {
    transform: String,
    source: TableName,
    tokenizer: Tokenizer,
    decoder: RowDecoder,
    /// Where the text and the vector stand.
    places: (usize, usize),
    rows: i64,
    /// Tokens of each text, once.
    texts: HashMap<TextHash, usize>,
}

impl Counter {
    /// A counter for the rows of a block, where a transform of the project wants embeddings of them and says of which column.
    pub fn of(project: &Project, tokenizer: Tokenizer, block: &Arc<Block>) -> Option<Self> {
        let feeds =
            |relation: &str| project.normalise.iter().any(|file| file.from == block.table && file.into == relation);
        let embed = project.embed.iter().find(|embed| feeds(&embed.on))?;
        let (text, vector) = embed.columns.as_ref()?;
        let place = |name: &String| block.columns.iter().position(|column| column.name == *name);
        let places = (place(text)?, place(vector)?);
        // A vector need not be understood to be there.
        let columns = block.columns.iter().map(|column| Column {
            name: column.name.clone(),
            kind: ColumnKind::Text,
            generated: column.generated,
        });
        let block = Block {
            table: block.table.clone(),
            columns: columns.collect(),
            form: block.form.clone(),
            encoding: block.encoding,
            line: block.line,
            byte: block.byte,
        };
        Some(Self {
            transform: embed.file.name.clone(),
            source: block.table.clone(),
            tokenizer,
            decoder: RowDecoder::new(Arc::new(block)),
            places,
            rows: 0,
            texts: HashMap::new(),
        })
    }

    /// Goes on with another block of the same table.
    pub fn join(mut self, earlier: Option<Self>) -> Self {
        if let Some(earlier) = earlier {
            self.rows = earlier.rows;
            self.texts = earlier.texts;
        }
        self
    }

    /// Looks at a row; one that cannot be decoded goes to quarantine in a run, and is left out here.
    pub fn row(&mut self, row: &RawRow<'_>) {
        let Ok(read) = self.decoder.decode(row) else { return };
        let values: Vec<Option<&[u8]>> = read.iter().collect();
        let value = |place: usize| values.get(place).copied().flatten();
        let Some(text) = value(self.places.0).filter(|_| value(self.places.1).is_none()) else { return };
        self.rows += 1;
        let hash = Sha256::digest(text).to_vec();
        if !self.texts.contains_key(&hash) {
            let tokens = self.tokenizer.count(&String::from_utf8_lossy(text));
            self.texts.insert(hash, tokens);
        }
    }

    /// What it comes to, without what the ledger has.
    pub async fn sum(mut self, client: &impl GenericClient, options: &EmbedOptions) -> Result<PlanEmbedding, DbError> {
        if let Some(space) = &options.space {
            let all: Vec<TextHash> = self.texts.keys().cloned().collect();
            for some in all.chunks(AT_ONCE) {
                for known in embedding_known(client, space, some).await? {
                    self.texts.remove(&known);
                }
            }
        }
        let tokens: usize = self.texts.values().sum();
        Ok(PlanEmbedding {
            transform: self.transform,
            source: self.source.to_string(),
            rows: self.rows,
            texts: i64::try_from(self.texts.len()).unwrap_or(i64::MAX),
            tokens: i64::try_from(tokens).unwrap_or(i64::MAX),
            cost: options.price.map(|_| options.cost(tokens as u64)),
        })
    }
}
