//! The values of an INSERT's tuple: literals are read, expressions are named and never evaluated.

use memchr::{memchr, memchr2};

use super::block::Column;
use super::encoding::Trail;
use super::error::{RowError, RowErrorCode};
use super::lexer::{Kind, Mode, Quote, Token, token};
use super::slot::{Scratch, Slot};

/// What a table's row of nothing but defaults looks like.
pub(super) const DEFAULT_VALUES: &[u8] = b"DEFAULT VALUES";

/// Splits a tuple, already UTF-8, into one slot a column.
pub(super) fn split(
    text: &[u8],
    columns: &[Column],
    standard_strings: bool,
    scratch: &mut Scratch,
) -> Result<(), RowError> {
    if text == DEFAULT_VALUES {
        if columns.is_empty() {
            return Ok(());
        }
        return Err(expression(None, DEFAULT_VALUES));
    }
    let mode = Mode { standard_strings, trail: Trail::Safe };
    let mut tokens = Tokens { text, at: 0, mode };
    let opened = tokens.next().is_some_and(|token| token.kind == Kind::Punct(b'('));
    if !opened {
        return Err(RowError { code: RowErrorCode::LiteralSyntax, column: None, reason: "expected \"(\"".to_owned() });
    }
    if tokens.peek().is_some_and(|token| token.kind == Kind::Punct(b')')) && columns.is_empty() {
        return Ok(());
    }
    loop {
        let Some(column) = columns.get(scratch.slots.len()) else {
            return Err(RowError {
                code: RowErrorCode::ColumnCount,
                column: None,
                reason: format!("INSERT has more expressions than target columns ({})", columns.len()),
            });
        };
        let slot = tokens.value(column, scratch)?;
        scratch.slots.push(slot);
        match tokens.next().map(|token| token.kind) {
            Some(Kind::Punct(b',')) => {}
            _ => break,
        }
    }
    if scratch.slots.len() < columns.len() {
        return Err(RowError {
            code: RowErrorCode::ColumnCount,
            column: Some(columns[scratch.slots.len()].name.clone()),
            reason: format!(
                "INSERT has more target columns ({}) than expressions ({})",
                columns.len(),
                scratch.slots.len()
            ),
        });
    }
    Ok(())
}

/// Number of values in a tuple: what a table without known columns has.
pub(super) fn count(text: &[u8], mode: Mode) -> usize {
    let mut tokens = Tokens { text, at: 0, mode };
    tokens.next();
    let mut values = 0;
    while tokens.peek().is_some_and(|token| token.kind != Kind::Punct(b')')) {
        values += 1;
        tokens.skip();
        if tokens.next().is_none_or(|token| token.kind != Kind::Punct(b',')) {
            break;
        }
    }
    values
}

struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
    mode: Mode,
}

