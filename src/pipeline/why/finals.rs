//! What the final tables have of a row, and what runs did to it there.

use tokio_postgres::Transaction;

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
                let context = minijinja::context! { undo => Fragment::new(undo_table.clone()), key => &promote.key };
                let query = render_wrap("why_undo.sql", include_str!("../../../sql/wrap/why_undo.sql"), context)
                    .map_err(crate::relations::RelationsError::from)?;
                tx.batch_execute("savepoint undo").await.map_err(doing("look for before-images"))?;
                match tx.query(&query, &[&values]).await {
                    Ok(rows) => done.extend(rows.iter().map(|row| Done {
                        run: row.get("run_id"),
                        batch: row.get("number"),
                        undo_table: undo_table.clone(),
                        operation: row.get("operation"),
                    })),
                    // An undo table of another shape, or one that was dropped with a run that is accepted.
                    Err(_) => {
                        tx.batch_execute("rollback to savepoint undo")
                            .await
                            .map_err(doing("look for before-images"))?;
                    }
                }
            }
        }
        Ok(())
    }
}

pub(super) fn add_key<'a>(keys: &mut Vec<Key<'a>>, promote: &'a Promote, values: Vec<String>) {
    if !keys.iter().any(|(known, own)| known.target == promote.target && *own == values) {
        keys.push((promote, values));
    }
}
