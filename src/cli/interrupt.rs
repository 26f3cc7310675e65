//! The end that someone asks for.

use std::time::Duration;

use sqlmig::stop::Stop;
use tokio::signal::unix::{SignalKind, signal};

use super::failure::{ExitCode, Failure};

/// How long what is in hand may take to end. Kubernetes gives 30 seconds by default and then kills.
const GRACE: Duration = Duration::from_secs(8);

/// Runs a command until it ends or someone asks it to: Ctrl-C, or SIGTERM as Kubernetes sends it. A handler is needed
/// for both when sqlmig is process 1 of a container, where the kernel ignores signals that have none.
///
/// The first signal lets the batch or chunk in hand end; the second, or the end of a grace of 8 seconds, drops it:
/// transactions roll back as their connections close, and an embedded server is stopped. `again` is the command that goes
/// on from there.
pub async fn until_interrupted(
    command: impl Future<Output = Result<(), Failure>>,
    stop: &Stop,
    again: &str,
) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut command = std::pin::pin!(command);
    let mut asked = async || {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => "Ctrl-C",
            _ = terminate.recv() => "SIGTERM",
        }
    };
    let signal = tokio::select! {
        outcome = &mut command => return outcome,
        signal = asked() => signal,
    };
    stop.request();
    let outcome = tokio::select! {
        outcome = &mut command => outcome,
        _ = asked() => interrupted(),
        () = tokio::time::sleep(GRACE) => interrupted(),
    };
    match outcome {
        Err(failure) if failure.code == ExitCode::Interrupted => {
            Err(Failure::new(ExitCode::Interrupted, format!("stopped by {signal}"))
                .with_hint(Some(format!("{again} goes on from here"))))
        }
        // It had come to its end, one way or the other.
        outcome => outcome,
    }
}

fn interrupted() -> Result<(), Failure> {
    Err(Failure::new(ExitCode::Interrupted, "interrupted"))
}
