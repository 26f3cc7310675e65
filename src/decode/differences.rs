//! Characters that PostgreSQL and the decoders of `encoding_rs` do not agree on.
//!
//! The decoders follow the WHATWG's Encoding Standard, whose Big5 or EUC-KR is not quite PostgreSQL's: without these
//! exceptions a dump's `¢` would arrive as a full-width `￠`, and no check would notice.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What the bytes of a character stand for.
pub(super) type Differences = HashMap<Vec<u8>, char>;

/// By PostgreSQL's name of the encoding.
static ALL: LazyLock<HashMap<&'static str, Differences>> = LazyLock::new(|| {
    let mut all: HashMap<&'static str, Differences> = HashMap::new();
    for (encoding, bytes, letter) in include_str!("differences.txt").lines().filter_map(parse) {
        all.entry(encoding).or_default().insert(bytes, letter);
    }
    all
});

/// The differences of an encoding, if it has any.
pub(super) fn of(encoding: &str) -> Option<&'static Differences> {
    ALL.get(encoding)
}

/// A line of the table; a comment is none.
fn parse(line: &'static str) -> Option<(&'static str, Vec<u8>, char)> {
    let mut parts = line.split(' ').filter(|_| !line.starts_with('#'));
    let (encoding, bytes, code) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = (0..bytes.len()).step_by(2).map(|at| u8::from_str_radix(bytes.get(at..at + 2)?, 16).ok());
    Some((encoding, bytes.collect::<Option<_>>()?, char::from_u32(u32::from_str_radix(code, 16).ok()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_understood() {
        let lines = include_str!("differences.txt").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(ALL.values().map(HashMap::len).sum::<usize>(), lines);
        assert_eq!(of("BIG5").and_then(|big5| big5.get(&b"\xa2\x46"[..])), Some(&'¢'));
    }
}
