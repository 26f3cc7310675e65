//! Which rows of a trial would want a vector, and what fetching them would take.

use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

use crate::db::doing;
use crate::db::place::reading;
use crate::outcome::{PlanEmbedding, Severity};
use crate::project::Project;
use crate::relations::Relations;
use crate::template::{Fragment, render_wrap};

use super::{EmbedError, EmbedOptions};

/// What a trial says of the rows that want a vector.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrialEmbeddings {
    /// What fetching them would take.
    pub wanted: Vec<PlanEmbedding>,
    /// Why a run would stop, if it would: rows are left without a vector that the project requires.
    pub refused: Vec<String>,
}

/// Notes in the session's own table which rows of a trial want a vector, as a run notes it in the ledger, and counts the texts of
/// which the ledger has none. Rows that would be left without are taken out where the project says so.
///
/// # Errors
/// A transform is wrong, or the database refuses.
pub async fn embed_trial(
    tx: &mut Transaction<'_>,
    project: &Project,
    relations: &Relations,
    options: &EmbedOptions,
) -> Result<TrialEmbeddings, EmbedError> {
    let space = options.space.as_ref();
    let provider = space.map(|space| space.provider.as_str());
    let model = space.map(|space| space.model.as_str());
    let dimensions = space.map(|space| i32::try_from(space.dimensions).unwrap_or(i32::MAX));
    let run = relations.run();
    let no_service = options.client.is_none() || options.space.is_none();
    let mut trial = TrialEmbeddings::default();
    for transform in &project.embed {
        for feed in relations.sources(&transform.on) {
            let rows = relations.clean_of(&transform.on, &feed.source)?;
            let rendered = project.render(&transform.file, &relations.scope(Some(rows)))?;
            let place = relations.place();
            let (embedding_row, quarantine) = (place.embedding_row(), place.quarantine());
            let context = minijinja::context! { embedding_row, quarantine, select => Fragment::new(rendered.sql) };
            let note = include_str!("../../sql/wrap/embedding_wanted.sql");
            let note = render_wrap("embedding_wanted.sql", note, &context)?;
            let texts = render_wrap("trial_texts.sql", include_str!("../../sql/wrap/trial_texts.sql"), &context)?;
            let unembedded = include_str!("../../sql/wrap/trial_unembedded.sql");
            let unembedded = render_wrap("trial_unembedded.sql", unembedded, &context)?;
            let source = feed.source.to_string();
            let (name, reject) = (transform.file.name.as_str(), transform.severity == Severity::Reject);
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
                let parameters: [&(dyn ToSql + Sync); 6] = [&run, &transform.on, &source, &name, &no_service, &reject];
                let row = tx.query_one(&unembedded, &parameters).await.map_err(doing(action))?;
                let left_without: i64 = row.get("left_without");
                let plan = PlanEmbedding {
                    transform: transform.file.name.clone(),
                    source: source.clone(),
                    rows: counted.get("rows"),
                    texts: counted.get("texts"),
                    tokens: i64::try_from(tokens).unwrap_or(i64::MAX),
                    cost: options.price.map(|_| options.cost(tokens as u64)),
                };
                Ok((plan, left_without))
            });
            let (plan, left) = plan.await.map_err(|error| EmbedError::Sql(transform.file.path.clone(), error))?;
            if transform.severity == Severity::Error && left > 0 {
                trial.refused.push(format!("{name}: {left} rows of {} are left without an embedding", plan.source));
            }
            trial.wanted.push(plan);
        }
    }
    Ok(trial)
}
