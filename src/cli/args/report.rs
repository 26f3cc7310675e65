//! Which report, in which form, and where to.

use std::path::PathBuf;

use clap::ValueEnum;
use sqlmig::report::Form;

use super::RunArgs;

/// Which report, and in which form.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ReportArgs {
    /// Which run.
    #[command(flatten)]
    pub run: RunArgs,
    /// The report's form [default: what the ending of --output FILE says, else table]
    #[arg(long, value_name = "FORM", env = "SQLMIG_FORMAT")]
    pub format: Option<ReportForm>,
}

/// Files that a run writes its report to.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ReportFileArgs {
    /// Write the report to FILE too, also when the run fails; its ending says how: html, xml (JUnit), md, json, yaml or txt;
    /// may be repeated
    #[arg(long = "report", value_name = "FILE", env = "SQLMIG_REPORT", value_delimiter = ',', help_heading = "Report")]
    pub files: Vec<PathBuf>,
}

/// A form of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportForm {
    /// Tables for a terminal
    Table,
    /// JSON by the contract of docs/report.md
    Json,
    /// The same as YAML
    Yaml,
    /// For a pull request or a ticket
    Markdown,
    /// One self-contained page
    Html,
    /// Checks, proofs and books as test cases, for a CI
    Junit,
}

impl From<ReportForm> for Form {
    fn from(form: ReportForm) -> Self {
        match form {
            ReportForm::Table => Self::Table,
            ReportForm::Json => Self::Json,
            ReportForm::Yaml => Self::Yaml,
            ReportForm::Markdown => Self::Markdown,
            ReportForm::Html => Self::Html,
            ReportForm::Junit => Self::Junit,
        }
    }
}
