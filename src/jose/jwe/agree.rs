//! ECDH-ES: the agreed secret made into a key (RFC 7518 section 4.6).

use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::digest::{Context, SHA256};
use zeroize::Zeroizing;

use super::super::jwk::Material;
use super::ContentKey;

/// What the derived key depends on beside the secret: what it is for, and who agree on it.
pub(super) struct Party<'a> {
    /// `enc` in direct mode.
    pub(super) algorithm: &'a str,
    pub(super) apu: &'a [u8],
    pub(super) apv: &'a [u8],
    /// Bits of the derived key; at most 256.
    pub(super) bits: u32,
}

/// The key that `ours` and the public key of the other side agree on; `None` when that is no point of the same curve.
pub(super) fn agreed_key(ours: &PrivateKey, theirs: &Material, context: &Party<'_>) -> Option<ContentKey> {
    let public = match theirs {
        Material::P256(point) | Material::P384(point) => point.as_slice(),
        Material::X25519(octets) => octets,
        Material::Ed25519(_) | Material::Rsa { .. } => return None,
    };
    agree(ours, UnparsedPublicKey::new(ours.algorithm(), public), (), |secret| Ok(derive(secret, context))).ok()
}

/// One round of the Concat KDF with SHA-256 (NIST SP 800-56A section 5.8.1), which is enough for 256 bits.
pub(super) fn derive(secret: &[u8], context: &Party<'_>) -> ContentKey {
    let mut hash = Context::new(&SHA256);
    hash.update(&1_u32.to_be_bytes());
    hash.update(secret);
    for part in [context.algorithm.as_bytes(), context.apu, context.apv] {
        let length = u32::try_from(part.len()).expect("a part of a token of at most 32 KiB");
        hash.update(&length.to_be_bytes());
        hash.update(part);
    }
    hash.update(&context.bits.to_be_bytes());
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(hash.finish().as_ref());
    key
}

#[cfg(test)]
mod tests {
    use super::super::super::encoding::{decode, encode};
    use super::*;
    use aws_lc_rs::agreement::ECDH_P256;

    #[test]
    fn the_example_of_rfc_7518_appendix_c_comes_out() {
        let ephemeral = decode("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo").unwrap();
        let ours = PrivateKey::from_private_key(&ECDH_P256, &ephemeral).unwrap();
        let x = decode("weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ").unwrap();
        let y = decode("e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck").unwrap();
        let theirs = Material::P256([&[4], x.as_slice(), y.as_slice()].concat());
        let context = Party { algorithm: "A128GCM", apu: b"Alice", apv: b"Bob", bits: 128 };
        let key = agreed_key(&ours, &theirs, &context).unwrap();
        assert_eq!(encode(&key[..16]), "VqqN6vgjbSBcIijNcacQGg");
    }
}
