//! What the names in a transform's template mean.

use std::collections::BTreeMap;

use crate::names::TableName;

/// What the names in a template mean at the moment it is rendered.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    /// `{{ rows }}`: an SQL fragment for a `from` clause, a quoted relation or a parenthesised subselect. `None` where
    /// the phase has none: then using it is an error.
    pub rows: Option<String>,
    /// Staged tables that exist, each with its quoted SQL name: `staged()` and `is_staged()`.
    pub staged: &'a BTreeMap<TableName, String>,
    /// Canonical relations that some normalise file feeds in this run: `canonical()`, `accepted()`, `clean()`, `fed()`.
    pub relations: &'a BTreeMap<String, RelationSql>,
}

/// SQL fragments for a `from` clause: the rows of a canonical relation at each stage of its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationSql {
    /// All rows.
    pub canonical: String,
    /// Rows that no check took out.
    pub accepted: String,
    /// Accepted rows that were not merged into another, with what they took from those that were.
    pub clean: String,
    /// The vectors that its rows take from the ledger: `_source`, `_row`, `embedding` (`real[]`), `provider`, `model`, `dimensions`,
    /// `text_sha256`.
    pub embedded: String,
}

/// One use of `cast('column', 'type')`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cast {
    /// The column of `{{ rows }}`, unquoted, without its alias.
    pub column: String,
    /// The type's name as the author wrote it; its letters are checked, so it may stand in SQL as it is.
    pub type_name: String,
}