impl Tokens<'_> {
    fn peek(&self) -> Option<Token> {
        let mut at = self.at;
        loop {
            let token = token(self.text, at, self.mode, true)?;
            if !token.is_blank() {
                return Some(token);
            }
            at = token.end;
        }
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek()?;
        self.at = token.end;
        Some(token)
    }

    /// Skips to the comma or parenthesis that ends the value, and says where its last token ends.
    fn skip(&mut self) -> usize {
        let mut depth = 0_usize;
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Punct(b',' | b')') if depth == 0 => break,
                Kind::Punct(b'(' | b'[') => depth += 1,
                Kind::Punct(b')' | b']') => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at = token.end;
        }
        self.at
    }

    fn value(&mut self, column: &Column, scratch: &mut Scratch) -> Result<Slot, RowError> {
        let start = self.peek().map_or(self.at, |token| token.start);
        match self.literal(column, scratch)? {
            Some(slot) if self.ends() => Ok(slot),
            _ => {
                self.at = start;
                let end = self.skip();
                Err(expression(Some(column), &self.text[start..end]))
            }
        }
    }

    /// Whether the value ends here, but for casts, which don't change what is written.
    fn ends(&mut self) -> bool {
        loop {
            match self.peek().map(|token| token.kind) {
                Some(Kind::Punct(b',' | b')')) => return true,
                Some(Kind::Punct(b':')) => {
                    self.next();
                    if self.next().is_none_or(|token| token.kind != Kind::Punct(b':')) || !self.type_name() {
                        return false;
                    }
                }
                _ => return false,
            }
        }
    }

    /// A type's name: words, a schema, a modifier, array brackets.
    fn type_name(&mut self) -> bool {
        let mut named = false;
        loop {
            match self.peek().map(|token| token.kind) {
                Some(Kind::Word | Kind::Ident) => named = true,
                Some(Kind::Punct(b'.')) if named => {}
                Some(Kind::Punct(open @ (b'(' | b'['))) if named => {
                    let close = if open == b'(' { b')' } else { b']' };
                    self.next();
                    while let Some(token) = self.peek() {
                        match token.kind {
                            Kind::Number | Kind::Punct(b',') => self.at = token.end,
                            Kind::Punct(found) if found == close => break,
                            _ => return false,
                        }
                    }
                }
                _ => return named,
            }
            self.next();
        }
    }

    /// A literal at the front; `None` if what is there is none.
    fn literal(&mut self, column: &Column, scratch: &mut Scratch) -> Result<Option<Slot>, RowError> {
        let Some(token) = self.next() else { return Ok(None) };
        let bytes = &self.text[token.start..token.end];
        Ok(match token.kind {
            Kind::Word => {
                let is = |word: &[u8]| bytes.eq_ignore_ascii_case(word);
                if is(b"null") || (is(b"default") && column.generated) {
                    Some(Slot::Null)
                } else if is(b"true") || is(b"false") {
                    Some(scratch.text_slot(|out| {
                        out.extend(bytes.iter().map(u8::to_ascii_lowercase));
                        Ok::<(), RowError>(())
                    })?)
                } else {
                    None
                }
            }
            Kind::Number => Some(Slot::Raw(token.start, token.end)),
            Kind::Punct(b'-' | b'+') => {
                let Some(number) = self.next().filter(|token| token.kind == Kind::Number) else { return Ok(None) };
                if bytes == b"-" && number.start == token.end {
                    Some(Slot::Raw(token.start, number.end))
                } else {
                    let digits = &self.text[number.start..number.end];
                    Some(scratch.text_slot(|out| {
                        out.extend_from_slice(if bytes == b"-" { b"-" } else { b"" });
                        out.extend_from_slice(digits);
                        Ok::<(), RowError>(())
                    })?)
                }
            }
            Kind::Str { quote, body } => {
                let start = token.start + body;
                let text = &self.text[start..token.end - 1];
                let escapes = quote == Quote::Escape || (quote == Quote::Plain && !self.mode.standard_strings);
                let plain = matches!(quote, Quote::Plain | Quote::Escape | Quote::Bits)
                    && if escapes { memchr2(b'\'', b'\\', text) } else { memchr(b'\'', text) }.is_none();
                if plain {
                    return Ok(Some(Slot::Raw(start, token.end - 1)));
                }
                let slot = scratch.text_slot(|out| match quote {
                    Quote::Hex => hex_bits(text, out),
                    Quote::Unicode => {
                        let mut undoubled = Vec::new();
                        string(text, false, &mut undoubled)?;
                        unicode_escapes(&undoubled, out)
                    }
                    _ => string(text, escapes, out),
                });
                Some(slot.map_err(|(code, reason)| RowError { code, column: Some(column.name.clone()), reason })?)
            }
            _ => None,
        })
    }
}

type Fault = (RowErrorCode, String);

fn malformed(reason: &str) -> Fault {
    (RowErrorCode::LiteralSyntax, reason.to_owned())
}

fn expression(column: Option<&Column>, text: &[u8]) -> RowError {
    let shown = String::from_utf8_lossy(&text[..text.len().min(80)]).into_owned();
    RowError {
        code: RowErrorCode::Expression,
        column: column.map(|column| column.name.clone()),
        reason: format!("the expression {shown} would have to be evaluated"),
    }
}

/// The value of the inside of `'…'` (or, with `escapes`, of `E'…'`).
pub(super) fn string(mut text: &[u8], escapes: bool, out: &mut Vec<u8>) -> Result<(), Fault> {
    loop {
        let found = if escapes { memchr2(b'\'', b'\\', text) } else { memchr(b'\'', text) };
        let Some(at) = found else {
            out.extend_from_slice(text);
            return Ok(());
        };
        out.extend_from_slice(&text[..at]);
        if text[at] == b'\'' {
            // Quotes inside come in pairs.
            out.push(b'\'');
            text = text.get(at + 2..).unwrap_or_default();
        } else {
            text = escape(&text[at + 1..], out)?;
        }
    }
}

