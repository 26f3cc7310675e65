//! Bounds that a person sets: how many rows may be rejected, how long a row may be, how long a statement may take.

mod at_once;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error as _};

pub use at_once::{BatchSize, Parallel};

/// How many rows may be rejected before a load is refused: a count, or a share of the rows read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxRejects {
    /// At most so many rows.
    Count(u64),
    /// At most so many per hundred rows read, from 0 to 100.
    Percent(f64),
}

impl MaxRejects {
    /// Whether `rejected` of `read` rows are too many.
    ///
    /// A share can only be judged at the end: the first row of a table, if it is bad, is 100 % of what was read.
    /// [`MaxRejects::judges_early`] tells which bounds may be asked while rows still arrive.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share of more than 2^53 rows may be off by one row")]
    pub fn exceeded(self, rejected: u64, read: u64) -> bool {
        match self {
            Self::Count(most) => rejected > most,
            Self::Percent(most) => rejected as f64 * 100.0 > most * read as f64,
        }
    }

    /// Whether the bound can be judged before all rows were read.
    #[must_use]
    pub fn judges_early(self) -> bool {
        matches!(self, Self::Count(_))
    }
}

impl fmt::Display for MaxRejects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(rows) => write!(f, "{rows}"),
            Self::Percent(share) => write!(f, "{share}%"),
        }
    }
}

/// Why a text is no bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// Neither a count nor a share.
    #[error("{0:?} is no bound on rejected rows: write a number of rows as 100, or a share as 0.5%")]
    MaxRejects(String),
    /// No time.
    #[error("{0:?} is no time: write it with a unit, as 500ms, 5s, 10min or 1h")]
    TimeSpan(String),
    /// No number of rows.
    #[error("{0:?} is no size of a batch: write a number of rows as 5000, or auto")]
    BatchSize(String),
    /// No number of workers.
    #[error("{0:?} is no number of workers: write one from 1 to 64, or auto")]
    Parallel(String),
    /// No size.
    #[error("{0:?} is no size: write bytes as 1048576, or with a unit as 256MiB (KiB, MiB, GiB)")]
    ByteSize(String),
}

impl LimitError {
    /// What to do next: the message already says what to write.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        None
    }
}

impl FromStr for MaxRejects {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let error = || LimitError::MaxRejects(text.to_owned());
        let Some(share) = text.strip_suffix('%') else {
            return text.trim().parse().map(Self::Count).map_err(|_| error());
        };
        match share.trim().parse::<f64>() {
            Ok(share) if (0.0..=100.0).contains(&share) => Ok(Self::Percent(share)),
            _ => Err(error()),
        }
    }
}

/// A size in bytes. Units are powers of 1024 whichever way they are written, as in PostgreSQL's own settings
/// (PostgreSQL manual, "Setting Parameters": `kB` means 1024 bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
            if self.0 >= 1 << shift && self.0.trailing_zeros() >= shift {
                return write!(f, "{}{unit}", self.0 >> shift);
            }
        }
        write!(f, "{}", self.0)
    }
}

impl FromStr for ByteSize {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let error = || LimitError::ByteSize(text.to_owned());
        let trimmed = text.trim();
        let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(digits);
        let shift = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 0,
            "k" | "kb" | "kib" => 10,
            "m" | "mb" | "mib" => 20,
            "g" | "gb" | "gib" => 30,
            _ => return Err(error()),
        };
        let number: u64 = number.parse().map_err(|_| error())?;
        number.checked_mul(1 << shift).map(Self).ok_or_else(error)
    }
}

/// A time, at least a millisecond. Units are those of PostgreSQL's own settings (PostgreSQL manual, "Setting Parameters"); a bare
/// number is refused, since there it would be milliseconds, and few people expect that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeSpan(pub Duration);

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_millis();
        for (unit, length) in [("h", 3_600_000), ("min", 60_000), ("s", 1000)] {
            if milliseconds >= length && milliseconds.is_multiple_of(length) {
                return write!(f, "{}{unit}", milliseconds / length);
            }
        }
        write!(f, "{milliseconds}ms")
    }
}

