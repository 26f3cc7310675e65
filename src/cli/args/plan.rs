//! What has to do with a plan, and with consent.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;

/// What becomes of a plan.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PlanFileArgs {
    /// Save the plan as JSON, for sqlmig run --plan FILE
    #[arg(long, value_name = "FILE", env = "SQLMIG_SAVE")]
    pub save: Option<PathBuf>,
    /// Only read the source; do not compare its rows with the target
    #[arg(long, env = "SQLMIG_QUICK", value_parser = BoolishValueParser::new())]
    pub quick: bool,
}

/// Which plan is followed.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct FollowArgs {
    /// Do what this plan says, or nothing: where source, project, target or counts differ, refuse and say which
    #[arg(long, value_name = "FILE", env = "SQLMIG_PLAN")]
    pub plan: Option<PathBuf>,
}

/// Whether to ask.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ConsentArgs {
    /// Do not ask
    #[arg(short, long, env = "SQLMIG_YES", value_parser = BoolishValueParser::new())]
    pub yes: bool,
}
