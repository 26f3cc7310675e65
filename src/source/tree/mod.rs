//! Documentation trees: folders and archives of files, read as if they were a dump.
//!
//! A tree is written as dump text, file by file, into a bounded channel that the same scanner reads which reads dumps: what
//! comes after (chunks, digests, quarantine, resuming, the books) needs no second way. docs/adr/0017 says why.
//!
//! The same files give the same bytes: they are walked in the order of their names, and neither times nor the place of the
//! tree enter. So the digest of those bytes is the identity of the source.

mod apart;
mod archive;
mod ignored;
mod known;
mod manifest;
mod read;
mod roots;
mod rows;
mod walk;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};

use crate::names::{PARTS_SCHEMA, TableName};
use crate::tokens::Tokenizer;

pub use apart::serve as serve_pdf;
pub use known::{Known, KnownFile};
pub use roots::{Root, TreeError};

use roots::Resolved;

/// What begins the name of a tree that is given as a source.
pub const PREFIX: &str = "docs-tree:";

/// The type of documents of a tree that nothing says the type of.
pub const GENERIC: &str = "generic";

/// Pieces of text that wait for the scanner, and the bytes of one: what a tree takes of memory besides its widest file.
const PIECES_WAITING: usize = 4;
const PIECE_BYTES: usize = 1 << 20;

/// Parsers are given this much: none of those used follows nesting without a bound, but their bounds are not ours.
const STACK_BYTES: usize = 64 << 20;

/// Which trees are read, and how.
#[derive(Debug, Clone)]
pub struct TreeSpec {
    /// The trees, in the order in which they are read.
    pub roots: Vec<Root>,
    /// Whether documents of files that are gone are to be removed. It is a column of the rows: the SQL acts on it.
    pub prune: bool,
    /// Files of more bytes are refused.
    pub file_limit_bytes: u64,
    /// Tokens that a part of a document has at most: what the model takes that is to embed it.
    pub part_tokens: usize,
    /// How they are counted.
    pub tokenizer: Tokenizer,
    /// What decodes besides this program: the project's hash. A file that another has decoded is decoded again.
    pub decoded_by: String,
    /// This program, which reads PDFs in a process of its own. Without it they are read in this one.
    pub program: Option<PathBuf>,
}

/// A tree that was opened.
pub(super) struct Tree {
    spec: TreeSpec,
    roots: Vec<Resolved>,
    known: Arc<OnceLock<Known>>,
}

/// A handle by which a tree is told, before it is read, what is known of it.
#[derive(Debug, Clone)]
pub struct KnownHandle(Arc<OnceLock<Known>>);

impl KnownHandle {
    /// Says which files need not be decoded again. What was said first holds.
    pub fn tell(&self, known: Known) {
        drop(self.0.set(known));
    }
}

impl Tree {
    /// Finds the trees of a specification, with their types and names.
    pub(super) fn open(spec: &TreeSpec) -> Result<Self, TreeError> {
        let roots = roots::resolve(&spec.roots)?;
        Ok(Self { spec: spec.clone(), roots, known: Arc::default() })
    }

    pub(super) fn known(&self) -> KnownHandle {
        KnownHandle(Arc::clone(&self.known))
    }

    /// The types of its sources, each once.
    pub(super) fn types(&self) -> Vec<String> {
        let mut types: Vec<String> = self.roots.iter().map(|root| root.doc_type.clone()).collect();
        types.sort_unstable();
        types.dedup();
        types
    }

    pub(super) fn display(&self) -> String {
        let names: Vec<String> = self.roots.iter().map(|root| format!("{}/{}", root.doc_type, root.name)).collect();
        match names.as_slice() {
            [first, second, third, .., last] if names.len() > 4 => {
                format!("trees {first}, {second}, {third} … {last} ({} in all)", names.len())
            }
            [one] => format!("tree {one}"),
            _ => format!("trees {}", names.join(", ")),
        }
    }

    /// The dump text of the trees; a thread of its own writes it, once it is read.
    pub(super) fn into_reader(self) -> Reader {
        Reader { state: State::Waiting(Box::new(self)), piece: Vec::new(), at: 0 }
    }
}

enum State {
    Waiting(Box<Tree>),
    Reading(Receiver<io::Result<Vec<u8>>>),
    Ended,
}

/// Reads what the thread writes.
pub(super) struct Reader {
    state: State,
    piece: Vec<u8>,
    at: usize,
}

impl Read for Reader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Waiting(tree) => self.state = State::Reading(start(*tree)?),
                State::Reading(pieces) => match pieces.recv() {
                    Ok(Ok(piece)) => {
                        (self.piece, self.at) = (piece, 0);
                        self.state = State::Reading(pieces);
                    }
                    Ok(Err(error)) => return Err(error),
                    Err(_) => {}
                },
                State::Ended => return Ok(0),
            }
        }
        let length = out.len().min(self.piece.len() - self.at);
        out[..length].copy_from_slice(&self.piece[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

/// Begins to write.
fn start(tree: Tree) -> io::Result<Receiver<io::Result<Vec<u8>>>> {
    let (pieces, waiting) = sync_channel(PIECES_WAITING);
    std::thread::Builder::new().name("tree".to_owned()).stack_size(STACK_BYTES).spawn(move || {
        let Tree { spec, roots, known } = tree;
        let none = Known::default();
        let known = known.get().unwrap_or(&none);
        let mut out = Out { pieces: pieces.clone(), open: Vec::new() };
        let written = read::write(&spec, &roots, known, &mut out).and_then(|()| out.flush());
        if let Err(error) = written {
            // Whoever reads may be gone: then nobody is to be told.
            drop(pieces.send(Err(error)));
        }
    })?;
    Ok(waiting)
}

/// Where dump text goes.
struct Out {
    pieces: SyncSender<io::Result<Vec<u8>>>,
    open: Vec<u8>,
}

impl Out {
    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.open.extend_from_slice(bytes);
        if self.open.len() >= PIECE_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let piece = std::mem::take(&mut self.open);
        self.pieces.send(Ok(piece)).map_err(|_| io::Error::other("nobody reads the tree any more"))
    }
}

/// The name of the source table that parts of documents of a type are in.
#[must_use]
pub fn parts_table(doc_type: &str) -> TableName {
    TableName::new(PARTS_SCHEMA, doc_type)
}

/// Where a tree is that was given as a source; `None` for any other source.
#[must_use]
pub fn path_of(source: &Path) -> Option<PathBuf> {
    source.to_str().and_then(|text| text.strip_prefix(PREFIX)).map(PathBuf::from)
}
