//! The target: a parsed connection string, with libpq's keys, defaults and environment variables.

pub(super) mod endpoint;
pub(super) mod error;
mod syntax;
mod tcp;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use tokio_postgres::config::{ChannelBinding, TargetSessionAttrs};

use self::endpoint::{Endpoint, Host, endpoints};
use self::syntax::Settings;
use self::tcp::TcpSettings;
use super::environment::Environment;
use super::password::PasswordSources;
use super::tls::{Protocol, RootCertificates, SslMode, TlsSettings};
use crate::template::suggest;

pub use self::error::ConnInfoError;

/// Time for one host to accept and authenticate, where the connection string gives none.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Keys that libpq knows and that change nothing here: tokio-postgres speaks no GSSAPI and compresses nothing.
const WITHOUT_EFFECT: [&str; 6] =
    ["gssencmode", "krbsrvname", "gsslib", "gssdelegation", "sslcompression", "fallback_application_name"];

/// Keys that libpq knows and sqlmig can't obey.
const NOT_SUPPORTED: [&str; 17] = [
    "service",
    "servicefile",
    "sslcrl",
    "sslcrldir",
    "sslpassword",
    "sslcertmode",
    "sslkeylogfile",
    "ssl_max_protocol_version",
    "requirepeer",
    "require_auth",
    "replication",
    "min_protocol_version",
    "max_protocol_version",
    "scram_client_key",
    "scram_server_key",
    "oauth_issuer",
    "oauth_client_id",
];

/// Keys that are most often meant where one is misspelt.
const COMMON: [&str; 10] = [
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "sslmode",
    "sslrootcert",
    "connect_timeout",
    "application_name",
];

/// Where to connect, as whom and how. Neither `Debug` nor `Display` shows a password.
#[derive(Clone)]
pub struct Target {
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) passwords: PasswordSources,
    pub(super) tls: TlsSettings,
    pub(super) options: Option<String>,
    pub(super) application_name: String,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) channel_binding: ChannelBinding,
    pub(super) session_attrs: TargetSessionAttrs,
    pub(super) tcp: TcpSettings,
}

/// How this process names itself to the server, so that whoever finds a lock held knows by whom: program, host, process.
fn this_process() -> String {
    let host = hostname::get().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!("sqlmig {host}:{}", std::process::id())
}

impl Target {
    /// Reads a connection string in either of libpq's spellings; what it leaves out comes from the environment.
    ///
    /// # Errors
    /// When the text has neither form, names an unknown key, or holds a value that the key does not take.
    pub fn parse(text: &str) -> Result<Self, ConnInfoError> {
        Self::parse_with(text, &Environment::of_process())
    }

