//! The keys of an encrypted token: ours to open with, and what a sender makes for the other side.

use std::fmt;

use aws_lc_rs::agreement::{Algorithm, ECDH_P256, PrivateKey, X25519};
use aws_lc_rs::rsa::{
    KeyPair as RsaKeyPair, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::RsaPublicKeyComponents;
use serde_json::Value;
use zeroize::Zeroizing;

use super::super::algorithm::{CONTENT_ENCRYPTION, KeyManagement};
use super::super::jwk::{Jwk, Material, Members, published, thumbprint};
use super::super::keys::{KeyError, Written, rsa_from_members, rsa_pkcs8, rsa_public, secret_value};
use super::agree::{Party, agreed_key};
use super::{ContentKey, JweError};
use crate::secret;

/// A private key of ours that opens tokens: P-256 or X25519 (ECDH-ES), or RSA (RSA-OAEP-256).
pub struct DecryptionKey {
    key_id: String,
    inner: Inner,
    public: Material,
}

enum Inner {
    Agree(PrivateKey),
    Unwrap(OaepPrivateDecryptingKey),
}

impl DecryptionKey {
    /// Reads PKCS#8 in PEM, or a JWK. A key without `kid` is named by its thumbprint (RFC 7638).
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let written = Written::parse(text)?;
        let (inner, public) = match &written {
            Written::Pkcs8(der) => from_pkcs8(der)?,
            Written::Jwk(members) => from_members(members)?,
        };
        Ok(Self::of(inner, public, written.key_id()))
    }

    /// Draws a new key on P-256. It lives in memory only.
    ///
    /// # Errors
    /// [`KeyError::Unusable`] when none can be drawn.
    pub fn generate() -> Result<Self, KeyError> {
        let key = PrivateKey::generate(&ECDH_P256).map_err(|_| KeyError::Unusable)?;
        let public = agreement_public(&key)?;
        Ok(Self::of(Inner::Agree(key), public, None))
    }

    fn of(inner: Inner, public: Material, key_id: Option<String>) -> Self {
        let key_id = key_id.unwrap_or_else(|| thumbprint(&public));
        Self { key_id, inner, public }
    }

    /// The `kid` by which tokens name it.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// How tokens for it are encrypted.
    #[must_use]
    pub const fn management(&self) -> KeyManagement {
        match self.inner {
            Inner::Agree(_) => KeyManagement::EcdhEs,
            Inner::Unwrap(_) => KeyManagement::RsaOaep256,
        }
    }

    /// The public key as a JWK, for a set that we publish.
    #[must_use]
    pub fn published(&self) -> Value {
        published(&self.public, &self.key_id, "enc", self.management().name())
    }

    /// The public key, to encrypt to.
    #[must_use]
    pub fn public(&self) -> Jwk {
        Jwk::own(self.key_id.clone(), "enc", self.management().name(), self.public.clone())
    }

    /// The content key that follows from the sender's ephemeral key.
    pub(super) fn agree(&self, ephemeral: &Jwk, apu: &[u8], apv: &[u8]) -> Option<ContentKey> {
        match &self.inner {
            Inner::Agree(key) => agreed_key(key, ephemeral.material(), &direct(apu, apv)),
            Inner::Unwrap(_) => None,
        }
    }

    /// The content key that was encrypted to this key.
    pub(super) fn unwrap(&self, encrypted: &[u8]) -> Option<ContentKey> {
        let Inner::Unwrap(key) = &self.inner else { return None };
        let mut opened = Zeroizing::new(vec![0; key.min_output_size()]);
        let content_key = key.decrypt(&OAEP_SHA256_MGF1SHA256, encrypted, &mut opened, None).ok()?;
        <[u8; 32]>::try_from(&*content_key).ok().map(Zeroizing::new)
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptionKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// Direct agreement: the derived key is for `enc`.
const fn direct<'a>(apu: &'a [u8], apv: &'a [u8]) -> Party<'a> {
    Party { algorithm: CONTENT_ENCRYPTION, apu, apv, bits: 256 }
}

/// What stands before the 32 bytes of an X25519 key in PKCS#8 (RFC 8410 section 7).
const X25519_PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20];

/// Takes the kind of key that it turns out to be.
fn from_pkcs8(der: &[u8]) -> Result<(Inner, Material), KeyError> {
    let agreement = match der.strip_prefix(&X25519_PKCS8) {
        Some(octets) => PrivateKey::from_private_key(&X25519, octets),
        None => PrivateKey::from_private_key_der(&ECDH_P256, der),
    };
    if let Ok(key) = agreement {
        let public = agreement_public(&key)?;
        return Ok((Inner::Agree(key), public));
    }
    let pair = RsaKeyPair::from_pkcs8(der).map_err(|_| KeyError::Unusable)?;
    Ok((unwrapping(der)?, rsa_public(&pair)?))
}

fn from_members(members: &Members) -> Result<(Inner, Material), KeyError> {
    let agreement = |curve: &'static Algorithm, public: Material| {
        let key = PrivateKey::from_private_key(curve, &secret_value(members)?).map_err(|_| KeyError::Unusable)?;
        if agreement_public(&key)? == public { Ok((Inner::Agree(key), public)) } else { Err(KeyError::Unusable) }
    };
    match Material::read(members).map_err(|_| KeyError::Unusable)? {
        public @ Material::P256(_) => agreement(&ECDH_P256, public),
        public @ Material::X25519(_) => agreement(&X25519, public),
        public @ Material::Rsa { .. } => Ok((unwrapping(&rsa_pkcs8(&rsa_from_members(members)?)?)?, public)),
        Material::P384(_) | Material::Ed25519(_) => Err(KeyError::Unusable),
    }
}

