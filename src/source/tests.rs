//! Every kind of source, whole and damaged.

use std::io::{Read, Write};

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::*;

fn text() -> Vec<u8> {
    (0..60_000).flat_map(|number| format!("line {number} of the text\n").into_bytes()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// With the checksum that the `zstd` program writes too.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn stored(bytes: &[u8]) -> (tempfile::NamedTempFile, Source) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let source = open(&SourceSpec::File(file.path().to_owned())).unwrap();
    (file, source)
}

/// The text of a source, with the digest and the progress checked on the way.
fn read(bytes: &[u8]) -> (Compression, io::Result<Vec<u8>>) {
    let (_file, source) = stored(bytes);
    let (kind, digest, progress) = (source.compression, source.digest(), source.progress());
    assert_eq!(source.stored_bytes, Some(bytes.len() as u64));
    let mut out = Vec::new();
    let result = source.into_reader().read_to_end(&mut out);
    if result.is_ok() {
        assert_eq!(digest.get(), Some(Sha256::digest(bytes).into()));
        assert_eq!(progress.load(std::sync::atomic::Ordering::Relaxed), bytes.len() as u64);
    }
    (kind, result.map(|_| out))
}

#[test]
fn every_compression_is_recognised_and_read() {
    let text = text();
    let (first, second) = text.split_at(text.len() / 3);
    for (kind, bytes) in [
        (Compression::None, text.clone()),
        (Compression::Gzip, gzip(&text)),
        (Compression::Gzip, [gzip(first), gzip(b""), gzip(second)].concat()),
        (Compression::Gzip, [gzip(&text), vec![0; 700_000]].concat()),
        (Compression::Zstd, zstd(&text)),
        (Compression::Zstd, [zstd(first), zstd(second)].concat()),
        (Compression::Xz, xz(&text)),
        (Compression::Xz, [xz(first), xz(second)].concat()),
    ] {
        let (found, read) = read(&bytes);
        assert_eq!(found, kind);
        assert!(read.unwrap() == text, "{kind}");
    }
    assert_eq!(read(b"").1.unwrap(), b"");
}

#[test]
#[expect(clippy::cast_precision_loss, reason = "shares of some kilobytes")]
fn the_position_is_that_of_the_text_that_was_taken() {
    let text = text();
    for stored_bytes in [text.clone(), gzip(&text), zstd(&text), xz(&text)] {
        let (_file, source) = stored(&stored_bytes);
        let (kind, position) = (source.compression, source.position().unwrap());
        let mut reader = source.into_reader();
        let (mut taken, mut last) = (0, 0);
        let mut piece = vec![0; 64 << 10];
        loop {
            let length = reader.read(&mut piece).unwrap();
            taken += length;
            let now = position.load(std::sync::atomic::Ordering::Relaxed);
            assert!(now >= last, "{kind} goes back from {last} to {now}");
            last = now;
            if length == 0 {
                break;
            }
            // zstd and xz take up to 128 KiB of what is stored, here all of it, before they give any text.
            let expected = stored_bytes.len() as f64 * taken as f64 / text.len() as f64;
            let off = (now as f64 - expected).abs() / stored_bytes.len() as f64;
            // gzip is inflated 256 KiB of text ahead.
            let ahead = if kind == Compression::Gzip { f64::from(256 << 10) / text.len() as f64 } else { 0.0 };
            assert!(
                matches!(kind, Compression::Zstd | Compression::Xz) || off < 0.1 + ahead,
                "{kind}: {now} is far from {expected:.0}"
            );
        }
        assert!(last as f64 > stored_bytes.len() as f64 * 0.99, "{kind}: {last} of {}", stored_bytes.len());
    }
}

#[test]
fn damage_is_never_taken_for_the_end() {
    let text = text();
    for whole in [gzip(&text), zstd(&text), xz(&text)] {
        let kind = read(&whole).0;
        for cut in [whole.len() - 1, whole.len() - 9, whole.len() / 2, 20] {
            let error = read(&whole[..cut]).1.unwrap_err();
            assert!(error.to_string().contains(&kind.to_string()), "{error}");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{kind} cut at {cut}: {error}");
        }
        for tail in [b"x".as_slice(), b"\x1f\x8c........", b"0000000000000000000000"] {
            let error = read(&[whole.as_slice(), tail].concat()).1.unwrap_err();
            assert!(
                matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof),
                "{kind} and {tail:?}: {error}"
            );
        }
        let mut flipped = whole.clone();
        let middle = whole.len() / 2;
        flipped[middle] ^= 0x10;
        assert!(read(&flipped).1.is_err(), "{kind}");
    }
    let mut wrong_sum = gzip(&text);
    let at = wrong_sum.len() - 6;
    wrong_sum[at] ^= 1;
    let error = read(&wrong_sum).1.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    let error = read(&[gzip(&text), vec![0; 100], b"x".to_vec()].concat()).1.unwrap_err();
    assert!(error.to_string().contains("follow the last member"), "{error}");
}

