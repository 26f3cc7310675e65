//! Where a source on the network is, and how it is told without what is secret in it.

use std::fmt;

use object_store::path::Path;
use reqwest::Url;
use secrecy::SecretString;

/// Where a source on the network is. What it shows of itself, `Debug` too, holds neither user, password nor query.
#[derive(Clone)]
pub struct Location {
    pub(super) place: Place,
    shown: String,
}

/// The two kinds of places.
#[derive(Clone)]
pub(super) enum Place {
    /// `https://…` or `http://…`. The query may be a signature, so the URL is not to be shown.
    Web {
        /// Without user and password.
        url: Url,
        /// What stood before the host's `@`.
        login: Option<(String, SecretString)>,
    },
    /// `s3://bucket/key`.
    S3 {
        /// The bucket.
        bucket: String,
        /// The key.
        key: Path,
    },
}

/// Why a text that looks like a URL names no source. It repeats no part of it but the scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// Sources of that scheme are not read.
    #[error("a source can't be read from {0}://")]
    Scheme(String),
    /// It is malformed.
    #[error("the source's {scheme}:// URL is malformed: {why}")]
    Malformed {
        /// Its scheme.
        scheme: String,
        /// What is wrong.
        why: String,
    },
    /// It would be read without encryption.
    #[error("{0} would be read without encryption")]
    Plain(String),
}

impl LocationError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Scheme(_) => "give a file, - for stdin, an https:// or an s3:// URL".to_owned(),
            Self::Malformed { scheme, .. } if scheme == "s3" => {
                "write it as s3://BUCKET/KEY; credentials come from AWS_ACCESS_KEY_ID and the other AWS_ variables"
                    .to_owned()
            }
            Self::Malformed { scheme, .. } => format!("write it as {scheme}://HOST/PATH"),
            Self::Plain(_) => "use https://, or allow it with --allow-http".to_owned(),
        })
    }
}

impl Location {
    /// What a text names, if it is a URL; `None` for a path.
    #[must_use]
    pub fn recognise(text: &str) -> Option<Result<Self, LocationError>> {
        let (scheme, rest) = text.split_once("://")?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b));
        if !is_scheme {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        Some(match scheme.as_str() {
            "https" | "http" => Self::web(text, &scheme),
            "s3" => Self::s3(rest, &scheme),
            _ => Err(LocationError::Scheme(scheme)),
        })
    }

    fn web(text: &str, scheme: &str) -> Result<Self, LocationError> {
        let malformed = |why: &str| LocationError::Malformed { scheme: scheme.to_owned(), why: why.to_owned() };
        let mut url = Url::parse(text).map_err(|error| malformed(&error.to_string()))?;
        // What a server is asked for ends before it.
        url.set_fragment(None);
        let decoded = |part: &str| percent_decoded(part).ok_or_else(|| malformed("user or password is not UTF-8"));
        let login = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some((decoded(user)?, SecretString::from(decoded(password.unwrap_or_default())?))),
        };
        // Neither can fail: an http URL has a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let mut shown = url.clone();
        shown.set_query(None);
        let query = if url.query().is_some() { "?…" } else { "" };
        Ok(Self { shown: format!("{shown}{query}"), place: Place::Web { url, login } })
    }

    fn s3(rest: &str, scheme: &str) -> Result<Self, LocationError> {
        let malformed = |why: &str| LocationError::Malformed { scheme: scheme.to_owned(), why: why.to_owned() };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let named = bucket.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
        if bucket.is_empty() || !named {
            return Err(malformed("it names no bucket"));
        }
        if key.is_empty() || key.ends_with('/') {
            return Err(malformed("it names no object of the bucket"));
        }
        let key = Path::parse(key).map_err(|_| malformed("its key has an empty part, . or .."))?;
        Ok(Self { shown: format!("s3://{bucket}/{key}"), place: Place::S3 { bucket: bucket.to_owned(), key } })
    }

    /// Whether it is read over a network that others may listen on, without encryption.
    pub(super) fn is_plain(&self) -> bool {
        matches!(&self.place, Place::Web { url, .. } if is_plain(url))
    }
}

/// Whether a URL is neither https nor on this very machine.
pub(super) fn is_plain(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_local = host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    url.scheme() != "https" && !is_local
}

/// A source as it was typed, without what is secret in it.
#[must_use]
pub fn shown(typed: &str) -> String {
    match Location::recognise(typed) {
        None => typed.to_owned(),
        Some(Ok(location)) => location.to_string(),
        Some(Err(_)) => format!("{}://…", typed.split("://").next().unwrap_or_default()),
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        bytes.push(match byte {
            b'%' => u8::try_from(hex(rest.next())? * 16 + hex(rest.next())?).ok()?,
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_a_url_is_not_secret() {
        for (typed, told) in [
            ("https://u:k4n4r1@host:8443/a/b.sql.gz?X-Amz-Signature=k4n4r1#k4n4r1", "https://host:8443/a/b.sql.gz?…"),
            ("HTTP://k4n4r1@[::1]/x", "http://[::1]/x"),
            ("s3://bucket/a b/c?d.sql", "s3://bucket/a b/c?d.sql"),
            ("s3://k4n4r1:k4n4r1@bucket/a", "s3://…"),
            ("https://u:k4n4r1@host:port/a", "https://…"),
            ("gs://k4n4r1/a", "gs://…"),
            ("./a://b", "./a://b"),
            ("dump.sql.gz", "dump.sql.gz"),
        ] {
            assert_eq!(shown(typed), told);
            let debug = format!("{:?}", Location::recognise(typed));
            assert!(!debug.contains("k4n4r1"), "{debug}");
        }
    }

    #[test]
    fn a_url_that_names_no_source_is_refused() {
        for (typed, says) in [
            ("gs://bucket/a", "can't be read from gs://"),
            ("s3://bucket", "no object"),
            ("s3://bucket/folder/", "no object"),
            ("s3:///key", "no bucket"),
            ("s3://bucket/a//b", "empty part"),
            ("https://", "empty host"),
            ("https://%ff@host/a", "not UTF-8"),
        ] {
            let error = Location::recognise(typed).unwrap().unwrap_err();
            assert!(error.to_string().contains(says), "{typed}: {error}");
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn only_this_machine_is_asked_in_the_clear() {
        let plain = |text: &str| Location::recognise(text).unwrap().unwrap().is_plain();
        assert!(plain("http://files.example/a") && plain("http://10.0.0.1/a") && plain("http://localhost.example/a"));
        assert!(!plain("http://127.0.0.1:80/a") && !plain("http://[::1]/a") && !plain("http://localhost/a"));
        assert!(!plain("https://files.example/a") && !plain("s3://bucket/a"));
    }
}
