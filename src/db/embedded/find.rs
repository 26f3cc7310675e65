//! Where the server's programs are: a setting, the system, or what was fetched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::account::Account;
use super::error::EmbeddedError;
use super::{DEFAULT_MAJOR, EmbeddedOptions, fetch};

/// Versions that sqlmig works with.
const MAJORS: std::ops::RangeInclusive<u16> = 15..=18;

/// The first pgvector with `halfvec` and `sparsevec`.
const OLDEST_PGVECTOR: (u16, u16) = (0, 7);

/// A folder of programs that can make and run a server.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    pub(super) folder: PathBuf,
    /// As the program writes it, e.g. `18.4`.
    pub(super) version: String,
    pub(super) major: u16,
    /// For people: where they come from.
    pub(super) origin: String,
}

impl Binaries {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Looks into a folder; the reason why it will not do is for people.
    fn inspect(folder: &Path, origin: &str) -> Result<Self, String> {
        // Debian's /usr/local/bin and /usr/bin hold links and wrappers; the folder behind them has all the programs.
        let postgres = fs::canonicalize(folder.join("postgres")).map_err(|_| "there is no postgres".to_owned())?;
        let folder = postgres.parent().map(Path::to_path_buf).ok_or("there is no folder")?;
        if !folder.join("initdb").exists() {
            return Err("there is no initdb".into());
        }
        let text = output(&postgres, "--version")?;
        let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        let version = version.ok_or_else(|| format!("postgres --version says {text:?}"))?.to_owned();
        let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
        let major = digits.parse().map_err(|_| format!("postgres --version says {text:?}"))?;
        let origin = format!("{origin}, {}", folder.display());
        Ok(Self { folder, version, major, origin })
    }

    /// The version of pgvector that belongs to these programs.
    fn pgvector(&self) -> Option<String> {
        let mut shares = Vec::new();
        let pg_config = self.program("pg_config");
        if pg_config.exists()
            && let Ok(share) = output(&pg_config, "--sharedir")
        {
            shares.push(PathBuf::from(share));
        }
        if let Some(root) = self.folder.parent() {
            shares.extend([root.join("share/postgresql"), root.join("share")]);
        }
        shares.push(PathBuf::from(format!("/usr/share/postgresql/{}", self.major)));
        let control =
            shares.iter().find_map(|share| fs::read_to_string(share.join("extension/vector.control")).ok())?;
        let line = control.lines().find(|line| line.trim_start().starts_with("default_version"))?;
        Some(line.split_once('=')?.1.trim().trim_matches('\'').to_owned())
    }

    /// Why these programs cannot serve a load with vectors, if they cannot.
    fn refusal(&self, wanted: Option<u16>, account: &Account) -> Option<String> {
        if !MAJORS.contains(&self.major) {
            return Some(format!("PostgreSQL {} is not one of 15 to 18", self.version));
        }
        if wanted.is_some_and(|wanted| wanted != self.major) {
            return Some(format!("it is PostgreSQL {}", self.version));
        }
        if !account.reaches(&self.folder) {
            return Some(format!("user {:?} cannot enter it", account.name));
        }
        match self.pgvector() {
            None => Some(format!("PostgreSQL {} there has no pgvector", self.version)),
            Some(version) if is_older(&version) => Some(format!("pgvector {version} there is older than 0.7")),
            Some(_) => None,
        }
    }
}

fn is_older(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < OLDEST_PGVECTOR
}

/// The programs to use: those of the setting, of the system, or fetched ones. `existing` is the data directory's version.
pub(super) fn binaries(
    options: &EmbeddedOptions,
    existing: Option<u16>,
    account: &Account,
    notes: &mut Vec<String>,
) -> Result<Binaries, EmbeddedError> {
    let wanted = options.version.or(existing);
    if let Some(folder) = &options.binaries {
        return explicit(folder, wanted, account, notes);
    }
    let mut looked = Vec::new();
    let mut found = Vec::new();
    for folder in system_folders() {
        match Binaries::inspect(&folder, "the system's") {
            Ok(candidate) => match candidate.refusal(wanted, account) {
                None => found.push(candidate),
                Some(reason) => looked.push(format!("{}: {reason}", candidate.folder.display())),
            },
            Err(reason) => looked.push(format!("{}: {reason}", folder.display())),
        }
    }
    if let Some(newest) = found.into_iter().max_by_key(|candidate| candidate.major) {
        return Ok(newest);
    }
    let major = wanted.unwrap_or(DEFAULT_MAJOR);
    let Some(tree) = fetch::tree(options, account, notes)? else {
        looked.push(format!("{}: nothing was fetched yet", options.cache.display()));
        looked.sort();
        looked.dedup();
        return Err(EmbeddedError::NotFound { looked: format!("; looked at {}", looked.join("; ")), wanted });
    };
    let Some(folder) = fetch::programs(&tree, major) else {
        let looked = format!("; the portable build holds 16 and 18, not {major}");
        return Err(EmbeddedError::NotFound { looked, wanted });
    };
    Binaries::inspect(&folder, "portable build")
        .map_err(|reason| EmbeddedError::Program { program: folder.join("postgres"), reason })
}

fn explicit(
    folder: &Path,
    wanted: Option<u16>,
    account: &Account,
    notes: &mut Vec<String>,
) -> Result<Binaries, EmbeddedError> {
    let unusable = |reason| EmbeddedError::Program { program: folder.join("postgres"), reason };
    let binaries = Binaries::inspect(folder, "as set").map_err(unusable)?;
    match binaries.refusal(wanted, account) {
        // Asked for by name: loads without vectors work with it.
        Some(reason) if reason.contains("pgvector") => notes.push(reason),
        Some(reason) => return Err(unusable(reason)),
        None => {}
    }
    Ok(binaries)
}

/// Debian's folders first, whose programs have their version in the path, then those of `PATH`.
fn system_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for root in ["/usr/lib/postgresql", "/usr/pgsql-18", "/usr/pgsql-17", "/usr/pgsql-16", "/usr/pgsql-15"] {
        let nested = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
        folders.extend(nested.chain([Path::new(root).join("bin")]));
    }
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    let mut known = Vec::new();
    folders.retain(|folder| {
        let real = fs::canonicalize(folder.join("postgres"));
        real.is_ok_and(|real| {
            !known.contains(&real) && {
                known.push(real);
                true
            }
        })
    });
    folders
}

fn output(program: &Path, argument: &str) -> Result<String, String> {
    let output =
        Command::new(program).arg(argument).stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("{} {argument}: {}", program.display(), String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
