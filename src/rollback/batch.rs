//! One batch taken back, in one transaction.

use deadpool_postgres::{Pool, Transaction};
use tokio_postgres::types::ToSql;

use crate::db::ledger::{
    Fence, UndoneBatch, rollback_batch_done, rollback_batch_state, rollback_kept_forget, rollback_reopen,
};
use crate::db::{DbError, doing};
use crate::fault;

use super::RollbackError;
use super::statement::{Statements, Writes};

/// What came of a batch.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Undone {
    pub deleted: i64,
    pub restored: i64,
}

/// Takes one batch back: rows that it inserted are deleted, rows that it changed are restored, and those that somebody
/// changed since, or that rows of others refer to, are left and recorded. All of it is committed, or nothing.
///
/// A before-image that was put back is spent in the same transaction. So this may be done again: after an answer was lost, or
/// to try again what was left.
pub(super) async fn take_back(
    pool: &Pool,
    fence: Fence,
    batch: &UndoneBatch,
    statements: Option<&Statements>,
    force: bool,
) -> Result<Undone, RollbackError> {
    let action = "take a batch back";
    fault::point("rollback.begin").await;
    let mut client = pool.get().await.map_err(doing(action))?;
    let mut tx = client.transaction().await.map_err(doing(action))?;
    tx.batch_execute(include_str!("../../sql/rollback_settings.sql")).await.map_err(doing(action))?;
    fence.hold(&tx).await?;
    let Some(state) = rollback_batch_state(&tx, fence.run, batch.number).await? else {
        return Err(RollbackError::NoBatch { run: fence.run, batch: batch.number });
    };
    fault::point("rollback.batch_locked").await;
    match state.state.as_str() {
        "done" => {}
        "rolled_back" => rollback_kept_forget(&tx, fence.run, batch.number).await?,
        _ => {
            return Err(RollbackError::NotPromoted { run: fence.run, batch: batch.number, state: state.state.clone() });
        }
    }
    let mut undone = Undone::default();
    let mut kept = 0;
    if let Some(statements) = statements {
        let again = state.state != "done";
        let mut writer = Writer { tx: &mut tx, fence, batch, statements, again, force };
        undone = writer.write().await?;
        kept = writer.count(&statements.left, "rows").await?;
    }
    rollback_batch_done(&tx, fence.run, batch.number, undone.deleted, undone.restored, kept).await?;
    if state.state == "done" || undone.deleted + undone.restored > 0 {
        rollback_reopen(&tx, fence.run).await?;
    }
    fault::point("rollback.recorded").await;
    fault::point("rollback.before_commit").await;
    tx.commit().await.map_err(doing("commit a rollback"))?;
    fault::point("rollback.after_commit").await;
    Ok(undone)
}

/// Tries the statements that write on a batch that does not exist: what the role may not do is told before anything is done.
pub(super) async fn rehearse(pool: &Pool, fence: Fence, statements: &Statements) -> Result<(), DbError> {
    let action = "take a batch back";
    let mut client = pool.get().await.map_err(doing(action))?;
    let tx = client.transaction().await.map_err(doing(action))?;
    let Writes { delete, restore, .. } = &statements.whole;
    for statement in
        [Some(&statements.lock), Some(delete), restore.as_ref(), Some(&statements.spent)].into_iter().flatten()
    {
        tx.query(statement, &[&fence.run, &0_i64]).await.map_err(doing(action))?;
    }
    tx.rollback().await.map_err(doing(action))
}

/// A batch's transaction.
struct Writer<'a, 'b> {
    tx: &'a mut Transaction<'b>,
    fence: Fence,
    batch: &'a UndoneBatch,
    statements: &'a Statements,
    /// Whether an earlier try left rows.
    again: bool,
    force: bool,
}

impl Writer<'_, '_> {
    async fn write(&mut self) -> Result<Undone, RollbackError> {
        let statements = self.statements;
        if self.again {
            self.execute(&statements.again).await?;
        }
        self.count(&statements.lock, "rows").await?;
        if self.force {
            self.execute(&statements.gone).await?;
        } else {
            self.execute(&statements.changed).await?;
        }
        self.leave_referenced().await?;
        let undone = match self.at_once().await {
            Ok(Some(undone)) => undone,
            // A trigger kept a row, or a constraint does not hold for one: the others need not stay for that.
            Ok(None) => self.one_by_one().await?,
            Err(error) if is_about_a_row(&error) => self.one_by_one().await?,
            Err(error) => return Err(self.failed(error)),
        };
        self.execute(&statements.spent).await?;
        Ok(undone)
    }

    /// Leaves the rows that others refer to. Those that stay may refer to others of the same table, so until no more is found.
    async fn leave_referenced(&self) -> Result<(), RollbackError> {
        loop {
            let mut found = 0;
            for statement in &self.statements.referenced {
                found += self.execute(statement).await?;
            }
            if found == 0 {
                return Ok(());
            }
        }
    }

