//! One of everything, so that the tests see every field and every section.

use time::macros::datetime;
use uuid::Uuid;

use crate::outcome::status::{
    Activity, CheckRejects, EmbeddingProgress, Latency, PhaseSpent, Process, Rejects, ServerUse, TargetWritten,
};
use crate::outcome::{
    Accepted, BatchCount, BatchSpread, BatchTimes, CaseOutcome, CheckResult, ChunkPlace, ColumnValue, DiskNeeds,
    DuplicateCount, EmbeddingCost, EmbeddingCount, Environment, ExampleReport, FORMAT, Fate, FateBatch, FinalRow,
    Finding, FollowedPlan, FoundBy, History, KeptRow, Light, MemorySlice, MergedWith, PhaseTime, Plan, PlanCheck,
    PlanCounts, PlanDump, PlanEmbedding, PlanEstimate, PlanFate, PlanMigration, PlanPromote, PlanRows, PlanTable,
    PlannedTable, Preflight, Progress, QuarantineCount, QuarantineEntry, QuarantineGroup, QuarantineList,
    QuarantinedRow, ReadyFinding, Report, Rollback, RunEvent, RunEvents, RunSummary, Setting, Severity, Share, Slice,
    SourceDigest, StatementCount, Status, TableBooks, TakenBack, TargetCount, TargetProgress, Throughput, TimeEstimate,
    Try, Why,
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
        parent: None,
        accepted_at: None,
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

fn followed() -> FollowedPlan {
    FollowedPlan {
        sha256: Some("12".repeat(32)),
        at: Some(datetime!(2026-01-02 03:04:05 UTC)),
        tables: vec![PlannedTable {
            source: "public.documents".into(),
            insert: 3390,
            update: 0,
            unchanged: 0,
            merge: 10,
            reject: 1200,
        }],
    }
}

pub(super) fn report() -> Report {
    Report {
        format: FORMAT,
        run: run(),
        plan: followed(),
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
        embeddings: vec![EmbeddingCount {
            relation: "documents".into(),
            source: "public.documents".into(),
            wanted: 120,
            fetched: 100,
            known: 17,
            missing: 3,
        }],
        embedding_cost: EmbeddingCost { requests: 1, tokens: 48_210, cost: 0.0063 },
        targets: vec![TargetCount {
            transform: "documents".into(),
            target: "public.documents".into(),
            batches: 5,
            rows_inserted: 4560,
            rows_updated: 0,
            rows_unchanged: 0,
            rows_deleted: 0,
        }],
        batches: BatchCount { done: 5, failed: 0, pending: 0, retried: 1, rolled_back: 0 },
        migrations: vec!["V1__documents".into(), "V2__document_sources".into()],
        other_statements: vec![
            StatementCount { kind: "CREATE FUNCTION".into(), count: 2 },
            StatementCount { kind: "GRANT".into(), count: 1 },
        ],
        phases: vec![
            PhaseTime {
                phase: "stage".into(),
                elapsed_ms: 1234,
                summary: "180 rows of 2 tables staged, 3 in quarantine; held up by decoding".into(),
            },
            PhaseTime {
                phase: "promote".into(),
                elapsed_ms: 61_000,
                summary: "every batch is committed by 2 workers".into(),
            },
        ],
        throughput: Throughput {
            rows_per_second: 376.4,
            documents_per_minute: 22_399.6,
            seconds: 12.345,
            peak_rss_bytes: 64 << 20,
        },
        pace: pace(),
        memory: memory(),
        batch_times: batch_times(),
        batch_spread: vec![
            BatchSpread { from_ms: 512, batches: 3 },
            BatchSpread { from_ms: 1024, batches: 1 },
            BatchSpread { from_ms: 4096, batches: 1 },
        ],
        digests: vec![SourceDigest {
            source: "public.documents".into(),
            rows: 4600,
            bytes: 184 << 20,
            digest: Some("1234567890".into()),
        }],
        environment: environment(),
        warnings: vec!["audit.log: no transform uses it".into()],
        events: events().events,
    }
}

fn pace() -> Vec<Slice> {
    (0..6)
        .map(|place: i64| Slice {
            phase: if place < 4 { "stage" } else { "promote" }.into(),
            at: datetime!(2026-01-02 03:04:05 UTC) + time::Duration::milliseconds(300 * place),
            seconds: 0.3,
            rows: 1000 + 50 * place,
            bytes: 40_000_000,
        })
        .collect()
}

fn memory() -> Vec<MemorySlice> {
    (0..6)
        .map(|place: i64| MemorySlice {
            phase: if place < 4 { "stage" } else { "promote" }.into(),
            at: datetime!(2026-01-02 03:04:05 UTC) + time::Duration::milliseconds(300 * place),
            seconds: 0.3,
            rss_bytes: (40 << 20) + (place << 22),
        })
        .collect()
}

fn batch_times() -> Vec<BatchTimes> {
    vec![BatchTimes {
        transform: "documents".into(),
        target: "public.documents".into(),
        batches: 5,
        p50_ms: 812,
        p95_ms: 4810,
        p99_ms: 4810,
        max_ms: 4810,
    }]
}

fn environment() -> Environment {
    Environment {
        sqlmig_version: "0.1.0".into(),
        host: "worker-7".into(),
        project_hash: "cd".repeat(32),
        scope: "all tables".into(),
        source_bytes: Some(72 << 20),
        epoch: 2,
        server_version: Some("18.4".into()),
        pgvector: Some("0.8.5".into()),
        settings: vec![Setting { name: "shared_buffers".into(), value: "128MB".into() }],
    }
}

pub(super) fn plan() -> Plan {
    Plan {
        format: FORMAT,
        project: "docs".into(),
        project_hash: "cd".repeat(32),
        database: "docs (16384 on server 7)".into(),
        target_schema: "ef".repeat(32),
        source_sha256: "ab".repeat(32),
        options: [("scope".to_owned(), "all tables".to_owned())].into(),
        counts: PlanCounts { compared: true, why_not: None },
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
                fate: Some(PlanFate { insert: 4500, update: 40, unchanged: 50, merge: 2, reject: 8 }),
            },
            PlanTable {
                source: "audit.log".into(),
                staged_as: "staging.\"audit.log\"".into(),
                rows: 7,
                bytes: 700,
                columns: vec!["id".into()],
                used_by: vec![],
                batches: 0,
                fate: None,
            },
        ],
        other_statements: report().other_statements,
        pending_migrations: vec!["docs: V1__documents".into()],
        migrations: vec![PlanMigration { set: "docs".into(), name: "V1__documents".into(), sql: "select 1".into() }],
        checks: vec![PlanCheck {
            name: "content_not_empty".into(),
            phase: "check".into(),
            on: "documents".into(),
            severity: Severity::Reject,
            summary: "Documents whose content is empty or blank.".into(),
            skipped: None,
            found: Some(8),
        }],
        promote: vec![PlanPromote {
            transform: "documents".into(),
            target: "public.documents".into(),
            from: Some("documents".into()),
            skipped: None,
            rows: Some(PlanRows { insert: 4500, update: 40, delete: 0, unchanged: 50 }),
            reads_changed: vec!["public.document_sources".into()],
        }],
        embeddings: vec![PlanEmbedding {
            transform: "embedding_missing".into(),
            source: "public.documents".into(),
            rows: 120,
            texts: 100,
            tokens: 48_210,
            cost: Some(0.0063),
        }],
        estimate: Some(PlanEstimate {
            staging_bytes: 190 << 20,
            target_bytes: 150 << 20,
            index_bytes: 40 << 20,
            undo_bytes: 3 << 20,
            wal_bytes: 193 << 20,
            stage_ms: 1800,
            check_ms: 600,
            promote_ms: 4100,
            indexes_left_out: vec!["by_words".into()],
            indexes_built: vec!["by_words".into(), "documents_embedding".into()],
        }),
        refused: vec!["source_missing finds 2 rows of public.documents".into()],
        warnings: vec!["the target has no pgvector".into()],
    }
}

