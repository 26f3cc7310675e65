//! How many tokens a service bills for those that are counted.

/// So many billed for so many counted; not less than were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Billing {
    billed: u64,
    counted: u64,
}

impl Billing {
    /// What an answer was billed.
    pub fn of(billed: u64, counted: u64) -> Self {
        let counted = counted.max(1);
        Self { billed: billed.max(counted), counted }
    }

    /// The one of two that bills more for a token.
    pub fn dearer(self, other: Self) -> Self {
        let more =
            u128::from(self.billed) * u128::from(other.counted) >= u128::from(other.billed) * u128::from(self.counted);
        if more { self } else { other }
    }

    /// What so many counted tokens are billed, rounded up.
    pub fn expected(self, tokens: u64) -> u64 {
        let billed = (u128::from(tokens) * u128::from(self.billed)).div_ceil(u128::from(self.counted));
        u64::try_from(billed).unwrap_or(u64::MAX)
    }

    /// Where it bills more than was counted, how many per cent of it.
    pub fn per_cent(self) -> Option<u64> {
        Some(self.expected(100)).filter(|_| self.billed > self.counted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_billed_is_expected_of_the_next_and_never_less_than_is_counted() {
        let thrice = Billing::of(12, 4);
        assert_eq!((thrice.expected(0), thrice.expected(7), thrice.per_cent()), (0, 21, Some(300)));
        assert_eq!(Billing::of(7, 5).expected(2), 3);
        let less = Billing::of(3, 4);
        assert_eq!((less.expected(100), less.per_cent()), (100, None));
        assert_eq!(Billing::of(5, 0).expected(1), 5);
        assert_eq!(Billing::of(u64::MAX, 1).expected(u64::MAX), u64::MAX);
    }

    #[test]
    fn the_dearer_of_two_is_by_the_token() {
        let (thrice, twice) = (Billing::of(12, 4), Billing::of(200, 100));
        assert_eq!((thrice.dearer(twice), twice.dearer(thrice)), (thrice, thrice));
        let most = Billing::of(u64::MAX, 1);
        assert_eq!(most.dearer(thrice), most);
    }
}
