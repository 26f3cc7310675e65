//! The rows of a run that is done that were left without a vector, promoted again once there is one: a run of its own, as a retry is.

use std::time::Instant;

use uuid::Uuid;

use super::{Conductor, PipelineError, Taken, short, stage};
use crate::db::catalog::target_identity;
use crate::db::doing;
use crate::db::ledger::{
    EventKind, Fence, NewRun, Run, RunState, embedding_counts, event_insert, phase_insert, retry_begin, run_insert,
    source_tables,
};
use crate::event::{Event, Phase};
use crate::fault;
use crate::names::staging_table;
use crate::template::{Fragment, render_wrap};

/// What a fill was asked for.
pub(super) const SCOPE: &str = "rows without an embedding";

impl Conductor {
    /// Takes on the run that was asked for, to fetch the vectors of its rows. Of one that is done, the rows that were left without
    /// begin a run of their own; `None` where there is none of them, or no service to ask: the ledger's vectors they had already.
    ///
    /// # Errors
    /// There is no such run, what it staged is gone, or a check blocks.
    pub async fn begin_embedding(&self, run: Option<Uuid>) -> Result<Option<Fence>, PipelineError> {
        self.migrate(true).await?;
        let known = self.find_run(run).await?;
        let taken = if known.state == RunState::Done {
            let client = self.pool.get().await.map_err(doing("connect"))?;
            let counts = embedding_counts(&**client, known.id).await?;
            drop(client);
            if self.embed.client.is_none() || counts.iter().all(|count| count.missing == 0) {
                return Ok(None);
            }
            self.begin_fill(known.id).await?
        } else if known.parent.is_some() && !known.state.is_final() {
            self.go_on_with(known).await?
        } else {
            return Ok(Some(self.resume(run).await?.fence));
        };
        if taken.state < RunState::Checked {
            self.check(taken.fence, None).await?;
        }
        Ok(Some(taken.fence))
    }

    async fn begin_fill(&self, from: Uuid) -> Result<Taken, PipelineError> {
        let started = Instant::now();
        // As for any step of that run: the same project, and staging is its own.
        let Taken { fence: from_fence, .. } = self.resume(Some(from)).await?;
        let from: Run = self.require(from_fence, RunState::Done, "given embeddings").await?;
        self.staged_rows_stand(from_fence).await?;
        let client = self.pool.get().await.map_err(doing("connect"))?;
        let target = target_identity(&**client).await?;
        drop(client);
        let vector_schema = self.vector_schema().await?;
        let (fill, told) = (Uuid::now_v7(), format!("rows without an embedding of run {}", from.id));
        let new = NewRun {
            id: fill,
            project: &self.project.name,
            project_hash: &self.project.hash,
            source: &told,
            source_bytes: None,
            scope: SCOPE,
            target: &target,
        };
        fault::point("fill.take").await;
        from_fence
            .transaction(&self.pool, "take the rows without an embedding", async |tx| {
                from_fence.hold_staged(tx).await?;
                run_insert(tx, &new).await?;
                for table in source_tables(&**tx, from.id).await? {
                    let staged = Fragment::new(staging_table(&table.staged_as));
                    let template = include_str!("../../../sql/wrap/fill_choose.sql");
                    let choose = render_wrap("fill_choose.sql", template, minijinja::context! { staged })
                        .map_err(crate::db::staging::StagingError::from)?;
                    tx.execute(&choose, &[&fill, &from.id, &table.source.to_string()])
                        .await
                        .map_err(doing("take the rows without an embedding"))?;
                }
                retry_begin(tx, fill, from.id).await?;
                let rows = stage::stage_retry(tx, fill, &self.project, vector_schema.as_deref(), false).await?;
                let message = format!(
                    "{rows} rows that were left without an embedding are tried again by run {fill}, by project {}",
                    short(&self.project.hash)
                );
                event_insert(&**tx, from.id, EventKind::Retried, &[&message]).await?;
                let summary = format!("{rows} rows without an embedding taken");
                Ok::<_, PipelineError>(phase_insert(&**tx, fill, Phase::Stage, started.elapsed(), &summary).await?)
            })
            .await?;
        fault::point("fill.staged").await;
        self.events.emit(Event::RunStarted { run: fill, source: told, project: self.project.name.clone() });
        Ok(Taken { fence: Fence { run: fill, epoch: 1 }, state: RunState::Staged })
    }
}
