//! Schema migrations: the ledger's own and the project's, each set with its own history table.
//!
//! refinery runs each migration in a transaction and compares checksums; what it lacks is a lock, so eight processes
//! that start at once take turns on an advisory lock here.

use std::error::Error;
use std::time::Duration;

use include_dir::{Dir, include_dir};
use refinery::{Runner, error::Kind};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, GenericClient};

use super::error::server_text;
use super::lock::{KEY_CLASS, LockError, LockKind, wait_for};
use super::{DbError, doing};
use crate::names::{LEDGER_SCHEMA, TableName, fit, short_hash};
use crate::template::{Fragment, TemplateError, render_wrap};

static LEDGER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/sql/ledger");

/// Migrations that share a history table.
#[derive(Debug, Clone)]
pub struct MigrationSet {
    /// What people call it: `ledger`, or the project's name.
    pub name: String,
    /// The history table, in the ledger's schema; refinery does not quote it, so it is plain letters.
    history: String,
    /// Whether all that is pending is one transaction. The ledger's is: forty commits are forty waits for the disk, and half
    /// a ledger is of no use. A project's are one each, so that one which fails leaves those before it applied.
    at_once: bool,
    migrations: Vec<refinery::Migration>,
}

impl MigrationSet {
    /// The ledger's own.
    ///
    /// # Errors
    /// Fails when a file in `sql/ledger/` is misnamed.
    pub fn ledger() -> Result<Self, MigrateError> {
        let files = LEDGER.files().map(|file| {
            let stem = file.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            (stem, file.contents_utf8().unwrap_or_default().to_owned())
        });
        Self::new("ledger", "ledger_migration".into(), true, files)
    }

    /// A project's: `(V1__name, SQL)` pairs.
    ///
    /// # Errors
    /// Fails when a name is not of the form `V1__name` or a version repeats.
    pub fn project(name: &str, files: impl IntoIterator<Item = (String, String)>) -> Result<Self, MigrateError> {
        let plain: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
        // Names that read alike in plain letters must not share a history.
        let own = if plain == name { plain } else { format!("{plain}_{}", short_hash(name)) };
        Self::new(name, fit(&format!("project_{own}_migration")), false, files)
    }

    fn new(
        name: &str,
        history: String,
        at_once: bool,
        files: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, MigrateError> {
        let mut migrations = Vec::new();
        for (file, sql) in files {
            let migration = refinery::Migration::unapplied(&file, &sql).map_err(|error| MigrateError::Name {
                set: name.to_owned(),
                file,
                reason: error.to_string(),
            })?;
            migrations.push(migration);
        }
        migrations.sort();
        Ok(Self { name: name.to_owned(), history, at_once, migrations })
    }
}

/// Why migrations were not applied.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A file's name says no version.
    #[error("{set} migration {file}: {reason}")]
    Name {
        /// The set.
        set: String,
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An applied migration was edited since.
    #[error(
        "{set} migration {applied} was applied to this database in another form than the project now has ({found})"
    )]
    Changed {
        /// The set.
        set: String,
        /// The migration as applied.
        applied: String,
        /// The migration as the project has it.
        found: String,
    },
    /// An applied migration is not in the project, or one was added below those applied.
    #[error(
        "{set} migration {name} was applied to this database, or comes before one that was, and is not where it should be"
    )]
    Missing {
        /// The set.
        set: String,
        /// The migration.
        name: String,
    },
    /// The server cannot create an extension that a migration asks for.
    #[error("{set} migrations: {reason}")]
    NoExtension {
        /// The set.
        set: String,
        /// The server's words.
        reason: String,
    },
    /// The connection was lost.
    #[error("{set} migrations: the connection was lost: {reason}")]
    Lost {
        /// The set.
        set: String,
        /// The driver's words.
        reason: String,
    },
    /// refinery stopped for another reason.
    #[error("{set} migrations: {reason}")]
    Other {
        /// The set.
        set: String,
        /// Its words.
        reason: String,
    },
    /// Someone else migrates for too long.
    #[error("{0}")]
    Busy(#[from] LockError),
    /// One of sqlmig's own statements could not be made.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MigrateError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Name { .. } => Some("name migrations V1__what_it_does.sql, V2__…, without gaps in meaning".into()),
            Self::Changed { .. } => {
                Some("migrations are append only: restore the file as it was, and put the change into a new one".into())
            }
            Self::Missing { .. } => {
                Some("use the project version that migrated this database, or a newer one; give new migrations the next version".into())
            }
            Self::NoExtension { .. } => Some(
                "install the extension on the server (pgvector's packages are named postgresql-VERSION-pgvector), then run the same command again".into(),
            ),
            Self::Lost { .. } => Some("run the same command again: what was applied stays applied".into()),
            Self::Other { .. } => None,
            Self::Busy(error) => error.hint(),
            Self::Template(error) => error.hint(),
            Self::Db(error) => error.hint(),
        }
    }
}