pub(crate) fn status() -> Status {
    let latency = Latency {
        count: 3,
        sum: 1.25,
        p50: Some(0.4),
        p95: Some(0.5),
        p99: Some(0.51),
        buckets: vec![(0.25, 0), (0.5, 2), (1.0, 3)],
    };
    Status {
        format: FORMAT,
        at: datetime!(2026-01-02 03:05:05 UTC),
        run: RunSummary { state: "checked".into(), finished_at: None, ..run() },
        exit_code: None,
        activity: Activity::Working,
        is_conducted: true,
        progress: Some(Progress {
            phase: "promote".into(),
            doing: Some("public.documents".into()),
            unit: "rows",
            done: 1150,
            total: Some(4600),
            percent: Some(25.0),
            per_second: Some(115.0),
            rows: Some(1150),
            rows_per_second: Some(115.0),
            eta_seconds: Some(30.0),
            active_seconds: 10.0,
            tries: 2,
            reread_percent: None,
        }),
        phases: vec![PhaseSpent { phase: "stage".into(), seconds: 4.2, tries: 1 }],
        tables: vec![table("public.documents", 4600, 0, 0, 0)],
        written: vec![TargetWritten {
            target: "public.documents".into(),
            inserted: 1000,
            updated: 100,
            unchanged: 50,
            deleted: 0,
        }],
        batches: BatchCount { done: 3, failed: 0, pending: 9, retried: 1, rolled_back: 0 },
        batch_seconds: latency.clone(),
        rows_read: 4610,
        rows_staged: 4600,
        chunks: 5,
        source_bytes_done: Some(900_000),
        source_bytes: Some(1_000_000),
        rejects: Rejects {
            rows: 10,
            by_check: vec![CheckRejects { check: "decode".into(), rows: 10 }],
            allowed: Some(46),
        },
        retries: 1,
        embeddings: EmbeddingProgress {
            requests: 2,
            vectors: 64,
            tokens: 9000,
            cost: 0.00117,
            request_seconds: latency,
        },
        busy: vec![Share { part: "the server's statements".into(), share: 0.83 }],
        processes: vec![Process {
            role: "conductor".into(),
            host: "loader-0".into(),
            pid: 7,
            phase: "promote".into(),
            workers: Some(2),
            rss_bytes: Some(80 << 20),
            peak_rss_bytes: Some(96 << 20),
            silent_seconds: 0.4,
        }],
        server: ServerUse {
            connections: 5,
            connections_all: 9,
            connections_max: 100,
            database_bytes: 3 << 30,
            wal_bytes: Some(5 << 30),
        },
        last_progress_at: datetime!(2026-01-02 03:05:04 UTC),
        last_heard_at: Some(datetime!(2026-01-02 03:05:05 UTC)),
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
    let accepted = RunSummary { accepted_at: Some(datetime!(2026-01-03 00:00:00 UTC)), ..run() };
    History { format: FORMAT, runs: vec![run(), failed, accepted] }
}

pub(super) fn events() -> RunEvents {
    let event = |kind: &str, message: &str, address: Option<&str>| RunEvent {
        at: datetime!(2026-01-02 03:04:05 UTC),
        kind: kind.into(),
        message: message.into(),
        who: "loader".into(),
        client_address: address.map(str::to_owned),
        application: "sqlmig".into(),
    };
    let events = vec![
        event("begun", "/data/dump.sql.gz by project docs, on worker-7, process 4711", Some("10.0.0.7")),
        event("state", "promoted to done", None),
    ];
    RunEvents { format: FORMAT, run: run(), events }
}

pub(super) fn quarantined() -> QuarantinedRow {
    QuarantinedRow {
        run: run().id,
        source: "public.documents".into(),
        row: 1290,
        check: "decode".into(),
        code: "vector_syntax".into(),
        column: Some("embedding".into()),
        reason: "invalid input syntax for type vector: \"[1,\u{1b}[2J\"".into(),
        line: Some(1345),
        byte: Some(87_654_321),
        at: datetime!(2026-01-02 03:04:06 UTC),
    }
}

pub(super) fn quarantine() -> QuarantineList {
    let group = |check: &str, code: &str, rows, retried| QuarantineGroup {
        source: "public.documents".into(),
        check: check.into(),
        code: code.into(),
        rows,
        retried,
    };
    let empty = QuarantinedRow {
        row: 1234,
        check: "content_empty".into(),
        code: "content_empty".into(),
        column: None,
        reason: "content is empty".into(),
        line: None,
        byte: None,
        ..quarantined()
    };
    QuarantineList {
        format: FORMAT,
        run: run().id,
        counts: vec![group("content_empty", "content_empty", 1200, 1), group("decode", "vector_syntax", 1, 0)],
        rows: vec![empty, quarantined()],
        more: 1198,
    }
}

fn value(column: &str, value: Option<&str>) -> ColumnValue {
    ColumnValue { column: column.into(), value: value.map(str::to_owned) }
}

fn tried() -> Try {
    Try {
        run: Uuid::from_u128(0x019a_b1c2_0000_7000_8000_0000_0000_0002),
        from_run: run().id,
        state: "done".into(),
        started_at: datetime!(2026-01-03 03:04:05 UTC),
        mended: vec!["embedding".into()],
        check: Some("embedding_dimensions".into()),
        reason: Some("embedding has 2 dimensions, not 3072".into()),
    }
}

fn found_by() -> FoundBy {
    FoundBy {
        phase: "check".into(),
        check: "token_count_implausible".into(),
        severity: Some("warn".into()),
        reason: "token_count -1 is not possible".into(),
    }
}

pub(super) fn quarantine_entry() -> QuarantineEntry {
    QuarantineEntry {
        format: FORMAT,
        row: quarantined(),
        open: false,
        found_by: vec![found_by()],
        raw: Some("7\trust\t[1,\u{1b}[2J".into()),
        raw_base64: None,
        staged: vec![value("id", Some("7")), value("content", Some(&"long ".repeat(200))), value("embedding", None)],
        tries: vec![tried()],
    }
}

pub(super) fn why() -> Why {
    let merged = |row| MergedWith { rule: "same_key".into(), source: "public.documents".into(), row };
    let promoted = Fate {
        run: RunSummary { parent: Some(run().id), source: "quarantine of run 019ab1c2".into(), ..run() },
        source: Some("public.documents".into()),
        row: Some(1290),
        line: None,
        byte: None,
        chunk: Some(ChunkPlace {
            first_row: 1200,
            last_row: 1399,
            first_line: Some(1250),
            first_byte: Some(81_000_000),
        }),
        in_staging: true,
        staged: vec![value("id", Some("7")), value("embedding", None)],
        retried_from: Some(run().id),
        mended: vec!["embedding".into()],
        found_by: vec![found_by()],
        quarantine: None,
        tries: Vec::new(),
        merged_into: None,
        took_from: vec![merged(9)],
        batches: vec![FateBatch {
            number: 3,
            transform: "documents".into(),
            target: "public.documents".into(),
            first_row: 1,
            last_row: 5000,
            state: "done".into(),
            attempts: 1,
            xid: Some("890".into()),
            epoch: Some(2),
            finished_at: Some(datetime!(2026-01-02 03:04:16 UTC)),
            operation: Some("insert".into()),
        }],
        verdict: "inserted in public.documents by batch 3".into(),
    };
    let out = Fate {
        run: run(),
        line: Some(1345),
        byte: Some(87_654_321),
        in_staging: false,
        retried_from: None,
        mended: Vec::new(),
        quarantine: Some(quarantined()),
        tries: vec![tried()],
        merged_into: Some(merged(8)),
        took_from: Vec::new(),
        batches: Vec::new(),
        verdict: "taken out by decode".into(),
        ..promoted.clone()
    };
    Why {
        format: FORMAT,
        table: "public.documents".into(),
        key: "rust/serde/index.html".into(),
        finals: vec![FinalRow {
            target: "public.documents".into(),
            key: "rust/serde/index.html".into(),
            exists: true,
            written_by: Some(run().id),
            batch: Some(3),
            columns: vec![value("id", Some("7"))],
        }],
        fates: vec![promoted, out],
        notes: vec!["4 rows could not be decoded".into()],
    }
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

pub(super) fn rollback() -> Rollback {
    let kept = |batch, target: &str, key, reason: &str, detail: Option<&str>| KeptRow {
        batch,
        target: target.into(),
        key,
        operation: "update".into(),
        reason: reason.into(),
        detail: detail.map(Into::into),
    };
    Rollback {
        format: FORMAT,
        run: RunSummary { state: "rolled_back".into(), ..run() },
        batch: None,
        forced: false,
        batches: 13,
        targets: vec![
            TakenBack {
                target: "public.document_sources".into(),
                batches: 1,
                rows_deleted: 41,
                rows_restored: 0,
                rows_kept: 1,
            },
            TakenBack {
                target: "public.documents".into(),
                batches: 12,
                rows_deleted: 4550,
                rows_restored: 9,
                rows_kept: 1,
            },
        ],
        kept: vec![
            kept(
                7,
                "public.documents",
                serde_json::json!({ "doc_type": "rust", "doc_path": "serde/de.html" }),
                "changed",
                None,
            ),
            kept(
                1,
                "public.document_sources",
                serde_json::json!({ "id": 4 }),
                "referenced",
                Some("by 1 row of public.documents (documents_source_fkey)"),
            ),
        ],
    }
}

pub(super) fn accepted() -> Accepted {
    let accepted_at = datetime!(2026-01-03 00:00:00 UTC);
    Accepted {
        format: FORMAT,
        run: RunSummary { accepted_at: Some(accepted_at), ..run() },
        accepted_at,
        images: 4602,
        tables_dropped: 1,
    }
}

pub(super) fn preflight() -> Preflight {
    let finding = |check: &str, light: Light, message: &str, remedy: Option<&str>| ReadyFinding {
        check: check.into(),
        light,
        message: message.into(),
        remedy: remedy.map(Into::into),
    };
    Preflight {
        format: FORMAT,
        project: "docs".into(),
        target: "database \"docs\" at db.example.com:5432 as \"loader\"".into(),
        source: Some("/data/dump.sql.gz".into()),
        strict: true,
        ready: false,
        findings: vec![
            finding("locks", Light::Red, "public.documents is locked", Some("let its transaction end")),
            finding("wal", Light::Yellow, "more WAL than max_wal_size", Some("raise it")),
            finding("encoding", Light::Info, "the database is UTF8", None),
        ],
        left_out: vec!["disk: no source is named".into()],
        needs: Some(DiskNeeds {
            staging_bytes: 7 << 20,
            target_bytes: 7 << 20,
            index_bytes: 1 << 20,
            undo_bytes: 1 << 10,
            wal_bytes: 8 << 20,
        }),
        time: Some(TimeEstimate { probed_bytes: 8 << 20, probed_ms: 90, stage_ms: 71, promote_ms: Some(800) }),
    }
}
