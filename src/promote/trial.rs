//! What promotion would do with the rows of a trial: the batches' own SELECTs, compared with the target and not written to it.

use std::collections::BTreeSet;

use serde_json::Value;
use tokio_postgres::Transaction;

use crate::db::place::reading;
use crate::db::{DbError, doing};
use crate::limits::BatchSize;
use crate::names::TableName;
use crate::project::{Action, Project, Promote};
use crate::relations::Relations;
use crate::stop::Stop;
use crate::template::{Fragment, render_wrap};

use super::PromoteError;
use super::layout::{batch_rows, sources};
use super::statement::{comparison, key_conflicts};

/// What one promote transform would do with the rows of one source table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialStep {
    /// The transform.
    pub transform: String,
    /// The final table.
    pub target: TableName,
    /// The source table; none of a transform that reads no source's rows.
    pub source: Option<TableName>,
    /// Whether its rows enter the books.
    pub counted: bool,
    /// Whether it deletes the rows that it names.
    pub deletes: bool,
    /// Rows that its SELECT yields.
    pub incoming: i64,
    /// Rows of these that the target has, by their key.
    pub existing: i64,
    /// Rows of these that differ.
    pub differing: i64,
    /// Batches.
    pub batches: i64,
    /// Bytes of the rows that would be written, before compression.
    pub bytes_written: i64,
    /// Bytes of the rows that would be replaced or deleted, as the target has them.
    pub bytes_replaced: i64,
    /// Tables that it reads and that an earlier transform would have changed by then: what it finds there now is not what it
    /// would find.
    pub reads_changed: Vec<String>,
    /// Why a run would stop here, if it would.
    pub refused: Option<String>,
}

/// Compares the clean rows of a trial with the target, as every promote transform would write them.
///
/// # Errors
/// A transform does not fit its target, or the database refuses. The transaction is to be rolled back then.
pub async fn promote_trial(
    tx: &mut Transaction<'_>,
    project: &Project,
    relations: &Relations,
    batch_size: BatchSize,
    stop: &Stop,
) -> Result<Vec<TrialStep>, PromoteError> {
    let mut steps: Vec<TrialStep> = Vec::new();
    for promote in &project.promote {
        let all = sources(relations, promote);
        if all.is_empty() {
            continue;
        }
        let changed: BTreeSet<String> =
            steps.iter().filter(|step| step.writes()).map(|s| s.target.to_string()).collect();
        let reads = tables_read(tx, project, relations, promote).await?;
        let reads_changed: Vec<String> = changed.intersection(&reads).cloned().collect();
        let counted = promote.from.is_some()
            && !project
                .promote
                .iter()
                .take_while(|earlier| *earlier != promote)
                .any(|other| other.from == promote.from);
        let conflicts =
            reading(tx, "look for rows of one key", async |tx| key_conflicts(tx, project, relations, promote).await);
        let conflicts = conflicts.await?;
        for (source, last_row) in all {
            let mut trial = TrialStep {
                transform: promote.file.name.clone(),
                target: promote.target.clone(),
                source,
                counted,
                deletes: promote.action == Action::Delete,
                incoming: 0,
                existing: 0,
                differing: 0,
                batches: 0,
                bytes_written: 0,
                bytes_replaced: 0,
                reads_changed: reads_changed.clone(),
                refused: None,
            };
            if !conflicts.is_empty() {
                let keys = conflicts.join(", ");
                trial.refused = Some(format!("several rows go to one row of {}: {keys}", promote.target));
            }
            let sql = comparison(tx, project, relations, promote, trial.source.as_ref()).await?;
            let size = batch_rows(relations, trial.source.as_ref(), batch_size);
            trial.compare(tx, promote, &sql, last_row, size, stop).await?;
            steps.push(trial);
        }
    }
    Ok(steps)
}

impl TrialStep {
    /// Whether it would change its target.
    fn writes(&self) -> bool {
        self.differing > 0 || self.incoming > self.existing || (self.deletes && self.existing > 0)
    }

