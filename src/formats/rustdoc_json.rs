//! What `rustdoc --output-format json` writes: a piece for each documented item.
//!
//! The format is unstable; what is read of it (index, paths, docs, and the children of an item) has kept its form while
//! its number rose from 20 to 57.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::pieces::Piece;
use super::{Decoded, Format, markdown};

/// Modules in modules at most: re-exports of a module inside itself have no end.
const DEEPEST: usize = 64;

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
    let visible = visible(crate_json.get("root").and_then(id_of), index);
    let mut pieces: BTreeMap<(String, String), Piece> = BTreeMap::new();
    let mut documented = 0_u64;
    for (id, place) in paths {
        let Some(item) = index.get(id).filter(|item| item.get("crate_id") == Some(&own)) else { continue };
        let defined = || {
            let parts = place.get("path").and_then(Value::as_array).into_iter().flatten();
            parts.filter_map(Value::as_str).collect::<Vec<_>>().join("::")
        };
        // As it is imported, which may be another path than that of the module, private maybe, that it is written in.
        let path = visible.get(id).cloned().unwrap_or_else(defined);
        let kind = place.get("kind").and_then(Value::as_str).unwrap_or("item").to_owned();
        if kind == "variant" {
            // It is told of with its enum, as in HTML.
            continue;
        }
        let mut text = format!("# {kind} `{path}`\n\n");
        let mut says = false;
        if let Some(docs) = docs_of(item) {
            let _ = write!(text, "{docs}\n\n");
            says = true;
        }
        for (name, child) in Children::of(item, index, &own) {
            let Some(docs) = docs_of(child) else { continue };
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

/// The path by which each item is imported: the shortest from the crate's root, through modules and re-exports that are public.
fn visible(root: Option<String>, index: &Map<String, Value>) -> BTreeMap<String, String> {
    let mut paths = BTreeMap::new();
    let Some(root) = root else { return paths };
    let name = index.get(&root).and_then(|root| root.get("name")).and_then(Value::as_str).unwrap_or_default();
    paths.insert(root.clone(), name.to_owned());
    // Breadth first, so that the shortest path comes first; a module may re-export one that it is in.
    let mut modules = VecDeque::from([(root, name.to_owned())]);
    let mut seen = BTreeSet::new();
    while let Some((module, path)) = modules.pop_front() {
        if !seen.insert((module.clone(), path.clone())) || path.matches("::").count() > DEEPEST {
            continue;
        }
        let items = index.get(&module).and_then(|module| module.pointer("/inner/module/items"));
        for id in items.and_then(Value::as_array).into_iter().flatten().filter_map(id_of) {
            let Some(item) = index.get(&id) else { continue };
            let inner = |kind: &str| item.get("inner").and_then(|inner| inner.get(kind));
            // `import` until format 37.
            let used = inner("use").or_else(|| inner("import"));
            let (id, name, is_glob) = match used {
                Some(used) => {
                    let Some(id) = used.get("id").and_then(id_of) else { continue };
                    let is_glob = ["is_glob", "glob"].iter().any(|key| used.get(*key) == Some(&Value::Bool(true)));
                    (id, used.get("name"), is_glob)
                }
                None => (id, item.get("name"), false),
            };
            let Some(name) = name.and_then(Value::as_str) else { continue };
            let place = if is_glob { path.clone() } else { format!("{path}::{name}") };
            if index.get(&id).and_then(|item| item.pointer("/inner/module")).is_some() {
                modules.push_back((id.clone(), place.clone()));
            }
            if !is_glob {
                paths.entry(id).or_insert(place);
            }
        }
    }
    paths
}

/// What is told of an item on its own page: its fields, variants, methods and the blocks that they are in, by their names.
struct Children<'a> {
    index: &'a Map<String, Value>,
    /// The crate's own number: items of others, which its traits bring along, are told of elsewhere.
    own: &'a Value,
    seen: BTreeSet<String>,
    found: Vec<(String, &'a Value)>,
}

impl<'a> Children<'a> {
    fn of(item: &Value, index: &'a Map<String, Value>, own: &'a Value) -> Vec<(String, &'a Value)> {
        let mut children = Self { index, own, seen: BTreeSet::new(), found: Vec::new() };
        for (kind, body) in item.get("inner").and_then(Value::as_object).into_iter().flatten() {
            if kind == "module" {
                continue;
            }
            for list in ["/items", "/variants", "/fields", "/kind/plain/fields", "/kind/tuple"] {
                children.add("", body.pointer(list));
            }
            for block in body.get("impls").and_then(Value::as_array).into_iter().flatten().filter_map(id_of) {
                children.block(&block);
            }
        }
        children.found
    }

    /// The items of a list, and the fields of those that are variants.
    fn add(&mut self, before: &str, list: Option<&Value>) {
        for id in list.and_then(Value::as_array).into_iter().flatten().filter_map(id_of) {
            let Some(child) = self.index.get(&id).filter(|child| child.get("crate_id") == Some(self.own)) else {
                continue;
            };
            let Some(name) = child.get("name").and_then(Value::as_str) else { continue };
            if !self.seen.insert(id) {
                continue;
            }
            let name = format!("{before}{name}");
            let fields =
                ["/inner/variant/kind/struct/fields", "/inner/variant/kind/tuple"].map(|list| child.pointer(list));
            self.found.push((name.clone(), child));
            for list in fields {
                self.add(&format!("{name}."), list);
            }
        }
    }

    /// What an `impl` says of itself and of its items. What a trait says of its methods is said on its own page.
    fn block(&mut self, id: &str) {
        let Some(block) = self.index.get(id).filter(|block| block.get("crate_id") == Some(self.own)) else { return };
        let Some(inner) = block.pointer("/inner/impl") else { return };
        let of_trait =
            inner.get("trait").and_then(|of| of.get("path").or_else(|| of.get("name"))).and_then(Value::as_str);
        self.found.push((of_trait.map_or_else(|| "impl".to_owned(), |name| format!("impl {name}")), block));
        self.add("", inner.get("items"));
    }
}
