//! How a source on the network is read.

use clap::builder::BoolishValueParser;
use sqlmig::limits::TimeSpan;

/// How a source on the network is read.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Source")]
pub struct RemoteArgs {
    /// Wait at most so long for a URL that gives nothing; every byte begins the time anew [default: 1min]
    #[arg(long, value_name = "TIME", env = "SQLMIG_SOURCE_TIMEOUT")]
    pub source_timeout: Option<TimeSpan>,
    /// Read http:// URLs, and s3:// over http, from other machines too, where anyone on the way can read and change them
    #[arg(long, value_name = "BOOL", env = "SQLMIG_ALLOW_HTTP", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    pub allow_http: Option<bool>,
}
