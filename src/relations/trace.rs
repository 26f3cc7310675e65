//! From a row of a source table to the key that it has in a final table, and back: each row by itself through the author's
//! normalise and promote SELECTs.

use std::collections::BTreeMap;

use serde::Serialize;
use tokio_postgres::GenericClient;
use uuid::Uuid;

use super::{RelationsError, embedded, parenthesised};
use crate::db::ledger::SourceTable;
use crate::db::{Place, doing};
use crate::names::{TableName, ident, literal};
use crate::project::{Normalise, Project, Promote, RelationSql, Scope};
use crate::template::{Fragment, render_wrap};

/// A row and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedRow {
    /// Its ordinal in the source table.
    pub row: i64,
    /// Its key in the final table as one text: the columns' values with / between them.
    pub key: String,
    /// The columns' values; one may be null in a row that never made it.
    pub key_values: Vec<Option<String>>,
}

/// Which rows are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The one of this ordinal.
    Row(i64),
    /// Those of this key, as one text.
    Key(String),
    /// Those of this key, column by column.
    Values(Vec<String>),
}

impl Wanted {
    /// As parameters: row, key, values.
    #[must_use]
    pub fn parameters(&self) -> (Option<i64>, Option<&str>, Option<&[String]>) {
        match self {
            Self::Row(row) => (Some(*row), None, None),
            Self::Key(key) => (None, Some(key), None),
            Self::Values(values) => (None, None, Some(values)),
        }
    }
}

/// Where rows of one source table are looked for.
#[derive(Debug)]
pub struct Trace<'a> {
    /// The project.
    pub project: &'a Project,
    /// The rows, as a fragment for a `from` clause: a staging table, or what the ledger has of one.
    pub rows: String,
    /// Other staged tables, by name.
    pub staged: &'a BTreeMap<TableName, String>,
}

impl Trace<'_> {
    /// The rows that go from a source table by one normalise and one promote transform to the key that is wanted.
    ///
    /// # Errors
    /// The transforms cannot be rendered for these rows, or the SELECT fails.
    pub async fn find(
        &self,
        client: &impl GenericClient,
        normalise: &Normalise,
        promote: &Promote,
        wanted: &Wanted,
    ) -> Result<Vec<TracedRow>, RelationsError> {
        let none = BTreeMap::new();
        let scope = |rows: String| Scope { rows: Some(rows), staged: self.staged, relations: &none };
        let normalised = self.project.render(&normalise.file, &scope(self.rows.clone()))?;
        let source = literal(&normalise.from.to_string());
        let canonical =
            format!("select {source}::text as _source, normalised.* from ({}\n) as normalised", normalised.sql);
        // Of the relation there is the row that is traced; of the ledger's vectors none, which are no part of a key.
        let row = "(select _traced.*)".to_owned();
        let relation = promote.from.clone().unwrap_or_default();
        let sql = RelationSql {
            canonical: row.clone(),
            accepted: row.clone(),
            clean: row.clone(),
            embedded: embedded(&relation, Uuid::nil(), Place::Ledger)?,
        };
        let relations = BTreeMap::from([(relation, sql)]);
        let promoted = self
            .project
            .render(&promote.file, &Scope { rows: Some(row), staged: self.staged, relations: &relations })?;
        let context = minijinja::context! {
            key => &promote.key,
            canonical => Fragment::new(canonical),
            select => Fragment::new(promoted.sql),
        };
        let query = render_wrap("why_keys.sql", include_str!("../../sql/wrap/why_keys.sql"), context)?;
        let (row, key, values) = wanted.parameters();
        let found = client
            .query(&query, &[&row, &key, &values])
            .await
            .map_err(|error| RelationsError::Sql(promote.file.path.clone(), doing("look for a row")(error)))?;
        Ok(found
            .iter()
            .map(|row| TracedRow { row: row.get("row"), key: row.get("key"), key_values: row.get("key_values") })
            .collect())
    }
}

#[derive(Serialize)]
struct Copied {
    columns: Vec<Column>,
    run: String,
    source: String,
}

#[derive(Serialize)]
struct Column {
    name: String,
    /// `::` and its type.
    cast: Fragment,
}

/// The rows that the ledger has of a run's source table, in the columns of its staging table.
///
/// # Errors
/// Fails when the template cannot be rendered.
pub fn copied_rows(run: Uuid, table: &SourceTable, vector_schema: Option<&str>) -> Result<String, RelationsError> {
    let columns = table
        .columns
        .iter()
        .zip(&table.column_types)
        .map(|(name, type_name)| Column {
            name: name.clone(),
            cast: Fragment::new(match (type_name.as_str(), vector_schema) {
                ("text", _) => String::new(),
                ("bytea", _) | (_, None) => format!("::{}", ident(type_name)),
                (_, Some(schema)) => format!("::{}.{}", ident(schema), ident(type_name)),
            }),
        })
        .collect();
    let context = Copied { columns, run: run.to_string(), source: table.source.to_string() };
    Ok(parenthesised(&render_wrap("why_rows.sql", include_str!("../../sql/wrap/why_rows.sql"), context)?))
}
