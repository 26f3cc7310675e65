//! What each code means, and what is done about it.

use super::*;

/// Code, and what its hint must hold; nothing where what the server says of the row is all there is to say.
type Expected = (&'static str, Option<&'static str>);

const TRIED_AGAIN: [Expected; 13] = [
    ("40001", Some("another transaction")),
    ("40P01", Some("another transaction")),
    ("55P03", Some("raise --lock-timeout")),
    ("53300", Some("lower the parallelism")),
    ("25006", Some("connect to the primary")),
    ("57P01", Some("the server restarts, or someone ended the session")),
    ("57P02", Some("the server restarts, or someone ended the session")),
    ("57P03", Some("the server is starting or stopping")),
    ("08000", Some("the connection was lost")),
    ("08003", Some("the connection was lost")),
    ("08006", Some("the connection was lost")),
    ("25P03", Some("nothing was asked for too long")),
    ("25P04", Some("nothing was asked for too long")),
];
const NOT_TRIED_AGAIN: [Expected; 7] = [
    ("53200", Some("lower maintenance_work_mem")),
    ("53100", Some("make room on the server's disk")),
    ("28P01", Some("check user and password")),
    ("42501", Some("grant the role what it lacks")),
    ("57014", Some("--statement-timeout or lower --batch-size; else raise --long-timeout")),
    ("22P02", None),
    ("23505", None),
];

#[test]
fn a_code_says_whether_to_try_again_and_what_to_do() {
    for (expected, tried_again) in [(&TRIED_AGAIN[..], true), (&NOT_TRIED_AGAIN[..], false)] {
        for (code, part) in expected {
            assert_eq!(is_away(code) || is_passing(code), tried_again, "{code}");
            let hint = hint_for_code(code);
            assert_eq!(hint.is_some(), part.is_some(), "{code}: {hint:?}");
            assert!(hint.unwrap_or_default().contains(part.unwrap_or_default()), "{code}: {hint:?}");
        }
    }
    // Those of a server that lost a race, but is there.
    for code in ["40001", "40P01", "55P03", "25006"] {
        assert!(!is_away(code), "{code}");
    }
}
