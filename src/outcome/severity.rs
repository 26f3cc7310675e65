//! What the findings of a check mean.

use serde::{Deserialize, Serialize};

/// What the findings of a check mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Reported, nothing more.
    Warn,
    /// The rows are taken out and kept in quarantine.
    Reject,
    /// Nothing is promoted.
    Error,
}

impl Severity {
    /// The word used in headers, the ledger and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Reject => "reject",
            Self::Error => "error",
        }
    }
}

impl std::str::FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "warn" => Ok(Self::Warn),
            "reject" => Ok(Self::Reject),
            "error" => Ok(Self::Error),
            other => Err(format!("{other:?} is no severity: use warn, reject or error")),
        }
    }
}
