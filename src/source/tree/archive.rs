//! Archives, walked like folders: zip, tar, and tar in gzip, as cargo's .crate files are.
//!
//! An archive is hostile input: names are data and never become paths of this machine, each file is held to the limit of
//! files while it is decompressed, and an archive as a whole to limits of its own.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::ignored::{self, Fate, Rules, holds_rules};
use super::manifest::is_manifest;

/// Bytes that the files of one archive may have together, and files: beyond, it is a bomb.
const MOST_BYTES: u64 = 4 << 30;
const MOST_FILES: u64 = 500_000;

/// Folders that a file may be in: more than any system lets one write by its path.
const MOST_FOLDERS: usize = 256;

/// Whether a name is that of an archive that is walked.
pub(super) fn is_archive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".zip", ".tar", ".tar.gz", ".tgz", ".crate"].iter().any(|ending| name.ends_with(ending))
}

/// A file inside an archive.
pub(super) struct Inside {
    /// Its name, `/` between its parts.
    pub name: String,
    /// Its bytes; or why they are not read.
    pub content: Result<Vec<u8>, String>,
}

/// What a walk of an archive came to.
pub(super) struct Walked {
    /// Files that were left out: by rules of .gitignore and .ignore files, or because their names begin with a dot.
    pub left_out: u64,
    /// Why it was not read to its end.
    pub damage: Option<String>,
}

/// Reads the files of an archive one after another; `visit` may end it with an error. Of a damaged archive, what comes
/// before the damage is visited. It is gone through twice: rules may come after the files that they leave out.
pub(super) fn walk<E>(path: &Path, limit: u64, mut visit: impl FnMut(Inside) -> Result<(), E>) -> Result<Walked, E> {
    let rules = match rules(path) {
        Ok(rules) => rules,
        Err(reason) => return Ok(Walked { left_out: 0, damage: Some(reason) }),
    };
    let mut left_out = 0;
    let mut choose = |name: &str| {
        let fate = rules.fate(name);
        left_out += u64::from(fate == Fate::LeftOut);
        fate == Fate::Read
    };
    let damage = each(path, limit, &mut choose, &mut visit)?.err();
    Ok(Walked { left_out, damage })
}

/// The rules of an archive: what can be read of them, for damage is told of when its files are read. Too many are
/// refused: a file that is to be left out must not be read.
fn rules(path: &Path) -> Result<Rules, String> {
    let (mut rules, mut left) = (Rules::default(), ignored::MOST_BYTES);
    let read = each::<String>(path, ignored::MOST_BYTES, &mut holds_rules, &mut |inside: Inside| {
        let size = match &inside.content {
            Ok(bytes) => bytes.len() as u64,
            Err(reason) if *reason == over(ignored::MOST_BYTES) => u64::MAX,
            // A link, or a name that is refused.
            Err(_) => return Ok(()),
        };
        let most = crate::limits::ByteSize(ignored::MOST_BYTES);
        left = left
            .checked_sub(size)
            .ok_or_else(|| format!("its .gitignore and .ignore files are larger than {most}, and it is not read"))?;
        if let Ok(bytes) = &inside.content {
            rules.add(&inside.name, bytes);
        }
        Ok(())
    });
    read.map(|_damage| rules)
}

/// Goes through the files of an archive: what `choose` says yes to by its name is read, and `visit` gets it. A name
/// that is refused is visited without being asked about. The answer of a damaged archive is why it is.
fn each<E>(
    path: &Path,
    limit: u64,
    choose: &mut dyn FnMut(&str) -> bool,
    visit: &mut dyn FnMut(Inside) -> Result<(), E>,
) -> Result<Result<(), String>, E> {
    let input = match File::open(path) {
        Ok(file) => BufReader::new(file),
        Err(error) => return Ok(Err(error.to_string())),
    };
    let name = path.to_string_lossy().to_ascii_lowercase();
    let mut budget = Budget { bytes: MOST_BYTES, files: MOST_FILES };
    let is = |ending: &str| name.ends_with(ending);
    if is(".zip") {
        return zip(input, limit, &mut budget, choose, visit);
    }
    if is(".tar") {
        tar(input, limit, &mut budget, choose, visit)
    } else {
        tar(MultiGzDecoder::new(input), limit, &mut budget, choose, visit)
    }
}

