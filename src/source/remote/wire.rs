//! The HTTP client under the object stores: our TLS, our redirects, and an eye on what servers answer.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::client::{
    ClientConfigKey, ClientOptions, HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};

use crate::provider::web_tls;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a server may say nothing in the middle of an answer.
const SILENCE: Duration = Duration::from_secs(30);
/// Redirects that are followed.
const REDIRECTS: usize = 5;

/// Who was asked last, and what the answer was.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// The host.
    pub host: String,
    /// Whether it was asked for credentials rather than for the object.
    pub credentials: bool,
    /// The answer's status, if there was one.
    pub status: Option<StatusCode>,
}

/// Makes the clients of a store.
#[derive(Clone)]
pub(super) struct Wire {
    seen: Arc<Mutex<Seen>>,
    login: Option<(String, SecretString)>,
    silence: Duration,
}

impl Wire {
    /// One that sends this user and password; silence takes up half of `patience` at most, so that it can be asked again.
    pub(super) fn new(login: Option<(String, SecretString)>, patience: Duration) -> Self {
        Self { seen: Arc::default(), login, silence: SILENCE.min(patience / 2) }
    }

    /// Who was asked last.
    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn client(&self, allow_http: bool) -> Result<reqwest::Client, Box<dyn Error + Send + Sync>> {
        let builder = || -> Result<_, Box<dyn Error + Send + Sync>> {
            Ok(reqwest::Client::builder().tls_backend_preconfigured(web_tls()?))
        };
        let mut headers = HeaderMap::new();
        if let Some((user, password)) = &self.login {
            // The header, in the form that reqwest itself would give it; it leaves it out where a redirect leads elsewhere.
            let request = builder()?.build()?.get("https://localhost").basic_auth(user, Some(password.expose_secret()));
            if let Some(value) = request.build()?.headers().get(AUTHORIZATION) {
                let mut value: HeaderValue = value.clone();
                value.set_sensitive(true);
                headers.insert(AUTHORIZATION, value);
            }
        }
        let followed = redirect::Policy::custom(|attempt| {
            let secure_before = attempt.previous().iter().all(|url| url.scheme() == "https");
            if attempt.previous().len() > REDIRECTS {
                attempt.error("it redirects too often")
            } else if secure_before && attempt.url().scheme() != "https" {
                attempt.error("it redirects to a place without encryption")
            } else {
                attempt.follow()
            }
        });
        let client = builder()?
            .default_headers(headers)
            .redirect(followed)
            .https_only(!allow_http)
            // What is stored is what counts; a dump's own compression is told by its bytes.
            .no_gzip()
            .http1_only()
            .connect_timeout(CONNECT.min(self.silence))
            .read_timeout(self.silence)
            .user_agent(concat!("sqlmig/", env!("CARGO_PKG_VERSION")));
        Ok(client.build()?)
    }
}

impl HttpConnector for Wire {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let allow_http = options.get_config_value(&ClientConfigKey::AllowHttp).is_some_and(|value| value == "true");
        let failed = |source| object_store::Error::Generic { store: "HTTP", source };
        let http = self.client(allow_http).map_err(failed)?;
        Ok(HttpClient::new(Watched { http, seen: Arc::clone(&self.seen) }))
    }
}

/// A client that notes whom it asked and what the status was: the stores' own errors do not tell it to programs.
#[derive(Debug)]
struct Watched {
    http: reqwest::Client,
    seen: Arc<Mutex<Seen>>,
}

impl Watched {
    fn note(&self, seen: Seen) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }
}

impl HttpService for Watched {
    // As the trait's macro spells an async function.
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let seen = asked(&request);
            self.note(seen.clone());
            let answer = self.http.call(request).await?;
            self.note(Seen { status: Some(answer.status()), ..seen });
            Ok(answer)
        })
    }
}

/// Whom a request asks, and for what: an instance's identity is at `/latest/` of its metadata service, a container's at a link-local
/// address, and roles are assumed at `sts.…`.
fn asked(request: &HttpRequest) -> Seen {
    let host = request.uri().host().unwrap_or_default().to_owned();
    let metadata = request.uri().path().starts_with("/latest/") || host.starts_with("169.254.");
    Seen { credentials: metadata || host.starts_with("sts."), host, status: None }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}
