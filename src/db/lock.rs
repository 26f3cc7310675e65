//! The lock that keeps two runs apart: a session advisory lock on a connection of its own.
//!
//! It goes with the connection, so a runner that dies frees it, within 2 seconds even if its server process was busy
//! (`client_connection_check_interval`). Advisory locks are per database, which is sqlmig's target. They do not survive
//! a transaction-mode pooler; `pooler` refuses those.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use tokio_postgres::{Client, Transaction};

use super::connect::Connection;
use super::conninfo::Target;
use super::error::{DbError, doing};

const LOCK_TRY: &str = include_str!("../../sql/lock_try.sql");
const LOCK_HOLDER: &str = include_str!("../../sql/lock_holder.sql");
const LOCK_ALIVE: &str = include_str!("../../sql/lock_alive.sql");
const LOCK_DATABASE: &str = include_str!("../../sql/lock_database.sql");
const LOCK_IS_HELD: &str = include_str!("../../sql/lock_is_held.sql");
const LOCK_TURN: &str = include_str!("../../sql/lock_turn.sql");
const LOCK_RELEASE: &str = include_str!("../../sql/lock_release.sql");

/// Pause between two tries of who waits for a lock.
const TURN_EVERY: Duration = Duration::from_millis(50);
/// Pause between two questions whether the lock's connection stands.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// A connection that does not answer in this time is given up.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// A server that is away for longer ends the run.
const RETAKE_WITHIN: Duration = Duration::from_mins(1);
/// A server process that lost its client has ended by then (`client_connection_check_interval` is 2 seconds).
const ENDED_WITHIN: Duration = Duration::from_secs(5);

/// First half of every advisory lock key of sqlmig: the letters `sqlm`.
pub(super) const KEY_CLASS: i32 = 0x7371_6c6d;

/// What is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockKind {
    /// A run into this database.
    Run = 1,
    /// A change of its schema; who wants it waits for it, as `migrate` does.
    Migrate = 2,
    /// The moment in which a run is begun or taken on; for one transaction.
    Turn = 3,
}

/// A lock that is held until it is released or dropped.
#[derive(Debug)]
pub struct Lock {
    connection: Connection,
    kind: LockKind,
    holder: Holder,
}

/// Which server process carries the run lock of this process.
#[derive(Debug, Clone)]
pub struct Holder(Arc<AtomicI32>);

impl Holder {
    /// Waits for the turn to begin a run or take one on, which lasts as long as the transaction, and sees that the run lock
    /// is still held. A process that was stopped for a while may have lost it without knowing.
    ///
    /// # Errors
    /// [`LockError::Lost`] when the lock is not held any more, or the database does not answer.
    pub async fn take_turn(&self, tx: &Transaction<'_>) -> Result<(), LockError> {
        let action = "wait for the turn to take a run on";
        tx.batch_execute(include_str!("../../sql/take_settings.sql")).await.map_err(doing(action))?;
        let turn = tx.query_one(LOCK_TURN, &[&KEY_CLASS, &(LockKind::Turn as i32)]).await;
        turn.map_err(doing(action))?;
        let pid = self.0.load(Ordering::Relaxed);
        let row = tx.query_one(LOCK_IS_HELD, &[&KEY_CLASS, &(LockKind::Run as i32), &pid]).await;
        if row.map_err(doing("ask whether the run lock is held"))?.get("is_held") {
            Ok(())
        } else {
            Err(LockError::Lost)
        }
    }
}

/// Who holds the lock. Other roles' addresses are visible to superusers and members of `pg_read_all_stats` only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHeld {
    /// The database.
    pub database: String,
    /// Server process.
    pub pid: i32,
    /// Its client's name for itself.
    pub application_name: Option<String>,
    /// Its client's address; none over a unix socket.
    pub client_addr: Option<String>,
    /// When its connection was opened.
    pub since: Option<OffsetDateTime>,
}

impl fmt::Display for LockHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "another run holds the lock on database {:?}: server process {}", self.database, self.pid)?;
        if let Some(name) = self.application_name.as_deref().filter(|name| !name.is_empty()) {
            write!(f, ", {name:?}")?;
        }
        if let Some(address) = &self.client_addr {
            write!(f, " from {address}")?;
        }
        let format = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
        match self.since.map(|since| since.format(&format)) {
            Some(Ok(since)) => write!(f, ", since {since}"),
            _ => Ok(()),
        }
    }
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Someone else has it.
    #[error("{0}")]
    Held(LockHeld),
    /// It was taken and lost.
    #[error("the run lock is lost: its connection has ended")]
    Lost,
    /// The database could not be asked.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl LockError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Held(held) => Some(format!(
                "wait for it and run the command again; if its client is dead: select pg_terminate_backend({})",
                held.pid
            )),
            Self::Lost => {
                Some("another sqlmig may have the run now: see sqlmig status, then run the same command again".into())
            }
            Self::Db(error) => error.hint(),
        }
    }
}

