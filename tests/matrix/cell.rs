//! One cell: a command is held at a point, something is done to it, and the same command is run again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::act::Acted;
use crate::base::Base;
use crate::checks::{self, Expected};
use crate::kinds::Kind;
use crate::paid::Paid;
use crate::program::{Ended, Invocation, PATIENCE, fault_folder};
use crate::proxy::{Plan, Proxy, Wire};
use crate::scenario::Scenario;
use crate::server::Server;
use nix::sys::signal::Signal;

/// Pieces of work that may be under way, or ready to be, when sqlmig is asked to stop: one that is read and one that waits for
/// a lane; of each of two lanes one that is decoded, one that waits and one that is sent.
const IN_HAND: usize = 8;

/// Where a command is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Point {
    /// A named point of the code, the n-th time it is passed.
    Named(String, u32),
    /// An answer of the server that is held back.
    Wire(Wire),
}

impl Point {
    pub fn name(&self) -> String {
        match self {
            Self::Named(name, 1) => name.clone(),
            Self::Named(name, nth) => format!("{name}#{nth}"),
            Self::Wire(Wire { what, nth: 1 }) => format!("{what} unanswered"),
            Self::Wire(Wire { what, nth }) => format!("{what} unanswered#{nth}"),
        }
    }
}

/// A row and a column of the table.
#[derive(Debug, Clone)]
pub struct Cell {
    pub scenario: Scenario,
    pub point: Point,
    pub kind: Kind,
}

impl Cell {
    pub fn name(&self) -> String {
        format!("{}/{}", self.kind.name(), self.row())
    }

    /// The table's row.
    pub fn row(&self) -> String {
        let variant = self.scenario.variant().map(|(name, _)| format!(" {name}")).unwrap_or_default();
        self.point.name() + &variant
    }
}

/// What a cell came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The command went on to its end by itself.
    WentOn,
    /// The same command again ended well.
    Resumed,
    /// It took more than one more.
    Retried,
    /// It left what an earlier fault had left, from which the same command ended well.
    AsResumed,
    /// The second conductor was refused, and the first went on.
    Refused,
    /// The second conductor took over, and the first stopped.
    TakenOver,
    /// The fault has no meaning here, by this rule.
    Senseless(Rule),
    /// What does not hold.
    Failed(Vec<String>),
}

/// Why a fault has no meaning at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    NoConnection,
    NoLock,
    NoTable,
    NoSmallDisk,
    NothingToWrite,
    NothingStaged,
    Done,
    Written,
}

impl Rule {
    pub const ALL: [Self; 8] = [
        Self::NoConnection,
        Self::NoLock,
        Self::NoTable,
        Self::NoSmallDisk,
        Self::NothingToWrite,
        Self::NothingStaged,
        Self::Done,
        Self::Written,
    ];

    /// The letter that stands in the table.
    pub fn letter(self) -> char {
        match self {
            Self::NoConnection => 'a',
            Self::NoLock => 'b',
            Self::NoTable => 'c',
            Self::NoSmallDisk => 'd',
            Self::NothingToWrite => 'e',
            Self::NothingStaged => 'f',
            Self::Done => 'g',
            Self::Written => 'h',
        }
    }

    pub fn what(self) -> &'static str {
        match self {
            Self::NoConnection => "sqlmig has no connection at that moment",
            Self::NoLock => "the run lock is not held at that moment, so a second conductor is the first",
            Self::NoTable => {
                "the table that the next step needs cannot be locked by anybody else: the transaction in hand has it"
            }
            Self::NoSmallDisk => "mounting a small file system was not permitted where the table was made",
            Self::NothingToWrite => "the server has done its work already; what is held back is its answer",
            Self::NothingStaged => {
                "no row is staged, so there is nothing that another source could be mistaken for, or the command reads none"
            }
            Self::Written => "the row is written already, or this command does not write it",
            Self::Done => "the load is done, so another source is simply the next one",
        }
    }
}

/// What goes wrong without being a finding: the cell has no meaning.
pub enum Stopped {
    Senseless(Rule),
    Failed(String),
}

impl From<String> for Stopped {
    fn from(what: String) -> Self {
        Self::Failed(what)
    }
}

/// Runs one cell in a database of its own.
pub async fn run(cell: &Cell, base: &Base, server: &mut Server, number: usize, ground: &Path) -> Outcome {
    let small = cell.kind == Kind::DiskFull;
    if small && server.small.is_err() {
        return Outcome::Senseless(Rule::NoSmallDisk);
    }
    let database = format!("cell_{number}");
    let folder = ground.join(&database);
    fs::create_dir_all(&folder).unwrap();
    if let Err(what) = base.database(server, cell.scenario, small, &database, &folder).await {
        return Outcome::Failed(vec![what]);
    }
    let mut bench = Bench { cell, base, server, database: database.clone(), folder: folder.clone(), paid: Vec::new() };
    let outcome = match bench.disturb().await {
        Ok(outcome) => outcome,
        Err(Stopped::Senseless(rule)) => Outcome::Senseless(rule),
        Err(Stopped::Failed(what)) => Outcome::Failed(vec![what]),
    };
    if matches!(outcome, Outcome::Failed(_)) && std::env::var_os("SQLMIG_MATRIX_KEEP").is_some() {
        return outcome;
    }
    server.drop_database(&database).await;
    let _ = fs::remove_dir_all(&folder);
    outcome
}

