//! The exact way to know what a run would do: do it, but for the writing. The source is staged into temporary tables, checked, its
//! duplicates are settled, and every batch is compared with the target, all in one transaction that is rolled back.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use tokio_postgres::Transaction;
use uuid::Uuid;

use super::estimate::estimate;
use super::{PlanError, PlanOptions};
use crate::check::{TrialFound, check_trial};
use crate::db::catalog::{has_ledger, table_exists};
use crate::db::migrate::PendingMigration;
use crate::db::place::make_session_tables;
use crate::db::{Place, doing};
use crate::embed::embed_trial;
use crate::event::Events;
use crate::outcome::{PlanEmbedding, PlanEstimate, PlanFate};
use crate::project::Project;
use crate::promote::{TrialStep, promote_trial};
use crate::relations::Relations;
use crate::source::Source;
use crate::stage::{TrialStaged, ready_trial, stage_trial};
use crate::stop::Stop;

/// Migrations that are pending, by set.
pub(super) struct Pending {
    pub ledger: Vec<PendingMigration>,
    pub project: Vec<PendingMigration>,
}

/// What a trial came to.
pub(super) struct Tried {
    pub staged: TrialStaged,
    pub found: Vec<TrialFound>,
    pub steps: Vec<TrialStep>,
    pub embeddings: Vec<PlanEmbedding>,
    pub fates: BTreeMap<String, PlanFate>,
    pub estimate: PlanEstimate,
    pub refused: Vec<String>,
}

/// Makes a transaction ready for a trial: settings, migrations that are to come first, temporary tables. Says why there can be no
/// trial, where there can be none: then the transaction is of no use any more.
///
/// # Errors
/// The database does not answer.
pub(super) async fn open(
    tx: &Transaction<'_>,
    project: &Project,
    pending: &Pending,
    options: &PlanOptions,
) -> Result<Option<String>, PlanError> {
    let lock = options.stage.timeouts.lock.as_millis().to_string();
    tx.query_one(include_str!("../../sql/trial_settings.sql"), &[&lock]).await.map_err(doing("begin a trial"))?;
    let mut first: Vec<&PendingMigration> = Vec::new();
    if has_ledger(tx).await? {
        let asked = include_str!("../../sql/ledger_has_embeddings.sql");
        let row = tx.query_one(asked, &[]).await.map_err(doing("look at the ledger"))?;
        if !row.get::<_, bool>("has_embeddings") {
            return Ok(Some("the ledger is of an older sqlmig; sqlmig migrate brings it up to date".into()));
        }
    } else {
        first.extend(&pending.ledger);
    }
    if !pending.project.is_empty() {
        // A change to a table that is in use would lock it for as long as the trial takes.
        for promote in &project.promote {
            if table_exists(tx, &promote.target).await? {
                let target = &promote.target;
                return Ok(Some(format!(
                    "migrations are pending and {target} exists: to try them would lock it; after sqlmig migrate it can be compared"
                )));
            }
        }
        first.extend(&pending.project);
    }
    match begin(tx, &first).await {
        Ok(()) => Ok(None),
        Err(error) if error.is_unavailable() => Err(error.into()),
        Err(error) => Ok(Some(error.to_string())),
    }
}

async fn begin(tx: &Transaction<'_>, first: &[&PendingMigration]) -> Result<(), crate::db::DbError> {
    if !first.is_empty() {
        let schemas = include_str!("../../sql/create_schemas.sql");
        tx.batch_execute(schemas).await.map_err(doing("try to create sqlmig's schemas"))?;
    }
    for migration in first {
        tx.batch_execute(&migration.sql).await.map_err(doing(format!("try migration {}", migration.name)))?;
    }
    make_session_tables(tx).await
}

/// Tries the load of a source in a transaction that [`open`] made ready.
///
/// # Errors
/// What would stop a run before its first check is through: the source can't be read, or a transform is wrong.
pub(super) async fn run(
    tx: &mut Transaction<'_>,
    project: &Project,
    source: Source,
    options: &PlanOptions,
    stop: &Stop,
    events: &Events,
) -> Result<Tried, PlanError> {
    let run = Uuid::nil();
    let staged = stage_trial(tx, run, source, options.stage.clone(), None, stop, events).await?;
    ready_trial(tx, &staged.tables).await?;
    let checking = Instant::now();
    let tables = staged.tables.clone();
    let mut relations = Relations::over(tx, project, run, Place::Session, tables, &HashMap::new()).await?;
    if relations.feeds().next().is_none() {
        return Ok(Tried {
            staged,
            found: Vec::new(),
            steps: Vec::new(),
            embeddings: Vec::new(),
            fates: BTreeMap::new(),
            estimate: PlanEstimate::default(),
            refused: vec![format!("no transform of project {} uses a table of the source", project.name)],
        });
    }
    let found = check_trial(tx, project, &mut relations).await?;
    let check_time = checking.elapsed();
    let embeddings = embed_trial(tx, project, &relations, &options.embed).await?;
    let comparing = Instant::now();
    let steps = promote_trial(tx, project, &relations, options.batch_size, stop).await?;
    let compare_time = comparing.elapsed();
    let fates = fates(tx, &relations, &steps).await?;
    let estimate = estimate(tx, project, &staged, &steps, check_time, compare_time).await?;
    let blocking = found.iter().filter(|found| found.severity == crate::outcome::Severity::Error && found.rows > 0);
    let blocking = blocking.map(|found| format!("{} finds {} rows of {}", found.name, found.rows, found.on));
    let refusing = steps.iter().filter_map(|step| Some(format!("{}: {}", step.transform, step.refused.as_ref()?)));
    let refused = blocking.chain(embeddings.refused).chain(refusing).collect();
    Ok(Tried { staged, found, steps, embeddings: embeddings.wanted, fates, estimate, refused })
}

/// What would become of the rows of each source table that a transform uses.
async fn fates(
    tx: &Transaction<'_>,
    relations: &Relations,
    steps: &[TrialStep],
) -> Result<BTreeMap<String, PlanFate>, PlanError> {
    let mut fates: BTreeMap<String, PlanFate> =
        relations.feeds().map(|feed| (feed.source.to_string(), PlanFate::default())).collect();
    let books = include_str!("../../sql/trial_books.sql");
    for row in tx.query(books, &[]).await.map_err(doing("count what would be taken out"))? {
        let fate = fates.entry(row.get("source")).or_default();
        fate.reject += row.get::<_, i64>("rejected");
        fate.merge += row.get::<_, i64>("merged");
    }
    for step in steps.iter().filter(|step| step.counted) {
        let Some(source) = &step.source else { continue };
        let fate = fates.entry(source.to_string()).or_default();
        fate.insert += step.incoming - step.existing;
        fate.update += step.differing;
        fate.unchanged += step.existing - step.differing;
    }
    Ok(fates)
}
