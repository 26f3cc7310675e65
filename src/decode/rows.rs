//! The statements that have rows: the heads of COPY and INSERT, and the columns of the rows that follow them.

use super::block::{Column, ColumnKind};
use super::cursor::Cursor;
use super::encoding::Encoding;
use super::error::DecodeErrorKind;
use super::facts::TableShape;
use super::lexer::Kind;
use crate::names::TableName;

/// What a COPY statement does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Copy {
    /// Rows follow.
    Stdin(CopyStdin),
    /// None do; it is counted under this name.
    Other(&'static str),
}

/// The head of a COPY block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CopyStdin {
    pub(super) table: TableName,
    pub(super) columns: Option<Vec<String>>,
    pub(super) delimiter: u8,
    pub(super) null: Vec<u8>,
    /// Whether the first line names the columns.
    pub(super) header: bool,
    pub(super) encoding: Option<Encoding>,
}

/// Reads a COPY statement, the cursor after the word COPY.
pub(super) fn copy(cursor: &mut Cursor<'_>) -> Result<Copy, DecodeErrorKind> {
    let syntax = |cursor: &Cursor<'_>| {
        let head = &cursor.text[..cursor.text.len().min(200)];
        DecodeErrorKind::Syntax(cursor.utf8(head).0)
    };
    if cursor.peek().is_some_and(|token| token.kind == Kind::Punct(b'(')) {
        return Ok(Copy::Other("COPY TO"));
    }
    let mut binary = cursor.word("binary");
    let table = cursor.name().ok_or_else(|| syntax(cursor))?;
    let mut columns = None;
    if cursor.peek().is_some_and(|token| token.kind == Kind::Punct(b'(')) {
        columns = Some(cursor.ident_list().ok_or_else(|| syntax(cursor))?);
    }
    let mut oids = cursor.words(&["with", "oids"]);
    if cursor.word("to") {
        return Ok(Copy::Other("COPY TO"));
    }
    if !cursor.word("from") {
        return Err(syntax(cursor));
    }
    if !cursor.word("stdin") {
        return Ok(Copy::Other(if cursor.word("program") { "COPY FROM PROGRAM" } else { "COPY FROM FILE" }));
    }
    let mut copy = CopyStdin { table, columns, delimiter: b'\t', null: b"\\N".to_vec(), header: false, encoding: None };
    if cursor.words(&["using", "delimiters"]) {
        copy.set_delimiter(cursor)?;
    }
    cursor.word("with");
    if cursor.punct(b'(') {
        copy.options(cursor)?;
    } else {
        // https://www.postgresql.org/docs/current/sql-copy.html, "Compatibility": the syntax of before 9.0.
        loop {
            if cursor.word("binary") {
                binary = true;
            } else if cursor.word("oids") {
                oids = true;
            } else if cursor.word("delimiter") || cursor.word("delimiters") {
                cursor.word("as");
                copy.set_delimiter(cursor)?;
            } else if cursor.word("null") {
                cursor.word("as");
                copy.null = cursor.string().ok_or_else(|| syntax(cursor))?;
            } else if cursor.word("csv") {
                return Err(DecodeErrorKind::CopyFormat("csv".to_owned()));
            } else {
                break;
            }
        }
    }
    if binary {
        return Err(DecodeErrorKind::CopyFormat("binary".to_owned()));
    }
    if let Some(word) = cursor.peek_word() {
        return Err(DecodeErrorKind::CopyOption(word.to_ascii_uppercase()));
    }
    if cursor.peek().is_some_and(|token| token.kind != Kind::Punct(b';')) {
        return Err(syntax(cursor));
    }
    copy.check_markers()?;
    if oids && let Some(columns) = &mut copy.columns {
        columns.insert(0, "oid".to_owned());
    }
    Ok(Copy::Stdin(copy))
}

impl CopyStdin {
    fn set_delimiter(&mut self, cursor: &mut Cursor<'_>) -> Result<(), DecodeErrorKind> {
        match cursor.string().as_deref() {
            Some(&[delimiter]) => {
                self.delimiter = delimiter;
                Ok(())
            }
            _ => Err(DecodeErrorKind::CopyOption("DELIMITER of more than one byte".to_owned())),
        }
    }

