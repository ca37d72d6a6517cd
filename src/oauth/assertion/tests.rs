//! Assertions that hold, and every way in which one does not.

use std::collections::HashSet;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::jose::{SigningKey, encrypt};
use crate::oauth::store::StoreFuture;
use crate::secret::{Handle, HandleHash};

const CLIENT: &str = "portaal.example";
const TOKEN_ENDPOINT: &str = "https://inzage.example/oauth/token";
const ISSUER: &str = "https://inloggen.example/smart";

#[derive(Default)]
struct Memory(Mutex<HashSet<HandleHash>>);

impl ReplayStore for Memory {
    fn first_use(&self, id: UsedId) -> StoreFuture<'_, bool> {
        let first = self.0.lock().unwrap().insert(id.hash);
        Box::pin(std::future::ready(Ok(first)))
    }

    fn is_used(&self, hash: HandleHash) -> StoreFuture<'_, bool> {
        let is_used = self.0.lock().unwrap().contains(&hash);
        Box::pin(std::future::ready(Ok(is_used)))
    }
}

struct World {
    client: Hostname,
    key: SigningKey,
    keys: Jwks,
    ids: Memory,
    decryption: [DecryptionKey; 1],
}

impl World {
    fn signing(algorithm: SignatureAlgorithm) -> Self {
        let key = SigningKey::generate(algorithm).unwrap();
        Self {
            client: Hostname::parse(CLIENT).unwrap(),
            keys: key.public().into(),
            key,
            ids: Memory::default(),
            decryption: [DecryptionKey::generate().unwrap()],
        }
    }

    fn new() -> Self {
        Self::signing(SignatureAlgorithm::Es256)
    }

    fn rules(&self) -> AssertionRules<'_> {
        AssertionRules {
            client: &self.client,
            keys: &self.keys,
            audience: &[TOKEN_ENDPOINT, ISSUER],
            ids: &self.ids,
            decryption: &self.decryption,
            now: now(),
        }
    }

    fn sign(&self, claims: &Value) -> String {
        self.key.sign("JWT", claims).unwrap().reveal().clone()
    }

    async fn prove(&self, assertion: &str) -> Result<ProvenClient, AssertionError> {
        ProvenClient::prove(assertion, &self.rules()).await
    }

    async fn read(&self, assertion: &str, encrypted: bool) -> Result<String, AssertionError> {
        let client = self.prove(&self.sign(&claims(Handle::draw().reveal()))).await?;
        let person = AssertedPerson::read(assertion, encrypted, &client, &self.rules()).await?;
        Ok(person.into_bsn().reveal().to_owned())
    }

    fn encrypted(&self, inner: &str, content_type: Option<&str>) -> String {
        encrypt(inner.as_bytes(), &self.decryption[0].public(), content_type).unwrap().reveal().clone()
    }
}

fn now() -> Timestamp {
    "2026-11-21T11:00:00Z".parse().unwrap()
}

fn claims(jti: &str) -> Value {
    let now = now().as_second();
    json!({"iss": CLIENT, "sub": CLIENT, "aud": TOKEN_ENDPOINT, "jti": jti, "iat": now, "exp": now + 60})
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    let members = claims.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    claims
}

fn person(jti: &str) -> Value {
    with(with(claims(jti), "sub", json!("account 7")), "bsn", json!("999911132"))
}

#[tokio::test]
async fn each_algorithm_proves_the_portal_once() {
    for algorithm in ALGORITHMS {
        let world = World::signing(*algorithm);
        let assertion = world.sign(&claims("1"));
        assert_eq!(world.prove(&assertion).await.map(|client| client.id().to_string()), Ok(CLIENT.to_owned()));
        assert_eq!(world.prove(&assertion).await, Err(AssertionError::Replayed));
        let again = world.sign(&with(claims("1"), "aud", json!([ISSUER])));
        assert_eq!(world.prove(&again).await, Err(AssertionError::Replayed), "another token with the same id");
        assert!(world.prove(&world.sign(&with(claims("2"), "aud", json!([ISSUER])))).await.is_ok());
    }
}

#[tokio::test]
async fn what_a_client_assertion_must_say() {
    let (world, now) = (World::new(), now().as_second());
    for (name, value, expected) in [
        ("iss", json!("other.example"), ClaimError::Issuer),
        ("sub", json!("other.example"), ClaimError::Subject),
        ("sub", Value::Null, ClaimError::Subject),
        ("aud", json!("https://other.example/oauth/token"), ClaimError::Audience),
        ("aud", json!([TOKEN_ENDPOINT, "https://other.example/"]), ClaimError::Audience),
        ("aud", Value::Null, ClaimError::Audience),
        ("exp", json!(now + 61), ClaimError::TooLong),
        ("exp", json!(now - 5), ClaimError::Expired),
        ("exp", Value::Null, ClaimError::NoExpiry),
        ("iat", json!(now - 1), ClaimError::TooLong),
        ("iat", json!(now + 6), ClaimError::IssuedAt),
        ("iat", Value::Null, ClaimError::IssuedAt),
        ("nbf", json!(now + 6), ClaimError::NotYet),
        ("jti", Value::Null, ClaimError::TokenId),
        ("jti", json!(""), ClaimError::TokenId),
        ("jti", json!("x".repeat(256)), ClaimError::TokenId),
    ] {
        let assertion = world.sign(&with(claims("1"), name, value.clone()));
        assert_eq!(world.prove(&assertion).await, Err(AssertionError::Claims(expected)), "{name} {value}");
    }
    assert!(world.prove(&world.sign(&claims("1"))).await.is_ok(), "a refused assertion spends no id");
}

