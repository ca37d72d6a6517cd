//! Case 48 and its kin: assertions that do not hold, at the real token endpoint.

use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Form, Site, with};

fn changed(mut claims: Value, name: &str, value: Value) -> Value {
    let members = claims.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    claims
}

/// The same token with another header; nobody signed it.
fn headed(token: &str, header: &Value) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

impl Site {
    /// A form whose assertion about the person has one claim changed.
    async fn person_with(&self, name: &str, value: Value) -> Form {
        let claims = self.portal.person_claims(&self.gateway.patient(), &self.endpoints.token);
        let signed = self.portal.sign(&changed(claims, name, value)).unwrap();
        let sealed = self.portal.seal(&signed, &self.endpoints).await.unwrap();
        with(self.form().await, "assertion", Some(&sealed))
    }

    /// A form whose proof of the portal has one claim changed.
    async fn proof_with(&self, name: &str, value: Value) -> Form {
        let claims = changed(self.portal.client_claims(&self.endpoints.token), name, value);
        with(self.form().await, "client_assertion", Some(&self.portal.sign(&claims).unwrap()))
    }
}

#[tokio::test]
async fn a_portal_proves_itself_by_its_key_too() {
    let site = Site::start().await;
    let now = site.gateway.clock_seconds();
    for (name, value) in [
        ("aud", json!("https://elders.localhost/oauth/token")),
        ("aud", json!([site.endpoints.token, "https://elders.localhost"])),
        ("iss", json!("pgo.localhost")),
        ("sub", json!("pgo.localhost")),
        ("exp", json!(now + 61)),
        ("exp", json!(now - 5)),
        ("iat", Value::Null),
        ("jti", Value::Null),
    ] {
        let form = site.proof_with(name, value.clone()).await;
        site.refused(&form, 401, "invalid_client", "client-assertion-refused").await;
    }
    for (name, value) in [
        ("client_assertion", None),
        ("client_assertion_type", None),
        ("client_assertion_type", Some("urn:ietf:params:oauth:client-assertion-type:saml2-bearer")),
    ] {
        let form = with(site.form().await, name, value);
        site.refused(&form, 401, "invalid_client", "no-client-assertion").await;
    }
    let unnamed = with(site.form().await, "client_id", None);
    assert_eq!(site.present(&unnamed).await.status, 200, "the proof names the portal, too");
    site.gateway.stop().await;
}

#[tokio::test]
async fn case_48_a_self_made_token_is_refused_and_nothing_is_fetched() {
    let site = Site::start().await;
    let bait = TcpListener::bind("127.0.0.1:0").unwrap();
    bait.set_nonblocking(true).unwrap();
    let address = format!("http://{}/keys", bait.local_addr().unwrap());
    let proof = site.portal.sign(&site.portal.client_claims(&site.endpoints.token)).unwrap();
    for header in [
        json!({"alg": "none"}),
        json!({"alg": "HS256", "kid": "portaal-1"}),
        json!({"alg": "RS256", "kid": "portaal-1"}),
        json!({"alg": "ES256", "kid": "vreemd"}),
        json!({"alg": "ES256", "kid": "portaal-1", "jku": address}),
        json!({"alg": "ES256", "kid": "portaal-1", "x5u": address}),
        json!({"alg": "ES256", "kid": "portaal-1", "crit": ["exp"]}),
    ] {
        let form = with(site.form().await, "client_assertion", Some(&headed(&proof, &header)));
        site.refused(&form, 401, "invalid_client", "client-assertion-refused").await;
    }
    let by_secret = hs256_with_public_key(&site, &proof);
    let form = with(site.form().await, "client_assertion", Some(&by_secret));
    site.refused(&form, 401, "invalid_client", "client-assertion-refused").await;
    assert_eq!(bait.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came");
    site.gateway.stop().await;
}

/// Signed with HMAC under the bytes of the registered public key, which everybody knows.
fn hs256_with_public_key(site: &Site, proof: &str) -> String {
    let public = std::fs::read(site.gateway.world.layout.file("portaal.jwks.json")).unwrap();
    let token = headed(proof, &json!({"alg": "HS256", "kid": "portaal-1"}));
    let (signed, _) = token.rsplit_once('.').unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &public);
    let tag = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[tokio::test]
async fn a_word_about_a_person_that_does_not_hold_is_no_grant() {
    let site = Site::start().await;
    let now = site.gateway.clock_seconds();
    for (name, value) in [
        ("aud", json!("https://elders.localhost/oauth/token")),
        ("iss", json!("pgo.localhost")),
        ("exp", json!(now + 61)),
        ("exp", json!(now - 5)),
        ("jti", Value::Null),
        ("sub", Value::Null),
        ("bsn", Value::Null),
        ("bsn", json!("999911133")),
    ] {
        let form = site.person_with(name, value.clone()).await;
        site.refused(&form, 400, "invalid_grant", "assertion-refused").await;
    }
    let form = with(site.form().await, "assertion", None);
    site.refused(&form, 400, "invalid_request", "invalid_request").await;
    site.gateway.stop().await;
}

#[tokio::test]
async fn a_person_goes_encrypted_or_not_at_all() {
    let site = Site::start().await;
    let claims = site.portal.person_claims(&site.gateway.patient(), &site.endpoints.token);
    let bare = site.portal.sign(&claims).unwrap();
    let form = with(site.form().await, "assertion", Some(&bare));
    let body = site.refused(&form, 400, "invalid_grant", "assertion-refused").await;
    assert!(body["error_description"].as_str().unwrap().contains("encrypted"), "{body}");
    let unsigned = site.portal.seal(&claims.to_string(), &site.endpoints).await.unwrap();
    let form = with(site.form().await, "assertion", Some(&unsigned));
    site.refused(&form, 400, "invalid_grant", "assertion-refused").await;
    site.gateway.stop().await;
}

#[tokio::test]
async fn a_replayed_assertion_gives_nothing() {
    let site = Site::start().await;
    let form = site.form().await;
    assert_eq!(site.present(&form).await.status, 200);
    site.refused(&form, 401, "invalid_client", "client-assertion-replayed").await;
    let proof = site.portal.sign(&site.portal.client_claims(&site.endpoints.token)).unwrap();
    let fresh_proof = with(form, "client_assertion", Some(&proof));
    site.refused(&fresh_proof, 400, "invalid_grant", "assertion-replayed").await;
    assert_eq!(site.gateway.audit_of("token_issued").len(), 1);
    site.gateway.stop().await;
}

/// Case 42: neither the person nor an assertion stands in any record.
#[tokio::test]
async fn nothing_of_an_assertion_is_kept() {
    let site = Site::start().await;
    let (form, bsn) = (site.form().await, site.gateway.patient());
    assert_eq!(site.present(&form).await.status, 200);
    site.refused(&form, 401, "invalid_client", "client-assertion-replayed").await;
    let left = site.gateway.leave().await;
    let secrets = form.iter().filter(|(name, _)| name.ends_with("assertion")).map(|(_, value)| value.as_str());
    let secrets: Vec<_> = secrets.chain([bsn.as_str()]).collect();
    let records = serde_json::to_string(&left.audit()).unwrap();
    let store: Vec<_> = ["inzage.sqlite", "inzage.sqlite-wal"]
        .iter()
        .filter_map(|name| std::fs::read(left.path().join("gateway").join(name)).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect();
    assert!(!store.is_empty());
    for secret in secrets {
        assert!(!records.contains(secret) && store.iter().all(|bytes| !bytes.contains(secret)));
    }
}
