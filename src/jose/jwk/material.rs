//! The public part of a key, in the form that the mathematics takes: checked to be on its curve, or long enough.

use std::collections::BTreeMap;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

use super::super::algorithm::SignatureAlgorithm;
use super::super::encoding::{decode, decode_exact, encode};
use super::{JwkError, Members};

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::jose) enum Material {
    /// An uncompressed point, 65 bytes.
    P256(Vec<u8>),
    /// An uncompressed point, 97 bytes.
    P384(Vec<u8>),
    Ed25519([u8; 32]),
    X25519([u8; 32]),
    /// Modulus and exponent, both big-endian without leading zeros.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

/// Fewest bits of an RSA modulus (RFC 7518 section 3.5).
const RSA_BITS_MIN: usize = 2048;

/// Most bits of an RSA modulus, so that a check stays cheap.
const RSA_BITS_MAX: usize = 4096;

/// The smallest exponent, and the most bytes of one (FIPS 186-5 section A.1.1 asks for more than 2^16).
const RSA_EXPONENT_MIN: u64 = 65_537;
const RSA_EXPONENT_BYTES: usize = 4;

impl Material {
    /// Reads the public members.
    pub(in crate::jose) fn read(members: &Members) -> Result<Self, JwkError> {
        match (members.kty.as_deref(), members.crv.as_deref()) {
            (Some("EC"), Some("P-256")) => point(&ECDSA_P256_SHA256_FIXED, 32, members).map(Self::P256),
            (Some("EC"), Some("P-384")) => point(&ECDSA_P384_SHA384_FIXED, 48, members).map(Self::P384),
            (Some("OKP"), Some("Ed25519")) => {
                let key = octets(members)?;
                ParsedPublicKey::new(&ED25519, key).map_err(|_| JwkError::Value)?;
                Ok(Self::Ed25519(key))
            }
            (Some("OKP"), Some("X25519")) => octets(members).map(Self::X25519),
            (Some("RSA"), None) => rsa(members),
            (Some("EC" | "OKP"), None) | (None, _) => Err(JwkError::Missing),
            _ => Err(JwkError::Unknown),
        }
    }

    /// The public members, in the order in which RFC 7638 section 3.3 hashes them.
    pub(in crate::jose) fn members(&self) -> BTreeMap<&'static str, String> {
        let curve =
            |kty: &str, crv: &str, x: &[u8]| [("crv", crv.to_owned()), ("kty", kty.to_owned()), ("x", encode(x))];
        let on_curve = |crv: &str, point: &[u8]| {
            // After the byte that says "uncompressed" come two halves.
            let (x, y) = point.split_first().map(|(_, halves)| halves.split_at(halves.len() / 2)).unwrap_or_default();
            BTreeMap::from_iter(curve("EC", crv, x).into_iter().chain([("y", encode(y))]))
        };
        match self {
            Self::P256(point) => on_curve("P-256", point),
            Self::P384(point) => on_curve("P-384", point),
            Self::Ed25519(x) => BTreeMap::from(curve("OKP", "Ed25519", x)),
            Self::X25519(x) => BTreeMap::from(curve("OKP", "X25519", x)),
            Self::Rsa { n, e } => BTreeMap::from([("e", encode(e)), ("kty", "RSA".to_owned()), ("n", encode(n))]),
        }
    }

    /// Whether a key of this type can make signatures of this kind.
    pub(in crate::jose) const fn signs(&self, algorithm: SignatureAlgorithm) -> bool {
        matches!(
            (self, algorithm),
            (Self::P256(_), SignatureAlgorithm::Es256)
                | (Self::P384(_), SignatureAlgorithm::Es384)
                | (Self::Ed25519(_), SignatureAlgorithm::EdDsa)
                | (Self::Rsa { .. }, SignatureAlgorithm::Ps256 | SignatureAlgorithm::Rs256)
        )
    }

    /// Checks a signature. A key of another type verifies nothing.
    pub(in crate::jose) fn verify(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        let plain = |by: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(by, key).verify(message, signature).is_ok()
        };
        let rsa = |by, n, e| RsaPublicKeyComponents { n, e }.verify(by, message, signature).is_ok();
        match (self, algorithm) {
            (Self::P256(point), SignatureAlgorithm::Es256) => plain(&ECDSA_P256_SHA256_FIXED, point),
            (Self::P384(point), SignatureAlgorithm::Es384) => plain(&ECDSA_P384_SHA384_FIXED, point),
            (Self::Ed25519(key), SignatureAlgorithm::EdDsa) => plain(&ED25519, key),
            (Self::Rsa { n, e }, SignatureAlgorithm::Ps256) => rsa(&RSA_PSS_2048_8192_SHA256, n, e),
            (Self::Rsa { n, e }, SignatureAlgorithm::Rs256) => rsa(&RSA_PKCS1_2048_8192_SHA256, n, e),
            _ => false,
        }
    }
}

/// A point, both coordinates at full length (RFC 7518 section 6.2.1.2), on the curve.
fn point(curve: &'static dyn VerificationAlgorithm, bytes: usize, members: &Members) -> Result<Vec<u8>, JwkError> {
    let (Some(x), Some(y)) = (&members.x, &members.y) else { return Err(JwkError::Missing) };
    let (Some(x), Some(y)) = (decode(x), decode(y)) else { return Err(JwkError::Value) };
    if x.len() != bytes || y.len() != bytes {
        return Err(JwkError::Value);
    }
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    match ParsedPublicKey::new(curve, &point) {
        Ok(_) => Ok(point),
        Err(_) => Err(JwkError::Value),
    }
}

fn octets(members: &Members) -> Result<[u8; 32], JwkError> {
    let x = members.x.as_deref().ok_or(JwkError::Missing)?;
    decode_exact(x).map(|octets| *octets).ok_or(JwkError::Value)
}

fn rsa(members: &Members) -> Result<Material, JwkError> {
    let (Some(n), Some(e)) = (&members.n, &members.e) else { return Err(JwkError::Missing) };
    let (Some(n), Some(e)) = (decode(n), decode(e)) else { return Err(JwkError::Value) };
    if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits(&n)) {
        return Err(JwkError::Size);
    }
    let exponent = e.iter().fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
    if e.len() > RSA_EXPONENT_BYTES || exponent < RSA_EXPONENT_MIN || exponent % 2 == 0 {
        return Err(JwkError::Value);
    }
    let (n, e) = (n.to_vec(), e.to_vec());
    RsaPublicKeyComponents { n: &n, e: &e }
        .to_parsed_public_key(&RSA_PSS_2048_8192_SHA256)
        .map_err(|_| JwkError::Value)?;
    Ok(Material::Rsa { n, e })
}

fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}
