//! What CREATE TABLE and CREATE TYPE … AS ENUM tell of columns; everything else in them is skipped.

use super::cursor::Cursor;
use super::facts::ColumnShape;
use super::lexer::Kind;
use crate::names::TableName;

/// Something created that later rows refer to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Created {
    Table {
        name: TableName,
        columns: Vec<ColumnShape>,
        /// Tables whose columns come before its own: inherited, copied by LIKE, or of which it is a partition.
        parents: Vec<TableName>,
    },
    Enum {
        name: TableName,
        labels: Vec<String>,
    },
}

/// Words that end a column's type.
const AFTER_TYPE: [&str; 14] = [
    "collate",
    "compression",
    "constraint",
    "check",
    "default",
    "deferrable",
    "generated",
    "initially",
    "not",
    "null",
    "options",
    "primary",
    "references",
    "storage",
];

/// Reads a statement, the cursor after the word CREATE.
pub(super) fn create(cursor: &mut Cursor<'_>) -> Option<Created> {
    if cursor.word("type") {
        return create_enum(cursor);
    }
    while ["global", "local", "temp", "temporary", "unlogged", "foreign"].iter().any(|word| cursor.word(word)) {}
    if !cursor.word("table") {
        return None;
    }
    cursor.words(&["if", "not", "exists"]);
    let name = cursor.name()?;
    let mut columns = Vec::new();
    let mut parents = Vec::new();
    if cursor.words(&["partition", "of"]) {
        parents.push(cursor.name()?);
        return Some(Created::Table { name, columns, parents });
    }
    if cursor.punct(b'(') {
        elements(cursor, &mut columns, &mut parents)?;
    }
    if cursor.word("inherits") && cursor.punct(b'(') {
        while let Some(parent) = cursor.name() {
            parents.push(parent);
            if !cursor.punct(b',') {
                break;
            }
        }
    }
    Some(Created::Table { name, columns, parents })
}

fn create_enum(cursor: &mut Cursor<'_>) -> Option<Created> {
    let name = cursor.name()?;
    if !cursor.words(&["as", "enum"]) || !cursor.punct(b'(') {
        return None;
    }
    let mut labels = Vec::new();
    while let Some(label) = cursor.string() {
        labels.push(cursor.utf8(&label).0);
        cursor.punct(b',');
    }
    Some(Created::Enum { name, labels })
}

fn elements(cursor: &mut Cursor<'_>, columns: &mut Vec<ColumnShape>, parents: &mut Vec<TableName>) -> Option<()> {
    if cursor.punct(b')') {
        return Some(());
    }
    loop {
        if cursor.word("like") {
            parents.push(cursor.name()?);
        } else if !is_constraint(cursor) {
            columns.push(column(cursor)?);
        }
        cursor.skip_item();
        if cursor.punct(b')') {
            return Some(());
        }
        if !cursor.punct(b',') {
            return None;
        }
    }
}

fn is_constraint(cursor: &Cursor<'_>) -> bool {
    match cursor.peek_word().as_deref() {
        Some("constraint" | "primary" | "unique" | "check" | "foreign") => true,
        // No reserved word, so a column may be called so.
        Some("exclude") => {
            let mut after = cursor.clone();
            after.next();
            after.word("using") || after.punct(b'(')
        }
        _ => false,
    }
}

fn column(cursor: &mut Cursor<'_>) -> Option<ColumnShape> {
    let name = cursor.ident()?;
    let start = cursor.peek()?.start;
    let mut end = start;
    let mut parens = 0_usize;
    while let Some(token) = cursor.peek() {
        match token.kind {
            Kind::Punct(b',' | b')') if parens == 0 => break,
            Kind::Punct(b'(' | b'[') => parens += 1,
            Kind::Punct(b')' | b']') => parens = parens.saturating_sub(1),
            Kind::Word if parens == 0 => {
                let word = cursor.bytes(token);
                if AFTER_TYPE.iter().chain(&["unique"]).any(|stop| word.eq_ignore_ascii_case(stop.as_bytes())) {
                    break;
                }
            }
            _ => {}
        }
        end = token.end;
        cursor.at = token.end;
    }
    let type_text = cursor.utf8(&cursor.text[start..end]).0.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(ColumnShape { name, type_text, generated: is_generated(cursor) })
}

