//! From "collect my data" to a code, and everything that ends without one.

use crate::harness::{COLLECTED, Gateway};
use crate::pages::DELINDE;
use crate::request::{arrive, with};

#[tokio::test]
async fn a_willing_person_comes_back_with_a_code_that_works_once() {
    let gateway = Gateway::start().await;
    let bsn = gateway.world.practices[0].patients[0].bsn.reveal().to_owned();
    let client = gateway.client("pgo");
    let (code, endpoints, correlation_id) = gateway.code(&client, DELINDE, &bsn).await;
    let token = client.exchange(&endpoints, &code, &correlation_id).await.unwrap();
    assert_eq!((token.token_type.as_str(), token.expires_in, token.scope.as_str()), ("Bearer", 900, COLLECTED));
    assert!(client.exchange(&endpoints, &code, &correlation_id).await.is_err());
    let consent = gateway.last_audit("consent_given");
    assert_eq!(consent["correlation_id"], correlation_id.as_str());
    assert_eq!(consent["client_id"], "pgo.localhost");
    assert_eq!(consent["detail"], format!("services {COLLECTED}, for this time"));
    assert_eq!(gateway.last_audit("token_refused")["reason"], "invalid_grant");
    gateway.stop().await;
}

#[tokio::test]
async fn ids_of_the_network_may_be_missing_or_broken() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    for (name, field) in [("MedMij-Request-ID", "request_id"), ("X-Correlation-ID", "correlation_id")] {
        for value in [None, Some("not a uuid"), Some("999911132"), Some("{0d4c6c7a-2f0e-4d7e-9f56-2d3a9a4f6f10}")] {
            let reply = arrive(&gateway, &client, &with(&client, name, value)).await;
            assert_eq!(reply.status, 200);
            let record = gateway.last_audit("authorization_requested");
            assert!(record[field].is_null() && record["local_id"].is_string(), "{record}");
            assert_eq!(record["detail"], format!("services {COLLECTED}"), "what was asked is on record");
        }
    }
    gateway.stop().await;
}
