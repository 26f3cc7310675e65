//! The server and the databases that tests run on.
//!
//! One embedded server per test process, without fsync, ended with the process. `SQLMIG_TEST_DATABASE_URL` names a given
//! server instead (a superuser's, which lets every other role in without a password), `SQLMIG_TEST_PG_VERSION` the major version of the
//! embedded one: 16 or 18, which is the default. Where no server can be had, tests fail; they do not pass by being skipped.

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlmig::db::environment::Environment;
use sqlmig::db::{Embedded, EmbeddedOptions, Target};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::OnceCell;

/// The server of this test process.
pub struct TestServer {
    target: Target,
    /// Whether it was given, rather than started.
    given: bool,
}

static SERVER: OnceCell<TestServer> = OnceCell::const_new();
/// Never dropped: the server ends when this process does.
static EMBEDDED: OnceCell<Embedded> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(1);

/// The role that the program runs as, where it is not the tests' own: `SQLMIG_TEST_ROLE`. It is made without any rights but
/// to create what it needs in each test's database, in which somebody mightier has created pgvector.
pub fn program_role() -> Option<String> {
    std::env::var("SQLMIG_TEST_ROLE").ok().filter(|role| !role.is_empty())
}

/// The major version that is asked for; 18 where none is, so that tests do not depend on what the system has.
pub fn wanted_version() -> u16 {
    let asked = std::env::var("SQLMIG_TEST_PG_VERSION").ok();
    asked.map_or(18, |text| text.parse().expect("SQLMIG_TEST_PG_VERSION is a major version, such as 16"))
}

/// Options for an embedded server in `folder` that is as fast as a test wants it.
pub fn embedded_options(folder: &Path) -> EmbeddedOptions {
    let mut options = EmbeddedOptions::new(folder, EmbeddedOptions::default_cache(&Environment::of_process()));
    options.binaries = std::env::var_os("SQLMIG_POSTGRES_BIN").map(PathBuf::from);
    options.version = Some(wanted_version());
    options.durable = false;
    options
}

/// The server, started by whichever test comes first.
pub async fn server() -> &'static TestServer {
    SERVER.get_or_init(start).await
}

impl TestServer {
    /// The server's own database, as a role that may do everything on it.
    pub fn target(&self) -> Target {
        self.target.clone()
    }
}

async fn start() -> TestServer {
    match std::env::var("SQLMIG_TEST_DATABASE_URL") {
        Ok(url) => {
            let target = Target::parse(&url).expect("SQLMIG_TEST_DATABASE_URL is a connection string");
            TestServer { target, given: true }
        }
        Err(_) => TestServer { target: embedded().await.target(), given: false },
    }
}

/// The embedded server of this test process, for tests that stand something before its socket.
pub async fn embedded() -> &'static Embedded {
    EMBEDDED.get_or_init(start_embedded).await
}

async fn start_embedded() -> Embedded {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("servers");
    fs::create_dir_all(&root).expect("the target folder can be written to");
    remove_leftovers(&root);
    let mut options = embedded_options(&root.join(std::process::id().to_string()));
    options.throwaway = true;
    let started = Embedded::start(options).await;
    started
        .unwrap_or_else(|error| panic!("tests need a PostgreSQL: {error}\nhint: {}", error.hint().unwrap_or_default()))
}

