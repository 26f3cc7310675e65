//! `sqlmig plan`, its file, and a run that follows it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};
use sqlmig::db::ledger::run_plan;
use sqlmig::db::{Target, doing};
use sqlmig::names::hex;
use sqlmig::outcome::{FORMAT, Plan, PlannedTable};
use sqlmig::pipeline::{Conductor, Following};
use sqlmig::plan::{PlanOptions, deviations, plan};
use sqlmig::report;
use sqlmig::telemetry::Display;

use super::args::{PlanFileArgs, SourceArgs};
use super::failure::{ExitCode, Failure};
use super::options::{open, stage_options};
use super::settings::Settings;
use super::show::show;

/// A plan that a run is to follow.
#[derive(Debug, Clone)]
pub struct Followed {
    /// The plan.
    pub plan: Plan,
    /// SHA-256 of its file, lower-case hex.
    sha256: String,
}

/// Shows what a run would do, and saves it where that is asked for.
pub async fn show_plan(
    source: &SourceArgs,
    file: &PlanFileArgs,
    conductor: &Conductor,
    target: &Target,
    settings: &Settings,
    display: &Display,
) -> Result<(), Failure> {
    let plan = make(source, file.quick, conductor, target, settings).await?;
    if let Some(path) = &file.save {
        let mut json = serde_json::to_vec_pretty(&plan).map_err(std::io::Error::other)?;
        json.push(b'\n');
        fs::write(path, json).map_err(|error| {
            Failure::new(ExitCode::Usage, format!("the plan cannot be saved as {}: {error}", path.display()))
        })?;
    }
    show(settings, display, |view, out| report::render_plan(&plan, view, out))
}

/// Plans the load of what was typed.
async fn make(
    source: &SourceArgs,
    quick: bool,
    conductor: &Conductor,
    target: &Target,
    settings: &Settings,
) -> Result<Plan, Failure> {
    let options = PlanOptions {
        stage: stage_options(settings, &conductor.project),
        batch_size: settings.batch_size,
        embed: conductor.embed.clone(),
        quick,
        named: named(settings, conductor),
    };
    let source = open(source, settings, conductor).await?;
    let target = target.describe();
    Ok(plan(&conductor.pool, target, &conductor.project, source, &options, &conductor.stop, &conductor.events).await?)
}

/// The options that decide what becomes of rows: another value is another plan. How fast it is done is not among them.
fn named(settings: &Settings, conductor: &Conductor) -> BTreeMap<String, String> {
    let space = conductor.embed.space.as_ref();
    let space = space
        .map_or_else(|| "none".to_owned(), |space| format!("{} {} {}", space.provider, space.model, space.dimensions));
    let service = conductor.embed.client.as_ref().map_or("none", |_| "asked");
    BTreeMap::from([
        ("scope".to_owned(), stage_options(settings, &conductor.project).scope()),
        ("prune".to_owned(), settings.prune.to_string()),
        ("file_limit".to_owned(), settings.file_limit.to_string()),
        ("embedding_space".to_owned(), space),
        ("embedding_service".to_owned(), service.to_owned()),
    ])
}

/// Reads a plan that `sqlmig plan --save` has written.
///
/// # Errors
/// It cannot be read, is no plan, or of a form that this sqlmig does not know.
pub fn read(path: &Path) -> Result<Followed, Failure> {
    let wrong = |why: String| {
        let hint = "make it with sqlmig plan SOURCE --save FILE".to_owned();
        Failure::new(ExitCode::Usage, format!("the plan {} {why}", path.display())).with_hint(Some(hint))
    };
    let bytes = fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let json: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| wrong(format!("is no JSON: {error}")))?;
    let format = json.get("format").and_then(serde_json::Value::as_u64);
    if format != Some(FORMAT.into()) {
        let found = format.map_or_else(|| "no format".to_owned(), |format| format!("format {format}"));
        return Err(wrong(format!("is of {found}, and this sqlmig knows {FORMAT}")));
    }
    let plan = serde_json::from_value(json).map_err(|error| wrong(format!("is no plan: {error}")))?;
    Ok(Followed { plan, sha256: hex(&Sha256::digest(&bytes)) })
}

impl Followed {
    /// Refuses to go on where the run would not do what the plan says. Looks again at the source and the target, as the plan did,
    /// before anything is written; a run that follows this plan already is what has changed the target since, and goes on.
    ///
    /// # Errors
    /// With each part that differs.
    pub async fn hold(
        &self,
        source: &SourceArgs,
        conductor: &Conductor,
        target: &Target,
        settings: &Settings,
    ) -> Result<(), Failure> {
        if source.source.as_deref() == Some(Path::new("-")) {
            let what = "a run that follows a plan reads its source twice, and stdin can be read only once";
            return Err(
                Failure::new(ExitCode::Usage, what).with_hint(Some("load a file, or leave out --plan".to_owned()))
            );
        }
        if self.is_followed(source, conductor, settings).await? {
            return Ok(());
        }
        let now = make(source, false, conductor, target, settings).await?;
        let parts = deviations(&self.plan, &now);
        if parts.is_empty() {
            return Ok(());
        }
        Err(Failure::new(ExitCode::Data, format!("the run would not do what the plan says: {}", parts.join("; ")))
            .with_hint(Some(
                "look at a new plan (sqlmig plan SOURCE --save FILE), and run that; nothing was done".into(),
            )))
    }

    /// Whether an unfinished run follows this plan, or the source is loaded already.
    async fn is_followed(
        &self,
        source: &SourceArgs,
        conductor: &Conductor,
        settings: &Settings,
    ) -> Result<bool, Failure> {
        if let Some(run) = conductor.unfinished().await? {
            let client = conductor.pool.get().await.map_err(doing("connect"))?;
            return Ok(run_plan(&**client, run).await?.sha256.as_ref() == Some(&self.sha256));
        }
        let scope = stage_options(settings, &conductor.project).scope();
        let source = open(source, settings, conductor).await?;
        let Some(run) = conductor.already_loaded(&source, &scope).await? else { return Ok(false) };
        let client = conductor.pool.get().await.map_err(doing("connect"))?;
        Ok(run_plan(&**client, run).await?.sha256.as_ref() == Some(&self.sha256))
    }

    /// What the run keeps of it.
    #[must_use]
    pub fn following(&self) -> Following {
        let table = |table: &sqlmig::outcome::PlanTable| {
            let (source, fate) = (table.source.clone(), table.fate?);
            let (insert, update, unchanged) = (fate.insert, fate.update, fate.unchanged);
            Some(PlannedTable { source, insert, update, unchanged, merge: fate.merge, reject: fate.reject })
        };
        Following { sha256: self.sha256.clone(), tables: self.plan.tables.iter().filter_map(table).collect() }
    }
}
