//! Reports in files.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sqlmig::db::{doing, ledger};
use sqlmig::pipeline::{Conductor, PipelineError};
use sqlmig::report::{self, Form, View};
use sqlmig::telemetry::Display;
use uuid::Uuid;

use super::args::{Args, Command, OutputTo, ReportArgs};
use super::failure::{ExitCode, Failure};
use super::settings::Settings;
use super::show::{show, show_report};

/// Columns of a table in a file.
const FILE_WIDTH: u16 = 120;

/// Refuses what cannot be written, before anything is done: a run of hours should not end in a folder that is not there.
///
/// # Errors
/// `--output` names a file where only a form can stand; a report's file has no known ending, or no folder.
pub fn refuse_unwritable(args: &Args) -> Result<(), Failure> {
    let (output, files) = match (&args.command, &args.global.output) {
        (Command::Report(report), Some(OutputTo::File(file))) if !is_stdout(file) => {
            (report.format.is_none().then_some(file), vec![file])
        }
        (Command::Report(_), _) => return Ok(()),
        (_, Some(OutputTo::File(word))) => {
            let what = format!("--output takes table or json, not {}", word.display());
            let hint = "only sqlmig report --output FILE writes to a file; the others write to stdout";
            return Err(Failure::new(ExitCode::Usage, what).with_hint(Some(hint.to_owned())));
        }
        (Command::Run { report, .. }, _) => (None, report.files.iter().collect()),
        _ => return Ok(()),
    };
    let by_ending =
        if matches!(args.command, Command::Report(_)) { output.into_iter().collect() } else { files.clone() };
    for file in by_ending {
        form_of(file)?;
    }
    for file in files {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            let what = format!("the report can't be written: {} is no folder", folder.display());
            return Err(Failure::new(ExitCode::Usage, what).with_hint(Some("make it first".to_owned())));
        }
    }
    Ok(())
}

/// Shows the report of a run, or writes it to the file that was named.
pub async fn report(
    typed: &ReportArgs,
    output: Option<&OutputTo>,
    conductor: &Conductor,
    settings: &Settings,
    display: &Display,
) -> Result<(), Failure> {
    let run = conductor.find_run(typed.run.run).await?.id;
    let form = typed.format.map(Form::from);
    match (form, output) {
        (_, Some(OutputTo::File(file))) if !is_stdout(file) => {
            write(file, form, conductor, run).await?;
            display.clear();
            Ok(())
        }
        (Some(form), _) => {
            let client = conductor.pool.get().await.map_err(doing("connect"))?;
            let found = ledger::report(&**client, run).await?.ok_or(PipelineError::NoRun(Some(run)))?;
            show(settings, display, |view, out| report::render_form(&found, form, view, out))
        }
        (None, _) => show_report(conductor, settings, display, run).await,
    }
}

/// Writes the report of a run to every file that `--report` named.
pub async fn reports(files: &[PathBuf], conductor: &Conductor, run: Uuid) -> Result<(), Failure> {
    for file in files {
        write(file, None, conductor, run).await?;
    }
    Ok(())
}

/// Writes one report, by the form or else by the file's ending. Nobody finds half of it there: it is moved to its place whole.
async fn write(file: &Path, form: Option<Form>, conductor: &Conductor, run: Uuid) -> Result<(), Failure> {
    let form = form.map_or_else(|| form_of(file), Ok)?;
    let client = conductor.pool.get().await.map_err(doing("connect"))?;
    let found = ledger::report(&**client, run).await?.ok_or(PipelineError::NoRun(Some(run)))?;
    let view = View { format: report::Format::Table, width: FILE_WIDTH, color: false, verbose: true };
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let done: io::Result<()> = File::create(&part).and_then(|created| {
        let mut out = BufWriter::new(created);
        report::render_form(&found, form, view, &mut out)?;
        out.flush()?;
        fs::rename(&part, file)
    });
    done.map_err(|error| {
        let what = format!("the report can't be written to {}: {error}", file.display());
        Failure::new(ExitCode::Unexpected, what).with_hint(Some(format!("sqlmig report --run {run} writes it again")))
    })
}

fn form_of(file: &Path) -> Result<Form, Failure> {
    Form::of_file(file).ok_or_else(|| {
        let what = format!("{} has no ending that says how a report is written", file.display());
        let hint =
            "one of .html, .xml (JUnit), .md, .json, .yaml and .txt; or sqlmig report --format FORM --output FILE";
        Failure::new(ExitCode::Usage, what).with_hint(Some(hint.to_owned()))
    })
}

fn is_stdout(file: &Path) -> bool {
    file.as_os_str() == "-"
}
