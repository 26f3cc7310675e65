//! Sources on the network, given to the program as a person would: a server that cuts connections, changes the object, says
//! no, or knows nothing of ranges; and S3.

use std::fs;
use std::process::Stdio;
use std::sync::Arc;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::front::Authority;
use crate::harness::TestDb;
use crate::program::{MIGRATED, Outcome, bare, finish, fixture, number, on, sqlmig, state, text};
use crate::site::{Act, Keys, Object, Site};

const KEYS: Keys = Keys { id: "AKIDEXAMPLE", secret: "k4n4r1env0g3lsecret" };

fn dump() -> Vec<u8> {
    fs::read(fixture("docs.sql.gz")).unwrap()
}

/// The state after a run of the fixture as a file.
async fn calm() -> String {
    let db = TestDb::from(&MIGRATED, "calm_remote").await;
    sqlmig(&db, &format!("run {}", fixture("docs.sql.gz"))).await.code(0);
    state(&db.connect().await).await
}

/// A run of what a site has, into a database of its own.
async fn run(site: &Site, options: &str) -> (TestDb, Outcome) {
    let db = TestDb::from(&MIGRATED, "remote").await;
    let outcome = sqlmig(&db, &format!("run {} --output json {options}", site.url("dump"))).await;
    (db, outcome)
}

#[tokio::test]
async fn a_url_is_read_as_a_file_is() {
    let site = Site::start(Object::new(dump()), Vec::new());
    let (db, outcome) = run(&site, "").await;
    let report = outcome.code(0).json();
    let client = db.connect().await;
    assert_eq!(state(&client).await, calm().await);
    assert_eq!(report["run"]["source"], site.url("dump"));
    let digest = sqlmig::names::hex(&<sha2::Sha256 as sha2::Digest>::digest(dump()));
    assert_eq!(report["run"]["source_sha256"], digest);
    // Progress in percent needs the size.
    assert_eq!(number(&client, "select source_bytes from sqlmig.run").await, i64::try_from(dump().len()).unwrap());
    assert_eq!(site.asked().len(), 1);
    // It is known again, and nothing is loaded: its size, and its bytes once more.
    sqlmig(&db, &format!("run {}", site.url("dump"))).await.code(0).says(&["loaded"]);
    assert_eq!(number(&client, "select count(*) from sqlmig.run").await, 1);
    // So is the same file from elsewhere.
    sqlmig(&db, &format!("run {}", fixture("docs.sql.gz"))).await.code(0).says(&["loaded"]);
    sqlmig(&db, &format!("plan {}", site.url("dump"))).await.code(0);
}

#[tokio::test]
async fn a_cut_connection_goes_on_where_it_ended() {
    let calm = calm().await;
    let weak = Object { e_tag: Some("W/\"w\""), ..Object::new(dump()) };
    let dated = Object { e_tag: None, last_modified: Some("Wed, 21 Oct 2015 07:28:00 GMT"), ..Object::new(dump()) };
    let nameless = Object { e_tag: None, ..Object::new(dump()) };
    for (object, match_tag, range) in [
        (Object::new(dump()), "\"first\"", "bytes=11000-"),
        // A weak tag matches nothing when asked; that the answer has it must do.
        (weak, "", "bytes=11000-"),
        (dated, "", "bytes=11000-"),
        // Nothing to know it by: it is read again from its beginning, and compared.
        (nameless, "", ""),
        // No ranges: the same, without the comparison.
        (Object { ranges: false, ..Object::new(dump()) }, "\"first\"", ""),
    ] {
        let knows_again = range.is_empty();
        let second = if knows_again { 20_000 } else { 9_000 };
        let acts = if object.ranges {
            vec![Act::Cut(11_000), Act::Cut(second)]
        } else {
            // Whoever asks for a part is told so by being given the whole.
            vec![Act::Cut(11_000), Act::Give, Act::Cut(20_000), Act::Give]
        };
        let ranges = object.ranges;
        let case = format!("{object:?}").split_once("e_tag").unwrap().1.to_owned();
        let site = Site::start(object, acts);
        let (db, outcome) = run(&site, "").await;
        outcome.code(0).says(&["goes on at byte 11000 of", "goes on at byte 20000 of"]);
        assert_eq!(state(&db.connect().await).await, calm, "{case}");
        let asked = site.asked();
        assert_eq!(asked[0].header("range"), "");
        assert_eq!(asked[1].header("if-match"), match_tag, "{case}");
        if ranges {
            assert_eq!(asked[1].header("range"), range, "{case}");
            assert_eq!(asked.len(), 3, "{case}");
        }
    }
}

