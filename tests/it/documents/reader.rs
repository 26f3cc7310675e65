//! Someone who types what a page says: in an empty folder with the bundled dump, on an empty database.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::block::{Block, How, Language, Run};
use super::stand_ins::{self, Cluster, Network, Registry};
use crate::harness::{TestDb, program_role};
use crate::program::{copy, finish, fixture, url};
use crate::service::Service;

/// What stands in the pages for what a reader has, and the variable that has it here.
const STAND_INS: [(&str, &str); 6] = [
    ("https://files.example.com", "$PAGE_FILES"),
    ("postgres://loader@db.example.com/docs", "$PAGE_DATABASE"),
    ("https://api.openai.com/v1", "$PAGE_EMBEDDINGS"),
    ("http://127.0.0.1:8090/v1", "$PAGE_EMBEDDINGS"),
    ("registry.internal", "$PAGE_REGISTRY"),
    ("019ab1c2-0000-7000-8000-000000000001", "$PAGE_RUN"),
];

/// Programs that not every machine has. A block that needs one which is missing is named on stderr and passed over; `CI=1`
/// makes it a failure.
const TOOLS: [&str; 6] = ["jq", "psql", "pg_dump", "curl", "kubectl", "promtool"];

/// A command that takes longer hangs.
const LIMIT_SECONDS: u64 = 180;
/// One that builds programs.
const SLOW_LIMIT_SECONDS: u64 = 3600;

pub struct Reader {
    folder: TempDir,
    database: TestDb,
    service: Service,
    network: Network,
    cluster: OnceLock<Cluster>,
    registry: OnceLock<Option<Registry>>,
    path: String,
    programs: PathBuf,
}

