//! Writes the surviving rows to the final tables in batched, undoable transactions.
//!
//! One promote transform after another, parents first. The batches of one transform are claimed by workers, of this process
//! and of others; each batch is one transaction that holds its rows, its before-images and its line in the ledger.

mod backoff;
mod batch;
mod crew;
mod effort;
mod error;
mod layout;
mod promotion;
mod settle;
mod statement;
mod trial;
mod tried;
mod worker;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread;

use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio_postgres::Transaction;

use crate::db::ledger::{RunState, batches_left, batches_unfinished, run_advance};
use crate::event::Event;
use crate::fault;
use crate::limits::{BatchSize, MaxRejects, Parallel, Timeouts};

pub use effort::Effort;
pub use error::PromoteError;
pub use promotion::Promotion;
pub use trial::{TrialStep, promote_trial};

use crew::{Crew, Start};
use layout::{Step, lay_out, prepare, refuse_same_keys};
use worker::Worker;

/// Rows that the database may refuse in a run without a bound of its own. A transform that is wrong for every row must not
/// grind through millions of them, each with a transaction of its own.
pub const MOST_REFUSED: i64 = 100;

/// How to promote.
#[derive(Debug, Clone, Copy)]
pub struct PromoteOptions {
    /// Rows a batch.
    pub batch_size: BatchSize,
    /// Workers, each with a connection of its own.
    pub parallel: Parallel,
    /// Workers that there are connections for.
    pub most_workers: usize,
    /// How long a transaction may wait.
    pub timeouts: Timeouts,
    /// How many rows may be in quarantine when one more is to go there; `None` allows [`MOST_REFUSED`] rows that the
    /// database refuses.
    pub max_refused: Option<MaxRejects>,
}

impl Promotion<'_> {
    /// The workers of this process.
    async fn crew(&self) -> Crew {
        let PromoteOptions { parallel, most_workers, .. } = self.options;
        match parallel {
            Parallel::Auto => {
                let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
                Crew::adapting(most_workers, Start::of(cores, most_workers, self.room().await))
            }
            Parallel::Workers(workers) => {
                Crew::fixed(usize::try_from(workers.get()).unwrap_or(1).min(most_workers.max(1)))
            }
        }
    }
}

/// Promotes the clean rows of a run, as its conductor.
///
/// Batches that an earlier try has committed are kept; what is left is laid out anew with the batch size given. Says how many
/// workers there were and why, and what their time went into.
///
/// # Errors
/// A transform does not fit its target, or a batch failed for good: it is rolled back, and those before it stay. Asked to
/// stop, it does so between two batches.
pub async fn promote(promotion: &Promotion<'_>) -> Result<Effort, PromoteError> {
    let steps = prepare(promotion).await?;
    lay_out(promotion, &steps).await?;
    let crew = promotion.crew().await;
    run_steps(promotion, &steps, &crew, &AtomicU64::new(0)).await?;
    let run = promotion.fence.run;
    let finish = async |tx: &Transaction<'_>| match batches_unfinished(tx, run).await? {
        (0, None) => Ok(run_advance(tx, run, RunState::Promoted).await?),
        (pending, failed) => Err(PromoteError::Unfinished(pending + i64::from(failed.is_some()))),
    };
    promotion.fenced("record the promotion", promotion.outage(), finish).await?;
    fault::point("promote.done").await;
    Ok(crew.effort())
}

/// Promotes batches that a conductor laid out, until none of the run is left; each that this process commits is counted in
/// `committed`.
///
/// It takes nothing on, lays nothing out and concludes nothing.
///
/// # Errors
/// As [`promote`].
pub async fn work(promotion: &Promotion<'_>, committed: &AtomicU64) -> Result<(), PromoteError> {
    let steps = prepare(promotion).await?;
    let crew = promotion.crew().await;
    run_steps(promotion, &steps, &crew, committed).await
}

/// One transform after another: the next one's batches are not begun before all of this one's are done, whoever does them.
async fn run_steps(
    promotion: &Promotion<'_>,
    steps: &[Step<'_>],
    crew: &Crew,
    committed: &AtomicU64,
) -> Result<(), PromoteError> {
    for step in steps {
        let name = step.promote.file.name.as_str();
        let count = async |tx: &Transaction<'_>| Ok(batches_left(tx, promotion.fence.run, name).await?);
        let left = promotion.fenced("count the batches", promotion.outage(), count).await?;
        promotion.events.emit(Event::BatchesPlanned {
            target: step.promote.target.clone(),
            batches: u64::try_from(left.pending).unwrap_or_default(),
            rows: u64::try_from(left.rows).unwrap_or_default(),
        });
        // One that was given up before is a worker's to tell of.
        if left.pending == 0 && left.failed.is_none() {
            continue;
        }
        if left.pending > 0 {
            refuse_same_keys(promotion, step.promote).await?;
        }
        let workers = crew.places().min(usize::try_from(left.pending).unwrap_or(1).max(1));
        let (halt, progress) = (AtomicBool::new(false), Notify::new());
        let worker = Worker { promotion, step, crew, halt: &halt, committed, progress: &progress };
        crew.begin();
        // All of them come to their end: a batch in hand is finished even when another one fails.
        let outcomes = join_all((0..workers).map(|place| worker.work(place))).await;
        let mut errors: Vec<PromoteError> = outcomes.into_iter().filter_map(Result::err).collect();
        // Whoever gave up for good says more than who met the same row, and that more than who saw it or was stopped.
        errors.sort_by_key(|error| match error {
            PromoteError::TooManyRefused { .. } => 0,
            PromoteError::GivenUp { .. } | PromoteError::Interrupted => 2,
            _ => 1,
        });
        if let Some(error) = errors.into_iter().next() {
            return Err(error);
        }
    }
    Ok(())
}
