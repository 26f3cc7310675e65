//! What must stand before a phase begins: the run as far as it must have come, the rows that were staged, the final tables as
//! the checks found them.

use super::{Conductor, PipelineError};
use crate::check::find_patches;
use crate::db::catalog::target_fingerprint;
use crate::db::ledger::{Fence, FenceError, Run, RunState, run_target_schema, source_tables};
use crate::db::{doing, staging};
use crate::names::{hex, staging_table};
use crate::relations::Relations;
use crate::source::Source;

impl Conductor {
    pub(super) async fn relations(&self, fence: Fence) -> Result<Relations, PipelineError> {
        self.staged_rows_stand(fence).await?;
        let client = self.pool.get().await.map_err(doing("connect"))?;
        Ok(Relations::resolve(&**client, &self.project, fence.run).await?)
    }

    /// The relations as the checks left them.
    pub(super) async fn checked_relations(&self, fence: Fence) -> Result<Relations, PipelineError> {
        let mut relations = self.relations(fence).await?;
        let client = self.pool.get().await.map_err(doing("connect"))?;
        find_patches(&**client, &self.project, &mut relations).await?;
        Ok(relations)
    }

    /// Sees to it that every staged row is still there: PostgreSQL empties UNLOGGED tables after a crash (manual, CREATE
    /// TABLE), without a word to anyone.
    pub(super) async fn staged_rows_stand(&self, fence: Fence) -> Result<(), PipelineError> {
        fence
            .transaction(&self.pool, "see that the staged rows are there", async |tx| {
                if !fence.has_canary(tx).await? {
                    return Err(FenceError::StagingLost(fence.run).into());
                }
                for table in source_tables(&**tx, fence.run).await? {
                    let found = staging::count(&**tx, &table.staged_as).await?;
                    if found != table.rows_staged {
                        let table_name = staging_table(&table.staged_as);
                        return Err(PipelineError::StagingLost { table: table_name, staged: table.rows_staged, found });
                    }
                }
                Ok(())
            })
            .await
    }

    /// Holds a source against the one that a run has staged: reads its bytes, and nothing else. Says why the staged one
    /// ended early, if it did.
    pub(super) async fn compare(&self, fence: Fence, source: Source) -> Result<Option<String>, PipelineError> {
        let run = self.find_run(Some(fence.run)).await?;
        let display = source.display.clone();
        let digest = tokio::task::spawn_blocking(move || source.into_digest()).await;
        let digest = digest.map_err(std::io::Error::other).and_then(|digest| digest);
        let digest = hex(&digest.map_err(|error| PipelineError::Unreadable { source_name: display.clone(), error })?);
        match run.source_sha256 {
            Some(known) if known != digest => {
                let parts = vec![format!("source (SHA-256 {known} then, {display} has {digest})")];
                Err(PipelineError::Differs { run: run.id, parts })
            }
            _ if run.complete => Ok(None),
            _ => Ok(Some("it ended before its proper end".into())),
        }
    }

    /// Records the shape of the final tables as the checks find it.
    pub(super) async fn note_target_schema(&self, fence: Fence) -> Result<(), PipelineError> {
        let action = "record the shape of the final tables";
        fence
            .transaction(&self.pool, action, async |tx| {
                let shape =
                    target_fingerprint(&**tx, self.project.promote.iter().map(|promote| &promote.target)).await?;
                Ok(run_target_schema(tx, fence.run, &shape).await?)
            })
            .await
    }

    /// A run that has come as far as `state`, whose final tables are still those that the checks found.
    pub(super) async fn require(
        &self,
        fence: Fence,
        state: RunState,
        wanted: &'static str,
    ) -> Result<Run, PipelineError> {
        let run = fence.run;
        let known = self.find_run(Some(run)).await?;
        if known.state < state {
            return Err(PipelineError::TooEarly { run, state: known.state.as_str(), wanted });
        }
        if matches!(known.state, RunState::Superseded | RunState::RolledBack) {
            return Err(PipelineError::Ended { run, state: known.state.as_str(), wanted });
        }
        // Staging holds one run, the newest: every new one begins by dropping what an earlier one left there.
        let newer = self.find_run(None).await?.id;
        if newer != run {
            return Err(PipelineError::Superseded { run, newer });
        }
        if state >= RunState::Checked {
            let client = self.pool.get().await.map_err(doing("connect"))?;
            let targets = self.project.promote.iter().map(|promote| &promote.target);
            let shape = target_fingerprint(&**client, targets).await?;
            if known.target_schema.as_ref().is_some_and(|then| *then != shape) {
                let parts = vec!["shape of the final tables (they were changed after the checks)".into()];
                return Err(PipelineError::Differs { run, parts });
            }
        }
        Ok(known)
    }
}
