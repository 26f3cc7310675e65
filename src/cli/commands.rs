//! From a command to the phases it stands for.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use secrecy::ExposeSecret;
use sqlmig::db::environment::Environment;
use sqlmig::db::ledger;
use sqlmig::db::lock::{Lock, LockKind};
use sqlmig::db::pooler::refuse_transaction_pooler;
use sqlmig::db::scratch::Scratch;
use sqlmig::db::{Embedded, EmbeddedOptions, ServerInfo, Target, doing};
use sqlmig::decode::ScanOptions;
use sqlmig::event::{Event, Events};
use sqlmig::examples;
use sqlmig::generate;
use sqlmig::outcome::{FORMAT, History};
use sqlmig::pipeline::{Conductor, LoadOptions, PipelineError};
use sqlmig::plan::plan;
use sqlmig::project::Project;
use sqlmig::promote::PromoteOptions;
use sqlmig::report;
use sqlmig::rollback::rollback_staging;
use sqlmig::source::{self, Source, SourceSpec};
use sqlmig::stage::StageOptions;
use sqlmig::telemetry::Display;
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use super::args::{Args, Command, GenerateArgs};
use super::completions;
use super::failure::{ExitCode, Failure};
use super::presentation::Presentation;
use super::settings::{FileSettings, Settings};

/// Connections besides the promotion workers': the conductor's own, and one to write what another reads.
const OTHER_CONNECTIONS: usize = 4;

/// PostgreSQL holds no field of 1 GiB or more (`MaxAllocSize`), so a longer row could not be sent whatever the setting.
const LONGEST_ROW_BYTES: usize = (1 << 30) - 1;

/// Runs a command to its end and tells of its failure, if it has one.
pub fn execute(args: &Args) -> ExitCode {
    match prepare(args) {
        Ok(prepared) => {
            let display = match prepared.settings.presentation.begin() {
                Ok(display) => display,
                Err(error) => return told(&prepared.settings.presentation, None, &error.into()),
            };
            let outcome = tokio::runtime::Runtime::new()
                .map_err(|error| Failure::from_error(ExitCode::Unexpected, &error))
                .and_then(|runtime| {
                    let outcome = runtime.block_on(until_interrupted(dispatch(&args.command, &prepared, &display)));
                    // A thread that waits for a slow source would otherwise hold up the end.
                    runtime.shutdown_background();
                    outcome
                });
            match outcome {
                Ok(()) => ExitCode::Done,
                Err(failure) => told(&prepared.settings.presentation, Some(&display), &failure),
            }
        }
        Err(failure) => told(&Presentation::resolve(&args.global, &FileSettings::default()), None, &failure),
    }
}

fn told(presentation: &Presentation, display: Option<&Display>, failure: &Failure) -> ExitCode {
    if let Some(display) = display {
        display.clear();
    }
    let code = failure.code;
    // A closed stderr leaves nobody to tell; the exit code still says it.
    drop(presentation.tell(failure));
    code
}

/// Runs a command until it ends or someone asks it to: Ctrl-C, or SIGTERM as Kubernetes sends it. A handler is needed
/// for both when sqlmig is process 1 of a container, where the kernel ignores signals that have none.
///
/// What is in hand is dropped: transactions roll back as their connections close, and an embedded server is stopped.
async fn until_interrupted(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let asked = tokio::select! {
        outcome = command => return outcome,
        _ = tokio::signal::ctrl_c() => "Ctrl-C",
        _ = terminate.recv() => "SIGTERM",
    };
    let hint = "run the same command again: what is promoted stays, and is found unchanged";
    Err(Failure::new(ExitCode::Interrupted, format!("stopped by {asked}")).with_hint(Some(hint.to_owned())))
}

/// What a command was typed with, resolved.
struct Prepared {
    settings: Settings,
    project: Project,
}

fn prepare(args: &Args) -> Result<Prepared, Failure> {
    let project = match &args.global.project {
        Some(folder) => Project::load(folder)?,
        None => Project::builtin()?,
    };
    let file = FileSettings::from_table(project.settings.options.clone())?;
    Ok(Prepared { settings: Settings::resolve(&args.global, &args.command, &file)?, project })
}

