//! Where statements and lists end: found token by token, since quotes, comments and bodies may hold anything.

use super::lexer::{Kind, Mode, token};

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
    use crate::decode::encoding::Trail;

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
