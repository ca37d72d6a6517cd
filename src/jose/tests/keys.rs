//! Keys and sets of keys: what is refused, and what a key may be used for.

use super::*;

fn es256() -> Value {
    json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})
}

fn rsa(bytes: usize, exponent: &str) -> Value {
    let mut modulus = vec![0xc3; bytes];
    *modulus.last_mut().unwrap() = 1;
    json!({"kty": "RSA", "n": encoding::encode(modulus), "e": exponent})
}

fn with(key: Value, changes: &[(&str, Value)]) -> Value {
    let mut key = key;
    for (name, value) in changes {
        key[*name] = value.clone();
    }
    key
}

fn parse(key: &Value) -> Result<Jwk, JwkError> {
    Jwk::parse(&key.to_string())
}

#[test]
fn a_key_is_whole_and_valid() {
    let short = "g83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVA";
    let one_off = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEQ";
    for (key, error) in [
        (with(es256(), &[("x", json!(one_off))]), JwkError::Value),
        (with(es256(), &[("x", json!(short))]), JwkError::Value),
        (with(es256(), &[("x", json!("f83="))]), JwkError::Value),
        (with(es256(), &[("crv", json!("P-384"))]), JwkError::Value),
        (with(es256(), &[("crv", json!("P-521"))]), JwkError::Unknown),
        (with(es256(), &[("crv", json!("secp256k1"))]), JwkError::Unknown),
        (with(es256(), &[("kty", json!("EC2"))]), JwkError::Unknown),
        (json!({"kty": "EC", "crv": "P-256", "x": one_off}), JwkError::Missing),
        (json!({"kty": "EC"}), JwkError::Missing),
        (json!({}), JwkError::Missing),
        (json!({"kty": "OKP", "crv": "Ed25519"}), JwkError::Missing),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": short}), JwkError::Value),
        (json!({"kty": "OKP", "crv": "Ed448", "x": short}), JwkError::Unknown),
        (json!({"kty": "oct", "k": "c2VjcmV0"}), JwkError::Unknown),
        (json!({"kty": "RSA", "n": "AQAB"}), JwkError::Missing),
        (rsa(128, "AQAB"), JwkError::Size),
        (rsa(255, "AQAB"), JwkError::Size),
        (rsa(513, "AQAB"), JwkError::Size),
        (rsa(256, "Aw"), JwkError::Value),
        (rsa(256, "AQAA"), JwkError::Value),
        (rsa(256, "AQABAQAB"), JwkError::Value),
        (rsa(256, ""), JwkError::Value),
        (with(es256(), &[("kid", json!(1))]), JwkError::Form),
        (with(es256(), &[("kid", json!("a\nb"))]), JwkError::Form),
        (with(es256(), &[("key_ops", json!("verify"))]), JwkError::Form),
        (with(es256(), &[("alg", json!(null))]), JwkError::Form),
    ] {
        assert_eq!(parse(&key).err(), Some(error), "{key}");
    }
    assert_eq!(Jwk::parse(r#"{"kty":"EC","kty":"EC"}"#).err(), Some(JwkError::Form));
    assert_eq!(Jwk::parse(&" ".repeat(Jwk::BYTES_MAX + 1)).err(), Some(JwkError::TooLarge));
    assert!(parse(&rsa(256, "AQAB")).is_ok() && parse(&rsa(512, "AQAB")).is_ok());
}

#[test]
fn a_private_key_among_public_ones_is_an_alarm() {
    for example in examples("signed").iter().chain(&examples("encrypted")) {
        assert_eq!(parse(&example["private"]).err(), Some(JwkError::Secret));
        assert!(parse(&serde_json::from_str(&public(&example["private"])).unwrap()).is_ok());
    }
    assert_eq!(parse(&with(es256(), &[("k", json!("c2VjcmV0"))])).err(), Some(JwkError::Secret));
}

#[test]
fn a_key_is_used_for_what_it_says_only() {
    let verifies = |changes: &[(&str, Value)]| {
        let key = parse(&with(es256(), changes)).unwrap();
        assert!(!key.verifies(SignatureAlgorithm::Es384));
        (key.verifies(SignatureAlgorithm::Es256), key.encrypts().is_some())
    };
    for (changes, expected) in [
        (&[][..], (true, true)),
        (&[("use", json!("sig"))], (true, false)),
        (&[("use", json!("enc"))], (false, true)),
        (&[("use", json!("other"))], (false, false)),
        (&[("key_ops", json!(["verify"]))], (true, false)),
        (&[("key_ops", json!(["deriveKey"]))], (false, true)),
        (&[("key_ops", json!([]))], (false, false)),
        (&[("alg", json!("ES256"))], (true, false)),
        (&[("alg", json!("ECDH-ES"))], (false, true)),
        (&[("alg", json!("ECDH-ES+A256KW"))], (false, false)),
        (&[("use", json!("sig")), ("key_ops", json!(["sign"]))], (false, false)),
        (&[("use", json!("sig")), ("alg", json!("ES384"))], (false, false)),
    ] {
        assert_eq!(verifies(changes), expected, "{changes:?}");
    }
    let rsa = parse(&with(rsa(256, "AQAB"), &[("alg", json!("RS256"))])).unwrap();
    assert!(rsa.verifies(SignatureAlgorithm::Rs256) && !rsa.verifies(SignatureAlgorithm::Ps256));
}

fn set_of(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

#[test]
fn a_set_is_bounded_and_its_names_are_unique() {
    let named = |name: String| with(es256(), &[("kid", json!(name))]);
    let many = |count: usize| (0..count).map(|number| named(number.to_string())).collect::<Vec<_>>();
    assert_eq!(Jwks::parse(&set_of(&many(20))).unwrap().keys().len(), 20);
    assert_eq!(Jwks::parse(&set_of(&many(21))).err(), Some(JwkError::TooMany));
    let twice = [named("a".to_owned()), with(named("a".to_owned()), &[("use", json!("enc"))])];
    assert_eq!(Jwks::parse(&set_of(&twice)).err(), Some(JwkError::SameKeyId));
    assert!(Jwks::parse(&set_of(&[es256(), es256()])).is_ok(), "without names");
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":null}"#, r#"{"keys":[],"keys":[]}"#, r#"{"keys":[7]}"#] {
        assert_eq!(Jwks::parse(text).err(), Some(JwkError::Form), "{text}");
    }
    let padded = format!("{}{}", set_of(&[es256()]), " ".repeat(Jwk::BYTES_MAX));
    assert_eq!(Jwks::parse(&padded).err(), Some(JwkError::TooLarge));
}

#[test]
fn of_a_published_set_only_the_known_types_are_taken() {
    let foreign = json!({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"});
    let written = set_of(&[foreign, es256(), json!({"kty": "new"})]);
    assert_eq!(Jwks::parse(&written).err(), Some(JwkError::Unknown));
    assert_eq!(Jwks::parse_published(&written).unwrap().keys().len(), 1);
    let broken = set_of(&[with(es256(), &[("x", json!("AA"))])]);
    assert_eq!(Jwks::parse_published(&broken).err(), Some(JwkError::Value));
}

#[test]
fn a_private_key_of_ours_is_whole() {
    let ec = examples("signed")[0]["private"].clone();
    let rsa = examples("encrypted")[4]["private"].clone();
    let without = |key: &Value, name: &str| {
        let mut key = key.clone();
        key.as_object_mut().unwrap().remove(name);
        key.to_string()
    };
    let foreign = with(ec.clone(), &[("d", examples("encrypted")[0]["private"]["d"].clone())]);
    assert_eq!(SigningKey::parse(&foreign.to_string()).err(), Some(KeyError::Unusable), "not of one pair");
    assert_eq!(DecryptionKey::parse(&foreign.to_string()).err(), Some(KeyError::Unusable), "not of one pair");
    assert_eq!(SigningKey::parse(&without(&ec, "d")).err(), Some(KeyError::Unusable));
    for part in ["d", "p", "q", "dp", "dq", "qi", "n", "e"] {
        assert_eq!(SigningKey::parse(&without(&rsa, part)).err(), Some(KeyError::Unusable), "{part}");
        assert_eq!(DecryptionKey::parse(&without(&rsa, part)).err(), Some(KeyError::Unusable), "{part}");
    }
    for text in ["", "{", "text", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        assert!(SigningKey::parse(text).is_err() && DecryptionKey::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_key_for_the_one_is_none_for_the_other() {
    let [ed, x] = [&examples("signed")[2], &examples("encrypted")[2]].map(|example| example["private"].to_string());
    assert_eq!(DecryptionKey::parse(&ed).err(), Some(KeyError::Unusable));
    assert_eq!(SigningKey::parse(&x).err(), Some(KeyError::Unusable));
    let [ed, x] =
        [&examples("signed")[2], &examples("encrypted")[2]].map(|example| example["pem"].as_str().unwrap().to_owned());
    assert_eq!(DecryptionKey::parse(&ed).err(), Some(KeyError::Unusable));
    assert_eq!(SigningKey::parse(&x).err(), Some(KeyError::Unusable));
}
