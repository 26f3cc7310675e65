//! What a run would take of disk, WAL and time, from what a trial has measured. How long an index is built and a service
//! is asked for embeddings is not reckoned: nothing that a trial does tells it.

use std::time::Duration;

use tokio_postgres::Transaction;

use super::PlanError;
use crate::db::catalog::table_exists;
use crate::db::doing;
use crate::db::place::session_table_bytes;
use crate::names::TableName;
use crate::outcome::PlanEstimate;
use crate::project::Project;
use crate::promote::TrialStep;
use crate::stage::TrialStaged;

/// What PostgreSQL adds to a row: its header and its place in the page (manual, "Database Page Layout"), in bytes.
const ROW_OVERHEAD: i64 = 28;
/// An entry of a B-tree index on a few short columns, with its share of half-filled pages, in bytes.
const INDEX_ENTRY: i64 = 64;
/// An undo row of an inserted row: its key, a hash, the run and the batch, in bytes.
const UNDO_ENTRY: i64 = 160;
/// From this size on a table's own indexes say how large they grow beside it, in bytes.
const TELLING: i64 = 1 << 20;
/// A page, in bytes.
const PAGE: i64 = 8192;
/// What is left of it for entries.
const PAGE_ROOM: i64 = 8152;
/// What an HNSW index keeps with a vector: headers, and 32 neighbours of 6 bytes each at the lowest level (pgvector's default of
/// `m` = 16), in bytes.
const HNSW_NEIGHBOURS: i64 = 260;

/// Reckons what a run would take.
///
/// # Errors
/// The database does not answer.
pub(super) async fn estimate(
    tx: &Transaction<'_>,
    project: &Project,
    staged: &TrialStaged,
    steps: &[TrialStep],
    check_time: Duration,
    compare_time: Duration,
) -> Result<PlanEstimate, PlanError> {
    let mut sum = PlanEstimate { stage_ms: millis(staged.elapsed), check_ms: millis(check_time), ..Default::default() };
    for table in &staged.tables {
        sum.staging_bytes += session_table_bytes(tx, &table.staged_as).await?;
    }
    for step in steps {
        let new = if step.deletes { 0 } else { step.incoming - step.existing };
        let changed = if step.deletes { step.existing } else { step.differing };
        let written = if step.deletes { 0 } else { step.bytes_written + (new + changed) * ROW_OVERHEAD };
        sum.target_bytes += written;
        sum.undo_bytes += step.bytes_replaced + (new + changed) * UNDO_ENTRY;
        if new + changed > 0 && !step.deletes {
            let schema = step.target.schema.as_deref().unwrap_or("public");
            let share = include_str!("../../sql/trial_index_share.sql");
            let row = tx
                .query_one(share, &[&schema, &step.target.table])
                .await
                .map_err(doing(format!("measure the indexes of {}", step.target)))?;
            let (table, indexes): (i64, i64) = (row.get("table_bytes"), row.get("index_bytes"));
            sum.index_bytes += if table >= TELLING {
                scaled(indexes, written, table)
            } else {
                (new + changed) * row.get::<_, i64>("indexes") * INDEX_ENTRY
            };
        }
    }
    for index in &project.index {
        let rows: i64 = steps
            .iter()
            .filter(|step| step.target == index.on && !step.deletes)
            .map(|step| step.incoming - step.existing + step.differing)
            .sum();
        let schema = index.on.schema.as_deref().unwrap_or("public");
        // One that is there already grows with the others.
        if table_exists(tx, &TableName::new(schema, index.file.name.as_str())).await? {
            continue;
        }
        sum.indexes_built.push(index.file.name.clone());
        match vector_bytes(&project.render_plain(&index.file)?) {
            Some(width) => sum.index_bytes += rows * hnsw_row(width),
            None => sum.indexes_left_out.push(index.file.name.clone()),
        }
    }
    sum.wal_bytes = sum.target_bytes + sum.index_bytes + sum.undo_bytes;
    let writing = scaled(sum.stage_ms, sum.wal_bytes, sum.staging_bytes.max(1));
    sum.promote_ms = millis(compare_time) + writing;
    Ok(sum)
}

/// Width of the vectors that an index is on, from the text of its statement: `halfvec(3072)` or `vector(768)`, in bytes.
fn vector_bytes(statement: &str) -> Option<i64> {
    let width = |word: &str, bytes: i64| {
        let rest = statement.split_once(word)?.1;
        let digits = rest.split_once(')')?.0;
        Some(digits.trim().parse::<i64>().ok()? * bytes)
    };
    width("halfvec(", 2).or_else(|| width("vector(", 4))
}

/// What a vector takes in an HNSW index. An entry never spans two pages, so that of a wide vector takes a page of its own.
fn hnsw_row(vector_bytes: i64) -> i64 {
    let entry = vector_bytes + 16;
    let per_page = (PAGE_ROOM / entry).max(1);
    PAGE / per_page + HNSW_NEIGHBOURS
}

/// `value` × `part` / `whole`, without an overflow on the way.
fn scaled(value: i64, part: i64, whole: i64) -> i64 {
    i64::try_from(i128::from(value) * i128::from(part) / i128::from(whole)).unwrap_or(i64::MAX)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_vector_takes_a_page_of_an_index() {
        assert_eq!(vector_bytes("using hnsw ((embedding::halfvec(3072)) halfvec_cosine_ops)"), Some(6144));
        assert_eq!(vector_bytes("using hnsw ((v::vector(768)))"), Some(3072));
        assert_eq!(vector_bytes("using gin (body)"), None);
        assert_eq!(hnsw_row(6144), PAGE + HNSW_NEIGHBOURS);
        assert_eq!(hnsw_row(3072), PAGE / 2 + HNSW_NEIGHBOURS);
    }
}
