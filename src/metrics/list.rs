//! The one list of metrics: `docs/monitoring.md` is written from it, and alerts and dashboards are held against it.

use time::OffsetDateTime;

use super::text::float;
use super::{Kind, Metric, Sample, Seen, Value};
use crate::outcome::Status;
use crate::outcome::status::{Activity, Process};

use Kind::{Counter, Gauge, Histogram};

/// States of a run, in their order.
const STATES: [&str; 8] = ["staging", "staged", "checked", "promoted", "done", "failed", "superseded", "rolled_back"];
/// Phases of a run, in their order.
const PHASES: [&str; 6] = ["stage", "check", "embed", "promote", "index", "validate"];
const ACTIVITIES: [Activity; 4] = [Activity::Working, Activity::Silent, Activity::Idle, Activity::Ended];
const ROLES: [&str; 2] = ["conductor", "worker"];

/// A metric without labels and with one value, if it has one.
macro_rules! plain {
    ($name:literal, $kind:ident, $help:literal, $value:expr) => {
        Metric {
            name: $name,
            kind: $kind,
            labels: &[],
            help: $help,
            samples: |seen| {
                of(seen, |status| {
                    let value: fn(&Status) -> Option<f64> = $value;
                    value(status).map(|value| alone(value)).into_iter().collect()
                })
            },
        }
    };
}

/// A metric with labels.
macro_rules! labelled {
    ($name:literal, $kind:ident, [$($label:literal),+], $help:literal, $samples:expr) => {
        Metric { name: $name, kind: $kind, labels: &[$($label),+], help: $help, samples: |seen| of(seen, $samples) }
    };
}

