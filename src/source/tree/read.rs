//! From trees to dump text: each file is read, hashed, and, unless it is known, decoded and split.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::formats::{self, Decoded, Format, split};
use crate::names::hex;

use super::known::Known;
use super::roots::{Kind, Resolved};
use super::rows::{FILE_COLUMNS, FILES, PART_COLUMNS, Rows, SOURCE_COLUMNS, SOURCES};
use super::walk::{Met, walk};
use super::{Out, TreeSpec, apart, archive, parts_table};

/// Rows are written when so many bytes wait: blocks of a table, and so the chunks of staging, are not one file each.
const BLOCK_BYTES: usize = 4 << 20;

/// Writes the trees.
pub(super) fn write(spec: &TreeSpec, roots: &[Resolved], known: &Known, out: &mut Out) -> io::Result<()> {
    out.push(b"--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\n\n")?;
    let mut sources = Rows::new(SOURCES.to_owned(), &SOURCE_COLUMNS);
    let mut files = Rows::new(FILES.to_owned(), &FILE_COLUMNS);
    out.push(sources.create().as_bytes())?;
    out.push(files.create().as_bytes())?;
    let mut created: HashSet<&str> = HashSet::new();
    for root in roots {
        let mut parts = Rows::new(parts_table(&root.doc_type).to_string(), &PART_COLUMNS);
        if created.insert(&root.doc_type) {
            out.push(parts.create().as_bytes())?;
        }
        let decoded_by =
            format!("{} {} {} {}", formats::VERSION, spec.tokenizer.name(), spec.part_tokens, spec.decoded_by);
        let mut reader = Reader {
            spec,
            root,
            known,
            decoded_by,
            files: &mut files,
            parts: &mut parts,
            met: HashSet::new(),
            count: 0,
            left_out: 0,
            out,
        };
        let left_out = reader.root()?;
        reader.flush()?;
        let count = reader.count.to_string();
        sources.push(&[
            Some(&root.doc_type),
            Some(&root.name),
            root.version.as_deref(),
            Some(&count),
            Some(&left_out.to_string()),
            Some(if spec.prune { "true" } else { "false" }),
            Some(&root.facts.to_string()),
        ]);
    }
    out.push(&sources.take_copy())?;
    out.push(b"--\n-- PostgreSQL database dump complete\n--\n")
}

/// Reads one tree.
struct Reader<'a> {
    spec: &'a TreeSpec,
    root: &'a Resolved,
    known: &'a Known,
    decoded_by: String,
    files: &'a mut Rows,
    parts: &'a mut Rows,
    /// Paths that were met: an archive may hold two files of one name.
    met: HashSet<String>,
    count: u64,
    /// Files of archives that were left out.
    left_out: u64,
    out: &'a mut Out,
}

