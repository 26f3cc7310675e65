//! How a phase is told of, measured and recorded: once, here, for all of them.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{Conductor, PipelineError};
use crate::db::ledger::{EventKind, FenceError, event_insert, phase_insert, run_fail, run_memory};
use crate::db::{DbError, doing};
use crate::event::{Event, Phase};
use crate::promote::PromoteError;

impl Conductor {
    /// Runs one phase: the only place that tells of it, measures it and records how it ended.
    pub(super) async fn phase(
        &self,
        run: Uuid,
        phase: Phase,
        work: impl Future<Output = Result<String, PipelineError>>,
    ) -> Result<(), PipelineError> {
        let started = Instant::now();
        self.events.emit(Event::PhaseStarted { phase });
        let outcome = work.await;
        let elapsed = started.elapsed();
        match outcome {
            Ok(summary) => {
                self.record(run, phase, elapsed, &summary, None).await?;
                self.events.emit(Event::PhaseFinished { phase, elapsed, summary });
                Ok(())
            }
            Err(error) => {
                // A run that another conductor has taken on is the other's to write about.
                if matches!(error, PipelineError::Promote(PromoteError::Fence(FenceError::TakenOver(_)))) {
                    return Err(error);
                }
                let text = error.to_string();
                // The phase's own error is the one to tell, even when it cannot be recorded.
                drop(self.record(run, phase, elapsed, &text, Some(&text)).await);
                Err(error)
            }
        }
    }

    /// Records why a run goes no further; returns the error.
    pub(super) async fn refuse(&self, run: Uuid, error: PipelineError) -> PipelineError {
        if let Ok(client) = self.pool.get().await {
            // The error itself is the one to tell, even when it cannot be recorded.
            drop(run_fail(&**client, run, &error.to_string()).await);
        }
        error
    }

    /// Tells of something the operator should know, and keeps it for the report.
    pub(super) async fn warn(&self, run: Uuid, message: String) -> Result<(), PipelineError> {
        let client = self.pool.get().await.map_err(doing("connect"))?;
        event_insert(&**client, run, EventKind::Warning, &message).await?;
        self.events.warn(message);
        Ok(())
    }

    async fn record(
        &self,
        run: Uuid,
        phase: Phase,
        elapsed: Duration,
        summary: &str,
        error: Option<&str>,
    ) -> Result<(), DbError> {
        let client = self.pool.get().await.map_err(doing("record the phase"))?;
        run_memory(&**client, run, peak_rss_bytes()).await?;
        phase_insert(&**client, run, phase, elapsed, summary).await?;
        if let Some(error) = error {
            run_fail(&**client, run, error).await?;
        }
        Ok(())
    }
}

/// Largest resident set of this process in bytes, from Linux's /proc; 0 where there is none.
fn peak_rss_bytes() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes: i64 = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0);
    kibibytes * 1024
}
