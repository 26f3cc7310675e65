//! Is everything ready for a run? Asks the server, the project and the source before anything is written, and says what to do about
//! each thing that is not.
//!
//! What is checked stands in one table, [`CHECKS`]. A check is one function; what it asks the server is one file under `sql/`.

mod checks;
mod disk;
mod reach;
mod rights;
mod server;
mod settings;
mod source;
mod tables;
mod versions;

use std::pin::Pin;

use tokio_postgres::GenericClient;

use crate::db::{Connection, DbError, ServerInfo, Target};
use crate::embed::EmbedOptions;
use crate::outcome::{DiskNeeds, FORMAT, Light, Preflight, ReadyFinding, TimeEstimate};
use crate::plan::{PlanError, Scanned, scan};
use crate::project::Project;
use crate::source::Source;
use crate::stage::{StageOptions, known_shapes};
use crate::stop::Stop;

pub use checks::CHECKS;

/// What is to be ready.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The database.
    pub target: &'a Target,
    /// The project.
    pub project: &'a Project,
    /// How a source would be staged.
    pub stage: StageOptions,
    /// How embeddings would be fetched.
    pub embed: &'a EmbedOptions,
    /// Connections that a run may have.
    pub max_connections: u32,
    /// Connections that it cannot do without.
    pub least_connections: u32,
    /// Where the server's data are, where this process has started it.
    pub data_folder: Option<&'a std::path::Path>,
    /// Whether yellow counts as red.
    pub strict: bool,
    /// Whether it was asked to stop.
    pub stop: &'a Stop,
}

/// What checks look at.
pub struct Subject<'a> {
    wanted: &'a Wanted<'a>,
    client: &'a Connection,
    server: ServerInfo,
    source: Option<Read>,
}

/// A source that was read to its end, and how it is opened once more for the probe.
struct Read {
    scanned: Scanned,
    again: Option<Source>,
}

/// A check: its name, what it asks, whether it needs a source, and the function that asks.
pub struct ReadyCheck {
    /// Its name, as findings have it.
    pub name: &'static str,
    /// What it asks, in one line.
    pub asks: &'static str,
    /// Whether there is nothing to ask without a source.
    pub needs_source: bool,
    run: for<'a> fn(&'a mut Subject<'_>) -> Asking<'a>,
}

/// A check that is being asked.
type Asking<'a> = Pin<Box<dyn Future<Output = Result<Told, DbError>> + 'a>>;

/// What a check has to say.
#[derive(Debug, Default)]
struct Told {
    findings: Vec<(Light, String, Option<String>)>,
    needs: Option<DiskNeeds>,
    time: Option<TimeEstimate>,
}

impl Told {
    /// Nothing at all.
    fn nothing() -> Self {
        Self::default()
    }

    /// As it should be, or good to know.
    fn info(mut self, message: impl Into<String>) -> Self {
        self.findings.push((Light::Info, message.into(), None));
        self
    }

    /// A run may go wrong.
    fn yellow(mut self, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        self.findings.push((Light::Yellow, message.into(), Some(remedy.into())));
        self
    }

    /// A run would fail.
    fn red(mut self, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        self.findings.push((Light::Red, message.into(), Some(remedy.into())));
        self
    }
}

