//! Runs the checks and settles duplicates.
//!
//! Four steps, in this order: rows that are not what was read, casts that would fail, then the project's checks, each on the
//! rows of one source table, then the duplicate rules on the rows that are left, so that a row that is taken out never wins over a good one.

mod dedup;
mod error;
mod trial;

use std::pin::pin;
use std::time::Duration;

use deadpool_postgres::Pool;
use futures_util::StreamExt;
use serde::Serialize;

use crate::db::ledger::{
    CheckRecord, CheckResults, Fence, FenceError, RunState, SourceTable, books, check_forget, check_result_insert,
    run_advance,
};
use crate::db::search::{Found, Search, find_each};
use crate::db::staging::{self, Digested};
use crate::db::{ServerInfo, doing};
use crate::event::{Event, Events};
use crate::fault;
use crate::limits::MaxRejects;
use crate::outcome::{Severity, TableBooks};
use crate::project::Project;
use crate::relations::{Feed, Relations};
use crate::template::{Fragment, render_wrap};

pub use dedup::{Merged, find_patches, merge};
pub use error::CheckError;
pub use trial::{TrialFound, check_trial};

/// Name of the check that sqlmig makes itself of the casts in the normalise transforms.
const CAST_CHECK: &str = "cast";
/// Name of the check that sqlmig makes itself of the staged rows against what the reader took.
const CHECKSUM_CHECK: &str = "checksum";
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

#[derive(Serialize)]
struct CastContext {
    staged: Fragment,
    casts: Vec<CastColumn>,
}

#[derive(Serialize)]
struct CastColumn {
    column: String,
    type_name: String,
}

#[derive(Serialize)]
struct ChecksumContext {
    staged: Fragment,
    hash: Fragment,
    digested: Vec<Digested>,
}

/// The check that a staging table's digests make.
fn checksum_check(feed: &Feed, table: &SourceTable, vector_schema: Option<&str>) -> Result<String, CheckError> {
    let hash = staging::row_hash(&table.columns, &table.column_types, vector_schema);
    let digested = staging::digested(&table.columns, &table.column_types, vector_schema);
    let context = ChecksumContext { staged: Fragment::new(feed.staged.clone()), hash, digested };
    let select = render_wrap("row_checksum.sql", include_str!("../../sql/wrap/row_checksum.sql"), context)?;
    let context = minijinja::context! { select => Fragment::new(select) };
    Ok(render_wrap("check.sql", include_str!("../../sql/wrap/check.sql"), context)?)
}

/// The check that a feed's casts make.
fn cast_check(feed: &Feed) -> Result<String, CheckError> {
    let casts =
        feed.casts.iter().map(|cast| CastColumn { column: cast.column.clone(), type_name: cast.type_name.clone() });
    let context = CastContext { staged: Fragment::new(feed.staged.clone()), casts: casts.collect() };
    let select = render_wrap("cast_check.sql", include_str!("../../sql/wrap/cast_check.sql"), context)?;
    let context = minijinja::context! { select => Fragment::new(select) };
    Ok(render_wrap("check.sql", include_str!("../../sql/wrap/check.sql"), context)?)
}

/// How many checks there are to tell of: one a table.
fn steps(project: &Project, relations: &Relations, feeds: &[Feed]) -> u64 {
    let checksums =
        relations.tables().iter().filter(|table| feeds.iter().any(|feed| feed.source == table.source)).count();
    let casts = feeds.iter().filter(|feed| !feed.casts.is_empty()).count();
    let checks: usize = project.check.iter().map(|check| relations.sources(&check.on).len()).sum();
    let rules: usize = project.dedup.iter().map(|rule| relations.sources(&rule.on).len()).sum();
    (checksums + casts + checks + rules) as u64
}

/// A check of one source table.
struct Step<'a> {
    name: &'a str,
    severity: Severity,
    feed: Feed,
    sql: String,
    /// Whether it reads what the checks before it have decided.
    decided: bool,
    ordinal: i32,
}

