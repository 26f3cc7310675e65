//! What the help says, command by command: the page a newcomer reads first, so it is reviewed as text.

use clap::{Command, CommandFactory, Parser};

use super::args::Args;

/// A command as its long help shows it, the same whatever the environment and the terminal.
fn help(path: &[&str]) -> String {
    fn still(command: Command) -> Command {
        let command = command.mut_args(|arg| arg.hide_env_values(true)).term_width(100);
        command.mut_subcommands(still)
    }
    let mut command = still(Args::command());
    command.build();
    let mut at = &mut command;
    for name in path {
        at = at.find_subcommand_mut(name).unwrap();
    }
    at.render_long_help().to_string()
}

/// What a command's help says before the options that all commands share.
fn own(name: &str) -> String {
    let help = help(&[name]);
    let (own, rest) = help.split_once("Global options:").unwrap();
    let end = rest.split_once("Examples:").map_or("", |(_, examples)| examples);
    format!("{own}Global options: …\n\nExamples:{end}")
}

#[test]
fn arguments_are_well_formed() {
    Args::command().debug_assert();
}

#[test]
fn the_first_page() {
    insta::assert_snapshot!(help(&[]), @"");
}

#[test]
fn run() {
    insta::assert_snapshot!(own("run"), @"");
}

#[test]
fn plan() {
    insta::assert_snapshot!(own("plan"), @"");
}

#[test]
fn migrate() {
    insta::assert_snapshot!(own("migrate"), @"");
}

#[test]
fn stage() {
    insta::assert_snapshot!(own("stage"), @"");
}

#[test]
fn check() {
    insta::assert_snapshot!(own("check"), @"");
}

#[test]
fn promote() {
    insta::assert_snapshot!(own("promote"), @"");
}

#[test]
fn validate() {
    insta::assert_snapshot!(own("validate"), @"");
}

#[test]
fn status() {
    insta::assert_snapshot!(own("status"), @"");
}

#[test]
fn report() {
    insta::assert_snapshot!(own("report"), @"");
}

#[test]
fn history() {
    insta::assert_snapshot!(own("history"), @"");
}

#[test]
fn rollback() {
    insta::assert_snapshot!(own("rollback"), @"");
}

#[test]
fn test() {
    insta::assert_snapshot!(own("test"), @"");
}

#[test]
fn completions() {
    insta::assert_snapshot!(own("completions"), @"");
}

#[test]
fn generate() {
    insta::assert_snapshot!(own("generate"), @"");
}

#[test]
fn every_command_says_what_comes_next_with_an_example() {
    for command in Args::command().get_subcommands().filter(|command| command.get_name() != "help") {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(after.contains("Examples:\n  "), "{}", command.get_name());
        let leads_on = after.contains("\nNext: ") || matches!(command.get_name(), "completions" | "generate");
        assert!(leads_on, "{}", command.get_name());
    }
}

#[test]
fn switches_do_not_swallow_the_source() {
    let args = Args::try_parse_from(["sqlmig", "run", "--allow-incomplete", "--quiet", "dump.sql"]).unwrap();
    assert_eq!(args.global.quiet, Some(true));
    assert_eq!(args.command.source().unwrap().source.as_os_str(), "dump.sql");
}

#[test]
fn what_makes_no_sense_is_refused() {
    for line in [
        "run",
        "run a --batch-size 0",
        "run a --max-rejects 101%",
        "run a --table a.b.c",
        "rollback",
        "report --run latest",
        "generate a --faults 2",
    ] {
        assert!(Args::try_parse_from(format!("sqlmig {line}").split(' ')).is_err(), "{line}");
    }
}
