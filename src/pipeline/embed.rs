//! The vectors of a run's rows; and, once it is done, of those that were left without.

use super::{Conductor, PipelineError};
use crate::db::doing;
use crate::db::ledger::{Fence, RunState, batch_counts, embedding_asked};
use crate::embed::{Embedded, embed};
use crate::event::Phase;

impl Conductor {
    /// Fetches the vectors that the rows of a run lack.
    ///
    /// # Errors
    /// As [`embed`]; or the checks have not run.
    pub async fn embed(&self, fence: Fence) -> Result<(), PipelineError> {
        if self.project.embed.is_empty() {
            return Ok(());
        }
        self.require(fence, RunState::Checked, "given embeddings").await?;
        let client = self.pool.get().await.map_err(doing("connect"))?;
        if batch_counts(&**client, fence.run).await?.done > 0 {
            self.events.warn("embeddings are not asked for again: batches are promoted with what there was");
            return Ok(());
        }
        drop(client);
        self.phase(fence, Phase::Embed, async {
            let relations = self.checked_relations(fence).await?;
            let (project, stop, events) = (&self.project, &self.stop, &self.events);
            let done = embed(&self.pool, fence, project, &relations, &self.embed, stop, events).await?;
            Ok(self.told(&done))
        })
        .await
    }

    /// Says so where promotion is about to leave rows without the vectors that nobody asked for.
    pub(super) async fn tell_of_embeddings(&self, fence: Fence) -> Result<(), PipelineError> {
        if self.project.embed.is_empty() {
            return Ok(());
        }
        let client = self.pool.get().await.map_err(doing("connect"))?;
        let asked = embedding_asked(&**client, fence.run).await?;
        drop(client);
        if asked {
            return Ok(());
        }
        self.warn(
            fence,
            ["embeddings were not asked for: rows that lack one are promoted without; sqlmig embed comes before"
                .into()],
        )
        .await
    }

    /// What became of the rows without a vector, in one line.
    fn told(&self, done: &Embedded) -> String {
        if done.wanted == 0 {
            return "every row came with its embedding".into();
        }
        let mut text = format!("{} rows came without an embedding", done.wanted);
        for (rows, what) in [(done.known, "known to the ledger"), (done.fetched, "fetched"), (done.missing, "missing")]
        {
            if rows > 0 {
                text = format!("{text}, {rows} {what}");
            }
        }
        if done.spent.tokens > 0 {
            text = format!("{text}; {} tokens", done.spent.tokens);
        }
        if self.embed.price.is_some() && done.spent.cost > 0.0 {
            text = format!("{text} at a cost of {:.4}", done.spent.cost);
        }
        if done.missing > 0 && self.embed.client.is_none() {
            text = format!("{text}; no service is named that makes them (--embedding-url)");
        }
        if let Some(asking) = done.asking {
            text = format!("{text}; {asking}");
        }
        text
    }
}
