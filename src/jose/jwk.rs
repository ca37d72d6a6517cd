//! One public key with what it may be used for (RFC 7517).

use std::fmt;

use serde_json::Value;

use super::algorithm::{KeyManagement, SignatureAlgorithm};
use super::encoding::encode;
use crate::secret::sha256;

mod material;
mod members;

pub(super) use material::Material;
pub(super) use members::Members;

/// Why a text is no key, or no set of keys, that we use. The text is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// Not JSON of the right form, or a member is written twice.
    #[error("not a JSON Web Key of the form of RFC 7517")]
    Form,
    /// Over 64 KiB.
    #[error("more than 64 KiB")]
    TooLarge,
    /// Over 20 keys.
    #[error("more than 20 keys")]
    TooMany,
    /// Two keys with one `kid`.
    #[error("two keys have the same kid")]
    SameKeyId,
    /// A type or curve that is not supported.
    #[error("the kty or crv of a key is none of EC P-256, EC P-384, OKP Ed25519, OKP X25519, RSA")]
    Unknown,
    /// A member that the type requires is not there.
    #[error("a key lacks a member that its kty requires")]
    Missing,
    /// An RSA key that is too short or too long.
    #[error("an RSA key has fewer than 2048 or more than 4096 bits")]
    Size,
    /// A value that is not base64url of the right length, not on the curve, or not an odd exponent above 65536.
    #[error("a value of a key is not valid for its type")]
    Value,
    /// A private key where a public one belongs: whoever wrote it has given it away.
    #[error("a private or symmetric key stands where a public key belongs; replace that key")]
    Secret,
}

/// A public key of a peer, with what it may be used for.
#[derive(Clone, PartialEq, Eq)]
pub struct Jwk {
    key_id: Option<String>,
    usage: Option<String>,
    operations: Option<Vec<String>>,
    algorithm: Option<String>,
    material: Material,
}

impl Jwk {
    /// Longest text that is read, in bytes.
    pub const BYTES_MAX: usize = 64 * 1024;

    /// Reads one public key.
    ///
    /// # Errors
    /// See [`JwkError`].
    pub fn parse(text: &str) -> Result<Self, JwkError> {
        if text.len() > Self::BYTES_MAX {
            return Err(JwkError::TooLarge);
        }
        Self::from_members(serde_json::from_str(text).map_err(|_| JwkError::Form)?)
    }

    pub(super) fn from_members(members: Members) -> Result<Self, JwkError> {
        let material = Material::read(&members)?;
        if members.has_secrets() {
            return Err(JwkError::Secret);
        }
        let Members { kid, usage, key_ops, alg, .. } = members;
        Ok(Self { key_id: kid, usage, operations: key_ops, algorithm: alg, material })
    }

    /// The public part of one of our own keys.
    pub(super) fn own(key_id: String, usage: &str, algorithm: &str, material: Material) -> Self {
        let (usage, algorithm) = (Some(usage.to_owned()), Some(algorithm.to_owned()));
        Self { key_id: Some(key_id), usage, operations: None, algorithm, material }
    }

    /// Its `kid`.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    pub(super) const fn material(&self) -> &Material {
        &self.material
    }

    /// Whether it may verify signatures of this kind: type, `use`, `key_ops` and `alg` all fit (RFC 7517 sections 4.2 to 4.4).
    #[must_use]
    pub fn verifies(&self, algorithm: SignatureAlgorithm) -> bool {
        let named = |name: &str| SignatureAlgorithm::parse(name) == Some(algorithm);
        self.material.signs(algorithm)
            && self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.operations.as_ref().is_none_or(|operations| operations.iter().any(|name| name == "verify"))
            && self.algorithm.as_deref().is_none_or(named)
    }

    /// How a token may be encrypted to it, if at all.
    #[must_use]
    pub fn encrypts(&self) -> Option<KeyManagement> {
        let (algorithm, operations) = match self.material {
            Material::P256(_) | Material::X25519(_) => (KeyManagement::EcdhEs, ["deriveKey", "deriveBits"]),
            Material::Rsa { .. } => (KeyManagement::RsaOaep256, ["wrapKey", "encrypt"]),
            Material::P384(_) | Material::Ed25519(_) => return None,
        };
        let fits = self.usage.as_deref().is_none_or(|usage| usage == "enc")
            && self
                .operations
                .as_ref()
                .is_none_or(|listed| listed.iter().any(|name| operations.contains(&name.as_str())))
            && self.algorithm.as_deref().is_none_or(|name| name == algorithm.name());
        fits.then_some(algorithm)
    }
}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwk").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// The SHA-256 thumbprint (RFC 7638): our own keys are named by it unless they have another name.
pub(super) fn thumbprint(material: &Material) -> String {
    encode(sha256(written(material.members()).as_bytes()))
}

/// The public form of one of our own keys, to be published.
pub(super) fn published(material: &Material, key_id: &str, usage: &str, algorithm: &str) -> Value {
    let mut members = material.members();
    members.extend([("kid", key_id.to_owned()), ("use", usage.to_owned()), ("alg", algorithm.to_owned())]);
    members.into_iter().collect()
}

fn written(members: impl IntoIterator<Item = (&'static str, String)>) -> String {
    members.into_iter().collect::<Value>().to_string()
}
