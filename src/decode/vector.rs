//! pgvector's text forms, parsed to the binary forms that its send functions write.
//!
//! What is accepted and what is refused follows pgvector's own input functions (`src/vector.c`, `src/halfvec.c`,
//! `src/sparsevec.c`), except that C's hexadecimal floats, which nothing writes, are refused as malformed.

use super::block::ColumnKind;
use super::error::RowErrorCode;
use super::float;

/// pgvector's limits: dimensions of a vector or halfvec, elements and dimensions of a sparsevec.
const MAX_DIMENSIONS: usize = 16_000;
const MAX_SPARSE_ELEMENTS: usize = 16_000;
const MAX_SPARSE_DIMENSIONS: i64 = 1_000_000_000;

/// Why a text is not a vector, in words close to pgvector's.
pub(super) type Fault = (RowErrorCode, String);

/// Parses `text` and appends the binary form to `out`.
pub(super) fn encode(kind: ColumnKind, text: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    match kind {
        ColumnKind::Text => out.extend_from_slice(text),
        ColumnKind::Vector => {
            dense(text, "vector", out, |value, _, out| {
                out.extend_from_slice(&value.to_be_bytes());
                Ok(())
            })?;
        }
        ColumnKind::HalfVector => {
            dense(text, "halfvec", out, |value, literal, out| {
                let half = half::f16::from_f32(value);
                if half.is_infinite() {
                    return Err(out_of_range(literal, "halfvec"));
                }
                out.extend_from_slice(&half.to_be_bytes());
                Ok(())
            })?;
        }
        ColumnKind::SparseVector => sparse(text, out)?,
    }
    Ok(())
}

fn dense(
    text: &[u8],
    name: &str,
    out: &mut Vec<u8>,
    mut put: impl FnMut(f32, &[u8], &mut Vec<u8>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let header = out.len();
    // An element takes at least two bytes of text, and at most four of the binary form.
    out.reserve(4 + 2 * text.len().min(2 * MAX_DIMENSIONS));
    out.extend_from_slice(&[0; 4]);
    let mut at = skip_space(text, 0);
    if text.get(at) != Some(&b'[') {
        return Err(malformed(text, name, "must start with \"[\""));
    }
    at = skip_space(text, at + 1);
    if text.get(at) == Some(&b']') {
        return Err((RowErrorCode::VectorValue, format!("{name} must have at least 1 dimension")));
    }
    let mut dimensions = 0_usize;
    loop {
        if dimensions == MAX_DIMENSIONS {
            return Err(too_many(name, "dimensions"));
        }
        // Nearly all elements are short ones, with a comma right behind.
        if let Some((value, length)) = float::short(text, at) {
            put(value, &text[at..at + length], out)?;
            dimensions += 1;
            at += length + 1;
            at = if is_space(text.get(at)) { skip_space(text, at) } else { at };
            continue;
        }
        let (value, end) = element(text, at, name)?;
        put(value, &text[at..end], out)?;
        dimensions += 1;
        at = if is_space(text.get(end)) { skip_space(text, end) } else { end };
        match text.get(at) {
            Some(b',') => at = if is_space(text.get(at + 1)) { skip_space(text, at + 1) } else { at + 1 },
            Some(b']') => break,
            _ => return Err(malformed(text, name, "expected \",\" or \"]\"")),
        }
    }
    if skip_space(text, at + 1) != text.len() {
        return Err(malformed(text, name, "junk after closing \"]\""));
    }
    let dimensions = u16::try_from(dimensions).map_err(|_| too_many(name, "dimensions"))?;
    out[header..header + 2].copy_from_slice(&dimensions.to_be_bytes());
    Ok(())
}

fn sparse(text: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    const NAME: &str = "sparsevec";
    let mut at = skip_space(text, 0);
    if text.get(at) != Some(&b'{') {
        return Err(malformed(text, NAME, "must start with \"{\""));
    }
    at = skip_space(text, at + 1);
    let mut elements: Vec<(i64, f32)> = Vec::new();
    if text.get(at) == Some(&b'}') {
        at += 1;
    } else {
        let mut written = 0;
        loop {
            if written == MAX_SPARSE_ELEMENTS {
                return Err(too_many(NAME, "non-zero elements"));
            }
            written += 1;
            let (index, end) = integer(text, at).ok_or_else(|| malformed(text, NAME, "expected an index"))?;
            at = skip_space(text, end);
            if text.get(at) != Some(&b':') {
                return Err(malformed(text, NAME, "expected \":\""));
            }
            let (value, end) = element(text, skip_space(text, at + 1), NAME)?;
            if value != 0.0 {
                elements.push((index - 1, value));
            }
            at = skip_space(text, end);
            match text.get(at) {
                Some(b',') => at = skip_space(text, at + 1),
                Some(b'}') => break at += 1,
                _ => return Err(malformed(text, NAME, "expected \",\" or \"}\"")),
            }
        }
    }
    at = skip_space(text, at);
    if text.get(at) != Some(&b'/') {
        return Err(malformed(text, NAME, "expected \"/\" and the dimensions"));
    }
    let (dimensions, end) =
        integer(text, skip_space(text, at + 1)).ok_or_else(|| malformed(text, NAME, "expected the dimensions"))?;
    if skip_space(text, end) != text.len() {
        return Err(malformed(text, NAME, "junk after the dimensions"));
    }
    if dimensions < 1 {
        return Err((RowErrorCode::VectorValue, "sparsevec must have at least 1 dimension".to_owned()));
    }
    if dimensions > MAX_SPARSE_DIMENSIONS {
        return Err((
            RowErrorCode::VectorValue,
            format!("sparsevec cannot have more than {MAX_SPARSE_DIMENSIONS} dimensions"),
        ));
    }
    elements.sort_by_key(|(index, _)| *index);
    if elements.iter().any(|(index, _)| *index < 0 || *index >= dimensions) {
        return Err((RowErrorCode::VectorValue, "sparsevec index out of bounds".to_owned()));
    }
    if elements.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err((RowErrorCode::VectorValue, "sparsevec indices must not contain duplicates".to_owned()));
    }
    // Dimensions, number of elements and a reserved word, each 32 bits; then all indices, then all values.
    put_i32(out, dimensions);
    put_i32(out, i64::try_from(elements.len()).unwrap_or(i64::MAX));
    put_i32(out, 0);
    for (index, _) in &elements {
        put_i32(out, *index);
    }
    for (_, value) in &elements {
        out.extend_from_slice(&value.to_be_bytes());
    }
    Ok(())
}

