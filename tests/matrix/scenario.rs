//! What is run: the commands, the databases that they begin with, and what they come to when nothing disturbs them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use serde_json::Value;
use sqlmig::db::Connection;

use crate::cell::Point;
use crate::checks::{self, Expected};
use crate::dump;
use crate::program::{Ended, Invocation, PATIENCE, fault_folder};
use crate::proxy::{Plan, Proxy, Wire};
use crate::server::Server;

/// A command under faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    /// `run` of the newer dump into a database that holds the older one.
    Run,
    /// `run` of a dump of few rows, for cutting at every message.
    Small,
    /// `run` of the newer dump again, after an earlier one was killed in the middle of promotion.
    Resume,
    /// `rollback --run` of the run of the newer dump.
    Rollback,
    /// `finish` of that run: its before-images are given up.
    Finish,
}

impl Scenario {
    /// The table that the step after a point wants and that somebody else may have locked.
    pub fn table_after(point: &str) -> Option<&'static str> {
        let (phase, _) = point.split_once('.').unwrap_or((point, ""));
        Some(match phase {
            "stage" => "sqlmig.chunk",
            "check" => "sqlmig.check_result",
            "promote" | "rollback" => "public.things",
            "run" | "validate" | "report" => "sqlmig.event",
            "finish" => "sqlmig.run",
            _ => return None,
        })
    }
}

/// What an undisturbed command passes on its way and comes to.
struct Undisturbed {
    expected: Expected,
    points: Vec<Point>,
    messages: u64,
}

/// The databases that cells begin with, on one server.
pub struct Base {
    project: PathBuf,
    newer: PathBuf,
    /// Nearly the same.
    other: PathBuf,
    small_dump: PathBuf,
    older_run: String,
    newer_run: Option<String>,
    undisturbed: BTreeMap<Scenario, Undisturbed>,
}

const BATCH_ROWS: &str = "25";

impl Base {
    /// Makes the templates, and runs every command once without disturbing it.
    pub async fn prepare(server: &Server, folder: &Path) -> Result<Self, String> {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/matrix/project");
        let path = |name: &str| folder.join(name);
        let (older, newer, small_dump) = (path("older.sql"), path("newer.sql.gz"), path("small.sql"));
        let other = path("other.sql.gz");
        dump::older(&older);
        dump::newer(&newer, false);
        dump::newer(&other, true);
        dump::small(&small_dump);
        let mut base = Self {
            project,
            newer,
            other,
            small_dump,
            older_run: String::new(),
            newer_run: None,
            undisturbed: BTreeMap::new(),
        };
        server.create("base").await;
        base.load(server, "base", &older, folder).await?;
        base.older_run = newest_id(server, "base").await?;
        for scenario in [Scenario::Run, Scenario::Small] {
            let undisturbed = base.undisturbed(server, scenario, folder).await?;
            base.undisturbed.insert(scenario, undisturbed);
        }
        if base.can_roll_back(folder).await? {
            server.copy("base", "undo").await;
            let newer = base.newer.clone();
            base.load(server, "undo", &newer, folder).await?;
            base.newer_run = Some(newest_id(server, "undo").await?);
            let undisturbed = base.undisturbed(server, Scenario::Rollback, folder).await?;
            base.undisturbed.insert(Scenario::Rollback, undisturbed);
            let undisturbed = base.undisturbed(server, Scenario::Finish, folder).await?;
            base.undisturbed.insert(Scenario::Finish, undisturbed);
        }
        let undisturbed = base.undisturbed(server, Scenario::Resume, folder).await?;
        base.undisturbed.insert(Scenario::Resume, undisturbed);
        if server.small.is_ok() {
            for (template, from) in [("base_small", "base"), ("undo_small", "undo")] {
                if from != "undo" || base.newer_run.is_some() {
                    make_small(server, template, from).await?;
                }
            }
        }
        Ok(base)
    }

