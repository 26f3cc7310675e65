//! Runs SELECTs of offending rows and records what they find.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool_postgres::Pool;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::doing;
use super::ledger::{Fence, FenceError, FoundRow, finding_insert};
use crate::event::{Event, Events};

/// Searches that are under way at once: many keep one core of the server busy and no more, and while one is planned or
/// sorted, another can be read. Each takes a connection, and another if it finds something.
const AT_ONCE: usize = 2;
/// Searches begun before the results of those before them are told, so that a long one does not keep the others waiting.
const AHEAD: usize = 32;
/// Findings recorded at a time.
const FINDINGS_AT_A_TIME: usize = 1000;

/// A SELECT to run.
#[derive(Debug, Clone)]
pub struct Search {
    /// `check` or `validate`.
    pub phase: &'static str,
    /// The check's name.
    pub name: String,
    /// The table it looks at.
    pub on: String,
    /// The statement. It yields `row` or `subject`, and `reason`.
    pub sql: String,
    /// At most how many findings are recorded; all are counted.
    pub keep: usize,
}

/// What a search came to.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// Findings.
    pub rows: i64,
    /// How long it took, beside others.
    pub elapsed: Duration,
}

/// Runs searches of which none reads what another finds, some at once; what they come to is told in their order.
///
/// # Errors
/// Of each: its SELECT fails, or the database does not answer.
pub fn find_each(
    pool: &Pool,
    fence: Fence,
    events: &Events,
    searches: impl IntoIterator<Item = Search>,
) -> impl Stream<Item = Result<Found, FenceError>> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let searches = stream::iter(searches).map(move |search| {
        let (pool, events, places) = (pool.clone(), events.clone(), Arc::clone(&places));
        async move {
            // A task of its own: it may hold the run's row, and must not wait for whoever takes the results one by one.
            let mut running = AbortedWhenDropped(tokio::spawn(async move {
                let _place = places.acquire_owned().await;
                events.emit(Event::StepStarted { what: format!("{} on {}", search.name, search.on) });
                let started = Instant::now();
                let rows = find(&pool, fence, &search).await?;
                Ok(Found { rows, elapsed: started.elapsed() })
            }));
            match (&mut running.0).await {
                Ok(found) => found,
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            }
        }
    });
    searches.buffered(AHEAD)
}

/// A task that nobody waits for any more is of no use.
struct AbortedWhenDropped<T>(JoinHandle<T>);

impl<T> Drop for AbortedWhenDropped<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs a search in a READ ONLY transaction and records what it finds in another; returns the number of findings.
///
/// Findings stream from one connection to the other, so it does not matter how many there are.
///
/// # Errors
/// Fails when the SELECT does or the database does not answer.
async fn find(pool: &Pool, fence: Fence, search: &Search) -> Result<i64, FenceError> {
    let action = || format!("run {} {} on {}", search.phase, search.name, search.on);
    let mut reader = pool.get().await.map_err(doing(action()))?;
    // What a project's author wrote is a SELECT; here the server holds it to that.
    let reading = reader.build_transaction().read_only(true).start().await.map_err(doing(action()))?;
    reading.batch_execute(include_str!("../../sql/wide_rows_settings.sql")).await.map_err(doing(action()))?;
    let parameters: [&str; 0] = [];
    let mut rows = pin!(reading.query_raw(&search.sql, parameters).await.map_err(doing(action()))?);
    // Most checks find nothing, and then no second connection is needed.
    let Some(first) = rows.try_next().await.map_err(doing(action()))? else { return Ok(0) };

    let mut other = pool.get().await.map_err(doing(action()))?;
    let recording = other.transaction().await.map_err(doing(action()))?;
    recording.batch_execute(include_str!("../../sql/recording_settings.sql")).await.map_err(doing(action()))?;
    fence.hold(&recording).await?;
    let mut found = 0;
    let mut kept = 0;
    let mut waiting = Vec::new();
    let mut next = Some(first);
    while let Some(row) = next {
        found += 1;
        if kept < search.keep {
            kept += 1;
            waiting.push(FoundRow {
                row: row.try_get("row").unwrap_or_default(),
                subject: row.try_get("subject").unwrap_or_default(),
                reason: row.get::<_, Option<String>>("reason").unwrap_or_default(),
            });
        }
        if waiting.len() == FINDINGS_AT_A_TIME {
            finding_insert(&recording, fence.run, search.phase, &search.name, &search.on, &waiting).await?;
            waiting.clear();
        }
        next = rows.try_next().await.map_err(doing(action()))?;
    }
    finding_insert(&recording, fence.run, search.phase, &search.name, &search.on, &waiting).await?;
    recording.commit().await.map_err(doing(action()))?;
    Ok(found)
}
