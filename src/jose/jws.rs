//! Signed tokens in compact form (RFC 7515 section 7.1): taken apart, then verified.

use std::fmt;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::algorithm::SignatureAlgorithm;
use super::claims::Claims;
use super::encoding::{decode, is_media_type, key_id, present, text};
use super::jwks::Jwks;

/// Why a signed token is refused. Nothing of the token is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Longer than the bound.
    #[error("the token is too long")]
    TooLarge,
    /// Not three parts of base64url, or the header is no JSON object of the right form.
    #[error("not a signed token in compact form")]
    Form,
    /// It has `crit`: an extension that must be understood, and none is.
    #[error("the token asks for an extension that is not known here (crit)")]
    Critical,
    /// Signed in a way that is not allowed, or not signed.
    #[error("the algorithm of the token is not allowed here")]
    Algorithm,
    /// The `typ` is another one, or is missing.
    #[error("the token is of another type (typ)")]
    Type,
    /// No key has its `kid`, or none fits its algorithm.
    #[error("no key of the sender fits the token")]
    UnknownKey,
    /// No `kid`, and more than one key fits.
    #[error("the token names no key, and several fit")]
    AmbiguousKey,
    /// The signature is not that of the key over this token.
    #[error("the signature of the token is not valid")]
    Signature,
    /// What it carries is no JSON object, or a claim stands twice.
    #[error("the token does not carry claims")]
    Claims,
}

/// What a caller asks of a signed token before its claims are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The only algorithms that are accepted.
    pub algorithms: &'a [SignatureAlgorithm],
    /// The `typ` that it must have, if that is asked (RFC 8725 section 3.11).
    pub typ: Option<&'a str>,
}

/// A signed token, taken apart. Nothing in it is true yet.
pub struct Jws<'t> {
    header: Header,
    algorithm: SignatureAlgorithm,
    signed: &'t str,
    payload: Zeroizing<Vec<u8>>,
    signature: Zeroizing<Vec<u8>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Header {
    #[serde(deserialize_with = "text")]
    alg: Option<String>,
    #[serde(deserialize_with = "key_id")]
    kid: Option<String>,
    #[serde(deserialize_with = "text")]
    typ: Option<String>,
    #[serde(deserialize_with = "present")]
    crit: bool,
}

impl<'t> Jws<'t> {
    /// Longest token that is read, in bytes.
    pub const BYTES_MAX: usize = 16 * 1024;

    /// Takes a token apart.
    ///
    /// # Errors
    /// [`JwsError::TooLarge`], [`JwsError::Form`], [`JwsError::Critical`] or [`JwsError::Algorithm`].
    pub fn parse(token: &'t str) -> Result<Self, JwsError> {
        if token.len() > Self::BYTES_MAX {
            return Err(JwsError::TooLarge);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwsError::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::Form)?;
        let (Some(header), Some(payload), Some(signature)) = (decode(header), decode(payload), decode(signature))
        else {
            return Err(JwsError::Form);
        };
        let header: Header = serde_json::from_slice(&header).map_err(|_| JwsError::Form)?;
        let algorithm = header.algorithm()?;
        Ok(Self { header, algorithm, signed, payload, signature })
    }

    /// A claim as the token states it, unproven: good for one thing, to find the keys of whoever it says sent it.
    #[must_use]
    pub fn claimed(&self, name: &str) -> Option<String> {
        Claims::parse(&self.payload)?.text(name).map(str::to_owned)
    }

    /// Verifies the token with the one key of `keys` that it names, or that fits.
    ///
    /// # Errors
    /// [`JwsError::Algorithm`], [`JwsError::Type`], [`JwsError::UnknownKey`], [`JwsError::AmbiguousKey`] or
    /// [`JwsError::Signature`].
    pub fn verify(self, keys: &Jwks, rules: &Rules<'_>) -> Result<Verified<Zeroizing<Vec<u8>>>, JwsError> {
        if !rules.algorithms.contains(&self.algorithm) {
            return Err(JwsError::Algorithm);
        }
        let typ = self.header.typ.as_deref();
        if rules.typ.is_some_and(|expected| !typ.is_some_and(|found| is_media_type(found, expected))) {
            return Err(JwsError::Type);
        }
        let key = keys.choose(self.header.kid.as_deref(), self.algorithm)?;
        if !key.material().verify(self.algorithm, self.signed.as_bytes(), &self.signature) {
            return Err(JwsError::Signature);
        }
        Ok(Verified { value: self.payload, algorithm: self.algorithm, key_id: self.header.kid })
    }
}

impl Header {
    fn algorithm(&self) -> Result<SignatureAlgorithm, JwsError> {
        if self.crit {
            return Err(JwsError::Critical);
        }
        let name = self.alg.as_deref().ok_or(JwsError::Form)?;
        SignatureAlgorithm::parse(name).ok_or(JwsError::Algorithm)
    }
}

impl fmt::Debug for Jws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jws").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// What a key of the sender has signed. Only [`Jws::verify`] makes it.
pub struct Verified<T> {
    value: T,
    algorithm: SignatureAlgorithm,
    key_id: Option<String>,
}

impl<T> Verified<T> {
    /// What was signed.
    pub const fn value(&self) -> &T {
        &self.value
    }

    /// What was signed, on its own: the proof ends here.
    pub fn into_value(self) -> T {
        self.value
    }

    /// How it was signed.
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The `kid` that the token named.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }
}

impl Verified<Zeroizing<Vec<u8>>> {
    /// Reads the payload as claims.
    ///
    /// # Errors
    /// [`JwsError::Claims`].
    pub fn claims(self) -> Result<Verified<Claims>, JwsError> {
        let value = Claims::parse(&self.value).ok_or(JwsError::Claims)?;
        Ok(Verified { value, algorithm: self.algorithm, key_id: self.key_id })
    }
}

impl<T> fmt::Debug for Verified<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
