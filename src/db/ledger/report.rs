//! The outcome of a run, read back from the ledger.

use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use super::journal::EventKind;
use super::pace;
use super::read::query;
use super::run::{Run, runs};
use crate::db::{DbError, doing};
use crate::names::{STAGING_SCHEMA, TableName};
use crate::outcome::{
    BatchCount, CheckResult, DuplicateCount, FORMAT, Finding, PhaseTime, QuarantineCount, Report, RunSummary, Severity,
    StatementCount, TableBooks, TargetCount, Throughput,
};

/// Rows shown of each check.
const SAMPLES_OF_EACH_CHECK: i64 = 5;

/// Everything the ledger knows of a run; `None` when it has no such run.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn report(client: &impl GenericClient, run: Uuid) -> Result<Option<Report>, DbError> {
    let Some(found) = runs(client, Some(run), 1).await?.pop() else { return Ok(None) };
    let tables = books(client, run).await?;
    let phases = phases(client, run).await?;
    let throughput = throughput(&found, &tables, &phases);
    Ok(Some(Report {
        format: FORMAT,
        run: summary(found),
        plan: super::run_plan(client, run).await?,
        tables,
        checks: checks(client, run).await?,
        quarantine: quarantine(client, run).await?,
        samples: samples(client, run).await?,
        duplicates: duplicates(client, run).await?,
        embeddings: super::embedding_counts(client, run).await?,
        embedding_cost: super::embedding_spent(client, run).await?,
        targets: target_counts(client, run).await?,
        batches: batch_counts(client, run).await?,
        migrations: events(client, run, EventKind::Migration).await?,
        other_statements: statements(client, run).await?,
        phases,
        throughput,
        pace: pace::pace(client, run).await?,
        memory: pace::memory(client, run).await?,
        batch_times: pace::batch_times(client, run).await?,
        batch_spread: pace::batch_spread(client, run).await?,
        digests: pace::source_digests(client, run).await?,
        environment: pace::run_environment(client, run).await?,
        warnings: events(client, run, EventKind::Warning).await?,
        events: super::run_events(client, run).await?,
    }))
}

/// A run as reports show it.
fn summary(run: Run) -> RunSummary {
    RunSummary {
        id: run.id,
        project: run.project,
        source: run.source,
        source_sha256: run.source_sha256.unwrap_or_default(),
        state: if run.error.is_some() { "failed".into() } else { run.state.as_str().into() },
        started_at: run.started_at,
        finished_at: run.finished_at,
        complete: run.complete,
        error: run.error,
        parent: run.parent,
        accepted_at: run.accepted_at,
    }
}

impl From<Run> for RunSummary {
    fn from(run: Run) -> Self {
        summary(run)
    }
}

/// The books of a run, one line a source table.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn books(client: &impl GenericClient, run: Uuid) -> Result<Vec<TableBooks>, DbError> {
    let rows = query(client, include_str!("../../../sql/books.sql"), run).await?;
    Ok(rows.iter().map(line).collect())
}

/// One line of the books.
fn line(row: &Row) -> TableBooks {
    let staged_as: String = row.get("staged_as");
    let (read, staged, quarantined) =
        (row.get::<_, i64>("rows_read"), row.get::<_, i64>("rows_staged"), row.get::<_, i64>("rows_quarantined"));
    let (inserted, updated, unchanged) =
        (row.get::<_, i64>("rows_inserted"), row.get::<_, i64>("rows_updated"), row.get::<_, i64>("rows_unchanged"));
    let merged: i64 = row.get("rows_merged");
    // Batches laid out mean that a transform promotes this table; until the last is done, the books show what was read.
    let used = row.get::<_, i64>("batches") > 0;
    let taken_back = row.get::<_, i64>("batches") == row.get::<_, i64>("batches_rolled_back");
    let balanced = if used && !taken_back {
        read == inserted + updated + unchanged + merged + quarantined
    } else {
        read == staged + row.get::<_, i64>("rows_rejected")
    };
    TableBooks {
        source: row.get("source"),
        staged_as: format!("{STAGING_SCHEMA}.{}", TableName::unqualified(staged_as)),
        rows_read: read,
        rows_staged: staged,
        rows_inserted: inserted,
        rows_updated: updated,
        rows_unchanged: unchanged,
        rows_merged: merged,
        rows_quarantined: quarantined,
        used,
        balanced,
    }
}

async fn checks(client: &impl GenericClient, run: Uuid) -> Result<Vec<CheckResult>, DbError> {
    let rows = query(client, include_str!("../../../sql/check_results.sql"), run).await?;
    Ok(rows
        .iter()
        .map(|row| CheckResult {
            name: row.get("name"),
            phase: row.get("phase"),
            on: row.get("on_relation"),
            // The column's CHECK constraint admits no other word.
            severity: row.get::<_, &str>("severity").parse().unwrap_or(Severity::Error),
            rows_examined: row.get("rows_examined"),
            rows_failed: row.get("rows_failed"),
            elapsed_ms: row.get("elapsed_ms"),
            skipped: row.get("skipped"),
        })
        .collect())
}

