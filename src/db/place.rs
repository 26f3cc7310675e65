//! Where the rows of a load are, and what is known of them: staging and the ledger for a run, the temporary tables of one
//! session for a trial, of which nothing stays.
//!
//! PostgreSQL lets a READ ONLY transaction write to temporary tables (manual, SET TRANSACTION), so a trial's SELECTs run under
//! the server's own guard, and what it made is gone with its transaction.

use tokio_postgres::{GenericClient, Transaction};

use super::error::{DbError, doing};
use crate::names::{staging_table, temporary_table};
use crate::template::Fragment;

/// Where the rows of a load are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Staging tables and the ledger.
    Ledger,
    /// Temporary tables of the session.
    Session,
}

impl Place {
    /// A table of staged rows, or of a duplicate rule, as SQL; `name` is unquoted and without schema.
    #[must_use]
    pub fn table(self, name: &str) -> String {
        match self {
            Self::Ledger => staging_table(name),
            Self::Session => temporary_table(name),
        }
    }

    /// What stands between `create` and the name of a table that must survive a crash, where anything does.
    #[must_use]
    pub fn kind(self) -> Fragment {
        Fragment::new(if self == Self::Ledger { "table" } else { "temporary table" })
    }

    /// The rows that were taken out, as SQL.
    #[must_use]
    pub fn quarantine(self) -> Fragment {
        self.of_ledger("quarantine")
    }

    /// The rows that were merged into others, as SQL.
    #[must_use]
    pub fn merged(self) -> Fragment {
        self.of_ledger("merged")
    }

    /// The rows that take a vector from the ledger, as SQL.
    #[must_use]
    pub fn embedding_row(self) -> Fragment {
        self.of_ledger("embedding_row")
    }

    /// A table of the ledger, or what stands in for it. The space keeps it apart from tables that a person named.
    fn of_ledger(self, name: &str) -> Fragment {
        Fragment::new(match self {
            Self::Ledger => format!("sqlmig.{name}"),
            Self::Session => temporary_table(&format!("sqlmig {name}")),
        })
    }
}

/// Makes the session's own tables for what is known of a trial's rows; they go with the transaction.
///
/// # Errors
/// The role may not make temporary tables, or the server takes no writes at all.
pub async fn make_session_tables(tx: &Transaction<'_>) -> Result<(), DbError> {
    for table in [
        include_str!("../../sql/trial_quarantine.sql"),
        include_str!("../../sql/trial_merged.sql"),
        include_str!("../../sql/trial_embedding_row.sql"),
        include_str!("../../sql/trial_embedding_wanting.sql"),
    ] {
        tx.batch_execute(table).await.map_err(doing("make temporary tables"))?;
    }
    Ok(())
}

/// Does `work` in a part of a transaction that may write to nothing but temporary tables; what fails in it leaves the
/// transaction as it was.
///
/// # Errors
/// What `work` returns, or what the database says to begin and end.
pub async fn reading<T, E: From<DbError>>(
    tx: &mut Transaction<'_>,
    action: &str,
    work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let part = tx.transaction().await.map_err(doing(action))?;
    // PostgreSQL restores the mode with the end of the part (manual, SET TRANSACTION; xact.c, CommitSubTransaction).
    part.batch_execute(include_str!("../../sql/read_only.sql")).await.map_err(doing(action))?;
    let done = work(&part).await?;
    part.commit().await.map_err(doing(action))?;
    Ok(done)
}

/// Bytes that a session's temporary table takes on the server's disk, with its TOAST table and indexes.
///
/// # Errors
/// The database does not answer.
pub async fn session_table_bytes(client: &impl GenericClient, name: &str) -> Result<i64, DbError> {
    let row = client
        .query_one(include_str!("../../sql/trial_table_bytes.sql"), &[&temporary_table(name)])
        .await
        .map_err(doing("measure a temporary table"))?;
    Ok(row.get("bytes"))
}
