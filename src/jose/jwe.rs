//! Encrypted tokens in compact form (RFC 7516 section 7.1): opened with our keys, and made for the keys of others.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::algorithm::{CONTENT_ENCRYPTION, KeyManagement};
use super::encoding::{decode, decode_exact, encode, is_media_type, key_id, present, text};
use super::jwk::{Jwk, Members};
use crate::secret::{self, Secret};

mod agree;
mod key;

pub use key::DecryptionKey;

/// Why an encrypted token is refused, or cannot be made. Nothing of the token is repeated, and whatever goes wrong with a key
/// or a tag is one and the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JweError {
    /// Longer than the bound.
    #[error("the encrypted token is too long")]
    TooLarge,
    /// Not five parts of base64url, or the header is no JSON object of the right form.
    #[error("not an encrypted token in compact form")]
    Form,
    /// Another `alg` or `enc`, an extension (`crit`), or compression (`zip`), which leaks what is encrypted.
    #[error("the token is encrypted in a way that is not allowed here")]
    Algorithm,
    /// It does not open: no key of ours, or something was changed.
    #[error("the encrypted token does not open with any key of ours")]
    Undecryptable,
    /// The public key is of no kind that tokens can be encrypted to.
    #[error("the key is not one to encrypt to")]
    Key,
}

/// The content encryption key.
type ContentKey = Zeroizing<[u8; 32]>;

/// An encrypted token, taken apart.
pub struct Jwe<'t> {
    header: Header,
    management: KeyManagement,
    /// The public key that the sender drew for this token.
    ephemeral: Option<Jwk>,
    /// The header as written: it is covered by the tag.
    protected: &'t str,
    encrypted_key: Zeroizing<Vec<u8>>,
    nonce: [u8; NONCE_LEN],
    /// Ciphertext, and the tag of 16 bytes after it.
    sealed: Zeroizing<Vec<u8>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Header {
    #[serde(deserialize_with = "text")]
    alg: Option<String>,
    #[serde(deserialize_with = "text")]
    enc: Option<String>,
    #[serde(deserialize_with = "key_id")]
    kid: Option<String>,
    #[serde(deserialize_with = "text")]
    cty: Option<String>,
    #[serde(deserialize_with = "text")]
    apu: Option<String>,
    #[serde(deserialize_with = "text")]
    apv: Option<String>,
    epk: Option<Members>,
    #[serde(deserialize_with = "present")]
    crit: bool,
    #[serde(deserialize_with = "present")]
    zip: bool,
}

impl<'t> Jwe<'t> {
    /// Longest token that is read, in bytes: room for a signed token of 16 KiB inside.
    pub const BYTES_MAX: usize = 32 * 1024;

    /// Whether a text has the five parts of an encrypted token rather than the three of a signed one.
    #[must_use]
    pub fn looks_like(token: &str) -> bool {
        token.bytes().filter(|byte| *byte == b'.').count() == 4
    }

    /// Takes a token apart.
    ///
    /// # Errors
    /// [`JweError::TooLarge`], [`JweError::Form`] or [`JweError::Algorithm`].
    pub fn parse(token: &'t str) -> Result<Self, JweError> {
        if token.len() > Self::BYTES_MAX {
            return Err(JweError::TooLarge);
        }
        let parts: Vec<&str> = token.splitn(6, '.').collect();
        let &[protected, key, nonce, ciphertext, tag] = parts.as_slice() else { return Err(JweError::Form) };
        let header = decode(protected).and_then(|json| serde_json::from_slice(&json).ok());
        let mut header: Header = header.ok_or(JweError::Form)?;
        let management = header.management()?;
        let ephemeral = header.epk.take().map(Jwk::from_members).transpose().map_err(|_| JweError::Form)?;
        let tag = decode_exact::<TAG_BYTES>(tag).ok_or(JweError::Form)?;
        let mut sealed = decode(ciphertext).ok_or(JweError::Form)?;
        sealed.extend_from_slice(tag.as_slice());
        let encrypted_key = decode(key).ok_or(JweError::Form)?;
        let nonce = *decode_exact(nonce).ok_or(JweError::Form)?;
        Ok(Self { header, management, ephemeral, protected, encrypted_key, nonce, sealed })
    }

