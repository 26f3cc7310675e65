//! What is shown, as text and as JSON, of a sample that has one of everything.

use serde_json::Value;

use super::{
    Format, View, render, render_accepted, render_events, render_history, render_plan, render_preflight,
    render_quarantine, render_quarantine_entry, render_rollback, render_status, render_why, sample,
};
use crate::outcome::Report;

const NARROW: View = View { format: Format::Table, width: 80, color: false, verbose: false };

fn shown(report: &Report, view: View) -> String {
    let mut out = Vec::new();
    render(report, view, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_report_fits_a_terminal() {
    insta::assert_snapshot!(shown(&sample::report(), NARROW), @r"
    Run      019ab1c2-0000-7000-8000-000000000001 · project docs · done
    Source   /data/dump.sql.gz · complete
    SHA-256  abababababababababababababababababababababababababababababababab
    Started  2026-01-02 03:04:05 UTC · took 12.3 s

    Books
    ╭──────────────────────────────────────────────────────────────────────────────╮
    │ table              read  inserted  updated  unchanged  merged  quarantine    │
    ├──────────────────────────────────────────────────────────────────────────────┤
    │ documents         4,600     4,560        0          0      20          20  ✓ │
    │ document_sources     42        42        0          0       0           0  ✓ │
    │ total             4,642     4,602        0          0      20          20  ✓ │
    ╰──────────────────────────────────────────────────────────────────────────────╯

    Only staged: no transform uses these tables
    ╭───────────────────────────────────────────────────────────╮
    │ table      staged as          read  staged  quarantine    │
    ├───────────────────────────────────────────────────────────┤
    │ audit.log  staging.audit.log     7       7           0  ✓ │
    ╰───────────────────────────────────────────────────────────╯

    The plan that it followed
    ╭────────────────────────────────────────────────────────╮
    │ table      + new  ~ changed  = as is  merged  rejected │
    ├────────────────────────────────────────────────────────┤
    │ documents  3,390          0        0      10     1,200 │
    ╰────────────────────────────────────────────────────────╯

    Checks
    ╭────────────────────────────────────────────────────────────────────╮
    │    check                  on         severity  examined  found  ms │
    ├────────────────────────────────────────────────────────────────────┤
    │ !  content_not_empty      documents  reject       4,600     19  12 │
    │ !  token_count_plausible  documents  warn         4,600      3  12 │
    ╰────────────────────────────────────────────────────────────────────╯

    ✓ 2 passed: casts, dimensions
    - 1 skipped, nothing feeds crates: crate_name

    Duplicates merged
    ╭───────────────────────────╮
    │ rule      table      rows │
    ├───────────────────────────┤
    │ same_key  documents    20 │
    ╰───────────────────────────╯

    Quarantine
    ╭───────────────────────────────────────────────────────╮
    │ table      check              code               rows │
    ├───────────────────────────────────────────────────────┤
    │ documents  content_not_empty  content_not_empty    19 │
    │ documents  decode             vector_syntax         1 │
    ╰───────────────────────────────────────────────────────╯

    Some of the rows found
    ╭──────────────────────────────────────────────────────────────────────────────╮
    │ table       row  line  check              reason                             │
    ├──────────────────────────────────────────────────────────────────────────────┤
    │ documents  1234  1290  content_not_empty  content is empty\u{1b}[2J: a       │
    │                                           document without text answers no   │
    │                                           question and would only be noise   │
    ╰──────────────────────────────────────────────────────────────────────────────╯

    Rows that came without an embedding
    ╭─────────────────────────────────────────────────────────────────╮
    │ embeddings of  from       wanted  from ledger  fetched  missing │
    ├─────────────────────────────────────────────────────────────────┤
    │ documents      documents     120           17      100        3 │
    ╰─────────────────────────────────────────────────────────────────╯

    Embeddings: 48,210 tokens in 1 requests, at a cost of 0.0063.

    Written
    ╭─────────────────────────────────────────────────────────────╮
    │ transform  target     batches  inserted  updated  unchanged │
    ├─────────────────────────────────────────────────────────────┤
    │ documents  documents        5     4,560        0          0 │
    ╰─────────────────────────────────────────────────────────────╯

    Batches: 5 done; retries: 1.

    Time
    ╭──────────────────────────────────────────────────────────────────────────────╮
    │ phase         time  what it did                                              │
    ├──────────────────────────────────────────────────────────────────────────────┤
    │ stage        1.2 s  180 rows of 2 tables staged, 3 in quarantine; held up by │
    │                     decoding                                                 │
    │ promote  1 min 1 s  every batch is committed by 2 workers                    │
    ╰──────────────────────────────────────────────────────────────────────────────╯

    Throughput: 22,400 documents/minute, 376 rows/s over 12.3 s; peak memory 64.0 MiB.

    Migrations applied: V1__documents, V2__document_sources

    In the source, not executed: 2 × CREATE FUNCTION, 1 × GRANT

    Warnings
    ! audit.log: no transform uses it

    ✓ The books balance: 4,642 rows read = 4,602 promoted + 20 merged + 20 quarantined. 1 table that no transform uses is only staged.
    ");
}

#[test]
fn a_report_of_a_run_that_is_only_staged() {
    let mut report = sample::report();
    report.run.state = "staged".into();
    report.tables.iter_mut().for_each(|table| {
        table.rows_inserted = 0;
        table.rows_merged = 0;
    });
    report.checks.clear();
    let shown = shown(&report, NARROW);
    assert!(shown.contains("No check ran."), "{shown}");
    insta::assert_snapshot!(shown.lines().last().unwrap(), @r"✓ The books of staging balance: 4,649 rows read, 4,649 staged, 20 quarantined so far; nothing is promoted yet.");
}

#[test]
fn tables_keep_to_the_width() {
    let mut report = sample::report();
    report.tables[0].source = format!("public.{}", "a_rather_long_name_".repeat(3));
    report.tables[0].rows_read = 123_456_789;
    for width in [80, 100, 140] {
        for line in shown(&report, View { width, verbose: true, ..NARROW }).lines() {
            // What is no table (the warning lines, the verdict) wraps in the terminal.
            if line.starts_with(['╭', '│', '├', '╰']) {
                assert!(line.chars().count() <= usize::from(width), "{width}: {line}");
            }
        }
    }
}

#[test]
fn verbose_shows_also_what_passed() {
    let view = View { verbose: true, ..NARROW };
    assert!(shown(&sample::report(), view).lines().any(|line| line.starts_with("│ ✓  casts")));
}

#[test]
fn nothing_is_coloured_unless_asked() {
    assert!(!shown(&sample::report(), NARROW).contains('\x1b'));
    let coloured = shown(&sample::report(), View { color: true, ..NARROW });
    assert!(coloured.contains("\x1b[1;32m✓"));
    assert!(!coloured.contains("\x1b[2J"), "text from the source reached the terminal");
}

#[test]
fn a_plan_says_what_would_happen() {
    let mut out = Vec::new();
    render_plan(&sample::plan(), NARROW, &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
    Source   /data/dump.sql.gz · gzip, 67.0 MiB · complete
    Dump     PostgreSQL 18.4, by pg_dump unknown · UTF8
    Project  docs
    Target   PostgreSQL 18.4 at /tmp/.sqlmig, database docs

    Tables
    ╭─────────────────────────────────────────────────────────────────────╮
    │ table       rows       size  columns  used by               batches │
    ├─────────────────────────────────────────────────────────────────────┤
    │ documents  4,600  184.0 MiB        2  doc_server_documents        1 │
    │ audit.log      7      700 B        1  only staged                 0 │
    ╰─────────────────────────────────────────────────────────────────────╯

    What would become of the rows
    ╭───────────────────────────────────────────────────────────────╮
    │ table       rows  + new  ~ changed  = as is  merged  rejected │
    ├───────────────────────────────────────────────────────────────┤
    │ documents  4,600  4,500         40       50       2         8 │
    ╰───────────────────────────────────────────────────────────────╯

    Checks, duplicate rules and validations
    ╭──────────────────────────────────────────────────────────────────────────╮
    │ check              on         severity  rows  what it finds              │
    ├──────────────────────────────────────────────────────────────────────────┤
    │ content_not_empty  documents  reject       8  Documents whose content is │
    │                                               empty or blank.            │
    ╰──────────────────────────────────────────────────────────────────────────╯

    Promotion
    ╭──────────────────────────────────────────────────────────────────────────────╮
    │ promote    into           +   ~  -   =  note                                 │
    ├──────────────────────────────────────────────────────────────────────────────┤
    │ documents  documents  4,500  40  0  50  as of now: reads document_sources,   │
    │                                         changed by then                      │
    ╰──────────────────────────────────────────────────────────────────────────────╯

    Rows that come without an embedding
    ╭────────────────────────────────────────────────────────────────────────────╮
    │ embeddings         table      rows without  texts to fetch  tokens    cost │
    ├────────────────────────────────────────────────────────────────────────────┤
    │ embedding_missing  documents           120             100  48,210  0.0063 │
    ╰────────────────────────────────────────────────────────────────────────────╯

    What it would take
      disk  190.0 MiB in staging (measured), 150.0 MiB in final tables, 40.0 MiB in indexes, 3.0 MiB of before-images
      WAL   193.0 MiB at least
      time  about 6.5 s: 1.8 s to stage and 600 ms to check (measured, one connection), 4.1 s to promote
            besides, for a time that is not estimated: building index by_words, building index documents_embedding, fetching embeddings of 100 texts
      not reckoned with: index by_words

    In the source, not executed: 2 × CREATE FUNCTION, 1 × GRANT

    Migrations to apply (with their SQL: --verbose, --output json):
      docs: V1__documents

    Warnings
    ! the target has no pgvector

    ✗ A run would stop: source_missing finds 2 rows of public.documents
    + 4,500 to insert, ~ 40 to update, - 0 to delete, = 50 as they are; 2 merged, 8 rejected. Nothing was written.
    ");
}

#[test]
fn a_preflight_says_what_to_do() {
    let mut out = Vec::new();
    render_preflight(&sample::preflight(), NARROW, &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
    Target   database "docs" at db.example.com:5432 as "loader"
    Project  docs
    Source   /data/dump.sql.gz

    ✗ red     locks     public.documents is locked
                        → let its transaction end
    ! yellow  wal       more WAL than max_wal_size
                        → raise it
    ✓ info    encoding  the database is UTF8
      left out: disk: no source is named

    Not ready: 1 red, 1 yellow, and yellow counts as red (--strict). Nothing was written.
    "#);
}

#[test]
fn status_and_history_show_where_runs_are() {
    let mut out = Vec::new();
    render_status(&sample::status(), NARROW, &mut out).unwrap();
    render_history(&sample::history(), View { width: 100, ..NARROW }, &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
    Run      019ab1c2-0000-7000-8000-000000000001 · project docs · checked
    Source   /data/dump.sql.gz · complete
    SHA-256  abababababababababababababababababababababababababababababababab
    Started  2026-01-02 03:04:05 UTC · not ended

    promote  ━━━━━━──────────────────  25.0 % · 1,150 of 4,600 rows · 115 rows/s · ETA 30.0 s
             at public.documents · batch 4 of 12 · 95 % of batches within 500 ms · try 2 · for 10.0 s
             1 retry · 10 rows rejected of 46 allowed · 64 vectors, 9,000 tokens, cost 0.0012 · held up by the server's statements (83 %)
             loader-0 process 7 · 80.0 MiB of memory · 5 connections (9 of 100 taken) · database 3.0 GiB

    Staged
    ╭────────────────────────────────────────────────────────────╮
    │ table      staged as           read  staged  quarantine    │
    ├────────────────────────────────────────────────────────────┤
    │ documents  staging.documents  4,600   4,600           0  ✓ │
    ╰────────────────────────────────────────────────────────────╯

    Promotion
    ╭────────────────────────────────────────────╮
    │ target     batches  of   rows     of  done │
    ├────────────────────────────────────────────┤
    │ documents        3  12  1,150  4,600  25 % │
    ╰────────────────────────────────────────────╯

    Runs, newest first
    ╭─────────────────────────────────────────────────────────────────────────────────────────────╮
    │    run                                   source       state     started                took │
    ├─────────────────────────────────────────────────────────────────────────────────────────────┤
    │ ✓  019ab1c2-0000-7000-8000-000000000001  dump.sql.gz  done      2026-01-02 03:04:05  12.3 s │
    │ ✗  019ab1c2-0000-7000-8000-000000000001  dump.sql.gz  failed    2026-01-02 03:04:05         │
    │ ✓  019ab1c2-0000-7000-8000-000000000001  dump.sql.gz  accepted  2026-01-02 03:04:05  12.3 s │
    ╰─────────────────────────────────────────────────────────────────────────────────────────────╯
    ");
}

#[test]
fn a_rollback_tells_what_it_did_and_what_it_left() {
    let mut out = Vec::new();
    render_rollback(&sample::rollback(), NARROW, &mut out).unwrap();
    render_accepted(&sample::accepted(), NARROW, &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
    Run      019ab1c2-0000-7000-8000-000000000001 · project docs · rolled_back
    Source   /data/dump.sql.gz · complete
    SHA-256  abababababababababababababababababababababababababababababababab
    Started  2026-01-02 03:04:05 UTC · took 12.3 s

    Taken back
    ╭────────────────────────────────────────────────────╮
    │ table             batches  deleted  restored  left │
    ├────────────────────────────────────────────────────┤
    │ document_sources        1       41         0     1 │
    │ documents              12    4,550         9     1 │
    ╰────────────────────────────────────────────────────╯

    Left as they are
    ╭──────────────────────────────────────────────────────────────────────╮
    │ batch  table             key                 why                     │
    ├──────────────────────────────────────────────────────────────────────┤
    │     7  documents         serde/de.html/rust  changed since           │
    │     1  document_sources  4                   referred to by 1 row of │
    │                                              public.documents        │
    │                                              (documents_source_fkey) │
    ╰──────────────────────────────────────────────────────────────────────╯

    The run was taken back: 4,591 rows deleted, 9 restored, 2 left as they are; sqlmig.rollback_kept lists them all.
    Run 019ab1c2-0000-7000-8000-000000000001 is accepted (2026-01-03): 4,602 before-images given up; tables of them dropped: 1.
    ");
}

/// Every path of a JSON value, as `tables[].rows_read`.
fn paths(value: &Value, prefix: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                if !value.is_object() {
                    found.push(path.clone());
                }
                paths(value, &path, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| paths(item, &format!("{prefix}[]"), found)),
        _ => {}
    }
}

/// The fields that one section of the page documents: its table rows that begin with a name in back-quotes.
fn documented(page: &str, section: &str) -> Vec<String> {
    let heading = format!("## `{section}`");
    let rest = page.split_once(&heading).unwrap_or_else(|| panic!("the page has no section {heading}")).1;
    let section = rest.split("\n## ").next().unwrap_or(rest);
    let mut fields: Vec<String> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name.to_owned()))
        .collect();
    fields.sort();
    fields
}

#[test]
fn the_page_documents_every_field_and_no_other() {
    // A key has the columns that it has.
    let mut rollback = sample::rollback();
    rollback.kept.iter_mut().for_each(|row| row.key = Value::Null);
    let report = include_str!("../../docs/report.md");
    let quarantine = include_str!("../../docs/quarantine.md");
    let why = include_str!("../../docs/why.md");
    let preflight = include_str!("../../docs/preflight.md");
    let forms = [
        (report, "sqlmig report", serde_json::to_value(sample::report())),
        (report, "sqlmig plan", serde_json::to_value(sample::plan())),
        (report, "sqlmig status", serde_json::to_value(sample::status())),
        (report, "sqlmig history", serde_json::to_value(sample::history())),
        (report, "sqlmig history --run", serde_json::to_value(sample::events())),
        (report, "sqlmig rollback", serde_json::to_value(rollback)),
        (report, "sqlmig finish", serde_json::to_value(sample::accepted())),
        (report, "sqlmig test", serde_json::to_value(sample::examples())),
        (quarantine, "sqlmig quarantine list --output json", serde_json::to_value(sample::quarantine())),
        (quarantine, "sqlmig quarantine show --output json", serde_json::to_value(sample::quarantine_entry())),
        (why, "sqlmig why --output json", serde_json::to_value(sample::why())),
        (preflight, "sqlmig preflight --output json", serde_json::to_value(sample::preflight())),
    ];
    for (page, section, value) in forms {
        let mut fields = Vec::new();
        paths(&value.unwrap(), "", &mut fields);
        fields.sort();
        fields.dedup();
        assert_eq!(documented(page, section), fields, "{section}: documented on the left, written on the right");
    }
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_quarantine_as_a_person_sees_it() {
    insta::assert_snapshot!(written(|out| render_quarantine(&sample::quarantine(), NARROW, out)), @r#"
    Quarantine
    ╭─────────────────────────────────────────────────────────╮
    │ table      check          code            rows  retried │
    ├─────────────────────────────────────────────────────────┤
    │ documents  content_empty  content_empty  1,200        1 │
    │ documents  decode         vector_syntax      1        0 │
    ╰─────────────────────────────────────────────────────────╯

    Rows
    ╭──────────────────────────────────────────────────────────────────────────────╮
    │ table       row  line  check          reason                                 │
    ├──────────────────────────────────────────────────────────────────────────────┤
    │ documents  1234        content_empty  content is empty                       │
    │ documents  1290  1345  decode         invalid input syntax for type vector:  │
    │                                       "[1,\u{1b}[2J"                         │
    ╰──────────────────────────────────────────────────────────────────────────────╯

    … and 1,198 more: --limit shows them.
    "#);
    insta::assert_snapshot!(written(|out| render_quarantine_entry(&sample::quarantine_entry(), NARROW, out)), @r#"
    Row      1290 of public.documents
    Run      019ab1c2-0000-7000-8000-000000000001
    Place    line 1345, byte 87654321
    Check    decode: vector_syntax
    Column   embedding
    Reason   invalid input syntax for type vector: "[1,\u{1b}[2J"
    Since    2026-01-02 03:04:06 UTC
    State    tried again
    Also     token_count_implausible (warn): token_count -1 is not possible

    As it stands in the source
    7\trust\t[1,\u{1b}[2J

    As it was staged
      id         7
      content    long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long … (1,000 characters; --verbose shows all)
      embedding  null

    Tried again
    ╭──────────────────────────────────────────────────────────────────────────────╮
    │ retried by                            state  mended     taken out again by   │
    ├──────────────────────────────────────────────────────────────────────────────┤
    │ 019ab1c2-0000-7000-8000-000000000002  done   embedding  embedding_dimensions │
    │                                                         : embedding has 2    │
    │                                                         dimensions, not 3072 │
    ╰──────────────────────────────────────────────────────────────────────────────╯
    "#);
}

#[test]
fn the_fate_of_a_row_as_a_person_sees_it() {
    insta::assert_snapshot!(written(|out| render_why(&sample::why(), NARROW, out)), @r"
    public.documents rust/serde/index.html now
      as batch 3 of run 019ab1c2-0000-7000-8000-000000000001 left it
      id  7

    Run 019ab1c2-0000-7000-8000-000000000001
    Source   quarantine of run 019ab1c2
    State    done
    Started  2026-01-02 03:04:05 UTC
    Row      1290 of public.documents
    From     the quarantine of run 019ab1c2-0000-7000-8000-000000000001, mended: embedding
    Place    read with rows 1200 to 1399, which begin at line 1250, byte 81000000
    Staging  still there
    Found    token_count_implausible (warn): token_count -1 is not possible
    Merged   row 9 of public.documents into it, by same_key
    Batch    3 of documents, rows 1 to 5000, done: inserted · transaction 890, epoch 2, 2026-01-02 03:04:16 UTC
    Fate     inserted in public.documents by batch 3

    As it was staged
      id         7
      embedding  null

    Run 019ab1c2-0000-7000-8000-000000000001
    Source   /data/dump.sql.gz
    State    done
    Started  2026-01-02 03:04:05 UTC
    Row      1290 of public.documents
    Place    line 1345, byte 87654321
    Staging  not there any more
    Found    token_count_implausible (warn): token_count -1 is not possible
    Fate     taken out by decode

    Tried again
    ╭──────────────────────────────────────────────────────────────────────────────╮
    │ retried by                            state  mended     taken out again by   │
    ├──────────────────────────────────────────────────────────────────────────────┤
    │ 019ab1c2-0000-7000-8000-000000000002  done   embedding  embedding_dimensions │
    │                                                         : embedding has 2    │
    │                                                         dimensions, not 3072 │
    ╰──────────────────────────────────────────────────────────────────────────────╯

    As it was staged
      id         7
      embedding  null

    ! 4 rows could not be decoded
    ");
}

#[test]
fn the_events_of_a_run_as_a_person_sees_them() {
    insta::assert_snapshot!(written(|out| render_events(&sample::events(), NARROW, out)), @r"
    Run      019ab1c2-0000-7000-8000-000000000001 · project docs · done
    Source   /data/dump.sql.gz · complete
    SHA-256  abababababababababababababababababababababababababababababababab
    Started  2026-01-02 03:04:05 UTC · took 12.3 s

    Events
    ╭──────────────────────────────────────────────────────────────────────────────╮
    │ at                   kind   what                 who     from                │
    ├──────────────────────────────────────────────────────────────────────────────┤
    │ 2026-01-02 03:04:05  begun  /data/dump.sql.gz    loader  10.0.0.7, sqlmig    │
    │                             by project docs, on                              │
    │                             worker-7, process                                │
    │                             4711                                             │
    │ 2026-01-02 03:04:05  state  promoted to done     loader  the same machine,   │
    │                                                          sqlmig              │
    ╰──────────────────────────────────────────────────────────────────────────────╯
    ");
}

#[test]
fn json_is_whole_whatever_the_view() {
    let report = sample::report();
    let view = View { format: Format::Json, width: 10, color: true, verbose: false };
    let read: Value = serde_json::from_str(&shown(&report, view)).unwrap();
    assert_eq!(read, serde_json::to_value(&report).unwrap());
    assert_eq!(read["run"]["started_at"], "2026-01-02T03:04:05Z");
}
