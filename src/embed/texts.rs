//! The texts that go out, read from staging a few at a time.

use std::collections::{HashMap, VecDeque};

use deadpool_postgres::Pool;
use sha2::{Digest, Sha256};

use super::wanted::Want;
use super::{EmbedError, EmbedOptions};
use crate::db::doing;
use crate::db::ledger::{Fence, TextHash, embedding_missing};
use crate::template::{Fragment, render_wrap};
use crate::tokens::Tokenizer;

/// Texts read at a time.
const PAGE: i64 = 128;

/// A text that wants its vector.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub sha256: TextHash,
    pub content: String,
    pub tokens: usize,
}

/// Reads the texts that the ledger has no vector of, each once.
pub(super) struct Texts<'a> {
    pool: &'a Pool,
    fence: Fence,
    tokenizer: Tokenizer,
    wants: VecDeque<&'a Want>,
    /// The last row read of the first of them.
    after: i64,
}

impl<'a> Texts<'a> {
    pub fn new(pool: &'a Pool, fence: Fence, wants: &'a [Want], options: &EmbedOptions) -> Self {
        Self { pool, fence, tokenizer: options.tokenizer, wants: wants.iter().collect(), after: 0 }
    }

    /// The next few; none at the end. No transaction is open afterwards.
    ///
    /// # Errors
    /// The database does not answer, or a text is not what was recorded of it.
    pub async fn next(&mut self) -> Result<Vec<Text>, EmbedError> {
        while let Some(want) = self.wants.front() {
            let client = self.pool.get().await.map_err(doing("connect"))?;
            let source = want.source.to_string();
            let wanted =
                embedding_missing(&**client, self.fence.run, &want.relation, &source, self.after, PAGE).await?;
            let Some(last) = wanted.last() else {
                self.wants.pop_front();
                self.after = 0;
                continue;
            };
            self.after = last.row;
            let context = minijinja::context! { select => Fragment::new(want.select.clone()) };
            let query =
                render_wrap("embedding_texts.sql", include_str!("../../sql/wrap/embedding_texts.sql"), context)?;
            let rows: Vec<i64> = wanted.iter().map(|wanted| wanted.row).collect();
            let read = client.query(&query, &[&rows]).await.map_err(doing("read the texts"))?;
            drop(client);
            let mut texts: HashMap<i64, String> = read
                .iter()
                .map(|row| (row.get("row"), row.get::<_, Option<String>>("text").unwrap_or_default()))
                .collect();
            let mut found = Vec::with_capacity(wanted.len());
            for wanted in wanted {
                let text = texts.remove(&wanted.row).unwrap_or_default();
                // What is paid for is kept under the digest of what is sent, not of what was there before.
                if Sha256::digest(text.as_bytes()).as_slice() != wanted.text_sha256 {
                    return Err(EmbedError::Changed { table: source, row: wanted.row });
                }
                found.push(Text { sha256: wanted.text_sha256, content: text, tokens: 0 });
            }
            return self.counted(found).await;
        }
        Ok(Vec::new())
    }

    /// Counts the tokens, beside the runtime's threads.
    async fn counted(&self, mut texts: Vec<Text>) -> Result<Vec<Text>, EmbedError> {
        let tokenizer = self.tokenizer;
        let counting = tokio::task::spawn_blocking(move || {
            for text in &mut texts {
                text.tokens = tokenizer.count(&text.content);
            }
            texts
        });
        counting.await.map_err(|_| EmbedError::Interrupted)
    }
}
