//! The keys of the portal, ours to which it encrypts, and ours with which we prove to a HIS who we are. Made once and kept, so
//! that a program can take them up.

use std::path::Path;

use aws_lc_rs::agreement::{Algorithm, ECDH_P256, ECDH_P384, PrivateKey};
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

/// File of the gateway's private key towards the provider of the organisation, a JWK for ES256.
pub(in crate::sandbox) const OPERATORS_PRIVATE: &str = "beheer-login.jwk.json";
/// File of its public key, a JWKS: what that provider has registered of it.
pub(in crate::sandbox) const OPERATORS_PUBLIC: &str = "beheer-login.jwks.json";

/// The same for the pages of practices, coalitions, the OPEN programme and insurers.
pub(in crate::sandbox) const OPEN_PRIVATE: &str = "open-login.jwk.json";
/// File of its public key, a JWKS.
pub(in crate::sandbox) const OPEN_PUBLIC: &str = "open-login.jwks.json";

/// File of the gateway's private key towards a HIS, a JWK for ES384.
pub(in crate::sandbox) const BACKEND_PRIVATE: &str = "backend.jwk.json";
/// File of its public key, a JWKS: what the HIS has registered of it.
pub(in crate::sandbox) const BACKEND_PUBLIC: &str = "backend.jwks.json";

/// A curve as keys and algorithms name it.
struct Curve {
    name: &'static str,
    agreement: &'static Algorithm,
    /// Length of a coordinate, in bytes.
    length: usize,
}

const P256: Curve = Curve { name: "P-256", agreement: &ECDH_P256, length: 32 };
const P384: Curve = Curve { name: "P-384", agreement: &ECDH_P384, length: 48 };

/// Writes those that are not there.
pub(in crate::sandbox) fn make(dir: &Path) -> std::io::Result<()> {
    pair(dir, [PRIVATE, PUBLIC], || draw("portaal-1", "sig", "ES256", &P256))?;
    pair(dir, [BACKEND_PRIVATE, BACKEND_PUBLIC], || draw("inzage-his-1", "sig", "ES384", &P384))?;
    pair(dir, [OPERATORS_PRIVATE, OPERATORS_PUBLIC], || draw("inzage-beheer-1", "sig", "ES256", &P256))?;
    pair(dir, [OPEN_PRIVATE, OPEN_PUBLIC], || draw("inzage-open-1", "sig", "ES256", &P256))?;
    if !dir.join(ASSERTIONS).exists() {
        write_private(&dir.join(ASSERTIONS), draw("inzage-1", "enc", "ECDH-ES", &P256)?.to_string().as_bytes())?;
    }
    Ok(())
}

/// A private key and the set that its public half is registered in.
fn pair(dir: &Path, [private, set]: [&str; 2], draw: impl Fn() -> std::io::Result<Value>) -> std::io::Result<()> {
    if dir.join(private).exists() && dir.join(set).exists() {
        return Ok(());
    }
    let key = draw()?;
    write_private(&dir.join(private), key.to_string().as_bytes())?;
    std::fs::write(dir.join(set), json!({"keys": [public(&key)]}).to_string())
}

/// A new private key (RFC 7518 section 6.2.2).
fn draw(kid: &str, purpose: &str, alg: &str, curve: &Curve) -> std::io::Result<Value> {
    let failed = |_| std::io::Error::other("a key cannot be made");
    let key = PrivateKey::generate(curve.agreement).map_err(failed)?;
    let secret: EcPrivateKeyBin<'_> = key.as_be_bytes().map_err(failed)?;
    let point = key.compute_public_key().map_err(failed)?;
    // Uncompressed: 0x04, then x and y.
    let (x, y) = point.as_ref().get(1..).and_then(|both| both.split_at_checked(curve.length)).unwrap_or_default();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (d, x, y) = (text(secret.as_ref()), text(x), text(y));
    Ok(json!({"kty": "EC", "crv": curve.name, "kid": kid, "use": purpose, "alg": alg, "x": x, "y": y, "d": d}))
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
        let opening = draw("b", "enc", "ECDH-ES", &P256).unwrap();
        assert_eq!(DecryptionKey::parse(&opening.to_string()).unwrap().key_id(), "b");
        for (alg, curve) in [("ES256", &P256), ("ES384", &P384)] {
            let signing = draw("a", "sig", alg, curve).unwrap();
            let key = SigningKey::parse(&signing.to_string()).unwrap();
            let set = Jwks::parse(&json!({"keys": [public(&signing)]}).to_string()).unwrap();
            assert_eq!(set.keys(), [key.public()]);
        }
    }
}