struct Budget {
    bytes: u64,
    files: u64,
}

impl Budget {
    fn spend(&mut self, bytes: u64) -> Result<(), String> {
        match (self.bytes.checked_sub(bytes), self.files.checked_sub(1)) {
            (Some(bytes), Some(files)) => {
                *self = Self { bytes, files };
                Ok(())
            }
            _ => Err(format!("it holds more than {MOST_FILES} files or {MOST_BYTES} bytes, and is not read on")),
        }
    }
}

/// What a name says is checked, though it is never used as a path: a file that claims to be elsewhere is no documentation.
fn checked(name: &str) -> Result<String, String> {
    let unix = name.replace('\\', "/");
    if unix.starts_with('/') || unix.get(1..3) == Some(":/") {
        return Err("its name is an absolute path".to_owned());
    }
    if unix.split('/').any(|part| part == "..") {
        return Err("its name leads out of the archive".to_owned());
    }
    let parts: Vec<&str> = unix.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.len() > MOST_FOLDERS {
        return Err(format!("it is in more than {MOST_FOLDERS} folders"));
    }
    Ok(parts.join("/"))
}

/// Bytes up to the limit.
fn bounded(reader: impl Read, limit: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    match reader.take(limit.saturating_add(1)).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() as u64 > limit => Err(over(limit)),
        Ok(_) => Ok(bytes),
        Err(error) => Err(format!("it can't be decompressed: {error}")),
    }
}

/// Why a file of more bytes than allowed is not read.
pub(super) fn over(limit: u64) -> String {
    format!("it is larger than {}, the most that --file-limit allows", crate::limits::ByteSize(limit))
}

fn is_hidden(name: &str) -> bool {
    name.split('/').any(|part| part.starts_with('.'))
}

fn zip<E>(
    input: BufReader<File>,
    limit: u64,
    budget: &mut Budget,
    choose: &mut dyn FnMut(&str) -> bool,
    visit: &mut dyn FnMut(Inside) -> Result<(), E>,
) -> Result<Result<(), String>, E> {
    let mut archive = match zip::ZipArchive::new(input) {
        Ok(archive) => archive,
        Err(error) => return Ok(Err(format!("it is no zip archive that can be read: {error}"))),
    };
    for place in 0..archive.len() {
        let inside = match archive.by_index(place) {
            Ok(file) if file.is_dir() => continue,
            Ok(file) => {
                let raw = file.name().map_or_else(|_| format!("#{place}"), std::borrow::Cow::into_owned);
                let named = checked(&raw);
                if named.as_ref().is_ok_and(|name| !choose(name)) {
                    if let Err(reason) = budget.spend(0) {
                        return Ok(Err(reason));
                    }
                    continue;
                }
                let is_link = file.is_symlink();
                let content = match &named {
                    Err(reason) => Err(reason.clone()),
                    Ok(_) if is_link => Err("a symbolic link inside an archive".to_owned()),
                    Ok(_) => bounded(file, limit),
                };
                Inside { name: named.unwrap_or(raw), content }
            }
            Err(error) => Inside { name: format!("#{place}"), content: Err(format!("it can't be read: {error}")) },
        };
        if let Err(reason) = budget.spend(inside.content.as_ref().map_or(0, |bytes| bytes.len() as u64)) {
            return Ok(Err(reason));
        }
        visit(inside)?;
    }
    Ok(Ok(()))
}

fn tar<E>(
    input: impl Read,
    limit: u64,
    budget: &mut Budget,
    choose: &mut dyn FnMut(&str) -> bool,
    visit: &mut dyn FnMut(Inside) -> Result<(), E>,
) -> Result<Result<(), String>, E> {
    let damaged = |error: io::Error| format!("the archive is damaged or cut off: {error}");
    // What is passed over is decompressed too.
    let mut archive = tar::Archive::new(input.take(MOST_BYTES + MOST_BYTES / 4));
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return Ok(Err(damaged(error))),
    };
    for entry in entries {
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(error) => return Ok(Err(damaged(error))),
        };
        let kind = entry.header().entry_type();
        let raw = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let is_link = kind.is_symlink() || kind.is_hard_link();
        let is_device = kind.is_character_special() || kind.is_block_special() || kind.is_fifo();
        // Folders, and what tar keeps for itself.
        if !(kind.is_file() || is_link || is_device) {
            continue;
        }
        let named = checked(&raw);
        let size = entry.size();
        if named.as_ref().is_ok_and(|name| !choose(name)) {
            if let Err(reason) = budget.spend(size) {
                return Ok(Err(reason));
            }
            continue;
        }
        let content = match &named {
            Err(reason) => Err(reason.clone()),
            Ok(_) if is_link => Err("a link inside an archive".to_owned()),
            Ok(_) if is_device => Err("it is no file, but a pipe or device".to_owned()),
            Ok(_) if size > limit => Err(over(limit)),
            Ok(_) => bounded(&mut entry, limit),
        };
        if let Err(reason) = budget.spend(size) {
            return Ok(Err(reason));
        }
        visit(Inside { name: named.unwrap_or(raw), content })?;
    }
    Ok(Ok(()))
}

