//! Tokens of SQL as psql tells them apart: enough to know where a statement, a string or a comment ends.
//!
//! Follows psql's scanner (`src/fe_utils/psqlscan.l`): what is quoted, how comments nest, and which semicolons do not end
//! a statement. A token that the buffer may not hold whole is reported as unfinished, to be tried again with more bytes.

use memchr::{memchr, memchr2, memmem};

use super::encoding::Trail;

/// What changes how bytes are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mode {
    /// Whether a backslash in `'…'` is an ordinary character.
    pub(super) standard_strings: bool,
    /// Bytes to step over as parts of a character.
    pub(super) trail: Trail,
}

/// Kinds of string literals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    /// `'…'`
    Plain,
    /// `E'…'`
    Escape,
    /// `U&'…'`
    Unicode,
    /// `B'…'`
    Bits,
    /// `X'…'`
    Hex,
}

/// Kinds of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Space,
    /// `-- …`, without its line end.
    LineComment,
    BlockComment,
    /// A keyword or an unquoted identifier.
    Word,
    /// `"…"`
    Ident,
    /// `U&"…"`
    UnicodeIdent,
    /// A string; `body` bytes of it come before its text.
    Str {
        quote: Quote,
        body: usize,
    },
    /// `$tag$…$tag$`, with the length of `$tag$`.
    Dollar {
        tag: usize,
    },
    Number,
    /// Any other single character.
    Punct(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Token {
    pub(super) fn is_blank(&self) -> bool {
        matches!(self.kind, Kind::Space | Kind::LineComment | Kind::BlockComment)
    }
}

/// The token at `start`; `None` where the buffer ends before it, or may do so when it is not the `last` of the input.
pub(super) fn token(buffer: &[u8], start: usize, mode: Mode, last: bool) -> Option<Token> {
    let rest = buffer.get(start..).filter(|rest| !rest.is_empty())?;
    let next = |at: usize| rest.get(at).copied();
    // What could become a longer token with one more byte.
    let cut = |length: usize| length >= rest.len() && !last;
    let (kind, length) = match rest[0] {
        b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => {
            let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c);
            (Kind::Space, rest.iter().take_while(blank).count())
        }
        b'-' | b'/' | b'$' | b'.' if cut(1) => return None,
        b'-' if next(1) == Some(b'-') => {
            let length = memchr(b'\n', rest).or_else(|| last.then_some(rest.len()))?;
            (Kind::LineComment, length)
        }
        b'/' if next(1) == Some(b'*') => (Kind::BlockComment, block_comment(rest)?),
        b'\'' => (Kind::Str { quote: Quote::Plain, body: 1 }, string(rest, 1, mode, !mode.standard_strings, last)?),
        b'"' => (Kind::Ident, quoted(rest, 1, b'"', mode.trail, false, last)?),
        b'$' => match dollar_tag(rest, mode.trail) {
            Tag::Length(tag) => {
                let body = memmem::find(&rest[tag..], &rest[..tag])?;
                (Kind::Dollar { tag }, tag + body + tag)
            }
            Tag::Unfinished if !last => return None,
            Tag::Unfinished | Tag::None => (Kind::Punct(b'$'), 1),
        },
        b'0'..=b'9' => (Kind::Number, number(rest)),
        b'.' if next(1).is_some_and(|byte| byte.is_ascii_digit()) => (Kind::Number, number(rest)),
        first if first.is_ascii_alphabetic() || first == b'_' || first >= 0x80 => {
            if rest.len() < 3 && !last {
                return None;
            }
            match prefix(rest) {
                Prefix::None => (Kind::Word, word(rest, mode.trail)),
                Prefix::Ident => (Kind::UnicodeIdent, quoted(rest, 3, b'"', mode.trail, false, last)?),
                Prefix::Str(quote, body) => {
                    let escapes = match quote {
                        Quote::Escape => true,
                        Quote::Plain => !mode.standard_strings,
                        _ => false,
                    };
                    (Kind::Str { quote, body }, string(rest, body, mode, escapes, last)?)
                }
            }
        }
        other => (Kind::Punct(other), 1),
    };
    if matches!(kind, Kind::Word | Kind::Number) && cut(length) {
        return None;
    }
    Some(Token { kind, start, end: start + length })
}

