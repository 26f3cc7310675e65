//! Tables of before-images: how they are named and made, and the hash by which a row that was changed since is known.
//! Promotion fills them, rollback reads them.

use crate::names::{LEDGER_SCHEMA, TableName, fit, ident, short_hash};
use crate::template::{Fragment, TemplateError, render_wrap};

use super::catalog::TargetColumn;

/// Part of every table's name: rises when the tables' own columns change, so that old ones are not mistaken for new ones.
const LAYOUT: &str = "2";

/// The table for before-images of a final table.
#[derive(Debug, Clone)]
pub struct UndoTable<'a> {
    target: &'a TableName,
    columns: &'a [TargetColumn],
    key: &'a [String],
    name: String,
}

impl<'a> UndoTable<'a> {
    /// The table for a final table with these columns, whose rows are found again by `key`. All of that is part of its
    /// name: a target that got a new column gets a new undo table, and what the old one holds stays readable.
    #[must_use]
    pub fn of(target: &'a TableName, columns: &'a [TargetColumn], key: &'a [String]) -> Self {
        let mut shape = vec![LAYOUT.to_owned()];
        for column in columns {
            shape.extend([column.name.clone(), column.type_name.clone(), hashed(column, "")]);
        }
        shape.extend(key.iter().cloned());
        let name = fit(&format!("undo {} {target}", short_hash(&shape.join("\0"))));
        Self { target, columns, key, name }
    }

    /// Its name as SQL, as the ledger's batches have it.
    #[must_use]
    pub fn sql(&self) -> String {
        format!("{}.{}", ident(LEDGER_SCHEMA), ident(&self.name))
    }

    /// The statements that make it, with its index, and enter it in the ledger; they may be run again.
    ///
    /// # Errors
    /// One of sqlmig's own statements could not be made.
    pub fn ddl(&self) -> Result<String, TemplateError> {
        let undo = Fragment::new(self.sql());
        let context = minijinja::context! {
            undo => undo,
            target => Fragment::table(self.target),
            columns => self.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>(),
            index => fit(&format!("batches of {}", self.name)),
            undo_name => self.sql(),
            target_name => self.target.to_string(),
            key => self.key.to_vec(),
        };
        Ok([
            render_wrap("undo_table.sql", include_str!("../../sql/wrap/undo_table.sql"), &context)?,
            render_wrap("undo_index.sql", include_str!("../../sql/wrap/undo_index.sql"), &context)?,
            render_wrap("undo_register.sql", include_str!("../../sql/wrap/undo_register.sql"), &context)?,
        ]
        .join(";\n"))
    }

    /// A hash of all columns of a row of `alias`, 64 bits. PostgreSQL's own, which hash partitioning relies on, so that it
    /// is the same in every version.
    #[must_use]
    pub fn row_hash(&self, alias: &str) -> Fragment {
        let columns: Vec<String> = self.columns.iter().map(|column| hashed(column, alias)).collect();
        Fragment::new(format!("pg_catalog.hash_record_extended(row({}), 0)", columns.join(", ")))
    }
}

/// A column as it is hashed: types without a hash of their own (pgvector's, json, point) as their bytes or as text.
fn hashed(column: &TargetColumn, alias: &str) -> String {
    let name = format!("{alias}.{}", ident(&column.name));
    match &column.send {
        _ if column.hashable => name,
        Some((schema, function)) => format!("{}.{}({name})", ident(schema), ident(function)),
        None => format!("{name}::text"),
    }
}
