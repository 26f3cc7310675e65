//! How a phase is told of, measured and recorded: once, here, for all of them.

use std::time::{Duration, Instant};

use super::memory::memory;
use super::{Conductor, Following, PipelineError};
use crate::db::ledger::{EventKind, Fence, event_insert, phase_insert, run_fail, run_memory, run_plan_insert};
use crate::event::{Event, Phase};
use crate::fault;

impl Conductor {
    /// Runs one phase: the only place that tells of it, measures it and records how it ended.
    pub(super) async fn phase(
        &self,
        fence: Fence,
        phase: Phase,
        work: impl Future<Output = Result<String, PipelineError>>,
    ) -> Result<(), PipelineError> {
        let started = Instant::now();
        self.events.emit(Event::PhaseStarted { phase });
        let stint = self.stint(fence.run, phase, true);
        fault::point(&format!("{phase}.started")).await;
        let outcome = match phase {
            // These end what they have in hand; of the others nothing is worth finishing.
            Phase::Stage | Phase::Embed | Phase::Promote | Phase::Index => work.await,
            _ => tokio::select! {
                outcome = work => outcome,
                () = self.stop.requested() => Err(PipelineError::Interrupted),
            },
        };
        fault::point(&format!("{phase}.ended")).await;
        let elapsed = started.elapsed();
        stint.end().await;
        match outcome {
            Ok(summary) => {
                self.record(fence, phase, elapsed, &summary, None).await?;
                self.events.emit(Event::PhaseFinished { phase, elapsed, summary });
                Ok(())
            }
            Err(error) => {
                let text = error.to_string();
                // The phase's own error is the one to tell, even when it cannot be recorded; and a run that another
                // conductor has taken on is the other's to write about: the fence sees to that.
                drop(self.record(fence, phase, elapsed, &text, Some(&error)).await);
                Err(error)
            }
        }
    }

    /// Records why a run goes no further; returns the error.
    pub(super) async fn refuse(&self, fence: Fence, error: PipelineError) -> PipelineError {
        let text = error.to_string();
        let recorded = fence
            .transaction(&self.pool, "record the run's error", async |tx| {
                Ok::<_, PipelineError>(run_fail(&**tx, fence.run, &text).await?)
            })
            .await;
        // The error itself is the one to tell, even when it cannot be recorded.
        drop(recorded);
        error
    }

    /// Tells of what the operator should know, and keeps it for the report.
    pub(super) async fn warn(
        &self,
        fence: Fence,
        messages: impl IntoIterator<Item = String>,
    ) -> Result<(), PipelineError> {
        let messages: Vec<String> = messages.into_iter().collect();
        let texts: Vec<&str> = messages.iter().map(String::as_str).collect();
        if texts.is_empty() {
            return Ok(());
        }
        fence
            .transaction(&self.pool, "record a warning", async |tx| {
                Ok::<_, PipelineError>(event_insert(&**tx, fence.run, EventKind::Warning, &texts).await?)
            })
            .await?;
        for message in messages {
            self.events.warn(message);
        }
        Ok(())
    }

    /// Records the migrations that were applied on the way into a run, which could not be recorded before its ledger.
    pub(super) async fn record_migrations(
        &self,
        fence: Fence,
        applied: &[String],
        elapsed: Duration,
    ) -> Result<(), PipelineError> {
        fence
            .transaction(&self.pool, "record the migrations", async |tx| {
                let names: Vec<&str> = applied.iter().map(String::as_str).collect();
                event_insert(&**tx, fence.run, EventKind::Migration, &names).await?;
                let summary = format!("{} migrations applied", applied.len());
                Ok(phase_insert(&**tx, fence.run, Phase::Migrate, elapsed, &summary).await?)
            })
            .await
    }

    /// Records the plan that a run follows.
    pub(super) async fn note_plan(&self, fence: Fence, following: Option<&Following>) -> Result<(), PipelineError> {
        let Some(plan) = following else { return Ok(()) };
        fence
            .transaction(&self.pool, "record the plan that is followed", async |tx| {
                Ok(run_plan_insert(tx, fence.run, &plan.sha256, &plan.tables).await?)
            })
            .await
    }

    async fn record(
        &self,
        fence: Fence,
        phase: Phase,
        elapsed: Duration,
        summary: &str,
        error: Option<&PipelineError>,
    ) -> Result<(), PipelineError> {
        fence
            .transaction(&self.pool, "record the phase", async |tx| {
                run_memory(&**tx, fence.run, memory().map_or(0, |(_, peak)| peak)).await?;
                phase_insert(&**tx, fence.run, phase, elapsed, summary).await?;
                match error {
                    None => {}
                    Some(error) if error.is_interrupted() => {
                        event_insert(&**tx, fence.run, EventKind::Interrupted, &[&format!("during {phase}")]).await?;
                    }
                    Some(_) => run_fail(&**tx, fence.run, summary).await?,
                }
                Ok(())
            })
            .await
    }
}
