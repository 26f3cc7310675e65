//! Rows in quarantine, tried again: a run of its own whose source is the quarantine of another.
//!
//! The rows are taken, copied and staged in one transaction; from then on the run is as any other, and batches, books, undo and
//! report are those of any other. What stands in quarantine stays as it was.

mod error;
mod fill;
mod mend;
mod stage;

use std::num::NonZeroU32;
use std::time::Instant;

use sha2::{Digest, Sha256};
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::{Conductor, PipelineError, Taken};
use crate::db::catalog::target_identity;
use crate::db::ledger::{
    EventKind, Fence, NewRun, Run, RunState, Selection, event_insert, last_rows, phase_insert, quarantine_choose,
    quarantine_mark, quarantine_mend, quarantine_root, quarantine_row, quarantine_tables, quarantine_unread,
    retry_begin, retry_promoted, run_insert, run_set_aside, source_tables,
};
use crate::db::{ServerInfo, doing};
use crate::event::{Event, Phase};
use crate::fault;
use crate::limits::{BatchSize, MaxRejects};
use crate::names::{TableName, hex};
use crate::promote::PromoteOptions;

pub use error::RetryError;
pub use mend::Given;

use mend::mend;

/// Which rows are tried again, and how.
#[derive(Debug, Clone, Default)]
pub struct RetryOptions {
    /// The run, and the retries that came from it; none for the newest load.
    pub run: Option<Uuid>,
    /// Only rows of this table.
    pub table: Option<TableName>,
    /// Only rows that this check took out.
    pub check: Option<String>,
    /// Only the one of this ordinal.
    pub row: Option<i64>,
    /// Columns that are given anew; for one row only.
    pub given: Given,
    /// How many of the rows may be rejected again, by the checks and by the target; a share is one of those that are tried.
    pub max_rejects: Option<MaxRejects>,
}

/// What is to be done about the newest run before a retry.
enum Before {
    /// Nothing.
    Nothing,
    /// It is this retry, begun before: go on with it.
    GoOn(Box<Run>),
    /// It is another retry that has promoted nothing: set it aside.
    SetAside(Uuid),
}

impl Conductor {
    /// Tries rows in quarantine again, by the project as it is now: stages them, checks them, promotes and validates what
    /// passes. The same call goes on with a retry that was interrupted.
    ///
    /// # Errors
    /// No row is meant, staging holds a run that is not at its end, or a phase fails; then with the retry's run.
    pub async fn retry(
        &self,
        options: &RetryOptions,
        promote: PromoteOptions,
    ) -> Result<Uuid, (Option<Uuid>, PipelineError)> {
        // What bounds a load is no bound for a retry: of one row that fails again, all have failed.
        let promote = PromoteOptions { max_refused: options.max_rejects, ..promote };
        let Taken { fence, state } = self.begin_retry(options).await.map_err(|error| (None, error))?;
        let steps = async {
            if state < RunState::Checked {
                self.check(fence, options.max_rejects).await?;
            }
            if state < RunState::Promoted {
                self.embed(fence).await?;
                let promote = self.spread(fence.run, promote).await?;
                self.promote(fence, promote, false).await?;
            }
            self.validate(fence).await
        };
        steps.await.map(|()| fence.run).map_err(|error| (Some(fence.run), error))
    }

    /// The run whose quarantine is meant: the one that was asked for, or the newest load.
    ///
    /// # Errors
    /// There is no such run.
    pub async fn quarantine_of(&self, run: Option<Uuid>) -> Result<Run, PipelineError> {
        // Without a ledger there is no run either.
        let newest = self.find_run(run).await?;
        if run.is_some() {
            return Ok(newest);
        }
        let client = self.pool.get().await.map_err(doing("connect"))?;
        let root = quarantine_root(&**client).await?;
        drop(client);
        self.find_run(root).await
    }

    /// The tables of a run that a name means: with its schema, or without one where it is in `public`; all, where no name
    /// is given.
    ///
    /// # Errors
    /// The run has no such table.
    pub async fn tables_called(
        &self,
        run: Uuid,
        table: Option<&TableName>,
    ) -> Result<Option<Vec<String>>, PipelineError> {
        let Some(table) = table else { return Ok(None) };
        let client = self.pool.get().await.map_err(doing("connect"))?;
        let known = quarantine_tables(&**client, run).await?;
        let in_public = TableName::new(table.schema.as_deref().unwrap_or("public"), table.table.as_str());
        let found: Vec<String> = known
            .iter()
            .filter(|name| **name == table.to_string() || **name == in_public.to_string())
            .cloned()
            .collect();
        if found.is_empty() {
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(RetryError::NoTable { run, table: table.to_string(), known }.into());
        }
        Ok(Some(found))
    }

