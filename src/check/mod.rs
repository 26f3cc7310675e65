//! Runs the checks and settles duplicates.
//!
//! Four steps, in this order: rows that are not what was read, casts that would fail, then the project's checks, each on the
//! rows of one source table, then the duplicate rules on the rows that are left, so that a row that is taken out never wins over a good one.

mod dedup;
mod error;
mod steps;
mod trial;

use std::pin::pin;
use std::time::Duration;

use deadpool_postgres::Pool;
use futures_util::StreamExt;

use crate::db::ledger::{
    CheckRecord, CheckResults, Fence, FenceError, RunState, books, check_forget, check_result_insert, run_advance,
};
use crate::db::search::{Found, Search, find_each};
use crate::db::{ServerInfo, doing};
use crate::event::{Event, Events};
use crate::fault;
use crate::limits::MaxRejects;
use crate::outcome::{Severity, TableBooks};
use crate::project::{Check, Project};
use crate::relations::Relations;
use crate::template::{Fragment, render_wrap};

pub use dedup::{Merged, find_patches, merge};
pub use error::CheckError;
pub use trial::{TrialFound, check_trial};

use steps::{Planned, Step};

/// Findings kept of a check that warns or blocks; all are counted.
const FINDINGS_KEPT: usize = 1000;

/// What was checked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Checked {
    /// Checks run, each counted once per table.
    pub checks: usize,
    /// Rows that checks took out, counted once a check.
    pub rejected: i64,
    /// Rows merged into others.
    pub merged: i64,
    /// Findings of checks that warn.
    pub warned: i64,
}

/// Checks what a run has staged and settles its duplicates.
///
/// # Errors
/// A check cannot run, a duplicate rule would lose a row, a check of severity `error` found something, or more rows are
/// out than allowed, those that could not be decoded included; all checks have run and are recorded then.
pub async fn check(
    pool: &Pool,
    fence: Fence,
    project: &Project,
    relations: &mut Relations,
    max_rejects: Option<MaxRejects>,
    events: &Events,
) -> Result<Checked, CheckError> {
    // What an earlier try found is forgotten, and with it that the run was checked: until this try is through, nothing
    // may be promoted.
    let run = fence.run;
    fence
        .transaction(pool, "begin the checks", async |tx| {
            check_forget(tx, run, &["check", "dedup"]).await?;
            Ok::<_, CheckError>(run_advance(tx, run, RunState::Staged).await?)
        })
        .await?;
    fault::point("check.begun").await;
    let mut checking = Checking {
        pool,
        fence,
        events,
        ordinal: 0,
        blocked: Vec::new(),
        checked: Checked::default(),
        passed: CheckResults::default(),
    };
    let outcome = checking.run_all(project, relations).await;
    // Also of a phase that fails, the report tells what was checked before.
    let recorded = checking.record_passed().await;
    outcome.and(recorded)?;
    if !checking.blocked.is_empty() {
        return Err(CheckError::Blocked(checking.blocked));
    }
    if let Some(limit) = max_rejects {
        let client = pool.get().await.map_err(doing("count the rows taken out"))?;
        let books = books(&**client, run).await?;
        let sum =
            |count: fn(&TableBooks) -> i64| u64::try_from(books.iter().map(count).sum::<i64>()).unwrap_or_default();
        let rejected = sum(|table| table.rows_quarantined);
        if limit.exceeded(rejected, sum(|table| table.rows_read)) {
            return Err(CheckError::TooManyRejects { rejected, limit });
        }
    }
    fault::point("check.through").await;
    fence
        .transaction(pool, "record that the checks have run", async |tx| {
            // A crash between two checks empties the staged rows, and checks of nothing find nothing.
            fence.hold_staged(tx).await?;
            Ok::<_, CheckError>(run_advance(tx, run, RunState::Checked).await?)
        })
        .await?;
    Ok(checking.checked)
}

/// The checks of one run, as they go.
struct Checking<'a> {
    pool: &'a Pool,
    fence: Fence,
    events: &'a Events,
    ordinal: i32,
    blocked: Vec<String>,
    checked: Checked,
    passed: CheckResults<'a>,
}

