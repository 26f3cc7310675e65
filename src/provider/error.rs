//! Why an endpoint cannot be used, and why a request brought nothing.

use std::time::Duration;

/// Why an endpoint cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// It is no URL of an HTTP service.
    #[error("{url:?} is no URL of an embeddings service: {reason}")]
    Url {
        /// As given, without user, password and query.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// It would send texts and the key unencrypted.
    #[error("{0} is not encrypted, and not on this machine")]
    Unencrypted(String),
    /// It is an address that answers to anyone inside a cloud.
    #[error("{0} is a link-local address, as a cloud's metadata service has it")]
    LinkLocal(String),
    /// No model is named.
    #[error("no model of the embeddings service is named")]
    NoModel,
    /// The key is no text that a header can hold.
    #[error("the key of the embeddings service holds what no HTTP header can")]
    Key,
    /// TLS or the HTTP client could not be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
}

impl EndpointError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Url { .. } => {
                    "as in https://api.openai.com/v1 or http://localhost:11434/v1 (SQLMIG_EMBEDDING_URL)"
                }
                Self::Unencrypted(_) => "use https, or allow it for this network with --embedding-allow-http",
                Self::LinkLocal(_) => "name the service itself",
                Self::NoModel => "name it with --embedding-model, and its dimensions with --embedding-dimensions",
                Self::Key => "SQLMIG_EMBEDDING_KEY or the key's file holds one line of plain letters",
                Self::Client(_) => return None,
            }
            .into(),
        )
    }
}

/// Why a request brought nothing. No text of it holds the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The service is busy or broken: 424, 429, 5xx. Trying again may help.
    #[error("the embeddings service answers {status}{message}")]
    Busy {
        /// The HTTP status.
        status: u16,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
        /// What it says, behind a colon.
        message: String,
    },
    /// It cannot be reached, or did not answer in time.
    #[error("the embeddings service cannot be reached: {0}")]
    Unreachable(String),
    /// It does not take these texts: 400, 413, 422. It may take some of them.
    #[error("the embeddings service refuses the texts with {status}{message}")]
    Texts {
        /// The HTTP status.
        status: u16,
        /// What it says, behind a colon.
        message: String,
    },
    /// It does not take this caller, or has no such service: 401, 403, 404 and others.
    #[error("the embeddings service refuses the request with {status}{message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it says, behind a colon.
        message: String,
    },
    /// It points elsewhere, where the texts and the key are not sent.
    #[error("the embeddings service redirects to another place ({0}), which is not followed")]
    Redirected(String),
    /// What it answered is no answer to what was asked.
    #[error("the embeddings service gave a bad answer: {0}")]
    Garbled(String),
    /// It answered several texts with vectors that have no index, or not one each: which is of which would be a guess.
    #[error("the embeddings service does not say which vector is of which text: its answer has {0}")]
    Unordered(String),
}

impl RequestError {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Unreachable(_))
    }

    /// Whether the same failure may befall every request with these texts, and no other. A service that says it is too much, or
    /// that it is away, says so to all.
    #[must_use]
    pub fn may_be_the_texts(&self) -> bool {
        match self {
            Self::Busy { status, .. } => !matches!(status, 408 | 409 | 425 | 429 | 503),
            Self::Unreachable(_) | Self::Garbled(_) | Self::Texts { .. } => true,
            Self::Refused { .. } | Self::Redirected(_) | Self::Unordered(_) => false,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Busy { .. } | Self::Unreachable(_) => {
                    "run the same command again once it answers: every vector that came is kept"
                }
                Self::Refused { status: 401 | 403, .. } => {
                    "give the key by SQLMIG_EMBEDDING_KEY, or in a file by --embedding-key-file"
                }
                Self::Refused { .. } | Self::Redirected(_) => {
                    "see to --embedding-url: the base with its version (https://…/v1), or the whole path to embeddings"
                }
                Self::Unordered(_) => "send each text by itself: --embedding-batch 1",
                Self::Texts { .. } | Self::Garbled(_) => "see to --embedding-model and --embedding-dimensions",
            }
            .into(),
        )
    }
}
