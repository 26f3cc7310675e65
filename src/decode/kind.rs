//! What a statement that is only counted is called.

use super::cursor::Cursor;
use super::lexer::Kind;

/// Commands of PostgreSQL: <https://www.postgresql.org/docs/current/sql-commands.html>.
const COMMANDS: [&str; 54] = [
    "abort",
    "alter",
    "analyse",
    "analyze",
    "begin",
    "call",
    "checkpoint",
    "close",
    "cluster",
    "comment",
    "commit",
    "copy",
    "create",
    "deallocate",
    "declare",
    "delete",
    "discard",
    "do",
    "drop",
    "end",
    "execute",
    "explain",
    "fetch",
    "grant",
    "import",
    "insert",
    "listen",
    "load",
    "lock",
    "merge",
    "move",
    "notify",
    "prepare",
    "reassign",
    "refresh",
    "reindex",
    "release",
    "repack",
    "reset",
    "revoke",
    "rollback",
    "savepoint",
    "security",
    "select",
    "set",
    "show",
    "start",
    "table",
    "truncate",
    "unlisten",
    "update",
    "vacuum",
    "values",
    "with",
];

/// Words between CREATE and the kind of object.
const MODIFIERS: [&str; 9] = ["or", "replace", "global", "local", "temp", "temporary", "unlogged", "unique", "trusted"];

/// Kinds of objects that have more than one word.
const OBJECTS: [&[&str]; 15] = [
    &["access", "method"],
    &["default", "privileges"],
    &["event", "trigger"],
    &["foreign", "data", "wrapper"],
    &["foreign", "table"],
    &["large", "object"],
    &["materialized", "view"],
    &["operator", "class"],
    &["operator", "family"],
    &["text", "search", "configuration"],
    &["text", "search", "dictionary"],
    &["text", "search", "parser"],
    &["text", "search", "template"],
    &["user", "mapping"],
    &["row", "level", "security"],
];

/// Whether a word begins a statement.
pub(super) fn is_command(word: &[u8]) -> bool {
    word.len() <= 12 && COMMANDS.iter().any(|command| word.eq_ignore_ascii_case(command.as_bytes()))
}

/// The kind of a statement, the cursor at its beginning.
pub(super) fn of(cursor: &mut Cursor<'_>) -> String {
    let Some(verb) = cursor.peek_word() else {
        return if cursor.peek().is_some_and(|token| token.kind == Kind::Punct(b'(')) { "SELECT" } else { "OTHER" }
            .to_owned();
    };
    cursor.next();
    let object = match verb.as_str() {
        "create" | "alter" | "drop" => object(cursor),
        "refresh" => Some("MATERIALIZED VIEW".to_owned()),
        "security" => Some("LABEL".to_owned()),
        _ => None,
    };
    let verb = verb.to_ascii_uppercase();
    object.map_or_else(|| verb.clone(), |object| format!("{verb} {object}"))
}

fn object(cursor: &mut Cursor<'_>) -> Option<String> {
    while MODIFIERS.iter().any(|modifier| cursor.word(modifier)) {}
    // A constraint trigger is a trigger, a default conversion a conversion, a procedural language a language.
    for (prefix, object) in [("constraint", "trigger"), ("default", "conversion"), ("procedural", "language")] {
        if cursor.words(&[prefix, object]) {
            return Some(object.to_ascii_uppercase());
        }
    }
    for words in OBJECTS {
        if cursor.words(words) {
            return Some(words.join(" ").to_ascii_uppercase());
        }
    }
    cursor.peek_word().map(|word| word.to_ascii_uppercase())
}
