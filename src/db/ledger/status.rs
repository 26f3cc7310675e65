//! How far a run has come, read from the ledger in one snapshot.

use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Transaction};
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row};
use uuid::Uuid;

use super::report::{batch_counts, books};
use super::run::{Run, runs};
use crate::db::lock::{KEY_CLASS, LockKind};
use crate::db::{DbError, doing};
use crate::limits::MaxRejects;
use crate::outcome::progress::{Committed, Progress, RECENT_SECONDS, Stint, float};
use crate::outcome::status::{
    Activity, CheckRejects, EmbeddingProgress, LATENCY_BOUNDS_MS, Latency, PhaseSpent, Process, Rejects, ServerUse,
    TargetWritten,
};
use crate::outcome::{FORMAT, RunSummary, Share, Status, TargetProgress};

/// A process that was not heard of for so long is silent: several of its beats are missing.
const SILENT_AFTER: Duration = Duration::from_secs(15);

/// The same of a conductor whose lock nobody holds.
const UNLOCKED_AFTER: Duration = Duration::from_secs(3);

/// How long one of the statements may take: whoever looks must not be a burden.
const PATIENCE: &str = "5s";

/// How far a run has come; `None` when the ledger has no such run, or none at all where no one is named.
///
/// All of it is of one moment: the statements share a snapshot.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn status(client: &mut ClientWrapper, run: Option<Uuid>) -> Result<Option<Status>, DbError> {
    let doing = || doing("read how far the run is");
    let builder = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let tx = builder.start().await.map_err(doing())?;
    query(&tx, include_str!("../../../sql/status_settings.sql"), &[&PATIENCE]).await?;
    let status = match runs(&*tx, run, 1).await?.pop() {
        Some(run) => read(&tx, run).await?,
        None => None,
    };
    tx.rollback().await.map_err(doing())?;
    Ok(status)
}

async fn read(tx: &Transaction<'_>, run: Run) -> Result<Option<Status>, DbError> {
    let id = run.id;
    let is_final = run.state.is_final();
    let run = RunSummary::from(run);
    let stints: Vec<Worked> =
        query(tx, include_str!("../../../sql/status_stints.sql"), &[&id]).await?.iter().map(Worked::from_row).collect();
    let present = stints.iter().rev().find(|worked| worked.stint.conducts);
    let while_seconds = present.map_or(RECENT_SECONDS, |worked| worked.stint.seconds.min(RECENT_SECONDS));
    let since = stints.first().map_or_else(OffsetDateTime::now_utc, |worked| worked.now)
        - time::Duration::seconds_f64(while_seconds);

    let work = query(tx, include_str!("../../../sql/status_work.sql"), &[&id, &since]).await?;
    let Some(work) = work.first() else { return Ok(None) };
    let at: OffsetDateTime = work.get("now");
    let committed = committed(work);
    let (server, is_conducted) = server(tx).await?;
    let now = present.filter(|worked| !worked.stint.ended);
    // A conductor that is gone has left its lock: that is seen before the missing beats are.
    let beats = |worked: &&Worked| {
        let held = is_conducted || !worked.stint.conducts || worked.silent_seconds < UNLOCKED_AFTER.as_secs_f64();
        held && worked.silent_seconds < SILENT_AFTER.as_secs_f64()
    };
    let failed = run.error.is_some();
    let activity = match now {
        _ if is_final => Activity::Ended,
        Some(worked) if beats(&worked) => Activity::Working,
        None if is_conducted => Activity::Working,
        _ if failed => Activity::Ended,
        Some(_) => Activity::Silent,
        None => Activity::Idle,
    };
    let plain: Vec<Stint> = stints.iter().map(|worked| worked.stint.clone()).collect();
    let progress = if activity == Activity::Ended { None } else { Progress::of(&plain, &committed) };
    let last_heard_at = stints.iter().map(|worked| worked.beat_at).max();
    let moved = stints.iter().map(|worked| worked.progress_at).max();
    let committed_at: OffsetDateTime = work.get("progress_at");
    let mut busy = now.map(|worked| worked.busy.clone()).unwrap_or_default();
    busy.sort_by(|one, other| other.share.total_cmp(&one.share));
    let processes = stints.iter().filter(|worked| {
        !worked.stint.ended && !is_final && (beats(worked) || now.is_some_and(|now| std::ptr::eq(now, *worked)))
    });
    let (batch_seconds, request_seconds) = latencies(tx, id).await?;
    let retries: i64 = stints.iter().map(|worked| worked.retries).sum();
    let budget = present.and_then(|worked| worked.max_rejects);
    let exit_code: Option<i16> = work.get("exit_code");
    Ok(Some(Status {
        format: FORMAT,
        at,
        exit_code: exit_code.and_then(|code| u8::try_from(code).ok()),
        activity,
        progress,
        phases: spent(&plain),
        tables: books(&**tx, id).await?,
        targets: targets(tx, id).await?,
        written: written(tx, id).await?,
        batches: batch_counts(&**tx, id).await?,
        batch_seconds,
        rows_read: committed.rows_read,
        rows_staged: work.get("rows_staged"),
        chunks: work.get("chunks"),
        source_bytes_done: committed.source_bytes,
        source_bytes: committed.source_total,
        rejects: rejects(tx, id, budget, committed.rows_read).await?,
        retries: retries + work.get::<_, i64>("batch_retries"),
        embeddings: EmbeddingProgress {
            requests: work.get("requests"),
            vectors: work.get("vectors"),
            tokens: work.get("tokens"),
            cost: work.get("cost"),
            request_seconds,
        },
        busy,
        processes: processes.map(|worked| worked.process.clone()).collect(),
        server,
        is_conducted: is_conducted && !is_final,
        last_progress_at: moved.map_or(committed_at, |moved| moved.max(committed_at)),
        last_heard_at,
        run,
    }))
}

