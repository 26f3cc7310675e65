//! A PostgreSQL of sqlmig's own, in a folder: found on the system or fetched, started, joined, stopped.
//!
//! ```text
//! .sqlmig/
//!   data/         the data directory; the server's unix socket is in it, so only its owner (and root) gets near
//!   server.log    what the server says
//!   lock          held while a server is started or stopped
//!   users         held, shared, by every process that uses the server; the last one to leave stops it
//! ```
//!
//! Who may connect is decided by the kernel (`peer`): the user who runs sqlmig, the user the server runs as, and root.
//! There is no password that could leak. `PostgreSQL` refuses to run as root; there it runs as `nobody`, or as the owner of
//! the data directory.

mod account;
mod error;
mod fetch;
mod find;
mod folder;
mod server;

use std::fs::File;
use std::path::PathBuf;

pub use error::EmbeddedError;

use self::account::Account;
use self::folder::Folder;
use self::server::Server;
use super::conninfo::Target;

/// The database that a new server gets for sqlmig.
const DATABASE: &str = "sqlmig";
/// The server's superuser, whom the map of `peer` lets the local user be.
const SUPERUSER: &str = "postgres";
const PORT: u16 = 5432;
/// What is used where neither a setting nor an existing data directory says otherwise.
const DEFAULT_MAJOR: u16 = 18;
/// Each attempt is a new look at the folder.
const JOIN_ATTEMPTS: u32 = 3;

/// Where the server lives and where its programs come from.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// Folder of this server, usually `.sqlmig`; created if missing.
    pub folder: PathBuf,
    /// The folder with `postgres` and `initdb` to use, whatever else there is.
    pub binaries: Option<PathBuf>,
    /// Major version that is wanted; else the one of the data directory, the newest of the system, or 18.
    pub version: Option<u16>,
    /// Whether a missing PostgreSQL may be downloaded.
    pub fetch: bool,
    /// Where downloads are kept, usually `~/.cache/sqlmig`.
    pub cache: PathBuf,
    /// Whether committed data must survive a power cut. Tests do without.
    pub durable: bool,
    /// Whether the server and its data vanish with this process, however it ends, unless a file `keep` is in the
    /// folder. For tests.
    pub throwaway: bool,
}

impl EmbeddedOptions {
    /// A durable server in `folder`, of any version, downloaded to `cache` if need be.
    pub fn new(folder: impl Into<PathBuf>, cache: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            binaries: None,
            version: None,
            fetch: true,
            cache: cache.into(),
            durable: true,
            throwaway: false,
        }
    }

    /// `sqlmig` in the user's cache directory: `$XDG_CACHE_HOME`, else `~/.cache`.
    #[must_use]
    pub fn default_cache(environment: &super::environment::Environment) -> PathBuf {
        let base = environment.get("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let base = base.or_else(|| environment.home().map(|home| home.join(".cache")));
        base.unwrap_or_else(|| PathBuf::from("/var/cache")).join("sqlmig")
    }
}

/// A server in use. [`Embedded::stop`] it: dropped, it is only told to stop, and not waited for.
pub struct Embedded {
    server: Server,
    folder: Folder,
    users: Option<File>,
    description: String,
    target: Target,
}

impl Embedded {
    /// Uses the server of the folder: joins it if it runs, else starts it, after making or fetching what is missing.
    ///
    /// # Errors
    /// Each names what is missing or wrong, and its hint the remedy.
    pub async fn start(options: EmbeddedOptions) -> Result<Self, EmbeddedError> {
        // A running server may be on its way out; then the next look finds it gone and starts another.
        for _ in 1..JOIN_ATTEMPTS {
            match Self::attempt(options.clone()).await {
                Err((_, true)) => {}
                other => return other.map_err(|(error, _)| error),
            }
        }
        Self::attempt(options).await.map_err(|(error, _)| error)
    }

