//! What is done to a command that is held at its point.

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::cell::{Bench, Found, Outcome, Point, Rule, Stopped};
use crate::checks;
use crate::kinds::Kind;
use crate::program::{Ended, PATIENCE, Running};
use crate::proxy::{Proxy, Weather};
use crate::scenario::Scenario;
use crate::server::Stop;

/// How long a black hole lasts: longer than sqlmig's patience with one connection.
const BLACK_HOLE: Duration = Duration::from_secs(12);
/// How long a table stays locked: longer than a few tries.
const LOCKED: Duration = Duration::from_millis(1500);

/// What there is to do after the fault.
pub enum Acted {
    /// Wait for the end for so long.
    GoOn(Duration),
    /// It has ended, and another run to the end.
    Outcome(Ended, Outcome),
}

impl Bench<'_> {
    /// Does what the kind says.
    pub async fn act(
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

fn hostname() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}
