//! How a source table lies in staging: which columns its staging table has, and where each field of a row goes.

use crate::db::staging::digest_column;
use crate::decode::{Block, ColumnKind, DumpFacts};
use crate::names::{TableName, staging_table};

use super::StageError;

/// Column of every staging table that holds the reader's digest of the row.
const ROW_DIGEST: &str = "_digest";

/// The staging table of one source table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// The table in the source.
    pub source: TableName,
    /// Its staging table, unquoted and without the schema.
    pub staged_as: String,
    /// Its columns, as in the source.
    pub columns: Vec<StagingColumn>,
    /// Columns whose SHA-256 is staged with each row, by their index in `columns`.
    pub digested: Vec<usize>,
}

/// A column of a staging table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StagingColumn {
    /// Its name in the source.
    pub source_name: String,
    /// Its name in staging: the same, unless that is taken by a column of sqlmig's own.
    pub name: String,
    /// What its fields are.
    pub kind: ColumnKind,
}

impl Layout {
    /// The layout of the table that `block` has rows of: the columns of its `CREATE TABLE` where the source has one,
    /// else the block's own; `digested` names the columns whose SHA-256 the project wants.
    pub fn new(block: &Block, facts: &DumpFacts, digested: &[String]) -> Self {
        let shape = facts.tables.iter().rev().find(|shape| shape.name == block.table);
        let named: Vec<(String, ColumnKind)> = match shape {
            Some(shape) => shape.columns.iter().map(|c| (c.name.clone(), ColumnKind::of_type(&c.type_text))).collect(),
            None => block.columns.iter().map(|column| (column.name.clone(), column.kind)).collect(),
        };
        Self::of(block.table.clone(), named, digested)
    }

    /// The layout of a table with these columns.
    pub fn of(source: TableName, named: Vec<(String, ColumnKind)>, digested: &[String]) -> Self {
        let mut own: Vec<String> = digested.iter().map(|column| digest_column(column)).collect();
        own.extend(["_row".into(), ROW_DIGEST.into()]);
        // A source may have both a column of sqlmig's name and one of the name that this would get instead.
        let of_source: Vec<String> = named.iter().map(|(name, _)| name.clone()).collect();
        let columns: Vec<StagingColumn> = named
            .into_iter()
            .map(|(source_name, kind)| {
                let mut name = source_name.clone();
                while own.contains(&name) || (name != source_name && of_source.contains(&name)) {
                    name.push('_');
                }
                StagingColumn { source_name, name, kind }
            })
            .collect();
        let digested = digested.iter().filter_map(|name| columns.iter().position(|c| c.source_name == *name)).collect();
        Self { staged_as: source.staged_as(), source, columns, digested }
    }

    /// The staging table as SQL.
    pub fn table(&self) -> String {
        staging_table(&self.staged_as)
    }

    /// Names of all columns, in the order of COPY: `_row`, the row's digest, the source's own columns, then their digests.
    pub fn column_names(&self) -> Vec<String> {
        let digests = self.digested.iter().map(|&index| digest_column(&self.columns[index].source_name));
        let sqlmigs = ["_row".to_owned(), ROW_DIGEST.to_owned()];
        sqlmigs.into_iter().chain(self.columns.iter().map(|c| c.name.clone())).chain(digests).collect()
    }

    /// For each column the index of the block's field that fills it, `None` where the block has none.
    ///
    /// # Errors
    /// Fails when the block has a column that the staging table lacks: the source gives one table two shapes.
    pub fn fields_of(&self, block: &Block) -> Result<Vec<Option<usize>>, StageError> {
        for column in &block.columns {
            let known = self.columns.iter().any(|own| own.source_name == column.name && own.kind == column.kind);
            if !known {
                return Err(StageError::Shape {
                    table: self.source.clone(),
                    column: column.name.clone(),
                    line: block.line,
                });
            }
        }
        let place = |name: &str| block.columns.iter().position(|column| column.name == name);
        Ok(self.columns.iter().map(|column| place(&column.source_name)).collect())
    }

    /// Whether any column holds vectors.
    pub fn has_vectors(&self) -> bool {
        self.columns.iter().any(|column| column.kind != ColumnKind::Text)
    }
}

/// pgvector's name of a kind of column; `None` for text.
pub(super) fn vector_type(kind: ColumnKind) -> Option<&'static str> {
    match kind {
        ColumnKind::Text => None,
        ColumnKind::Vector => Some("vector"),
        ColumnKind::HalfVector => Some("halfvec"),
        ColumnKind::SparseVector => Some("sparsevec"),
    }
}
