//! Claims: each expectation, missed by one.

use std::time::Duration;

use super::*;

const START: i64 = 1_793_577_600;

fn expected() -> Expected<'static> {
    Expected {
        issuer: "portaal.example",
        subject: Some("portaal.example"),
        audience: &["https://gateway.example/oauth/token", "https://gateway.example"],
        others: AudienceRule::Only,
        nonce: None,
        issued_at: false,
        token_id: true,
        lifetime: Duration::from_secs(60),
        leeway: Duration::from_secs(5),
    }
}

fn good() -> Value {
    json!({"iss": "portaal.example", "sub": "portaal.example", "aud": "https://gateway.example", "iat": START,
        "exp": START + 60, "jti": "a"})
}

fn check(claims: &Value, expected: &Expected<'_>) -> Result<Checked, ClaimError> {
    check_text(&claims.to_string(), expected).unwrap()
}

fn check_text(payload: &str, expected: &Expected<'_>) -> Result<Result<Checked, ClaimError>, JwsError> {
    let key = key(SignatureAlgorithm::EdDsa);
    let token = signed(&key, &json!({"alg": "EdDSA"}), payload);
    let claims = Jws::parse(&token)?.verify(&set(&key), &ANY)?.claims()?;
    Ok(claims.check(expected, now()))
}

/// The outcome when one claim is another, or with `None` is not there.
fn with(name: &str, value: Option<Value>) -> Option<ClaimError> {
    with_all(&[(name, value)], &expected())
}

fn with_all(changes: &[(&str, Option<Value>)], expected: &Expected<'_>) -> Option<ClaimError> {
    let mut claims = good();
    let members = claims.as_object_mut().unwrap();
    for (name, value) in changes {
        match value {
            Some(value) => members.insert((*name).to_owned(), value.clone()),
            None => members.remove(*name),
        };
    }
    check(&claims, expected).err()
}

#[test]
fn good_claims_are_handed_on() {
    let checked = check(&good(), &expected()).unwrap();
    assert_eq!(checked.token_id(), Some("a"));
    assert_eq!(checked.expires_at().as_second(), START + 60);
    assert_eq!(checked.issued_at(), Some(now()));
    assert_eq!(checked.claims().text("sub"), Some("portaal.example"));
    assert_eq!(checked.claims().text("exp"), None, "not a text");
}

#[test]
fn issuer_and_subject_are_compared_exactly() {
    for other in
        [None, Some(json!("PORTAAL.example")), Some(json!("portaal.example ")), Some(json!(["portaal.example"]))]
    {
        assert_eq!(with("iss", other.clone()), Some(ClaimError::Issuer));
        assert_eq!(with("sub", other.clone()), Some(ClaimError::Subject));
        assert_eq!(with_all(&[("sub", other)], &Expected { subject: None, ..expected() }), None);
    }
}

#[test]
fn the_audience_is_us_and_only_us() {
    let us = "https://gateway.example";
    for (aud, among, only) in [
        (json!(us), None, None),
        (json!([us]), None, None),
        (json!([us, "https://gateway.example/oauth/token"]), None, None),
        (json!([us, "https://other.example"]), None, Some(ClaimError::Audience)),
        (json!([us, 7]), None, Some(ClaimError::Audience)),
        (json!("https://gateway.example/"), Some(ClaimError::Audience), Some(ClaimError::Audience)),
        (json!([]), Some(ClaimError::Audience), Some(ClaimError::Audience)),
        (json!({"a": us}), Some(ClaimError::Audience), Some(ClaimError::Audience)),
        (json!(null), Some(ClaimError::Audience), Some(ClaimError::Audience)),
    ] {
        let with_rule = |others| with_all(&[("aud", Some(aud.clone()))], &Expected { others, ..expected() });
        assert_eq!((with_rule(AudienceRule::Among), with_rule(AudienceRule::Only)), (among, only), "{aud}");
    }
    assert_eq!(with("aud", None), Some(ClaimError::Audience));
}

