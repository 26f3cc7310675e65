//! Decimal text to the nearest `f32`, as C's `strtof` rounds it.
//!
//! Embeddings are most of a dump's bytes, and nearly all their elements look like `-0.012345678`. Those are read from the
//! sixteen bytes that end with their last digit, without a loop and without a branch that is often guessed wrongly; everything
//! else is left to `fast_float2`.

/// Powers of ten that short numbers are made of, and their nearest reciprocals.
const TENS: [u64; 14] = {
    let mut tens = [1; 14];
    let mut power = 1;
    while power < tens.len() {
        tens[power] = 10 * tens[power - 1];
        power += 1;
    }
    tens
};
const TENTHS: [f64; 14] = [1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13];
/// The bits of an `f64` that rounding to `f32` takes away, and their value exactly between two `f32`s.
const LOST_BITS: u64 = (1 << 29) - 1;
const HALFWAY: u64 = 1 << 28;
/// How far a product with a reciprocal may be from the decimal, in units of its last bit: the reciprocal and the product
/// are each rounded once.
const DOUBT: u64 = 2;
/// One in each byte of a word.
const EACH: u64 = u64::from_ne_bytes([1; 8]);
/// The highest bit of each.
const HIGH: u64 = EACH << 7;
/// Of the sixteen bytes that end with so many digits, the bits of these: of the first eight bytes, and of the others.
const DIGITS: [(u64, u64); TENS.len()] = {
    let mut masks = [(0, 0); TENS.len()];
    let mut digits = 1;
    while digits < masks.len() {
        masks[digits] =
            if digits > 8 { (u64::MAX << (8 * (16 - digits)), u64::MAX) } else { (0, u64::MAX << (8 * (8 - digits))) };
        digits += 1;
    }
    masks
};

/// The number at `at` in `text` and its length in bytes; infinite where it is out of range.
pub(super) fn parse(text: &[u8], at: usize) -> Option<(f32, usize)> {
    short(text, at).or_else(|| {
        let text = text.get(at..)?;
        // C's strtof takes a plus sign.
        let plus = usize::from(text.first() == Some(&b'+'));
        if plus == 1 && matches!(text.get(1), Some(b'-' | b'+')) {
            return None;
        }
        let (value, length) = fast_float2::parse_partial::<f32, _>(&text[plus..]).ok()?;
        (length > 0).then_some((value, length + plus))
    })
}

