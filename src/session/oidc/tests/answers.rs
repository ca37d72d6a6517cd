//! What the browser brings back, and what the servers of the provider answer when they are out of order.

use std::time::Duration;

use serde_json::json;

use super::super::remote::BODY_MAX_BYTES;
use super::super::{OidcError, Userinfo};
use super::emulator::Canned;
use super::world::{BSN, DISCOVERY, World};
use crate::clock::Clock as _;
use crate::session::login::{IdentityProvider as _, LoginEnd, LoginUnavailable};

const AWAY: LoginEnd = LoginEnd::Unavailable(LoginUnavailable);

#[tokio::test]
async fn each_error_that_the_browser_brings_has_its_end() {
    let world = World::start(Userinfo::Signed).await;
    let away = world.leave().await;
    world.give_all(&away, Userinfo::Signed);
    let cases: [(&[(&str, &str)], LoginEnd); 11] = [
        (&[("error", "access_denied"), ("error_description", "x")], LoginEnd::Cancelled),
        (&[("error", "access_denied"), ("code", "the-code")], LoginEnd::Cancelled),
        (&[("error", "login_required")], LoginEnd::Failed),
        (&[("error", "access_denied"), ("error", "access_denied")], LoginEnd::Failed),
        (&[("error", "server_error")], AWAY),
        (&[("error", "temporarily_unavailable")], AWAY),
        (&[("error", "invalid_request")], AWAY),
        (&[], LoginEnd::Failed),
        (&[("code", "")], LoginEnd::Failed),
        (&[("code", "a"), ("code", "b")], LoginEnd::Failed),
        (&[("code", "the-code"), ("iss", "https://login.evil.example")], LoginEnd::Failed),
    ];
    for (fields, expected) in cases {
        assert_eq!(world.finish(&away, fields).await, Err(expected), "{fields:?}");
    }
    let long = "x".repeat(4097);
    assert_eq!(world.finish(&away, &[("code", &long)]).await, Err(LoginEnd::Failed));
    assert!(world.emulator.seen("/token").is_empty(), "no code was asked about");
    let named = [("code", "the-code"), ("iss", world.emulator.origin.as_str())];
    assert_eq!(world.finish(&away, &named).await.unwrap().bsn.reveal(), BSN);
}

#[tokio::test]
async fn an_issuer_that_is_promised_must_be_named() {
    let world = World::start(Userinfo::Signed).await;
    let mut metadata = world.metadata();
    metadata["authorization_response_iss_parameter_supported"] = json!(true);
    world.emulator.answer(DISCOVERY, Canned::json(&metadata));
    let away = world.leave().await;
    world.give_all(&away, Userinfo::Signed);
    assert_eq!(world.come_back(&away).await, Err(OidcError::MixedUp));
    assert_eq!(world.finish(&away, &[("error", "access_denied")]).await, Err(LoginEnd::Failed));
    let issuer = world.emulator.origin.as_str();
    assert!(world.finish(&away, &[("code", "the-code"), ("iss", issuer)]).await.is_ok());
}

/// What goes wrong at any of the provider's addresses.
fn disorder() -> [(Canned, OidcError); 7] {
    let html = |status| Canned::Answer { status, media_type: "text/html", body: "<p>sorry</p>".to_owned() };
    [
        (Canned::Redirect(302), OidcError::Redirected),
        (Canned::Redirect(307), OidcError::Redirected),
        (html(500), OidcError::Status { status: 500 }),
        (html(503), OidcError::Status { status: 503 }),
        (html(404), OidcError::Status { status: 404 }),
        (html(200), OidcError::MediaType),
        (Canned::json(&format!("{{\"x\": \"{}\"}}", "x".repeat(BODY_MAX_BYTES))), OidcError::TooLarge),
    ]
}

#[tokio::test]
async fn a_provider_out_of_order_is_unavailable_at_the_departure() {
    for path in [DISCOVERY, "/keys"] {
        for (canned, expected) in disorder() {
            let world = World::start(Userinfo::Signed).await;
            world.emulator.answer(path, canned);
            assert_eq!(world.login.party().provider.known().await.unwrap_err(), expected, "{path}");
            assert!(world.try_leave().await.is_err());
        }
    }
}