impl<'a> Checking<'a> {
    /// Everything there is to check, in its order.
    async fn run_all(&mut self, project: &'a Project, relations: &mut Relations) -> Result<(), CheckError> {
        let mut planned = steps::checksums(relations, self.vector_schema().await?.as_deref())?;
        planned.extend(steps::checks(project, relations)?);
        let mut numbered: Vec<(i32, Step<'a>)> = Vec::new();
        for planned in planned {
            let ordinal = self.next();
            match planned {
                Planned::Step(step) => numbered.push((ordinal, step)),
                Planned::Skipped(check) => self.skip(ordinal, check),
            }
        }
        let rules: usize = project.dedup.iter().map(|rule| relations.sources(&rule.on).len()).sum();
        self.events.emit(Event::StepsPlanned { steps: (numbered.len() + rules) as u64 });
        // Checks do not read what others find, but for those that say so: whatever was found before is taken out by then.
        for beside in numbered.chunk_by(|_, (_, next)| !next.decided) {
            let searches: Vec<Search> = beside.iter().map(|(_, step)| search(step)).collect();
            let mut searches = pin!(find_each(self.pool, self.fence, self.events, searches));
            for (ordinal, step) in beside {
                let Some(found) = searches.next().await else { break };
                let found = found.map_err(|error| match error {
                    FenceError::Db(error) if error.is_write_refused() => CheckError::Writes(error),
                    FenceError::Db(error) => error.into(),
                    error => error.into(),
                })?;
                self.settle(*ordinal, step, found).await?;
            }
        }
        for rule in &project.dedup {
            dedup::settle(self, project, relations, rule).await?;
        }
        Ok(())
    }

    /// Where pgvector is installed, if it is.
    async fn vector_schema(&self) -> Result<Option<String>, CheckError> {
        let client = self.pool.get().await.map_err(doing("connect for the checks"))?;
        Ok(ServerInfo::read(&**client).await?.pgvector_schema)
    }

    /// Takes out what a check rejects, and records its result.
    async fn settle(&mut self, ordinal: i32, step: &Step<'a>, found: Found) -> Result<(), CheckError> {
        let Step { name, severity, feed, .. } = step;
        let (name, severity) = (*name, *severity);
        let source = feed.source.to_string();
        let Found { rows: failed, elapsed } = found;
        let record = CheckRecord {
            phase: "check",
            name,
            on: source.clone().into(),
            ordinal,
            severity,
            examined: feed.rows_staged,
            failed,
            elapsed,
            skipped: None,
        };
        fault::point(&format!("check.found_{}", step.class())).await;
        if failed == 0 {
            if self.passed.keep(record) {
                self.record_passed().await?;
            }
            self.tell(name, source, severity, feed.rows_staged, failed, elapsed);
            return Ok(());
        }
        self.fence
            .transaction(self.pool, "record a check's result", async |tx| {
                if severity == Severity::Reject && failed > 0 {
                    let context = minijinja::context! { staged => Fragment::new(feed.staged.clone()) };
                    let source_file = include_str!("../../sql/wrap/quarantine_found.sql");
                    let take = render_wrap("quarantine_found.sql", source_file, context)?;
                    tx.execute(&take, &[&self.fence.run, &source, &name])
                        .await
                        .map_err(doing(format!("take out the rows of {source} that {name} found")))?;
                }
                check_result_insert(tx, self.fence.run, &[record]).await?;
                Ok::<_, CheckError>(())
            })
            .await?;
        match severity {
            Severity::Reject => self.checked.rejected += failed,
            Severity::Warn => self.checked.warned += failed,
            Severity::Error if failed > 0 => self.blocked.push(format!("{name} on {source} ({failed} rows)")),
            Severity::Error => {}
        }
        self.tell(name, source, severity, feed.rows_staged, failed, elapsed);
        Ok(())
    }

    /// Tells of a check that ran.
    fn tell(&mut self, name: &str, on: String, severity: Severity, examined: i64, failed: i64, elapsed: Duration) {
        self.checked.checks += 1;
        self.events.emit(Event::CheckFinished {
            name: name.to_owned(),
            on,
            severity,
            examined: u64::try_from(examined).unwrap_or_default(),
            failed: u64::try_from(failed).unwrap_or_default(),
            elapsed,
        });
    }

    /// Records the checks that found nothing since the last time.
    async fn record_passed(&mut self) -> Result<(), CheckError> {
        let (run, passed) = (self.fence.run, &mut self.passed);
        self.fence
            .transaction(self.pool, "record the checks' results", async |tx| Ok(passed.write(tx, run).await?))
            .await
    }

    /// Records that a check had nothing to look at.
    fn skip(&mut self, ordinal: i32, check: &'a Check) {
        self.passed.keep(CheckRecord {
            phase: "check",
            name: &check.file.name,
            on: check.on.as_str().into(),
            ordinal,
            severity: check.severity,
            examined: 0,
            failed: 0,
            elapsed: std::time::Duration::ZERO,
            skipped: Some("no table of the source feeds this relation"),
        });
    }

    fn next(&mut self) -> i32 {
        self.ordinal += 1;
        self.ordinal
    }
}

/// A step as a search.
fn search(step: &Step<'_>) -> Search {
    let keep = if step.severity == Severity::Reject { usize::MAX } else { FINDINGS_KEPT };
    Search { phase: "check", name: step.name.to_owned(), on: step.feed.source.to_string(), sql: step.sql.clone(), keep }
}