/// What all names of an archive begin with, and the manifests behind it.
#[expect(clippy::type_complexity, reason = "two answers of one reading")]
pub(super) fn survey(path: &Path, limit: u64) -> io::Result<(Option<String>, Vec<(String, Vec<u8>)>)> {
    let (mut top, mut first) = (None, true);
    let mut manifests: Vec<(String, Vec<u8>)> = Vec::new();
    let survey = &mut |inside: Inside| {
        let own = inside.name.split_once('/').map(|(folder, _)| folder.to_owned());
        if first {
            (top, first) = (own, false);
        } else if own != top {
            top = None;
        }
        let name = inside.name.split_once('/').map_or(inside.name.as_str(), |(_, rest)| rest);
        if let (true, Ok(bytes)) = (is_manifest(name), inside.content) {
            manifests.push((inside.name.clone(), bytes));
        }
        Ok::<_, io::Error>(())
    };
    // One that is damaged says so when it is read: what is whole of it is worth reading.
    drop(each(path, limit, &mut |name: &str| !is_hidden(name), survey)?);
    let prefix = top.as_ref().map(|top| format!("{top}/"));
    let manifests = manifests.into_iter().filter_map(|(name, bytes)| match &prefix {
        Some(prefix) => name.strip_prefix(prefix).map(|name| (name.to_owned(), bytes)),
        None => (!name.contains('/')).then_some((name, bytes)),
    });
    let manifests = manifests.collect();
    Ok((top, manifests))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    /// Reads a tar of three files of four bytes, of which the second is left out, within these bounds; how many were
    /// visited.
    fn read_within(bytes: u64, files: u64) -> (usize, Result<(), String>) {
        let archive = tar_of(&[("a", b"1234"), (".b", b"1234"), ("c", b"1234")]);
        let mut visited = 0;
        let read = tar::<String>(
            archive.as_slice(),
            100,
            &mut Budget { bytes, files },
            &mut |name: &str| !is_hidden(name),
            &mut |inside: Inside| {
                assert_eq!(inside.content.unwrap(), b"1234");
                visited += 1;
                Ok(())
            },
        );
        (visited, read.unwrap())
    }

    #[test]
    fn an_archive_beyond_its_bounds_is_not_read_on() {
        assert_eq!(read_within(12, 3), (2, Ok(())));
        // What is left out counts, too: it is decompressed.
        for (bytes, files) in [(11, 3), (12, 2)] {
            let (visited, read) = read_within(bytes, files);
            assert!(visited == 1 && read.unwrap_err().contains("is not read on"), "{bytes} bytes, {files} files");
        }
    }

    #[test]
    fn names_that_lead_elsewhere_or_too_deep_are_refused() {
        for (name, is) in [("a/./b//c.md", "a/b/c.md"), ("a\\b.md", "a/b.md"), ("..a/b..md", "..a/b..md")] {
            assert_eq!(checked(name).as_deref(), Ok(is));
        }
        let deep = "a/".repeat(MOST_FOLDERS + 1);
        for (name, why) in [
            ("../a.md", "leads out"),
            ("a/../../b.md", "leads out"),
            ("a\\..\\..\\b.md", "leads out"),
            ("/etc/passwd", "absolute"),
            ("\\a.md", "absolute"),
            ("C:\\a.md", "absolute"),
            (deep.as_str(), "more than 256 folders"),
        ] {
            assert!(checked(name).unwrap_err().contains(why), "{name}");
        }
    }
}