#[tokio::test]
async fn a_provider_out_of_order_is_unavailable_at_the_return() {
    for path in ["/token", "/userinfo"] {
        for (canned, expected) in disorder() {
            let world = World::start(Userinfo::Plain).await;
            let away = world.leave().await;
            world.give_all(&away, Userinfo::Plain);
            world.emulator.answer(path, canned);
            assert_eq!(world.come_back(&away).await, Err(expected), "{path}");
            assert_eq!(world.finish(&away, &[("code", "the-code")]).await, Err(AWAY), "{path}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_left_at_the_deadline() {
    for path in [DISCOVERY, "/keys"] {
        let world = World::start(Userinfo::Plain).await;
        world.emulator.answer(path, Canned::Silence);
        let deadline = world.clock.monotonic() + Duration::from_millis(50);
        let known = world.login.party().by(deadline, world.login.party().provider.known()).await;
        assert_eq!(known.unwrap_err(), OidcError::TimedOut, "{path}");
    }
    for path in ["/token", "/userinfo"] {
        let world = World::start(Userinfo::Plain).await;
        let away = world.leave().await;
        world.give_all(&away, Userinfo::Plain);
        world.emulator.answer(path, Canned::Silence);
        let deadline = world.clock.monotonic() + Duration::from_millis(50);
        let fields = super::world::code();
        assert_eq!(world.login.finish(away.way.state.clone(), &fields, deadline).await, Err(AWAY), "{path}");
    }
}

#[tokio::test]
async fn metadata_that_lead_elsewhere_or_lack_what_we_need_are_refused() {
    let world = World::start(Userinfo::Signed).await;
    let origin = &world.emulator.origin;
    let cases = [
        ("issuer", json!("https://login.evil.example"), OidcError::OtherIssuer),
        ("issuer", json!(format!("{origin}/")), OidcError::OtherIssuer),
        ("authorization_endpoint", json!("https://evil.example/authorize"), OidcError::Endpoint),
        ("token_endpoint", json!("https://169.254.169.254/latest/meta-data"), OidcError::Endpoint),
        ("token_endpoint", json!(origin.replace("https", "http")), OidcError::Endpoint),
        ("userinfo_endpoint", json!("https://localhost:6379/"), OidcError::Endpoint),
        ("jwks_uri", json!("file:///etc/passwd"), OidcError::Endpoint),
        ("jwks_uri", json!(format!("{origin}@evil.example/keys")), OidcError::Endpoint),
        ("userinfo_endpoint", json!(null), OidcError::Unsupported("userinfo")),
        ("code_challenge_methods_supported", json!(["plain"]), OidcError::Unsupported("PKCE with S256")),
        ("response_types_supported", json!(["id_token"]), OidcError::Unsupported("the authorization code flow")),
        (
            "token_endpoint_auth_methods_supported",
            json!(["client_secret_post"]),
            OidcError::Unsupported("private_key_jwt"),
        ),
        (
            "token_endpoint_auth_signing_alg_values_supported",
            json!(["RS256"]),
            OidcError::Unsupported("the algorithm of the signing key"),
        ),
        ("token_endpoint", json!(7), OidcError::Metadata),
    ];
    for (name, value, expected) in cases {
        let mut metadata = world.metadata();
        metadata[name] = value.clone();
        world.emulator.answer(DISCOVERY, Canned::json(&metadata));
        assert_eq!(world.login.party().provider.known().await.unwrap_err(), expected, "{name}: {value}");
        assert_eq!(expected.end(), AWAY);
    }
    assert!(world.emulator.seen("/keys").is_empty(), "nothing was asked on their account");
}

#[tokio::test]
async fn the_token_endpoint_may_refuse_the_code_or_us() {
    let world = World::start(Userinfo::Signed).await;
    let away = world.leave().await;
    let tokens = |change: &str, value: serde_json::Value| {
        let mut tokens = json!({"access_token": "a", "token_type": "bearer", "id_token": "x"});
        tokens[change] = value;
        Canned::json(&tokens)
    };
    for (canned, expected, end) in [
        (Canned::error(400, r#"{"error":"invalid_grant"}"#), OidcError::CodeRefused, LoginEnd::Failed),
        (Canned::error(401, r#"{"error":"invalid_client"}"#), OidcError::ClientRefused, AWAY),
        (Canned::error(400, r#"{"error":"unauthorized_client"}"#), OidcError::ClientRefused, AWAY),
        (Canned::error(400, "<p>"), OidcError::Status { status: 400 }, AWAY),
        (tokens("token_type", json!("DPoP")), OidcError::Tokens, LoginEnd::Failed),
        (tokens("access_token", json!("a\r\nb")), OidcError::Tokens, LoginEnd::Failed),
        (tokens("access_token", json!("")), OidcError::Tokens, LoginEnd::Failed),
        (tokens("id_token", json!(null)), OidcError::Tokens, LoginEnd::Failed),
        (Canned::json(&"[]"), OidcError::Tokens, LoginEnd::Failed),
    ] {
        world.emulator.answer("/token", canned);
        assert_eq!(world.come_back(&away).await, Err(expected));
        assert_eq!(expected.end(), end);
    }
}
