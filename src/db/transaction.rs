//! One transaction from the pool.

use deadpool_postgres::{Pool, Transaction};

use super::{DbError, doing};

/// Does `work` in one transaction: committed when it succeeds, rolled back when it fails. `action` says in messages what
/// was being done when the database itself did not begin or commit.
///
/// # Errors
/// What `work` returns, or what the database says to begin and commit.
pub async fn transaction<T, E: From<DbError>>(
    pool: &Pool,
    action: &str,
    work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let mut client = pool.get().await.map_err(doing(action))?;
    let tx = client.transaction().await.map_err(doing(action))?;
    let done = work(&tx).await?;
    tx.commit().await.map_err(doing(action))?;
    Ok(done)
}
