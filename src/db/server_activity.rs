//! What the server does for this process, from looks at its backends: at work on a processor, or waiting for WAL, disk or locks.
//!
//! A client sees how long a statement took, and not what it took so long for. The server says at every moment what each of its
//! backends waits for (`pg_stat_activity`; everybody may see the sessions of his own role). Of many such looks, the share of
//! those that found something is the share of the time that it took.

use std::fmt;
use std::ops::AddAssign;

use deadpool_postgres::ClientWrapper;

use super::{DbError, doing};

/// Backends seen at work, in fewer than which there is nothing to be read.
const LEAST: i64 = 5;

/// Backends of this process that were seen at work, by what they were at; all looks together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServerActivity {
    /// On a processor, or waiting for one.
    pub cpu: i64,
    /// Waiting for the WAL to be written, or for a standby that gets it.
    pub wal: i64,
    /// Waiting for other files.
    pub disk: i64,
    /// Waiting for a lock that another session holds.
    pub locks: i64,
    /// Waiting for something else inside the server.
    pub other: i64,
}

impl AddAssign for ServerActivity {
    fn add_assign(&mut self, more: Self) {
        self.cpu += more.cpu;
        self.wal += more.wal;
        self.disk += more.disk;
        self.locks += more.locks;
        self.other += more.other;
    }
}

impl ServerActivity {
    /// The name of waiting for the WAL.
    pub const WAL: &str = "the WAL";
    /// The name of waiting for locks.
    pub const LOCKS: &str = "locks";

    /// The share of each, from 0 to 1, by its name for people; none where too little was seen.
    #[must_use]
    pub fn shares(&self) -> Option<[(&'static str, f64); 5]> {
        let seen = self.cpu + self.wal + self.disk + self.locks + self.other;
        #[expect(clippy::cast_precision_loss, reason = "a share of some thousand looks")]
        let share = |count: i64| count as f64 / seen as f64;
        (seen >= LEAST).then(|| {
            [
                ("the server's CPU", share(self.cpu)),
                (Self::WAL, share(self.wal)),
                ("the server's disk", share(self.disk)),
                (Self::LOCKS, share(self.locks)),
                ("waits inside the server", share(self.other)),
            ]
        })
    }

    /// What most of them were at.
    #[must_use]
    pub fn most(&self) -> Option<&'static str> {
        let shares = self.shares()?;
        shares.iter().max_by(|one, other| one.1.total_cmp(&other.1)).map(|most| most.0)
    }

    /// "; held up by the server's CPU (server: CPU 95 %, …)", of a phase in which nothing but the server is at work; nothing
    /// where too little was seen.
    #[must_use]
    pub fn held_up(&self) -> String {
        self.most().map(|most| format!("; held up by {most} ({self})")).unwrap_or_default()
    }
}

impl fmt::Display for ServerActivity {
    /// "server: CPU 81 %, WAL 9 %, disk 6 %, locks 4 %"; nothing where too little was seen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(shares) = self.shares() else { return Ok(()) };
        let [cpu, wal, disk, locks, other] = shares.map(|part| part.1 * 100.0);
        write!(f, "server: CPU {cpu:.0} %, WAL {wal:.0} %, disk {disk:.0} %, locks {locks:.0} %")?;
        // Hardly ever any, and then of interest.
        if other >= 0.5 { write!(f, ", other waits {other:.0} %") } else { Ok(()) }
    }
}

/// Looks once.
///
/// # Errors
/// The server can't be asked.
pub async fn server_activity(client: &ClientWrapper) -> Result<ServerActivity, DbError> {
    let doing = || doing("look at what the server does");
    let statement = client.prepare_cached(include_str!("../../sql/server_activity.sql")).await.map_err(doing())?;
    let row = client.query_one(&statement, &[]).await.map_err(doing())?;
    Ok(ServerActivity {
        cpu: row.get("cpu"),
        wal: row.get("wal"),
        disk: row.get("disk"),
        locks: row.get("locks"),
        other: row.get("other"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_what_was_seen_at_work() {
        let mut seen = ServerActivity { cpu: 81, wal: 9, disk: 6, locks: 4, other: 0 };
        assert_eq!(seen.to_string(), "server: CPU 81 %, WAL 9 %, disk 6 %, locks 4 %");
        assert_eq!(seen.most(), Some("the server's CPU"));
        seen += ServerActivity { locks: 90, other: 10, ..ServerActivity::default() };
        assert_eq!(seen.to_string(), "server: CPU 40 %, WAL 4 %, disk 3 %, locks 47 %, other waits 5 %");
        assert_eq!(seen.most(), Some("locks"));
        assert!(seen.held_up().starts_with("; held up by locks (server: CPU 40 %, "), "{}", seen.held_up());
        let sum: f64 = seen.shares().unwrap().iter().map(|part| part.1).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    }

    #[test]
    fn a_look_or_two_say_nothing() {
        for seen in [ServerActivity::default(), ServerActivity { cpu: LEAST - 1, ..ServerActivity::default() }] {
            assert_eq!((seen.shares(), seen.most(), seen.to_string() + &seen.held_up()), (None, None, String::new()));
        }
        assert!(ServerActivity { wal: LEAST, ..ServerActivity::default() }.most() == Some("the WAL"));
    }
}
