//! How sqlmig talks: output, log, colours and the progress display, decided from settings and what the streams are.

use std::ffi::OsStr;
use std::io::{self, IsTerminal};

use sqlmig::report::{Format, View};
use sqlmig::telemetry::{Display, Mode, log};
use uuid::Uuid;

use super::args::{Color, GlobalArgs, LogFormat, Output, OutputTo};
use super::failure::Failure;
use super::settings::file::FileSettings;

/// Columns of a page that is no terminal.
const PAGE_WIDTH: u16 = 120;
/// Tables narrower than this fall apart; wider ones are hard to read across.
const WIDTHS: (u16, u16) = (80, 140);

/// What is needed before anything else is known, and to tell of a failure.
#[derive(Debug, Clone)]
pub struct Presentation {
    /// How data is written to stdout.
    pub output: Format,
    /// How log lines are written.
    pub log_format: log::Format,
    /// Which log lines; `None` leaves it to whether there is a progress display.
    pub log_level: Option<String>,
    /// No progress display, no log lines but warnings.
    pub quiet: bool,
    /// Show also what passed.
    pub verbose: bool,
    /// When colours are used.
    pub color: Color,
}

impl Presentation {
    /// Resolves what was typed with what the project's file says; with [`FileSettings::default`] before it was read.
    #[must_use]
    pub fn resolve(typed: &GlobalArgs, file: &FileSettings) -> Self {
        Self {
            output: match (&typed.output, file.output) {
                (Some(OutputTo::Form(Output::Json)), _) | (None, Some(Output::Json)) => Format::Json,
                _ => Format::Table,
            },
            log_format: log_format(typed.log_format.or(file.log_format), io::stderr().is_terminal()),
            log_level: typed.log_level.clone().or_else(|| file.log_level.clone()),
            quiet: typed.quiet.or(file.quiet).unwrap_or(false),
            verbose: typed.verbose.or(file.verbose).unwrap_or(false),
            color: typed.color.or(file.color).unwrap_or(Color::Auto),
        }
    }

    /// How data is shown on this process's stdout.
    #[must_use]
    pub fn view(&self) -> View {
        let width = comfy_table::Table::new().width().unwrap_or(PAGE_WIDTH);
        View {
            format: self.output,
            width: width.clamp(WIDTHS.0, WIDTHS.1),
            color: self.colored(&io::stdout()),
            verbose: self.verbose,
        }
    }

    /// Begins the log on stderr and, where someone watches, the progress display.
    ///
    /// # Errors
    ///
    /// [`log::LogError`] for a level that is none.
    pub fn begin(&self) -> Result<Display, log::LogError> {
        let color = self.colored(&io::stderr());
        let display = Display::new(self.mode(io::stderr().is_terminal(), color));
        let level = self.log_level.clone();
        log::init(&log::Options { format: self.log_format, level, quiet: self.quiet, color }, &display)?;
        Ok(display)
    }

    /// Tells of a failure on stderr: as JSON where data is, too, with the run that this process works on.
    ///
    /// # Errors
    ///
    /// What stderr reports.
    pub fn tell(&self, failure: &Failure, run: Option<Uuid>) -> io::Result<()> {
        let mut stderr = io::stderr().lock();
        // Where lines are meant for a program, this one is too.
        if self.output == Format::Json || self.log_format == log::Format::Json {
            failure.write_json(run, &mut stderr)
        } else {
            failure.write_text(self.colored(&io::stderr()), &mut stderr)
        }
    }

    /// Bars only for a person: on a terminal, not silenced, and not where lines are meant for a program.
    fn mode(&self, terminal: bool, color: bool) -> Mode {
        if terminal && !self.quiet && self.log_format == log::Format::Text { Mode::Bars { color } } else { Mode::Lines }
    }

    fn colored(&self, stream: &impl IsTerminal) -> bool {
        self.color.enabled(stream.is_terminal(), std::env::var_os("NO_COLOR").as_deref())
    }
}

/// What was named; else text for a person at a terminal, and JSON for whatever collects the lines elsewhere.
fn log_format(named: Option<LogFormat>, terminal: bool) -> log::Format {
    match (named, terminal) {
        (Some(LogFormat::Text), _) | (None, true) => log::Format::Text,
        (Some(LogFormat::Json), _) | (None, false) => log::Format::Json,
    }
}

impl Color {
    /// Whether to colour a stream: `terminal` says whether it is one, `no_color` is the variable of that name, which
    /// counts when it is not empty (<https://no-color.org>).
    #[must_use]
    pub fn enabled(self, terminal: bool, no_color: Option<&OsStr>) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => terminal && no_color.is_none_or(OsStr::is_empty),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_the_terminal_and_no_color() {
        let set = |value: &'static str| Some(OsStr::new(value));
        assert!(Color::Auto.enabled(true, None) && Color::Auto.enabled(true, set("")));
        assert!(!Color::Auto.enabled(true, set("1")) && !Color::Auto.enabled(false, None));
        assert!(Color::Always.enabled(false, set("1")) && !Color::Never.enabled(true, None));
    }

    #[test]
    fn lines_are_text_for_a_person_only() {
        for (named, terminal, format) in [
            (None, true, log::Format::Text),
            (None, false, log::Format::Json),
            (Some(LogFormat::Text), false, log::Format::Text),
            (Some(LogFormat::Json), true, log::Format::Json),
        ] {
            assert_eq!(log_format(named, terminal), format, "{named:?} {terminal}");
        }
    }

    #[test]
    fn bars_are_for_a_person_only() {
        let typed = GlobalArgs { log_format: Some(LogFormat::Text), ..GlobalArgs::default() };
        let plain = Presentation::resolve(&typed, &FileSettings::default());
        assert_eq!(plain.mode(true, false), Mode::Bars { color: false });
        assert_eq!(plain.mode(false, false), Mode::Lines);
        assert_eq!(Presentation { quiet: true, ..plain.clone() }.mode(true, false), Mode::Lines);
        assert_eq!(Presentation { log_format: log::Format::Json, ..plain }.mode(true, false), Mode::Lines);
    }
}