    /// The database that a cell begins with a copy of.
    fn template(scenario: Scenario, small: bool) -> &'static str {
        match (scenario, small) {
            (Scenario::Rollback | Scenario::Finish, false) => "undo",
            (Scenario::Rollback | Scenario::Finish, true) => "undo_small",
            (_, false) => "base",
            (_, true) => "base_small",
        }
    }

    pub fn arguments(&self, scenario: Scenario, _database: &str) -> Vec<String> {
        let load = |dump: &Path| {
            let dump = dump.to_string_lossy().into_owned();
            ["run".into(), dump, "--batch-size".into(), BATCH_ROWS.into(), "--output".into(), "json".into()].to_vec()
        };
        let mut arguments = match scenario {
            Scenario::Run | Scenario::Resume => load(&self.newer),
            Scenario::Small => load(&self.small_dump),
            Scenario::Rollback | Scenario::Finish => {
                let run = self.newer_run.clone().unwrap_or_default();
                let command = if scenario == Scenario::Finish { "finish" } else { "rollback" };
                [command.into(), "--run".into(), run, "--yes".into()].to_vec()
            }
        };
        arguments.extend(["--project".into(), self.project.to_string_lossy().into_owned()]);
        arguments
    }

    /// The same with the other source, where the command reads one.
    pub fn other_arguments(&self, scenario: Scenario, database: &str) -> Option<Vec<String>> {
        let mut arguments = self.arguments(scenario, database);
        matches!(scenario, Scenario::Run | Scenario::Resume).then(|| {
            arguments[1] = self.other.to_string_lossy().into_owned();
            arguments
        })
    }

    pub fn expected(&self, scenario: Scenario) -> &Expected {
        &self.undisturbed[&scenario].expected
    }

    pub fn has(&self, scenario: Scenario) -> bool {
        self.undisturbed.contains_key(&scenario)
    }

    /// Where a command can be held, in the order in which it gets there.
    pub fn points(&self, scenario: Scenario) -> &[Point] {
        self.undisturbed.get(&scenario).map_or(&[], |undisturbed| &undisturbed.points)
    }

    /// Messages of an undisturbed run through the proxy.
    pub fn messages(&self, scenario: Scenario) -> u64 {
        self.undisturbed[&scenario].messages
    }

    pub fn older_run(&self) -> &str {
        &self.older_run
    }

    pub async fn has_ledger(&self, client: &Connection) -> Result<bool, String> {
        Ok(checks::text(client, "select (to_regclass('sqlmig.batch') is not null)::text").await? == "true")
    }

    /// Whether the command has nothing left to do.
    pub async fn is_done(&self, scenario: Scenario, client: &Connection) -> Result<bool, String> {
        if scenario == Scenario::Finish {
            let query = "select (accepted_at is not null)::text from sqlmig.run order by started_at desc limit 1";
            return Ok(checks::text(client, query).await? == "true");
        }
        let newest = checks::newest(client).await?;
        Ok(newest.is_some_and(|run| match scenario {
            Scenario::Run | Scenario::Small | Scenario::Resume => run.id != self.older_run && run.state == "done",
            Scenario::Finish | Scenario::Rollback => run.state == "rolled_back",
        }))
    }

    /// Says what does not hold after a command that ended with 0.
    pub async fn judge(
        &self,
        scenario: Scenario,
        client: &Connection,
        last: &Ended,
        expected: &Expected,
        again: bool,
    ) -> Result<Vec<String>, String> {
        match scenario {
            Scenario::Run | Scenario::Small | Scenario::Resume => match last.json() {
                Some(report) => checks::whole_run(client, &report, expected, again).await,
                None => Ok(vec![format!("exit code 0 and no report\n{}\n{}", last.stdout, last.stderr)]),
            },
            Scenario::Rollback | Scenario::Finish => {
                let mut wrong = Vec::new();
                if checks::finals(client).await? != expected.finals {
                    wrong.push("the final tables are not those of an undisturbed command".into());
                }
                if !self.is_done(scenario, client).await? {
                    wrong.push("exit code 0, and the ledger does not have it".into());
                }
                Ok(wrong)
            }
        }
    }

    /// Makes a database for a command to run on.
    pub async fn database(
        &self,
        server: &Server,
        scenario: Scenario,
        small: bool,
        name: &str,
        folder: &Path,
    ) -> Result<(), String> {
        server.copy(Self::template(scenario, small), name).await;
        if scenario == Scenario::Resume { self.stop_halfway(server, name, folder).await } else { Ok(()) }
    }

    /// Runs the load until half of its batches are promoted, and kills it. Done anew for every database: a run is not gone
    /// on with in a copy.
    async fn stop_halfway(&self, server: &Server, name: &str, folder: &Path) -> Result<(), String> {
        let faults = fault_folder(&folder.join("halfway"), "promote.before_commit#6");
        let arguments = self.arguments(Scenario::Run, name);
        let invocation = Invocation { arguments, url: server.url(name), variables: Vec::new(), faults: Some(faults) };
        let mut running = invocation.start(&folder.join("halfway_run"));
        running.reached().await?;
        running.signal(Signal::SIGKILL);
        running.end(PATIENCE).await?;
        // What is left of it goes with the server's next look at its clients.
        let client = server.connect(name).await;
        checks::left_behind(&client).await?;
        client.close().await;
        Ok(())
    }

    async fn load(&self, server: &Server, database: &str, dump: &Path, folder: &Path) -> Result<Ended, String> {
        let mut arguments = self.arguments(Scenario::Run, database);
        arguments[1] = dump.to_string_lossy().into_owned();
        let invocation = Invocation { arguments, url: server.url(database), variables: Vec::new(), faults: None };
        let ended = invocation.run(&folder.join(format!("load_{database}"))).await?;
        if ended.code == Some(0) {
            Ok(ended)
        } else {
            Err(format!("{} ended with {}\n{}", dump.display(), ended.word(), ended.stderr))
        }
    }

    /// Runs a command on a copy, through the proxy, and keeps what it passes and comes to.
    async fn undisturbed(&self, server: &Server, scenario: Scenario, folder: &Path) -> Result<Undisturbed, String> {
        let database = "undisturbed";
        self.database(server, scenario, false, database, folder).await?;
        let faults = fault_folder(&folder.join("undisturbed"), "");
        let proxy = Proxy::start(&server.socket(), Plan::default()).await;
        let arguments = self.arguments(scenario, database);
        let invocation =
            Invocation { arguments, url: proxy.url(database), variables: Vec::new(), faults: Some(faults.clone()) };
        let ended = invocation.run(&folder.join("undisturbed_run")).await?;
        if ended.code != Some(0) {
            return Err(format!("undisturbed, {scenario:?} ended with {}\n{}", ended.word(), ended.stderr));
        }
        let client = server.connect(database).await;
        let report = ended.json().unwrap_or(Value::Null);
        let expected = checks::expected(&client, &report).await?;
        let wrong = self.judge(scenario, &client, &ended, &expected, false).await?;
        client.close().await;
        if !wrong.is_empty() {
            return Err(format!("undisturbed, {scenario:?}: {}", wrong.join("; ")));
        }
        if scenario == Scenario::Rollback {
            let base = server.connect("base").await;
            let before = checks::finals(&base).await?;
            base.close().await;
            if before != expected.finals {
                return Err("undisturbed, the rollback does not restore the final tables".into());
            }
        }
        server.drop_database(database).await;
        let passed = fs::read_to_string(faults.join("passed")).unwrap_or_default();
        let mut points = chosen(passed.lines().map(str::to_owned), Point::Named);
        let wires = proxy.wires().into_iter().map(|wire| wire.what);
        points.extend(chosen(wires, |what, nth| Point::Wire(Wire { what, nth })));
        Ok(Undisturbed { expected, points, messages: proxy.messages() })
    }

    async fn can_roll_back(&self, folder: &Path) -> Result<bool, String> {
        let arguments = vec!["rollback".into(), "--help".into()];
        let help = Invocation { arguments, url: String::new(), variables: Vec::new(), faults: None }
            .run(&folder.join("help"))
            .await?;
        Ok(help.stdout.contains("--run"))
    }
}