    /// Refuses the markers that PostgreSQL refuses (`ProcessCopyOptions`): fields could not be told apart by them, and a
    /// byte that is no ASCII may be a part of a letter once the row is in UTF-8.
    fn check_markers(&self) -> Result<(), DecodeErrorKind> {
        let plain = self.delimiter.is_ascii()
            && !matches!(self.delimiter, b'\r' | b'\n' | b'\\' | b'.' | b'a'..=b'z' | b'0'..=b'9');
        if !plain {
            return Err(DecodeErrorKind::CopyOption("DELIMITER of a letter, a digit or a line end".to_owned()));
        }
        if self.null.iter().any(|byte| matches!(byte, b'\r' | b'\n') || *byte == self.delimiter) {
            return Err(DecodeErrorKind::CopyOption("NULL with the delimiter or a line end in it".to_owned()));
        }
        Ok(())
    }

    fn options(&mut self, cursor: &mut Cursor<'_>) -> Result<(), DecodeErrorKind> {
        while let Some(option) = cursor.ident() {
            match option.as_str() {
                "format" => match cursor.setting().unwrap_or_default().to_ascii_lowercase().as_str() {
                    "text" => {}
                    other => return Err(DecodeErrorKind::CopyFormat(other.to_owned())),
                },
                "delimiter" => self.set_delimiter(cursor)?,
                "null" => {
                    let value = cursor.string().or_else(|| cursor.setting().map(String::into_bytes));
                    self.null = value.ok_or_else(|| DecodeErrorKind::CopyOption("NULL".to_owned()))?;
                }
                "encoding" => {
                    let name = cursor.setting().unwrap_or_default();
                    self.encoding = Some(Encoding::by_name(&name).ok_or(DecodeErrorKind::Encoding(name))?);
                }
                "header" => {
                    let value = cursor.setting().unwrap_or_else(|| "true".to_owned());
                    self.header = !matches!(value.to_ascii_lowercase().as_str(), "false" | "off" | "0");
                }
                // These change what happens to rows in the server, not how they are written.
                "freeze" | "on_error" | "log_verbosity" | "reject_limit" => cursor.skip_item(),
                other => return Err(DecodeErrorKind::CopyOption(other.to_ascii_uppercase())),
            }
            if !cursor.punct(b',') {
                break;
            }
        }
        if cursor.punct(b')') { Ok(()) } else { Err(DecodeErrorKind::CopyOption("list".to_owned())) }
    }
}

/// The head of an INSERT … VALUES.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Insert {
    pub(super) table: TableName,
    pub(super) columns: Option<Vec<String>>,
    /// `DEFAULT VALUES`: one row that holds no value.
    pub(super) defaults: bool,
}

/// Reads an INSERT up to and with its VALUES; `None` where its rows do not simply follow.
pub(super) fn insert(cursor: &mut Cursor<'_>) -> Option<Insert> {
    if !cursor.words(&["insert", "into"]) {
        return None;
    }
    let table = cursor.name()?;
    if cursor.word("as") {
        cursor.ident()?;
    }
    let mut columns = None;
    if cursor.peek()?.kind == Kind::Punct(b'(') {
        columns = Some(cursor.ident_list()?);
    }
    if cursor.word("overriding") {
        let _ = cursor.word("system") || cursor.word("user");
        cursor.word("value");
    }
    let defaults = cursor.word("default");
    (cursor.word("values") && cursor.peek().is_none()).then_some(Insert { table, columns, defaults })
}

/// The columns of rows: those that the statement names, or the table's, or as many as the first row has.
pub(super) fn columns(names: Option<&[String]>, shape: Option<&TableShape>) -> Option<Vec<Column>> {
    let known = |name: &str| shape.and_then(|shape| shape.columns.iter().find(|column| column.name == name));
    if let Some(names) = names {
        let column = |name: &String| {
            let known = known(name);
            Column {
                name: name.clone(),
                kind: known.map_or(ColumnKind::Text, |column| ColumnKind::of_type(&column.type_text)),
                generated: known.is_some_and(|column| column.generated),
            }
        };
        return Some(names.iter().map(column).collect());
    }
    let column = |column: &super::facts::ColumnShape| Column {
        name: column.name.clone(),
        kind: ColumnKind::of_type(&column.type_text),
        generated: column.generated,
    };
    shape.map(|shape| shape.columns.iter().map(column).collect())
}