/// What makes a letter the beginning of a string or a quoted identifier.
enum Prefix {
    None,
    /// `U&"`
    Ident,
    /// With the bytes before the string's text.
    Str(Quote, usize),
}

fn prefix(rest: &[u8]) -> Prefix {
    match (rest[0].to_ascii_lowercase(), rest.get(1), rest.get(2)) {
        (b'e', Some(b'\''), _) => Prefix::Str(Quote::Escape, 2),
        (b'b', Some(b'\''), _) => Prefix::Str(Quote::Bits, 2),
        (b'x', Some(b'\''), _) => Prefix::Str(Quote::Hex, 2),
        (b'n', Some(b'\''), _) => Prefix::Str(Quote::Plain, 2),
        (b'u', Some(b'&'), Some(b'\'')) => Prefix::Str(Quote::Unicode, 3),
        (b'u', Some(b'&'), Some(b'"')) => Prefix::Ident,
        _ => Prefix::None,
    }
}

fn string(rest: &[u8], body: usize, mode: Mode, escapes: bool, last: bool) -> Option<usize> {
    quoted(rest, body, b'\'', mode.trail, escapes, last)
}

/// Length up to and with the closing quote; a doubled quote is not one.
fn quoted(rest: &[u8], body: usize, quote: u8, trail: Trail, escapes: bool, last: bool) -> Option<usize> {
    let mut at = body;
    loop {
        at = if trail == Trail::Safe {
            let found = if escapes { memchr2(quote, b'\\', &rest[at..]) } else { memchr(quote, &rest[at..]) };
            at + found?
        } else {
            let mut here = at;
            while rest.get(here).is_some_and(|byte| *byte != quote && !(escapes && *byte == b'\\')) {
                here += trail.width(&rest[here..]);
            }
            here
        };
        let here = *rest.get(at)?;
        if here == b'\\' && escapes && here != quote {
            let letter = rest.get(at + 1..).filter(|letter| !letter.is_empty())?;
            at += 1 + trail.width(letter);
        } else if rest.get(at + 1) == Some(&quote) {
            at += 2;
        } else if at + 1 == rest.len() && !last {
            return None;
        } else {
            return Some(at + 1);
        }
        if at > rest.len() {
            return None;
        }
    }
}

fn block_comment(rest: &[u8]) -> Option<usize> {
    let mut depth = 1;
    let mut at = 2;
    while depth > 0 {
        at += memchr2(b'/', b'*', rest.get(at..)?)?;
        match (rest[at], rest.get(at + 1)?) {
            (b'/', b'*') => {
                depth += 1;
                at += 2;
            }
            (b'*', b'/') => {
                depth -= 1;
                at += 2;
            }
            _ => at += 1,
        }
    }
    Some(at)
}

enum Tag {
    Length(usize),
    None,
    Unfinished,
}

/// The `$tag$` that opens a dollar-quoted string.
fn dollar_tag(rest: &[u8], trail: Trail) -> Tag {
    let length = 1 + match rest.get(1) {
        Some(byte) if byte.is_ascii_alphabetic() || *byte == b'_' || *byte >= 0x80 => tag_letters(&rest[1..], trail),
        _ => 0,
    };
    match rest.get(length) {
        Some(b'$') => Tag::Length(length + 1),
        Some(_) => Tag::None,
        None => Tag::Unfinished,
    }
}

fn tag_letters(rest: &[u8], trail: Trail) -> usize {
    letters(rest, trail, |byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn word(rest: &[u8], trail: Trail) -> usize {
    letters(rest, trail, |byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$')
}

fn letters(rest: &[u8], trail: Trail, ascii: impl Fn(u8) -> bool) -> usize {
    let mut at = 0;
    while let Some(&byte) = rest.get(at) {
        if byte >= 0x80 {
            at += trail.width(&rest[at..]);
        } else if ascii(byte) {
            at += 1;
        } else {
            break;
        }
    }
    at
}

/// Digits with a point, an exponent or a prefix as in `0x1F`.
fn number(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&byte) = rest.get(at) {
        let exponent = matches!(byte, b'+' | b'-')
            && at > 0
            && matches!(rest[at - 1], b'e' | b'E')
            && !rest[..at - 1].contains(&b'x')
            && rest.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !(byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.' || exponent) {
            break;
        }
        at += 1;
    }
    at
}
