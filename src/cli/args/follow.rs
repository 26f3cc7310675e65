//! What those take who follow a run: in a terminal, or by metrics.

use clap::builder::BoolishValueParser;
use sqlmig::limits::{ByteSize, TimeSpan};

use super::RunArgs;

/// What `status` takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct StatusArgs {
    /// Which run.
    #[command(flatten)]
    pub run: RunArgs,
    /// Go on until the run has ended, and end as it did
    ///
    /// On a terminal the status is drawn again and again; elsewhere every look is a line, with --output json an object. Ends
    /// with the exit code of the run: 0 when it is done, that of its failure, or 7 when nobody works on it any more.
    #[arg(short, long, env = "SQLMIG_WATCH", value_parser = BoolishValueParser::new())]
    pub watch: bool,
    /// Look so often [default: 2s]
    #[arg(long, value_name = "TIME", env = "SQLMIG_INTERVAL")]
    pub interval: Option<TimeSpan>,
    /// End when nobody has worked on the unfinished run for so long, or the database has not answered [default: 1min]
    #[arg(long, value_name = "TIME", env = "SQLMIG_PATIENCE")]
    pub patience: Option<TimeSpan>,
}

/// Where metrics are served.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Metrics")]
pub struct MetricsArgs {
    /// Serve Prometheus metrics there: /metrics and /healthz [default: nowhere; of monitor 127.0.0.1:9464]
    #[arg(long, value_name = "HOST:PORT", env = "SQLMIG_METRICS_ADDR")]
    pub metrics_addr: Option<String>,
    /// The size of the volume that the server's data is on: the alert about a full disk needs it, and SQL cannot tell
    #[arg(long, value_name = "SIZE", env = "SQLMIG_DISK_LIMIT")]
    pub disk_limit: Option<ByteSize>,
}

/// What `monitor` takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct MonitorArgs {
    /// Which run.
    #[command(flatten)]
    pub run: RunArgs,
    /// Where to serve.
    #[command(flatten)]
    pub metrics: MetricsArgs,
}