/// Every metric that sqlmig exports, in the order in which they are written.
pub static METRICS: [Metric; 44] = [
    Metric {
        name: "sqlmig_up",
        kind: Gauge,
        labels: &[],
        help: "1 if the ledger could be read for this scrape; if 0, the other values are the last that were read.",
        samples: |seen| vec![alone(truth(seen.is_up))],
    },
    Metric {
        name: "sqlmig_build_info",
        kind: Gauge,
        labels: &["version"],
        help: "1; its label is the version of the sqlmig that answers.",
        samples: |_| vec![sample([env!("CARGO_PKG_VERSION")], 1.0)],
    },
    Metric {
        name: "sqlmig_ledger_read_duration_seconds",
        kind: Gauge,
        labels: &[],
        help: "How long the ledger took to be read for these values.",
        samples: |seen| vec![alone(seen.read_seconds)],
    },
    plain!(
        "sqlmig_ledger_read_timestamp_seconds",
        Gauge,
        "When these values were read, by the server's clock.",
        |status| { Some(moment(status.at)) }
    ),
    labelled!("sqlmig_run_info", Gauge, ["run", "project", "source"], "1; its labels name the run.", |status| {
        let run = &status.run;
        vec![sample([run.id.to_string(), run.project.clone(), run.source.clone()], 1.0)]
    }),
    labelled!(
        "sqlmig_run_state",
        Gauge,
        ["state"],
        "1 for the state that the run is in, 0 for the others.",
        |status| { STATES.map(|state| sample([state], truth(state == status.run.state))).into() }
    ),
    labelled!(
        "sqlmig_run_activity",
        Gauge,
        ["activity"],
        "1 for what holds: working, silent (a process was killed or is cut off), idle (between two steps), ended.",
        |status| ACTIVITIES.map(|word| sample([word.as_str()], truth(word == status.activity))).into()
    ),
    plain!("sqlmig_run_exit_code", Gauge, "What the last process that conducted the run ended with.", |status| {
        status.exit_code.map(f64::from)
    }),
    plain!("sqlmig_run_start_timestamp_seconds", Gauge, "When the run began.", |status| {
        Some(moment(status.run.started_at))
    }),
    plain!("sqlmig_run_end_timestamp_seconds", Gauge, "When the run ended, or failed.", |status| {
        status.run.finished_at.map(moment)
    }),
    plain!(
        "sqlmig_run_last_progress_timestamp_seconds",
        Gauge,
        "When something was last committed, or a process last came further.",
        |status| Some(moment(status.last_progress_at))
    ),
    plain!(
        "sqlmig_run_last_heard_timestamp_seconds",
        Gauge,
        "When a process last said that it works on the run.",
        |status| status.last_heard_at.map(moment)
    ),
    labelled!("sqlmig_phase_active", Gauge, ["phase"], "1 for the phase that is being worked on.", |status| {
        let now = status.progress.as_ref().map(|at| at.phase.as_str());
        PHASES.map(|phase| sample([phase], truth(now == Some(phase)))).into()
    }),
    labelled!(
        "sqlmig_phase_seconds_total",
        Counter,
        ["phase"],
        "Time spent on each phase, all tries together.",
        |status| { status.phases.iter().map(|phase| sample([phase.phase.clone()], phase.seconds)).collect() }
    ),
    labelled!("sqlmig_phase_tries_total", Counter, ["phase"], "Times that each phase was begun.", |status| {
        status.phases.iter().map(|phase| sample([phase.phase.clone()], float(phase.tries))).collect()
    }),
    plain!("sqlmig_phase_progress_ratio", Gauge, "Share of the present phase that is done, from 0 to 1.", |status| {
        status.progress.as_ref().and_then(|at| at.percent).map(|percent| percent / 100.0)
    }),
    plain!(
        "sqlmig_phase_remaining_seconds",
        Gauge,
        "Time until the present phase is through, as things go.",
        |status| { status.progress.as_ref().and_then(|at| at.eta_seconds) }
    ),
    plain!("sqlmig_source_size_bytes", Gauge, "Size of the source as stored, where it is known.", |status| {
        status.source_bytes.map(float)
    }),
    plain!(
        "sqlmig_source_staged_bytes_total",
        Counter,
        "Stored (compressed) bytes of the source of which every row is staged.",
        |status| status.source_bytes_done.map(float)
    ),
    plain!("sqlmig_chunks_staged_total", Counter, "Chunks of rows that were staged, each one transaction.", |status| {
        Some(float(status.chunks))
    }),
    plain!(
        "sqlmig_rows_read_total",
        Counter,
        "Rows of the source that are staged or could not be decoded.",
        |status| { Some(float(status.rows_read)) }
    ),
    plain!("sqlmig_rows_staged_total", Counter, "Rows that are staged.", |status| Some(float(status.rows_staged))),
    labelled!(
        "sqlmig_rows_promoted_total",
        Counter,
        ["target", "result"],
        "Rows that were written to the final tables, by what became of them: inserted, updated, unchanged, deleted.",
        |status| {
            let written = status.written.iter().flat_map(|table| {
                [
                    ("inserted", table.inserted),
                    ("updated", table.updated),
                    ("unchanged", table.unchanged),
                    ("deleted", table.deleted),
                ]
                .map(|(result, rows)| sample([table.target.clone(), result.to_owned()], float(rows)))
            });
            written.collect()
        }
    ),
    plain!("sqlmig_rows_merged_total", Counter, "Rows that were merged into others as duplicates.", |status| {
        Some(float(status.tables.iter().map(|table| table.rows_merged).sum()))
    }),
    labelled!("sqlmig_rows_rejected_total", Counter, ["check"], "Rows that were taken out, by the check.", |status| {
        status.rejects.by_check.iter().map(|taken| sample([taken.check.clone()], float(taken.rows))).collect()
    }),
    plain!(
        "sqlmig_rejects_allowed",
        Gauge,
        "Rows that may be taken out, by --max-rejects; none without a bound.",
        |status| { status.rejects.allowed.map(float) }
    ),
    labelled!("sqlmig_batches", Gauge, ["state"], "Batches, by state: pending, done, failed, rolled_back.", |status| {
        let batches = &status.batches;
        [
            ("pending", batches.pending),
            ("done", batches.done),
            ("failed", batches.failed),
            ("rolled_back", batches.rolled_back),
        ]
        .map(|(state, number)| sample([state], float(number)))
        .into()
    }),
    plain!("sqlmig_batches_committed_total", Counter, "Batches that were committed.", |status| {
        Some(float(status.batches.done + status.batches.rolled_back))
    }),
    Metric {
        name: "sqlmig_batch_duration_seconds",
        kind: Histogram,
        labels: &[],
        help: "How long committed batches took, from their claim to their last statement.",
        samples: |seen| {
            of(seen, |status| vec![Sample { labels: vec![], value: Value::Times(status.batch_seconds.clone()) }])
        },
    },
    plain!(
        "sqlmig_retries_total",
        Counter,
        "Chunks, batches, requests and connections that were tried again.",
        |status| { Some(float(status.retries)) }
    ),
    plain!(
        "sqlmig_embedding_requests_total",
        Counter,
        "Requests to the embeddings service that were paid for.",
        |status| { Some(float(status.embeddings.requests)) }
    ),
    plain!("sqlmig_embedding_vectors_total", Counter, "Vectors that came.", |status| {
        Some(float(status.embeddings.vectors))
    }),
    plain!("sqlmig_embedding_tokens_total", Counter, "Tokens, as the embeddings service counts them.", |status| {
        Some(float(status.embeddings.tokens))
    }),
    plain!(
        "sqlmig_embedding_cost_total",
        Counter,
        "Price of the embeddings, in the currency of --embedding-price.",
        |status| Some(status.embeddings.cost)
    ),
    Metric {
        name: "sqlmig_embedding_request_duration_seconds",
        kind: Histogram,
        labels: &[],
        help: "How long requests to the embeddings service took, until their vectors were committed.",
        samples: |seen| {
            of(seen, |status| {
                let times = status.embeddings.request_seconds.clone();
                vec![Sample { labels: vec![], value: Value::Times(times) }]
            })
        },
    },
    labelled!(
        "sqlmig_busy_ratio",
        Gauge,
        ["part"],
        "Share of the time for which each part of the present phase was at work: the highest holds the others up.",
        |status| status.busy.iter().map(|busy| sample([busy.part.clone()], busy.share)).collect()
    ),
    labelled!("sqlmig_processes", Gauge, ["role"], "Processes that work on the run.", |status| {
        by_role(status, |processes| float(i64::try_from(processes.count()).unwrap_or(i64::MAX)))
    }),
    labelled!(
        "sqlmig_process_resident_memory_bytes",
        Gauge,
        ["role"],
        "Memory of the processes, together.",
        |status| { by_role(status, |processes| float(processes.filter_map(|process| process.rss_bytes).sum())) }
    ),
    plain!("sqlmig_promotion_workers", Gauge, "Batches that are at work at once, in all processes.", |status| {
        let workers = status.processes.iter().filter_map(|process| process.workers);
        (status.progress.as_ref()?.phase == "promote").then(|| f64::from(workers.sum::<i32>()))
    }),
    plain!("sqlmig_connections", Gauge, "Connections that sqlmig has to the server.", |status| {
        Some(float(status.server.connections))
    }),
    plain!("sqlmig_server_connections", Gauge, "Connections that everybody has to the server.", |status| {
        Some(float(status.server.connections_all))
    }),
    plain!("sqlmig_server_connections_max", Gauge, "Connections that the server allows.", |status| {
        Some(float(status.server.connections_max))
    }),
    plain!("sqlmig_database_size_bytes", Gauge, "Size of the database, without its WAL.", |status| {
        Some(float(status.server.database_bytes))
    }),
    Metric {
        name: "sqlmig_disk_limit_bytes",
        kind: Gauge,
        labels: &[],
        help: "Size of the volume of the server's data, where --disk-limit says it.",
        #[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
        samples: |seen| seen.disk_limit_bytes.map(|limit| alone(limit as f64)).into_iter().collect(),
    },
];

/// What a status has to say, where there is one.
fn of(seen: &Seen<'_>, samples: impl FnOnce(&Status) -> Vec<Sample>) -> Vec<Sample> {
    seen.status.map(samples).unwrap_or_default()
}

fn sample<const LABELS: usize>(labels: [impl Into<String>; LABELS], value: f64) -> Sample {
    Sample { labels: labels.map(Into::into).into(), value: Value::Number(value) }
}

fn alone(value: f64) -> Sample {
    Sample { labels: Vec::new(), value: Value::Number(value) }
}

fn by_role(status: &Status, value: impl Fn(&mut dyn Iterator<Item = &Process>) -> f64) -> Vec<Sample> {
    let of = |role: &str| value(&mut status.processes.iter().filter(|process| process.role == role));
    ROLES.map(|role| sample([role], of(role))).into()
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// Seconds since 1970.
fn moment(at: OffsetDateTime) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a moment to the microsecond")]
    let seconds = at.unix_timestamp_nanos() as f64;
    seconds / 1e9
}
