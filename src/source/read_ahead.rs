//! Reading in a thread of its own, over a bounded channel of buffers that go to and fro.

use std::io::{self, Read};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Instant;

use super::stored::State;

/// Size of one buffer, and how many there are: what may be read ahead.
const BUFFER_BYTES: usize = 256 << 10;
const BUFFERS: usize = 4;

enum Piece {
    /// Text, and the stored bytes that were made into text when it was there.
    Bytes(Vec<u8>, u64),
    End,
    Failed(io::Error),
}

/// The reading end.
pub(super) struct ReadAhead {
    pieces: Receiver<Piece>,
    free: Sender<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
    /// Stored bytes before the piece, and at its end.
    stored: (u64, u64),
    state: State,
    ended: bool,
}

impl ReadAhead {
    /// Begins to read; stops when the reading end is dropped.
    pub(super) fn start(input: Box<dyn Read + Send>, state: State) -> io::Result<Self> {
        let (full, pieces) = sync_channel(BUFFERS);
        let (free, empty) = channel();
        for _ in 0..BUFFERS {
            // The receiver is right here.
            let _ = free.send(vec![0; BUFFER_BYTES]);
        }
        let filled = state.clone();
        thread::Builder::new().name("source".to_owned()).spawn(move || pump(input, &filled, &full, &empty))?;
        Ok(Self { pieces, free, piece: Vec::new(), at: 0, stored: (0, 0), state, ended: false })
    }
}

/// Fills buffers until the input ends, fails, or nobody reads any more.
fn pump(mut input: Box<dyn Read + Send>, state: &State, full: &SyncSender<Piece>, empty: &Receiver<Vec<u8>>) {
    while let Ok(mut buffer) = empty.recv() {
        buffer.resize(BUFFER_BYTES, 0);
        let mut length = 0;
        let last = loop {
            if length == buffer.len() {
                break None;
            }
            let asked = Instant::now();
            let read = input.read(&mut buffer[length..]);
            state.times.made(asked);
            match read {
                Ok(0) => break Some(Piece::End),
                Ok(more) => length += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Some(Piece::Failed(error)),
            }
        };
        buffer.truncate(length);
        if full.send(Piece::Bytes(buffer, state.decompressed())).is_err() {
            return;
        }
        if let Some(last) = last {
            let _ = full.send(last);
            return;
        }
    }
}

impl Read for ReadAhead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() && !self.ended {
            match self.pieces.recv() {
                Ok(Piece::Bytes(bytes, stored)) => {
                    self.stored = (self.stored.1, stored);
                    let read = std::mem::replace(&mut self.piece, bytes);
                    self.at = 0;
                    if read.capacity() > 0 {
                        let _ = self.free.send(read);
                    }
                }
                Ok(Piece::End) => self.ended = true,
                Ok(Piece::Failed(error)) => {
                    self.ended = true;
                    return Err(error);
                }
                Err(_) => {
                    self.ended = true;
                    return Err(io::Error::other("the thread that reads the source came to an end"));
                }
            }
        }
        let length = out.len().min(self.piece.len() - self.at);
        out[..length].copy_from_slice(&self.piece[self.at..self.at + length]);
        self.at += length;
        self.state.position.store(self.position(), Ordering::Relaxed);
        Ok(length)
    }
}

impl ReadAhead {
    /// Stored bytes whose text was taken: within a piece, in proportion.
    fn position(&self) -> u64 {
        let (before, after) = self.stored;
        let share = u128::from(after - before) * self.at as u128 / self.piece.len().max(1) as u128;
        before + u64::try_from(share).unwrap_or_default()
    }
}
