//! The fence: what keeps a conductor that was taken over from writing.
//!
//! Every transaction that changes a run holds the run's row and compares the epoch. Who takes the run on raises the epoch,
//! for which it must wait until those transactions have ended; from then on each of them finds another number.

use deadpool_postgres::{Pool, Transaction};
use tokio_postgres::GenericClient;
use uuid::Uuid;

use crate::db::{DbError, doing};

/// A run in the epoch in which this process took it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// The run.
    pub run: Uuid,
    /// The epoch.
    pub epoch: i64,
}

/// Why a transaction must not go on.
#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    /// Another conductor has taken the run on.
    #[error("another sqlmig has taken run {0} on")]
    TakenOver(Uuid),
    /// The server has crashed since the run was staged, and its UNLOGGED staging tables are empty.
    #[error("the server has crashed since run {0} was staged, which emptied its staging tables")]
    StagingLost(Uuid),
    /// The database could not be asked.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl FenceError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TakenOver(_) => Some("leave it to the other: sqlmig status shows how far it is".into()),
            Self::StagingLost(_) => Some(
                "sqlmig run SOURCE (or sqlmig stage SOURCE) stages it again; batches that are promoted are kept".into(),
            ),
            Self::Db(error) => error.hint(),
        }
    }
}

impl Fence {
    /// Holds the run's row until the transaction ends.
    ///
    /// # Errors
    /// [`FenceError::TakenOver`] when the run is in another epoch.
    pub async fn hold(&self, tx: &Transaction<'_>) -> Result<(), FenceError> {
        self.has_canary(tx).await.map(|_| ())
    }

    /// Holds the run's row until the transaction ends; what is staged is still there.
    ///
    /// # Errors
    /// [`FenceError::TakenOver`] when the run is in another epoch, [`FenceError::StagingLost`] after a crash of the server.
    pub async fn hold_staged(&self, tx: &Transaction<'_>) -> Result<(), FenceError> {
        if self.has_canary(tx).await? { Ok(()) } else { Err(FenceError::StagingLost(self.run)) }
    }

    /// Does `work` in one transaction that holds the fence.
    ///
    /// # Errors
    /// What the fence or `work` says, or what the database says to begin and commit.
    pub async fn transaction<T, E: From<FenceError> + From<DbError>>(
        &self,
        pool: &Pool,
        action: &str,
        work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        crate::db::transaction(pool, action, async |tx| {
            self.hold(tx).await?;
            work(tx).await
        })
        .await
    }

    /// Holds the run's row until the transaction ends; says whether the row is there that a crash of the server would have
    /// taken away together with the staged rows.
    ///
    /// # Errors
    /// [`FenceError::TakenOver`] when the run is in another epoch.
    pub async fn has_canary(&self, tx: &Transaction<'_>) -> Result<bool, FenceError> {
        let doing = || doing("lock the run's row");
        // Every chunk and every batch asks this: parsed once a connection.
        let statement = tx.prepare_cached(include_str!("../../../sql/run_fence.sql")).await.map_err(doing())?;
        let row = tx.query_one(&statement, &[&self.run]).await.map_err(doing())?;
        if row.get::<_, i64>("epoch") == self.epoch {
            Ok(row.get("has_canary"))
        } else {
            Err(FenceError::TakenOver(self.run))
        }
    }
}

/// Leaves the row in an UNLOGGED table that a crash of the server takes away together with the staged rows.
///
/// # Errors
/// Fails when the database refuses.
pub async fn canary_put(client: &impl GenericClient, run: Uuid) -> Result<(), DbError> {
    client
        .execute(include_str!("../../../sql/canary_put.sql"), &[&run])
        .await
        .map_err(doing("mark the staging tables"))?;
    Ok(())
}

/// Takes that row away: staging holds nothing of any run.
///
/// # Errors
/// Fails when the database refuses.
pub async fn canary_forget(client: &impl GenericClient) -> Result<(), DbError> {
    client
        .execute(include_str!("../../../sql/canary_forget.sql"), &[])
        .await
        .map_err(doing("unmark the staging tables"))?;
    Ok(())
}

/// Lets every unfinished run begin again with staging, which was emptied on purpose.
///
/// # Errors
/// Fails when the database refuses.
pub async fn runs_unstage(tx: &tokio_postgres::Transaction<'_>) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/runs_unstage.sql"), &[])
        .await
        .map_err(doing("record that staging was emptied"))?;
    Ok(())
}
