//! The quarantine of a run and of its retries, and the rows that a retry takes from it.

use std::collections::HashMap;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use tokio_postgres::{GenericClient, Row, Transaction};
use uuid::Uuid;

use super::tables::stored_name;
use crate::db::{DbError, doing};
use crate::names::TableName;
use crate::outcome::{FoundBy, QuarantineGroup, QuarantinedRow, Try};

/// Which rows of a quarantine are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only those of these source tables, by their names in the ledger.
    pub tables: Option<Vec<String>>,
    /// Only those that this check took out.
    pub check: Option<String>,
    /// Only the one of this ordinal.
    pub row: Option<i64>,
}

/// A row in quarantine, whole.
#[derive(Debug, Clone)]
pub struct Quarantined {
    /// Where it is, and why.
    pub entry: QuarantinedRow,
    /// Whether no retry has it in hand.
    pub open: bool,
    /// The retry that has it in hand, or had.
    pub retried_by: Option<Uuid>,
    /// The row as it stood in the file, where it could not be decoded.
    pub raw: Option<Vec<u8>>,
    /// The same in base64.
    pub raw_base64: Option<String>,
    /// How `raw` is written, `copy` or `values`, where that was recorded.
    pub form: Option<String>,
    /// The columns of `raw`, in its order, where that was recorded.
    pub fields: Option<Vec<String>>,
    /// The encoding of `raw`, where that was recorded.
    pub encoding: Option<String>,
    /// The row as it stood in staging: texts and nulls by column.
    pub staged: Option<Map<String, Value>>,
    /// The columns of its staging table, `_row` not among them.
    pub columns: Vec<String>,
    /// Their types: `text`, `bytea` for a digest, or one of pgvector's.
    pub column_types: Vec<String>,
}

/// The newest load, past the retries that came after it.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn quarantine_root(client: &impl GenericClient) -> Result<Option<Uuid>, DbError> {
    let row = client
        .query_opt(include_str!("../../../sql/quarantine_root.sql"), &[])
        .await
        .map_err(doing("look for the newest load"))?;
    Ok(row.map(|row| row.get("id")))
}

/// The source tables of a run and of its retries, by their names in the ledger.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn quarantine_tables(client: &impl GenericClient, run: Uuid) -> Result<Vec<String>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/quarantine_tables.sql"), &[&run])
        .await
        .map_err(doing("read the run's tables"))?;
    Ok(rows.iter().map(|row| row.get("source")).collect())
}

/// Rows in the quarantine of a run and of its retries, by table, check and code.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn quarantine_list_counts(
    client: &impl GenericClient,
    run: Uuid,
    which: &Selection,
) -> Result<Vec<QuarantineGroup>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/quarantine_list_counts.sql"), &[&run, &which.tables, &which.check])
        .await
        .map_err(doing("count the rows in quarantine"))?;
    let group = |row: &Row| QuarantineGroup {
        source: row.get("source"),
        check: row.get("check_name"),
        code: row.get("code"),
        rows: row.get("rows"),
        retried: row.get("retried"),
    };
    Ok(rows.iter().map(group).collect())
}

/// The first open rows of a quarantine, in the order of the source.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn quarantine_list_rows(
    client: &impl GenericClient,
    run: Uuid,
    which: &Selection,
    limit: i64,
) -> Result<Vec<QuarantinedRow>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/quarantine_list_rows.sql"), &[&run, &which.tables, &which.check, &limit])
        .await
        .map_err(doing("read the quarantine"))?;
    Ok(rows.iter().map(entry).collect())
}

/// One row, wherever in the quarantine of a run and of its retries it is: first where it is open.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn quarantine_row(
    client: &impl GenericClient,
    run: Uuid,
    source: &str,
    row: i64,
) -> Result<Vec<Quarantined>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/quarantine_row.sql"), &[&run, &source, &row])
        .await
        .map_err(doing("read a row in quarantine"))?;
    let whole = |row: &Row| Quarantined {
        entry: entry(row),
        open: row.get("open"),
        retried_by: row.get("retried_by"),
        raw: row.get("raw"),
        raw_base64: row.get("raw_base64"),
        form: row.get("form"),
        fields: row.get("fields"),
        encoding: row.get("encoding"),
        staged: row.get::<_, Option<Value>>("staged").and_then(|staged| match staged {
            Value::Object(staged) => Some(staged),
            _ => None,
        }),
        columns: row.get::<_, Option<_>>("columns").unwrap_or_default(),
        column_types: row.get::<_, Option<_>>("column_types").unwrap_or_default(),
    };
    Ok(rows.iter().map(whole).collect())
}

pub(super) fn entry(row: &Row) -> QuarantinedRow {
    QuarantinedRow {
        run: row.get("run_id"),
        source: row.get("source"),
        row: row.get("row"),
        check: row.get("check_name"),
        code: row.get("code"),
        column: row.get("column_name"),
        reason: row.get("reason"),
        line: row.get("line"),
        byte: row.get("byte_offset"),
        at: row.get("at"),
    }
}

/// Every finding of a run on one row, in the order in which the checks ran.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn row_findings(
    client: &impl GenericClient,
    run: Uuid,
    source: &str,
    row: i64,
) -> Result<Vec<FoundBy>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/row_findings.sql"), &[&run, &source, &row])
        .await
        .map_err(doing("read what checks found of a row"))?;
    let found = |row: &Row| FoundBy {
        phase: row.get("phase"),
        check: row.get("check_name"),
        severity: row.get("severity"),
        reason: row.get("reason"),
    };
    Ok(rows.iter().map(found).collect())
}

