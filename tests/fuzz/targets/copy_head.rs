//! Heads of COPY and INSERT, and identifiers: what is quoted here is read back there, and what was read once is read
//! the same when it is written again.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use sqlmig::decode::{Block, Item, RowDecoder, RowForm, ScanOptions, Scanner};
use sqlmig::names::{TableName, ident, literal, staging_table};

fuzz_target!(|data: &[u8]| {
    let Some((mode, rest)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    match mode % 4 {
        0 => names(&text),
        1 => quoted(&text),
        2 => parsed(&text),
        _ => again(*mode, rest),
    }
});

/// Any two parts make a name that survives being shown and read.
fn names(text: &str) {
    let (first, second) = text.split_once('\n').unwrap_or((text, ""));
    if first.is_empty() {
        return;
    }
    let schema = (!second.is_empty()).then(|| second.to_owned());
    let name = TableName { schema, table: first.to_owned() };
    assert_eq!(name.to_string().parse().as_ref(), Ok(&name));
    assert_eq!(name.to_sql().parse().as_ref(), Ok(&name));
    let staged = name.staged_as();
    assert!(staged.len() <= 63 && staged == name.staged_as());
    assert_eq!(staging_table(&staged).parse(), Ok(TableName::new("staging", staged)));
}

/// Any text that can be read as a name is one name from then on.
fn parsed(text: &str) {
    if let Ok(name) = text.parse::<TableName>() {
        assert_eq!(name.to_string().parse().as_ref(), Ok(&name), "{text:?}");
        assert_eq!(name.to_sql().parse().as_ref(), Ok(&name), "{text:?}");
    }
}

/// Any names and any NULL marker, quoted, are read by the scanner as they are.
fn quoted(text: &str) {
    let parts: Vec<&str> = text.split('\n').collect();
    let [table, schema, null, columns @ ..] = parts.as_slice() else { return };
    if table.is_empty() || schema.is_empty() || columns.is_empty() || columns.iter().any(|column| column.is_empty()) {
        return;
    }
    let table = TableName::new(*schema, *table);
    let list = columns.iter().map(|column| ident(column)).collect::<Vec<_>>().join(", ");
    let values = columns.iter().map(|column| literal(column)).collect::<Vec<_>>().join(",");
    let sql = table.to_sql();
    let dump = format!(
        "copy {sql} ({list}) from stdin with (null {});\n\\.\ninsert into {sql} ({list}) values ({values});\n",
        literal(null)
    );
    // PostgreSQL refuses a marker with the delimiter or a line end in it.
    let refused = null.contains(['\r', '\t']);
    match blocks(dump.as_bytes()) {
        Ok((blocks, rows)) => {
            assert!(!refused, "{dump}");
            let [copy, insert] = blocks.as_slice() else { panic!("{} blocks in {dump}", blocks.len()) };
            assert_eq!((&copy.table, &insert.table), (&table, &table), "{dump}");
            for block in [copy, insert] {
                assert!(block.columns.iter().map(|column| column.name.as_str()).eq(columns.iter().copied()), "{dump}");
            }
            assert_eq!(copy.form, RowForm::CopyText { delimiter: b'\t', null: null.as_bytes().to_vec() });
            if !text.contains('\0') {
                let expected: Vec<_> = columns.iter().map(|column| Some(column.as_bytes().to_vec())).collect();
                assert_eq!(rows, [Ok(expected)], "{dump}");
            }
        }
        Err(error) => assert!(refused, "{error} in {dump}"),
    }
}

type Row = Result<Vec<Option<Vec<u8>>>, &'static str>;

/// The blocks and decoded rows of a dump.
fn blocks(dump: &[u8]) -> Result<(Vec<Arc<Block>>, Vec<Row>), String> {
    let mut scanner = Scanner::new(dump, ScanOptions::default());
    let (mut blocks, mut rows, mut decoder) = (Vec::new(), Vec::new(), None);
    while let Some(item) = scanner.next_item().map_err(|error| error.to_string())? {
        match item {
            Item::Block(block) => {
                blocks.push(Arc::clone(&block));
                decoder = Some(RowDecoder::new(block));
            }
            Item::Row(row) => {
                let fields = decoder.as_mut().expect("a block comes first").decode(&row);
                let row = fields.map(|fields| fields.iter().map(|field| field.map(<[u8]>::to_vec)).collect());
                rows.push(row.map_err(|error| error.code.as_str()));
            }
            Item::Oversized(_) => panic!("nothing here is that long"),
        }
    }
    Ok((blocks, rows))
}

/// A head written in any way is the head that it means, written plainly.
fn again(mode: u8, head: &[u8]) {
    let copy = mode & 4 == 0;
    let (begin, end): (&[u8], &[u8]) =
        if copy { (b"copy ", b"\n1\tx|y\n\\N\t\n\\.\n") } else { (b"insert into ", b"(1, 'x', null);\n") };
    let Ok((found, rows)) = blocks(&[begin, head, end].concat()) else { return };
    let Some(block) = found.first() else { return };
    // Something else may be in what was meant to be one head.
    if found.len() != 1 || block.columns.is_empty() || !block.encoding.name().eq("UTF8") {
        return;
    }
    let table = block.table.to_sql();
    let columns = block.columns.iter().map(|column| ident(&column.name)).collect::<Vec<_>>().join(",");
    let written = match &block.form {
        RowForm::CopyText { delimiter, null } => {
            assert!(!matches!(delimiter, b'\n' | b'\r' | b'\\' | b'.' | b'0'..=b'9' | b'a'..=b'z' | 0 | 0x80..));
            assert!(!null.iter().any(|byte| matches!(byte, b'\n' | b'\r') || byte == delimiter));
            let Ok(null) = std::str::from_utf8(null) else { return };
            let (delimiter, null) = (literal(&char::from(*delimiter).to_string()), literal(null));
            format!(
                "copy {table} ({columns}) from stdin with (delimiter {delimiter}, null {null});\n1\tx|y\n\\N\t\n\\.\n"
            )
        }
        RowForm::Values { .. } => format!("insert into {table} ({columns}) values (1, 'x', null);\n"),
    };
    let (plain, plain_rows) = blocks(written.as_bytes()).unwrap_or_else(|error| panic!("{error} in {written}"));
    let [plain] = plain.as_slice() else { panic!("{} blocks in {written}", plain.len()) };
    assert_eq!((&plain.table, &plain.columns), (&block.table, &block.columns), "{written}");
    match (&plain.form, &block.form) {
        (RowForm::CopyText { .. }, form) => assert_eq!(&plain.form, form, "{written}"),
        (RowForm::Values { .. }, _) => {}
    }
    // A head that goes over lines, or an INSERT's with values, may have eaten some of the rows or brought some.
    if copy && !head.contains(&b'\n') && rows.len() == plain_rows.len() {
        assert_eq!(rows, plain_rows, "{written}");
    }
}
