//! How vectors are fetched, and what that may cost.

use crate::provider::{Client, VectorSpace};
use crate::tokens::Tokenizer;

/// How vectors are fetched, and what that may cost.
#[derive(Debug, Clone)]
pub struct EmbedOptions {
    /// The space in which the ledger is asked for vectors; without one, no row gets a vector.
    pub space: Option<VectorSpace>,
    /// The service that is asked for the rest.
    pub client: Option<Client>,
    /// How tokens are counted.
    pub tokenizer: Tokenizer,
    /// Texts of one request.
    pub texts_per_request: usize,
    /// Tokens of one request.
    pub tokens_per_request: usize,
    /// Tokens that the model takes of one text; longer ones are not sent.
    pub tokens_per_text: usize,
    /// Requests at once, at most.
    pub concurrency: usize,
    /// Failures without a success between, after which the service counts as down.
    pub attempts: u32,
    /// Price of a million tokens.
    pub price: Option<f64>,
    /// What the run may cost, in the currency of the price.
    pub max_cost: Option<f64>,
    /// Tokens that the run may send.
    pub max_tokens: Option<u64>,
}

impl EmbedOptions {
    /// What so many tokens cost; nothing where no price is known.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "no count of tokens comes near 2^52")]
    pub fn cost(&self, tokens: u64) -> f64 {
        tokens as f64 * self.price.unwrap_or_default() / 1e6
    }
}

impl Default for EmbedOptions {
    /// No service and no model: no row gets a vector.
    fn default() -> Self {
        Self {
            space: None,
            client: None,
            tokenizer: Tokenizer::default(),
            texts_per_request: 1,
            tokens_per_request: 1,
            tokens_per_text: 1,
            concurrency: 1,
            attempts: 1,
            price: None,
            max_cost: None,
            max_tokens: None,
        }
    }
}
