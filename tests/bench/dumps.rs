//! The dumps that are loaded, made once.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sqlmig::generate::{Options, Shape, write_dump};

/// Documents of the docs dump at its usual size: 184 MB of text.
pub fn documents() -> u64 {
    sized(4600)
}

/// Rows of the narrow dump: about 200 MB of text without a vector in it.
pub fn narrow_rows() -> u64 {
    sized(2_000_000)
}

/// Whether the benchmark is only tried (`SQLMIG_TRY=1`): a hundredth of the rows, one round, and no page.
pub fn trying() -> bool {
    std::env::var_os("SQLMIG_TRY").is_some()
}

fn sized(rows: u64) -> u64 {
    if trying() { rows / 100 } else { rows }
}

/// A dump in `pg_dump`'s plain format, gzipped as `pg_dump` would (level 6).
pub struct Dump {
    /// Its file.
    pub path: PathBuf,
    /// Rows of its largest table.
    pub rows: u64,
    /// Its tables in schema public, in the order in which they can be loaded, the largest last.
    pub tables: &'static [&'static str],
}

impl Dump {
    /// Documents with embeddings.
    pub fn docs(folder: &Path, documents: u64) -> Self {
        let path = make(folder, &format!("docs-{documents}"), |out| generate(Shape::Docs, documents, out));
        Self { path, rows: documents, tables: &["document_sources", "documents"] }
    }

    /// The same, of which one document in a hundred has other content.
    pub fn changed(folder: &Path, documents: u64) -> Self {
        let path = make(folder, &format!("changed-{documents}"), |out| {
            let mut out = OneInAHundred { out, line: Vec::new(), in_documents: false, rows: 0 };
            generate(Shape::Docs, documents, &mut out)
        });
        Self { path, ..Self::docs(folder, documents) }
    }

    /// Short rows without vectors.
    pub fn narrow(folder: &Path, rows: u64) -> Self {
        let path = make(folder, &format!("narrow-{rows}"), |out| generate(Shape::Narrow, rows, out));
        Self { path, rows, tables: &["measurements"] }
    }

    /// The table that has the rows.
    pub fn largest(&self) -> &'static str {
        self.tables.last().expect("a dump has tables")
    }

    /// Bytes of its text: a gzip file of one member ends with them, modulo 2^32.
    pub fn text_bytes(&self) -> u64 {
        let mut file = File::open(&self.path).expect("the dump is there");
        let mut length = [0; 4];
        file.seek(SeekFrom::End(-4)).and_then(|_| file.read_exact(&mut length)).expect("the dump has an end");
        u32::from_le_bytes(length).into()
    }
}

/// As it is typed.
impl fmt::Display for Dump {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(out)
    }
}

fn generate(shape: Shape, documents: u64, mut out: &mut dyn Write) -> io::Result<()> {
    write_dump(&Options { shape, documents, ..Options::default() }, &mut out).map(drop)
}

/// A file in this folder, made where it is not there yet.
fn make(folder: &Path, name: &str, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> PathBuf {
    let path = folder.join(format!("{name}.sql.gz"));
    if !path.exists() {
        eprintln!("making {}", path.display());
        let unfinished = path.with_extension("part");
        let file = BufWriter::new(File::create(&unfinished).expect("the dump can be written"));
        let mut out = GzEncoder::new(file, Compression::default());
        write(&mut out).expect("the dump can be written");
        out.finish().and_then(|mut file| file.flush()).expect("the dump can be written");
        fs::rename(&unfinished, &path).expect("the dump can be renamed");
    }
    path
}

/// Appends a word to the content of every hundredth row of documents that passes.
struct OneInAHundred<'a> {
    out: &'a mut dyn Write,
    line: Vec<u8>,
    in_documents: bool,
    rows: u64,
}

impl Write for OneInAHundred<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.pass()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&std::mem::take(&mut self.line))?;
        self.out.flush()
    }
}

impl OneInAHundred<'_> {
    fn pass(&mut self) -> io::Result<()> {
        /// Place of the content among the columns of the docs shape.
        const CONTENT: usize = 4;
        let line = std::mem::take(&mut self.line);
        if line.starts_with(b"COPY public.documents (") {
            self.in_documents = true;
        } else if line == b"\\.\n" {
            self.in_documents = false;
        } else if self.in_documents {
            self.rows += 1;
            if self.rows.is_multiple_of(100) {
                let mut fields: Vec<&[u8]> = line.split(|byte| *byte == b'\t').collect();
                let content = [fields[CONTENT], b" changed"].concat();
                fields[CONTENT] = &content;
                return self.out.write_all(&fields.join(&b'\t'));
            }
        }
        self.out.write_all(&line)
    }
}
