//! Examples: rows that a transform is given, and the rows that it must yield, in `transforms/examples/*.toml`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value as Json;

use crate::names::TableName;
use crate::template::suggest;

use super::error::{ProjectError, ProjectErrorKind};
use super::files::Tree;
use super::settings::parse_toml;
use super::transform::TransformPhase;
use super::{Project, SqlFile};

/// A row of an example: column to text, or to JSON's null for SQL's. A vector is pgvector's text form, `[1,2.5]`.
pub type Row = serde_json::Map<String, Json>;

/// The examples of one transform.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Path inside the project.
    pub path: String,
    /// The transform's phase.
    pub phase: TransformPhase,
    /// The transform's name.
    pub transform: String,
    /// What to try, in the order of the file; never empty.
    pub cases: Vec<Case>,
}

/// One thing to try.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What it shows; unique in its file.
    pub name: String,
    /// What is staged, by source table. A table that is not here is not in the source.
    pub given: BTreeMap<TableName, GivenTable>,
    /// Rows that final tables hold before.
    pub target: BTreeMap<TableName, Vec<Row>>,
    /// The rows that the transform must yield, in any order, each with any subset of its columns, compared as text.
    pub expected: Vec<Row>,
}

/// What is staged of one source table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GivenTable {
    /// Its columns in the order of their names; true for those that are vectors and not text.
    pub columns: BTreeMap<String, bool>,
    /// Its rows in order, `_row` = 1, 2, …; each has every column.
    pub rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    defaults: BTreeMap<String, toml::Table>,
    #[serde(default)]
    case: Vec<RawCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    name: String,
    #[serde(default)]
    absent: Vec<String>,
    #[serde(default)]
    given: BTreeMap<String, Vec<toml::Table>>,
    #[serde(default)]
    target: BTreeMap<String, Vec<toml::Table>>,
    expected: Vec<toml::Table>,
}

/// Reads `transforms/examples/`.
pub(super) fn read(tree: &Tree, project: &Project) -> Result<Vec<Example>, ProjectError> {
    let mut examples = Vec::new();
    for (path, file, text) in tree.under("transforms/examples").filter(|(_, file, _)| *file != "README.md") {
        let transform = transform_of(path, file, project)?;
        let raw: RawFile = parse_toml(path, text)?;
        let wrong = |message: String| ProjectError::file(path, ProjectErrorKind::Example(message));
        let cases = cases(raw).map_err(wrong)?;
        if cases.is_empty() {
            return Err(wrong("there is no [[case]] in it".to_owned()));
        }
        examples.push(Example {
            path: path.to_owned(),
            phase: transform.phase,
            transform: transform.name.clone(),
            cases,
        });
    }
    Ok(examples)
}

/// The transform that an example's file name means.
fn transform_of<'a>(path: &str, file: &str, project: &'a Project) -> Result<&'a SqlFile, ProjectError> {
    let name = |transform: &SqlFile| format!("{}_{}.toml", transform.phase, transform.name);
    project.files().find(|transform| name(transform) == file).ok_or_else(|| {
        let known: Vec<String> = project.files().map(name).collect();
        let closest = suggest::closest(file, known.iter().map(String::as_str));
        ProjectError::file(path, ProjectErrorKind::ExampleOfNothing { closest })
    })
}

fn cases(raw: RawFile) -> Result<Vec<Case>, String> {
    let defaults = tables(raw.defaults, row)?;
    let mut names = BTreeSet::new();
    let mut cases = Vec::new();
    for case in raw.case {
        let name = case.name.clone();
        if !names.insert(name.clone()) {
            return Err(format!("case {name:?} is there twice"));
        }
        cases.push(self::case(case, &defaults).map_err(|error| format!("case {name:?}: {error}"))?);
    }
    Ok(cases)
}

fn case(raw: RawCase, defaults: &BTreeMap<TableName, Cells>) -> Result<Case, String> {
    let mut given = tables(raw.given, |rows| rows.into_iter().map(row).collect::<Result<Vec<_>, _>>())?;
    for table in defaults.keys() {
        given.entry(table.clone()).or_default();
    }
    for table in raw.absent {
        let name: TableName = table.parse().map_err(|error| format!("{error}"))?;
        match given.remove(&name) {
            Some(rows) if rows.is_empty() => {}
            Some(_) => return Err(format!("{name} is absent, and has rows")),
            None => return Err(format!("{name} is absent, and nothing says otherwise")),
        }
    }
    let nothing = Cells::new();
    let given = given.into_iter().map(|(table, rows)| {
        let staged = stage(rows, defaults.get(&table).unwrap_or(&nothing)).map_err(|error| format!("{table}: {error}"));
        staged.map(|staged| (table, staged))
    });
    let plain = |cells: Cells| cells.into_iter().map(|(column, cell)| (column, cell.value)).collect::<Row>();
    let plain_rows =
        |rows: Vec<toml::Table>| rows.into_iter().map(|r| row(r).map(plain)).collect::<Result<Vec<_>, _>>();
    Ok(Case {
        name: raw.name,
        given: given.collect::<Result<_, String>>()?,
        target: tables(raw.target, plain_rows)?,
        expected: plain_rows(raw.expected)?,
    })
}

