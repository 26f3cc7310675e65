//! Which rows want a vector, and what becomes of those that are left without.

use std::time::{Duration, Instant};

use deadpool_postgres::Pool;

use super::{EmbedError, EmbedOptions};
use crate::db::doing;
use crate::db::ledger::{CheckRecord, Fence, check_forget, check_result_insert, embedding_forget, embedding_left};
use crate::event::{Event, Events};
use crate::names::TableName;
use crate::outcome::Severity;
use crate::project::Project;
use crate::relations::Relations;
use crate::template::{Fragment, render_wrap};

/// Findings kept of a transform that only reports; all are counted.
const FINDINGS_KEPT: i64 = 1000;

/// The rows of one source table that want a vector.
pub(super) struct Want {
    /// The transform that says so.
    pub name: String,
    pub severity: Severity,
    pub relation: String,
    pub source: TableName,
    /// The transform's SELECT over the clean rows of the table: `_row`, `text`.
    pub select: String,
    rows: i64,
}

/// Records the rows of a run that want a vector, in place of what an earlier try recorded.
///
/// # Errors
/// A transform is wrong, or the database refuses.
pub(super) async fn record(
    pool: &Pool,
    fence: Fence,
    project: &Project,
    relations: &Relations,
    options: &EmbedOptions,
) -> Result<Vec<Want>, EmbedError> {
    let space = options.space.as_ref();
    let provider = space.map(|space| space.provider.as_str());
    let model = space.map(|space| space.model.as_str());
    let dimensions = space.map(|space| i32::try_from(space.dimensions).unwrap_or(i32::MAX));
    fence
        .transaction(pool, "record which rows want a vector", async |tx| {
            fence.hold_staged(tx).await?;
            check_forget(tx, fence.run, &["embed"]).await?;
            embedding_forget(tx, fence.run).await?;
            let mut wants = Vec::new();
            for transform in &project.embed {
                for feed in relations.sources(&transform.on) {
                    let rows = relations.clean_of(&transform.on, &feed.source)?;
                    let rendered = project.render(&transform.file, &relations.scope(Some(rows)))?;
                    let embedding_row = relations.place().embedding_row();
                    let context = minijinja::context! { embedding_row, select => Fragment::new(rendered.sql.clone()) };
                    let insert = render_wrap(
                        "embedding_wanted.sql",
                        include_str!("../../sql/wrap/embedding_wanted.sql"),
                        context,
                    )?;
                    let source = feed.source.to_string();
                    tx.execute(&insert, &[&fence.run, &transform.on, &source, &provider, &model, &dimensions])
                        .await
                        .map_err(|error| {
                            EmbedError::Sql(transform.file.path.clone(), doing("look for rows without a vector")(error))
                        })?;
                    wants.push(Want {
                        name: transform.file.name.clone(),
                        severity: transform.severity,
                        relation: transform.on.clone(),
                        source: feed.source.clone(),
                        select: rendered.sql,
                        rows: feed.rows_staged,
                    });
                }
            }
            Ok(wants)
        })
        .await
}

/// Records the rows that are left without a vector, and takes them out where the project says so.
///
/// # Errors
/// [`EmbedError::Blocked`] where the project lets nothing be promoted without; all is recorded then.
pub(super) async fn settle(
    pool: &Pool,
    fence: Fence,
    relations: &Relations,
    wants: &[Want],
    options: &EmbedOptions,
    events: &Events,
) -> Result<(), EmbedError> {
    let otherwise = match (&options.space, &options.client) {
        (None, _) => "there is no embedding, and no model is named (--embedding-model, --embedding-url)",
        (_, None) => "there is no embedding, and no service is named that makes one (--embedding-url)",
        _ => "there is no embedding",
    };
    let mut blocked = Vec::new();
    for (ordinal, want) in (1..).zip(wants) {
        let started = Instant::now();
        let source = want.source.to_string();
        let keep = if want.severity == Severity::Reject { i64::MAX } else { FINDINGS_KEPT };
        let (mut failed, mut elapsed) = (0, Duration::ZERO);
        fence
            .transaction(pool, "record rows without a vector", async |tx| {
                let (run, relation) = (fence.run, want.relation.as_str());
                failed = embedding_left(tx, run, relation, &source, &want.name, keep, otherwise).await?;
                if want.severity == Severity::Reject && failed > 0 {
                    let staged = Fragment::new(relations.staged(&want.source).unwrap_or_default());
                    let file = include_str!("../../sql/wrap/quarantine_embedding.sql");
                    let take = render_wrap("quarantine_embedding.sql", file, minijinja::context! { staged })?;
                    tx.execute(&take, &[&run, &source, &want.name])
                        .await
                        .map_err(doing("take out rows without a vector"))?;
                }
                elapsed = started.elapsed();
                let record = CheckRecord {
                    phase: "embed",
                    name: &want.name,
                    on: source.as_str().into(),
                    ordinal,
                    severity: want.severity,
                    examined: want.rows,
                    failed,
                    elapsed,
                    skipped: None,
                };
                Ok::<_, EmbedError>(check_result_insert(tx, run, &[record]).await?)
            })
            .await?;
        if want.severity == Severity::Error && failed > 0 {
            blocked.push(format!("{failed} of {source} ({})", want.name));
        }
        events.emit(Event::CheckFinished {
            name: want.name.clone(),
            on: source,
            severity: want.severity,
            examined: u64::try_from(want.rows).unwrap_or_default(),
            failed: u64::try_from(failed).unwrap_or_default(),
            elapsed,
        });
    }
    if blocked.is_empty() { Ok(()) } else { Err(EmbedError::Blocked(blocked)) }
}
