//! What a review asked for: every refusal is on record with what it needs, a stolen code ends its token, and nobody can hold
//! up the end of a node.


use inzage::sandbox::his::faults::Faults;

use crate::harness::{Gateway, fault, json};

const DELINDE: &str = "huisarts.delinde@medmij";

fn bsn(gateway: &Gateway) -> String {
    gateway.world.practices[0].patients[0].bsn.reveal().to_owned()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_spent_code_in_strange_hands_ends_its_token() {
    let gateway = Gateway::start().await;
    let (client, thief) = (gateway.client("pgo"), gateway.client("pgo2"));
    let (code, endpoints, correlation) = gateway.code(&client, DELINDE, &bsn(&gateway)).await;
    let token = client.exchange(&endpoints, &code, &correlation).await.unwrap();
    let form = pairs(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("client_id", &client.client_id),
        ("redirect_uri", &client.redirect_uri),
    ]);
    let refused = thief.token_request(&endpoints.token, &form, &correlation).await.unwrap();
    assert_eq!((refused.status.as_u16(), json(&refused)["error"].as_str()), (401, Some("invalid_client")));
    let record = gateway.last_audit("token_refused");
    assert_eq!(record["grant"], gateway.last_audit("consent_given")["grant"]);
    let url = format!("{}/Encounter", endpoints.resources[crate::harness::ROLE]);
    let reply = client.get(&url, &token.access_token, &correlation).await.unwrap();
    assert_eq!((reply.status.as_u16(), fault(&reply).0.as_str()), (401, "unknown-token"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_code_is_spent_whatever_else_is_wrong() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let (code, endpoints, correlation) = gateway.code(&client, DELINDE, &bsn(&gateway)).await;
    let form = pairs(&[("grant_type", "refresh_code"), ("code", &code)]);
    let refused = client.token_request(&endpoints.token, &form, &correlation).await.unwrap();
    assert_eq!(json(&refused)["error"], "unsupported_grant_type");
    assert!(client.exchange(&endpoints, &code, &correlation).await.is_err());
    gateway.stop().await;
}

#[tokio::test]
async fn token_requests_that_cannot_be_read_are_on_record() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let endpoints = client.endpoints(DELINDE, "49").await.unwrap();
    for (url, kind, body, status) in [
        (endpoints.token.clone(), "application/json", "{}", 415),
        (endpoints.token.clone(), "application/x-www-form-urlencoded", "code=%zz", 400),
        (format!("{}?code=x", endpoints.token), "application/x-www-form-urlencoded", "a=b", 400),
    ] {
        let before = gateway.audit().len();
        let reply = client.http().post(&url).header("content-type", kind).body(body).send().await.unwrap();
        assert_eq!(reply.status(), status, "{body}");
        let records = gateway.audit();
        assert_eq!(records.len(), before + 1, "{body}");
        let last = records.last().unwrap();
        assert_eq!((&last["kind"], &last["reason"]), (&"token_refused".into(), &"invalid_request".into()));
        assert_eq!((&last["peer"], &last["status"]), (&"pgo.localhost".into(), &status.into()));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn refusals_and_failures_are_recorded_with_the_status_that_was_answered() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &bsn(&gateway)).await;
    assert_eq!(session.get("Encounter?patient=1").await.status, 400);
    assert_eq!(gateway.last_audit("resource_refused")["status"], 400);
    gateway.world.his[0].set_faults(Faults { foreign_patient: true, ..Faults::default() });
    assert_eq!(session.get("Encounter").await.status, 502);
    let outcome = gateway.last_audit("disclosure_outcome");
    assert_eq!((&outcome["outcome"], &outcome["status"]), (&"failed".into(), &502.into()));
    gateway.stop().await;
}
