//! The commands that are held against each other: what a user would take, and sqlmig's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::dumps::Dump;
use super::measure::{Sample, run};
use super::server::Server;

/// The program under test, built with the profile of the benchmark.
const SQLMIG: &str = env!("CARGO_BIN_EXE_sqlmig");

/// One command, on a database of its own.
pub struct Contestant {
    /// Its name in the table.
    pub name: String,
    /// What it leaves undone of what `sqlmig run` does.
    pub leaves_undone: &'static str,
    /// Rows that it loads, for its rate.
    pub rows: u64,
    /// Bytes of the dump's text.
    pub text_bytes: u64,
    /// Whether it finds that all was loaded before: the phases in the ledger are then those of the run that did.
    pub is_known: bool,
    prepare: Vec<Step>,
    timed: Step,
    /// A query that yields the rows that it has loaded.
    loaded: String,
}

/// A line of shell that is to run in a database, with `{db}`, `{socket}`, `{bin}` and `{sqlmig}` filled in.
struct Step(String);

impl Contestant {
    /// Makes its database and runs it there once.
    ///
    /// # Errors
    /// What it says if it fails, or that it loads less than all.
    pub fn once(&self, server: &Server) -> Result<Sample, String> {
        const DATABASE: &str = "bench";
        server.fresh(DATABASE);
        for step in &self.prepare {
            run(server, &mut step.command(server, DATABASE))?;
        }
        let sample = run(server, &mut self.timed.command(server, DATABASE))?;
        // Who loads less is faster for that alone.
        let loaded = server.ask(DATABASE, &self.loaded);
        if loaded == self.rows.to_string() { Ok(sample) } else { Err(format!("loads {loaded} rows of {}", self.rows)) }
    }

    /// Milliseconds of each phase of the last run in the ledger, where there is one.
    pub fn phases(server: &Server) -> Vec<(String, f64)> {
        if server.ask("bench", "select to_regclass('sqlmig.phase') is not null") != "t" {
            return Vec::new();
        }
        let last = "select phase || '=' || elapsed_ms from sqlmig.phase where run_id = (select id from sqlmig.run order by started_at desc limit 1)";
        let listed = server.ask("bench", last);
        let pair = |line: &str| line.split_once('=').and_then(|(phase, ms)| Some((phase.to_owned(), ms.parse().ok()?)));
        listed.lines().filter_map(pair).collect()
    }

    /// One that restores a dump and does nothing else.
    fn restore(name: &str, dump: &Dump, line: String) -> Self {
        Self {
            name: name.to_owned(),
            leaves_undone: "checks, duplicates, checksums, quarantine, undo, resume, validation",
            rows: dump.rows,
            text_bytes: dump.text_bytes(),
            is_known: false,
            prepare: Vec::new(),
            timed: Step(line),
            loaded: format!("select count(*) from public.{}", dump.largest()),
        }
    }

    /// sqlmig, after other commands of it.
    pub fn sqlmig(name: &str, dump: &Dump, before: &[&str], arguments: &str) -> Self {
        let line = |arguments: &str| Step(format!("exec {{sqlmig}} {arguments} --quiet"));
        Self {
            leaves_undone: "–",
            prepare: before.iter().copied().map(line).collect(),
            timed: line(arguments),
            // What it merges or takes out it has loaded first.
            loaded: format!(
                "select max(rows_staged) from sqlmig.source_table where source = 'public.{}'",
                dump.largest()
            ),
            ..Self::restore(name, dump, String::new())
        }
    }

    /// Whether it is sqlmig, and not what a user would take instead.
    pub fn is_sqlmig(&self) -> bool {
        self.timed.0.contains("{sqlmig}")
    }

    /// The same under another name.
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// The same, where it finds that all was loaded before.
    pub fn known(self) -> Self {
        Self { is_known: true, ..self }
    }

    /// `sqlmig stage` alone.
    pub fn stage(dump: &Dump) -> Self {
        let stage = Self::sqlmig("sqlmig stage", dump, &[], &format!("stage {dump}"));
        Self { leaves_undone: "checks, promotion, validation", ..stage }
    }

    /// The same in a database that has another setting.
    pub fn with_setting(self, name: &str, value: &str) -> Self {
        let set = format!(
            "{{bin}}/psql -XqU postgres -h {{socket}} -d postgres -c \"alter database {{db}} set {name} = '{value}'\""
        );
        Self { name: format!("{name} = {value}"), prepare: vec![Step(set)], ..self }
    }

    /// What everybody would type.
    pub fn psql(dump: &Dump) -> Self {
        let line = format!(
            "gunzip -c {dump} | {{bin}}/psql -Xqo /dev/null -v ON_ERROR_STOP=1 -U postgres -h {{socket}} -d {{db}}"
        );
        Self::restore("gunzip \\| psql", dump, line)
    }

