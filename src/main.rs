//! The door: parses the command line, runs the command, exits with its code.

mod cli;

fn main() {}
