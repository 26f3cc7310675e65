//! One request at a time, and its answer.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode, redirect};
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret;
use serde::Serialize;

use super::answer::{self, Answer};
use super::resolve::Guarded;
use super::throttle::LONGEST_PAUSE;
use super::{Endpoint, EndpointError, RequestError};

/// Bytes of an answer: 2,048 vectors of 3,072 dimensions as text take about as much.
const LONGEST_ANSWER: usize = 64 << 20;
/// Bytes of an error's text that are read.
const LONGEST_ERROR: usize = 64 << 10;
/// Letters of it that are shown.
const SHOWN: usize = 300;
/// What the rate-limit headers count.
const LIMITS: [&str; 2] = ["requests", "tokens"];
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Asks one endpoint.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    endpoint: Endpoint,
}

/// An answer, and how long the service wants to be left alone, by its rate-limit headers.
#[derive(Debug)]
pub struct Answered {
    /// The answer.
    pub answer: Answer,
    /// How long to wait before the next request.
    pub rest: Option<Duration>,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [&'a str],
    encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
}

impl Client {
    /// A client of that endpoint, which sends the key nowhere else.
    ///
    /// # Errors
    /// TLS cannot be set up, or the key is none.
    pub fn new(endpoint: Endpoint) -> Result<Self, EndpointError> {
        let failed = |error: &dyn Error| EndpointError::Client(chain(error));
        let options = &endpoint.options;
        let mut headers = HeaderMap::new();
        if let Some(key) = &options.key {
            let (name, text) = if endpoint.is_azure() {
                (HeaderName::from_static("api-key"), key.expose_secret().to_owned())
            } else {
                (AUTHORIZATION, format!("Bearer {}", key.expose_secret()))
            };
            let mut value = HeaderValue::from_str(&text).map_err(|_| EndpointError::Key)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(web_tls().map_err(|error| failed(&error))?)
            .default_headers(headers)
            .redirect(redirect::Policy::none())
            .dns_resolver(Arc::new(Guarded))
            .connect_timeout(CONNECT.min(options.timeout))
            .timeout(options.timeout)
            .user_agent(concat!("sqlmig/", env!("CARGO_PKG_VERSION")))
            .no_proxy();
        if let Some(proxy) = &options.proxy {
            // The proxy's URL may hold a password, and the error may hold the URL.
            let proxy =
                reqwest::Proxy::all(proxy).map_err(|_| EndpointError::Client("the proxy's URL is none".into()))?;
            builder = builder.proxy(proxy);
        }
        let http = builder.build().map_err(|error| failed(&error))?;
        Ok(Self { http, endpoint })
    }

    /// The endpoint that is asked.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks for the vectors of these texts, once.
    ///
    /// # Errors
    /// Which kind of failure it was; where the answer holds good and bad vectors, it is none.
    pub async fn embed(&self, texts: &[&str]) -> Result<Answered, RequestError> {
        let endpoint = &self.endpoint;
        let request = Request {
            model: &endpoint.space.model,
            input: texts,
            // Every service knows it; base64 is shorter, and some local servers do not. What comes as base64 all the same is read.
            encoding_format: "float",
            dimensions: endpoint.sends_dimensions().then_some(endpoint.space.dimensions),
        };
        let sent = self.http.post(endpoint.url.clone()).json(&request).send().await;
        let mut response = sent.map_err(|error| RequestError::Unreachable(self.clean(&chain(&error.without_url()))))?;
        let status = response.status();
        if status.is_redirection() {
            let place = response.headers().get(LOCATION).and_then(|place| place.to_str().ok()).unwrap_or("nowhere");
            let place = place.split(['?', '#']).next().unwrap_or_default();
            return Err(RequestError::Redirected(self.clean(place)));
        }
        if !status.is_success() {
            let retry_after = asked_for(status, response.headers());
            let message = self.message(&mut response).await;
            return Err(judge(status, retry_after, message));
        }
        let rest = rest(response.headers());
        let body = body(&mut response, LONGEST_ANSWER).await?;
        let answer = answer::read(&body, texts.len(), &endpoint.space).map_err(|error| {
            if let RequestError::Garbled(text) = error { RequestError::Garbled(self.clean(&text)) } else { error }
        })?;
        Ok(Answered { answer, rest })
    }

    /// Asks the endpoint for nothing, to see that it answers: a request without texts, which no service charges for. Returns the
    /// status, whichever it is.
    ///
    /// # Errors
    /// [`RequestError::Unreachable`] where nothing answers.
    pub async fn reach(&self) -> Result<u16, RequestError> {
        let sent = self.http.get(self.endpoint.url.clone()).send().await;
        let response = sent.map_err(|error| RequestError::Unreachable(self.clean(&chain(&error.without_url()))))?;
        Ok(response.status().as_u16())
    }

    /// What an error's body says, on one line.
    async fn message(&self, response: &mut Response) -> String {
        let body = body(response, LONGEST_ERROR).await.unwrap_or_default();
        let said = serde_json::from_slice::<serde_json::Value>(&body).ok().and_then(|json| {
            let error = json.get("error").unwrap_or(&json);
            let text = error.get("message").or(Some(error)).and_then(|message| message.as_str());
            text.map(str::to_owned)
        });
        let text = said.unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned());
        let text = self.clean(text.trim());
        if text.is_empty() { text } else { format!(": {text}") }
    }