impl FromStr for TimeSpan {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let error = || LimitError::TimeSpan(text.to_owned());
        let trimmed = text.trim();
        let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(digits);
        let length: u64 = match unit.trim() {
            "ms" => 1,
            "s" => 1000,
            "min" => 60_000,
            "h" => 3_600_000,
            _ => return Err(error()),
        };
        let milliseconds =
            number.parse::<u64>().ok().and_then(|number| number.checked_mul(length)).ok_or_else(error)?;
        // The server keeps its time limits as milliseconds in 31 bits; zero would turn them off.
        if (1..=i32::MAX.unsigned_abs().into()).contains(&milliseconds) {
            Ok(Self(Duration::from_millis(milliseconds)))
        } else {
            Err(error())
        }
    }
}

/// How long the server may take before a statement or a transaction is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Waiting for a lock (`lock_timeout`).
    pub lock: Duration,
    /// One statement of a batch (`statement_timeout`); of a COPY, the time in which nothing moves.
    pub statement: Duration,
    /// A statement over what cannot be cut into batches, as a check or a proof (`statement_timeout` of every session).
    pub long: Duration,
    /// A transaction in which nothing is asked (`idle_in_transaction_session_timeout`).
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            lock: Duration::from_secs(5),
            statement: Duration::from_mins(5),
            // A server that reads 50 MB/s is through with 350 GB by then; what takes longer mostly waits for something else.
            long: Duration::from_hours(2),
            idle: Duration::from_mins(1),
        }
    }
}

/// What a settings file may hold for a bound: a bare number or a text with a unit.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u64),
    Text(String),
}

impl NumberOrText {
    fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

impl<'de> Deserialize<'de> for MaxRejects {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match NumberOrText::deserialize(deserializer)? {
            NumberOrText::Number(rows) => Ok(Self::Count(rows)),
            NumberOrText::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match NumberOrText::deserialize(deserializer)? {
            NumberOrText::Number(bytes) => Ok(Self(bytes)),
            NumberOrText::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }
}

impl<'de> Deserialize<'de> for TimeSpan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_allows_exactly_itself() {
        let most: MaxRejects = "2".parse().unwrap();
        assert!(!most.exceeded(2, 2));
        assert!(most.exceeded(3, 1_000_000));
        assert!("0".parse::<MaxRejects>().unwrap().exceeded(1, 1));
    }

    #[test]
    fn a_share_is_of_the_rows_read() {
        let most: MaxRejects = "0.5%".parse().unwrap();
        assert!(!most.exceeded(5, 1000));
        assert!(most.exceeded(6, 1000));
        assert!(!most.exceeded(0, 0));
        assert!("0%".parse::<MaxRejects>().unwrap().exceeded(1, 1_000_000));
        assert!(!"100 %".parse::<MaxRejects>().unwrap().exceeded(7, 7));
    }

    #[test]
    fn bounds_survive_display_and_parse() {
        for text in ["0", "100", "0.5%", "100%"] {
            assert_eq!(text.parse::<MaxRejects>().unwrap().to_string(), text);
        }
        for text in ["", "%", "-1", "1.5", "101%", "-1%", "NaN%", "ten"] {
            assert!(text.parse::<MaxRejects>().is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_count_in_powers_of_1024() {
        for (text, bytes) in [("4096", 4096), ("64 kB", 65_536), ("256MiB", 1 << 28), ("2g", 1 << 31), ("1b", 1)] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5MiB", "1TB", "99999999999GiB"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
        assert_eq!(ByteSize(1 << 28).to_string(), "256MiB");
        assert_eq!(ByteSize((1 << 28) + 1).to_string(), "268435457");
        assert_eq!(ByteSize(0).to_string(), "0");
    }
    #[test]
    fn times_have_a_unit_and_a_bound() {
        for (text, milliseconds) in [("500ms", 500), ("5s", 5000), ("10 min", 600_000), ("1h", 3_600_000)] {
            assert_eq!(text.parse(), Ok(TimeSpan(Duration::from_millis(milliseconds))), "{text}");
        }
        for text in ["", "5", "s", "0s", "-1s", "1.5s", "1d", "1000h", "99999999999999999999s"] {
            assert!(text.parse::<TimeSpan>().is_err(), "{text}");
        }
        for text in ["1ms", "90s", "2min", "3h"] {
            assert_eq!(text.parse::<TimeSpan>().unwrap().to_string(), text);
        }
    }
}
