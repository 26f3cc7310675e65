//! What an endpoint answered, held against what it was asked.

use serde::Deserialize;

use super::components::Components;
use super::{RequestError, VectorSpace};

/// A judged answer: one vector for each text, in the order of the texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The vector, or why this one cannot be used.
    pub vectors: Vec<Result<Vec<f32>, String>>,
    /// Tokens that the service says it counted.
    pub billed_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Raw {
    data: Vec<Item>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    index: Option<usize>,
    embedding: Components,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    total_tokens: Option<u64>,
}

/// Reads an answer to so many texts.
///
/// # Errors
/// [`RequestError::Garbled`] where nothing of it can be used: it is no such JSON, another model's, or not as many vectors as texts;
/// [`RequestError::Unordered`] where its vectors cannot be told apart.
pub(super) fn read(body: &[u8], texts: usize, space: &VectorSpace) -> Result<Answer, RequestError> {
    let garbled = |reason: String| RequestError::Garbled(reason);
    let raw: Raw = serde_json::from_slice(body)
        .or_else(|_| serde_json::from_slice(&with_null(body)))
        .map_err(|error| garbled(format!("it is not the JSON of an embeddings service ({error})")))?;
    if let Some(model) = raw.model.as_deref().filter(|model| !is_same_model(&space.model, model)) {
        let model: String = model.chars().take(80).collect();
        return Err(garbled(format!("it is by model {model:?}, and {:?} was asked", space.model)));
    }
    if raw.data.len() != texts {
        return Err(garbled(format!("it has {} vectors for {texts} texts", raw.data.len())));
    }
    let mut vectors: Vec<Option<Result<Vec<f32>, String>>> = vec![None; texts];
    for item in raw.data {
        // One vector for one text needs no index.
        let index = item
            .index
            .or((texts == 1).then_some(0))
            .ok_or_else(|| RequestError::Unordered("a vector without an index".into()))?;
        let Some(place) = vectors.get_mut(index) else {
            return Err(garbled(format!("it has a vector of index {index}, and there were {texts} texts")));
        };
        if place.is_some() {
            return Err(RequestError::Unordered(format!("two vectors of index {index}")));
        }
        *place = Some(judge(item.embedding.0, space.dimensions));
    }
    // As many as texts, each of its own index: none is missing.
    let vectors = vectors.into_iter().flatten().collect();
    let billed_tokens = raw.usage.and_then(|usage| usage.prompt_tokens.or(usage.total_tokens));
    Ok(Answer { vectors, billed_tokens })
}

/// The answer with null for the words that Python writes, and JSON does not have, for a number that is none; what is in
/// quotes stays as it is.
fn with_null(body: &[u8]) -> Vec<u8> {
    const WORDS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
    let mut plain = Vec::with_capacity(body.len());
    let (mut rest, mut quoted) = (body, false);
    while let Some((&byte, after)) = rest.split_first() {
        if let Some(after) = WORDS.iter().find_map(|word| rest.strip_prefix(*word)).filter(|_| !quoted) {
            plain.extend_from_slice(b"null");
            rest = after;
            continue;
        }
        plain.push(byte);
        rest = after;
        if byte == b'"' {
            quoted = !quoted;
        } else if let (b'\\', Some((&escaped, after))) = (byte, rest.split_first()) {
            plain.push(escaped);
            rest = after;
        }
    }
    plain
}

/// Whether a vector can be stored and searched.
fn judge(vector: Vec<f32>, dimensions: u32) -> Result<Vec<f32>, String> {
    if u32::try_from(vector.len()) != Ok(dimensions) {
        return Err(format!("its vector has {} dimensions, not {dimensions}", vector.len()));
    }
    if vector.iter().any(|value| !value.is_finite()) {
        return Err("its vector holds a value that is not finite".into());
    }
    let norm: f64 = vector.iter().map(|value| f64::from(*value).powi(2)).sum();
    // pgvector's distances are computed in float4 here and there: a norm that vanishes in it is none.
    if norm.sqrt() < f64::from(f32::MIN_POSITIVE) {
        return Err("its vector is the zero vector".into());
    }
    Ok(vector)
}

/// Whether the model that answered is the one that was asked: the same name, or a dated edition of it; local servers leave the
/// publisher's name off or add a tag.
fn is_same_model(asked: &str, answered: &str) -> bool {
    let plain = |name: &str| name.rsplit('/').next().unwrap_or(name).trim_end_matches(":latest").to_ascii_lowercase();
    let (asked, answered) = (plain(asked), plain(answered));
    answered.strip_prefix(&asked).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '@', ':']))
}

