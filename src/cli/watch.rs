//! `sqlmig status`: how far a run has come, once or until it has ended.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use sqlmig::db::ledger::{RunState, status};
use sqlmig::db::patience::{close, connection, within};
use sqlmig::outcome::Status;
use sqlmig::outcome::status::Activity;
use sqlmig::pipeline::{Conductor, PipelineError};
use sqlmig::report::{self, Format};
use sqlmig::telemetry::Display;
use uuid::Uuid;

use super::args::StatusArgs;
use super::failure::{ExitCode, Failure};
use super::settings::Settings;
use super::show::show;

/// How long one look may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Shows how far a run has come.
pub async fn show_status(
    args: &StatusArgs,
    conductor: &Conductor,
    settings: &Settings,
    display: &Display,
) -> Result<(), Failure> {
    let run = conductor.find_run(args.run.run).await?.id;
    if args.watch {
        return watch(run, conductor, settings, display).await;
    }
    let status = look(run, conductor).await?;
    show(settings, display, |view, out| report::render_status(&status, view, out))
}

/// Looks once.
async fn look(run: Uuid, conductor: &Conductor) -> Result<Status, Failure> {
    let action = "read how far the run is";
    let mut client = connection(&conductor.pool, LIMIT, action).await?;
    let read = within(LIMIT, action, status(&mut client, Some(run))).await;
    if read.is_err() {
        close(client);
    }
    read?.ok_or_else(|| PipelineError::NoRun(Some(run)).into())
}

/// Looks again and again until the run has ended; ends as it did.
async fn watch(run: Uuid, conductor: &Conductor, settings: &Settings, display: &Display) -> Result<(), Failure> {
    let mut screen = Screen::of(settings);
    let mut away = Duration::ZERO;
    loop {
        match look(run, conductor).await {
            Ok(status) => {
                away = Duration::ZERO;
                let ending = ending(&status, settings.patience);
                match (&mut screen, &ending) {
                    (Some(screen), None) => screen.draw(&report::progress_lines(&status, screen.color))?,
                    (Some(screen), Some(_)) => {
                        screen.wipe()?;
                        show(settings, display, |view, out| report::render_status(&status, view, out))?;
                    }
                    (None, _) => show(settings, display, |view, out| report::render_status_line(&status, view, out))?,
                }
                if let Some(ending) = ending {
                    return ending;
                }
            }
            // Whoever watches bears what the run itself bears: a server that is away for a while.
            Err(failure) if failure.code == ExitCode::Database && away < settings.patience => {
                away += settings.interval + LIMIT / 10;
                display.events().warn(format!("{}; looking again", failure.what));
            }
            Err(failure) => return Err(failure),
        }
        tokio::select! {
            () = tokio::time::sleep(settings.interval) => {}
            () = conductor.stop.requested() => return Err(Failure::new(ExitCode::Interrupted, "interrupted")),
        }
    }
}

/// How the run ended, if it has. One that failed in a way that passes by itself, or that nobody works on, is waited for: a
/// Job that is started again goes on with it.
fn ending(status: &Status, patience: Duration) -> Option<Result<(), Failure>> {
    let run = &status.run;
    if run.state == RunState::Done.as_str() {
        return Some(Ok(()));
    }
    let words = |state: RunState| state.as_str() == run.state;
    if words(RunState::Superseded) || words(RunState::RolledBack) {
        let what = if words(RunState::Superseded) { "was set aside for another" } else { "was taken back" };
        return Some(Err(Failure::new(ExitCode::Unexpected, format!("run {} {what}", run.id))));
    }
    if status.activity == Activity::Working || status.is_conducted {
        return None;
    }
    let code = status.exit_code.and_then(ExitCode::from_number).filter(|code| *code != ExitCode::Done);
    let lasting = code.is_some_and(|code| !code.retryable()) && run.error.is_some();
    let quiet = (status.at - status.last_heard_at.unwrap_or(run.started_at)).unsigned_abs();
    if !lasting && quiet < patience {
        return None;
    }
    let code = code.unwrap_or(ExitCode::Interrupted);
    let what = match &run.error {
        Some(error) => format!("run {} failed: {error}", run.id),
        None => format!("run {} is {}, and nobody works on it", run.id, run.state),
    };
    Some(Err(Failure::new(code, what).with_hint(Some(code.remedy().to_owned()))))
}

/// The lines that are drawn again and again on a terminal.
struct Screen {
    color: bool,
    lines: usize,
}

impl Screen {
    /// The screen of this process; `None` where lines go to a file or a program.
    fn of(settings: &Settings) -> Option<Self> {
        let view = settings.presentation.view();
        let shown = io::stdout().is_terminal() && view.format == Format::Table;
        shown.then_some(Self { color: view.color, lines: 0 })
    }

    fn draw(&mut self, lines: &[String]) -> io::Result<()> {
        self.wipe()?;
        let mut out = io::stdout().lock();
        for line in lines {
            // A line that were broken at the edge would count for two: the terminal is told not to.
            writeln!(out, "\x1b[?7l{line}\x1b[?7h")?;
        }
        self.lines = lines.len();
        out.flush()
    }

    fn wipe(&mut self) -> io::Result<()> {
        if self.lines > 0 {
            write!(io::stdout().lock(), "\x1b[{}A\x1b[J", self.lines)?;
            self.lines = 0;
        }
        Ok(())
    }
}
