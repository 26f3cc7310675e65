//! What a whole statement says: settings, shapes of tables, and whether rows follow.

use std::io::Read;

use super::{Origin, Scanner};
use crate::decode::cursor::Cursor;
use crate::decode::ddl::{self, Created};
use crate::decode::error::DecodeErrorKind;
use crate::decode::facts::{EnumShape, TableShape};
use crate::decode::rows::{self, Copy};
use crate::decode::{ColumnShape, kind};
use crate::names::TableName;

impl<R: Read> Scanner<R> {
    /// Takes note of a statement that ends at `end` of the window.
    pub(super) fn complete_statement(&mut self, end: usize) -> Result<(), DecodeErrorKind> {
        let text = &self.buffer.window()[..end];
        let mut cursor = Cursor::new(text, self.session.mode(), self.session.encoding);
        let mut kind = kind::of(&mut cursor.clone());
        let mut created = None;
        let mut copy = None;
        match cursor.peek_word().as_deref() {
            Some("copy") => {
                cursor.next();
                match rows::copy(&mut cursor)? {
                    Copy::Stdin(head) => copy = Some(head),
                    Copy::Other(name) => name.clone_into(&mut kind),
                }
            }
            Some("set") => {
                cursor.next();
                self.session.set(&mut cursor)?;
                self.facts.encoding = Some(self.session.encoding.name().to_owned());
            }
            Some("select") => {
                cursor.next();
                if let Some(name) = self.session.select(&mut cursor)? {
                    name.clone_into(&mut kind);
                }
            }
            Some("create") => {
                cursor.next();
                created = ddl::create(&mut cursor);
            }
            _ => {}
        }
        if let Some(head) = copy {
            return self.begin_copy(head, end);
        }
        self.facts.count(kind);
        if self.is_selected() {
            match created {
                Some(Created::Table { name, columns, parents }) => self.create_table(name, columns, &parents),
                Some(Created::Enum { name, labels }) => {
                    self.facts.enums.push(EnumShape { name: self.session.resolve(name), labels });
                }
                None => {}
            }
        }
        self.buffer.consume(end);
        Ok(())
    }

    fn create_table(&mut self, name: TableName, own: Vec<ColumnShape>, parents: &[TableName]) {
        let name = self.session.resolve(name);
        let mut columns: Vec<ColumnShape> = Vec::new();
        for parent in parents {
            if let Some(shape) = self.shape(&self.session.resolve(parent.clone())) {
                columns.extend(shape.columns.iter().cloned());
            }
        }
        columns.extend(own);
        // A column that a parent has too is one column, where it stood first.
        let mut names = std::collections::HashSet::new();
        columns.retain(|column| names.insert(column.name.clone()));
        self.tables.insert(name.clone(), self.facts.tables.len());
        self.facts.tables.push(TableShape { name, database: self.session.database.clone(), columns });
    }

    /// The shape of a table, from the source or from what the caller knows.
    pub(super) fn shape(&self, name: &TableName) -> Option<&TableShape> {
        let unqualified = TableName::unqualified(name.table.as_str());
        // A table may be created before the search path is set, or have rows before it: then only its own name is known.
        let created = self.tables.get(name).or_else(|| self.tables.get(&unqualified)).or_else(|| {
            let same = |known: &&TableName| name.schema.is_none() && known.table == name.table;
            let mut found = self.tables.keys().filter(same);
            found.next().filter(|_| found.next().is_none()).and_then(|only| self.tables.get(only))
        });
        if let Some(index) = created {
            return self.facts.tables.get(*index);
        }
        let known = || self.options.known.iter();
        known().find(|shape| shape.name == *name).or_else(|| {
            let mut found = known().filter(|shape| name.schema.is_none() && shape.name.table == name.table);
            found.next().filter(|_| found.next().is_none())
        })
    }

    /// Refuses rows of a second database, unless one was chosen.
    pub(super) fn rows_begin(&mut self) -> Result<(), DecodeErrorKind> {
        if self.options.database.is_some() {
            return Ok(());
        }
        let here = Origin(self.session.database.clone());
        let before = self.rows_from.get_or_insert_with(|| here.clone());
        if *before == here {
            return Ok(());
        }
        let mut names = vec![before.0.clone().unwrap_or_else(|| "(not named)".to_owned())];
        names.extend(self.facts.databases.iter().filter(|name| Some(*name) != before.0.as_ref()).cloned());
        Err(DecodeErrorKind::SeveralDatabases(names))
    }
}
