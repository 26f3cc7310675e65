//! Runs in the ledger: how far each has come, and who conducts it.

use deadpool_postgres::Pool;
use time::OffsetDateTime;
use tokio_postgres::{GenericClient, Row, Transaction};
use uuid::Uuid;

use crate::db::lock::{KEY_CLASS, LockKind};
use crate::db::{DbError, doing};

/// How far a run has come: the last step that is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunState {
    /// Reading the source, or stopped while doing so.
    Staging,
    /// Every row of the source is in staging or in quarantine.
    Staged,
    /// The checks have run and nothing blocks promotion.
    Checked,
    /// Every batch is committed.
    Promoted,
    /// Validated.
    Done,
    /// Set aside for another run; what it promoted stays.
    Superseded,
    /// Everything that it promoted was taken back.
    RolledBack,
}

impl RunState {
    /// The word used in the ledger and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Staged => "staged",
            Self::Checked => "checked",
            Self::Promoted => "promoted",
            Self::Done => "done",
            Self::Superseded => "superseded",
            Self::RolledBack => "rolled_back",
        }
    }

    /// Whether there is nothing left to do, so that the same command begins a new run.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Superseded | Self::RolledBack)
    }

    pub(super) fn parse(word: &str) -> Self {
        match word {
            "staged" => Self::Staged,
            "checked" => Self::Checked,
            "promoted" => Self::Promoted,
            "done" => Self::Done,
            "superseded" => Self::Superseded,
            "rolled_back" => Self::RolledBack,
            _ => Self::Staging,
        }
    }
}

/// A run as the ledger has it.
#[derive(Debug, Clone)]
pub struct Run {
    /// `UUIDv7`.
    pub id: Uuid,
    /// The project's name.
    pub project: String,
    /// SHA-256 over the project's files.
    pub project_hash: String,
    /// The source as it was named.
    pub source: String,
    /// SHA-256 of its bytes as stored, once it was read to its end.
    pub source_sha256: Option<String>,
    /// Its size as stored in bytes, where it is known.
    pub source_bytes: Option<i64>,
    /// What of it was asked for.
    pub scope: String,
    /// The database, as `target_identity` names it.
    pub target: Option<String>,
    /// The shape of the final tables, as the checks found it.
    pub target_schema: Option<String>,
    /// How far it came.
    pub state: RunState,
    /// Whether the source came to its proper end.
    pub complete: bool,
    /// The error that stopped it.
    pub error: Option<String>,
    /// When it began.
    pub started_at: OffsetDateTime,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
    /// Largest resident set of the process, in bytes.
    pub peak_rss_bytes: i64,
    /// The run whose quarantine it retries, where it does.
    pub parent: Option<Uuid>,
    /// When its before-images were given up, if they were.
    pub accepted_at: Option<OffsetDateTime>,
}

impl Run {
    fn from_row(row: &Row) -> Self {
        Self {
            id: row.get("id"),
            project: row.get("project"),
            project_hash: row.get("project_hash"),
            source: row.get("source"),
            source_sha256: row.get("source_sha256"),
            source_bytes: row.get("source_bytes"),
            scope: row.get("scope"),
            target: row.get("target"),
            target_schema: row.get("target_schema"),
            state: RunState::parse(row.get("state")),
            complete: row.get("complete"),
            error: row.get("error"),
            started_at: row.get("started_at"),
            finished_at: row.get("finished_at"),
            peak_rss_bytes: row.get("peak_rss_bytes"),
            parent: row.get("parent"),
            accepted_at: row.get("accepted_at"),
        }
    }
}

/// A run that begins.
#[derive(Debug, Clone, Copy)]
pub struct NewRun<'a> {
    /// `UUIDv7`.
    pub id: Uuid,
    /// The project's name.
    pub project: &'a str,
    /// SHA-256 over the project's files.
    pub project_hash: &'a str,
    /// The source as it was named.
    pub source: &'a str,
    /// Its size as stored in bytes, where it is known.
    pub source_bytes: Option<u64>,
    /// What of it is asked for.
    pub scope: &'a str,
    /// The database.
    pub target: &'a str,
}

/// Records that a run begins.
///
/// # Errors
/// Fails when the database refuses the row.
pub async fn run_insert(tx: &Transaction<'_>, run: &NewRun<'_>) -> Result<(), DbError> {
    let (host, pid) = this_process();
    let bytes = run.source_bytes.map(super::count);
    tx.execute(
        include_str!("../../../sql/run_insert.sql"),
        &[
            &run.id,
            &run.project,
            &run.project_hash,
            &run.source,
            &bytes,
            &run.scope,
            &run.target,
            &env!("CARGO_PKG_VERSION"),
            &host,
            &pid,
        ],
    )
    .await
    .map_err(doing("record the run"))?;
    Ok(())
}

/// Records the shape of the final tables.
///
/// # Errors
/// Fails when the database refuses the row.
pub async fn run_target_schema(tx: &Transaction<'_>, id: Uuid, shape: &str) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/run_target_schema.sql"), &[&id, &shape])
        .await
        .map_err(doing("record the shape of the final tables"))?;
    Ok(())
}

/// Records what was read: digest and size of the source as stored, and whether it came to its proper end.
///
/// # Errors
/// Fails when the database refuses the row.
pub async fn run_source_read(
    tx: &Transaction<'_>,
    id: Uuid,
    sha256: &str,
    bytes: u64,
    complete: bool,
) -> Result<(), DbError> {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    tx.execute(include_str!("../../../sql/run_source_read.sql"), &[&id, &sha256, &bytes, &complete])
        .await
        .map_err(doing("record the source's digest"))?;
    Ok(())
}

