//! What the role may do: asked of the server right by right, for what the project really needs.

use super::{Subject, Told};
use crate::db::migrate::{MigrateError, MigrationSet, pending};
use crate::db::{DbError, doing};
use crate::names::{LEDGER_SCHEMA, STAGING_SCHEMA, TableName};
use crate::project::Action;

/// One right: `database`, `schema` or `table`; which; the privilege.
type Right = (&'static str, String, &'static str);

/// The rights that a run needs.
pub(super) async fn run(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let project = subject.wanted.project;
    let mut wanted: Vec<Right> = Vec::new();
    for schema in [LEDGER_SCHEMA, STAGING_SCHEMA] {
        wanted.extend([("schema", schema.to_owned(), "usage"), ("schema", schema.to_owned(), "create")]);
    }
    for promote in &project.promote {
        let schema = promote.target.schema.clone().unwrap_or_else(|| "public".to_owned());
        wanted.push(("schema", schema, "usage"));
        let privileges: &[&str] = match promote.action {
            Action::Upsert => &["select", "insert", "update"],
            Action::Delete => &["select", "delete"],
        };
        wanted.extend(privileges.iter().map(|privilege| ("table", promote.target.to_sql(), *privilege)));
    }
    let needs_trees = |table: &str| {
        let of_table = |promote: &&crate::project::Promote| promote.target.to_sql() == table;
        project.promote.iter().filter(of_table).all(|promote| promote.needs.is_some())
    };
    let mut told = Told::nothing();
    let role = crate::names::ident(subject.wanted.target.user());
    let mut missing_schema = false;
    for (right, held) in held(subject, &wanted).await? {
        let (kind, object, privilege) = right;
        match held {
            Some(true) => {}
            // Made by the first migration; whether that may be done is asked below.
            None => missing_schema |= kind == "schema",
            // A dump deletes nothing, and promotes no files: only a load of trees needs this.
            Some(false) if kind == "table" && (privilege == "delete" || needs_trees(&object)) => {
                told = told.yellow(
                    format!("no {privilege} on {object}: a load of documentation trees would fail"),
                    format!("grant {privilege} on {object} to {role}"),
                );
            }
            Some(false) => {
                let on = if kind == "schema" { format!("schema {object}") } else { object };
                told = told.red(format!("no {privilege} on {on}"), format!("grant {privilege} on {on} to {role}"));
            }
        }
    }
    if missing_schema && !subject.server.can_create {
        let database = crate::names::ident(subject.wanted.target.database());
        told = told.red(
            "the schemas sqlmig and staging are not there, and this role may create none",
            format!("as the database's owner: sqlmig migrate, or: grant create on database {database} to {role}"),
        );
    }
    for row in
        subject.ask_all(include_str!("../../sql/preflight_ledger_rights.sql"), "look at the ledger's rights").await?
    {
        let table: String = row.get("name");
        told = told.red(
            format!("{table} of the ledger can't be written"),
            format!("grant select, insert, update, delete on {table} to {role}; docs/roles.md has all of it"),
        );
    }
    told = indexes(subject, told).await?;
    if told.findings.is_empty() {
        told = told.info("this role may do everything that a run of this project does");
    }
    let database = subject.wanted.target.database().to_owned();
    let temporary = held(subject, &[("database", database.clone(), "temporary")]).await?;
    if temporary.iter().any(|(_, held)| *held == Some(false)) {
        let database = crate::names::ident(&database);
        told = told.yellow(
            "no temporary tables may be made: sqlmig plan can only give bounds",
            format!("grant temporary on database {database} to {role}"),
        );
    }
    Ok(told)
}

/// Indexes that a run would leave out, as the table is another's.
async fn indexes(subject: &Subject<'_>, mut told: Told) -> Result<Told, DbError> {
    let indexes = &subject.wanted.project.index;
    let schema = |table: &TableName| table.schema.clone().unwrap_or_else(|| "public".to_owned());
    let schemas: Vec<String> = indexes.iter().map(|index| schema(&index.on)).collect();
    let tables: Vec<&str> = indexes.iter().map(|index| index.on.table.as_str()).collect();
    let names: Vec<&str> = indexes.iter().map(|index| index.file.name.as_str()).collect();
    let asked = include_str!("../../sql/preflight_index_owner.sql");
    let rows = subject.client.query(asked, &[&schemas, &tables, &names]).await;
    for row in rows.map_err(doing("look at who may build the indexes"))? {
        let (index, table, by): (String, String, String) = (row.get("index_name"), row.get("name"), row.get("owner"));
        told = told.yellow(
            format!("index {index} is to be built on {table}, which belongs to {by}: a run would leave it out"),
            format!("after the run, as {by}: sqlmig index"),
        );
    }
    Ok(told)
}