/// Appends a number that was checked to fit.
fn put_i32(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&value.to_be_bytes()[4..]);
}

/// One element at `at`, and where it ends.
fn element(text: &[u8], at: usize, name: &str) -> Result<(f32, usize), Fault> {
    let Some((value, length)) = float::parse(text, at) else {
        return Err(malformed(text, name, "expected a number"));
    };
    if value.is_finite() {
        return Ok((value, at + length));
    }
    let literal = &text[at..at + length];
    if value.is_nan() {
        Err((RowErrorCode::VectorValue, format!("NaN not allowed in {name}")))
    } else if literal.iter().any(u8::is_ascii_digit) {
        Err(out_of_range(literal, name))
    } else {
        Err((RowErrorCode::VectorValue, format!("infinite value not allowed in {name}")))
    }
}

/// A decimal integer as C's `strtol` reads it, kept within what comparisons with the limits need.
fn integer(text: &[u8], at: usize) -> Option<(i64, usize)> {
    let negative = text.get(at) == Some(&b'-');
    let first = at + usize::from(negative || text.get(at) == Some(&b'+'));
    let digits = text[first.min(text.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value =
        text.get(first..first + digits).filter(|digits| !digits.is_empty())?.iter().fold(0_i64, |sum, digit| {
            sum.saturating_mul(10).saturating_add(i64::from(digit - b'0')).min(i64::from(i32::MAX))
        });
    Some((if negative { -value } else { value }, first + digits))
}

fn is_space(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c))
}

fn skip_space(text: &[u8], mut at: usize) -> usize {
    while is_space(text.get(at)) {
        at += 1;
    }
    at
}

fn shown(text: &[u8]) -> String {
    let head = String::from_utf8_lossy(&text[..text.len().min(60)]).into_owned();
    if text.len() > 60 { format!("{head}…") } else { head }
}

fn malformed(text: &[u8], name: &str, why: &str) -> Fault {
    (RowErrorCode::VectorSyntax, format!("invalid input syntax for type {name}: \"{}\" ({why})", shown(text)))
}

fn out_of_range(literal: &[u8], name: &str) -> Fault {
    (RowErrorCode::VectorValue, format!("\"{}\" is out of range for type {name}", shown(literal)))
}

