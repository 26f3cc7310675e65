//! How a transform becomes SQL: what the names in its template mean, and what its result must be.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;

use crate::template::{self, TemplateError, Var, Vocabulary};

use super::functions::{self, Asked};
use super::scope::{Cast, Scope};
use super::statement::{self, Form};
use super::transform::{MacroFile, SqlFile};

/// A transform as SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One SELECT. It ends with a line break, so that it can stand in parentheses even where it ends with a comment.
    pub sql: String,
    /// Casts that it makes, in the order of their first use, without repetitions; only normalise transforms have any.
    pub casts: Vec<Cast>,
    /// Whether it reads rows by what checks have decided: `accepted()` or `clean()`.
    pub decided: bool,
}

/// Whether minijinja understands a template; what it asks for is seen when it is rendered.
pub(super) fn parse(file: &SqlFile) -> Result<(), TemplateError> {
    let environment = template::environment();
    match environment.template_from_named_str(&file.path, &file.body) {
        Ok(_) => Ok(()),
        Err(error) => Err(template::explain(&error, &file.path, &file.body, file.first_line, &vocabulary(&[]))),
    }
}

/// The same for a file of macros.
pub(super) fn parse_macros(file: &MacroFile) -> Result<(), TemplateError> {
    match template::environment().template_from_named_str(&file.name, &file.body) {
        Ok(_) => Ok(()),
        Err(error) => Err(template::explain(&error, &file.path, &file.body, 1, &vocabulary(&[]))),
    }
}

/// Turns a template into SQL.
pub(super) fn render(
    file: &SqlFile,
    scope: &Scope<'_>,
    vars: &BTreeMap<String, toml::Value>,
    macros: &[MacroFile],
) -> Result<Rendered, TemplateError> {
    refuse_comparison(file, vars)?;
    let asked = Arc::default();
    let mut environment = template::environment();
    functions::add(&mut environment, file.phase, scope, &asked);
    let mut context: BTreeMap<String, Value> = BTreeMap::new();
    context.insert("vars".to_owned(), Var::table(vars.iter()));
    if let Some(rows) = &scope.rows {
        context.insert("rows".to_owned(), Value::from_safe_string(rows.clone()));
    }
    let known: Vec<String> = context.keys().cloned().collect();
    let explained = |error: &minijinja::Error| match macros.iter().find(|own| error.name() == Some(&own.name)) {
        Some(own) => template::explain(error, &own.path, &own.body, 1, &vocabulary(&known)),
        None => template::explain(error, &file.path, &file.body, file.first_line, &vocabulary(&known)),
    };
    for own in macros {
        environment.add_template(&own.name, &own.body).map_err(|error| explained(&error))?;
    }
    let mut sql = environment
        .template_from_named_str(&file.path, &file.body)
        .and_then(|template| template.render(Value::from(context)))
        .map_err(|error| explained(&error))?;
    if !sql.ends_with('\n') {
        sql.push('\n');
    }
    // Lines of the SQL are lines of the template as long as no tag printed a line break: near enough to find it.
    statement::check(&sql, Form::Sql, file.phase.first_words()).map_err(|(line, problem)| TemplateError {
        file: file.path.clone(),
        line: file.first_line + line - 1,
        message: problem.to_string(),
        hint: problem.hint(),
    })?;
    let Asked { casts, decided } = std::mem::take(&mut *functions::lock(&asked));
    Ok(Rendered { sql, casts, decided })
}

/// The words of a transform's template, for messages.
fn vocabulary(names: &[String]) -> Vocabulary<'_> {
    Vocabulary { names, functions: &functions::NAMES, undefined }
}

/// What to do about a name that only some phases have, or that the settings must give.
fn undefined(name: &str) -> Option<&'static str> {
    match name {
        "rows" => Some("validate, and promote without `from`, have no rows: name the tables or relations"),
        _ if name.starts_with("vars.") => Some("set it in [vars] of sqlmig.toml"),
        _ => None,
    }
}

/// Refuses to compare a text of `[vars]` with another. It is its own kind of value, so that it can print itself as a
/// literal, and minijinja would quietly find it different from every text.
fn refuse_comparison(file: &SqlFile, vars: &BTreeMap<String, toml::Value>) -> Result<(), TemplateError> {
    let is_text = |name: &str| matches!(vars.get(name), Some(toml::Value::String(_) | toml::Value::Datetime(_)));
    for (at, _) in file.body.match_indices("vars.") {
        let rest = &file.body[at + "vars.".len()..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (name, after) = (&rest[..end], rest[end..].trim_start());
        let before = &file.body[..at];
        let inside_tag = before.rfind(['{', '}']).is_some_and(|brace| {
            let tag = before.as_bytes();
            tag[brace] == b'{' && (brace > 0 && tag[brace - 1] == b'{' || tag.get(brace + 1) == Some(&b'%'))
        });
        let before = before.trim_end();
        let compared = ["==", "!=", "in ", "not in "].iter().any(|operator| after.starts_with(operator))
            || (["==", "!="].iter().any(|operator| before.ends_with(operator)) && !after.starts_with('|'));
        if inside_tag && is_text(name) && compared {
            return Err(TemplateError {
                file: file.path.clone(),
                line: file.first_line + before.matches('\n').count(),
                message: format!("vars.{name} is printed as a literal and cannot be compared as it is"),
                hint: Some(format!("compare its text: vars.{name} | string == 'a'")),
            });
        }
    }
    Ok(())
}
