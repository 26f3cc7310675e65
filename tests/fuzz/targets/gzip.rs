//! gzip framing: what is read depends on the stored bytes alone, equals what `flate2` reads from the same members, and
//! nothing but zeros may follow them.
#![no_main]

use std::io::{Cursor, ErrorKind, Read, Write};
use std::sync::atomic::Ordering;

use flate2::read::MultiGzDecoder;
use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use sqlmig::source::{self, Compression as Kind};

/// More text than this is not looked at: a bomb takes time and shows nothing.
const MOST_BYTES: u64 = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let [mode, sips, rest @ ..] = data else { return };
    let stored = if mode % 4 == 0 { [&[0x1f, 0x8b], rest].concat() } else { assembled(rest) };
    let Some(whole) = read(&stored, usize::MAX, 1 << 16) else { return };
    let Some(sipped) = read(&stored, usize::from(sips % 16) + 1, usize::from(sips / 16) * 37 + 1) else { return };
    assert_eq!(whole.error, sipped.error, "an error depends on how the bytes arrive");
    if whole.error.is_none() {
        assert!(whole.text == sipped.text, "the text depends on how the bytes arrive");
    } else {
        let shorter = whole.text.len().min(sipped.text.len());
        assert!(whole.text[..shorter] == sipped.text[..shorter], "the text before the damage differs");
    }
    if !stored.starts_with(&[0x1f, 0x8b]) {
        return;
    }
    match (whole.error, reference(&stored)) {
        (None, Some(text)) => assert!(whole.text == text, "flate2 reads another text"),
        (None, None) => panic!("damage is taken for the end"),
        (Some(error), Some(_)) => panic!("what flate2 reads is refused: {error:?}"),
        (Some(error), None) => assert!(matches!(error, ErrorKind::UnexpectedEof | ErrorKind::InvalidData), "{error:?}"),
    }
});

/// What became of reading.
struct Reading {
    text: Vec<u8>,
    error: Option<ErrorKind>,
}

/// A reader that brings at most so many bytes at once.
struct Sips(Cursor<Vec<u8>>, usize);

impl Read for Sips {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let length = out.len().min(self.1);
        self.0.read(&mut out[..length])
    }
}

/// Reads what is stored, `sip` bytes at once from storage and `gulp` bytes of text at once; `None` if it is no gzip, or
/// too much.
fn read(stored: &[u8], sip: usize, gulp: usize) -> Option<Reading> {
    let input = Sips(Cursor::new(stored.to_vec()), sip);
    let source = source::from_reader("fuzz", Box::new(input)).ok()?;
    if !matches!(source.compression, Kind::Gzip | Kind::None) {
        return None;
    }
    let plain = source.compression == Kind::None;
    let (progress, digest) = (source.progress(), source.digest());
    let mut reader = source.into_reader();
    let mut text = Vec::new();
    let mut buffer = vec![0; gulp];
    let error = loop {
        match reader.read(&mut buffer) {
            Ok(0) => break None,
            Ok(length) => text.extend_from_slice(&buffer[..length]),
            Err(error) => break Some(error.kind()),
        }
        if text.len() as u64 > MOST_BYTES {
            return None;
        }
    };
    if error.is_none() {
        assert_eq!(progress.load(Ordering::Relaxed), stored.len() as u64, "not all that is stored was read");
        assert_eq!(digest.get(), Some(Sha256::digest(stored).into()), "the digest is not that of what is stored");
        assert!(!plain || text == stored, "plain text is changed");
    }
    Some(Reading { text, error })
}

/// The text as `flate2` reads it; where zeros follow the last member, without some of them, which it takes for damage.
fn reference(stored: &[u8]) -> Option<Vec<u8>> {
    let decode = |bytes: &[u8]| {
        let mut text = Vec::new();
        MultiGzDecoder::new(bytes).read_to_end(&mut text).ok().map(|_| text)
    };
    let zeros = stored.iter().rev().take_while(|byte| **byte == 0).count();
    // A member may itself end with zeros, those of its length and checksum at the most.
    let longest = stored.len() - zeros;
    decode(stored).or_else(|| (0..=zeros.min(16)).find_map(|kept| decode(&stored[..longest + kept])))
}

/// Members, padding, garbage and cuts as the bytes say, so that checksums are right where a mutation would break them.
fn assembled(plan: &[u8]) -> Vec<u8> {
    let mut stored = Vec::new();
    let mut plan = plan.iter().copied();
    while let (Some(what), Some(length)) = (plan.next(), plan.next()) {
        let length = usize::from(length);
        match what % 8 {
            0 | 1 => {
                let text: Vec<u8> = plan.by_ref().take(length).collect();
                let mut encoder = GzEncoder::new(Vec::new(), Compression::new(u32::from(what / 8) % 10));
                encoder.write_all(&text).expect("memory takes everything");
                stored.extend(encoder.finish().expect("memory takes everything"));
            }
            2 => {
                let text: Vec<u8> = plan.by_ref().take(length).collect();
                stored.extend(member(what / 8, &text));
            }
            3 => stored.resize(stored.len() + length * if what & 8 == 0 { 1 } else { 300 }, 0),
            4 => stored.extend(plan.by_ref().take(length)),
            5 => stored.truncate(stored.len().saturating_sub(length)),
            6 => {
                let text = vec![what; length * 100];
                stored.extend(member(what / 8, &text));
            }
            // One bit of what is there is turned.
            _ => {
                let at = stored.len().saturating_sub(length);
                if let Some(byte) = stored.get_mut(at) {
                    *byte ^= 1 << (what / 8 % 8);
                }
            }
        }
    }
    stored
}

/// A member with the header's optional fields, which most programs never write.
fn member(flags: u8, text: &[u8]) -> Vec<u8> {
    let flags = flags & 0x1f;
    let mut header = vec![0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 255];
    if flags & 4 != 0 {
        header.extend([5, 0]);
        header.extend(b"BC\x01\x00x");
    }
    for bit in [8, 16] {
        if flags & bit != 0 {
            header.extend(b"dump.sql\0");
        }
    }
    if flags & 2 != 0 {
        let mut crc = Crc::new();
        crc.update(&header);
        header.extend(&crc.sum().to_le_bytes()[..2]);
    }
    let mut encoder = DeflateEncoder::new(header, Compression::fast());
    encoder.write_all(text).expect("memory takes everything");
    let mut member = encoder.finish().expect("memory takes everything");
    let mut crc = Crc::new();
    crc.update(text);
    member.extend(crc.sum().to_le_bytes());
    member.extend(crc.amount().to_le_bytes());
    member
}