fn too_many(name: &str, what: &str) -> Fault {
    (RowErrorCode::VectorValue, format!("{name} cannot have more than {MAX_DIMENSIONS} {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgvector::{HalfVector, SparseVector, Vector};
    use postgres_types::{ToSql, Type};
    use proptest::prelude::*;

    fn wire(value: &dyn ToSql) -> Vec<u8> {
        let mut bytes = bytes::BytesMut::new();
        value.to_sql_checked(&Type::new("any".into(), 0, postgres_types::Kind::Simple, String::new()), &mut bytes).ok();
        bytes.to_vec()
    }

    fn sent<T: ToSql>(value: &T) -> Vec<u8> {
        let mut bytes = bytes::BytesMut::new();
        value.to_sql(&Type::TEXT, &mut bytes).unwrap();
        assert!(wire(value).is_empty() || wire(value) == bytes.to_vec());
        bytes.to_vec()
    }

    fn parsed(kind: ColumnKind, text: &str) -> Result<Vec<u8>, Fault> {
        let mut out = Vec::new();
        encode(kind, text.as_bytes(), &mut out).map(|()| out)
    }

    #[test]
    fn what_pgvector_accepts_is_accepted() {
        let expected = sent(&Vector::from(vec![1.0, -2.5, 3e-3]));
        for text in ["[1,-2.5,3e-3]", " [ 1 , -2.5 ,\t3E-3 ] ", "[1.,-2.50,.003]", "[+1,-2.5,0.003]"] {
            assert_eq!(parsed(ColumnKind::Vector, text).as_deref(), Ok(expected.as_slice()), "{text}");
        }
        assert_eq!(
            parsed(ColumnKind::HalfVector, "[1,2.0005,65504]").unwrap(),
            sent(&HalfVector::from_f32_slice(&[1.0, 2.0005, 65504.0]))
        );
        let sparse = sent(&SparseVector::from_dense(&[0.5, 0.0, 2.0, 0.0, 0.0]));
        for text in ["{1:0.5,3:2}/5", " { 3 : 2 , 1:0.5, 2:0 } / 5 ", "{+1:.5,3:+2}/+5\t"] {
            assert_eq!(parsed(ColumnKind::SparseVector, text).as_deref(), Ok(sparse.as_slice()), "{text}");
        }
        assert_eq!(parsed(ColumnKind::SparseVector, "{}/3").unwrap(), sent(&SparseVector::from_dense(&[0.0; 3])));
        // The limits themselves are good.
        for (text, dimensions) in [("{1000000000:1}/1000000000", 1_000_000_000_u32), ("{1:1}/1", 1)] {
            let wire = parsed(ColumnKind::SparseVector, text).unwrap();
            assert_eq!(wire[..12], [dimensions.to_be_bytes(), 1_u32.to_be_bytes(), [0; 4]].concat());
            assert_eq!(wire[12..16], (dimensions - 1).to_be_bytes());
        }
        let most = |count: usize| {
            let elements: Vec<_> = (1..=count).map(|index| format!("{index}:1")).collect();
            parsed(ColumnKind::SparseVector, &format!("{{{}}}/20000", elements.join(",")))
        };
        assert!(most(MAX_SPARSE_ELEMENTS).is_ok() && most(MAX_SPARSE_ELEMENTS + 1).is_err());
        // Underflow is zero, not an error.
        assert_eq!(parsed(ColumnKind::Vector, "[1e-60]").unwrap(), sent(&Vector::from(vec![0.0])));
    }

    #[test]
    fn what_is_wrong_is_said_in_pgvectors_words() {
        for (kind, text, reason) in [
            (ColumnKind::Vector, "[]", "vector must have at least 1 dimension"),
            (ColumnKind::Vector, "[NaN]", "NaN not allowed in vector"),
            (ColumnKind::Vector, "[-inf]", "infinite value not allowed in vector"),
            (ColumnKind::Vector, "[4e38]", "\"4e38\" is out of range for type vector"),
            (ColumnKind::HalfVector, "[65520]", "\"65520\" is out of range for type halfvec"),
            (
                ColumnKind::Vector,
                "[1,2]x",
                "invalid input syntax for type vector: \"[1,2]x\" (junk after closing \"]\")",
            ),
            (ColumnKind::SparseVector, "{}/0", "sparsevec must have at least 1 dimension"),
        ] {
            assert_eq!(parsed(kind, text).unwrap_err().1, reason, "{text}");
        }
        let long = format!("[{}", "1,".repeat(50));
        let reason = parsed(ColumnKind::Vector, &long).unwrap_err().1;
        assert!(reason.contains(&format!("\"{}…\"", &long[..60])), "{reason}");
        let sixty = format!("[{}", "0".repeat(59));
        assert!(parsed(ColumnKind::Vector, &sixty).unwrap_err().1.contains(&format!("\"{sixty}\"")));
    }

    #[test]
    fn what_pgvector_refuses_is_refused() {
        use RowErrorCode::{VectorSyntax, VectorValue};
        for (kind, text, code) in [
            (ColumnKind::Vector, "", VectorSyntax),
            (ColumnKind::Vector, "1,2", VectorSyntax),
            (ColumnKind::Vector, "[1,2", VectorSyntax),
            (ColumnKind::Vector, "[1,,2]", VectorSyntax),
            (ColumnKind::Vector, "[1,2,]", VectorSyntax),
            (ColumnKind::Vector, "[1,2]]", VectorSyntax),
            (ColumnKind::Vector, "[1 2]", VectorSyntax),
            (ColumnKind::Vector, "[+-1]", VectorSyntax),
            (ColumnKind::Vector, "[1e]", VectorSyntax),
            (ColumnKind::Vector, "[hello]", VectorSyntax),
            (ColumnKind::Vector, "[]", VectorValue),
            (ColumnKind::Vector, "[NaN]", VectorValue),
            (ColumnKind::Vector, "[1,Infinity]", VectorValue),
            (ColumnKind::Vector, "[4e38]", VectorValue),
            (ColumnKind::Vector, "[-4e38]", VectorValue),
            (ColumnKind::HalfVector, "[65520]", VectorValue),
            (ColumnKind::SparseVector, "{0:1}/3", VectorValue),
            (ColumnKind::SparseVector, "{4:1}/3", VectorValue),
            (ColumnKind::SparseVector, "{1:1,1:2}/3", VectorValue),
            (ColumnKind::SparseVector, "{1:1}/0", VectorValue),
            (ColumnKind::SparseVector, "{1:1}/1000000001", VectorValue),
            (ColumnKind::SparseVector, "{1:1}", VectorSyntax),
            (ColumnKind::SparseVector, "{1 1}/3", VectorSyntax),
            (ColumnKind::SparseVector, "{1:1}/-1", VectorValue),
            (ColumnKind::SparseVector, "{-1:1}/3", VectorValue),
            (ColumnKind::SparseVector, "{99999999999:1}/3", VectorValue),
            (ColumnKind::SparseVector, "{+-1:1}/3", VectorSyntax),
            (ColumnKind::SparseVector, "{:1}/3", VectorSyntax),
            (ColumnKind::SparseVector, "{1:}/3", VectorSyntax),
            (ColumnKind::SparseVector, "{1:1,}/3", VectorSyntax),
            (ColumnKind::SparseVector, "{1:1}/", VectorSyntax),
            (ColumnKind::SparseVector, "{1:1}/3x", VectorSyntax),
            (ColumnKind::SparseVector, "{1:1/3", VectorSyntax),
            (ColumnKind::SparseVector, "1:1}/3", VectorSyntax),
            (ColumnKind::SparseVector, "{1:NaN}/3", VectorValue),
        ] {
            assert_eq!(parsed(kind, text).unwrap_err().0, code, "{text}");
        }
        let many = format!("[{}1]", "1,".repeat(MAX_DIMENSIONS));
        assert_eq!(parsed(ColumnKind::Vector, &many).unwrap_err().0, VectorValue);
        assert!(parsed(ColumnKind::Vector, &format!("[{}1]", "1,".repeat(MAX_DIMENSIONS - 1))).is_ok());
    }

    proptest! {
        #[test]
        fn vectors_read_back_as_pgvector_writes_them(values in proptest::collection::vec(
            any::<f32>().prop_filter("finite", |value| value.is_finite()), 1..50)) {
            let text = format!("[{}]", values.iter().map(f32::to_string).collect::<Vec<_>>().join(","));
            prop_assert_eq!(parsed(ColumnKind::Vector, &text).unwrap(), sent(&Vector::from(values.clone())));
            let text = format!("[{}]", values.iter().map(|value| format!("{value:e}")).collect::<Vec<_>>().join(", "));
            prop_assert_eq!(parsed(ColumnKind::Vector, &text).unwrap(), sent(&Vector::from(values)));
        }
    }
}
