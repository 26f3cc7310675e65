//! A row in quarantine, mended by hand: what stands there, with some columns given anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::RetryError;
use crate::db::ledger::Quarantined;
use crate::db::staging::{DIGEST_TYPE, digest_column};
use crate::decode::{Block, Column, ColumnKind, Encoding, RawRow, RowDecoder, RowError, RowForm};
use crate::names::TableName;

/// Columns that a person gives, `None` for SQL's null.
pub type Given = BTreeMap<String, Option<String>>;

/// The row as it is to be tried: texts and nulls by column, and the digests that still hold.
///
/// # Errors
/// A column is not the row's, the raw row does not tell what the others are, or the result is no row.
pub(super) fn mend(row: &Quarantined, given: &Given) -> Result<Value, RetryError> {
    let own: Vec<(&str, ColumnKind)> = row
        .columns
        .iter()
        .zip(&row.column_types)
        // A digest is sqlmig's own.
        .filter(|(_, type_name)| *type_name != DIGEST_TYPE)
        .map(|(name, type_name)| (name.as_str(), ColumnKind::of_type(type_name)))
        .collect();
    if let Some(unknown) = given.keys().find(|name| !own.iter().any(|(own, _)| own == name)) {
        return Err(RetryError::NoColumn {
            table: row.entry.source.clone(),
            column: unknown.clone(),
            known: list(own.iter().map(|(name, _)| *name)),
        });
    }
    let missing: Vec<&str> = own.iter().map(|(name, _)| *name).filter(|name| !given.contains_key(*name)).collect();
    let mut values = match (&row.staged, &row.raw) {
        _ if missing.is_empty() => Map::new(),
        (Some(staged), _) => staged.clone(),
        (None, raw) => reread(row, raw.as_deref().unwrap_or_default(), given)
            .map_err(|reason| RetryError::Unread { reason, missing: list(missing.iter().copied()) })?,
    };
    for (name, value) in given {
        values.remove(&digest_column(name));
        values.insert(name.clone(), value.clone().map_or(Value::Null, Value::String));
    }
    prove(&own, &values).map_err(RetryError::Value)?;
    Ok(Value::Object(values))
}

/// The columns of a row that could not be decoded, as texts; those that are given need not be readable.
fn reread(row: &Quarantined, raw: &[u8], given: &Given) -> Result<Map<String, Value>, String> {
    if row.entry.code == "oversized" {
        return Err("of a row over the limit only the beginning is kept".into());
    }
    let (Some(fields), Some(form), Some(encoding)) = (&row.fields, &row.form, &row.encoding) else {
        return Err("how the row was written is not recorded".into());
    };
    let form = match form.as_str() {
        "copy" => copy_form(),
        "values" => RowForm::Values { standard_strings: true },
        _ => RowForm::Values { standard_strings: false },
    };
    let encoding = Encoding::by_name(encoding).ok_or_else(|| format!("{encoding} is no encoding that sqlmig knows"))?;
    let blanked = matches!(form, RowForm::CopyText { .. }).then(|| blank(raw, fields, given));
    let columns = fields.iter().map(|name| (name.as_str(), ColumnKind::Text));
    let mut decoder = RowDecoder::new(block(columns, form, encoding));
    // As it stands, where only a vector is wrong; else without what is given, which may be what is wrong.
    match texts(&mut decoder, raw, fields) {
        Ok(values) => Ok(values),
        Err(first) => match blanked {
            Some(line) => texts(&mut decoder, &line, fields).map_err(|error| error.to_string()),
            None => Err(first.to_string()),
        },
    }
}

/// A line of COPY with nulls where values are given.
fn blank(raw: &[u8], fields: &[String], given: &Given) -> Vec<u8> {
    let mut line = Vec::with_capacity(raw.len());
    for (place, field) in split(raw).into_iter().enumerate() {
        if place > 0 {
            line.push(b'\t');
        }
        let is_given = fields.get(place).is_some_and(|name| given.contains_key(name));
        line.extend_from_slice(if is_given { b"\\N" } else { field });
    }
    line
}

/// The fields of a line of COPY, still escaped. A backslash takes the byte after it, so a tab that stands for itself ends no
/// field (PostgreSQL manual, COPY, "Text Format").
fn split(raw: &[u8]) -> Vec<&[u8]> {
    let mut fields = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < raw.len() {
        match raw[at] {
            b'\\' => at += 1,
            b'\t' => {
                fields.push(&raw[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    fields.push(&raw[start..]);
    fields
}

fn texts(decoder: &mut RowDecoder, raw: &[u8], fields: &[String]) -> Result<Map<String, Value>, RowError> {
    let read = decoder.decode(&RawRow { bytes: raw, line: 0, byte: 0 })?;
    let value = |bytes: &[u8]| Value::String(String::from_utf8_lossy(bytes).into_owned());
    Ok(fields.iter().cloned().zip(read.iter().map(|bytes| bytes.map_or(Value::Null, value))).collect())
}

/// Whether the reader would take this row: its decoder is asked, with the row written as a dump would.
fn prove(own: &[(&str, ColumnKind)], values: &Map<String, Value>) -> Result<(), RowError> {
    let mut line = String::new();
    for (place, (name, _)) in own.iter().enumerate() {
        if place > 0 {
            line.push('\t');
        }
        match values.get(*name).and_then(Value::as_str) {
            None => line.push_str("\\N"),
            Some(text) => {
                let escaped = text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r");
                line.push_str(&escaped);
            }
        }
    }
    let mut decoder = RowDecoder::new(block(own.iter().copied(), copy_form(), Encoding::UTF8));
    decoder.decode(&RawRow { bytes: line.as_bytes(), line: 0, byte: 0 }).map(|_| ())
}

/// As `pg_dump` writes.
fn copy_form() -> RowForm {
    RowForm::CopyText { delimiter: b'\t', null: b"\\N".to_vec() }
}

fn block<'a>(columns: impl Iterator<Item = (&'a str, ColumnKind)>, form: RowForm, encoding: Encoding) -> Arc<Block> {
    let columns = columns.map(|(name, kind)| Column { name: name.to_owned(), kind, generated: false }).collect();
    Arc::new(Block { table: TableName::unqualified("mended"), columns, form, encoding, line: 0, byte: 0 })
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
