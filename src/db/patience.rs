//! Waiting for the server, but not for ever.
//!
//! A network that swallows packets leaves a client waiting for an answer that cannot come, and keepalives do not notice when
//! a proxy on the way answers them. The server's own limits end a statement there; this ends the waiting here.

use std::time::Duration;

use super::DbError;
use super::error::{Cause, doing};

/// Time beyond the server's own limit, so that its answer, which says more, comes first.
const GRACE: Duration = Duration::from_secs(15);

/// Waits for an answer for as long as the server may take, and a little longer.
///
/// The connection must not be used again after a time-out: its answer may still come.
///
/// # Errors
/// What the database says, or that nothing came in time.
pub async fn within<T, E: Into<Cause>>(
    limit: Duration,
    action: impl Into<String>,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, DbError> {
    let limit = limit + GRACE;
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer.map_err(doing(action)),
        Err(_) => Err(doing(action)(Cause::TimedOut(limit))),
    }
}
