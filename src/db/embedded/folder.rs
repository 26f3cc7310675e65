//! The folder of an embedded server and its two lock files.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use sha2::{Digest, Sha256};

use super::account::Account;
use super::error::{EmbeddedError, io_error};

/// Longest path of a unix socket that every system takes: `sun_path` has 104 bytes on macOS and 108 on Linux.
const MAX_SOCKET_PATH_BYTES: usize = 103;

#[derive(Debug, Clone)]
pub(super) struct Folder {
    /// Absolute, without symbolic links.
    pub(super) base: PathBuf,
}

impl Folder {
    /// Makes the folder if need be. One that the server's user cannot get to is replaced by one in `/var/tmp`.
    pub(super) fn open(asked: &Path, account: &Account, notes: &mut Vec<String>) -> Result<Self, EmbeddedError> {
        if !asked.exists() {
            fs::create_dir_all(asked).map_err(io_error(asked))?;
            // Whatever the umask: the server's user must get to the data in it, which has stricter permissions.
            fs::set_permissions(asked, fs::Permissions::from_mode(0o755)).map_err(io_error(asked))?;
        }
        let base = fs::canonicalize(asked).map_err(io_error(asked))?;
        if account.reaches(&base) {
            // What is in here belongs to this machine; version control passes it by.
            let ignore = base.join(".gitignore");
            if !ignore.exists() {
                fs::write(&ignore, "*\n").map_err(io_error(&ignore))?;
            }
            return Ok(Self { base });
        }
        let elsewhere = PathBuf::from(format!("/var/tmp/sqlmig-{}", short_hash(&base)));
        own_folder(&elsewhere, 0o755)?;
        notes.push(format!("its data is there because user {:?} cannot enter {}", account.name, base.display()));
        Ok(Self { base: elsewhere })
    }

    pub(super) fn data(&self) -> PathBuf {
        self.base.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.base.join("server.log")
    }

    /// The folder for the socket: the data directory, which only the server's user can enter, or a short one in `/tmp`
    /// where the path would be too long for a socket.
    pub(super) fn socket_folder(&self, account: &Account) -> Result<PathBuf, EmbeddedError> {
        let data = self.data();
        if data.as_os_str().as_bytes().len() + "/.s.PGSQL.5432".len() <= MAX_SOCKET_PATH_BYTES {
            return Ok(data);
        }
        let short = PathBuf::from(format!("/tmp/sqlmig-{}", short_hash(&self.base)));
        if !short.exists() {
            own_folder(&short, 0o700)?;
            account.own(&short)?;
        }
        // Someone else's folder of this name could put another server in our place.
        let owner = fs::symlink_metadata(&short).map_err(io_error(&short))?;
        let expected = fs::metadata(&data).map_err(io_error(&data))?.uid();
        if !owner.is_dir() || owner.uid() != expected {
            return Err(EmbeddedError::ForeignFolder(short));
        }
        Ok(short)
    }

    /// The major version that made the data directory, if there is one.
    pub(super) fn existing_major(&self) -> Result<Option<u16>, EmbeddedError> {
        let path = self.data().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(Some).map_err(|_| EmbeddedError::BrokenData(self.data())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if self.data().exists() {
                    Err(EmbeddedError::BrokenData(self.data()))
                } else {
                    Ok(None)
                }
            }
            Err(error) => Err(io_error(&path)(error)),
        }
    }

    /// Waits for the right to start or stop the server.
    pub(super) fn lock(&self) -> Result<File, EmbeddedError> {
        let path = self.base.join("lock");
        let file = open_lock(&path)?;
        file.lock().map_err(io_error(&path))?;
        Ok(file)
    }

    /// Counts this process among the users of the server, until the file is closed.
    pub(super) fn enter(&self) -> Result<File, EmbeddedError> {
        let path = self.base.join("users");
        let file = open_lock(&path)?;
        file.lock_shared().map_err(io_error(&path))?;
        Ok(file)
    }

    /// Ends this process's use of the server; says whether it was the last.
    pub(super) fn leave(&self, users: File) -> Result<bool, EmbeddedError> {
        drop(users);
        let path = self.base.join("users");
        match open_lock(&path)?.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(io_error(&path)(error)),
        }
    }
}

fn open_lock(path: &Path) -> Result<File, EmbeddedError> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path).map_err(io_error(path))
}

/// A folder in a place where everyone can write: ours, or an error.
fn own_folder(path: &Path, mode: u32) -> Result<(), EmbeddedError> {
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io_error(path)(error)),
    }
    let metadata = fs::symlink_metadata(path).map_err(io_error(path))?;
    if metadata.is_dir() && metadata.uid() == geteuid().as_raw() {
        Ok(())
    } else {
        Err(EmbeddedError::ForeignFolder(path.to_owned()))
    }
}

fn short_hash(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_bytes());
    let number = digest[..6].iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{number:012x}")
}
