//! Connections, errors, the lock, TLS and poolers, against a real server.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use sqlmig::db::environment::Environment;
use sqlmig::db::lock::{Lock, LockError, LockKind};
use sqlmig::db::pooler::{PoolerError, refuse_transaction_pooler};
use sqlmig::db::{DbError, Embedded, Target, doing};

use crate::front::{Answer, Authority, Front, tls};
use crate::harness::{TestDb, embedded_options};

fn parse(text: &str) -> Target {
    Target::parse_with(text, &Environment::of(&[("HOME", "/nonexistent")])).unwrap()
}

fn write(folder: &Path, name: &str, text: &str, mode: u32) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn a_refused_row_is_told_in_full() {
    let db = TestDb::new("errors").await;
    let client = db.connect().await;
    client.batch_execute("create table a (b int constraint positive check (b > 0) unique)").await.unwrap();
    let fail = async |statement: &str| -> DbError {
        client.batch_execute(statement).await.map_err(doing("add a row")).unwrap_err()
    };
    let error = fail("insert into a values (-1)").await;
    let text = error.to_string();
    for part in ["could not add a row", "SQLSTATE 23514", "Failing row", "public.a", "positive"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(error.is_data() && !error.is_retryable());
    assert!(fail("select 'x'::int").await.is_data());
    let raised = async |code: &str| fail(&format!("do $$ begin raise 'x' using errcode = '{code}'; end $$")).await;
    let tried_again = [
        "40001", "40P01", "55P03", "53300", "25006", "57P01", "57P02", "57P03", "08000", "08003", "08006", "25P03",
        "25P04",
    ];
    for code in tried_again {
        let error = raised(code).await;
        assert!(error.is_retryable() && error.hint().is_some(), "{error}: {:?}", error.hint());
        assert_eq!(error.sqlstate().map(tokio_postgres::error::SqlState::code), Some(code));
    }
    for code in ["53200", "53100", "28P01", "42501", "57014", "22P02", "23505"] {
        let error = raised(code).await;
        assert!(!error.is_retryable() && !error.is_unavailable(), "{error}");
    }
    let error = fail("select pg_terminate_backend(pg_backend_pid())").await;
    assert!(error.is_retryable() && error.is_unavailable(), "{error}");
    let error = fail("select 1").await;
    assert!(error.is_retryable(), "{error}");

    let error = db.target().with_database("no such database").connect().await.unwrap_err();
    assert!(error.is_configuration() && !error.is_retryable(), "{error}");
}

#[tokio::test]
async fn every_session_has_the_same_settings() {
    let db = TestDb::new("session").await;
    let client = db.connect().await;
    let elsewhere = "drop extension if exists vector; create schema \"Ex t\"; create extension vector schema \"Ex t\"";
    client.batch_execute(elsewhere).await.unwrap();
    let pool = db.target().pool(2).unwrap();
    let client = pool.get().await.unwrap();
    for (name, value) in [
        ("search_path", "public, \"Ex t\", pg_temp"),
        ("TimeZone", "UTC"),
        ("client_encoding", "UTF8"),
        ("client_connection_check_interval", "2s"),
        ("row_security", "off"),
    ] {
        let row = client.query_one("select current_setting($1)", &[&name]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), value, "{name}");
    }
    // Who finds a lock held learns by whom.
    let row = client.query_one("select current_setting('application_name')", &[]).await.unwrap();
    let name: String = row.get(0);
    assert!(name.starts_with("sqlmig ") && name.ends_with(&format!(":{}", std::process::id())), "{name}");
    client.batch_execute("select '[1]'::vector <-> '[2]'").await.unwrap();
}

