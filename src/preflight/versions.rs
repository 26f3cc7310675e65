//! What the server, its extension and the dump are.

use super::{Subject, Told};
use crate::db::DbError;
use crate::db::server_info::has_halfvec;

/// The server's version.
pub(super) async fn server(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    Ok(of_version(&subject.server.version, subject.server.major()))
}

/// What is to be said of a server of this version.
fn of_version(version: &str, major: i32) -> Told {
    let told = Told::nothing();
    match major {
        ..=14 => told.red(
            format!("the server is PostgreSQL {version}; sqlmig works with 15 to 18"),
            "upgrade the server, or leave DATABASE_URL unset to use an embedded one",
        ),
        15..=18 => told.info(format!("PostgreSQL {version}")),
        _ => told.yellow(
            format!("the server is PostgreSQL {version}, newer than sqlmig was tested with (15 to 18)"),
            "try a copy of the database first",
        ),
    }
}

/// pgvector, where the project or the source needs it.
pub(super) async fn pgvector(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let of_project = subject.wanted.project.migrations.iter().any(|file| file.sql.contains("vector"));
    let of_source = subject.source.as_ref().is_some_and(|source| {
        let tables = source.scanned.facts.tables.iter().flat_map(|table| &table.columns);
        tables
            .into_iter()
            .any(|column| crate::decode::ColumnKind::of_type(&column.type_text) != crate::decode::ColumnKind::Text)
    });
    let (info, told) = (&subject.server, Told::nothing());
    let update = "install pgvector 0.7 or later on the server (packages are named postgresql-VERSION-pgvector), then: \
                  alter extension vector update";
    Ok(match (&info.pgvector, &info.pgvector_available) {
        (Some(version), _) if has_halfvec(version) => told.info(format!("pgvector {version}, which has halfvec")),
        (Some(version), _) => told.red(format!("pgvector {version} has no halfvec: 0.7 or later is needed"), update),
        (None, _) if !of_project && !of_source => told.info("neither the project nor the source needs pgvector"),
        (None, Some(available)) if !has_halfvec(available) => {
            told.red(format!("the server offers pgvector {available}, and 0.7 or later is needed"), update)
        }
        // pgvector is a trusted extension: who may create in the database may create it (PostgreSQL manual, CREATE EXTENSION).
        (None, Some(available)) if info.can_create || info.superuser => {
            told.info(format!("pgvector {available} is offered, and is created by the first migration or load"))
        }
        (None, Some(available)) => told.red(
            format!("pgvector {available} is offered, and this role may not create it"),
            "as the database's owner: create extension vector",
        ),
        (None, None) => told.red("the server has no pgvector, and vectors are to be stored", update),
    })
}

/// The dump's server against this one.
pub(super) async fn dump(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let Some(source) = &subject.source else { return Ok(Told::nothing()) };
    let (major, version) = (subject.server.major(), &subject.server.version);
    let mut told = Told::nothing();
    for dump in &source.scanned.facts.dumps {
        let Some(from) = &dump.server_version else { continue };
        let number: i32 = from.split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok()).unwrap_or(0);
        let what = format!("the dump is of PostgreSQL {from}, the server is {version}");
        told = if number > major {
            told.yellow(
                what,
                "values of types that are newer than the server go to quarantine: look at sqlmig plan SOURCE",
            )
        } else {
            told.info(what)
        };
    }
    Ok(told)
}

/// The database's encoding.
pub(super) async fn encoding(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let (encoding, told) = (&subject.server.encoding, Told::nothing());
    if encoding != "UTF8" {
        return Ok(told.red(
            format!("the database's encoding is {encoding}, and only UTF8 holds every text"),
            "create the database with: create database NAME encoding 'UTF8' template template0",
        ));
    }
    let of_source = subject.source.as_ref().and_then(|source| source.scanned.facts.encoding.clone());
    Ok(match of_source.filter(|of_source| of_source != "UTF8") {
        Some(of_source) => {
            told.info(format!("the database is UTF8; the source is {of_source} and is converted as it is read"))
        }
        None => told.info("the database is UTF8"),
    })
}

/// The version of the collation that the database was made with.
pub(super) async fn collation(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let row = subject.ask(include_str!("../../sql/preflight_collation.sql"), "look at the collation").await?;
    let (name, recorded, actual): (String, Option<String>, Option<String>) =
        (row.get("collation"), row.get("recorded"), row.get("actual"));
    let told = Told::nothing();
    Ok(match (recorded, actual) {
        (Some(recorded), Some(actual)) if recorded != actual => told.yellow(
            format!("the database was made with version {recorded} of collation {name}, and the system has {actual}: indexes on \
                     text may miss rows"),
            format!("reindex database {0}; then: alter database {0} refresh collation version", row.get::<_, String>("database")),
        ),
        (Some(recorded), _) => told.info(format!("collation {name}, version {recorded}")),
        (None, _) => told.info(format!("collation {name}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Light;

    /// A server that is newer than all there are can't be had for a test.
    #[test]
    fn a_server_that_is_too_old_or_too_new_is_told() {
        for (version, major, light) in [
            ("14.23", 14, Light::Red),
            ("15.0", 15, Light::Info),
            ("18.4", 18, Light::Info),
            ("19beta1", 19, Light::Yellow),
        ] {
            let told = of_version(version, major);
            let [(found, message, remedy)] = &told.findings[..] else { panic!("{told:?}") };
            assert_eq!((*found, remedy.is_some()), (light, light != Light::Info), "{message}");
            assert!(message.contains(version));
        }
    }
}