/// The rights that a rollback needs besides.
pub(super) async fn rollback(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let mut wanted: Vec<Right> = Vec::new();
    for promote in &subject.wanted.project.promote {
        let table = promote.target.to_sql();
        wanted.extend(["select", "insert", "update", "delete"].map(|privilege| ("table", table.clone(), privilege)));
    }
    wanted.dedup();
    let mut missing: Vec<String> = held(subject, &wanted)
        .await?
        .into_iter()
        .filter(|(_, held)| *held == Some(false))
        .map(|((_, object, privilege), _)| format!("{privilege} on {object}"))
        .collect();
    missing.sort();
    missing.dedup();
    if missing.is_empty() {
        return Ok(Told::nothing().info("this role may take a run back"));
    }
    let mut told = Told::nothing();
    let message = format!("this role can't take a run back: no {}", missing.join(", no "));
    let remedy = "another role may do that (docs/roles.md), or grant it".to_owned();
    told.findings.push((crate::outcome::Light::Info, message, Some(remedy)));
    Ok(told)
}

/// Migrations that would come first, and whether they may.
pub(super) async fn migrations(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let project = subject.wanted.project;
    let files = project.migrations.iter().map(|file| (format!("V{}__{}", file.version, file.name), file.sql.clone()));
    let mut told = Told::nothing();
    let (mut count, mut of_project) = (0, 0);
    for (set, own) in [(MigrationSet::ledger(), false), (MigrationSet::project(&project.name, files), true)] {
        let found = match set {
            Ok(set) => pending(subject.generic(), &set).await,
            Err(error) => Err(error),
        };
        match found {
            Ok(names) => {
                count += names.len();
                of_project += if own { names.len() } else { 0 };
            }
            Err(MigrateError::Db(error)) => return Err(error),
            Err(error) => told = told.red(error.to_string(), error.hint().unwrap_or_default()),
        }
    }
    if count == 0 {
        return Ok(told.info("ledger and project are up to date"));
    }
    told = told.info(format!("{count} migrations are applied first ({of_project} of them the project's)"));
    let (schemas, names) = subject.targets();
    let owned = include_str!("../../sql/preflight_not_owned.sql");
    let project_changes = of_project > 0;
    let rows = subject.client.query(owned, &[&schemas, &names, &project_changes]).await;
    for row in rows.map_err(doing("look at who owns the tables"))? {
        let (table, by): (String, String) = (row.get("name"), row.get("owner"));
        told = told.red(
            format!("{table} belongs to {by}: pending migrations may fail for this role"),
            format!("as {by}: sqlmig migrate"),
        );
    }
    if of_project > 0 { makes(subject, told).await } else { Ok(told) }
}

/// Whether the final tables that are not there may be made: the project's migrations make them.
async fn makes(subject: &Subject<'_>, mut told: Told) -> Result<Told, DbError> {
    let targets = subject.wanted.project.promote.iter().map(|promote| ("table", promote.target.to_sql(), "select"));
    let targets: Vec<Right> = targets.collect();
    let found = held(subject, &targets).await?;
    let mut missing: Vec<(String, String)> = Vec::new();
    for (promote, (_, held)) in subject.wanted.project.promote.iter().zip(found) {
        if held.is_none() {
            let schema = promote.target.schema.clone().unwrap_or_else(|| "public".to_owned());
            missing.push((schema, promote.target.to_string()));
        }
    }
    missing.sort();
    missing.dedup();
    let mut schemas: Vec<String> = missing.iter().map(|(schema, _)| schema.clone()).collect();
    schemas.dedup();
    let wanted: Vec<Right> = schemas.into_iter().map(|schema| ("schema", schema, "create")).collect();
    let role = crate::names::ident(subject.wanted.target.user());
    for ((_, schema, _), held) in held(subject, &wanted).await? {
        let own = missing.iter().filter(|(of, _)| *of == schema).map(|(_, table)| table.as_str());
        let tables = own.collect::<Vec<_>>().join(", ");
        let named = crate::names::ident(&schema);
        match held {
            Some(false) => {
                told = told.red(
                    format!("no create on schema {named}, where pending migrations make {tables}"),
                    format!("as the schema's owner: sqlmig migrate, or: grant create on schema {named} to {role}"),
                );
            }
            // A migration may make the schema, too, where that is allowed.
            None if !subject.server.can_create => {
                let database = crate::names::ident(subject.wanted.target.database());
                told = told.red(
                    format!("schema {named} of {tables} is not there, and this role may create none"),
                    format!(
                        "as the database's owner: sqlmig migrate, or: grant create on database {database} to {role}"
                    ),
                );
            }
            _ => {}
        }
    }
    Ok(told)
}

/// Asks which rights the role has; none of what does not exist.
async fn held(subject: &Subject<'_>, wanted: &[Right]) -> Result<Vec<(Right, Option<bool>)>, DbError> {
    let kinds: Vec<&str> = wanted.iter().map(|(kind, _, _)| *kind).collect();
    let objects: Vec<&str> = wanted.iter().map(|(_, object, _)| object.as_str()).collect();
    let privileges: Vec<&str> = wanted.iter().map(|(_, _, privilege)| *privilege).collect();
    let asked = include_str!("../../sql/preflight_rights.sql");
    let rows = subject.client.query(asked, &[&kinds, &objects, &privileges]).await;
    let rows = rows.map_err(doing("ask what this role may do"))?;
    Ok(wanted.iter().cloned().zip(rows.iter().map(|row| row.get("held"))).collect())
}
