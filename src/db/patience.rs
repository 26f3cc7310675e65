//! How long an answer is waited for, on this side of the connection.
//!
//! The server's own time limits end what it is at work on. They are of no use where the network swallows every packet: a
//! proxy goes on acknowledging them, so that keepalives see nothing, and no answer ever comes.

use std::future::Future;
use std::time::Duration;

use deadpool_postgres::{Object, Pool};

use super::error::{Cause, DbError, doing};

/// How much longer than the server an answer is waited for: the server's own error comes first, if it can come at all.
const GRACE: Duration = Duration::from_secs(15);

/// How long this side waits for the answer to a statement that the server ends after `statement`.
#[must_use]
pub fn client_limit(statement: Duration) -> Duration {
    statement.saturating_add(GRACE)
}

/// Waits for an answer, at most for `limit`. When none came, [`close`] the connection: nobody knows what is still on its way.
///
/// # Errors
/// [`DbError::is_timed_out`] when no answer came in time, else what the future returns.
pub async fn within<T, E: From<DbError>>(
    limit: Duration,
    action: &str,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout(limit, answer).await {
        Ok(outcome) => outcome,
        Err(_) => Err(doing(action)(Cause::TimedOut(limit)).into()),
    }
}

/// A connection from the pool, within `limit`.
///
/// # Errors
/// The server lets nobody in, or no connection became free.
pub async fn connection(pool: &Pool, limit: Duration, action: &str) -> Result<Object, DbError> {
    within(limit, action, async { pool.get().await.map_err(doing(action)) }).await
}

/// Closes a connection, so that the pool hands it to nobody else.
pub fn close(connection: Object) {
    drop(Object::take(connection));
}