impl Reader {
    pub async fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        // What a page may speak of as being there.
        for shared in ["fixtures", "transforms", "migrations", "k8s"] {
            if root.join(shared).exists() {
                copy(&root.join(shared), &folder.path().join(shared));
            }
        }
        copy(&root.join("tests/projects/measurements"), &folder.path().join("measurements"));
        fs::copy(fixture("docs.sql.gz"), folder.path().join("dump.sql.gz")).unwrap();
        fs::copy(fixture("docs-newer.sql.gz"), folder.path().join("newer.sql.gz")).unwrap();
        let database = TestDb::new("page").await;
        let programs = database.programs().await;
        let own = Path::new(env!("CARGO_BIN_EXE_sqlmig")).parent().unwrap();
        let stand_ins = stand_ins::programs(folder.path(), &programs);
        let path =
            format!("{}:{}:{}:/usr/local/bin:/usr/bin:/bin", stand_ins.display(), own.display(), programs.display());
        let service = Service::start("127.0.0.1:0", "text-embedding-3-large", 3072).await.unwrap();
        Self {
            folder,
            database,
            service,
            network: Network::start(),
            cluster: OnceLock::new(),
            registry: OnceLock::new(),
            path,
            programs,
        }
    }

    /// Runs one block, or puts the file there that it is; says what went otherwise than the page says.
    pub async fn run(&self, block: &Block) -> Result<(), String> {
        if let Some(file) = &block.file {
            let path = self.folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &block.text).unwrap();
        }
        let How::Run(run) = &block.how else { return Ok(()) };
        let typed = match block.language {
            Language::Console => {
                block.text.lines().filter_map(|line| line.strip_prefix("$ ")).collect::<Vec<_>>().join("\n")
            }
            _ => block.text.clone(),
        };
        if let Some(tool) = self.missing(&format!("{}\n{typed}", run.before)) {
            assert!(std::env::var_os("CI").is_none(), "a block needs {tool}: {typed}");
            eprintln!("not run, for want of {tool}: {typed}");
            return Ok(());
        }
        // Not asked for by CI=1 either: who starts an engine decides more than a test may.
        if typed.contains("docker ") && self.registry().is_none() {
            eprintln!("not run, for want of a container engine and docker-registry: {typed}");
            return Ok(());
        }
        self.shell(&run.before, &Run::default()).await?;
        let done = if block.language == Language::Sql { self.sql(&typed).await } else { self.shell(&typed, run).await };
        self.shell(&run.after, &Run::default()).await?;
        done
    }

    async fn sql(&self, typed: &str) -> Result<(), String> {
        let client = self.database.connect().await;
        let named =
            "select undo_table from sqlmig.batch where target = 'public.documents' and undo_table is not null limit 1";
        let undo: Option<String> = client.query_opt(named, &[]).await.ok().flatten().map(|row| row.get(0));
        let statements = typed
            .replace(":'run'", &format!("'{}'", self.newest_run().await))
            .replace(r#"sqlmig."undo 1a2b3c4d public.documents""#, &undo.unwrap_or_default());
        let outcome = client.batch_execute(&statements).await;
        outcome.map_err(|error| format!("{:?} in\n{statements}", error.as_db_error()))
    }

    async fn shell(&self, typed: &str, run: &Run) -> Result<(), String> {
        if typed.trim().is_empty() {
            return Ok(());
        }
        let state = self.folder.path().join(".state");
        let mut script = typed.to_owned();
        for (name, variable) in STAND_INS {
            script = script.replace(name, variable);
        }
        // Variables and the folder are those of the block before, as they would be in one terminal.
        let script = format!(
            "set -eo pipefail -o allexport\ntest ! -e {state} || . {state}\n\
             trap 'code=$?; {{ export -p; printf \"cd %q\\n\" \"$PWD\"; }} > {state}; exit $code' EXIT\n\
             PAGE_RUN={run}\n{mightier}\n{script}\n",
            state = state.display(),
            mightier = self.mightier().await,
            run = self.newest_run().await,
        );
        let limit = if run.slow.is_some() { SLOW_LIMIT_SECONDS } else { LIMIT_SECONDS };
        let seconds = run.stopped_after_seconds.unwrap_or(limit);
        let mut command = Command::new("timeout");
        command.arg(seconds.to_string()).args(["bash", "-c", &script]).current_dir(self.folder.path());
        command.env_clear().env("PATH", &self.path).env("HOME", self.folder.path()).env("LC_ALL", "C.UTF-8");
        let url = url(&self.database).await;
        command.env("PAGE_REPOSITORY", env!("CARGO_MANIFEST_DIR"));
        command.env("PAGE_DATABASE", &url).env("PAGE_EMBEDDINGS", self.service.url());
        command.envs(self.network.variables());
        command.envs(run.slow.iter().map(|_| ("SQLMIG_TRY", "1")));
        if let Some(registry) = self.registry.get().and_then(Option::as_ref) {
            command.env("PAGE_REGISTRY", registry.address());
        }
        if typed.contains("kubectl ") {
            command.env("KUBECONFIG", self.cluster.get_or_init(|| Cluster::start(self.folder.path())).config());
        }
        for name in ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "RUSTFLAGS"] {
            let of_home = |folder: &str| std::env::var("HOME").map(|home| format!("{home}/{folder}"));
            let value = std::env::var(name).or_else(|missing| match name {
                "CARGO_HOME" => of_home(".cargo"),
                "RUSTUP_HOME" => of_home(".rustup"),
                _ => Err(missing),
            });
            command.envs(value.ok().map(|value| (name, value)));
        }
        // A reader sits at a terminal, where log lines are text.
        command.env("DATABASE_URL", &url).env("SQLMIG_POSTGRES_BIN", &self.programs).env("SQLMIG_LOG_FORMAT", "text");
        let outcome = finish(command).await;
        let stopped = run.stopped_after_seconds.is_some() && outcome.code == 124;
        if stopped || outcome.code == run.code {
            return Ok(());
        }
        Err(format!(
            "ended with {}, not {}\n{typed}\n--- stdout\n{}\n--- stderr\n{}",
            outcome.code,
            run.code,
            end_of(&outcome.stdout),
            end_of(&outcome.stderr)
        ))
    }

    /// Where images are pushed to, once it is asked for.
    fn registry(&self) -> Option<&Registry> {
        self.registry.get_or_init(|| Registry::start(self.folder.path())).as_ref()
    }

    /// Examples are tried in a database of their own, which is no part of loading: where the program runs as a role that may not
    /// make one, `sqlmig test` alone runs as the tests' own.
    async fn mightier(&self) -> String {
        if program_role().is_none() {
            return String::new();
        }
        let url = self.database.url().await;
        format!(
            "sqlmig() {{ if [ \"$1\" = test ] && [ -n \"${{DATABASE_URL-}}\" ]; then DATABASE_URL='{url}' command sqlmig \"$@\"; \
             else command sqlmig \"$@\"; fi; }}"
        )
    }

    /// The id of the newest run; none yet is an id that no run has.
    async fn newest_run(&self) -> String {
        let client = self.database.connect().await;
        let newest = "select id::text from sqlmig.run order by started_at desc limit 1";
        let found = client.query(newest, &[]).await.ok().and_then(|rows| rows.first().map(|row| row.get(0)));
        found.unwrap_or_else(|| "00000000-0000-7000-8000-000000000000".to_owned())
    }

    /// A program that these lines need and that is not there.
    fn missing(&self, typed: &str) -> Option<&'static str> {
        let words: Vec<&str> = typed.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').collect();
        let there = |tool: &str| self.path.split(':').any(|folder| Path::new(folder).join(tool).exists());
        TOOLS.into_iter().find(|tool| words.contains(tool) && !there(tool))
    }
}

/// The last lines of what was said.
fn end_of(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
