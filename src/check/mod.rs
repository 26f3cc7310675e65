//! Runs the checks and settles duplicates.
//!
//! Four steps, in this order: rows that are not what was read, casts that would fail, then the project's checks, each on the
//! rows of one source table, then the duplicate rules on the rows that are left, so that a row that is taken out never wins over a good one.

mod dedup;
mod error;
mod trial;

use std::time::{Duration, Instant};

use deadpool_postgres::Pool;
use serde::Serialize;

use crate::db::ledger::{
    CheckRecord, CheckResults, Fence, FenceError, RunState, SourceTable, books, check_forget, check_result_insert,
    run_advance,
};
use crate::db::search::{Search, find};
use crate::db::{ServerInfo, doing, staging};
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

/// The check that a staging table's digests make.
fn checksum_check(feed: &Feed, table: &SourceTable, vector_schema: Option<&str>) -> Result<String, CheckError> {
    let hash = staging::row_hash(&table.columns, &table.column_types, vector_schema);
    let context = minijinja::context! { staged => Fragment::new(feed.staged.clone()), hash => hash };
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
        for table in relations.tables() {
            if let Some(feed) = feeds.iter().find(|feed| feed.source == table.source) {
                let sql = checksum_check(feed, table, vector_schema.as_deref())?;
                self.run_one(CHECKSUM_CHECK, Severity::Reject, feed, &sql).await?;
            }
        }
        for feed in feeds.iter().filter(|feed| !feed.casts.is_empty()) {
            let sql = cast_check(feed)?;
            self.run_one(CAST_CHECK, Severity::Reject, feed, &sql).await?;
        }
        for check in &project.check {
            let sources: Vec<Feed> = relations.sources(&check.on).into_iter().cloned().collect();
            if sources.is_empty() {
                self.skip(&check.file.name, &check.on, check.severity);
            }
            for feed in &sources {
                let rows = relations.canonical_of(&check.on, &feed.source)?;
                let rendered = project.render(&check.file, &relations.scope(Some(rows)))?;
                let context = minijinja::context! { select => Fragment::new(rendered.sql) };
                let sql = render_wrap("check.sql", include_str!("../../sql/wrap/check.sql"), context)?;
                self.run_one(&check.file.name, check.severity, feed, &sql).await?;
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

    /// Runs a check on one source table, takes out what it rejects, and records its result.
    async fn run_one(&mut self, name: &'a str, severity: Severity, feed: &Feed, sql: &str) -> Result<(), CheckError> {
        let source = feed.source.to_string();
        self.events.emit(Event::StepStarted { what: format!("{name} on {source}") });
        let started = Instant::now();
        let keep = if severity == Severity::Reject { usize::MAX } else { FINDINGS_KEPT };
        let search = Search { phase: "check", name, on: &source, sql, keep };
        let failed = find(self.pool, self.fence, &search).await.map_err(|error| match error {
            FenceError::Db(error) if error.is_write_refused() => CheckError::Writes(error),
            FenceError::Db(error) => error.into(),
            error => error.into(),
        })?;
        let elapsed = started.elapsed();
        let ordinal = self.next();
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
                check_result_insert(tx, self.fence.run, &record).await?;
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
        self.passed.keep(CheckRecord {
            phase: "check",
            name,
            on: on.into(),
            ordinal: self.ordinal,
            severity,
            examined: 0,
            failed: 0,
            elapsed: std::time::Duration::ZERO,
            skipped: Some("no table of the source feeds this relation"),
        });
        self.next();
    }

    fn next(&mut self) -> i32 {
        self.ordinal += 1;
        self.ordinal
    }
}
