//! Where data goes, and how it looks there.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::{PossibleValue, TypedValueParser};

/// How data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// For people
    Table,
    /// For programs
    Json,
}

/// What `--output` may say: a form, written to stdout; or, of a report, a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputTo {
    /// To stdout, in this form.
    Form(Output),
    /// To this file. Only a report can be; whoever reads the option has to see to that.
    File(PathBuf),
}

/// Takes a form's name for a form, and anything else for a file's.
#[derive(Debug, Clone, Copy)]
pub struct OutputParser;

impl TypedValueParser for OutputParser {
    type Value = OutputTo;

    fn parse_ref(&self, _: &clap::Command, _: Option<&clap::Arg>, value: &OsStr) -> Result<Self::Value, clap::Error> {
        let form = value.to_str().and_then(|word| Output::from_str(word, false).ok());
        Ok(form.map_or_else(|| OutputTo::File(value.into()), OutputTo::Form))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Output::value_variants().iter().filter_map(ValueEnum::to_possible_value)))
    }
}
