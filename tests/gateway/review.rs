//! What a review asked for: every refusal is on record with what it needs, a stolen code ends its token, and nobody can hold
//! up the end of a node.

use std::time::Duration;

use inzage::lists::ListKind;
use inzage::sandbox::his::faults::{Fail, Faults};
use inzage::sandbox::person::{Choices, End, Person, read_form};

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
async fn lists_that_are_too_old_are_our_trouble_and_not_the_clients() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let (code, endpoints, correlation) = gateway.code(&client, DELINDE, &bsn(&gateway)).await;
    gateway.clock.advance(Duration::from_secs(25 * 60 * 60));
    let form = pairs(&[("grant_type", "authorization_code"), ("code", &code), ("client_id", &client.client_id)]);
    let refused = client.token_request(&endpoints.token, &form, &correlation).await.unwrap();
    assert_eq!((refused.status.as_u16(), json(&refused)["error"].as_str()), (503, Some("temporarily_unavailable")));
    assert_eq!(gateway.last_audit("token_refused")["reason"], "lists-too-old");
    let url = client.authorization_url(&endpoints, "huisarts.delinde", "s", &correlation);
    let page = Person::default().open(&client, &url).await.unwrap();
    assert_eq!(page.status, 503);
    assert_eq!(gateway.last_audit("authorization_refused")["reason"], "lists-too-old");
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

#[tokio::test]
async fn a_page_of_another_browser_is_refused_and_on_record() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let endpoints = client.endpoints(DELINDE, "49").await.unwrap();
    let url = client.authorization_url(&endpoints, "huisarts.delinde", "s", "0d4c6c7a-2f0e-4d7e-9f56-2d3a9a4f6f10");
    let page = Person::default().open(&client, &url).await.unwrap();
    let form = read_form(&crate::harness::text(&page)).unwrap();
    let target = format!("{}{}", gateway.world.layout.front_origin(), form.action);
    let mut fields = form.hidden.clone();
    fields.extend(pairs(&[("action", "continue")]));
    let refused = Person::default().submit(&client, &target, &fields).await.unwrap();
    assert_eq!(refused.status, 403);
    let record = gateway.last_audit("authorization_refused");
    assert_eq!((&record["reason"], &record["status"]), (&"stale-page".into(), &403.into()));
    assert_eq!(record["local_id"], gateway.last_audit("authorization_requested")["local_id"]);
    gateway.stop().await;
}

#[tokio::test]
async fn an_authorization_that_the_his_breaks_off_has_its_end_on_record() {
    let gateway = Gateway::start().await;
    gateway.world.his[0].set_faults(Faults { fail: Fail::Garbage, ..Faults::default() });
    let client = gateway.client("pgo");
    let person = bsn(&gateway);
    let (End::Page { status, .. }, ..) = gateway.walk(&client, DELINDE, Choices::willing(&person)).await else {
        panic!("the walk went on")
    };
    assert_eq!(status, 502);
    let (login, end) = (gateway.last_audit("person_authenticated"), gateway.audit().pop().unwrap());
    assert_eq!((&end["kind"], &end["outcome"]), (&"authorization_refused".into(), &"failed".into()));
    assert_eq!((&end["reason"], &end["local_id"]), (&"his-nonsense".into(), &login["local_id"]));
    gateway.stop().await;
}

#[tokio::test]
async fn who_is_not_known_at_the_practice_is_named_in_the_record() {
    let gateway = Gateway::start().await;
    let elsewhere = gateway.world.practices[1].patients[0].bsn.reveal().to_owned();
    gateway.walk(&gateway.client("pgo"), DELINDE, Choices::willing(&elsewhere)).await;
    let (login, end) = (gateway.last_audit("person_authenticated"), gateway.last_audit("authorization_refused"));
    assert_eq!(end["reason"], "not-available");
    assert!(login["subject"].is_string());
    assert_eq!(end["subject"], login["subject"]);
    gateway.stop().await;
}

#[tokio::test]
async fn half_a_request_to_the_operations_face_does_not_hold_up_the_end() {
    use tokio::io::AsyncWriteExt as _;
    let gateway = Gateway::start().await;
    let address = gateway.world.layout.ops_url().trim_start_matches("http://").to_owned();
    let mut open = tokio::net::TcpStream::connect(address).await.unwrap();
    open.write_all(b"GET /livez HT").await.unwrap();
    let stopping = tokio::time::timeout(Duration::from_secs(30), gateway.stop()).await;
    assert!(stopping.is_ok(), "the node waits for somebody who says nothing");
    drop(open);
}

#[tokio::test]
async fn a_client_that_left_the_list_gets_no_code_for_a_page_it_had_before() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let endpoints = client.endpoints(DELINDE, "49").await.unwrap();
    let url = client.authorization_url(&endpoints, "huisarts.delinde", "s", "0d4c6c7a-2f0e-4d7e-9f56-2d3a9a4f6f10");
    let mut person = Person::default();
    let mut page = person.open(&client, &url).await.unwrap();
    let front = gateway.world.layout.front_origin();
    for answers in [pairs(&[("action", "continue")]), pairs(&[("action", "login"), ("bsn", &bsn(&gateway))])] {
        let form = read_form(&crate::harness::text(&page)).unwrap();
        let fields: Vec<_> = form.hidden.into_iter().chain(answers).collect();
        page = person.submit(&client, &format!("{front}{}", form.action), &fields).await.unwrap();
        if let Some(target) = inzage::sandbox::person::location(&page) {
            page = person.open(&client, &format!("{front}{target}")).await.unwrap();
        }
    }
    publish_without(&gateway, &client.client_id).await;
    let form = read_form(&crate::harness::text(&page)).unwrap();
    let fields: Vec<_> = form.hidden.into_iter().chain(pairs(&[("answer", "allow")])).collect();
    let reply = person.submit(&client, &format!("{front}{}", form.action), &fields).await.unwrap();
    assert_eq!(reply.status, 403);
    assert!(!reply.headers.contains_key("location"));
    assert!(gateway.audit().iter().all(|record| record["kind"] != "consent_given"));
    gateway.stop().await;
}

/// Publishes an OAuth client list without this client, and waits until the gateway uses it.
async fn publish_without(gateway: &Gateway, client: &str) {
    gateway.clock.advance(Duration::from_secs(60));
    crate::lists::publish(gateway, 2, |kind, list| match kind {
        ListKind::Ocl => crate::lists::without(&list, "OAuthclient", client),
        ListKind::Zal | ListKind::Whl | ListKind::Gnl => list,
    });
    gateway.refresh_lists().await;
}