/// Runs every check. What one of them cannot ask is a finding, too: the others go on.
///
/// # Errors
/// The server does not let this role in, or the source can't be read at all.
pub async fn preflight(wanted: &Wanted<'_>, source: Option<(Source, Option<Source>)>) -> Result<Preflight, PlanError> {
    let client = wanted.target.connect().await?;
    let patience = client.query_one(include_str!("../../sql/preflight_patience.sql"), &[]).await;
    patience.map_err(crate::db::doing("begin the preflight"))?;
    let server = ServerInfo::read(&*client).await?;
    let name = source.as_ref().map(|(source, _)| source.display.clone());
    let source = match source {
        Some((source, again)) => Some(Read { scanned: read(wanted, &client, source).await?, again }),
        None => None,
    };
    let mut subject = Subject { wanted, client: &client, server, source };
    let mut outcome = Preflight {
        format: FORMAT,
        project: wanted.project.name.clone(),
        target: wanted.target.describe(),
        source: name,
        strict: wanted.strict,
        ready: true,
        findings: Vec::new(),
        left_out: Vec::new(),
        needs: None,
        time: None,
    };
    for check in CHECKS {
        if check.needs_source && subject.source.is_none() {
            outcome.left_out.push(format!("{}: no source is named", check.name));
            continue;
        }
        if wanted.stop.is_requested() {
            outcome.left_out.push(format!("{}: it was asked to stop", check.name));
            continue;
        }
        match (check.run)(&mut subject).await {
            Ok(told) => outcome.take(check.name, told),
            Err(error) => {
                let remedy = "it may be as it should: have a role look that may, or go ahead";
                outcome.take(check.name, Told::nothing().yellow(format!("this could not be asked: {error}"), remedy));
            }
        }
    }
    // A stable sort: the gravest first, then in the order of the table.
    outcome.findings.sort_by_key(|finding| std::cmp::Reverse(finding.light));
    let bound = if wanted.strict { Light::Yellow } else { Light::Red };
    outcome.ready = outcome.findings.iter().all(|finding| finding.light < bound);
    drop(subject);
    client.close().await;
    Ok(outcome)
}

impl Preflight {
    fn take(&mut self, check: &str, told: Told) {
        self.findings.extend(told.findings.into_iter().map(|(light, message, remedy)| ReadyFinding {
            check: check.to_owned(),
            light,
            message,
            remedy,
        }));
        self.needs = told.needs.or(self.needs);
        self.time = told.time.or(self.time);
    }
}

/// Reads the source to its end: how many rows and bytes of which tables.
async fn read(wanted: &Wanted<'_>, client: &Connection, source: Source) -> Result<Scanned, PlanError> {
    let mut options = wanted.stage.scan.clone();
    options.known.extend(known_shapes(&**client).await?);
    let (project, tokenizer) = (wanted.project.clone(), wanted.embed.tokenizer);
    let reading =
        tokio::task::spawn_blocking(move || scan(source, options, &project, tokenizer, &crate::event::Events::none()));
    reading.await.map_err(|panic| PlanError::Thread(panic.to_string()))?
}

impl Subject<'_> {
    /// Schemas and names of the final tables, one for one and each once.
    fn targets(&self) -> (Vec<String>, Vec<String>) {
        let mut tables: Vec<_> = self.wanted.project.promote.iter().map(|promote| promote.target.clone()).collect();
        tables.sort();
        tables.dedup();
        tables.into_iter().map(|table| (table.schema.unwrap_or_else(|| "public".to_owned()), table.table)).unzip()
    }

    /// Asks about the final tables: `$1` schemas, `$2` names.
    async fn ask_of_targets(&self, sql: &str, action: &str) -> Result<Vec<tokio_postgres::Row>, DbError> {
        let (schemas, names) = self.targets();
        self.client.query(sql, &[&schemas, &names]).await.map_err(crate::db::doing(action))
    }

    /// Asks what needs no parameters, and has one row.
    async fn ask(&self, sql: &str, action: &str) -> Result<tokio_postgres::Row, DbError> {
        self.client.query_one(sql, &[]).await.map_err(crate::db::doing(action))
    }

    /// Asks what needs no parameters.
    async fn ask_all(&self, sql: &str, action: &str) -> Result<Vec<tokio_postgres::Row>, DbError> {
        self.client.query(sql, &[]).await.map_err(crate::db::doing(action))
    }

    /// The client as everything that asks takes it.
    fn generic(&self) -> &impl GenericClient {
        &**self.client
    }
}

/// A size in bytes as people say it.
fn size(bytes: i64) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if bytes >= 1 << shift {
            let tenths = (bytes >> (shift - 10)) * 10 / 1024;
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} B")
}