    /// One try; with an error comes whether it was another's server that went away.
    async fn attempt(options: EmbeddedOptions) -> Result<Self, (EmbeddedError, bool)> {
        // Files, child processes and downloads: nothing of it belongs on an async thread.
        let prepared = tokio::task::spawn_blocking(move || prepare(&options)).await;
        let prepared = prepared.map_err(|_| (EmbeddedError::Interrupted, false))?;
        let Prepared { folder, mut server, users, lock, mut notes, what } = prepared.map_err(|error| (error, false))?;
        let target = Target::on_socket(&server.socket_folder, PORT, SUPERUSER, "postgres");
        if let Err(error) = server.wait_until_ready(&target, &folder).await {
            let gone = server.is_joined() && matches!(error, EmbeddedError::Start { .. });
            return Err((error, gone));
        }
        let target = server::ensure_database(&target, DATABASE).await.map_err(|error| (error.into(), false))?;
        drop(lock);
        let socket = server.socket_folder.display();
        notes.insert(0, format!("{what} in {} (psql -h {socket} -U {SUPERUSER} {DATABASE})", folder.base.display()));
        Ok(Self { server, folder, users: Some(users), description: notes.join("; "), target })
    }

    /// How to reach it: a database of its own, as superuser, over the unix socket.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target.clone()
    }

    /// One line: what was found, fetched, started or joined, and where.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Where this server's files are, which is not below the folder that was asked for if the server's user can't get there.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        &self.folder.base
    }

    /// Leaves the server. The last one to leave stops it, and waits for that, unless other clients are connected.
    /// Says whether it was stopped.
    ///
    /// # Errors
    /// When it does not stop within a minute.
    pub async fn stop(mut self) -> Result<bool, EmbeddedError> {
        let Some(users) = self.users.take() else { return Ok(false) };
        let folder = self.folder.clone();
        let lock =
            tokio::task::spawn_blocking(move || folder.lock()).await.map_err(|_| EmbeddedError::Interrupted)??;
        let last = self.folder.leave(users)?;
        if !last || server::other_clients(&self.target).await {
            return Ok(false);
        }
        self.server.stop(&self.folder).await?;
        drop(lock);
        Ok(true)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Some(users) = self.users.take()
            && self.folder.leave(users).unwrap_or(false)
        {
            self.server.interrupt();
        }
    }
}

struct Prepared {
    folder: Folder,
    server: Server,
    users: File,
    /// Held until the server answers, so that a second process joins rather than starts.
    lock: File,
    notes: Vec<String>,
    what: String,
}

fn prepare(options: &EmbeddedOptions) -> Result<Prepared, EmbeddedError> {
    let mut notes = Vec::new();
    let account = Account::for_server(&options.folder)?;
    let folder = Folder::open(&options.folder, &account, &mut notes)?;
    let lock = folder.lock()?;
    let users = folder.enter()?;
    let existing = folder.existing_major()?;
    if let (Some(found), Some(wanted)) = (existing, options.version)
        && found != wanted
    {
        return Err(EmbeddedError::OtherVersion { folder: folder.data(), found, wanted });
    }
    if let Some(server) = Server::running(&folder, &mut notes)? {
        let version = existing.unwrap_or_default();
        let what = format!("joined the running PostgreSQL {version}, process {},", server.pid);
        return Ok(Prepared { folder, server, users, lock, notes, what });
    }
    let binaries = find::binaries(options, existing, &account, &mut notes)?;
    if let Some(found) = existing
        && found != binaries.major
    {
        return Err(EmbeddedError::OtherVersion { folder: folder.data(), found, wanted: binaries.major });
    }
    if existing.is_none() {
        server::initialise(&folder, &binaries, &account, options.durable)?;
    }
    let server = Server::spawn(&folder, &binaries, &account, options)?;
    let verb = if existing.is_none() { "created and started" } else { "started" };
    let what = format!("{verb} PostgreSQL {} ({})", binaries.version, binaries.origin);
    Ok(Prepared { folder, server, users, lock, notes, what })
}
