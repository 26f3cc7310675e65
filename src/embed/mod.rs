//! Fetches the vectors that rows lack: the ledger is asked first, the service for the rest, and every vector is committed before it
//! is used.
//!
//! A project says in `transforms/embed` which rows want a vector of which text. Those rows are recorded with a digest of the text;
//! promotion joins them with what the ledger has ([`crate::relations`], `embedded()`). So a vector is paid for once for a text,
//! however often the phase runs and wherever it was stopped.

mod billing;
mod error;
mod fetch;
mod options;
mod texts;
mod trial;
mod wanted;

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
    let wants = wanted::record(pool, fence, project, relations, options).await?;
    fault::point("embed.wanted").await;
    let before = counted(pool, fence).await?;
    if before.missing > 0 {
        events.emit(Event::VectorsWanted { rows: u64::try_from(before.missing).unwrap_or_default() });
        if let (Some(client), Some(_)) = (&options.client, &options.space) {
            Fetch::new(pool, fence, client, options, before.spent, stop, events).all(&wants).await?;
        }
    }
    wanted::settle(pool, fence, relations, &wants, options, events).await?;
    fault::point("embed.settled").await;
    counted(pool, fence).await
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
        spent,
    }))
}
