//! What the checks and duplicate rules would find in rows that were staged in a trial.

use tokio_postgres::Transaction;

use crate::db::DbError;
use crate::db::doing;
use crate::db::place::reading;
use crate::outcome::Severity;
use crate::project::Project;
use crate::relations::{Feed, Relations};
use crate::template::{Fragment, render_wrap};

use super::steps::{self, Planned, Step};
use super::{CheckError, merge};

/// What a check or a duplicate rule found in the rows of one source table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialFound {
    /// `check` or `dedup`.
    pub phase: &'static str,
    /// Its name.
    pub name: String,
    /// The source table.
    pub on: String,
    /// What its findings mean.
    pub severity: Severity,
    /// Rows found, or merged away.
    pub rows: i64,
}

/// Checks the rows of a trial and settles their duplicates, as a run would: what is taken out and merged is in the session's own
/// tables then.
///
/// # Errors
/// A check cannot run, or a duplicate rule would lose a row. The transaction is to be rolled back then.
pub async fn check_trial(
    tx: &mut Transaction<'_>,
    project: &Project,
    relations: &mut Relations,
) -> Result<Vec<TrialFound>, CheckError> {
    let mut found = Vec::new();
    for planned in steps::checks(project, relations)? {
        // What has nothing to look at finds nothing.
        let Planned::Step(step) = planned else { continue };
        let rows = search(tx, relations, &step).await?;
        found.push(TrialFound { rows, ..of(step.name, "check", &step.feed, step.severity) });
    }
    let run = relations.run();
    for rule in &project.dedup {
        let Some(merged) = merge(tx, run, project, relations, rule).await? else { continue };
        for feed in relations.sources(&rule.on) {
            let rows = merged.by_source.get(&feed.source.to_string()).copied().unwrap_or_default();
            found.push(TrialFound { rows, ..of(&rule.file.name, "dedup", feed, Severity::Warn) });
        }
    }
    Ok(found)
}

fn of(name: &str, phase: &'static str, feed: &Feed, severity: Severity) -> TrialFound {
    TrialFound { phase, name: name.to_owned(), on: feed.source.to_string(), severity, rows: 0 }
}

/// Runs one check and takes out what it rejects.
async fn search(tx: &mut Transaction<'_>, relations: &Relations, step: &Step<'_>) -> Result<i64, CheckError> {
    let context = minijinja::context! {
        quarantine => relations.place().quarantine(),
        select => Fragment::new(step.sql.clone()),
        reject => step.severity == Severity::Reject,
    };
    let query = render_wrap("trial_check.sql", include_str!("../../sql/wrap/trial_check.sql"), context)?;
    let (run, source, name) = (relations.run(), step.feed.source.to_string(), step.name);
    let action = format!("run check {name} on {source}");
    let found = reading(tx, &action, async |tx| {
        let row = tx.query_one(&query, &[&run, &source, &name]).await.map_err(doing(action.as_str()))?;
        Ok::<i64, DbError>(row.get("found"))
    });
    found.await.map_err(|error| if error.is_write_refused() { CheckError::Writes(error) } else { error.into() })
}