pub struct Bench<'a> {
    pub cell: &'a Cell,
    pub base: &'a Base,
    pub server: &'a mut Server,
    pub database: String,
    pub folder: PathBuf,
    /// What the service of embeddings had been asked at its beginning, at the fault, and before the command was run again.
    paid: Vec<Paid>,
}

/// What was found at the point.
pub struct Found {
    pub backends: Vec<i32>,
    pub lock_holder: Option<i32>,
    pub was_done: bool,
    /// Pieces of work begun so far.
    pieces: usize,
}

impl Bench<'_> {
    fn expected(&self) -> &Expected {
        self.base.expected(self.cell.scenario)
    }

    pub fn invocation(&self, url: String, faults: Option<PathBuf>) -> Invocation {
        let arguments = self.base.arguments(self.cell.scenario);
        Invocation { arguments, url, variables: self.cell.kind.variables(), faults }
    }

    async fn disturb(&mut self) -> Result<Outcome, Stopped> {
        let kind = self.cell.kind;
        let (at, hold) = match &self.cell.point {
            Point::Named(name, nth) => (format!("{name}#{nth}"), None),
            Point::Wire(wire) => (String::new(), Some(wire.clone())),
        };
        let faults = fault_folder(&self.folder.join("faults"), &at);
        let proxied = hold.is_some() || kind.is_on_the_wire();
        let proxy = if proxied {
            let plan = Plan { cut: None, hold: hold.clone().map(|wire| (wire, faults.clone())) };
            Some(Proxy::start(&self.server.socket(), plan).await)
        } else {
            None
        };
        self.note_paid().await?;
        let url = proxy.as_ref().map_or_else(|| self.server.url(&self.database), |proxy| proxy.url(&self.database));
        let mut running = self.invocation(url, Some(faults.clone())).start(&self.folder.join("first"));
        running.reached().await?;
        let mut found = self.look().await?;
        self.note_paid().await?;
        found.pieces = pieces(&faults);
        let ended = match self.act(&mut running, &found, proxy.as_ref(), hold.is_some()).await {
            Ok(Acted::GoOn(patience)) => running.end(patience).await?,
            Ok(Acted::Outcome(ended, outcome)) => {
                let wrong = if self.cell.scenario.loads() {
                    let newest = checks::newest(&self.server.connect(&self.database).await).await?;
                    checks::agree(&ended, newest.as_ref(), true)
                } else {
                    None
                };
                let wrong = wrong.into_iter().collect();
                return self.judge(&ended, outcome, wrong, found.was_done).await.map_err(Stopped::Failed);
            }
            Err(stopped) => {
                running.signal(Signal::SIGKILL);
                let _ = running.end(PATIENCE).await;
                return Err(stopped);
            }
        };
        drop(proxy);
        let began = pieces(&faults).saturating_sub(found.pieces);
        self.after(&ended, &found, began).await
    }

    /// Keeps how far the service of embeddings has been asked.
    async fn note_paid(&mut self) -> Result<(), String> {
        let client = self.server.connect(&self.database).await;
        self.paid.extend(self.base.paid(self.cell.scenario, &client).await?);
        client.close().await;
        Ok(())
    }

    /// Looks who is there.
    async fn look(&self) -> Result<Found, String> {
        let client = self.server.connect(&self.database).await;
        let query = "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() \
                     and backend_type = 'client backend'";
        let rows = client.query(query, &[]).await.map_err(|error| format!("{error:?}"))?;
        let backends = rows.iter().map(|row| row.get(0)).collect();
        let query = "select pid from pg_locks where locktype = 'advisory' and granted and objid = 1 and database = \
                     (select oid from pg_database where datname = current_database())";
        let rows = client.query(query, &[]).await.map_err(|error| format!("{error:?}"))?;
        let lock_holder = rows.first().map(|row| row.get(0));
        let was_done = self.base.is_done(self.cell.scenario, &client).await?;
        client.close().await;
        Ok(Found { backends, lock_holder, was_done, pieces: 0 })
    }

    /// Checks what there is before anything is mended, runs the same command again, and judges.
    async fn after(&mut self, first: &Ended, found: &Found, began: usize) -> Result<Outcome, Stopped> {
        let mut wrong = Vec::new();
        if self.cell.kind == Kind::Term && began > IN_HAND {
            wrong.push(format!("asked to stop, it began {began} pieces of work more"));
        }
        let client = self.server.connect(&self.database).await;
        if self.base.has_ledger(&client).await? {
            if checks::unproven(&client).await? != 0 {
                wrong.push("rows were promoted from a source not proven whole".into());
            }
            if self.cell.scenario.loads() {
                let newest = checks::newest(&client).await?;
                let newest = newest.filter(|run| run.id != self.base.older_run());
                wrong.extend(checks::agree(first, newest.as_ref(), found.was_done));
            }
        }
        let was_done = self.base.is_done(self.cell.scenario, &client).await?;
        client.close().await;
        if !may_end(self.cell.kind, first) {
            wrong.push(format!("it ended with {}\n{}", first.word(), first.stderr));
        }
        if first.code == Some(0) {
            let outcome = if self.cell.kind == Kind::Second { Outcome::Refused } else { Outcome::WentOn };
            let counted_otherwise = self.cell.kind == Kind::OtherWriter;
            return self.judge(first, outcome, wrong, counted_otherwise).await.map_err(Stopped::Failed);
        }
        if self.cell.kind == Kind::Second {
            wrong.push(format!("the first conductor was disturbed by the second\n{}", first.stderr));
        }
        self.note_paid().await?;
        let mut tries = 0;
        loop {
            tries += 1;
            let again = self.invocation(self.server.url(&self.database), None);
            let again = again.run(&self.folder.join(format!("again_{tries}"))).await?;
            match again.code {
                Some(0) => {
                    let outcome = if tries == 1 { Outcome::Resumed } else { Outcome::Retried };
                    return self.judge(&again, outcome, wrong, was_done).await.map_err(Stopped::Failed);
                }
                // What it cannot go on with by itself is for the command that it names, which comes next.
                Some(3 | 5) if self.cell.scenario.helps() && names_conductor(&again) => {
                    return self.judge(&again, Outcome::Resumed, wrong, was_done).await.map_err(Stopped::Failed);
                }
                Some(5..=7) if tries < 6 => tokio::time::sleep(Duration::from_millis(700)).await,
                _ => {
                    wrong.push(format!("run again ({tries}), it ended with {}\n{}", again.word(), again.stderr));
                    wrong.push(format!("the first ended with {}\n{}", first.word(), first.stderr));
                    return Ok(Outcome::Failed(wrong));
                }
            }
        }
    }

    /// Holds what there is in the end against an undisturbed run.
    /// `again` says that the command had done its work already when it was run again.
    async fn judge(
        &self,
        last: &Ended,
        outcome: Outcome,
        mut wrong: Vec<String>,
        again: bool,
    ) -> Result<Outcome, String> {
        let scenario = self.cell.scenario;
        let last = self.base.complete(self.server, scenario, &self.database, last, &self.folder).await?;
        let client = self.server.connect(&self.database).await;
        wrong.extend(self.base.judge(scenario, &client, &last, self.expected(), again).await?);
        let service = self.base.service();
        wrong.extend(self.paid.iter().filter_map(|paid| paid.again(service)));
        if let Some(paid) = self.paid.first() {
            wrong.extend(paid.lost(&client, service).await?);
            wrong.extend(paid.repeated(service).filter(|_| outcome == Outcome::WentOn));
        }
        wrong.extend(checks::left_behind(&client).await?);
        client.close().await;
        Ok(if wrong.is_empty() { outcome } else { Outcome::Failed(wrong) })
    }
}

