//! What `validate` says of embeddings that are there: of another text, of two models, of another document.

use crate::harness::TestDb;
use crate::program::{MIGRATED, Outcome, finish, on, sqlmig, text};
use crate::service::Service;
use crate::trees::service;

/// The tree of documents on ground, made of files of this name and text.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

async fn load(db: &TestDb, source: &str, service: &Service, model: &str) -> Outcome {
    let mut command = on(db, &format!("run {source} --no-index --output json")).await;
    command.env("SQLMIG_EMBEDDING_URL", service.url()).env("SQLMIG_EMBEDDING_MODEL", model);
    finish(command).await
}

/// How many rows each check of embeddings names, and what it says of the first.
async fn told(db: &TestDb, code: i32) -> Vec<(String, i64, String)> {
    let report = sqlmig(db, "validate --output json").await.code(code).json();
    let samples = report["samples"].as_array().unwrap().clone();
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["phase"] == "validate");
    let failed = checks.filter(|check| check["rows_failed"].as_i64().is_some_and(|rows| rows > 0));
    let told = failed.map(|check| {
        let name = check["name"].as_str().unwrap().to_owned();
        let sample = samples.iter().find(|sample| sample["check"] == name.as_str());
        let reason = sample.map(|sample| sample["reason"].as_str().unwrap_or_default().to_owned()).unwrap_or_default();
        (name, check["rows_failed"].as_i64().unwrap(), reason)
    });
    told.collect()
}

#[tokio::test]
async fn what_is_wrong_with_embeddings_that_are_there_is_told() {
    let (db, service) = (TestDb::from(&MIGRATED, "embedding_checks").await, service().await);
    let client = db.connect().await;
    let stones = tree(&[
        ("a.md", "# Bedstone\n\nIt lies still.\n"),
        ("b.md", "# Runner\n\nIt turns.\n"),
        ("c.md", "# Rynd\n\nIt holds.\n"),
    ]);
    let source = format!("--source generic:stones={}", stones.path().display());
    load(&db, &source, &service, "text-embedding-3-large").await.code(0);
    assert_eq!(told(&db, 0).await, [], "all is well");

    // Somebody edits a document, and keeps its checksum as the schema's owner would.
    let edit = "update public.documents set content = content || 'More.', content_sha256 = sha256(convert_to(content || 'More.', 'UTF8')) \
                where doc_path = 'a.md'";
    client.execute(edit, &[]).await.unwrap();
    let found = told(&db, 3).await;
    assert!(
        found.iter().any(|(name, rows, reason)| name == "embedding_text_changed"
            && *rows == 1
            && reason.contains("the content has changed since the embedding was made")),
        "{found:?}"
    );

    // The next load of the same tree mends it; the vector was paid for already.
    let asked = service.state.requests();
    std::fs::write(stones.path().join("a.md"), "# Bedstone\n\nIt lies still.\n\n").unwrap();
    load(&db, &source, &service, "text-embedding-3-large").await.code(0);
    assert_eq!(service.state.requests(), asked + 1, "the text is a new one");
    assert_eq!(told(&db, 0).await, []);

    // Two documents of different content with one vector.
    let copy = "update public.documents set (embedding, embedding_sha256) = (select embedding, embedding_sha256 \
                from public.documents where doc_path = 'b.md') where doc_path = 'c.md'";
    client.execute(copy, &[]).await.unwrap();
    let found = told(&db, 0).await;
    let [(name, 1, reason)] = &found[..] else { panic!("{found:?}") };
    assert_eq!(name, "embedding_repeated");
    assert!(reason.contains("has the embedding of generic/stones/b.md, whose content is another"), "{reason}");
    client
        .execute("update public.documents set embedding = null, embedding_sha256 = null where doc_path = 'c.md'", &[])
        .await
        .unwrap();

    // Another tree, by another model.
    let other = Service::start("127.0.0.1:0", "another-large", 3072).await.unwrap();
    let wheels = tree(&[("wheel.md", "# Wheel\n\nIt turns in the stream.\n")]);
    let source = format!("--source generic:wheels={}", wheels.path().display());
    load(&db, &source, &other, "another-large").await.code(0);
    let found = told(&db, 0).await;
    let [(name, 2, reason)] = &found[..] else { panic!("{found:?}") };
    assert_eq!(name, "embedding_models_mixed");
    assert!(reason.contains("by this model, others by another"), "{reason}");
    let models = "select string_agg(distinct embedding_model, ' ' order by embedding_model) from public.documents";
    assert_eq!(text(&client, models).await, "another-large text-embedding-3-large");
}
