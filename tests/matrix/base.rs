//! The databases that commands begin with, and what the commands come to when nothing disturbs them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use serde_json::Value;
use sqlmig::db::Connection;

use crate::cell::Point;
use crate::checks::{self, Expected};
use crate::dump;
use crate::paid::Paid;
use crate::program::{Ended, Invocation, PATIENCE, fault_folder};
use crate::proxy::{Plan, Proxy, Wire};
use crate::scenario::Scenario;
use crate::server::Server;
use crate::service::Service;

/// What an undisturbed command passes on its way and comes to.
struct Undisturbed {
    expected: Expected,
    points: Vec<Point>,
    messages: u64,
}

/// The databases that cells begin with, on one server.
pub struct Base {
    project: PathBuf,
    /// The same without the check that took out the rows that are retried.
    mended_project: PathBuf,
    tree: PathBuf,
    other_tree: PathBuf,
    service: Service,
    newer: PathBuf,
    /// Nearly the same.
    other: PathBuf,
    small_dump: PathBuf,
    older_run: String,
    newer_run: String,
    /// The batch of it that is taken back alone.
    batch: String,
    undisturbed: BTreeMap<Scenario, Undisturbed>,
}

const BATCH_ROWS: &str = "25";
const MODEL: &str = "text-embedding-3-large";

impl Base {
    /// Makes the templates, and runs every command once without disturbing it; for cuts alone, the small one.
    pub async fn prepare(server: &Server, folder: &Path, cuts_only: bool) -> Result<Self, String> {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/matrix/project");
        let path = |name: &str| folder.join(name);
        let (older, newer, small_dump) = (path("older.sql"), path("newer.sql.gz"), path("small.sql"));
        let other = path("other.sql.gz");
        dump::older(&older);
        dump::newer(&newer, false);
        dump::newer(&other, true);
        dump::small(&small_dump);
        let (tree, other_tree) = (path("tree"), path("other_tree"));
        dump::tree(&tree, false);
        dump::tree(&other_tree, true);
        let service = Service::start("127.0.0.1:0", MODEL, 3072).await.map_err(|error| error.to_string())?;
        let mut base = Self {
            mended_project: mended(&project, &path("mended")),
            project,
            tree,
            other_tree,
            service,
            newer,
            other,
            small_dump,
            older_run: String::new(),
            newer_run: String::new(),
            batch: String::new(),
            undisturbed: BTreeMap::new(),
        };
        server.create("base").await;
        base.load(server, "base", &older, folder).await?;
        base.older_run = newest_id(server, "base").await?;
        let small = base.undisturbed(server, Scenario::Small, folder).await?;
        base.undisturbed.insert(Scenario::Small, small);
        if cuts_only {
            return Ok(base);
        }
        let run = base.undisturbed(server, Scenario::Run, folder).await?;
        base.undisturbed.insert(Scenario::Run, run);
        server.copy("base", "undo").await;
        let newer = base.newer.clone();
        base.load(server, "undo", &newer, folder).await?;
        base.newer_run = newest_id(server, "undo").await?;
        base.batch = widest_batch(server, "undo").await?;
        server.copy("base", "staged").await;
        let (newer, project) = (base.newer.to_string_lossy(), base.project.to_string_lossy());
        let stage = ["stage", &newer, "--project", &project].map(String::from).to_vec();
        base.execute(server, "staged", stage, folder).await?;
        for scenario in [Scenario::Rollback, Scenario::RollbackBatch, Scenario::RollbackStaging, Scenario::Finish] {
            let undisturbed = base.undisturbed(server, scenario, folder).await?;
            base.undisturbed.insert(scenario, undisturbed);
        }
        server.copy("base", "strict").await;
        alter(server, "strict", "alter table public.things add constraint not_133 check (id <> 133)").await?;
        server.copy("undo", "mended").await;
        alter(server, "mended", "insert into public.makers (name, country) values ('maker 99', 'country 99')").await?;
        server.create("blank").await;
        for scenario in
            [Scenario::Resume, Scenario::Worker, Scenario::Refuse, Scenario::Retry, Scenario::Tree, Scenario::Fill]
        {
            let undisturbed = base.undisturbed(server, scenario, folder).await?;
            base.undisturbed.insert(scenario, undisturbed);
        }
        if server.small.is_ok() {
            for from in ["base", "undo", "staged", "strict", "mended", "blank"] {
                make_small(server, &format!("{from}_small"), from).await?;
            }
        }
        Ok(base)
    }

