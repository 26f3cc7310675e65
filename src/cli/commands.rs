//! From a command to the phases it stands for.

use std::io::{self, Write};
use std::time::Duration;

use deadpool_postgres::Pool;
use futures_util::future::join_all;
use sqlmig::db::ServerInfo;
use sqlmig::db::ledger::run_exit;
use sqlmig::db::lock::{Lock, LockKind};
use sqlmig::db::pooler::refuse_transaction_pooler;
use sqlmig::fault;
use sqlmig::pipeline::{Conductor, LoadOptions, PipelineError, Vitals};
use sqlmig::project::Project;
use sqlmig::promote::PromoteOptions;
use sqlmig::source::tree::serve_pdf;
use sqlmig::stop::Stop;
use sqlmig::telemetry::Display;
use uuid::Uuid;

use super::args::{Args, Command, OutputTo};
use super::before::ask_before;
use super::completions;
use super::examples::test_examples;
use super::failure::{ExitCode, Failure};
use super::generate::write_dump;
use super::interrupt::until_interrupted;
use super::metrics::{beside, monitor};
use super::options::{OTHER_CONNECTIONS, lanes, most_workers, open, promote_options, stage_options};
use super::plan::{self, Followed, show_plan};
use super::preflight::show_preflight;
use super::presentation::Presentation;
use super::quarantine::{look_into_quarantine, retry_quarantine};
use super::rollback;
use super::search::search;
use super::server::Server;
use super::settings::{FileSettings, Settings};
use super::show::{history, show_report};
use super::watch::show_status;
use super::why::{events, why};
use super::written::{self, refuse_unwritable};

/// How long leaving the exit code may take.
const EXIT_LIMIT: Duration = Duration::from_secs(2);

