//! Embeddings as text: unit vectors with nine decimals, those of one theme closer to each other than to the rest.

use super::random::Random;

/// Decimals written; bought embeddings come with about as many digits.
const UNIT: i64 = 1_000_000_000;

/// What stands in a document's embedding column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Embedding {
    Missing,
    Unit {
        seed: u64,
        theme: u64,
        dimensions: usize,
    },
    Zero {
        dimensions: usize,
    },
    /// Text that is no vector.
    Malformed(&'static str),
}

impl Embedding {
    /// Appends the vector's text, or nothing where it is missing.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Missing => {}
            Self::Malformed(text) => out.extend_from_slice(text.as_bytes()),
            Self::Zero { dimensions } => {
                out.push(b'[');
                for at in 0..dimensions {
                    out.extend_from_slice(if at == 0 { b"0" } else { b",0" });
                }
                out.push(b']');
            }
            Self::Unit { seed, theme, dimensions } => unit(seed, theme, dimensions, out),
        }
    }
}

/// A number around zero, bell-shaped: the sum of four uniform ones.
fn bell(random: &mut Random) -> i64 {
    let bits = random.next();
    bits.to_le_bytes().as_chunks::<2>().0.iter().map(|&part| i64::from(i16::from_le_bytes(part))).sum()
}

fn unit(seed: u64, theme: u64, dimensions: usize, out: &mut Vec<u8>) {
    let (mut own, mut shared) = (Random::new(seed), Random::of(0, 1, theme));
    let raw: Vec<i64> = (0..dimensions).map(|_| bell(&mut own) + bell(&mut shared) / 2).collect();
    // Integers throughout: the same bytes on every machine.
    let norm = raw.iter().map(|value| value * value).sum::<i64>().isqrt().max(1);
    out.push(b'[');
    for (at, value) in raw.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        decimal(value * UNIT / norm, out);
    }
    out.push(b']');
}

/// The nine digits of every number below a thousand million, three at a time.
const DIGITS: [[u8; 3]; 1000] = {
    let mut digits = [[b'0'; 3]; 1000];
    let mut at = 1;
    while at < 1000 {
        // One more than the number before, with the carries.
        digits[at] = match digits[at - 1] {
            [hundreds, b'9', b'9'] => [hundreds + 1, b'0', b'0'],
            [hundreds, tens, b'9'] => [hundreds, tens + 1, b'0'],
            [hundreds, tens, ones] => [hundreds, tens, ones + 1],
        };
        at += 1;
    }
    digits
};

/// Appends a number of 10⁻⁹ units between -1 and 1, without trailing zeros.
fn decimal(value: i64, out: &mut Vec<u8>) {
    if value == 0 {
        out.push(b'0');
        return;
    }
    if value < 0 {
        out.push(b'-');
    }
    let mut rest = usize::try_from(value.unsigned_abs()).unwrap_or(0);
    out.extend_from_slice(if rest >= 1_000_000_000 { b"1." } else { b"0." });
    rest %= 1_000_000_000;
    out.extend_from_slice(&DIGITS[rest / 1_000_000]);
    out.extend_from_slice(&DIGITS[rest / 1000 % 1000]);
    out.extend_from_slice(&DIGITS[rest % 1000]);
    while out.last() == Some(&b'0') {
        out.pop();
    }
    if out.last() == Some(&b'.') {
        out.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: i64) -> String {
        let mut out = Vec::new();
        decimal(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn decimals_are_written_as_they_are_read() {
        for (value, expected) in
            [(0, "0"), (1, "0.000000001"), (-12_300_000, "-0.0123"), (UNIT, "1"), (-UNIT, "-1"), (UNIT / 2, "0.5")]
        {
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn vectors_have_unit_length_and_themes_are_near() {
        let vector = |seed, theme| -> Vec<f64> {
            let mut out = Vec::new();
            Embedding::Unit { seed, theme, dimensions: 3072 }.write(&mut out);
            serde_json::from_slice(&out).unwrap()
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (one, near, far) = (vector(1, 5), vector(2, 5), vector(3, 6));
        assert!((dot(&one, &one) - 1.0).abs() < 1e-4);
        assert!(dot(&one, &near) > dot(&one, &far) + 0.1);
    }
}
