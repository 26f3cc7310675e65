//! What a promotion is made of, and its transactions: bounded in time on both sides, behind the fence, repeated while the server
//! is away.

use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Pool, Transaction};

use crate::db::ledger::Fence;
use crate::db::patience::{client_limit, close, connection, within};
use crate::db::{DbError, doing};
use crate::event::Events;
use crate::limits::Timeouts;
use crate::project::Project;
use crate::relations::Relations;
use crate::stop::Stop;

use super::backoff::{Outage, is_outage};
use super::crew::Room;
use super::{PromoteError, PromoteOptions};

/// How long the question for free connections may take: without an answer, promotion begins all the same.
const ROOM_LIMIT: Duration = Duration::from_secs(5);

/// What a promotion is made of: a run's rows, the transforms that write them, and where and how.
#[derive(Clone, Copy)]
pub struct Promotion<'a> {
    /// Connections to the target.
    pub pool: &'a Pool,
    /// The run, in the epoch in which it was taken on or joined: when it is in another, workers stop.
    pub fence: Fence,
    /// Whose transforms are promoted.
    pub project: &'a Project,
    /// The run's rows, as its checks have left them.
    pub relations: &'a Relations,
    /// How to promote.
    pub options: PromoteOptions,
    /// Asks it to end between two batches.
    pub stop: &'a Stop,
    /// Where it tells what it does.
    pub events: &'a Events,
}

impl<'a> Promotion<'a> {
    /// How long this side waits for the answer to one statement.
    pub(super) fn limit(&self) -> Duration {
        client_limit(self.options.timeouts.statement)
    }

    /// What is borne until something succeeds.
    pub(super) fn outage(&self) -> Outage<'a> {
        Outage::new(self.stop, self.events, Duration::ZERO)
    }

    /// The connections that workers may have here, those that are open and idle in the pool among them; `None` where the server
    /// does not say.
    pub(super) async fn room(&self) -> Option<Room> {
        let action = "count the free connections";
        let client = connection(self.pool, ROOM_LIMIT, action).await.ok()?;
        let idle = self.pool.status().available;
        // It counts this connection as free.
        let free = include_str!("../../sql/preflight_connections.sql");
        let asked = async { client.query_one(free, &[]).await.map_err(doing(action)) };
        let Ok(row) = within(ROOM_LIMIT, action, asked).await else {
            close(client);
            return None;
        };
        let free = usize::try_from(row.get::<_, i64>("free")).unwrap_or_default();
        Some(Room { connections: free.saturating_add(idle), bound: row.get("bound") })
    }

    /// Begins a transaction with the settings of promotion.
    pub(super) async fn begin<'c>(
        &self,
        client: &'c mut ClientWrapper,
        action: &str,
    ) -> Result<Transaction<'c>, DbError> {
        let tx = client.transaction().await.map_err(doing(action))?;
        let settings =
            tx.prepare_cached(include_str!("../../sql/promote_settings.sql")).await.map_err(doing(action))?;
        let Timeouts { lock, statement, idle, .. } = self.options.timeouts;
        let [lock, statement, idle] = [lock, statement, idle].map(|time| format!("{}ms", time.as_millis()));
        tx.query_one(&settings, &[&lock, &statement, &idle]).await.map_err(doing(action))?;
        Ok(tx)
    }

    /// Does `work` in a transaction that holds the fence, again and again while the server is away. A try whose answer was
    /// lost may have been committed, so `work` must bear being done twice.
    ///
    /// # Errors
    /// What the fence or `work` says, or the database for too long.
    pub(super) async fn fenced<T>(
        &self,
        action: &str,
        mut outage: Outage<'_>,
        work: impl AsyncFn(&tokio_postgres::Transaction<'_>) -> Result<T, PromoteError>,
    ) -> Result<T, PromoteError> {
        loop {
            match self.fenced_once(action, &work).await {
                Ok(done) => return Ok(done),
                Err(error) => outage.bear(error).await?,
            }
        }
    }

    async fn fenced_once<T>(
        &self,
        action: &str,
        work: &impl AsyncFn(&tokio_postgres::Transaction<'_>) -> Result<T, PromoteError>,
    ) -> Result<T, PromoteError> {
        let mut client = connection(self.pool, self.limit(), action).await?;
        let outcome = within(self.limit(), action, async {
            let tx = self.begin(&mut client, action).await?;
            self.fence.hold(&tx).await?;
            let done = work(&tx).await?;
            tx.commit().await.map_err(doing(action))?;
            Ok(done)
        })
        .await;
        if outcome.as_ref().is_err_and(is_lost) {
            close(client);
        }
        outcome
    }
}

/// Whether an error says that its connection is of no use any more.
pub(super) fn is_lost(error: &PromoteError) -> bool {
    error.database().is_some_and(is_outage)
}
