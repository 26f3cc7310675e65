//! PDF: the text of each page, with the headings of the outline. docs/adr/0041 says by what, and why apart.
//!
//! The crate that interprets the pages bounds neither what a stream unpacks to nor how often forms draw one another. So
//! [`read`] is for a process that has bounds of its own, `source::tree::apart`.

mod outline;
mod page;
mod string;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use hayro_interpret::hayro_syntax::{LoadPdfError, Pdf as Document};
use hayro_interpret::kurbo::{Affine, Rect};
use hayro_interpret::{Context, InterpreterCache, InterpreterSettings, interpret_page};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::pieces::{Mark, Piece, headings};
use super::{Decoded, Format};

use outline::Entry;
use page::Text;

/// What a PDF says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pdf {
    /// Title, author, subject, the outline's headings, how many pages there are.
    parsed: Value,
    /// The pages that have text, in order.
    pages: Vec<Page>,
}

/// A page with text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Page {
    /// From 1.
    number: usize,
    text: String,
    /// The headings that its first line stands under, then those that begin on it.
    marks: Vec<Mark>,
}

/// Reads a PDF. Some bytes take unbounded time, memory or stack: call it where that is somebody else's.
///
/// # Errors
/// In words: it is damaged, wants a password, holds pictures of text, or does not say which letters its glyphs are.
pub fn read(bytes: &[u8]) -> Result<Pdf, String> {
    let document = Document::new(bytes.to_vec()).map_err(|error| match error {
        LoadPdfError::Decryption(_) => "it is encrypted and wants a password".to_owned(),
        LoadPdfError::Invalid => "it is damaged or cut off".to_owned(),
    })?;
    let count = document.pages().len();
    if count == 0 {
        return Err("it has no pages".to_owned());
    }
    let entries = outline::read(&document);
    let (mut pages, mut letters, mut unknown) = (Vec::new(), 0, 0);
    let mut under = Vec::new();
    let cache = InterpreterCache::new();
    for (index, page) in document.pages().iter().enumerate() {
        let mut text = Text::default();
        let nothing = Rect::new(0.0, 0.0, 1.0, 1.0);
        let settings = InterpreterSettings::default();
        let mut context = Context::new(Affine::IDENTITY, nothing, &cache, document.xref(), settings);
        interpret_page(page, &mut context, &mut text);
        letters += text.letters;
        unknown += text.unknown;
        let text = text.finish();
        let marks = marks(&mut under, entries.iter().filter(|entry| entry.page == index), &text);
        if !text.is_empty() {
            pages.push(Page { number: index + 1, text, marks });
        }
    }
    if letters == 0 {
        return Err("it has no text: pictures of pages want a program that recognises letters (OCR)".to_owned());
    }
    // A sign here and there is a bullet or a formula; most of them is a font that nothing says the letters of.
    if unknown * 2 > letters {
        return Err("its fonts do not say which letters their glyphs are".to_owned());
    }
    Ok(Pdf { parsed: parsed(&document, &entries, count, pages.len()), pages })
}

/// What is known of the whole.
fn parsed(document: &Document, entries: &[Entry], count: usize, with_text: usize) -> Value {
    let about = document.metadata();
    let mut parsed = Map::new();
    for (key, value) in [("title", &about.title), ("author", &about.author), ("subject", &about.subject)] {
        let text = value.as_ref().map(|bytes| string::text(bytes)).unwrap_or_default();
        if !text.is_empty() {
            parsed.insert(key.to_owned(), Value::from(text));
        }
    }
    let all: Vec<Mark> = entries.iter().map(|entry| entry.mark(0)).collect();
    parsed.insert("headings".to_owned(), headings(&all));
    parsed.insert("pages".to_owned(), json!(count));
    parsed.insert("pages_without_text".to_owned(), json!(count - with_text));
    Value::Object(parsed)
}

/// The headings of a page: `under` are those that its beginning stands under, and is left as those of its end.
fn marks<'a>(under: &mut Vec<Mark>, begin: impl Iterator<Item = &'a Entry>, text: &str) -> Vec<Mark> {
    let mut marks = under.clone();
    let lines = lines(text);
    for entry in begin {
        let at = lines.get(&outline::letters(&entry.title)).copied().unwrap_or(0);
        marks.push(entry.mark(at));
        under.retain(|mark| mark.level < entry.level);
        under.push(entry.mark(0));
    }
    marks.sort_by_key(|mark| mark.at);
    marks
}

/// Where each line begins, by its letters; of equal ones the first.
fn lines(text: &str) -> HashMap<String, usize> {
    let (mut lines, mut at) = (HashMap::new(), 0);
    for line in text.split_inclusive('\n') {
        lines.entry(outline::letters(line)).or_insert(at);
        at += line.len();
    }
    lines
}

impl From<Pdf> for Decoded {
    /// Each page is a document of its own, named as RFC 8118 names a page in a URL: `manual.pdf#page=12`.
    fn from(pdf: Pdf) -> Self {
        let pieces = pdf.pages.into_iter().map(|page| Piece {
            kind: "page",
            name: Some(format!("page={}", page.number)),
            text: page.text,
            marks: page.marks,
            data: json!({ "page": page.number }),
        });
        Self { format: Format::Pdf, pieces: pieces.collect(), parsed: pdf.parsed }
    }
}
