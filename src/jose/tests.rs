//! Tokens of other implementations, published examples, forged tokens, and what comes back of our own.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;

mod attacks;
mod claims;
mod encrypted;
mod keys;
mod vectors;

const ALL: [SignatureAlgorithm; 5] = [
    SignatureAlgorithm::Es256,
    SignatureAlgorithm::Es384,
    SignatureAlgorithm::Ps256,
    SignatureAlgorithm::EdDsa,
    SignatureAlgorithm::Rs256,
];

const ANY: Rules<'_> = Rules { algorithms: &ALL, typ: None };

fn now() -> Timestamp {
    Timestamp::from_second(1_793_577_600).unwrap()
}

/// What joserfc made: `{claims, signed: [{alg, token, private, pem}], encrypted: [..]}`.
fn joserfc() -> Value {
    serde_json::from_str(include_str!("../../fixtures/jose/joserfc.json")).unwrap()
}

fn examples(kind: &str) -> Vec<Value> {
    joserfc()[kind].as_array().unwrap().clone()
}

/// The public members of a key.
fn public(private: &Value) -> String {
    let mut key = private.clone();
    for name in ["d", "p", "q", "dp", "dq", "qi"] {
        key.as_object_mut().unwrap().remove(name);
    }
    key.to_string()
}

fn key(algorithm: SignatureAlgorithm) -> SigningKey {
    SigningKey::generate(algorithm).unwrap()
}

/// The set that holds only the public part of `key`.
fn set(key: &SigningKey) -> Jwks {
    key.public().into()
}

/// A token with this header and payload, properly signed by `key`.
fn signed(key: &SigningKey, header: &Value, payload: &str) -> String {
    key.sign_parts(header.to_string().as_bytes(), payload.as_bytes()).unwrap().reveal().clone()
}

fn verify(token: &str, keys: &Jwks, rules: &Rules<'_>) -> Result<String, JwsError> {
    let verified = Jws::parse(token)?.verify(keys, rules)?;
    Ok(String::from_utf8(verified.value().to_vec()).unwrap())
}

/// An outcome that can be compared.
fn refusal<T>(result: Result<T, JwsError>) -> Option<JwsError> {
    result.err()
}

fn members(texts: &[(&str, Value)]) -> Value {
    texts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

#[test]
fn what_we_sign_verifies_and_names_its_key() {
    for algorithm in SignatureAlgorithm::CLIENTS {
        let key = key(algorithm);
        let token = key.sign("JWT", &json!({"iss": "a"})).unwrap();
        let verified = Jws::parse(token.reveal()).unwrap().verify(&set(&key), &ANY).unwrap();
        assert_eq!((verified.algorithm(), verified.key_id()), (algorithm, Some(key.key_id())));
        assert_eq!(verified.claims().unwrap().value().text("iss"), Some("a"));
    }
    assert_eq!(SigningKey::generate(SignatureAlgorithm::Rs256).err(), Some(KeyError::Unusable));
}

#[test]
fn what_we_publish_is_a_set_that_verifies() {
    let keys: Vec<_> = SignatureAlgorithm::CLIENTS.into_iter().map(key).collect();
    let written = json!({"keys": keys.iter().map(SigningKey::published).collect::<Vec<_>>()}).to_string();
    let set = Jwks::parse(&written).unwrap();
    for key in &keys {
        assert!(verify(key.sign("JWT", &json!({})).unwrap().reveal(), &set, &ANY).is_ok());
    }
}

#[test]
fn nothing_that_is_secret_prints() {
    let key = key(SignatureAlgorithm::Es256);
    let token = key.sign("JWT", &json!({"bsn": "999990019"})).unwrap();
    let jws = Jws::parse(token.reveal()).unwrap();
    let mut printed = format!("{token:?} {jws:?} {key:?}");
    let claims = jws.verify(&set(&key), &ANY).unwrap().claims().unwrap();
    printed.push_str(&format!("{claims:?} {:?}", claims.value()));
    let opener = DecryptionKey::generate().unwrap();
    let secret = encrypt(b"999990019", &opener.public(), None).unwrap();
    let jwe = Jwe::parse(secret.reveal()).unwrap();
    printed.push_str(&format!("{secret:?} {jwe:?} {opener:?}"));
    printed.push_str(&format!("{:?}", jwe.decrypt(&[opener]).unwrap()));
    for part in token.reveal().split('.').chain(secret.reveal().split('.').filter(|part| !part.is_empty())) {
        assert!(!printed.contains(part), "{printed}");
    }
    assert!(!printed.contains("999990019"), "{printed}");
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = (Jws::parse(&text), Jwe::parse(&text), Jwk::parse(&text), Jwks::parse(&text), Jwks::parse_published(&text));
        let _ = (SigningKey::parse(&text), DecryptionKey::parse(&text));
    }
}