async fn dispatch(command: &Command, prepared: &Prepared, display: &Display) -> Result<(), Failure> {
    match command {
        Command::Completions { shell } => Ok(completions::write(*shell, &mut io::stdout())?),
        Command::Generate(options) => Ok(write_dump(options)?),
        _ => {
            let server = Server::open(&prepared.settings, display).await?;
            let outcome = on_server(command, prepared, display, &server).await;
            server.close().await.and(outcome)
        }
    }
}

/// The target, and the server that was started for it, if one was.
struct Server {
    target: Target,
    embedded: Option<Embedded>,
}

impl Server {
    async fn open(settings: &Settings, display: &Display) -> Result<Self, Failure> {
        if let Some(url) = &settings.database_url {
            let target = Target::parse(url.expose_secret())?;
            for warning in target.warnings() {
                display.events().warn(warning);
            }
            return Ok(Self { target, embedded: None });
        }
        let environment = Environment::of_process();
        let options = EmbeddedOptions {
            binaries: settings.embedded.postgres_bin.clone(),
            fetch: settings.embedded.fetch,
            ..EmbeddedOptions::new(settings.embedded.dir.clone(), EmbeddedOptions::default_cache(&environment))
        };
        let embedded = Embedded::start(options).await?;
        display.events().emit(Event::ServerReady { detail: embedded.description().to_owned() });
        Ok(Self { target: embedded.target(), embedded: Some(embedded) })
    }

    async fn close(self) -> Result<(), Failure> {
        if let Some(embedded) = self.embedded {
            embedded.stop().await?;
        }
        Ok(())
    }
}

/// Runs the commands that need the target.
async fn on_server(command: &Command, prepared: &Prepared, display: &Display, server: &Server) -> Result<(), Failure> {
    let Prepared { settings, project } = prepared;
    let target = &server.target;
    let connection = target.connect().await?;
    for warning in ServerInfo::read(&connection).await?.check()? {
        display.events().warn(warning);
    }
    drop(connection);
    let workers = usize::try_from(settings.parallel).unwrap_or(1).max(lanes());
    let conductor = Conductor {
        pool: target.pool(workers + OTHER_CONNECTIONS)?,
        project: project.clone(),
        events: display.events(),
    };
    let options = PromoteOptions {
        batch_size: u64::from(settings.batch_size),
        parallel: usize::try_from(settings.parallel).unwrap_or(1),
    };
    match command {
        Command::Test { names } => test(prepared, display, target, names).await,
        Command::Plan { source, .. } => {
            let source = source::open(&spec(&source.source))?;
            let scan = scan_options(settings);
            let batch_size = options.batch_size;
            let events = display.events();
            let plan = plan(&conductor.pool, target.describe(), project, source, scan, batch_size, &events).await?;
            show(settings, display, |view, out| report::render_plan(&plan, view, out))
        }
        Command::Status { run } => status(&conductor, settings, display, run.run).await,
        Command::Report { run } => {
            let run = conductor.find_run(run.run).await?.id;
            show_report(&conductor, settings, display, run).await
        }
        Command::History { .. } => history(&conductor, settings, display).await,
        Command::Rollback { yes, .. } => {
            confirm(*yes, &format!("Empty the staging tables in {}?", target.describe()), display)?;
            let lock = Lock::try_take(target, LockKind::Run).await?;
            let emptied = rollback_staging(&conductor.pool).await;
            lock.release().await;
            let emptied = emptied?;
            display.clear();
            Ok(writeln!(io::stdout(), "{} staging tables emptied", emptied.len())?)
        }
        // Migrations take turns on a lock of their own: eight that start at once all succeed.
        Command::Migrate => {
            refuse_transaction_pooler(target).await?;
            conduct(command, &conductor, settings, display, options).await
        }
        _ => {
            refuse_transaction_pooler(target).await?;
            let lock = Lock::try_take(target, LockKind::Run).await?;
            let outcome = conduct(command, &conductor, settings, display, options).await;
            lock.release().await;
            outcome
        }
    }
}