async fn quarantine(client: &impl GenericClient, run: Uuid) -> Result<Vec<QuarantineCount>, DbError> {
    let rows = query(client, include_str!("../../../sql/quarantine_counts.sql"), run).await?;
    Ok(rows
        .iter()
        .map(|row| QuarantineCount {
            source: row.get("source"),
            check: row.get("check_name"),
            code: row.get("code"),
            rows: row.get("rows"),
        })
        .collect())
}

async fn samples(client: &impl GenericClient, run: Uuid) -> Result<Vec<Finding>, DbError> {
    let decoded = client
        .query(include_str!("../../../sql/decode_samples.sql"), &[&run, &SAMPLES_OF_EACH_CHECK])
        .await
        .map_err(doing("read samples of rows in quarantine"))?;
    let found = client
        .query(include_str!("../../../sql/finding_samples.sql"), &[&run, &SAMPLES_OF_EACH_CHECK])
        .await
        .map_err(doing("read samples of what the checks found"))?;
    let decoded = decoded.iter().map(|row| Finding {
        source: row.get("source"),
        row: row.get("row"),
        subject: None,
        check: row.get("check_name"),
        reason: row.get("reason"),
        line: row.get("line"),
    });
    let found = found.iter().map(|row| Finding {
        source: row.get("source"),
        row: row.get("row"),
        subject: row.get("subject"),
        check: row.get("check_name"),
        reason: row.get("reason"),
        line: None,
    });
    Ok(decoded.chain(found).collect())
}

async fn duplicates(client: &impl GenericClient, run: Uuid) -> Result<Vec<DuplicateCount>, DbError> {
    let rows = query(client, include_str!("../../../sql/merged_counts.sql"), run).await?;
    Ok(rows
        .iter()
        .map(|row| DuplicateCount { rule: row.get("rule"), source: row.get("source"), rows: row.get("rows") })
        .collect())
}

/// What a run has written, one line a promote transform.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn target_counts(client: &impl GenericClient, run: Uuid) -> Result<Vec<TargetCount>, DbError> {
    let rows = query(client, include_str!("../../../sql/target_counts.sql"), run).await?;
    Ok(rows
        .iter()
        .map(|row| TargetCount {
            transform: row.get("transform"),
            target: row.get("target"),
            batches: row.get("batches"),
            rows_inserted: row.get("rows_inserted"),
            rows_updated: row.get("rows_updated"),
            rows_unchanged: row.get("rows_unchanged"),
            rows_deleted: row.get("rows_deleted"),
        })
        .collect())
}

/// The batches of a run, by their state.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn batch_counts(client: &impl GenericClient, run: Uuid) -> Result<BatchCount, DbError> {
    let rows = query(client, include_str!("../../../sql/batch_counts.sql"), run).await?;
    Ok(rows.first().map_or_else(BatchCount::default, |row| BatchCount {
        done: row.get("done"),
        failed: row.get("failed"),
        pending: row.get("pending"),
        retried: row.get("retried"),
        rolled_back: row.get("rolled_back"),
    }))
}

async fn statements(client: &impl GenericClient, run: Uuid) -> Result<Vec<StatementCount>, DbError> {
    let rows = query(client, include_str!("../../../sql/source_statements.sql"), run).await?;
    Ok(rows.iter().map(|row| StatementCount { kind: row.get("kind"), count: row.get("count") }).collect())
}

async fn phases(client: &impl GenericClient, run: Uuid) -> Result<Vec<PhaseTime>, DbError> {
    let rows = query(client, include_str!("../../../sql/phases.sql"), run).await?;
    let phase = |row: &Row| PhaseTime {
        phase: row.get("phase"),
        elapsed_ms: row.get("elapsed_ms"),
        summary: row.get("summary"),
    };
    Ok(rows.iter().map(phase).collect())
}

async fn events(client: &impl GenericClient, run: Uuid, kind: EventKind) -> Result<Vec<String>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/events.sql"), &[&run, &kind.as_str()])
        .await
        .map_err(doing("read the run's events"))?;
    Ok(rows.iter().map(|row| row.get("message")).collect())
}

/// Speed over the time of all phases together, so that waiting between two commands of one run does not count.
#[expect(clippy::cast_precision_loss, reason = "rates for people; no count here comes near 2^52")]
fn throughput(run: &Run, tables: &[TableBooks], phases: &[PhaseTime]) -> Throughput {
    let seconds = phases.iter().map(|phase| phase.elapsed_ms).sum::<i64>() as f64 / 1000.0;
    let read: i64 = tables.iter().map(|table| table.rows_read).sum();
    let promoted: i64 =
        tables.iter().map(|table| table.rows_inserted + table.rows_updated + table.rows_unchanged).sum();
    let per_second = |rows: i64| if seconds > 0.0 { rows as f64 / seconds } else { 0.0 };
    Throughput {
        rows_per_second: per_second(read),
        documents_per_minute: per_second(promoted) * 60.0,
        seconds,
        peak_rss_bytes: run.peak_rss_bytes,
    }
}
