//! Giving a token back (RFC 7009): the consent ends with all of its tokens, and nobody else's does.

use inzage::sandbox::client::{PgoClient, Reply, new_id};

use crate::harness::{Gateway, Session, json};

const DELINDE: &str = "huisarts.delinde@medmij";

fn endpoint(session: &Session) -> String {
    session.endpoints.token.replace("/oauth/token", "/oauth/revoke")
}

async fn give_back(client: &PgoClient, url: &str, token: &str) -> Reply {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let form = [pair("token", token), pair("token_type_hint", "refresh_token"), pair("client_id", &client.client_id)];
    client.token_request(url, &form, &new_id()).await.unwrap()
}

#[tokio::test]
async fn a_token_that_is_given_back_opens_nothing_any_more() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let other = gateway.session(DELINDE, &gateway.patient()).await;
    assert_eq!(session.get("EpisodeOfCare").await.status, 200);
    let reply = give_back(&session.client, &endpoint(&session), &session.token.access_token).await;
    assert_eq!((reply.status.as_u16(), reply.body.len()), (200, 0));
    assert_eq!(reply.headers["cache-control"], "no-store");
    let record = gateway.last_audit("grant_ended");
    assert_eq!((&record["outcome"], &record["reason"]), (&"done".into(), &"revoked".into()));
    assert_eq!((&record["client_id"], &record["provider"]), (&"pgo.localhost".into(), &DELINDE.into()));
    assert!(record["subject"].is_string() && record["grant"].is_string(), "{record}");
    assert_eq!(session.get("EpisodeOfCare").await.status, 401);
    assert_eq!(other.get("EpisodeOfCare").await.status, 200, "the same person's other consent");
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_unknown_or_another_clients_changes_nothing_and_is_no_error() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let other = gateway.client("pgo2");
    for (client, token, reason) in [
        (&other, session.token.access_token.as_str(), "token-of-another-client"),
        (&session.client, "no-such-token", "unknown-token"),
        (&session.client, "no.such", "unknown-token"),
    ] {
        let reply = give_back(client, &endpoint(&session), token).await;
        assert_eq!((reply.status.as_u16(), reply.body.len()), (200, 0), "{reason}");
        let record = gateway.last_audit("grant_ended");
        assert_eq!((&record["outcome"], &record["reason"]), (&"refused".into(), &reason.into()));
    }
    assert_eq!(session.get("EpisodeOfCare").await.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn who_may_not_act_for_the_client_cannot_give_back() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let (url, token) = (endpoint(&session), session.token.access_token.as_str());
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let own = [pair("token", token), pair("client_id", &session.client.client_id)];
    for (client, form, status, error) in [
        (gateway.client("pgo2"), &own[..], 401, "invalid_client"),
        (gateway.client("not_listed"), &own[..], 401, "invalid_client"),
        (session.client.clone(), &own[..1], 400, "invalid_request"),
        (session.client.clone(), &own[1..], 400, "invalid_request"),
    ] {
        let reply = client.token_request(&url, form, &new_id()).await.unwrap();
        assert_eq!((reply.status.as_u16(), json(&reply)["error"].as_str().unwrap()), (status, error));
        let record = gateway.last_audit("grant_ended");
        assert_eq!((&record["outcome"], &record["status"]), (&"refused".into(), &status.into()));
    }
    assert_eq!(session.client.http().get(&url).send().await.unwrap().status(), 405);
    assert_eq!(session.get("EpisodeOfCare").await.status, 200);
    gateway.stop().await;
}
