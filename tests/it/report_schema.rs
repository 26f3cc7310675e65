//! The JSON Schema of the report, from the table that documents it: one source for people and for programs.

use serde_json::{Map, Value, json};

use crate::harness::TestDb;
use crate::program::{MIGRATED, fixture, sqlmig};

const PAGE: &str = include_str!("../../docs/report.md");
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json");

/// The fields of the page's section about the report: path, type and meaning.
fn documented() -> Vec<(String, String, String)> {
    let section = PAGE.split_once("## `sqlmig report`").unwrap().1;
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let (path, rest) = row.split_once("` | ").unwrap();
        let (kind, meaning) = rest.split_once(" | ").unwrap();
        (path.to_owned(), kind.to_owned(), meaning.trim_end_matches(" |").to_owned())
    })
    .collect()
}

/// The schema of one field by the word that the page has for it.
fn of_kind(kind: &str) -> Value {
    let (kind, null) = kind.strip_suffix(" or null").map_or((kind, false), |kind| (kind, true));
    let mut schema = match kind {
        "text" => json!({ "type": "string" }),
        "number" => json!({ "type": "number" }),
        "true or false" => json!({ "type": "boolean" }),
        "moment" => json!({ "type": "string", "format": "date-time" }),
        "list" => json!({ "type": "array", "items": { "type": "object", "properties": {}, "required": [] } }),
        "list of text" => json!({ "type": "array", "items": { "type": "string" } }),
        other => panic!("the page has no meaning for the type {other:?}"),
    };
    if null {
        schema["type"] = json!([schema["type"], "null"]);
    }
    schema
}

fn schema() -> Value {
    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "sqlmig report --format json",
        "description": "Written from docs/report.md. Fields may be added; whatever else changes raises format.",
        "type": "object", "properties": {}, "required": []
    });
    for (path, kind, meaning) in documented() {
        let mut at = &mut root;
        let parts: Vec<&str> = path.split('.').collect();
        for part in &parts[..parts.len() - 1] {
            let name = part.trim_end_matches("[]");
            add(at, name, json!({ "type": "object", "properties": {}, "required": [] }));
            at = &mut at["properties"][name];
            if part.ends_with("[]") {
                at = &mut at["items"];
            }
        }
        let mut field = of_kind(&kind);
        field["description"] = json!(meaning.replace('`', ""));
        add(at, parts[parts.len() - 1], field);
    }
    root["properties"]["format"]["const"] = json!(sqlmig::outcome::FORMAT);
    root
}

/// Adds a property that must be there, unless it is known.
fn add(object: &mut Value, name: &str, schema: Value) {
    let properties: &mut Map<String, Value> = object["properties"].as_object_mut().unwrap();
    if !properties.contains_key(name) {
        properties.insert(name.to_owned(), schema);
        object["required"].as_array_mut().unwrap().push(json!(name));
    }
}

/// What a value has that a schema does not allow: of the schema's words, those that are used here.
fn wrong(value: &Value, schema: &Value, path: &str) -> Vec<String> {
    let fits = |word: &str| match word {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => value.is_null(),
    };
    let words = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
    if !words.iter().any(|word| fits(word.as_str().unwrap())) {
        return vec![format!("{path}: {value} is not {}", schema["type"])];
    }
    let mut found = Vec::new();
    for name in schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap()) {
        match value.get(name) {
            Some(value) => found.extend(wrong(value, &schema["properties"][name], &format!("{path}.{name}"))),
            None => found.push(format!("{path}.{name} is missing")),
        }
    }
    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(wrong(item, &schema["items"], &format!("{path}[{place}]")));
    }
    found
}

#[tokio::test]
async fn the_schema_is_that_of_the_page_and_a_report_is_valid() {
    let written = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("SQLMIG_WRITE_DOCS").is_some() {
        std::fs::write(PATH, &written).unwrap();
    }
    let known = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(known == written, "write it again: SQLMIG_WRITE_DOCS=1 cargo test --test it report_schema");
    let db = TestDb::from(&MIGRATED, "schema").await;
    let line = format!("run {} --no-index --output json", fixture("docs.sql.gz"));
    let report = sqlmig(&db, &line).await.code(0).json();
    assert_eq!(wrong(&report, &schema(), "report"), [""; 0]);
    // It does find what is wrong.
    let mut broken = report;
    broken["run"]["id"] = json!(7);
    broken["tables"][0].as_object_mut().unwrap().remove("rows_read");
    assert_eq!(wrong(&broken, &schema(), "report").len(), 2);
}
