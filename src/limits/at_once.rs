//! How much is done at once: rows of a batch, workers beside one another. Either a person says it, or it is found out.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};

use super::LimitError;

/// What says that sqlmig is to find out.
const AUTO: &str = "auto";

/// Rows promoted in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BatchSize {
    /// By the width of the rows: [`BatchSize::USUAL_ROWS`], fewer where they come to more than [`BatchSize::USUAL_BYTES`].
    #[default]
    Auto,
    /// So many.
    Rows(NonZeroU32),
}

impl BatchSize {
    /// Rows of a batch of narrow rows: enough that a transaction's own costs vanish, few enough that it ends within seconds.
    pub const USUAL_ROWS: u32 = 5000;
    /// Text that the rows of a batch have in the source, in bytes. A batch is what is in hand when a run is stopped, what is
    /// written again after a failure, and what workers share out among themselves.
    pub const USUAL_BYTES: u64 = 16 << 20;

    /// Rows of a batch of a table with so many rows and bytes of text.
    #[must_use]
    pub fn rows(self, table_rows: u64, table_bytes: u64) -> u64 {
        match self {
            Self::Rows(rows) => rows.get().into(),
            Self::Auto => {
                let width = table_bytes.checked_div(table_rows).unwrap_or_default().max(1);
                (Self::USUAL_BYTES / width).clamp(1, Self::USUAL_ROWS.into())
            }
        }
    }
}

/// Workers of promotion, each with a connection of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Parallel {
    /// As many as turn out to be fastest.
    #[default]
    Auto,
    /// So many.
    Workers(NonZeroU32),
}

/// Reads `auto`, or a number of at most `most`.
fn auto_or_number<T>(text: &str, most: u32, auto: T, number: impl FnOnce(NonZeroU32) -> T) -> Option<T> {
    if text.trim() == AUTO {
        return Some(auto);
    }
    text.trim().parse::<NonZeroU32>().ok().filter(|number| number.get() <= most).map(number)
}

impl FromStr for BatchSize {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        auto_or_number(text, u32::MAX, Self::Auto, Self::Rows).ok_or_else(|| LimitError::BatchSize(text.to_owned()))
    }
}

impl Parallel {
    /// A server hardly ever has more cores than this, and each worker is a connection that others can't have.
    pub const MOST: u32 = 64;
}

impl FromStr for Parallel {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        auto_or_number(text, Self::MOST, Self::Auto, Self::Workers).ok_or_else(|| LimitError::Parallel(text.to_owned()))
    }
}

impl fmt::Display for BatchSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str(AUTO),
            Self::Rows(rows) => write!(f, "{rows}"),
        }
    }
}

impl fmt::Display for Parallel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str(AUTO),
            Self::Workers(workers) => write!(f, "{workers}"),
        }
    }
}

impl<'de> Deserialize<'de> for BatchSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::NumberOrText::deserialize(deserializer)?.into_text().parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Parallel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::NumberOrText::deserialize(deserializer)?.into_text().parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_auto_is_taken() {
        assert_eq!("auto".parse(), Ok(BatchSize::Auto));
        assert_eq!("7".parse::<BatchSize>().unwrap().to_string(), "7");
        assert_eq!("64".parse::<Parallel>().unwrap().to_string(), "64");
        for text in ["", "0", "-1", "many", "1.5"] {
            assert!(text.parse::<BatchSize>().is_err() && text.parse::<Parallel>().is_err(), "{text}");
        }
        assert!("65".parse::<Parallel>().is_err());
    }

    #[test]
    fn wide_rows_make_smaller_batches() {
        assert_eq!(BatchSize::Auto.rows(1_000_000, 50_000_000), 5000);
        assert_eq!(BatchSize::Auto.rows(4600, 184_000_000), 419);
        assert_eq!(BatchSize::Auto.rows(10, 10 << 30), 1);
        assert_eq!(BatchSize::Auto.rows(0, 0), 5000);
        assert_eq!("100".parse::<BatchSize>().unwrap().rows(4600, 184_000_000), 100);
    }
}
