//! The three psql commands that dumps hold: `\restrict`, `\unrestrict` and `\connect`. Every other one is refused.

use super::error::DecodeErrorKind;

/// A psql command that is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Restrict(String),
    Unrestrict(String),
    /// The database, unless it stays the same.
    Connect(Option<String>),
}

/// Reads a line that begins with a backslash.
pub(super) fn command(line: &str) -> Result<Command, DecodeErrorKind> {
    let line = line.trim_end().strip_prefix('\\').unwrap_or(line);
    let end = line.find(|letter: char| letter.is_whitespace() || letter == '\\').unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let refuse = || DecodeErrorKind::MetaCommand(if name.is_empty() { rest.to_owned() } else { name.to_owned() });
    // psql runs what stands between backquotes, and a further backslash begins another command.
    if rest.contains('`') {
        return Err(refuse());
    }
    match name {
        "restrict" => token(rest).map(Command::Restrict).ok_or(DecodeErrorKind::RestrictToken("restrict")),
        "unrestrict" => token(rest).map(Command::Unrestrict).ok_or(DecodeErrorKind::RestrictToken("unrestrict")),
        "connect" | "c" => {
            let arguments = arguments(rest).ok_or_else(refuse)?;
            let target = arguments.iter().find(|argument| !argument.starts_with("-reuse-previous="));
            Ok(Command::Connect(target.filter(|name| *name != "-").and_then(|name| database(name))))
        }
        _ => Err(refuse()),
    }
}

/// Whether a line that was cut off may be the beginning of a command that is understood.
pub(super) fn begins_command(line: &str) -> bool {
    let name = line.trim_start_matches('\\').split_whitespace().next().unwrap_or_default();
    ["restrict", "unrestrict", "connect"].iter().any(|command| command.starts_with(name))
}

fn token(rest: &str) -> Option<String> {
    let token = rest.trim();
    (!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| token.to_owned())
}

/// Arguments as psql splits them: `"…"` and `'…'` may stand anywhere in one, a doubled quote is a quote.
fn arguments(rest: &str) -> Option<Vec<String>> {
    let mut arguments = Vec::new();
    let mut letters = rest.chars().peekable();
    loop {
        while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
        if letters.peek().is_none() {
            return Some(arguments);
        }
        let mut argument = String::new();
        while let Some(letter) = letters.next_if(|letter| !letter.is_whitespace()) {
            match letter {
                '\\' => return None,
                '"' | '\'' => loop {
                    match letters.next()? {
                        inner if inner == letter => {
                            if letters.next_if_eq(&letter).is_none() {
                                break;
                            }
                            argument.push(letter);
                        }
                        '\\' if letter == '\'' => argument.push(letters.next()?),
                        inner => argument.push(inner),
                    }
                },
                _ => argument.push(letter),
            }
        }
        arguments.push(argument);
    }
}

/// The database in a `\connect` argument: a name, a list of settings or a URI.
fn database(argument: &str) -> Option<String> {
    if argument.starts_with("postgres://") || argument.starts_with("postgresql://") {
        let path = argument.split_once("://")?.1.split_once('/')?.1;
        let name = path.split('?').next()?;
        return (!name.is_empty()).then(|| name.to_owned());
    }
    if !argument.contains('=') {
        return Some(argument.to_owned());
    }
    let mut rest = argument;
    loop {
        let (key, value) = rest.split_once('=')?;
        let value = value.trim_start();
        let (value, after) = if let Some(quoted) = value.strip_prefix('\'') {
            let mut out = String::new();
            let mut letters = quoted.char_indices();
            let end = loop {
                match letters.next()? {
                    (at, '\'') => break at,
                    (_, '\\') => out.push(letters.next()?.1),
                    (_, letter) => out.push(letter),
                }
            };
            (out, &quoted[end + 1..])
        } else {
            let end = value.find(char::is_whitespace).unwrap_or(value.len());
            (value[..end].to_owned(), &value[end..])
        };
        if key.trim() == "dbname" {
            return Some(value);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_in_all_its_forms() {
        for (line, expected) in [
            ("\\connect demo", Some("demo")),
            ("\\c demo user host 5432\r", Some("demo")),
            ("\\connect \"my db\"", Some("my db")),
            ("\\connect -reuse-previous=on \"dbname='x y'\"", Some("x y")),
            ("\\connect -reuse-previous=on \"dbname='it\\\\\\'s \"\"q\"\"'\"", Some("it\\'s \"q\"")),
            ("\\connect \"host=h dbname = shop\"", Some("shop")),
            ("\\connect postgresql://h:1/shop?sslmode=require", Some("shop")),
            ("\\connect -", None),
            ("\\connect", None),
        ] {
            assert_eq!(command(line).unwrap(), Command::Connect(expected.map(str::to_owned)), "{line}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for line in
            ["\\! rm -rf /", "\\i other.sql", "\\copy t from x", "\\.", "\\connect `id`", "\\c a \\! ls", "\\o|sh"]
        {
            assert!(matches!(command(line), Err(DecodeErrorKind::MetaCommand(_))), "{line}");
        }
        assert_eq!(command("\\restrict aB3").unwrap(), Command::Restrict("aB3".to_owned()));
        for line in ["\\restrict", "\\restrict a b", "\\unrestrict `id`x", "\\unrestrict a;"] {
            assert!(command(line).is_err(), "{line}");
        }
    }
}
