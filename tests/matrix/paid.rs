//! What a service of embeddings is asked for, and so paid for: never a text of which the ledger has a vector.

use std::collections::{BTreeSet, HashSet};

use sha2::{Digest, Sha256};
use sqlmig::db::Connection;

use crate::checks;
use crate::service::Service;

/// How far a service had been asked at a moment, and what the ledger had of it then.
pub struct Paid {
    requests: usize,
    known: HashSet<String>,
}

impl Paid {
    pub async fn now(client: &Connection, service: &Service) -> Result<Self, String> {
        let requests = service.state.texts.lock().unwrap().len();
        Ok(Self { requests, known: known(client).await? })
    }

    /// The texts that were asked for since, a text as often as it was asked for; as the ledger names them.
    fn asked(&self, service: &Service) -> Vec<String> {
        let texts = service.state.texts.lock().unwrap();
        texts[self.requests..].iter().flatten().map(|text| name(text)).collect()
    }

    /// Says which were asked for since although the ledger had them.
    pub fn again(&self, service: &Service) -> Option<String> {
        let again = self.asked(service).iter().filter(|text| self.known.contains(*text)).count();
        (again > 0).then(|| format!("the service was asked for {again} texts whose vectors were in the ledger"))
    }

    /// Says which were asked for more than once since.
    pub fn repeated(&self, service: &Service) -> Option<String> {
        let asked = self.asked(service);
        let repeated = asked.len() - asked.iter().collect::<BTreeSet<_>>().len();
        (repeated > 0).then(|| format!("one process asked for {repeated} texts more than once"))
    }

    /// Says which were asked for since and are not in the ledger at the end.
    pub async fn lost(&self, client: &Connection, service: &Service) -> Result<Option<String>, String> {
        let known = known(client).await?;
        let lost = self.asked(service).iter().filter(|text| !known.contains(*text)).count();
        Ok((lost > 0).then(|| format!("the vectors of {lost} texts were paid for and are not in the ledger")))
    }
}

/// The texts of which the ledger has a vector; none where there is no ledger yet.
async fn known(client: &Connection) -> Result<HashSet<String>, String> {
    if checks::text(client, "select (to_regclass('sqlmig.embedding') is not null)::text").await? != "true" {
        return Ok(HashSet::new());
    }
    let hashes = "select coalesce(string_agg(encode(text_sha256, 'hex'), ' '), '') from sqlmig.embedding";
    Ok(checks::text(client, hashes).await?.split_whitespace().map(str::to_owned).collect())
}

fn name(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text).into();
    digest.iter().fold(String::new(), |name, byte| format!("{name}{byte:02x}"))
}