#[test]
fn a_token_ends_in_time() {
    let without_issue = |exp: Value| with_all(&[("iat", None), ("exp", Some(exp))], &expected());
    assert_eq!(without_issue(json!(START + 65)), None, "the bound and the leeway");
    assert_eq!(without_issue(json!(START + 66)), Some(ClaimError::TooLong));
    assert_eq!(without_issue(json!(START - 4)), None, "the leeway");
    assert_eq!(without_issue(json!(START - 5)), Some(ClaimError::Expired));
    assert_eq!(without_issue(json!(START as f64 + 30.9)), None, "a fraction of a second is allowed");
    for none in [json!(null), json!("1793577660"), json!(-1), json!(1e300), json!(u64::MAX), json!([START + 60])] {
        assert_eq!(without_issue(none.clone()), Some(ClaimError::NoExpiry), "{none}");
    }
    assert_eq!(with("exp", None), Some(ClaimError::NoExpiry));
}

#[test]
fn a_token_is_not_made_in_the_future_nor_for_long() {
    assert_eq!(with("iat", Some(json!(START + 5))), None);
    assert_eq!(with("iat", Some(json!(START + 6))), Some(ClaimError::IssuedAt));
    assert_eq!(with("iat", Some(json!(START - 1))), Some(ClaimError::TooLong), "61 s from iat to exp");
    assert_eq!(with("iat", Some(json!("now"))), Some(ClaimError::IssuedAt));
    assert_eq!(with_all(&[("exp", Some(json!(START - 2)))], &expected()), Some(ClaimError::IssuedAt), "ends before it");
    assert_eq!(with("iat", None), None);
    assert_eq!(with_all(&[("iat", None)], &Expected { issued_at: true, ..expected() }), Some(ClaimError::IssuedAt));
    assert_eq!(with("nbf", Some(json!(START + 5))), None);
    assert_eq!(with("nbf", Some(json!(START + 6))), Some(ClaimError::NotYet));
    assert_eq!(with("nbf", Some(json!("now"))), Some(ClaimError::NotYet));
}

#[test]
fn an_id_is_there_when_it_is_asked() {
    for bad in [None, Some(json!("")), Some(json!(7)), Some(json!("a".repeat(256)))] {
        assert_eq!(with("jti", bad.clone()), Some(ClaimError::TokenId));
        assert_eq!(with_all(&[("jti", bad)], &Expected { token_id: false, ..expected() }), None);
    }
    assert_eq!(with("jti", Some(json!("a".repeat(255)))), None);
}

#[test]
fn the_nonce_is_the_one_that_was_sent() {
    let sent = Expected { nonce: Some("n-1"), ..expected() };
    assert_eq!(with_all(&[("nonce", Some(json!("n-1")))], &sent), None);
    for other in [None, Some(json!("n-2")), Some(json!("n-")), Some(json!(["n-1"]))] {
        assert_eq!(with_all(&[("nonce", other)], &sent), Some(ClaimError::Nonce));
    }
}

#[test]
fn claims_that_stand_twice_or_are_none_are_refused() {
    for payload in [r#"{"iss":"a","iss":"b"}"#, r#"{"a":1,"a":1}"#, "[]", "\"a\"", "", "null", "{} {}"] {
        assert_eq!(refusal(check_text(payload, &expected())), Some(JwsError::Claims), "{payload}");
    }
}

#[test]
fn who_a_token_says_it_is_from_can_be_read_before() {
    let key = key(SignatureAlgorithm::EdDsa);
    let token = signed(&key, &json!({"alg": "EdDSA"}), r#"{"iss":"portaal.example","n":1}"#);
    let jws = Jws::parse(&token).unwrap();
    assert_eq!(jws.claimed("iss").as_deref(), Some("portaal.example"));
    assert_eq!((jws.claimed("sub"), jws.claimed("n")), (None, None));
}