impl Step<'_> {
    fn search(&self) -> Search {
        let keep = if self.severity == Severity::Reject { usize::MAX } else { FINDINGS_KEPT };
        let (name, on) = (self.name.to_owned(), self.feed.source.to_string());
        Search { phase: "check", name, on, sql: self.sql.clone(), keep }
    }
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
        let feeds: Vec<Feed> = relations.feeds().cloned().collect();
        self.events.emit(Event::StepsPlanned { steps: steps(project, relations, &feeds) });
        let vector_schema = self.vector_schema().await?;
        let steps = self.lay_out(project, relations, &feeds, vector_schema.as_deref())?;
        // Checks do not read what others find, but for those that say so: whatever was found before is taken out by then.
        for beside in steps.chunk_by(|_, next| !next.decided) {
            let searches: Vec<Search> = beside.iter().map(Step::search).collect();
            let mut searches = pin!(find_each(self.pool, self.fence, self.events, searches));
            for step in beside {
                let Some(found) = searches.next().await else { break };
                let found = found.map_err(|error| match error {
                    FenceError::Db(error) if error.is_write_refused() => CheckError::Writes(error),
                    FenceError::Db(error) => error.into(),
                    error => error.into(),
                })?;
                self.settle(step, found).await?;
            }
        }
        for rule in &project.dedup {
            dedup::settle(self, project, relations, rule).await?;
        }
        Ok(())
    }

    /// The checks in their order; those that have nothing to look at are recorded as skipped.
    fn lay_out(
        &mut self,
        project: &'a Project,
        relations: &Relations,
        feeds: &[Feed],
        vector_schema: Option<&str>,
    ) -> Result<Vec<Step<'a>>, CheckError> {
        let mut steps = Vec::new();
        for table in relations.tables() {
            if let Some(feed) = feeds.iter().find(|feed| feed.source == table.source) {
                let sql = checksum_check(feed, table, vector_schema)?;
                steps.push(self.step(CHECKSUM_CHECK, Severity::Reject, feed, sql, false));
            }
        }
        for feed in feeds.iter().filter(|feed| !feed.casts.is_empty()) {
            steps.push(self.step(CAST_CHECK, Severity::Reject, feed, cast_check(feed)?, false));
        }
        for check in &project.check {
            let sources = relations.sources(&check.on);
            if sources.is_empty() {
                self.skip(&check.file.name, &check.on, check.severity);
            }
            for feed in sources {
                let rows = relations.canonical_of(&check.on, &feed.source)?;
                let rendered = project.render(&check.file, &relations.scope(Some(rows)))?;
                let context = minijinja::context! { select => Fragment::new(rendered.sql) };
                let sql = render_wrap("check.sql", include_str!("../../sql/wrap/check.sql"), context)?;
                steps.push(self.step(&check.file.name, check.severity, feed, sql, rendered.decided));
            }
        }
        Ok(steps)
    }

    fn step(&mut self, name: &'a str, severity: Severity, feed: &Feed, sql: String, decided: bool) -> Step<'a> {
        Step { name, severity, feed: feed.clone(), sql, decided, ordinal: self.next() }
    }

    /// Where pgvector is installed, if it is.
    async fn vector_schema(&self) -> Result<Option<String>, CheckError> {
        let client = self.pool.get().await.map_err(doing("connect for the checks"))?;
        Ok(ServerInfo::read(&**client).await?.pgvector_schema)
    }

    /// Takes out what a check rejects, and records its result.
    async fn settle(&mut self, step: &Step<'a>, found: Found) -> Result<(), CheckError> {
        let Step { name, severity, feed, .. } = step;
        let (name, severity) = (*name, *severity);
        let source = feed.source.to_string();
        let Found { rows: failed, elapsed } = found;
        let record = CheckRecord {
            phase: "check",
            name,
            on: source.clone().into(),
            ordinal: step.ordinal,
            severity,
            examined: feed.rows_staged,
            failed,
            elapsed,
            skipped: None,
        };
        fault::point("check.found").await;
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
    fn skip(&mut self, name: &'a str, on: &'a str, severity: Severity) {
        let ordinal = self.next();
        self.passed.keep(CheckRecord {
            phase: "check",
            name,
            on: on.into(),
            ordinal,
            severity,
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