#[test]
fn damage_is_told_with_the_compression_and_the_place() {
    let whole = gzip(&text());
    let error = read(&whole[..whole.len() - 9]).1.unwrap_err();
    let damaged = error.get_ref().and_then(|inner| inner.downcast_ref::<DamagedError>()).unwrap();
    assert_eq!((damaged.compression, damaged.stored_byte), (Compression::Gzip, whole.len() as u64 - 9));
    for (kind, name) in [
        (Compression::None, "plain"),
        (Compression::Gzip, "gzip"),
        (Compression::Zstd, "zstd"),
        (Compression::Xz, "xz"),
        (Compression::PgRestore, "pg_dump custom"),
    ] {
        assert_eq!(kind.to_string(), name);
    }
}

/// Bytes, and then an error of this kind.
struct Fails(io::Cursor<Vec<u8>>, Option<io::ErrorKind>);

impl Read for Fails {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.0.read(&mut out[..1])? {
            0 => self.1.take().map_or(Ok(0), |kind| Err(kind.into())),
            length => Ok(length),
        }
    }
}

#[test]
fn a_failing_storage_is_not_taken_for_damage() {
    let source = |bytes: &[u8], kind| from_reader("x", Box::new(Fails(io::Cursor::new(bytes.to_vec()), Some(kind))));
    let stored = gzip(&text()[..5000]);
    for bytes in [&stored[..600], &text()[..600]] {
        let mut out = Vec::new();
        let error = source(bytes, io::ErrorKind::PermissionDenied).unwrap().into_reader().read_to_end(&mut out);
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }
    let mut out = Vec::new();
    source(&stored, io::ErrorKind::Interrupted).unwrap().into_reader().read_to_end(&mut out).unwrap();
    assert!(out == text()[..5000]);
    let error = source(b"select", io::ErrorKind::PermissionDenied).err().unwrap();
    assert!(matches!(&error, SourceError::Open { display, .. } if display == "x"), "{error}");
    let piped = |display: &str| from_reader(display, Box::new(&b"PGDMP"[..])).err().unwrap().hint().unwrap();
    assert!(piped("stdin").contains("before it is piped"));
    assert!(piped("x").contains("pg_restore -f - x"));
}

