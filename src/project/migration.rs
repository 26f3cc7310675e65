//! Schema migrations: files that are applied once, in the order of their versions.

use super::error::{ProjectError, ProjectErrorKind};
use super::files::Tree;

/// One migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationFile {
    /// Its version, from 0; unique in the project.
    pub version: i32,
    /// Its name: what stands between `V<n>__` and `.sql`.
    pub name: String,
    /// Its statements, as the file has them.
    pub sql: String,
}

/// Reads `migrations/`. refinery only logs a misnamed file and goes on without it; here it is an error.
pub(super) fn read(tree: &Tree) -> Result<Vec<MigrationFile>, ProjectError> {
    let mut migrations: Vec<(MigrationFile, &str)> = Vec::new();
    for (path, file, sql) in tree.under("migrations") {
        if file == "README.md" {
            continue;
        }
        let Some((version, name)) = parse(file) else {
            return Err(ProjectError::file(path, ProjectErrorKind::MisnamedMigration));
        };
        if let Some((_, other)) = migrations.iter().find(|(migration, _)| migration.version == version) {
            let other = (*other).to_owned();
            return Err(ProjectError::file(path, ProjectErrorKind::SameVersion { version, other }));
        }
        migrations.push((MigrationFile { version, name: name.to_owned(), sql: sql.to_owned() }, path));
    }
    migrations.sort_by_key(|(migration, _)| migration.version);
    Ok(migrations.into_iter().map(|(migration, _)| migration).collect())
}

/// `V<n>__<name>.sql`.
fn parse(file: &str) -> Option<(i32, &str)> {
    let (version, name) = file.strip_prefix('V')?.strip_suffix(".sql")?.split_once("__")?;
    let digits = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
    let word = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if digits && word { Some((version.parse().ok()?, name)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_strict_form_is_a_migration() {
        assert_eq!(parse("V1__documents.sql"), Some((1, "documents")));
        assert_eq!(parse("V20250131__Add_index2.sql"), Some((20_250_131, "Add_index2")));
        for name in
            ["v1__a.sql", "V1_a.sql", "V__a.sql", "V1__.sql", "V1__a b.sql", "V1__a.SQL", "V+1__a.sql", "x/V1__a.sql"]
        {
            assert_eq!(parse(name), None, "{name}");
        }
        assert_eq!(parse("V99999999999__a.sql"), None);
    }
}