/// A stint as the ledger has it.
struct Worked {
    stint: Stint,
    process: Process,
    retries: i64,
    busy: Vec<Share>,
    max_rejects: Option<MaxRejects>,
    beat_at: OffsetDateTime,
    progress_at: OffsetDateTime,
    silent_seconds: f64,
    now: OffsetDateTime,
}

impl Worked {
    fn from_row(row: &Row) -> Self {
        let (now, started_at, beat_at): (OffsetDateTime, OffsetDateTime, OffsetDateTime) =
            (row.get("now"), row.get("started_at"), row.get("beat_at"));
        let ended_at: Option<OffsetDateTime> = row.get("ended_at");
        let silent_seconds = (now - beat_at).as_seconds_f64();
        // Of one that is silent nobody knows more than that it was at work until then.
        let until = match ended_at {
            Some(ended_at) => ended_at,
            None if silent_seconds < SILENT_AFTER.as_secs_f64() => now,
            None => beat_at,
        };
        let phase: String = row.get("phase");
        let role: String = row.get("role");
        let busy: Option<serde_json::Value> = row.get("busy");
        let max_rejects: Option<String> = row.get("max_rejects");
        Self {
            stint: Stint {
                phase: phase.clone(),
                conducts: role == "conductor",
                doing: row.get("doing"),
                done: row.get("done"),
                total: row.get("total"),
                seconds: (until - started_at).as_seconds_f64(),
                ended: ended_at.is_some(),
            },
            process: Process {
                role,
                host: row.get("host"),
                pid: row.get("pid"),
                phase,
                workers: row.get("workers"),
                rss_bytes: row.get("rss_bytes"),
                peak_rss_bytes: row.get("peak_rss_bytes"),
                silent_seconds,
            },
            retries: row.get("retries"),
            busy: busy.and_then(|busy| serde_json::from_value(busy).ok()).unwrap_or_default(),
            max_rejects: max_rejects.and_then(|text| text.parse().ok()),
            beat_at,
            progress_at: row.get("progress_at"),
            silent_seconds,
            now,
        }
    }
}

fn committed(work: &Row) -> Committed {
    Committed {
        source_bytes: work.get("stored_bytes"),
        source_bytes_recent: work.get("stored_bytes_since"),
        source_total: work.get("source_bytes"),
        rows_read: work.get("rows_read"),
        rows_read_recent: work.get("rows_read_since"),
        rows_done: work.get("rows_done"),
        rows_planned: work.get("rows_planned"),
        rows_done_recent: work.get("rows_done_since"),
    }
}

/// Time of each phase, in the order in which they were begun first.
fn spent(stints: &[Stint]) -> Vec<PhaseSpent> {
    let mut phases: Vec<PhaseSpent> = Vec::new();
    for stint in stints.iter().filter(|stint| stint.conducts) {
        if let Some(known) = phases.iter_mut().find(|known| known.phase == stint.phase) {
            known.seconds += stint.seconds;
            known.tries += 1;
        } else {
            phases.push(PhaseSpent { phase: stint.phase.clone(), seconds: stint.seconds, tries: 1 });
        }
    }
    phases
}