/// Pieces of work that a process has begun: chunks, checks, batches.
fn pieces(faults: &Path) -> usize {
    let passed = fs::read_to_string(faults.join("passed")).unwrap_or_default();
    let begins = ["stage.chunk", "embed.answered", "promote.claimed", "rollback.batch_locked"];
    passed.lines().filter(|line| begins.contains(line) || line.starts_with("check.found_")).count()
}

/// Whether a command may end like that under a fault of this kind.
fn may_end(kind: Kind, ended: &Ended) -> bool {
    match (kind, ended.code) {
        (_, Some(0)) => !matches!(kind, Kind::Kill | Kind::OtherSource),
        // A second signal may end it as the kernel does.
        (Kind::Kill | Kind::OtherSource | Kind::TermTwice, None) | (Kind::Term | Kind::TermTwice, Some(7)) => true,
        // A full disk is no passing trouble of the server's: it needs a person.
        (Kind::DiskFull, Some(code)) => matches!(code, 1 | 5),
        (Kind::Kill | Kind::OtherSource | Kind::Term | Kind::TermTwice | Kind::Second, _) | (_, None) => false,
        (_, Some(6)) => lost_its_lock(ended),
        (_, Some(code)) => code == 5,
    }
}

/// Whether a hint names the command that conducts a run.
fn names_conductor(ended: &Ended) -> bool {
    ["sqlmig run", "sqlmig promote"].iter().any(|command| ended.stderr.contains(command))
}

/// Before the run was taken on, a lost connection may be a lost lock, and somebody else's turn.
pub fn lost_its_lock(ended: &Ended) -> bool {
    ended.code == Some(6) && ended.stderr.contains("the run lock is lost")
}
