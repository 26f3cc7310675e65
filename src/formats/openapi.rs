//! `OpenAPI` and Swagger descriptions: a piece for the API, and one for each operation.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::pieces::{Mark, Piece};
use super::{Decoded, Format, markdown};

/// The methods of a path, in the order in which they are read.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// How deep schemas and references are followed: deeper, a schema is named by its type.
const DEPTH: usize = 6;

/// Lines that the schemas of one operation may have; the rest is in the file's JSON.
const SCHEMA_LINES: usize = 2000;

/// Whether a value is such a description.
pub(super) fn is_description(value: &Value) -> bool {
    (value.get("openapi").is_some() || value.get("swagger").is_some())
        && value.get("paths").is_some_and(Value::is_object)
}

pub(super) fn decode(api: Value) -> Decoded {
    let mut pieces = vec![of_api(&api)];
    let none = Map::new();
    for (path, item) in api.get("paths").and_then(Value::as_object).unwrap_or(&none) {
        let item = resolved(&api, item);
        for method in METHODS {
            if let Some(operation) = item.get(method).filter(|operation| operation.is_object()) {
                pieces.push(of_operation(&api, path, item, method, operation));
            }
        }
    }
    Decoded { format: Format::OpenApi, parsed: api, pieces }
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty()).map(ToOwned::to_owned)
}

/// Writing to a string cannot fail.
macro_rules! put {
    ($out:expr, $($form:tt)*) => {
        let _ = writeln!($out, $($form)*);
    };
}

fn piece(kind: &'static str, name: String, text: String, data: Value) -> Piece {
    let marks: Vec<Mark> = markdown::marks(&text);
    Piece { kind, name: Some(name), text, marks, data }
}

fn of_api(api: &Value) -> Piece {
    let info = api.get("info").cloned().unwrap_or_default();
    let title = text(&info, "title").unwrap_or_else(|| "API".to_owned());
    let mut out = format!("# {title}\n\n");
    if let Some(version) = text(&info, "version") {
        put!(out, "Version: {version}\n");
    }
    if let Some(description) = text(&info, "description") {
        put!(out, "{description}\n");
    }
    let servers: Vec<String> = servers(api);
    for server in &servers {
        put!(out, "- Server: {server}");
    }
    let schemes = api.pointer("/components/securitySchemes").or_else(|| api.get("securityDefinitions"));
    if let Some(schemes) = schemes.and_then(Value::as_object) {
        put!(out, "\n## Authentication\n");
        for (name, scheme) in schemes {
            let part = |key| text(scheme, key).map(|text| format!(" {text}")).unwrap_or_default();
            put!(out, "- `{name}`:{}{}{}", part("type"), part("in"), part("name"));
        }
    }
    out.push('\n');
    let data = json!({ "title": title, "version": text(&info, "version"), "servers": servers });
    piece("api", title, out, data)
}

fn servers(api: &Value) -> Vec<String> {
    let listed = api.get("servers").and_then(Value::as_array).into_iter().flatten();
    let mut servers: Vec<String> = listed.filter_map(|server| text(server, "url")).collect();
    if let Some(host) = text(api, "host") {
        servers.push(format!("{host}{}", text(api, "basePath").unwrap_or_default()));
    }
    servers
}

