//! Names of hosts, without the addresses that no embeddings service has.

use std::io;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::endpoint::is_forbidden;

/// Asks the system, and leaves out link-local addresses: a name may be pointed at a cloud's metadata service.
pub(super) struct Guarded;

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| !is_forbidden(address.ip())).collect();
            if allowed.is_empty() {
                let text = format!("{} has no address that may be asked", name.as_str());
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, text).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
