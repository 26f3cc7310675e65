//! Text forms of vectors, against a parser written plainly after pgvector's input functions.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use sqlmig::decode::{Block, Column, ColumnKind, Encoding, RawRow, RowDecoder, RowForm};
use sqlmig::names::TableName;

fuzz_target!(|data: &[u8]| {
    let Some((kind, text)) = data.split_first() else { return };
    let kind = [ColumnKind::Vector, ColumnKind::HalfVector, ColumnKind::SparseVector][usize::from(kind % 3)];
    let expected = match kind {
        ColumnKind::SparseVector => sparse(text),
        _ => dense(kind, text),
    };
    let found = decoded(kind, text);
    assert_eq!(found, expected, "{kind:?} of {:?}", String::from_utf8_lossy(text));
});

/// The text as a column of a COPY block, decoded.
fn decoded(kind: ColumnKind, text: &[u8]) -> Option<Vec<u8>> {
    let block = Block {
        table: TableName::unqualified("t"),
        columns: vec![Column { name: "v".to_owned(), kind, generated: false }],
        form: RowForm::CopyText { delimiter: b'\t', null: b"\\N".to_vec() },
        encoding: Encoding::UTF8,
        line: 1,
        byte: 0,
    };
    let mut line = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b'\\' | b'\t' | b'\n' => line.extend([b'\\', *byte]),
            b'\r' => line.extend(b"\\r"),
            other => line.push(*other),
        }
    }
    let mut decoder = RowDecoder::new(Arc::new(block));
    let fields = decoder.decode(&RawRow { bytes: &line, line: 1, byte: 0 }).ok()?;
    Some(fields.get(0).expect("no vector is NULL").to_vec())
}

/// What is left to read.
struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    fn blanks(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.blanks();
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(())
    }

    fn next_is(&mut self, byte: u8) -> bool {
        self.blanks();
        self.0.first() == Some(&byte)
    }

    fn end(&mut self) -> Option<()> {
        self.blanks();
        self.0.is_empty().then_some(())
    }

    fn digits(&self, from: usize) -> usize {
        self.0.get(from..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count()
    }

    /// The longest number at the front, as C's `strtof` takes it; only finite ones are good.
    fn number(&mut self) -> Option<f32> {
        self.blanks();
        let sign = usize::from(matches!(self.0.first(), Some(b'-' | b'+')));
        let whole = self.digits(sign);
        let mut end = sign + whole;
        if self.0.get(end) == Some(&b'.') {
            let fraction = self.digits(end + 1);
            if whole + fraction == 0 {
                return None;
            }
            end += 1 + fraction;
        } else if whole == 0 {
            return None;
        }
        if let Some(b'e' | b'E') = self.0.get(end) {
            let signed = usize::from(matches!(self.0.get(end + 1), Some(b'-' | b'+')));
            let exponent = self.digits(end + 1 + signed);
            if exponent > 0 {
                end += 1 + signed + exponent;
            }
        }
        let (number, rest) = self.0.split_at(end);
        self.0 = rest;
        let value: f32 = std::str::from_utf8(number).ok()?.parse().ok()?;
        value.is_finite().then_some(value)
    }

    /// A decimal integer as C's `strtol` takes it, kept within an `int`.
    fn integer(&mut self) -> Option<i64> {
        self.blanks();
        let sign = usize::from(matches!(self.0.first(), Some(b'-' | b'+')));
        let length = self.digits(sign);
        if length == 0 {
            return None;
        }
        let (number, rest) = self.0.split_at(sign + length);
        self.0 = rest;
        let text = std::str::from_utf8(number).ok()?;
        let huge = if text.starts_with('-') { i128::MIN } else { i128::MAX };
        let value = text.parse::<i128>().unwrap_or(huge);
        i64::try_from(value.clamp(i128::from(i32::MIN + 1), i128::from(i32::MAX))).ok()
    }
}

fn dense(kind: ColumnKind, text: &[u8]) -> Option<Vec<u8>> {
    let mut text = Text(text);
    text.take(b'[')?;
    let mut elements = Vec::new();
    loop {
        elements.push(text.number()?);
        if !text.next_is(b',') {
            break;
        }
        text.take(b',')?;
    }
    text.take(b']')?;
    text.end()?;
    if elements.len() > 16_000 {
        return None;
    }
    let mut wire = u16::try_from(elements.len()).ok()?.to_be_bytes().to_vec();
    wire.extend([0, 0]);
    for element in elements {
        if kind == ColumnKind::HalfVector {
            wire.extend(half(element)?.to_be_bytes());
        } else {
            wire.extend(element.to_be_bytes());
        }
    }
    Some(wire)
}

/// The bits of the nearest half, ties to even; `None` where that is infinite.
fn half(value: f32) -> Option<u16> {
    let sign = if value.is_sign_negative() { 0x8000 } else { 0 };
    let magnitude = f64::from(value.abs());
    // The halves in order are the integers 0..0x7c00; the nearest is found by bisection.
    let of_bits = |bits: u16| {
        let (exponent, fraction) = (i32::from(bits >> 10), f64::from(bits & 0x3ff));
        if exponent == 0 { fraction * 2_f64.powi(-24) } else { (1024.0 + fraction) * 2_f64.powi(exponent - 25) }
    };
    // From here on it is rounded to infinity: 65504 is the largest half, and the next would be 65536.
    if magnitude >= 65520.0 {
        return None;
    }
    let (mut low, mut high) = (0_u16, 0x7c00_u16);
    while high - low > 1 {
        let middle = u16::midpoint(low, high);
        if of_bits(middle) <= magnitude { low = middle } else { high = middle }
    }
    let (below, above) = (magnitude - of_bits(low), of_bits(high) - magnitude);
    let up = above < below || (above == below && low % 2 == 1);
    Some(sign | if up { high } else { low })
}

fn sparse(text: &[u8]) -> Option<Vec<u8>> {
    let mut text = Text(text);
    text.take(b'{')?;
    let mut elements = std::collections::BTreeMap::new();
    let mut good = true;
    let mut written = 0;
    if !text.next_is(b'}') {
        loop {
            let index = text.integer()?;
            text.take(b':')?;
            let value = text.number()?;
            written += 1;
            if value != 0.0 {
                good &= elements.insert(index, value).is_none();
            }
            if !text.next_is(b',') {
                break;
            }
            text.take(b',')?;
        }
    }
    text.take(b'}')?;
    text.take(b'/')?;
    let dimensions = text.integer()?;
    text.end()?;
    let in_range = elements.keys().all(|index| (1..=dimensions).contains(index));
    if !good || !in_range || written > 16_000 || !(1..=1_000_000_000).contains(&dimensions) {
        return None;
    }
    let int = |value: i64| i32::try_from(value).map(i32::to_be_bytes).ok();
    let mut wire = [int(dimensions)?, int(i64::try_from(elements.len()).ok()?)?, [0; 4]].concat();
    for index in elements.keys() {
        wire.extend(int(index - 1)?);
    }
    for value in elements.values() {
        wire.extend(value.to_be_bytes());
    }
    Some(wire)
}
