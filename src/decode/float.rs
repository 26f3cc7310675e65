//! Decimal text to the nearest `f32`, as C's `strtof` rounds it.
//!
//! Embeddings are most of a dump's bytes, and nearly all their elements have at most 19 digits and a small exponent.
//! Those are computed here with one division of exact `f64`s; everything else is left to `fast_float2`.

/// Powers of ten that an `f64` holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];
/// Below 2^53 every integer is an exact `f64`.
const EXACT_INTEGERS: u64 = 1 << 53;
/// The bits of an `f64` that rounding to `f32` takes away, and their value exactly between two `f32`s.
const LOST_BITS: u64 = (1 << 29) - 1;
const HALFWAY: u64 = 1 << 28;

/// The number at the front of `text` and its length in bytes; infinite where it is out of range.
pub(super) fn parse_prefix(text: &[u8]) -> Option<(f32, usize)> {
    simple(text).or_else(|| {
        // C's strtof takes a plus sign.
        let plus = usize::from(text.first() == Some(&b'+'));
        if plus == 1 && matches!(text.get(1), Some(b'-' | b'+')) {
            return None;
        }
        let (value, length) = fast_float2::parse_partial::<f32, _>(&text[plus..]).ok()?;
        (length > 0).then_some((value, length + plus))
    })
}

/// The fast path; `None` where it does not apply.
#[inline]
fn simple(text: &[u8]) -> Option<(f32, usize)> {
    let negative = text.first() == Some(&b'-');
    let start = usize::from(negative);
    let mut at = start;
    let mut digits: u64 = 0;
    while let Some(digit) = digit_at(text, at) {
        digits = digits.wrapping_mul(10).wrapping_add(digit);
        at += 1;
    }
    let whole = at - start;
    let mut scale = 0;
    if text.get(at) == Some(&b'.') {
        at += 1;
        let fraction = at;
        while let Some(eight) = text.get(at..at + 8).and_then(eight_digits) {
            digits = digits.wrapping_mul(100_000_000).wrapping_add(eight);
            at += 8;
        }
        while let Some(digit) = digit_at(text, at) {
            digits = digits.wrapping_mul(10).wrapping_add(digit);
            at += 1;
        }
        scale = at - fraction;
    }
    // More than 19 digits may have wrapped around; an exponent or a word follows another way of writing.
    if whole == 0 || whole + scale > 19 || digits >= EXACT_INTEGERS {
        return None;
    }
    if text.get(at).is_some_and(u8::is_ascii_alphabetic) {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "below 2^53 nothing is lost")]
    let value = digits as f64 / POWERS.get(scale)?;
    // The quotient is the f64 nearest to the decimal. Rounded once more it is the f32 nearest to it too, unless it lies
    // exactly halfway between two f32s, where the decimal itself may lie on either side.
    if value.to_bits() & LOST_BITS == HALFWAY || (value < f64::from(f32::MIN_POSITIVE) && digits != 0) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the purpose; 19 digits are in its range")]
    let value = value as f32;
    Some((if negative { -value } else { value }, at))
}

#[inline]
fn digit_at(text: &[u8], at: usize) -> Option<u64> {
    text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10).map(u64::from)
}

/// The value of eight ASCII digits, all at once; `None` where one is no digit.
#[inline]
fn eight_digits(text: &[u8]) -> Option<u64> {
    let word = u64::from_le_bytes(text.try_into().ok()?);
    // A digit is 0x30..=0x39: its high half is 3, and stays 3 when 6 is added.
    let high = word & 0xf0f0_f0f0_f0f0_f0f0;
    let carried = word.wrapping_add(0x0606_0606_0606_0606) & 0xf0f0_f0f0_f0f0_f0f0;
    if high != 0x3030_3030_3030_3030 || carried != 0x3030_3030_3030_3030 {
        return None;
    }
    // Neighbours are joined to numbers of two, four and eight digits.
    let ones = word & 0x0f0f_0f0f_0f0f_0f0f;
    let pairs = (ones.wrapping_mul(10) + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours.wrapping_mul(10_000) + (fours >> 32)) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn eight_digits_are_read_at_once() {
        assert_eq!(eight_digits(b"12345678"), Some(12_345_678));
        assert_eq!(eight_digits(b"00000009"), Some(9));
        for text in [b"1234567a", b"1234567:", b"/2345678", b"1234,678"] {
            assert_eq!(eight_digits(text), None);
        }
    }

    #[test]
    fn signs_and_odd_forms() {
        assert_eq!(
            parse_prefix(b"-0").map(|(value, length)| (value.to_bits(), length)),
            Some(((-0.0_f32).to_bits(), 2))
        );
        assert_eq!(parse_prefix(b"+.5,"), Some((0.5, 3)));
        assert_eq!(parse_prefix(b"5.]"), Some((5.0, 2)));
        assert_eq!(parse_prefix(b"1e3x"), Some((1000.0, 3)));
        assert_eq!(parse_prefix(b"+-1"), None);
        assert_eq!(parse_prefix(b""), None);
        assert_eq!(parse_prefix(b"-"), None);
        assert_eq!(parse_prefix(b"."), None);
        // Exactly between two f32s, and a hair above: the second must round up.
        assert_eq!(parse_prefix(b"16777217"), Some((16_777_216.0, 8)));
        assert_eq!(parse_prefix(b"16777217.0000000001"), Some((16_777_218.0, 19)));
    }

    proptest! {
        #[test]
        fn every_decimal_is_rounded_as_the_standard_library_does(text in "-?[0-9]{1,12}(\\.[0-9]{0,24})?") {
            let expected: f32 = text.parse().unwrap();
            let (value, length) = parse_prefix(text.as_bytes()).unwrap();
            prop_assert_eq!((value.to_bits(), length), (expected.to_bits(), text.len()));
        }

        #[test]
        fn decimals_near_a_midpoint_are_rounded_exactly(bits in 0x3000_0000_u32..0x4b00_0000, digits in 6_usize..17) {
            let middle = f64::midpoint(f64::from(f32::from_bits(bits)), f64::from(f32::from_bits(bits + 1)));
            let text = format!("{middle:.digits$}");
            let (value, _) = parse_prefix(text.as_bytes()).unwrap();
            prop_assert_eq!(value.to_bits(), text.parse::<f32>().unwrap().to_bits());
        }
    }
}
