//! A source on the network, `https://…` or `s3://…`, read as a stream. A thread of its own, with a runtime of its own, asks
//! for it and hands its bytes on over a bounded channel. What was cut off is asked for from where it ended, if it is still
//! the same object.

mod error;
mod location;
mod store;
mod transfer;
mod wire;

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;

pub use error::RemoteError;
pub use location::{Location, LocationError, shown};

use self::store::LocationOr;
use self::transfer::{Piece, Transfer};
use super::SourceError;
use crate::event::Events;

/// Pieces that wait to be read; one is what came at once over the connection, 400 KiB at most.
const PIECES: usize = 4;

/// Which source on the network, and how it is to be asked for.
#[derive(Debug, Clone)]
pub struct RemoteSpec {
    /// Where it is.
    pub location: Location,
    /// The `AWS_…` variables of the environment.
    pub aws: Vec<(String, SecretString)>,
    /// Whether it may be read without encryption, from elsewhere than this machine.
    pub allow_http: bool,
    /// How long it may give nothing before it is given up.
    pub patience: Duration,
    /// Who is told of connections that were cut.
    pub events: Events,
}

/// The reading end.
pub(super) struct Remote {
    pieces: Receiver<Piece>,
    bytes: Bytes,
    ended: bool,
}

/// Asks for a source, and waits for the answer; returns it with its size in bytes.
///
/// # Errors
/// It is not there, refused or away.
pub(super) fn open(spec: &RemoteSpec) -> Result<(Remote, u64), SourceError> {
    let place = spec.location.to_string();
    let opened = store::open(spec).map_err(|error| match error {
        LocationOr::Location(error) => SourceError::Location(error),
        LocationOr::Remote(error) => SourceError::Remote(error),
    })?;
    let failed = |error| SourceError::Open { display: place.clone(), error };
    let transfer = Transfer::new(opened, place.clone(), spec.patience, spec.events.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (full, pieces) = sync_channel(PIECES);
    let body = move || runtime.block_on(transfer.run(&full));
    thread::Builder::new().name("transfer".to_owned()).spawn(body).map_err(failed)?;
    match pieces.recv() {
        Ok(Piece::Size(size)) => Ok((Remote { pieces, bytes: Bytes::new(), ended: false }, size)),
        Ok(Piece::Failed(error)) => Err(SourceError::Remote(error)),
        _ => Err(failed(io::Error::other("the thread that reads it came to an end"))),
    }
}

impl Read for Remote {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.bytes.is_empty() && !self.ended {
            match self.pieces.recv() {
                Ok(Piece::Bytes(bytes)) => self.bytes = bytes,
                Ok(Piece::End) => self.ended = true,
                Ok(Piece::Failed(error)) => {
                    self.ended = true;
                    return Err(error.into());
                }
                Ok(Piece::Size(_)) | Err(_) => {
                    self.ended = true;
                    return Err(io::Error::other("the thread that reads the source came to an end"));
                }
            }
        }
        let length = out.len().min(self.bytes.len());
        out[..length].copy_from_slice(&self.bytes.split_to(length));
        Ok(length)
    }
}
