//! The numbers of a vector, as services write them.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Bytes of a `float4`.
const FLOAT: usize = 4;

/// The numbers of a vector: a list of them, or base64 of `float4`s in little-endian order, which some services write
/// whatever they are asked for.
#[derive(Debug, PartialEq)]
pub(super) struct Components(pub Vec<f32>);

impl<'de> Deserialize<'de> for Components {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Components;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers, or base64 of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Components, A::Error> {
        let mut numbers = Vec::with_capacity(list.size_hint().unwrap_or(0));
        // Null is what many libraries write for a number that is none, and spoils only the vector it is in.
        while let Some(number) = list.next_element::<Option<f32>>()? {
            numbers.push(number.unwrap_or(f32::NAN));
        }
        Ok(Components(numbers))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Components, E> {
        let bytes = STANDARD.decode(text).map_err(|_| E::custom("a vector that is neither numbers nor base64"))?;
        let (numbers, rest) = bytes.as_chunks::<FLOAT>();
        if !rest.is_empty() {
            return Err(E::custom(format!("a vector in base64 of {} bytes, which are no float4s", bytes.len())));
        }
        Ok(Components(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_a_list_and_from_base64() {
        let read = |text: &str| serde_json::from_str::<Components>(text).map(|components| components.0);
        assert_eq!(read("[1, 0.5,-2e0]").unwrap(), [1.0, 0.5, -2.0]);
        // What `base64.b64encode(struct.pack("<3f", 1, 0.5, -2))` of Python is.
        assert_eq!(read("\"AACAPwAAAD8AAADA\"").unwrap(), [1.0, 0.5, -2.0]);
        assert!(read("[null]").unwrap()[0].is_nan());
        for (text, said) in [
            ("\"AACAPwAA\"", "6 bytes"),
            ("\"not base64!\"", "neither numbers nor base64"),
            ("[1, \"2\"]", "invalid type"),
            ("{}", "a list of numbers"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
