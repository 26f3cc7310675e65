//! The statement that writes one batch: the author's SELECT, wrapped.

use serde::Serialize;
use tokio_postgres::GenericClient;

use crate::db::catalog::{TargetColumn, has_unique_key, target_columns};
use crate::db::doing;
use crate::db::undo::UndoTable;
use crate::names::{TableName, ident};
use crate::project::{Action, Project, Promote};
use crate::relations::Relations;
use crate::template::{Fragment, render_wrap};

use super::PromoteError;

/// A promote transform, ready to run on the batches of one source table.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    /// The whole statement: `$1` first row, `$2` last row, `$3` run, `$4` batch.
    pub sql: String,
    /// The same for rows of which the target has none: it does not look. A transform that deletes has none, nor has one that
    /// reads no source rows, whose only batch tells nothing of others.
    pub insert: Option<String>,
    /// The statement that keeps others from writing to the target meanwhile.
    pub lock: String,
    /// Where its before-images go, as SQL.
    pub undo_table: String,
    /// The statement that makes that table.
    pub undo_ddl: String,
}

#[derive(Serialize)]
struct Context {
    columns: Vec<Incoming>,
    names: Vec<String>,
    updated: Vec<Updated>,
    all_columns: Vec<String>,
    key: Vec<String>,
    target: Fragment,
    undo: Fragment,
    row_hash: Fragment,
    select: Fragment,
    rows: Option<Fragment>,
}

/// A column of the SELECT.
#[derive(Serialize)]
struct Incoming {
    name: String,
    expression: Fragment,
}

/// A column that an update writes.
#[derive(Serialize)]
struct Updated {
    name: String,
    comparison: Fragment,
}

/// Wraps a promote transform for one source table, or for its single batch.
///
/// # Errors
/// The SELECT or its header does not fit the target.
pub(super) async fn prepare(
    client: &impl GenericClient,
    project: &Project,
    relations: &Relations,
    promote: &Promote,
    source: Option<&TableName>,
) -> Result<Statement, PromoteError> {
    let (context, undo_table, undo_ddl) = context(client, project, relations, promote, source).await?;
    let sql = match promote.action {
        Action::Upsert => render_wrap("promote_batch.sql", include_str!("../../sql/wrap/promote_batch.sql"), &context)?,
        Action::Delete => render_wrap("delete_batch.sql", include_str!("../../sql/wrap/delete_batch.sql"), &context)?,
    };
    let insert = match (promote.action, &context.rows) {
        (Action::Upsert, Some(_)) => {
            Some(render_wrap("insert_batch.sql", include_str!("../../sql/wrap/insert_batch.sql"), &context)?)
        }
        _ => None,
    };
    let context = minijinja::context! { target => Fragment::table(&promote.target) };
    let lock = render_wrap("lock_target.sql", include_str!("../../sql/wrap/lock_target.sql"), context)?;
    Ok(Statement { sql, insert, lock, undo_table, undo_ddl })
}

/// The statement that compares a batch with the target and writes nothing: `$1` first row, `$2` last row.
///
/// # Errors
/// As [`prepare`].
pub(super) async fn comparison(
    client: &impl GenericClient,
    project: &Project,
    relations: &Relations,
    promote: &Promote,
    source: Option<&TableName>,
) -> Result<String, PromoteError> {
    let (context, ..) = context(client, project, relations, promote, source).await?;
    let (file, text) = match promote.action {
        Action::Upsert => ("trial_compare.sql", include_str!("../../sql/wrap/trial_compare.sql")),
        Action::Delete => ("trial_compare_deletes.sql", include_str!("../../sql/wrap/trial_compare_deletes.sql")),
    };
    Ok(render_wrap(file, text, &context)?)
}

