//! What a documentation file says: its text, its headings, and what its format holds besides.
//!
//! Bytes and a path go in, text in pieces and JSON come out. The formats are known here; what kind of documentation a file
//! is part of is not: that is the business of a project's SQL. Nothing here panics, whatever the bytes are, and nothing
//! follows the nesting of its input by recursion without a bound.

mod data;
mod detect;
mod html;
mod markdown;
mod notebook;
mod openapi;
mod pdf;
mod pieces;
mod rst;
mod rust_source;
mod rustdoc_json;
mod rustdoc_page;
mod split;
mod value;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub use detect::{Format, detect};
pub use pdf::{Pdf, read as read_pdf};
pub use pieces::{Mark, Piece};
pub use split::{Part, split};

/// Part of what a file was decoded by: rises when the same bytes would be decoded otherwise than before, so that a file
/// which did not change is decoded again.
pub const VERSION: u32 = 3;

/// What a file says.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// Its format; more may be known after decoding than its name told.
    pub format: Format,
    /// What it holds besides text: headings, front matter, counts; of a data format, all of it.
    pub parsed: Value,
    /// Its text, in pieces that are each a document of its own. One after another they are the whole text.
    pub pieces: Vec<Piece>,
}

/// Why a file has no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// It is no UTF-8.
    #[error("it is not UTF-8: byte {0} begins no character")]
    NotUtf8(usize),
    /// It is text with a NUL character, which PostgreSQL has no text for.
    #[error("it holds a NUL character at byte {0}")]
    Nul(usize),
    /// It is not of the form that its format asks for.
    #[error("it is no {format}: {reason}")]
    Broken {
        /// The format.
        format: Format,
        /// The parser's words.
        reason: String,
    },
}

impl FormatError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotUtf8(_) => "convert it: iconv -f ISO-8859-1 -t UTF-8 IN > OUT".to_owned(),
            Self::Nul(_) => "remove the character".to_owned(),
            Self::Broken { .. } => "mend it, or name it in .ignore".to_owned(),
        })
    }
}

/// Decodes a file; `path` tells formats apart that look alike.
///
/// # Errors
/// It is of no format that is read, or not of the form that its format asks for.
pub fn decode(path: &str, bytes: &[u8]) -> Result<Decoded, (Format, FormatError)> {
    let format = detect(path, bytes);
    decode_as(format, path, bytes).map_err(|error| (format, error))
}

fn decode_as(format: Format, path: &str, bytes: &[u8]) -> Result<Decoded, FormatError> {
    if !format.is_read() {
        return Ok(Decoded { format, parsed: Value::Object(Map::new()), pieces: Vec::new() });
    }
    if format == Format::Pdf {
        return pdf::read(bytes).map(Decoded::from).map_err(|reason| FormatError::Broken { format, reason });
    }
    let text = text_of(bytes)?;
    Ok(match format {
        Format::Markdown | Format::Mdx => markdown::decode(format, text),
        Format::Html => html::decode(&text)?,
        Format::Notebook => notebook::decode(&text)?,
        Format::Rst => rst::decode(text),
        Format::Json | Format::Yaml | Format::Toml => data::decode(format, &text)?,
        Format::Rust => rust_source::decode(path, &text),
        _ => {
            let lines = text.lines().count();
            whole(Format::Text, serde_json::json!({ "lines": lines }), text, Vec::new())
        }
    })
}

/// A file that is one piece.
fn whole(format: Format, parsed: Value, text: String, marks: Vec<Mark>) -> Decoded {
    let pieces = if text.trim().is_empty() { Vec::new() } else { vec![Piece::whole(text, marks)] };
    Decoded { format, parsed, pieces }
}

/// The text of a file: without a byte order mark, from UTF-16 where its mark says so.
fn text_of(bytes: &[u8]) -> Result<String, FormatError> {
    let text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest, 3)?,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            let (text, _, wrong) = encoding_rs::UTF_8.decode(bytes);
            if wrong {
                return Err(FormatError::Broken { format: Format::Text, reason: "its UTF-16 is damaged".to_owned() });
            }
            text.into_owned()
        }
        _ => utf8(bytes, 0)?,
    };
    match memchr::memchr(0, text.as_bytes()) {
        Some(at) => Err(FormatError::Nul(at)),
        None => Ok(text),
    }
}

fn utf8(bytes: &[u8], before: usize) -> Result<String, FormatError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(FormatError::NotUtf8(before + error.valid_up_to())),
    }
}
