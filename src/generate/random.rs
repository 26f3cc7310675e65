//! The generator's own random numbers, so that the same seed gives the same bytes with every version of every crate.

/// Sebastiano Vigna's splitmix64: one addition and three mixing steps a number, and any seed is a good one.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator of its own for one thing among many: numbers drawn for one document never shift another's.
    pub(super) fn of(seed: u64, domain: u64, index: u64) -> Self {
        let mut random = Self(seed ^ domain.wrapping_mul(0xA24B_AED4_963E_E407));
        let mixed = random.next() ^ index.wrapping_mul(0x9FB2_1C65_1E98_DF25);
        Self(mixed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound - 1`; 0 for a bound of 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        // The bias of a remainder is far below anything that made-up data could show.
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// One of `items`, which must not be empty.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[usize::try_from(self.below(items.len() as u64)).unwrap_or(0)]
    }

    /// True in about `percent` of a hundred calls.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Text of a random (version 4) UUID.
    pub(super) fn uuid(&mut self) -> String {
        uuid::Builder::from_u128(u128::from(self.next()) << 64 | u128::from(self.next()))
            .with_version(uuid::Version::Random)
            .with_variant(uuid::Variant::RFC4122)
            .into_uuid()
            .to_string()
    }
}
