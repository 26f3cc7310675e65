//! Names of tables and columns, and the only place where they are quoted.
//!
//! A name travels through sqlmig unquoted, as PostgreSQL stores it. It becomes SQL text in [`ident`] (always quoted, so
//! keywords and mixed case need no special case) and text for people in [`TableName`]'s `Display` (quoted only where
//! PostgreSQL's own `quote_ident` would do so for its letters).

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// The schema that a source of documentation names the tables of documents' parts in, one table a type.
pub const PARTS_SCHEMA: &str = "parts";
/// Schema of the UNLOGGED staging tables.
pub const STAGING_SCHEMA: &str = "staging";
/// Schema of the ledger.
pub const LEDGER_SCHEMA: &str = "sqlmig";

/// Longest identifier PostgreSQL keeps, in bytes (`NAMEDATALEN - 1`); it silently cuts what is longer.
const MAX_IDENTIFIER_BYTES: usize = 63;

/// Quotes an identifier for SQL text: `a"b` becomes `"a""b"`.
#[must_use]
pub fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes a string as an SQL literal that means the same whatever `standard_conforming_strings` says.
#[must_use]
pub fn literal(value: &str) -> String {
    let quoted = value.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// A table as a source or a project names it: a schema, where one was given, and a name; both unquoted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// Schema, or `None` where the source gave none and set no `search_path`.
    pub schema: Option<String>,
    /// The table's own name.
    pub table: String,
}

impl TableName {
    /// A table in a schema.
    #[must_use]
    pub fn new(schema: impl Into<String>, table: impl Into<String>) -> Self {
        Self { schema: Some(schema.into()), table: table.into() }
    }

    /// A table whose schema is not known.
    #[must_use]
    pub fn unqualified(table: impl Into<String>) -> Self {
        Self { schema: None, table: table.into() }
    }

    /// The name as SQL text, every part quoted.
    #[must_use]
    pub fn to_sql(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", ident(schema), ident(&self.table)),
            None => ident(&self.table),
        }
    }

    /// The unquoted name of this table's staging table: `documents` for `public.documents`, `schema.table` for a table
    /// of any other schema. A name longer than PostgreSQL keeps is cut and made unique again by a hash of the whole.
    #[must_use]
    pub fn staged_as(&self) -> String {
        let name = match self.schema.as_deref() {
            None | Some("public") => self.table.clone(),
            Some(schema) => format!("{schema}.{}", self.table),
        };
        fit(&name)
    }
}

/// The SQL name of a table in the staging schema; `name` is as [`TableName::staged_as`] gives it.
#[must_use]
pub fn staging_table(name: &str) -> String {
    format!("{}.{}", ident(STAGING_SCHEMA), ident(name))
}

/// The SQL name of a temporary table of the session.
#[must_use]
pub fn temporary_table(name: &str) -> String {
    format!("pg_temp.{}", ident(name))
}

/// Cuts a name to what PostgreSQL keeps, with a hash of the whole at its end where anything was cut.
#[must_use]
pub fn fit(name: &str) -> String {
    if name.len() <= MAX_IDENTIFIER_BYTES {
        return name.to_owned();
    }
    let hash = short_hash(name);
    let mut end = MAX_IDENTIFIER_BYTES - 1 - hash.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}~{hash}", &name[..end])
}

/// Eight hex digits of a text's SHA-256, for names that must differ where the texts do.
#[must_use]
pub fn short_hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..4])
}

/// Lower-case hex, as people and `encode(…, 'hex')` write digests.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{}.", readable(schema))?;
        }
        f.write_str(&readable(&self.table))
    }
}

impl serde::Serialize for TableName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why a text is not the name of a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a table name: write table, schema.table, or quote a part as in public.\"MixedCase\"")]
pub struct NameError(String);

impl FromStr for TableName {
    type Err = NameError;

    /// Reads `table`, `schema.table` or either with quoted parts, folding unquoted parts to lower case as SQL does.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let error = || NameError(text.to_owned());
        let (first, rest) = part(text).ok_or_else(error)?;
        let Some(rest) = rest.strip_prefix('.') else {
            return if rest.is_empty() { Ok(Self::unqualified(first)) } else { Err(error()) };
        };
        match part(rest) {
            Some((second, "")) => Ok(Self::new(first, second)),
            _ => Err(error()),
        }
    }
}

/// One identifier from the front of `text`, and what follows it.
fn part(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find('.').unwrap_or(text.len());
        let name = &text[..end];
        let plain = !name.is_empty() && !name.contains(['"', '\'', ' ', '(', ')', ';']);
        return plain.then(|| (name.to_lowercase(), &text[end..]));
    };
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let end = rest.find('"')?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return (!name.is_empty()).then_some((name, rest)),
        }
    }
}

/// An identifier as a person reads it: quoted only where its letters need it.
fn readable(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '$');
    if plain { name.to_owned() } else { ident(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_display_and_parse() {
        for name in ["city", "public.documents", "public.\"Album\"", "\"a\"\"b\".\"c.d\"", "\"1\".\"é\""] {
            assert_eq!(name.parse::<TableName>().unwrap().to_string(), name);
        }
        assert_eq!("Public.Docs".parse::<TableName>().unwrap(), TableName::new("public", "docs"));
        for name in ["", ".", "a.", ".a", "a.b.c", "\"a", "a b", "\"\"", "a;b"] {
            assert!(name.parse::<TableName>().is_err(), "{name}");
        }
    }

    #[test]
    fn quoting_leaves_no_way_out() {
        assert_eq!(ident("a\"; drop table b; --"), "\"a\"\"; drop table b; --\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("\\'; drop"), "E'\\\\''; drop'");
    }

    #[test]
    fn staging_names_keep_schemas_apart_and_fit() {
        assert_eq!(TableName::new("public", "documents").staged_as(), "documents");
        assert_eq!(TableName::new("cd", "bookings").staged_as(), "cd.bookings");
        let long = TableName::new("s".repeat(60), "é".repeat(30));
        let longer = TableName::new("s".repeat(60), "é".repeat(31));
        assert!(long.staged_as().len() <= MAX_IDENTIFIER_BYTES);
        assert_ne!(long.staged_as(), longer.staged_as());
    }
}
