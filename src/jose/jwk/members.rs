//! The members of a key as written (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2). Others are ignored; one of
//! these written twice is an error.

use serde::Deserialize;
use zeroize::Zeroizing;

use super::super::encoding::{key_id, present, secret, text};

/// A key as written, public or private.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::jose) struct Members {
    #[serde(deserialize_with = "text")]
    pub(in crate::jose) kty: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(in crate::jose) crv: Option<String>,
    #[serde(deserialize_with = "key_id")]
    pub(in crate::jose) kid: Option<String>,
    #[serde(rename = "use", deserialize_with = "text")]
    pub(in crate::jose) usage: Option<String>,
    pub(in crate::jose) key_ops: Option<Vec<String>>,
    #[serde(deserialize_with = "text")]
    pub(in crate::jose) alg: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(in crate::jose) x: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(in crate::jose) y: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(in crate::jose) n: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(in crate::jose) e: Option<String>,
    #[serde(deserialize_with = "secret")]
    pub(in crate::jose) d: Option<Zeroizing<String>>,
    #[serde(deserialize_with = "secret")]
    pub(in crate::jose) p: Option<Zeroizing<String>>,
    #[serde(deserialize_with = "secret")]
    pub(in crate::jose) q: Option<Zeroizing<String>>,
    #[serde(deserialize_with = "secret")]
    pub(in crate::jose) dp: Option<Zeroizing<String>>,
    #[serde(deserialize_with = "secret")]
    pub(in crate::jose) dq: Option<Zeroizing<String>>,
    #[serde(deserialize_with = "secret")]
    pub(in crate::jose) qi: Option<Zeroizing<String>>,
    /// More than two primes: not supported (RFC 7518 section 6.3.2.7).
    #[serde(deserialize_with = "present")]
    pub(in crate::jose) oth: bool,
    /// A symmetric key.
    #[serde(deserialize_with = "secret")]
    pub(in crate::jose) k: Option<Zeroizing<String>>,
}

impl Members {
    /// Whether any part of it is secret.
    pub(in crate::jose) fn has_secrets(&self) -> bool {
        let parts = [&self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi, &self.k];
        self.oth || parts.into_iter().any(Option::is_some)
    }
}