fn unwrapping(der: &[u8]) -> Result<Inner, KeyError> {
    let key = PrivateDecryptingKey::from_pkcs8(der).and_then(|key| Ok(OaepPrivateDecryptingKey::new(key)?));
    key.map(Inner::Unwrap).map_err(|_| KeyError::Unusable)
}

/// The public part of a key on P-256 or X25519; the length tells which.
fn agreement_public(key: &PrivateKey) -> Result<Material, KeyError> {
    let public = key.compute_public_key().map_err(|_| KeyError::Unusable)?;
    let octets = public.as_ref();
    Ok(match <[u8; 32]>::try_from(octets) {
        Ok(octets) => Material::X25519(octets),
        Err(_) => Material::P256(octets.to_vec()),
    })
}

/// A content key, and how the other side comes to it.
pub(super) struct Sent {
    pub(super) content_key: ContentKey,
    pub(super) encrypted_key: Vec<u8>,
    /// The ephemeral public key, for `epk`.
    pub(super) ephemeral: Option<Value>,
}

/// Makes a content key for the holder of `to`.
pub(super) fn send(to: &Material) -> Result<Sent, JweError> {
    match to {
        Material::P256(_) => agreed(&ECDH_P256, to),
        Material::X25519(_) => agreed(&X25519, to),
        Material::Rsa { n, e } => wrapped(RsaPublicKeyComponents { n, e }),
        Material::P384(_) | Material::Ed25519(_) => Err(JweError::Key),
    }
}

fn agreed(curve: &'static Algorithm, to: &Material) -> Result<Sent, JweError> {
    let ephemeral = PrivateKey::generate(curve).map_err(|_| JweError::Key)?;
    let content_key = agreed_key(&ephemeral, to, &direct(b"", b"")).ok_or(JweError::Key)?;
    let public = agreement_public(&ephemeral).map_err(|_| JweError::Key)?;
    let written = public.members().into_iter().collect();
    Ok(Sent { content_key, encrypted_key: Vec::new(), ephemeral: Some(written) })
}

fn wrapped(to: RsaPublicKeyComponents<&Vec<u8>>) -> Result<Sent, JweError> {
    let public: PublicEncryptingKey = to.try_into().map_err(|_| JweError::Key)?;
    let public = OaepPublicEncryptingKey::new(public).map_err(|_| JweError::Key)?;
    let content_key: ContentKey = Zeroizing::new(secret::random());
    let mut encrypted_key = vec![0; public.ciphertext_size()];
    public
        .encrypt(&OAEP_SHA256_MGF1SHA256, content_key.as_slice(), &mut encrypted_key, None)
        .map_err(|_| JweError::Key)?;
    Ok(Sent { content_key, encrypted_key, ephemeral: None })
}
