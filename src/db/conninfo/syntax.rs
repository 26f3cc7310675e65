//! The two spellings of a connection string: `postgres://…` and `key=value …` (PostgreSQL manual, "Connection Strings").
//!
//! No error repeats a part of the text: what looks like a port may be the second half of a password.

use std::collections::BTreeMap;

use super::ConnInfoError;

/// Keys and their decoded values.
pub(super) type Settings = BTreeMap<String, String>;

/// Reads either spelling.
pub(super) fn settings(text: &str) -> Result<Settings, ConnInfoError> {
    let text = text.trim();
    for scheme in ["postgres://", "postgresql://"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            return url(rest);
        }
    }
    // A value of the other spelling may hold the same characters.
    if text.split_once("://").is_some_and(|(scheme, _)| !scheme.contains('=')) {
        return Err(ConnInfoError::Scheme);
    }
    if !text.contains('=') {
        return Err(ConnInfoError::Form);
    }
    pairs(text)
}

fn url(rest: &str) -> Result<Settings, ConnInfoError> {
    let mut settings = Settings::new();
    // libpq refuses them too: what follows may be a setting in the other spelling.
    if rest.contains(char::is_whitespace) {
        return Err(ConnInfoError::Blank);
    }
    let (before_query, query) = rest.split_once('?').map_or((rest, None), |(before, query)| (before, Some(query)));
    let (authority, path) = before_query.split_once('/').map_or((before_query, ""), |(host, path)| (host, path));
    let (user_info, hosts) = authority.split_once('@').map_or((None, authority), |(user, hosts)| (Some(user), hosts));
    // A second `@`, or one after the first `/` or `?`, comes from a password that is not percent-encoded.
    if hosts.contains('@') || path.contains('@') || query.is_some_and(|query| query.contains('@')) {
        return Err(ConnInfoError::NotEncoded);
    }
    // Meant as a `&`, it would make what follows a part of the value before it, a password too.
    if query.is_some_and(|query| query.contains('?')) {
        return Err(ConnInfoError::Query);
    }
    if let Some(user_info) = user_info {
        let (user, password) = user_info.split_once(':').map_or((user_info, None), |(user, pass)| (user, Some(pass)));
        put(&mut settings, "user", user)?;
        put(&mut settings, "password", password.unwrap_or_default())?;
    }
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in hosts.split(',') {
        let (name, port) = match host.strip_prefix('[') {
            Some(ipv6) => {
                let (name, after) = ipv6.split_once(']').ok_or(ConnInfoError::Host)?;
                (name, if after.is_empty() { None } else { Some(after.strip_prefix(':').ok_or(ConnInfoError::Host)?) })
            }
            None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
        };
        names.push(decode(name)?);
        ports.push(port.unwrap_or_default());
    }
    if names.iter().any(|name| !name.is_empty()) {
        settings.insert("host".into(), names.join(","));
    }
    if ports.iter().any(|port| !port.is_empty()) {
        settings.insert("port".into(), ports.join(","));
    }
    put(&mut settings, "dbname", path)?;
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or(ConnInfoError::Query)?;
        let (key, value) = (decode(key)?, decode(value)?);
        // `ssl=true` is JDBC's spelling, which libpq takes too.
        match (key.as_str(), value.as_str()) {
            ("ssl", "true") => settings.insert("sslmode".into(), "require".into()),
            _ => settings.insert(key, value),
        };
    }
    Ok(settings)
}

fn put(settings: &mut Settings, key: &str, encoded: &str) -> Result<(), ConnInfoError> {
    if !encoded.is_empty() {
        settings.insert(key.to_owned(), decode(encoded)?);
    }
    Ok(())
}

/// Undoes percent-encoding. A `+` stays a `+`, as in libpq.
fn decode(text: &str) -> Result<String, ConnInfoError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let (high, low) = (digit(), digit());
        match high.zip(low).and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(byte) if byte != 0 => bytes.push(byte),
            _ => return Err(ConnInfoError::PercentCode),
        }
    }
    String::from_utf8(bytes).map_err(|_| ConnInfoError::PercentCode)
}

fn pairs(text: &str) -> Result<Settings, ConnInfoError> {
    let mut settings = Settings::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or(ConnInfoError::Pairs)?;
        let key = key.trim_end();
        if key.is_empty() || key.contains(char::is_whitespace) {
            return Err(ConnInfoError::Pairs);
        }
        let written = after.trim_start();
        // Here the value was forgotten, and what looks like one is the next setting, which may be the password.
        if written.len() < after.len() && begins_setting(written) {
            return Err(ConnInfoError::Pairs);
        }
        let (value, after) = value(written)?;
        settings.insert(key.to_owned(), value);
        rest = after.trim_start();
    }
    Ok(settings)
}

fn begins_setting(text: &str) -> bool {
    text.split_once('=').is_some_and(|(key, _)| {
        let key = key.trim_end();
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    })
}

/// A value from the front of `text`: bare up to a space, or in single quotes; a backslash takes the next character as it is.
fn value(text: &str) -> Result<(String, &str), ConnInfoError> {
    let (quoted, text) = text.strip_prefix('\'').map_or((false, text), |rest| (true, rest));
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            c if !quoted && c.is_whitespace() => return Ok((value, &text[at..])),
            c => value.push(c),
        }
    }
    if quoted { Err(ConnInfoError::Quote) } else { Ok((value, "")) }
}
