//! One of everything, so that the tests see every field and every section.

use time::macros::datetime;
use uuid::Uuid;

use crate::outcome::{
    BatchCount, CaseOutcome, CheckResult, DuplicateCount, ExampleReport, FORMAT, Finding, History, PhaseTime, Plan,
    PlanCheck, PlanDump, PlanPromote, PlanTable, QuarantineCount, Report, RunSummary, Severity, StatementCount, Status,
    TableBooks, TargetCount, TargetProgress, Throughput,
};

pub(super) fn run() -> RunSummary {
    RunSummary {
        id: Uuid::from_u128(0x019a_b1c2_0000_7000_8000_0000_0000_0001),
        project: "docs".into(),
        source: "/data/dump.sql.gz".into(),
        source_sha256: "ab".repeat(32),
        state: "done".into(),
        started_at: datetime!(2026-01-02 03:04:05 UTC),
        finished_at: Some(datetime!(2026-01-02 03:04:17.345 UTC)),
        complete: true,
        error: None,
    }
}

pub(super) fn table(source: &str, read: i64, inserted: i64, merged: i64, quarantined: i64) -> TableBooks {
    TableBooks {
        source: source.into(),
        staged_as: format!("staging.{}", source.trim_start_matches("public.")),
        rows_read: read,
        rows_staged: read,
        rows_inserted: inserted,
        rows_updated: 0,
        rows_unchanged: 0,
        rows_merged: merged,
        rows_quarantined: quarantined,
        used: true,
        balanced: true,
    }
}

pub(super) fn check(name: &str, severity: Severity, failed: i64) -> CheckResult {
    CheckResult {
        name: name.into(),
        phase: "check".into(),
        on: "documents".into(),
        severity,
        rows_examined: 4600,
        rows_failed: failed,
        elapsed_ms: 12,
        skipped: None,
    }
}

pub(super) fn report() -> Report {
    Report {
        format: FORMAT,
        run: run(),
        tables: vec![
            table("public.documents", 4600, 4560, 20, 20),
            table("public.document_sources", 42, 42, 0, 0),
            TableBooks { used: false, rows_inserted: 0, ..table("audit.log", 7, 0, 0, 0) },
        ],
        checks: vec![
            check("casts", Severity::Reject, 0),
            check("content_not_empty", Severity::Reject, 19),
            check("token_count_plausible", Severity::Warn, 3),
            check("dimensions", Severity::Error, 0),
            CheckResult { skipped: Some("nothing feeds crates".into()), ..check("crate_name", Severity::Reject, 0) },
        ],
        quarantine: vec![
            QuarantineCount {
                source: "public.documents".into(),
                check: "content_not_empty".into(),
                code: "content_not_empty".into(),
                rows: 19,
            },
            QuarantineCount {
                source: "public.documents".into(),
                check: "decode".into(),
                code: "vector_syntax".into(),
                rows: 1,
            },
        ],
        samples: vec![Finding {
            source: "public.documents".into(),
            row: Some(1234),
            subject: None,
            check: "content_not_empty".into(),
            reason: "content is empty\u{1b}[2J: a document without text answers no question and would only be noise"
                .into(),
            line: Some(1290),
        }],
        duplicates: vec![DuplicateCount { rule: "same_key".into(), source: "public.documents".into(), rows: 20 }],
        targets: vec![TargetCount {
            transform: "documents".into(),
            target: "public.documents".into(),
            batches: 1,
            rows_inserted: 4560,
            rows_updated: 0,
            rows_unchanged: 0,
        }],
        batches: BatchCount { done: 2, failed: 0, pending: 0, retried: 1, rolled_back: 0 },
        migrations: vec!["V1__documents".into(), "V2__document_sources".into()],
        other_statements: vec![
            StatementCount { kind: "CREATE FUNCTION".into(), count: 2 },
            StatementCount { kind: "GRANT".into(), count: 1 },
        ],
        phases: vec![
            PhaseTime { phase: "stage".into(), elapsed_ms: 1234 },
            PhaseTime { phase: "promote".into(), elapsed_ms: 61_000 },
        ],
        throughput: Throughput {
            rows_per_second: 376.4,
            documents_per_minute: 22_399.6,
            seconds: 12.345,
            peak_rss_bytes: 64 << 20,
        },
        warnings: vec!["audit.log: no transform uses it".into()],
    }
}

pub(super) fn plan() -> Plan {
    Plan {
        format: FORMAT,
        project: "docs".into(),
        target: "PostgreSQL 18.4 at /tmp/.sqlmig, database docs".into(),
        source: "/data/dump.sql.gz".into(),
        source_format: "gzip".into(),
        source_bytes: 67 << 20,
        dumps: vec![PlanDump { server_version: Some("18.4".into()), pg_dump_version: None }],
        encoding: "UTF8".into(),
        complete: true,
        tables: vec![
            PlanTable {
                source: "public.documents".into(),
                staged_as: "staging.documents".into(),
                rows: 4600,
                bytes: 184 << 20,
                columns: vec!["id".into(), "content".into()],
                used_by: vec!["doc_server_documents".into()],
                batches: 1,
            },
            PlanTable {
                source: "audit.log".into(),
                staged_as: "staging.\"audit.log\"".into(),
                rows: 7,
                bytes: 700,
                columns: vec!["id".into()],
                used_by: vec![],
                batches: 0,
            },
        ],
        other_statements: report().other_statements,
        pending_migrations: vec!["V1__documents".into()],
        checks: vec![PlanCheck {
            name: "content_not_empty".into(),
            phase: "check".into(),
            on: "documents".into(),
            severity: Severity::Reject,
            summary: "Documents whose content is empty or blank.".into(),
            skipped: None,
        }],
        promote: vec![PlanPromote {
            transform: "documents".into(),
            target: "public.documents".into(),
            from: Some("documents".into()),
            skipped: Some("nothing feeds documents".into()),
        }],
        warnings: vec!["the target has no pgvector".into()],
    }
}

pub(super) fn status() -> Status {
    Status {
        format: FORMAT,
        run: RunSummary { state: "checked".into(), finished_at: None, ..run() },
        tables: vec![table("public.documents", 4600, 0, 0, 0)],
        targets: vec![TargetProgress {
            target: "public.documents".into(),
            batches_done: 3,
            batches_planned: 12,
            rows_done: 1150,
            rows_planned: 4600,
        }],
    }
}

pub(super) fn history() -> History {
    let failed =
        RunSummary { state: "failed".into(), finished_at: None, error: Some("connection lost".into()), ..run() };
    History { format: FORMAT, runs: vec![run(), failed] }
}

pub(super) fn examples() -> ExampleReport {
    ExampleReport {
        format: FORMAT,
        cases: vec![CaseOutcome {
            example: "transforms/examples/check_content_empty.toml".into(),
            transform: "check/content_empty".into(),
            case: "blank content is found".into(),
            passed: false,
            difference: Some("expected, and not yielded:\n  _row\n  1".into()),
        }],
        without_example: vec!["check/other".into()],
    }
}