/// Of everything that is passed: the first time and, of what is passed often, the middle and the end; of a chunk that is sent
/// the quarters, too.
fn chosen(passed: impl Iterator<Item = String>, point: impl Fn(String, u32) -> Point) -> Vec<Point> {
    let mut names: Vec<String> = Vec::new();
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for name in passed {
        let count = counts.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 {
            names.push(name);
        }
    }
    let mut points = Vec::new();
    for name in names {
        let count = counts[&name];
        let mut times = vec![1];
        if count >= 8 && name.ends_with("_sent") {
            times.extend([count / 4, count / 2, 3 * count / 4, count]);
        } else if count >= 8 && (name.ends_with("before_commit") || name.contains("batch")) {
            times.extend([count / 2, count]);
        }
        times.dedup();
        points.extend(times.into_iter().map(|nth| point(name.clone(), nth)));
    }
    points
}

async fn newest_id(server: &Server, database: &str) -> Result<String, String> {
    let client = server.connect(database).await;
    let newest = checks::newest(&client).await?;
    client.close().await;
    newest.map(|run| run.id).ok_or_else(|| "there is no run".into())
}

/// A copy of a database all of whose tables, and every table to come, are on the small file system.
async fn make_small(server: &Server, name: &str, from: &str) -> Result<(), String> {
    server.copy(from, name).await;
    let client = server.connect(name).await;
    let query = "select format('alter table %I.%I set tablespace small', schemaname, tablename) from pg_tables where \
                 schemaname in ('public', 'sqlmig', 'staging')";
    let rows = client.query(query, &[]).await.map_err(|error| format!("{error:?}"))?;
    for row in rows {
        let statement: String = row.get(0);
        client.batch_execute(&statement).await.map_err(|error| format!("{statement}: {:?}", error.as_db_error()))?;
    }
    let statement = format!("alter database {name} set default_tablespace = small");
    client.batch_execute(&statement).await.map_err(|error| format!("{:?}", error.as_db_error()))?;
    client.close().await;
    Ok(())
}
