//! The statements that take back the batches of one final table: from its catalogue, and from what the ledger knows of its
//! before-images. No project is needed.

use serde::Serialize;
use tokio_postgres::GenericClient;

use crate::db::catalog::{ForeignKey, foreign_keys, target_columns};
use crate::db::ledger::{UndoneBatch, undo_key};
use crate::db::undo::UndoTable;
use crate::template::{Fragment, TemplateError, render_wrap};

use super::RollbackError;

/// The statements for one table of before-images: `$1` run, `$2` batch.
#[derive(Debug, Clone)]
pub(super) struct Statements {
    /// Looks again at what an earlier try left.
    pub again: String,
    /// Locks the rows of the target.
    pub lock: String,
    /// Leaves the rows that are not as the batch left them.
    pub changed: String,
    /// Forgets the inserted rows that are gone.
    pub gone: String,
    /// Leaves the rows that others refer to: one statement a foreign key.
    pub referenced: Vec<String>,
    /// Counts what is to be taken back.
    pub expected: String,
    /// Everything at once.
    pub whole: Writes,
    /// One row at a time: `$3` its before-image.
    pub single: Writes,
    /// The before-images one by one.
    pub places: String,
    /// Leaves one row: `$3` its before-image, `$4` why.
    pub refused: String,
    /// Forgets the before-images that were put back.
    pub spent: String,
    /// Counts those that were not.
    pub left: String,
}

/// The statements that write to the target.
#[derive(Debug, Clone)]
pub(super) struct Writes {
    /// Deletes what was inserted.
    pub delete: String,
    /// Restores what was changed; none where nothing could have been.
    pub restore: Option<String>,
    /// Inserts again what was deleted, and what was changed and deleted by others since.
    pub insert: String,
    /// Inserts again what was deleted.
    pub reinsert: String,
}

#[derive(Clone, Serialize)]
struct Context {
    undo: Fragment,
    target: Fragment,
    target_name: String,
    key: Vec<String>,
    json_key: Fragment,
    row_hash: Fragment,
    restored: Vec<String>,
    inserted: Vec<String>,
    single: bool,
    deleted_only: bool,
}

#[derive(Serialize)]
struct Reference {
    undo: Fragment,
    target: Fragment,
    target_name: String,
    key: Vec<String>,
    json_key: Fragment,
    referencing: Fragment,
    referencing_name: String,
    constraint: String,
    references: Vec<Pair>,
    changes: bool,
    itself: bool,
}

/// A column that refers, and the one it refers to.
#[derive(Serialize)]
struct Pair {
    own: String,
    other: String,
}

/// Prepares what takes back the batches of one final table.
///
/// # Errors
/// The table or its before-images are gone or are of another shape, or a table that refers to it cannot be read.
pub(super) async fn prepare(
    client: &impl GenericClient,
    batch: &UndoneBatch,
    undo_table: &str,
) -> Result<Statements, RollbackError> {
    let target = &batch.target;
    let columns = target_columns(client, target).await?;
    if columns.is_empty() {
        return Err(RollbackError::TargetGone(target.clone()));
    }
    let Some(key) = undo_key(client, undo_table).await? else {
        return Err(RollbackError::NoImages { batch: batch.number, undo_table: undo_table.to_owned() });
    };
    let undo = UndoTable::of(target, &columns, &key);
    if undo.sql() != undo_table {
        return Err(RollbackError::TargetChanged { target: target.clone(), undo_table: undo_table.to_owned() });
    }
    let names = |wanted: &dyn Fn(&str, bool, bool) -> bool| -> Vec<String> {
        let wanted = columns.iter().filter(|column| wanted(&column.name, column.generated, column.identity_always));
        wanted.map(|column| column.name.clone()).collect()
    };
    let context = Context {
        undo: Fragment::new(undo.sql()),
        target: Fragment::table(target),
        target_name: target.to_string(),
        json_key: json_key(&key)?,
        row_hash: undo.row_hash("target"),
        restored: names(&|name, generated, _| !generated && !key.iter().any(|key| key == name)),
        inserted: names(&|_, generated, identity| !generated || identity),
        single: false,
        deleted_only: false,
        key,
    };
    let mut referenced = Vec::new();
    for foreign_key in foreign_keys(client, target).await? {
        match (foreign_key.readable, foreign_key.refuses) {
            (true, _) => referenced.push(reference(&context, &foreign_key)?),
            // The server itself refuses then, row by row.
            (false, true) => {}
            (false, false) => {
                return Err(RollbackError::Unreadable {
                    target: target.clone(),
                    table: foreign_key.table,
                    constraint: foreign_key.name,
                });
            }
        }
    }
    macro_rules! render {
        ($name:literal) => {
            render_wrap($name, include_str!(concat!("../../sql/wrap/", $name)), &context)?
        };
    }
    Ok(Statements {
        again: render!("rollback_again.sql"),
        lock: render!("rollback_lock.sql"),
        changed: render!("rollback_changed.sql"),
        gone: render!("rollback_gone.sql"),
        referenced,
        expected: render!("rollback_expected.sql"),
        whole: writes(&context)?,
        single: writes(&Context { single: true, ..context.clone() })?,
        places: render!("rollback_places.sql"),
        refused: render!("rollback_refused.sql"),
        spent: render!("rollback_spent.sql"),
        left: render!("rollback_left.sql"),
    })
}

fn writes(context: &Context) -> Result<Writes, TemplateError> {
    let restore = if context.restored.is_empty() {
        None
    } else {
        let source = include_str!("../../sql/wrap/rollback_restore.sql");
        Some(render_wrap("rollback_restore.sql", source, context)?)
    };
    let insert = include_str!("../../sql/wrap/rollback_insert.sql");
    let deleted_only = Context { deleted_only: true, ..context.clone() };
    Ok(Writes {
        delete: render_wrap("rollback_delete.sql", include_str!("../../sql/wrap/rollback_delete.sql"), context)?,
        restore,
        insert: render_wrap("rollback_insert.sql", insert, context)?,
        reinsert: render_wrap("rollback_insert.sql", insert, &deleted_only)?,
    })
}

fn reference(context: &Context, foreign_key: &ForeignKey) -> Result<String, TemplateError> {
    let pairs = foreign_key.columns.iter().zip(&foreign_key.referenced);
    let context = Reference {
        undo: context.undo.clone(),
        target: context.target.clone(),
        target_name: context.target_name.clone(),
        key: context.key.clone(),
        json_key: context.json_key.clone(),
        referencing: Fragment::table(&foreign_key.table),
        referencing_name: foreign_key.table.to_string(),
        constraint: foreign_key.name.clone(),
        references: pairs.map(|(own, other)| Pair { own: own.clone(), other: other.clone() }).collect(),
        // A batch never changes a column of the key.
        changes: foreign_key.referenced.iter().any(|column| context.restored.contains(column)),
        itself: foreign_key.own,
    };
    let source = include_str!("../../sql/wrap/rollback_referenced.sql");
    render_wrap("rollback_referenced.sql", source, context)
}

/// The key of a before-image as JSON.
fn json_key(key: &[String]) -> Result<Fragment, TemplateError> {
    let context = minijinja::context! { key => key.to_vec() };
    let source = include_str!("../../sql/wrap/rollback_key.sql");
    Ok(Fragment::new(render_wrap("rollback_key.sql", source, context)?.trim_end()))
}
