//! What the services do that speak as `OpenAI`'s does, and not quite.

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::embeddings::{DIMENSIONS, command, found, right, rows, run, service, things};
use crate::harness::TestDb;
use crate::program::{finish, number, text};
use crate::service::{Fault, Service};

#[tokio::test]
async fn each_kind_of_service_is_asked_in_its_way() {
    let things = things();
    let (bearer, azure) = ("authorization: bearer sk-very-secret", "api-key: sk-very-secret");
    for (name, path, model, answered, header, dimensions) in [
        ("openai", "/v1", "text-embedding-3-large", "text-embedding-3-large", bearer, json!(8)),
        (
            "azure",
            "/openai/deployments/d?api-version=2024-02-01",
            "text-embedding-3-large",
            "text-embedding-3-large",
            azure,
            json!(8),
        ),
        // Azure's newer path has no version, and takes the key as OpenAI does.
        ("azure_v1", "/openai/v1", "text-embedding-3-large", "text-embedding-3-large", bearer, json!(8)),
        ("ollama", "/v1/embeddings", "nomic-embed-text", "nomic-embed-text:latest", bearer, json!(null)),
        ("tei", "/v1", "BAAI/bge-m3", "BAAI/bge-m3", bearer, json!(null)),
        ("vllm", "/v1", "intfloat/e5-small", "intfloat/e5-small", bearer, json!(null)),
    ] {
        let service = Service::start("127.0.0.1:0", answered, DIMENSIONS).await.unwrap();
        let db = TestDb::new(&format!("embed_{name}")).await;
        let mut command = command(&db, &things, &service, &rows(9), "").await;
        command
            .env("SQLMIG_EMBEDDING_URL", format!("http://{}{path}", service.address))
            .env("SQLMIG_EMBEDDING_MODEL", model);
        finish(command).await.code(0);
        right(&found(&db).await);
        let head = service.state.heads.lock().unwrap().pop().unwrap();
        let body = service.state.bodies.lock().unwrap().pop().unwrap();
        let asked = head.lines().next().unwrap().to_owned();
        let place = path.split('?').next().unwrap().trim_end_matches("/embeddings");
        assert!(asked.starts_with(&format!("post {place}/embeddings")), "{asked}");
        assert_eq!(path.contains("api-version"), asked.contains("?api-version=2024-02-01"));
        let keys: Vec<&str> = head.lines().filter(|line| line.contains("sk-very-secret")).collect();
        assert_eq!(keys, [header], "{head}");
        assert_eq!((&body["model"], &body["dimensions"]), (&json!(model), &dimensions));
        assert_eq!(body["encoding_format"], "float");
        // The ledger has the model by the name that was asked.
        let models = text(&db.connect().await, "select string_agg(distinct model, ',') from sqlmig.embedding").await;
        assert_eq!(models, model);
    }
}

/// vLLM's words.
#[tokio::test]
async fn dimensions_that_a_model_refuses_are_named_only_where_it_is_said() {
    let (db, things, service) = (TestDb::new("embed_dimensions").await, things(), service().await);
    service.state.refuses_dimensions.store(true, Ordering::SeqCst);
    let outcome = run(&db, &things, &service, &rows(9), "--embedding-send-dimensions").await.code(2);
    outcome.says(&["400: Model \"tiny\" does not support matryoshka", "hint", "--embedding-dimensions"]);
    assert_eq!(number(&db.connect().await, "select count(*) from sqlmig.embedding").await, 0);
    run(&db, &things, &service, &rows(9), "").await.code(0);
    right(&found(&db).await);
}

/// Text Embeddings Inference takes 32 texts a request, unless it is started with another `--max-client-batch-size`.
#[tokio::test]
async fn requests_that_hold_too_many_texts_are_sent_in_parts() {
    let (db, things, service) = (TestDb::new("embed_batch_size").await, things(), service().await);
    service.state.most_texts.store(3, Ordering::SeqCst);
    run(&db, &things, &service, &rows(40), "").await.code(0);
    right(&found(&db).await);
    assert_eq!((service.state.repeated(), service.state.vectors()), (0, 37));
}

#[tokio::test]
async fn numbers_in_base64_are_read() {
    let (db, things, service) = (TestDb::new("embed_base64").await, things(), service().await);
    service.state.always(Some(Fault::Base64));
    run(&db, &things, &service, &rows(40), "").await.code(0);
    right(&found(&db).await);
    assert_eq!((service.state.requests(), service.state.repeated()), (5, 0));
}

/// Which vector is of which text is never guessed.
#[tokio::test]
async fn a_service_that_does_not_say_which_vector_is_of_which_text_is_asked_for_one_at_a_time() {
    for (fault, said) in [(Fault::NoIndex, "a vector without an index"), (Fault::SameIndex, "two vectors of index 0")] {
        let (db, things, service) = (TestDb::new("embed_no_index").await, things(), service().await);
        service.state.always(Some(fault.clone()));
        let outcome = run(&db, &things, &service, &rows(40), "--embedding-concurrency 1").await.code(0);
        outcome.says(&[said, "each text is sent by itself"]);
        right(&found(&db).await);
        // It was tried twice with more than one; then each text once.
        let sent = service.state.texts.lock().unwrap().clone();
        assert_eq!(sent.iter().filter(|texts| texts.len() > 1).count(), 2, "{fault:?}");
        assert_eq!((sent.len(), service.state.repeated(), service.state.vectors()), (39, 0, 37), "{fault:?}");
    }
}
