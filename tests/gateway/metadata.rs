//! What the authorization server says of itself (RFC 8414), and that it is so.

use crate::harness::{Gateway, json, send};

const PATH: &str = "/.well-known/oauth-authorization-server";

#[tokio::test]
async fn both_channels_tell_exactly_what_is_served() {
    let gateway = Gateway::start().await;
    let (front, back) = (gateway.world.layout.front_origin(), gateway.world.layout.back_origin());
    let http = gateway.client("pgo").http().clone();
    let told = send(http.get(format!("{front}{PATH}"))).await;
    assert_eq!(json(&told), json(&send(http.get(format!("{back}{PATH}"))).await));
    assert_eq!(told.headers["content-type"], "application/json");
    let told = json(&told);
    assert_eq!(told["issuer"], front);
    assert_eq!(told["response_types_supported"], serde_json::json!(["code"]));
    assert!(told.get("code_challenge_methods_supported").is_none(), "the interface of MedMij has no PKCE");
    assert!(told.get("authorization_response_iss_parameter_supported").is_none());
    let endpoints = gateway.client("pgo").endpoints("huisarts.delinde@medmij", "49").await.unwrap();
    assert_eq!(told["authorization_endpoint"], endpoints.authorization);
    assert_eq!(told["token_endpoint"], endpoints.token);
    for endpoint in ["token_endpoint", "revocation_endpoint"] {
        let reply = send(http.post(told[endpoint].as_str().unwrap())).await;
        assert_eq!(
            (reply.status.as_u16(), json(&reply)["error"].as_str()),
            (415, Some("invalid_request")),
            "{endpoint}"
        );
    }
    let grants: Vec<_> =
        told["grant_types_supported"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert!(grants.starts_with(&["authorization_code", "refresh_token"]), "{grants:?}");
    assert_eq!(told.get("jwks_uri").is_some(), grants.len() == 3, "for portals");
    gateway.stop().await;
}
