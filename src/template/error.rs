//! Why a template did not become SQL, in the words of the one who wrote it.

use minijinja::{Error, ErrorKind};

use super::environment::{FILTERS, Problem};
use super::suggest;

/// Why a template did not become SQL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct TemplateError {
    /// Path inside the project, or the name of one of sqlmig's own files.
    pub file: String,
    /// Line of the file, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    pub(crate) hint: Option<String>,
}

impl TemplateError {
    /// What to do next, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

/// The words that a template may use, for messages about those that it may not.
pub(crate) struct Vocabulary<'a> {
    /// Variables.
    pub names: &'a [String],
    /// Functions.
    pub functions: &'a [&'a str],
    /// What to do about a variable that is not there, where more can be said than which there are.
    pub undefined: fn(&str) -> Option<&'static str>,
}

/// What an error of minijinja means to the author of a template, `source`, that begins on `first_line` of its file.
pub(crate) fn explain(
    error: &Error,
    file: &str,
    source: &str,
    first_line: usize,
    vocabulary: &Vocabulary<'_>,
) -> TemplateError {
    let line = first_line + error.line().unwrap_or(1) - 1;
    let (message, hint) = match own(error) {
        Some(problem) => (problem.message.clone(), problem.hint.clone()),
        None => foreign(error, source, vocabulary),
    };
    TemplateError { file: file.to_owned(), line, message, hint }
}

/// The error of ours behind one of minijinja's.
fn own(error: &Error) -> Option<&Problem> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(problem) = error.downcast_ref() {
            return Some(problem);
        }
        cause = error.source();
    }
    None
}

/// Message and hint for an error of minijinja's own.
fn foreign(error: &Error, source: &str, vocabulary: &Vocabulary<'_>) -> (String, Option<String>) {
    let part = error.range().and_then(|range| source.get(range)).unwrap_or_default().trim();
    let words = |words: &[&str]| {
        let name = part.split(|c: char| !(c.is_alphanumeric() || c == '_')).find(|word| !word.is_empty());
        let closest = name.and_then(|name| suggest::closest(name, words.iter().copied()));
        Some(closest.map_or_else(|| format!("there is {}", words.join(", ")), |word| format!("did you mean {word}?")))
    };
    let names: Vec<&str> = vocabulary.names.iter().map(String::as_str).collect();
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.kind() {
        ErrorKind::UndefinedError if part.is_empty() => (detail, words(&names)),
        ErrorKind::UndefinedError => {
            let hint = (vocabulary.undefined)(part).map(str::to_owned);
            (format!("{part} is not defined here"), hint.or_else(|| words(&names)))
        }
        ErrorKind::UnknownFunction => (format!("function {detail}"), words(vocabulary.functions)),
        ErrorKind::UnknownFilter => (detail, words(&FILTERS)),
        _ if part.is_empty() => (format!("the template cannot be understood: {detail}"), None),
        _ => (format!("the template cannot be understood at {part:?}: {detail}"), None),
    }
}
