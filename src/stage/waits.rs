//! Which part of staging the others wait for, measured.
//!
//! Every arrow of the pipeline is a bounded channel, so whoever is faster than his neighbour waits: the reader for the source
//! or for a lane, a lane's decoder for the reader or for its connection, a connection for its decoder. What is hardly ever
//! kept waiting is what holds the rest up.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::outcome::Share;

/// Time that was spent waiting, of all lanes together. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Waits(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    reader_for_source: AtomicU64,
    reader_for_lane: AtomicU64,
    decoder_for_reader: AtomicU64,
    decoder_for_connection: AtomicU64,
    connection_for_decoder: AtomicU64,
}

/// Who waits for whom.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wait {
    ReaderForLane,
    DecoderForReader,
    DecoderForConnection,
    ConnectionForDecoder,
}

impl Waits {
    /// Adds what has passed since.
    pub fn add(&self, wait: Wait, since: Instant) {
        let counters = &self.0;
        let counter = match wait {
            Wait::ReaderForLane => &counters.reader_for_lane,
            Wait::DecoderForReader => &counters.decoder_for_reader,
            Wait::DecoderForConnection => &counters.decoder_for_connection,
            Wait::ConnectionForDecoder => &counters.connection_for_decoder,
        };
        count(counter, since);
    }

    /// A reader of which the time that it takes is counted as waiting for the source.
    pub fn timed(&self, reader: Box<dyn Read + Send>) -> impl Read + Send + use<> {
        Timed { reader, waits: self.clone() }
    }

    /// What each part did with `elapsed`, in `lanes` lanes.
    pub fn busy(&self, elapsed: Duration, lanes: usize) -> Busy {
        let share = |counter: &AtomicU64, threads: usize| {
            let waited = Duration::from_nanos(counter.load(Ordering::Relaxed)).as_secs_f64();
            #[expect(clippy::cast_precision_loss, reason = "a handful of threads")]
            let all = elapsed.as_secs_f64() * threads as f64;
            if all > 0.0 { (waited / all).min(1.0) } else { 0.0 }
        };
        let counters = &self.0;
        let source = share(&counters.reader_for_source, 1);
        Busy {
            source,
            scanning: (1.0 - source - share(&counters.reader_for_lane, 1)).max(0.0),
            decoding: (1.0
                - share(&counters.decoder_for_reader, lanes)
                - share(&counters.decoder_for_connection, lanes))
            .max(0.0),
            server: 1.0 - share(&counters.connection_for_decoder, lanes),
        }
    }
}

fn count(counter: &AtomicU64, since: Instant) {
    counter.fetch_add(u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// Shares of the time in which something was at work, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Busy {
    /// The source: it was read and decompressed, and the reader waited for it.
    pub source: f64,
    /// Finding rows in the text.
    pub scanning: f64,
    /// Decoding rows, each lane's thread.
    pub decoding: f64,
    /// Sending rows and waiting for the server to take them, each lane's connection.
    pub server: f64,
}

impl Busy {
    /// Its parts, in the words that people are told.
    fn parts(&self) -> [(&'static str, f64); 4] {
        [
            ("reading and decompressing the source", self.source),
            ("scanning", self.scanning),
            ("decoding", self.decoding),
            ("the server", self.server),
        ]
    }

    /// Its parts, for whoever follows the run.
    pub(super) fn shares(&self) -> Vec<Share> {
        self.parts().map(|(part, share)| Share { part: part.to_owned(), share }).into()
    }
}

impl fmt::Display for Busy {
    /// "reading the source took longest (busy: source 71 %, scanning 4 %, decoding 43 %, server 52 %)".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts();
        let slowest = parts.iter().max_by(|one, other| one.1.total_cmp(&other.1)).map_or("", |part| part.0);
        let [source, scanning, decoding, server] = parts.map(|part| part.1 * 100.0);
        write!(
            f,
            "held up by {slowest} (busy: source {source:.0} %, scanning {scanning:.0} %, decoding {decoding:.0} %, \
             server {server:.0} %)"
        )
    }
}

/// A reader that is waited for.
struct Timed {
    reader: Box<dyn Read + Send>,
    waits: Waits,
}

impl Read for Timed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let asked = Instant::now();
        let read = self.reader.read(out);
        count(&self.waits.0.reader_for_source, asked);
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_to_wait_for_is_not_what_holds_up() {
        let waits = Waits::default();
        let seconds = |counter: &AtomicU64, seconds: u64| counter.store(seconds * 1_000_000_000, Ordering::Relaxed);
        // Ten seconds, two lanes: the connections never wait, the decoders wait for them.
        seconds(&waits.0.reader_for_lane, 8);
        seconds(&waits.0.reader_for_source, 1);
        seconds(&waits.0.decoder_for_connection, 16);
        let busy = waits.busy(Duration::from_secs(10), 2);
        assert!(busy.to_string().starts_with("held up by the server ("), "{busy}");
        assert_eq!(
            busy.to_string().split_once('(').unwrap().1,
            "busy: source 10 %, scanning 10 %, decoding 20 %, server 100 %)"
        );
        // Everybody waits for the source.
        let waits = Waits::default();
        seconds(&waits.0.reader_for_source, 9);
        seconds(&waits.0.decoder_for_reader, 16);
        seconds(&waits.0.connection_for_decoder, 18);
        let busy = waits.busy(Duration::from_secs(10), 2);
        assert!(busy.to_string().starts_with("held up by reading and decompressing the source ("), "{busy}");
    }

    #[test]
    fn a_source_that_is_waited_for_is_counted() {
        struct Slow;
        impl Read for Slow {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                std::thread::sleep(Duration::from_millis(20));
                Ok(0)
            }
        }
        let (waits, started) = (Waits::default(), Instant::now());
        waits.timed(Box::new(Slow)).read_to_end(&mut Vec::new()).unwrap();
        assert!(waits.busy(started.elapsed(), 1).source > 0.5);
    }
}
