//! A source that was loaded whole before: the same bytes, by the same project, into the same tables.

use uuid::Uuid;

use super::{Conductor, PipelineError, Taken};
use crate::db::catalog::{has_ledger, target_fingerprint, target_identity};
use crate::db::doing;
use crate::db::ledger::{Run, RunState, embedding_counts, last_load, promoted_rows, runs};
use crate::event::Event;
use crate::source::Source;
use crate::validate::count_rows;

impl Conductor {
    /// The run that has loaded this very source, where the database has a ledger.
    ///
    /// # Errors
    /// The source can't be read, or the database does not answer.
    pub async fn already_loaded(&self, source: &Source, scope: &str) -> Result<Option<Uuid>, PipelineError> {
        let client = self.pool.get().await.map_err(doing("connect"))?;
        let known = has_ledger(&**client).await?;
        drop(client);
        if !known {
            return Ok(None);
        }
        let run = self.loaded_before(source, scope).await?;
        Ok(run.map(|run| self.tell_loaded(&run, source)))
    }

    /// The run that has loaded this very source and whose rows are still staged: every later step of it finds its work done.
    pub(super) async fn staged_before(&self, source: &Source, scope: &str) -> Result<Option<Taken>, PipelineError> {
        let Some(run) = self.loaded_before(source, scope).await? else { return Ok(None) };
        let fence = self.raise(run.id).await?;
        match self.staged_rows_stand(fence).await {
            Ok(()) => {
                self.tell_loaded(&run, source);
                Ok(Some(Taken { fence, state: run.state }))
            }
            Err(error) if error.is_staging_lost() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Tells that a run has loaded this source; returns its id.
    pub(super) fn tell_loaded(&self, run: &Run, source: &Source) -> Uuid {
        self.events.emit(Event::AlreadyLoaded {
            run: run.id,
            source: source.display.clone(),
            finished_at: run.finished_at,
        });
        run.id
    }

    /// The newest run, if it is not finished.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn unfinished(&self) -> Result<Option<Uuid>, PipelineError> {
        let client = self.pool.get().await.map_err(doing("connect"))?;
        if !has_ledger(&**client).await? {
            return Ok(None);
        }
        Ok(runs(&**client, None, 1).await?.pop().filter(|run| !run.state.is_final()).map(|run| run.id))
    }

    /// The run that has loaded this very source, if it was the last load and the final tables still hold as many rows as it
    /// wrote: loading it again would write the same.
    ///
    /// What is compared costs a look at the file's bytes and a count of the tables. Rows that somebody changed since are not
    /// found by it, and a source that can be read only once is not recognised.
    ///
    /// # Errors
    /// The source can't be read, or the database does not answer.
    pub(super) async fn loaded_before(&self, source: &Source, scope: &str) -> Result<Option<Run>, PipelineError> {
        let client = self.pool.get().await.map_err(doing("connect"))?;
        let target = target_identity(&**client).await?;
        let Some(run) = last_load(&**client).await? else { return Ok(None) };
        // One that ended with an error, as when the answer to its last COMMIT was lost, is proven by loading it again.
        let finished = run.state == RunState::Done && run.complete && run.error.is_none();
        if !finished || !self.differing_from(&run, source, scope, &target).is_empty() || source.stored_bytes.is_none() {
            return Ok(None);
        }
        let shape = target_fingerprint(&**client, self.project.promote.iter().map(|promote| &promote.target)).await?;
        if run.target_schema != Some(shape) {
            return Ok(None);
        }
        for (table, promoted) in promoted_rows(&**client, run.id).await? {
            let Some(promoted) = promoted else { return Ok(None) };
            if count_rows(&self.pool, &table).await? < promoted {
                return Ok(None);
            }
        }
        // Rows that were left without a vector get one now, where there is a service to ask.
        if self.embed.client.is_some() && embedding_counts(&**client, run.id).await?.iter().any(|rows| rows.missing > 0)
        {
            return Ok(None);
        }
        drop(client);
        // Last, since it is the most work.
        if run.source_sha256 != self.digest_of(source).await? {
            return Ok(None);
        }
        Ok(Some(run))
    }

    /// SHA-256 of the source's stored bytes, read beside whoever reads the source.
    async fn digest_of(&self, source: &Source) -> Result<Option<String>, PipelineError> {
        let unreadable = |error| PipelineError::Unreadable { source_name: source.display.clone(), error };
        let again = source.again();
        let digest = tokio::task::spawn_blocking(move || again()?.map(Source::into_digest).transpose()).await;
        let digest = digest.map_err(std::io::Error::other).and_then(|digest| digest).map_err(unreadable)?;
        Ok(digest.map(|digest| crate::names::hex(&digest)))
    }
}