/// Names for columns of which nothing is known.
pub(super) fn unnamed(count: usize) -> Vec<Column> {
    (1..=count)
        .map(|number| Column { name: format!("column{number}"), kind: ColumnKind::Text, generated: false })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::encoding::Trail;
    use crate::decode::lexer::Mode;

    fn cursor(sql: &str) -> Cursor<'_> {
        Cursor::new(sql.as_bytes(), Mode { standard_strings: true, trail: Trail::Safe }, Encoding::UTF8)
    }

    fn stdin(sql: &str) -> CopyStdin {
        match copy(&mut cursor(sql)).unwrap() {
            Copy::Stdin(copy) => copy,
            Copy::Other(kind) => panic!("{kind}"),
        }
    }

    #[test]
    fn copy_in_all_its_forms() {
        let plain = stdin("public.\"My Table\" (id, \"a\"\"b\", Name) FROM stdin;");
        assert_eq!(plain.table, TableName::new("public", "My Table"));
        assert_eq!(plain.columns.unwrap(), ["id", "a\"b", "name"]);
        assert_eq!((plain.delimiter, plain.null.as_slice()), (b'\t', b"\\N".as_slice()));
        for sql in [
            "t FROM STDIN WITH (FORMAT text, DELIMITER '|', NULL '');",
            "t from stdin (delimiter '|', null '', freeze);",
            "t FROM stdin USING DELIMITERS '|' WITH NULL AS '';",
            "t FROM stdin DELIMITERS '|' NULL '';",
            "t from stdin with delimiter as E'\\x7c' null as '';",
        ] {
            let copy = stdin(sql);
            assert_eq!((copy.delimiter, copy.null.as_slice(), copy.columns), (b'|', b"".as_slice(), None), "{sql}");
        }
        assert_eq!(stdin("t () FROM stdin;").columns.unwrap(), [""; 0]);
        assert_eq!(stdin("t (a) WITH OIDS FROM stdin;").columns.unwrap(), ["oid", "a"]);
    }

    #[test]
    fn copy_without_rows_or_in_another_format() {
        assert_eq!(copy(&mut cursor("t FROM PROGRAM 'id';")).unwrap(), Copy::Other("COPY FROM PROGRAM"));
        assert_eq!(copy(&mut cursor("t FROM '/etc/passwd';")).unwrap(), Copy::Other("COPY FROM FILE"));
        assert_eq!(copy(&mut cursor("(select 1) TO stdout;")).unwrap(), Copy::Other("COPY TO"));
        for sql in [
            "t FROM stdin CSV;",
            "t FROM stdin (FORMAT csv);",
            "BINARY t FROM stdin;",
            "t FROM stdin (format 'binary')",
        ] {
            assert!(matches!(copy(&mut cursor(sql)), Err(DecodeErrorKind::CopyFormat(_))), "{sql}");
        }
        for sql in [
            "t FROM stdin WHERE a > 1;",
            "t FROM stdin (DEFAULT 'x')",
            "t FROM stdin (FORMAT text NULL 'x')",
            "t FROM stdin (NULL, FREEZE)",
        ] {
            assert!(matches!(copy(&mut cursor(sql)), Err(DecodeErrorKind::CopyOption(_))), "{sql}");
        }
        assert!(matches!(copy(&mut cursor("t FROM stdin 5;")), Err(DecodeErrorKind::Syntax(_))));
        assert_eq!(stdin("t FROM stdin (NULL 5);").null, b"5");
        assert_eq!(stdin(r"t FROM stdin NULL '\N';").null, br"\N");
        assert_eq!(stdin("t FROM stdin (NULL Nil);").null, b"nil");
    }

    /// A delimiter that is a part of a letter would cut that letter in two.
    #[test]
    fn markers_that_postgresql_refuses_are_refused() {
        for marker in ["E'\\n'", "E'\\r'", "'.'", "E'\\\\'", "'a'", "'7'", "E'\\xa7'", "''", "'||'", "'§'"] {
            let sql = format!("t FROM stdin (DELIMITER {marker});");
            assert!(matches!(copy(&mut cursor(&sql)), Err(DecodeErrorKind::CopyOption(_))), "{sql}");
        }
        for marker in ["E'a\\nb'", "E'\\r'", "'a|b'"] {
            let sql = format!("t FROM stdin (NULL {marker}, DELIMITER '|');");
            assert!(matches!(copy(&mut cursor(&sql)), Err(DecodeErrorKind::CopyOption(_))), "{sql}");
        }
        assert_eq!(stdin("t FROM stdin (DELIMITER 'A');").delimiter, b'A');
    }

    #[test]
    fn insert_heads() {
        let head = insert(&mut cursor("INSERT INTO a.b AS c (x, \"Y\") OVERRIDING SYSTEM VALUE VALUES")).unwrap();
        assert_eq!((head.table, head.columns.unwrap()), (TableName::new("a", "b"), vec!["x".into(), "Y".into()]));
        assert!(insert(&mut cursor("insert into t default values")).unwrap().defaults);
        assert_eq!(insert(&mut cursor("insert into t with x as (select 1) values")), None);
    }
}
