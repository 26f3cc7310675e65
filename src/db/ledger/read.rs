//! Reading what the ledger has of one run.

use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use crate::db::{DbError, doing};

/// The rows of a statement whose one parameter is the run.
pub(super) async fn query(client: &impl GenericClient, statement: &str, run: Uuid) -> Result<Vec<Row>, DbError> {
    client.query(statement, &[&run]).await.map_err(doing("read the ledger"))
}
