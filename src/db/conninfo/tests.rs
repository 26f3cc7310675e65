use super::*;

fn parse(text: &str) -> Result<Target, ConnInfoError> {
    Target::parse_with(text, &Environment::of(&[("HOME", "/nonexistent")]))
}

fn password(target: &Target) -> Option<String> {
    use secrecy::ExposeSecret;
    let secret = target.passwords.find(&target.endpoints[0], &target.database, &target.user);
    secret.map(|secret| secret.expose_secret().to_owned())
}

#[test]
fn both_spellings_say_the_same() {
    for (text, described, secret) in [
        ("postgres://u@h/d", r#"database "d" at h:5432 as "u""#, None),
        ("postgresql://u:p%40%2f%C3%A9+@h:6543/d%20b", r#"database "d b" at h:6543 as "u""#, Some("p@/é+")),
        ("postgres://u@a:1,b,[::1]:3/d?port=7,8,9", r#"database "d" at a:7, b:8, [::1]:9 as "u""#, None),
        ("postgres://u@%2Fvar%2Frun/d", r#"database "d" at /var/run/.s.PGSQL.5432 as "u""#, None),
        ("postgres:///d?host=/tmp&user=u&password=x%26y", r#"database "d" at /tmp/.s.PGSQL.5432 as "u""#, Some("x&y")),
        ("postgres://u@h", r#"database "u" at h:5432 as "u""#, None),
        (
            "host=h user=u dbname=d password='it\\'s \\\\ here' ",
            r#"database "d" at h:5432 as "u""#,
            Some("it's \\ here"),
        ),
        ("host = a,b port=1,2 user=u dbname = 'd b'", r#"database "d b" at a:1, b:2 as "u""#, None),
        ("host=h user=u password=x://y", r#"database "u" at h:5432 as "u""#, Some("x://y")),
        ("hostaddr=10.0.0.1 user=u password=''", r#"database "u" at 10.0.0.1:5432 as "u""#, None),
    ] {
        let target = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(target.describe(), described, "{text}");
        assert_eq!(password(&target).as_deref(), secret, "{text}");
    }
}

#[test]
fn what_is_wrong_is_refused_and_no_secret_is_repeated() {
    for text in [
        "postgres://u:hunter2@hunter2@h/d",
        "postgres://u:hunter2/hunter2@h/d",
        "postgres://u:1/hunter2@h/d",
        "postgres://u:hunter2?hunter2@h/d",
        "postgres://u:hunter2@h:hunter2/d",
        "postgres://u:hunter2@x?hunter2=1@h/d",
        "postgres://u:hunter2@x?sslmode=hunter2@h/d",
        "postgres://u:hunter2%zz@h/d",
        "postgres://h password=hunter2",
        "postgres://h/d?host=/tmp?password=hunter2",
        "postgres://u:hunter2%00@h/d",
        "postgres://u:hunter2%ff@h/d",
        "postgres://u:hunter2@[::1/d",
        "postgres://u:hunter2@h/d?hunter2",
        "postgres://u:hunter2@h/d?sslmode=full",
        "postgres://u:hunter2@h/d?nonsense=1",
        "postgres://u:hunter2@h/d?sslmode=require&sslrootcert=system",
        "postgres://u:hunter2@h/d?sslnegotiation=direct&sslmode=prefer",
        "postgres://u:hunter2@h/d?sslkey=/k",
        "postgres://u:hunter2@a,b,c/d?port=1,2",
        "mysql://u:hunter2@h/d",
        "hunter2",
        "host=h password=hunter2 hunter2",
        "host=h password='hunter2",
        "host=h password=hunter2 keepalives=x",
        "host=h password=hunter2 service=s",
        "host=h password=hunter2 require_auth=scram-sha-256",
        // A value or a quote that was forgotten.
        "connect_timeout= password='hunter2'",
        "host=h dbname= password=hunter2",
        "host=h sslmode='x password=hunter2",
        "host=h options='x password='hunter2=y'",
    ] {
        let error = parse(text).expect_err(text);
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_misspelt_key_is_not_repeated_but_understood() {
    let error = parse("host=h user=u sslmod=require").unwrap_err();
    assert_eq!(error, ConnInfoError::UnknownKey(Some("sslmode".to_owned())));
    assert!(error.hint().unwrap().starts_with("did you mean sslmode?"));
    let error = parse("host=h user=u sslmode=full").unwrap_err();
    assert_eq!(error.to_string(), r#""full" is no value for sslmode in the connection string"#);
    assert_eq!(parse("host = h user = u options = -ca=b").unwrap().options.as_deref(), Some("-ca=b"));
}

#[test]
fn a_target_never_shows_its_password() {
    for text in ["postgres://u:hunter2@h/d", "postgres://u@h/d?password=hunter2", "host=h user=u password=hunter2"] {
        let target = parse(text).unwrap();
        assert_eq!(password(&target).as_deref(), Some("hunter2"));
        assert!(!format!("{target} {target:?} {:#?} {:?}", target, target.warnings()).contains("hunter2"));
    }
}

#[test]
fn verified_off_this_machine_and_easy_on_it() {
    let mode = |text: &str| {
        let target = parse(text).unwrap();
        target.endpoints[0].ssl_mode(target.tls.mode)
    };
    for (text, expected) in [
        ("postgres://u@db.example/d", SslMode::VerifyFull),
        ("postgres://u@localhost/d", SslMode::Prefer),
        ("postgres://u@127.8.9.1/d", SslMode::Prefer),
        ("postgres://u@[::1]/d", SslMode::Prefer),
        ("postgres://u@localhost.example/d", SslMode::VerifyFull),
        ("postgres://u@db.example/d?hostaddr=127.0.0.1", SslMode::Prefer),
        ("postgres://u@localhost/d?hostaddr=10.0.0.1", SslMode::VerifyFull),
        ("postgres:///d?host=/tmp&user=u&sslmode=verify-full", SslMode::Disable),
        ("postgres://u@localhost/d?sslmode=verify-ca", SslMode::VerifyCa),
        ("postgres://u@db.example/d?ssl=true", SslMode::Require),
        ("postgres://u@db.example/d?sslmode=disable", SslMode::Disable),
    ] {
        assert_eq!(mode(text), expected, "{text}");
    }
    assert_eq!(parse("postgres://u@a.example,localhost/d?sslmode=require").unwrap().warnings().len(), 1);
    assert_eq!(parse("postgres://u@a.example,localhost/d").unwrap().warnings().len(), 0);
}

#[test]
fn the_environment_fills_in_what_the_string_leaves_out() {
    let environment = Environment::of(&[
        ("PGHOST", "env.example"),
        ("PGPORT", "6000"),
        ("PGUSER", "env"),
        ("PGDATABASE", "envdb"),
        ("PGPASSWORD", "secret"),
        ("PGSSLMODE", "require"),
    ]);
    let target = Target::parse_with("postgres://", &environment).unwrap();
    assert_eq!(target.describe(), r#"database "envdb" at env.example:6000 as "env""#);
    assert_eq!((password(&target).as_deref(), target.tls.mode), (Some("secret"), Some(SslMode::Require)));
    let target = Target::parse_with("postgres://u:own@h:1/d?sslmode=disable", &environment).unwrap();
    assert_eq!(target.describe(), r#"database "d" at h:1 as "u""#);
    assert_eq!((password(&target).as_deref(), target.tls.mode), (Some("own"), Some(SslMode::Disable)));
}

#[test]
fn zero_seconds_mean_for_ever() {
    let timeout = |text: &str| parse(text).unwrap().connect_timeout;
    assert_eq!(timeout("host=h connect_timeout=3"), Some(Duration::from_secs(3)));
    assert_eq!(timeout("host=h connect_timeout=0"), None);
    assert_eq!(timeout("host=h"), Some(CONNECT_TIMEOUT));
}
