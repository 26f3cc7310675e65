//! Completion scripts for shells.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Args;

/// Writes the completion script of `shell` to `writer`.
///
/// # Errors
///
/// What the writer reports.
pub fn write(shell: Shell, writer: &mut dyn Write) -> io::Result<()> {
    // clap_complete panics where its writer fails (a closed pipe), so it gets one that cannot.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "sqlmig", &mut script);
    writer.write_all(&script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
            let mut script = Vec::new();
            write(shell, &mut script).unwrap();
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains("promote") && script.contains("batch-size"), "{shell}");
        }
    }
}
