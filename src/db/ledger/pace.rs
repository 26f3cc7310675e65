//! How a run went over time, and by what and on what it was done.

use tokio_postgres::GenericClient;
use uuid::Uuid;

use super::read::query;
use crate::db::{DbError, doing};
use crate::outcome::{BatchSpread, BatchTimes, Environment, MemorySlice, Setting, Slice, SourceDigest};

/// Slices of one phase at most: as many as a picture shows.
const SLICES: i64 = 60;

pub(super) async fn pace(client: &impl GenericClient, run: Uuid) -> Result<Vec<Slice>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/pace.sql"), &[&run, &SLICES])
        .await
        .map_err(doing("read how the run went over time"))?;
    let slice = |row: &tokio_postgres::Row| Slice {
        phase: row.get("phase"),
        at: row.get("at"),
        seconds: row.get("seconds"),
        rows: row.get("rows"),
        bytes: row.get("bytes"),
    };
    Ok(rows.iter().map(slice).collect())
}

pub(super) async fn memory(client: &impl GenericClient, run: Uuid) -> Result<Vec<MemorySlice>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/memory.sql"), &[&run, &SLICES])
        .await
        .map_err(doing("read the run's memory over time"))?;
    let slice = |row: &tokio_postgres::Row| MemorySlice {
        phase: row.get("phase"),
        at: row.get("at"),
        seconds: row.get("seconds"),
        rss_bytes: row.get("rss_bytes"),
    };
    Ok(rows.iter().map(slice).collect())
}

pub(super) async fn batch_times(client: &impl GenericClient, run: Uuid) -> Result<Vec<BatchTimes>, DbError> {
    let rows = query(client, include_str!("../../../sql/batch_times.sql"), run).await?;
    let times = |row: &tokio_postgres::Row| BatchTimes {
        transform: row.get("transform"),
        target: row.get("target"),
        batches: row.get("batches"),
        p50_ms: row.get("p50_ms"),
        p95_ms: row.get("p95_ms"),
        p99_ms: row.get("p99_ms"),
        max_ms: row.get("max_ms"),
    };
    Ok(rows.iter().map(times).collect())
}

pub(super) async fn batch_spread(client: &impl GenericClient, run: Uuid) -> Result<Vec<BatchSpread>, DbError> {
    let rows = query(client, include_str!("../../../sql/batch_spread.sql"), run).await?;
    Ok(rows.iter().map(|row| BatchSpread { from_ms: row.get("from_ms"), batches: row.get("batches") }).collect())
}

pub(super) async fn source_digests(client: &impl GenericClient, run: Uuid) -> Result<Vec<SourceDigest>, DbError> {
    let rows = query(client, include_str!("../../../sql/source_digests.sql"), run).await?;
    let digest = |row: &tokio_postgres::Row| SourceDigest {
        source: row.get("source"),
        rows: row.get("rows_read"),
        bytes: row.get("bytes_read"),
        digest: row.get("digest"),
    };
    Ok(rows.iter().map(digest).collect())
}

pub(super) async fn run_environment(client: &impl GenericClient, run: Uuid) -> Result<Environment, DbError> {
    let rows = query(client, include_str!("../../../sql/run_environment.sql"), run).await?;
    let Some(row) = rows.first() else { return Ok(Environment::default()) };
    let settings: Option<serde_json::Value> = row.get("settings");
    let settings = settings
        .iter()
        .flat_map(|settings| settings.as_object().into_iter().flatten())
        .map(|(name, value)| Setting { name: name.clone(), value: value.as_str().unwrap_or_default().to_owned() })
        .collect();
    Ok(Environment {
        sqlmig_version: row.get("sqlmig_version"),
        host: row.get("host"),
        project_hash: row.get("project_hash"),
        scope: row.get("scope"),
        source_bytes: row.get("source_bytes"),
        epoch: row.get("epoch"),
        server_version: row.get("server_version"),
        pgvector: row.get("pgvector"),
        settings,
    })
}
