//! The door: parses the command line, runs the command, exits with its code.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::commands::execute(&cli::args::Args::parse()).into()
}