#[tokio::test]
async fn an_object_that_changes_meanwhile_is_named_and_nothing_is_promoted() {
    let mut other = dump();
    other[5_000] ^= 1;
    let nameless = |bytes: Vec<u8>| Object { e_tag: None, ..Object::new(bytes) };
    let dated = |date| Object { last_modified: Some(date), ..nameless(dump()) };
    let longer = [dump(), vec![0; 10]].concat();
    for (first, second, what) in [
        (Object::new(dump()), Object { e_tag: Some("\"second\""), ..Object::new(other.clone()) }, "412"),
        (
            Object { e_tag: Some("W/\"a\""), ..Object::new(dump()) },
            Object { e_tag: Some("W/\"b\""), ..Object::new(dump()) },
            "its ETag was W/\"a\" and is W/\"b\"",
        ),
        (dated("Wed, 21 Oct 2015 07:28:00 GMT"), dated("Thu, 22 Oct 2015 07:28:00 GMT"), "it is dated 2015-10-22"),
        (nameless(dump()), nameless(other.clone()), "its first 11000 bytes are others"),
        (nameless(dump()), nameless(longer), "bytes and has"),
    ] {
        let same = first.bytes == second.bytes;
        let site = Site::start(first, vec![Act::Cut(11_000), Act::Become(second)]);
        let (db, outcome) = run(&site, "").await;
        outcome.code(4).says(&["was changed while it was read", what, "--restart"]);
        let client = db.connect().await;
        assert_eq!(number(&client, "select count(*) from public.documents").await, 0);
        // It may have been put there again as it was.
        if same {
            sqlmig(&db, &format!("run {}", site.url("dump"))).await.code(0);
        }
    }
}

#[tokio::test]
async fn what_a_server_says_is_told_and_has_its_code() {
    let site = |act: Act| Site::start(Object::new(dump()), vec![act; 40]);
    for (act, code, says) in [
        (Act::Status(403, ""), 4, ["is refused", "403 Forbidden"]),
        (Act::Status(401, ""), 4, ["is refused", "401 Unauthorized"]),
        (Act::Status(404, ""), 4, ["is not there", "check the URL"]),
        (Act::Status(410, ""), 4, ["can't be read", "410 Gone"]),
        (Act::Status(302, "Location: /again"), 4, ["can't be read", "redirects too often"]),
        (Act::Lengthless, 4, ["can't be read", "Content-Length"]),
        (Act::Status(500, ""), 9, ["does not answer", "500 Internal Server Error"]),
        (Act::Status(429, ""), 9, ["does not answer", "429 Too Many Requests"]),
        (Act::Cut(0), 9, ["does not answer", "hint: run the same command again later"]),
        (Act::Silence(0), 9, ["does not answer", "hint: run the same command again later"]),
    ] {
        let asked = format!("{act:?}");
        let site = site(act);
        let db = TestDb::from(&MIGRATED, "said").await;
        let outcome = sqlmig(&db, &format!("stage {} --source-timeout 2s", site.url("dump"))).await;
        assert_eq!(outcome.code, code, "{asked}: {}", outcome.stderr);
        outcome.says(&says);
        let (least, most) = if code == 9 { (2, 12) } else { (1, 7) };
        assert!((least..=most).contains(&site.asked().len()), "{asked}: {}", site.asked().len());
        // Nothing was begun.
        assert_eq!(number(&db.connect().await, "select count(*) from sqlmig.run").await, 0);
    }
    // Nobody at all.
    let db = TestDb::from(&MIGRATED, "nobody").await;
    let outcome = sqlmig(&db, "stage http://127.0.0.1:9/dump --source-timeout 1s").await;
    outcome.code(9).says(&["does not answer", "refused"]);
    // Who is away for a moment only.
    let away = [Act::Status(503, ""), Act::Status(429, ""), Act::Cut(0), Act::Silence(10_000), Act::Status(500, "")];
    let site = Site::start(Object::new(dump()), away.to_vec());
    let (db, outcome) = run(&site, "--source-timeout 4s").await;
    outcome.code(0).says(&["is asked again", "503 Service Unavailable"]);
    assert_eq!(state(&db.connect().await).await, calm().await);
}

