//! Times sqlmig against what a user would take instead, on the same dump, the same server and in turn.
//!
//! ```text
//! cargo bench --bench compare                       # the docs dump, five rounds
//! cargo bench --bench compare -- narrow --rounds 3
//! cargo bench --bench compare -- all --write        # everything, into docs/performance.md
//! ```
//!
//! Absolute times say as much about the machine as about the program, so every figure stands beside the one of
//! `gunzip | psql` in the same round: first the one, then the other, a fresh database for each, medians at the end.

mod chart;
mod contestants;
mod dumps;
mod measure;
mod report;
mod server;
mod suites;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use server::Server;
use suites::Suite;

/// What was asked for.
struct Asked {
    suites: Vec<Suite>,
    rounds: Option<usize>,
    write: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let asked = match asked() {
        // What is no measurement is not written down.
        Ok(asked) if dumps::trying() => Asked { rounds: Some(1), write: false, ..asked },
        Ok(asked) => asked,
        Err(wrong) => {
            eprintln!(
                "{wrong}\nusage: cargo bench --bench compare -- [docs narrow again batches scale scale-large size settings all] [--rounds N] [--write]"
            );
            return ExitCode::from(2);
        }
    };
    // Dumps of the same options are the same bytes, so they are kept between two calls.
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    let server = Server::start().await;
    let mut page = format!("{}\n", server.describe());
    println!("{page}");
    let mut failed = false;
    for suite in asked.suites {
        let rounds = asked.rounds.unwrap_or(suite.rounds());
        let measured = suite.run(&server, &folder, rounds);
        // Others may not be there; a sqlmig that does not load is worth no table.
        failed |= measured.iter().any(|one| one.contestant.is_sqlmig() && one.samples.is_err());
        let section = report::section(suite, &measured, rounds);
        println!("{section}");
        page += &section;
        if asked.write {
            let picture =
                Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/images/performance-{}.svg", suite.name()));
            std::fs::write(picture, chart::bars(suite.title(), &measured)).expect("docs/images can be written");
        }
    }
    if asked.write {
        report::write_page(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.md")), &page);
    }
    server.stop().await;
    ExitCode::from(u8::from(failed))
}

fn asked() -> Result<Asked, String> {
    let mut asked = Asked { suites: Vec::new(), rounds: None, write: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // Cargo's own.
            "--bench" => {}
            "--write" => asked.write = true,
            "--rounds" => {
                let rounds = arguments.next().and_then(|number| number.parse().ok()).filter(|rounds| *rounds > 0);
                asked.rounds = Some(rounds.ok_or("--rounds needs a number")?);
            }
            "all" => asked.suites = Suite::ALL.to_vec(),
            name => asked.suites.push(Suite::named(name).ok_or_else(|| format!("there is no suite {name:?}"))?),
        }
    }
    if asked.suites.is_empty() {
        asked.suites.push(Suite::Docs);
    }
    Ok(asked)
}