/// How long others may migrate: an index on a large table takes minutes, a process that hangs takes for ever.
const PATIENCE: Duration = Duration::from_mins(1);

/// Applies what is pending of a set; returns the names of what was applied, in order.
///
/// Safe to call from many processes at once. The ledger's set must come first: its schema holds the history tables.
///
/// # Errors
/// A project's migration that fails leaves those before it applied, and names itself; the ledger's are applied all or none.
pub async fn migrate(client: &mut Client, set: &MigrationSet) -> Result<Vec<String>, MigrateError> {
    wait_for(client, LockKind::Migrate, PATIENCE).await?;
    let result = apply(client, set).await;
    // A connection that broke has lost the lock with its session; the first error is the one to tell.
    let unlocked = client
        .execute(include_str!("../../sql/migration_unlock.sql"), &[&KEY_CLASS, &(LockKind::Migrate as i32)])
        .await
        .map_err(doing("end the migrations"));
    let applied = result?;
    unlocked?;
    Ok(applied)
}

async fn apply(client: &mut Client, set: &MigrationSet) -> Result<Vec<String>, MigrateError> {
    client
        .batch_execute(include_str!("../../sql/create_schemas.sql"))
        .await
        .map_err(doing("create sqlmig's schemas"))?;
    let mut runner = Runner::new(&set.migrations).set_grouped(set.at_once);
    runner.set_migration_table_name(format!("{LEDGER_SCHEMA}.{}", set.history));
    let report = runner.run_async(client).await.map_err(|error| told(set, &error))?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

/// refinery's error in our words.
fn told(known: &MigrationSet, error: &refinery::Error) -> MigrateError {
    let set = known.name.clone();
    match error.kind() {
        Kind::DivergentVersion(applied, found) => {
            MigrateError::Changed { set, applied: applied.to_string(), found: found.to_string() }
        }
        Kind::MissingVersion(migration) => MigrateError::Missing { set, name: migration.to_string() },
        // Its errors contain one another.
        Kind::Connection(_, cause) if cause.is::<refinery::Error>() => match cause.downcast_ref() {
            Some(inner) => told(known, inner),
            None => MigrateError::Other { set, reason: error.to_string() },
        },
        Kind::Connection(what, cause) => {
            let driver = cause.downcast_ref::<tokio_postgres::Error>();
            let reason = match driver.and_then(tokio_postgres::Error::as_db_error) {
                Some(server) => format!("{what}: {}", server_text(server)),
                None => format!("{what}: {cause}"),
            };
            // 0A000, and 58P01 before PostgreSQL 16: the extension's control file is not there. 0A000 says it of much else.
            let extension = reason.contains("extension");
            match driver.and_then(tokio_postgres::Error::code).map(SqlState::code) {
                Some("0A000" | "58P01") if extension => MigrateError::NoExtension { set, reason },
                Some(code) if code.starts_with("57P") => MigrateError::Lost { set, reason },
                None if driver.is_some_and(is_gone) => MigrateError::Lost { set, reason },
                _ => MigrateError::Other { set, reason },
            }
        }
        other => MigrateError::Other { set, reason: other.to_string() },
    }
}

/// Whether the connection is gone, and not the server's answer bad.
fn is_gone(error: &tokio_postgres::Error) -> bool {
    error.is_closed() || error.source().is_some_and(<dyn Error>::is::<std::io::Error>)
}

/// Names of the migrations of a set that this database has not seen. Writes nothing.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn pending(client: &impl GenericClient, set: &MigrationSet) -> Result<Vec<String>, MigrateError> {
    let exists: bool = client
        .query_one(include_str!("../../sql/table_exists.sql"), &[&LEDGER_SCHEMA, &set.history])
        .await
        .map_err(doing("look for applied migrations"))?
        .get("table_exists");
    let applied: Vec<i32> = if exists {
        let history = TableName::new(LEDGER_SCHEMA, set.history.as_str());
        let context = minijinja::context! { history => Fragment::table(&history) };
        let source = include_str!("../../sql/wrap/applied_versions.sql");
        let query = render_wrap("applied_versions.sql", source, context)?;
        let rows = client.query(&query, &[]).await.map_err(doing("read applied migrations"))?;
        rows.iter().map(|row| row.get("version")).collect()
    } else {
        Vec::new()
    };
    let pending = set.migrations.iter().filter(|migration| !applied.contains(&migration.version()));
    Ok(pending.map(ToString::to_string).collect())
}
