//! A run is accepted as it is: its before-images are given up.

use deadpool_postgres::{Pool, Transaction};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::db::doing;
use crate::db::ledger::{RunState, rollback_run, run_accept, undo_table_forget, undo_tables};
use crate::fault;
use crate::template::{Fragment, render_wrap};

use super::{RollbackError, take};

/// What was given up.
#[derive(Debug, Clone, Copy)]
pub struct Finished {
    /// When the run was accepted: now, or by an earlier call.
    pub at: OffsetDateTime,
    /// Before-images given up.
    pub images: i64,
    /// Tables of before-images that held no others, and were dropped.
    pub tables_dropped: i64,
}

/// Accepts a run: its before-images are deleted, and their tables dropped where they hold none of another run; in one
/// transaction. Accepting a run twice changes nothing.
///
/// # Errors
/// The run is not done, or the database refuses.
pub async fn finish(pool: &Pool, run: Uuid) -> Result<Finished, RollbackError> {
    let client = pool.get().await.map_err(doing("connect"))?;
    let (state, accepted_at) = rollback_run(&**client, run).await?;
    drop(client);
    if let Some(at) = accepted_at {
        return Ok(Finished { at, images: 0, tables_dropped: 0 });
    }
    if state != RunState::Done {
        return Err(RollbackError::NotDone { run, state: state.as_str() });
    }
    let fence = take(pool, run).await?;
    fault::point("finish.before").await;
    let finished = fence
        .transaction(pool, "accept the run", async |tx| {
            let (mut images, mut tables_dropped) = (0, 0);
            for table in undo_tables(&**tx, run).await? {
                let (rows, dropped) = give_up(tx, run, &table).await?;
                images += rows;
                tables_dropped += i64::from(dropped);
            }
            fault::point("finish.forgotten").await;
            run_accept(tx, run).await?;
            let (_, at) = rollback_run(&**tx, run).await?;
            let at = at.unwrap_or_else(OffsetDateTime::now_utc);
            Ok::<_, RollbackError>(Finished { at, images, tables_dropped })
        })
        .await?;
    fault::point("finish.after").await;
    Ok(finished)
}

/// Gives up a run's before-images in one table: how many, and whether the table was dropped.
async fn give_up(tx: &Transaction<'_>, run: Uuid, table: &str) -> Result<(i64, bool), RollbackError> {
    let action = "give up the before-images";
    let context = minijinja::context! { undo => Fragment::new(table) };
    let source = include_str!("../../sql/wrap/undo_forget.sql");
    let statement = render_wrap("undo_forget.sql", source, &context)?;
    let rows = tx.execute(&statement, &[&run]).await.map_err(doing(action))?;
    let query = render_wrap("undo_others.sql", include_str!("../../sql/wrap/undo_others.sql"), &context)?;
    let has_others: bool = tx.query_one(&query, &[&run]).await.map_err(doing(action))?.get("has_others");
    if !has_others {
        let context = minijinja::context! { table => Fragment::new(table) };
        let statement = render_wrap("drop_table.sql", include_str!("../../sql/wrap/drop_table.sql"), context)?;
        tx.batch_execute(&statement).await.map_err(doing(action))?;
        undo_table_forget(tx, table).await?;
    }
    Ok((i64::try_from(rows).unwrap_or(i64::MAX), !has_others))
}
