//! What may still be spent.

use super::EmbedOptions;
use super::billing::Billing;
use crate::outcome::EmbeddingCost;

/// What the run has spent, what is in flight, and the bounds of both.
pub(super) struct Budget<'a> {
    options: &'a EmbedOptions,
    spent: EmbeddingCost,
    /// Tokens of what is in flight, as they were counted.
    reserved: u64,
    /// The dearest that an answer of this call was billed; nothing before the first.
    billing: Option<Billing>,
}

impl<'a> Budget<'a> {
    pub fn new(options: &'a EmbedOptions, spent: EmbeddingCost) -> Self {
        Self { options, spent, reserved: 0, billing: None }
    }

    pub fn is_bounded(&self) -> bool {
        self.options.max_tokens.is_some() || self.options.max_cost.is_some()
    }

    /// Whether it is bounded and nobody knows yet how the service counts.
    pub fn is_guess(&self) -> bool {
        self.is_bounded() && self.billing.is_none()
    }

    /// The bound that a request of so many tokens would pass, with all that is in flight.
    pub fn passed(&self, tokens: u64) -> Option<String> {
        let tokens = self.reserved + tokens;
        let tokens = self.billing.map_or(tokens, |billing| billing.expected(tokens));
        let sum = self.spent.tokens.saturating_add(tokens);
        let cost = self.spent.cost + self.options.cost(tokens);
        match (self.options.max_tokens, self.options.max_cost) {
            (Some(most), _) if sum > most => Some(format!("{most} tokens (--max-tokens)")),
            (_, Some(most)) if cost > most => Some(format!("a cost of {most} (--max-cost)")),
            _ => None,
        }
    }

    /// A request of so many counted tokens is sent.
    pub fn reserve(&mut self, tokens: u64) {
        self.reserved += tokens;
    }

    /// It has its answer.
    pub fn release(&mut self, tokens: u64) {
        self.reserved = self.reserved.saturating_sub(tokens);
    }

    /// An answer was billed so many tokens, for so many that were counted. To be called when it is known.
    pub fn billed(&mut self, tokens: u64, counted: u64) {
        let billing = Billing::of(tokens, counted);
        self.billing = Some(self.billing.map_or(billing, |known| known.dearer(billing)));
    }

    /// So many tokens are spent. To be called when the ledger has them.
    pub fn spend(&mut self, tokens: u64) {
        self.spent.tokens = self.spent.tokens.saturating_add(tokens);
        self.spent.cost += self.options.cost(tokens);
        self.spent.requests += 1;
    }

    /// What is spent, for people.
    pub fn told(&self) -> String {
        let spent = format!("{} tokens are spent, at a cost of {:.4}", self.spent.tokens, self.spent.cost);
        match self.billing.and_then(Billing::per_cent) {
            Some(per_cent) => {
                format!("{spent}, and the service bills up to {per_cent} tokens for 100 that are counted")
            }
            None => spent,
        }
    }
}
