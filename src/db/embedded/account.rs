//! The operating system's user that the server runs as.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Uid, User, geteuid};

use super::error::{EmbeddedError, io_error};

/// A user for the server, and whether it is another than this process's.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) name: String,
    uid: u32,
    gid: u32,
    /// Set when this process is root and must step down for the server.
    switch: bool,
}

impl Account {
    /// This process's user; for root the owner of an existing data directory, else `nobody`.
    pub(super) fn for_server(folder: &Path) -> Result<Self, EmbeddedError> {
        let own = geteuid();
        if !own.is_root() {
            let user = lookup(User::from_uid(own), &own.to_string())?;
            return Ok(Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw(), switch: false });
        }
        let owner = fs::metadata(folder.join("data")).ok().map(|metadata| metadata.uid()).filter(|uid| *uid != 0);
        let user = match owner {
            Some(uid) => lookup(User::from_uid(Uid::from_raw(uid)), &uid.to_string())?,
            None => lookup(User::from_name("nobody"), "nobody")?,
        };
        Ok(Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw(), switch: true })
    }

    /// A command that runs as this user, in no particular folder and without any of libpq's or PostgreSQL's variables.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C").current_dir("/");
        if self.switch {
            // Also drops the supplementary groups of root.
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Makes a file or folder this user's.
    pub(super) fn own(&self, path: &Path) -> Result<(), EmbeddedError> {
        if self.switch {
            chown(path, Some(self.uid), Some(self.gid)).map_err(io_error(path))?;
        }
        Ok(())
    }

    /// Whether this user can get to `path` and read what everyone may read there.
    pub(super) fn reaches(&self, path: &Path) -> bool {
        if !self.switch {
            return true;
        }
        let Ok(path) = fs::canonicalize(path) else { return false };
        path.ancestors().all(|folder| {
            fs::metadata(folder).is_ok_and(|metadata| {
                let bit = if metadata.uid() == self.uid {
                    0o100
                } else if metadata.gid() == self.gid {
                    0o010
                } else {
                    0o001
                };
                metadata.mode() & bit != 0
            })
        })
    }
}

fn lookup(found: nix::Result<Option<User>>, name: &str) -> Result<User, EmbeddedError> {
    found.ok().flatten().ok_or_else(|| EmbeddedError::NoUser(name.to_owned()))
}