#[tokio::test]
async fn one_run_at_a_time() {
    let db = TestDb::new("lock").await;
    let target = db.target().with_application_name("the first");
    let first = Lock::try_take(&target, LockKind::Run).await.unwrap();
    Lock::try_take(&target, LockKind::Migrate).await.unwrap().release().await;
    let error = Lock::try_take(&db.target(), LockKind::Run).await.unwrap_err();
    let LockError::Held(held) = &error else { panic!("{error}") };
    assert_eq!(held.application_name.as_deref(), Some("the first"));
    assert!(held.pid > 0 && held.since.is_some());
    assert!(error.hint().unwrap().contains(&format!("pg_terminate_backend({})", held.pid)));
    first.release().await;
    let second = Lock::try_take(&db.target(), LockKind::Run).await.unwrap();
    drop(second);
    // A runner that dies does not say good-bye; the server notices.
    for attempt in 1.. {
        match Lock::try_take(&db.target(), LockKind::Run).await {
            Ok(_) => break,
            Err(error) => assert!(attempt < 100, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn sslmode_means_what_it_means_to_libpq() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let our_root = write(folder.path(), "ours.crt", &ours.pem, 0o644);
    let their_root = write(folder.path(), "theirs.crt", &theirs.pem, 0o644);
    let here = Front::start(tls(&ours, "localhost", None)).await;
    let elsewhere = Front::start(tls(&ours, "db.example", None)).await;
    let none = Front::start(Answer::No).await;
    let broken = Front::start(Answer::Broken).await;
    let (ours, theirs) = (format!(" sslrootcert={our_root}"), format!(" sslrootcert={their_root}"));
    // Front, settings, whether the connection is encrypted or a part of the hint for why there is none.
    let cases: [(&Front, &str, &str, Result<bool, &str>); 22] = [
        (&here, "sslmode=disable", "", Ok(false)),
        (&here, "sslmode=allow", "", Ok(false)),
        (&here, "", "", Ok(true)),
        (&here, "sslmode=prefer", "", Ok(true)),
        (&here, "sslmode=require", "", Ok(true)),
        (&here, "sslmode=require", &ours, Ok(true)),
        (&here, "sslmode=require", &theirs, Err("sslrootcert=")),
        (&here, "sslmode=verify-ca", &ours, Ok(true)),
        (&here, "sslmode=verify-ca", &theirs, Err("sslrootcert=")),
        (&here, "sslmode=verify-full", &ours, Ok(true)),
        (&here, "sslmode=verify-full", &theirs, Err("sslrootcert=")),
        (&here, "sslmode=verify-full sslrootcert=system", "", Err("sslrootcert=")),
        (&here, "sslmode=require sslnegotiation=direct", "", Ok(true)),
        (&here, "sslmode=verify-full ssl_min_protocol_version=TLSv1.3", &ours, Ok(true)),
        (&elsewhere, "sslmode=verify-ca", &ours, Ok(true)),
        (&elsewhere, "sslmode=verify-full", &ours, Err("verify-ca")),
        (&none, "sslmode=prefer", "", Ok(false)),
        (&none, "sslmode=require", "", Err("sslmode=disable")),
        (&none, "sslmode=verify-full", &ours, Err("sslmode=disable")),
        (&broken, "sslmode=prefer", "", Ok(false)),
        (&broken, "sslmode=require", "", Err("")),
        (&broken, "sslmode=disable", "", Ok(false)),
    ];
    for (front, mode, roots, expected) in cases {
        let text =
            format!("host=localhost hostaddr=127.0.0.1 port={} user=postgres dbname=sqlmig {mode}{roots}", front.port);
        let before = front.encrypted();
        match (parse(&text).connect().await, expected) {
            (Ok(client), Ok(encrypted)) => {
                client.query_one("select 1", &[]).await.unwrap();
                assert_eq!(front.encrypted() > before, encrypted, "{mode}{roots}");
            }
            (Err(error), Err(hint)) => {
                let given = error.hint().unwrap_or_default();
                assert!(given.contains(hint), "{mode}{roots}: {error}\nhint: {given}");
                assert!(error.is_configuration() && !error.is_unavailable(), "{mode}{roots}: {error}");
            }
            (Ok(_), Err(_)) => panic!("{mode}{roots}: connected"),
            (Err(error), Ok(_)) => panic!("{mode}{roots}: {error}"),
        }
    }
}

#[tokio::test]
async fn client_certificates_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("ours");
    let front = Front::start(tls(&authority, "localhost", Some(&authority))).await;
    let (certificate, key) = authority.issue("client");
    let certificate = write(folder.path(), "client.crt", &certificate.pem(), 0o644);
    let open_key = write(folder.path(), "open.key", &key.serialize_pem(), 0o644);
    let key = write(folder.path(), "client.key", &key.serialize_pem(), 0o600);
    let target = |settings: String| {
        parse(&format!("host=localhost port={} user=postgres dbname=sqlmig sslmode=require {settings}", front.port))
    };
    target(format!("sslcert={certificate} sslkey={key}")).connect().await.unwrap();
    target(String::new()).connect().await.unwrap_err();
    let error = target(format!("sslcert={certificate} sslkey={open_key}")).connect().await.unwrap_err();
    assert_eq!(error.hint(), Some(format!("chmod 0600 {open_key}")));
    let error = target(format!("sslcert={key} sslkey={key}")).connect().await.unwrap_err();
    assert!(error.to_string().contains(&key), "{error}");
}

#[tokio::test]
async fn a_transaction_mode_pooler_is_refused() {
    let pooler = Front::transaction_pooler().await;
    let through = |port| parse(&format!("host=127.0.0.1 port={port} user=postgres dbname=sqlmig sslmode=disable"));
    through(pooler.port).connect().await.unwrap().batch_execute("select 1").await.unwrap();
    let error = refuse_transaction_pooler(&through(pooler.port)).await.unwrap_err();
    assert!(matches!(error, PoolerError::TransactionMode(_)), "{error}");
    assert!(error.hint().unwrap().contains("pool_mode=session"));
    // Something in between that keeps sessions together is fine, and so is nothing.
    let proxy = Front::start(Answer::No).await;
    refuse_transaction_pooler(&through(proxy.port)).await.unwrap();
    refuse_transaction_pooler(&TestDb::new("pooler").await.target()).await.unwrap();
}

#[tokio::test]
async fn passwords_are_found_and_never_shown() {
    let folder = tempfile::Builder::new().prefix("sqlmig-test").tempdir_in("/tmp").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let server = Embedded::start(embedded_options(folder.path())).await.unwrap();
    let data = server.folder().join("data");
    let client = server.target().connect().await.unwrap();
    client.batch_execute("create role reader login password 'hunter2'").await.unwrap();
    let rules = fs::read_to_string(data.join("pg_hba.conf")).unwrap();
    fs::write(data.join("pg_hba.conf"), format!("local all reader scram-sha-256\n{rules}")).unwrap();
    client.batch_execute("select pg_reload_conf()").await.unwrap();
    drop(client);
    tokio::time::sleep(Duration::from_millis(200)).await;

    let passfile = write(folder.path(), "pgpass", &format!("{}:5432:*:reader:hunter2\n", data.display()), 0o600);
    let mounted = write(folder.path(), "password", "hunter2\n", 0o644);
    let wrong = write(folder.path(), "wrong", "hunter3\n", 0o644);
    let connect = async |extra: &str, variables: &[(&str, &str)]| {
        let text = format!("host={} user=reader dbname=sqlmig {extra}", data.display());
        Target::parse_with(&text, &Environment::of(variables)).unwrap().connect().await.map(drop)
    };
    connect("password=hunter2", &[]).await.unwrap();
    connect("", &[("PGPASSWORD", "hunter2")]).await.unwrap();
    connect("", &[("SQLMIG_PASSWORD_FILE", &mounted)]).await.unwrap();
    connect(&format!("passfile={passfile}"), &[]).await.unwrap();
    connect("", &[("PGPASSFILE", &passfile)]).await.unwrap();
    for error in [
        connect("password=hunter3", &[]).await.unwrap_err(),
        connect("", &[("SQLMIG_PASSWORD_FILE", &wrong), ("PGPASSWORD", "hunter2")]).await.unwrap_err(),
        connect("", &[]).await.unwrap_err(),
    ] {
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(!shown.contains("hunter"), "{shown}");
        assert!(error.is_configuration() && !error.is_unavailable(), "{shown}");
        assert!(shown.contains("PGPASSWORD"), "{shown}");
    }
    // Should a server repeat a password, it is blacked out.
    let client = server.target().connect().await.unwrap();
    let error = client.batch_execute("do $$ begin raise 'is hunter2 right?'; end $$").await.unwrap_err();
    let error = doing("ask")(error).redacting(Some(&"hunter2".into()));
    assert!(error.to_string().contains("is ******** right?"), "{error}");
    client.close().await;
    server.stop().await.unwrap();
}
