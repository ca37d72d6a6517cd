//! Signing with our own keys. The kind of key decides the algorithm, so one key never signs in two ways.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _, RSA_PSS_SHA256,
};
use serde_json::{Value, json};

use super::algorithm::SignatureAlgorithm;
use super::encoding::encode;
use super::jwk::{Jwk, Material, Members, published, thumbprint};
use super::keys::{KeyError, Written, rsa_from_members, rsa_public, secret_value};
use crate::secret::Secret;

/// A private key of ours that signs: ES256, ES384, PS256 or EdDSA.
pub struct SigningKey {
    key_id: String,
    algorithm: SignatureAlgorithm,
    pair: Pair,
    public: Material,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl SigningKey {
    /// Reads PKCS#8 in PEM, or a JWK. A key without `kid` is named by its thumbprint (RFC 7638).
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let written = Written::parse(text)?;
        let pair = match &written {
            Written::Pkcs8(der) => Pair::from_pkcs8(der)?,
            Written::Jwk(members) => Pair::from_members(members)?,
        };
        Self::of(pair, written.key_id())
    }

    /// Draws a new key for `algorithm`. It lives in memory only.
    ///
    /// # Errors
    /// [`KeyError::Unusable`] when the algorithm is none that we sign with.
    pub fn generate(algorithm: SignatureAlgorithm) -> Result<Self, KeyError> {
        let ecdsa = |curve| EcdsaKeyPair::generate(curve).map(Pair::Ecdsa);
        let pair = match algorithm {
            SignatureAlgorithm::Es256 => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
            SignatureAlgorithm::Es384 => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
            SignatureAlgorithm::EdDsa => Ed25519KeyPair::generate().map(Pair::Ed25519),
            SignatureAlgorithm::Ps256 => RsaKeyPair::generate(KeySize::Rsa2048).map(|pair| Pair::Rsa(Box::new(pair))),
            SignatureAlgorithm::Rs256 => return Err(KeyError::Unusable),
        };
        Self::of(pair.map_err(|_| KeyError::Unusable)?, None)
    }

    fn of(pair: Pair, key_id: Option<String>) -> Result<Self, KeyError> {
        let (algorithm, public) = pair.public()?;
        let key_id = key_id.unwrap_or_else(|| thumbprint(&public));
        Ok(Self { key_id, algorithm, pair, public })
    }

    /// The `kid` that its tokens carry.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// How it signs.
    #[must_use]
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The public key as a JWK, for a set that we publish.
    #[must_use]
    pub fn published(&self) -> Value {
        published(&self.public, &self.key_id, "sig", self.algorithm().name())
    }

    /// The public key, to verify with.
    #[must_use]
    pub fn public(&self) -> Jwk {
        Jwk::own(self.key_id.clone(), "sig", self.algorithm().name(), self.public.clone())
    }

    /// Signs claims into a token in compact form, with the `typ` given.
    ///
    /// # Errors
    /// [`KeyError::Unusable`] when the key cannot sign, which its reading has excluded.
    pub fn sign(&self, typ: &str, claims: &Value) -> Result<Secret<String>, KeyError> {
        let header = json!({"alg": self.algorithm().name(), "kid": self.key_id, "typ": typ});
        self.sign_parts(header.to_string().as_bytes(), claims.to_string().as_bytes())
    }

    pub(super) fn sign_parts(&self, header: &[u8], payload: &[u8]) -> Result<Secret<String>, KeyError> {
        let mut token = format!("{}.{}", encode(header), encode(payload));
        let signature = encode(self.pair.sign(token.as_bytes())?);
        token.push('.');
        token.push_str(&signature);
        Ok(Secret::new(token))
    }
}

impl Pair {
    /// Takes the kind of key that it turns out to be.
    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let ecdsa = |curve: &'static EcdsaSigningAlgorithm| EcdsaKeyPair::from_pkcs8(curve, der).map(Self::Ecdsa);
        ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .or_else(|_| ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING))
            .or_else(|_| Ed25519KeyPair::from_pkcs8(der).map(Self::Ed25519))
            .or_else(|_| RsaKeyPair::from_pkcs8(der).map(|pair| Self::Rsa(Box::new(pair))))
            .map_err(|_| KeyError::Unusable)
    }

    fn from_members(members: &Members) -> Result<Self, KeyError> {
        let ecdsa = |curve, public: &[u8]| {
            let pair = EcdsaKeyPair::from_private_key_and_public_key(curve, &secret_value(members)?, public);
            pair.map(Self::Ecdsa).map_err(|_| KeyError::Unusable)
        };
        match Material::read(members).map_err(|_| KeyError::Unusable)? {
            Material::P256(point) => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, &point),
            Material::P384(point) => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING, &point),
            Material::Ed25519(public) => {
                let pair = Ed25519KeyPair::from_seed_and_public_key(&secret_value(members)?, &public);
                pair.map(Self::Ed25519).map_err(|_| KeyError::Unusable)
            }
            Material::Rsa { .. } => rsa_from_members(members).map(|pair| Self::Rsa(Box::new(pair))),
            Material::X25519(_) => Err(KeyError::Unusable),
        }
    }

    fn public(&self) -> Result<(SignatureAlgorithm, Material), KeyError> {
        Ok(match self {
            Self::Ecdsa(pair) if pair.algorithm() == &ECDSA_P256_SHA256_FIXED_SIGNING => {
                (SignatureAlgorithm::Es256, Material::P256(pair.public_key().as_ref().to_vec()))
            }
            Self::Ecdsa(pair) => (SignatureAlgorithm::Es384, Material::P384(pair.public_key().as_ref().to_vec())),
            Self::Ed25519(pair) => {
                let public = pair.public_key().as_ref().try_into().map_err(|_| KeyError::Unusable)?;
                (SignatureAlgorithm::EdDsa, Material::Ed25519(public))
            }
            Self::Rsa(pair) => (SignatureAlgorithm::Ps256, rsa_public(pair)?),
        })
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match self {
            Self::Ecdsa(pair) => pair.sign(&random, message).map(|signature| signature.as_ref().to_vec()),
            Self::Ed25519(pair) => pair.try_sign(message).map(|signature| signature.as_ref().to_vec()),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PSS_SHA256, &random, message, &mut signature).map(|()| signature)
            }
        }
        .map_err(|_| KeyError::Unusable)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}
