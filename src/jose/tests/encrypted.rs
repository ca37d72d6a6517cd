//! Encrypted tokens: what comes back, and what does not open.

use super::*;
use crate::jose::encoding::{decode, encode};

fn keys() -> Vec<DecryptionKey> {
    examples("encrypted").iter().map(|example| DecryptionKey::parse(&example["private"].to_string()).unwrap()).collect()
}

/// One key of each kind: P-256, X25519, RSA.
fn kinds() -> [DecryptionKey; 3] {
    let mut keys = keys();
    [keys.remove(4), keys.remove(2), keys.remove(0)]
}

fn open(token: &str, keys: &[DecryptionKey]) -> Result<String, JweError> {
    Ok(Jwe::parse(token)?.decrypt(keys)?.text().unwrap().to_owned())
}

fn parts(token: &str) -> [String; 5] {
    token.split('.').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()
}

fn header(token: &str) -> Value {
    serde_json::from_slice(&decode(&parts(token)[0]).unwrap()).unwrap()
}

/// The token with another header; the tag no longer fits, so only refusals before decryption can be told apart.
fn with_header(token: &str, header: &Value) -> String {
    let mut parts = parts(token);
    parts[0] = encode(header.to_string());
    parts.join(".")
}

#[test]
fn what_is_encrypted_to_a_key_opens_with_it_only() {
    let keys = kinds();
    for key in &keys {
        let token = encrypt("tekst é".as_bytes(), &key.public(), None).unwrap();
        assert!(Jwe::looks_like(token.reveal()));
        assert_eq!(open(token.reveal(), &keys).unwrap(), "tekst é");
        let others: Vec<_> = kinds().into_iter().filter(|other| other.key_id() != key.key_id()).collect();
        assert_eq!(open(token.reveal(), &others).err(), Some(JweError::Undecryptable));
        let again = encrypt("tekst é".as_bytes(), &key.public(), None).unwrap();
        assert_ne!(parts(token.reveal())[3..], parts(again.reveal())[3..], "key and nonce are drawn each time");
    }
}

#[test]
fn a_signed_token_inside_is_named_as_such() {
    let key = DecryptionKey::generate().unwrap();
    for (content_type, nested) in [
        (Some("JWT"), true),
        (Some("jwt"), true),
        (Some("application/jwt"), true),
        (Some("text"), false),
        (None, false),
    ] {
        let token = encrypt(b"a.b.c", &key.public(), content_type).unwrap();
        let opened = Jwe::parse(token.reveal()).unwrap().decrypt(std::slice::from_ref(&key)).unwrap();
        assert_eq!(opened.nested().is_some(), nested, "{content_type:?}");
    }
}

#[test]
fn a_token_that_names_no_key_opens_with_the_only_one_of_its_kind() {
    let [_, x25519, p256] = kinds();
    let unnamed = Jwk::parse(&members_without_kid(&p256).to_string()).unwrap();
    let token = encrypt(b"text", &unnamed, None).unwrap();
    assert_eq!(header(token.reveal()).get("kid"), None);
    assert_eq!(open(token.reveal(), &[p256]).unwrap(), "text");
    let [_, _, p256] = kinds();
    assert_eq!(open(token.reveal(), &[x25519, p256]).err(), Some(JweError::Undecryptable), "which of the two?");
    assert_eq!(open(token.reveal(), &[]).err(), Some(JweError::Undecryptable));
}

fn members_without_kid(key: &DecryptionKey) -> Value {
    let mut members = key.published();
    members.as_object_mut().unwrap().remove("kid");
    members
}

#[test]
fn every_changed_part_is_one_and_the_same_refusal() {
    let keys = kinds();
    for key in &keys {
        let token = encrypt(b"some text", &key.public(), Some("JWT")).unwrap();
        for (index, part) in parts(token.reveal()).iter().enumerate().skip(1) {
            let bytes = decode(part).unwrap();
            for bit in 0..bytes.len() * 8 {
                let mut changed = bytes.to_vec();
                changed[bit / 8] ^= 1 << (bit % 8);
                let mut parts = parts(token.reveal());
                parts[index] = encode(changed);
                // RSA takes a while; some of its bits stand for all.
                if index != 1 || bit % 97 == 0 {
                    assert_eq!(open(&parts.join("."), &keys).err(), Some(JweError::Undecryptable), "{index} {bit}");
                }
            }
        }
        let mut changed = header(token.reveal());
        changed["cty"] = json!("text");
        assert_eq!(open(&with_header(token.reveal(), &changed), &keys).err(), Some(JweError::Undecryptable), "header");
    }
}

#[test]
fn an_encrypted_key_of_any_length_is_the_same_refusal() {
    let [rsa, _, p256] = kinds();
    for key in [rsa, p256] {
        let token = encrypt(b"text", &key.public(), None).unwrap();
        for length in [0, 1, 32, 255, 256, 257, 512] {
            let mut parts = parts(token.reveal());
            let agreed = key.management() == KeyManagement::EcdhEs;
            if agreed && length == 0 {
                continue;
            }
            parts[1] = encode(vec![1; length]);
            assert_eq!(
                open(&parts.join("."), std::slice::from_ref(&key)).err(),
                Some(JweError::Undecryptable),
                "{length}"
            );
        }
    }
}

