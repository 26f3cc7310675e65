//! Errors of the database, told in full: the driver's own text for whatever the server reports is just "db error".

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use deadpool_postgres::PoolError;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::error::{DbError as ServerError, SqlState};

use super::tls::TlsError;

/// What stands where a password would have been printed.
const REDACTED: &str = "********";

/// Something that the database did not do: the action, and the cause with everything that the server said of it.
///
/// `Display` is the whole story, so there is no `source()` to print after it.
pub struct DbError(Box<Failed>);

/// Its parts, in a box: every fallible function of the phases returns one, mostly not.
struct Failed {
    action: String,
    cause: Cause,
    secret: Option<SecretString>,
}

/// Why.
#[derive(Debug)]
pub enum Cause {
    /// The server or the connection to it.
    Driver(tokio_postgres::Error),
    /// The pool of connections could not hand one out.
    Pool(String),
    /// Nobody answered in this time.
    TimedOut(Duration),
    /// A certificate or key named in the connection settings cannot be used.
    Tls(TlsError),
}

impl From<tokio_postgres::Error> for Cause {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Driver(error)
    }
}

impl From<TlsError> for Cause {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<PoolError> for Cause {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Driver(error),
            PoolError::Timeout(_) => Self::Pool("no connection became free in time".into()),
            PoolError::Closed => Self::Pool("the connection pool is closed".into()),
            other => Self::Pool(other.to_string()),
        }
    }
}

/// Names the action that failed: `client.execute(…).await.map_err(doing("lock the run"))?`.
pub fn doing<E: Into<Cause>>(action: impl Into<String>) -> impl FnOnce(E) -> DbError {
    move |error| DbError(Box::new(Failed { action: action.into(), cause: error.into(), secret: None }))
}

impl DbError {
    /// The same error, with `secret` blacked out should the driver or the server repeat it.
    #[must_use]
    pub fn redacting(mut self, secret: Option<&SecretString>) -> Self {
        self.0.secret = secret.filter(|secret| !secret.expose_secret().is_empty()).cloned();
        self
    }

    /// What was being done.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.0.action
    }

    /// The five characters of the server's error code, if it was the server that refused.
    #[must_use]
    pub fn sqlstate(&self) -> Option<&SqlState> {
        match &self.0.cause {
            Cause::Driver(error) => error.code(),
            _ => None,
        }
    }

    /// What the server said, if it was the server that refused.
    #[must_use]
    pub fn server(&self) -> Option<&ServerError> {
        match &self.0.cause {
            Cause::Driver(error) => error.as_db_error(),
            _ => None,
        }
    }

    /// Whether the same may well succeed when it is tried again on a new connection: the server was away, starting,
    /// full of clients or read-only after a failover, or the transaction lost against another.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.is_unavailable() || self.code().is_some_and(is_passing)
    }

    /// Whether there is no server to talk to at present.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match (&self.0.cause, self.code()) {
            (_, Some(code)) => is_away(code),
            (Cause::Driver(error), None) => error.is_closed() || is_io(error) && tls_cause(error).is_none(),
            (Cause::Pool(_) | Cause::TimedOut(_), None) => true,
            (Cause::Tls(_), None) => false,
        }
    }

    /// Whether the server has no connection left for one more client.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.code() == Some("53300")
    }

    /// Whether the server has no room left, on its disk or in its memory, or for one more client (class 53).
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.code().is_some_and(|code| code.starts_with("53"))
    }

    /// Whether this side gave up waiting for an answer.
    #[must_use]
    pub fn is_timed_out(&self) -> bool {
        matches!(self.0.cause, Cause::TimedOut(_))
    }

    /// Whether the server ended the statement: by its time limit, or because someone asked it to.
    #[must_use]
    pub fn is_canceled(&self) -> bool {
        self.code() == Some("57014")
    }

    /// Whether a lock was waited for in vain.
    #[must_use]
    pub fn is_lock_timeout(&self) -> bool {
        self.code() == Some("55P03")
    }

    /// Whether the data was refused: a value (class 22) or a constraint (class 23).
    #[must_use]
    pub fn is_data(&self) -> bool {
        self.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
    }

    /// Whether a foreign key refuses a row.
    #[must_use]
    pub fn is_foreign_key(&self) -> bool {
        self.code() == Some("23503")
    }

    /// Whether a row with this key is there already.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        self.code() == Some("23505")
    }

    /// Whether a statement in a READ ONLY transaction tried to write.
    #[must_use]
    pub fn is_write_refused(&self) -> bool {
        self.code() == Some("25006")
    }

    /// Whether the statement itself is wrong, or this role may not run it (class 42).
    #[must_use]
    pub fn is_statement(&self) -> bool {
        self.code().is_some_and(|code| code.starts_with("42"))
    }

    /// Whether the connection settings are at fault: authentication, a missing database, certificates.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        match (&self.0.cause, self.code()) {
            // 42501: this role may not; 3D000: no such database.
            (_, Some(code)) => code.starts_with("28") || matches!(code, "3D000" | "42501"),
            (Cause::Driver(error), None) => tls_cause(error).is_some() || !is_io(error) && !error.is_closed(),
            (Cause::Tls(_), None) => true,
            (Cause::Pool(_) | Cause::TimedOut(_), None) => false,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match &self.0.cause {
            Cause::Tls(error) => error.hint(),
            Cause::Pool(_) => None,
            Cause::TimedOut(_) => Some("check host, port and network; then run the same command again".into()),
            Cause::Driver(error) => match self.code() {
                Some(code) => hint_for_code(code).map(str::to_owned),
                None => hint_for_driver(error),
            },
        }
    }

    fn code(&self) -> Option<&str> {
        self.sqlstate().map(SqlState::code)
    }

    fn cause_text(&self) -> String {
        match &self.0.cause {
            Cause::Tls(error) => error.to_string(),
            Cause::Pool(text) => text.clone(),
            Cause::TimedOut(time) => format!("no answer within {} s", time.as_secs()),
            Cause::Driver(error) => match error.as_db_error() {
                Some(server) => server_text(server),
                None => chain(error),
            },
        }
    }
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("could not {}: {}", self.0.action, self.cause_text());
        match &self.0.secret {
            Some(secret) => f.write_str(&text.replace(secret.expose_secret(), REDACTED)),
            None => f.write_str(&text),
        }
    }
}

