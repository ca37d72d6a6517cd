//! A portal that shares: what its registration names, one service at a time.

use http::Method;
use serde_json::json as value;

use super::{DELINDE, Site, with};
use crate::harness::{json, send, text};
use crate::share::measurements;

#[tokio::test]
async fn a_portal_shares_with_a_token_for_one_service() {
    let site = Site::start().await;
    let scoped = async |scope: &str| {
        let reply = site.present(&with(site.form().await, "scope", Some(scope))).await;
        (reply.status.as_u16(), json(&reply))
    };
    let (status, token) = scoped(&format!("{DELINDE}~53")).await;
    assert_eq!((status, &token["scope"]), (200, &value!("53")), "{token}");
    let endpoints = site.portal.back.endpoints(&format!("{DELINDE}@medmij"), "53").await.unwrap();
    let base = endpoints.resources.values().next().unwrap();
    let request =
        site.portal.back.http().request(Method::POST, base).bearer_auth(token["access_token"].as_str().unwrap());
    let request = request.header("content-type", "application/fhir+json").body(measurements(1).to_string());
    let reply = send(request).await;
    assert_eq!(reply.status, 200, "{}", text(&reply));
    let outcome = site.gateway.last_audit("submission_outcome");
    assert_eq!((&outcome["client_id"], &outcome["outcome"]), (&value!("portaal.localhost"), &value!("done")));

    let (status, mixed) = scoped(&format!("{DELINDE}~49 {DELINDE}~53")).await;
    assert_eq!((status, &mixed["error"]), (400, &value!("invalid_scope")));
    let (_, collecting) = scoped(DELINDE).await;
    let services: Vec<_> = collecting["scope"].as_str().unwrap().split(' ').collect();
    assert!(services.contains(&"49") && !services.contains(&"53") && !services.contains(&"60"), "{services:?}");
    site.gateway.stop().await;
}
