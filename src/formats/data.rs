//! JSON, YAML and TOML: values, and what is known to be documentation among them.

use serde_json::Value;

use super::pieces::value_without_nul;
use super::{Decoded, Format, FormatError, notebook, openapi, rustdoc_json};

pub(super) fn decode(format: Format, text: &str) -> Result<Decoded, FormatError> {
    let value = parse(format, text).map_err(|reason| FormatError::Broken { format, reason })?;
    if openapi::is_description(&value) {
        return Ok(openapi::decode(value));
    }
    if notebook::is_notebook(&value) {
        return notebook::of_value(&value);
    }
    if rustdoc_json::is_documentation(&value) {
        return Ok(rustdoc_json::decode(&value));
    }
    // Values, and nothing to read: a project's SQL has them whole.
    Ok(Decoded { format, parsed: value, pieces: Vec::new() })
}

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
