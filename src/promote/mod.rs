//! Writes the surviving rows to the final tables in batched, undoable transactions.
//!
//! One promote transform after another, parents first. The batches of one transform are claimed by N workers; each
//! batch is one transaction that holds its rows, its before-images and its line in the ledger.

mod batch;
mod error;
mod statement;

use std::collections::BTreeMap;

use deadpool_postgres::Pool;
use futures_util::future::try_join_all;
use uuid::Uuid;

use crate::db::doing;
use crate::db::ledger::{Fence, RunState, batches_forget, batches_pending, batches_plan, run_advance};
use crate::event::{Event, Events};
use crate::names::TableName;
use crate::project::{Project, Promote};
use crate::relations::Relations;

pub use error::PromoteError;

use batch::Worker;
use statement::Statement;

/// How to promote.
#[derive(Debug, Clone, Copy)]
pub struct PromoteOptions {
    /// Rows a batch.
    pub batch_size: u64,
    /// Workers, each with a connection of its own.
    pub parallel: usize,
}

/// Promotes the clean rows of a run.
///
/// `fence` is the run as the conductor took it on; when it is in another epoch, workers stop.
///
/// Batches that an earlier try has committed are kept; what is left is laid out anew with the batch size given.
///
/// # Errors
/// A transform does not fit its target, or a batch failed: it is rolled back, and those before it stay.
pub async fn promote(
    pool: &Pool,
    fence: Fence,
    project: &Project,
    relations: &Relations,
    options: PromoteOptions,
    events: &Events,
) -> Result<(), PromoteError> {
    let run = fence.run;
    let mut claimed: Vec<&str> = Vec::new();
    for promote in &project.promote {
        // The rows of a relation enter the books once: with the first transform that promotes them.
        let counted = promote.from.as_deref().is_some_and(|relation| !claimed.contains(&relation));
        claimed.extend(promote.from.as_deref());
        let statements = lay_out(pool, run, project, relations, promote, options, counted).await?;
        let client = pool.get().await.map_err(doing("count the batches"))?;
        let pending = batches_pending(&**client, run, &promote.file.name).await?;
        drop(client);
        events.emit(Event::BatchesPlanned {
            target: promote.target.clone(),
            batches: u64::try_from(pending.batches).unwrap_or_default(),
            rows: u64::try_from(pending.rows).unwrap_or_default(),
        });
        let workers = options.parallel.max(1).min(usize::try_from(pending.batches).unwrap_or(1).max(1));
        let worker = Worker { pool: pool.clone(), fence, promote, statements: &statements, events };
        try_join_all((0..workers).map(|_| worker.work())).await?;
    }
    fence
        .transaction(pool, "record the promotion", async |tx| {
            Ok::<_, PromoteError>(run_advance(tx, run, RunState::Promoted).await?)
        })
        .await
}

/// Prepares a transform's statements and lays out its batches.
async fn lay_out(
    pool: &Pool,
    run: Uuid,
    project: &Project,
    relations: &Relations,
    promote: &Promote,
    options: PromoteOptions,
    counted: bool,
) -> Result<BTreeMap<Option<TableName>, Statement>, PromoteError> {
    let action = || format!("lay out the batches of {}", promote.file.path);
    let mut client = pool.get().await.map_err(doing(action()))?;
    let sources: Vec<(Option<TableName>, i64)> = match &promote.from {
        Some(relation) => {
            relations.sources(relation).into_iter().map(|feed| (Some(feed.source.clone()), feed.last_row)).collect()
        }
        None => vec![(None, 1)],
    };
    let mut statements = BTreeMap::new();
    for (source, _) in &sources {
        let statement = statement::prepare(&**client, project, relations, promote, source.as_ref()).await?;
        statements.insert(source.clone(), statement);
    }
    // Only now: whether the columns fit the target is told better by what came before.
    let conflicts = statement::key_conflicts(&**client, project, relations, promote).await?;
    if !conflicts.is_empty() {
        return Err(PromoteError::SameKey {
            transform: promote.file.path.clone(),
            target: promote.target.clone(),
            keys: conflicts.join(", "),
        });
    }
    for statement in statements.values() {
        client.batch_execute(&statement.undo_ddl).await.map_err(doing("make the table for before-images"))?;
    }
    let tx = client.transaction().await.map_err(doing(action()))?;
    let name = promote.file.name.as_str();
    batches_forget(&tx, run, name).await?;
    for (source, last_row) in &sources {
        let source = source.as_ref();
        batches_plan(&tx, run, name, &promote.target, source, *last_row, options.batch_size, counted).await?;
    }
    tx.commit().await.map_err(doing(action()))?;
    Ok(statements)
}
