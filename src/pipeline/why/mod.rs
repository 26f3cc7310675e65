//! The fate of one row: what each run did with it, and what the final tables have of it now.
//!
//! Only reads. What a project's author wrote runs in READ ONLY transactions, as in a run.

mod error;
mod fate;
mod finals;

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Transaction;
use uuid::Uuid;

use super::{Conductor, PipelineError};
use crate::db::catalog::staging_tables;
use crate::db::ledger::{Run, SourceTable, runs, source_tables, staged_run, why_chunk, why_retry, why_undecoded};
use crate::db::{ServerInfo, doing};
use crate::names::{TableName, staging_table};
use crate::outcome::{FORMAT, Why};
use crate::project::Promote;
use crate::relations::{Trace, Wanted, copied_rows};

use fate::fate;
use finals::add_key;

pub use error::WhyError;

/// Runs that are looked at, the newest first.
const RUNS: i64 = 1000;

/// What is asked: where rows may come from, where they may go, and which.
struct Question<'a> {
    /// The source tables, by their names in the ledger.
    sources: BTreeSet<String>,
    /// The final tables that they go to; of the first transform that promotes rows to it.
    targets: Vec<&'a Promote>,
    wanted: Wanted,
}

/// A key of a final table.
type Key<'a> = (&'a Promote, Vec<String>);

/// Where a run has rows to look at.
struct Place<'a> {
    run: &'a Run,
    /// Whether staging holds this run.
    staged: bool,
    tables: Vec<SourceTable>,
}

/// What a run did to the rows of a key, as its before-images tell.
struct Done {
    run: Uuid,
    batch: i64,
    undo_table: String,
    operation: String,
}

impl Conductor {
    /// Tells the fate of one row, in one run or in all.
    ///
    /// # Errors
    /// There is no such table or run, the key is not one of that table, or the database does not answer.
    pub async fn why(&self, table: &TableName, key: &[String], run: Option<Uuid>) -> Result<Why, PipelineError> {
        // Says that there is no run, where there is none.
        self.find_run(run).await?;
        let mut client = self.pool.get().await.map_err(doing("connect"))?;
        let vector_schema = ServerInfo::read(&**client).await?.pgvector_schema;
        let tx = client.transaction().await.map_err(doing("look for a row"))?;
        tx.batch_execute(include_str!("../../../sql/read_only.sql")).await.map_err(doing("look for a row"))?;
        let known = runs(&*tx, run, RUNS).await?;
        let staged = staged_run(&*tx).await?;
        let mut places = Vec::new();
        for run in &known {
            let tables = source_tables(&*tx, run.id).await?;
            places.push(Place { run, staged: staged == Some(run.id), tables });
        }
        let question = self.question(table, key, &places)?;
        let mut why = Why {
            format: FORMAT,
            table: table.to_string(),
            key: key.join(" "),
            finals: Vec::new(),
            fates: Vec::new(),
            notes: Vec::new(),
        };
        let mut keys: Vec<Key<'_>> = Vec::new();
        let mut found: BTreeMap<Uuid, BTreeSet<(String, i64)>> = BTreeMap::new();
        for place in &places {
            let rows = self.find(&tx, place, &question, vector_schema.as_deref(), &mut keys, &mut why.notes).await?;
            found.insert(place.run.id, rows);
        }
        let mut done = Vec::new();
        self.finals(&tx, &question, &mut keys, &mut why.finals, &mut done).await?;
        for place in &places {
            let rows = found.remove(&place.run.id).unwrap_or_default();
            let batches: Vec<&Done> = done.iter().filter(|done| done.run == place.run.id).collect();
            for (source, row) in &rows {
                why.fates.push(fate(&tx, place, Some((source, *row)), &batches).await?);
            }
            if rows.is_empty() && !batches.is_empty() {
                why.fates.push(fate(&tx, place, None, &batches).await?);
            }
            if rows.is_empty() && !matches!(question.wanted, Wanted::Row(_)) {
                let sources: Vec<String> = question.sources.iter().cloned().collect();
                let undecoded = why_undecoded(&*tx, place.run.id, &sources).await?;
                if undecoded > 0 {
                    why.notes.push(format!(
                        "{undecoded} rows could not be decoded in run {}, so they have no key: sqlmig quarantine list --run {} \
                         --check decode shows them",
                        place.run.id, place.run.id
                    ));
                }
            }
        }
        why.notes.dedup();
        Ok(why)
    }

