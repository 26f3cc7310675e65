//! Runs a SELECT of offending rows and records what it finds.

use std::pin::pin;

use deadpool_postgres::Pool;
use futures_util::TryStreamExt;

use super::doing;
use super::ledger::{Fence, FenceError, FoundRow, finding_insert};

/// Findings recorded at a time.
const FINDINGS_AT_A_TIME: usize = 1000;

/// A SELECT to run.
#[derive(Debug)]
pub struct Search<'a> {
    /// `check` or `validate`.
    pub phase: &'a str,
    /// The check's name.
    pub name: &'a str,
    /// The table it looks at.
    pub on: &'a str,
    /// The statement. It yields `row` or `subject`, and `reason`.
    pub sql: &'a str,
    /// At most how many findings are recorded; all are counted.
    pub keep: usize,
}

/// Runs a search in a READ ONLY transaction and records what it finds in another; returns the number of findings.
///
/// Findings stream from one connection to the other, so it does not matter how many there are.
///
/// # Errors
/// Fails when the SELECT does or the database does not answer.
pub async fn find(pool: &Pool, fence: Fence, search: &Search<'_>) -> Result<i64, FenceError> {
    let action = || format!("run {} {} on {}", search.phase, search.name, search.on);
    let mut reader = pool.get().await.map_err(doing(action()))?;
    // What a project's author wrote is a SELECT; here the server holds it to that.
    let reading = reader.build_transaction().read_only(true).start().await.map_err(doing(action()))?;
    reading.batch_execute(include_str!("../../sql/wide_rows_settings.sql")).await.map_err(doing(action()))?;
    let parameters: [&str; 0] = [];
    let mut rows = pin!(reading.query_raw(search.sql, parameters).await.map_err(doing(action()))?);
    // Most checks find nothing, and then no second connection is needed.
    let Some(first) = rows.try_next().await.map_err(doing(action()))? else { return Ok(0) };

    let mut other = pool.get().await.map_err(doing(action()))?;
    let recording = other.transaction().await.map_err(doing(action()))?;
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
            finding_insert(&recording, fence.run, search.phase, search.name, search.on, &waiting).await?;
            waiting.clear();
        }
        next = rows.try_next().await.map_err(doing(action()))?;
    }
    finding_insert(&recording, fence.run, search.phase, search.name, search.on, &waiting).await?;
    recording.commit().await.map_err(doing(action()))?;
    Ok(found)
}