async fn targets(tx: &Transaction<'_>, run: Uuid) -> Result<Vec<TargetProgress>, DbError> {
    let rows = query(tx, include_str!("../../../sql/target_progress.sql"), &[&run]).await?;
    let target = |row: &Row| TargetProgress {
        target: row.get("target"),
        batches_done: row.get("batches_done"),
        batches_planned: row.get("batches_planned"),
        rows_done: row.get("rows_done"),
        rows_planned: row.get("rows_planned"),
    };
    Ok(rows.iter().map(target).collect())
}

async fn written(tx: &Transaction<'_>, run: Uuid) -> Result<Vec<TargetWritten>, DbError> {
    let rows = query(tx, include_str!("../../../sql/status_written.sql"), &[&run]).await?;
    let target = |row: &Row| TargetWritten {
        target: row.get("target"),
        inserted: row.get("inserted"),
        updated: row.get("updated"),
        unchanged: row.get("unchanged"),
        deleted: row.get("deleted"),
    };
    Ok(rows.iter().map(target).collect())
}

async fn rejects(
    tx: &Transaction<'_>,
    run: Uuid,
    budget: Option<MaxRejects>,
    rows_read: i64,
) -> Result<Rejects, DbError> {
    let rows = query(tx, include_str!("../../../sql/status_rejects.sql"), &[&run]).await?;
    let by_check: Vec<CheckRejects> =
        rows.iter().map(|row| CheckRejects { check: row.get("check_name"), rows: row.get("rows") }).collect();
    let allowed = budget.map(|budget| match budget {
        MaxRejects::Count(most) => super::count(most),
        #[expect(clippy::cast_possible_truncation, reason = "a share of the rows is no more than the rows")]
        MaxRejects::Percent(most) => (float(rows_read) * most / 100.0).floor() as i64,
    });
    Ok(Rejects { rows: by_check.iter().map(|taken| taken.rows).sum(), by_check, allowed })
}

/// How long batches and requests for vectors took.
async fn latencies(tx: &Transaction<'_>, run: Uuid) -> Result<(Latency, Latency), DbError> {
    let bounds: &[i64] = &LATENCY_BOUNDS_MS;
    let buckets = query(tx, include_str!("../../../sql/status_latency_buckets.sql"), &[&run, &bounds]).await?;
    let rows = query(tx, include_str!("../../../sql/status_latency.sql"), &[&run]).await?;
    let Some(row) = rows.first() else { return Ok(Default::default()) };
    let seconds = |milliseconds: i64| float(milliseconds) / 1000.0;
    let within_bounds = |what: &str| {
        let of_it = || buckets.iter().filter(|row| row.get::<_, &str>("what") == what);
        let within = |place: usize| {
            let passed =
                |row: &&Row| usize::try_from(row.get::<_, i32>("bounds_passed")).is_ok_and(|passed| passed <= place);
            of_it().filter(passed).map(|row| row.get::<_, i64>("count")).sum()
        };
        (0..).zip(LATENCY_BOUNDS_MS).map(|(place, bound)| (seconds(bound), within(place))).collect()
    };
    let of = |what: &str, count: &str, sum: &str, quantiles: &str| {
        let quantiles: Option<Vec<f64>> = row.get(quantiles);
        let quantile = |place: usize| quantiles.as_ref().and_then(|all| all.get(place)).map(|ms| ms / 1000.0);
        Latency {
            count: row.get(count),
            sum: seconds(row.get(sum)),
            p50: quantile(0),
            p95: quantile(1),
            p99: quantile(2),
            buckets: within_bounds(what),
        }
    };
    let batches = of("batch", "batches", "batches_ms", "batch_quantiles");
    Ok((batches, of("request", "requests", "requests_ms", "request_quantiles")))
}

/// What the server has, and whether a process holds the lock of conductors.
async fn server(tx: &Transaction<'_>) -> Result<(ServerUse, bool), DbError> {
    let lock: [&(dyn ToSql + Sync); 2] = [&KEY_CLASS, &(LockKind::Run as i32)];
    let rows = query(tx, include_str!("../../../sql/status_server.sql"), &lock).await?;
    let Some(row) = rows.first() else { return Ok((ServerUse::default(), false)) };
    let server = ServerUse {
        connections: row.get("connections"),
        connections_all: row.get("connections_all"),
        connections_max: row.get("connections_max"),
        database_bytes: row.get("database_bytes"),
        wal_bytes: row.get("wal_bytes"),
    };
    Ok((server, row.get("is_conducted")))
}

async fn query(tx: &Transaction<'_>, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, DbError> {
    let doing = || doing("read how far the run is");
    let statement = tx.prepare_cached(sql).await.map_err(doing())?;
    tx.query(&statement, parameters).await.map_err(doing())
}