    /// Takes everything back that is not left; `None`, and nothing done, where it was not as many rows as it should be.
    async fn at_once(&mut self) -> Result<Option<Undone>, DbError> {
        let (run, number) = (self.fence.run, self.batch.number);
        let parameters: [&(dyn ToSql + Sync); 2] = [&run, &number];
        let action = self.action();
        let row = self.tx.query_one(&self.statements.expected, &parameters).await.map_err(doing(action.as_str()))?;
        let (inserted, updated): (i64, i64) = (row.get("inserted"), row.get("updated"));
        let again = Again::of(self.force, row.get::<_, i64>("deleted") > 0);
        let savepoint = self.tx.transaction().await.map_err(doing(action.as_str()))?;
        let undone = apply(&savepoint, &self.statements.whole, &parameters, &action, again).await?;
        fault::point("rollback.restored").await;
        if undone.deleted == inserted && undone.restored == updated {
            savepoint.commit().await.map_err(doing(action.as_str()))?;
            return Ok(Some(undone));
        }
        savepoint.rollback().await.map_err(doing(action.as_str()))?;
        Ok(None)
    }

    /// Takes back what can be, row by row, and leaves what the database refuses.
    async fn one_by_one(&mut self) -> Result<Undone, RollbackError> {
        let (run, number) = (self.fence.run, self.batch.number);
        let action = self.action();
        let places = self
            .tx
            .query(&self.statements.places, &[&run, &number])
            .await
            .map_err(|error| self.failed(doing(action.as_str())(error)))?;
        let mut sum = Undone::default();
        for row in places {
            let place: String = row.get("place");
            let again = Again::of(self.force, row.get("is_delete"));
            let parameters: [&(dyn ToSql + Sync); 3] = [&run, &number, &place];
            let savepoint = self.tx.transaction().await.map_err(doing(action.as_str()))?;
            let tried = apply(&savepoint, &self.statements.single, &parameters, &action, again).await;
            let refused = match tried {
                Ok(undone) if undone.deleted + undone.restored == 1 => {
                    savepoint.commit().await.map_err(doing(action.as_str()))?;
                    sum.deleted += undone.deleted;
                    sum.restored += undone.restored;
                    continue;
                }
                Ok(_) => "by a trigger of the table".to_owned(),
                Err(error) if is_about_a_row(&error) => error.server().map_or_else(
                    || error.to_string(),
                    |server| match server.detail() {
                        Some(detail) => format!("{}: {detail}", server.message()),
                        None => server.message().to_owned(),
                    },
                ),
                Err(error) => {
                    return Err(RollbackError::Batch { batch: number, target: self.batch.target.clone(), error });
                }
            };
            savepoint.rollback().await.map_err(doing(action.as_str()))?;
            let parameters: [&(dyn ToSql + Sync); 4] = [&run, &number, &place, &refused];
            self.tx.execute(&self.statements.refused, &parameters).await.map_err(doing(action.as_str()))?;
        }
        Ok(sum)
    }

    async fn execute(&self, statement: &str) -> Result<u64, RollbackError> {
        let parameters: [&(dyn ToSql + Sync); 2] = [&self.fence.run, &self.batch.number];
        let executed = self.tx.execute(statement, &parameters).await;
        executed.map_err(|error| self.failed(doing(self.action())(error)))
    }

    async fn count(&self, query: &str, column: &str) -> Result<i64, RollbackError> {
        let parameters: [&(dyn ToSql + Sync); 2] = [&self.fence.run, &self.batch.number];
        let row = self.tx.query_one(query, &parameters).await;
        Ok(row.map_err(|error| self.failed(doing(self.action())(error)))?.get(column))
    }

    fn action(&self) -> String {
        format!("take back what it wrote to {}", self.batch.target)
    }

    fn failed(&self, error: DbError) -> RollbackError {
        RollbackError::Batch { batch: self.batch.number, target: self.batch.target.clone(), error }
    }
}

/// Which rows are inserted again. Where none may have to be, nothing is tried: the role may not be allowed to.
#[derive(Debug, Clone, Copy)]
enum Again {
    None,
    /// What the batch deleted.
    Deleted,
    /// That, and what others deleted since.
    All,
}

impl Again {
    fn of(force: bool, has_deleted: bool) -> Self {
        match (force, has_deleted) {
            (true, _) => Self::All,
            (false, true) => Self::Deleted,
            (false, false) => Self::None,
        }
    }
}

/// Deletes, restores and inserts again.
async fn apply(
    tx: &Transaction<'_>,
    writes: &Writes,
    parameters: &[&(dyn ToSql + Sync)],
    action: &str,
    again: Again,
) -> Result<Undone, DbError> {
    let rows = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let deleted = rows(tx.execute(&writes.delete, parameters).await.map_err(doing(action))?);
    let mut undone = Undone { deleted, restored: 0 };
    fault::point("rollback.deleted").await;
    if let Some(restore) = &writes.restore {
        undone.restored = rows(tx.execute(restore, parameters).await.map_err(doing(action))?);
    }
    let insert = match again {
        Again::None => None,
        Again::Deleted => Some(&writes.reinsert),
        Again::All => Some(&writes.insert),
    };
    if let Some(insert) = insert {
        undone.restored += rows(tx.execute(insert, parameters).await.map_err(doing(action))?);
    }
    Ok(undone)
}

/// Whether the database refused a row, rather than the statement: a value, a constraint, or what a trigger raised.
fn is_about_a_row(error: &DbError) -> bool {
    error.is_data() || error.sqlstate().is_some_and(|code| code.code() == "P0001")
}
