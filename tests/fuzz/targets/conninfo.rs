//! Connection strings: a password that is planted where passwords stand is shown nowhere, whatever is around it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sqlmig::db::Target;
use sqlmig::db::environment::Environment;

/// What must never be seen again. No mutation is allowed to write it elsewhere.
const CANARY: &str = "Zq7xKw";

fuzz_target!(|data: &[u8]| {
    let Some((form, rest)) = data.split_first() else { return };
    let mut text = String::from_utf8_lossy(rest).into_owned();
    // Taken out once, what is left on either side may make another.
    while text.contains(CANARY) {
        text = text.replace(CANARY, "");
    }
    let mut parts = text.splitn(3, '\n');
    let mut part = || parts.next().unwrap_or_default();
    let (special, before, after) = (part(), part(), part());
    match form % 6 {
        // Anything at all, with a password from the environment.
        0 => check(&text, &[("PGPASSWORD", CANARY), ("HOME", "/nonexistent")]),
        // A URL whose password is encoded.
        1 => {
            let secret = encoded(&format!("{CANARY}{special}{CANARY}"));
            check(&format!("postgres://{before}:{secret}@{after}"), &[]);
        }
        // A URL whose password nobody encoded: the errors must not repeat the half that looks like something else.
        2 => check(&format!("postgresql://{before}:{CANARY}{special}{CANARY}@{after}"), &[]),
        // In the query.
        3 => {
            let secret = encoded(&format!("{special}{CANARY}"));
            check(&format!("postgres://{before}?password={secret}&{after}"), &[]);
        }
        // Between other settings of the other spelling.
        4 => {
            let secret = quoted(&format!("{CANARY}{special}{CANARY}"));
            let text = format!("{before} password={secret} {after}");
            // A quote of its own on either side may turn the password into a name; that is shown where it can be used.
            if !format!("{before}{after}").contains(['\'', '\\']) || Target::parse(&text).is_err() {
                check(&text, &[("PGSSLMODE", special)]);
            }
        }
        _ => both_spellings(special, before, after),
    }
});

/// Reads a text that holds the canary in a password's place, and looks at everything that can be shown of the outcome.
fn check(text: &str, variables: &[(&str, &str)]) {
    let shown = match Target::parse_with(text, &Environment::of(variables)) {
        Ok(target) => format!(
            "{target} {target:?} {:#?} {} {:?} {} {} {} {}",
            target,
            target.describe(),
            target.warnings(),
            target.user(),
            target.database(),
            target.with_database("other"),
            target.with_application_name("name"),
        ),
        Err(error) => format!("{error} {error:?} {:?}", error.hint()),
    };
    assert!(!shown.contains(CANARY), "{text:?} was shown as {shown}");
}

/// One target in both spellings is one target.
fn both_spellings(user: &str, database: &str, host: &str) {
    // An empty one means another in the two spellings, and hosts are a list with blanks around them.
    let bad = |text: &str| text.is_empty() || text.contains('\0');
    if bad(user) || bad(database) || bad(host) || host.contains(|c: char| c.is_whitespace() || c == ',') {
        return;
    }
    let read = |text: String| Target::parse_with(&text, &Environment::default()).map(|target| target.describe());
    let url = read(format!("postgres://{}:x@{}/{}", encoded(user), encoded(host), encoded(database)));
    let pairs = read(format!("host={} dbname = {} password=x user={}", quoted(host), quoted(database), quoted(user)));
    assert_eq!(url, pairs);
    assert!(url.is_ok(), "{url:?}");
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02x}") })
        .collect()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
