//! The rules that every template keeps: strict names, and no value in SQL that nobody quoted.
//!
//! minijinja marks a string as safe when it is known to be fit for its output. Here that means: it is SQL. The only
//! ways to become safe are our own functions and filters, [`super::Fragment`], and text that a template itself captured
//! (`{% set x %}…{% endset %}`, macros), whose values went through the same rules. The filters of minijinja that
//! declare a string safe are not there.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};

use crate::names;

/// The filters that a template may use; those for values in SQL are ours, the rest work on lists.
pub(super) const FILTERS: [&str; 11] =
    ["ident", "idents", "literal", "default", "first", "items", "last", "length", "list", "sort", "string"];

/// An environment without variables and functions.
pub(crate) fn new<'source>() -> Environment<'source> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // Has minijinja say which expression an error is about.
    environment.set_debug(true);
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("sql".into()));
    environment.set_formatter(write);
    environment.add_filter("ident", ident);
    environment.add_filter("idents", idents);
    environment.add_filter("literal", literal);
    environment.add_filter("default", minijinja::filters::default);
    environment.add_filter("first", minijinja::filters::first);
    environment.add_filter("items", minijinja::filters::items);
    environment.add_filter("last", minijinja::filters::last);
    environment.add_filter("length", minijinja::filters::length);
    environment.add_filter("list", minijinja::filters::list);
    environment.add_filter("sort", minijinja::filters::sort);
    environment.add_filter("string", minijinja::filters::string);
    environment.add_test("defined", minijinja::tests::is_defined);
    environment.add_test("undefined", minijinja::tests::is_undefined);
    environment.add_test("none", minijinja::tests::is_none);
    environment
}

/// An error of ours inside a template, which [`super::error`] finds again.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Problem {
    pub message: String,
    pub hint: Option<String>,
}

/// An error of ours, as minijinja wants it.
pub(crate) fn problem(message: impl Into<String>, hint: impl Into<Option<String>>) -> Error {
    let message = message.into();
    let error = Error::new(ErrorKind::InvalidOperation, message.clone());
    error.with_source(Problem { message, hint: hint.into() })
}

/// A text from `[vars]`: it prints itself as an SQL literal, and filters see its text.
#[derive(Debug)]
pub(crate) struct Var(String);

impl Object for Var {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        !self.0.is_empty()
    }

    fn custom_cmp(self: &Arc<Self>, other: &minijinja::value::DynObject) -> Option<std::cmp::Ordering> {
        other.downcast_ref::<Self>().map(|other| self.0.cmp(&other.0))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Var {
    /// A table of the settings as templates see it.
    pub fn table<'a>(entries: impl IntoIterator<Item = (&'a String, &'a toml::Value)>) -> Value {
        entries.into_iter().map(|(name, value)| (name.clone(), Self::value(value))).collect::<BTreeMap<_, _>>().into()
    }

    fn value(value: &toml::Value) -> Value {
        match value {
            toml::Value::String(text) => Value::from_object(Self(text.clone())),
            toml::Value::Integer(number) => Value::from(*number),
            toml::Value::Float(number) => Value::from(*number),
            toml::Value::Boolean(truth) => Value::from(*truth),
            toml::Value::Datetime(moment) => Value::from_object(Self(moment.to_string())),
            toml::Value::Array(values) => values.iter().map(Self::value).collect(),
            toml::Value::Table(entries) => Self::table(entries),
        }
    }
}

/// Writes a value that stands in `{{ }}`.
fn write(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if let Some(text) = value.as_str().filter(|_| value.is_safe()) {
        return Ok(out.write_str(text)?);
    }
    if let Some(var) = value.downcast_object_ref::<Var>() {
        return Ok(out.write_str(&quoted(&var.0)?)?);
    }
    match value.kind() {
        ValueKind::Number | ValueKind::Bool => Ok(out.write_str(&plain(value))?),
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::None => Err(problem("a value is none", "write null where SQL's null is meant".to_owned())),
        ValueKind::String => Err(problem(
            format!("the text {value:?} would stand in the SQL unquoted"),
            "add | ident for the name of a column or table, or | literal for a value".to_owned(),
        )),
        kind => Err(problem(
            format!("a {kind} cannot stand in SQL"),
            "loop over it, or add | idents for a list of columns".to_owned(),
        )),
    }
}

/// A number or a truth value as SQL. A negative number stands in parentheses: after a minus sign it would begin a
/// comment (CVE-2024-1597 of pgjdbc was that).
fn plain(value: &Value) -> String {
    let text = value.to_string();
    if text.starts_with('-') { format!("({text})") } else { text }
}

/// minijinja knows only the filter's place by then, not the name of what is not defined.
fn undefined() -> Error {
    problem("what the filter is to quote is not defined", None)
}

/// The text of a value that a filter is to quote.
fn text_of(value: &Value) -> Result<String, Error> {
    if let Some(var) = value.downcast_object_ref::<Var>() {
        return Ok(var.0.clone());
    }
    if value.is_safe() {
        return Err(problem("the value is SQL already, so it cannot be quoted again", "remove the filter".to_owned()));
    }
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None if value.is_undefined() => Err(undefined()),
        None => Err(problem(format!("a {} is not a text", value.kind()), None)),
    }
}

fn quoted(text: &str) -> Result<String, Error> {
    if text.contains('\0') {
        return Err(problem("the text holds a NUL character, which PostgreSQL has no text for", None));
    }
    Ok(names::literal(text))
}

fn name_of(value: &Value) -> Result<String, Error> {
    let name = text_of(value)?;
    if name.is_empty() || name.contains('\0') {
        return Err(problem(format!("{name:?} is no name"), None));
    }
    Ok(names::ident(&name))
}

/// `| ident`: one quoted identifier.
fn ident(value: &Value) -> Result<Value, Error> {
    Ok(Value::from_safe_string(name_of(value)?))
}

/// `| idents` and `| idents('alias')`: a list as quoted identifiers, comma separated, each behind the alias.
fn idents(value: &Value, alias: Option<Value>) -> Result<Value, Error> {
    let prefix = match alias {
        Some(alias) => format!("{}.", name_of(&alias)?),
        None => String::new(),
    };
    if value.is_undefined() {
        return Err(undefined());
    }
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return Err(problem(format!("idents wants a list, and this is a {}", value.kind()), None));
    }
    let mut names = Vec::new();
    for item in value.try_iter()? {
        names.push(format!("{prefix}{}", name_of(&item)?));
    }
    if names.is_empty() {
        return Err(problem("the list of columns is empty", "ask for that with {% if %} first".to_owned()));
    }
    Ok(Value::from_safe_string(names.join(", ")))
}

/// `| literal`: a value as an SQL literal; none is null.
fn literal(value: &Value) -> Result<Value, Error> {
    let sql = match value.kind() {
        ValueKind::Number | ValueKind::Bool => plain(value),
        ValueKind::None => "null".to_owned(),
        _ => quoted(&text_of(value)?)?,
    };
    Ok(Value::from_safe_string(sql))
}
