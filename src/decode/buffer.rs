//! The one buffer that the scanner looks into: it grows to hold the widest item and counts bytes and lines.

use std::io::{self, Read};

use memchr::memchr_iter;

#[derive(Debug)]
pub(super) struct Buffer<R> {
    input: R,
    data: Vec<u8>,
    /// What is not consumed yet: `data[start..end]`.
    start: usize,
    end: usize,
    /// Whether the input has ended.
    pub(super) ended: bool,
    /// Bytes consumed.
    pub(super) byte: u64,
    /// Line of the next byte, from 1.
    pub(super) line: u64,
}

impl<R: Read> Buffer<R> {
    pub(super) fn new(input: R, size: usize) -> Self {
        Self { input, data: vec![0; size.max(1)], start: 0, end: 0, ended: false, byte: 0, line: 1 }
    }

    /// What was read and not consumed.
    pub(super) fn window(&self) -> &[u8] {
        &self.data[self.start..self.end]
    }

    /// Where the window begins, to find it again with [`Self::at`] after it was consumed.
    pub(super) fn position(&self) -> usize {
        self.start
    }

    /// Bytes that were consumed and not yet overwritten by reading on.
    pub(super) fn at(&self, position: usize, length: usize) -> &[u8] {
        &self.data[position..position + length]
    }

    /// Consumes bytes and counts their lines.
    pub(super) fn consume(&mut self, length: usize) {
        let lines = memchr_iter(b'\n', &self.window()[..length]).count();
        self.consume_lines(length, lines as u64);
    }

    /// Consumes bytes whose lines were counted already.
    pub(super) fn consume_lines(&mut self, length: usize, lines: u64) {
        self.start += length;
        self.byte += length as u64;
        self.line += lines;
    }

    /// Reads on, once; `false` at the end of the input.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.end == self.data.len() {
            // Moving at most as much as is made free keeps the work linear, however little each read brings.
            if self.start >= self.data.len() / 2 && self.start > 0 {
                self.data.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            } else {
                self.data.resize(self.data.len() * 2, 0);
            }
        }
        loop {
            match self.input.read(&mut self.data[self.end..]) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(false);
                }
                Ok(length) => {
                    self.end += length;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads on until the window has doubled, so that whoever looks at it from its beginning again does so seldom.
    pub(super) fn fill_double(&mut self) -> io::Result<bool> {
        let wanted = (self.window().len() * 2).max(16);
        let mut any = false;
        while self.window().len() < wanted && self.fill()? {
            any = true;
        }
        Ok(any)
    }
}