    /// What TABLE and KEY mean.
    fn question(&self, table: &TableName, key: &[String], places: &[Place<'_>]) -> Result<Question<'_>, PipelineError> {
        let in_public = TableName::new(table.schema.as_deref().unwrap_or("public"), table.table.as_str());
        let is_it = |name: &TableName| name == table || *name == in_public;
        let mut staged: BTreeSet<String> =
            places.iter().flat_map(|place| &place.tables).map(|table| table.source.to_string()).collect();
        staged.extend(self.project.normalise.iter().map(|normalise| normalise.from.to_string()));
        let own: BTreeSet<String> = staged
            .iter()
            .filter(|name| **name == table.to_string() || **name == in_public.to_string())
            .cloned()
            .collect();
        let promotes = |promote: &&Promote| promote.from.is_some();
        let mut targets: Vec<&Promote> =
            self.project.promote.iter().filter(promotes).filter(|promote| is_it(&promote.target)).collect();
        let mut sources = own.clone();
        if targets.is_empty() {
            // A source table whose rows go elsewhere.
            let into: BTreeSet<&str> =
                self.project.normalise.iter().filter(|n| is_it(&n.from)).map(|n| n.into.as_str()).collect();
            let goes = |promote: &&Promote| promote.from.as_deref().is_some_and(|from| into.contains(from));
            targets = self.project.promote.iter().filter(goes).collect();
        } else {
            let from: BTreeSet<&str> = targets.iter().filter_map(|promote| promote.from.as_deref()).collect();
            let feeding = self.project.normalise.iter().filter(|normalise| from.contains(normalise.into.as_str()));
            sources.extend(feeding.map(|normalise| normalise.from.to_string()));
        }
        if sources.is_empty() {
            let targets = self.project.promote.iter().map(|promote| promote.target.to_string());
            let known: BTreeSet<String> = staged.into_iter().chain(targets).collect();
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            return Err(WhyError::NoTable { table: table.to_string(), known }.into());
        }
        let wanted = wanted(key, table, &targets)?;
        if let Wanted::Row(row) = wanted {
            if own.is_empty() && sources.len() > 1 {
                let (table, sources) = (table.to_string(), sources.into_iter().collect::<Vec<_>>().join(", "));
                return Err(WhyError::SeveralSources { row, table, sources }.into());
            }
            if !own.is_empty() {
                sources = own;
            }
        }
        Ok(Question { sources, targets, wanted })
    }

    /// The rows of one run that are meant; adds the keys that they have in final tables.
    async fn find<'a>(
        &'a self,
        tx: &Transaction<'_>,
        place: &Place<'_>,
        question: &Question<'a>,
        vector_schema: Option<&str>,
        keys: &mut Vec<Key<'a>>,
        notes: &mut Vec<String>,
    ) -> Result<BTreeSet<(String, i64)>, PipelineError> {
        let mut rows = BTreeSet::new();
        let present: BTreeSet<String> = if place.staged {
            staging_tables(tx).await?.into_iter().filter(|table| table.ours).map(|table| table.name).collect()
        } else {
            BTreeSet::new()
        };
        let staged: BTreeMap<TableName, String> = place
            .tables
            .iter()
            .filter(|table| present.contains(&table.staged_as))
            .map(|table| (table.source.clone(), staging_table(&table.staged_as)))
            .collect();
        for table in place.tables.iter().filter(|table| question.sources.contains(&table.source.to_string())) {
            let source = table.source.to_string();
            if let Wanted::Row(row) = question.wanted
                && self.has_row(tx, place.run, table, row).await?
            {
                rows.insert((source.clone(), row));
            }
            let mut fragments = vec![copied_rows(place.run.id, table, vector_schema)?];
            fragments.extend(staged.get(&table.source).cloned());
            for promote in &question.targets {
                let ways = self.project.normalise.iter().filter(|normalise| {
                    normalise.from == table.source && promote.from.as_deref() == Some(normalise.into.as_str())
                });
                for normalise in ways {
                    for fragment in &fragments {
                        let trace = Trace { project: &self.project, rows: fragment.clone(), staged: &staged };
                        // One that fails must not end the transaction that the others need.
                        tx.batch_execute("savepoint traced").await.map_err(doing("look for a row"))?;
                        match trace.find(tx, normalise, promote, &question.wanted).await {
                            Ok(traced) => {
                                for found in traced {
                                    rows.insert((source.clone(), found.row));
                                    if let Some(values) = found.key_values.into_iter().collect::<Option<Vec<_>>>() {
                                        add_key(keys, promote, values);
                                    }
                                }
                            }
                            Err(error) => {
                                tx.batch_execute("rollback to savepoint traced")
                                    .await
                                    .map_err(doing("look for a row"))?;
                                notes.push(format!(
                                    "rows of {source} in run {} cannot be looked up: {error}",
                                    place.run.id
                                ));
                            }
                        }
                    }
                }
            }
        }
        Ok(rows)
    }

    /// Whether a run's source table has a row of this ordinal.
    async fn has_row(
        &self,
        tx: &Transaction<'_>,
        run: &Run,
        table: &SourceTable,
        row: i64,
    ) -> Result<bool, PipelineError> {
        if run.parent.is_some() {
            return Ok(why_retry(tx, run.id, &table.source.to_string(), row).await?.is_some());
        }
        // While a source is read, its rows are not counted yet, and its chunks tell.
        Ok((1..=table.rows_read).contains(&row)
            || why_chunk(tx, run.id, &table.source.to_string(), row).await?.is_some())
    }
}

/// Which row is meant.
fn wanted(key: &[String], table: &TableName, targets: &[&Promote]) -> Result<Wanted, WhyError> {
    if let [one] = key
        && let Some(row) = one.strip_prefix("row:")
    {
        return match row.parse() {
            Ok(row) if row > 0 => Ok(Wanted::Row(row)),
            _ => Err(WhyError::NotARow(one.clone())),
        };
    }
    let Some(promote) = targets.first() else { return Err(WhyError::NoKey(table.to_string())) };
    let pairs: Option<BTreeMap<&str, &str>> = key
        .iter()
        .map(|pair| pair.split_once('=').filter(|(column, _)| promote.key.iter().any(|own| own == column)))
        .collect();
    let Some(pairs) = pairs else { return Ok(Wanted::Key(key.join(" "))) };
    let given = |column: &String| {
        pairs.get(column.as_str()).map(|value| (*value).to_owned()).ok_or_else(|| WhyError::PartOfKey {
            table: promote.target.to_string(),
            key: promote.key.join(", "),
            missing: column.clone(),
        })
    };
    Ok(Wanted::Values(promote.key.iter().map(given).collect::<Result<_, _>>()?))
}
