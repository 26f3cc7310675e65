//! What happened in a run: its phases, and what else is worth keeping.

use tokio_postgres::GenericClient;
use uuid::Uuid;

use crate::db::{DbError, doing};
use crate::event::Phase;

/// Records how long a phase took and what it did.
///
/// # Errors
/// Fails when the database refuses the row.
pub async fn phase_insert(
    client: &impl GenericClient,
    id: Uuid,
    phase: Phase,
    elapsed: std::time::Duration,
    summary: &str,
) -> Result<(), DbError> {
    let elapsed_ms = super::milliseconds(elapsed);
    client
        .execute(include_str!("../../../sql/phase_insert.sql"), &[&id, &phase.to_string(), &elapsed_ms, &summary])
        .await
        .map_err(doing("record the phase"))?;
    Ok(())
}

/// Kinds of events that the ledger keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A migration was applied.
    Migration,
    /// Something the operator should know.
    Warning,
    /// Rows of its quarantine were tried again by another run.
    Retried,
    /// How good the search index is.
    Recall,
    /// A phase was asked to stop.
    Interrupted,
    /// What it promoted was taken back, or a part of it.
    Rollback,
}

impl EventKind {
    /// The word used in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Migration => "migration",
            Self::Warning => "warning",
            Self::Retried => "retried",
            Self::Recall => "recall",
            Self::Interrupted => "interrupted",
            Self::Rollback => "rollback",
        }
    }
}

/// Records events of a run, of one kind, in their order.
///
/// # Errors
/// Fails when the database refuses a row.
pub async fn event_insert(
    client: &impl GenericClient,
    id: Uuid,
    kind: EventKind,
    messages: &[&str],
) -> Result<(), DbError> {
    client
        .execute(include_str!("../../../sql/event_insert.sql"), &[&id, &kind.as_str(), &messages])
        .await
        .map_err(doing("record an event"))?;
    Ok(())
}

/// Records that staging was emptied, as an event of the newest run, if there is one.
///
/// # Errors
/// Fails when the database refuses the row.
pub async fn event_staging_emptied(client: &impl GenericClient, tables: usize) -> Result<(), DbError> {
    let message = format!("staging is emptied: {tables} tables");
    client
        .execute(include_str!("../../../sql/event_staging_emptied.sql"), &[&message])
        .await
        .map_err(doing("record that staging was emptied"))?;
    Ok(())
}
