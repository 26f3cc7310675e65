//! What the target knows of the tables that a source has rows of.

use tokio_postgres::GenericClient;

use crate::db::DbError;
use crate::db::catalog::target_shapes;
use crate::decode::{ColumnShape, TableShape};

/// The shapes of the target's tables, for a source without `CREATE TABLE`: `pg_dump --data-only` names no types, and
/// with `--inserts` not even columns. Whoever loads such a dump has the tables already.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn known_shapes(client: &impl GenericClient) -> Result<Vec<TableShape>, DbError> {
    let mut shapes: Vec<TableShape> = Vec::new();
    for column in target_shapes(client).await? {
        let shape = ColumnShape { name: column.name, type_text: column.type_name, generated: column.generated };
        match shapes.last_mut().filter(|last| last.name == column.table) {
            Some(last) => last.columns.push(shape),
            None => shapes.push(TableShape { name: column.table, database: None, columns: vec![shape] }),
        }
    }
    Ok(shapes)
}
