//! Log lines on stderr, as text or JSON, each with the run's id once it is known.

use std::fmt;
use std::io;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use super::progress::{Display, Mode};
use super::run_id::RunId;
use crate::report::printable;

/// RFC 3339 in UTC, always to the millisecond, so that lines sort as text.
const MOMENT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line: `timestamp`, `level`, `target`, `run`, `message`, and the event's own fields.
    Json,
}

/// What is logged, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// How a line is written.
    pub format: Format,
    /// `error` … `trace`, or directives as `sqlmig=debug,tokio_postgres=info`; `None` is `info`, and `warn` where bars
    /// already show what happens.
    pub level: Option<String>,
    /// Warnings and errors only, whatever the default; a named level wins.
    pub quiet: bool,
    /// Whether to colour the level.
    pub color: bool,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level is none.
    #[error("{level:?} is no log level: {reason}")]
    Level {
        /// As it was given.
        level: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The process already has a log.
    #[error("the log was set up twice")]
    Twice,
}

impl LogError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = "use error, warn, info, debug, trace, or directives as sqlmig=debug,tokio_postgres=info";
        matches!(self, Self::Level { .. }).then(|| hint.to_owned())
    }
}

/// Begins logging, for the whole process; lines pass through `display`, so that they do not tear its bars.
///
/// # Errors
///
/// [`LogError::Level`] for a level that is none, [`LogError::Twice`] where the process already logs.
pub fn init(options: &Options, display: &Display) -> Result<(), LogError> {
    let lines = Lines { format: options.format, color: options.color, run: display.run_id() };
    tracing_subscriber::fmt()
        .with_env_filter(filter(options, display.mode())?)
        .event_format(lines)
        .with_writer(Sink(display.clone()))
        .try_init()
        .map_err(|_| LogError::Twice)
}

/// Which lines are written. A bare level is for sqlmig itself; the libraries below it only warn, since what they log at
/// `debug` holds statements and values.
fn filter(options: &Options, mode: Mode) -> Result<EnvFilter, LogError> {
    let level = options.level.as_deref().unwrap_or(match mode {
        _ if options.quiet => "warn",
        Mode::Bars { .. } => "warn",
        Mode::Lines => "info",
    });
    let error = |reason: String| LogError::Level { level: level.to_owned(), reason };
    let directives = match level.parse::<Level>() {
        Ok(Level::ERROR) => "error".to_owned(),
        Ok(named) => format!("warn,sqlmig={}", named.as_str().to_lowercase()),
        Err(_) if level.contains('=') => level.to_owned(),
        Err(_) => return Err(error("it is not one of error, warn, info, debug, trace".to_owned())),
    };
    EnvFilter::builder().parse(directives).map_err(|reason| error(reason.to_string()))
}

/// Writes whole lines through the display.
struct Sink(Display);

impl<'a> MakeWriter<'a> for Sink {
    type Writer = &'a Sink;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl io::Write for &Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a line looks.
struct Lines {
    format: Format,
    color: bool,
    run: RunId,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let now = OffsetDateTime::now_utc().format(MOMENT).map_err(|_| fmt::Error)?;
        let line = Line { now, level: *event.metadata().level(), target: event.metadata().target(), fields };
        writer.write_str(&line.written(self))
    }
}

/// One line to be.
struct Line<'a> {
    now: String,
    level: Level,
    target: &'a str,
    fields: Fields,
}

