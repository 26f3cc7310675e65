//! Where a password comes from: the connection string, a mounted file, `PGPASSWORD`, or libpq's password file.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use secrecy::SecretString;

use super::conninfo::endpoint::{Endpoint, Host};
use super::environment::Environment;

/// The variable that names a file holding nothing but the password, as Kubernetes and Docker mount secrets.
pub const PASSWORD_FILE_VARIABLE: &str = "SQLMIG_PASSWORD_FILE";

/// The places, in the order in which they are asked. Files are read anew for every connection: mounted secrets rotate.
#[derive(Clone, Default)]
pub(super) struct PasswordSources {
    given: Option<SecretString>,
    mounted: Option<PathBuf>,
    passfile: Option<PathBuf>,
}

impl PasswordSources {
    pub(super) fn new(given: Option<SecretString>, passfile: Option<String>, environment: &Environment) -> Self {
        let mounted = environment.get(PASSWORD_FILE_VARIABLE).map(PathBuf::from);
        let variable = environment.get("PGPASSWORD").filter(|_| mounted.is_none());
        Self {
            given: given.or_else(|| variable.map(SecretString::from)),
            mounted,
            passfile: passfile.map(PathBuf::from).or_else(|| environment.home().map(|home| home.join(".pgpass"))),
        }
    }

    /// The password for one server, if any place has one.
    pub(super) fn find(&self, endpoint: &Endpoint, database: &str, user: &str) -> Option<SecretString> {
        if let Some(given) = &self.given {
            return Some(given.clone());
        }
        if let Some(path) = &self.mounted {
            let text = fs::read_to_string(path).ok()?;
            return Some(SecretString::from(text.trim_end_matches(['\r', '\n'])));
        }
        if self.passfile_refusal().is_some() {
            return None;
        }
        let text = fs::read_to_string(self.passfile.as_ref()?).ok()?;
        // The manual: a unix socket in the default directory is looked up as localhost.
        let host = match &endpoint.host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(folder)
                if ["/var/run/postgresql", "/tmp"].iter().any(|default| folder.as_os_str() == *default) =>
            {
                "localhost".into()
            }
            Host::Unix(folder) => folder.display().to_string(),
        };
        let port = endpoint.port.to_string();
        text.lines().find_map(|line| entry(line, &[&host, &port, database, user]))
    }

    /// What an operator should know of these places.
    pub(super) fn warnings(&self) -> Vec<String> {
        if self.given.is_some() {
            return Vec::new();
        }
        match &self.mounted {
            Some(path) => match fs::File::open(path) {
                Err(error) => vec![format!("{PASSWORD_FILE_VARIABLE} names {}: {error}", path.display())],
                Ok(_) => Vec::new(),
            },
            None => self.passfile_refusal().into_iter().collect(),
        }
    }

    /// Why the password file is passed over, if it is: as libpq does, one that others can read counts for nothing.
    fn passfile_refusal(&self) -> Option<String> {
        let path = self.passfile.as_ref()?;
        let metadata = fs::metadata(path).ok()?;
        if !metadata.is_file() {
            return Some(format!("the password file {} is not a plain file and was ignored", path.display()));
        }
        if metadata.mode() & 0o077 != 0 {
            return Some(format!(
                "the password file {path} can be read by others and was ignored: chmod 0600 {path}",
                path = path.display()
            ));
        }
        None
    }
}

/// The password of a line `host:port:database:user:password` whose first four fields match. `*` matches everything;
/// a backslash before `:` or `\` makes it an ordinary character.
fn entry(line: &str, wanted: &[&str; 4]) -> Option<SecretString> {
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line;
    for value in wanted {
        let (raw, after) = field(rest)?;
        if raw != "*" && unescape(raw) != *value {
            return None;
        }
        rest = after;
    }
    // libpq takes the rest of the line up to an unescaped colon.
    let raw = field(rest).map_or(rest, |(raw, _)| raw);
    (!raw.is_empty()).then(|| SecretString::from(unescape(raw)))
}

/// Cuts a field off, at the first colon that no backslash precedes.
fn field(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b':' if !escaped => return Some((&text[..at], &text[at + 1..])),
            _ => escaped = byte == b'\\' && !escaped,
        }
    }
    None
}

fn unescape(raw: &str) -> String {
    let mut value = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        value.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    value
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn password_file_lines_match_as_in_libpq() {
        let find = |line: &str| {
            entry(line, &["db.example", "5432", "docs", "a:b"]).map(|secret| secret.expose_secret().to_owned())
        };
        for (line, expected) in [
            ("db.example:5432:docs:a\\:b:secret", Some("secret")),
            ("*:*:*:*:all", Some("all")),
            ("*:*:*:*:p\\:q\\\\r", Some("p:q\\r")),
            ("*:*:*:*:first:second", Some("first")),
            ("\\*:*:*:*:literal star", None),
            ("db.example:5433:docs:*:other port", None),
            ("db.example:5432:docs:a:b:two fields", None),
            ("#*:*:*:*:comment", None),
            ("*:*:*:*:", None),
            ("*:*:*", None),
            ("", None),
        ] {
            assert_eq!(find(line).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn a_password_file_that_others_can_read_is_ignored() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        fs::write(&path, "*:*:*:*:secret\n").unwrap();
        let sources = PasswordSources::new(None, Some(path.display().to_string()), &Environment::default());
        let endpoint = Endpoint { host: Host::Tcp("h".into()), address: None, port: 5432 };
        for (mode, found) in [(0o600, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(sources.find(&endpoint, "d", "u").is_some(), found, "{mode:o}");
            assert_eq!(sources.warnings().is_empty(), found, "{mode:o}");
        }
    }

    #[test]
    fn places_are_asked_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "mounted \r\n").unwrap();
        let path = path.display().to_string();
        let endpoint = Endpoint { host: Host::Tcp("h".into()), address: None, port: 5432 };
        let find = |given: Option<&str>, variables: &[(&str, &str)]| {
            let sources = PasswordSources::new(given.map(SecretString::from), None, &Environment::of(variables));
            sources.find(&endpoint, "d", "u").map(|secret| secret.expose_secret().to_owned())
        };
        let both = [(PASSWORD_FILE_VARIABLE, path.as_str()), ("PGPASSWORD", "variable")];
        assert_eq!(find(Some("url"), &both).as_deref(), Some("url"));
        assert_eq!(find(None, &both).as_deref(), Some("mounted "));
        assert_eq!(find(None, &both[1..]).as_deref(), Some("variable"));
        assert_eq!(find(None, &[]), None);
    }
}