    /// Takes and stages the rows, or finds the retry that has done so before; returns it and how far it is.
    async fn begin_retry(&self, options: &RetryOptions) -> Result<Taken, PipelineError> {
        let started = Instant::now();
        self.migrate(false).await?;
        let from = self.quarantine_of(options.run).await?;
        if from.project != self.project.name {
            let (theirs, ours) = (from.project, self.project.name.clone());
            return Err(RetryError::OtherProject { run: from.id, theirs, ours }.into());
        }
        // The corrected project may have a new migration.
        self.migrate(true).await?;
        let tables = self.tables_called(from.id, options.table.as_ref()).await?;
        let which = Selection { tables, check: options.check.clone(), row: options.row };
        let scope = scope(&which, &options.given);
        match self.before(&from, &scope).await? {
            Before::Nothing => {}
            Before::GoOn(run) => return self.go_on_with(*run).await,
            Before::SetAside(other) => {
                self.raise(other)
                    .await?
                    .transaction(&self.pool, "set the run aside", async |tx| {
                        Ok::<_, PipelineError>(run_set_aside(tx, other).await?)
                    })
                    .await?;
            }
        }
        let client = self.pool.get().await.map_err(doing("connect"))?;
        let target = target_identity(&**client).await?;
        drop(client);
        let vector_schema = self.vector_schema().await?;
        let (retry, told) = (Uuid::now_v7(), format!("quarantine of run {}", from.id));
        let new = NewRun {
            id: retry,
            project: &self.project.name,
            project_hash: &self.project.hash,
            source: &told,
            source_bytes: None,
            scope: &scope,
            target: &target,
        };
        // Who takes the run on ends an earlier conductor of it: one that was stopped while it chose rows, and wakes up.
        let fence = self.raise(from.id).await?;
        fault::point("retry.take").await;
        let (rows, left) = fence
            .transaction(&self.pool, "take rows from quarantine", async |tx| {
                run_insert(tx, &new).await?;
                let left = self.take_rows(tx, retry, &from, &which, &options.given).await?;
                quarantine_mark(tx, retry).await?;
                retry_begin(tx, retry, from.id).await?;
                let rows = stage::stage_retry(tx, retry, &self.project, vector_schema.as_deref(), false).await?;
                let project = if from.project_hash == self.project.hash {
                    format!("the same project {}", short(&self.project.hash))
                } else {
                    format!("project {}, which was {}", short(&self.project.hash), short(&from.project_hash))
                };
                let message = format!("{rows} rows of its quarantine are tried again by run {retry}, by {project}");
                event_insert(&**tx, from.id, EventKind::Retried, &[&message]).await?;
                let summary = format!("{rows} rows taken from quarantine");
                phase_insert(&**tx, retry, Phase::Stage, started.elapsed(), &summary).await?;
                fault::point("retry.taken").await;
                Ok::<_, PipelineError>((rows, left))
            })
            .await?;
        fault::point("retry.staged").await;
        self.events.emit(Event::RunStarted { run: retry, source: told.clone(), project: self.project.name.clone() });
        let fence = Fence { run: retry, epoch: 1 };
        if left > 0 {
            let message = format!(
                "{left} rows that could not be decoded are left in quarantine, {rows} are tried: mend those one by one"
            );
            self.warn(fence, [message]).await?;
        }
        Ok(Taken { fence, state: RunState::Staged })
    }

    /// Takes the rows that are meant into the retry; returns how many of them are left because they could not be decoded.
    async fn take_rows(
        &self,
        tx: &Transaction<'_>,
        retry: Uuid,
        from: &Run,
        which: &Selection,
        given: &Given,
    ) -> Result<i64, PipelineError> {
        if let (Some([table]), Some(row)) = (which.tables.as_deref(), which.row) {
            let entries = quarantine_row(tx, from.id, table, row).await?;
            let Some(entry) = entries.first() else {
                return Err(RetryError::NoRow { run: from.id, table: table.clone(), row }.into());
            };
            if let (false, Some(by)) = (entry.open, entry.retried_by) {
                return Err(RetryError::Taken { table: table.clone(), row, by }.into());
            }
            let asked_for = which.check.as_ref().is_none_or(|check| *check == entry.entry.check);
            // A row that could not be decoded is read again, and told what is wrong with it where that fails.
            if asked_for && (!given.is_empty() || entry.staged.is_none()) {
                let mended: Vec<String> = given.keys().cloned().collect();
                quarantine_mend(tx, retry, &entry.entry, &mend(entry, given)?, &mended).await?;
                return Ok(0);
            }
        }
        let left = quarantine_unread(tx, from.id, which).await?;
        if quarantine_choose(tx, retry, from.id, which).await? == 0 {
            return Err(match left {
                0 => RetryError::Nothing { run: from.id, which: told(which) }.into(),
                rows => RetryError::OnlyUndecoded { rows }.into(),
            });
        }
        Ok(left)
    }

