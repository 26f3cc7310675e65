//! What a command that writes would do, in the words of the question that is asked before it.

use sqlmig::db::catalog::has_ledger;
use sqlmig::db::ledger::{RunState, Selection, books, embedding_counts, quarantine_list_counts, runs};
use sqlmig::db::migrate::{MigrationSet, pending};
use sqlmig::db::{Target, doing};
use sqlmig::index::{IndexState, missing};
use sqlmig::outcome::Plan;
use sqlmig::pipeline::{Conductor, EarlierRuns, PipelineError};
use sqlmig::stop::Stop;
use sqlmig::telemetry::Display;
use uuid::Uuid;

use super::args::{Command, QuarantineCommand};
use super::consent::{Question, Stakes, ask, somebody_is_there};
use super::failure::Failure;
use super::plan::Followed;
use super::settings::Settings;

/// Asks before a command loads, promotes, tries rows again, changes the schema, pays for embeddings or sets a run
/// aside; other commands ask for themselves, or not at all. Where there turns out to be nothing to do nothing is asked.
pub async fn ask_before(
    command: &Command,
    conductor: &Conductor,
    target: &Target,
    settings: &Settings,
    followed: Option<&Followed>,
    display: &Display,
    stop: &Stop,
) -> Result<(), Failure> {
    let yes = match command {
        Command::Run { consent, .. }
        | Command::Promote { consent, .. }
        | Command::Migrate { consent }
        | Command::Index { consent }
        | Command::Embed { consent, .. }
        | Command::Quarantine { action: QuarantineCommand::Retry { consent, .. } } => consent.yes,
        Command::Stage { consent, restart, .. } => consent.yes || !restart.restart,
        _ => true,
    };
    // What is only read for the question is not asked for where nobody reads it.
    if yes || !somebody_is_there() {
        return Ok(());
    }
    let question = match command {
        Command::Migrate { .. } => migrating(conductor).await?,
        Command::Index { .. } => indexing(conductor).await?,
        Command::Embed { run, .. } => embedding(run.run, conductor).await?,
        Command::Quarantine { action } => retrying(action, conductor).await?,
        _ => Some(question(command, conductor, settings, followed).await?),
    };
    let Some((what, more)) = question else { return Ok(()) };
    let mut lines = vec![format!("Target   {}", target.describe()), format!("Project  {}", conductor.project.name)];
    lines.extend(more);
    ask(false, &Question { ask: what.to_owned(), lines, stakes: Stakes::Writes }, display, stop).await
}

