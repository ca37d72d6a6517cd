//! The keys of the portal, and ours to which it encrypts. Made once and kept, so that a program can take them up.

use std::path::Path;

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::encoding::{AsBigEndian as _, EcPrivateKeyBin};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::sandbox::pki::write_private;

/// File of the portal's private key, a JWK for ES256.
pub(in crate::sandbox) const PRIVATE: &str = "portaal.jwk.json";
/// File of its public key, a JWKS: what is registered of it.
pub(in crate::sandbox) const PUBLIC: &str = "portaal.jwks.json";
/// File of the gateway's private key for what portals encrypt to it.
pub(in crate::sandbox) const ASSERTIONS: &str = "assertions.jwk.json";

/// Writes those that are not there.
pub(in crate::sandbox) fn make(dir: &Path) -> std::io::Result<()> {
    if !dir.join(PRIVATE).exists() || !dir.join(PUBLIC).exists() {
        let key = draw("portaal-1", "sig", "ES256")?;
        write_private(&dir.join(PRIVATE), key.to_string().as_bytes())?;
        std::fs::write(dir.join(PUBLIC), json!({"keys": [public(&key)]}).to_string())?;
    }
    if !dir.join(ASSERTIONS).exists() {
        write_private(&dir.join(ASSERTIONS), draw("inzage-1", "enc", "ECDH-ES")?.to_string().as_bytes())?;
    }
    Ok(())
}

/// A new private key on P-256 (RFC 7518 section 6.2.2).
fn draw(kid: &str, purpose: &str, alg: &str) -> std::io::Result<Value> {
    let failed = |_| std::io::Error::other("a key cannot be made");
    let key = PrivateKey::generate(&ECDH_P256).map_err(failed)?;
    let secret: EcPrivateKeyBin<'_> = key.as_be_bytes().map_err(failed)?;
    let point = key.compute_public_key().map_err(failed)?;
    // Uncompressed: 0x04, then x and y.
    let (x, y) = point.as_ref().get(1..).and_then(|both| both.split_at_checked(32)).unwrap_or_default();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (d, x, y) = (text(secret.as_ref()), text(x), text(y));
    Ok(json!({"kty": "EC", "crv": "P-256", "kid": kid, "use": purpose, "alg": alg, "x": x, "y": y, "d": d}))
}

fn public(key: &Value) -> Value {
    let mut public = key.clone();
    if let Some(members) = public.as_object_mut() {
        members.remove("d");
    }
    public
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{DecryptionKey, Jwks, SigningKey};

    #[test]
    fn the_keys_are_those_of_the_formats() {
        let (signing, opening) = (draw("a", "sig", "ES256").unwrap(), draw("b", "enc", "ECDH-ES").unwrap());
        let key = SigningKey::parse(&signing.to_string()).unwrap();
        let set = Jwks::parse(&json!({"keys": [public(&signing)]}).to_string()).unwrap();
        assert_eq!(set.keys(), [key.public()]);
        assert_eq!(DecryptionKey::parse(&opening.to_string()).unwrap().key_id(), "b");
    }
}
