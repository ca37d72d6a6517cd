//! The id_token: each rule of OpenID Connect Core section 3.1.3.7, broken alone.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::super::{OidcError, Userinfo};
use super::world::{Away, BSN, CLIENT, World, code};
use crate::jose::{ClaimError, JweError, JwsError, SignatureAlgorithm, SigningKey};
use crate::session::login::{AssuranceLevel, LoginEnd, LoginMethod};

/// Comes back to this id_token, with userinfo in good order.
async fn end(world: &World, away: &Away, id_token: &str) -> OidcError {
    world.give_all(away, Userinfo::Signed);
    world.give(id_token);
    let error = world.come_back(away).await.unwrap_err();
    let by_the_port = world.login.party().by(world.deadline(), world.login.come_back(&away.way.state, &code())).await;
    assert_eq!(by_the_port, Err(error));
    for secret in [BSN, id_token, "an-access-token", "the-code"].into_iter().filter(|secret| secret.len() > 8) {
        assert!(!format!("{error} {error:?}").contains(secret));
    }
    assert_eq!(error.end(), LoginEnd::Failed);
    error
}

#[tokio::test]
async fn an_id_token_in_good_order_gives_a_person() {
    let world = World::start(Userinfo::Signed).await;
    let away = world.leave().await;
    world.give_all(&away, Userinfo::Signed);
    let person = world.finish(&away, &[("code", "the-code")]).await.unwrap();
    assert_eq!((person.bsn.reveal(), person.level), (BSN, AssuranceLevel::Substantieel));
    assert_eq!((person.at, person.method), (world.now(), LoginMethod::Oidc));
}

#[tokio::test]
async fn each_claim_that_is_not_as_it_should_be_ends_the_login() {
    let world = World::start(Userinfo::Signed).await;
    let away = world.leave().await;
    let now = world.now().as_second();
    let claim = OidcError::Claims;
    for (name, value, expected) in [
        ("iss", json!("https://login.evil.example"), claim(ClaimError::Issuer)),
        ("iss", json!(format!("{}/", world.emulator.origin)), claim(ClaimError::Issuer)),
        ("iss", Value::Null, claim(ClaimError::Issuer)),
        ("aud", json!("another"), claim(ClaimError::Audience)),
        ("aud", json!([CLIENT, "another"]), claim(ClaimError::Audience)),
        ("aud", json!([]), claim(ClaimError::Audience)),
        ("nonce", json!("another"), claim(ClaimError::Nonce)),
        ("nonce", Value::Null, claim(ClaimError::Nonce)),
        ("exp", json!(now - 31), claim(ClaimError::Expired)),
        ("exp", Value::Null, claim(ClaimError::NoExpiry)),
        ("exp", json!(now + 2 * 86_400), claim(ClaimError::TooLong)),
        ("iat", json!(now + 31), claim(ClaimError::IssuedAt)),
        ("iat", Value::Null, claim(ClaimError::IssuedAt)),
        ("nbf", json!(now + 31), claim(ClaimError::NotYet)),
        ("azp", json!("another"), OidcError::OtherParty),
        ("azp", json!([CLIENT]), OidcError::OtherParty),
        ("sub", Value::Null, OidcError::NoSubject),
        ("sub", json!(""), OidcError::NoSubject),
        ("sub", json!("x".repeat(256)), OidcError::NoSubject),
        ("sub", json!("somebody else"), OidcError::OtherPerson),
        ("auth_time", json!(now - 31), OidcError::LoginTime),
        ("auth_time", json!(now + 31), OidcError::LoginTime),
        ("auth_time", Value::Null, OidcError::LoginTime),
        ("auth_time", json!("now"), OidcError::LoginTime),
        ("acr", json!("urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract"), OidcError::TooWeak),
        ("acr", json!("substantieel"), OidcError::UnknownLevel),
        ("acr", Value::Null, OidcError::UnknownLevel),
    ] {
        let mut claims = world.id_claims(&away);
        let members = claims.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name)
        } else {
            members.insert(name.to_owned(), value.clone())
        };
        assert_eq!(end(&world, &away, &world.signed(&claims)).await, expected, "{name}: {value}");
    }
}

