//! What a source is stored as, told by its first bytes, and its decompression.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use sirocco::Format;
use sirocco::inflate::Reader as Inflate;

use super::stored::{Consumed, Stored};

/// Bytes read from storage at once.
const STORED_BUFFER_BYTES: usize = 256 << 10;

/// What a source is stored as, by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Plain text.
    None,
    /// gzip, one or many members.
    Gzip,
    /// Zstandard, one or many frames.
    Zstd,
    /// xz, one or many streams.
    Xz,
    /// `pg_dump`'s custom format, read through `pg_restore`.
    PgRestore,
    /// Trees of documentation.
    Tree,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::PgRestore => "pg_dump custom",
            Self::Tree => "documentation",
        })
    }
}

/// What the first bytes of a source say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Readable(Compression),
    Utf16,
    /// Something that is known and not read.
    Unreadable(&'static str),
}

/// Bytes that [`recognise`] wants to see.
pub(super) const HEAD_BYTES: usize = 512;

pub(super) fn recognise(head: &[u8]) -> Content {
    match head {
        [0x1f, 0x8b, ..] => Content::Readable(Compression::Gzip),
        // A frame, or one that is to be skipped.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Content::Readable(Compression::Zstd),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Content::Readable(Compression::Xz),
        [b'P', b'G', b'D', b'M', b'P', ..] => Content::Readable(Compression::PgRestore),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Content::Utf16,
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Content::Unreadable("bzip2"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Content::Unreadable("lz4"),
        [b'P', b'K', 3, 4, ..] => Content::Unreadable("zip"),
        _ if head.get(257..262) == Some(b"ustar") => Content::Unreadable("tar"),
        _ => Content::Readable(Compression::None),
    }
}

/// Decompresses what is stored.
pub(super) fn decompress(compression: Compression, stored: Stored) -> io::Result<Box<dyn Read + Send>> {
    let state = stored.state();
    let input = Consumed::new(BufReader::with_capacity(STORED_BUFFER_BYTES, stored), state.clone());
    let text: Box<dyn Read + Send> = match compression {
        Compression::None | Compression::PgRestore | Compression::Tree => return Ok(Box::new(input)),
        Compression::Gzip => Box::new(Gzip { member: Some(Inflate::new(Format::Gzip, input)) }),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(input)?),
        Compression::Xz => Box::new(Xz { input: lzma_rust2::XzReader::new(input, true), ended: false }),
    };
    Ok(Box::new(Explained { compression, text, state }))
}

/// gzip members one after another, and zeros after the last. Inflating is most of what staging a dump costs, so it is
/// done by the fastest streaming decoder that builds with nothing but Rust (docs/adr/0033-inflate-with-sirocco.md).
struct Gzip<R: BufRead> {
    /// `None` after the last.
    member: Option<Inflate<R>>,
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let length = member.read(out)?;
            if length > 0 || out.is_empty() {
                return Ok(length);
            }
            let Some(ended) = self.member.take() else { break };
            let mut input = ended.into_inner();
            match input.fill_buf()?.first() {
                None => {}
                Some(0x1f) => self.member = Some(Inflate::new(Format::Gzip, input)),
                Some(_) => padding(&mut input)?,
            }
        }
        Ok(0)
    }
}

/// Reads zeros to the end: tapes and some disks fill the last block with them.
fn padding(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = input.fill_buf()?;
        if bytes.iter().any(|byte| *byte != 0) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "bytes that are no gzip follow the last member"));
        }
        let length = bytes.len();
        if length == 0 {
            return Ok(());
        }
        input.consume(length);
    }
}

/// xz streams; after the last, nothing may follow that the decoder has not looked at.
struct Xz<R: Read> {
    input: lzma_rust2::XzReader<R>,
    ended: bool,
}

impl<R: Read> Read for Xz<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        let length = self.input.read(out)?;
        self.ended = length == 0 && !out.is_empty();
        Ok(length)
    }
}

/// Says in every error which compression failed, and where.
struct Explained {
    compression: Compression,
    text: Box<dyn Read + Send>,
    state: super::stored::State,
}

/// Why decompression failed.
#[derive(Debug, thiserror::Error)]
#[error("the {compression} data is damaged or cut off near stored byte {stored_byte}: {error}")]
pub struct DamagedError {
    /// What it is stored as.
    pub compression: Compression,
    /// Stored bytes that were read before the fault was found.
    pub stored_byte: u64,
    /// The decompressor's words.
    #[source]
    pub error: io::Error,
}

impl Read for Explained {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.text.read(out).map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted || self.state.failed() {
                return error;
            }
            let kind = match error.kind() {
                io::ErrorKind::UnexpectedEof => io::ErrorKind::UnexpectedEof,
                _ => io::ErrorKind::InvalidData,
            };
            let stored_byte = self.state.bytes();
            io::Error::new(kind, DamagedError { compression: self.compression, stored_byte, error })
        })
    }
}
