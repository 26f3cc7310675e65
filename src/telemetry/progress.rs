//! The progress display: bars on a terminal, one log line a step elsewhere.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use uuid::Uuid;

use super::run_id::RunId;
use super::{line, step};
use crate::event::{Event, Events};
use crate::report::progress_lines;

/// A source that is looked through, and whose stored size is known.
const SIZED: &str = "reading  {wide_bar} {percent:>3} % of {binary_total_bytes} · {msg} · ETA {eta}";
/// The same, from a pipe.
const UNSIZED: &str = "reading  {spinner} {binary_bytes} · {msg} · {elapsed}";
/// A run: what its status says.
const RUN: &str = "{msg}";
/// The rows of a rollback.
const ROLLBACK: &str = "rollback {wide_bar} {human_pos}/{human_len} rows · {msg} · ETA {eta}";

/// How often a log line tells how far a phase is.
const LOG_EVERY: Duration = Duration::from_secs(30);

/// What progress is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Bars at the bottom of a terminal, finished steps as lines above them.
    Bars {
        /// Whether to colour.
        color: bool,
    },
    /// One log line a step: what is wanted where no one watches, and with `--quiet`, whose log level drops all but
    /// warnings.
    Lines,
}

/// The display of one process: cheap to clone.
#[derive(Debug, Clone)]
pub struct Display {
    mode: Mode,
    bars: MultiProgress,
    run: RunId,
    conducted: RunId,
    shown: Arc<Mutex<Shown>>,
}

/// The bars on the screen.
#[derive(Debug, Default)]
struct Shown {
    /// Of a source that is looked through without a run, as `plan` does.
    source: Option<ProgressBar>,
    /// How far the run is; there while a phase is.
    run: Option<ProgressBar>,
    rollback: Option<Rollback>,
    /// When a phase began, or a log line told of it.
    told_at: Option<Instant>,
}

/// The bar of a rollback.
#[derive(Debug)]
struct Rollback {
    bar: ProgressBar,
    batches: u64,
    done: u64,
}

impl Display {
    /// A display on stderr.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        let target = match mode {
            Mode::Bars { .. } => ProgressDrawTarget::stderr(),
            Mode::Lines => ProgressDrawTarget::hidden(),
        };
        let bars = MultiProgress::with_draw_target(target);
        Self { mode, bars, run: RunId::default(), conducted: RunId::default(), shown: Arc::default() }
    }

    /// What it shows progress as.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The run that log lines name, once an event told of it.
    #[must_use]
    pub fn run_id(&self) -> RunId {
        self.run.clone()
    }

    /// The run that this process has in hand, once an event told of it: not one that only log lines name.
    #[must_use]
    pub fn conducted(&self) -> RunId {
        self.conducted.clone()
    }

    /// Has log lines name a run that no event tells of, because nothing of it is gone on with.
    pub fn about(&self, run: Uuid) {
        self.run.set(run);
    }

    /// The reader to give to the phases.
    #[must_use]
    pub fn events(&self) -> Events {
        let display = self.clone();
        Events::new(move |event| display.show(&event))
    }

    /// Writes to stderr without tearing the bars.
    ///
    /// # Errors
    ///
    /// What stderr reports.
    pub fn write(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.bars.suspend(|| std::io::stderr().lock().write_all(bytes))
    }

    /// Takes the bars off the screen: before a report, a question or an error is written.
    pub fn clear(&self) {
        let mut shown = self.shown();
        *shown = Shown::default();
        // A bar that cannot be wiped off a terminal that went away is no reason to fail.
        let _ = self.bars.clear();
    }

    fn show(&self, event: &Event) {
        if let Event::RunStarted { run, .. }
        | Event::RunResumed { run, .. }
        | Event::AlreadyLoaded { run, .. }
        | Event::RollbackStarted { run, .. } = event
        {
            self.run.set(*run);
            self.conducted.set(*run);
        }
        match self.mode {
            Mode::Lines if self.is_due(event) => step::log(event),
            Mode::Lines => {}
            Mode::Bars { color } => {
                self.draw(event);
                if let Some(line) = line::line(event, color) {
                    let _ = self.write(format!("{line}\n").as_bytes());
                }
            }
        }
    }

    /// Whether a log line is due: a status comes every few seconds, which is too much for a log.
    fn is_due(&self, event: &Event) -> bool {
        let mut shown = self.shown();
        match event {
            Event::PhaseStarted { .. } => shown.told_at = Some(Instant::now()),
            Event::StatusRead { .. } => {
                if shown.told_at.is_some_and(|told_at| told_at.elapsed() < LOG_EVERY) {
                    return false;
                }
                shown.told_at = Some(Instant::now());
            }
            _ => {}
        }
        true
    }

    /// A reader that panicked while it held the bars leaves bars that are at worst out of date.
    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self, event: &Event) {
        let mut shown = self.shown();
        match event {
            Event::SourceOpened { bytes } if shown.run.is_none() => {
                let bar = self.bars.add(source_bar(*bytes));
                bar.set_message(line::rows_of(0));
                shown.source = Some(bar);
            }
            Event::SourceProgress { bytes, rows, .. } => {
                if let Some(bar) = &shown.source {
                    bar.set_position(*bytes);
                    bar.set_message(rows_and_rate(*rows, bar.elapsed().as_secs_f64()));
                }
            }
            Event::PhaseStarted { phase } => {
                let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_style(style(RUN));
                let bar = self.bars.add(bar);
                bar.set_message(format!("{:<8} …", phase.to_string()));
                shown.run = Some(bar);
            }
            Event::StatusRead { status } => {
                if let (Some(bar), Mode::Bars { color }) = (&shown.run, self.mode) {
                    bar.set_message(progress_lines(status, color).join("\n"));
                }
            }
            Event::PhaseFinished { .. } => {
                if let Some(bar) = shown.run.take() {
                    bar.finish_and_clear();
                }
            }
            Event::RollbackStarted { batches, rows, .. } => {
                let bar = ProgressBar::with_draw_target(Some(*rows), ProgressDrawTarget::hidden());
                let bar = self.bars.add(bar.with_style(style(ROLLBACK)));
                bar.set_message(format!("batch 0/{batches}"));
                shown.rollback = Some(Rollback { bar, batches: *batches, done: 0 });
            }
            Event::BatchTakenBack { rows, .. } => {
                if let Some(rollback) = &mut shown.rollback {
                    rollback.done += 1;
                    rollback.bar.inc(*rows);
                    rollback.bar.set_message(format!("batch {}/{}", rollback.done, rollback.batches));
                }
            }
            Event::RollbackFinished { .. } => {
                if let Some(rollback) = shown.rollback.take() {
                    rollback.bar.finish_and_clear();
                }
            }
            _ => {}
        }
    }
}