/// Records that a run has reached a state.
///
/// # Errors
/// Fails when the database refuses the row.
pub async fn run_advance(tx: &Transaction<'_>, id: Uuid, state: RunState) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/run_advance.sql"), &[&id, &state.as_str()])
        .await
        .map_err(doing("record the run's state"))?;
    Ok(())
}

/// Records the error that stopped a run.
///
/// # Errors
/// Fails when the database refuses the row.
pub async fn run_fail(client: &impl GenericClient, id: Uuid, error: &str) -> Result<(), DbError> {
    client
        .execute(include_str!("../../../sql/run_fail.sql"), &[&id, &error])
        .await
        .map_err(doing("record the run's error"))?;
    Ok(())
}

/// Records how the process that conducted a run ends: this one. What another process says of a run that it has taken on since
/// is not touched.
///
/// # Errors
/// Fails when the database refuses the row.
pub async fn run_exit(client: &impl GenericClient, id: Uuid, exit_code: u8) -> Result<(), DbError> {
    let (host, pid) = this_process();
    client
        .execute(include_str!("../../../sql/run_exit.sql"), &[&id, &host, &pid, &i16::from(exit_code)])
        .await
        .map_err(doing("record how the run ended"))?;
    Ok(())
}

/// Records the largest resident set of this process so far.
///
/// # Errors
/// Fails when the database refuses the row.
pub async fn run_memory(client: &impl GenericClient, id: Uuid, peak_rss_bytes: i64) -> Result<(), DbError> {
    client
        .execute(include_str!("../../../sql/run_memory.sql"), &[&id, &peak_rss_bytes])
        .await
        .map_err(doing("record the run's memory"))?;
    Ok(())
}

/// Takes a run on: raises its epoch, so that a conductor who had it before stops at its next transaction; returns the new
/// one.
///
/// # Errors
/// Fails when the run is not in the ledger or the database refuses; by lock timeout while a transaction of the old epoch is
/// open.
pub async fn run_take(tx: &Transaction<'_>, id: Uuid) -> Result<i64, DbError> {
    let (host, pid) = this_process();
    tx.batch_execute(include_str!("../../../sql/take_settings.sql")).await.map_err(doing("take the run on"))?;
    let row = tx
        .query_one(include_str!("../../../sql/run_take.sql"), &[&id, &host, &pid])
        .await
        .map_err(doing("take the run on"))?;
    Ok(row.get("epoch"))
}

/// Times that what an earlier conductor left open is ended: behind one such transaction may stand another.
const ROUNDS: u32 = 3;

/// Does work that a conductor who is gone may hold up, for he left a transaction open; where it was held up in vain, that
/// is ended and the work is done again. Only for who holds the run lock: nobody else has a right to be there. Returns how many server
/// processes were ended, too.
///
/// # Errors
/// What the work returns, or this role may not end what holds it up.
pub async fn past_predecessors<T, E: From<DbError>>(
    pool: &Pool,
    is_held_up: impl Fn(&E) -> bool,
    work: impl AsyncFn() -> Result<T, E>,
) -> Result<(T, i64), E> {
    let mut ended = 0;
    for _ in 0..ROUNDS {
        match work().await {
            Err(error) if is_held_up(&error) => ended += end_predecessors(pool).await?,
            done => return Ok((done?, ended)),
        }
    }
    Ok((work().await?, ended))
}

async fn end_predecessors(pool: &Pool) -> Result<i64, DbError> {
    let action = "end what an earlier conductor left open";
    let client = pool.get().await.map_err(doing(action))?;
    let row = client
        .query_one(include_str!("../../../sql/run_end_predecessors.sql"), &[&KEY_CLASS, &(LockKind::Turn as i32)])
        .await
        .map_err(doing(action))?;
    Ok(row.get("ended"))
}

/// Sets a run aside for another.
///
/// # Errors
/// Fails when the database refuses the row.
pub async fn run_set_aside(tx: &Transaction<'_>, id: Uuid) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/run_set_aside.sql"), &[&id]).await.map_err(doing("set the run aside"))?;
    Ok(())
}

/// Where this process runs, and its number there.
pub(super) fn this_process() -> (String, i32) {
    let host = hostname::get().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    (host, i32::try_from(std::process::id()).unwrap_or_default())
}

/// Runs of this database, newest first: all, or the one asked for.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn runs(client: &impl GenericClient, id: Option<Uuid>, limit: i64) -> Result<Vec<Run>, DbError> {
    let rows =
        client.query(include_str!("../../../sql/runs.sql"), &[&id, &limit]).await.map_err(doing("read the runs"))?;
    Ok(rows.iter().map(Run::from_row).collect())
}

/// The newest run that loads a source, and is no retry of another's quarantine.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn last_load(client: &impl GenericClient) -> Result<Option<Run>, DbError> {
    let statement = include_str!("../../../sql/last_load.sql");
    Ok(client.query_opt(statement, &[]).await.map_err(doing("read the last run"))?.as_ref().map(Run::from_row))
}

/// A run that a worker process may join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunToJoin {
    /// The run.
    pub id: Uuid,
    /// The epoch it is in.
    pub epoch: i64,
    /// Whether every batch of it is committed.
    pub is_promoted: bool,
    /// Whether batches that were laid out in this epoch wait.
    pub has_batches: bool,
}

/// The run that was asked for, or the newest; `None` where there is none.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn run_to_join(client: &impl GenericClient, id: Option<Uuid>) -> Result<Option<RunToJoin>, DbError> {
    let row = client
        .query_opt(include_str!("../../../sql/run_to_join.sql"), &[&id])
        .await
        .map_err(doing("look for a run to join"))?;
    Ok(row.map(|row| RunToJoin {
        id: row.get("id"),
        epoch: row.get("epoch"),
        is_promoted: row.get("is_promoted"),
        has_batches: row.get("has_batches"),
    }))
}
