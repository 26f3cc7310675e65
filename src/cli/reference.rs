//! The pages that are written from the options themselves: docs/cli.md and the man pages.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use super::args::Args;

const WRITE: &str = "SQLMIG_WRITE_DOCS=1 cargo test --bin sqlmig reference";

/// The command line as it is built, without what a particular environment or terminal does to it.
fn built() -> Command {
    fn still(command: Command) -> Command {
        command.mut_args(|arg| arg.hide_env_values(true)).mut_subcommands(still)
    }
    let mut command = still(Args::command());
    command.build();
    command
}

/// Every command that help lists, by its full name, and its own first.
fn commands(command: &Command) -> Vec<(String, Command)> {
    fn collect(name: &str, command: &Command, found: &mut Vec<(String, Command)>) {
        found.push((name.to_owned(), command.clone()));
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
            collect(&format!("{name} {}", sub.get_name()), sub, found);
        }
    }
    let mut found = Vec::new();
    collect("sqlmig", command, &mut found);
    found
}

/// The page of the command line.
fn page() -> String {
    let mut page = String::from(
        "# The command line\n\n\
         Every command and option, as `sqlmig help COMMAND` shows them. An option wins over its environment variable, that over the\n\
         key of the same name in `sqlmig.toml`, that over the default. Exit codes are in [exit-codes.md](exit-codes.md).\n\n",
    );
    let root = built();
    let commands = commands(&root);
    for (name, command) in &commands[1..] {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(page, "- [`{name}`](#{}): {}", name.replace(' ', "-"), plain(&about));
    }
    let _ = writeln!(page, "\n## Options of every command\n");
    options(root.get_arguments().filter(|arg| arg.is_global_set()), &mut page);
    for (name, command) in &commands[1..] {
        let _ = writeln!(page, "\n## `{name}`\n");
        let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(page, "{}\n", plain(&about));
        let usage = command.clone().render_usage().to_string();
        let _ = writeln!(page, "`{}`\n", usage.trim_start_matches("Usage: ").lines().next().unwrap_or_default());
        options(command.get_arguments().filter(|arg| !arg.is_global_set()), &mut page);
        examples(command, &mut page);
    }
    page + "\nThis page is written from `src/cli/args.rs` by `" + WRITE + "`.\n"
}

/// Options as a table.
fn options<'a>(arguments: impl Iterator<Item = &'a Arg>, page: &mut String) {
    let shown: Vec<&Arg> =
        arguments.filter(|arg| !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version")).collect();
    if shown.is_empty() {
        return;
    }
    let _ = writeln!(page, "| option | environment | meaning |\n|---|---|---|");
    for arg in shown {
        let env = arg.get_env().map(|name| format!("`{}`", name.to_string_lossy())).unwrap_or_default();
        let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
        let mut meaning = plain(&help).replace("\n\n", ". ").replace('\n', " ");
        let values: Vec<String> = arg
            .get_possible_values()
            .iter()
            .filter(|value| !value.is_hide_set() && !arg.is_hide_possible_values_set())
            .map(|value| match value.get_help() {
                Some(help) => format!("`{}` ({})", value.get_name(), plain(&help.to_string())),
                None => format!("`{}`", value.get_name()),
            })
            .collect();
        if !values.is_empty() && arg.get_action().takes_values() {
            let _ = write!(meaning, "; one of {}", values.join(", "));
        }
        let _ = writeln!(page, "| `{}` | {env} | {} |", spelled(arg), meaning.replace('|', "\\|"));
    }
}

/// An option as it is typed.
fn spelled(arg: &Arg) -> String {
    let value = arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let Some(long) = arg.get_long() else { return value };
    let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    let switch = !arg.get_action().takes_values() || arg.get_num_args().is_some_and(|range| range.min_values() == 0);
    if switch { format!("{short}--{long}") } else { format!("{short}--{long} {value}") }
}

/// The examples that help ends with, and what comes next.
fn examples(command: &Command, page: &mut String) {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let Some((_, rest)) = after.split_once("Examples:\n") else { return };
    let (examples, next) = rest.split_once("\n\n").unwrap_or((rest, ""));
    let _ = writeln!(page, "\nExamples:\n");
    for line in examples.lines() {
        let _ = writeln!(page, "- `{}`", line.trim());
    }
    if let Some(next) = next.lines().find(|line| line.starts_with("Next: ")) {
        let _ = writeln!(page, "\n{next}");
    }
}

/// Help text as Markdown: what looks like an element is none.
fn plain(text: &str) -> String {
    text.trim().replace('<', "&lt;")
}

/// The man pages, by their file's name.
fn manual() -> BTreeMap<String, Vec<u8>> {
    let root = built();
    let pages = commands(&root).into_iter().map(|(name, command)| {
        let name = name.replace(' ', "-");
        // clap keeps names; this is no leak that grows.
        let command = command.name(name.clone().leak() as &str).disable_help_subcommand(true);
        let man =
            clap_mangen::Man::new(command).title(name.to_uppercase()).date("").source("sqlmig").manual("sqlmig manual");
        let mut page = Vec::new();
        man.render(&mut page).unwrap();
        (format!("{name}.1"), page)
    });
    pages.collect()
}

#[test]
fn the_page_of_the_command_line_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md");
    if std::env::var_os("SQLMIG_WRITE_DOCS").is_some() {
        fs::write(path, page()).unwrap();
    }
    assert!(fs::read_to_string(path).unwrap_or_default() == page(), "write it again: {WRITE}");
}

#[test]
fn the_man_pages_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/man");
    let pages = manual();
    if std::env::var_os("SQLMIG_WRITE_DOCS").is_some() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for (name, page) in &pages {
            fs::write(folder.join(name), page).unwrap();
        }
    }
    let there = fs::read_dir(&folder).into_iter().flatten().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    });
    assert!(there.collect::<BTreeMap<_, _>>() == pages, "write them again: {WRITE}");
}

#[test]
fn the_man_pages_are_set_without_a_warning() {
    let Ok(groff) = std::process::Command::new("groff").arg("--version").output() else { return };
    assert!(groff.status.success());
    for (name, page) in manual() {
        let file = std::env::temp_dir().join(format!("{}-{name}", std::process::id()));
        fs::write(&file, page).unwrap();
        let set = std::process::Command::new("groff")
            .args(["-man", "-ww", "-z", "-Tutf8", "-k"])
            .arg(&file)
            .output()
            .unwrap();
        fs::remove_file(&file).unwrap();
        assert_eq!(String::from_utf8_lossy(&set.stderr), "", "{name}");
    }
}
