//! The digest that the reader takes of each row, and the server takes again before anything is done with the row.
//!
//! It must be cheap on both sides and the same on both, so it is PostgreSQL's own 64-bit hash of a row
//! (`hash_record_extended`), which cannot change between versions because hash partitioning depends on it. The server's
//! half is `sql/wrap/row_checksum.sql`.

use sha2::{Digest, Sha256};

/// The digest of one row, from what the server hashes of each column: a text's bytes, a vector as its send function
/// writes it.
///
/// `hash_record_extended(row(…), 0)` as PostgreSQL computes it (src/backend/utils/adt/rowtypes.c).
pub(super) fn row<'a>(fields: impl Iterator<Item = Option<&'a [u8]>>) -> i64 {
    fields
        .map(|field| field.map_or(0, |bytes| hash(bytes, 0)))
        .fold(0_u64, |digest, field| digest.wrapping_mul(31).wrapping_add(field))
        .cast_signed()
}

/// The digest of a sequence: of what came before, and of the next piece.
pub(super) fn chain(before: i64, next: &[u8]) -> i64 {
    hash(next, before.cast_unsigned()).cast_signed()
}

/// SHA-256, as `sha256()` of PostgreSQL computes it.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// PostgreSQL's `hash_bytes_extended` (src/common/hashfn.c): Bob Jenkins' lookup3 of 2006, public domain, with a seed.
fn hash(key: &[u8], seed: u64) -> u64 {
    // The length is mixed in modulo 2^32, as PostgreSQL's int is; the sum of its two constants is spelled out there.
    #[expect(clippy::cast_possible_truncation, reason = "modulo 2^32 is what the algorithm does")]
    let start = 0x9e37_79b9_u32.wrapping_add(key.len() as u32).wrapping_add(3_923_095);
    let mut state = [start; 3];
    if seed != 0 {
        #[expect(clippy::cast_possible_truncation, reason = "the seed's two halves")]
        let (high, low) = ((seed >> 32) as u32, seed as u32);
        state[0] = state[0].wrapping_add(high);
        state[1] = state[1].wrapping_add(low);
        mix(&mut state);
    }
    let (blocks, rest) = key.as_chunks::<12>();
    for block in blocks {
        for (word, bytes) in state.iter_mut().zip(block.as_chunks::<4>().0) {
            *word = word.wrapping_add(u32::from_le_bytes(*bytes));
        }
        mix(&mut state);
    }
    // The last bytes fill the words from their low ends; the lowest byte of the third word is left to the length.
    for (index, byte) in rest.iter().enumerate() {
        let place = if index < 8 { index } else { index + 1 };
        let word = &mut state[place / 4];
        *word = word.wrapping_add(u32::from(*byte) << (8 * (place % 4)));
    }
    let [mut a, mut b, mut c] = state;
    let stir = |value: u32, by: u32, rotation| (value ^ by).wrapping_sub(by.rotate_left(rotation));
    c = stir(c, b, 14);
    a = stir(a, c, 11);
    b = stir(b, a, 25);
    c = stir(c, b, 16);
    a = stir(a, c, 4);
    b = stir(b, a, 14);
    c = stir(c, b, 24);
    u64::from(b) << 32 | u64::from(c)
}

fn mix(state: &mut [u32; 3]) {
    let [mut a, mut b, mut c] = *state;
    let step = |target: &mut u32, by: u32, rotation| *target = target.wrapping_sub(by) ^ by.rotate_left(rotation);
    step(&mut a, c, 4);
    c = c.wrapping_add(b);
    step(&mut b, a, 6);
    a = a.wrapping_add(c);
    step(&mut c, b, 8);
    b = b.wrapping_add(a);
    step(&mut a, c, 16);
    c = c.wrapping_add(b);
    step(&mut b, a, 19);
    a = a.wrapping_add(c);
    step(&mut c, b, 4);
    b = b.wrapping_add(a);
    *state = [a, b, c];
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that PostgreSQL 18 and 16 give for `hashtextextended(text collate "C", seed)`.
    #[test]
    fn hash_is_postgres_own() {
        for (text, seed, expected) in EXPECTED {
            assert_eq!(hash(text.as_bytes(), seed.cast_unsigned()).cast_signed(), expected, "{text:?} {seed}");
        }
    }

    const EXPECTED: [(&str, i64, i64); 7] = [
        ("", 0, -6_939_563_903_564_495_251),
        ("", 1, -150_071_773_020_461_347),
        ("a", 0, 3_591_986_179_850_072_241),
        ("abcdefghijk", 7, -4_615_438_900_308_943_748),
        ("abcdefghijkl", -1, -3_669_402_583_748_189_229),
        ("abcdefghijklm", 4_611_686_018_427_387_904, 2_659_021_391_999_824_483),
        ("Grüße, 世界 — twelve or more bytes", 42, 3_023_917_131_098_894_746),
    ];
}
