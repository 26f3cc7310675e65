//! Which part of staging the others wait for, measured.
//!
//! Every arrow of the pipeline is a bounded channel, so whoever is faster than his neighbour waits: the reader for the source
//! or for a lane, a lane's decoder for the reader or for its connection, a connection for its decoder. What is hardly ever
//! kept waiting is what holds the rest up.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::db::ServerActivity;
use crate::outcome::Share;

/// Time that was spent waiting, of all lanes together. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Waits(Arc<Counters>);

#[derive(Default)]
struct Counters {
    /// What of the source's time is reading, rather than decompressing.
    reading_share: Option<ReadingShare>,
    reader_for_source: AtomicU64,
    reader_for_lane: AtomicU64,
    decoder_for_reader: AtomicU64,
    decoder_for_connection: AtomicU64,
    connection_for_decoder: AtomicU64,
}

/// A share from 0 to 1, as it is now.
type ReadingShare = Box<dyn Fn() -> f64 + Send + Sync>;

/// Who waits for whom.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wait {
    ReaderForLane,
    DecoderForReader,
    DecoderForConnection,
    ConnectionForDecoder,
}

impl Waits {
    /// Of a source of which this is the share of reading in all that it does, from 0 to 1.
    pub fn of(reading_share: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(Counters { reading_share: Some(Box::new(reading_share)), ..Counters::default() }))
    }

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
        let reading = source * counters.reading_share.as_ref().map_or(1.0, |share| share().clamp(0.0, 1.0));
        Busy {
            reading,
            decompressing: source - reading,
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
    /// Reading the source, in proportion of the time for which the reader waited for its text.
    pub reading: f64,
    /// Decompressing it, in proportion too.
    pub decompressing: f64,
    /// Finding rows in the text.
    pub scanning: f64,
    /// Decoding rows, each lane's thread.
    pub decoding: f64,
    /// Sending rows and waiting for the server to take them, each lane's connection.
    pub server: f64,
}

impl Busy {
    /// Its parts, in the words that people are told.
    fn parts(&self) -> [(&'static str, f64); 5] {
        [
            ("reading the source", self.reading),
            ("decompressing the source", self.decompressing),
            ("scanning", self.scanning),
            ("decoding", self.decoding),
            ("the server", self.server),
        ]
    }

    /// Its parts, for whoever follows the run.
    pub(super) fn shares(&self) -> Vec<Share> {
        self.parts().map(|(part, share)| Share { part: part.to_owned(), share }).into()
    }

    /// What is hardly ever waiting. Reading and decompressing are one thread: together they hold up, and the greater part of them
    /// is named. What the server holds up by is what it was seen at most.
    fn most(&self, server: &ServerActivity) -> &'static str {
        let source = if self.reading >= self.decompressing { "reading the source" } else { "decompressing the source" };
        let threads = [
            (source, self.reading + self.decompressing),
            ("scanning", self.scanning),
            ("decoding", self.decoding),
            (server.most().unwrap_or("the server"), self.server),
        ];
        threads.iter().max_by(|one, other| one.1.total_cmp(&other.1)).map_or("", |part| part.0)
    }

    /// "held up by decompressing the source (busy: reading 3 %, decompressing 68 %, scanning 4 %, decoding 43 %, server 52 %; server:
    /// CPU 81 %, WAL 9 %, disk 6 %, locks 4 %)".
    #[must_use]
    pub fn told(&self, server: &ServerActivity) -> String {
        let [reading, decompressing, scanning, decoding, busy] = self.parts().map(|part| part.1 * 100.0);
        let seen = if server.shares().is_some() { format!("; {server}") } else { String::new() };
        format!(
            "held up by {} (busy: reading {reading:.0} %, decompressing {decompressing:.0} %, scanning {scanning:.0} %, \
             decoding {decoding:.0} %, server {busy:.0} %{seen})",
            self.most(server)
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
        let nothing = ServerActivity::default();
        // Ten seconds, two lanes: the connections never wait, the decoders wait for them.
        seconds(&waits.0.reader_for_lane, 8);
        seconds(&waits.0.reader_for_source, 1);
        seconds(&waits.0.decoder_for_connection, 16);
        let busy = waits.busy(Duration::from_secs(10), 2);
        assert_eq!(
            busy.told(&nothing),
            "held up by the server (busy: reading 10 %, decompressing 0 %, scanning 10 %, decoding 20 %, server 100 %)"
        );
        // What it was seen at says more.
        let told = busy.told(&ServerActivity { cpu: 2, disk: 7, wal: 1, ..nothing });
        assert!(told.starts_with("held up by the server's disk (busy: reading 10 %, "), "{told}");
        assert!(told.ends_with("server 100 %; server: CPU 20 %, WAL 10 %, disk 70 %, locks 0 %)"), "{told}");
        // Everybody waits for the source.
        let waits = Waits::default();
        seconds(&waits.0.reader_for_source, 9);
        seconds(&waits.0.decoder_for_reader, 16);
        seconds(&waits.0.connection_for_decoder, 18);
        let told = waits.busy(Duration::from_secs(10), 2).told(&ServerActivity { cpu: 9, ..nothing });
        assert!(told.starts_with("held up by reading the source (busy: reading 90 %, decompressing 0 %, "), "{told}");
    }

    #[test]
    fn reading_and_decompressing_share_the_time_of_the_source() {
        let busy = |share: f64| {
            let waits = Waits::of(move || share);
            waits.0.reader_for_source.store(6_000_000_000, Ordering::Relaxed);
            // The decoders were at work for half of the time: more than either part of the source, less than both.
            waits.0.decoder_for_reader.store(5_000_000_000, Ordering::Relaxed);
            waits.0.reader_for_lane.store(4_000_000_000, Ordering::Relaxed);
            waits.0.connection_for_decoder.store(9_000_000_000, Ordering::Relaxed);
            waits.busy(Duration::from_secs(10), 1).told(&ServerActivity::default())
        };
        let told = busy(0.25);
        assert!(
            told.starts_with("held up by decompressing the source (busy: reading 15 %, decompressing 45 %, "),
            "{told}"
        );
        let told = busy(0.75);
        assert!(told.starts_with("held up by reading the source (busy: reading 45 %, decompressing 15 %, "), "{told}");
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
        assert!(waits.busy(started.elapsed(), 1).reading > 0.5);
    }
}
