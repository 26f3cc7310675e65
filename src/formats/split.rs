//! Splits a long text into parts that a model takes: at headings, else between paragraphs, lines, characters.
//!
//! Nothing is added and nothing left out: the parts one after another are the text. The same text is always split in the
//! same way.

use super::pieces::Mark;

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// Its text.
    pub text: &'a str,
    /// The headings that it stands under, the outermost first; those that it begins with among them.
    pub headings: Vec<String>,
    /// Tokens, as `count` counts them.
    pub tokens: usize,
}

/// Splits a text into parts of at most `limit` tokens, which `count` counts.
///
/// A token is at least one byte, so a text of that many bytes fits without being counted (but is counted, for the part
/// says how many it has). A single character of more tokens than the limit stays whole.
#[must_use]
pub fn split<'a>(text: &'a str, marks: &[Mark], limit: usize, count: &dyn Fn(&str) -> usize) -> Vec<Part<'a>> {
    let limit = limit.max(1);
    let mut cuts: Vec<usize> = Vec::new();
    let tokens = count(text);
    if tokens > limit {
        // Outer headings first: what fits stays together.
        pack(text, 0, text.len(), marks, limit, count, &mut cuts);
    }
    let mut starts: Vec<usize> = std::iter::once(0).chain(cuts).collect();
    starts.dedup();
    if starts.len() > 1 {
        starts = without_blank(text, &starts, limit, count);
    }
    let ends = starts.iter().skip(1).copied().chain(std::iter::once(text.len()));
    let parts = starts.iter().copied().zip(ends).map(|(start, end)| {
        let part = &text[start..end];
        let tokens = if part.len() == text.len() { tokens } else { count(part) };
        Part { text: part, headings: headings_at(text, marks, start), tokens }
    });
    parts.collect()
}

/// Cuts `text[start..end]` where it must be cut, into pieces that fit.
fn pack(
    text: &str,
    start: usize,
    end: usize,
    marks: &[Mark],
    limit: usize,
    count: &dyn Fn(&str) -> usize,
    cuts: &mut Vec<usize>,
) {
    let mut open = vec![(start, end, Unit::Section)];
    let mut found: Vec<usize> = Vec::new();
    while let Some((start, end, unit)) = open.pop() {
        let piece = &text[start..end];
        if piece.len() <= limit || count(piece) <= limit {
            continue;
        }
        let places = unit.places(text, start, end, marks);
        let Some(next) = unit.finer() else {
            // The smallest: halves of characters do not exist.
            if let Some(middle) = middle(piece) {
                found.push(start + middle);
                open.push((start, start + middle, unit));
                open.push((start + middle, end, unit));
            }
            continue;
        };
        if places.is_empty() {
            open.push((start, end, next));
            continue;
        }
        // As many units in a row as fit, by the sum of their tokens; what the sum got wrong is looked at again.
        let bounds: Vec<usize> = std::iter::once(start).chain(places).chain(std::iter::once(end)).collect();
        let (mut from, mut sum) = (start, 0);
        for window in bounds.windows(2) {
            let own = count(&text[window[0]..window[1]]);
            if window[0] > from && sum + own > limit {
                found.push(window[0]);
                open.push((from, window[0], next));
                (from, sum) = (window[0], 0);
            }
            sum += own;
        }
        open.push((from, end, next));
    }
    found.sort_unstable();
    cuts.extend(found);
}

