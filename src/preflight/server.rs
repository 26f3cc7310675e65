//! The state that the server is in.

use super::{Subject, Told};
use crate::db::DbError;
use crate::db::lock::{LockKind, held_by};

/// A transaction that is open for longer keeps dead rows from being removed, and may keep locks; in seconds.
const LONG: f64 = 300.0;
/// A slot that keeps more WAL than this is said, in bytes.
const MUCH_WAL: i64 = 1 << 30;

/// Whether anything can be written at all.
pub(super) async fn writes(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    if subject.server.in_recovery {
        return Ok(Told::nothing().red(
            "the server is a standby and takes no writes",
            "connect to the primary: list all hosts and add target_session_attrs=read-write",
        ));
    }
    let row = subject.ask(include_str!("../../sql/preflight_read_only.sql"), "ask whether writes are taken").await?;
    let told = Told::nothing();
    Ok(if row.get("read_only") {
        told.red(
            "sessions are READ ONLY (default_transaction_read_only is on)",
            "find who set it (alter database … or alter role … set default_transaction_read_only), and reset it",
        )
    } else {
        told.info("a primary that takes writes")
    })
}

/// Standbys that a commit waits for, and slots that keep WAL.
pub(super) async fn replication(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    if subject.server.in_recovery {
        return Ok(Told::nothing());
    }
    let asked = include_str!("../../sql/preflight_replication.sql");
    let row = subject.ask(asked, "look at the standbys").await?;
    let (standbys, synchronous): (i64, i64) = (row.get("standbys"), row.get("synchronous"));
    let mut told = Told::nothing();
    if row.get::<_, bool>("waits") && synchronous == 0 {
        told = told.red(
            "commits wait for a synchronous standby, and none is connected",
            "bring the standby back, or take it out of synchronous_standby_names",
        );
    } else if standbys > 0 {
        told = told.info(format!(
            "{standbys} standbys stream, {synchronous} of them synchronous: they receive what a load writes"
        ));
    } else {
        told = told.info("no standby is connected");
    }
    let asked = include_str!("../../sql/preflight_slots.sql");
    for slot in subject.ask_all(asked, "look at the replication slots").await? {
        let (name, active, kept): (String, bool, i64) = (slot.get("slot"), slot.get("active"), slot.get("kept"));
        let state = if active { "active" } else { "inactive" };
        let what = format!("replication slot {name} ({state}) keeps {} MiB of WAL", kept >> 20);
        told = if !active || kept > MUCH_WAL {
            let remedy = format!(
                "the WAL of a load stays on disk as long as it does: have its reader catch up, or select \
                 pg_drop_replication_slot('{name}')"
            );
            told.yellow(what, remedy)
        } else {
            told.info(what)
        };
    }
    Ok(told)
}

/// Free connections.
pub(super) async fn connections(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let asked = include_str!("../../sql/preflight_connections.sql");
    let row = subject.ask(asked, "count the connections").await?;
    let free: i64 = row.get("free");
    let (wanted, least) = (subject.wanted.max_connections, subject.wanted.least_connections);
    let told = Told::nothing();
    let what = format!("{free} connections are free ({})", row.get::<_, String>("bound"));
    let remedy = "end connections that nobody uses, raise max_connections, or give the role or database a higher limit";
    Ok(if free < i64::from(least) {
        told.red(format!("{what}, and a run needs {least} at least"), remedy)
    } else if free < i64::from(wanted) {
        told.yellow(
            format!("{what}, fewer than the {wanted} that --max-connections allows a run"),
            format!("run with --max-connections {free}, or free some"),
        )
    } else {
        told.info(format!("{what}; a run takes {wanted} at most"))
    })
}

/// Who holds the lock of runs.
pub(super) async fn run_lock(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let told = Told::nothing();
    Ok(match held_by(subject.client, LockKind::Run).await? {
        Some(held) => {
            let remedy = format!(
                "wait for it (sqlmig status); if its client is dead: select pg_terminate_backend({})",
                held.pid
            );
            told.red(held.to_string(), remedy)
        }
        None => told.info("no other sqlmig holds the run lock"),
    })
}

/// Transactions that are open for long, prepared ones among them.
pub(super) async fn transactions(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let asked = include_str!("../../sql/preflight_transactions.sql");
    let rows = subject.client.query(asked, &[&LONG]).await.map_err(crate::db::doing("look for long transactions"))?;
    let mut told = Told::nothing();
    for row in &rows {
        let remedy = match row.get::<_, Option<i32>>("pid") {
            Some(pid) => format!("let it end, or: select pg_terminate_backend({pid})"),
            None => format!("commit prepared '{0}', or rollback prepared '{0}'", row.get::<_, String>("who")),
        };
        let minutes = (row.get::<_, f64>("seconds") / 60.0).round();
        told = told.yellow(
            format!(
                "{} has kept a transaction open for {minutes} min: what a load replaces can't be removed meanwhile",
                row.get::<_, String>("who")
            ),
            remedy,
        );
    }
    Ok(if rows.is_empty() { told.info("no transaction is open for longer than 5 min") } else { told })
}
