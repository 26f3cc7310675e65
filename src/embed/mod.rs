//! Fetches the vectors that rows lack: the ledger is asked first, the service for the rest, and every vector is committed before it
//! is used.
//!
//! A project says in `transforms/embed` which rows want a vector of which text. Those rows are recorded with a digest of the text;
//! promotion joins them with what the ledger has ([`crate::relations`], `embedded()`). So a vector is paid for once for a text,
//! however often the phase runs and wherever it was stopped.

mod billing;
mod budget;
mod doubt;
mod error;
mod fetch;
mod job;
mod options;
mod texts;
mod trial;
mod waited;
mod wanted;

use std::fmt;
use std::time::{Duration, Instant};

use deadpool_postgres::Pool;

use crate::db::doing;
use crate::db::ledger::{Fence, embedding_counts, embedding_spent};
use crate::event::{Event, Events};
use crate::fault;
use crate::outcome::EmbeddingCost;
use crate::project::Project;
use crate::relations::Relations;
use crate::stop::Stop;

pub use error::EmbedError;
pub use options::EmbedOptions;
pub use trial::{TrialEmbeddings, embed_trial};

use fetch::Fetch;
use waited::Waited;

/// What became of the rows that want a vector.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Embedded {
    /// Rows that came without one.
    pub wanted: i64,
    /// Rows whose vector the ledger had.
    pub known: i64,
    /// Rows whose vector this run fetched.
    pub fetched: i64,
    /// Rows without one.
    pub missing: i64,
    /// What the run has spent.
    pub spent: EmbeddingCost,
    /// What the time went into, where the service was asked.
    pub asking: Option<Asking>,
}

/// What the time of fetching vectors went into, as shares from 0 to 1 that make up the whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asking {
    /// Requests were in flight, and their answers waited for.
    pub answers: f64,
    /// Nothing was sent, because the service said that it was too much or failed.
    pub pauses: f64,
    /// The database: finding texts, and committing what came.
    pub database: f64,
}

impl Asking {
    fn of(waited: Waited, elapsed: Duration) -> Option<Self> {
        let share = |time: Duration| (time.as_secs_f64() / elapsed.as_secs_f64()).min(1.0);
        let (answers, pauses) = (share(waited.answers), share(waited.pauses));
        let database = (1.0 - answers - pauses).max(0.0);
        (!elapsed.is_zero()).then_some(Self { answers, pauses, database })
    }

    /// What most of the time went into, for people.
    fn most(&self) -> &'static str {
        // Both are the service's.
        if self.answers + self.pauses < self.database {
            "the database"
        } else if self.pauses > self.answers {
            "the embeddings API's limits"
        } else {
            "the embeddings API"
        }
    }
}

impl fmt::Display for Asking {
    /// "held up by the embeddings API (requests in flight 81 %, pauses 12 %, database 7 %)".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [answers, pauses, database] = [self.answers, self.pauses, self.database].map(|part| part * 100.0);
        write!(
            f,
            "held up by {} (requests in flight {answers:.0} %, pauses {pauses:.0} %, database {database:.0} %)",
            self.most()
        )
    }
}

/// Sees to the vectors of a run's rows.
///
/// # Errors
/// The service cannot be used or is away, a budget is reached, or rows lack a vector that the project requires. What came until then
/// is committed.
pub async fn embed(
    pool: &Pool,
    fence: Fence,
    project: &Project,
    relations: &Relations,
    options: &EmbedOptions,
    stop: &Stop,
    events: &Events,
) -> Result<Embedded, EmbedError> {
    let (started, mut waited) = (Instant::now(), None);
    let wants = wanted::record(pool, fence, project, relations, options).await?;
    fault::point("embed.wanted").await;
    let before = counted(pool, fence).await?;
    if before.missing > 0 {
        events.emit(Event::VectorsWanted { rows: u64::try_from(before.missing).unwrap_or_default() });
        if let (Some(client), Some(_)) = (&options.client, &options.space) {
            waited = Some(Fetch::new(pool, fence, client, options, before.spent, stop, events).all(&wants).await?);
        }
    }
    wanted::settle(pool, fence, relations, &wants, options, events).await?;
    fault::point("embed.settled").await;
    let asking = waited.and_then(|waited| Asking::of(waited, started.elapsed()));
    Ok(Embedded { asking, ..counted(pool, fence).await? })
}

/// What the ledger says of the run's rows.
async fn counted(pool: &Pool, fence: Fence) -> Result<Embedded, EmbedError> {
    let client = pool.get().await.map_err(doing("connect"))?;
    let counts = embedding_counts(&**client, fence.run).await?;
    let spent = embedding_spent(&**client, fence.run).await?;
    Ok(counts.iter().fold(Embedded { spent, ..Embedded::default() }, |sum, count| Embedded {
        wanted: sum.wanted + count.wanted,
        known: sum.known + count.known,
        fetched: sum.fetched + count.fetched,
        missing: sum.missing + count.missing,
        ..sum
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_named_where_it_was_waited_for() {
        let told = |answers: u64, pauses: u64| {
            let [answers, pauses] = [answers, pauses].map(Duration::from_secs);
            Asking::of(Waited { answers, pauses }, Duration::from_secs(100)).unwrap().to_string()
        };
        let parts = "(requests in flight 81 %, pauses 12 %, database 7 %)";
        assert_eq!(told(81, 12), format!("held up by the embeddings API {parts}"));
        assert!(told(30, 40).starts_with("held up by the embeddings API's limits ("));
        // Either of them alone is less than the database took.
        assert!(told(30, 25).starts_with("held up by the embeddings API ("));
        assert!(told(20, 20).starts_with("held up by the database ("));
        assert_eq!(Asking::of(Waited::default(), Duration::ZERO), None);
    }
}
