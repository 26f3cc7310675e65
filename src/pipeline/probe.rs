//! Whether stored vectors are by the model that is named: some are made again and compared.

use std::time::Instant;

use super::{Conductor, PipelineError};
use crate::db::ledger::{CheckRecord, Fence, FoundRow, check_result_insert, finding_insert};
use crate::event::Event;
use crate::outcome::Severity;
use crate::search::probe;
use crate::validate::ValidateError;

/// Cosine similarity below which a vector is another model's, or another text's. The same model makes vectors that differ in the last
/// digits only.
const ALIKE: f64 = 0.98;
/// What the probe is called in reports.
const NAME: &str = "embedding_probe";

impl Conductor {
    /// Has the vectors of so many rows made again and compares them with what is stored. It comes after a validation, which has
    /// forgotten what an earlier probe found.
    ///
    /// # Errors
    /// No service is named, it gives no vector, or vectors are not alike.
    pub async fn probe(&self, fence: Fence, rows: i64) -> Result<(), PipelineError> {
        let started = Instant::now();
        let client = self.embed.client.as_ref().ok_or(PipelineError::NoService)?;
        let on = self.project.search.first().map(|search| search.on.to_string()).unwrap_or_default();
        let alike = probe(&self.pool, &self.project, client, rows).await?;
        let found: Vec<FoundRow> = alike
            .iter()
            .filter(|(_, similarity)| *similarity < ALIKE)
            .map(|(row, similarity)| FoundRow {
                row: None,
                subject: Some(format!("ctid {row}")),
                reason: format!(
                    "the embedding made now has a cosine similarity of {similarity:.3} to the one that is stored"
                ),
            })
            .collect();
        let (examined, failed) = (alike.len(), found.len());
        let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
        let record = CheckRecord {
            phase: "validate",
            name: NAME,
            on: on.as_str().into(),
            ordinal: count(self.project.validate.len()).try_into().unwrap_or(i32::MAX - 1) + 1,
            severity: Severity::Error,
            examined: count(examined),
            failed: count(failed),
            elapsed: started.elapsed(),
            skipped: None,
        };
        fence
            .transaction(&self.pool, "record the probe", async |tx| {
                finding_insert(tx, fence.run, "validate", NAME, &on, &found).await?;
                Ok::<_, PipelineError>(check_result_insert(tx, fence.run, &[record]).await?)
            })
            .await?;
        self.events.emit(Event::CheckFinished {
            name: NAME.to_owned(),
            on: on.clone(),
            severity: Severity::Error,
            examined: examined as u64,
            failed: failed as u64,
            elapsed: started.elapsed(),
        });
        if failed > 0 {
            let text = format!("{NAME} ({failed} of {examined})");
            return Err(ValidateError::Proofs(vec![text]).into());
        }
        Ok(())
    }
}
