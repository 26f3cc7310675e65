//! Embeddings: fetched where they are missing, paid for once, and never stored unless they are what was asked for.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use sqlmig::tokens::Tokenizer;

use crate::harness::TestDb;
use crate::program::{Outcome, Things, finish, number, on, text};
use crate::service::{Fault, Service, vector};

pub const DIMENSIONS: usize = 8;

/// Things whose notes want embeddings.
pub fn things() -> Things {
    Things::new()
        .with(
            "migrations/V2__embedding.sql",
            "alter table public.things add column embedding real[], add column model text;",
        )
        .with(
            "transforms/embed/notes.sql",
            "--! summary: A note wants an embedding\n--! on: things\n--! severity: warn\n\
             select _row, note as text from {{ rows }} as things\n",
        )
        .with(
            "transforms/promote/things.sql",
            "--! summary: Things\n--! from: things\n--! target: public.things\n--! key: id\n\
             select things.id, things.name, things.amount, things.extra, things.tags, things.note, fetched.embedding, fetched.model\n\
             from {{ rows }} as things\n\
             left join {{ embedded('things') }} as fetched on fetched._source = things._source and fetched._row = things._row\n",
        )
}

/// So many rows; every tenth has the note of the first.
pub fn rows(count: usize) -> Vec<String> {
    let note =
        |row: usize| if row.is_multiple_of(10) { "again and again".to_owned() } else { format!("note number {row}") };
    (1..=count).map(|row| format!("{row}|name {row}|1|{{}}|{{}}|{}", note(row))).collect()
}

pub async fn service() -> Service {
    Service::start("127.0.0.1:0", "tiny", DIMENSIONS).await.unwrap()
}

/// `run` over these rows, with this service.
pub async fn command(db: &TestDb, things: &Things, service: &Service, rows: &[String], more: &str) -> Command {
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let line =
        format!("run {} --project {} --output json {more}", things.dump(&rows).display(), things.path().display());
    with(on(db, &line).await, service)
}

pub fn with(mut command: Command, service: &Service) -> Command {
    command
        .env("SQLMIG_EMBEDDING_URL", service.url())
        .env("SQLMIG_EMBEDDING_MODEL", "tiny")
        .env("SQLMIG_EMBEDDING_DIMENSIONS", DIMENSIONS.to_string())
        .env("SQLMIG_EMBEDDING_KEY", "sk-very-secret")
        .env("SQLMIG_EMBEDDING_BATCH", "8")
        .env("SQLMIG_EMBEDDING_CONCURRENCY", "3")
        .env("SQLMIG_EMBEDDING_ATTEMPTS", "3")
        .env("SQLMIG_EMBEDDING_TIMEOUT", "2s");
    command
}

pub async fn run(db: &TestDb, things: &Things, service: &Service, rows: &[String], more: &str) -> Outcome {
    finish(command(db, things, service, rows, more).await).await
}

/// Every thing has the vector of its own note, by the model that was asked.
#[track_caller]
pub fn right(found: &[(String, Option<Vec<f32>>)]) {
    for (note, embedding) in found {
        assert_eq!(embedding.as_deref(), Some(vector(note, DIMENSIONS).as_slice()), "{note}");
    }
}

