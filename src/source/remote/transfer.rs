//! One object, from its first byte to its last, over as many connections as it takes.

use std::error::Error;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use object_store::client::HttpError;
use object_store::{GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore};
use reqwest::StatusCode;
use sha2::{Digest, Sha256};

use super::RemoteError;
use super::error::{causes, deepest};
use super::store::Opened;
use crate::event::Events;

/// First pause before another try; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest.
const LAST_PAUSE: Duration = Duration::from_secs(10);

/// What is handed from the network to the reader.
pub(super) enum Piece {
    /// The object is there, and has so many bytes. Comes first, once.
    Size(u64),
    /// Its next bytes.
    Bytes(Bytes),
    /// It came to its end.
    End,
    /// It can't be read on.
    Failed(RemoteError),
}

/// A transfer, and how far it has come.
pub(super) struct Transfer {
    opened: Opened,
    place: String,
    patience: Duration,
    events: Events,
    /// What the first answer said of the object.
    object: Option<ObjectMeta>,
    /// Bytes handed on.
    at: u64,
    /// Of these, a digest: where the server gives nothing else by which to know the object again.
    digest: Option<Sha256>,
    /// Whether the server gives parts of an object.
    ranges: bool,
}

/// Why an attempt came to no good end.
enum Trouble {
    /// Trying again may help.
    Cut(String),
    /// It does not.
    Final(RemoteError),
    /// Nobody reads any more.
    Unread,
}

impl Transfer {
    pub(super) fn new(opened: Opened, place: String, patience: Duration, events: Events) -> Self {
        Self { opened, place, patience, events, object: None, at: 0, digest: None, ranges: true }
    }

    /// Hands the object's bytes on, in their order and each once, until it ends, fails or nobody reads any more.
    pub(super) async fn run(mut self, pieces: &SyncSender<Piece>) {
        let (mut since, mut pause, mut seen) = (Instant::now(), FIRST_PAUSE, self.at);
        let last = loop {
            let trouble = match self.attempt(pieces).await {
                Ok(()) => break Piece::End,
                // Nothing is missing, whatever became of the connection.
                Err(Trouble::Cut(_)) if self.object.as_ref().is_some_and(|object| object.size == self.at) => {
                    break Piece::End;
                }
                Err(Trouble::Unread) => return,
                Err(Trouble::Final(error)) => break Piece::Failed(error),
                Err(Trouble::Cut(why)) => why,
            };
            if self.at > seen {
                (since, pause, seen) = (Instant::now(), FIRST_PAUSE, self.at);
            }
            if since.elapsed() + pause > self.patience {
                break Piece::Failed(RemoteError::Away { place: self.place, why: trouble });
            }
            let from = match &self.object {
                Some(object) => format!("goes on at byte {} of {}", self.at, object.size),
                None => "is asked again".to_owned(),
            };
            self.events.warn(format!("{}: {trouble}; it {from}", self.place));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        };
        // Whoever does not read any more does not need to know.
        let _ = pieces.send(last);
    }

    async fn attempt(&mut self, pieces: &SyncSender<Piece>) -> Result<(), Trouble> {
        let answer = match self.ask().await {
            Err(object_store::Error::NotSupported { .. }) => {
                self.ranges = false;
                self.ask().await
            }
            other => other,
        };
        let answer = answer.map_err(|error| self.judge(&error))?;
        let skipped = self.know(&answer, pieces)?;
        let size = answer.meta.size;
        let mut again = (skipped > 0 && self.digest.is_some()).then(Sha256::new);
        let mut skip = skipped;
        let mut stream = answer.into_stream();
        while let Some(bytes) = stream.next().await {
            let mut bytes = bytes.map_err(|error| self.judge(&error))?;
            if skip > 0 {
                let known = bytes.split_to(bytes.len().min(usize::try_from(skip).unwrap_or(usize::MAX)));
                skip -= known.len() as u64;
                if let Some(digest) = &mut again {
                    digest.update(&known);
                }
                if skip == 0 && again.take().map(Digest::finalize) != self.known_digest() {
                    return Err(self.changed(format!("its first {skipped} bytes are others")));
                }
            }
            if bytes.is_empty() {
                continue;
            }
            if let Some(digest) = &mut self.digest {
                digest.update(&bytes);
            }
            self.at += bytes.len() as u64;
            pieces.send(Piece::Bytes(bytes)).map_err(|_| Trouble::Unread)?;
        }
        if self.at == size { Ok(()) } else { Err(Trouble::Cut("the connection ended early".to_owned())) }
    }

