//! What trees are told before they are read: the files that need not be decoded again.

use super::{Conductor, PipelineError};
use crate::db::doing;
use crate::db::ledger::{Fence, known_files, known_files_pin};
use crate::source::Source;
use crate::source::tree::Known;

impl Conductor {
    /// Tells a source of trees which of its files the target had when the run began; nothing to a dump.
    ///
    /// # Errors
    /// The run was taken over, or the database refuses.
    pub(super) async fn tell_known(&self, fence: Fence, source: &Source) -> Result<(), PipelineError> {
        let (Some(handle), Some(known)) = (source.known_files(), &self.project.settings.known_files) else {
            return Ok(());
        };
        fence
            .transaction(&self.pool, "note which files are known", async |tx| {
                Ok::<_, PipelineError>(known_files_pin(tx, fence.run, known, self.embed.client.is_some()).await?)
            })
            .await?;
        let client = self.pool.get().await.map_err(doing("connect"))?;
        let mut set = Known::default();
        known_files(&**client, fence.run, |file| set.insert(file)).await?;
        handle.tell(set);
        Ok(())
    }
}
