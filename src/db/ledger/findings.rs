//! What checks found, and the rows that were taken out, in the ledger.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use tokio_postgres::Transaction;
use uuid::Uuid;

use super::{count, milliseconds};
use crate::db::{DbError, doing};
use crate::names::TableName;
use crate::outcome::Severity;

/// A row that could not be decoded.
#[derive(Debug, Clone)]
pub struct DecodeReject {
    /// Ordinal in its source table, from 1.
    pub row: u64,
    /// Stable code of the error.
    pub code: &'static str,
    /// The column, where the error is one column's.
    pub column: Option<String>,
    /// What is wrong.
    pub reason: String,
    /// Line in the source's text, from 1.
    pub line: u64,
    /// Byte offset in the source's text, from 0.
    pub byte: u64,
    /// The row as it stood in the file; its beginning, where it was over the limit.
    pub raw: Vec<u8>,
}

/// How the rows of a chunk are written in the source: what is needed to read one of them again.
#[derive(Debug, Clone)]
pub struct Written {
    /// `copy` as `pg_dump` writes it, `values`, or `values_escaped` where a backslash is none; none for any other form.
    pub form: Option<&'static str>,
    /// The columns in the order of the fields, by their names in staging.
    pub fields: Vec<String>,
    /// The encoding, as PostgreSQL names it.
    pub encoding: &'static str,
}

/// Puts rows that could not be decoded into quarantine, in the transaction that stages their neighbours.
///
/// # Errors
/// Fails when the database refuses the rows.
pub async fn quarantine_decoded(
    tx: &Transaction<'_>,
    run: Uuid,
    source: &TableName,
    rejects: &[DecodeReject],
    written: &Written,
) -> Result<(), DbError> {
    let rows: Vec<i64> = rejects.iter().map(|reject| count(reject.row)).collect();
    let codes: Vec<&str> = rejects.iter().map(|reject| reject.code).collect();
    let columns: Vec<Option<&str>> = rejects.iter().map(|reject| reject.column.as_deref()).collect();
    let reasons: Vec<&str> = rejects.iter().map(|reject| reject.reason.as_str()).collect();
    let lines: Vec<i64> = rejects.iter().map(|reject| count(reject.line)).collect();
    let bytes: Vec<i64> = rejects.iter().map(|reject| count(reject.byte)).collect();
    let raw: Vec<&[u8]> = rejects.iter().map(|reject| reject.raw.as_slice()).collect();
    tx.execute(
        include_str!("../../../sql/quarantine_decoded.sql"),
        &[
            &run,
            &source.to_string(),
            &rows,
            &codes,
            &columns,
            &reasons,
            &lines,
            &bytes,
            &raw,
            &written.form,
            &written.fields,
            &written.encoding,
        ],
    )
    .await
    .map_err(doing("put undecodable rows into quarantine"))?;
    Ok(())
}

/// One row that a check found.
#[derive(Debug, Clone, Default)]
pub struct FoundRow {
    /// Its ordinal in the source table, where it is a row of the source.
    pub row: Option<i64>,
    /// What names it otherwise.
    pub subject: Option<String>,
    /// What is wrong with it.
    pub reason: String,
}

/// Records rows that a check found.
///
/// # Errors
/// Fails when the database refuses the rows.
pub async fn finding_insert(
    tx: &Transaction<'_>,
    run: Uuid,
    phase: &str,
    check: &str,
    on: &str,
    found: &[FoundRow],
) -> Result<(), DbError> {
    let rows: Vec<Option<i64>> = found.iter().map(|finding| finding.row).collect();
    let subjects: Vec<Option<&str>> = found.iter().map(|finding| finding.subject.as_deref()).collect();
    let reasons: Vec<&str> = found.iter().map(|finding| finding.reason.as_str()).collect();
    tx.execute(
        include_str!("../../../sql/finding_insert.sql"),
        &[&run, &phase, &check, &on, &rows, &subjects, &reasons],
    )
    .await
    .map_err(doing("record what a check found"))?;
    Ok(())
}

/// The result of one check, duplicate rule or validation.
#[derive(Debug, Clone)]
pub struct CheckRecord<'a> {
    /// `check`, `dedup` or `validate`.
    pub phase: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The table it looked at.
    pub on: Cow<'a, str>,
    /// Its place in the order.
    pub ordinal: i32,
    /// What its findings mean.
    pub severity: Severity,
    /// Rows looked at.
    pub examined: i64,
    /// Rows found.
    pub failed: i64,
    /// Time the query took.
    pub elapsed: Duration,
    /// Why it did not run.
    pub skipped: Option<&'a str>,
}

/// Records results of checks.
///
/// # Errors
/// Fails when the database refuses a row.
pub async fn check_result_insert(tx: &Transaction<'_>, run: Uuid, records: &[CheckRecord<'_>]) -> Result<(), DbError> {
    fn each<'r, T>(records: &'r [CheckRecord<'_>], of: impl Fn(&'r CheckRecord<'_>) -> T) -> Vec<T> {
        records.iter().map(of).collect()
    }
    tx.execute(
        include_str!("../../../sql/check_result_insert.sql"),
        &[
            &run,
            &each(records, |record| record.phase),
            &each(records, |record| record.name),
            &each(records, |record| &*record.on),
            &each(records, |record| record.ordinal),
            &each(records, |record| record.severity.as_str()),
            &each(records, |record| record.examined),
            &each(records, |record| record.failed),
            &each(records, |record| milliseconds(record.elapsed)),
            &each(records, |record| record.skipped),
        ],
    )
    .await
    .map_err(doing("record the results of checks"))?;
    Ok(())
}

/// Results of checks, until they are recorded together: a transaction for each would cost more than many a
/// check.
#[derive(Debug, Default)]
pub struct CheckResults<'a> {
    waiting: Vec<CheckRecord<'a>>,
    since: Option<Instant>,
}

impl<'a> CheckResults<'a> {
    /// Longest time that a result waits when others follow: whoever watches the run from elsewhere reads the ledger.
    const LONGEST: Duration = Duration::from_millis(500);

    /// Keeps one more; says whether it is time to record them.
    pub fn keep(&mut self, record: CheckRecord<'a>) -> bool {
        self.waiting.push(record);
        self.since.get_or_insert_with(Instant::now).elapsed() > Self::LONGEST
    }

    /// Records what was kept.
    ///
    /// # Errors
    /// Fails when the database refuses the rows.
    pub async fn write(&mut self, tx: &Transaction<'_>, run: Uuid) -> Result<(), DbError> {
        if !self.waiting.is_empty() {
            check_result_insert(tx, run, &self.waiting).await?;
        }
        self.waiting.clear();
        self.since = None;
        Ok(())
    }
}

/// Forgets what an earlier try of these phases found; rows that the decoder rejected stay.
///
/// # Errors
/// Fails when the database refuses.
pub async fn check_forget(tx: &Transaction<'_>, run: Uuid, phases: &[&str]) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/check_forget.sql"), &[&run, &phases])
        .await
        .map_err(doing("forget an earlier try's findings"))?;
    Ok(())
}