#[test]
fn nothing_is_read_twice_or_past_the_end() {
    for bytes in [gzip(&text()), xz(&text()), zstd(&text()), text()] {
        let mut reader = from_reader("x", Box::new(io::Cursor::new(bytes))).unwrap().into_reader();
        assert_eq!(reader.read(&mut []).unwrap(), 0);
        let mut out = Vec::new();
        reader.read_to_end(&mut out).unwrap();
        assert!(out == text());
        assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
    }
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    let refused = |bytes: &[u8]| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let error = open(&SourceSpec::File(file.path().to_owned())).err().unwrap();
        assert!(error.hint().is_some());
        error.to_string()
    };
    assert!(refused(b"\xff\xfe-\0-\0").contains("UTF-16"));
    assert!(refused(b"\xfe\xff\0-\0-").contains("UTF-16"));
    for (bytes, name) in [
        (&b"BZh91AY"[..], "bzip2"),
        (b"\x04\x22\x4d\x18xx", "lz4"),
        (b"PK\x03\x04xx", "zip"),
        (&[vec![b'x'; 257], b"ustar".to_vec()].concat(), "tar"),
    ] {
        assert!(refused(bytes).contains(name), "{name}");
    }
    // Nearly so.
    for bytes in [&b"BZh0"[..], b"PK\x05\x06", &[vec![b'x'; 258], b"ustar".to_vec()].concat()] {
        assert_eq!(read(bytes).0, Compression::None);
    }
    assert!(matches!(SourceSpec::from("-"), SourceSpec::Stdin));
    let folder = tempfile::tempdir().unwrap();
    let error = open(&SourceSpec::File(folder.path().to_owned())).err().unwrap();
    assert!(matches!(error, SourceError::Directory(_)) && error.hint().unwrap().contains("pg_restore -f -"));
    let unreadable = |what| SourceError::Unreadable { display: "x".to_owned(), what }.hint().unwrap();
    assert!(unreadable("tar").contains("unpack it") && unreadable("zip").contains("decompress it first"));
    assert!(matches!(open(&SourceSpec::from("/no/such/file")), Err(SourceError::Open { .. })));
}

#[test]
fn a_broken_custom_format_file_is_an_error_and_never_an_empty_dump() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"PGDMP and no more").unwrap();
    let asked = std::process::Command::new("pg_restore").arg("--version").output();
    let usable = asked.is_ok_and(|output| output.status.success());
    assert_eq!(open(&SourceSpec::File(file.path().to_owned())).is_ok(), usable);
    match open(&SourceSpec::File(file.path().to_owned())) {
        Ok(source) => {
            assert_eq!(source.compression, Compression::PgRestore);
            let error = source.into_reader().read_to_end(&mut Vec::new()).unwrap_err();
            assert!(error.to_string().contains("pg_restore failed"), "{error}");
        }
        Err(error) => assert!(error.hint().unwrap().contains("pg_restore -f -"), "{error}"),
    }
}

#[test]
fn a_reader_that_is_dropped_early_stops_its_thread() {
    let (_file, source) = stored(&gzip(&text().repeat(4)));
    let progress = source.progress();
    let mut reader = source.into_reader();
    reader.read_exact(&mut [0; 10]).unwrap();
    drop(reader);
    // What keeps the counter alive is this test, once the thread has let go of the source.
    for _ in 0..500 {
        if std::sync::Arc::strong_count(&progress) == 1 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the thread still reads");
}

#[test]
fn waiting_for_storage_is_told_from_decompressing() {
    /// Gives a little at a time, each after a while.
    struct Slow(io::Cursor<Vec<u8>>);
    impl Read for Slow {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            std::thread::sleep(std::time::Duration::from_millis(20));
            let most = out.len().min(8 << 10);
            self.0.read(&mut out[..most])
        }
    }
    let share = |input: Box<dyn Read + Send>| {
        let source = from_reader("a socket", input).unwrap();
        let share = source.reading_share();
        source.into_reader().read_to_end(&mut Vec::new()).unwrap();
        share()
    };
    let slow = share(Box::new(Slow(io::Cursor::new(gzip(&text())))));
    assert!(slow > 0.5 && slow <= 1.0, "{slow}");
    let fast = share(Box::new(io::Cursor::new(xz(&text()))));
    assert!(fast > 0.0 && fast < 0.5, "{fast}");
    // Of plain text there is nothing to decompress.
    assert!((share(Box::new(io::Cursor::new(text()))) - 1.0).abs() < f64::EPSILON);
}
