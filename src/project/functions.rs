//! The functions that a transform's template may call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::{Environment, Error, Value};

use crate::names::{TableName, ident, literal};
use crate::template::{problem, suggest};

use super::render::{Cast, RelationSql, Scope};
use super::transform::TransformPhase;
use super::type_name::is_type_name;

/// Every function, for messages.
pub(super) const NAMES: [&str; 8] =
    ["staged", "is_staged", "canonical", "accepted", "clean", "embedded", "fed", "cast"];

/// Adds the functions of a phase to an environment. What `cast()` is asked for is written down in `casts`.
pub(super) fn add(
    environment: &mut Environment<'_>,
    phase: TransformPhase,
    scope: &Scope<'_>,
    casts: &Arc<Mutex<Vec<Cast>>>,
) {
    let tables = Arc::new(scope.staged.clone());
    let known = Arc::clone(&tables);
    environment.add_function("staged", move |name: &str| staged(&tables, name));
    environment.add_function("is_staged", move |name: &str| Ok::<_, Error>(known.contains_key(&table(name)?)));

    let relations = Arc::new(scope.relations.clone());
    let mut add_relation = |function: &'static str, part: fn(&RelationSql) -> &String| {
        let relations = Arc::clone(&relations);
        environment.add_function(function, move |name: &str| {
            relation(&relations, name).map(|relation| Value::from_safe_string(part(relation).clone()))
        });
    };
    add_relation("canonical", |relation| &relation.canonical);
    add_relation("accepted", |relation| &relation.accepted);
    add_relation("clean", |relation| &relation.clean);
    add_relation("embedded", |relation| &relation.embedded);
    environment.add_function("fed", move |name: &str| relations.contains_key(name));

    let casts = Arc::clone(casts);
    environment.add_function("cast", move |column: &str, type_name: &str| {
        if phase != TransformPhase::Normalise {
            let hint = "cast in transforms/normalise, where rows with bad values are found and kept";
            return Err(problem(format!("{phase} has no cast()"), hint.to_owned()));
        }
        let (sql, cast) = cast(column, type_name)?;
        let mut casts = casts.lock().unwrap_or_else(PoisonError::into_inner);
        if !casts.contains(&cast) {
            casts.push(cast);
        }
        Ok(Value::from_safe_string(sql))
    });
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