/// The same starts of parts, without parts of nothing but blanks as far as their neighbours can take them: such a part
/// says nothing, and would be a document without content.
fn without_blank(text: &str, starts: &[usize], limit: usize, count: &dyn Fn(&str) -> usize) -> Vec<usize> {
    let fits = |from: usize, to: usize| count(&text[from..to]) <= limit;
    let is_blank = |from: usize, to: usize| text[from..to].trim().is_empty();
    let ends = starts.iter().skip(1).copied().chain(std::iter::once(text.len()));
    let mut kept: Vec<usize> = Vec::new();
    // Whether the next part was begun already.
    let mut begun = false;
    let mut parts = starts.iter().copied().zip(ends).peekable();
    while let Some((start, end)) = parts.next() {
        if !std::mem::take(&mut begun) {
            kept.push(start);
        }
        let Some(own) = kept.last().copied() else { continue };
        if !is_blank(own, end) {
            continue;
        }
        let before = kept.iter().rev().nth(1).copied();
        let after = parts.peek().map(|(_, end)| *end);
        // Half of a neighbour, where there is no room for the blanks beside the whole of it.
        let half = |from: usize, to: usize| {
            let cut = between_words(&text[from..to]).map(|at| from + at);
            cut.filter(|cut| !is_blank(from, *cut) && !is_blank(*cut, to))
        };
        if before.is_some_and(|before| fits(before, end)) {
            kept.pop();
        } else if after.is_some_and(|after| fits(own, after)) {
            begun = true;
        } else if let Some((before, cut)) = before.and_then(|before| Some((before, half(before, own)?)))
            && fits(before, cut)
            && fits(cut, end)
        {
            kept.pop();
            kept.push(cut);
        } else if let Some((after, cut)) = after.and_then(|after| Some((after, half(end, after)?)))
            && fits(own, cut)
            && fits(cut, after)
        {
            kept.push(cut);
            begun = true;
        }
    }
    kept
}

/// Behind a blank, as near to the middle as there is one after it; else in the middle of a word.
fn between_words(text: &str) -> Option<usize> {
    let middle = middle(text)?;
    let behind =
        text[middle..].char_indices().find(|(_, c)| c.is_whitespace()).map(|(at, c)| middle + at + c.len_utf8());
    behind.filter(|at| !text[*at..].trim().is_empty()).or(Some(middle))
}

/// What a text is cut between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Section,
    Paragraph,
    Line,
    Character,
}

impl Unit {
    fn finer(self) -> Option<Self> {
        match self {
            Self::Section => Some(Self::Paragraph),
            Self::Paragraph => Some(Self::Line),
            Self::Line => Some(Self::Character),
            Self::Character => None,
        }
    }

    /// Where units begin inside, without the first.
    fn places(self, text: &str, start: usize, end: usize, marks: &[Mark]) -> Vec<usize> {
        let piece = &text[start..end];
        let inside = |at: &usize| *at > start && *at < end && text.is_char_boundary(*at);
        match self {
            Self::Section => marks.iter().map(|mark| mark.at).filter(inside).collect(),
            Self::Paragraph => {
                let mut places = Vec::new();
                let (mut at, mut blank) = (start, false);
                for line in piece.split_inclusive('\n') {
                    let is_blank = line.trim().is_empty();
                    if blank && !is_blank {
                        places.push(at);
                    }
                    blank = is_blank;
                    at += line.len();
                }
                places.into_iter().filter(inside).collect()
            }
            Self::Line => {
                let ends = memchr::memchr_iter(b'\n', piece.as_bytes()).map(|at| start + at + 1);
                ends.filter(inside).collect()
            }
            Self::Character => Vec::new(),
        }
    }
}

/// The character boundary nearest to the middle that is neither end.
fn middle(text: &str) -> Option<usize> {
    let half = text.len() / 2;
    (half..text.len()).chain((1..half).rev()).find(|at| *at > 0 && text.is_char_boundary(*at))
}

/// The headings that the text stands under at a byte.
fn headings_at(text: &str, marks: &[Mark], at: usize) -> Vec<String> {
    // A part that begins with blank lines before a heading begins with that heading.
    let begins = text[at..].len() - text[at..].trim_start().len() + at;
    let mut path: Vec<(u8, &str)> = Vec::new();
    for mark in marks.iter().take_while(|mark| mark.at <= begins) {
        path.retain(|(level, _)| *level < mark.level);
        path.push((mark.level, &mark.text));
    }
    path.into_iter().map(|(_, text)| text.to_owned()).collect()
}
