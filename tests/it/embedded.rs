//! The embedded server: started, joined, stopped, and what can stand in its way.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sqlmig::db::{Embedded, ServerInfo};

use crate::harness::{TestDb, embedded_options};

/// A folder that every user can get to, as the server's user must.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("sqlmig-test").tempdir_in("/tmp").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

async fn start(folder: &Path) -> Embedded {
    Embedded::start(embedded_options(folder)).await.unwrap_or_else(|error| panic!("{error}\n{:?}", error.hint()))
}

#[tokio::test]
async fn the_test_server_has_what_a_load_needs() {
    let db = TestDb::new("info").await;
    let client = db.connect().await;
    let info = ServerInfo::read(&client).await.unwrap();
    assert_eq!(info.check().unwrap(), Vec::<String>::new());
    assert_eq!(info.pgvector, None);
    let version = ServerInfo::ensure_pgvector(&client).await.unwrap();
    assert_eq!(ServerInfo::read(&client).await.unwrap().pgvector, Some(version));
    client.batch_execute("select '[1,2]'::halfvec(2) <-> '[1,2]'").await.unwrap();
}

#[tokio::test]
async fn a_second_user_joins_and_the_last_one_stops_it() {
    let folder = folder();
    let first = start(folder.path()).await;
    assert!(first.description().starts_with("created and started PostgreSQL "), "{}", first.description());
    let second = start(folder.path()).await;
    assert!(second.description().starts_with("joined the running PostgreSQL "), "{}", second.description());
    let target = second.target();
    target.connect().await.unwrap().batch_execute("create table kept as select 1 as a").await.unwrap();
    assert!(!first.stop().await.unwrap(), "the second still uses it");
    target.connect().await.unwrap();
    assert!(second.stop().await.unwrap(), "nobody uses it any more");
    assert!(target.connect().await.unwrap_err().is_unavailable());

    let again = start(folder.path()).await;
    assert!(again.description().starts_with("started PostgreSQL "), "{}", again.description());
    let rows = again.target().connect().await.unwrap().query("select a from kept", &[]).await.unwrap();
    assert_eq!(rows.len(), 1, "data stays in the folder");
    assert!(again.stop().await.unwrap());
}
