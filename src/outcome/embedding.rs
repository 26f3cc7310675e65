//! Embeddings of a run's rows.

use serde::Serialize;

/// Rows of one relation and source table that came without an embedding, by what became of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EmbeddingCount {
    /// The canonical relation.
    pub relation: String,
    /// The source table.
    pub source: String,
    /// Rows that came without an embedding and whose target has none of the same text.
    pub wanted: i64,
    /// Rows whose embedding this run fetched.
    pub fetched: i64,
    /// Rows whose embedding the ledger had.
    pub known: i64,
    /// Rows without one.
    pub missing: i64,
}

/// What a run has spent on embeddings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct EmbeddingCost {
    /// Answers of the service that were paid for.
    pub requests: u64,
    /// Tokens, as the service counts them.
    pub tokens: u64,
    /// Price of them, as far as one was configured.
    pub cost: f64,
}