    /// Opens the token with the key of ours that it names, or else with the only one of the right kind.
    ///
    /// # Errors
    /// [`JweError::Undecryptable`].
    pub fn decrypt(mut self, keys: &[DecryptionKey]) -> Result<Decrypted, JweError> {
        let key = self.choose(keys).and_then(|key| self.content_key(key)).ok_or(JweError::Undecryptable)?;
        let aad = Aad::from(self.protected.as_bytes());
        let opened = cipher(&key).open_in_place(Nonce::assume_unique_for_key(self.nonce), aad, &mut self.sealed);
        let length = opened.map_err(|_| JweError::Undecryptable)?.len();
        self.sealed.truncate(length);
        Ok(Decrypted { payload: self.sealed, content_type: self.header.cty })
    }

    fn choose<'k>(&self, keys: &'k [DecryptionKey]) -> Option<&'k DecryptionKey> {
        let named = |key: &&DecryptionKey| self.header.kid.as_deref().is_none_or(|id| key.key_id() == id);
        let mut fitting = keys.iter().filter(named).filter(|key| key.management() == self.management);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Some(key),
            _ => None,
        }
    }

    fn content_key(&self, key: &DecryptionKey) -> Option<ContentKey> {
        match self.management {
            // The agreed key is the content key: nothing may stand in the second part (RFC 7516 section 5.2 step 10).
            KeyManagement::EcdhEs if self.encrypted_key.is_empty() => key.agree(
                self.ephemeral.as_ref()?,
                &party(self.header.apu.as_ref())?,
                &party(self.header.apv.as_ref())?,
            ),
            KeyManagement::EcdhEs => None,
            // A key that does not come out is replaced by a random one, so that it fails at the tag like any other
            // (RFC 7516 section 11.5).
            KeyManagement::RsaOaep256 => {
                Some(key.unwrap(&self.encrypted_key).unwrap_or_else(|| Zeroizing::new(secret::random())))
            }
        }
    }
}

const TAG_BYTES: usize = 16;

impl Header {
    fn management(&self) -> Result<KeyManagement, JweError> {
        let (Some(alg), Some(enc)) = (&self.alg, &self.enc) else { return Err(JweError::Form) };
        if self.crit || self.zip || enc != CONTENT_ENCRYPTION {
            return Err(JweError::Algorithm);
        }
        KeyManagement::parse(alg).ok_or(JweError::Algorithm)
    }
}

/// `apu` or `apv`; absent is empty (RFC 7518 section 4.6.2).
fn party(written: Option<&String>) -> Option<Zeroizing<Vec<u8>>> {
    decode(written.map_or("", String::as_str))
}

impl fmt::Debug for Jwe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwe").field("management", &self.management).finish_non_exhaustive()
    }
}

/// What was encrypted to us. Encryption alone says nothing about who did it.
pub struct Decrypted {
    payload: Zeroizing<Vec<u8>>,
    content_type: Option<String>,
}

impl Decrypted {
    /// The text inside, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.payload).ok()
    }

    /// The signed token inside, when the header says that there is one: `cty` is `JWT` (RFC 7519 section 5.2).
    #[must_use]
    pub fn nested(&self) -> Option<&str> {
        self.content_type.as_deref().filter(|found| is_media_type(found, "JWT")).and_then(|_| self.text())
    }
}

impl fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decrypted([redacted])")
    }
}

/// Encrypts `payload` to a public key of a peer: ECDH-ES on P-256 or X25519, or RSA-OAEP-256; always A256GCM. `content_type`
/// is `JWT` when the payload is a signed token.
///
/// # Errors
/// [`JweError::Key`].
pub fn encrypt(payload: &[u8], to: &Jwk, content_type: Option<&str>) -> Result<Secret<String>, JweError> {
    let management = to.encrypts().ok_or(JweError::Key)?;
    let mut header = json!({"alg": management.name(), "enc": CONTENT_ENCRYPTION});
    let mut put = |name: &str, value: Option<serde_json::Value>| {
        if let (Some(members), Some(value)) = (header.as_object_mut(), value) {
            members.insert(name.to_owned(), value);
        }
    };
    put("kid", to.key_id().map(Into::into));
    put("cty", content_type.map(Into::into));
    let sent = key::send(to.material())?;
    put("epk", sent.ephemeral);
    let protected = encode(header.to_string());
    let mut sealed = Vec::with_capacity(payload.len() + TAG_BYTES);
    sealed.extend_from_slice(payload);
    let nonce = secret::random::<NONCE_LEN>();
    let aad = Aad::from(protected.as_bytes());
    let tag = cipher(&sent.content_key)
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
        .map_err(|_| JweError::TooLarge)?;
    let parts = [protected, encode(sent.encrypted_key), encode(nonce), encode(sealed), encode(tag.as_ref())];
    Ok(Secret::new(parts.join(".")))
}

fn cipher(key: &ContentKey) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_slice()).expect("AES-256 takes a key of 32 bytes"))
}