/// Whether `GENERATED ALWAYS AS (expression)` follows; an identity has no parenthesis there.
fn is_generated(cursor: &Cursor<'_>) -> bool {
    let mut cursor = cursor.clone();
    let mut parens = 0_usize;
    while let Some(token) = cursor.peek() {
        match token.kind {
            Kind::Punct(b',' | b')') if parens == 0 => return false,
            Kind::Punct(b'(') => parens += 1,
            Kind::Punct(b')') => parens -= 1,
            Kind::Word if parens == 0 && cursor.words(&["generated", "always", "as"]) => {
                if cursor.punct(b'(') {
                    return true;
                }
                continue;
            }
            _ => {}
        }
        cursor.at = token.end;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::encoding::{Encoding, Trail};
    use crate::decode::lexer::Mode;

    fn created(sql: &str) -> Option<Created> {
        let mode = Mode { standard_strings: true, trail: Trail::Safe };
        create(&mut Cursor::new(sql.as_bytes(), mode, Encoding::UTF8))
    }

    fn columns(sql: &str) -> Vec<(String, String, bool)> {
        match created(sql) {
            Some(Created::Table { columns, .. }) => {
                columns.into_iter().map(|column| (column.name, column.type_text, column.generated)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn columns_and_nothing_else() {
        let sql = "UNLOGGED TABLE IF NOT EXISTS s.\"T\" (
            id bigint NOT NULL GENERATED ALWAYS AS IDENTITY, -- a comment, with (brackets
            \"Weird,Name\" character varying(10) DEFAULT 'a,b)'::character varying COLLATE \"C\",
            e public.vector(3) NOT NULL, at timestamp(3) without time zone, n numeric(10,2)[],
            g text GENERATED ALWAYS AS ((lower(a) || ')')) STORED, exclude integer,
            CONSTRAINT c CHECK ((n > 0)), EXCLUDE USING gist (e WITH =), PRIMARY KEY (id), LIKE other INCLUDING ALL
        ) INHERITS (s.parent, p2) WITH (fillfactor='70');";
        let expected = [
            ("id", "bigint", false),
            ("Weird,Name", "character varying(10)", false),
            ("e", "public.vector(3)", false),
            ("at", "timestamp(3) without time zone", false),
            ("n", "numeric(10,2)[]", false),
            ("g", "text", true),
            ("exclude", "integer", false),
        ];
        let expected: Vec<_> = expected.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), *c)).collect();
        assert_eq!(columns(sql), expected);
        let Some(Created::Table { name, parents, .. }) = created(sql) else { panic!() };
        assert_eq!(name, TableName::new("s", "T"));
        let names = [TableName::unqualified("other"), TableName::new("s", "parent"), TableName::unqualified("p2")];
        assert_eq!(parents, names);
        assert_eq!(columns("TABLE t ();"), []);
    }

    #[test]
    fn partitions_and_enums() {
        let sql = "TABLE p PARTITION OF s.t FOR VALUES FROM (1) TO (2);";
        assert!(matches!(created(sql), Some(Created::Table { parents, .. }) if parents == [TableName::new("s", "t")]));
        let labels = vec!["a".to_owned(), "it's".to_owned()];
        let name = TableName::new("s", "mood");
        assert_eq!(created("TYPE s.mood AS ENUM ('a', 'it''s');"), Some(Created::Enum { name, labels }));
        assert_eq!(created("TYPE s.pair AS (a int);"), None);
        assert_eq!(created("FUNCTION f() RETURNS TABLE (a int)"), None);
    }
}