    /// The database that a cell begins with a copy of.
    fn template(scenario: Scenario, small: bool) -> String {
        let name = match scenario {
            Scenario::Run | Scenario::Small | Scenario::Resume | Scenario::Worker => "base",
            Scenario::Rollback | Scenario::RollbackBatch | Scenario::Finish => "undo",
            Scenario::RollbackStaging => "staged",
            Scenario::Refuse => "strict",
            Scenario::Retry => "mended",
            Scenario::Tree | Scenario::Fill => "blank",
        };
        if small { format!("{name}_small") } else { name.to_owned() }
    }

    pub fn arguments(&self, scenario: Scenario) -> Vec<String> {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let batches = ["--batch-size", BATCH_ROWS, "--output", "json"];
        let load = |dump: &Path| [vec!["run".to_owned(), path(dump)], batches.map(String::from).to_vec()].concat();
        let service = || ["--embedding-url", &self.service.url(), "--embedding-model", MODEL].map(String::from);
        let of_run = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned());
            words.chain(["--run".to_owned(), self.newer_run.clone()]).collect::<Vec<_>>()
        };
        let (mut arguments, project) = match scenario {
            Scenario::Run | Scenario::Resume | Scenario::Refuse => (load(&self.newer), Some(&self.project)),
            Scenario::Small => (load(&self.small_dump), Some(&self.project)),
            Scenario::Rollback => (of_run(&["rollback", "--yes"]), Some(&self.project)),
            Scenario::RollbackBatch => {
                (of_run(&["rollback", "--yes", "--batch", self.batch.as_str()]), Some(&self.project))
            }
            Scenario::RollbackStaging => {
                (["rollback", "--yes", "--staging"].map(String::from).to_vec(), Some(&self.project))
            }
            Scenario::Worker => (["promote", "--worker"].map(String::from).to_vec(), Some(&self.project)),
            Scenario::Finish => (of_run(&["finish", "--yes"]), Some(&self.project)),
            Scenario::Retry => {
                (of_run(&["quarantine", "retry", "--check", "maker_unknown"]), Some(&self.mended_project))
            }
            Scenario::Tree => {
                let mut arguments = load(&self.tree);
                arguments[1] = format!("docs-tree:{}", arguments[1]);
                arguments.extend(service());
                (arguments, None)
            }
            Scenario::Fill => ([vec!["embed".to_owned()], service().to_vec()].concat(), None),
        };
        if let Some(project) = project {
            arguments.extend(["--project".to_owned(), path(project)]);
        }
        arguments
    }

    /// The same with the other source, where the command reads one.
    pub fn other_arguments(&self, scenario: Scenario) -> Option<Vec<String>> {
        let mut arguments = self.arguments(scenario);
        arguments[1] = match scenario {
            Scenario::Run | Scenario::Resume | Scenario::Refuse => self.other.to_string_lossy().into_owned(),
            Scenario::Tree => format!("docs-tree:{}", self.other_tree.display()),
            _ => return None,
        };
        Some(arguments)
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

    /// How far the service of embeddings has been asked, where the command asks one.
    pub async fn paid(&self, scenario: Scenario, client: &Connection) -> Result<Option<Paid>, String> {
        if scenario.embeds() { Paid::now(client, &self.service).await.map(Some) } else { Ok(None) }
    }

    pub fn service(&self) -> &Service {
        &self.service
    }

    pub fn older_run(&self) -> &str {
        &self.older_run
    }

    pub async fn has_ledger(&self, client: &Connection) -> Result<bool, String> {
        Ok(checks::text(client, "select (to_regclass('sqlmig.batch') is not null)::text").await? == "true")
    }

    /// Whether the command has nothing left to do.
    pub async fn is_done(&self, scenario: Scenario, client: &Connection) -> Result<bool, String> {
        let asked = match scenario {
            Scenario::Finish => {
                "select (accepted_at is not null)::text from sqlmig.run order by started_at desc limit 1".to_owned()
            }
            Scenario::RollbackBatch => format!(
                "select (state = 'rolled_back')::text from sqlmig.batch where run_id = '{}' and number = {}",
                self.newer_run, self.batch
            ),
            Scenario::RollbackStaging => {
                "select (exists (select from sqlmig.event where message like 'staging is emptied: %'))::text".to_owned()
            }
            Scenario::Worker => "select (not exists (select from sqlmig.batch where state <> 'done'))::text".to_owned(),
            Scenario::Fill => include_str!("sql/is_filled.sql").to_owned(),
            _ => String::new(),
        };
        if !asked.is_empty() {
            return Ok(checks::text(client, &asked).await? == "true");
        }
        let newest = checks::newest(client).await?;
        Ok(newest.is_some_and(|run| match scenario {
            Scenario::Rollback => run.state == "rolled_back",
            Scenario::Retry => run.id != self.newer_run && run.state == "done",
            _ => run.id != self.older_run && run.state == "done",
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
        if scenario.loads() || scenario == Scenario::Worker {
            return match last.json() {
                Some(report) => checks::whole_run(client, &report, expected, again).await,
                None => Ok(vec![format!("exit code 0 and no report\n{}\n{}", last.stdout, last.stderr)]),
            };
        }
        let mut wrong = checks::whole_command(client, expected).await?;
        if !self.is_done(scenario, client).await? {
            wrong.push("exit code 0, and the ledger does not have it".into());
        }
        Ok(wrong)
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
        server.copy(&Self::template(scenario, small), name).await;
        // A run is not gone on with in a copy, so what is to be gone on with is done anew.
        match scenario {
            Scenario::Resume | Scenario::Worker => self.stop_halfway(server, name, folder).await,
            Scenario::Fill => {
                let mut arguments = self.arguments(Scenario::Tree);
                let service = arguments.iter().position(|argument| argument == "--embedding-url").unwrap();
                arguments.truncate(service);
                arguments.push("--no-index".into());
                self.execute(server, name, arguments, folder).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Brings what a command has left for others to its end: what it has promoted, or has made ready for that, can be looked at then.
    /// Returns what ended last.
    pub async fn complete(
        &self,
        server: &Server,
        scenario: Scenario,
        name: &str,
        ended: &Ended,
        folder: &Path,
    ) -> Result<Ended, String> {
        match scenario {
            Scenario::Worker => self.execute(server, name, self.arguments(Scenario::Run), folder).await,
            // Its staged rows are gone with a crash, and it cannot make them.
            Scenario::Fill if ended.code != Some(0) => {
                self.execute(server, name, self.arguments(Scenario::Tree), folder).await
            }
            Scenario::Fill => self.execute(server, name, vec!["promote".into()], folder).await,
            _ => Ok(ended.clone()),
        }
    }

    /// Runs the load until half of its batches are promoted, and kills it.
    async fn stop_halfway(&self, server: &Server, name: &str, folder: &Path) -> Result<(), String> {
        let faults = fault_folder(&folder.join("halfway"), "promote.before_commit#6");
        let arguments = self.arguments(Scenario::Run);
        // One worker, so that as many batches are left every time.
        let variables = vec![("SQLMIG_PARALLEL", "1")];
        let invocation = Invocation { arguments, url: server.url(name), variables, faults: Some(faults) };
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
        let mut arguments = self.arguments(Scenario::Run);
        arguments[1] = dump.to_string_lossy().into_owned();
        self.execute(server, database, arguments, folder).await
    }

    /// Runs a command to its good end.
    async fn execute(
        &self,
        server: &Server,
        database: &str,
        arguments: Vec<String>,
        folder: &Path,
    ) -> Result<Ended, String> {
        let command = arguments.join(" ");
        let invocation = Invocation { arguments, url: server.url(database), variables: Vec::new(), faults: None };
        let ended = invocation.run(&folder.join(format!("on_{database}"))).await?;
        if ended.code == Some(0) {
            Ok(ended)
        } else {
            Err(format!("{command} ended with {}\n{}", ended.word(), ended.stderr))
        }
    }

    /// Runs a command on a copy, through the proxy, and keeps what it passes and comes to.
    async fn undisturbed(&self, server: &Server, scenario: Scenario, folder: &Path) -> Result<Undisturbed, String> {
        let database = "undisturbed";
        self.database(server, scenario, false, database, folder).await?;
        let faults = fault_folder(&folder.join("undisturbed"), "");
        let proxy = Proxy::start(&server.socket(), Plan::default()).await;
        let arguments = self.arguments(scenario);
        let invocation =
            Invocation { arguments, url: proxy.url(database), variables: Vec::new(), faults: Some(faults.clone()) };
        let ended = invocation.run(&folder.join("undisturbed_run")).await?;
        if ended.code != Some(0) {
            return Err(format!("undisturbed, {scenario:?} ended with {}\n{}", ended.word(), ended.stderr));
        }
        let ended = self.complete(server, scenario, database, &ended, folder).await?;
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
        if let Some((_, names)) = scenario.variant() {
            let passed: Vec<&str> = passed.lines().collect();
            let names = names.iter().filter(|name| passed.contains(name));
            let points = names.map(|name| Point::Named((*name).to_owned(), 1)).collect();
            return Ok(Undisturbed { expected, points, messages: 0 });
        }
        let mut points = chosen(passed.lines().map(str::to_owned), Point::Named);
        let wires = proxy.wires().into_iter().map(|wire| wire.what);
        points.extend(chosen(wires, |what, nth| Point::Wire(Wire { what, nth })));
        Ok(Undisturbed { expected, points, messages: proxy.messages() })
    }
}

/// Of everything that is passed: the first time and, of what is passed often, the middle and the end; of a chunk that is sent
/// the quarters, too. How many batches are put off is the workers' luck, and with it how many COMMITs follow, so the end of those is late,
/// and not the last.
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
            let end = if name.starts_with("COMMIT ") { 3 * count / 4 } else { count };
            times.extend([count / 2, end]);
        }
        times.dedup();
        points.extend(times.into_iter().map(|nth| point(name.clone(), nth)));
    }
    points
}

/// The batch of the newest run that has written most.
async fn widest_batch(server: &Server, database: &str) -> Result<String, String> {
    let client = server.connect(database).await;
    let number = checks::text(&client, include_str!("sql/widest_batch.sql")).await;
    client.close().await;
    number
}

async fn newest_id(server: &Server, database: &str) -> Result<String, String> {
    let client = server.connect(database).await;
    let newest = checks::newest(&client).await?;
    client.close().await;
    newest.map(|run| run.id).ok_or_else(|| "there is no run".into())
}

/// A copy of a project without the check that took out the rows that are retried.
fn mended(project: &Path, folder: &Path) -> PathBuf {
    let mut left = vec![project.to_owned()];
    while let Some(path) = left.pop() {
        let to = folder.join(path.strip_prefix(project).unwrap());
        if path.is_dir() {
            fs::create_dir_all(to).unwrap();
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            fs::copy(path, to).unwrap();
        }
    }
    fs::remove_file(folder.join("transforms/check/030_maker_unknown.sql")).unwrap();
    folder.to_owned()
}

async fn alter(server: &Server, database: &str, statement: &str) -> Result<(), String> {
    let client = server.connect(database).await;
    client.batch_execute(statement).await.map_err(|error| format!("{statement}: {:?}", error.as_db_error()))?;
    client.close().await;
    Ok(())
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