/// One backslash escape of an E-string, without its backslash; what follows it is returned.
/// <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS-ESCAPE>
fn escape<'a>(text: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], Fault> {
    let Some(&first) = text.first() else { return Ok(text) };
    let rest = &text[1..];
    match first {
        b'b' => out.push(0x08),
        b'f' => out.push(0x0c),
        b'n' => out.push(b'\n'),
        b'r' => out.push(b'\r'),
        b't' => out.push(b'\t'),
        b'v' => out.push(0x0b),
        b'0'..=b'7' => {
            let (value, length) = digits(text, 8, 3);
            out.push(value.to_le_bytes()[0]);
            return Ok(&text[length..]);
        }
        b'x' if rest.first().is_some_and(u8::is_ascii_hexdigit) => {
            let (value, length) = digits(rest, 16, 2);
            out.push(value.to_le_bytes()[0]);
            return Ok(&rest[length..]);
        }
        b'u' | b'U' => {
            let wanted = if first == b'u' { 4 } else { 8 };
            let (value, length) = digits(rest, 16, wanted);
            if length != wanted {
                return Err(malformed("invalid Unicode escape"));
            }
            let mut rest = &rest[wanted..];
            let mut low = None;
            if (0xd800..0xdc00).contains(&value) {
                let second = rest.strip_prefix(b"\\u").map(|rest| (rest, 4));
                if let Some((after, wanted)) = second.or_else(|| rest.strip_prefix(b"\\U").map(|rest| (rest, 8))) {
                    low = Some(digits(after, 16, wanted).0);
                    rest = after.get(wanted..).unwrap_or_default();
                }
            }
            code_point(value, low, out)?;
            return Ok(rest);
        }
        other => out.push(other),
    }
    Ok(rest)
}

/// The value of the inside of `U&'…'`, quotes already undoubled, with the backslash as its escape character.
pub(super) fn unicode_escapes(mut text: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    while let Some(at) = memchr(b'\\', text) {
        out.extend_from_slice(&text[..at]);
        text = &text[at + 1..];
        if let Some(rest) = text.strip_prefix(b"\\") {
            out.push(b'\\');
            text = rest;
            continue;
        }
        let (value, rest) = unicode_escape(text)?;
        text = rest;
        let mut low = None;
        if (0xd800..0xdc00).contains(&value)
            && let Some(after) = text.strip_prefix(b"\\")
        {
            let (second, rest) = unicode_escape(after)?;
            low = Some(second);
            text = rest;
        }
        code_point(value, low, out)?;
    }
    out.extend_from_slice(text);
    Ok(())
}

fn unicode_escape(text: &[u8]) -> Result<(u32, &[u8]), Fault> {
    let (digits_at, wanted) = if text.first() == Some(&b'+') { (1, 6) } else { (0, 4) };
    let (value, length) = digits(&text[digits_at..], 16, wanted);
    if length == wanted { Ok((value, &text[digits_at + wanted..])) } else { Err(malformed("invalid Unicode escape")) }
}

fn code_point(value: u32, low: Option<u32>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let value = match low {
        Some(low) if (0xdc00..0xe000).contains(&low) => 0x1_0000 + ((value - 0xd800) << 10) + (low - 0xdc00),
        Some(_) => return Err(malformed("invalid Unicode surrogate pair")),
        None => value,
    };
    let letter = char::from_u32(value).ok_or_else(|| malformed("invalid Unicode escape value"))?;
    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
    Ok(())
}

/// At most `most` digits at the front, as a number, and how many there are.
pub(super) fn digits(text: &[u8], radix: u32, most: usize) -> (u32, usize) {
    let mut value = 0;
    let mut length = 0;
    while let Some(digit) =
        text.get(length).filter(|_| length < most).and_then(|byte| char::from(*byte).to_digit(radix))
    {
        value = value * radix + digit;
        length += 1;
    }
    (value, length)
}

/// `X'1F'` is the bit string 00011111.
fn hex_bits(text: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    for byte in text {
        let digit = char::from(*byte).to_digit(16).ok_or_else(|| malformed("invalid hexadecimal digit"))?;
        out.extend((0..4).rev().map(|bit| b'0' + u8::from(digit >> bit & 1 == 1)));
    }
    Ok(())
}
