//! Exit codes, and how a failure is told, once. `codes` says which error ends with which.

use std::error::Error;
use std::io::{self, Write};

use serde::Serialize;

/// How a sqlmig process ends. Kubernetes' `podFailurePolicy` reads these: a number never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExitCode {
    /// Done.
    Done = 0,
    /// A defect, or a failure no one thought of.
    Unexpected = 1,
    /// A wrong option, setting, project or permission.
    Usage = 2,
    /// A check, a bound on rejected rows or the books failed.
    Data = 3,
    /// The source cannot be opened or read.
    Source = 4,
    /// The database cannot be reached or went away.
    Database = 5,
    /// Another run holds the lock.
    Locked = 6,
    /// A signal ended the run in good order.
    Interrupted = 7,
    /// The embeddings API cannot be reached.
    Embeddings = 8,
    /// The server that the source is on cannot be reached.
    SourceAway = 9,
}

impl ExitCode {
    /// All of them, in order.
    pub const ALL: [Self; 10] = [
        Self::Done,
        Self::Unexpected,
        Self::Usage,
        Self::Data,
        Self::Source,
        Self::Database,
        Self::Locked,
        Self::Interrupted,
        Self::Embeddings,
        Self::SourceAway,
    ];

    /// The number that the process ends with.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// What it means, in a few words.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Unexpected => "unexpected",
            Self::Usage => "usage or configuration",
            Self::Data => "the data failed a check, a budget or the books",
            Self::Source => "the source cannot be read",
            Self::Database => "the database is unavailable",
            Self::Locked => "another run holds the lock",
            Self::Interrupted => "interrupted, resumable",
            Self::Embeddings => "the embeddings API is unavailable",
            Self::SourceAway => "the source is unavailable",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Done => "Nothing.",
            Self::Unexpected => "Read the error; it is a defect of sqlmig if its cause is not outside.",
            Self::Usage => "Correct the option, setting, project file or permission that the error names.",
            Self::Data => "Read `sqlmig report`: it names the checks, the rows and the reasons.",
            Self::Source => "Make the source whole or reachable: the error says at which byte, line and row it ends.",
            Self::Database => {
                "Run the same command again once the server answers: what is promoted stays, the rest is loaded."
            }
            Self::Locked => "Wait for the other run (`sqlmig status`), then run the same command again.",
            Self::Interrupted => "Run the same command again: what is promoted stays, the rest is loaded.",
            Self::Embeddings => "Run the same command again later; what was paid for is kept.",
            Self::SourceAway => "Run the same command again once the URL's server answers: what is staged stays.",
        }
    }

    /// Whether the same command may succeed later without anyone changing anything.
    #[must_use]
    pub fn retryable(self) -> bool {
        matches!(self, Self::Database | Self::Locked | Self::Interrupted | Self::Embeddings | Self::SourceAway)
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

/// A failure as it is told: what failed, why, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What failed, in one sentence without a full stop.
    pub what: String,
    /// Why, from the nearest cause to the first.
    pub causes: Vec<String>,
    /// What to do next, with the command to run.
    pub hint: Option<String>,
    /// What the process ends with.
    pub code: ExitCode,
}

/// The JSON form of a failure.
#[derive(Serialize)]
struct Json<'a> {
    error: &'a str,
    causes: &'a [String],
    hint: Option<&'a str>,
    code: u8,
    meaning: &'static str,
    retryable: bool,
}

impl Failure {
    /// A failure without a deeper cause.
    pub fn new(code: ExitCode, what: impl Into<String>) -> Self {
        Self { what: what.into(), causes: Vec::new(), hint: None, code }
    }

    /// Tells of an error and its sources. A source whose text its parent already holds is not repeated.
    #[must_use]
    pub fn from_error(code: ExitCode, error: &dyn Error) -> Self {
        let what = error.to_string();
        let mut causes: Vec<String> = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            let told = std::iter::once(&what).chain(&causes).any(|earlier| earlier.contains(&text));
            if !told {
                causes.push(text);
            }
            source = cause.source();
        }
        Self { what, causes, hint: None, code }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// Tells the failure as lines `error: …`, `cause: …`, `hint: …`.
    ///
    /// Control characters are written as escapes: a message may quote a source, and a source may hold a terminal's
    /// commands.
    ///
    /// # Errors
    ///
    /// What the writer reports.
    pub fn write_text(&self, color: bool, writer: &mut dyn Write) -> io::Result<()> {
        line(writer, color, "31", "error", &self.what)?;
        for cause in &self.causes {
            line(writer, color, "33", "cause", cause)?;
        }
        self.hint.iter().try_for_each(|hint| line(writer, color, "36", "hint", hint))
    }

