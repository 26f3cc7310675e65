//! Settings of the server that a load feels.

use std::collections::BTreeMap;

use super::{Subject, Told, disk, size};
use crate::db::{DbError, doing};

/// Below this the server reads its own tables from disk again and again; in bytes.
const LEAST_BUFFERS: i64 = 128 << 20;
/// A check of a large table or a unique index may take as long; in milliseconds.
const SHORT_TIMEOUT: i64 = 600_000;

/// Numbers of settings in bytes or milliseconds, and where each was set.
async fn settings(subject: &Subject<'_>, names: &[&str]) -> Result<BTreeMap<String, (i64, String)>, DbError> {
    let asked = include_str!("../../sql/preflight_settings.sql");
    let rows = subject.client.query(asked, &[&names]).await.map_err(doing("read the server's settings"))?;
    Ok(rows.iter().map(|row| (row.get("name"), (row.get("value"), row.get("source")))).collect())
}

/// Memory.
pub(super) async fn memory(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let names = ["shared_buffers", "maintenance_work_mem", "work_mem", "temp_buffers"];
    let known = settings(subject, &names).await?;
    let value = |name: &str| known.get(name).map_or(0, |(value, _)| *value);
    let shown: Vec<String> = names.iter().map(|name| format!("{name} {}", size(value(name)))).collect();
    let mut told = Told::nothing().info(shown.join(", "));
    if value("shared_buffers") < LEAST_BUFFERS {
        told = told.yellow(
            format!("shared_buffers is only {}", size(value("shared_buffers"))),
            "give the server a quarter of its memory: alter system set shared_buffers = '2GB', and restart it",
        );
    }
    let needs = disk::needs(subject).await?.unwrap_or_default();
    if !subject.wanted.project.index.is_empty() && needs.index_bytes > value("maintenance_work_mem") {
        told = told.yellow(
            format!(
                "the index on vectors comes to about {}, more than maintenance_work_mem ({}): building it slows down once that \
                 is full",
                size(needs.index_bytes),
                size(value("maintenance_work_mem"))
            ),
            "for the role that builds it: alter role … set maintenance_work_mem = '2GB', as far as the server's memory goes",
        );
    }
    Ok(told)
}

/// WAL, checkpoints and what keeps data safe.
pub(super) async fn wal(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let known = settings(subject, &["max_wal_size", "checkpoint_timeout"]).await?;
    let value = |name: &str| known.get(name).map_or(0, |(value, _)| *value);
    let max = value("max_wal_size");
    let row = subject.ask(include_str!("../../sql/preflight_safety.sql"), "read the server's settings").await?;
    let mut told = Told::nothing().info(format!(
        "max_wal_size {}, checkpoint_timeout {} s, wal_level {}, wal_compression {}",
        size(max),
        value("checkpoint_timeout") / 1000,
        row.get::<_, String>("wal_level"),
        row.get::<_, String>("wal_compression")
    ));
    let needs = disk::needs(subject).await?.unwrap_or_default();
    if needs.wal_bytes > max {
        told = told.yellow(
            format!(
                "a run writes about {} of WAL, more than max_wal_size: checkpoints come early and cost",
                size(needs.wal_bytes)
            ),
            "for the time of the load: alter system set max_wal_size = '8GB'; select pg_reload_conf()",
        );
    }
    for (name, harm) in [
        ("fsync", "a power cut may destroy the whole database, whatever was committed"),
        ("full_page_writes", "a power cut may leave torn pages"),
        ("autovacuum", "what a load replaces is never removed"),
    ] {
        if !row.get::<_, bool>(name) {
            told = told.yellow(
                format!("{name} is off: {harm}"),
                format!("alter system reset {name}; select pg_reload_conf()"),
            );
        }
    }
    Ok(told)
}

/// Timeouts that a managed service or a role's settings bring along.
pub(super) async fn timeouts(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let names = ["statement_timeout", "transaction_timeout", "idle_in_transaction_session_timeout", "lock_timeout"];
    let known = settings(subject, &names).await?;
    let mut told = Told::nothing();
    let mut set = 0;
    for name in ["statement_timeout", "transaction_timeout"] {
        let Some((milliseconds, source)) = known.get(name).filter(|(milliseconds, _)| *milliseconds > 0) else {
            continue;
        };
        set += 1;
        let what = format!("{name} is {} s (set by {source})", milliseconds / 1000);
        told = if name == "statement_timeout" {
            told.info(format!("{what}: a run sets its own"))
        } else if *milliseconds < SHORT_TIMEOUT {
            let role = subject.wanted.target.user();
            let remedy = format!(
                "staging and batches set their own, checks and proofs do not: alter role {} set {name} = 0",
                crate::names::ident(role)
            );
            told.yellow(what, remedy)
        } else {
            told.info(what)
        };
    }
    Ok(if set == 0 { told.info("no timeout ends a statement or a transaction") } else { told })
}
