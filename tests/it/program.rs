//! The real binary, on a test's database, and small projects and dumps to run it with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use sqlmig::db::{Connection, Target};
use sqlmig::pipeline::Conductor;
use tempfile::TempDir;

use crate::harness::{Template, TestDb, embedded, program_role as harness_role};

/// A database with the ledger and the schema of the built-in project.
pub static MIGRATED: Template = Template::new("migrated", |target| {
    Box::pin(async move {
        let project = sqlmig::project::Project::builtin().unwrap();
        let conductor = Conductor {
            pool: target.pool(2).unwrap(),
            project,
            events: sqlmig::event::Events::none(),
            vitals: sqlmig::pipeline::Vitals::default(),
            stop: sqlmig::stop::Stop::default(),
            holder: None,
            embed: sqlmig::embed::EmbedOptions::default(),
        };
        conductor.migrate(true).await.unwrap();
        conductor.pool.close();
    })
});

/// What the binary did.
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// Its standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.stdout, self.stderr))
    }

    /// Fails unless it ended with this code.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Fails unless its standard error has each of these parts; one may be in JSON.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        let text = self.stderr.replace("\\\"", "\"").replace("\"hint\":\"", "hint: ");
        for part in parts {
            assert!(text.contains(part), "{part:?} is not in: {text}");
        }
        self
    }
}

/// The connection string of a test's database.
pub async fn url(db: &TestDb) -> String {
    let role = harness_role().unwrap_or_else(|| db.target().user().to_owned());
    url_as(db, &role).await
}

/// How the library reaches a test's database, as the role that the program runs as.
pub async fn target(db: &TestDb) -> Target {
    Target::parse(&url(db).await).unwrap()
}

/// The connection string of a test's database as another role.
async fn url_as(db: &TestDb, role: &str) -> String {
    let name = db.target().database().to_owned();
    if let Ok(given) = std::env::var("SQLMIG_TEST_DATABASE_URL") {
        let (base, parameters) = given.split_once('?').unwrap_or((&given, ""));
        let server = base.split("://").nth(1).unwrap_or(base).split('/').next().unwrap_or_default();
        let (own, place) = server.rsplit_once('@').unwrap_or(("", server));
        // Its own password is no other role's.
        let who = if own.split(':').next() == Some(role) { own } else { role };
        format!("postgres://{who}@{place}/{name}?{parameters}")
    } else {
        let folder = embedded().await.folder().join("data");
        format!("postgres:///{name}?host={}&user={role}", folder.display())
    }
}

/// The binary with these arguments (separated by white space), nothing of the environment, and no database. What it
/// says is text: off a terminal it would be JSON.
pub fn bare(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sqlmig"));
    command.args(arguments.split_whitespace()).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent");
    command.env("SQLMIG_LOG_FORMAT", "text").stdin(Stdio::null());
    command
}

/// The binary with these arguments on a database.
pub async fn on(db: &TestDb, arguments: &str) -> Command {
    let mut command = bare(arguments);
    command.env("DATABASE_URL", url(db).await);
    command
}

/// Runs the binary on a database as another role. A given server must let that role in without a password.
pub async fn as_role(db: &TestDb, role: &str, arguments: &str) -> Outcome {
    let mut command = bare(arguments);
    command.env("DATABASE_URL", url_as(db, role).await);
    finish(command).await
}

/// Runs a command to its end without stopping the test's own connections.
pub async fn finish(mut command: Command) -> Outcome {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs the binary on a database.
pub async fn sqlmig(db: &TestDb, arguments: &str) -> Outcome {
    finish(on(db, arguments).await).await
}

/// A file of the repository's fixtures.
pub fn fixture(name: &str) -> String {
    format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// How many migrations a database without anything needs: the docs project's and the ledger's.
pub fn all_migrations() -> usize {
    let files = |folder: &str| fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap().count();
    files("migrations") + files("sql/ledger")
}

/// The first column of the first row, as text.
pub async fn text(client: &Connection, query: &str) -> String {
    let row = client.query_one(&format!("select ({query})::text"), &[]).await;
    row.unwrap_or_else(|error| panic!("{query}: {:?}", error.as_db_error()))
        .get::<_, Option<String>>(0)
        .unwrap_or_default()
}

/// A number.
pub async fn number(client: &Connection, query: &str) -> i64 {
    text(client, query).await.parse().unwrap_or_else(|error| panic!("{query}: {error}"))
}

/// An MD5 over all rows of the documentation tables, ordered.
pub async fn state(client: &Connection) -> String {
    text(client, include_str!("../sql/state.sql")).await
}

/// A copy of the project `tests/projects/things` that a test may change.
pub struct Things {
    folder: TempDir,
}

impl Things {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projects/things"), folder.path());
        Self { folder }
    }

    /// Writes a file of the project.
    pub fn with(self, path: &str, text: &str) -> Self {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Replaces a part of a file.
    pub fn replacing(self, path: &str, old: &str, new: &str) -> Self {
        let text = fs::read_to_string(self.folder.path().join(path)).unwrap();
        assert!(text.contains(old), "{path} has no {old:?}");
        self.with(path, &text.replace(old, new))
    }

    /// Takes a file out.
    pub fn without(self, path: &str) -> Self {
        fs::remove_file(self.folder.path().join(path)).unwrap();
        self
    }

    /// Adds a check.
    pub fn check(self, name: &str, severity: &str, select: &str) -> Self {
        let text = format!("--! summary: A test's\n--! on: things\n--! severity: {severity}\n{select}\n");
        self.with(&format!("transforms/check/{name}.sql"), &text)
    }

    /// Adds a duplicate rule.
    pub fn dedup(self, name: &str, select: &str) -> Self {
        let text = format!("--! summary: A test's\n--! on: things\n{select}\n");
        self.with(&format!("transforms/dedup/{name}.sql"), &text)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A dump of things: rows of id, name, amount, extra, tags and note, separated by `|`.
    pub fn dump(&self, rows: &[&str]) -> PathBuf {
        let path = self.folder.path().join(".things.sql");
        let rows: String = rows.iter().map(|row| row.replace('|', "\t") + "\n").collect();
        let text = format!(
            "--\n-- PostgreSQL database dump\n--\n\nCOPY public.things (id, name, amount, extra, tags, note) FROM stdin;\n\
             {rows}\\.\n\n--\n-- PostgreSQL database dump complete\n--\n"
        );
        fs::write(&path, text).unwrap();
        path
    }

    /// Loads rows by this project, whatever came before.
    pub async fn run(&self, db: &TestDb, rows: &[&str]) -> Outcome {
        let dump = self.dump(rows);
        sqlmig(db, &format!("run --restart {} --project {} --output json", dump.display(), self.path().display())).await
    }

    /// Another command with this project.
    pub async fn sqlmig(&self, db: &TestDb, arguments: &str) -> Outcome {
        sqlmig(db, &format!("{arguments} --project {} --output json", self.path().display())).await
    }
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