/// What is asked, and what it comes to.
type Asked = (&'static str, Vec<String>);

async fn question(
    command: &Command,
    conductor: &Conductor,
    settings: &Settings,
    followed: Option<&Followed>,
) -> Result<Asked, Failure> {
    let mut lines = Vec::new();
    let source = command.source().map(super::args::SourceArgs::typed).unwrap_or_default();
    if !source.is_empty() {
        lines.push(format!("Source   {source}"));
    }
    migrations(conductor, &mut lines).await?;
    unfinished(conductor, settings, &mut lines).await?;
    if let Command::Promote { run, .. } = command {
        let run = conductor.find_run(run.run).await?.id;
        let client = conductor.pool.get().await.map_err(doing("connect"))?;
        for table in books(&**client, run).await? {
            let (staged, merged, out) = (table.rows_staged, table.rows_merged, table.rows_quarantined);
            lines.push(format!(
                "  {}: {staged} staged rows, {merged} of them merged; {out} in quarantine",
                table.source
            ));
        }
    }
    if settings.prune {
        lines.push("  - documents whose file is gone from its tree are removed".to_owned());
    }
    if let Some(followed) = followed {
        planned(&followed.plan, &mut lines);
    } else if let Command::Run { .. } = command {
        lines.push(format!("  sqlmig plan {source} shows which rows that is"));
    }
    let ask = match command {
        Command::Run { .. } => "Load it?",
        Command::Stage { .. } => "Stage it anew?",
        _ => "Promote what is checked?",
    };
    Ok((ask, lines))
}

async fn migrating(conductor: &Conductor) -> Result<Option<Asked>, Failure> {
    let pending = pending_migrations(conductor).await?;
    let lines = pending.iter().map(|name| format!("  + {name}")).collect();
    Ok((!pending.is_empty()).then_some(("Apply these migrations?", lines)))
}

async fn indexing(conductor: &Conductor) -> Result<Option<Asked>, Failure> {
    let missing = missing(&conductor.pool, &conductor.project).await.map_err(PipelineError::from)?;
    let line = |(name, state): &(String, IndexState)| match state {
        IndexState::Missing => format!("  + {name}"),
        _ => format!("  ~ {name}: it is there and not as it should be; it is dropped and built again"),
    };
    Ok((!missing.is_empty()).then(|| ("Build these indexes?", missing.iter().map(line).collect())))
}

/// Without a service nothing is paid for, and nothing is written but what the ledger has already.
async fn embedding(run: Option<Uuid>, conductor: &Conductor) -> Result<Option<Asked>, Failure> {
    let options = &conductor.embed;
    let (Some(_), Some(space)) = (&options.client, &options.space) else { return Ok(None) };
    let run = conductor.find_run(run).await?;
    let mut lines = vec![format!("Run      {} ({})", run.id, run.state.as_str()), format!("Service  {space}")];
    if run.state == RunState::Done {
        let client = conductor.pool.get().await.map_err(doing("connect"))?;
        let rows: i64 = embedding_counts(&**client, run.id).await?.iter().map(|count| count.missing).sum();
        if rows == 0 {
            return Ok(None);
        }
        lines.push(format!("  {rows} rows were left without an embedding"));
    }
    if let Some(price) = options.price {
        let bound = options.max_cost.map_or_else(|| "no bound".to_owned(), |cost| format!("at most {cost}"));
        lines.push(format!("  {price} for a million tokens, {bound} (--max-cost)"));
    }
    Ok(Some(("Fetch embeddings?", lines)))
}

/// Nothing is asked where no row is meant: the command says so itself.
async fn retrying(action: &QuarantineCommand, conductor: &Conductor) -> Result<Option<Asked>, Failure> {
    let QuarantineCommand::Retry { table, row, only_table, only_row, check, run, .. } = action else {
        return Ok(None);
    };
    let run = conductor.quarantine_of(run.run).await?.id;
    let tables = conductor.tables_called(run, table.as_ref().or(only_table.as_ref())).await?;
    let which = Selection { tables, check: check.clone(), row: row.or(*only_row) };
    let client = conductor.pool.get().await.map_err(doing("connect"))?;
    let groups = quarantine_list_counts(&**client, run, &which).await?;
    let mut lines = vec![format!("Run      {run}")];
    if let Some(row) = which.row {
        lines.push(format!("  row {row} of {}", which.tables.unwrap_or_default().join(", ")));
    }
    for group in groups.iter().filter(|group| which.row.is_none() && group.rows > group.retried) {
        lines.push(format!("  {}: {} rows that {} took out", group.source, group.rows - group.retried, group.check));
    }
    Ok((lines.len() > 1).then_some(("Try these rows again, into the final tables?", lines)))
}

/// Names of the migrations that are pending, the ledger's first.
async fn pending_migrations(conductor: &Conductor) -> Result<Vec<String>, Failure> {
    let project = &conductor.project;
    let files = project.migrations.iter().map(|file| (format!("V{}__{}", file.version, file.name), file.sql.clone()));
    let client = conductor.pool.get().await.map_err(doing("connect"))?;
    let mut names = Vec::new();
    let sets = [MigrationSet::ledger(), MigrationSet::project(&project.name, files)];
    for set in sets {
        let set = set.map_err(PipelineError::from)?;
        names.extend(pending(&**client, &set).await.map_err(PipelineError::from)?);
    }
    Ok(names)
}

async fn migrations(conductor: &Conductor, lines: &mut Vec<String>) -> Result<(), Failure> {
    let count = pending_migrations(conductor).await?.len();
    if count > 0 {
        lines.push(format!("  + {count} migrations are applied first"));
    }
    Ok(())
}

async fn unfinished(conductor: &Conductor, settings: &Settings, lines: &mut Vec<String>) -> Result<(), Failure> {
    let client = conductor.pool.get().await.map_err(doing("connect"))?;
    if !has_ledger(&**client).await? {
        return Ok(());
    }
    if let Some(run) = runs(&**client, None, 1).await?.pop().filter(|run| !run.state.is_final()) {
        let (id, state) = (run.id, run.state.as_str());
        lines.push(match settings.earlier {
            EarlierRuns::SetAside => format!("  - run {id} ({state}) is set aside; what it promoted stays"),
            _ => format!("  ~ run {id} ({state}) is not finished: it is gone on with"),
        });
    }
    Ok(())
}

fn planned(plan: &Plan, lines: &mut Vec<String>) {
    for table in &plan.tables {
        let Some(fate) = table.fate else { continue };
        lines.push(format!(
            "  {}: + {} to insert, ~ {} to update, = {} as they are, {} merged, {} rejected",
            table.source, fate.insert, fate.update, fate.unchanged, fate.merge, fate.reject
        ));
    }
}
