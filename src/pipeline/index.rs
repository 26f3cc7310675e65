//! Indexes that are built after the load, and how good they are.

use super::{Conductor, PipelineError};
use crate::db::ledger::{EventKind, Fence, event_insert};
use crate::event::Phase;
use crate::index::{Indexed, build, missing};
use crate::search::recall;

/// A share of the nearest rows below which the index is told of.
const RECALL: f64 = 0.9;

impl Conductor {
    /// Builds the indexes of the project that are not there.
    ///
    /// # Errors
    /// As [`build`].
    pub async fn index(&self) -> Result<Indexed, PipelineError> {
        if self.project.index.is_empty() {
            return Err(crate::index::IndexError::None(self.project.name.clone()).into());
        }
        Ok(build(&self.pool, &self.project, &self.stop, &self.events).await?)
    }

    /// The same as a step of a run; or, where it is left out, says which are not there.
    pub(super) async fn index_step(&self, fence: Fence, wanted: bool) -> Result<(), PipelineError> {
        if self.project.index.is_empty() {
            return Ok(());
        }
        if wanted {
            return self
                .phase(fence, Phase::Index, async {
                    let done = match self.index().await {
                        // A role that may load need not own the tables; whoever does builds the index.
                        Err(PipelineError::Index(error)) if error.is_forbidden() => {
                            self.warn(
                                fence,
                                [format!("no index was built: {error}; the tables' owner builds it with sqlmig index")],
                            )
                            .await?;
                            return Ok("no index was built".into());
                        }
                        done => done?,
                    };
                    Ok(done.to_string())
                })
                .await;
        }
        let missing: Vec<String> =
            missing(&self.pool, &self.project).await?.into_iter().map(|(name, _)| name).collect();
        if !missing.is_empty() {
            let names = missing.join(", ");
            self.warn(fence, [format!("no index {names}: a search looks at every row; sqlmig index builds it")])
                .await?;
        }
        Ok(())
    }

    /// How many of the nearest rows the index finds, as the end of a sentence; nothing where there is no index to measure.
    pub(super) async fn recall(&self, fence: Fence) -> Result<String, PipelineError> {
        if self.project.index.is_empty() || !missing(&self.pool, &self.project).await?.is_empty() {
            return Ok(String::new());
        }
        let measured = match recall(&self.pool, &self.project).await {
            Ok(Some(measured)) => measured,
            Ok(None) => return Ok(String::new()),
            // It proves nothing about the load; a table that is too large to be looked through is no fault of it.
            Err(error) => return Ok(format!("; the index's recall was not measured: {error}")),
        };
        let text = format!("recall@10 of the index {:.2} over {} searches", measured.share(), measured.searches);
        fence
            .transaction(&self.pool, "record the recall", async |tx| {
                Ok::<_, PipelineError>(event_insert(&**tx, fence.run, EventKind::Recall, &[&text]).await?)
            })
            .await?;
        if measured.share() < RECALL {
            self.warn(
                fence,
                [format!("{text}: raise hnsw.ef_search, or build the index with a larger ef_construction")],
            )
            .await?;
        }
        Ok(format!("; {text}"))
    }
}
