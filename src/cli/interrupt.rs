//! The end that someone asks for.

use tokio::signal::unix::{SignalKind, signal};

use super::failure::{ExitCode, Failure};

/// Runs a command until it ends or someone asks it to: Ctrl-C, or SIGTERM as Kubernetes sends it. A handler is needed
/// for both when sqlmig is process 1 of a container, where the kernel ignores signals that have none.
///
/// What is in hand is dropped: transactions roll back as their connections close, and an embedded server is stopped.
pub async fn until_interrupted(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let asked = tokio::select! {
        outcome = command => return outcome,
        _ = tokio::signal::ctrl_c() => "Ctrl-C",
        _ = terminate.recv() => "SIGTERM",
    };
    let hint = "run the same command again: what is promoted stays, and is found unchanged";
    Err(Failure::new(ExitCode::Interrupted, format!("stopped by {asked}")).with_hint(Some(hint.to_owned())))
}
