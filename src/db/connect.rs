//! Opening connections: each host in turn, each as its TLS mode says, each session with the same settings.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::QueueMode;
use deadpool_postgres::{ManagerConfig, Pool, RecyclingMethod, Runtime};
use futures_util::future::try_join;
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinHandle;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls, config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::conninfo::Target;
use super::conninfo::endpoint::{Endpoint, Host};
use super::error::{Cause, DbError, doing, is_tls};
use super::tls::{SslMode, TlsError};
use crate::limits::Timeouts;

const SESSION: &str = include_str!("../../sql/session.sql");
const TIMEOUTS: &str = include_str!("../../sql/session_timeouts.sql");
const CHECK_INTERVAL: &str = include_str!("../../sql/session_check_interval.sql");

/// A connection of its own, outside any pool. Dropped, it ends at once, and the server rolls back what was open.
pub struct Connection {
    client: Client,
    task: AbortOnDrop,
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    /// Ends the connection in order: the server is told, and whatever still runs is waited for, at most 5 seconds.
    pub async fn close(self) {
        let Self { client, mut task } = self;
        drop(client);
        let _ = tokio::time::timeout(Duration::from_secs(5), &mut task.0).await;
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl Target {
    /// Opens a connection: UTF-8, UTC, ISO dates, `search_path` of `public`, the schema of the vector extension and
    /// `pg_temp`; a query that row security would filter fails instead.
    ///
    /// # Errors
    /// The last host's reason, when none of the hosts lets this user in within `connect_timeout`.
    pub async fn connect(&self) -> Result<Connection, DbError> {
        let action = || format!("connect to {}", self.describe());
        let connector = Connector::new(self, None).map_err(doing(action()))?;
        let connecting = connector.connect();
        let outcome = match connector.patience() {
            Some(patience) => tokio::time::timeout(patience, connecting)
                .await
                .map_err(|_| doing(action())(Cause::TimedOut(patience)))?,
            None => connecting.await,
        };
        match outcome {
            Ok((client, task)) => Ok(Connection { client, task: AbortOnDrop(task) }),
            Err((error, secret)) => Err(doing(action())(error).redacting(secret.as_ref())),
        }
    }

    /// [`Self::pool_within`] the default timeouts.
    ///
    /// # Errors
    /// As [`Self::pool_within`].
    pub fn pool(&self, max: usize) -> Result<Pool, DbError> {
        self.pool_within(max, Timeouts::default())
    }

    /// A pool of at most `max` connections, opened when first needed. Sessions are as [`Self::connect`] makes them, and none waits
    /// or works for longer than `timeouts` allow, `long` for a statement, unless its transaction says otherwise.
    ///
    /// # Errors
    /// When the certificates or keys in the settings cannot be used. No connection is opened yet.
    pub fn pool_within(&self, max: usize, timeouts: Timeouts) -> Result<Pool, DbError> {
        let connector = Connector::new(self, Some(timeouts)).map_err(doing("prepare the connection pool"))?;
        let patience = connector.patience();
        // A pooled connection is checked for being open, not asked: a lost one shows in the next statement, which is retried.
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = deadpool_postgres::Manager::from_connect(Config::new(), connector, recycling);
        // The connection that was given back last is the next one in use: it has prepared and planned most of what is asked.
        let builder = Pool::builder(manager).max_size(max.max(1)).queue_mode(QueueMode::Lifo);
        let builder = builder.runtime(Runtime::Tokio1).create_timeout(patience);
        builder.build().map_err(|error| doing("prepare the connection pool")(Cause::Pool(error.to_string())))
    }
}

/// What is ready before the first packet: certificates are read once for all connections of a pool.
#[derive(Clone)]
struct Connector {
    target: Arc<Target>,
    endpoints: Vec<(Endpoint, Vec<Attempt>)>,
    /// What a session may take; a connection outside of pools has the server's own settings.
    timeouts: Option<Timeouts>,
}

/// One try with a server; several where the mode allows to fall back.
#[derive(Clone)]
struct Attempt {
    mode: config::SslMode,
    tls: Option<MakeRustlsConnect>,
}

type Opened = (Client, JoinHandle<()>);

impl Connector {
    fn new(target: &Target, timeouts: Option<Timeouts>) -> Result<Self, TlsError> {
        let endpoints = target.endpoints.iter().map(|endpoint| {
            let plain = || Attempt { mode: config::SslMode::Disable, tls: None };
            let tls = |asked, mode| target.tls.connector(asked).map(|tls| Attempt { mode, tls: Some(tls) });
            let attempts = match endpoint.ssl_mode(target.tls.mode) {
                SslMode::Disable => vec![plain()],
                SslMode::Allow => vec![plain(), tls(SslMode::Prefer, config::SslMode::Require)?],
                SslMode::Prefer => vec![tls(SslMode::Prefer, config::SslMode::Prefer)?, plain()],
                mode => vec![tls(mode, config::SslMode::Require)?],
            };
            Ok((endpoint.clone(), attempts))
        });
        let endpoints = endpoints.collect::<Result<_, TlsError>>()?;
        Ok(Self { endpoints, target: Arc::new(target.clone()), timeouts })
    }

    /// Time for all hosts together.
    fn patience(&self) -> Option<Duration> {
        let hosts = u32::try_from(self.endpoints.len()).unwrap_or(u32::MAX);
        self.target.connect_timeout.map(|timeout| timeout.saturating_mul(hosts))
    }

    /// The first host that answers; else the last error, and the password that its text must not show.
    async fn connect(&self) -> Result<Opened, (tokio_postgres::Error, Option<SecretString>)> {
        let mut failure = None;
        for (endpoint, attempts) in &self.endpoints {
            let password = self.target.passwords.find(endpoint, &self.target.database, &self.target.user);
            for attempt in attempts {
                let config = self.config(endpoint, attempt, password.as_ref());
                let opened = match attempt.tls.clone() {
                    Some(tls) => open(&config, tls, self.timeouts).await,
                    None => open(&config, NoTls, self.timeouts).await,
                };
                match opened {
                    Ok(opened) => return Ok(opened),
                    Err(error) => {
                        let try_other_mode = may_differ_by_tls(&error);
                        failure = Some((error, password.clone()));
                        if !try_other_mode {
                            break;
                        }
                    }
                }
            }
        }
        match failure {
            Some(failure) => Err(failure),
            // Parsing makes at least one endpoint; without any, the driver says in its own words that there is none.
            None => open(&Config::new(), NoTls, None).await.map_err(|error| (error, None)),
        }
    }

    fn config(&self, endpoint: &Endpoint, attempt: &Attempt, password: Option<&SecretString>) -> Config {
        let target = &self.target;
        let mut config = Config::new();
        config.user(&target.user).dbname(&target.database).port(endpoint.port);
        config.application_name(&target.application_name);
        config.ssl_mode(attempt.mode).channel_binding(target.channel_binding);
        config.target_session_attrs(target.session_attrs);
        match &endpoint.host {
            Host::Tcp(name) => config.host(name),
            Host::Unix(folder) => config.host_path(folder),
        };
        if let Some(address) = endpoint.address {
            config.hostaddr(address);
        }
        if let Some(password) = password {
            config.password(password.expose_secret());
        }
        if let Some(options) = &target.options {
            config.options(options);
        }
        if let Some(timeout) = target.connect_timeout {
            config.connect_timeout(timeout);
        }
        if target.tls.direct && attempt.tls.is_some() {
            config.ssl_negotiation(config::SslNegotiation::Direct);
        }
        let tcp = &target.tcp;
        config.keepalives(tcp.keepalives).keepalives_idle(tcp.idle).keepalives_interval(tcp.interval);
        config.keepalives_retries(tcp.count);
        if let Some(timeout) = tcp.user_timeout {
            config.tcp_user_timeout(timeout);
        }
        config
    }
}

/// Whether the server might say otherwise with, or without, TLS: libpq falls back after a failed handshake and after a
/// refusal by `pg_hba.conf`, whose lines may ask for the one or the other.
fn may_differ_by_tls(error: &tokio_postgres::Error) -> bool {
    let refused = error.code() == Some(&tokio_postgres::error::SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
    is_tls(error) || refused || error.to_string().starts_with("error communicating")
}

async fn open<T>(config: &Config, tls: T, timeouts: Option<Timeouts>) -> Result<Opened, tokio_postgres::Error>
where
    T: tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect(tls).await?;
    // Ends by itself when the client is dropped, so nothing is left behind if the next lines fail.
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            // Whoever waits for an answer gets an error of his own.
            tracing::debug!(%error, "a database connection ended");
        }
    });
    // Sent at once: a session costs no more round trips for its timeouts.
    try_join(client.batch_execute(SESSION), set_timeouts(&client, timeouts)).await?;
    // A server on Windows cannot look whether its client is still there, and says so.
    if let Err(error) = client.batch_execute(CHECK_INTERVAL).await {
        tracing::debug!(%error, "the server does not watch its clients");
    }
    Ok((client, task))
}

/// Bounds what the session may wait for and work on.
async fn set_timeouts(client: &Client, timeouts: Option<Timeouts>) -> Result<(), tokio_postgres::Error> {
    let Some(Timeouts { lock, long, idle, .. }) = timeouts else { return Ok(()) };
    let [lock, long, idle] = [lock, long, idle].map(|time| format!("{}ms", time.as_millis()));
    client.query_typed(TIMEOUTS, &[(&lock, Type::TEXT), (&long, Type::TEXT), (&idle, Type::TEXT)]).await?;
    Ok(())
}

impl deadpool_postgres::Connect for Connector {
    fn connect(&self, _: &Config) -> Pin<Box<dyn Future<Output = Result<Opened, tokio_postgres::Error>> + Send + '_>> {
        Box::pin(async { Connector::connect(self).await.map_err(|(error, _)| error) })
    }
}
