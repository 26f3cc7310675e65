//! Which run a command is about.

use uuid::Uuid;

/// Which run a command is about.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RunArgs {
    /// The run's id, as history shows it [default: the newest]
    #[arg(long, value_name = "ID", env = "SQLMIG_RUN")]
    pub run: Option<Uuid>,
}

/// Which load a command is about.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct LoadArgs {
    /// The run's id, as history shows it; its retries belong to it [default: the newest load]
    #[arg(long, value_name = "ID", env = "SQLMIG_RUN")]
    pub run: Option<Uuid>,
}

/// One run, or all.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct EveryRunArgs {
    /// Only what this run did, by its id as history shows it [default: every run, newest first]
    #[arg(long, value_name = "ID", env = "SQLMIG_RUN")]
    pub run: Option<Uuid>,
}

/// The run whose events are shown.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct EventRunArgs {
    /// Show what happened to this run, by its id [default: list all runs]
    #[arg(long, value_name = "ID", env = "SQLMIG_RUN")]
    pub run: Option<Uuid>,
}
