//! The canonical relations: what the normalise transforms make of the staged rows, as SQL that later phases build on.
//!
//! Nothing is stored: a relation is a SELECT over staging, and each phase reads what it needs of it. That way the wide
//! columns (content, embeddings) are copied once, by promotion, and never by a step in between.

mod error;
mod trace;

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use tokio_postgres::GenericClient;
use uuid::Uuid;

use crate::db::ledger::{SourceTable, last_rows, source_tables};
use crate::db::{Place, doing};
use crate::names::{PARTS_SCHEMA, TableName};
use crate::project::{Cast, Project, RelationSql, Scope};
use crate::template::{Fragment, render_wrap};

pub use error::RelationsError;
pub use trace::{Trace, TracedRow, Wanted, copied_rows};

/// The canonical relations of a run.
#[derive(Debug, Clone)]
pub struct Relations {
    run: Uuid,
    place: Place,
    tables: Vec<SourceTable>,
    staged: BTreeMap<TableName, String>,
    by_name: BTreeMap<String, Relation>,
    sql: BTreeMap<String, RelationSql>,
    skipped: Vec<String>,
}

/// One canonical relation.
#[derive(Debug, Clone)]
struct Relation {
    feeds: Vec<Feed>,
    columns: Vec<String>,
    patches: Vec<Patch>,
}

/// One source table's way into a relation.
#[derive(Debug, Clone)]
pub struct Feed {
    /// The source table.
    pub source: TableName,
    /// Rows of it in staging.
    pub rows_staged: i64,
    /// The last `_row` of it: rows in quarantine keep their ordinals, and so do those of a retry.
    pub last_row: i64,
    /// Its staging table as SQL.
    pub staged: String,
    /// Casts its transform makes.
    pub casts: Vec<Cast>,
    select: String,
}

/// Values that winners take from rows merged into them, in a table of their own.
#[derive(Debug, Clone)]
struct Patch {
    table: String,
    columns: Vec<String>,
}

impl Relations {
    /// Renders the project's normalise transforms over what a run has staged.
    ///
    /// # Errors
    /// A transform's template or SQL is wrong, or two files of one relation yield different columns.
    pub async fn resolve(client: &impl GenericClient, project: &Project, run: Uuid) -> Result<Self, RelationsError> {
        let tables = source_tables(client, run).await?;
        let last_rows = last_rows(client, run).await?;
        Self::over(client, project, run, Place::Ledger, tables, &last_rows).await
    }