#[tokio::test]
async fn what_is_no_url_of_a_source_is_refused_before_anyone_is_asked() {
    let db = TestDb::from(&MIGRATED, "refused_url").await;
    for (source, code, says) in [
        ("gs://bucket/dump", 2, "can't be read from gs://"),
        ("s3://bucket", 2, "names no object"),
        ("https://host:port/dump", 2, "malformed"),
        ("http://192.0.2.1/dump", 2, "--allow-http"),
    ] {
        sqlmig(&db, &format!("run {source}")).await.code(code).says(&[says]);
    }
    // pg_restore must be able to seek.
    let site = Site::start(Object::new(b"PGDMP\x01\x0e".to_vec()), Vec::new());
    sqlmig(&db, &format!("run {}", site.url("dump"))).await.code(4).says(&["custom format", "fetch it"]);
}

#[tokio::test]
async fn a_stage_that_was_killed_goes_on_from_a_url() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dump.sql");
    finish(bare(&format!("generate {} --documents 500", file.display()))).await.code(0);
    let bytes = fs::read(&file).unwrap();
    let calm = TestDb::from(&MIGRATED, "calm_killed").await;
    sqlmig(&calm, &format!("run {}", file.display())).await.code(0);
    let site = Site::start(Object::new(bytes.clone()), vec![Act::Silence(bytes.len() * 3 / 4)]);
    let db = TestDb::from(&MIGRATED, "killed_remote").await;
    let client = db.connect().await;
    let mut stage = on(&db, &format!("stage {}", site.url("dump"))).await;
    let mut child = stage.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while number(&client, "select count(*) from sqlmig.chunk").await < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGKILL).unwrap();
    tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    let outcome = sqlmig(&db, &format!("stage {}", site.url("dump"))).await.code(0);
    outcome.says(&["chunks were staged already"]);
    for step in ["check", "promote", "validate"] {
        sqlmig(&db, step).await.code(0);
    }
    assert_eq!(number(&client, "select count(*) from sqlmig.run").await, 1);
    assert_eq!(state(&client).await, state(&calm.connect().await).await);
}

#[tokio::test]
async fn s3_is_read_with_the_credentials_of_the_environment() {
    let site = Site::s3(Object::new(dump()), vec![Act::Status(503, ""), Act::Cut(9_000)], KEYS);
    let endpoint = format!("http://{}", site.address());
    let with = async |secret: &str, session: &str| -> (TestDb, Outcome) {
        let db = TestDb::from(&MIGRATED, "s3").await;
        let mut command = on(&db, "run s3://dumps/nightly/docs.sql.gz --log-level trace --source-timeout 5s").await;
        command.envs([
            ("AWS_ACCESS_KEY_ID", KEYS.id),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ENDPOINT_URL", &endpoint),
            ("AWS_PROFILE", "other tools' own"),
        ]);
        if !session.is_empty() {
            command.env("AWS_SESSION_TOKEN", session);
        }
        let outcome = finish(command).await;
        (db, outcome)
    };
    let (db, outcome) = with(KEYS.secret, "k4n4r1env0g3ltoken").await;
    let outcome = outcome.code(0).says(&["503", "goes on at byte 9000 of"]);
    assert!(!outcome.stderr.contains("k4n4r1env0g3l") && !outcome.stdout.contains("k4n4r1env0g3l"));
    let client = db.connect().await;
    assert_eq!(state(&client).await, calm().await);
    assert_eq!(text(&client, "select source from sqlmig.run").await, "s3://dumps/nightly/docs.sql.gz");
    let asked = site.asked();
    assert_eq!(asked[0].target, "/dumps/nightly/docs.sql.gz");
    assert!(asked[0].header("authorization").contains("/eu-central-1/s3/aws4_request"));
    assert_eq!(asked[2].header("range"), "bytes=9000-");
    let (_, outcome) = with("k4n4r1env0g3lwrong", "").await;
    let outcome = outcome.code(4).says(&["s3://dumps/nightly/docs.sql.gz is refused", "SignatureDoesNotMatch"]);
    assert!(!outcome.stderr.contains("k4n4r1env0g3l"), "{}", outcome.stderr);
}

#[tokio::test]
async fn without_credentials_it_says_whom_it_asked_for_them() {
    let metadata = Site::start(Object::new(Vec::new()), vec![Act::Status(403, ""); 9]);
    let db = TestDb::from(&MIGRATED, "s3_nobody").await;
    let mut command = on(&db, "stage s3://dumps/docs.sql.gz --source-timeout 2s").await;
    command.env("AWS_METADATA_ENDPOINT", format!("http://{}", metadata.address()));
    finish(command).await.code(4).says(&["no credentials are given, and 127.0.0.1 has none", "AWS_ACCESS_KEY_ID"]);
    assert!(metadata.asked()[0].target.starts_with("/latest/"));
}

