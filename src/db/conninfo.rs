//! The target: a parsed connection string, with libpq's keys, defaults and environment variables.

mod syntax;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use tokio_postgres::config::{ChannelBinding, TargetSessionAttrs};

use self::syntax::Settings;
use super::environment::Environment;
use super::password::PasswordSources;
use super::tls::{Protocol, RootCertificates, SslMode, TlsSettings};
use crate::template::suggest;

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

/// One server of the list that the connection string may give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) host: Host,
    /// Where to connect instead of resolving the host's name.
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// By name or address.
    Tcp(String),
    /// By the unix socket in this directory.
    Unix(PathBuf),
}

/// What finds out that the other side is gone.
#[derive(Debug, Clone)]
pub(super) struct TcpSettings {
    pub(super) keepalives: bool,
    pub(super) idle: Duration,
    pub(super) interval: Duration,
    pub(super) count: u32,
    pub(super) user_timeout: Option<Duration>,
}

impl Endpoint {
    /// Whether the way to the server never leaves this machine.
    pub(super) fn is_local(&self) -> bool {
        match (&self.host, self.address) {
            (Host::Unix(_), _) => true,
            (Host::Tcp(_), Some(address)) => address.is_loopback(),
            (Host::Tcp(name), None) => {
                name.eq_ignore_ascii_case("localhost")
                    || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        }
    }

    /// The mode that holds for this server: none over a unix socket, verified off this machine unless told otherwise.
    pub(super) fn ssl_mode(&self, asked: Option<SslMode>) -> SslMode {
        match (&self.host, asked) {
            (Host::Unix(_), _) => SslMode::Disable,
            (Host::Tcp(_), Some(mode)) => mode,
            (Host::Tcp(_), None) if self.is_local() => SslMode::Prefer,
            (Host::Tcp(_), None) => SslMode::VerifyFull,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Tcp(name) if name.contains(':') => write!(f, "[{name}]:{}", self.port),
            Host::Tcp(name) => write!(f, "{name}:{}", self.port),
            Host::Unix(folder) => write!(f, "{}/.s.PGSQL.{}", folder.display(), self.port),
        }
    }
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

impl Default for TcpSettings {
    /// A dead peer is noticed after a minute: 30 s of silence, then three questions 10 s apart.
    fn default() -> Self {
        Self {
            keepalives: true,
            idle: Duration::from_secs(30),
            interval: Duration::from_secs(10),
            count: 3,
            user_timeout: None,
        }
    }
}

impl TcpSettings {
    fn read(take: &mut impl FnMut(&str) -> Option<String>) -> Result<Self, ConnInfoError> {
        let mut number = |key: &'static str| take(key).map(|value| parse_value::<u32>(key, &value)).transpose();
        // 0 is libpq's word for the system's default, for which sqlmig has its own.
        let mut tcp = Self { keepalives: number("keepalives")? != Some(0), ..Self::default() };
        let seconds =
            |value: Option<u32>| value.filter(|value| *value > 0).map(|value| Duration::from_secs(value.into()));
        tcp.idle = seconds(number("keepalives_idle")?).unwrap_or(tcp.idle);
        tcp.interval = seconds(number("keepalives_interval")?).unwrap_or(tcp.interval);
        tcp.count = number("keepalives_count")?.filter(|count| *count > 0).unwrap_or(tcp.count);
        let milliseconds = number("tcp_user_timeout")?.filter(|value| *value > 0);
        tcp.user_timeout = milliseconds.map(|value| Duration::from_millis(value.into()));
        Ok(tcp)
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

fn endpoints(
    hosts: Option<String>,
    addresses: Option<String>,
    ports: Option<String>,
) -> Result<Vec<Endpoint>, ConnInfoError> {
    let list = |value: Option<String>| -> Vec<String> {
        value.map(|value| value.split(',').map(|part| part.trim().to_owned()).collect()).unwrap_or_default()
    };
    let (hosts, addresses, ports) = (list(hosts), list(addresses), list(ports));
    let count = hosts.len().max(addresses.len()).max(1);
    let fits = |length: usize| length == 0 || length == count;
    if !fits(hosts.len()) || !fits(addresses.len()) || !(fits(ports.len()) || ports.len() == 1) {
        return Err(ConnInfoError::Lists);
    }
    (0..count)
        .map(|index| {
            let port = match ports.get(index).or(ports.first()).filter(|port| !port.is_empty()) {
                // Not shown: in a URL with an unencoded password, this is a part of it.
                Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or(ConnInfoError::Port)?,
                None => 5432,
            };
            let address: Option<IpAddr> = match addresses.get(index).filter(|address| !address.is_empty()) {
                Some(address) => Some(parse_value("hostaddr", address)?),
                None => None,
            };
            let host = match hosts.get(index).filter(|host| !host.is_empty()) {
                Some(host) if host.starts_with('/') => Host::Unix(host.into()),
                Some(host) => Host::Tcp(host.clone()),
                None => address.map_or_else(|| default_host(port), |address| Host::Tcp(address.to_string())),
            };
            Ok(Endpoint { host, address, port })
        })
        .collect()
}

/// Where libpq looks when it is given no host: Debian's socket directory, the one compiled in, then `localhost`.
fn default_host(port: u16) -> Host {
    let folders = ["/var/run/postgresql", "/tmp"].map(PathBuf::from);
    let found = folders.into_iter().find(|folder| folder.join(format!(".s.PGSQL.{port}")).exists());
    found.map_or_else(|| Host::Tcp("localhost".into()), Host::Unix)
}

/// Why a text is not a usable connection string. None of them repeats what may be a part of a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnInfoError {
    /// Neither spelling.
    #[error("the connection string is neither a postgres:// URL nor a list of key=value")]
    Form,
    /// A URL of something else.
    #[error("the connection string is a URL, but not one that begins with postgres:// or postgresql://")]
    Scheme,
    /// A reserved character stands bare.
    #[error("the connection URL has an @ in a place where only an unencoded password can have put it")]
    NotEncoded,
    /// A blank that is not percent-encoded.
    #[error("the connection URL has a blank in it")]
    Blank,
    /// `%` without two hexadecimal digits, or a code that makes no UTF-8 text.
    #[error("the connection URL holds an invalid percent code")]
    PercentCode,
    /// An IPv6 address without its closing bracket.
    #[error("a host of the connection URL is malformed")]
    Host,
    /// A query part without `=`, or a second `?`.
    #[error("the connection URL's query is not a list of key=value")]
    Query,
    /// A word without `=` in the other spelling.
    #[error("the connection string is not a list of key=value")]
    Pairs,
    /// A quote that is not closed.
    #[error("a quoted value of the connection string has no closing quote")]
    Quote,
    /// Not a port.
    #[error("a port of the connection string is not a number from 1 to 65535")]
    Port,
    /// Lists of different lengths.
    #[error("the connection string's lists of host, hostaddr and port differ in length")]
    Lists,
    /// A key of libpq's that sqlmig does not support.
    #[error("the connection string's key {0:?} is not supported")]
    Key(String),
    /// A key that nobody knows, with the one that may be meant. Not shown: after a stray quote it may be a password's end.
    #[error("the connection string has a key that PostgreSQL does not know")]
    UnknownKey(Option<String>),
    /// A value that its key does not take.
    #[error("{} is no value for {key} in the connection string", .value.as_deref().unwrap_or("what stands there"))]
    Value {
        /// The key; never one that holds a secret.
        key: &'static str,
        /// The value, where it is a word that can't have another setting in it.
        value: Option<String>,
    },
    /// TLS settings that contradict each other.
    #[error("the connection string asks for {0}")]
    Contradiction(&'static str),
    /// No user was named and the system does not know its own.
    #[error("the connection string names no user, and this process's user has no name")]
    NoUser,
}

impl ConnInfoError {
    /// A value that `key` does not take. Where a quote or a value was forgotten, it holds the settings that follow.
    fn value(key: &'static str, value: &str) -> Self {
        let word =
            value.len() <= 40 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte));
        Self::Value { key, value: word.then(|| format!("{value:?}")) }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Form | Self::Scheme | Self::Host | Self::Query => "write postgres://USER@HOST:PORT/DATABASE".into(),
            Self::Blank => "in a URL write a space as %20, and other settings as ?key=value&key=value".into(),
            Self::NotEncoded | Self::PercentCode | Self::Port => {
                "in a URL write % as %25, @ as %40, / as %2F, : as %3A, or give the password in PGPASSWORD".into()
            }
            Self::Pairs | Self::Quote => "put a value with spaces in single quotes, and write ' as \\' in it".into(),
            Self::Lists => "give one port for all hosts or one for each".into(),
            Self::Key(_) => "the keys are those of PostgreSQL's manual, \"Parameter Key Words\"; \
                             service files, CRLs, encrypted keys and GSSAPI are not supported"
                .into(),
            Self::UnknownKey(near) => {
                let near = near.as_ref().map(|near| format!("did you mean {near}? ")).unwrap_or_default();
                format!("{near}The keys are those of PostgreSQL's manual, \"Parameter Key Words\"")
            }
            Self::Value { key: "sslmode", .. } => {
                "use disable, allow, prefer, require, verify-ca or verify-full".into()
            }
            Self::Value { key: "load_balance_hosts", .. } => "sqlmig tries the hosts in their order".into(),
            Self::Value { key: "client_encoding", .. } => "leave it out: sqlmig speaks UTF-8 with the server".into(),
            Self::Value { .. } => return None,
            Self::Contradiction(_) => "change the one or the other".into(),
            Self::NoUser => "name a user: postgres://USER@HOST/DATABASE".into(),
        })
    }
}

#[cfg(test)]
mod tests;
