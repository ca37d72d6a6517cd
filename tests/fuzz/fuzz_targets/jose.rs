//! Tokens and keys from outside: nothing panics, what is read keeps its bounds, and nothing that we did not sign verifies.

#![no_main]

use inzage::jose::{Jwe, Jwk, Jwks, Jws, Rules, SignatureAlgorithm};
use libfuzzer_sys::fuzz_target;

/// The key of RFC 7515 appendix A.3 signed one text that is public; the fuzzer has it as a seed.
const KEY: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

const RULES: Rules<'_> = Rules { algorithms: &SignatureAlgorithm::CLIENTS, typ: None };

fuzz_target!(|text: &str| {
    let keys = Jwks::parse(KEY).expect("a key");
    if let Ok(jws) = Jws::parse(text) {
        assert!(text.len() <= Jws::BYTES_MAX);
        let _ = jws.claimed("iss");
        if let Ok(verified) = jws.verify(&keys, &RULES) {
            let claims = verified.claims().expect("the claims of the example");
            assert_eq!(claims.value().text("iss"), Some("joe"));
        }
    }
    if let Ok(jwe) = Jwe::parse(text) {
        assert!(Jwe::looks_like(text) && jwe.decrypt(&[]).is_err());
    }
    if let Ok(key) = Jwk::parse(text) {
        assert_eq!(Jwk::parse(text).as_ref(), Ok(&key));
        let _ = key.encrypts();
    }
    if let Ok(set) = Jwks::parse(text) {
        assert!(set.keys().len() <= Jwks::KEYS_MAX);
        assert_eq!(Jwks::parse_published(text), Ok(set));
    }
});