/// Runs a command to its end and tells of its failure, if it has one.
pub fn execute(args: &Args) -> ExitCode {
    // It has a limit to its memory: no runtime, no settings.
    if matches!(args.command, Command::ReadPdf) {
        return match serve_pdf(io::stdin().lock(), io::stdout().lock()) {
            Ok(()) => ExitCode::Done,
            Err(_) => ExitCode::Unexpected,
        };
    }
    match prepare(args) {
        Ok(prepared) => {
            let display = match prepared.settings.presentation.begin() {
                Ok(display) => display,
                Err(error) => return told(&prepared.settings.presentation, None, &error.into()),
            };
            let outcome = tokio::runtime::Runtime::new()
                .map_err(|error| Failure::from_error(ExitCode::Unexpected, &error))
                .and_then(|runtime| {
                    let stop = Stop::default();
                    let command = dispatch(&args.command, &prepared, &display, &stop);
                    let outcome = runtime.block_on(until_interrupted(command, &stop, &args.command.again()));
                    // A thread that waits for a slow source would otherwise hold up the end. One that waits for the
                    // server panics as the runtime goes away under it, which is nothing to tell anyone.
                    std::panic::set_hook(Box::new(|_| {}));
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
    drop(presentation.tell(failure, display.and_then(|display| display.run_id().get())));
    code
}

/// What a command was typed with, resolved.
struct Prepared {
    settings: Settings,
    /// Where `--output` sends a report.
    output: Option<OutputTo>,
    project: Project,
}

fn prepare(args: &Args) -> Result<Prepared, Failure> {
    refuse_unwritable(args)?;
    let project = match &args.global.project {
        Some(folder) => Project::load(folder)?,
        None => Project::builtin()?,
    };
    let file = FileSettings::from_table(project.settings.options.clone())?;
    let settings = Settings::resolve(&args.global, &args.command, &file)?;
    Ok(Prepared { settings, output: args.global.output.clone(), project })
}

async fn dispatch(command: &Command, prepared: &Prepared, display: &Display, stop: &Stop) -> Result<(), Failure> {
    match command {
        Command::Completions { shell } => Ok(completions::write(*shell, &mut io::stdout())?),
        Command::Generate(options) => Ok(write_dump(options)?),
        _ => {
            let server = Server::open(&prepared.settings, display).await?;
            let outcome = match command {
                // It goes on while the database is away, and begins then, too.
                Command::Monitor(args) => monitor(args.run.run, &prepared.settings, &server.target, stop).await,
                _ => Box::pin(on_server(command, prepared, display, &server, stop)).await,
            };
            server.close().await.and(outcome)
        }
    }
}

/// Runs the commands that need the target.
async fn on_server(
    command: &Command,
    prepared: &Prepared,
    display: &Display,
    server: &Server,
    stop: &Stop,
) -> Result<(), Failure> {
    let Prepared { settings, project, .. } = prepared;
    let target = &server.target;
    let vitals = Vitals::new(settings.max_rejects);
    let mut conductor = Conductor {
        pool: target.pool_within(most_workers(settings).max(lanes()) + OTHER_CONNECTIONS, settings.timeouts)?,
        project: project.clone(),
        events: vitals.listen(display.events()),
        vitals,
        stop: stop.clone(),
        holder: None,
        embed: settings.embedding.options()?,
    };
    // What would be refused here is what it is to find.
    if let Command::Preflight(options) = command {
        return show_preflight(options, &conductor, server, settings, display).await;
    }
    fault::point("run.connect").await;
    let connection = target.connect().await?;
    for warning in ServerInfo::read(&*connection).await?.check()? {
        display.events().warn(warning);
    }
    drop(connection);
    let options = promote_options(settings);
    let _metrics = beside(settings, target, display).await?;
    match command {
        Command::Test { names } => test_examples(settings, project, display, target, names).await,
        Command::Plan { source, file, .. } => show_plan(source, file, &conductor, target, settings, display).await,
        Command::Status(args) => show_status(args, &conductor, settings, display).await,
        Command::Report(typed) => written::report(typed, prepared.output.as_ref(), &conductor, settings, display).await,
        Command::History { run, .. } => match run.run {
            Some(run) => events(&conductor, settings, display, run).await,
            None => history(&conductor, settings, display).await,
        },
        Command::Search { text, vector, .. } => {
            search(&conductor, settings, display, text.as_deref(), vector.as_deref()).await
        }
        Command::Why { table, key, run } => why(&conductor, settings, display, table, key, run.run).await,
        Command::Quarantine { action } if !action.changes_anything() => {
            look_into_quarantine(action, &conductor, settings, display).await
        }
        Command::Rollback(options) => rollback::rollback(options, &conductor, target, settings, display).await,
        Command::Finish { run, consent } => {
            rollback::finish(run.run, consent.yes, &conductor, target, settings, display).await
        }
        // Migrations take turns on a lock of their own: eight that start at once all succeed.
        Command::Migrate { .. } => {
            ask_before(command, &conductor, target, settings, None, display, stop).await?;
            refuse_transaction_pooler(target).await?;
            Box::pin(conduct(command, &conductor, settings, display, options, None)).await
        }
        // A worker process holds no lock: the fence of the run that it joins keeps it in place.
        Command::Promote { run, worker, .. } if worker.worker => {
            refuse_transaction_pooler(target).await?;
            let batches = conductor.work(run.run, options, settings.wait).await?;
            display.clear();
            Ok(writeln!(io::stdout(), "{batches} batches committed")?)
        }
        _ => {
            let followed = match command {
                Command::Run { follow, .. } => follow.plan.as_deref().map(plan::read).transpose()?,
                _ => None,
            };
            ask_before(command, &conductor, target, settings, followed.as_ref(), display, stop).await?;
            // What staging needs is connected while the way to the server is looked into.
            let (own, ()) = tokio::join!(refuse_transaction_pooler(target), warm(command, &conductor.pool));
            let mut lock = Lock::try_take_on(own?, target, LockKind::Run).await?;
            conductor.holder = Some(lock.holder());
            fault::point("run.locked").await;
            // Whoever loses the lock may have lost the run: another sqlmig may take it on at any moment.
            let outcome = tokio::select! {
                outcome = async {
                    if let (Command::Run { source, .. }, Some(followed)) = (command, &followed) {
                        followed.hold(source, &conductor, target, settings).await?;
                    }
                    Box::pin(conduct(command, &conductor, settings, display, options, followed.as_ref())).await
                } => outcome,
                lost = lock.keep(target) => Err(lost.into()),
            };
            note_exit(&conductor, display, &outcome).await;
            fault::point("run.release").await;
            lock.release().await;
            outcome
        }
    }
}

/// Opens the connections that staging takes, ahead of their use. One that can't be had is told of by whoever needs it.
async fn warm(command: &Command, pool: &Pool) {
    if command.source().is_some() {
        drop(join_all((0..=lanes()).map(|_| pool.get())).await);
    }
}

/// Runs the commands that change a run.
async fn conduct(
    command: &Command,
    conductor: &Conductor,
    settings: &Settings,
    display: &Display,
    options: PromoteOptions,
    followed: Option<&Followed>,
) -> Result<(), Failure> {
    match command {
        Command::Run { source, report, .. } => {
            let source = open(source, settings, conductor).await?;
            let following = followed.map(Followed::following);
            let load = LoadOptions { following, ..load_options(settings, conductor, options) };
            // The report is shown on failure too: what succeeded is in it, and what failed comes last.
            let (run, outcome) = match conductor.run(source, load).await {
                Ok(run) => (Some(run), Ok(())),
                Err((run, error)) => (run, Err(error)),
            };
            let mut told = Ok(());
            if let Some(run) = run {
                // A file that can't be written must not hide how the run ended.
                told = written::reports(&report.files, conductor, run).await;
                show_report(conductor, settings, display, run).await?;
            }
            outcome?;
            told
        }
        Command::Migrate { .. } => {
            let applied = conductor.migrate(true).await?;
            display.clear();
            for name in &applied {
                writeln!(io::stdout(), "applied {name}")?;
            }
            Ok(writeln!(io::stdout(), "{} migrations applied", applied.len())?)
        }
        Command::Stage { source, .. } => {
            let source = open(source, settings, conductor).await?;
            let load = load_options(settings, conductor, options);
            let taken = conductor.open(&source, &load, false).await?;
            let staged = conductor.stage(taken, source, load.stage).await;
            show_report(conductor, settings, display, taken.fence.run).await?;
            match staged? {
                // What came before the end is staged, and the run goes on from there for whoever allows it.
                Some(why) if !settings.allow_incomplete => Err(PipelineError::Incomplete(why).into()),
                _ => Ok(()),
            }
        }
        Command::Check { run, .. } => {
            let fence = conductor.resume(run.run).await?.fence;
            let outcome = match conductor.migrate(true).await {
                Ok(_) => conductor.check(fence, settings.max_rejects).await,
                Err(error) => Err(error),
            };
            finish(conductor, settings, display, fence.run, outcome).await
        }
        Command::Embed { run, .. } => {
            about(conductor, display, run.run).await;
            let Some(fence) = conductor.begin_embedding(run.run).await? else {
                display.clear();
                let told = match conductor.embed.client {
                    Some(_) => "no row of the run is left without an embedding",
                    None => "no service is named that makes embeddings (--embedding-url): nothing is fetched",
                };
                return Ok(writeln!(io::stdout(), "{told}")?);
            };
            let outcome = conductor.embed(fence).await;
            finish(conductor, settings, display, fence.run, outcome).await
        }
        Command::Promote { run, .. } => {
            let fence = conductor.resume(run.run).await?.fence;
            let outcome = match conductor.migrate(true).await {
                Ok(_) => conductor.promote(fence, options, settings.allow_incomplete).await,
                Err(error) => Err(error),
            };
            finish(conductor, settings, display, fence.run, outcome).await
        }
        Command::Index { .. } => {
            about(conductor, display, None).await;
            let done = conductor.index().await?;
            display.clear();
            Ok(writeln!(io::stdout(), "{done}")?)
        }
        Command::Validate { run, probe, .. } => {
            let fence = conductor.resume(run.run).await?.fence;
            let mut outcome = conductor.validate(fence).await;
            if let (Ok(()), Some(rows)) = (&outcome, probe) {
                outcome = conductor.probe(fence, i64::from(*rows)).await;
            }
            finish(conductor, settings, display, fence.run, outcome).await
        }
        Command::Quarantine { action } => retry_quarantine(action, conductor, settings, display, options).await,
        _ => Ok(()),
    }
}

/// Has log lines name the run that is asked for, or the newest, where no event may come to tell of it. That there is
/// none, or that this role may not read the ledger, as the tables' owner who builds an index need not, is no failure.
async fn about(conductor: &Conductor, display: &Display, run: Option<Uuid>) {
    if let Ok(found) = conductor.find_run(run).await
        && found.project == conductor.project.name
    {
        display.about(found.id);
    }
}

/// Leaves the exit code that this process will end with to whoever follows the run. That it could not be left is no failure.
async fn note_exit(conductor: &Conductor, display: &Display, outcome: &Result<(), Failure>) {
    let Some(run) = display.conducted().get() else { return };
    let code = outcome.as_ref().map_or_else(|failure| failure.code, |()| ExitCode::Done);
    let noted = async {
        let client = conductor.pool.get().await.ok()?;
        run_exit(&**client, run, code.number()).await.ok()
    };
    drop(tokio::time::timeout(EXIT_LIMIT, noted).await);
}

fn load_options(settings: &Settings, conductor: &Conductor, promote: PromoteOptions) -> LoadOptions {
    LoadOptions {
        stage: stage_options(settings, &conductor.project),
        promote,
        allow_incomplete: settings.allow_incomplete,
        earlier: settings.earlier,
        index: settings.index,
        following: None,
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
