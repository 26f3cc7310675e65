//! How the server and the embeddings service are reached.

use std::time::Instant;

use time::OffsetDateTime;

use super::{Subject, Told};
use crate::db::DbError;
use crate::db::pooler::{PoolerError, refuse_transaction_pooler};
use crate::provider::RequestError;

/// Clocks that differ by more make times in reports and ids misleading, and certificates may seem out of date; in seconds.
const SKEW: f64 = 5.0;
/// Times the server is asked for its clock; the quickest answer counts.
const CLOCK_TRIES: usize = 3;

/// Encryption, and what is weak about the connection's settings.
pub(super) async fn connection(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let row = subject.ask(include_str!("../../sql/preflight_connection.sql"), "look at the connection").await?;
    let role: String = row.get("role");
    let how = match (row.get::<_, bool>("local"), row.get::<_, Option<String>>("protocol")) {
        (true, _) => "over a unix socket".to_owned(),
        (false, Some(protocol)) => format!("encrypted by {protocol} ({})", row.get::<_, String>("cipher")),
        (false, None) => "over TCP, not encrypted".to_owned(),
    };
    let mut told = Told::nothing().info(format!("connected as {role}, {how}"));
    for warning in subject.wanted.target.warnings() {
        let (what, remedy) = warning.split_once(": ").unwrap_or((&warning, "see docs/connecting.md"));
        told = told.yellow(what, remedy);
    }
    Ok(told)
}

/// A pooler that hands transactions to different server processes.
pub(super) async fn pooler(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    match refuse_transaction_pooler(subject.wanted.target).await {
        Ok(_) => Ok(Told::nothing().info("every connection has a server process of its own")),
        Err(PoolerError::Db(error)) => Err(error),
        Err(error) => Ok(Told::nothing().red(error.to_string(), error.hint().unwrap_or_default())),
    }
}

/// The embeddings service, where one is configured. Nothing is sent that would be paid for.
pub(super) async fn embeddings(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let told = Told::nothing();
    let Some(client) = &subject.wanted.embed.client else {
        return Ok(told.info("no embeddings service is configured: rows that lack a vector stay without"));
    };
    let shown = client.endpoint().shown();
    Ok(match client.reach().await {
        Ok(401 | 403) => told.red(
            format!("{shown} answers, and refuses the key"),
            "give a key by SQLMIG_EMBEDDING_KEY or --embedding-key-file",
        ),
        Ok(status) if status >= 500 => told.yellow(
            format!("{shown} answers with status {status}"),
            "ask the service's operator; a run waits and then ends with exit code 8",
        ),
        Ok(status) => told.info(format!("{shown} answers (status {status} to a request without texts)")),
        Err(error @ RequestError::Unreachable(_)) => {
            told.red(format!("{shown}: {error}"), "see to --embedding-url, the network and the proxy")
        }
        Err(error) => told.yellow(format!("{shown}: {error}"), error.hint().unwrap_or_default()),
    })
}

/// The server's clock against this machine's.
pub(super) async fn clock(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let mut best: Option<(f64, f64)> = None;
    for _ in 0..CLOCK_TRIES {
        let (asked, begun) = (OffsetDateTime::now_utc(), Instant::now());
        let row = subject.ask(include_str!("../../sql/preflight_clock.sql"), "ask for the server's time").await?;
        let took = begun.elapsed().as_secs_f64();
        let there: OffsetDateTime = row.get("now");
        let skew = (there - asked).as_seconds_f64() - took / 2.0;
        if best.is_none_or(|(_, quickest)| took < quickest) {
            best = Some((skew, took));
        }
    }
    let (skew, took) = best.unwrap_or_default();
    let told = Told::nothing();
    Ok(if skew.abs() > SKEW {
        let which = if skew > 0.0 { "ahead of" } else { "behind" };
        let message = format!("the server's clock is {:.1} s {which} this machine's", skew.abs());
        told.yellow(message, "synchronise both by NTP: ids, times in reports and certificates depend on them")
    } else {
        told.info(format!("the clocks agree within {:.1} s", skew.abs() + took / 2.0))
    })
}
