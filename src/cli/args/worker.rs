//! Whether a process helps another one to promote.

use clap::builder::BoolishValueParser;
use sqlmig::limits::TimeSpan;

/// Whether a process helps another one to promote.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct WorkerArgs {
    /// Help another process: take its batches, and begin and conclude nothing
    #[arg(long, env = "SQLMIG_WORKER", value_parser = BoolishValueParser::new())]
    pub worker: bool,
    /// As a worker, wait at most so long for batches to be laid out [default: 1min]
    #[arg(long, value_name = "TIME", env = "SQLMIG_WAIT")]
    pub wait: Option<TimeSpan>,
}