/// A bar over the stored bytes of the source, or a spinner where their number is not known.
fn source_bar(bytes: Option<u64>) -> ProgressBar {
    match bytes {
        Some(bytes) => {
            ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::hidden()).with_style(style(SIZED))
        }
        None => ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_style(style(UNSIZED)),
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants of this file; a test reads each.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─")
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate for the eye"
)]
fn rows_and_rate(rows: u64, seconds: f64) -> String {
    let rate = if seconds > 0.0 { (rows as f64 / seconds) as u64 } else { 0 };
    format!("{} · {}/s", line::rows_of(rows), line::rows_of(rate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Phase;
    use crate::names::TableName;

    /// A display whose bars no one sees.
    fn hidden() -> Display {
        let display = Display::new(Mode::Bars { color: false });
        display.bars.set_draw_target(ProgressDrawTarget::hidden());
        display
    }

    #[test]
    fn templates_are_well_formed() {
        for template in [SIZED, UNSIZED, RUN, ROLLBACK] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn a_source_that_is_looked_through_has_a_bar() {
        let display = hidden();
        display.draw(&Event::SourceOpened { bytes: Some(1000) });
        display.draw(&Event::SourceProgress { bytes: 250, rows: 40, table: None });
        assert_eq!(display.shown().source.as_ref().unwrap().position(), 250);
        assert!(display.shown().source.as_ref().unwrap().message().starts_with("40 rows"));
    }

    #[test]
    fn a_run_shows_its_status_while_a_phase_goes_on() {
        let display = hidden();
        let status = Arc::new(crate::report::sample::status());
        display.draw(&Event::StatusRead { status: Arc::clone(&status) });
        assert!(display.shown().run.is_none());
        display.draw(&Event::PhaseStarted { phase: Phase::Stage });
        display.draw(&Event::SourceOpened { bytes: Some(1000) });
        assert!(display.shown().source.is_none());
        assert_eq!(display.shown().run.as_ref().unwrap().message(), "stage    …");
        display.draw(&Event::StatusRead { status: Arc::clone(&status) });
        let expected = crate::report::progress_lines(&status, false).join("\n");
        assert_eq!(display.shown().run.as_ref().unwrap().message(), expected);
        display.draw(&Event::PhaseFinished { phase: Phase::Stage, elapsed: Duration::ZERO, summary: String::new() });
        assert!(display.shown().run.is_none());
    }

    #[test]
    fn a_log_has_a_status_now_and_then() {
        let display = Display::new(Mode::Lines);
        let status = Event::StatusRead { status: Arc::new(crate::report::sample::status()) };
        assert!(display.is_due(&Event::PhaseStarted { phase: Phase::Stage }));
        assert!(!display.is_due(&status));
        display.shown().told_at = Instant::now().checked_sub(LOG_EVERY);
        assert!(display.is_due(&status) && !display.is_due(&status));
    }

    #[test]
    fn a_rollback_has_a_bar_of_its_own() {
        let display = hidden();
        let run = uuid::Uuid::from_u128(7);
        let elapsed = Duration::ZERO;
        display.events().emit(Event::RollbackStarted { run, batches: 3, rows: 30 });
        assert_eq!(display.run_id().get(), Some(run));
        let target = TableName::new("public", "documents");
        // Of twelve rows that were written two were left: they are dealt with, too.
        display.draw(&Event::BatchTakenBack { target, number: 7, rows: 12, deleted: 4, restored: 6, elapsed });
        assert_eq!(display.shown().rollback.as_ref().unwrap().bar.position(), 12);
        assert_eq!(display.shown().rollback.as_ref().unwrap().bar.message(), "batch 1/3");
        display.draw(&Event::RollbackFinished { batches: 1, deleted: 4, restored: 6, elapsed });
        assert!(display.shown().rollback.is_none());
    }

    #[test]
    fn the_run_is_known_after_its_event() {
        let display = Display::new(Mode::Lines);
        assert_eq!(display.run_id().get(), None);
        let run = uuid::Uuid::from_u128(7);
        display.events().emit(Event::RunStarted { run, source: "a".into(), project: "docs".into() });
        assert_eq!(display.run_id().get(), Some(run));
    }
}