/// Takes a lock on a connection that is there, waiting for its turn; the connection's end, or its owner, gives it back.
///
/// # Errors
/// [`LockError::Held`] when someone else has it for longer than `patience`.
pub(super) async fn wait_for(client: &Client, kind: LockKind, patience: Duration) -> Result<(), LockError> {
    let begun = Instant::now();
    loop {
        if try_once(client, kind).await?.is_some() {
            return Ok(());
        }
        if begun.elapsed() > patience {
            let database = client.query_one(LOCK_DATABASE, &[]).await.map_err(doing("ask which database this is"))?;
            if let Some(held) = holder_of(client, kind, database.get("database")).await? {
                return Err(LockError::Held(held));
            }
        }
        tokio::time::sleep(TURN_EVERY).await;
    }
}

/// Takes the lock if it is free; the server process that has it then.
async fn try_once(client: &Client, kind: LockKind) -> Result<Option<i32>, DbError> {
    let row = client.query_one(LOCK_TRY, &[&KEY_CLASS, &(kind as i32)]).await.map_err(doing("take the run lock"))?;
    Ok(row.get::<_, bool>("taken").then(|| row.get("pid")))
}

async fn holder_of(client: &Client, kind: LockKind, database: &str) -> Result<Option<LockHeld>, DbError> {
    let holder = client.query_opt(LOCK_HOLDER, &[&KEY_CLASS, &(kind as i32)]).await;
    Ok(holder.map_err(doing("ask who holds the run lock"))?.map(|row| LockHeld {
        database: database.to_owned(),
        pid: row.get("pid"),
        application_name: row.get("application_name"),
        client_addr: row.get("client_addr"),
        since: row.get("since"),
    }))
}

/// Who holds a lock of this database; nobody, where it is free.
///
/// # Errors
/// The database could not be asked.
pub async fn held_by(client: &Client, kind: LockKind) -> Result<Option<LockHeld>, DbError> {
    let database = client.query_one(LOCK_DATABASE, &[]).await.map_err(doing("ask which database this is"))?;
    holder_of(client, kind, database.get("database")).await
}

impl Lock {
    /// Takes the lock, or says who has it; does not wait.
    ///
    /// # Errors
    /// [`LockError::Held`] when another session has it, else what went wrong with the database.
    pub async fn try_take(target: &Target, kind: LockKind) -> Result<Self, LockError> {
        Self::try_take_on(target.connect().await?, target, kind).await
    }

    /// The same on a connection to the target that is there already, and is the lock's from then on.
    ///
    /// # Errors
    /// As [`Self::try_take`].
    pub async fn try_take_on(connection: Connection, target: &Target, kind: LockKind) -> Result<Self, LockError> {
        // Two rounds: a holder that is gone between question and second question leaves the lock free.
        for _ in 0..2 {
            if let Some(pid) = try_once(&connection, kind).await? {
                let holder = Holder(Arc::new(AtomicI32::new(pid)));
                return Ok(Self { connection, kind, holder });
            }
            if let Some(held) = holder_of(&connection, kind, target.database()).await? {
                return Err(LockError::Held(held));
            }
        }
        let (pid, database) = (0, target.database().to_owned());
        Err(LockError::Held(LockHeld { database, pid, application_name: None, client_addr: None, since: None }))
    }

    /// Which server process carries the lock; follows when it is taken again.
    #[must_use]
    pub fn holder(&self) -> Holder {
        self.holder.clone()
    }

    /// Keeps the lock: asks the server now and then, and takes the lock again where its connection was lost. Returns only
    /// when that is not possible. Not a proof that the lock is held: only a fence in each transaction is.
    pub async fn keep(&mut self, target: &Target) -> LockError {
        loop {
            tokio::time::sleep(ASK_EVERY).await;
            let asked = tokio::time::timeout(ANSWER_WITHIN, self.connection.query_one(LOCK_ALIVE, &[])).await;
            if matches!(asked, Ok(Ok(_))) {
                continue;
            }
            let lost_at = Instant::now();
            loop {
                match Self::try_take(target, self.kind).await {
                    Ok(lock) => {
                        self.holder.0.store(lock.holder.0.load(Ordering::Relaxed), Ordering::Relaxed);
                        self.connection = lock.connection;
                        break;
                    }
                    Err(LockError::Db(error)) if error.is_retryable() && lost_at.elapsed() < RETAKE_WITHIN => {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    // The server process of the lost connection takes a moment to end.
                    Err(LockError::Held(_)) if lost_at.elapsed() < ENDED_WITHIN => {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    Err(error) => return error,
                }
            }
        }
    }

    /// Gives the lock back; the server has freed it when this returns.
    pub async fn release(self) {
        // Asked for, since a server process that loses its client takes a moment to end: the next command of a script
        // would find the lock held by one that is gone. Where this fails, the process ends with its lock all the same.
        drop(self.connection.query_one(LOCK_RELEASE, &[&KEY_CLASS, &(self.kind as i32)]).await);
        self.connection.close().await;
    }
}
