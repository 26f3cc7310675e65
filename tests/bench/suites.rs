//! What is held against what.

use std::collections::BTreeMap;
use std::path::Path;

use super::contestants::Contestant;
use super::dumps::{Dump, documents, narrow_rows, trying};
use super::measure::Sample;
use super::server::Server;

/// A project for the rows of the narrow dump.
const MEASUREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/projects/measurements");

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
    /// Promotion workers, with ten times the documents.
    ScaleLarge,
    /// Ten times the documents.
    Size,
    /// Settings of the server, one by one.
    Settings,
}

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
    pub const ALL: [Self; 8] = [
        Self::Docs,
        Self::Narrow,
        Self::Again,
        Self::Batches,
        Self::Scale,
        Self::ScaleLarge,
        Self::Size,
        Self::Settings,
    ];

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
            Self::ScaleLarge => "scale-large",
            Self::Size => "size",
            Self::Settings => "settings",
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
            Self::ScaleLarge => "Promotion workers, ten times the documents (batches of 1,000 rows)",
            Self::Size => "Ten times the documents",
            Self::Settings => "One setting of the server at a time",
        }
    }

    /// Rounds, where none are asked for.
    pub fn rounds(self) -> usize {
        match self {
            _ if trying() => 1,
            Self::Size | Self::ScaleLarge => 3,
            _ => 5,
        }
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
        let docs = || Dump::docs(folder, documents());
        match self {
            Self::Docs => everybody(server, &docs(), ""),
            Self::Narrow => {
                let project = format!("--project {MEASUREMENTS}");
                everybody(server, &Dump::narrow(folder, narrow_rows()), &project)
            }
            Self::Again => {
                let (dump, newer) = (docs(), Dump::changed(folder, documents()));
                let before = format!("run {dump}");
                vec![
                    Contestant::sqlmig("sqlmig run, empty database", &dump, &[], &before),
                    Contestant::sqlmig("the same dump again", &dump, &[&before], &before).known(),
                    Contestant::sqlmig("the same dump, --force", &dump, &[&before], &format!("{before} --force")),
                    Contestant::sqlmig("a dump of which 1 % differs", &newer, &[&before], &format!("run {newer}")),
                ]
            }
            Self::Batches => promotions(
                &docs(),
                [
                    ("one transaction", 1_000_000),
                    ("batches of 5000", 5000),
                    ("batches of 500", 500),
                    ("batches of 100", 100),
                ]
                .map(|(name, rows)| (name.to_owned(), format!("--parallel 1 --batch-size {rows}"))),
            ),
            Self::Scale => promotions(&docs(), workers(250)),
            Self::ScaleLarge => promotions(&Dump::docs(folder, 10 * documents()), workers(1000)),
            Self::Size => {
                let both = |documents| {
                    let dump = Dump::docs(folder, documents);
                    let run = Contestant::sqlmig("", &dump, &[], &format!("run {dump}"));
                    [
                        Contestant::psql(&dump).named(&format!("gunzip \\| psql, {documents} documents")),
                        run.named(&format!("sqlmig run, {documents} documents")),
                    ]
                };
                [documents(), 10 * documents()].into_iter().flat_map(both).collect()
            }
            Self::Settings => {
                let dump = docs();
                let run = |name| Contestant::sqlmig(name, &dump, &[], &format!("run {dump}"));
                let settings = [
                    // The server that sqlmig starts is built without lz4.
                    ("wal_compression", "pglz"),
                    ("work_mem", "4MB"),
                    ("maintenance_work_mem", "64MB"),
                    ("max_parallel_workers_per_gather", "2"),
                    ("jit", "off"),
                ];
                let set = settings.map(|(name, value)| run("").with_setting(name, value));
                std::iter::once(run("as sqlmig starts the server")).chain(set).collect()
            }
        }
    }
}

/// What a user would take, and sqlmig with these options of its own.
fn everybody(server: &Server, dump: &Dump, options: &str) -> Vec<Contestant> {
    let [custom, directory] = Contestant::pg_restore(server, dump);
    vec![
        Contestant::psql(dump),
        custom,
        directory,
        Contestant::pgcopydb(dump),
        Contestant::pgloader(dump),
        Contestant::stage(dump),
        Contestant::sqlmig("sqlmig run", dump, &[], &format!("run {dump} {options}")),
    ]
}

/// Promotion of a dump that is staged and checked, by other options each.
fn promotions<const N: usize>(dump: &Dump, options: [(String, String); N]) -> Vec<Contestant> {
    let stage = format!("stage {dump}");
    options
        .map(|(name, options)| Contestant::sqlmig(&name, dump, &[&stage, "check"], &format!("promote {options}")))
        .into()
}

fn workers(batch: u32) -> [(String, String); 6] {
    ["1", "2", "4", "8", "16", "auto"].map(|workers| {
        let name = format!("--parallel {workers}");
        (name.clone(), format!("{name} --batch-size {batch}"))
    })
}

impl Measured {
    fn take_part(&mut self, server: &Server) {
        let Ok(samples) = &mut self.samples else { return };
        match self.contestant.once(server) {
            Ok(sample) => samples.push(sample),
            Err(why) => self.samples = Err(why),
        }
        for (phase, milliseconds) in Contestant::phases(server) {
            self.phases.entry(phase).or_default().push(milliseconds);
        }
    }
}
