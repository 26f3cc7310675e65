//! Names of types, as `cast()` takes them.

/// Whether a text has the form of a type's name and nothing else: words, quoted names, dots, `(n)` or `(n,m)`, `[]`.
///
/// The text goes into SQL both as a literal (for the function that asks whether a value is valid) and as it is (after
/// `::`), so its letters are held to what a type needs; whether there is such a type is PostgreSQL's to say.
pub(super) fn is_type_name(text: &str) -> bool {
    let mut rest = text;
    let mut begun = false;
    while let Some(letter) = rest.chars().next() {
        let length = match letter {
            'a'..='z' | 'A'..='Z' | '_' => {
                begun = true;
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len())
            }
            '"' => match rest[1..].find('"') {
                Some(end) if end > 0 => {
                    begun = true;
                    end + 2
                }
                _ => return false,
            },
            '.' | ' ' if begun => 1,
            '(' if begun => match enclosed(rest, ')') {
                Some(inside) if inside.split(',').all(|part| is_number(part.trim())) => inside.len() + 2,
                _ => return false,
            },
            '[' if begun => match enclosed(rest, ']') {
                Some(inside) if inside.is_empty() || is_number(inside) => inside.len() + 2,
                _ => return false,
            },
            _ => return false,
        };
        rest = &rest[length..];
    }
    begun && !text.ends_with([' ', '.'])
}

fn enclosed(text: &str, close: char) -> Option<&str> {
    text.find(close).map(|end| &text[1..end])
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_types_and_nothing_else_is() {
        for name in [
            "uuid",
            "timestamp with time zone",
            "timestamp(3) with time zone",
            "numeric(10, 2)",
            "text[]",
            "int4[3][]",
            "public.doc_type",
            "public.\"Mixed Case\"",
            "vector(3072)",
            "\"char\"",
        ] {
            assert!(is_type_name(name), "{name}");
        }
        for name in [
            "",
            " int",
            "int ",
            "int;",
            "int--",
            "int' ",
            "int) or (true",
            "numeric(a)",
            "numeric()",
            "\"a",
            "\"\"",
            "1int",
            "int/*x*/",
            "a::b",
            "[]",
            "a.",
        ] {
            assert!(!is_type_name(name), "{name}");
        }
    }
}