    /// [`Self::parse`] with the environment given.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_with(text: &str, environment: &Environment) -> Result<Self, ConnInfoError> {
        let mut settings = syntax::settings(text)?;
        for (key, value) in environment.defaults() {
            settings.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        }
        Self::from_settings(settings, environment)
    }

    /// A server reached through the unix socket in `folder`, without a password.
    #[must_use]
    pub fn on_socket(folder: impl Into<PathBuf>, port: u16, user: &str, database: &str) -> Self {
        Self {
            endpoints: vec![Endpoint { host: Host::Unix(folder.into()), address: None, port }],
            user: user.to_owned(),
            database: database.to_owned(),
            passwords: PasswordSources::default(),
            tls: TlsSettings::default(),
            options: None,
            application_name: this_process(),
            connect_timeout: Some(CONNECT_TIMEOUT),
            channel_binding: ChannelBinding::Prefer,
            session_attrs: TargetSessionAttrs::Any,
            tcp: TcpSettings::default(),
        }
    }

    fn from_settings(mut settings: Settings, environment: &Environment) -> Result<Self, ConnInfoError> {
        let mut take = |key: &str| settings.remove(key).filter(|value| !value.is_empty());
        let user = take("user").or_else(|| os_user(environment)).ok_or(ConnInfoError::NoUser)?;
        let given = take("password").map(SecretString::from);
        let tls = TlsSettings {
            mode: take("sslmode").map(|value| parse_value("sslmode", &value)).transpose()?,
            roots: take("sslrootcert").map(|value| match value.as_str() {
                "system" => RootCertificates::System,
                path => RootCertificates::File(path.into()),
            }),
            certificate: take("sslcert").map(PathBuf::from),
            key: take("sslkey").map(PathBuf::from),
            direct: choice("sslnegotiation", take("sslnegotiation"), &[("postgres", false), ("direct", true)])?,
            server_name_indication: choice("sslsni", take("sslsni"), &[("1", true), ("0", false)])?,
            oldest: choice(
                "ssl_min_protocol_version",
                take("ssl_min_protocol_version"),
                &[("TLSv1.2", Protocol::Tls12), ("TLSv1.3", Protocol::Tls13)],
            )?,
            folder: environment.home().map(|home| home.join(".postgresql")),
        };
        tls.check()?;
        let target = Self {
            endpoints: endpoints(take("host"), take("hostaddr"), take("port"))?,
            database: take("dbname").unwrap_or_else(|| user.clone()),
            passwords: PasswordSources::new(given, take("passfile"), environment),
            tls,
            options: take("options"),
            application_name: take("application_name").unwrap_or_else(this_process),
            // In libpq 0 and negative numbers mean: wait for ever.
            connect_timeout: match take("connect_timeout") {
                None => Some(CONNECT_TIMEOUT),
                Some(value) => {
                    let seconds = parse_value::<i64>("connect_timeout", &value)?;
                    u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
                }
            },
            channel_binding: choice(
                "channel_binding",
                take("channel_binding"),
                &[
                    ("prefer", ChannelBinding::Prefer),
                    ("disable", ChannelBinding::Disable),
                    ("require", ChannelBinding::Require),
                ],
            )?,
            session_attrs: choice(
                "target_session_attrs",
                take("target_session_attrs"),
                &[
                    ("any", TargetSessionAttrs::Any),
                    ("read-write", TargetSessionAttrs::ReadWrite),
                    ("primary", TargetSessionAttrs::ReadWrite),
                    ("read-only", TargetSessionAttrs::ReadOnly),
                ],
            )?,
            tcp: TcpSettings::read(&mut take)?,
            user,
        };
        // sqlmig sends UTF-8 only and connects to the hosts in their order.
        choice("client_encoding", take("client_encoding"), &[("UTF8", ()), ("utf8", ()), ("auto", ()), ("UTF-8", ())])?;
        choice("load_balance_hosts", take("load_balance_hosts"), &[("disable", ())])?;
        for key in WITHOUT_EFFECT {
            take(key);
        }
        match settings.into_iter().find(|(_, value)| !value.is_empty()) {
            Some((key, _)) if NOT_SUPPORTED.contains(&key.as_str()) => Err(ConnInfoError::Key(key)),
            Some((key, _)) => {
                let short = Some(key).filter(|key| key.len() <= 40);
                Err(ConnInfoError::UnknownKey(short.and_then(|key| suggest::closest(&key, COMMON))))
            }
            None => Ok(target),
        }
    }

    /// Hosts, ports, database and user, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        let hosts: Vec<String> = self.endpoints.iter().map(ToString::to_string).collect();
        format!("database {:?} at {} as {:?}", self.database, hosts.join(", "), self.user)
    }

    /// The database's name.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The role to connect as.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The same server and role, another database.
    #[must_use]
    pub fn with_database(&self, database: &str) -> Self {
        Self { database: database.to_owned(), ..self.clone() }
    }

    /// The same, shown under another name in `pg_stat_activity`.
    #[must_use]
    pub fn with_application_name(&self, name: &str) -> Self {
        Self { application_name: name.to_owned(), ..self.clone() }
    }

    /// What is weak about these settings, one line each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.passwords.warnings();
        for endpoint in self.endpoints.iter().filter(|endpoint| !endpoint.is_local()) {
            let weakness = match endpoint.ssl_mode(self.tls.mode) {
                SslMode::Disable => "is not encrypted",
                SslMode::Allow | SslMode::Prefer => "may fall back to no encryption",
                SslMode::Require if !self.tls.require_verifies() => "is encrypted, but the server is not verified",
                _ => continue,
            };
            warnings.push(format!("the connection to {endpoint} {weakness}: use sslmode=verify-full"));
        }
        warnings
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.describe())
    }
}

fn os_user(environment: &Environment) -> Option<String> {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten().map(|user| user.name);
    user.or_else(|| environment.get("USER").map(str::to_owned))
}

fn parse_value<T: std::str::FromStr>(key: &'static str, value: &str) -> Result<T, ConnInfoError> {
    value.trim().parse().map_err(|_| ConnInfoError::value(key, value))
}

/// The meaning of one of a few words; the first is the default.
fn choice<T: Copy>(key: &'static str, value: Option<String>, words: &[(&str, T)]) -> Result<T, ConnInfoError> {
    let Some(value) = value else { return Ok(words[0].1) };
    let found = words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| ConnInfoError::value(key, &value))
}

#[cfg(test)]
mod tests;
