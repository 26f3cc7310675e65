//! The exposition over HTTP: `/metrics`, and `/healthz` for whoever only asks whether the process answers.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore};

use super::{Seen, exposition};
use crate::outcome::Status;

/// What was read is good for so long: many who ask at once are one question to the database.
const FRESH: Duration = Duration::from_secs(1);
/// Who has not said within this time what he wants is sent away.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections at once; Prometheus needs one or two.
const CONNECTIONS: usize = 32;

/// Reads how far the run is; `None` where there is no run. A failure is told by its text.
pub type Read = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Option<Status>, String>> + Send>> + Send + Sync>;

/// Why metrics cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address} for metrics: {error}")]
    Bind {
        /// As it was given.
        address: String,
        /// Why.
        #[source]
        error: io::Error,
    },
}

impl MetricsError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let Self::Bind { error, .. } = self;
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => "another process listens there: name another port, or 0 for any that is free",
            io::ErrorKind::PermissionDenied => "ports below 1024 are for root: name a higher one",
            _ => "write it as HOST:PORT, as 127.0.0.1:9464, or 0.0.0.0:9464 to be reached from outside",
        };
        Some(hint.to_owned())
    }
}

/// A server of metrics that listens.
#[derive(Debug)]
pub struct MetricsServer {
    listener: TcpListener,
    address: SocketAddr,
}

/// What was read last.
#[derive(Default)]
struct Last {
    status: Option<Status>,
    asked_at: Option<Instant>,
    is_up: bool,
    took: Duration,
}

struct Shared {
    read: Read,
    disk_limit_bytes: Option<u64>,
    last: Mutex<Last>,
}

impl MetricsServer {
    /// Begins to listen on an address, `HOST:PORT`; port 0 is any that is free.
    ///
    /// # Errors
    /// [`MetricsError::Bind`] where that cannot be.
    pub async fn bind(address: &str) -> Result<Self, MetricsError> {
        let failed = |error| MetricsError::Bind { address: address.to_owned(), error };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until it is dropped. Every scrape reads the run anew, but for those within a second of each other.
    pub async fn serve(self, read: Read, disk_limit_bytes: Option<u64>) {
        let shared = Arc::new(Shared { read, disk_limit_bytes, last: Mutex::default() });
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let Ok((stream, _)) = self.listener.accept().await else {
                // Out of file descriptors, or a client that is gone again: neither passes by asking at once.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                let service = service_fn(|request| answer(request, Arc::clone(&shared)));
                let mut http = http1::Builder::new();
                let served = http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
                // A client that goes away in the middle is nobody's concern.
                drop(served.serve_connection(TokioIo::new(stream), service).await);
                drop(place);
            });
        }
    }
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Full<Bytes>>, Infallible> {
    let known = matches!(request.uri().path(), "/metrics" | "/healthz" | "/");
    let (status, kind, body) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => {
            (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", shared.metrics().await)
        }
        (&Method::GET | &Method::HEAD, "/healthz") => (StatusCode::OK, "text/plain", "ok\n".to_owned()),
        (&Method::GET | &Method::HEAD, "/") => (StatusCode::OK, "text/plain", "sqlmig: see /metrics\n".to_owned()),
        _ if known => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only to be read\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "text/plain", "there is /metrics and /healthz\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    Ok(response)
}

impl Shared {
    /// The exposition of what the ledger says now; of what it said last, where it cannot be read.
    async fn metrics(&self) -> String {
        let mut last = self.last.lock().await;
        if last.asked_at.is_none_or(|at| at.elapsed() >= FRESH) {
            let asked = Instant::now();
            match (self.read)().await {
                Ok(status) => {
                    if !last.is_up && last.asked_at.is_some() {
                        tracing::info!("the ledger can be read again");
                    }
                    (last.status, last.is_up) = (status, true);
                }
                Err(error) => {
                    if last.is_up || last.asked_at.is_none() {
                        tracing::warn!(error, "the ledger cannot be read for the metrics");
                    }
                    last.is_up = false;
                }
            }
            last.took = asked.elapsed();
            last.asked_at = Some(Instant::now());
        }
        exposition(&Seen {
            status: last.status.as_ref(),
            is_up: last.is_up,
            read_seconds: last.took.as_secs_f64(),
            disk_limit_bytes: self.disk_limit_bytes,
        })
    }
}