fn of_operation(api: &Value, path: &str, item: &Value, method: &str, operation: &Value) -> Piece {
    let verb = method.to_uppercase();
    let name = format!("{verb} {path}");
    let mut out = format!("# {name}\n\n");
    for key in ["summary", "description"] {
        if let Some(words) = text(operation, key) {
            put!(out, "{words}\n");
        }
    }
    let deprecated = operation.get("deprecated").and_then(Value::as_bool).unwrap_or(false);
    if deprecated {
        put!(out, "Deprecated.\n");
    }
    let mut lines = SCHEMA_LINES;
    let mut parameters: Vec<&Value> = Vec::new();
    for holder in [item, operation] {
        let listed = holder.get("parameters").and_then(Value::as_array).into_iter().flatten();
        parameters.extend(listed.map(|parameter| resolved(api, parameter)));
    }
    if !parameters.is_empty() {
        put!(out, "## Parameters\n");
        for parameter in parameters {
            out_parameter(&mut out, api, parameter, &mut lines);
        }
        out.push('\n');
    }
    if let Some(body) = operation.get("requestBody") {
        let body = resolved(api, body);
        put!(out, "## Request body\n");
        if let Some(words) = text(body, "description") {
            put!(out, "{words}\n");
        }
        content(&mut out, api, body, &mut lines);
    }
    if let Some(responses) = operation.get("responses").and_then(Value::as_object) {
        put!(out, "## Responses\n");
        for (status, response) in responses {
            let response = resolved(api, response);
            put!(out, "### {status}\n");
            if let Some(words) = text(response, "description") {
                put!(out, "{words}\n");
            }
            content(&mut out, api, response, &mut lines);
        }
    }
    if lines == 0 {
        put!(out, "(The schemas go on; they are in the description's JSON.)\n");
    }
    let tags: Vec<String> = operation
        .get("tags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|tag| tag.as_str().map(ToOwned::to_owned))
        .collect();
    let data = json!({
        "method": verb, "path": path, "operation_id": text(operation, "operationId"),
        "summary": text(operation, "summary"), "tags": tags, "deprecated": deprecated,
        "api": api.pointer("/info/title"), "version": api.pointer("/info/version"), "servers": servers(api),
    });
    piece("operation", name, out, data)
}

fn out_parameter(out: &mut String, api: &Value, parameter: &Value, lines: &mut usize) {
    let required = parameter.get("required").and_then(Value::as_bool).unwrap_or(false);
    let place = text(parameter, "in").unwrap_or_default();
    let schema = resolved(api, parameter.get("schema").unwrap_or(parameter));
    let name = text(parameter, "name").unwrap_or_default();
    let required = if required { ", required" } else { "" };
    let _ = write!(out, "- `{name}` ({place}, {}{required})", type_of(schema));
    if let Some(words) = text(parameter, "description") {
        let _ = write!(out, ": {}", words.replace('\n', " "));
    }
    for (key, label) in [("default", "default"), ("enum", "one of"), ("example", "example")] {
        if let Some(value) = schema.get(key).or_else(|| parameter.get(key)) {
            let _ = write!(out, "; {label} `{value}`");
        }
    }
    out.push('\n');
    if place == "body" {
        out_schema(out, api, schema, 1, lines);
    }
}

/// The media types of a body or response, and their schemas; Swagger 2 has the schema beside them.
fn content(out: &mut String, api: &Value, holder: &Value, lines: &mut usize) {
    if let Some(schema) = holder.get("schema") {
        out_schema(out, api, schema, 0, lines);
        out.push('\n');
    }
    for (media, body) in holder.get("content").and_then(Value::as_object).into_iter().flatten() {
        put!(out, "`{media}`:\n");
        if let Some(schema) = body.get("schema") {
            out_schema(out, api, schema, 0, lines);
            out.push('\n');
        }
        if let Some(example) = body.get("example") {
            put!(out, "Example:\n\n```json\n{}\n```\n", serde_json::to_string_pretty(example).unwrap_or_default());
        }
    }
}

/// A schema as a list of its properties.
fn out_schema(out: &mut String, api: &Value, schema: &Value, depth: usize, lines: &mut usize) {
    let schema = resolved(api, schema);
    if depth >= DEPTH || *lines == 0 {
        return;
    }
    let indent = "  ".repeat(depth);
    if let Some(items) = schema.get("items") {
        if depth == 0 {
            *lines = lines.saturating_sub(1);
            put!(out, "{indent}- array of {}", type_of(resolved(api, items)));
        }
        out_schema(out, api, items, depth + usize::from(depth == 0), lines);
    }
    for combined in ["allOf", "oneOf", "anyOf"] {
        for part in schema.get(combined).and_then(Value::as_array).into_iter().flatten() {
            out_schema(out, api, part, depth + 1, lines);
        }
    }
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if *lines == 0 {
            return;
        }
        *lines -= 1;
        let property = resolved(api, property);
        let needed = if required.contains(&name.as_str()) { ", required" } else { "" };
        let _ = write!(out, "{indent}- `{name}` ({}{needed})", type_of(property));
        if let Some(words) = text(property, "description") {
            let _ = write!(out, ": {}", words.replace('\n', " "));
        }
        if let Some(example) = property.get("example").filter(|example| !example.is_object() && !example.is_array()) {
            let _ = write!(out, "; example `{example}`");
        }
        out.push('\n');
        out_schema(out, api, property, depth + 1, lines);
    }
}

fn type_of(schema: &Value) -> String {
    let own = match schema.get("type") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ if schema.get("properties").is_some() => "object".to_owned(),
        _ => "any".to_owned(),
    };
    match schema.get("items").and_then(|items| items.get("type")).and_then(Value::as_str) {
        Some(items) if own == "array" => format!("array of {items}"),
        _ => own,
    }
}

/// What a reference inside the description refers to, through a few of them; anything else is itself.
fn resolved<'a>(api: &'a Value, value: &'a Value) -> &'a Value {
    let mut value = value;
    for _ in 0..DEPTH {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { break };
        match reference.strip_prefix('#').and_then(|pointer| api.pointer(pointer)) {
            Some(found) => value = found,
            None => break,
        }
    }
    value
}
