//! What the statements of a dump have set so far, as far as it changes how the following ones are read.

use super::cursor::Cursor;
use super::encoding::Encoding;
use super::error::DecodeErrorKind;
use super::lexer::Mode;
use crate::names::TableName;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) encoding: Encoding,
    pub(super) standard_strings: bool,
    /// First schema of the search path that tables can be in.
    schema: Option<String>,
    /// The database that `\connect` named.
    pub(super) database: Option<String>,
}

impl Default for Session {
    fn default() -> Self {
        Self { encoding: Encoding::UTF8, standard_strings: true, schema: None, database: None }
    }
}

impl Session {
    pub(super) fn mode(&self) -> Mode {
        Mode { standard_strings: self.standard_strings, trail: self.encoding.trail() }
    }

    /// A new connection begins with nothing set.
    pub(super) fn connect(&mut self, database: Option<String>) {
        *self = Self { database: database.or_else(|| self.database.take()), ..Self::default() };
    }

    /// A name as the search path completes it.
    pub(super) fn resolve(&self, mut name: TableName) -> TableName {
        if name.schema.is_none() {
            name.schema.clone_from(&self.schema);
        }
        name
    }

    /// Reads a SET statement, the cursor after the word SET.
    pub(super) fn set(&mut self, cursor: &mut Cursor<'_>) -> Result<(), DecodeErrorKind> {
        if !cursor.word("session") {
            cursor.word("local");
        }
        let Some(name) = cursor.ident() else { return Ok(()) };
        if name == "names" {
            return cursor.setting().map_or(Ok(()), |value| self.assign("client_encoding", &[value]));
        }
        if !cursor.punct(b'=') && !cursor.word("to") {
            return Ok(());
        }
        let mut values = Vec::new();
        while let Some(value) = cursor.setting() {
            values.push(value);
            if !cursor.punct(b',') {
                break;
            }
        }
        self.assign(&name, &values)
    }

    /// Reads a SELECT for `set_config('name', 'value', …)`, the cursor after the word SELECT.
    pub(super) fn select(&mut self, cursor: &mut Cursor<'_>) -> Result<Option<&'static str>, DecodeErrorKind> {
        let Some(function) = cursor.name() else { return Ok(None) };
        match function.table.as_str() {
            "set_config" if cursor.punct(b'(') => {
                let Some(name) = cursor.setting() else { return Ok(None) };
                cursor.punct(b',');
                let value = cursor.setting().unwrap_or_default();
                let values: Vec<String> = if name.eq_ignore_ascii_case("search_path") {
                    value.split(',').map(|part| part.trim().trim_matches('"').to_owned()).collect()
                } else {
                    vec![value]
                };
                self.assign(&name.to_ascii_lowercase(), &values)?;
                Ok(Some("SELECT set_config"))
            }
            "setval" => Ok(Some("SELECT setval")),
            _ => Ok(None),
        }
    }

    fn assign(&mut self, name: &str, values: &[String]) -> Result<(), DecodeErrorKind> {
        match (name, values.first()) {
            ("client_encoding", Some(value)) if value != "default" => {
                self.encoding = Encoding::by_name(value).ok_or_else(|| DecodeErrorKind::Encoding(value.clone()))?;
            }
            ("standard_conforming_strings", Some(value)) => {
                self.standard_strings = !matches!(value.to_ascii_lowercase().as_str(), "off" | "false" | "no" | "0");
            }
            ("search_path", _) => {
                let usable = |schema: &&String| !matches!(schema.as_str(), "" | "pg_catalog" | "$user" | "default");
                self.schema = values.iter().find(usable).cloned();
            }
            _ => {}
        }
        Ok(())
    }
}
