//! Texts that spoil the answers to all texts in their requests, and services that seem to have such texts: the one is told from the
//! other by a text that is beyond suspicion.

use std::collections::BTreeSet;

use crate::embeddings::{DIMENSIONS, command, found, right, rows, run, service, things};
use crate::harness::TestDb;
use crate::program::{finish, number};
use crate::service::{Fault, Service, vector};

fn status(status: u16) -> Fault {
    Fault::Status(status, String::new(), r#"{"error":{"message":"the model failed"}}"#.into())
}

/// So many rows, of which these have a bad note.
fn with_bad(count: usize, bad: &[usize]) -> Vec<String> {
    let mut rows = rows(count);
    for row in bad {
        rows[row - 1] = format!("{row}|name {row}|1|{{}}|{{}}|a bad note, number {row}");
    }
    rows
}

/// Every note has its vector, but these have none.
async fn all_but(db: &TestDb, bad: &[usize]) {
    let (without, with): (Vec<_>, Vec<_>) = found(db).await.into_iter().partition(|(note, _)| note.contains("bad"));
    right(&with);
    assert!(without.iter().all(|(_, embedding)| embedding.is_none()), "{without:?}");
    assert_eq!(without.len(), bad.len());
}

/// How often the service gave a vector of a text that no row has.
fn controls(service: &Service, rows: &[String]) -> usize {
    let notes: BTreeSet<&str> = rows.iter().map(|row| row.rsplit('|').next().unwrap()).collect();
    let served = service.state.served.lock().unwrap();
    served.iter().filter(|(text, _)| !notes.contains(text.as_str())).map(|(_, times)| times).sum()
}

#[tokio::test]
async fn texts_that_spoil_every_answer_they_are_in_cost_the_others_nothing() {
    // More of them in a row than the failures after which a service counts as down, and some by themselves.
    let many: &[usize] = &[2, 3, 4, 5, 6, 7, 8, 9, 17, 33, 40];
    for (fault, bad, said, severity) in [
        (Fault::Garbage, many, "not the JSON", "warn"),
        (Fault::Garbage, many, "not the JSON", "reject"),
        (Fault::Truncated, many, "vectors for 1 texts", "warn"),
        (Fault::OtherModel, many, "another-model", "warn"),
        (status(400), many, "400: the model failed", "reject"),
        (status(500), &[11, 12], "answers 500: the model failed", "reject"),
        (status(424), &[12], "answers 424: the model failed", "warn"),
        (Fault::BrokenOff, &[11], "broke off", "warn"),
    ] {
        let (db, service) = (TestDb::new("embed_spoiling").await, service().await);
        let things =
            things().replacing("transforms/embed/notes.sql", "severity: warn", &format!("severity: {severity}"));
        let rows = with_bad(40, bad);
        *service.state.spoiling.lock().unwrap() = Some(("bad".into(), fault.clone()));
        let outcome = run(&db, &things, &service, &rows, "").await;
        assert_eq!(outcome.code, 0, "{fault:?}: {}", outcome.stderr);
        let report = outcome.json();
        let check = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == "notes").unwrap();
        assert_eq!(check["rows_failed"], bad.len(), "{fault:?}");
        for sample in report["samples"].as_array().unwrap() {
            assert!(sample["reason"].as_str().unwrap().contains(said), "{fault:?}: {sample}");
        }
        let client = db.connect().await;
        if severity == "warn" {
            all_but(&db, bad).await;
        } else {
            right(&found(&db).await);
            let rows: BTreeSet<i64> = client
                .query("select row from sqlmig.quarantine", &[])
                .await
                .unwrap()
                .iter()
                .map(|row| row.get(0))
                .collect();
            assert_eq!(rows, bad.iter().map(|row| i64::try_from(*row).unwrap()).collect(), "{fault:?}");
        }
        let texts: BTreeSet<&str> = rows.iter().map(|row| row.rsplit('|').next().unwrap()).collect();
        let (good, controls) = (texts.len() - bad.len(), controls(&service, &rows));
        assert_eq!(service.state.vectors() - controls, good, "{fault:?}: a good text was paid for twice");
        // The question is asked once for three that are bad, or once a halving; never at every answer.
        assert!(controls <= bad.len() * 4, "{fault:?}: {controls}");
    }
}

