//! Tokens of Rust source, as far as documentation needs them (The Rust Reference, "Lexical structure").

/// A token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// One line of a doc comment about the item that follows, or all lines of a block.
    OuterDoc(&'a str),
    /// The same, about what it stands in.
    InnerDoc(&'a str),
    /// What stands between the brackets of an attribute.
    Attribute(&'a str),
    /// An identifier or a keyword.
    Word(&'a str),
    /// An opening bracket of any kind.
    Open(char),
    /// A closing one.
    Close(char),
    /// Anything else: punctuation, literals.
    Other,
}

/// Gives one token after the other.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Whether [`Self::pass_head`] ended at a brace.
    opened: bool,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Self {
        // A script's first line; `#![` is an attribute.
        let at =
            if text.starts_with("#!") && !text.starts_with("#![") { text.find('\n').unwrap_or(text.len()) } else { 0 };
        Self { text, at, opened: false }
    }

    /// The byte behind the last token.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Whether the last [`Self::pass_head`] ended behind an opening brace.
    pub fn opened_body(&self) -> bool {
        self.opened
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub fn next_token(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = self.rest();
            let first = rest.chars().next()?;
            if first.is_whitespace() {
                self.at += first.len_utf8();
                continue;
            }
            if rest.starts_with("//") {
                let end = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
                let line = rest[..end].trim_end_matches('\r');
                self.at += end;
                if let Some(doc) = line.strip_prefix("//!") {
                    return Some(Token::InnerDoc(without_blank(doc)));
                }
                // Four slashes are a plain comment.
                if let Some(doc) = line.strip_prefix("///").filter(|doc| !doc.starts_with('/')) {
                    return Some(Token::OuterDoc(without_blank(doc)));
                }
                continue;
            }
            if rest.starts_with("/*") {
                let comment = self.block_comment();
                if let Some(doc) = comment.strip_prefix("/*!") {
                    return Some(Token::InnerDoc(doc.strip_suffix("*/").unwrap_or(doc)));
                }
                let is_doc = comment.len() > 4 && !comment.starts_with("/***");
                if let Some(doc) = comment.strip_prefix("/**").filter(|_| is_doc) {
                    return Some(Token::OuterDoc(doc.strip_suffix("*/").unwrap_or(doc)));
                }
                continue;
            }
            if first == '#' && (rest.starts_with("#[") || rest.starts_with("#![")) {
                return Some(self.attribute());
            }
            return Some(self.plain(first));
        }
    }

    /// A token that is neither blank, comment nor attribute.
    fn plain(&mut self, first: char) -> Token<'a> {
        let rest = self.rest();
        match first {
            '(' | '[' | '{' => {
                self.at += 1;
                Token::Open(first)
            }
            ')' | ']' | '}' => {
                self.at += 1;
                Token::Close(first)
            }
            '"' => {
                self.at += 1;
                self.string();
                Token::Other
            }
            '\'' => {
                self.quote();
                Token::Other
            }
            _ if first.is_alphabetic() || first == '_' => {
                let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
                let word = &rest[..length];
                let behind = &rest.as_bytes()[length..];
                match (word, behind.first()) {
                    ("r" | "br" | "cr", Some(b'"' | b'#')) if self.raw_string(length) => Token::Other,
                    ("b" | "c", Some(b'"')) => {
                        self.at += length + 1;
                        self.string();
                        Token::Other
                    }
                    ("b", Some(b'\'')) => {
                        self.at += length;
                        self.quote();
                        Token::Other
                    }
                    _ => {
                        self.at += length;
                        Token::Word(word)
                    }
                }
            }
            _ => {
                self.at += first.len_utf8();
                Token::Other
            }
        }
    }

    /// Behind the end of a string whose opening quote was read.
    fn string(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            self.at += match byte {
                b'\\' => 2,
                _ => 1,
            };
            if *byte == b'"' {
                break;
            }
        }
        self.at = self.at.min(bytes.len());
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    /// Behind a raw string, if that is what follows the prefix; `r#name` is a word.
    fn raw_string(&mut self, prefix: usize) -> bool {
        let rest = &self.rest()[prefix..];
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        if !rest[hashes..].starts_with('"') {
            return false;
        }
        let closing = format!("\"{}", "#".repeat(hashes));
        let body = prefix + hashes + 1;
        let end = self.rest()[body..].find(&closing).map_or(self.rest().len(), |end| body + end + closing.len());
        self.at += end;
        true
    }

    /// A character or a lifetime.
    fn quote(&mut self) {
        self.at += 1;
        let rest = self.rest();
        let mut letters = rest.chars();
        match letters.next() {
            Some('\\') => {
                // The escaped character itself may be a quote.
                let skipped = 1 + letters.next().map_or(0, char::len_utf8);
                let end = rest[skipped..].find(['\'', '\n']).map_or(rest.len(), |end| skipped + end + 1);
                self.at += end;
            }
            Some(letter) if letters.next() == Some('\'') => self.at += letter.len_utf8() + 1,
            // A lifetime: its name is the next word.
            _ => {}
        }
    }

    fn block_comment(&mut self) -> &'a str {
        let (begin, bytes) = (self.at, self.text.as_bytes());
        let mut depth = 0_usize;
        while self.at < bytes.len() {
            match (bytes[self.at], bytes.get(self.at + 1)) {
                (b'/', Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', Some(b'/')) => {
                    depth = depth.saturating_sub(1);
                    self.at += 2;
                    if depth == 0 {
                        break;
                    }
                }
                _ => self.at += 1,
            }
        }
        // Every step was over ASCII, or over bytes up to the next of it.
        &self.text[begin..self.at]
    }

    fn attribute(&mut self) -> Token<'a> {
        self.at = self.at + self.rest().find('[').unwrap_or(0) + 1;
        let (begin, mut depth) = (self.at, 1_usize);
        while depth > 0 {
            let Some(first) = self.rest().chars().next() else { return Token::Attribute(&self.text[begin..]) };
            match first {
                '[' => depth += 1,
                ']' => depth -= 1,
                '"' | '\'' => {
                    self.plain(first);
                    continue;
                }
                _ => {}
            }
            self.at += first.len_utf8();
        }
        Token::Attribute(&self.text[begin..self.at - 1])
    }

    /// Passes `(crate)` and the like; whether there was any.
    pub fn skips_parenthesis(&mut self) -> bool {
        let trimmed = self.rest().trim_start();
        let inside = ["(crate", "(super", "(self", "(in "];
        if !inside.iter().any(|begin| trimmed.starts_with(begin)) {
            return false;
        }
        let end = self.rest().find(')').map_or(self.rest().len(), |end| end + 1);
        self.at += end;
        true
    }

    /// Passes the rest of an item's head: to its opening brace, which is passed too, or its semicolon. Returns where the
    /// head ends. What has a value (a constant) has no body: braces behind its `=` belong to the value.
    pub fn pass_head(&mut self, has_value: bool) -> usize {
        self.opened = false;
        let mut depth = 0_usize;
        let mut value = false;
        loop {
            let begin = self.at;
            let Some(token) = self.next_token() else { return self.at };
            match token {
                Token::Open('{') if depth == 0 && !value => {
                    self.opened = true;
                    return self.at - 1;
                }
                Token::Open(_) => depth += 1,
                // The end of what it stands in: there was no body.
                Token::Close(_) if depth == 0 => {
                    self.at -= 1;
                    return begin;
                }
                Token::Close(_) => depth -= 1,
                Token::Other if depth == 0 && self.text[..self.at].ends_with(';') => return self.at - 1,
                Token::Other if has_value && depth == 0 && self.text[..self.at].ends_with('=') => value = true,
                _ => {}
            }
        }
    }

    /// Passes to the next semicolon outside of brackets.
    pub fn skip_statement(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.next_token() {
            match token {
                Token::Open(_) => depth += 1,
                Token::Close(_) if depth == 0 => {
                    self.at -= 1;
                    return;
                }
                Token::Close(_) => depth -= 1,
                Token::Other if depth == 0 && self.text[..self.at].ends_with(';') => return,
                _ => {}
            }
        }
    }

    /// Passes the rest of a field or variant: to its comma, or before the end of what it stands in.
    pub fn skip_member(&mut self) {
        let mut depth = 0_i64;
        loop {
            let Some(token) = self.next_token() else { return };
            match token {
                Token::Open(_) => depth += 1,
                Token::Close(_) if depth == 0 => {
                    self.at -= 1;
                    return;
                }
                Token::Close(_) => depth -= 1,
                Token::Other if depth == 0 && self.text[..self.at].ends_with([',', ';']) => return,
                _ => {}
            }
        }
    }
}

/// The line without the blank that usually follows the slashes.
fn without_blank(line: &str) -> &str {
    line.strip_prefix(' ').unwrap_or(line)
}
