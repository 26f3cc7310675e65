//! Recognises a transaction-mode pooler between sqlmig and the server.
//!
//! Behind one, each transaction may run in another server process: session locks end up in a process that nobody owns,
//! and settings apply to whoever comes next. The proof is a server process that serves two of our connections, or one of
//! our connections served by two processes.

use futures_util::future::{join_all, try_join, try_join_all};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::connect::Connection;
use super::conninfo::Target;
use super::error::{DbError, doing};

const POOLER_PROBE: &str = include_str!("../../sql/pooler_probe.sql");
const POOLER_MARK: &str = include_str!("../../sql/pooler_mark.sql");

/// Connections opened beside the first. A pooler that rotates its server connections has usually no more idle ones.
const WITNESSES: usize = 3;

/// Why this way to the server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PoolerError {
    /// A pooler hands transactions to different server processes.
    #[error("a transaction- or statement-mode pooler stands before the server: {0}")]
    TransactionMode(String),
    /// The database could not be asked.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl PoolerError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TransactionMode(_) => Some(
                "connect to the server directly (managed services offer a direct or session-mode port), or set \
                 pool_mode=session for this database in the pooler"
                    .into(),
            ),
            Self::Db(error) => error.hint(),
        }
    }
}

/// Refuses a target that is reached through a transaction-mode pooler; a connection that has been seen to have a server
/// process to itself.
///
/// # Errors
/// [`PoolerError::TransactionMode`] with what was seen, else what went wrong with the database.
pub async fn refuse_transaction_pooler(target: &Target) -> Result<Connection, PoolerError> {
    let witnesses = try_join_all((0..WITNESSES).map(|_| target.connect()));
    let (subject, witnesses) = try_join(target.connect(), witnesses).await?;
    subject.batch_execute(POOLER_MARK).await.map_err(doing("mark a session"))?;
    let mine = probe(&subject).await?;
    // Witnesses hold a transaction open, so a pooler must give the subject another server process when it comes next.
    let mut verdict = Ok(());
    for witness in &witnesses {
        if let Err(error) = witness.batch_execute("begin").await.map_err(doing("begin a transaction")) {
            // pgbouncer's answer in statement mode; no server gives it to a plain `begin`.
            return Err(match error.sqlstate() {
                Some(state) if *state == SqlState::PROTOCOL_VIOLATION => {
                    PoolerError::TransactionMode(error.to_string())
                }
                _ => error.into(),
            });
        }
        let theirs = probe(witness).await?;
        verdict = judge(&mine, &theirs, &probe(&subject).await?);
        if verdict.is_err() {
            break;
        }
    }
    join_all(witnesses.into_iter().map(Connection::close)).await;
    verdict.map(|()| subject).map_err(PoolerError::TransactionMode)
}

/// What a connection sees of its server process.
#[derive(Debug, PartialEq, Eq)]
struct Sight {
    process: String,
    mark: String,
}

async fn probe(client: &Client) -> Result<Sight, DbError> {
    // The simple protocol: a prepared statement is the next thing that a pooler loses.
    #[expect(
        clippy::disallowed_methods,
        reason = "a pooler may not keep prepared statements, so this must not need one"
    )]
    let messages = client.simple_query(POOLER_PROBE).await.map_err(doing("look at the server process"))?;
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let column = |name| row.and_then(|row| row.get::<&str>(name)).unwrap_or_default().to_owned();
    Ok(Sight { process: column("process"), mark: column("mark") })
}

fn judge(before: &Sight, witness: &Sight, after: &Sight) -> Result<(), String> {
    if witness.process == before.process {
        return Err(format!("two connections are served by the same server process, {}", before.process));
    }
    if after.process != before.process {
        return Err(format!(
            "one connection is served by the server processes {} and {}",
            before.process, after.process
        ));
    }
    if witness.mark == before.mark || after.mark != before.mark {
        return Err("a session's setting does not stay with the session".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sign_of_a_pooler_is_enough() {
        let sight = |process: &str, mark: &str| Sight { process: process.into(), mark: mark.into() };
        assert_eq!(judge(&sight("1", "mine"), &sight("2", ""), &sight("1", "mine")), Ok(()));
        assert!(judge(&sight("1", "mine"), &sight("1", ""), &sight("1", "mine")).is_err());
        assert!(judge(&sight("1", "mine"), &sight("2", ""), &sight("3", "mine")).is_err());
        assert!(judge(&sight("1", "mine"), &sight("2", "mine"), &sight("1", "mine")).is_err());
        assert!(judge(&sight("1", "mine"), &sight("2", ""), &sight("1", "")).is_err());
    }
}