    /// Asks for what is missing of the object; of the very object that was begun with, where it has a name for that.
    async fn ask(&self) -> object_store::Result<GetResult> {
        let mut options = GetOptions::new();
        if let Some(object) = &self.object {
            options.if_match = strong(object).cloned();
            if self.ranges && self.digest.is_none() && self.at > 0 {
                options.range = Some(GetRange::Offset(self.at));
            }
        }
        self.opened.store.get_opts(&self.opened.path, options).await
    }

    /// Sees that an answer is about the object that was begun with; returns how many of its bytes are known already.
    fn know(&mut self, answer: &GetResult, pieces: &SyncSender<Piece>) -> Result<u64, Trouble> {
        let found = &answer.meta;
        let Some(object) = &self.object else {
            // Zero stands for an answer without the header.
            let dated = found.last_modified.timestamp() != 0;
            self.digest = (found.e_tag.is_none() && !dated).then(Sha256::new);
            self.object = Some(found.clone());
            pieces.send(Piece::Size(found.size)).map_err(|_| Trouble::Unread)?;
            return Ok(0);
        };
        let tag = |meta: &ObjectMeta| meta.e_tag.clone().unwrap_or_else(|| "none".to_owned());
        if found.size != object.size {
            return Err(self.changed(format!("it had {} bytes and has {}", object.size, found.size)));
        }
        if found.e_tag != object.e_tag {
            return Err(self.changed(format!("its ETag was {} and is {}", tag(object), tag(found))));
        }
        if object.e_tag.is_none() && found.last_modified != object.last_modified {
            return Err(self.changed(format!("it is dated {}, not {}", found.last_modified, object.last_modified)));
        }
        Ok(self.at - answer.range.start)
    }

    fn known_digest(&self) -> Option<sha2::digest::Output<Sha256>> {
        self.digest.clone().map(Digest::finalize)
    }

    fn changed(&self, what: String) -> Trouble {
        Trouble::Final(RemoteError::Changed { place: self.place.clone(), what })
    }

    /// What a failure means. Its own text is not told: it holds the URL, with its query.
    fn judge(&self, error: &object_store::Error) -> Trouble {
        let place = self.place.clone();
        let seen = self.opened.wire.seen();
        let status = seen.status.map(|status| said(status, error)).unwrap_or_default();
        let known = |error: RemoteError| Trouble::Final(error);
        if seen.credentials && seen.status.is_some_and(|code| code.is_client_error()) {
            let why = format!("no credentials are given, and {} has none: {status}", seen.host);
            return known(RemoteError::Refused { place, why });
        }
        match error {
            object_store::Error::NotFound { .. } => return known(RemoteError::Missing { place, why: status }),
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                return known(RemoteError::Refused { place, why: status });
            }
            object_store::Error::Precondition { .. } => return self.changed(status),
            _ => {}
        }
        let causes: Vec<&(dyn Error + 'static)> = causes(error).collect();
        if causes.iter().any(|cause| cause.is::<rustls::Error>()) {
            return known(RemoteError::Unusable { place, why: format!("TLS with {}: {}", seen.host, deepest(error)) });
        }
        let asked_wrongly = |error: &reqwest::Error| error.is_redirect() || error.is_builder();
        if causes.iter().filter_map(|cause| cause.downcast_ref()).any(asked_wrongly) {
            return known(RemoteError::Unusable { place, why: format!("{}: {}", seen.host, deepest(error)) });
        }
        if causes.iter().any(|cause| cause.is::<HttpError>()) {
            let why = if seen.status.is_some() { deepest(error) } else { format!("{}: {}", seen.host, deepest(error)) };
            return Trouble::Cut(why);
        }
        match seen.status {
            Some(StatusCode::RANGE_NOT_SATISFIABLE) => self.changed("it became shorter".to_owned()),
            Some(code @ (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)) => {
                Trouble::Cut(said(code, error))
            }
            Some(code) if code.is_server_error() => Trouble::Cut(status),
            Some(code) if code.is_success() => known(RemoteError::Unusable { place, why: deepest(error) }),
            Some(_) => known(RemoteError::Unusable { place, why: status }),
            None => known(RemoteError::Unusable { place, why: deepest(error) }),
        }
    }
}

/// The name that a server has for exactly these bytes. A weak one may be that of others that mean the same, and is never
/// matched (RFC 9110, 13.1.1).
fn strong(object: &ObjectMeta) -> Option<&String> {
    object.e_tag.as_ref().filter(|tag| !tag.starts_with("W/"))
}

/// A status in words; with the code that S3 gives of a failure, which is one word.
fn said(status: StatusCode, error: &object_store::Error) -> String {
    let text = causes(error).map(ToString::to_string).find(|text| text.contains("<Code>")).unwrap_or_default();
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
    match code.filter(|code| code.len() < 64 && code.bytes().all(|b| b.is_ascii_alphanumeric())) {
        Some(code) => format!("the server says {status}, {code}"),
        None => format!("the server says {status}"),
    }
}
