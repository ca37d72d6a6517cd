//! The examples of the RFCs, and tokens that joserfc made.

use super::*;

const RFC7515_A3_KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const RFC7515_A3: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const RFC7515_A1: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const RFC7515_A5: &str = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
const RFC8037_A1_KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const RFC8037_A4: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
const RFC7638_KEY: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;

#[test]
fn the_examples_of_rfc_7515_read_as_they_should() {
    let keys = Jwks::from(Jwk::parse(RFC7515_A3_KEY).unwrap());
    assert!(verify(RFC7515_A3, &keys, &ANY).unwrap().contains(r#""iss":"joe""#));
    for symmetric_or_unsigned in [RFC7515_A1, RFC7515_A5] {
        assert_eq!(refusal(verify(symmetric_or_unsigned, &keys, &ANY)), Some(JwsError::Algorithm));
    }
}

#[test]
fn the_example_of_rfc_8037_comes_out_bit_for_bit() {
    let key = SigningKey::parse(RFC8037_A1_KEY).unwrap();
    assert_eq!(key.key_id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "its appendix A.3");
    let token = key.sign_parts(br#"{"alg":"EdDSA"}"#, b"Example of Ed25519 signing").unwrap();
    assert_eq!(token.reveal(), RFC8037_A4);
    assert_eq!(verify(RFC8037_A4, &set(&key), &ANY).unwrap(), "Example of Ed25519 signing");
}

#[test]
fn the_thumbprint_of_rfc_7638_comes_out() {
    let key = Jwk::parse(RFC7638_KEY).unwrap();
    assert_eq!(jwk::thumbprint(key.material()), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn tokens_of_another_implementation_verify_with_their_own_key_only() {
    let all = examples("signed");
    for example in &all {
        let keys = Jwks::parse(&format!(r#"{{"keys":[{}]}}"#, public(&example["private"]))).unwrap();
        let token = example["token"].as_str().unwrap();
        let payload: Value = serde_json::from_str(&verify(token, &keys, &ANY).unwrap()).unwrap();
        assert_eq!(payload, joserfc()["claims"]);
        for other in all.iter().filter(|other| other["private"]["kid"] != example["private"]["kid"]) {
            assert_eq!(refusal(verify(other["token"].as_str().unwrap(), &keys, &ANY)), Some(JwsError::UnknownKey));
        }
    }
    assert_eq!(all.len(), 5);
}

#[test]
fn keys_of_another_implementation_sign_in_both_their_forms() {
    for example in examples("signed").iter().filter(|example| example["alg"] != "RS256") {
        let keys = Jwks::from(Jwk::parse(&public(&example["private"])).unwrap());
        let named = SigningKey::parse(&example["private"].to_string()).unwrap();
        assert_eq!(named.key_id(), example["private"]["kid"]);
        assert_eq!(named.algorithm().name(), example["alg"]);
        assert!(verify(named.sign("JWT", &json!({})).unwrap().reveal(), &keys, &ANY).is_ok());
        let unnamed = SigningKey::parse(example["pem"].as_str().unwrap()).unwrap();
        assert_eq!(unnamed.key_id().len(), 43, "a thumbprint");
        let token = signed(&unnamed, &json!({"alg": example["alg"]}), "{}");
        assert!(verify(&token, &keys, &ANY).is_ok());
    }
}

#[test]
fn encrypted_tokens_of_another_implementation_open_with_keys_in_both_forms() {
    let all = examples("encrypted");
    for example in &all {
        let token = example["token"].as_str().unwrap();
        let key = DecryptionKey::parse(&example["private"].to_string()).unwrap();
        let opened = Jwe::parse(token).unwrap().decrypt(&[key]).unwrap();
        assert_eq!(opened.nested(), examples("signed")[0]["token"].as_str());
        let key = DecryptionKey::parse(example["pem"].as_str().unwrap()).unwrap();
        assert_eq!(Jwe::parse(token).unwrap().decrypt(&[key]).err(), Some(JweError::Undecryptable), "another kid");
    }
    assert_eq!(all.len(), 5);
}

#[test]
fn a_key_in_pem_is_the_same_key_as_in_jwk() {
    for example in examples("encrypted") {
        let mut private = example["private"].clone();
        private.as_object_mut().unwrap().remove("kid");
        let jwk = DecryptionKey::parse(&private.to_string()).unwrap();
        let pem = DecryptionKey::parse(example["pem"].as_str().unwrap()).unwrap();
        assert_eq!(jwk.published(), pem.published());
        let token = encrypt(b"text", &jwk.public(), None).unwrap();
        assert_eq!(Jwe::parse(token.reveal()).unwrap().decrypt(&[pem]).unwrap().text(), Some("text"));
    }
}
