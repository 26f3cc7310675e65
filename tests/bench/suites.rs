//! What is held against what.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use sqlmig::generate::Shape;

use super::dumps::{DOCUMENTS, NARROW_ROWS, changed, generated, text_bytes};
use super::measure::{Sample, run};
use super::server::Server;

/// The program under test, built with the profile of the benchmark.
const SQLMIG: &str = env!("CARGO_BIN_EXE_sqlmig");

/// Commands that are timed in turn; all others are held against the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// The docs dump: what a user would take, staging alone, and everything.
    Docs,
    /// Many short rows without vectors.
    Narrow,
    /// A dump that was loaded before, and one of which one document in a hundred differs.
    Again,
    /// One transaction against many.
    Batches,
    /// Promotion workers.
    Scale,
    /// Ten times the documents.
    Size,
}

/// One command, on a database of its own.
pub struct Contestant {
    /// Its name in the table.
    pub name: String,
    /// What it leaves undone of what `sqlmig run` does.
    pub leaves_undone: &'static str,
    /// Rows that it loads, for its rate; 0 where a rate says nothing.
    pub documents: u64,
    /// Bytes of the dump's text.
    pub text_bytes: u64,
    prepare: Vec<Step>,
    timed: Step,
    /// Whether it finds that all was loaded before: the phases in the ledger are then those of the run that did.
    pub is_known: bool,
    /// A query that yields the rows that it has loaded.
    loaded: &'static str,
}

/// A command that is to run in a database: a line of shell, with `{db}`, `{socket}`, `{bin}` and `{sqlmig}` filled in.
struct Step(String);

/// A contestant's samples, or why it could not take part.
pub struct Measured {
    /// The contestant.
    pub contestant: Contestant,
    /// One a round.
    pub samples: Result<Vec<Sample>, String>,
    /// Milliseconds of each phase, one a round, where it is sqlmig.
    pub phases: BTreeMap<String, Vec<f64>>,
}

impl Suite {
    /// All, in their order.
    pub const ALL: [Self; 6] = [Self::Docs, Self::Narrow, Self::Again, Self::Batches, Self::Scale, Self::Size];

    /// The suite of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name() == name)
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Docs => "docs",
            Self::Narrow => "narrow",
            Self::Again => "again",
            Self::Batches => "batches",
            Self::Scale => "scale",
            Self::Size => "size",
        }
    }

    /// Its title on the page.
    pub fn title(self) -> &'static str {
        match self {
            Self::Docs => "The docs dump: 4,600 documents with 3072-dimension embeddings, 184 MB of text",
            Self::Narrow => "A narrow dump: 2,000,000 short rows without vectors",
            Self::Again => "Loading again",
            Self::Batches => "Batches against one transaction (one worker)",
            Self::Scale => "Promotion workers (batches of 250 rows)",
            Self::Size => "Ten times the documents",
        }
    }

    /// Rounds, where none are asked for.
    pub fn rounds(self) -> usize {
        if self == Self::Size { 3 } else { 5 }
    }

    /// Runs every contestant once a round, in turn.
    pub fn run(self, server: &Server, folder: &Path, rounds: usize) -> Vec<Measured> {
        let mut measured: Vec<Measured> = self
            .contestants(server, folder)
            .into_iter()
            .map(|contestant| Measured { contestant, samples: Ok(Vec::new()), phases: BTreeMap::new() })
            .collect();
        for round in 1..=rounds {
            for one in &mut measured {
                eprintln!("{} {round}/{rounds}: {}", self.name(), one.contestant.name);
                one.take_part(server);
            }
        }
        server.ask("postgres", "drop database if exists bench with (force)");
        measured
    }

    fn contestants(self, server: &Server, folder: &Path) -> Vec<Contestant> {
        let shape = if self == Self::Narrow { Shape::Narrow } else { Shape::Docs };
        let mut contestants = self.listed(server, folder);
        for one in &mut contestants {
            one.text_bytes = text_bytes(&generated(folder, shape, one.documents));
        }
        contestants
    }

    fn listed(self, server: &Server, folder: &Path) -> Vec<Contestant> {
        let docs = || generated(folder, Shape::Docs, DOCUMENTS);
        let psql = |dump: &Path| {
            format!(
                "gunzip -c {} | {{bin}}/psql -Xqo /dev/null -v ON_ERROR_STOP=1 -U postgres -h {{socket}} -d {{db}}",
                dump.display()
            )
        };
        match self {
            Self::Docs => {
                let dump = docs();
                let (custom, directory) = archives(server, folder, &dump);
                let loaded = pgloader_command(folder, &dump);
                vec![
                    restore("gunzip \\| psql", psql(&dump)),
                    restore("pg_restore -j2, custom", pg_restore(&custom)),
                    restore("pg_restore -j2, directory", pg_restore(&directory)),
                    copy_of_a_database(&dump),
                    Contestant { prepare: vec![schema_only(&dump)], ..restore("pgloader, plain COPY data", loaded) },
                    sqlmig("sqlmig stage", "checks, promotion, validation", &[], &format!("stage {}", dump.display())),
                    sqlmig("sqlmig run", "–", &[], &format!("run {}", dump.display())),
                ]
            }
            Self::Narrow => {
                let dump = generated(folder, Shape::Narrow, NARROW_ROWS);
                let mut contestants = vec![
                    Contestant {
                        loaded: "select count(*) from public.measurements",
                        ..restore("gunzip \\| psql", psql(&dump))
                    },
                    sqlmig("sqlmig stage", "checks, promotion, validation", &[], &format!("stage {}", dump.display())),
                ];
                for one in &mut contestants {
                    one.documents = NARROW_ROWS;
                }
                contestants
            }
            Self::Again => {
                let (dump, newer) = (docs(), changed(folder, DOCUMENTS));
                let before = format!("run {}", dump.display());
                vec![
                    sqlmig("sqlmig run, empty database", "–", &[], &before),
                    Contestant { is_known: true, ..sqlmig("the same dump again", "–", &[&before], &before) },
                    sqlmig("the same dump, --force", "–", &[&before], &format!("{before} --force")),
                    sqlmig("a dump of which 1 % differs", "–", &[&before], &format!("run {}", newer.display())),
                ]
            }
            Self::Batches => {
                let dump = docs();
                let staged = [format!("stage {}", dump.display()), "check".to_owned()];
                let staged: Vec<&str> = staged.iter().map(String::as_str).collect();
                [1_000_000, 5000, 500, 100]
                    .map(|rows| {
                        let name =
                            if rows == 1_000_000 { "one transaction".to_owned() } else { format!("batches of {rows}") };
                        sqlmig(&name, "–", &staged, &format!("promote --parallel 1 --batch-size {rows}"))
                    })
                    .into()
            }
            Self::Scale => {
                let dump = docs();
                let staged = [format!("stage {}", dump.display()), "check".to_owned()];
                let staged: Vec<&str> = staged.iter().map(String::as_str).collect();
                ["1", "2", "4", "8", "16", "auto"]
                    .map(|workers| {
                        let line = format!("promote --parallel {workers} --batch-size 250");
                        sqlmig(&format!("--parallel {workers}"), "–", &staged, &line)
                    })
                    .into()
            }
            Self::Size => {
                let sizes =
                    [DOCUMENTS, 10 * DOCUMENTS].map(|documents| (documents, generated(folder, Shape::Docs, documents)));
                let mut contestants = Vec::new();
                for (documents, dump) in &sizes {
                    let mut both = [
                        restore(&format!("gunzip \\| psql, {documents} documents"), psql(dump)),
                        sqlmig(
                            &format!("sqlmig run, {documents} documents"),
                            "–",
                            &[],
                            &format!("run {}", dump.display()),
                        ),
                    ];
                    for one in &mut both {
                        one.documents = *documents;
                    }
                    contestants.extend(both);
                }
                contestants
            }
        }
    }
}

