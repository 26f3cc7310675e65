//! Metrics over HTTP: beside a command that runs, or, as `sqlmig monitor`, of runs elsewhere.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Pool;
use sqlmig::db::catalog::has_ledger;
use sqlmig::db::ledger::status;
use sqlmig::db::patience::{close, connection, within};
use sqlmig::db::{DbError, Target};
use sqlmig::metrics::{MetricsServer, Read};
use sqlmig::outcome::Status;
use sqlmig::stop::Stop;
use sqlmig::telemetry::Display;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::failure::Failure;
use super::settings::Settings;

/// How long a look at the ledger may take: Prometheus gives up after ten seconds by default.
const LIMIT: Duration = Duration::from_secs(8);

/// Where `monitor` serves when nobody says where: reachable from this machine only.
const DEFAULT_ADDRESS: &str = "127.0.0.1:9464";

/// A server of metrics that goes on beside a command, until it is dropped.
pub struct Beside(JoinHandle<()>);

impl Drop for Beside {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Serves the metrics of the run that this process works on, where that is asked for.
pub async fn beside(settings: &Settings, target: &Target, display: &Display) -> Result<Option<Beside>, Failure> {
    let Some(address) = &settings.metrics_addr else { return Ok(None) };
    let (pool, run) = (target.pool(1)?, display.run_id());
    // Before it has begun there is nothing to tell: another run's numbers are not its own.
    let read: Read = Arc::new(move || {
        let (pool, run) = (pool.clone(), run.get());
        Box::pin(async move {
            match run {
                Some(run) => look(&pool, Some(run)).await.map_err(|error| error.to_string()),
                None => Ok(None),
            }
        })
    });
    let serving = serve(address, read, settings).await?;
    Ok(Some(Beside(tokio::spawn(serving))))
}

/// Serves the metrics of a run elsewhere, the newest or the one asked for, until it is told to stop.
pub async fn monitor(run: Option<Uuid>, settings: &Settings, target: &Target, stop: &Stop) -> Result<(), Failure> {
    let pool = target.pool(1)?;
    let read: Read = Arc::new(move || {
        let pool = pool.clone();
        Box::pin(async move { look(&pool, run).await.map_err(|error| error.to_string()) })
    });
    let serving = serve(settings.metrics_addr.as_deref().unwrap_or(DEFAULT_ADDRESS), read, settings).await?;
    tokio::select! {
        () = serving => {}
        () = stop.requested() => {}
    }
    Ok(())
}

async fn serve(address: &str, read: Read, settings: &Settings) -> Result<impl Future<Output = ()> + use<>, Failure> {
    let server = MetricsServer::bind(address).await?;
    tracing::info!(address = %server.address(), "metrics are served at /metrics");
    Ok(server.serve(read, settings.disk_limit.map(|limit| limit.0)))
}

async fn look(pool: &Pool, run: Option<Uuid>) -> Result<Option<Status>, DbError> {
    let action = "read how far the run is";
    let mut client = connection(pool, LIMIT, action).await?;
    let read = within(LIMIT, action, async {
        if has_ledger(&**client).await? { status(&mut client, run).await } else { Ok(None) }
    });
    let read = read.await;
    if read.is_err() {
        close(client);
    }
    read
}
