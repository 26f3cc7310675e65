//! What one run did with a row.

use serde_json::{Map, Value};
use tokio_postgres::Transaction;

use super::{Done, Place};
use crate::db::catalog::staging_tables;
use crate::db::doing;
use crate::db::ledger::{
    SourceTable, row_findings, row_tries, why_batches, why_chunk, why_merged, why_quarantine, why_retry,
};
use crate::names::staging_table;
use crate::outcome::{ColumnValue, Fate, FateBatch, RunSummary};
use crate::pipeline::PipelineError;
use crate::template::{Fragment, render_wrap};

/// What one run did with a row, or with a key whose row is not known any more.
pub(super) async fn fate(
    tx: &Transaction<'_>,
    place: &Place<'_>,
    row: Option<(&String, i64)>,
    done: &[&Done],
) -> Result<Fate, PipelineError> {
    let run = place.run;
    let named: Vec<i64> = done.iter().map(|done| done.batch).collect();
    let mut fate = Fate {
        run: RunSummary::from(run.clone()),
        source: row.map(|(source, _)| source.clone()),
        row: row.map(|(_, row)| row),
        line: None,
        byte: None,
        chunk: None,
        in_staging: false,
        staged: Vec::new(),
        retried_from: None,
        mended: Vec::new(),
        found_by: Vec::new(),
        quarantine: None,
        tries: Vec::new(),
        merged_into: None,
        took_from: Vec::new(),
        batches: Vec::new(),
        verdict: String::new(),
    };
    if let Some((source, row)) = row {
        let table = place.tables.iter().find(|table| table.source.to_string() == *source);
        let columns = table.map(|table| table.columns.as_slice()).unwrap_or_default();
        if let Some((chunk, line, byte)) = why_chunk(tx, run.id, source, row).await? {
            (fate.chunk, fate.line, fate.byte) = (Some(chunk), line, byte);
        }
        fate.found_by = row_findings(tx, run.id, source, row).await?;
        (fate.merged_into, fate.took_from) = why_merged(tx, run.id, source, row).await?;
        fate.tries = row_tries(tx, run.id, source, row).await?;
        if let Some(retried) = why_retry(tx, run.id, source, row).await? {
            fate.retried_from = Some(retried.from_run);
            fate.mended = retried.mended;
            fate.staged = values_of(columns, &retried.staged.unwrap_or_default());
        }
        if let Some((entry, staged)) = why_quarantine(tx, run.id, source, row).await? {
            (fate.line, fate.byte) = (entry.line.or(fate.line), entry.byte.or(fate.byte));
            fate.quarantine = Some(entry);
            if let Some(staged) = staged {
                fate.staged = values_of(columns, &staged);
            }
        }
        if let Some(table) = table.filter(|_| place.staged)
            && let Some(staged) = staged_row(tx, table, row).await?
        {
            fate.in_staging = true;
            fate.staged = values_of(columns, &staged);
        }
    }
    let place = row.map(|(source, row)| (source.as_str(), row));
    let is_out = fate.quarantine.is_some() || fate.merged_into.is_some();
    for (mut batch, undo_table) in why_batches(tx, run.id, place, &named).await? {
        let noted = done.iter().find(|done| done.batch == batch.number);
        batch.operation = match noted {
            Some(done) if undo_table.as_deref() == Some(&done.undo_table) => Some(done.operation.clone()),
            // Nothing was noted of it, in a batch that was committed and whose before-images are kept: it was as it is.
            _ if batch.state == "done" && !is_out && run.accepted_at.is_none() => Some("unchanged".to_owned()),
            _ => None,
        };
        // The range of a batch spans rows that are out, too; they were not in it.
        if noted.is_some() || !is_out {
            fate.batches.push(batch);
        }
    }
    fate.verdict = verdict(&fate);
    Ok(fate)
}

/// What became of a row, in a sentence.
fn verdict(fate: &Fate) -> String {
    if let Some(entry) = &fate.quarantine {
        let out = format!("taken out by {}: {}", entry.check, entry.reason);
        return match fate.tries.last() {
            Some(tried) => format!("{out}; tried again by run {}", tried.run),
            None => out,
        };
    }
    if let Some(into) = &fate.merged_into {
        return format!("merged into row {} of {} by duplicate rule {}", into.row, into.source, into.rule);
    }
    let told = |batch: &FateBatch| {
        let word = match (batch.state.as_str(), batch.operation.as_deref()) {
            ("rolled_back", _) => "taken back",
            ("done", Some("insert")) => "inserted",
            ("done", Some("update")) => "updated",
            ("done", Some("delete")) => "deleted",
            ("done", Some("unchanged")) => "found unchanged",
            ("done", _) => "promoted",
            ("failed", _) => "not promoted: the batch failed",
            _ => "not promoted yet",
        };
        format!("{word} in {} by batch {}", batch.target, batch.number)
    };
    if fate.batches.is_empty() {
        return match fate.run.state.as_str() {
            "done" | "promoted" => "staged, and no further: no transform promotes it".to_owned(),
            state => format!("not promoted: the run is {state}"),
        };
    }
    fate.batches.iter().map(told).collect::<Vec<_>>().join("; ")
}

/// A row as it is in staging.
async fn staged_row(
    tx: &Transaction<'_>,
    table: &SourceTable,
    row: i64,
) -> Result<Option<Map<String, Value>>, PipelineError> {
    if !staging_tables(tx).await?.iter().any(|known| known.ours && known.name == table.staged_as) {
        return Ok(None);
    }
    let context = minijinja::context! { staged => Fragment::new(staging_table(&table.staged_as)) };
    let query = render_wrap("why_staged.sql", include_str!("../../../sql/wrap/why_staged.sql"), context)
        .map_err(crate::relations::RelationsError::from)?;
    let found = tx.query_opt(&query, &[&row]).await.map_err(doing("look for a row in staging"))?;
    Ok(found.map(|row| object(row.get("staged"))))
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(object) = value { object } else { Map::new() }
}

/// Columns of a staged row in their order, each with its value: texts and nulls, as staging has them.
fn values_of(columns: &[String], row: &Map<String, Value>) -> Vec<ColumnValue> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let known = columns.iter().filter_map(|column| row.get_key_value(column));
    known.map(|(column, value)| ColumnValue { column: column.clone(), value: text(value) }).collect()
}
