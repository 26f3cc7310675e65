//! What there is to check in the staged rows, as SQL: a step is one check of one source table.

use serde::Serialize;

use crate::db::ledger::SourceTable;
use crate::db::staging::{self, Digested};
use crate::outcome::Severity;
use crate::project::{Check, Project};
use crate::relations::{Feed, Relations};
use crate::template::{Fragment, TemplateError, render_wrap};

use super::CheckError;

/// Name of the check that sqlmig makes itself of the casts in the normalise transforms.
const CAST_CHECK: &str = "cast";
/// Name of the check that sqlmig makes itself of the staged rows against what the reader took.
const CHECKSUM_CHECK: &str = "checksum";

/// A check of one source table.
pub(super) struct Step<'a> {
    /// The check's name.
    pub name: &'a str,
    /// What its findings mean.
    pub severity: Severity,
    /// The source table, and its way into the relation that is checked.
    pub feed: Feed,
    /// The SELECT of the offending rows.
    pub sql: String,
    /// Whether it reads what the checks before it have decided.
    pub decided: bool,
}

impl Step<'_> {
    /// What kind of check it is: one of sqlmig's own, or of which severity.
    pub fn class(&self) -> &str {
        match self.name {
            CAST_CHECK | CHECKSUM_CHECK => self.name,
            _ => self.severity.as_str(),
        }
    }
}

/// What is checked, in its order.
pub(super) enum Planned<'a> {
    /// A check of a source table.
    Step(Step<'a>),
    /// A check whose relation no table of the source feeds.
    Skipped(&'a Check),
}

/// That each row is what the reader took: a step a staging table that anything reads. `vector_schema` is where pgvector is
/// installed.
pub(super) fn checksums<'a>(
    relations: &Relations,
    vector_schema: Option<&str>,
) -> Result<Vec<Planned<'a>>, CheckError> {
    let mut planned = Vec::new();
    for table in relations.tables() {
        if let Some(feed) = relations.feeds().find(|feed| feed.source == table.source) {
            let select = checksum(feed, table, vector_schema)?;
            planned.push(own(CHECKSUM_CHECK, feed, select)?);
        }
    }
    Ok(planned)
}

/// That casts succeed, then the project's own checks.
pub(super) fn checks<'a>(project: &'a Project, relations: &Relations) -> Result<Vec<Planned<'a>>, CheckError> {
    let mut planned = Vec::new();
    for feed in relations.feeds().filter(|feed| !feed.casts.is_empty()) {
        planned.push(own(CAST_CHECK, feed, casts(feed)?)?);
    }
    for check in &project.check {
        let sources = relations.sources(&check.on);
        if sources.is_empty() {
            planned.push(Planned::Skipped(check));
        }
        for feed in sources {
            let rows = relations.canonical_of(&check.on, &feed.source)?;
            let rendered = project.render(&check.file, &relations.scope(Some(rows)))?;
            let (name, severity, feed) = (check.file.name.as_str(), check.severity, feed.clone());
            planned.push(Planned::Step(Step {
                name,
                severity,
                feed,
                sql: ordered(rendered.sql)?,
                decided: rendered.decided,
            }));
        }
    }
    Ok(planned)
}

/// A step of sqlmig's own.
fn own<'a>(name: &'static str, feed: &Feed, select: String) -> Result<Planned<'a>, CheckError> {
    let (feed, sql) = (feed.clone(), ordered(select)?);
    Ok(Planned::Step(Step { name, severity: Severity::Reject, feed, sql, decided: false }))
}

/// A SELECT of offending rows in the order of the source.
fn ordered(select: String) -> Result<String, TemplateError> {
    let context = minijinja::context! { select => Fragment::new(select) };
    render_wrap("check.sql", include_str!("../../sql/wrap/check.sql"), context)
}

#[derive(Serialize)]
struct ChecksumContext {
    staged: Fragment,
    hash: Fragment,
    digested: Vec<Digested>,
}

/// The rows of a staging table that their digests do not fit.
fn checksum(feed: &Feed, table: &SourceTable, vector_schema: Option<&str>) -> Result<String, TemplateError> {
    let context = ChecksumContext {
        staged: Fragment::new(feed.staged.clone()),
        hash: staging::row_hash(&table.columns, &table.column_types, vector_schema),
        digested: staging::digested(&table.columns, &table.column_types, vector_schema),
    };
    render_wrap("row_checksum.sql", include_str!("../../sql/wrap/row_checksum.sql"), context)
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

/// The rows of a staging table that a cast of its transform would fail on.
fn casts(feed: &Feed) -> Result<String, TemplateError> {
    let casts =
        feed.casts.iter().map(|cast| CastColumn { column: cast.column.clone(), type_name: cast.type_name.clone() });
    let context = CastContext { staged: Fragment::new(feed.staged.clone()), casts: casts.collect() };
    render_wrap("cast_check.sql", include_str!("../../sql/wrap/cast_check.sql"), context)
}