impl Measured {
    fn take_part(&mut self, server: &Server) {
        let Ok(samples) = &mut self.samples else { return };
        let sample = self.contestant.once(server);
        match sample {
            Ok(sample) => samples.push(sample),
            Err(why) => self.samples = Err(why),
        }
        for (phase, milliseconds) in Contestant::phases(server) {
            self.phases.entry(phase).or_default().push(milliseconds);
        }
    }
}

impl Contestant {
    fn once(&self, server: &Server) -> Result<Sample, String> {
        const DATABASE: &str = "bench";
        server.fresh(DATABASE);
        for step in &self.prepare {
            run(server, &mut step.command(server, DATABASE))?;
        }
        let sample = run(server, &mut self.timed.command(server, DATABASE))?;
        // Who loads less is faster for that alone.
        let loaded = server.ask(DATABASE, self.loaded);
        if loaded == self.documents.to_string() {
            Ok(sample)
        } else {
            Err(format!("loads {loaded} rows of {}", self.documents))
        }
    }

    /// Milliseconds of each phase of the last run in the ledger, where there is one.
    fn phases(server: &Server) -> Vec<(String, f64)> {
        if server.ask("bench", "select to_regclass('sqlmig.phase') is not null") != "t" {
            return Vec::new();
        }
        let last = "select phase || '=' || elapsed_ms from sqlmig.phase where run_id = (select id from sqlmig.run order by started_at desc limit 1)";
        let listed = server.ask("bench", last);
        let pair = |line: &str| line.split_once('=').and_then(|(phase, ms)| Some((phase.to_owned(), ms.parse().ok()?)));
        listed.lines().filter_map(pair).collect()
    }
}

impl Step {
    fn command(&self, server: &Server, database: &str) -> Command {
        let line = self
            .0
            .replace("{db}", database)
            .replace("{socket}", &server.socket().display().to_string())
            .replace("{bin}", &server.programs().display().to_string())
            .replace("{sqlmig}", SQLMIG);
        let mut command = Command::new("bash");
        command.args(["-o", "pipefail", "-c", &line]).env("DATABASE_URL", server.url(database));
        // The dumps have no search index either; building one takes longer than all the rest.
        command.env("SQLMIG_NO_INDEX", "true").env("SQLMIG_LOG_FORMAT", "text");
        command
    }
}