/// Runs the commands that change a run.
async fn conduct(
    command: &Command,
    conductor: &Conductor,
    settings: &Settings,
    display: &Display,
    options: PromoteOptions,
) -> Result<(), Failure> {
    match command {
        Command::Run { source, .. } => {
            let source = source::open(&spec(&source.source))?;
            let load = LoadOptions {
                stage: stage_options(settings, &conductor.project),
                promote: options,
                allow_incomplete: settings.allow_incomplete,
            };
            // The report is shown on failure too: what succeeded is in it, and what failed comes last.
            let (run, outcome) = match conductor.run(source, load).await {
                Ok(run) => (Some(run), Ok(())),
                Err((run, error)) => (run, Err(error)),
            };
            if let Some(run) = run {
                show_report(conductor, settings, display, run).await?;
            }
            Ok(outcome?)
        }
        Command::Migrate => {
            let applied = conductor.migrate(true).await?;
            display.clear();
            for name in &applied {
                writeln!(io::stdout(), "applied {name}")?;
            }
            Ok(writeln!(io::stdout(), "{} migrations applied", applied.len())?)
        }
        Command::Stage { source, .. } => {
            let started = Instant::now();
            let source: Source = source::open(&spec(&source.source))?;
            let applied = conductor.migrate(false).await?;
            let run = conductor.begin(&source).await?;
            conductor.record_migrations(run, &applied, started.elapsed()).await?;
            let staged = conductor.stage(run, source, stage_options(settings, &conductor.project)).await;
            show_report(conductor, settings, display, run).await?;
            match staged? {
                // What came before the end is staged, and the run goes on from there for whoever allows it.
                Some(why) if !settings.allow_incomplete => Err(PipelineError::Incomplete(why).into()),
                _ => Ok(()),
            }
        }
        Command::Check { run, .. } => {
            let run = conductor.find_run(run.run).await?.id;
            let outcome = match conductor.migrate(true).await {
                Ok(_) => conductor.check(run, settings.max_rejects).await,
                Err(error) => Err(error),
            };
            finish(conductor, settings, display, run, outcome).await
        }
        Command::Promote { run, .. } => {
            let run = conductor.find_run(run.run).await?.id;
            let outcome = match conductor.migrate(true).await {
                Ok(_) => conductor.promote(run, options, settings.allow_incomplete).await,
                Err(error) => Err(error),
            };
            finish(conductor, settings, display, run, outcome).await
        }
        Command::Validate { run } => {
            let run = conductor.find_run(run.run).await?.id;
            let outcome = conductor.validate(run).await;
            finish(conductor, settings, display, run, outcome).await
        }
        _ => Ok(()),
    }
}

/// Shows the report of a run whose step has ended, then tells how.
async fn finish(
    conductor: &Conductor,
    settings: &Settings,
    display: &Display,
    run: Uuid,
    outcome: Result<(), PipelineError>,
) -> Result<(), Failure> {
    show_report(conductor, settings, display, run).await?;
    Ok(outcome?)
}

/// Runs the project's examples in a database of their own.
async fn test(prepared: &Prepared, display: &Display, target: &Target, names: &[String]) -> Result<(), Failure> {
    let Prepared { settings, project } = prepared;
    let scratch = Scratch::create(target).await?;
    let outcome = async {
        let pool = scratch.target().pool(OTHER_CONNECTIONS)?;
        let conductor = Conductor { pool, project: project.clone(), events: Events::none() };
        conductor.migrate(true).await?;
        Ok::<_, Failure>(examples::run(&conductor.pool, project, names, |_| {}).await?)
    };
    let outcome = outcome.await;
    scratch.remove().await?;
    let outcome = outcome?;
    show(settings, display, |view, out| report::render_examples(&outcome, view, out))?;
    let failed = outcome.cases.iter().filter(|case| !case.passed).count();
    match (failed, outcome.cases.len()) {
        (0, 0) => Err(Failure::new(ExitCode::Usage, "no example was run")
            .with_hint(Some("name part of an example's file, or none to run all".to_owned()))),
        (0, _) => Ok(()),
        (failed, all) => Err(Failure::new(ExitCode::Data, format!("{failed} of {all} examples failed"))),
    }
}

