//! Takes back what a run did. Before promotion that is emptying staging: nothing else was written.

use deadpool_postgres::Pool;

use crate::db::doing;
use crate::db::staging::{StagingError, truncate_all};

/// Empties every staging table that sqlmig made; returns their names.
///
/// # Errors
/// Fails when the database refuses.
pub async fn rollback_staging(pool: &Pool) -> Result<Vec<String>, StagingError> {
    let client = pool.get().await.map_err(doing("connect for the rollback"))?;
    truncate_all(&**client).await
}
