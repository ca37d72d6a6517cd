//! Our own private keys, as they stand in a file: PEM (PKCS#8) or JWK.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeyPairComponents};
use aws_lc_rs::signature::{KeyPair as _, RsaPublicKeyComponents};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use super::encoding::decode;
use super::jwk::{Jwk, Material, Members};

/// Why a text gives no key. It is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither a PEM block `PRIVATE KEY` nor a JWK.
    #[error("the file must hold one private key: PKCS#8 in PEM (BEGIN PRIVATE KEY), or a JWK")]
    Form,
    /// A kind of key that cannot do this, or whose parts do not belong together.
    #[error("the private key is of a kind that cannot be used here, or is damaged")]
    Unusable,
}

/// A private key as written.
pub(super) enum Written {
    Pkcs8(Zeroizing<Vec<u8>>),
    Jwk(Box<Members>),
}

impl Written {
    /// Reads a file.
    pub(super) fn parse(text: &str) -> Result<Self, KeyError> {
        if text.len() > Jwk::BYTES_MAX {
            return Err(KeyError::Form);
        }
        if text.trim_start().starts_with('{') {
            let members = serde_json::from_str(text).map_err(|_| KeyError::Form)?;
            return Ok(Self::Jwk(Box::new(members)));
        }
        let key = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).map_err(|_| KeyError::Form)?;
        Ok(Self::Pkcs8(Zeroizing::new(key.secret_pkcs8_der().to_vec())))
    }

    /// Its `kid`, which only a JWK has.
    pub(super) fn key_id(&self) -> Option<String> {
        match self {
            Self::Pkcs8(_) => None,
            Self::Jwk(members) => members.kid.clone(),
        }
    }
}

/// The secret value `d` of a key on a curve.
pub(super) fn secret_value(members: &Members) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    members.d.as_ref().and_then(|d| decode(d)).ok_or(KeyError::Unusable)
}

/// An RSA key pair from the members of a JWK, which must all be there and agree (RFC 7518 section 6.3.2).
pub(super) fn rsa_from_members(members: &Members) -> Result<RsaKeyPair, KeyError> {
    let Ok(Material::Rsa { n, e }) = Material::read(members) else { return Err(KeyError::Unusable) };
    if members.oth {
        return Err(KeyError::Unusable);
    }
    let part = |part: &Option<Zeroizing<String>>| part.as_ref().and_then(|text| decode(text)).ok_or(KeyError::Unusable);
    let components = KeyPairComponents {
        public_key: RsaPublicKeyComponents { n, e },
        d: part(&members.d)?,
        p: part(&members.p)?,
        q: part(&members.q)?,
        dP: part(&members.dp)?,
        dQ: part(&members.dq)?,
        qInv: part(&members.qi)?,
    };
    RsaKeyPair::from_components(&components).map_err(|_| KeyError::Unusable)
}

/// The public part of an RSA key pair, held to the same bounds as that of a peer.
pub(super) fn rsa_public(pair: &RsaKeyPair) -> Result<Material, KeyError> {
    use super::encoding::encode;
    let public = pair.public_key();
    let members = Members {
        kty: Some("RSA".to_owned()),
        n: Some(encode(public.modulus().big_endian_without_leading_zero())),
        e: Some(encode(public.exponent().big_endian_without_leading_zero())),
        ..Members::default()
    };
    Material::read(&members).map_err(|_| KeyError::Unusable)
}

/// An RSA key pair as PKCS#8.
pub(super) fn rsa_pkcs8(pair: &RsaKeyPair) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let der = pair.as_der().map_err(|_| KeyError::Unusable)?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}
