//! JSON, YAML and TOML: values, and what is known to be documentation among them.

use super::value::parse;
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
