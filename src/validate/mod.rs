//! Proves the result: the books of every source table, and the project's proofs on the final tables.

use std::collections::HashMap;
use std::pin::pin;

use deadpool_postgres::Pool;
use futures_util::StreamExt;

use crate::db::ledger::{CheckRecord, CheckResults, Fence, FenceError, RunState, books, check_forget, run_advance};
use crate::db::search::{Search, find_each};
use crate::db::{DbError, doing};
use crate::event::{Event, Events};
use crate::fault;
use crate::names::TableName;
use crate::outcome::Severity;
use crate::project::Project;
use crate::relations::Relations;
use crate::template::{Fragment, TemplateError, render_wrap};

/// Findings kept of a proof; all are counted.
const FINDINGS_KEPT: usize = 1000;

/// Why a run is not proven.
#[derive(Debug, thiserror::Error)]
pub enum ValidateError {
    /// The books of a table do not balance.
    #[error("the books do not balance: {}", .0.join("; "))]
    Books(Vec<String>),
    /// A proof of severity `error` found something.
    #[error("the final tables are not what they should be: {}", .0.join(", "))]
    Proofs(Vec<String>),
    /// A template is wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A proof tried to write.
    #[error("a proof may only read: {0}")]
    Writes(DbError),
    /// The run is another conductor's.
    #[error(transparent)]
    Fence(#[from] FenceError),
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl ValidateError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Books(_) => {
                Some("a normalise transform that leaves rows out must leave them to a check: see sqlmig report".into())
            }
            Self::Proofs(_) => Some("see the rows with sqlmig report".into()),
            Self::Template(error) => error.hint(),
            Self::Writes(_) => Some("take out of its SELECT the function that writes".into()),
            Self::Fence(error) => error.hint(),
            Self::Db(error) => error.hint(),
        }
    }
}

/// Proves a run; returns the number of proofs that were made.
///
/// # Errors
/// The books do not balance or a proof of severity `error` found something; all others have run and are recorded then.
pub async fn validate(
    pool: &Pool,
    fence: Fence,
    project: &Project,
    relations: &Relations,
    events: &Events,
) -> Result<usize, ValidateError> {
    let run = fence.run;
    fence
        .transaction(pool, "begin the validation", async |tx| {
            Ok::<_, ValidateError>(check_forget(tx, run, &["validate"]).await?)
        })
        .await?;
    fault::point("validate.begun").await;

    events.emit(Event::StepsPlanned { steps: project.validate.len() as u64 });
    let mut failed = Vec::new();
    let mut results = CheckResults::default();
    let searches = project.validate.iter().map(|proof| {
        let rendered = project.render(&proof.file, &relations.scope(None))?;
        let context = minijinja::context! { select => Fragment::new(rendered.sql) };
        let sql = render_wrap("proof.sql", include_str!("../../sql/wrap/proof.sql"), context)?;
        let (name, on) = (proof.file.name.clone(), proof.on.to_string());
        Ok(Search { phase: "validate", name, on, sql, keep: FINDINGS_KEPT })
    });
    let searches: Vec<Search> = searches.collect::<Result<_, ValidateError>>()?;
    let mut searches = pin!(find_each(pool, fence, events, searches));
    let mut rows_of: HashMap<&TableName, i64> = HashMap::new();
    for (ordinal, proof) in (1..).zip(&project.validate) {
        let Some(found) = searches.next().await else { break };
        let found = found.map_err(|error| match error {
            FenceError::Db(error) if error.is_write_refused() => ValidateError::Writes(error),
            FenceError::Db(error) => error.into(),
            error => error.into(),
        })?;
        let name = proof.file.name.as_str();
        let on = proof.on.to_string();
        let examined = match rows_of.get(&proof.on) {
            Some(&rows) => rows,
            None => *rows_of.entry(&proof.on).or_insert(count_rows(pool, &proof.on).await?),
        };
        let record = CheckRecord {
            phase: "validate",
            name,
            on: on.clone().into(),
            ordinal,
            severity: proof.severity,
            examined,
            failed: found.rows,
            elapsed: found.elapsed,
            skipped: None,
        };
        if results.keep(record) {
            write(pool, fence, &mut results).await?;
        }
        fault::point("validate.proof").await;
        if proof.severity == Severity::Error && found.rows > 0 {
            failed.push(format!("{name} ({})", found.rows));
        }
        events.emit(Event::CheckFinished {
            name: name.to_owned(),
            on,
            severity: proof.severity,
            examined: u64::try_from(examined).unwrap_or_default(),
            failed: u64::try_from(found.rows).unwrap_or_default(),
            elapsed: found.elapsed,
        });
    }
    write(pool, fence, &mut results).await?;
    let client = pool.get().await.map_err(doing("read the books"))?;
    let unbalanced: Vec<String> = books(&**client, run)
        .await?
        .into_iter()
        .filter(|table| !table.balanced)
        .map(|table| {
            let promoted = table.rows_inserted + table.rows_updated + table.rows_unchanged;
            format!(
                "{}: {} read, but {promoted} promoted + {} merged + {} quarantined",
                table.source, table.rows_read, table.rows_merged, table.rows_quarantined
            )
        })
        .collect();
    drop(client);
    if !unbalanced.is_empty() {
        return Err(ValidateError::Books(unbalanced));
    }
    if !failed.is_empty() {
        return Err(ValidateError::Proofs(failed));
    }
    fault::point("validate.proven").await;
    fence
        .transaction(pool, "record the validation", async |tx| {
            // Proofs that hold the final tables against rows that a crash has emptied meanwhile prove nothing.
            fence.hold_staged(tx).await?;
            Ok::<_, ValidateError>(run_advance(tx, run, RunState::Done).await?)
        })
        .await?;
    Ok(project.validate.len())
}

/// Records what the proofs found.
async fn write(pool: &Pool, fence: Fence, results: &mut CheckResults<'_>) -> Result<(), ValidateError> {
    fence
        .transaction(pool, "record the proofs", async |tx| Ok::<_, ValidateError>(results.write(tx, fence.run).await?))
        .await
}

/// Rows of a final table.
///
/// # Errors
/// The database does not answer.
pub async fn count_rows(pool: &Pool, table: &TableName) -> Result<i64, ValidateError> {
    let context = minijinja::context! { table => Fragment::table(table) };
    let query = render_wrap("count_rows.sql", include_str!("../../sql/wrap/count_rows.sql"), context)?;
    let client = pool.get().await.map_err(doing(format!("count the rows of {table}")))?;
    let row = client.query_one(&query, &[]).await.map_err(doing(format!("count the rows of {table}")))?;
    Ok(row.get("rows"))
}
