//! Values: what a text in JSON, YAML or TOML says.

use serde_json::Value;

use super::Format;
use super::pieces::without_nul;

/// The value of a text. None of the three parsers follows nesting without a bound, and YAML's aliases are bounded too.
pub(super) fn parse(format: Format, text: &str) -> Result<Value, String> {
    let line = |message: String| message.lines().next().unwrap_or_default().to_owned();
    let mut value: Value = match format {
        Format::Yaml => serde_saphyr::from_str(text).map_err(|error| line(error.to_string()))?,
        Format::Toml => toml::from_str(text).map_err(|error: toml::de::Error| line(error.message().to_owned()))?,
        _ => serde_json::from_str(text).map_err(|error| line(error.to_string()))?,
    };
    value_without_nul(&mut value);
    Ok(value)
}

/// Takes the NULs, which PostgreSQL cannot hold, out of every string and key of a value, without recursion.
pub(super) fn value_without_nul(value: &mut Value) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) if text.contains('\0') => *text = without_nul(text),
            Value::Array(values) => open.extend(values),
            Value::Object(map) => {
                if map.keys().any(|key| key.contains('\0')) {
                    *map = std::mem::take(map).into_iter().map(|(key, value)| (without_nul(&key), value)).collect();
                }
                open.extend(map.values_mut());
            }
            _ => {}
        }
    }
}
