//! What `rustdoc --output-format json` writes: a piece for each documented item.
//!
//! The format is unstable; what is read of it (index, paths, docs, and the children of an item) has kept its form while
//! its number rose from 20 to 50.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::pieces::Piece;
use super::{Decoded, Format, markdown};

/// Whether a value is such documentation.
pub(super) fn is_documentation(value: &Value) -> bool {
    value.get("format_version").is_some_and(Value::is_number)
        && value.get("index").is_some_and(Value::is_object)
        && value.get("paths").is_some_and(Value::is_object)
        && value.get("root").is_some()
}

/// An id as the keys of `index` have it: a number in newer versions, a text in older ones.
fn id_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(super) fn decode(crate_json: &Value) -> Decoded {
    let none = Map::new();
    let index = crate_json.get("index").and_then(Value::as_object).unwrap_or(&none);
    let paths = crate_json.get("paths").and_then(Value::as_object).unwrap_or(&none);
    let own = crate_json.get("root").and_then(id_of).and_then(|root| index.get(&root)?.get("crate_id").cloned());
    let own = own.unwrap_or(json!(0));
    let mut pieces: BTreeMap<(String, String), Piece> = BTreeMap::new();
    let mut documented = 0_u64;
    for (id, place) in paths {
        let Some(item) = index.get(id).filter(|item| item.get("crate_id") == Some(&own)) else { continue };
        let parts: Vec<&str> =
            place.get("path").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let path = parts.join("::");
        let kind = place.get("kind").and_then(Value::as_str).unwrap_or("item").to_owned();
        let mut text = format!("# {kind} `{path}`\n\n");
        let mut says = false;
        if let Some(docs) = docs_of(item) {
            let _ = write!(text, "{docs}\n\n");
            says = true;
        }
        for child in children(item, index) {
            let (Some(name), Some(docs)) = (child.get("name").and_then(Value::as_str), docs_of(child)) else {
                continue;
            };
            let _ = write!(text, "## `{name}`\n\n{docs}\n\n");
            says = true;
        }
        if says && !path.is_empty() {
            documented += 1;
            let marks = markdown::marks(&text);
            let data = json!({ "item": path, "item_kind": kind });
            let piece_kind = if kind == "module" { "module" } else { "item" };
            let piece = Piece { kind: piece_kind, name: Some(path.clone()), text, marks, data };
            pieces.insert((path, kind), piece);
        }
    }
    let parsed = json!({
        "format_version": crate_json.get("format_version"),
        "crate_version": crate_json.get("crate_version"),
        "items": paths.len(),
        "documented_items": documented,
    });
    Decoded { format: Format::RustdocJson, parsed, pieces: pieces.into_values().collect() }
}

fn docs_of(item: &Value) -> Option<&str> {
    item.get("docs").and_then(Value::as_str).map(str::trim).filter(|docs| !docs.is_empty())
}

/// Fields, variants and methods of an item that have no page of their own.
fn children<'a>(item: &Value, index: &'a Map<String, Value>) -> Vec<&'a Value> {
    let Some(inner) = item.get("inner").and_then(Value::as_object) else { return Vec::new() };
    let mut ids: Vec<String> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for (kind, body) in inner {
        if kind == "module" {
            continue;
        }
        let lists = ["items", "variants", "fields"].iter().filter_map(|key| body.get(key)?.as_array());
        ids.extend(lists.flatten().filter_map(id_of));
        if let Some(fields) = body.pointer("/kind/plain/fields").and_then(Value::as_array) {
            ids.extend(fields.iter().filter_map(id_of));
        }
        for block in body.get("impls").and_then(Value::as_array).into_iter().flatten().filter_map(id_of) {
            let block = index.get(&block).and_then(|block| block.pointer("/inner/impl"));
            // What a trait says of its methods is said on its own page.
            if let Some(block) = block.filter(|block| block.get("trait").is_none_or(Value::is_null)) {
                ids.extend(block.get("items").and_then(Value::as_array).into_iter().flatten().filter_map(id_of));
            }
        }
    }
    ids.into_iter().filter(|id| seen.insert(id.clone())).filter_map(|id| index.get(&id)).collect()
}