    /// Compares batch by batch, as they would be written: what is in hand at once stays small.
    async fn compare(
        &mut self,
        tx: &mut Transaction<'_>,
        promote: &Promote,
        sql: &str,
        last_row: i64,
        batch_rows: i64,
        stop: &Stop,
    ) -> Result<(), PromoteError> {
        let action = format!("compare with {}", self.target);
        let mut first_row = 1;
        while first_row <= last_row {
            if stop.is_requested() {
                return Err(PromoteError::Interrupted);
            }
            let until = last_row.min(first_row.saturating_add(batch_rows - 1));
            let row = reading(tx, &action, async |tx| {
                let row = tx.query_one(sql, &[&first_row, &until]).await.map_err(doing(action.as_str()))?;
                Ok::<_, DbError>(row)
            });
            let row = row.await.map_err(|error| PromoteError::Sql(promote.file.path.clone(), error))?;
            let (expected, incoming): (i64, i64) = (row.get("expected"), row.get("incoming"));
            if expected != incoming && self.refused.is_none() {
                self.refused = Some(format!("the transform yields {incoming} rows for {expected}"));
            }
            self.batches += 1;
            self.incoming += incoming;
            self.existing += row.get::<_, i64>("existing");
            self.differing += row.get::<_, i64>("differing");
            self.bytes_written += row.get::<_, i64>("bytes_written");
            self.bytes_replaced += row.get::<_, i64>("bytes_replaced");
            first_row = until + 1;
        }
        Ok(())
    }
}

/// The tables that a transform's SELECT reads, as the server's own plan of it names them.
async fn tables_read(
    tx: &mut Transaction<'_>,
    project: &Project,
    relations: &Relations,
    promote: &Promote,
) -> Result<BTreeSet<String>, PromoteError> {
    let rows = promote.from.as_deref().and_then(|relation| relations.clean(relation)).map(str::to_owned);
    let rendered = project.render(&promote.file, &relations.scope(rows))?;
    let context = minijinja::context! { select => Fragment::new(rendered.sql) };
    let explain = render_wrap("trial_explain.sql", include_str!("../../sql/wrap/trial_explain.sql"), context)?;
    let plan = reading(tx, "ask what it reads", async |tx| {
        let row = tx.query_one(&explain, &[]).await.map_err(doing("ask what it reads"))?;
        Ok::<Value, DbError>(row.get(0))
    });
    let plan = plan.await.map_err(|error| PromoteError::Sql(promote.file.path.clone(), error))?;
    let mut tables = BTreeSet::new();
    collect(&plan, &mut tables);
    Ok(tables)
}

/// Collects the relations that a plan names, whatever stands between.
fn collect(plan: &Value, tables: &mut BTreeSet<String>) {
    match plan {
        Value::Array(parts) => parts.iter().for_each(|part| collect(part, tables)),
        Value::Object(node) => {
            let name = |key: &str| node.get(key).and_then(Value::as_str);
            if let (Some(schema), Some(table)) = (name("Schema"), name("Relation Name")) {
                tables.insert(TableName::new(schema, table).to_string());
            }
            node.values().for_each(|part| collect(part, tables));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_writes_what_differs_what_is_new_and_what_it_deletes() {
        let step = |(incoming, existing, differing, deletes)| TrialStep {
            transform: "t".into(),
            target: TableName::new("public", "t"),
            source: None,
            counted: true,
            deletes,
            incoming,
            existing,
            differing,
            batches: 1,
            bytes_written: 0,
            bytes_replaced: 0,
            reads_changed: Vec::new(),
            refused: None,
        };
        for (counts, writes) in [
            ((3, 3, 0, false), false),
            ((3, 3, 1, false), true),
            ((3, 2, 0, false), true),
            ((0, 0, 0, true), false),
            ((3, 3, 0, true), true),
            ((3, 0, 0, true), true),
        ] {
            assert_eq!(step(counts).writes(), writes, "{counts:?}");
        }
    }
}
