//! What is paid for is not paid for again: a load of trees is killed at each step of an answer's way, and the service counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use sqlmig::db::Connection;

use Moment::{Answered, Asked, Kept, Promoting};

use crate::harness::TestDb;
use crate::program::{MIGRATED, finish, number, on, state};
use crate::service::Service;
use crate::trees;

/// Texts of a request, and requests at once.
const BATCH: usize = 4;
const CONCURRENCY: usize = 3;
/// Pages of the tree, each a text of its own.
const PAGES: usize = 90;

/// Where a load is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Requests are at the service, which has not answered.
    Asked,
    /// Answers are there, and the transaction that keeps them is held up in its insert.
    Answered,
    /// Some answers are kept, and others in flight.
    Kept,
    /// All are kept, and the first batch is held up before it writes a document.
    Promoting,
}

/// A load of the tree, and what it is loaded with.
struct Load {
    db: TestDb,
    client: Connection,
    service: Service,
    line: String,
}

/// What was so when a load was killed.
struct Killed {
    moment: Moment,
    /// How often the service gave each text's vector until then.
    served: BTreeMap<String, usize>,
    /// The digests of the texts whose vectors are in the ledger.
    kept: BTreeSet<Vec<u8>>,
    /// Texts that the service was asked for in vain: their vectors are in no ledger.
    lost: BTreeSet<String>,
}

fn digest(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

impl Load {
    async fn command(&self) -> Command {
        let mut command = on(&self.db, &self.line).await;
        command
            .env("SQLMIG_EMBEDDING_URL", self.service.url())
            .env("SQLMIG_EMBEDDING_BATCH", BATCH.to_string())
            .env("SQLMIG_EMBEDDING_CONCURRENCY", CONCURRENCY.to_string());
        command
    }

    /// Waits until a query says yes, while the program runs.
    async fn until(&self, child: &mut Child, moment: Moment, query: &str) {
        let since = Instant::now();
        while number(&self.client, &format!("select ({query})::integer")).await == 0 {
            assert!(child.try_wait().unwrap().is_none(), "it ended before {moment:?}");
            assert!(since.elapsed() < Duration::from_mins(2), "{moment:?} did not come");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Runs it, and kills it at that moment.
    async fn killed_at(&self, moment: Moment) -> Killed {
        let before = self.service.state.texts.lock().unwrap().len();
        let kept_before = number(&self.client, "select count(*) from sqlmig.embedding").await;
        let answer_ms = if moment == Moment::Asked { 3000 } else { 60 };
        self.service.state.latency_ms.store(answer_ms, Ordering::SeqCst);
        // Whoever writes into a table that is locked like this waits, and whoever reads does not.
        let gate = self.db.connect().await;
        let closed = match moment {
            Moment::Answered => Some("sqlmig.embedding"),
            Moment::Promoting => Some("public.documents"),
            Moment::Asked | Moment::Kept => None,
        };
        if let Some(table) = closed {
            gate.batch_execute(&format!("begin; lock table {table} in share mode")).await.unwrap();
        }
        let mut command = self.command().await;
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        match (moment, closed) {
            (Moment::Asked, _) => {
                let since = Instant::now();
                while self.service.state.texts.lock().unwrap().len() + self.service.state.unanswered() < before + 2 {
                    assert!(child.try_wait().unwrap().is_none(), "it ended before {moment:?}");
                    assert!(since.elapsed() < Duration::from_mins(2), "{moment:?} did not come");
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            (_, Some(table)) => {
                let waits = format!(
                    "select count(*) > 0 from pg_locks where relation = '{table}'::regclass and not granted \
                     and mode = 'RowExclusiveLock'"
                );
                self.until(&mut child, moment, &waits).await;
            }
            (_, None) => {
                let more = format!("select count(*) >= {kept_before} + {} from sqlmig.embedding", 2 * BATCH);
                self.until(&mut child, moment, &more).await;
            }
        }
        let own =
            format!("select count(*) from pg_stat_activity where application_name like 'sqlmig %:{}'", child.id());
        // SIGKILL: nothing of the program runs after this.
        child.kill().unwrap();
        tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
        gate.close().await;
        // What the server had in hand is done with, and the service has answered whoever still listens.
        let since = Instant::now();
        while number(&self.client, &own).await > 0 || self.service.state.unanswered() > 0 {
            assert!(since.elapsed() < Duration::from_mins(1), "sessions of a program that was killed stay");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let rows = self.client.query("select text_sha256 from sqlmig.embedding", &[]).await.unwrap();
        let kept: BTreeSet<Vec<u8>> = rows.iter().map(|row| row.get(0)).collect();
        let asked = self.service.state.texts.lock().unwrap()[before..].to_vec();
        let lost = asked.into_iter().flatten().filter(|text| !kept.contains(&digest(text))).collect();
        Killed { moment, served: self.service.state.served.lock().unwrap().clone(), kept, lost }
    }
}

#[tokio::test]
async fn a_load_of_trees_that_is_killed_at_any_step_pays_for_nothing_twice_that_it_kept() {
    let tree = tempfile::tempdir().unwrap();
    for page in 0..PAGES {
        fs::write(tree.path().join(format!("{page}.md")), format!("# Page {page}\n\nWhat page {page} says.\n"))
            .unwrap();
    }
    let db = TestDb::from(&MIGRATED, "paid_once").await;
    let client = db.connect().await;
    let line = format!("run docs-tree:{} --batch-size 20 --no-index", tree.path().display());
    let load = Load { db, client, service: trees::service().await, line };
    let mut kills = Vec::new();
    for moment in [Asked, Answered, Kept, Kept, Answered, Asked, Promoting, Promoting] {
        let killed = load.killed_at(moment).await;
        eprintln!("{:?}: {} kept, {} lost", killed.moment, killed.kept.len(), killed.lost.len());
        // What may be paid for again, at most: the requests that were in flight. Once all is kept there are none.
        let most = if moment == Promoting { 0 } else { BATCH * CONCURRENCY };
        assert!(killed.lost.len() <= most, "{moment:?}: {} texts were in flight", killed.lost.len());
        if moment == Answered {
            assert!(!killed.lost.is_empty(), "the answer came too late to be lost");
        }
        kills.push(killed);
    }
    load.service.state.latency_ms.store(0, Ordering::SeqCst);
    let asked = load.service.state.requests();
    finish(load.command().await).await.code(0);
    assert_eq!(load.service.state.requests(), asked, "all was paid for before the last two were killed");

    let served = load.service.state.served.lock().unwrap().clone();
    assert_eq!(served.len(), PAGES);
    for killed in &kills {
        for (text, times) in &served {
            if killed.kept.contains(&digest(text)) {
                assert_eq!(killed.served.get(text), Some(times), "kept at {:?}, and paid for again", killed.moment);
            }
        }
    }
    // Each time that a text was paid for again, a kill had taken its vector while it was in flight.
    for (text, times) in &served {
        let lost = kills.iter().filter(|killed| killed.lost.contains(text)).count();
        assert!(*times <= 1 + lost, "{text:?} was paid for {times} times, and lost {lost} times");
    }
    assert!(
        load.service.state.repeated() > 0,
        "no answer was lost: the moments are not those that they are meant to be"
    );
    // And the database is as after a load that nothing disturbed.
    let calm = TestDb::from(&MIGRATED, "paid_once_calm").await;
    let mut command = on(&calm, &load.line).await;
    command.env("SQLMIG_EMBEDDING_URL", load.service.url());
    finish(command).await.code(0);
    assert_eq!(state(&load.client).await, state(&calm.connect().await).await);
}