    /// Renders them over these tables, which are in `place`; `last_rows` has the last `_row` of each where that is not the
    /// number of rows read.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub async fn over(
        client: &impl GenericClient,
        project: &Project,
        run: Uuid,
        place: Place,
        tables: Vec<SourceTable>,
        last_rows: &HashMap<TableName, i64>,
    ) -> Result<Self, RelationsError> {
        let staged = tables.iter().map(|table| (table.source.clone(), place.table(&table.staged_as))).collect();
        let (by_name, sql) = (BTreeMap::new(), BTreeMap::new());
        let mut resolved = Self { run, place, tables, staged, by_name, sql, skipped: Vec::new() };
        let mut other_types: Vec<&str> = Vec::new();
        for transform in &project.normalise {
            let Some(table) = resolved.tables.iter().find(|table| table.source == transform.from).cloned() else {
                // A project has a file for each type of documentation, and a tree is of one: no line for each of the others.
                if transform.from.schema.as_deref() == Some(PARTS_SCHEMA) {
                    other_types.push(&transform.from.table);
                    continue;
                }
                resolved.skipped.push(format!("{}: the source has no table {}", transform.file.path, transform.from));
                continue;
            };
            let name = place.table(&table.staged_as);
            let rendered = project.render(&transform.file, &resolved.scope(Some(name.clone())))?;
            let prepared = client
                .prepare(&rendered.sql)
                .await
                .map_err(|error| RelationsError::Sql(transform.file.path.clone(), doing("prepare it")(error)))?;
            let columns: Vec<String> = prepared.columns().iter().map(|column| column.name().to_owned()).collect();
            if !columns.iter().any(|column| column == "_row") {
                return Err(RelationsError::NoRow(transform.file.path.clone()));
            }
            let feed = Feed {
                rows_staged: table.rows_staged,
                last_row: last_rows.get(&table.source).copied().unwrap_or(table.rows_read),
                source: table.source,
                staged: name,
                casts: rendered.casts,
                select: rendered.sql,
            };
            let relation = resolved.by_name.entry(transform.into.clone()).or_insert_with(|| Relation {
                feeds: Vec::new(),
                columns: std::iter::once("_source".to_owned()).chain(columns.iter().cloned()).collect(),
                patches: Vec::new(),
            });
            if relation.columns[1..] != columns[..] {
                return Err(RelationsError::Columns {
                    file: transform.file.path.clone(),
                    relation: transform.into.clone(),
                    expected: relation.columns[1..].join(", "),
                    found: columns.join(", "),
                });
            }
            relation.feeds.push(feed);
        }
        if !other_types.is_empty() {
            let types = other_types.join(", ");
            resolved.skipped.push(format!("the transforms for trees of {types}: the source has none of that type"));
        }
        resolved.render_all()?;
        Ok(resolved)
    }

    /// The run that the rows are of.
    #[must_use]
    pub fn run(&self) -> Uuid {
        self.run
    }

    /// Where the rows are.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// What the names in a template mean, with `rows` as `{{ rows }}`.
    #[must_use]
    pub fn scope(&self, rows: Option<String>) -> Scope<'_> {
        Scope { rows, staged: &self.staged, relations: &self.sql }
    }

    /// The source tables that feed a relation, each once; none when the relation is not fed in this run.
    #[must_use]
    pub fn sources(&self, relation: &str) -> Vec<&Feed> {
        let mut sources: Vec<&Feed> = Vec::new();
        for feed in self.by_name.get(relation).map(|relation| relation.feeds.as_slice()).unwrap_or_default() {
            if !sources.iter().any(|known| known.source == feed.source) {
                sources.push(feed);
            }
        }
        sources
    }

    /// Every feed of every relation.
    pub fn feeds(&self) -> impl Iterator<Item = &Feed> {
        self.by_name.values().flat_map(|relation| &relation.feeds)
    }

    /// The source tables of the run.
    #[must_use]
    pub fn tables(&self) -> &[SourceTable] {
        &self.tables
    }

    /// The staging table of a source table, as SQL.
    #[must_use]
    pub fn staged(&self, source: &TableName) -> Option<&str> {
        self.staged.get(source).map(String::as_str)
    }

    /// Source tables that no transform uses: they are staged and go no further.
    pub fn unused(&self) -> impl Iterator<Item = &TableName> {
        let used = |name: &TableName| self.feeds().any(|feed| feed.source == *name);
        self.tables.iter().map(|table| &table.source).filter(move |name| !used(name))
    }

    /// Transforms that were skipped, each with its reason.
    #[must_use]
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// The canonical rows of one source table, as a fragment for a `from` clause.
    ///
    /// # Errors
    /// Fails when the template cannot be rendered.
    pub fn canonical_of(&self, relation: &str, source: &TableName) -> Result<String, RelationsError> {
        let feeds = self.by_name.get(relation).map(|relation| relation.feeds.as_slice()).unwrap_or_default();
        Ok(parenthesised(&canonical(feeds.iter().filter(|feed| feed.source == *source))?))
    }

    /// All clean rows of a relation, as a fragment for a `from` clause; `None` when nothing feeds it.
    #[must_use]
    pub fn clean(&self, relation: &str) -> Option<&str> {
        self.sql.get(relation).map(|sql| sql.clean.as_str())
    }

    /// The clean rows of one source table, as a fragment for a `from` clause.
    ///
    /// # Errors
    /// Fails when the template cannot be rendered.
    pub fn clean_of(&self, relation: &str, source: &TableName) -> Result<String, RelationsError> {
        let clean = self.clean(relation).unwrap_or_default();
        let context = minijinja::context! { clean => Fragment::new(clean), source => source.to_string() };
        let rows = render_wrap("clean_rows.sql", include_str!("../../sql/wrap/clean_rows.sql"), context)?;
        Ok(parenthesised(&rows))
    }

    /// The clean rows of one batch (`$1` first row, `$2` last row), as a fragment for a `from` clause.
    ///
    /// # Errors
    /// Fails when the template cannot be rendered.
    pub fn batch_rows(&self, relation: &str, source: &TableName) -> Result<String, RelationsError> {
        let clean = self.clean(relation).unwrap_or_default();
        let context = minijinja::context! { clean => Fragment::new(clean), source => source.to_string() };
        let rows = render_wrap("batch_rows.sql", include_str!("../../sql/wrap/batch_rows.sql"), context)?;
        Ok(parenthesised(&rows))
    }

    /// Lets the clean rows of a relation take these columns from a table of patches in the staging schema.
    ///
    /// # Errors
    /// Fails when the template cannot be rendered.
    pub fn patch(&mut self, relation: &str, table: &str, columns: &[String]) -> Result<(), RelationsError> {
        if let Some(relation) = self.by_name.get_mut(relation) {
            relation.patches.push(Patch { table: self.place.table(table), columns: columns.to_vec() });
        }
        self.render_all()
    }

    fn render_all(&mut self) -> Result<(), RelationsError> {
        for (name, relation) in &self.by_name {
            self.sql.insert(name.clone(), relation.render(name, self.run, self.place)?);
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct CleanContext {
    merged: Fragment,
    accepted: Fragment,
    columns: Vec<CleanColumn>,
    patches: Vec<CleanPatch>,
    run: String,
}

#[derive(Serialize)]
struct CleanColumn {
    name: String,
    patches: Vec<String>,
}

#[derive(Serialize)]
struct CleanPatch {
    alias: String,
    table: Fragment,
}

impl Relation {
    fn render(&self, name: &str, run: Uuid, place: Place) -> Result<RelationSql, RelationsError> {
        let (run_id, run) = (run, run.to_string());
        let canonical = canonical(self.feeds.iter())?;
        let (rows, quarantine) = (Fragment::new(canonical.clone()), place.quarantine());
        let context = minijinja::context! { canonical => rows, quarantine, run => run.clone() };
        let accepted = render_wrap("accepted.sql", include_str!("../../sql/wrap/accepted.sql"), context)?;
        let alias = |nth: usize| format!("patch {}", nth + 1);
        // The last rule ran on what the earlier ones made, so its values come first.
        let columns: Vec<CleanColumn> = self
            .columns
            .iter()
            .map(|name| CleanColumn {
                name: name.clone(),
                patches: self
                    .patches
                    .iter()
                    .enumerate()
                    .rev()
                    .filter(|(_, patch)| patch.columns.contains(name))
                    .map(|(nth, _)| alias(nth))
                    .collect(),
            })
            .collect();
        let patches: Vec<CleanPatch> = self
            .patches
            .iter()
            .enumerate()
            .map(|(nth, patch)| CleanPatch { alias: alias(nth), table: Fragment::new(patch.table.clone()) })
            .collect();
        let merged = place.merged();
        let context = CleanContext { merged, accepted: Fragment::new(accepted.clone()), columns, patches, run };
        let clean = render_wrap("clean.sql", include_str!("../../sql/wrap/clean.sql"), context)?;
        Ok(RelationSql {
            canonical: parenthesised(&canonical),
            accepted: parenthesised(&accepted),
            clean: parenthesised(&clean),
            embedded: embedded(name, run_id, place)?,
        })
    }
}

#[derive(Serialize)]
struct CanonicalContext {
    feeds: Vec<CanonicalFeed>,
}

#[derive(Serialize)]
struct CanonicalFeed {
    source: String,
    select: Fragment,
}

fn canonical<'a>(feeds: impl Iterator<Item = &'a Feed>) -> Result<String, RelationsError> {
    let feeds: Vec<CanonicalFeed> = feeds
        .map(|feed| CanonicalFeed { source: feed.source.to_string(), select: Fragment::new(feed.select.clone()) })
        .collect();
    let context = CanonicalContext { feeds };
    Ok(render_wrap("canonical.sql", include_str!("../../sql/wrap/canonical.sql"), context)?)
}

/// The vectors that the rows of a relation take from the ledger, as a fragment for a `from` clause.
fn embedded(relation: &str, run: Uuid, place: Place) -> Result<String, RelationsError> {
    let context = minijinja::context! { relation, run => run.to_string(), embedding_row => place.embedding_row() };
    let select = render_wrap("embedded.sql", include_str!("../../sql/wrap/embedded.sql"), context)?;
    Ok(parenthesised(&select))
}

/// A SELECT as a fragment for a `from` clause. The line break keeps a closing comment from swallowing the parenthesis.
fn parenthesised(select: &str) -> String {
    format!("({}\n)", select.trim_end())
}
