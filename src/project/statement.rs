//! Whether a text is one SELECT, as far as that can be told without a parser of SQL.
//!
//! sqlmig writes `from ({{ select }})` around what an author wrote. This module sees to it that what stands there can
//! neither end those parentheses nor begin another statement. It knows the lexical rules of PostgreSQL's manual,
//! chapter 4.1: strings, quoted names, dollar quotes, comments. What the words mean is PostgreSQL's business.

use std::fmt;

/// Words that a query may begin with.
pub(super) const QUERY_WORDS: [&str; 4] = ["select", "with", "values", "table"];
/// Words that may follow the table in CREATE INDEX.
pub(super) const INDEX_WORDS: [&str; 1] = ["using"];

/// Why a text is not one SELECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatementProblem {
    /// There is no SQL.
    Empty,
    /// It ends with a semicolon.
    Semicolon,
    /// More follows a semicolon.
    Several,
    /// It begins with another word.
    NotSelect(String),
    /// A string, quoted name, dollar quote or comment has no end.
    Unfinished(&'static str),
    /// A parenthesis too many or too few.
    Parentheses,
}

impl fmt::Display for StatementProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no SQL after the header"),
            Self::Semicolon => f.write_str("the SELECT ends with a semicolon"),
            Self::Several => f.write_str("there is a second statement after the semicolon"),
            Self::NotSelect(word) => write!(f, "a transform is a SELECT, and this begins with {word:?}"),
            Self::Unfinished(what) => write!(f, "{what} begins here and does not end"),
            Self::Parentheses => f.write_str("the parentheses do not match"),
        }
    }
}

impl StatementProblem {
    /// What to do next, where that can be said.
    pub(super) fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Empty => "write the SELECT below the header",
            Self::Semicolon => "remove it: sqlmig writes more SQL around the SELECT",
            Self::Several => "one file is one SELECT; make the second one a file of its own",
            Self::NotSelect(_) => "sqlmig writes the INSERT and UPDATE itself; only say which rows there should be",
            Self::Unfinished(_) | Self::Parentheses => return None,
        };
        Some(text.to_owned())
    }
}

/// What a text is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A template: its tags stand for anything.
    Template,
    /// SQL as it will run.
    Sql,
}

/// Finds out whether `text` is one SELECT; if not, where (a line from 1) and why.
pub(super) fn check(text: &str, form: Form, first_words: &[&str]) -> Result<(), (usize, StatementProblem)> {
    let mut lexer = Lexer { text, at: 0, form };
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    let fail = |at: usize, problem| Err((line(at), problem));
    let mut depth = 0_usize;
    let mut begun = false;
    let mut semicolon = None;
    loop {
        let token = match lexer.next_token() {
            Ok(Some(token)) => token,
            Ok(None) => break,
            Err((at, what)) => return fail(at, StatementProblem::Unfinished(what)),
        };
        let (at, token) = token;
        if semicolon.is_some() {
            return fail(at, StatementProblem::Several);
        }
        match token {
            Token::Semicolon => semicolon = Some(at),
            Token::Open => depth += 1,
            Token::Close if depth == 0 && form == Form::Sql => return fail(at, StatementProblem::Parentheses),
            Token::Close => depth = depth.saturating_sub(1),
            Token::Word(word) if !begun => {
                if !first_words.iter().any(|first| first.eq_ignore_ascii_case(word)) {
                    return fail(at, StatementProblem::NotSelect(word.to_owned()));
                }
                begun = true;
            }
            Token::Word(_) | Token::Other => begun = true,
        }
    }
    match semicolon {
        _ if !begun => fail(0, StatementProblem::Empty),
        Some(at) => fail(at, StatementProblem::Semicolon),
        None if depth > 0 && form == Form::Sql => fail(text.len(), StatementProblem::Parentheses),
        None => Ok(()),
    }
}

enum Token<'a> {
    Semicolon,
    Open,
    Close,
    Word(&'a str),
    Other,
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    form: Form,
}