impl Reader<'_> {
    /// Reads the tree; says how many files were left out.
    fn root(&mut self) -> io::Result<u64> {
        let root = self.root;
        let of_folder = match &root.kind {
            Kind::Folder => walk(root, |met| self.met(met))?,
            Kind::File => {
                let name = root.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
                self.stored(&name, &root.path)?;
                0
            }
            Kind::Archive { top } => {
                let prefix = top.as_ref().map(|top| format!("{top}/")).unwrap_or_default();
                self.archive(&root.path, "", &prefix)?;
                0
            }
        };
        Ok(of_folder + self.left_out)
    }

    fn met(&mut self, met: Met) -> io::Result<()> {
        let name = |path: &Path| path.strip_prefix(&self.root.path).unwrap_or(path).to_string_lossy().into_owned();
        match met {
            Met::File { path } => {
                let name = name(&path);
                if archive::is_archive(&name) {
                    self.archive(&path, &format!("{name}/"), "")
                } else {
                    self.stored(&name, &path)
                }
            }
            Met::Link { path, reason } => self.refused(&name(&path), Format::Link, None, &reason),
            Met::Unreadable { path, reason } => self.refused(&name(&path), Format::Unknown, None, &reason),
        }
    }

    /// A file on disk.
    fn stored(&mut self, name: &str, path: &Path) -> io::Result<()> {
        let limit = self.spec.file_limit_bytes;
        let read = || -> Result<Result<Vec<u8>, u64>, io::Error> {
            let file = File::open(path)?;
            let size = file.metadata()?.len();
            if size > limit {
                return Ok(Err(size));
            }
            let mut bytes = Vec::new();
            file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
            let size = bytes.len() as u64;
            Ok(if size > limit { Err(size) } else { Ok(bytes) })
        };
        match read() {
            Ok(Ok(bytes)) => self.file(name, &bytes),
            Ok(Err(size)) => self.refused(name, formats::detect(name, b""), Some(size), &archive::over(limit)),
            Err(error) => self.refused(name, Format::Unknown, None, &format!("it can't be read: {error}")),
        }
    }

    /// The files of an archive; `folder` begins their paths, `prefix` is left out of them.
    fn archive(&mut self, path: &Path, folder: &str, prefix: &str) -> io::Result<()> {
        let limit = self.spec.file_limit_bytes;
        let walked = archive::walk(path, limit, |inside| {
            let name = format!("{folder}{}", inside.name.strip_prefix(prefix).unwrap_or(&inside.name));
            match inside.content {
                Ok(bytes) => self.file(&name, &bytes),
                Err(reason) => self.refused(&name, Format::Unknown, None, &reason),
            }
        })?;
        self.left_out += walked.left_out;
        match walked.damage {
            None => Ok(()),
            Some(reason) => {
                let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
                let name = if folder.is_empty() { name } else { folder.trim_end_matches('/').to_owned() };
                self.refused(&name, Format::Archive, None, &reason)
            }
        }
    }

    /// A file that is not read.
    fn refused(&mut self, name: &str, format: Format, size: Option<u64>, reason: &str) -> io::Result<()> {
        self.count += 1;
        self.met.insert(name.to_owned());
        let size = size.map(|size| size.to_string());
        self.files.push(&[
            Some(&self.root.doc_type),
            Some(&self.root.name),
            Some(&clean(name)),
            Some(format.as_str()),
            size.as_deref(),
            None,
            Some("refused"),
            None,
            None,
            None,
            Some("0"),
            Some(&self.decoded_by),
            Some(&clean(reason)),
        ]);
        self.flush_if_full()
    }

    /// A file whose bytes are here.
    fn file(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if !self.met.insert(name.to_owned()) {
            return self.refused(name, Format::Unknown, None, "the archive holds another file of this name before it");
        }
        let name = clean(name);
        let sha256 = hex(&Sha256::digest(bytes));
        let size = bytes.len().to_string();
        let this = [self.root.doc_type.as_str(), &self.root.name, &name, &sha256, &self.decoded_by];
        if self.known.has(this) {
            self.count += 1;
            self.files.push(&[
                Some(&self.root.doc_type),
                Some(&self.root.name),
                Some(&name),
                None,
                Some(&size),
                Some(&sha256),
                Some("unchanged"),
                None,
                None,
                None,
                None,
                Some(&self.decoded_by),
                None,
            ]);
            return self.flush_if_full();
        }
        let (decoded, error) = self.decode(&name, bytes)?;
        self.count += 1;
        let text: String = decoded.pieces.iter().map(|piece| piece.text.as_str()).collect();
        let count = self.split(&name, &sha256, &decoded);
        let text_sha256 = (!text.is_empty()).then(|| hex(&Sha256::digest(text.as_bytes())));
        let parsed = decoded.parsed.to_string();
        self.files.push(&[
            Some(&self.root.doc_type),
            Some(&self.root.name),
            Some(&name),
            Some(decoded.format.as_str()),
            Some(&size),
            Some(&sha256),
            Some(if error.is_some() { "refused" } else { "read" }),
            (!text.is_empty()).then_some(text.as_str()),
            text_sha256.as_deref(),
            Some(&parsed),
            Some(&count.to_string()),
            Some(&self.decoded_by),
            error.as_deref(),
        ]);
        self.flush_if_full()
    }

    /// Decodes a file; what a parser gives up on, even by a panic, is a file that can't be read and no more.
    fn decode(&self, name: &str, bytes: &[u8]) -> io::Result<(Decoded, Option<String>)> {
        let none = |format| Decoded { format, parsed: Value::Object(Map::new()), pieces: Vec::new() };
        let limit = self.spec.file_limit_bytes;
        // A single file in gzip, as Debian ships them, is what is in it.
        let plain = match name.strip_suffix(".gz") {
            Some(inner) if bytes.starts_with(&[0x1f, 0x8b]) => {
                let mut plain = Vec::new();
                match MultiGzDecoder::new(bytes).take(limit.saturating_add(1)).read_to_end(&mut plain) {
                    Ok(_) if plain.len() as u64 > limit => {
                        return Ok((none(Format::Archive), Some(archive::over(limit))));
                    }
                    Ok(_) => Some((inner, plain)),
                    Err(error) => {
                        let reason = format!("its gzip is damaged or cut off: {error}");
                        return Ok((none(Format::Archive), Some(reason)));
                    }
                }
            }
            _ => None,
        };
        let (name, bytes) = plain.as_ref().map_or((name, bytes), |(name, bytes)| (name, bytes));
        let decoded = match &self.spec.program {
            Some(program) if formats::detect(name, bytes) == Format::Pdf => {
                Ok(apart::read(program, bytes, limit)?.map_err(|error| (Format::Pdf, error)))
            }
            _ => catch_unwind(AssertUnwindSafe(|| formats::decode(name, bytes))),
        };
        Ok(match decoded {
            Ok(Ok(decoded)) => (decoded, None),
            Ok(Err((format, error))) => (none(format), Some(clean(&error.to_string()))),
            Err(_) => (none(Format::Unknown), Some("its decoder failed".to_owned())),
        })
    }

    /// Writes the parts of a file; says how many.
    fn split(&mut self, path: &str, sha256: &str, decoded: &Decoded) -> usize {
        let count = |text: &str| self.spec.tokenizer.count(text);
        let about = about(decoded);
        let mut anchors: HashSet<String> = HashSet::new();
        let pieces: Vec<_> = decoded
            .pieces
            .iter()
            .map(|piece| (piece, split(&piece.text, &piece.marks, self.spec.part_tokens, &count)))
            .collect();
        let total: usize = pieces.iter().map(|(_, parts)| parts.len()).sum();
        let mut number = 0;
        for (piece, parts) in &pieces {
            for (place, part) in parts.iter().enumerate() {
                number += 1;
                let mut anchor = piece.name.clone().unwrap_or_default();
                if place > 0 {
                    anchor = format!("{anchor}{}part-{}", if anchor.is_empty() { "" } else { "/" }, place + 1);
                }
                // Two items of one name, as by cfg: the second has a number.
                let wanted = anchor.clone();
                let mut same = 1;
                while !anchors.insert(anchor.clone()) {
                    same += 1;
                    anchor = format!("{wanted}~{same}");
                }
                self.parts.push(&[
                    Some(&self.root.name),
                    self.root.version.as_deref(),
                    Some(path),
                    Some(decoded.format.as_str()),
                    Some(sha256),
                    Some(&number.to_string()),
                    Some(&total.to_string()),
                    (!anchor.is_empty()).then_some(anchor.as_str()),
                    Some(piece.kind),
                    piece.name.as_deref(),
                    Some(&Value::from(part.headings.clone()).to_string()),
                    Some(part.text),
                    Some(&hex(&Sha256::digest(part.text.as_bytes()))),
                    Some(&part.tokens.to_string()),
                    Some(&piece.data.to_string()),
                    Some(&about),
                    (parts.len() > 1).then(|| format!("{} of {}", place + 1, parts.len())).as_deref(),
                ]);
            }
        }
        total
    }

    fn flush_if_full(&mut self) -> io::Result<()> {
        if self.files.bytes.len() + self.parts.bytes.len() >= BLOCK_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes what waits: whole files with their parts.
    fn flush(&mut self) -> io::Result<()> {
        self.out.push(&self.files.take_copy())?;
        self.out.push(&self.parts.take_copy())
    }
}

/// What each part of a file says of the file: title, front matter, pictures left out and the like, without what is
/// long.
fn about(decoded: &Decoded) -> String {
    let keys = [
        "title",
        "front_matter",
        "generator",
        "description",
        "nbformat",
        "language",
        "crate_version",
        "images_left_out",
    ];
    let known = match (&decoded.format, &decoded.parsed) {
        // A description's own keys may have these names and mean other things.
        (Format::OpenApi, _) => Map::new(),
        (_, Value::Object(map)) => {
            keys.iter().filter_map(|key| map.get(*key).map(|value| ((*key).to_owned(), value.clone()))).collect()
        }
        _ => Map::new(),
    };
    Value::Object(known).to_string()
}

/// A name or a reason as PostgreSQL can have it.
fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