#[tokio::test]
async fn only_a_signature_by_a_key_of_the_provider_counts() {
    let world = World::start(Userinfo::Signed).await;
    let away = world.leave().await;
    let claims = world.id_claims(&away);
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signature = OidcError::IdToken;
    let unsigned = |alg: &str| format!("{}.{}.", encode(&json!({"alg": alg, "typ": "JWT"})), encode(&claims));
    for alg in ["none", "None", "NONE", ""] {
        assert_eq!(end(&world, &away, &unsigned(alg)).await, signature(JwsError::Algorithm), "{alg}");
    }
    // The public key as the secret of a symmetric signature.
    let public = world.key.published();
    let header = json!({"alg": "HS256", "kid": world.key.key_id()});
    let text = format!("{}.{}", encode(&header), encode(&claims));
    let secret = hmac::Key::new(hmac::HMAC_SHA256, public.to_string().as_bytes());
    let forged = format!("{text}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&secret, text.as_bytes())));
    assert_eq!(end(&world, &away, &forged).await, signature(JwsError::Algorithm));
    // Somebody else's key, under its own name and under the provider's.
    let stranger = SigningKey::generate(SignatureAlgorithm::Es256).unwrap();
    let foreign = stranger.sign("JWT", &claims).unwrap().reveal().clone();
    assert_eq!(end(&world, &away, &foreign).await, signature(JwsError::UnknownKey));
    let (_, rest) = foreign.split_once('.').unwrap();
    let renamed = format!("{}.{rest}", encode(&json!({"alg": "ES256", "kid": world.key.key_id()})));
    assert_eq!(end(&world, &away, &renamed).await, signature(JwsError::Signature));
    // A key that the token brings along is not looked at.
    let brought = json!({"alg": "ES256", "kid": world.key.key_id(), "jwk": stranger.published(), "jku": "https://evil.example/keys"});
    assert_eq!(end(&world, &away, &format!("{}.{rest}", encode(&brought))).await, signature(JwsError::Signature));
    let critical = format!("{}.{rest}", encode(&json!({"alg": "ES256", "crit": ["exp"], "exp": 1})));
    assert_eq!(end(&world, &away, &critical).await, signature(JwsError::Critical));
    let mut changed = world.signed(&claims);
    let at = changed.find('.').unwrap() + 20;
    changed.replace_range(at..=at, if changed.as_bytes()[at] == b'A' { "B" } else { "A" });
    assert_eq!(end(&world, &away, &changed).await, signature(JwsError::Signature));
    for text in ["", "x", "a.b", "a.b.c", &"x".repeat(17_000)] {
        assert!(matches!(end(&world, &away, text).await, OidcError::IdToken(_)), "{text}");
    }
}

#[tokio::test]
async fn an_id_token_of_another_departure_is_refused() {
    let world = World::start(Userinfo::Signed).await;
    let (one, other) = (world.leave().await, world.leave().await);
    let glued = world.signed(&world.id_claims(&one));
    assert_eq!(end(&world, &other, &glued).await, OidcError::Claims(ClaimError::Nonce));
    let never_left = super::world::other_state(world.now());
    world.give(&glued);
    assert_eq!(world.login.come_back(&never_left, &code()).await, Err(OidcError::Claims(ClaimError::Nonce)));
    let of_another_service = crate::session::login::LoginState::new(String::new());
    assert_eq!(world.login.come_back(&of_another_service, &code()).await, Err(OidcError::NotOurs));
}

#[tokio::test]
async fn no_value_of_a_claim_panics_and_none_but_the_right_one_passes() {
    let world = World::start(Userinfo::Signed).await;
    let away = world.leave().await;
    world.give_all(&away, Userinfo::Signed);
    let mut runner = TestRunner::deterministic();
    let right = world.id_claims(&away);
    for name in ["iss", "sub", "aud", "nonce", "iat", "exp", "auth_time", "acr", "azp", "nbf"] {
        for _ in 0..25 {
            let value = super::parsing::anything().new_tree(&mut runner).unwrap().current();
            let mut claims = right.clone();
            claims[name] = value.clone();
            world.give(&world.signed(&claims));
            let came_back = world.come_back(&away).await;
            // A token may have been valid since long ago.
            let may_pass = name == "nbf" && value.as_i64().is_some();
            assert!(came_back.is_err() || may_pass, "{name}: {value}");
        }
    }
}

#[tokio::test]
async fn an_encrypted_id_token_is_opened_and_held_to_the_same_rules() {
    let world = World::start(Userinfo::None).await;
    let away = world.leave().await;
    let mut claims = world.id_claims(&away);
    claims["bsn"] = json!(BSN);
    world.give(&world.sealed(&world.signed(&claims), Some("JWT")));
    assert_eq!(world.come_back(&away).await.unwrap().bsn.reveal(), BSN);
    assert!(world.emulator.seen("/userinfo").is_empty());
    // What anybody can encrypt to our public key proves nothing.
    let unsigned = world.sealed(&claims.to_string(), None);
    assert_eq!(end(&world, &away, &unsigned).await, OidcError::IdToken(JwsError::Form));
    let mut damaged = world.sealed(&world.signed(&claims), Some("JWT"));
    damaged.truncate(damaged.len() - 22);
    damaged.push_str("AAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(end(&world, &away, &damaged).await, OidcError::SealedIdToken(JweError::Undecryptable));
}

#[tokio::test]
async fn the_bsn_of_the_id_token_must_be_there_and_valid() {
    let world = World::start(Userinfo::None).await;
    let away = world.leave().await;
    for bsn in [Value::Null, json!("999911133"), json!(999_911_132), json!(""), json!([BSN])] {
        let mut claims = world.id_claims(&away);
        claims["bsn"] = bsn.clone();
        assert_eq!(end(&world, &away, &world.signed(&claims)).await, OidcError::NoBsn, "{bsn}");
    }
}

#[tokio::test]
async fn a_login_of_before_is_enough_when_the_configuration_says_so() {
    let world = World::with(|config| (config.fresh_login, config.userinfo) = (false, Userinfo::Signed)).await;
    let away = world.leave().await;
    world.give_all(&away, Userinfo::Signed);
    let mut claims = world.id_claims(&away);
    claims["auth_time"] = json!(world.now().as_second() - 3600);
    world.give(&world.signed(&claims));
    let person = world.come_back(&away).await.unwrap();
    assert_eq!(world.now().as_second() - person.at.as_second(), 3600);
    claims.as_object_mut().unwrap().remove("auth_time");
    world.give(&world.signed(&claims));
    assert_eq!(world.come_back(&away).await.unwrap().at, world.now());
}
