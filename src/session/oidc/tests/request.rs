//! What the provider is asked, and how it knows that we ask.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::{AssertionAudience, Userinfo};
use super::emulator::Seen;
use super::world::{CALLBACK, CLIENT, World};
use crate::form::{decode_pairs, single};
use crate::jose::{Claims, Jwks, Jws, Rules, SignatureAlgorithm};
use crate::language::Language;
use crate::secret::sha256;

#[tokio::test]
async fn the_authorization_request_has_everything_once() {
    let world = World::start(Userinfo::Signed).await;
    let away = world.leave().await;
    assert!(away.way.address.starts_with(&format!("{}/authorize?", world.emulator.origin)));
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", CALLBACK),
        ("scope", "openid bsn"),
        ("code_challenge_method", "S256"),
        ("acr_values", "http://eidas.europa.eu/LoA/substantial"),
        ("max_age", "0"),
        ("ui_locales", "nl"),
    ] {
        assert_eq!(single(&away.query, name), Some(value), "{name}");
    }
    assert_eq!(away.query.len(), 11, "{:?}", away.query.iter().map(|(name, _)| name).collect::<Vec<_>>());
    let again = world.leave_in(Language::English).await.unwrap();
    assert_eq!(again.asked("ui_locales"), "en");
    for name in ["state", "nonce", "code_challenge"] {
        assert!(away.asked(name).len() >= 43 && away.asked(name) != again.asked(name), "{name}");
    }
}

#[tokio::test]
async fn nothing_is_asked_that_is_not_configured() {
    let world = World::with(|config| {
        (config.fresh_login, config.acr_values, config.scopes) = (false, Vec::new(), Vec::new());
    })
    .await;
    let away = world.leave().await;
    assert_eq!((single(&away.query, "acr_values"), single(&away.query, "max_age")), (None, None));
    assert_eq!(away.asked("scope"), "openid");
}

#[tokio::test]
async fn the_code_is_exchanged_with_the_verifier_and_a_signature_and_no_secret() {
    let world = World::start(Userinfo::SignedEncrypted).await;
    let away = world.leave().await;
    world.give_all(&away, Userinfo::SignedEncrypted);
    world.come_back(&away).await.unwrap();
    let seen = &world.emulator.seen("/token")[0];
    assert!(seen.head.starts_with("POST /token HTTP/1.1\r\n"));
    assert!(!seen.head.to_ascii_lowercase().contains("authorization:"));
    let form = decode_pairs(&seen.body).unwrap();
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", "the-code"),
        ("redirect_uri", CALLBACK),
        ("client_id", CLIENT),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
    ] {
        assert_eq!(single(&form, name), Some(value), "{name}");
    }
    assert_eq!(form.len(), 7);
    let verifier = single(&form, "code_verifier").unwrap();
    assert_eq!(URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())), away.asked("code_challenge"));
    let asked = &world.emulator.seen("/userinfo")[0];
    assert!(asked.head.to_ascii_lowercase().contains("authorization: bearer an-access-token"), "{}", asked.head);
}

fn assertion(world: &World, seen: &Seen) -> Claims {
    let form = decode_pairs(&seen.body).unwrap();
    let rules = Rules { algorithms: &[SignatureAlgorithm::Es256], typ: None };
    let signed = Jws::parse(single(&form, "client_assertion").unwrap()).unwrap();
    signed.verify(&Jwks::from(world.our_signature.clone()), &rules).unwrap().claims().unwrap().into_value()
}

#[tokio::test]
async fn the_assertion_is_ours_short_lived_and_never_the_same() {
    for (audience, path) in [(AssertionAudience::Issuer, ""), (AssertionAudience::TokenEndpoint, "/token")] {
        let world = World::with(|config| config.assertion_audience = audience).await;
        for _ in 0..2 {
            let away = world.leave().await;
            world.give_all(&away, Userinfo::SignedEncrypted);
            world.come_back(&away).await.unwrap();
        }
        let seen = world.emulator.seen("/token");
        let (one, other) = (assertion(&world, &seen[0]), assertion(&world, &seen[1]));
        assert_eq!((one.text("iss"), one.text("sub")), (Some(CLIENT), Some(CLIENT)));
        assert_eq!(one.text("aud"), Some(format!("{}{path}", world.emulator.origin).as_str()));
        let seconds = |name: &str| one.value(name).unwrap().as_i64().unwrap();
        assert_eq!((seconds("iat"), seconds("exp") - seconds("iat")), (world.now().as_second(), 60));
        assert!(one.text("jti").unwrap().len() >= 43 && one.text("jti") != other.text("jti"));
    }
}
