//! What a command that loads would do, in the words of the question that is asked before it.

use sqlmig::db::catalog::has_ledger;
use sqlmig::db::ledger::{books, runs};
use sqlmig::db::migrate::{MigrationSet, pending};
use sqlmig::db::{Target, doing};
use sqlmig::outcome::Plan;
use sqlmig::pipeline::{Conductor, EarlierRuns, PipelineError};
use sqlmig::stop::Stop;
use sqlmig::telemetry::Display;

use super::args::Command;
use super::consent::{Question, Stakes, ask, somebody_is_there};
use super::failure::Failure;
use super::plan::Followed;
use super::settings::Settings;

/// Asks before a command loads, promotes or sets a run aside; other commands ask for themselves, or not at all.
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
        Command::Run { consent, .. } | Command::Promote { consent, .. } => consent.yes,
        Command::Stage { consent, restart, .. } => consent.yes || !restart.restart,
        _ => true,
    };
    // What is only read for the question is not asked for where nobody reads it.
    if yes || !somebody_is_there() {
        return Ok(());
    }
    let question = question(command, conductor, target, settings, followed).await?;
    ask(false, &question, display, stop).await
}

async fn question(
    command: &Command,
    conductor: &Conductor,
    target: &Target,
    settings: &Settings,
    followed: Option<&Followed>,
) -> Result<Question, Failure> {
    let (target, project) = (target.describe(), &conductor.project.name);
    let mut lines = vec![format!("Target   {target}"), format!("Project  {project}")];
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
    Ok(Question { ask: ask.to_owned(), lines, stakes: Stakes::Writes })
}

async fn migrations(conductor: &Conductor, lines: &mut Vec<String>) -> Result<(), Failure> {
    let project = &conductor.project;
    let files = project.migrations.iter().map(|file| (format!("V{}__{}", file.version, file.name), file.sql.clone()));
    let client = conductor.pool.get().await.map_err(doing("connect"))?;
    let mut count = 0;
    let sets = [MigrationSet::ledger(), MigrationSet::project(&project.name, files)];
    for set in sets {
        let set = set.map_err(PipelineError::from)?;
        count += pending(&**client, &set).await.map_err(PipelineError::from)?.len();
    }
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