/// Case 48: what is not signed by the portal's key, in one of our ways, is nothing.
#[tokio::test]
async fn only_the_portals_key_signs() {
    let world = World::new();
    let other = SigningKey::generate(SignatureAlgorithm::Es256).unwrap();
    let foreign = other.sign("JWT", &claims("1")).unwrap().reveal().clone();
    assert_eq!(world.prove(&foreign).await, Err(AssertionError::Signature(JwsError::UnknownKey)));
    let real = world.sign(&claims("1"));
    let (_, rest) = real.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let headed = |header: Value| format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode(header.to_string()));
    let kid = world.key.key_id();
    for (header, expected) in [
        (json!({"alg": "none"}), JwsError::Algorithm),
        (json!({"alg": "HS256", "kid": kid}), JwsError::Algorithm),
        (json!({"alg": "RS256", "kid": kid}), JwsError::Algorithm),
        (json!({"alg": "ES384", "kid": kid}), JwsError::UnknownKey),
        (json!({"alg": "ES256", "kid": "another"}), JwsError::UnknownKey),
        (json!({"alg": "ES256", "kid": kid, "crit": ["exp"]}), JwsError::Critical),
        (json!({"alg": "ES256", "kid": kid, "jku": "https://evil.example/keys"}), JwsError::Signature),
        (json!({"alg": "ES256", "kid": kid, "x5u": "https://evil.example/cert"}), JwsError::Signature),
        (json!({"alg": "ES256", "jwk": other.published()}), JwsError::Signature),
    ] {
        assert_eq!(world.prove(&headed(header.clone())).await, Err(AssertionError::Signature(expected)), "{header}");
    }
    for text in ["", "a.b.c", payload, &format!("{real}.x"), &"a".repeat(20_000)] {
        assert!(matches!(world.prove(text).await, Err(AssertionError::Signature(_))), "{text}");
    }
    assert!(world.prove(&real).await.is_ok());
}

#[tokio::test]
async fn a_person_is_read_from_an_encrypted_assertion() {
    let world = World::new();
    let sealed = world.encrypted(&world.sign(&person("1")), Some("JWT"));
    assert_eq!(world.read(&sealed, true).await.as_deref(), Ok("999911132"));
    assert_eq!(world.read(&sealed, true).await, Err(AssertionError::Replayed));
    assert_eq!(world.read(&world.sign(&person("2")), true).await, Err(AssertionError::NotEncrypted));
    assert_eq!(world.read(&world.sign(&person("2")), false).await.as_deref(), Ok("999911132"));
}

#[tokio::test]
async fn what_is_sealed_must_be_signed_and_for_us() {
    let (world, elsewhere) = (World::new(), World::new());
    let signed = world.sign(&person("1"));
    let bare = world.encrypted(&person("1").to_string(), Some("JWT"));
    assert_eq!(world.read(&bare, true).await, Err(AssertionError::Signature(JwsError::Form)));
    let untyped = world.encrypted(&signed, None);
    assert_eq!(world.read(&untyped, true).await, Err(AssertionError::NotNested));
    let to_another = elsewhere.encrypted(&signed, Some("JWT"));
    assert_eq!(world.read(&to_another, true).await, Err(AssertionError::Encryption(JweError::Undecryptable)));
    let by_another = world.encrypted(&elsewhere.sign(&person("1")), Some("JWT"));
    assert_eq!(world.read(&by_another, true).await, Err(AssertionError::Signature(JwsError::UnknownKey)));
}

#[tokio::test]
async fn an_assertion_without_a_person_is_none() {
    let world = World::new();
    for (number, value) in [Value::Null, json!("999911133"), json!(999_911_132), json!("")].into_iter().enumerate() {
        let assertion = world.sign(&with(person(&number.to_string()), "bsn", value.clone()));
        assert_eq!(world.read(&assertion, false).await, Err(AssertionError::NoPerson), "{value}");
    }
    let assertion = world.sign(&with(person("no account"), "sub", Value::Null));
    assert_eq!(world.read(&assertion, false).await, Err(AssertionError::NoPerson));
}

#[tokio::test]
async fn one_token_does_not_serve_as_both() {
    let world = World::new();
    let both = world.sign(&with(claims("1"), "bsn", json!("999911132")));
    assert!(world.prove(&both).await.is_ok());
    assert_eq!(world.read(&both, false).await, Err(AssertionError::Replayed));
}
