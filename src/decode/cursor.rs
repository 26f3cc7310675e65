//! Reads a whole statement token by token, skipping blanks.

use super::encoding::Encoding;
use super::lexer::{Kind, Mode, Quote, Token, token};
use super::values;
use crate::names::TableName;

#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    mode: Mode,
    encoding: Encoding,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [u8], mode: Mode, encoding: Encoding) -> Self {
        Self { text, at: 0, mode, encoding }
    }

    /// The next token, which stays.
    pub(super) fn peek(&self) -> Option<Token> {
        let mut at = self.at;
        loop {
            let token = token(self.text, at, self.mode, true)?;
            if !token.is_blank() {
                return Some(token);
            }
            at = token.end;
        }
    }

    pub(super) fn next(&mut self) -> Option<Token> {
        let token = self.peek()?;
        self.at = token.end;
        Some(token)
    }

    pub(super) fn bytes(&self, token: Token) -> &'a [u8] {
        &self.text[token.start..token.end]
    }

    /// The next token if it is a word, in lower case.
    pub(super) fn peek_word(&self) -> Option<String> {
        let token = self.peek().filter(|token| token.kind == Kind::Word)?;
        Some(String::from_utf8_lossy(self.bytes(token)).to_ascii_lowercase())
    }

    /// Takes the next token if it is this word.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let Some(token) = self.peek() else { return false };
        let found = token.kind == Kind::Word && self.bytes(token).eq_ignore_ascii_case(word.as_bytes());
        if found {
            self.at = token.end;
        }
        found
    }

    /// Takes these words, all or none.
    pub(super) fn words(&mut self, words: &[&str]) -> bool {
        let before = self.at;
        let found = words.iter().all(|word| self.word(word));
        if !found {
            self.at = before;
        }
        found
    }

    /// Takes the next token if it is this character.
    pub(super) fn punct(&mut self, byte: u8) -> bool {
        let Some(token) = self.peek().filter(|token| token.kind == Kind::Punct(byte)) else { return false };
        self.at = token.end;
        true
    }

    /// An identifier, unquoted and folded as PostgreSQL does it.
    pub(super) fn ident(&mut self) -> Option<String> {
        let token = self.peek()?;
        let bytes = self.bytes(token);
        let name = match token.kind {
            Kind::Word => self.utf8(bytes).folded(),
            Kind::Ident => self.utf8(&bytes[1..bytes.len() - 1]).replace("\"\"", "\""),
            Kind::UnicodeIdent => {
                let body = self.utf8(&bytes[3..bytes.len() - 1]).replace("\"\"", "\"");
                let mut out = Vec::new();
                values::unicode_escapes(body.as_bytes(), &mut out).ok()?;
                String::from_utf8(out).ok()?
            }
            _ => return None,
        };
        self.at = token.end;
        Some(name)
    }

    /// A name of one, two or three parts; the database of three is dropped.
    pub(super) fn name(&mut self) -> Option<TableName> {
        let mut parts = vec![self.ident()?];
        while self.punct(b'.') {
            parts.push(self.ident()?);
        }
        let table = parts.pop()?;
        Some(TableName { schema: parts.pop(), table })
    }

    /// A parenthesised list of identifiers.
    pub(super) fn ident_list(&mut self) -> Option<Vec<String>> {
        if !self.punct(b'(') {
            return None;
        }
        let mut names = Vec::new();
        if self.punct(b')') {
            return Some(names);
        }
        loop {
            names.push(self.ident()?);
            if self.punct(b')') {
                return Some(names);
            }
            if !self.punct(b',') {
                return None;
            }
        }
    }

    /// A string literal's value, in the encoding it is written in.
    pub(super) fn string(&mut self) -> Option<Vec<u8>> {
        let token = self.peek()?;
        let Kind::Str { quote, body } = token.kind else { return None };
        let bytes = self.bytes(token);
        let mut out = Vec::new();
        let escapes = quote == Quote::Escape || (quote == Quote::Plain && !self.mode.standard_strings);
        values::string(&bytes[body..bytes.len() - 1], escapes, &mut out).ok()?;
        self.at = token.end;
        Some(out)
    }

    /// A string literal, an identifier or a number as text: what SET and COPY options take.
    pub(super) fn setting(&mut self) -> Option<String> {
        if let Some(value) = self.string() {
            return Some(self.utf8(&value).0);
        }
        let token = self.peek()?;
        if token.kind == Kind::Number {
            self.at = token.end;
            return Some(self.utf8(self.bytes(token)).0);
        }
        self.ident()
    }

    /// Skips to the character `,` or `)` that ends the present item of a list, without taking it.
    pub(super) fn skip_item(&mut self) {
        let mut parens = 0_usize;
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Punct(b',' | b')') if parens == 0 => return,
                Kind::Punct(b'(' | b'[') => parens += 1,
                Kind::Punct(b')' | b']') => parens = parens.saturating_sub(1),
                _ => {}
            }
            self.at = token.end;
        }
    }

    /// Text for names and messages: converted as well as it can be.
    pub(super) fn utf8(&self, bytes: &[u8]) -> Utf8 {
        let mut out = Vec::new();
        Utf8(match self.encoding.convert(bytes, &mut out) {
            Ok(()) => String::from_utf8_lossy(&out).into_owned(),
            Err(_) => String::from_utf8_lossy(bytes).into_owned(),
        })
    }
}

/// Converted text.
pub(super) struct Utf8(pub(super) String);

impl Utf8 {
    /// PostgreSQL folds ASCII letters only, in UTF-8 databases.
    fn folded(mut self) -> String {
        self.0.make_ascii_lowercase();
        self.0
    }

    fn replace(self, from: &str, to: &str) -> String {
        if self.0.contains(from) { self.0.replace(from, to) } else { self.0 }
    }
}