    /// A text from outside, short, on one line and without the key.
    fn clean(&self, text: &str) -> String {
        let key = self.endpoint.options.key.as_ref().map(ExposeSecret::expose_secret).filter(|key| !key.is_empty());
        let text = key.map_or_else(|| text.to_owned(), |key| text.replace(key, "…"));
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut shown: String = line.chars().take(SHOWN).collect();
        if shown.len() < line.len() {
            shown.push('…');
        }
        shown
    }
}

/// What a status that is no success means.
fn judge(status: StatusCode, retry_after: Option<Duration>, message: String) -> RequestError {
    let number = status.as_u16();
    match number {
        400 | 413 | 422 => RequestError::Texts { status: number, message },
        // 424 is what Text Embeddings Inference says where the model failed.
        408 | 409 | 424 | 425 | 429 => RequestError::Busy { status: number, retry_after, message },
        _ if status.is_server_error() => RequestError::Busy { status: number, retry_after, message },
        _ => RequestError::Refused { status: number, message },
    }
}

/// The body, up to a bound.
async fn body(response: &mut Response, most: usize) -> Result<Vec<u8>, RequestError> {
    let mut bytes = Vec::new();
    loop {
        let chunk = response.chunk().await;
        let chunk = chunk.map_err(|error| {
            RequestError::Unreachable(format!("the answer broke off: {}", chain(&error.without_url())))
        })?;
        let Some(chunk) = chunk else { return Ok(bytes) };
        if bytes.len() + chunk.len() > most {
            return Err(RequestError::Garbled(format!("it is longer than {most} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST_PAUSE));
    }
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let date = time::PrimitiveDateTime::parse(text, &format).ok()?.assume_utc();
    Some(SystemTime::from(date).duration_since(SystemTime::now()).unwrap_or_default().min(LONGEST_PAUSE))
}

/// How long a service that refuses wants to be left alone: `Retry-After`, or else what its rate-limit headers say where
/// it is by its limits that it refuses. They need not say that nothing is left: that may be too little for the request.
fn asked_for(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let limited = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    retry_after(headers).or_else(|| {
        let of_all = || LIMITS.iter().filter_map(|what| reset(headers, what)).max();
        if limited { rest(headers).or_else(of_all) } else { None }
    })
}

/// How long the rate-limit headers ask to wait: nothing is left, and this is when there is again.
fn rest(headers: &HeaderMap) -> Option<Duration> {
    let remaining = |what: &str| header(headers, &format!("x-ratelimit-remaining-{what}"));
    LIMITS.iter().filter(|what| remaining(what) == Some("0")).filter_map(|what| reset(headers, what)).max()
}

/// When there is again of what is limited.
fn reset(headers: &HeaderMap, what: &str) -> Option<Duration> {
    header(headers, &format!("x-ratelimit-reset-{what}")).and_then(span)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

/// A time as those headers spell it: `1s`, `6m0s`, `20ms`, or seconds.
fn span(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        let after = &rest[digits..];
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        sum += number
            * match &after[..letters] {
                "ms" => 0.001,
                "" | "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
        rest = &after[letters..];
    }
    Duration::try_from_secs_f64(sum).ok().map(|span| span.min(LONGEST_PAUSE))
}

/// TLS with the system's certificates, by the same library that the database connections use.
///
/// # Errors
/// The library has no version of TLS to offer.
pub fn web_tls() -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    // A machine without certificates can still ask a service on itself.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// An error and its causes, each once.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let told = cause.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_says_in_several_ways_how_long_to_wait() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(7)));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("Wed, 21 Oct 2015 07:28:00 GMT"));
        assert_eq!(retry_after(&headers), Some(Duration::ZERO));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("Wed, 21 Oct 2115 07:28:00 GMT"));
        assert_eq!(retry_after(&headers), Some(LONGEST_PAUSE));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("soon"));
        assert_eq!(retry_after(&headers), None);
        for (text, milliseconds) in [("1s", 1000), ("20ms", 20), ("0m1.5s", 1500), ("6m0s", 60_000), ("3", 3000)] {
            assert_eq!(span(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        headers.insert("x-ratelimit-remaining-tokens", HeaderValue::from_static("0"));
        headers.insert("x-ratelimit-reset-tokens", HeaderValue::from_static("2s"));
        assert_eq!(rest(&headers), Some(Duration::from_secs(2)));
    }

    #[test]
    fn a_service_that_refuses_is_asked_again_when_its_limits_say() {
        let asked = |status: u16, lines: &[(&'static str, &'static str)]| {
            let lines =
                lines.iter().map(|(name, text)| (HeaderName::from_static(name), HeaderValue::from_static(text)));
            let headers: HeaderMap = lines.collect();
            asked_for(StatusCode::from_u16(status).unwrap(), &headers).map(|time| time.as_secs())
        };
        let (tokens, requests) = (("x-ratelimit-reset-tokens", "3s"), ("x-ratelimit-reset-requests", "40s"));
        let left = ("x-ratelimit-remaining-requests", "99");
        assert_eq!(asked(429, &[tokens]), Some(3));
        assert_eq!(asked(503, &[tokens]), Some(3));
        assert_eq!(asked(500, &[tokens]), None);
        assert_eq!(asked(429, &[tokens, ("retry-after", "7")]), Some(7));
        assert_eq!(asked(500, &[("retry-after", "7")]), Some(7));
        assert_eq!(asked(429, &[tokens, ("retry-after", "soon")]), Some(3));
        // Where one of them is at its end, it is that one; else either may be what is too little.
        assert_eq!(asked(429, &[tokens, requests, left, ("x-ratelimit-remaining-tokens", "0")]), Some(3));
        assert_eq!(asked(429, &[tokens, requests, left, ("x-ratelimit-remaining-tokens", "5")]), Some(40));
    }
}
