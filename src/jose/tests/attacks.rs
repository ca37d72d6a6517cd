//! Signed tokens that someone forged, or wrote in a way that could be read differently.

use super::*;
use crate::jose::encoding::encode;

fn token(header: &Value) -> String {
    format!("{}.{}.{}", encode(header.to_string()), encode("{}"), encode([1; 64]))
}

#[test]
fn a_token_that_is_not_signed_or_symmetric_is_refused() {
    let keys = set(&key(SignatureAlgorithm::Es256));
    for name in
        ["none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "RS1", "es256", "ES256 ", "ES512", "ES256K"]
    {
        let forged = token(&json!({"alg": name}));
        assert_eq!(refusal(verify(&forged, &keys, &ANY)), Some(JwsError::Algorithm), "{name}");
        let unsigned = forged.rsplit_once('.').unwrap().0.to_owned() + ".";
        assert_eq!(refusal(verify(&unsigned, &keys, &ANY)), Some(JwsError::Algorithm), "{name}");
    }
}

#[test]
fn a_public_key_is_no_shared_secret() {
    use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
    let key = key(SignatureAlgorithm::Es256);
    let signed = format!("{}.{}", encode(r#"{"alg":"HS256"}"#), encode("{}"));
    let tag = sign(&Key::new(HMAC_SHA256, key.published().to_string().as_bytes()), signed.as_bytes());
    let forged = format!("{signed}.{}", encode(tag));
    assert_eq!(refusal(verify(&forged, &set(&key), &ANY)), Some(JwsError::Algorithm));
}

#[test]
fn only_what_the_caller_lists_is_accepted() {
    let key = key(SignatureAlgorithm::Es256);
    let token = key.sign("JWT", &json!({})).unwrap();
    for algorithms in [&[][..], &[SignatureAlgorithm::EdDsa, SignatureAlgorithm::Ps256, SignatureAlgorithm::Es384][..]]
    {
        let rules = Rules { algorithms, typ: None };
        assert_eq!(refusal(verify(token.reveal(), &set(&key), &rules)), Some(JwsError::Algorithm));
    }
}

#[test]
fn the_algorithm_of_the_header_must_fit_the_key_it_names() {
    let rsa = key(SignatureAlgorithm::Ps256);
    for name in ["ES256", "ES384", "EdDSA", "RS256"] {
        let forged = signed(&rsa, &json!({"alg": name, "kid": rsa.key_id()}), "{}");
        assert_eq!(refusal(verify(&forged, &set(&rsa), &ANY)), Some(JwsError::UnknownKey), "{name}");
    }
}

#[test]
fn an_extension_that_must_be_understood_is_refused() {
    let key = key(SignatureAlgorithm::Es256);
    for critical in [json!(["exp"]), json!(["b64"]), json!([]), json!(null), json!("exp")] {
        let token = signed(&key, &json!({"alg": "ES256", "crit": critical, "b64": false, "exp": 1}), "{}");
        assert_eq!(refusal(verify(&token, &set(&key), &ANY)), Some(JwsError::Critical), "{critical}");
    }
}

#[test]
fn a_key_that_a_token_brings_along_is_never_used() {
    let (ours, theirs) = (key(SignatureAlgorithm::Es256), key(SignatureAlgorithm::Es256));
    for (name, value) in [
        ("jwk", theirs.published()),
        ("jku", json!("https://attacker.example/jwks")),
        ("x5u", json!("https://attacker.example/chain.pem")),
        ("x5c", json!(["MIIB"])),
    ] {
        let header = |kid: &str| members(&[("alg", json!("ES256")), ("kid", json!(kid)), (name, value.clone())]);
        let forged = signed(&theirs, &header(ours.key_id()), "{}");
        assert_eq!(refusal(verify(&forged, &set(&ours), &ANY)), Some(JwsError::Signature), "{name}");
        let forged = signed(&theirs, &header(theirs.key_id()), "{}");
        assert_eq!(refusal(verify(&forged, &set(&ours), &ANY)), Some(JwsError::UnknownKey), "{name}");
        let honest = signed(&ours, &header(ours.key_id()), "{}");
        assert_eq!(verify(&honest, &set(&ours), &ANY).unwrap(), "{}", "{name} is not looked at");
    }
}

#[test]
fn a_token_of_another_type_is_refused_when_the_type_is_asked() {
    let key = key(SignatureAlgorithm::Es256);
    let rules = Rules { algorithms: &ALL, typ: Some("client-authentication+jwt") };
    for typ in ["client-authentication+jwt", "application/client-authentication+jwt", "Client-Authentication+JWT"] {
        let token = key.sign(typ, &json!({})).unwrap();
        assert!(verify(token.reveal(), &set(&key), &rules).is_ok(), "{typ}");
    }
    for header in [json!({"alg": "ES256"}), json!({"alg": "ES256", "typ": "JWT"}), json!({"alg": "ES256", "typ": ""})] {
        assert_eq!(refusal(verify(&signed(&key, &header, "{}"), &set(&key), &rules)), Some(JwsError::Type), "{header}");
    }
}

#[test]
fn every_changed_bit_breaks_the_signature() {
    for algorithm in SignatureAlgorithm::CLIENTS {
        let key = key(algorithm);
        let parts: Vec<_> = [b"{\"alg\":\"?\"}".to_vec(), b"{\"iss\":\"a\"}".to_vec()].into();
        let header = json!({"alg": algorithm.name()}).to_string();
        let token = signed(&key, &json!({"alg": algorithm.name()}), "{\"iss\":\"a\"}");
        let signature = encoding::decode(token.rsplit('.').next().unwrap()).unwrap();
        for bit in (0..signature.len() * 8).step_by(7) {
            let mut changed = signature.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            let forged = format!("{}.{}.{}", encode(&header), encode(&parts[1]), encode(changed));
            assert_eq!(refusal(verify(&forged, &set(&key), &ANY)), Some(JwsError::Signature), "{algorithm:?} {bit}");
        }
        let other = format!("{}.{}.{}", encode(&header), encode("{\"iss\":\"b\"}"), encode(&*signature));
        assert_eq!(refusal(verify(&other, &set(&key), &ANY)), Some(JwsError::Signature), "{algorithm:?} payload");
    }
}

#[test]
fn signatures_that_are_nothing_are_refused() {
    for algorithm in SignatureAlgorithm::CLIENTS {
        let key = key(algorithm);
        let input = format!("{}.{}", encode(json!({"alg": algorithm.name()}).to_string()), encode("{}"));
        for signature in [vec![], vec![0; 64], vec![0; 96], vec![0; 256], vec![255; 64], vec![1; 63], vec![1; 65]] {
            let forged = format!("{input}.{}", encode(&signature));
            assert_eq!(refusal(verify(&forged, &set(&key), &ANY)), Some(JwsError::Signature), "{algorithm:?}");
        }
    }
}

#[test]
fn a_token_has_one_spelling() {
    let key = key(SignatureAlgorithm::EdDsa);
    let good = signed(&key, &json!({"alg": "EdDSA"}), "{}");
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    // 64 bytes leave two bits of the last character unused: another character with the same bytes must not pass.
    let stray = match signature.chars().last().unwrap() {
        'A' => 'B',
        'Q' => 'R',
        'g' => 'h',
        'w' => 'x',
        other => panic!("{other}"),
    };
    let shorter = &signature[..signature.len() - 1];
    for spelling in [
        format!("{good}="),
        format!("{good}=="),
        format!("{good}\n"),
        format!(" {good}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{header}.{payload}"),
        format!("{header}.{payload}.{shorter}{stray}"),
        format!("{header}.{payload}.{}", signature.replace(['-', '_'], "+")) + "/",
        format!("{header}.{}.{signature}", payload.to_owned() + "é"),
        String::new(),
        "..".to_owned(),
        ".".to_owned(),
    ] {
        assert_eq!(refusal(verify(&spelling, &set(&key), &ANY)), Some(JwsError::Form), "{spelling}");
    }
}

#[test]
fn a_header_that_could_be_read_in_two_ways_is_refused() {
    let key = key(SignatureAlgorithm::EdDsa);
    for header in [
        r#"{"alg":"EdDSA","alg":"EdDSA"}"#,
        r#"{"alg":"none","alg":"EdDSA"}"#,
        r#"{"alg":"EdDSA","kid":"a","kid":"b"}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["EdDSA"]}"#,
        r#"{"alg":"EdDSA","kid":7}"#,
        r#"{"alg":"EdDSA","typ":null}"#,
        r#"{"alg":"EdDSA"} x"#,
        r#"[]"#,
        r#""EdDSA""#,
        "{}",
        "",
    ] {
        let token = key.sign_parts(header.as_bytes(), b"{}").unwrap();
        assert_eq!(refusal(verify(token.reveal(), &set(&key), &ANY)), Some(JwsError::Form), "{header}");
    }
    let long = json!({"alg": "EdDSA", "kid": "k".repeat(256)});
    assert_eq!(refusal(verify(&signed(&key, &long, "{}"), &set(&key), &ANY)), Some(JwsError::Form));
}

#[test]
fn a_token_is_read_up_to_16_kib() {
    let key = key(SignatureAlgorithm::EdDsa);
    let of_size = |bytes: usize| signed(&key, &json!({"alg": "EdDSA"}), &"x".repeat(bytes));
    let fixed = of_size(0).len();
    let fits = of_size((Jws::BYTES_MAX - fixed) / 4 * 3);
    assert!(fits.len() > Jws::BYTES_MAX - 4 && verify(&fits, &set(&key), &ANY).is_ok());
    let over = of_size((Jws::BYTES_MAX - fixed) / 4 * 3 + 6);
    assert_eq!(refusal(verify(&over, &set(&key), &ANY)), Some(JwsError::TooLarge));
}

#[test]
fn without_a_kid_only_a_key_that_is_alone_in_fitting_is_taken() {
    let (one, other, third) =
        (key(SignatureAlgorithm::EdDsa), key(SignatureAlgorithm::EdDsa), key(SignatureAlgorithm::Es256));
    let of = |keys: &[&SigningKey]| {
        let keys: Vec<_> = keys.iter().map(|key| key.published()).collect();
        Jwks::parse(&json!({ "keys": keys }).to_string()).unwrap()
    };
    let token = signed(&one, &json!({"alg": "EdDSA"}), "{}");
    assert!(verify(&token, &of(&[&third, &one]), &ANY).is_ok());
    assert_eq!(refusal(verify(&token, &of(&[&other, &one]), &ANY)), Some(JwsError::AmbiguousKey));
    assert_eq!(refusal(verify(&token, &of(&[&third]), &ANY)), Some(JwsError::UnknownKey));
    assert_eq!(refusal(verify(&token, &Jwks::default(), &ANY)), Some(JwsError::UnknownKey));
}
