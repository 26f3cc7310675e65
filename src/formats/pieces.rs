//! Pieces of a file: documents of their own, before any is split.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A heading in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Byte at which it begins.
    pub at: usize,
    /// Its level, from 1.
    pub level: u8,
    /// Its text, without marks of its format.
    pub text: String,
}

/// A document that a file holds: the whole of it, an operation of an API, an item of a library, a page of print.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// What it is: `file`, `api`, `operation`, `module`, `item`, `page`.
    pub kind: &'static str,
    /// Its name in the file; `None` for the whole.
    pub name: Option<String>,
    /// Its text. Pieces that follow one another are the text of the file.
    pub text: String,
    /// Its headings, in order.
    pub marks: Vec<Mark>,
    /// What is known of it besides.
    pub data: Value,
}

impl Piece {
    /// A file that is one piece.
    pub(super) fn whole(text: String, marks: Vec<Mark>) -> Self {
        Self { kind: "file", name: None, text, marks, data: Value::Object(serde_json::Map::new()) }
    }
}

/// Headings as JSON: level and text.
pub(super) fn headings(marks: &[Mark]) -> Value {
    marks.iter().map(|mark| serde_json::json!({ "level": mark.level, "text": mark.text })).collect()
}

/// The text of a JSON string that PostgreSQL can have: JSON may spell a NUL, which it has no text for.
pub(super) fn without_nul(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}
