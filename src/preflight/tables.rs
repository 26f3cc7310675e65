//! The final tables: who locks them, and what is in the way of a load.

use super::{Subject, Told};
use crate::db::DbError;
use crate::db::catalog::{has_unique_key, table_exists};
use crate::project::Action;

/// Locks of others that keep a load from writing.
pub(super) async fn locks(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let asked = include_str!("../../sql/preflight_locks.sql");
    let rows = subject.ask_of_targets(asked, "look at the locks of the final tables").await?;
    let mut told = Told::nothing();
    for row in &rows {
        let (table, mode, who): (String, String, String) = (row.get("name"), row.get("mode"), row.get("who"));
        let remedy = match row.get::<_, Option<i32>>("pid") {
            Some(pid) => format!("let its transaction end, or: select pg_terminate_backend({pid})"),
            None => "commit or roll back the prepared transaction: select * from pg_prepared_xacts".to_owned(),
        };
        told = if row.get("granted") {
            told.red(format!("{table} is locked ({mode}) by {who}"), remedy)
        } else {
            told.yellow(format!("{who} waits for a lock ({mode}) on {table}: who comes later waits behind it"), remedy)
        };
    }
    Ok(if rows.is_empty() { told.info("nobody locks a final table") } else { told })
}

/// The unique index on the key of each promote transform.
pub(super) async fn keys(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let project = subject.wanted.project;
    let mut told = Told::nothing();
    let mut to_come = Vec::new();
    for promote in &project.promote {
        let target = &promote.target;
        if !table_exists(subject.generic(), target).await? {
            to_come.push(target.to_string());
        } else if promote.action == Action::Upsert && !has_unique_key(subject.generic(), target, &promote.key).await? {
            let key = promote.key.join(", ");
            told = told.red(
                format!("{target} has no unique index on exactly ({key}), or one of these may be null"),
                format!("create unique index concurrently on {} ({key}), with each column not null", target.to_sql()),
            );
        }
    }
    to_come.sort();
    to_come.dedup();
    if !to_come.is_empty() {
        let tables = to_come.join(", ");
        let made = |file: &crate::project::MigrationFile| to_come.iter().any(|t| file.sql.contains(t.as_str()));
        told = if project.migrations.iter().any(made) {
            told.info(format!("{tables}: not there yet, the project's migrations make them"))
        } else {
            told.yellow(
                format!("{tables}: not there, and no migration of the project names them so"),
                "sqlmig migrate, and see that the tables are there",
            )
        };
    }
    Ok(if told.findings.is_empty() { told.info("every final table has its key") } else { told })
}

/// Indexes that nothing uses and every write keeps up, or that do not hold what they promise.
pub(super) async fn indexes(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let asked = include_str!("../../sql/preflight_invalid_indexes.sql");
    let rows = subject.ask_of_targets(asked, "look at the indexes of the final tables").await?;
    let mut told = Told::nothing();
    for row in &rows {
        let (index, table): (String, String) = (row.get("name"), row.get("table"));
        let own = subject.wanted.project.index.iter().any(|file| file.file.name == row.get::<_, String>("plain"));
        let remedy = if own {
            "sqlmig index builds it anew".to_owned()
        } else {
            format!("reindex index concurrently {index}; or drop it")
        };
        told = told.yellow(format!("index {index} of {table} is invalid: a build of it was interrupted"), remedy);
    }
    Ok(if rows.is_empty() { told.info("every index of a final table is valid") } else { told })
}

/// Triggers that fire for each row, or statement, that a load writes.
pub(super) async fn triggers(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let asked = include_str!("../../sql/preflight_triggers.sql");
    let rows = subject.ask_of_targets(asked, "look at the triggers of the final tables").await?;
    let mut told = Told::nothing();
    let mut aware = 0;
    for row in &rows {
        if row.get("aware") {
            aware += 1;
            continue;
        }
        let (trigger, table): (String, String) = (row.get("name"), row.get("table"));
        told = told.yellow(
            format!("trigger {trigger} fires on what a load writes to {table}: what it changes is not in the books"),
            format!(
                "if a load is to pass it by: create it with when (coalesce(current_setting('sqlmig.loading', true), '') <> 'on'); \
                 else measure a small load first: alter table {table} disable trigger {trigger} is the other way"
            ),
        );
    }
    if aware > 0 {
        told = told.info(format!("{aware} triggers pass a load by (sqlmig.loading)"));
    }
    Ok(if rows.is_empty() { told.info("no trigger fires on a load") } else { told })
}

/// Row security that applies to this role: sqlmig turns it off for its sessions, and then the server refuses such queries.
pub(super) async fn row_security(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let asked = include_str!("../../sql/preflight_row_security.sql");
    let rows = subject.ask_of_targets(asked, "look at the row security of the final tables").await?;
    let mut told = Told::nothing();
    for row in &rows {
        let table: String = row.get("name");
        let role = crate::names::ident(subject.wanted.target.user());
        told = told.red(
            format!("row security of {table} applies to this role: hidden rows would be lost rows, so a run refuses"),
            format!("load as the table's owner, or: alter role {role} bypassrls"),
        );
    }
    Ok(if rows.is_empty() { told.info("row security hides nothing from this role") } else { told })
}
