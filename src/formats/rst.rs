//! reStructuredText: the text as it is, with its headings.

use serde_json::{Map, Value};

use super::pieces::{Mark, headings};
use super::{Decoded, Format, whole};

pub(super) fn decode(text: String) -> Decoded {
    let marks = marks(&text);
    let mut parsed = Map::new();
    parsed.insert("headings".to_owned(), headings(&marks));
    if let Some(first) = marks.first() {
        parsed.insert("title".to_owned(), Value::from(first.text.clone()));
    }
    whole(Format::Rst, Value::Object(parsed), text, marks)
}

/// A title has a line of punctuation under it at least as long as itself, and may have the same above it. Each form of that
/// is a level, in the order of their first use (docutils, "reStructuredText Markup Specification", Sections).
fn marks(text: &str) -> Vec<Mark> {
    let mut styles: Vec<(u8, bool)> = Vec::new();
    let mut marks = Vec::new();
    // The two lines before the present one, with where they begin.
    let mut above: Option<(usize, &str)> = None;
    let mut title: Option<(usize, &str)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_end();
        if let (Some(mark), Some((begin, words))) = (adornment(trimmed), title)
            && adornment(words).is_none()
            && !words.trim().is_empty()
            && trimmed.len() >= 2
            && trimmed.chars().count() >= words.chars().count().min(words.len())
        {
            let over = above.is_some_and(|(_, over)| adornment(over) == Some(mark) && over.len() >= 2);
            // Without a line above, a title begins its line.
            if over || !words.starts_with(char::is_whitespace) {
                let style = (mark, over);
                let level = styles.iter().position(|known| *known == style).unwrap_or_else(|| {
                    styles.push(style);
                    styles.len() - 1
                });
                let begin = if over { above.map_or(begin, |(at, _)| at) } else { begin };
                let level = u8::try_from(level + 1).unwrap_or(u8::MAX);
                marks.push(Mark { at: begin, level, text: words.trim().to_owned() });
                (above, title) = (None, None);
                at += line.len();
                continue;
            }
        }
        above = title;
        title = Some((at, trimmed));
        at += line.len();
    }
    marks
}

/// The character that a line is made of, where it is one of punctuation.
fn adornment(line: &str) -> Option<u8> {
    let first = *line.as_bytes().first()?;
    (first.is_ascii_punctuation() && line.bytes().all(|byte| byte == first)).then_some(first)
}