/// What the statements of a promote transform are made of, held against the target; with the table for before-images, and the
/// statement that makes it.
async fn context(
    client: &impl GenericClient,
    project: &Project,
    relations: &Relations,
    promote: &Promote,
    source: Option<&TableName>,
) -> Result<(Context, String, String), PromoteError> {
    let transform = promote.file.path.as_str();
    let target = target_columns(client, &promote.target).await?;
    if target.is_empty() {
        return Err(PromoteError::NoTarget { transform: transform.into(), target: promote.target.clone() });
    }
    if !has_unique_key(client, &promote.target, &promote.key).await? {
        return Err(PromoteError::NoUniqueKey {
            transform: transform.into(),
            target: promote.target.clone(),
            key: promote.key.join(", "),
        });
    }
    let rows = match (&promote.from, source) {
        (Some(relation), Some(source)) => Some(relations.batch_rows(relation, source)?),
        _ => None,
    };
    let rendered = project.render(&promote.file, &relations.scope(rows.clone()))?;
    let prepared = client
        .prepare(&rendered.sql)
        .await
        .map_err(|error| PromoteError::Sql(transform.into(), doing("prepare it")(error)))?;
    let selected: Vec<(String, u32)> =
        prepared.columns().iter().map(|column| (column.name().to_owned(), column.type_().oid())).collect();
    let columns = fit_columns(promote, &target, &selected)?;
    let undo = UndoTable::of(&promote.target, &target, &promote.key);
    let context = Context {
        names: columns.iter().map(|(_, column)| column.name.clone()).collect(),
        updated: columns
            .iter()
            .filter(|(_, column)| !promote.key.contains(&column.name) && !promote.insert_only.contains(&column.name))
            .map(|(_, column)| Updated {
                name: column.name.clone(),
                comparison: Fragment::new(if column.comparable { "" } else { "::text" }),
            })
            .collect(),
        columns: columns
            .iter()
            .map(|(oid, column)| Incoming { name: column.name.clone(), expression: incoming(*oid, column) })
            .collect(),
        all_columns: target.iter().map(|column| column.name.clone()).collect(),
        key: promote.key.clone(),
        target: Fragment::table(&promote.target),
        undo: Fragment::new(undo.sql()),
        row_hash: undo.row_hash("target"),
        select: Fragment::new(rendered.sql),
        rows: rows.map(Fragment::new),
    };
    Ok((context, undo.sql(), undo.ddl()?))
}

/// The keys that several rows of the run would be written to; a few of them, as text.
///
/// # Errors
/// The SELECT is wrong or the database does not answer.
pub(super) async fn key_conflicts(
    client: &impl GenericClient,
    project: &Project,
    relations: &Relations,
    promote: &Promote,
) -> Result<Vec<String>, PromoteError> {
    let Some(rows) = promote.from.as_deref().and_then(|relation| relations.clean(relation)) else {
        return Ok(Vec::new());
    };
    let rendered = project.render(&promote.file, &relations.scope(Some(rows.to_owned())))?;
    let context = minijinja::context! { key => &promote.key, select => Fragment::new(rendered.sql) };
    let query = render_wrap("key_conflicts.sql", include_str!("../../sql/wrap/key_conflicts.sql"), context)?;
    let found = client
        .query(&query, &[])
        .await
        .map_err(|error| PromoteError::Sql(promote.file.path.clone(), doing("look for rows of one key")(error)))?;
    Ok(found.iter().map(|row| format!("{} ({} rows)", row.get::<_, &str>("key"), row.get::<_, i64>("rows"))).collect())
}

/// Holds the SELECT's columns against the target's.
fn fit_columns<'a>(
    promote: &Promote,
    target: &'a [TargetColumn],
    selected: &[(String, u32)],
) -> Result<Vec<(u32, &'a TargetColumn)>, PromoteError> {
    let wrong = |reason: String| PromoteError::Columns { transform: promote.file.path.clone(), reason };
    let mut columns = Vec::new();
    for (name, oid) in selected {
        let Some(column) = target.iter().find(|column| column.name == *name) else {
            return Err(wrong(format!("{} has no column {name:?}", promote.target)));
        };
        if column.generated {
            return Err(wrong(format!("column {name:?} of {} is generated by the server", promote.target)));
        }
        if columns.iter().any(|(_, known): &(u32, &TargetColumn)| known.name == *name) {
            return Err(wrong(format!("it yields column {name:?} twice")));
        }
        columns.push((*oid, column));
    }
    if promote.action == Action::Delete {
        return match columns.iter().find(|(_, column)| !promote.key.contains(&column.name)) {
            Some((_, column)) => {
                Err(wrong(format!("rows to delete are named by the key; {:?} is not in it", column.name)))
            }
            None if columns.len() < promote.key.len() => {
                Err(wrong("it does not yield all columns of its key".to_owned()))
            }
            None => Ok(columns),
        };
    }
    let yielded = |name: &str| selected.iter().any(|(own, _)| own == name);
    if let Some(column) = target.iter().find(|column| column.required && !yielded(&column.name)) {
        return Err(wrong(format!("{} needs a value in column {:?}", promote.target, column.name)));
    }
    if let Some(key) = promote.key.iter().find(|key| !yielded(key)) {
        return Err(wrong(format!("it does not yield its key column {key:?}")));
    }
    Ok(columns)
}

/// The SELECT's column as the target's type. A value that has the type already is left as it is, so that a stored vector
/// stays a pointer to where it is stored until it is written.
fn incoming(oid: u32, column: &TargetColumn) -> Fragment {
    let name = ident(&column.name);
    if oid == column.type_oid {
        Fragment::new(format!("selected.{name}"))
    } else {
        Fragment::new(format!("selected.{name}::{}", column.type_name))
    }
}