impl Line<'_> {
    fn written(self, lines: &Lines) -> String {
        match lines.format {
            Format::Text => self.text(lines),
            Format::Json => self.json(lines),
        }
    }

    fn text(self, lines: &Lines) -> String {
        let level = if lines.color { painted(self.level) } else { format!("{:>5}", self.level.as_str()) };
        let run = lines.run.get().map_or_else(String::new, |run| format!(" run={run}"));
        let mut line = format!("{} {level}{run} {}", self.now, printable(&self.fields.message));
        for (name, value) in &self.fields.rest {
            let value = match value {
                Value::String(text) if !text.is_empty() && !text.contains([' ', '"', '=']) => printable(text),
                // Debug of a string quotes and escapes it.
                Value::String(text) => format!("{text:?}"),
                other => other.to_string(),
            };
            line = format!("{line} {name}={value}");
        }
        line + "\n"
    }

    fn json(self, lines: &Lines) -> String {
        let mut object = Map::new();
        object.insert("timestamp".to_owned(), self.now.into());
        object.insert("level".to_owned(), self.level.as_str().to_lowercase().into());
        object.insert("target".to_owned(), self.target.into());
        if let Some(run) = lines.run.get() {
            object.insert("run".to_owned(), run.to_string().into());
        }
        object.insert("message".to_owned(), self.fields.message.into());
        for (name, value) in self.fields.rest {
            object.entry(name).or_insert(value);
        }
        format!("{}\n", Value::Object(object))
    }
}

/// A level in its colour.
fn painted(level: Level) -> String {
    let paint = match level {
        Level::ERROR => "31",
        Level::WARN => "33",
        Level::INFO => "32",
        _ => "2",
    };
    format!("\x1b[{paint}m{:>5}\x1b[0m", level.as_str())
}

/// The message and fields of an event.
#[derive(Default)]
struct Fields {
    message: String,
    rest: Vec<(String, Value)>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            // What the `log` crate's records bring along about their place.
            (name, _) if name.starts_with("log.") => {}
            (name, value) => self.rest.push((name.to_owned(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn lines(format: Format) -> Lines {
        let run = RunId::default();
        run.set(Uuid::from_u128(1));
        Lines { format, color: false, run }
    }

    fn line(target: &str) -> Line<'_> {
        let rest = vec![
            ("table".to_owned(), Value::from("public.documents")),
            ("staged".to_owned(), Value::from(4600)),
            ("note".to_owned(), Value::from("two words\n\u{1b}[2J")),
        ];
        let fields = Fields { message: "table staged".to_owned(), rest };
        Line { now: "2026-01-02T03:04:05Z".to_owned(), level: Level::INFO, target, fields }
    }

    #[test]
    fn a_text_line_names_the_run_and_stays_one_line() {
        insta::assert_snapshot!(line("sqlmig").written(&lines(Format::Text)), @r#"2026-01-02T03:04:05Z  INFO run=00000000-0000-0000-0000-000000000001 table staged table=public.documents staged=4600 note="two words\n\u{1b}[2J""#);
    }

    #[test]
    fn a_json_line_is_one_object() {
        insta::assert_snapshot!(line("sqlmig").written(&lines(Format::Json)), @r#"{"level":"info","message":"table staged","note":"two words\n\u001b[2J","run":"00000000-0000-0000-0000-000000000001","staged":4600,"table":"public.documents","target":"sqlmig","timestamp":"2026-01-02T03:04:05Z"}"#);
    }

    #[test]
    fn levels_are_for_sqlmig_and_silence_the_libraries() {
        let options = |level: Option<&str>, quiet| Options {
            format: Format::Text,
            level: level.map(str::to_owned),
            quiet,
            color: false,
        };
        let shown = |level, quiet, mode| filter(&options(level, quiet), mode).unwrap().to_string();
        assert_eq!(shown(None, false, Mode::Lines), "sqlmig=info,warn");
        assert_eq!(shown(None, true, Mode::Lines), "sqlmig=warn,warn");
        assert_eq!(shown(None, false, Mode::Bars { color: false }), "sqlmig=warn,warn");
        assert_eq!(shown(Some("DEBUG"), true, Mode::Lines), "sqlmig=debug,warn");
        assert_eq!(shown(Some("error"), false, Mode::Lines), "error");
        let directives = "refinery_core=info,sqlmig=trace";
        assert_eq!(shown(Some(directives), false, Mode::Lines), directives);
        for level in ["loud", "sqlmig=loud"] {
            assert!(filter(&options(Some(level), false), Mode::Lines).is_err(), "{level}");
        }
    }
}