    /// Tells the failure as one line of JSON.
    ///
    /// # Errors
    ///
    /// What the writer reports.
    pub fn write_json(&self, writer: &mut dyn Write) -> io::Result<()> {
        let json = Json {
            error: &self.what,
            causes: &self.causes,
            hint: self.hint.as_deref(),
            code: self.code.number(),
            meaning: self.code.meaning(),
            retryable: self.code.retryable(),
        };
        serde_json::to_writer(&mut *writer, &json)?;
        writeln!(writer)
    }
}

/// One line, its label coloured; further lines of the text are indented to the first.
fn line(writer: &mut dyn Write, color: bool, paint: &str, label: &str, text: &str) -> io::Result<()> {
    let indent = format!("\n{:width$}", "", width = label.len() + 2);
    let lines: Vec<String> = text.trim_end().lines().map(sqlmig::report::printable).collect();
    let text = lines.join(&indent);
    if color { writeln!(writer, "\x1b[1;{paint}m{label}:\x1b[0m {text}") } else { writeln!(writer, "{label}: {text}") }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        source: Option<Box<Link>>,
    }

    fn chain(texts: &[&'static str]) -> Link {
        let (text, rest) = texts.split_first().unwrap();
        Link { text, source: (!rest.is_empty()).then(|| Box::new(chain(rest))) }
    }

    fn told(failure: &Failure, color: bool) -> String {
        let mut out = Vec::new();
        failure.write_text(color, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn sample() -> Failure {
        let error = chain(&[
            "cannot stage public.documents: connection refused",
            "connection refused",
            "no route\x1b[2J to host",
            "os error 113\nsecond line",
        ]);
        Failure::from_error(ExitCode::Database, &error).with_hint(Some("run the same command again".into()))
    }

    #[test]
    fn a_failure_is_told_once_with_its_causes_and_what_to_do() {
        insta::assert_snapshot!(told(&sample(), false), @r"
        error: cannot stage public.documents: connection refused
        cause: no route\u{1b}[2J to host
        cause: os error 113
               second line
        hint: run the same command again
        ");
        assert!(told(&sample(), true).starts_with("\x1b[1;31merror:\x1b[0m cannot stage"));
    }

    #[test]
    fn a_failure_as_json_is_one_line() {
        let mut out = Vec::new();
        sample().write_json(&mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"{"error":"cannot stage public.documents: connection refused","causes":["no route\u001b[2J to host","os error 113\nsecond line"],"hint":"run the same command again","code":5,"meaning":"the database is unavailable","retryable":true}"#);
    }

    #[test]
    fn codes_are_their_place_and_keep_their_numbers() {
        for (place, code) in ExitCode::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(code.number()), place);
        }
        assert!(ExitCode::Locked.retryable() && !ExitCode::Data.retryable() && !ExitCode::Unexpected.retryable());
    }

    /// The page of exit codes as the enum has it.
    fn page() -> String {
        let mut page = String::from(
            "# Exit codes\n\n\
             A number never changes its meaning; Kubernetes' `podFailurePolicy` and scripts may rely on it. \"Retry\" says \
             whether the same command may\nsucceed later without anyone changing anything: what is promoted stays, and \
             the rest is loaded.\n\n\
             | code | means | retry | what to do |\n|---|---|---|---|\n",
        );
        for code in ExitCode::ALL {
            let retry = if code.retryable() { "yes" } else { "no" };
            writeln!(page, "| {} | {} | {retry} | {} |", code.number(), code.meaning(), code.remedy()).unwrap();
        }
        page + "\nThis page is written from `src/cli/failure.rs` by \
                `SQLMIG_WRITE_DOCS=1 cargo test --bin sqlmig exit_codes`.\n"
    }

    #[test]
    fn the_page_of_exit_codes_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/exit-codes.md");
        if std::env::var_os("SQLMIG_WRITE_DOCS").is_some() {
            std::fs::write(path, page()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == page(), "write it again: SQLMIG_WRITE_DOCS=1 cargo test --bin sqlmig exit_codes");
    }

    #[test]
    fn the_help_lists_the_codes_as_they_are() {
        let help = <crate::cli::args::Args as clap::CommandFactory>::command().render_long_help().to_string();
        for code in ExitCode::ALL {
            let retry = if code.retryable() { " (retry)" } else { "" };
            let line = format!("\n  {} {}{retry}\n", code.number(), code.meaning());
            assert!(help.contains(&line), "{code:?} is not in sqlmig --help as it is");
        }
    }
}
