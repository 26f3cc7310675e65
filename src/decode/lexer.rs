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

/// Where a statement ends, or what stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// After its semicolon.
    Statement(usize),
    /// After the word VALUES of an INSERT.
    Values(usize),
    /// At a backslash outside quotes: a psql command in the middle of a statement.
    Backslash(usize),
    /// Beyond the buffer.
    Unfinished,
}

/// Finds the end of the statement at the front of `buffer`; of an INSERT, that of its VALUES if `stop_at_values`.
pub(super) fn extent(buffer: &[u8], mode: Mode, last: bool, stop_at_values: bool) -> Extent {
    let mut at = 0;
    let mut parens = 0_usize;
    let mut begins = 0_usize;
    let mut words = 0_usize;
    let mut insert = false;
    let mut routine = Routine::default();
    while let Some(token) = token(buffer, at, mode, last) {
        at = token.end;
        match token.kind {
            Kind::Punct(b'(') => parens += 1,
            Kind::Punct(b')') => parens = parens.saturating_sub(1),
            Kind::Punct(b';') if parens == 0 && begins == 0 => return Extent::Statement(at),
            Kind::Punct(b'\\') => return Extent::Backslash(token.start),
            Kind::Word => {
                let word = &buffer[token.start..token.end];
                if words == 0 {
                    insert = word.eq_ignore_ascii_case(b"insert");
                }
                if words < 4 {
                    routine.see(words, word);
                }
                words += 1;
                if insert && stop_at_values && parens == 0 && word.eq_ignore_ascii_case(b"values") {
                    return Extent::Values(at);
                }
                // The bodies of SQL functions in BEGIN ATOMIC … END hold semicolons; CASE has an END of its own.
                if routine.found && parens == 0 {
                    if word.eq_ignore_ascii_case(b"begin") || (begins > 0 && word.eq_ignore_ascii_case(b"case")) {
                        begins += 1;
                    } else if word.eq_ignore_ascii_case(b"end") {
                        begins = begins.saturating_sub(1);
                    }
                }
            }
            _ => {}
        }
    }
    Extent::Unfinished
}

/// Whether a statement begins with CREATE [OR REPLACE] FUNCTION or PROCEDURE.
#[derive(Default)]
struct Routine {
    prefix: bool,
    found: bool,
}

impl Routine {
    fn see(&mut self, place: usize, word: &[u8]) {
        let is = |expected: &[u8]| word.eq_ignore_ascii_case(expected);
        match place {
            0 => self.prefix = is(b"create"),
            1 | 3 if self.prefix && (is(b"function") || is(b"procedure")) => self.found = true,
            1 => self.prefix &= is(b"or"),
            2 => self.prefix &= is(b"replace"),
            _ => self.prefix = false,
        }
    }
}

/// Finds the end of the parenthesised list that begins `buffer`.
pub(super) fn tuple_extent(buffer: &[u8], mode: Mode, last: bool) -> Extent {
    let mut at = 0;
    let mut parens = 0_usize;
    while let Some(token) = token(buffer, at, mode, last) {
        at = token.end;
        match token.kind {
            Kind::Punct(b'(') => parens += 1,
            Kind::Punct(b')') if parens <= 1 => return Extent::Statement(at),
            Kind::Punct(b')') => parens -= 1,
            Kind::Punct(b'\\') => return Extent::Backslash(token.start),
            _ => {}
        }
    }
    Extent::Unfinished
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODE: Mode = Mode { standard_strings: true, trail: Trail::Safe };

    fn ends(sql: &str, mode: Mode) -> usize {
        match extent(sql.as_bytes(), mode, true, false) {
            Extent::Statement(end) => end,
            other => panic!("{other:?} in {sql}"),
        }
    }

    /// The statement ends at the last semicolon, never before, and never needs more than what is there.
    #[test]
    fn semicolons_inside_do_not_end_a_statement() {
        for sql in [
            "select ';', E'\\';', \"a;\"\"b\", U&'\\003b;', U&\"x;\" uescape '!';",
            "select 'it''s; \\';",
            "create function f() returns int language sql as $_$ select ';' $$ ; $_$;",
            "create rule r as on insert to t do (delete from a; delete from b);",
            "create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end;",
            "create procedure p() begin atomic insert into t values (1); end;",
            "select 1 /* ; /* ; */ ' ; */ -- ; '\n;",
            "select $1, a$b$c, 1.5e-3;",
        ] {
            assert_eq!(ends(sql, MODE), sql.len(), "{sql}");
            for cut in 0..sql.len() {
                let found = extent(&sql.as_bytes()[..cut], MODE, false, false);
                assert_eq!(found, Extent::Unfinished, "{:?}", &sql[..cut]);
            }
        }
        // `begin` is a body only in routines.
        assert_eq!(ends("begin; select 1;", MODE), 6);
    }

    #[test]
    fn backslash_strings_and_trail_bytes() {
        let old = Mode { standard_strings: false, trail: Trail::Safe };
        assert_eq!(ends("select 'a\\'; b';", old), 16);
        let sjis = Mode { standard_strings: false, trail: Trail::ShiftJis };
        // 表 is 0x95 0x5c in SJIS: its second byte is no backslash.
        let sql = b"select '\x95\x5c';";
        assert_eq!(extent(sql, sjis, true, false), Extent::Statement(sql.len()));
    }

    #[test]
    fn commands_and_values_are_found() {
        assert_eq!(extent(b"select 1 \\! ls", MODE, true, true), Extent::Backslash(9));
        assert_eq!(extent(b"insert into t(\"values\") values (1);", MODE, true, true), Extent::Values(30));
        assert_eq!(tuple_extent(b"(1, ')', (2)), (3)", MODE, true), Extent::Statement(13));
    }
}
