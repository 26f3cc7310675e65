//! What `sqlmig preflight` takes.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use sqlmig::source::tree::Root;

use super::{EmbeddingArgs, PromoteArgs, SourceArgs};

/// What is to be ready, and how strict to be.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PreflightArgs {
    /// What would be loaded: without it, what needs a source is left out
    #[arg(value_name = "SOURCE", conflicts_with = "sources")]
    source: Option<PathBuf>,
    /// A tree of documentation, as TYPE=PATH; see sqlmig run --help
    #[arg(long = "source", id = "sources", value_name = "TYPE=PATH", env = "SQLMIG_SOURCE", value_delimiter = ',')]
    sources: Vec<Root>,
    /// Count yellow as red
    #[arg(long, env = "SQLMIG_STRICT", value_parser = BoolishValueParser::new())]
    pub strict: bool,
    /// How it would be promoted.
    #[command(flatten)]
    pub promote: PromoteArgs,
    /// How embeddings would be fetched.
    #[command(flatten)]
    pub embedding: EmbeddingArgs,
}

impl PreflightArgs {
    /// The source, if one is named.
    #[must_use]
    pub fn source(&self) -> Option<SourceArgs> {
        let named = self.source.is_some() || !self.sources.is_empty();
        named.then(|| SourceArgs {
            source: self.source.clone(),
            sources: self.sources.clone(),
            ..SourceArgs::default()
        })
    }
}