#[test]
fn other_ways_of_encrypting_are_refused() {
    let key = DecryptionKey::generate().unwrap();
    let token = encrypt(b"text", &key.public(), None).unwrap();
    for (name, value) in [
        ("alg", json!("dir")),
        ("alg", json!("RSA1_5")),
        ("alg", json!("RSA-OAEP")),
        ("alg", json!("ECDH-ES+A256KW")),
        ("alg", json!("A256KW")),
        ("alg", json!("PBES2-HS256+A128KW")),
        ("alg", json!("none")),
        ("enc", json!("A128GCM")),
        ("enc", json!("A256CBC-HS512")),
        ("enc", json!("none")),
        ("zip", json!("DEF")),
        ("zip", json!(null)),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
    ] {
        let mut changed = header(token.reveal());
        changed[name] = value.clone();
        let refused = open(&with_header(token.reveal(), &changed), std::slice::from_ref(&key));
        assert_eq!(refused.err(), Some(JweError::Algorithm), "{name} {value}");
    }
}

#[test]
fn an_ephemeral_key_that_is_no_point_of_the_curve_is_refused() {
    let [_, x25519, p256] = kinds();
    let zero = encode([0; 32]);
    let other = DecryptionKey::generate().unwrap().public().material().members();
    let (x, y) = (other["x"].clone(), other["y"].clone());
    let point = |x: &str, y: &str| json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
    let octets = json!({"kty": "OKP", "crv": "X25519", "x": zero});
    for (key, epk, error) in [
        (&p256, point(&zero, &zero), JweError::Form),
        (&p256, point(&y, &x), JweError::Form),
        (&p256, json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "d": x}), JweError::Form),
        (&p256, json!("text"), JweError::Form),
        (&p256, octets.clone(), JweError::Undecryptable),
        (&x25519, octets, JweError::Undecryptable),
        (&x25519, point(&x, &y), JweError::Undecryptable),
    ] {
        let token = encrypt(b"text", &key.public(), None).unwrap();
        let mut changed = header(token.reveal());
        changed["epk"] = epk.clone();
        let refused = open(&with_header(token.reveal(), &changed), std::slice::from_ref(key));
        assert_eq!(refused.err(), Some(error), "{epk}");
        changed.as_object_mut().unwrap().remove("epk");
        let refused = open(&with_header(token.reveal(), &changed), std::slice::from_ref(key));
        assert_eq!(refused.err(), Some(JweError::Undecryptable), "no epk");
    }
}

#[test]
fn a_tag_is_whole() {
    let key = DecryptionKey::generate().unwrap();
    let token = encrypt(b"text", &key.public(), None).unwrap();
    for length in [0, 1, 4, 8, 12, 15] {
        let mut parts = parts(token.reveal());
        parts[4] = encode(&decode(&parts[4]).unwrap()[..length]);
        assert_eq!(open(&parts.join("."), std::slice::from_ref(&key)).err(), Some(JweError::Form), "{length}");
    }
    let mut parts = parts(token.reveal());
    parts[2] = encode([0; 16]);
    assert_eq!(open(&parts.join("."), &[key]).err(), Some(JweError::Form), "a nonce of another length");
}

#[test]
fn any_other_form_is_refused() {
    let token = examples("encrypted")[0]["token"].as_str().unwrap().to_owned();
    for spelling in [
        String::new(),
        "....".to_owned(),
        format!("{token}."),
        format!("{token}="),
        format!("{token}\n"),
        token.rsplit_once('.').unwrap().0.to_owned(),
        with_header(&token, &json!([])),
        with_header(&token, &json!({"alg": "ECDH-ES"})),
        with_header(&token, &json!({"alg": "ECDH-ES", "enc": null})),
    ] {
        assert_eq!(open(&spelling, &keys()).err(), Some(JweError::Form), "{spelling}");
    }
    assert_eq!(open(&"a".repeat(Jwe::BYTES_MAX + 1), &keys()).err(), Some(JweError::TooLarge));
    assert!(!Jwe::looks_like("a.b.c"));
}

#[test]
fn nothing_is_encrypted_to_a_key_that_signs() {
    for algorithm in [SignatureAlgorithm::Es256, SignatureAlgorithm::Es384, SignatureAlgorithm::EdDsa] {
        assert_eq!(encrypt(b"text", &key(algorithm).public(), None).err(), Some(JweError::Key), "{algorithm:?}");
    }
}

proptest::proptest! {
    #[test]
    fn every_text_comes_back(text: String) {
        let key = DecryptionKey::generate().unwrap();
        let token = encrypt(text.as_bytes(), &key.public(), None).unwrap();
        proptest::prop_assert_eq!(open(token.reveal(), &[key]).unwrap(), text);
    }
}
