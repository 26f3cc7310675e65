//! Markdown, with front matter.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde_json::{Map, Value};

use super::pieces::{Mark, headings};
use super::value::parse;
use super::{Decoded, Format, whole};

/// Bytes of front matter that are looked at: more is no front matter.
const FRONT_MATTER_BYTES: usize = 256 << 10;

pub(super) fn decode(format: Format, text: String) -> Decoded {
    let mut parsed = Map::new();
    let text = match front_matter(&text) {
        Some((value, rest)) => {
            parsed.insert("front_matter".to_owned(), value);
            rest.to_owned()
        }
        None => text,
    };
    let (text, pictures) = without_pictures(text);
    if pictures > 0 {
        parsed.insert("images_left_out".to_owned(), Value::from(pictures));
    }
    let marks = marks(&text);
    parsed.insert("headings".to_owned(), headings(&marks));
    if let Some(first) = marks.first() {
        parsed.insert("title".to_owned(), Value::from(first.text.clone()));
    }
    if let Some(title) = parsed.get("front_matter").and_then(|matter| matter.get("title")).and_then(Value::as_str) {
        let title = Value::from(title);
        parsed.insert("title".to_owned(), title);
    }
    whole(format, Value::Object(parsed), text, marks)
}

/// Front matter and what follows it; `None` where there is none, or none that can be read, which then stays text.
fn front_matter(text: &str) -> Option<(Value, &str)> {
    let (fence, format) = match text.get(..3)? {
        "---" => ("---", Format::Yaml),
        "+++" => ("+++", Format::Toml),
        _ => return None,
    };
    let (first, _) = text.split_once('\n')?;
    if first.trim_end() != fence {
        return None;
    }
    let begin = first.len() + 1;
    let mut at = begin;
    for line in text[begin..].split_inclusive('\n') {
        if at - begin > FRONT_MATTER_BYTES {
            return None;
        }
        let ends = line.trim_end();
        if ends == fence || (fence == "---" && ends == "...") {
            let value = parse(format, &text[begin..at]).ok()?;
            return value.is_object().then(|| (value, &text[at + line.len()..]));
        }
        at += line.len();
    }
    None
}

/// What begins a picture that is written into a text.
const PICTURE: &str = "data:image/";

/// A text without the pictures that are written into it as base64, and how many those were: `#` stands where each was,
/// a place that every syntax takes. In code they stay, where they are what is written about.
pub(super) fn without_pictures(text: String) -> (String, u64) {
    if memchr::memmem::find(text.as_bytes(), PICTURE.as_bytes()).is_none() {
        return (text, 0);
    }
    let parser = Parser::new_ext(&text, Options::ENABLE_TABLES).into_offset_iter();
    let is_code = |event: &Event<'_>| matches!(event, Event::Start(Tag::CodeBlock(_)) | Event::Code(_));
    let mut code = parser.filter(|(event, _)| is_code(event)).map(|(_, range)| range).peekable();
    let (mut out, mut from, mut pictures) = (String::new(), 0, 0);
    while let Some(at) = text[from..].find(PICTURE).map(|at| from + at) {
        while code.next_if(|range| range.end <= at).is_some() {}
        let is_shown = code.peek().is_some_and(|range| range.start <= at);
        out.push_str(&text[from..at]);
        from = match picture(&text[at..]) {
            Some(length) if !is_shown => {
                out.push('#');
                pictures += 1;
                at + length
            }
            _ => {
                out.push_str(PICTURE);
                at + PICTURE.len()
            }
        };
    }
    out.push_str(&text[from..]);
    (out, pictures)
}

/// Bytes of the picture that a text begins with (RFC 2397), if it is one in base64.
fn picture(text: &str) -> Option<usize> {
    let is_type = |byte: &u8| byte.is_ascii_alphanumeric() || b"/.+-_;=".contains(byte);
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_%".contains(byte);
    let kind = text.as_bytes().get("data:".len()..)?.iter().take_while(|byte| is_type(byte)).count();
    let (head, rest) = text.split_at_checked("data:".len() + kind)?;
    let bytes = rest.strip_prefix(',')?.bytes().take_while(is_base64).count();
    (bytes > 0 && head.to_ascii_lowercase().ends_with(";base64")).then_some(head.len() + 1 + bytes)
}

/// The headings of a text that stand in no other block.
pub(super) fn marks(text: &str) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    let (mut depth, mut open) = (0_usize, false);
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                if depth == 0 {
                    marks.push(Mark { at: range.start, level: level as u8, text: String::new() });
                    open = true;
                }
                depth += 1;
            }
            Event::End(TagEnd::Heading(_)) => {
                open = false;
                depth = depth.saturating_sub(1);
            }
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(part) | Event::Code(part) if open => {
                if let Some(mark) = marks.last_mut() {
                    mark.text.push_str(&part);
                }
            }
            Event::SoftBreak | Event::HardBreak if open => {
                if let Some(mark) = marks.last_mut() {
                    mark.text.push(' ');
                }
            }
            _ => {}
        }
    }
    marks
}
