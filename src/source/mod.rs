//! Opens what a dump comes in: a file, stdin or an object on the network, plain, gzip, zstd, xz or `pg_dump`'s custom
//! format; and trees of documentation, which read as if they were one.
//!
//! What it is, is told by its content and not by its name. Reading and decompressing run in a thread of their own.

mod compression;
mod pg_restore;
mod read_ahead;
pub mod remote;
mod stored;
#[cfg(test)]
mod tests;
pub mod tree;

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub use compression::{Compression, DamagedError};
pub use stored::StoredDigest;

use compression::Content;
use remote::{LocationError, RemoteError, RemoteSpec};
use stored::{State, Stored};
use tree::{KnownHandle, Tree, TreeError, TreeSpec};

/// Where a source is.
#[derive(Debug, Clone)]
pub enum SourceSpec {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
    /// An object on the network.
    Remote(Box<RemoteSpec>),
    /// Trees of documentation.
    Tree(Box<TreeSpec>),
}

impl From<&str> for SourceSpec {
    /// `-` is standard input, anything else a path.
    fn from(text: &str) -> Self {
        if text == "-" { Self::Stdin } else { Self::File(PathBuf::from(text)) }
    }
}

/// Why a source can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// It can't be opened, or its first bytes can't be read.
    #[error("can't open {display}: {error}")]
    Open {
        /// The source.
        display: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// It is a directory, such as `pg_dump -Fd` makes.
    #[error("{0} is a directory")]
    Directory(String),
    /// It is text in UTF-16.
    #[error("{0} is in UTF-16")]
    Utf16(String),
    /// It is of a kind that is known and can't be read.
    #[error("{display} is a {what} file")]
    Unreadable {
        /// The source.
        display: String,
        /// What it is.
        what: &'static str,
    },
    /// It is in `pg_dump`'s custom format, and that can't be read here.
    #[error("{display} is in pg_dump's custom format, {why}")]
    CustomFormat {
        /// The source.
        display: String,
        /// Why it can't be read.
        why: String,
    },
    /// What was typed is a URL that names no source.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// An object on the network can't be read.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// Trees of documentation can't be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

impl SourceError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let restore = |from: &str| format!("convert it: pg_restore -f - {from} | gzip > dump.sql.gz");
        Some(match self {
            Self::Open { .. } => "check the path and its permissions".to_owned(),
            Self::Directory(path) => {
                format!("a folder of documentation is given as docs-tree:{path}; of a dump's, {}", restore(path))
            }
            Self::Tree(error) => return error.hint(),
            Self::Location(error) => return error.hint(),
            Self::Remote(error) => return error.hint(),
            Self::Utf16(_) => "convert it: iconv -f UTF-16 -t UTF-8 IN > OUT".to_owned(),
            Self::Unreadable { display, what: "tar" } => format!("unpack it, or {}", restore(display)),
            Self::Unreadable { .. } => "decompress it first, or compress it with gzip, zstd or xz".to_owned(),
            Self::CustomFormat { display, .. } if display == "stdin" => {
                "convert it before it is piped: pg_restore -f - dump.pgdump | sqlmig …".to_owned()
            }
            Self::CustomFormat { display, .. } if display.contains("://") => {
                "fetch it and give the file: pg_restore must be able to seek".to_owned()
            }
            Self::CustomFormat { display, .. } => restore(display),
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
    spec: SourceSpec,
    stored: Stored,
    state: State,
    trees: Option<Trees>,
}

/// What is known of trees before they are read.
struct Trees {
    known: KnownHandle,
    types: Vec<String>,
}

/// Opens a source and finds out what it is stored as. Blocks: on a disk, on whoever writes to stdin, on a network.
///
/// # Errors
/// It can't be opened, or is of a kind that can't be read.
pub fn open(spec: &SourceSpec) -> Result<Source, SourceError> {
    let display = match spec {
        SourceSpec::Tree(spec) => return Ok(open_trees(spec)?),
        SourceSpec::Stdin => "stdin".to_owned(),
        SourceSpec::File(path) => path.display().to_string(),
        SourceSpec::Remote(remote) => remote.location.to_string(),
    };
    let failed = |error| SourceError::Open { display: display.clone(), error };
    let (input, stored_bytes): (Box<dyn Read + Send>, _) = match spec {
        SourceSpec::Stdin => (Box::new(io::stdin()), None),
        SourceSpec::File(path) => {
            let file = File::open(path).map_err(failed)?;
            let metadata = file.metadata().map_err(failed)?;
            if metadata.is_dir() {
                return Err(SourceError::Directory(display));
            }
            let size = metadata.is_file().then_some(metadata.len());
            (Box::new(file), size)
        }
        SourceSpec::Remote(remote) => {
            let (input, size) = remote::open(remote)?;
            (Box::new(input), Some(size))
        }
        SourceSpec::Tree(_) => (Box::new(io::empty()), None),
    };
    begin(spec, display, input, stored_bytes)
}

/// A source that comes from elsewhere than a file, such as a socket; `display` is its name for people.
///
/// # Errors
/// Its first bytes can't be read, or are those of a kind that can't be read, or only from a file.
pub fn from_reader(display: impl Into<String>, input: Box<dyn Read + Send>) -> Result<Source, SourceError> {
    begin(&SourceSpec::Stdin, display.into(), input, None)
}

fn begin(
    spec: &SourceSpec,
    display: String,
    mut input: Box<dyn Read + Send>,
    stored_bytes: Option<u64>,
) -> Result<Source, SourceError> {
    let failed = |error| match RemoteError::from_io(error) {
        Ok(remote) => SourceError::Remote(remote),
        Err(error) => SourceError::Open { display: display.clone(), error },
    };
    let mut head = Vec::new();
    input.by_ref().take(compression::HEAD_BYTES as u64).read_to_end(&mut head).map_err(failed)?;
    let compression = match compression::recognise(&head) {
        Content::Readable(compression) => compression,
        Content::Utf16 => return Err(SourceError::Utf16(display)),
        Content::Unreadable(what) => return Err(SourceError::Unreadable { display, what }),
    };
    if compression == Compression::PgRestore {
        let why = match spec {
            SourceSpec::Stdin | SourceSpec::Remote(_) => Some("which must be a file to be read".to_owned()),
            SourceSpec::File(_) => pg_restore::unusable(),
            SourceSpec::Tree(_) => None,
        };
        if let Some(why) = why {
            return Err(SourceError::CustomFormat { display, why });
        }
    }
    let state = State::default();
    let stored = Stored::new(head, input, state.clone());
    Ok(Source { display, compression, stored_bytes, spec: spec.clone(), stored, state, trees: None })
}

fn open_trees(spec: &TreeSpec) -> Result<Source, TreeError> {
    let tree = Tree::open(spec)?;
    let (display, trees) = (tree.display(), Trees { known: tree.known(), types: tree.types() });
    let state = State::default();
    // Nothing is read before the first byte is asked for: what is known of its files can be told until then.
    let stored = Stored::new(Vec::new(), Box::new(tree.into_reader()), state.clone());
    Ok(Source {
        display,
        compression: Compression::Tree,
        stored_bytes: None,
        spec: SourceSpec::Tree(Box::new(spec.clone())),
        stored,
        state,
        trees: Some(trees),
    })
}

impl Source {
    /// Of trees, the handle by which they are told what need not be decoded again; to be told before they are read.
    #[must_use]
    pub fn known_files(&self) -> Option<KnownHandle> {
        self.trees.as_ref().map(|trees| trees.known.clone())
    }

    /// Types of documents that trees are of, each once; none of a dump.
    #[must_use]
    pub fn types(&self) -> &[String] {
        self.trees.as_ref().map_or(&[], |trees| &trees.types)
    }

    /// Stored bytes read so far; goes on counting while the reader is read.
    #[must_use]
    pub fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.state.progress)
    }

    /// Stored bytes whose text was taken out of the reader so far; goes on counting. `None` where it is not known what becomes
    /// of them: `pg_restore` reads the file by itself.
    #[must_use]
    pub fn position(&self) -> Option<Arc<AtomicU64>> {
        (self.compression != Compression::PgRestore).then(|| Arc::clone(&self.state.position))
    }

    /// Of the time that it takes until text is there, the share of reading the stored bytes, from 0 to 1; the rest is
    /// decompressing. What is asked goes on to be measured.
    pub fn reading_share(&self) -> impl Fn() -> f64 + Send + Sync + use<> {
        let (compression, times) = (self.compression, self.state.times.clone());
        move || match compression {
            // Nothing is decompressed, though text is moved and hashed; trees are decoded on their way.
            Compression::None | Compression::Tree => 1.0,
            // `pg_restore` reads by itself, and what is seen of it is text.
            Compression::PgRestore => 0.0,
            Compression::Gzip | Compression::Zstd | Compression::Xz => times.reading_share(),
        }
    }

    /// A handle to the digest of the stored bytes.
    #[must_use]
    pub fn digest(&self) -> StoredDigest {
        self.state.digest.clone()
    }

    /// The same source, to be opened from its beginning, which may block; what it gives is `None` where the source can be read
    /// only once.
    pub fn again(&self) -> impl FnOnce() -> io::Result<Option<Self>> + Send + 'static {
        let spec = self.spec.clone();
        move || match &spec {
            SourceSpec::Stdin | SourceSpec::Tree(_) => Ok(None),
            spec @ (SourceSpec::File(_) | SourceSpec::Remote(_)) => open(spec).map(Some).map_err(|error| match error {
                SourceError::Remote(error) => error.into(),
                error => io::Error::other(error),
            }),
        }
    }

    /// SHA-256 of the stored bytes, all of which are read for it.
    ///
    /// # Errors
    /// They can't be read.
    pub fn into_digest(mut self) -> io::Result<[u8; 32]> {
        io::copy(&mut self.stored, &mut io::sink())?;
        self.state.digest.get().ok_or_else(|| io::Error::other("it did not come to an end"))
    }

    /// The decompressed text. Its errors say which compression failed and near which stored byte ([`DamagedError`]);
    /// of their kinds, `UnexpectedEof` and `InvalidData` mean that the source is cut off or damaged.
    #[must_use]
    pub fn into_reader(self) -> Box<dyn Read + Send> {
        let state = self.state.clone();
        let text: io::Result<Box<dyn Read + Send>> = match (self.compression, &self.spec) {
            (Compression::PgRestore, SourceSpec::File(path)) => {
                pg_restore::PgRestore::start(path, self.stored).map(|text| Box::new(text) as Box<dyn Read + Send>)
            }
            (compression, _) => compression::decompress(compression, self.stored),
        };
        match text.and_then(|text| read_ahead::ReadAhead::start(text, state)) {
            Ok(reader) => Box::new(reader),
            Err(error) => Box::new(Failed(Some(error))),
        }
    }
}

/// A reader that could not be started says so when it is read.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}