/// A contestant that restores and does nothing else.
fn restore(name: &str, line: String) -> Contestant {
    Contestant {
        name: name.to_owned(),
        leaves_undone: "checks, duplicates, checksums, quarantine, undo, resume, validation",
        documents: DOCUMENTS,
        text_bytes: 0,
        prepare: Vec::new(),
        timed: Step(line),
        is_known: false,
        loaded: "select count(*) from public.documents",
    }
}

/// sqlmig, after other commands of it.
fn sqlmig(name: &str, leaves_undone: &'static str, before: &[&str], arguments: &str) -> Contestant {
    let line = |arguments: &str| Step(format!("exec {{sqlmig}} {arguments} --quiet"));
    Contestant {
        name: name.to_owned(),
        leaves_undone,
        documents: DOCUMENTS,
        text_bytes: 0,
        prepare: before.iter().copied().map(line).collect(),
        timed: line(arguments),
        is_known: false,
        // What it merges or takes out it has loaded first.
        loaded: "select max(rows_staged) from sqlmig.source_table where source in ('public.documents', 'public.measurements')",
    }
}

fn pg_restore(archive: &Path) -> String {
    format!("{{bin}}/pg_restore -j2 --no-owner -U postgres -h {{socket}} -d {{db}} {}", archive.display())
}

/// pgcopydb, which reads a database and not a dump: nothing to decompress, nothing to parse; it also makes the indexes that the
/// dump's database has, in parallel.
fn copy_of_a_database(dump: &Path) -> Contestant {
    let source = format!(
        "{{bin}}/psql -XqU postgres -h {{socket}} -d postgres -c 'drop database if exists bench_source with (force)' -c 'create database bench_source';
        gunzip -c {} | {{bin}}/psql -Xqo /dev/null -U postgres -h {{socket}} -d bench_source",
        dump.display()
    );
    // It calls pg_dump, which must be at least as new as the server.
    let line = "PATH={bin}:$PATH exec pgcopydb clone --dir $(mktemp -d)/work --table-jobs 2 --index-jobs 2 --no-owner \
        --source \"postgres://postgres@/bench_source?host={socket}\" --target \"postgres://postgres@/{db}?host={socket}\"";
    Contestant { prepare: vec![Step(source)], ..restore("pgcopydb, from a database", line.to_owned()) }
}

/// The tables of a dump without their rows.
fn schema_only(dump: &Path) -> Step {
    Step(format!(
        "gunzip -c {} | sed '/^COPY public/,/^\\\\\\.$/d' | {{bin}}/psql -Xqo /dev/null -U postgres -h {{socket}} -d {{db}}",
        dump.display()
    ))
}

/// pgloader, which reads no dump: each table's rows lie in a file of their own, unpacked before the clock starts.
fn pgloader_command(folder: &Path, dump: &Path) -> String {
    let path = |name: &str| folder.join(name).display().to_string();
    let (sources, documents) = (path("document_sources.copy"), path("documents.copy"));
    if !folder.join("documents.copy").exists() {
        let cut = format!(
            "gunzip -c {} | awk '/^\\\\\\.$/ {{ on = 0 }} on {{ print > file }} \
                /^COPY public/ {{ on = 1; split($2, name, \".\"); file = \"{}/\" name[2] \".copy\" }}'",
            dump.display(),
            folder.display()
        );
        let status = Command::new("bash").args(["-c", &cut]).status().expect("bash is there");
        assert!(status.success(), "{cut}");
    }
    let load = |file: &str, table: &str| {
        format!(
            "LOAD COPY FROM '{file}' WITH ENCODING UTF-8 INTO postgresql://postgres@unix:{{socket}}:5432/{{db}} \
             TARGET TABLE public.{table} WITH delimiter '\\t', null '\\N';"
        )
    };
    format!(
        "command=$(mktemp --suffix=.load); for load in \"{}\" \"{}\"; do echo \"$load\" > $command; \
         pgloader --on-error-stop $command || exit 1; done",
        load(&sources, "document_sources"),
        load(&documents, "documents")
    )
}

/// The dump in `pg_dump`'s custom and directory formats, both compressed as `pg_dump` does by itself.
fn archives(server: &Server, folder: &Path, dump: &Path) -> (PathBuf, PathBuf) {
    let (custom, directory) = (folder.join("docs.pgdump"), folder.join("docs.dir"));
    if !custom.exists() || !directory.exists() {
        server.fresh("bench");
        let step = Step(format!(
            "gunzip -c {} | {{bin}}/psql -Xqo /dev/null -U postgres -h {{socket}} -d {{db}} 2> /dev/null;
            rm -rf {custom} {directory};
            {{bin}}/pg_dump -U postgres -h {{socket}} -Fc -f {custom} {{db}} && {{bin}}/pg_dump -U postgres -h {{socket}} -Fd -f {directory} {{db}}",
            dump.display(),
            custom = custom.display(),
            directory = directory.display(),
        ));
        run(server, &mut step.command(server, "bench")).expect("pg_dump writes both formats");
    }
    (custom, directory)
}
