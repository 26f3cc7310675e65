//! Which rows of a trial would want a vector, and what fetching them would take.

use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

use crate::db::doing;
use crate::db::place::reading;
use crate::outcome::PlanEmbedding;
use crate::project::Project;
use crate::relations::Relations;
use crate::template::{Fragment, render_wrap};

use super::{EmbedError, EmbedOptions};

/// Notes in the session's own table which rows of a trial want a vector, as a run notes it in the ledger, and counts the texts of
/// which the ledger has none.
///
/// # Errors
/// A transform is wrong, or the database refuses.
pub async fn embed_trial(
    tx: &mut Transaction<'_>,
    project: &Project,
    relations: &Relations,
    options: &EmbedOptions,
) -> Result<Vec<PlanEmbedding>, EmbedError> {
    let space = options.space.as_ref();
    let provider = space.map(|space| space.provider.as_str());
    let model = space.map(|space| space.model.as_str());
    let dimensions = space.map(|space| i32::try_from(space.dimensions).unwrap_or(i32::MAX));
    let run = relations.run();
    let mut plans = Vec::new();
    for transform in &project.embed {
        for feed in relations.sources(&transform.on) {
            let rows = relations.clean_of(&transform.on, &feed.source)?;
            let rendered = project.render(&transform.file, &relations.scope(Some(rows)))?;
            let embedding_row = relations.place().embedding_row();
            let context = minijinja::context! { embedding_row, select => Fragment::new(rendered.sql) };
            let note = include_str!("../../sql/wrap/embedding_wanted.sql");
            let note = render_wrap("embedding_wanted.sql", note, &context)?;
            let texts = render_wrap("trial_texts.sql", include_str!("../../sql/wrap/trial_texts.sql"), &context)?;
            let source = feed.source.to_string();
            let action = "look for rows without a vector";
            let plan = reading(tx, action, async |tx| {
                tx.execute(&note, &[&run, &transform.on, &source, &provider, &model, &dimensions])
                    .await
                    .map_err(doing(action))?;
                let counted = include_str!("../../sql/trial_missing.sql");
                let counted = tx.query_one(counted, &[&transform.on, &source]).await.map_err(doing(action))?;
                let parameters: [&(dyn ToSql + Sync); 2] = [&transform.on, &source];
                let mut missing = pin!(tx.query_raw(&texts, parameters).await.map_err(doing(action))?);
                let mut tokens = 0;
                while let Some(row) = missing.try_next().await.map_err(doing(action))? {
                    tokens += options.tokenizer.count(row.get("text"));
                }
                Ok(PlanEmbedding {
                    transform: transform.file.name.clone(),
                    source: source.clone(),
                    rows: counted.get("rows"),
                    texts: counted.get("texts"),
                    tokens: i64::try_from(tokens).unwrap_or(i64::MAX),
                    cost: options.price.map(|_| options.cost(tokens as u64)),
                })
            });
            plans.push(plan.await.map_err(|error| EmbedError::Sql(transform.file.path.clone(), error))?);
        }
    }
    Ok(plans)
}
