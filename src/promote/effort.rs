//! What the time of promotion's batches went into, and so what held it up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::db::ServerActivity;
use crate::outcome::Share;

/// How a promotion was done: by how many workers, and what its time went into.
#[derive(Debug)]
pub struct Effort {
    workers: String,
    parts: Option<Parts>,
}

/// Time of all workers together, in nanoseconds.
#[derive(Default)]
pub(super) struct Spent {
    whole: AtomicU64,
    writing: AtomicU64,
    committing: AtomicU64,
    locked: AtomicU64,
}

/// What the batches' time went into, as shares from 0 to 1 that make up the whole.
#[derive(Debug, Clone, Copy)]
struct Parts {
    /// Statements that write batches.
    writing: f64,
    /// COMMIT.
    committing: f64,
    /// Tries that ended because a lock was waited for in vain.
    locked: f64,
    /// All the rest: claims, the fence, and what lies between two statements.
    others: f64,
}

/// The name of the time of tries that waited for a lock in vain.
const LOCKED: &str = "lock timeouts";

fn count<const N: usize>(times: [(&AtomicU64, Duration); N]) {
    for (counter, time) in times {
        counter.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Spent {
    /// Adds the time of one batch: all of it, and what of it the statement and COMMIT took.
    pub fn add(&self, whole: Duration, writing: Duration, committing: Duration) {
        count([(&self.whole, whole), (&self.writing, writing), (&self.committing, committing)]);
    }

    /// Adds the time of a try that ended because it waited for a lock in vain.
    pub fn locked_out(&self, whole: Duration) {
        count([(&self.whole, whole), (&self.locked, whole)]);
    }

    /// What the workers were busy with so far.
    pub fn shares(&self) -> Vec<Share> {
        let parts = self.parts().into_iter().flat_map(Parts::named);
        let parts = parts.filter(|(part, share)| *part != LOCKED || *share > 0.0);
        parts.map(|(part, share)| Share { part: part.to_owned(), share }).collect()
    }

    /// The same at the end, of so many workers.
    pub fn effort(&self, workers: String) -> Effort {
        Effort { workers, parts: self.parts() }
    }

    /// Its parts, once there is any time.
    fn parts(&self) -> Option<Parts> {
        #[expect(clippy::cast_precision_loss, reason = "a share in percent")]
        let [whole, writing, committing, locked] = [&self.whole, &self.writing, &self.committing, &self.locked]
            .map(|counter| counter.load(Ordering::Relaxed) as f64);
        let [writing, committing, locked] = [writing, committing, locked].map(|part| part / whole);
        let others = (1.0 - writing - committing - locked).max(0.0);
        (whole > 0.0).then_some(Parts { writing, committing, locked, others })
    }
}

impl Parts {
    fn named(self) -> [(&'static str, f64); 4] {
        [
            ("the server's statements", self.writing),
            ("COMMIT, that is the WAL", self.committing),
            (LOCKED, self.locked),
            ("locks and answers", self.others),
        ]
    }

    /// What held the batches up most. A statement's time is told apart by what the server was seen at, where it was: its WAL
    /// belongs to COMMIT then, and its locks to those that were waited for in vain.
    fn most(self, server: &ServerActivity) -> &'static str {
        let mut parts: Vec<(&str, f64)> = match server.shares() {
            None => self.named().into(),
            Some(seen) => {
                let others = ("locks and answers", self.others);
                let more = |part: &str| match part {
                    ServerActivity::WAL => self.committing,
                    ServerActivity::LOCKS => self.locked,
                    _ => 0.0,
                };
                let seen = seen.into_iter().map(|(part, share)| (part, self.writing * share + more(part)));
                seen.chain([others]).collect()
            }
        };
        parts.sort_by(|one, other| other.1.total_cmp(&one.1));
        parts.first().map_or("", |part| if part.0 == LOCKED { ServerActivity::LOCKS } else { part.0 })
    }
}

impl Effort {
    /// "2 workers; held up by the server's CPU (statements 91 %, COMMIT 6 %, locks and answers 3 %; server: CPU 81 %, WAL 9 %,
    /// disk 6 %, locks 4 %)".
    #[must_use]
    pub fn told(&self, server: &ServerActivity) -> String {
        let workers = &self.workers;
        let Some(parts) = self.parts else { return workers.clone() };
        let percent = |part: f64| part * 100.0;
        let [writing, committing, others] = [parts.writing, parts.committing, parts.others].map(percent);
        // Hardly ever any.
        let locked =
            if parts.locked > 0.0 { format!("{LOCKED} {:.0} %, ", percent(parts.locked)) } else { String::new() };
        let seen = if server.shares().is_some() { format!("; {server}") } else { String::new() };
        format!(
            "{workers}; held up by {} (statements {writing:.0} %, COMMIT {committing:.0} %, {locked}locks and answers \
             {others:.0} %{seen})",
            parts.most(server)
        )
    }
}
