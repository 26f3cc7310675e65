//! What `sqlmig rollback` takes.

use clap::ArgGroup;
use uuid::Uuid;

use super::{ConsentArgs, WaitArgs};

/// What to take back.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(["batch", "run", "staging"]))]
pub struct RollbackArgs {
    /// One batch, by its number in the run
    #[arg(long, value_name = "N", conflicts_with = "staging", value_parser = clap::value_parser!(i64).range(1..))]
    pub batch: Option<i64>,
    /// The run's id, as history shows it; with --batch, the run whose batch it is [default with --batch: the newest]
    #[arg(long, value_name = "ID", env = "SQLMIG_RUN", conflicts_with = "staging")]
    pub run: Option<Uuid>,
    /// Empty the staging tables
    #[arg(long)]
    pub staging: bool,
    /// Put back also rows that somebody changed or deleted since: what they did is lost
    #[arg(long, conflicts_with = "staging")]
    pub force: bool,
    /// Whether to ask.
    #[command(flatten)]
    pub consent: ConsentArgs,
    /// How long to wait.
    #[command(flatten)]
    pub waits: WaitArgs,
}