/// Removes the folders of processes that are gone, unless a failed test asked to keep them.
fn remove_leftovers(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let running = Path::new("/proc").join(&name).exists() || !Path::new("/proc").exists();
        if !running && !entry.path().join("keep").exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A socket to the server, for what stands before it.
pub type Wire = Pin<Box<dyn Duplex>>;

/// What is read and written.
pub trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

/// A new socket to the server.
pub async fn wire() -> Wire {
    let Ok(given) = std::env::var("SQLMIG_TEST_DATABASE_URL") else {
        let socket = embedded().await.folder().join("data/.s.PGSQL.5432");
        return Box::pin(UnixStream::connect(socket).await.unwrap());
    };
    let server = given.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    let place = server.rsplit('@').next().unwrap_or_default();
    let place = if place.contains(':') { place.to_owned() } else { format!("{place}:5432") };
    Box::pin(TcpStream::connect(place).await.expect("the given server is reached over TCP"))
}

/// What prepares a template database: gets its target, once per test process and template.
pub type Prepare = fn(Target) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// A database made once and copied for every test.
pub struct Template {
    name: &'static str,
    prepare: Prepare,
    ready: OnceCell<String>,
}

impl Template {
    /// A template of this name, filled by `prepare`: `static MIGRATED: Template = Template::new("migrated", |target| Box::pin(async move { … }));`
    pub const fn new(name: &'static str, prepare: Prepare) -> Self {
        Self { name, prepare, ready: OnceCell::const_new() }
    }

    /// The template's database, prepared by whichever test comes first.
    async fn database(&self) -> &str {
        let make = || async {
            let server = server().await;
            // A given server is shared with other processes; an embedded one has no other.
            let name = format!("sqlmig_template_{}_{}", self.name, std::process::id());
            create(&server.target, &name, "template0").await;
            (self.prepare)(server.target.with_database(&name)).await;
            name
        };
        self.ready.get_or_init(make).await
    }
}

/// An empty database.
pub static EMPTY: Template = Template::new("empty", |_| Box::pin(async {}));

/// A database for one test: dropped at the end, kept if the test failed.
pub struct TestDb {
    target: Target,
}

impl TestDb {
    /// An empty database whose name begins with `name`.
    pub async fn new(name: &str) -> Self {
        Self::from(&EMPTY, name).await
    }

    /// A copy of a template.
    pub async fn from(template: &Template, name: &str) -> Self {
        let server = server().await;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sqlmig_test_{name}_{}_{number}", std::process::id());
        create(&server.target, &name, template.database().await).await;
        let db = Self { target: server.target.with_database(&name) };
        db.hand_over().await;
        db
    }

    /// Gives what is in it to the role that the program runs as. To be called again by a test that makes tables which the program
    /// is to take for its own.
    pub async fn hand_over(&self) {
        hand_over(&self.target).await;
    }

    /// How to reach it.
    pub fn target(&self) -> Target {
        self.target.clone()
    }

    /// How another program reaches it, as a connection string of libpq's.
    pub async fn url(&self) -> String {
        let database = self.target.database();
        if let Ok(given) = std::env::var("SQLMIG_TEST_DATABASE_URL") {
            let start = given.find("://").map_or(0, |at| at + 3);
            let (server, rest) = given[start..].split_once('/').unwrap_or((&given[start..], ""));
            let settings = rest.find('?').map_or("", |at| &rest[at..]);
            return format!("{}{server}/{database}{settings}", &given[..start]);
        }
        let client = self.connect().await;
        let setting = async |name: &str| -> String {
            client.query_one("select current_setting($1)", &[&name]).await.unwrap().get(0)
        };
        let (folder, port) = (setting("unix_socket_directories").await, setting("port").await);
        format!("postgresql:///{database}?host={folder}&port={port}&user={}", self.target.user())
    }

    /// The folder of the server's own programs, `pg_dump` among them: the client's version must be the server's.
    pub async fn programs(&self) -> PathBuf {
        let client = self.connect().await;
        let row = client.query_one("select setting from pg_config where name = 'BINDIR'", &[]).await.unwrap();
        let folder = PathBuf::from(row.get::<_, String>(0));
        // A given server may be of another machine.
        let here =
            || std::env::var_os("SQLMIG_POSTGRES_BIN").expect("SQLMIG_POSTGRES_BIN names programs of its version");
        if folder.join("pg_dump").exists() { folder } else { here().into() }
    }

    /// A connection to it.
    pub async fn connect(&self) -> sqlmig::db::Connection {
        self.target.connect().await.expect("the test's database can be reached")
    }
}

/// Gives what is in a database to the role that the program runs as, where that is not the tests' own.
pub async fn hand_over(target: &Target) {
    let Some(role) = program_role() else { return };
    let client = target.connect().await.expect("the test's database can be reached");
    let rights = include_str!("../sql/program_role.sql").replace("ROLE", &role);
    client.batch_execute(&rights).await.unwrap_or_else(|error| panic!("{:?}", error.as_db_error()));
    client.close().await;
}

/// Copies a database. Nobody may be connected to one that is being copied, and two copies at once get in each other's
/// way, so this takes turns.
async fn create(server: &Target, name: &str, template: &str) {
    let client = server.connect().await.expect("the test server can be reached");
    client.batch_execute("select pg_advisory_lock(7363)").await.expect("the turn to create a database comes");
    let statement = format!("create database {name} template {template} encoding 'UTF8'");
    client.batch_execute(&statement).await.unwrap_or_else(|error| panic!("{statement}: {:?}", error.as_db_error()));
    client.close().await;
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let name = self.target.database().to_owned();
        if std::thread::panicking() {
            keep(&name);
            return;
        }
        let Some(server) = SERVER.get() else { return };
        let target = server.target();
        // A drop cannot wait on the test's own runtime, which may have a single thread.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
            runtime.block_on(async {
                let client = target.connect().await.expect("the test server can be reached");
                let statement = format!("drop database if exists {name} with (force)");
                client.batch_execute(&statement).await.expect("the test's database can be dropped");
            });
        });
        let _ = dropped.join();
    }
}

fn keep(name: &str) {
    match (SERVER.get(), EMBEDDED.get()) {
        (Some(TestServer { given: false, .. }), Some(embedded)) => {
            let folder = embedded.folder();
            let _ = fs::write(folder.join("keep"), "");
            let data = folder.join("data");
            eprintln!(
                "kept database {name}; as the owner of that folder: postgres -D {data} -k {data} -c listen_addresses= & \
                 psql -h {data} -U postgres {name}; then remove {folder}",
                data = data.display(),
                folder = folder.display()
            );
        }
        _ => eprintln!("kept database {name}"),
    }
}
