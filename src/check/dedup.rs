//! Duplicates: which rows a rule merges into which, and what the winners take from them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio_postgres::{GenericClient, Transaction};
use uuid::Uuid;

use crate::db::catalog::staging_tables;
use crate::db::ledger::{CheckRecord, check_result_insert};
use crate::db::{Place, doing, staging};
use crate::event::Event;
use crate::fault;
use crate::names::fit;
use crate::outcome::Severity;
use crate::project::{Dedup, Project};
use crate::relations::Relations;
use crate::template::{Fragment, render_wrap};

use super::{CheckError, Checking};

/// What a duplicate rule merged away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    /// Rows in all.
    pub rows: u64,
    /// Rows of each source table, by its name in the ledger.
    pub by_source: BTreeMap<String, i64>,
}

/// Runs one duplicate rule on the clean rows of its relation, and lets `relations` know what it made; `None` when
/// nothing feeds the relation.
///
/// # Errors
/// The rule cannot run, or would lose a row. The transaction is to be rolled back then, and `relations` to be dropped.
pub async fn merge(
    tx: &Transaction<'_>,
    run: Uuid,
    project: &Project,
    relations: &mut Relations,
    rule: &Dedup,
) -> Result<Option<Merged>, CheckError> {
    let name = rule.file.name.as_str();
    let Some(rows) = relations.clean(&rule.on).map(str::to_owned) else { return Ok(None) };
    let rendered = project.render(&rule.file, &relations.scope(Some(rows.clone())))?;
    let (result, patch) = (table("dedup", name), table("patch", name));
    let action = || format!("run duplicate rule {name}");
    let place = relations.place();
    if place == Place::Ledger {
        staging::drop_table(tx, &result).await?;
        staging::drop_table(tx, &patch).await?;
    }
    let context = minijinja::context! {
        kind => place.kind(),
        merged => place.merged(),
        result => Fragment::new(place.table(&result)),
        patch => Fragment::new(place.table(&patch)),
        select => Fragment::new(rendered.sql),
        rows => Fragment::new(rows),
        merge => &rule.merge,
    };
    let create = render_wrap("dedup_result.sql", include_str!("../../sql/wrap/dedup_result.sql"), &context)?;
    tx.execute(&create, &[]).await.map_err(doing(action()))?;
    let faults = render_wrap("dedup_faults.sql", include_str!("../../sql/wrap/dedup_faults.sql"), &context)?;
    if let Some(fault) = tx.query_opt(&faults, &[]).await.map_err(doing(action()))? {
        return Err(CheckError::Dedup {
            rule: name.to_owned(),
            source_table: fault.get::<_, Option<String>>("source").unwrap_or_default(),
            row: fault.get::<_, Option<i64>>("row").unwrap_or_default(),
            reason: fault.get("reason"),
        });
    }
    let insert = render_wrap("merged_insert.sql", include_str!("../../sql/wrap/merged_insert.sql"), &context)?;
    let rows = tx.execute(&insert, &[&run, &name]).await.map_err(doing(action()))?;
    if rows > 0 && !rule.merge.is_empty() {
        let create = render_wrap("patch.sql", include_str!("../../sql/wrap/patch.sql"), &context)?;
        tx.execute(&create, &[]).await.map_err(doing(action()))?;
        if place == Place::Ledger {
            staging::mark(tx, &patch).await?;
        }
        relations.patch(&rule.on, &patch, &rule.merge)?;
    }
    let count = render_wrap("merged_count.sql", include_str!("../../sql/wrap/merged_count.sql"), &context)?;
    let by_source = tx.query(&count, &[]).await.map_err(doing(action()))?;
    if place == Place::Ledger {
        staging::drop_table(tx, &result).await?;
    }
    Ok(Some(Merged { rows, by_source: by_source.iter().map(|row| (row.get("source"), row.get("rows"))).collect() }))
}

/// Runs one duplicate rule and records its result.
pub(super) async fn settle(
    checking: &mut Checking<'_>,
    project: &Project,
    relations: &mut Relations,
    rule: &Dedup,
) -> Result<(), CheckError> {
    let name = rule.file.name.as_str();
    let started = Instant::now();
    let action = || format!("run duplicate rule {name}");
    checking.events.emit(Event::StepStarted { what: format!("duplicate rule {name}") });
    let mut client = checking.pool.get().await.map_err(doing(action()))?;
    let tx = client.transaction().await.map_err(doing(action()))?;
    checking.fence.hold(&tx).await?;
    let merged = merge(&tx, checking.fence.run, project, relations, rule).await?;
    let elapsed = started.elapsed();
    if merged.is_none() {
        let skipped = Some("no table of the source feeds this relation");
        let result = record(name, &rule.on, checking.next(), 0, 0, elapsed, skipped);
        check_result_insert(&tx, checking.fence.run, &[result]).await?;
    }
    let merged = merged.unwrap_or_default();
    for feed in relations.sources(&rule.on) {
        let source = feed.source.to_string();
        let failed = merged.by_source.get(&source).copied().unwrap_or_default();
        let result = record(name, &source, checking.next(), feed.rows_staged, failed, elapsed, None);
        check_result_insert(&tx, checking.fence.run, &[result]).await?;
        checking.events.emit(Event::CheckFinished {
            name: name.to_owned(),
            on: source,
            severity: Severity::Warn,
            examined: u64::try_from(feed.rows_staged).unwrap_or_default(),
            failed: u64::try_from(failed).unwrap_or_default(),
            elapsed,
        });
    }
    fault::point("check.merged").await;
    tx.commit().await.map_err(doing(action()))?;
    checking.checked.merged += i64::try_from(merged.rows).unwrap_or(i64::MAX);
    Ok(())
}

/// Finds the patches that an earlier `check` of this run has made, so that later phases read them.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn find_patches(
    client: &impl GenericClient,
    project: &Project,
    relations: &mut Relations,
) -> Result<(), CheckError> {
    let existing = staging_tables(client).await?;
    for rule in &project.dedup {
        let patch = table("patch", &rule.file.name);
        if existing.iter().any(|table| table.ours && table.name == patch) {
            relations.patch(&rule.on, &patch, &rule.merge)?;
        }
    }
    Ok(())
}

fn record<'a>(
    name: &'a str,
    on: &'a str,
    ordinal: i32,
    examined: i64,
    failed: i64,
    elapsed: Duration,
    skipped: Option<&'a str>,
) -> CheckRecord<'a> {
    CheckRecord {
        phase: "dedup",
        name,
        on: on.into(),
        ordinal,
        severity: Severity::Warn,
        examined,
        failed,
        elapsed,
        skipped,
    }
}

/// A table of a rule's own in staging. A space keeps its name apart from those of source tables that a person wrote.
fn table(kind: &str, rule: &str) -> String {
    fit(&format!("{kind} {rule}"))
}
