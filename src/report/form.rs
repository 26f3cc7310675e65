//! The report of a run in six forms of one model.

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::Path;

use super::{View, html, json, junit, markdown, run};
use crate::outcome::Report;

/// A form of the report of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Tables for a terminal.
    Table,
    /// JSON by the contract of `docs/report.md`.
    Json,
    /// The same fields as YAML.
    Yaml,
    /// For a pull request or a ticket.
    Markdown,
    /// One self-contained page.
    Html,
    /// Checks, proofs and books as test cases, for a CI.
    Junit,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 6] = [Self::Table, Self::Json, Self::Yaml, Self::Markdown, Self::Html, Self::Junit];

    /// The form that a file's name asks for by its ending; none where it has no known one.
    #[must_use]
    pub fn of_file(path: &Path) -> Option<Self> {
        Some(match path.extension()?.to_str()? {
            "txt" => Self::Table,
            "json" => Self::Json,
            "yaml" | "yml" => Self::Yaml,
            "md" => Self::Markdown,
            "html" | "htm" => Self::Html,
            "xml" => Self::Junit,
            _ => return None,
        })
    }
}

/// Writes the report of a run in a form. `view` says how wide and colourful tables are.
///
/// # Errors
///
/// What the writer reports.
pub fn render_form(report: &Report, form: Form, view: View, writer: &mut dyn Write) -> io::Result<()> {
    match form {
        Form::Table => run::write(report, view, writer),
        Form::Json => json(report, writer),
        Form::Yaml => writer.write_all(serde_saphyr::to_string(report).map_err(io::Error::other)?.as_bytes()),
        Form::Markdown => markdown::write(report, writer),
        Form::Html => html::write(report, writer),
        Form::Junit => junit::write(report, writer),
    }
}
