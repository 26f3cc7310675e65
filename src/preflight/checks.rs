//! What is checked: one line a check.

use super::{ReadyCheck, Subject, disk, reach, rights, server, settings, source, tables, versions};

/// One line of the table.
macro_rules! check {
    ($name:literal, $asks:literal, $function:path) => {
        check!($name, $asks, $function, false)
    };
    ($name:literal, $asks:literal, $function:path, $needs_source:literal) => {
        ReadyCheck {
            name: $name,
            asks: $asks,
            needs_source: $needs_source,
            run: |subject: &mut Subject<'_>| Box::pin($function(subject)),
        }
    };
}

/// Every check, in the order in which they are asked.
pub const CHECKS: &[ReadyCheck] = &[
    // How the server is reached.
    check!("connection", "is the connection encrypted and the server verified?", reach::connection),
    check!("pooler", "does a transaction-mode pooler stand before the server?", reach::pooler),
    check!("embeddings", "does the embeddings service answer?", reach::embeddings),
    check!("clock", "do the clocks agree?", reach::clock),
    // What it is.
    check!("server_version", "is it a PostgreSQL that sqlmig works with?", versions::server),
    check!("pgvector", "is pgvector there, and new enough for halfvec?", versions::pgvector),
    check!("dump_version", "is the dump of a newer server?", versions::dump, true),
    check!("encoding", "does the database hold every text?", versions::encoding),
    check!("collation", "is the collation the one that indexes were built with?", versions::collation),
    // How it is.
    check!("writes", "does it take writes?", server::writes),
    check!("replication", "does anything wait for a standby, or keep WAL?", server::replication),
    check!("connections", "are there enough free connections?", server::connections),
    check!("run_lock", "does another sqlmig hold the run lock?", server::run_lock),
    check!("transactions", "does anyone keep a transaction open for long?", server::transactions),
    check!("memory", "are the memory settings fit for a load?", settings::memory),
    check!("wal", "are the WAL settings fit for a load?", settings::wal),
    check!("timeouts", "does a timeout end what takes long?", settings::timeouts),
    // What sqlmig may do.
    check!("privileges", "may this role do what a run does?", rights::run),
    check!("rollback_privileges", "may it take a run back?", rights::rollback),
    check!("migrations", "which migrations are pending?", rights::migrations),
    // The tables.
    check!("locks", "does anyone lock a final table?", tables::locks),
    check!("keys", "does every final table have the unique key that promotion needs?", tables::keys),
    check!("indexes", "is an index of a final table invalid?", tables::indexes),
    check!("triggers", "do triggers of the final tables fire for each row?", tables::triggers),
    check!("row_security", "does row security hide rows of a final table?", tables::row_security),
    // The source.
    check!("source", "is the source whole, and does the project use it?", source::whole, true),
    check!("disk", "is there disk for staging, tables, indexes, undo and WAL?", disk::disk, true),
    check!("time", "how long would it take?", source::time, true),
];
