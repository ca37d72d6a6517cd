//! A set of public keys of one peer (RFC 7517 section 5).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::algorithm::SignatureAlgorithm;
use super::jwk::{Jwk, JwkError};
use super::jws::JwsError;

/// The public keys of one peer; at most 20, no two with the same `kid`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Jwks(Vec<Jwk>);

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

impl Jwks {
    /// Most keys of a set.
    pub const KEYS_MAX: usize = 20;

    /// Reads a set that someone gave us to configure: each key must be one that we can use.
    ///
    /// # Errors
    /// See [`JwkError`].
    pub fn parse(text: &str) -> Result<Self, JwkError> {
        Self::read(text, |_| false)
    }

    /// Reads a set that a peer publishes for everyone: keys of types that we do not know are left out, as RFC 7517 section 5
    /// asks.
    ///
    /// # Errors
    /// See [`JwkError`].
    pub fn parse_published(text: &str) -> Result<Self, JwkError> {
        Self::read(text, |error| error == JwkError::Unknown)
    }

    fn read(text: &str, leave_out: impl Fn(JwkError) -> bool) -> Result<Self, JwkError> {
        if text.len() > Jwk::BYTES_MAX {
            return Err(JwkError::TooLarge);
        }
        let Written { keys } = serde_json::from_str(text).map_err(|_| JwkError::Form)?;
        if keys.len() > Self::KEYS_MAX {
            return Err(JwkError::TooMany);
        }
        let read = keys.into_iter().map(|key| Jwk::parse(key.get()));
        let keys = read.filter(|key| !key.as_ref().is_err_and(|error| leave_out(*error))).collect::<Result<_, _>>()?;
        Self::unambiguous(keys)
    }

    fn unambiguous(keys: Vec<Jwk>) -> Result<Self, JwkError> {
        let mut seen = BTreeSet::new();
        let unique = keys.iter().filter_map(Jwk::key_id).all(|key_id| seen.insert(key_id));
        if unique { Ok(Self(keys)) } else { Err(JwkError::SameKeyId) }
    }

    /// The keys, in the order in which they stand.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.0
    }

    /// The key that `key_id` names, or without one the only key that fits.
    pub(super) fn choose(&self, key_id: Option<&str>, algorithm: SignatureAlgorithm) -> Result<&Jwk, JwsError> {
        let named = |key: &&Jwk| key_id.is_none_or(|id| key.key_id() == Some(id));
        let mut fitting = self.0.iter().filter(named).filter(|key| key.verifies(algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(JwsError::AmbiguousKey),
            (None, _) => Err(JwsError::UnknownKey),
        }
    }
}

impl From<Jwk> for Jwks {
    fn from(key: Jwk) -> Self {
        Self(vec![key])
    }
}