    /// `pg_restore` of the same rows in the custom and the directory format.
    pub fn pg_restore(server: &Server, dump: &Dump) -> [Self; 2] {
        let (custom, directory) = archives(server, dump);
        [("custom", custom), ("directory", directory)].map(|(format, archive)| {
            let line =
                format!("{{bin}}/pg_restore -j2 --no-owner -U postgres -h {{socket}} -d {{db}} {}", archive.display());
            Self::restore(&format!("pg_restore -j2, {format}"), dump, line)
        })
    }

    /// `pgcopydb`, which reads a database and not a dump: nothing to decompress, nothing to parse; it also makes the indexes that
    /// the dump's database has, in parallel.
    pub fn pgcopydb(dump: &Dump) -> Self {
        let source = format!(
            "{{bin}}/psql -XqU postgres -h {{socket}} -d postgres -c 'drop database if exists bench_source with (force)' -c 'create database bench_source';
            gunzip -c {dump} | {{bin}}/psql -Xqo /dev/null -U postgres -h {{socket}} -d bench_source"
        );
        // It calls pg_dump, which must be at least as new as the server.
        let line = "PATH={bin}:$PATH exec pgcopydb clone --dir $(mktemp -d)/work --table-jobs 2 --index-jobs 2 --no-owner \
            --source \"postgres://postgres@/bench_source?host={socket}\" --target \"postgres://postgres@/{db}?host={socket}\"";
        Self { prepare: vec![Step(source)], ..Self::restore("pgcopydb, from a database", dump, line.to_owned()) }
    }

    /// `pgloader`, which reads no dump: each table's rows lie in a file of their own, unpacked before the clock starts.
    pub fn pgloader(dump: &Dump) -> Self {
        let files = rows_unpacked(dump);
        let schema = format!(
            "gunzip -c {dump} | sed '/^COPY public/,/^\\\\\\.$/d' | {{bin}}/psql -Xqo /dev/null -U postgres -h {{socket}} -d {{db}}"
        );
        let load = |(table, file): &(&str, PathBuf)| {
            format!(
                "\"LOAD COPY FROM '{}' WITH ENCODING UTF-8 INTO postgresql://postgres@unix:{{socket}}:5432/{{db}} \
                 TARGET TABLE public.{table} WITH delimiter '\\t', null '\\N';\"",
                file.display()
            )
        };
        let line = format!(
            "command=$(mktemp --suffix=.load); for load in {}; do echo \"$load\" > $command; \
             pgloader --on-error-stop $command || exit 1; done",
            files.iter().map(load).collect::<Vec<_>>().join(" ")
        );
        Self { prepare: vec![Step(schema)], ..Self::restore("pgloader, plain COPY data", dump, line) }
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

/// The rows of each table in a file, as COPY writes them.
fn rows_unpacked(dump: &Dump) -> Vec<(&'static str, PathBuf)> {
    let folder = dump.path.parent().expect("the dump lies in a folder");
    let files: Vec<_> = dump.tables.iter().map(|table| (*table, folder.join(format!("{table}.copy")))).collect();
    if !files.iter().all(|(_, file)| file.exists()) {
        let cut = format!(
            "gunzip -c {dump} | awk '/^\\\\\\.$/ {{ on = 0 }} on {{ print > file }} \
                /^COPY public/ {{ on = 1; split($2, name, \".\"); file = \"{}/\" name[2] \".copy\" }}'",
            folder.display()
        );
        let status = Command::new("bash").args(["-c", &cut]).status().expect("bash is there");
        assert!(status.success(), "{cut}");
    }
    files
}

/// The dump in `pg_dump`'s custom and directory formats, both compressed as `pg_dump` does by itself.
fn archives(server: &Server, dump: &Dump) -> (PathBuf, PathBuf) {
    let beside = |extension: &str| Path::new(&dump.path).with_extension(extension);
    let (custom, directory) = (beside("pgdump"), beside("dir"));
    if !custom.exists() || !directory.exists() {
        server.fresh("bench");
        let step = Step(format!(
            "gunzip -c {dump} | {{bin}}/psql -Xqo /dev/null -U postgres -h {{socket}} -d {{db}} 2> /dev/null;
            rm -rf {custom} {directory};
            {{bin}}/pg_dump -U postgres -h {{socket}} -Fc -f {custom} {{db}} && {{bin}}/pg_dump -U postgres -h {{socket}} -Fd -f {directory} {{db}}",
            custom = custom.display(),
            directory = directory.display(),
        ));
        run(server, &mut step.command(server, "bench")).expect("pg_dump writes both formats");
    }
    (custom, directory)
}
