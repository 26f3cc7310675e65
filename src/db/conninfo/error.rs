//! Why a text is not a usable connection string.

/// Why a text is not a usable connection string. None of them repeats what may be a part of a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnInfoError {
    /// Neither spelling.
    #[error("the connection string is neither a postgres:// URL nor a list of key=value")]
    Form,
    /// A URL of something else.
    #[error("the connection string is a URL, but not one that begins with postgres:// or postgresql://")]
    Scheme,
    /// A reserved character stands bare.
    #[error("the connection URL has an @ in a place where only an unencoded password can have put it")]
    NotEncoded,
    /// A blank that is not percent-encoded.
    #[error("the connection URL has a blank in it")]
    Blank,
    /// `%` without two hexadecimal digits, or a code that makes no UTF-8 text.
    #[error("the connection URL holds an invalid percent code")]
    PercentCode,
    /// An IPv6 address without its closing bracket.
    #[error("a host of the connection URL is malformed")]
    Host,
    /// A query part without `=`, or a second `?`.
    #[error("the connection URL's query is not a list of key=value")]
    Query,
    /// A word without `=` in the other spelling.
    #[error("the connection string is not a list of key=value")]
    Pairs,
    /// A quote that is not closed.
    #[error("a quoted value of the connection string has no closing quote")]
    Quote,
    /// Not a port.
    #[error("a port of the connection string is not a number from 1 to 65535")]
    Port,
    /// Lists of different lengths.
    #[error("the connection string's lists of host, hostaddr and port differ in length")]
    Lists,
    /// A key of libpq's that sqlmig does not support.
    #[error("the connection string's key {0:?} is not supported")]
    Key(String),
    /// A key that nobody knows, with the one that may be meant. Not shown: after a stray quote it may be a password's end.
    #[error("the connection string has a key that PostgreSQL does not know")]
    UnknownKey(Option<String>),
    /// A value that its key does not take.
    #[error("{} is no value for {key} in the connection string", .value.as_deref().unwrap_or("what stands there"))]
    Value {
        /// The key; never one that holds a secret.
        key: &'static str,
        /// The value, where it is a word that can't have another setting in it.
        value: Option<String>,
    },
    /// TLS settings that contradict each other.
    #[error("the connection string asks for {0}")]
    Contradiction(&'static str),
    /// No user was named and the system does not know its own.
    #[error("the connection string names no user, and this process's user has no name")]
    NoUser,
}

impl ConnInfoError {
    /// A value that `key` does not take. Where a quote or a value was forgotten, it holds the settings that follow.
    pub(super) fn value(key: &'static str, value: &str) -> Self {
        let word =
            value.len() <= 40 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte));
        Self::Value { key, value: word.then(|| format!("{value:?}")) }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Form | Self::Scheme | Self::Host | Self::Query => "write postgres://USER@HOST:PORT/DATABASE".into(),
            Self::Blank => "in a URL write a space as %20, and other settings as ?key=value&key=value".into(),
            Self::NotEncoded | Self::PercentCode | Self::Port => {
                "in a URL write % as %25, @ as %40, / as %2F, : as %3A, or give the password in PGPASSWORD".into()
            }
            Self::Pairs | Self::Quote => "put a value with spaces in single quotes, and write ' as \\' in it".into(),
            Self::Lists => "give one port for all hosts or one for each".into(),
            Self::Key(_) => "the keys are those of PostgreSQL's manual, \"Parameter Key Words\"; \
                             service files, CRLs, encrypted keys and GSSAPI are not supported"
                .into(),
            Self::UnknownKey(near) => {
                let near = near.as_ref().map(|near| format!("did you mean {near}? ")).unwrap_or_default();
                format!("{near}The keys are those of PostgreSQL's manual, \"Parameter Key Words\"")
            }
            Self::Value { key: "sslmode", .. } => {
                "use disable, allow, prefer, require, verify-ca or verify-full".into()
            }
            Self::Value { key: "load_balance_hosts", .. } => "sqlmig tries the hosts in their order".into(),
            Self::Value { key: "client_encoding", .. } => "leave it out: sqlmig speaks UTF-8 with the server".into(),
            Self::Value { .. } => return None,
            Self::Contradiction(_) => "change the one or the other".into(),
            Self::NoUser => "name a user: postgres://USER@HOST/DATABASE".into(),
        })
    }
}
