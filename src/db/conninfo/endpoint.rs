//! The servers that a connection string names.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use super::{ConnInfoError, parse_value};
use crate::db::tls::SslMode;

/// One server of the list that the connection string may give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::db) struct Endpoint {
    pub(in crate::db) host: Host,
    /// Where to connect instead of resolving the host's name.
    pub(in crate::db) address: Option<IpAddr>,
    pub(in crate::db) port: u16,
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::db) enum Host {
    /// By name or address.
    Tcp(String),
    /// By the unix socket in this directory.
    Unix(PathBuf),
}

impl Endpoint {
    /// Whether the way to the server never leaves this machine.
    pub(in crate::db) fn is_local(&self) -> bool {
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
    pub(in crate::db) fn ssl_mode(&self, asked: Option<SslMode>) -> SslMode {
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

/// The servers of the lists of hosts, addresses and ports: each list is as long as the others, or missing.
pub(super) fn endpoints(
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
