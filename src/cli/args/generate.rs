//! What `sqlmig generate` takes.

use std::path::PathBuf;

use sqlmig::generate::{FaultShare, Shape};

/// What to generate.
#[derive(Debug, Clone, clap::Args)]
pub struct GenerateArgs {
    /// Where to: a file, compressed where its name ends in .gz, or - for stdout
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Documents
    #[arg(long, value_name = "N", default_value_t = 4600)]
    pub documents: u64,
    /// The same seed gives the same bytes
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Dimensions of the vectors
    #[arg(long, value_name = "N", default_value_t = 3072, value_parser = clap::value_parser!(u32).range(1..=16_000))]
    pub dimensions: u32,
    /// Faults to plant and their share of the rows, as in all=0.1% or content_empty=5%; may be repeated
    #[arg(long, value_name = "KIND=PERCENT%")]
    pub faults: Vec<FaultShare>,
    /// The shape of the dump: docs (the doc-server's tables), crates (the older ones) or narrow (many short rows)
    #[arg(long, value_name = "SHAPE", default_value = "docs")]
    pub shape: Shape,
    /// The same dump taken later: some rows changed, some added
    #[arg(long)]
    pub newer: bool,
    /// Write here which rows have which fault
    #[arg(long, value_name = "FILE")]
    pub index: Option<PathBuf>,
}