/// The cosine of the angle between two vectors; 0 where one of them has no length or they differ in dimensions.
#[must_use]
pub fn cosine(one: &[f32], other: &[f32]) -> f64 {
    if one.len() != other.len() {
        return 0.0;
    }
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let lengths = (product(one, one) * product(other, other)).sqrt();
    if lengths > 0.0 { product(one, other) / lengths } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(body: &str) -> Result<Answer, String> {
        let space = VectorSpace { provider: "p".into(), model: "a/m".into(), dimensions: 2 };
        read(body.as_bytes(), 2, &space).map_err(|error| error.to_string())
    }

    #[test]
    fn vectors_are_put_in_the_order_of_their_index() {
        let answer = read_text(
            r#"{"data":[{"index":1,"embedding":[3,4]},{"index":0,"embedding":[1,2]}],"model":"m","usage":{"prompt_tokens":7}}"#,
        );
        let answer = answer.unwrap();
        assert_eq!(answer.vectors, [Ok(vec![1.0, 2.0]), Ok(vec![3.0, 4.0])]);
        assert_eq!(answer.billed_tokens, Some(7));
    }

    #[test]
    fn an_answer_whose_vectors_cannot_be_told_apart_is_none() {
        for (body, said) in [
            ("<html>", "not the JSON"),
            (r#"{"data":[{"index":0,"embedding":[1,nan]}]}"#, "not the JSON"),
            (r#"{"data":[{"index":0,"embedding":[1,2]}]}"#, "1 vectors for 2 texts"),
            (r#"{"data":[{"index":0,"embedding":[1,2]},{"index":0,"embedding":[1,2]}]}"#, "two vectors of index 0"),
            (r#"{"data":[{"index":0,"embedding":[1,2]},{"index":2,"embedding":[1,2]}]}"#, "index 2"),
            (r#"{"data":[{"embedding":[1,2]},{"index":1,"embedding":[1,2]}]}"#, "a vector without an index"),
            (r#"{"data":[],"model":"other"}"#, "by model \"other\""),
            (r#"{"data":[],"model":"m2"}"#, "by model \"m2\""),
        ] {
            let error = read_text(body).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn the_one_vector_of_one_text_needs_no_index() {
        let space = VectorSpace { provider: "p".into(), model: "m".into(), dimensions: 2 };
        // 1 and 0.5 as float4s.
        let answer = read(br#"{"data":[{"embedding":"AACAPwAAAD8="}]}"#, 1, &space).unwrap();
        assert_eq!(answer.vectors, [Ok(vec![1.0, 0.5])]);
    }

    #[test]
    fn one_bad_vector_does_not_spoil_the_others() {
        for (bad, said) in [
            ("[1]", "1 dimensions, not 2"),
            ("[0,0]", "zero vector"),
            ("[1e39,1]", "not finite"),
            ("[null,1]", "not finite"),
            ("[1,NaN]", "not finite"),
            ("[-Infinity,Infinity]", "not finite"),
        ] {
            let body = format!(r#"{{"data":[{{"index":0,"embedding":[1,2]}},{{"index":1,"embedding":{bad}}}]}}"#);
            let answer = read_text(&body).unwrap();
            assert!(answer.vectors[0].is_ok());
            assert!(answer.vectors[1].as_ref().unwrap_err().contains(said), "{:?}", answer.vectors[1]);
        }
    }

    #[test]
    fn only_what_is_no_number_becomes_null() {
        let body = r#"{"a\"NaN": "-Infinity \\", "b": [NaN, -Infinity,Infinity], "c": "NaN"}"#;
        let plain = r#"{"a\"NaN": "-Infinity \\", "b": [null, null,null], "c": "NaN"}"#;
        assert_eq!(String::from_utf8(with_null(body.as_bytes())).unwrap(), plain);
    }

    #[test]
    fn a_model_is_known_by_its_name_without_publisher_and_tag() {
        for (asked, answered, same) in [
            ("text-embedding-3-large", "text-embedding-3-large", true),
            ("text-embedding-3-large", "text-embedding-3-large-2", true),
            ("text-embedding-3-large", "text-embedding-3-small", false),
            ("BAAI/bge-m3", "bge-m3", true),
            ("nomic-embed-text", "nomic-embed-text:latest", true),
            ("m", "mm", false),
        ] {
            assert_eq!(is_same_model(asked, answered), same, "{asked} {answered}");
        }
    }

    #[test]
    fn the_cosine_says_how_alike_two_vectors_are() {
        assert!((cosine(&[1.0, 2.0], &[2.0, 4.0]) - 1.0).abs() < 1e-9);
        assert!(cosine(&[1.0, 0.0], &[0.0, 1.0]).abs() < 1e-9);
        assert!(cosine(&[0.0, 0.0], &[0.0, 1.0]).abs() < 1e-9);
    }
}
