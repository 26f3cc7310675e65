//! Why a source on the network can't be read.

use std::error::Error;
use std::io;

/// Why a source on the network can't be read. None of its texts holds a query, a user or a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// It could not be reached, or its connections were cut, for as long as was agreed to.
    #[error("{place} does not answer: {why}")]
    Away {
        /// The source.
        place: String,
        /// What was seen last.
        why: String,
    },
    /// It is no longer the object whose first part was read.
    #[error("{place} was changed while it was read: {what}")]
    Changed {
        /// The source.
        place: String,
        /// What differs.
        what: String,
    },
    /// It is there for others.
    #[error("{place} is refused: {why}")]
    Refused {
        /// The source.
        place: String,
        /// What the server said.
        why: String,
    },
    /// It is not there.
    #[error("{place} is not there: {why}")]
    Missing {
        /// The source.
        place: String,
        /// What the server said.
        why: String,
    },
    /// The server does not do what is needed, or TLS or the settings do not allow it.
    #[error("{place} can't be read: {why}")]
    Unusable {
        /// The source.
        place: String,
        /// Why.
        why: String,
    },
}

impl RemoteError {
    /// Whether the same may succeed later without anyone changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Away { .. })
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let is_s3 = |place: &str| place.starts_with("s3://");
        Some(match self {
            Self::Away { place, .. } if is_s3(place) => {
                "run the same command again later; see to AWS_REGION, AWS_ENDPOINT_URL and the credentials if it never \
                 answers"
                    .to_owned()
            }
            Self::Away { .. } => "run the same command again later; --source-timeout waits longer".to_owned(),
            Self::Changed { .. } => {
                "see that nobody writes to it during a load; --restart loads the new one from its beginning".to_owned()
            }
            Self::Refused { place, .. } if is_s3(place) => {
                "see to AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and the right s3:GetObject; without \
                 s3:ListBucket an object that is not there is refused, too"
                    .to_owned()
            }
            Self::Refused { .. } => "see to the URL's user, password or signature; signatures expire".to_owned(),
            Self::Missing { .. } => "check the URL".to_owned(),
            Self::Unusable { .. } => "fetch it by other means and give the file, or pipe it: … | sqlmig run -".to_owned(),
        })
    }

    /// Of an error of reading, the one that is in it.
    ///
    /// # Errors
    /// The same error, where there is none in it.
    pub fn from_io(error: io::Error) -> Result<Self, io::Error> {
        error.downcast()
    }

    /// The one that is among an error and its causes.
    #[must_use]
    pub fn among<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        causes(error).find_map(|cause| cause.downcast_ref())
    }
}

/// An error and its causes; also what an [`io::Error`] was made of, which it does not count among them.
pub(super) fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

/// The first cause, in its own words: what is above it may quote the URL.
pub(super) fn deepest(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

impl From<RemoteError> for io::Error {
    fn from(error: RemoteError) -> Self {
        Self::other(error)
    }
}