/// Completes the rows of one table: each gets every column.
fn stage(rows: Vec<Cells>, defaults: &Cells) -> Result<GivenTable, String> {
    let mut columns: BTreeMap<String, bool> = BTreeMap::new();
    for (column, cell) in defaults.iter().chain(rows.iter().flatten()) {
        if column == "_row" {
            return Err("_row counts the rows itself; leave it out".to_owned());
        }
        *columns.entry(column.clone()).or_default() |= cell.vector;
    }
    let complete = |mut given: Cells| {
        let cell = |column: &String| {
            let cell = given.remove(column).or_else(|| defaults.get(column).cloned());
            cell.map(|cell| (column.clone(), cell.value))
                .ok_or_else(|| format!("a row lacks {column}, which has no default"))
        };
        columns.keys().map(cell).collect::<Result<Row, _>>()
    };
    let rows = rows.into_iter().map(complete).collect::<Result<_, _>>()?;
    Ok(GivenTable { columns, rows })
}

/// One value, and whether it was written as a vector.
#[derive(Clone)]
struct Cell {
    value: Json,
    vector: bool,
}

type Cells = BTreeMap<String, Cell>;

fn tables<T, U>(
    raw: BTreeMap<String, T>,
    read: impl Fn(T) -> Result<U, String>,
) -> Result<BTreeMap<TableName, U>, String> {
    let mut tables = BTreeMap::new();
    for (table, value) in raw {
        let name: TableName = table.parse().map_err(|error| format!("{error}"))?;
        let value = read(value).map_err(|error| format!("{name}: {error}"))?;
        if tables.insert(name.clone(), value).is_some() {
            return Err(format!("{name} is there twice"));
        }
    }
    Ok(tables)
}

fn row(raw: toml::Table) -> Result<Cells, String> {
    let cell = |(column, value)| match cell(&value) {
        Ok(cell) => Ok((column, cell)),
        Err(error) => Err(format!("{column}: {error}")),
    };
    raw.into_iter().map(cell).collect()
}

fn cell(value: &toml::Value) -> Result<Cell, String> {
    let text = |text: String| Ok(Cell { value: Json::String(text), vector: false });
    match value {
        toml::Value::String(value) => text(value.clone()),
        toml::Value::Integer(value) => text(value.to_string()),
        toml::Value::Float(value) => text(value.to_string()),
        toml::Value::Boolean(value) => text(value.to_string()),
        toml::Value::Datetime(value) => text(value.to_string()),
        toml::Value::Array(values) => match values.iter().map(number).collect::<Result<Vec<_>, _>>()?.as_slice() {
            [] => Err("a vector has at least one dimension".to_owned()),
            numbers => Ok(vector(&numbers.join(","))),
        },
        toml::Value::Table(form) => {
            let keys: Vec<&str> = form.keys().map(String::as_str).collect();
            match (keys.as_slice(), form.get("null"), form.get("dimensions"), form.get("fill")) {
                (["null"], Some(toml::Value::Boolean(true)), ..) => Ok(Cell { value: Json::Null, vector: false }),
                (["dimensions", "fill"], _, Some(toml::Value::Integer(dimensions)), Some(fill)) => {
                    let dimensions = usize::try_from(*dimensions).ok().filter(|n| (1..=MAX_DIMENSIONS).contains(n));
                    let dimensions = dimensions.ok_or_else(|| format!("dimensions are 1 to {MAX_DIMENSIONS}"))?;
                    // Every command reads the examples, and they have many vectors of thousands of dimensions.
                    let fill = number(fill)?;
                    Ok(vector(&format!("{fill}{}", format!(",{fill}").repeat(dimensions - 1))))
                }
                _ => Err("a value is a text, a number, a truth value, a list of numbers, { null = true } \
                          or { dimensions = 3, fill = 0.5 }"
                    .to_owned()),
            }
        }
    }
}

/// Most dimensions that pgvector's `vector` holds (its README, section Vector Type).
const MAX_DIMENSIONS: usize = 16_000;

fn vector(numbers: &str) -> Cell {
    Cell { value: Json::String(format!("[{numbers}]")), vector: true }
}

fn number(value: &toml::Value) -> Result<String, String> {
    match value {
        toml::Value::Integer(value) => Ok(value.to_string()),
        toml::Value::Float(value) if value.is_finite() => Ok(value.to_string()),
        other => Err(format!("{other} is no number, and a list is a vector")),
    }
}
