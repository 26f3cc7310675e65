//! One cell: a command is held at a point, something is done to it, and the same command is run again.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::checks::{self, Expected};
use crate::kinds::Kind;
use crate::program::{Ended, Invocation, PATIENCE, Running, fault_folder};
use crate::proxy::{Plan, Proxy, Weather, Wire};
use crate::scenario::{Base, Scenario};
use crate::server::{Server, Stop};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a black hole lasts: longer than sqlmig's patience with one connection.
const BLACK_HOLE: Duration = Duration::from_secs(12);
/// How long a table stays locked: longer than a few tries.
const LOCKED: Duration = Duration::from_millis(1500);

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
        format!("{}/{}", self.kind.name(), self.point.name())
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
enum Stopped {
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
    let mut bench = Bench { cell, base, server, database: database.clone(), folder: folder.clone() };
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

struct Bench<'a> {
    cell: &'a Cell,
    base: &'a Base,
    server: &'a mut Server,
    database: String,
    folder: PathBuf,
}

/// What was found at the point.
struct Found {
    backends: Vec<i32>,
    lock_holder: Option<i32>,
    was_done: bool,
    /// Pieces of work begun so far.
    pieces: usize,
}

impl Bench<'_> {
    fn expected(&self) -> &Expected {
        self.base.expected(self.cell.scenario)
    }

    fn invocation(&self, url: String, faults: Option<PathBuf>) -> Invocation {
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
        let url = proxy.as_ref().map_or_else(|| self.server.url(&self.database), |proxy| proxy.url(&self.database));
        let mut running = self.invocation(url, Some(faults.clone())).start(&self.folder.join("first"));
        running.reached().await?;
        let mut found = self.look().await?;
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

    /// Does what the kind says.
    async fn act(
        &mut self,
        running: &mut Running,
        found: &Found,
        proxy: Option<&Proxy>,
        wire: bool,
    ) -> Result<Acted, Stopped> {
        let no_connection = found.backends.is_empty();
        match self.cell.kind {
            Kind::Kill => running.signal(Signal::SIGKILL),
            Kind::OtherWriter => return self.other_writer(running).await,
            Kind::OtherSource => return self.other_source(running, found).await,
            Kind::Term => {
                running.signal(Signal::SIGTERM);
                tokio::time::sleep(Duration::from_millis(50)).await;
                running.go();
                return Ok(Acted::GoOn(Duration::from_secs(10)));
            }
            Kind::TermTwice => {
                running.signal(Signal::SIGTERM);
                tokio::time::sleep(Duration::from_millis(100)).await;
                running.signal(Signal::SIGTERM);
                return Ok(Acted::GoOn(Duration::from_secs(3)));
            }
            Kind::BackendKill | Kind::BackendEnd | Kind::Reset | Kind::BlackHole if no_connection => {
                return Err(Stopped::Senseless(Rule::NoConnection));
            }
            Kind::BackendKill => {
                for pid in &found.backends {
                    // The first one's death ends the others.
                    let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
                }
                self.recovered().await;
            }
            Kind::BackendEnd => {
                let client = self.server.connect("postgres").await;
                for pid in &found.backends {
                    let ended = client.query_one("select pg_terminate_backend($1, 5000)", &[pid]).await;
                    ended.map_err(|error| format!("{error:?}"))?;
                }
            }
            Kind::OtherKill => {
                let other = self.server.connect("postgres").await;
                let pid = checks::text(&other, "select pg_backend_pid()::text").await?;
                kill(Pid::from_raw(pid.parse().unwrap()), Signal::SIGKILL).unwrap();
                drop(other);
                self.recovered().await;
            }
            Kind::Immediate | Kind::Restart => {
                let how = if self.cell.kind == Kind::Immediate { Stop::Immediate } else { Stop::Fast };
                self.server.stop(how).await;
                self.server.start_again().await;
            }
            Kind::Reset => set(proxy, Weather::Reset),
            Kind::BlackHole => {
                set(proxy, Weather::BlackHole);
                running.go();
                wait(running, BLACK_HOLE).await;
                set(proxy, Weather::Fine);
            }
            Kind::DiskFull | Kind::StatementTimeout | Kind::LockTimeout if wire => {
                return Err(Stopped::Senseless(Rule::NothingToWrite));
            }
            Kind::DiskFull => return self.fill_up(running).await,
            Kind::StatementTimeout | Kind::LockTimeout => return self.lock_out(running).await,
            Kind::Second | Kind::TakeOver if found.lock_holder.is_none() => {
                return Err(Stopped::Senseless(Rule::NoLock));
            }
            Kind::Second => return self.second(running).await,
            Kind::TakeOver => return self.take_over(running, found).await,
        }
        running.go();
        Ok(Acted::GoOn(PATIENCE))
    }

    /// Waits until the server has come up again after a crash.
    async fn recovered(&self) {
        let begun = Instant::now();
        // A crash takes a moment to be one: connections that the old server still takes do not count.
        tokio::time::sleep(Duration::from_millis(100)).await;
        while begun.elapsed() < PATIENCE {
            let client = self.server.connect("postgres").await;
            if client.batch_execute("select 1").await.is_ok() {
                return;
            }
        }
    }

    /// Fills the small file system, and empties it when the command has ended or has had time to notice.
    async fn fill_up(&mut self, running: &mut Running) -> Result<Acted, Stopped> {
        let small = self.server.small.clone().map_err(|_| Stopped::Senseless(Rule::NoSmallDisk))?;
        let filler = small.join("filler");
        let mut file = fs::File::create(&filler).map_err(|error| error.to_string())?;
        for size in [1 << 16, 1 << 12, 1] {
            let block = vec![0_u8; size];
            while file.write_all(&block).is_ok() {}
        }
        running.go();
        wait(running, Duration::from_secs(20)).await;
        fs::remove_file(&filler).map_err(|error| error.to_string())?;
        Ok(Acted::GoOn(PATIENCE))
    }

    /// Holds the table that comes next for longer than the command may wait.
    async fn lock_out(&mut self, running: &mut Running) -> Result<Acted, Stopped> {
        let Point::Named(point, _) = &self.cell.point else { return Err(Stopped::Senseless(Rule::NothingToWrite)) };
        let table = Scenario::table_after(point).ok_or(Stopped::Senseless(Rule::NoTable))?;
        let client = self.server.connect(&self.database).await;
        let begin = "begin; set local lock_timeout = '200ms'";
        client.batch_execute(begin).await.map_err(|error| format!("{error:?}"))?;
        if client.batch_execute(&format!("lock table {table} in access exclusive mode")).await.is_err() {
            return Err(Stopped::Senseless(Rule::NoTable));
        }
        running.go();
        wait(running, LOCKED).await;
        let _ = client.batch_execute("rollback").await;
        client.close().await;
        Ok(Acted::GoOn(PATIENCE))
    }

    /// Starts a second conductor, which must be told who the first is.
    async fn second(&mut self, running: &mut Running) -> Result<Acted, Stopped> {
        let second = self.invocation(self.server.url(&self.database), None).run(&self.folder.join("second")).await?;
        let host = hostname();
        let pid = running.pid().to_string();
        let named = second.stderr.contains(&host) && second.stderr.contains(&pid);
        if second.code != Some(6) || !named || !second.stderr.contains("UTC") {
            let told = format!("the second conductor must exit 6 and name {host}, {pid} and a time");
            return Err(Stopped::Failed(format!("{told}: it ended with {}\n{}", second.word(), second.stderr)));
        }
        running.go();
        Ok(Acted::GoOn(PATIENCE))
    }

    /// Has somebody else insert a row of the last batch, and commit when sqlmig waits for him.
    async fn other_writer(&mut self, running: &mut Running) -> Result<Acted, Stopped> {
        let client = self.server.connect(&self.database).await;
        let row = "set statement_timeout = '500ms'; begin; insert into public.things (id, maker, label) values (150, 'maker 1', \
                   'another''s')";
        if !self.cell.scenario.loads_things() || client.batch_execute(row).await.is_err() {
            return Err(Stopped::Senseless(Rule::Written));
        }
        running.go();
        let (begun, other) = (Instant::now(), self.server.connect(&self.database).await);
        let waiting = "select count(*)::text from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        while !running.has_ended() && begun.elapsed() < PATIENCE && checks::text(&other, waiting).await? == "0" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        client.batch_execute("commit").await.map_err(|error| format!("{error:?}"))?;
        client.close().await;
        other.close().await;
        Ok(Acted::GoOn(PATIENCE))
    }

    /// Kills it, and runs it again with another source, which must be refused.
    async fn other_source(&mut self, running: &mut Running, found: &Found) -> Result<Acted, Stopped> {
        let other = self.base.other_arguments(self.cell.scenario);
        let other = other.ok_or(Stopped::Senseless(Rule::NothingStaged))?;
        if found.was_done {
            return Err(Stopped::Senseless(Rule::Done));
        }
        running.signal(Signal::SIGKILL);
        wait(running, PATIENCE).await;
        let client = self.server.connect(&self.database).await;
        let newest = checks::newest(&client).await?;
        if newest.is_none_or(|run| run.id == self.base.older_run()) || checks::has_staged_nothing(&client).await? {
            return Err(Stopped::Senseless(Rule::NothingStaged));
        }
        let before = checks::finals(&client).await?;
        let mut invocation = self.invocation(self.server.url(&self.database), None);
        invocation.arguments = other;
        let mut tries = 0;
        let refused = loop {
            tries += 1;
            let ended = invocation.run(&self.folder.join("other")).await?;
            // Who was killed holds the lock until the server has noticed.
            if ended.code != Some(6) || tries == 8 {
                break ended;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        if refused.code != Some(2) || !refused.stderr.contains("source") {
            let what = format!("another source must be refused with 2: {}\n{}", refused.word(), refused.stderr);
            return Err(Stopped::Failed(what));
        }
        if checks::finals(&client).await? != before {
            return Err(Stopped::Failed("another source was refused, and changed the final tables".into()));
        }
        client.close().await;
        Ok(Acted::GoOn(PATIENCE))
    }

    /// Stops the process, has another finish the run, and wakes it up again.
    async fn take_over(&mut self, running: &mut Running, found: &Found) -> Result<Acted, Stopped> {
        running.signal(Signal::SIGSTOP);
        let client = self.server.connect(&self.database).await;
        if let Some(pid) = found.lock_holder {
            let ended = client.query_one("select pg_terminate_backend($1, 5000)", &[&pid]).await;
            ended.map_err(|error| format!("{error:?}"))?;
        }
        let second = self.invocation(self.server.url(&self.database), None);
        let mut ended = second.run(&self.folder.join("second")).await?;
        if let (Some(6), Some(pid)) = (ended.code, to_be_ended(&ended)) {
            // It holds something else than the run, as the turn to migrate: the operator does what the hint says.
            let gone = client.query_one("select pg_terminate_backend($1, 5000)", &[&pid]).await;
            gone.map_err(|error| format!("{error:?}"))?;
            ended = second.run(&self.folder.join("third")).await?;
        }
        let second = ended;
        if second.code != Some(0) {
            let what = format!("the second conductor ended with {}\n{}", second.word(), second.stderr);
            return Err(Stopped::Failed(what));
        }
        // One whose work was done before has only its own last words to write.
        let look = async || {
            if found.was_done { checks::finals(&client).await } else { checks::everything(&client).await }
        };
        let before = look().await?;
        running.signal(Signal::SIGCONT);
        running.go();
        if !wait(running, PATIENCE).await {
            return Err(Stopped::Failed("the one that was taken over does not end".into()));
        }
        let first = running.ended()?;
        // One that had not begun may find that nothing is left to do.
        let nothing_left = found.was_done || first.stderr.contains("the source was loaded whole");
        let stopped = matches!(first.code, Some(5..=7)) || first.code == Some(0) && nothing_left;
        if !stopped {
            let what = format!("the one that was taken over ended with {}\n{}", first.word(), first.stderr);
            return Err(Stopped::Failed(what));
        }
        if look().await? != before {
            let what =
                format!("the one that was taken over has written after the other had finished\n{}", first.stderr);
            return Err(Stopped::Failed(what));
        }
        client.close().await;
        Ok(Acted::Outcome(second, Outcome::TakenOver))
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
        let client = self.server.connect(&self.database).await;
        wrong.extend(self.base.judge(self.cell.scenario, &client, last, self.expected(), again).await?);
        wrong.extend(checks::left_behind(&client).await?);
        client.close().await;
        Ok(if wrong.is_empty() { outcome } else { Outcome::Failed(wrong) })
    }
}

/// What there is to do after the fault.
enum Acted {
    /// Wait for the end for so long.
    GoOn(Duration),
    /// It has ended, and another run to the end.
    Outcome(Ended, Outcome),
}

/// Pieces of work that a process has begun: chunks, checks, batches.
fn pieces(faults: &Path) -> usize {
    let passed = fs::read_to_string(faults.join("passed")).unwrap_or_default();
    let begins = ["stage.chunk", "check.found", "embed.answered", "promote.claimed", "rollback.batch_locked"];
    passed.lines().filter(|line| begins.contains(line)).count()
}

/// The server process that a hint says to end.
fn to_be_ended(ended: &Ended) -> Option<i32> {
    let (_, rest) = ended.stderr.split_once("pg_terminate_backend(")?;
    rest.split_once(')')?.0.parse().ok()
}

/// Changes the weather, where there is any.
fn set(proxy: Option<&Proxy>, weather: Weather) {
    if let Some(proxy) = proxy {
        proxy.set(weather);
    }
}

/// Waits for a process to end, for so long; says whether it did.
async fn wait(running: &mut Running, patience: Duration) -> bool {
    let begun = Instant::now();
    while !running.has_ended() && begun.elapsed() < patience {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    running.has_ended()
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

/// Before the run was taken on, a lost connection may be a lost lock, and somebody else's turn.
pub fn lost_its_lock(ended: &Ended) -> bool {
    ended.code == Some(6) && ended.stderr.contains("the run lock is lost")
}

fn hostname() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}