/// A user, a password and the signature in a query are secrets: no output, no log and no table shows them.
#[tokio::test]
async fn what_is_secret_in_a_url_is_nowhere_to_be_read() {
    let canary = "k4n4r1env0g3l";
    let acts = [Act::Cut(9_000), Act::Status(500, ""), Act::Give, Act::Status(403, ""), Act::Status(404, "")];
    let site = Site::start(Object::new(dump()), acts.to_vec());
    let db = TestDb::from(&MIGRATED, "signed").await;
    let url = format!("http://{canary}u:{canary}p@{}/dump?X-Amz-Signature={canary}q", site.address());
    let mut told = String::new();
    for (command, code) in [
        (format!("run {url} --log-level trace"), 0),
        (format!("run {url} --log-level trace --log-format json"), 4),
        (format!("plan {url} --output json"), 4),
        (format!("run {}", url.replace(site.address(), "127.0.0.1:9") + " --source-timeout 1s"), 9),
        (format!("run {}", url.replace(site.address(), "192.0.2.1")), 2),
        (format!("run {}", url.replace(site.address(), "host:port")), 2),
        ("report --output json".to_owned(), 0),
        ("history --output json".to_owned(), 0),
    ] {
        let outcome = sqlmig(&db, &command).await;
        assert_eq!(outcome.code, code, "{command}: {}", outcome.stderr);
        told = told + &outcome.stdout + &outcome.stderr;
    }
    assert!(!told.contains(canary), "{}", told.lines().find(|line| line.contains(canary)).unwrap());
    assert!(told.contains("/dump?…"), "{told}");
    let client = db.connect().await;
    let tables = "select oid::regclass::text as name from pg_class where relnamespace::regnamespace::text in ('sqlmig', 'staging') and relkind = 'r'";
    for table in client.query(tables, &[]).await.unwrap() {
        let name: &str = table.get("name");
        let found = format!("select count(*) from {name} as t where t::text like '%{canary}%'");
        assert_eq!(number(&client, &found).await, 0, "{name}");
    }
    // It was sent where it belongs, all the same; Basic is base64 of user:password.
    let first = &site.asked()[0];
    assert_eq!(first.header("authorization"), "Basic azRuNHIxZW52MGczbHU6azRuNHIxZW52MGczbHA=");
    assert!(first.target.ends_with(&format!("X-Amz-Signature={canary}q")));
}

/// TLS before a site, with a certificate for `name`; returns the port.
async fn behind_tls(site: &Site, authority: &Authority, name: &str) -> u16 {
    let (certificate, key) = authority.issue(name);
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, site) = (listener.local_addr().unwrap().port(), site.address().to_owned());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let (acceptor, site) = (acceptor.clone(), site.clone());
            tokio::spawn(async move {
                let (Ok(mut outside), Ok(mut inside)) =
                    (acceptor.accept(connection).await, TcpStream::connect(site).await)
                else {
                    return;
                };
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    port
}

#[tokio::test]
async fn a_server_is_who_its_certificate_says() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("sources");
    let roots = folder.path().join("roots.pem");
    fs::write(&roots, &authority.pem).unwrap();
    for (name, trusted, act, code, says) in [
        ("localhost", true, Act::Cut(9_000), 0, "goes on at byte 9000 of"),
        ("localhost", false, Act::Give, 4, "TLS with localhost"),
        ("elsewhere", true, Act::Give, 4, "TLS with localhost"),
        ("localhost", true, Act::Status(302, "Location: http://127.0.0.1:9/"), 4, "a place without encryption"),
    ] {
        let site = Site::start(Object::new(dump()), vec![act]);
        let port = behind_tls(&site, &authority, name).await;
        let db = TestDb::from(&MIGRATED, "tls_source").await;
        let mut command = on(&db, &format!("run https://localhost:{port}/dump --source-timeout 5s")).await;
        if trusted {
            command.env("SSL_CERT_FILE", &roots);
        }
        finish(command).await.code(code).says(&[says]);
        assert_eq!(site.asked().len(), if code == 0 { 2 } else { usize::from(says.contains("place")) });
    }
}
