//! The plan that a run follows.

use postgres_types::Json;
use tokio_postgres::{GenericClient, Transaction};
use uuid::Uuid;

use crate::db::catalog::table_exists;
use crate::db::{DbError, doing};
use crate::names::{LEDGER_SCHEMA, TableName};
use crate::outcome::{FollowedPlan, PlannedTable};

/// Records the plan that a run follows; the first that was recorded stays.
///
/// # Errors
/// Fails when the database refuses the row.
pub async fn run_plan_insert(
    tx: &Transaction<'_>,
    run: Uuid,
    sha256: &str,
    planned: &[PlannedTable],
) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/run_plan_insert.sql"), &[&run, &sha256, &Json(planned)])
        .await
        .map_err(doing("record the plan that is followed"))?;
    Ok(())
}

/// The plan that a run follows, if it follows one; an empty one else, and in a ledger that is older than such plans.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn run_plan(client: &impl GenericClient, run: Uuid) -> Result<FollowedPlan, DbError> {
    if !table_exists(client, &TableName::new(LEDGER_SCHEMA, "run_plan")).await? {
        return Ok(FollowedPlan::default());
    }
    let row = client
        .query_opt(include_str!("../../../sql/run_plan.sql"), &[&run])
        .await
        .map_err(doing("read the plan that is followed"))?;
    Ok(row.map_or_else(FollowedPlan::default, |row| FollowedPlan {
        sha256: row.get("plan_sha256"),
        at: row.get("at"),
        tables: row.get::<_, Json<Vec<PlannedTable>>>("planned").0,
    }))
}
