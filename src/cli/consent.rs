//! Consent: the one place that asks before something is written, and says what.
//!
//! On a terminal every command asks that writes to final tables, changes the schema or pays for embeddings. `stage`,
//! `check` and `validate` write to schemas of sqlmig's own, and do not. Elsewhere nobody can answer: what loads goes
//! ahead, as a Job must; what loses something needs `--yes`.

use std::io::{self, IsTerminal, Write};

use sqlmig::stop::Stop;
use sqlmig::telemetry::Display;

use super::failure::{ExitCode, Failure};

/// What is at stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stakes {
    /// Something is written, or paid for, as it was meant to be.
    Writes,
    /// Something is lost for good, or taken back.
    Loses,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What would be done, as a question.
    pub ask: String,
    /// What that comes to, a line each.
    pub lines: Vec<String>,
    /// What is at stake.
    pub stakes: Stakes,
}

/// Asks, unless `yes` says so already.
///
/// # Errors
/// The answer is no, nobody is there to give it where it is needed, or the command was asked to stop meanwhile.
pub async fn ask(yes: bool, question: &Question, display: &Display, stop: &Stop) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let refused = |what: &str| Failure::new(ExitCode::Usage, what).with_hint(Some("add --yes to go ahead".to_owned()));
    if !somebody_is_there() {
        return match question.stakes {
            Stakes::Writes => Ok(()),
            Stakes::Loses => Err(refused("this needs a confirmation, and there is nobody to ask")),
        };
    }
    display.clear();
    let mut stderr = io::stderr();
    for line in &question.lines {
        writeln!(stderr, "{line}")?;
    }
    write!(stderr, "{} [y/N] ", question.ask)?;
    stderr.flush()?;
    // On a thread of its own, so that a signal ends the wait.
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = tokio::select! {
        answer = answer => answer.map_err(io::Error::other)??,
        () = stop.requested() => {
            writeln!(stderr)?;
            return Err(Failure::new(ExitCode::Interrupted, "interrupted before anything was done"));
        }
    };
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(refused("nothing was done")) }
}

/// Whether someone reads the question and can answer.
pub fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