    /// Looks at what staging holds: the newest run.
    async fn before(&self, from: &Run, scope: &str) -> Result<Before, PipelineError> {
        let newest = self.find_run(None).await?;
        let unfinished = |run: &Run| {
            let finish = match run.parent {
                None => "finish it with sqlmig run SOURCE".to_owned(),
                Some(_) if run.scope == fill::SCOPE => "finish it with sqlmig promote and sqlmig validate".to_owned(),
                Some(parent) => format!("finish it with the same sqlmig quarantine retry --run {parent} that began it"),
            };
            PipelineError::from(RetryError::Unfinished { run: run.id, state: run.state.as_str(), finish })
        };
        if from.state == RunState::Superseded {
            return Err(RetryError::SetAside(from.id).into());
        }
        if !from.state.is_final() {
            return Err(unfinished(from));
        }
        if newest.state.is_final() {
            return Ok(Before::Nothing);
        }
        if newest.parent.is_none() {
            return Err(unfinished(&newest));
        }
        if newest.parent == Some(from.id) && newest.scope == scope && newest.project_hash == self.project.hash {
            return Ok(Before::GoOn(Box::new(newest)));
        }
        let client = self.pool.get().await.map_err(doing("connect"))?;
        if retry_promoted(&**client, newest.id).await? {
            return Err(unfinished(&newest));
        }
        Ok(Before::SetAside(newest.id))
    }

    /// Goes on with a retry that was interrupted: its rows are staged again where they are gone.
    async fn go_on_with(&self, run: Run) -> Result<Taken, PipelineError> {
        let Taken { fence, state } = self.take(run.id).await?;
        let checked = state >= RunState::Checked;
        let vector_schema = self.vector_schema().await?;
        let lost = fence
            .transaction(&self.pool, "stage the rows again", async |tx| {
                let whole = fence.has_canary(tx).await? && stage::is_staged(tx, run.id).await?;
                if !whole {
                    stage::stage_retry(tx, run.id, &self.project, vector_schema.as_deref(), checked).await?;
                }
                Ok::<_, PipelineError>(!whole)
            })
            .await?;
        if lost {
            self.warn(fence, ["the staged rows were gone: staged again from the ledger".into()]).await?;
        }
        Ok(Taken { fence, state: if lost && !checked { RunState::Staged } else { state } })
    }

    /// Batches that span as many ordinals as hold a batch of rows: few rows of a large table lie far apart.
    async fn spread(&self, retry: Uuid, promote: PromoteOptions) -> Result<PromoteOptions, PipelineError> {
        let client = self.pool.get().await.map_err(doing("connect"))?;
        let tables = source_tables(&**client, retry).await?;
        let known = last_rows(&**client, retry).await?;
        let spread = tables.iter().filter_map(|table| {
            let (last, rows) = (known.get(&table.source).copied()?, table.rows_read.max(1));
            u64::try_from(last / rows).ok()
        });
        let rows = promote.batch_size.rows(0, 0).saturating_mul(spread.max().unwrap_or(1).max(1));
        let rows = u32::try_from(rows).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MAX);
        Ok(PromoteOptions { batch_size: BatchSize::Rows(rows), ..promote })
    }

    async fn vector_schema(&self) -> Result<Option<String>, PipelineError> {
        let client = self.pool.get().await.map_err(doing("connect"))?;
        Ok(ServerInfo::read(&**client).await?.pgvector_schema)
    }
}

/// What a retry was asked for, so that the same words go on with it. What is given may be long or private: its digest tells
/// whether it is the same.
fn scope(which: &Selection, given: &Given) -> String {
    let mut parts = Vec::new();
    parts.extend(which.tables.as_ref().map(|tables| format!("table {}", tables.join(", "))));
    parts.extend(which.check.as_ref().map(|check| format!("check {check}")));
    parts.extend(which.row.map(|row| format!("row {row}")));
    if !given.is_empty() {
        let mut digest = Sha256::new();
        for (name, value) in given {
            digest.update(format!("{name:?}={value:?}\n"));
        }
        let names: Vec<&str> = given.keys().map(String::as_str).collect();
        parts.push(format!("mended {} ({})", names.join(", "), short(&hex(&digest.finalize()))));
    }
    if parts.is_empty() { "all of a quarantine".to_owned() } else { format!("of a quarantine {}", parts.join("; ")) }
}

/// Which rows were asked for, as the end of a sentence.
fn told(which: &Selection) -> String {
    if *which == Selection::default() { String::new() } else { format!(": {}", scope(which, &Given::new())) }
}

/// Enough of a hash to tell it from others.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