/// The times that a row of a run was tried again, the first one first.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn row_tries(client: &impl GenericClient, run: Uuid, source: &str, row: i64) -> Result<Vec<Try>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/row_tries.sql"), &[&run, &source, &row])
        .await
        .map_err(doing("read how a row was tried again"))?;
    let tried = |row: &Row| Try {
        run: row.get("run_id"),
        from_run: row.get("from_run"),
        state: if row.get("failed") { "failed".into() } else { row.get("state") },
        started_at: row.get::<_, OffsetDateTime>("started_at"),
        mended: row.get("mended"),
        check: row.get("check_name"),
        reason: row.get("reason"),
    };
    Ok(rows.iter().map(tried).collect())
}

/// Takes the open rows that are meant into a retry, as they are; returns how many. Rows that could not be decoded stay.
///
/// # Errors
/// Fails when the database refuses.
pub async fn quarantine_choose(
    tx: &Transaction<'_>,
    retry: Uuid,
    run: Uuid,
    which: &Selection,
) -> Result<u64, DbError> {
    let statement = include_str!("../../../sql/quarantine_choose.sql");
    tx.execute(statement, &[&retry, &run, &which.tables, &which.check, &which.row])
        .await
        .map_err(doing("take rows from quarantine"))
}

/// Of the open rows that are meant, those that could not be decoded.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn quarantine_unread(client: &impl GenericClient, run: Uuid, which: &Selection) -> Result<i64, DbError> {
    let statement = include_str!("../../../sql/quarantine_unread.sql");
    let row = client
        .query_one(statement, &[&run, &which.tables, &which.check, &which.row])
        .await
        .map_err(doing("count the rows that could not be decoded"))?;
    Ok(row.get("rows"))
}

/// Takes one row into a retry, mended: `staged` is the row as it is tried, `mended` the columns that were given by hand.
///
/// # Errors
/// Fails when the database refuses.
pub async fn quarantine_mend(
    tx: &Transaction<'_>,
    retry: Uuid,
    row: &QuarantinedRow,
    staged: &Value,
    mended: &[String],
) -> Result<(), DbError> {
    tx.execute(
        include_str!("../../../sql/quarantine_mend.sql"),
        &[&retry, &row.source, &row.row, &row.run, staged, &mended],
    )
    .await
    .map_err(doing("take a mended row from quarantine"))?;
    Ok(())
}

/// Marks the rows of a retry where it took them from.
///
/// # Errors
/// Fails when the database refuses.
pub async fn quarantine_mark(tx: &Transaction<'_>, retry: Uuid) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/quarantine_mark.sql"), &[&retry])
        .await
        .map_err(doing("mark the rows in quarantine"))?;
    Ok(())
}

/// Records what a retry is: whose quarantine it reads, and a digest of the rows that it took.
///
/// # Errors
/// Fails when the database refuses.
pub async fn retry_begin(tx: &Transaction<'_>, retry: Uuid, parent: Uuid) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/retry_begin.sql"), &[&retry, &parent])
        .await
        .map_err(doing("record the retry"))?;
    Ok(())
}

/// A table that a retry has rows of, as it was staged.
#[derive(Debug, Clone)]
pub struct RetryTable {
    /// The source table.
    pub source: TableName,
    /// The columns of its staging table, `_row` not among them.
    pub columns: Vec<String>,
    /// Their types: `text`, `bytea` for a digest, or one of pgvector's.
    pub column_types: Vec<String>,
}

/// The tables that a retry has rows of, in the order of their source.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn retry_tables(client: &impl GenericClient, retry: Uuid) -> Result<Vec<RetryTable>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/retry_tables.sql"), &[&retry])
        .await
        .map_err(doing("read the tables of the retry"))?;
    let table = |row: &Row| RetryTable {
        source: stored_name(row.get("source")),
        columns: row.get("columns"),
        column_types: row.get("column_types"),
    };
    Ok(rows.iter().map(table).collect())
}

/// Records what a retry has of one table, as a reader's own numbers; returns the rows.
///
/// # Errors
/// Fails when the database refuses.
pub async fn retry_read(tx: &Transaction<'_>, retry: Uuid, source: &TableName) -> Result<i64, DbError> {
    let row = tx
        .query_one(include_str!("../../../sql/retry_read.sql"), &[&retry, &source.to_string()])
        .await
        .map_err(doing("record what was taken from quarantine"))?;
    Ok(row.get("rows_staged"))
}

/// Whether a run has committed a batch.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn retry_promoted(client: &impl GenericClient, run: Uuid) -> Result<bool, DbError> {
    let row = client
        .query_one(include_str!("../../../sql/retry_promoted.sql"), &[&run])
        .await
        .map_err(doing("read the batches of the retry"))?;
    Ok(row.get("promoted"))
}

/// The last ordinal of each source table of a run: the rows of a retry keep those that they had.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn last_rows(client: &impl GenericClient, run: Uuid) -> Result<HashMap<TableName, i64>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/last_rows.sql"), &[&run])
        .await
        .map_err(doing("read the last rows of the run's tables"))?;
    Ok(rows.iter().map(|row| (stored_name(row.get("source")), row.get("last_row"))).collect())
}