/// A run that has only bad texts left must not take the service for a bad one: it would never end.
#[tokio::test]
async fn bad_texts_are_known_as_such_where_no_good_one_is_left() {
    let bad: &[usize] = &[1, 2, 3, 4, 5];
    for fault in [Fault::Garbage, status(400), Fault::WrongDimension] {
        let (db, things, service) = (TestDb::new("embed_only_bad").await, things(), service().await);
        let rows = with_bad(5, bad);
        *service.state.spoiling.lock().unwrap() = Some(("bad".into(), fault.clone()));
        let outcome = run(&db, &things, &service, &rows, "").await;
        assert_eq!(outcome.code, 0, "{fault:?}: {}", outcome.stderr);
        all_but(&db, bad).await;
        assert!((1..=2).contains(&controls(&service, &rows)), "{fault:?}: {}", controls(&service, &rows));
    }
}

#[tokio::test]
async fn a_service_that_fails_for_a_while_has_no_text_refused() {
    for (fault, times) in [(status(500), 5), (Fault::Garbage, 13), (status(503), 5)] {
        let (db, things, service) = (TestDb::new("embed_outage").await, things(), service().await);
        let rows = rows(8);
        // Each text would have been sent as often as a bad one is, and the text beyond suspicion failed, too.
        service.state.then(vec![fault.clone(); times]);
        let options = "--embedding-concurrency 1 --embedding-attempts 8";
        let outcome = run(&db, &things, &service, &rows, options).await;
        assert_eq!(outcome.code, 0, "{fault:?}: {}", outcome.stderr);
        right(&found(&db).await);
        assert_eq!(service.state.repeated(), 0, "{fault:?}");
    }
}

#[tokio::test]
async fn a_text_that_is_never_answered_does_not_stop_the_others() {
    let (db, things, service) = (TestDb::new("embed_hangs").await, things(), service().await);
    let bad = &[6];
    *service.state.spoiling.lock().unwrap() = Some(("bad".into(), Fault::Silence(std::time::Duration::from_secs(5))));
    let mut command = command(&db, &things, &service, &with_bad(12, bad), "").await;
    command.env("SQLMIG_EMBEDDING_TIMEOUT", "300ms");
    finish(command).await.code(0);
    all_but(&db, bad).await;
    assert_eq!(number(&db.connect().await, "select count(*) from sqlmig.embedding").await, 12);
}

/// The vector of the text beyond suspicion is kept as any other, and the ledger says what it cost.
#[tokio::test]
async fn what_the_question_costs_is_in_the_ledger() {
    let (db, things, service) = (TestDb::new("embed_control_cost").await, things(), service().await);
    *service.state.spoiling.lock().unwrap() = Some(("bad".into(), status(400)));
    let rows = with_bad(3, &[1, 2, 3]);
    run(&db, &things, &service, &rows, "").await.code(0);
    let client = db.connect().await;
    let kept = client.query_one("select embedding, input_tokens from sqlmig.embedding", &[]).await.unwrap();
    let served = service.state.served.lock().unwrap().clone();
    let control = served.keys().next().unwrap();
    assert_eq!(kept.get::<_, Vec<f32>>(0), vector(control, DIMENSIONS));
    assert!((1..20).contains(&kept.get::<_, i32>(1)), "it is short");
    assert_eq!(number(&client, "select sum(tokens) from sqlmig.embedding_request").await, 8);
    // Where its tokens would pass the budget it is not sent.
    let db = TestDb::new("embed_control_budget").await;
    let asked = service.state.vectors();
    run(&db, &things, &service, &rows, "--max-tokens 8").await.code(3).says(&["--max-tokens"]);
    assert_eq!(service.state.vectors(), asked);
}