/// A number at `at` in `text` of a digit, a point and 1 to 13 digits, with or without a minus sign, that a comma follows; and its
/// length. `None` for any other, for one that may lie halfway between two `f32`s, and where `text` has fewer than 16 bytes up to
/// its end or from its beginning on.
#[inline]
pub(super) fn short(text: &[u8], at: usize) -> Option<(f32, usize)> {
    let ahead: &[u8; 16] = text.get(at..)?.first_chunk()?;
    let length = match ahead.as_chunks().0 {
        [first, second] => comma(*first).or_else(|| Some(8 + comma(*second)?))?,
        _ => return None,
    };
    let [first, second, third, ..] = *ahead;
    let negative = first == b'-';
    let (whole, point) = if negative { (second, third) } else { (first, second) };
    let whole = whole.wrapping_sub(b'0');
    let digits = length.wrapping_sub(2 + usize::from(negative));
    let &(front_digits, back_digits) = DIGITS.get(digits)?;
    if whole > 9 || point != b'.' || digits == 0 {
        return None;
    }
    let behind: &[u8; 16] = text.get(..at + length)?.last_chunk()?;
    let (front, back) = match behind.as_chunks().0 {
        [front, back] => (u64::from_le_bytes(*front), u64::from_le_bytes(*back)),
        _ => return None,
    };
    let front = (front ^ (EACH * u64::from(b'0'))) & front_digits;
    let back = (back ^ (EACH * u64::from(b'0'))) & back_digits;
    // A byte over 9 carries into its highest bit.
    let over = |word: u64| word.wrapping_add(EACH * (0x7f - 9)) | word;
    if (over(front) | over(back)) & HIGH != 0 {
        return None;
    }
    // An f32 has no more than ten digits there, as a rule.
    let front = if digits <= 10 { ((front >> 48) & 0xff) * 10 + (front >> 56) } else { eight_digits(front) };
    let number = u64::from(whole) * TENS[digits] + front * 100_000_000 + eight_digits(back);
    #[expect(clippy::cast_precision_loss, reason = "14 digits are below 2^53")]
    let value = number.cast_signed() as f64 * TENTHS[digits];
    // Rounded once more it is the f32 nearest to the decimal, unless it lies so near to the middle of two that the decimal
    // may lie on the other side.
    if value.to_bits().wrapping_sub(HALFWAY - DOUBT) & LOST_BITS <= 2 * DOUBT {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the purpose; 14 digits are in its range")]
    let value = value as f32;
    Some((f32::from_bits(value.to_bits() | u32::from(negative) << 31), length))
}

/// The place of the first comma in eight bytes.
#[inline]
fn comma(bytes: [u8; 8]) -> Option<usize> {
    // A byte that is zero borrows from its highest bit; the lowest of those that do is one that is.
    let commas = u64::from_le_bytes(bytes) ^ (EACH * u64::from(b','));
    let ends = commas.wrapping_sub(EACH) & !commas & HIGH;
    (ends != 0).then(|| ends.trailing_zeros() as usize / 8)
}

/// The value of eight digits, one a byte, the first in the lowest.
#[inline]
fn eight_digits(ones: u64) -> u64 {
    // Neighbours are joined to numbers of two, four and eight digits.
    let pairs = (ones.wrapping_mul(10) + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    (fours.wrapping_mul(10_000) + (fours >> 32)) & 0xffff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_numbers_are_read_at_once_and_others_are_not() {
        let padded = |text: &str| short(format!("{:16}{text:0<16}", "").as_bytes(), 16);
        assert_eq!(padded("0.5,"), Some((0.5, 3)));
        assert_eq!(padded("-9.0123456789012,"), None, "no room for the comma");
        assert_eq!(padded("-9.012345678901,"), Some((-9.012_345, 15)));
        assert_eq!(padded("-0.0,").map(|(value, _)| value.to_bits()), Some((-0.0_f32).to_bits()));
        for text in
            ["0.5]", "05,", "0.,", ".5,", "-.5,", "--0.5,", "+0.5,", "10.5,", "0.5e3,", "0.5 ,", ",", "0.5:,", "0.5/,"]
        {
            assert_eq!(padded(text), None, "{text}");
        }
        assert_eq!(short(b"0.1234567890123,", 1), None, "fewer than 16 bytes ahead");
        assert_eq!(short(b"[0.5,0.25,0.125,0.0625,", 1), None, "fewer than 16 bytes behind");
        assert_eq!(short(b"[0.5,0.25,0.125,0.0625,", 5), None, "fewer than 16 bytes behind");
        assert_eq!(short(b"[0.5,0.25,0.125,0.0625,0.5", 10), None, "fewer than 16 bytes behind");
        assert_eq!(short(b"[0.5,0.25,0.12555,0.0625,0.5", 10), Some((0.12555, 7)));
        assert_eq!(short(b"", 1), None);
        // 1 + 2^-24 lies exactly between two f32s.
        assert_eq!(padded("1.00000006,").map(|(value, _)| value), Some(1.000_000_1));
        assert_eq!(parse(b"1.000000059604644775390625,0000", 0), Some((1.0, 26)));
    }

    #[test]
    fn signs_and_odd_forms() {
        assert_eq!(parse(b"-0", 0).map(|(value, length)| (value.to_bits(), length)), Some(((-0.0_f32).to_bits(), 2)));
        assert_eq!(parse(b"+.5,", 0), Some((0.5, 3)));
        assert_eq!(parse(b"5.]", 0), Some((5.0, 2)));
        assert_eq!(parse(b"1e3x", 0), Some((1000.0, 3)));
        assert_eq!(parse(b"+-1", 0), None);
        assert_eq!(parse(b"", 0), None);
        assert_eq!(parse(b"-", 0), None);
        assert_eq!(parse(b".", 0), None);
        // Exactly between two f32s, and a hair above: the second must round up.
        assert_eq!(parse(b"16777217", 0), Some((16_777_216.0, 8)));
        assert_eq!(parse(b"16777217.0000000001", 0), Some((16_777_218.0, 19)));
    }

    /// Of all decimals of 13 digits, those nearest to the middle of two `f32`s: where two roundings could go wrong.
    #[test]
    fn the_decimals_nearest_to_a_middle_are_rounded_as_the_standard_library_does() {
        for bits in (1.0_f32.to_bits()..8.0_f32.to_bits()).step_by(97) {
            let middle = f64::midpoint(f64::from(f32::from_bits(bits)), f64::from(f32::from_bits(bits + 1)));
            let text = format!("{:16}{middle:.13},", "");
            let expected: f32 = text[16..31].parse().unwrap();
            assert_eq!(
                parse(text.as_bytes(), 16).map(|(value, _)| value.to_bits()),
                Some(expected.to_bits()),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_decimal_is_rounded_as_the_standard_library_does(
            text in "-?([0-9]{1,12}(\\.[0-9]{0,24})?|[0-9]\\.[0-9]{1,13})", rest in ",[-0-9.,]{16}", before in "[-0-9.,]{0,20}"
        ) {
            let expected: f32 = text.parse().unwrap();
            for followed in [text.clone(), format!("{text}{rest}")] {
                let followed = format!("{before}{followed}");
                let (value, length) = parse(followed.as_bytes(), before.len()).unwrap();
                prop_assert_eq!((value.to_bits(), length), (expected.to_bits(), text.len()));
            }
        }

        #[test]
        fn decimals_near_a_midpoint_are_rounded_exactly(bits in 0x3000_0000_u32..0x4b00_0000, digits in 6_usize..17) {
            let middle = f64::midpoint(f64::from(f32::from_bits(bits)), f64::from(f32::from_bits(bits + 1)));
            let text = format!("{middle:.digits$}");
            let (value, _) = parse(format!("{:16}{text},0000000000000000", "").as_bytes(), 16).unwrap();
            prop_assert_eq!(value.to_bits(), text.parse::<f32>().unwrap().to_bits());
        }
    }
}
