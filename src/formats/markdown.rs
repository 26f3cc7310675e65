//! Markdown, with front matter.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde_json::{Map, Value};

use super::pieces::{Mark, headings};
use super::{Decoded, Format, data, whole};

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
            let value = data::parse(format, &text[begin..at]).ok()?;
            return value.is_object().then(|| (value, &text[at + line.len()..]));
        }
        at += line.len();
    }
    None
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
