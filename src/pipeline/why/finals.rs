//! What the final tables have of a row, and what runs did to it there.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Transaction};

use super::{Done, Key, Question};
use crate::db::catalog::target_columns;
use crate::db::doing;
use crate::db::ledger::{why_undo_tables, why_written_by};
use crate::outcome::{ColumnValue, FinalRow};
use crate::pipeline::{Conductor, PipelineError};
use crate::project::Promote;
use crate::relations::Wanted;
use crate::template::{Fragment, render_wrap};

impl Conductor {
    /// What the final tables have now of the keys that are known, and what runs did to them.
    pub(super) async fn finals<'a>(
        &'a self,
        tx: &Transaction<'_>,
        question: &Question<'a>,
        keys: &mut Vec<Key<'a>>,
        finals: &mut Vec<FinalRow>,
        done: &mut Vec<Done>,
    ) -> Result<(), PipelineError> {
        let mut asked: Vec<(&Promote, Wanted)> = Vec::new();
        if !matches!(question.wanted, Wanted::Row(_)) {
            asked.extend(question.targets.iter().map(|promote| (*promote, question.wanted.clone())));
        }
        for (promote, wanted) in asked.clone() {
            let target = promote.target.to_string();
            for undo in why_undo_tables(tx, &target).await? {
                let (_, key, values) = wanted.parameters();
                let template = include_str!("../../../sql/wrap/why_undo_keys.sql");
                let rows = images(tx, "why_undo_keys.sql", template, &undo, &promote.key, &[&key, &values]).await?;
                for row in rows {
                    add_key(keys, promote, row.get("key_values"));
                }
            }
        }
        asked.extend(keys.iter().map(|(promote, values)| (*promote, Wanted::Values(values.clone()))));
        for (promote, wanted) in asked {
            let target = promote.target.to_string();
            let columns = target_columns(tx, &promote.target).await?;
            if columns.is_empty() {
                continue;
            }
            let names: Vec<String> = columns.into_iter().map(|column| column.name).collect();
            let context = minijinja::context! {
                key => &promote.key,
                columns => &names,
                target => Fragment::table(&promote.target),
            };
            let query = render_wrap("why_final.sql", include_str!("../../../sql/wrap/why_final.sql"), context)
                .map_err(crate::relations::RelationsError::from)?;
            let (_, key, values) = wanted.parameters();
            let rows =
                tx.query(&query, &[&key, &values]).await.map_err(doing(format!("look for the row in {target}")))?;
            for row in rows {
                let key: String = row.get("key");
                add_key(keys, promote, row.get("key_values"));
                if finals.iter().any(|known| known.target == target && known.key == key) {
                    continue;
                }
                let written = why_written_by(tx, &target, row.get("xmin")).await?;
                finals.push(FinalRow {
                    target: target.clone(),
                    key,
                    exists: true,
                    written_by: written.map(|(run, _)| run),
                    batch: written.map(|(_, batch)| batch),
                    columns: names
                        .iter()
                        .cloned()
                        .zip(row.get::<_, Vec<Option<String>>>("column_values"))
                        .map(|(column, value)| ColumnValue { column, value })
                        .collect(),
                });
            }
        }
        for (promote, values) in keys.iter() {
            let (target, key) = (promote.target.to_string(), values.join("/"));
            if !finals.iter().any(|known| known.target == target && known.key == key) {
                let columns = Vec::new();
                finals.push(FinalRow {
                    target: target.clone(),
                    key,
                    exists: false,
                    written_by: None,
                    batch: None,
                    columns,
                });
            }
            for undo_table in why_undo_tables(tx, &target).await? {
                let template = include_str!("../../../sql/wrap/why_undo.sql");
                let rows = images(tx, "why_undo.sql", template, &undo_table, &promote.key, &[&values]).await?;
                done.extend(rows.iter().map(|row| Done {
                    run: row.get("run_id"),
                    batch: row.get("number"),
                    undo_table: undo_table.clone(),
                    operation: row.get("operation"),
                }));
            }
        }
        Ok(())
    }
}

/// What a query finds in a table of before-images; nothing in one of another shape, or that was dropped with a run that is
/// accepted.
async fn images(
    tx: &Transaction<'_>,
    name: &'static str,
    template: &'static str,
    undo_table: &str,
    key: &[String],
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, PipelineError> {
    let context = minijinja::context! { undo => Fragment::new(undo_table), key => key.to_vec() };
    let query = render_wrap(name, template, context).map_err(crate::relations::RelationsError::from)?;
    let looking = || doing("look for before-images");
    tx.batch_execute("savepoint images").await.map_err(looking())?;
    if let Ok(rows) = tx.query(&query, parameters).await {
        return Ok(rows);
    }
    tx.batch_execute("rollback to savepoint images").await.map_err(looking())?;
    Ok(Vec::new())
}

pub(super) fn add_key<'a>(keys: &mut Vec<Key<'a>>, promote: &'a Promote, values: Vec<String>) {
    if !keys.iter().any(|(known, own)| known.target == promote.target && *own == values) {
        keys.push((promote, values));
    }
}