pub async fn found(db: &TestDb) -> Vec<(String, Option<Vec<f32>>)> {
    let client = db.connect().await;
    let rows = client.query("select note, embedding from public.things order by id", &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn a_text_is_paid_for_once() {
    let (db, things, service) = (TestDb::new("embed_once").await, things(), service().await);
    let rows = rows(100);
    let report = run(&db, &things, &service, &rows, "--embedding-price 2").await.code(0).json();
    right(&found(&db).await);
    assert_eq!((service.state.vectors(), service.state.repeated()), (91, 0));
    assert_eq!(service.state.requests(), 12);
    let client = db.connect().await;
    assert_eq!(text(&client, "select string_agg(distinct model, ',') from public.things").await, "tiny");
    let spent = number(&client, "select sum(tokens) from sqlmig.embedding_request").await;
    assert_eq!(report["embeddings"][0]["fetched"], 100);
    assert_eq!(report["embedding_cost"]["tokens"], spent);
    assert!(
        (report["embedding_cost"]["cost"].as_f64().unwrap() - 2e-6 * f64::from(i32::try_from(spent).unwrap())).abs()
            < 1e-9
    );

    // The same again, and the same after one more row.
    let report = run(&db, &things, &service, &rows, "--force").await.code(0).json();
    assert_eq!(service.state.requests(), 12);
    assert_eq!(report["tables"][0]["rows_unchanged"], 100);
    assert_eq!(report["embeddings"][0]["known"], 100);
    let more = [rows.clone(), vec!["101|x|1|{}|{}|a new note".into(), "102|x|1|{}|{}|note number 7".into()]].concat();
    run(&db, &things, &service, &more, "").await.code(0);
    assert_eq!((service.state.vectors(), service.state.requests()), (92, 13));
    right(&found(&db).await);
    // Another model is another space.
    let other = format!("--embedding-provider other-{}", service.address.port());
    run(&db, &things, &service, &rows[..3], &other).await.code(0);
    assert_eq!(service.state.vectors(), 95);
}

/// A service may take as long as it likes: no row is locked and no snapshot held in the database meanwhile.
#[tokio::test]
async fn no_transaction_is_open_while_the_service_answers() {
    let (db, things, service) = (TestDb::new("embed_waiting").await, things(), service().await);
    service.state.latency_ms.store(4000, std::sync::atomic::Ordering::SeqCst);
    let mut command = command(&db, &things, &service, &rows(16), "").await;
    command.env("SQLMIG_EMBEDDING_TIMEOUT", "1min").stdout(Stdio::null()).stderr(Stdio::null());
    let client = db.connect().await;
    let mut child = command.spawn().unwrap();
    let since = Instant::now();
    while service.state.requests() == 0 {
        assert!(since.elapsed() < Duration::from_mins(1), "no request came");
        assert!(child.try_wait().unwrap().is_none(), "it ended without a request");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Who says how far the run is opens one for a moment; what is held over the call is older than a moment.
    let own = format!("from pg_stat_activity where application_name like 'sqlmig %:{}'", child.id());
    let open = format!(
        "select string_agg(concat_ws(' ', pid, state, clock_timestamp() - xact_start, query), '; ') {own} \
         and xact_start < clock_timestamp() - interval '1 second'"
    );
    let mut looks = 0;
    while service.state.vectors() == 0 {
        assert!(since.elapsed() < Duration::from_mins(1), "no answer was given");
        assert_eq!(text(&client, &open).await, "");
        assert!(number(&client, &format!("select count(*) {own}")).await > 0, "its sessions are not seen");
        looks += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Enough of them after the first second.
    assert!(looks > 10, "{looks} looks");
    let status = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    assert!(status.success(), "{status}");
    right(&found(&db).await);
}

#[tokio::test]
async fn what_goes_wrong_once_is_borne() {
    let fault =
        |status: u16, head: &str| Fault::Status(status, head.into(), r#"{"error":{"message":"slow down"}}"#.into());
    for (place, fault) in [
        fault(429, "retry-after: 0\r\n"),
        fault(429, "x-ratelimit-reset-tokens: 20ms\r\n"),
        fault(500, ""),
        fault(503, ""),
        fault(408, ""),
        Fault::Silence(Duration::from_secs(3)),
        Fault::Garbage,
        Fault::BrokenOff,
        Fault::WrongDimension,
        Fault::Truncated,
        Fault::Reordered,
        Fault::SameIndex,
        Fault::NotANumber,
        Fault::Zero,
        Fault::OtherModel,
    ]
    .into_iter()
    .enumerate()
    {
        let (db, things, service) = (TestDb::new(&format!("embed_bear_{place}")).await, things(), service().await);
        service.state.then([fault.clone()]);
        let rows = rows(30);
        let outcome = run(&db, &things, &service, &rows, "").await;
        assert_eq!(outcome.code, 0, "{fault:?}: {}", outcome.stderr);
        right(&found(&db).await);
        assert_eq!(service.state.repeated(), 0, "{fault:?}");
        let bad = "select count(*) from sqlmig.embedding where array_length(embedding, 1) <> 8";
        assert_eq!(number(&db.connect().await, bad).await, 0);
    }
}

#[tokio::test]
async fn a_service_gets_the_time_that_it_asks_for() {
    let refused = |status: u16, head: &str| Fault::Status(status, head.into(), String::new());
    let spent = "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 1s\r\n";
    let both = format!("{spent}x-ratelimit-remaining-tokens: 5000\r\nx-ratelimit-reset-tokens: 30s\r\n");
    // Without being asked it would be a third of a second after a refusal, and nothing after an answer.
    for (fault, milliseconds) in [
        (refused(429, "retry-after: 1\r\n"), 1000),
        (refused(503, "retry-after: 1\r\nx-ratelimit-reset-tokens: 30s\r\n"), 1000),
        (refused(429, "x-ratelimit-reset-tokens: 1s\r\n"), 1000),
        (refused(503, "x-ratelimit-reset-requests: 700ms\r\n"), 700),
        (refused(429, &both), 1000),
        (Fault::Head(both.clone()), 1000),
        (Fault::Head(spent.into()), 1000),
    ] {
        let (db, things, service) = (TestDb::new("embed_time").await, things(), service().await);
        service.state.then([fault.clone()]);
        // One at a time, so that the second request is the first after the fault.
        run(&db, &things, &service, &rows(9), "--embedding-concurrency 1").await.code(0);
        right(&found(&db).await);
        let gap = service.state.gaps()[0];
        let (least, most) = (Duration::from_millis(milliseconds), Duration::from_secs(20));
        assert!(gap >= least && gap < most, "{fault:?}: {gap:?}");
    }
}

#[tokio::test]
async fn what_stays_wrong_ends_the_phase_and_what_came_is_kept() {
    let status =
        |status: u16| Fault::Status(status, String::new(), r#"{"error":{"message":"not you, sk-very-secret"}}"#.into());
    for (place, (fault, code, said)) in [
        (status(500), 8, "answers 500"),
        (status(429), 8, "answers 429"),
        (Fault::Silence(Duration::from_secs(3)), 8, "cannot be reached"),
        (Fault::Garbage, 8, "not the JSON"),
        (Fault::BrokenOff, 8, "broke off"),
        (Fault::Truncated, 8, "vectors for"),
        (Fault::OtherModel, 8, "\"another-model\""),
        // A service that becomes another on the way.
        (Fault::WrongDimension, 2, "7 dimensions, not 8"),
        (status(401), 2, "refuses the request with 401: not you, …"),
        (status(404), 2, "refuses the request with 404"),
    ]
    .into_iter()
    .enumerate()
    {
        let (db, things, service) = (TestDb::new(&format!("embed_end_{place}")).await, things(), service().await);
        let rows = rows(40);
        // Two answers are good before it begins.
        service.state.then([Fault::Reordered, Fault::Reordered]);
        service.state.always(Some(fault.clone()));
        let outcome = run(&db, &things, &service, &rows, "").await;
        assert_eq!(outcome.code, code, "{fault:?}: {}", outcome.stderr);
        let outcome = outcome.says(&[said, "hint"]);
        assert!(!format!("{}{}", outcome.stdout, outcome.stderr).contains("sk-very-secret"));
        let client = db.connect().await;
        assert_eq!(number(&client, "select count(*) from sqlmig.embedding").await, 16, "{fault:?}");
        assert_eq!(number(&client, "select count(*) from public.things").await, 0);
        // The same command goes on.
        service.state.always(None);
        run(&db, &things, &service, &rows, "").await.code(0);
        right(&found(&db).await);
        assert_eq!((service.state.repeated(), service.state.vectors()), (0, 37), "{fault:?}");
    }
}

#[tokio::test]
async fn a_service_of_another_shape_is_found_out_before_much_is_paid() {
    for (fault, said) in [(Fault::WrongDimension, "7 dimensions, not 8"), (Fault::Zero, "zero vector")] {
        let (db, things, service) = (TestDb::new("embed_shape").await, things(), service().await);
        service.state.always(Some(fault));
        let outcome = run(&db, &things, &service, &rows(100)[..1], "").await;
        outcome.code(2).says(&[said]);
        assert!(service.state.requests() <= 4, "{}", service.state.requests());
        assert_eq!(number(&db.connect().await, "select count(*) from sqlmig.embedding").await, 0);
    }
}

#[tokio::test]
async fn a_text_that_is_refused_costs_the_others_nothing() {
    for (status, severity) in [(400, "warn"), (413, "reject"), (422, "error")] {
        let (db, service) = (TestDb::new("embed_poison").await, service().await);
        let things =
            things().replacing("transforms/embed/notes.sql", "severity: warn", &format!("severity: {severity}"));
        *service.state.poison.lock().unwrap() = Some(("number 13".into(), status));
        let outcome = run(&db, &things, &service, &rows(40), "").await.code(if severity == "error" { 3 } else { 0 });
        let report = outcome.json();
        let check =
            &report["checks"].as_array().unwrap().iter().find(|check| check["name"] == "notes").unwrap().clone();
        assert_eq!((&check["rows_failed"], &check["phase"]), (&1.into(), &"embed".into()));
        let sample = &report["samples"][0];
        assert_eq!(sample["row"], 13);
        assert!(
            sample["reason"].as_str().unwrap().contains(&format!("{status}: this text is not welcome")),
            "{sample}"
        );
        assert_eq!(service.state.repeated(), 0);
        let client = db.connect().await;
        let without = "select string_agg(id::text, ',') from public.things where embedding is null";
        match severity {
            "warn" => assert_eq!(text(&client, without).await, "13"),
            "reject" => {
                assert_eq!(report["tables"][0]["rows_quarantined"], 1);
                assert_eq!(number(&client, "select count(*) from public.things").await, 39);
                assert_eq!(text(&client, without).await, "");
                // Once it is welcome, the row is tried again, and gets its vector.
                *service.state.poison.lock().unwrap() = None;
                let retry = format!("quarantine retry --project {}", things.path().display());
                finish(with(on(&db, &retry).await, &service)).await.code(0);
                assert_eq!(number(&client, "select count(*) from public.things where embedding is not null").await, 40);
                assert_eq!((service.state.repeated(), service.state.vectors()), (0, 37));
            }
            _ => assert_eq!(number(&client, "select count(*) from public.things").await, 0),
        }
    }
}

#[tokio::test]
async fn a_request_has_no_more_tokens_than_it_may() {
    const MOST: usize = 20;
    let (db, things, service) = (TestDb::new("embed_batch_tokens").await, things(), service().await);
    let mut rows = rows(40);
    // Longer than a request may be, and not longer than a text may be.
    rows[14] = format!("15|name 15|1|{{}}|{{}}|{}", "word ".repeat(30).trim_end());
    let bounds = format!("--embedding-batch 100 --embedding-batch-tokens {MOST}");
    run(&db, &things, &service, &rows, &bounds).await.code(0);
    right(&found(&db).await);
    let mut sent = service.state.texts.lock().unwrap().clone();
    let tokenizer = Tokenizer::default();
    let tokens = |texts: &[String]| -> usize { texts.iter().map(|text| tokenizer.count(text)).sum() };
    for texts in &sent {
        assert!(tokens(texts) <= MOST || texts.len() == 1, "{} tokens: {texts:?}", tokens(texts));
    }
    assert_eq!(sent.iter().filter(|texts| tokens(texts) > MOST).count(), 1, "the long one, by itself");
    // And no fewer than fit: what the next begins with would have been too much. They come in the order of the rows.
    let place = |texts: &Vec<String>| rows.iter().position(|row| row.ends_with(&format!("|{}", texts[0])));
    sent.sort_by_key(place);
    for pair in sent.windows(2) {
        assert!(tokens(&pair[0]) + tokens(&pair[1][..1]) > MOST, "{pair:?}");
    }
    assert_eq!(service.state.repeated(), 0);
}

#[tokio::test]
async fn a_text_whose_vector_is_always_bad_costs_the_others_nothing() {
    for (fault, said) in [
        (Fault::WrongDimension, "its vector has 7 dimensions, not 8"),
        (Fault::Zero, "its vector is the zero vector"),
        (Fault::NotANumber, "its vector holds a value that is not finite"),
    ] {
        for severity in ["reject", "warn"] {
            let (db, service) = (TestDb::new("embed_spoiled").await, service().await);
            let things =
                things().replacing("transforms/embed/notes.sql", "severity: warn", &format!("severity: {severity}"));
            *service.state.spoiled.lock().unwrap() = Some(("number 13".into(), fault.clone()));
            let report = run(&db, &things, &service, &rows(40), "").await.code(0).json();
            // Five requests for 37 texts; the one text alone twice more, and no other a second time.
            assert_eq!((service.state.requests(), service.state.vectors()), (7, 36), "{fault:?}");
            assert_eq!(service.state.repeated(), 0, "{fault:?}");
            let check = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == "notes").unwrap();
            assert_eq!((&check["rows_failed"], &check["phase"]), (&json!(1), &json!("embed")));
            let sample = &report["samples"][0];
            assert_eq!(sample["row"], 13);
            assert!(sample["reason"].as_str().unwrap().contains(said), "{sample}");
            let client = db.connect().await;
            assert_eq!(number(&client, "select count(*) from sqlmig.embedding").await, 36);
            let found = found(&db).await;
            let (without, with): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, embedding)| embedding.is_none());
            right(&with);
            assert_eq!(with.len(), 39, "{fault:?}");
            let taken = "select coalesce(string_agg(row || ' ' || check_name, ','), '') from sqlmig.quarantine";
            if severity == "reject" {
                assert_eq!((without, text(&client, taken).await), (vec![], "13 notes".into()));
                assert_eq!(report["tables"][0]["rows_quarantined"], 1);
            } else {
                assert_eq!(without, [("note number 13".to_owned(), None)]);
                assert_eq!(text(&client, taken).await, "");
            }
        }
    }
}

#[tokio::test]
async fn a_text_that_is_too_long_or_empty_is_not_sent() {
    let (db, things, service) = (TestDb::new("embed_long").await, things(), service().await);
    let rows: Vec<String> = ["short", "this note has many more words than that", " ", "\\N"]
        .iter()
        .zip(1..)
        .map(|(note, id)| format!("{id}|n|1|{{}}|{{}}|{note}"))
        .collect();
    let report = run(&db, &things, &service, &rows, "--embedding-input-tokens 5").await.code(0).json();
    let reasons: Vec<&str> =
        report["samples"].as_array().unwrap().iter().map(|sample| sample["reason"].as_str().unwrap()).collect();
    assert_eq!(
        reasons,
        [
            "the text has 8 tokens, and the model takes 5: split it",
            "there is no text to embed",
            "there is no text to embed"
        ]
    );
    assert_eq!(service.state.vectors(), 1);
}

#[tokio::test]
async fn a_budget_is_not_passed() {
    let (db, things, service) = (TestDb::new("embed_budget").await, things(), service().await);
    let rows = rows(60);
    let spent = "select coalesce(sum(tokens), 0) from sqlmig.embedding_request";
    run(&db, &things, &service, &rows, "--max-tokens 100").await.code(3).says(&["--max-tokens", "hint"]);
    let client = db.connect().await;
    let first = number(&client, spent).await;
    assert!(first > 0 && first <= 100, "{first}");
    run(&db, &things, &service, &rows, "--max-cost 0.0001").await.code(2).says(&["needs a price"]);
    // The bound is the run's: what an earlier call spent counts.
    run(&db, &things, &service, &rows, "--max-cost 0.00004 --embedding-price 1").await.code(3).says(&["--max-cost"]);
    assert!(number(&client, spent).await <= first + 40);
    run(&db, &things, &service, &rows, "--max-tokens 100000").await.code(0);
    right(&found(&db).await);
    assert_eq!(service.state.repeated(), 0);
}

#[tokio::test]
async fn a_budget_holds_where_the_service_bills_more_than_is_counted() {
    // Texts of four tokens and three words: at four for a word each is billed three times what is counted.
    let rows: Vec<String> = (11..=70).map(|row| format!("{row}|name {row}|1|{{}}|{{}}|note number {row}")).collect();
    assert_eq!(Tokenizer::default().count("note number 11"), 4);
    let spent = "select coalesce(sum(tokens), 0) from sqlmig.embedding_request";
    for budget in ["--max-tokens 230", "--max-cost 0.00023 --embedding-price 1"] {
        let (db, things, service) = (TestDb::new("embed_billed").await, things(), service().await);
        service.state.tokens_per_word.store(4, std::sync::atomic::Ordering::SeqCst);
        let option = budget.split(' ').next().unwrap();
        let said = [option, "bills up to 300 tokens for 100 that are counted", "hint"];
        run(&db, &things, &service, &rows, budget).await.code(3).says(&said);
        // Not passed, and used as far as another text goes.
        let client = db.connect().await;
        assert_eq!(number(&client, spent).await, 228, "{budget}");
        assert_eq!(service.state.texts.lock().unwrap()[0].len(), 1, "the first text goes alone");
        run(&db, &things, &service, &rows, "--max-tokens 100000").await.code(0);
        right(&found(&db).await);
        assert_eq!((service.state.repeated(), service.state.vectors()), (0, 60));
    }
    // What nobody could know: the first text by itself is billed more than there is. That much, and no more.
    let (db, things, service) = (TestDb::new("embed_billed_first").await, things(), service().await);
    service.state.tokens_per_word.store(4, std::sync::atomic::Ordering::SeqCst);
    run(&db, &things, &service, &rows, "--max-tokens 5").await.code(3).says(&["12 tokens are spent"]);
    run(&db, &things, &service, &rows, "--max-tokens 5").await.code(3).says(&["12 tokens are spent"]);
    assert_eq!((number(&db.connect().await, spent).await, service.state.requests()), (12, 1));
}

#[tokio::test]
async fn a_bad_first_text_is_no_reason_to_end_under_a_budget() {
    let (db, things, service) = (TestDb::new("embed_budget_bad").await, things(), service().await);
    *service.state.spoiled.lock().unwrap() = Some(("number 1".into(), Fault::Zero));
    let rows: Vec<String> = [1, 22, 33, 44].map(|row| format!("{row}|n|1|{{}}|{{}}|note number {row}")).into();
    run(&db, &things, &service, &rows, "--max-tokens 1000").await.code(0);
    let without = "select string_agg(id::text, ',') from public.things where embedding is null";
    assert_eq!(text(&db.connect().await, without).await, "1");
    assert_eq!(service.state.repeated(), 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_key_goes_nowhere_else() {
    let (db, things, service, elsewhere) =
        (TestDb::new("embed_redirect").await, things(), service().await, service().await);
    let head = format!("location: {}/embeddings?with=sk-very-secret\r\n", elsewhere.url());
    service.state.always(Some(Fault::Status(307, head, String::new())));
    let outcome = run(&db, &things, &service, &rows(3), "").await.code(2).says(&["redirects", "not followed"]);
    assert_eq!(elsewhere.state.requests(), 0);
    let ledger = "select string_agg(to_jsonb(r)::text, ' ') || coalesce((select string_agg(to_jsonb(e)::text, ' ') from sqlmig.event as e), '') from sqlmig.run as r";
    let told = format!("{}{}{}", outcome.stdout, outcome.stderr, text(&db.connect().await, ledger).await);
    assert!(!told.contains("sk-very-secret"), "{told}");
    let heads = service.state.heads.lock().unwrap().clone();
    assert!(heads[0].contains("authorization: bearer sk-very-secret"), "{}", heads[0]);
}

#[tokio::test]
async fn the_key_may_be_in_a_file() {
    let (db, things, service, folder) =
        (TestDb::new("embed_key_file").await, things(), service().await, tempfile::tempdir().unwrap());
    let path = folder.path().join("key");
    let named = format!("--embedding-key-file {}", path.display());
    for (row, written) in (1..).zip(["sk-of-the-file\n", "  sk-of-the-file\r\nanother line\r\n", "sk-of-the-file"]) {
        std::fs::write(&path, written).unwrap();
        // A row more each time, so that there is something to ask; and the environment has another key.
        let outcome = run(&db, &things, &service, &rows(row), &named).await.code(0);
        assert!(!format!("{}{}", outcome.stdout, outcome.stderr).contains("sk-of-the-file"));
        let heads = service.state.heads.lock().unwrap().clone();
        assert_eq!(heads.len(), row, "{written:?}");
        let sent = heads[row - 1].lines().find(|line| line.starts_with("authorization:"));
        assert_eq!(sent, Some("authorization: bearer sk-of-the-file"), "{written:?}");
    }
    // One that cannot be read is no reason to ask without a key, or with that of the environment.
    let missing = folder.path().join("missing");
    for path in [missing.as_path(), folder.path()] {
        let named = format!("--embedding-key-file {}", path.display());
        let outcome = run(&db, &things, &service, &rows(9), &named).await.code(2);
        outcome.says(&[&format!("the key's file {} cannot be read", path.display()), "hint", "--embedding-key-file"]);
    }
    std::fs::write(&path, [0xff, b'\n']).unwrap();
    run(&db, &things, &service, &rows(9), &named).await.code(2).says(&["cannot be read"]);
    assert_eq!(service.state.requests(), 3);
}

#[tokio::test]
async fn a_service_that_is_not_safe_to_ask_is_not_asked() {
    let (db, things, service) = (TestDb::new("embed_unsafe").await, things(), service().await);
    for (url, said) in [
        ("http://example.com/v1", "not encrypted"),
        ("http://169.254.169.254/v1", "link-local"),
        ("https://user:sk-very-secret@example.com/v1", "user or a password"),
        ("nonsense", "is no URL"),
    ] {
        let mut command = command(&db, &things, &service, &rows(1), "").await;
        command
            .env("SQLMIG_EMBEDDING_URL", url)
            .env("SQLMIG_EMBEDDING_ALLOW_HTTP", if url.contains("169") { "1" } else { "0" });
        let outcome = finish(command).await.code(2).says(&[said]);
        assert!(!outcome.stderr.contains("sk-very-secret"));
    }
    let mut command = command(&db, &things, &service, &rows(1), "").await;
    command.env_remove("SQLMIG_EMBEDDING_MODEL");
    finish(command).await.code(2).says(&["not its model"]);
}

#[tokio::test]
async fn a_run_that_is_killed_pays_at_most_for_what_was_in_flight_again() {
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let (db, things, service) =
            (TestDb::new(&format!("embed_{}", signal.to_string().to_lowercase())).await, things(), service().await);
        let rows = rows(120);
        service.state.latency_ms.store(150, std::sync::atomic::Ordering::SeqCst);
        let mut kills = 0;
        loop {
            let mut command = command(&db, &things, &service, &rows, "").await;
            command.stdout(Stdio::null());
            let before = service.state.requests();
            let mut child = command.spawn().unwrap();
            let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
            // Killed after some requests, each time; until one comes through. The service answers meanwhile.
            let mut killed = false;
            let status = loop {
                if let Some(status) = child.try_wait().unwrap() {
                    break status;
                }
                if !killed && service.state.requests() >= before + 3 && kills < 3 {
                    kills += 1;
                    killed = true;
                    kill(pid, signal).unwrap();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            };
            if status.success() {
                break;
            }
            assert!(killed, "it ended by itself: {status}");
        }
        assert!(kills > 0);
        right(&found(&db).await);
        let most = if signal == Signal::SIGTERM { 0 } else { kills * 3 * 8 };
        let repeated = service.state.repeated();
        assert!(repeated <= most, "{signal}: {repeated} texts twice after {kills} kills");
        let twice = "select count(*) - count(distinct text_sha256) from sqlmig.embedding";
        assert_eq!(number(&db.connect().await, twice).await, 0);
    }
}

#[tokio::test]
async fn more_is_asked_at_once_while_it_goes_well() {
    let (db, things, service) = (TestDb::new("embed_parallel").await, things(), service().await);
    service.state.latency_ms.store(60, std::sync::atomic::Ordering::SeqCst);
    run(&db, &things, &service, &rows(200), "--embedding-concurrency 4").await.code(0);
    let most = service.state.most_at_once.load(std::sync::atomic::Ordering::SeqCst);
    assert!((3..=4).contains(&most), "{most}");
}

#[tokio::test]
async fn the_report_names_the_service_where_it_held_the_phase_up() {
    let held_up = |report: &serde_json::Value| {
        let phases = report["phases"].as_array().unwrap();
        phases.iter().find(|phase| phase["phase"] == "embed").unwrap()["summary"].as_str().unwrap().to_owned()
    };
    // Every answer takes its time.
    let (db, things, service) = (TestDb::new("embed_slow").await, things(), service().await);
    service.state.latency_ms.store(500, std::sync::atomic::Ordering::SeqCst);
    let report = run(&db, &things, &service, &rows(60), "").await.code(0).json();
    let told = held_up(&report);
    assert!(told.contains("; held up by the embeddings API (requests in flight "), "{told}");
    // Answers come at once, after the pause that it asks for.
    service.state.latency_ms.store(0, std::sync::atomic::Ordering::SeqCst);
    service.state.then([Fault::Status(429, "retry-after: 3\r\n".into(), "{}".into())]);
    let report = run(&db, &things, &service, &["1|one|1|{}|{}|a note that is new".into()], "").await.code(0).json();
    let told = held_up(&report);
    assert!(told.contains("; held up by the embeddings API's limits (requests in flight "), "{told}");
    // Nothing was asked of it.
    let again = ["2|two|1|{}|{}|a note that is new".into()];
    let report = run(&db, &things, &service, &again, "").await.code(0).json();
    assert!(!held_up(&report).contains("held up"), "{}", held_up(&report));
}