async fn show_report(conductor: &Conductor, settings: &Settings, display: &Display, run: Uuid) -> Result<(), Failure> {
    let client = conductor.pool.get().await.map_err(doing("connect"))?;
    let found = ledger::report(&**client, run).await?.ok_or(PipelineError::NoRun(Some(run)))?;
    show(settings, display, |view, out| report::render(&found, view, out))
}

async fn status(
    conductor: &Conductor,
    settings: &Settings,
    display: &Display,
    run: Option<Uuid>,
) -> Result<(), Failure> {
    let run = conductor.find_run(run).await?;
    let client = conductor.pool.get().await.map_err(doing("connect"))?;
    let status = ledger::status(&**client, run).await?;
    show(settings, display, |view, out| report::render_status(&status, view, out))
}

async fn history(conductor: &Conductor, settings: &Settings, display: &Display) -> Result<(), Failure> {
    let client = conductor.pool.get().await.map_err(doing("connect"))?;
    let runs = if sqlmig::db::catalog::has_ledger(&**client).await? {
        ledger::runs(&**client, None, i64::from(settings.history_limit)).await?
    } else {
        Vec::new()
    };
    let history = History { format: FORMAT, runs: runs.into_iter().map(Into::into).collect() };
    show(settings, display, |view, out| report::render_history(&history, view, out))
}

fn show(
    settings: &Settings,
    display: &Display,
    render: impl FnOnce(report::View, &mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    display.clear();
    let mut out = BufWriter::new(io::stdout().lock());
    render(settings.presentation.view(), &mut out)?;
    Ok(out.flush()?)
}

/// Asks before something is lost.
fn confirm(yes: bool, question: &str, display: &Display) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let refused = |what: &str| Failure::new(ExitCode::Usage, what).with_hint(Some("add --yes to go ahead".to_owned()));
    if !io::stdin().is_terminal() {
        return Err(refused("this needs a confirmation, and there is nobody to ask"));
    }
    display.clear();
    write!(io::stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(refused("nothing was done")) }
}

fn spec(path: &Path) -> SourceSpec {
    if path == Path::new("-") { SourceSpec::Stdin } else { SourceSpec::File(path.to_owned()) }
}

fn scan_options(settings: &Settings) -> ScanOptions {
    ScanOptions {
        row_limit_bytes: usize::try_from(settings.row_limit.0).unwrap_or(usize::MAX).min(LONGEST_ROW_BYTES),
        database: settings.database.clone(),
        ..ScanOptions::default()
    }
}

fn stage_options(settings: &Settings, project: &Project) -> StageOptions {
    StageOptions {
        only: settings.tables.clone(),
        scan: scan_options(settings),
        digested: project.settings.digest.clone(),
        max_rejects: settings.max_rejects,
        lanes: lanes(),
    }
}

/// Lanes of staging: more than two gain nothing, since one thread scans for all of them.
fn lanes() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2))
}

/// Writes a generated dump, and what was planted in it.
fn write_dump(args: &GenerateArgs) -> io::Result<()> {
    let options = generate::Options {
        shape: args.shape,
        documents: args.documents,
        seed: args.seed,
        dimensions: usize::try_from(args.dimensions).unwrap_or(usize::MAX),
        faults: args.faults.clone(),
        newer: args.newer,
    };
    let planted = if args.file == Path::new("-") {
        let mut out = BufWriter::new(io::stdout().lock());
        let planted = generate::write_dump(&options, &mut out)?;
        out.flush()?;
        planted
    } else {
        let file = BufWriter::new(File::create(&args.file)?);
        if args.file.extension().is_some_and(|extension| extension == "gz") {
            let mut out = GzEncoder::new(file, Compression::default());
            let planted = generate::write_dump(&options, &mut out)?;
            out.finish()?.flush()?;
            planted
        } else {
            let mut out = file;
            let planted = generate::write_dump(&options, &mut out)?;
            out.flush()?;
            planted
        }
    };
    if let Some(index) = &args.index {
        serde_json::to_writer_pretty(File::create(index)?, &planted)?;
    }
    Ok(())
}
