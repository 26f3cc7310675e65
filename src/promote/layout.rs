//! Before the first batch: every transform is prepared, and the batches of all of them are laid out in one transaction.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_postgres::Transaction;

use crate::db::doing;
use crate::db::ledger::{BatchesPlanned, Fence, batches_forget, batches_plan, refusals_forget};
use crate::fault;
use crate::limits::BatchSize;
use crate::names::TableName;
use crate::project::Promote;
use crate::relations::Relations;

use super::PromoteError;
use super::promotion::Promotion;
use super::statement::{self, Statement};

/// A promote transform, prepared.
pub(super) struct Step<'a> {
    pub promote: &'a Promote,
    /// Whether its rows enter the books: those of a relation do once, with the first transform that promotes them.
    pub counted: bool,
    /// The statement of each source table; of a transform that reads no source rows, the one under no name.
    pub statements: BTreeMap<Option<TableName>, Statement>,
    /// Whether its batches find rows of theirs in the target.
    pub overlap: Overlap,
}

/// What the batches of a transform have found in the target, in this process. As long as none has found a row of its own there,
/// the next ones need not look; once one has, all do.
#[derive(Default)]
pub(super) struct Overlap {
    found_none: AtomicBool,
    found_some: AtomicBool,
}

impl Overlap {
    /// A batch looked and found so many of its rows in the target.
    pub fn found(&self, rows: i64) {
        let found = if rows == 0 { &self.found_none } else { &self.found_some };
        found.store(true, Ordering::Relaxed);
    }

    /// A batch did not look, and its rows could not just be inserted.
    pub fn was_missed(&self) {
        self.found_some.store(true, Ordering::Relaxed);
    }

    /// Whether a batch need not look.
    pub fn is_none(&self) -> bool {
        self.found_none.load(Ordering::Relaxed) && !self.found_some.load(Ordering::Relaxed)
    }
}

/// Prepares every transform, in order.
///
/// # Errors
/// A transform does not fit its target.
pub(super) async fn prepare<'a>(promotion: &Promotion<'a>) -> Result<Vec<Step<'a>>, PromoteError> {
    let (project, relations) = (promotion.project, promotion.relations);
    let work = async |tx: &Transaction<'_>| {
        let mut steps: Vec<Step<'a>> = Vec::new();
        for promote in &project.promote {
            let counted = promote.from.is_some() && !steps.iter().any(|step| step.promote.from == promote.from);
            let mut statements = BTreeMap::new();
            for (source, _) in sources(relations, promote) {
                let statement = statement::prepare(tx, project, relations, promote, source.as_ref()).await?;
                statements.insert(source, statement);
            }
            steps.push(Step { promote, counted, statements, overlap: Overlap::default() });
        }
        Ok(steps)
    };
    promotion.fenced("prepare the transforms", promotion.outage(), work).await
}

/// Lays out the batches of every transform over the rows that none has done yet, all at once: a worker of another process
/// never sees one transform's batches without those that come before.
///
/// # Errors
/// The fence does not hold, or the database refuses.
pub(super) async fn lay_out(promotion: &Promotion<'_>, steps: &[Step<'_>]) -> Result<(), PromoteError> {
    fault::point("promote.lay_out").await;
    let Promotion { fence: Fence { run, epoch }, relations, options, .. } = *promotion;
    let names: Vec<&str> = steps.iter().map(|step| step.promote.file.name.as_str()).collect();
    let work = async |tx: &Transaction<'_>| {
        for statement in steps.iter().flat_map(|step| step.statements.values()) {
            tx.batch_execute(&statement.undo_ddl).await.map_err(doing("make the table for before-images"))?;
        }
        batches_forget(tx, run).await?;
        for (place, step) in steps.iter().enumerate() {
            let (promote, name) = (step.promote, names[place]);
            refusals_forget(tx, run, name, &names[place + 1..]).await?;
            for (source, last_row) in sources(relations, promote) {
                let planned = BatchesPlanned {
                    transform: name,
                    target: &promote.target,
                    source: source.as_ref(),
                    last_row,
                    batch_rows: batch_rows(relations, source.as_ref(), options.batch_size),
                    counted: step.counted,
                };
                batches_plan(tx, run, epoch, &planned).await?;
            }
        }
        Ok(())
    };
    promotion.fenced("lay out the batches", promotion.outage(), work).await?;
    fault::point("promote.laid_out").await;
    Ok(())
}

/// The keys of which several rows of the run would be written to one row of the target must be none. Asked when the
/// transforms before have done their part: a SELECT may look up what they wrote.
///
/// # Errors
/// [`PromoteError::SameKey`], or the SELECT is wrong.
pub(super) async fn refuse_same_keys(promotion: &Promotion<'_>, promote: &Promote) -> Result<(), PromoteError> {
    let Promotion { project, relations, .. } = *promotion;
    let work = async |tx: &Transaction<'_>| statement::key_conflicts(tx, project, relations, promote).await;
    let conflicts = promotion.fenced("look for rows of one key", promotion.outage(), work).await?;
    if conflicts.is_empty() {
        return Ok(());
    }
    let (transform, target) = (promote.file.path.clone(), promote.target.clone());
    Err(PromoteError::SameKey { transform, target, keys: conflicts.join(", ") })
}

/// The source tables that a transform reads, each with its last row; a transform that reads no source rows has one batch of
/// its own. A table's last row is the last that was read: rows in quarantine keep their ordinals.
pub(super) fn sources(relations: &Relations, promote: &Promote) -> Vec<(Option<TableName>, i64)> {
    if promote.needs.as_deref().is_some_and(|needs| relations.sources(needs).is_empty()) {
        return Vec::new();
    }
    let Some(relation) = &promote.from else { return vec![(None, 1)] };
    relations.sources(relation).into_iter().map(|feed| (Some(feed.source.clone()), feed.last_row)).collect()
}

/// Rows a batch of a source table.
pub(super) fn batch_rows(relations: &Relations, source: Option<&TableName>, size: BatchSize) -> i64 {
    let table = relations.tables().iter().find(|table| Some(&table.source) == source);
    let [rows, bytes] = [table.map(|table| table.rows_read), table.map(|table| table.bytes_read)]
        .map(|count| u64::try_from(count.unwrap_or_default()).unwrap_or_default());
    i64::try_from(size.rows(rows, bytes)).unwrap_or(i64::MAX)
}
