//! The functions that a transform's template may call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::{Environment, Error, Value};

use crate::names::{TableName, ident, literal};
use crate::template::{problem, suggest};

use super::scope::{Cast, RelationSql, Scope};
use super::transform::TransformPhase;
use super::type_name::is_type_name;

/// Every function, for messages.
pub(super) const NAMES: [&str; 8] =
    ["staged", "is_staged", "canonical", "accepted", "clean", "embedded", "fed", "cast"];

/// What a template asked its functions for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Casts, in the order of their first use, without repetitions.
    pub casts: Vec<Cast>,
    /// Whether it asked for rows that depend on what checks have decided.
    pub decided: bool,
}

/// Adds the functions of a phase to an environment. What they are asked for is written down in `asked`.
pub(super) fn add(
    environment: &mut Environment<'_>,
    phase: TransformPhase,
    scope: &Scope<'_>,
    asked: &Arc<Mutex<Asked>>,
) {
    let tables = Arc::new(scope.staged.clone());
    let known = Arc::clone(&tables);
    environment.add_function("staged", move |name: &str| staged(&tables, name));
    environment.add_function("is_staged", move |name: &str| Ok::<_, Error>(known.contains_key(&table(name)?)));

    let relations = Arc::new(scope.relations.clone());
    let mut add_relation = |function: &'static str, decided: bool, part: fn(&RelationSql) -> &String| {
        let (relations, asked) = (Arc::clone(&relations), Arc::clone(asked));
        environment.add_function(function, move |name: &str| {
            lock(&asked).decided |= decided;
            relation(&relations, name).map(|relation| Value::from_safe_string(part(relation).clone()))
        });
    };
    add_relation("canonical", false, |relation| &relation.canonical);
    add_relation("accepted", true, |relation| &relation.accepted);
    add_relation("clean", true, |relation| &relation.clean);
    add_relation("embedded", false, |relation| &relation.embedded);
    environment.add_function("fed", move |name: &str| relations.contains_key(name));

    let asked = Arc::clone(asked);
    environment.add_function("cast", move |column: &str, type_name: &str| {
        if phase != TransformPhase::Normalise {
            let hint = "cast in transforms/normalise, where rows with bad values are found and kept";
            return Err(problem(format!("{phase} has no cast()"), hint.to_owned()));
        }
        let (sql, cast) = cast(column, type_name)?;
        let casts = &mut lock(&asked).casts;
        if !casts.contains(&cast) {
            casts.push(cast);
        }
        Ok(Value::from_safe_string(sql))
    });
}

/// What was asked for so far.
pub(super) fn lock(asked: &Mutex<Asked>) -> MutexGuard<'_, Asked> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

fn table(name: &str) -> Result<TableName, Error> {
    name.parse().map_err(|error| problem(format!("{error}"), None))
}

fn staged(tables: &BTreeMap<TableName, String>, name: &str) -> Result<Value, Error> {
    if let Some(sql) = tables.get(&table(name)?) {
        return Ok(Value::from_safe_string(sql.clone()));
    }
    let known: Vec<String> = tables.keys().map(ToString::to_string).collect();
    let known = || known.iter().map(String::as_str);
    let hint = match suggest::closest(name, known()) {
        Some(closest) => format!("did you mean {closest}?"),
        None => format!("where a source may lack it, ask {{% if is_staged('{name}') %}} first"),
    };
    Err(problem(format!("the source has no table {name}; it has {}", suggest::list(known())), hint))
}

fn relation<'a>(relations: &'a BTreeMap<String, RelationSql>, name: &str) -> Result<&'a RelationSql, Error> {
    relations.get(name).ok_or_else(|| {
        let known = || relations.keys().map(String::as_str);
        let hint = match suggest::closest(name, known()) {
            Some(closest) => format!("did you mean {closest}?"),
            None => format!("where a source may not feed it, ask {{% if fed('{name}') %}} first"),
        };
        problem(format!("nothing feeds a relation {name:?} in this run; there is {}", suggest::list(known())), hint)
    })
}

/// A cast that yields NULL where the value has no such form, instead of ending the statement.
fn cast(column: &str, type_name: &str) -> Result<(String, Cast), Error> {
    if !is_type_name(type_name) {
        let hint = "as in uuid, numeric(10,2), timestamp with time zone, text[]";
        return Err(problem(format!("{type_name:?} is not the name of a type"), hint.to_owned()));
    }
    // An alias and a column are quoted as a schema and a table are: unquoted letters are folded, "Quoted" ones kept.
    let name: TableName = column.parse().map_err(|_| {
        let hint = "cast takes column or alias.column; cast an expression in SQL, in a check of its own";
        problem(format!("{column:?} is not the name of a column"), hint.to_owned())
    })?;
    let column = match &name.schema {
        Some(alias) => format!("{}.{}", ident(alias), ident(&name.table)),
        None => ident(&name.table),
    };
    let sql =
        format!("case when sqlmig.input_is_valid({column}, {}) then {column}::{type_name} end", literal(type_name));
    Ok((sql, Cast { column: name.table, type_name: type_name.to_owned() }))
}
