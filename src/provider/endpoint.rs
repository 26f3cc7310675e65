//! Where vectors come from: the URL, the model, and what may be sent there.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;

use super::EndpointError;

/// The space that a vector is in: vectors of two spaces mean nothing to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorSpace {
    /// Whose service: the host's name, unless it is given one.
    pub provider: String,
    /// The model, as it is asked for.
    pub model: String,
    /// Dimensions of a vector.
    pub dimensions: u32,
}

impl fmt::Display for VectorSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}, {} dimensions", self.model, self.provider, self.dimensions)
    }
}

/// How to ask an endpoint.
#[derive(Debug, Clone)]
pub struct EndpointOptions {
    /// The base URL with its version, the whole path to `embeddings`, or Azure's with its `api-version`.
    pub url: String,
    /// The key.
    pub key: Option<SecretString>,
    /// Whether it may be asked without TLS although it is on another machine.
    pub allow_http: bool,
    /// A proxy's URL; without one none is used, whatever the environment says.
    pub proxy: Option<String>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Whether the request names the dimensions; without an answer, for the models that are known to take it.
    pub send_dimensions: Option<bool>,
}

/// An endpoint that may be asked.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub(super) url: Url,
    pub(super) options: EndpointOptions,
    /// What its vectors are in.
    pub space: VectorSpace,
}

impl Endpoint {
    /// Judges the options.
    ///
    /// # Errors
    /// The URL is none, or one that must not be asked.
    pub fn new(options: EndpointOptions, space: VectorSpace) -> Result<Self, EndpointError> {
        let mut url = parse(&options.url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        let local = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        if url.scheme() == "http" && !local && !options.allow_http {
            return Err(EndpointError::Unencrypted(shown(&url)));
        }
        if address.is_some_and(is_forbidden) || is_metadata_name(&host) {
            return Err(EndpointError::LinkLocal(host));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if !path.ends_with("/embeddings") {
            url.set_path(&format!("{path}/embeddings"));
        }
        if space.model.trim().is_empty() {
            return Err(EndpointError::NoModel);
        }
        Ok(Self { url, options, space })
    }

    /// The name of the provider that a URL suggests: its host.
    ///
    /// # Errors
    /// It is no URL.
    pub fn provider_of(url: &str) -> Result<String, EndpointError> {
        Ok(parse(url)?.host_str().unwrap_or_default().to_owned())
    }

    /// Whether it is an Azure deployment, whose key goes into a header of its own.
    pub(super) fn is_azure(&self) -> bool {
        self.url.query_pairs().any(|(name, _)| name == "api-version")
    }

    /// Whether the request names the dimensions. Services refuse a parameter that their model does not know.
    pub(super) fn sends_dimensions(&self) -> bool {
        let known = self.space.model.starts_with("text-embedding-3");
        self.options.send_dimensions.unwrap_or(known)
    }

    /// The URL for people: without its query.
    #[must_use]
    pub fn shown(&self) -> String {
        shown(&self.url)
    }
}

/// An address that no embeddings service has: link-local (cloud metadata services are at 169.254.169.254 and `fd00:ec2::254`) or
/// none at all.
pub(super) fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast(),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_forbidden(v4.into()),
            None => {
                v6.is_unicast_link_local()
                    || v6.is_unspecified()
                    || v6.is_multicast()
                    || v6.segments()[..2] == [0xfd00, 0x0ec2]
            }
        },
    }
}

fn is_metadata_name(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    host.eq_ignore_ascii_case("metadata.google.internal") || host.eq_ignore_ascii_case("metadata")
}

fn parse(text: &str) -> Result<Url, EndpointError> {
    // A text that cannot be parsed may hold a key anywhere, so of it nothing but its beginning is shown.
    let wrong = |url: String, reason: &str| EndpointError::Url { url, reason: reason.to_owned() };
    let beginning: String = text.chars().take_while(|c| !matches!(c, '@' | '?' | '#')).take(60).collect();
    let url = Url::parse(text.trim()).map_err(|error| wrong(beginning.clone(), &error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong(shown(&url), "it begins with neither https:// nor http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(shown(&url), "it holds a user or a password; the key has a place of its own"));
    }
    if url.query_pairs().any(|(name, _)| name != "api-version") {
        return Err(wrong(shown(&url), "its query may hold api-version and nothing else"));
    }
    Ok(url)
}

/// A URL for people.
fn shown(url: &Url) -> String {
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, allow_http: bool) -> Result<Endpoint, EndpointError> {
        let options = EndpointOptions {
            url: url.into(),
            key: None,
            allow_http,
            proxy: None,
            timeout: Duration::from_secs(1),
            send_dimensions: None,
        };
        let space = VectorSpace { provider: "p".into(), model: "m".into(), dimensions: 3 };
        Endpoint::new(options, space)
    }

    #[test]
    fn a_base_and_a_whole_path_are_the_same_place() {
        for (given, asked) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1/embeddings"),
            ("https://api.openai.com/v1/", "https://api.openai.com/v1/embeddings"),
            ("http://localhost:11434/v1/embeddings", "http://localhost:11434/v1/embeddings"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/embeddings"),
            (
                "https://a.openai.azure.com/openai/deployments/d?api-version=2024-02-01",
                "https://a.openai.azure.com/openai/deployments/d/embeddings?api-version=2024-02-01",
            ),
        ] {
            assert_eq!(endpoint(given, false).unwrap().url.as_str(), asked);
        }
        assert!(endpoint("https://a.openai.azure.com/x?api-version=1", false).unwrap().is_azure());
    }

    #[test]
    fn a_place_that_must_not_be_asked_is_refused() {
        for url in [
            "http://example.com/v1",
            "http://10.0.0.1/v1",
            "http://169.254.169.254/v1",
            "https://[fe80::1]/v1",
            "https://[::ffff:169.254.169.254]/v1",
            "https://metadata.google.internal/v1",
            "ftp://example.com/v1",
            "https://user:secret@example.com/v1",
            "https://example.com/v1?key=secret",
            "example.com",
        ] {
            let error = endpoint(url, false).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(endpoint("http://tei:8080/v1", true).is_ok());
        assert!(endpoint("http://169.254.169.254/v1", true).is_err());
    }
}