/// Where something began that has no end, and what it is.
type Unfinished = (usize, &'static str);

impl<'a> Lexer<'a> {
    fn next_token(&mut self) -> Result<Option<(usize, Token<'a>)>, Unfinished> {
        loop {
            let start = self.at;
            let rest = &self.text[start..];
            let Some(letter) = rest.chars().next() else { return Ok(None) };
            if let Some(tag) = self.tag_length() {
                self.at += tag;
                // `{# … #}` and `{% … %}` print nothing.
                if rest.starts_with("{{") {
                    return Ok(Some((start, Token::Other)));
                }
            } else if letter.is_whitespace() {
                self.at += letter.len_utf8();
            } else if rest.starts_with("--") {
                self.skip_line();
            } else if rest.starts_with("/*") {
                self.skip_comment()?;
            } else {
                return self.solid(start, letter).map(|token| Some((start, token)));
            }
        }
    }

    /// A token that is neither blank nor comment nor tag.
    fn solid(&mut self, start: usize, letter: char) -> Result<Token<'a>, Unfinished> {
        let rest = &self.text[start..];
        match letter {
            '\'' => self.skip_quoted('\'', false, "a string")?,
            '"' => self.skip_quoted('"', false, "a quoted name")?,
            'e' | 'E' if rest[1..].starts_with('\'') => {
                self.at += 1;
                self.skip_quoted('\'', true, "a string")?;
            }
            '$' => self.skip_dollar()?,
            c if c.is_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
                self.at += end;
                return Ok(Token::Word(&rest[..end]));
            }
            c => {
                self.at += c.len_utf8();
                return Ok(match c {
                    ';' => Token::Semicolon,
                    '(' => Token::Open,
                    ')' => Token::Close,
                    _ => Token::Other,
                });
            }
        }
        Ok(Token::Other)
    }

    /// Length of the template tag that begins here, if one does.
    fn tag_length(&self) -> Option<usize> {
        let rest = &self.text[self.at..];
        let end = match rest.get(..2) {
            Some("{{") => "}}",
            Some("{%") => "%}",
            Some("{#") => "#}",
            _ => return None,
        };
        // One without an end is minijinja's to report.
        (self.form == Form::Template).then(|| rest.find(end).map_or(rest.len(), |at| at + end.len()))
    }

    fn skip_line(&mut self) {
        while self.at < self.text.len() && !self.text[self.at..].starts_with('\n') {
            self.step();
        }
    }

    fn skip_comment(&mut self) -> Result<(), Unfinished> {
        let start = self.at;
        let mut depth = 0;
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            if rest.starts_with("/*") {
                depth += 1;
                self.at += 2;
            } else if rest.starts_with("*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return Ok(());
                }
            } else {
                self.step();
            }
        }
        Err((start, "a comment"))
    }

    fn skip_quoted(&mut self, quote: char, backslash: bool, what: &'static str) -> Result<(), Unfinished> {
        let start = self.at;
        self.at += 1;
        while let Some(letter) = self.text[self.at..].chars().next() {
            if backslash && letter == '\\' {
                self.at += 1;
                self.step();
            } else if letter == quote {
                self.at += 1;
                if !self.text[self.at..].starts_with(quote) {
                    return Ok(());
                }
                self.at += 1;
            } else {
                self.step();
            }
        }
        Err((start, what))
    }

    fn skip_dollar(&mut self) -> Result<(), Unfinished> {
        let start = self.at;
        let rest = &self.text[start + 1..];
        let tag = rest.find('$').map(|end| &rest[..end]).filter(|tag| {
            !tag.starts_with(|c: char| c.is_ascii_digit()) && tag.chars().all(|c| c.is_alphanumeric() || c == '_')
        });
        let Some(tag) = tag else {
            self.at += 1;
            return Ok(());
        };
        let quote = &self.text[start..start + tag.len() + 2];
        let body = start + quote.len();
        let end = self.text[body..].find(quote).ok_or((start, "a dollar-quoted string"))?;
        self.at = body + end + quote.len();
        Ok(())
    }

    /// One letter, or one tag, further.
    fn step(&mut self) {
        self.at += match self.tag_length() {
            Some(tag) => tag,
            None => self.text[self.at..].chars().next().map_or(0, char::len_utf8),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use StatementProblem::{Empty, NotSelect, Parentheses, Semicolon, Several, Unfinished};

    #[test]
    fn what_looks_like_an_end_inside_quotes_is_none() {
        for sql in [
            "select ';' as a, E'\\';' as b, \";\" as c -- ; )",
            "/* ; /* nested ) */ ; */ select $$;)$$, $a$ $$ ; $a$, '('",
            "with x as (select 1) select a$b, $1 from x",
            "\n  (values (1), (2))\n",
            "select 'it''s ; fine', e'a\\\\'",
        ] {
            assert_eq!(check(sql, Form::Sql, &QUERY_WORDS), Ok(()), "{sql}");
        }
        for template in [
            "{# ; #}{% if fed('a;b') %}select 1{% endif %}",
            "{{ rows }} ",
            "select '{{ \"';\" }}' from {{ rows }} where ({% if x %} a) {% else %} b) {% endif %}",
        ] {
            assert_eq!(check(template, Form::Template, &QUERY_WORDS), Ok(()), "{template}");
        }
    }

    #[test]
    fn what_is_not_one_select_is_named_with_its_line() {
        for (sql, line, problem) in [
            (" -- nothing\n", 1, Empty),
            ("select 1\n;\n-- end", 2, Semicolon),
            ("select 1;\n\ndrop table x", 3, Several),
            ("select 1;;", 1, Several),
            ("\nDelete from x", 2, NotSelect("Delete".to_owned())),
            ("select 'a\nb", 1, Unfinished("a string")),
            ("select\n\"a", 2, Unfinished("a quoted name")),
            ("select E'a\\'", 1, Unfinished("a string")),
            ("select $x$ $$", 1, Unfinished("a dollar-quoted string")),
            ("select /* /* */", 1, Unfinished("a comment")),
            ("select 1) as x, (select 2", 1, Parentheses),
            ("select (1", 1, Parentheses),
        ] {
            assert_eq!(check(sql, Form::Sql, &QUERY_WORDS), Err((line, problem)), "{sql}");
        }
    }
}
