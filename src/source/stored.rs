//! The stored bytes of a source: counted and hashed as they are read.

use std::io::{self, BufRead, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

/// The SHA-256 of the stored bytes, once they were all read.
#[derive(Debug, Clone, Default)]
pub struct StoredDigest(Arc<OnceLock<[u8; 32]>>);

impl StoredDigest {
    /// The digest; `None` until the source was read to its end.
    #[must_use]
    pub fn get(&self) -> Option<[u8; 32]> {
        self.0.get().copied()
    }
}

/// What the thread that reads a source spends its time on, in nanoseconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Times {
    /// Waiting for storage or the network, and the digest of what came.
    reading: Arc<AtomicU64>,
    /// All that it does until text is there.
    whole: Arc<AtomicU64>,
}

impl Times {
    /// Adds the time of reading stored bytes.
    pub(super) fn read(&self, since: Instant) {
        add(&self.reading, since);
    }

    /// Adds the time after which text was there.
    pub(super) fn made(&self, since: Instant) {
        add(&self.whole, since);
    }

    /// The share of reading, from 0 to 1: the rest is decompressing.
    pub(super) fn reading_share(&self) -> f64 {
        let [reading, whole] =
            [&self.reading, &self.whole].map(|time| Duration::from_nanos(time.load(Ordering::Relaxed)).as_secs_f64());
        if whole > 0.0 { (reading / whole).min(1.0) } else { 1.0 }
    }
}

fn add(time: &AtomicU64, since: Instant) {
    time.fetch_add(u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// What others may know of the reading while it goes on.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) progress: Arc<AtomicU64>,
    /// Of these, what was made into text,
    decompressed: Arc<AtomicU64>,
    /// and of that, what was taken. Storage is read far ahead of it.
    pub(super) position: Arc<AtomicU64>,
    pub(super) digest: StoredDigest,
    pub(super) times: Times,
    failed: Arc<AtomicBool>,
}

impl State {
    /// Stored bytes read so far.
    pub(super) fn bytes(&self) -> u64 {
        self.progress.load(Ordering::Relaxed)
    }

    /// Stored bytes that were made into text so far.
    pub(super) fn decompressed(&self) -> u64 {
        self.decompressed.load(Ordering::Relaxed)
    }

    /// Whether the storage itself failed, and not what is made of its bytes.
    pub(super) fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}

/// Reads stored bytes.
pub(super) struct Stored {
    /// Bytes read before their kind was known, still to be given out.
    head: io::Cursor<Vec<u8>>,
    input: Box<dyn Read + Send>,
    hash: Sha256,
    state: State,
}

impl Stored {
    pub(super) fn new(head: Vec<u8>, input: Box<dyn Read + Send>, state: State) -> Self {
        Self { head: io::Cursor::new(head), input, hash: Sha256::new(), state }
    }

    pub(super) fn state(&self) -> State {
        self.state.clone()
    }
}

impl Read for Stored {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let asked = Instant::now();
        let mut length = self.head.read(out)?;
        if length == 0 {
            length = self.input.read(out).inspect_err(|error| {
                if error.kind() != io::ErrorKind::Interrupted {
                    self.state.failed.store(true, Ordering::Relaxed);
                }
            })?;
        }
        self.hash.update(&out[..length]);
        self.state.progress.fetch_add(length as u64, Ordering::Relaxed);
        if length == 0 && !out.is_empty() {
            self.state.digest.0.get_or_init(|| std::mem::take(&mut self.hash).finalize().into());
        }
        self.state.times.read(asked);
        Ok(length)
    }
}

/// Stored bytes on their way into a decompressor, which takes them in steps far smaller than those they are read in.
pub(super) struct Consumed<R> {
    input: R,
    state: State,
}

impl<R> Consumed<R> {
    pub(super) fn new(input: R, state: State) -> Self {
        Self { input, state }
    }

    fn count(&self, bytes: usize) {
        self.state.decompressed.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl<R: Read> Read for Consumed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.input.read(out).inspect(|bytes| self.count(*bytes))
    }
}

impl<R: BufRead> BufRead for Consumed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.input.consume(bytes);
        self.count(bytes);
    }
}
