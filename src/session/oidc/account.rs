//! What an operator sees of a provider: the addresses that will be asked, and the keys that will be believed.

use std::fmt;

use super::provider::Known;

/// A provider that fits the configuration. Prints as a few lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    issuer: String,
    endpoints: Vec<(&'static str, String)>,
    key_ids: Vec<String>,
}

impl Account {
    pub(super) fn of(known: &Known) -> Self {
        let metadata = &known.metadata;
        let written = |name, endpoint: &super::remote::Endpoint| (name, endpoint.url().to_string());
        let mut endpoints = vec![
            written("authorization", &metadata.authorization),
            written("token", &metadata.token),
            written("keys", &metadata.keys),
        ];
        endpoints.extend(metadata.userinfo.as_ref().map(|endpoint| written("userinfo", endpoint)));
        let key_id = |key: &crate::jose::Jwk| key.key_id().unwrap_or("(without kid)").to_owned();
        Self { issuer: metadata.issuer.clone(), endpoints, key_ids: known.keys.keys().iter().map(key_id).collect() }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: in order", self.issuer)?;
        for (name, address) in &self.endpoints {
            write!(f, "\n  {name}: {address}")?;
        }
        write!(f, "\n  kid: {}", self.key_ids.join(" "))
    }
}