impl fmt::Debug for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DbError({self})")
    }
}

impl Error for DbError {}

/// Everything of the server's message that helps to find the row or the statement.
pub(super) fn server_text(error: &ServerError) -> String {
    let mut text = format!("{} (SQLSTATE {})", error.message(), error.code().code());
    let table = error.table().map(|table| match error.schema() {
        Some(schema) => format!("{schema}.{table}"),
        None => table.to_owned(),
    });
    let details = [
        ("detail", error.detail()),
        ("server's hint", error.hint()),
        ("table", table.as_deref()),
        ("column", error.column()),
        ("constraint", error.constraint()),
        ("type", error.datatype()),
        ("where", error.where_()),
    ];
    for (name, value) in details {
        if let Some(value) = value {
            text.push_str("\n  ");
            text.push_str(name);
            text.push_str(": ");
            // A context of several lines stays under its name.
            text.push_str(&value.replace('\n', "\n    "));
        }
    }
    text
}

/// The error and its causes on one line, without repeating what a cause's text already says.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

fn causes(error: &tokio_postgres::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source())
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    // The driver's own time limit has no cause to look at.
    error.to_string().starts_with("timeout") || causes(error).any(<dyn Error>::is::<io::Error>)
}

/// The TLS library's error, which travels inside an I/O error; there the chain of sources skips it.
pub(super) fn tls_cause(error: &tokio_postgres::Error) -> Option<&rustls::Error> {
    causes(error).find_map(|cause| {
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause.downcast_ref().or_else(|| inner?.downcast_ref())
    })
}

/// Whether the handshake failed, for whatever reason.
pub(super) fn is_tls(error: &tokio_postgres::Error) -> bool {
    error.to_string().starts_with("error performing TLS")
}

fn hint_for_driver(error: &tokio_postgres::Error) -> Option<String> {
    if let Some(tls) = tls_cause(error) {
        return super::tls::hint_for(tls);
    }
    if is_tls(error) {
        return Some(
            "the server offers no TLS: enable it there, or write sslmode=disable if the network is trusted".into(),
        );
    }
    let io = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    match io.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => {
            Some("check that the server runs and that host and port of the connection string are right".into())
        }
        Some(io::ErrorKind::PermissionDenied) => {
            Some("this user may not use the server's socket: run as the user who owns it".into())
        }
        Some(_) => Some("check host, port and network; then run the same command again".into()),
        None if chain(error).contains("password missing") => {
            Some("give the password in PGPASSWORD, in ~/.pgpass, or in a file that SQLMIG_PASSWORD_FILE names".into())
        }
        None => None,
    }
}

/// Whether a code says that there is no server to talk to at present.
fn is_away(code: &str) -> bool {
    // 25P03, 25P04, 57P05: the server closed a connection on which too little happened, as when this process was stopped for a
    // while.
    code.starts_with("08") || matches!(code, "57P01" | "57P02" | "57P03" | "57P05" | "53300" | "25P03" | "25P04")
}

/// Whether a code says that the transaction lost against another, or met a server that is about to change.
fn is_passing(code: &str) -> bool {
    // 25006: a standby that was, or will be, the primary; a new connection finds the new one.
    matches!(code, "40001" | "40P01" | "55P03" | "25006")
}

fn hint_for_code(code: &str) -> Option<&'static str> {
    Some(match code {
        _ if code.starts_with("08") => {
            "the connection was lost: check server and network, then run the same command again"
        }
        "40001" | "40P01" => "another transaction was in the way: run the same command again",
        "57P01" | "57P02" => "the server restarts, or someone ended the session: run the same command again",
        "25P03" | "25P04" | "57P05" => {
            "nothing was asked for too long, as when this process is stopped for a while: run the same command again"
        }
        "28P01" => "check user and password: connection string, PGPASSWORD, SQLMIG_PASSWORD_FILE, ~/.pgpass",
        "28000" => "the server's pg_hba.conf admits no such connection: check user, database, address and sslmode",
        "3D000" => "create the database, or correct its name in the connection string",
        "42501" => "grant the role what it lacks; docs name the privileges that sqlmig needs",
        "53100" => "make room on the server's disk, then run the same command again",
        "53200" => "lower maintenance_work_mem or the number of connections",
        "53300" => "the server has no connection to spare: lower the parallelism, or try again later",
        "55P03" => "someone holds a lock on the table: let him finish, or raise --lock-timeout",
        "57014" => {
            "someone ended the statement, or it took too long: of a batch, raise --statement-timeout or lower --batch-size; \
             else raise --long-timeout"
        }
        "57P03" => "the server is starting or stopping: try again in a moment",
        "25006" => "this is a standby or a read-only database: connect to the primary",
        "0A000" | "42704" | "42883" => "is the extension that provides it installed in this database?",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
