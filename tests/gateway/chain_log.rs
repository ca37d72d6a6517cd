//! The chain log: each step of a walk leaves its line, in order and under one session, and no line says who the person is.

use inzage::sandbox::chainlog::Received;
use inzage::sandbox::client::new_id;
use inzage::sandbox::person::{Choices, End, Person};
use serde_json::Value;

use crate::harness::{Gateway, SERVICE};

const DELINDE: &str = "huisarts.delinde@medmij";

/// The steps up to the question.
const TO_CONSENT: [&str; 5] = [
    "receive_authorization_request",
    "show_landing_page",
    "send_authentication_request",
    "receive_authentication_response",
    "show_consent_page",
];

fn kinds(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["event"]["type"].as_str().unwrap()).collect()
}

/// The lines of one exchange, in order.
fn of(received: &Received, correlation_id: &str) -> Vec<Value> {
    received.lines.iter().filter(|line| line["event"]["trace_id"] == correlation_id).cloned().collect()
}

/// Waits for this many lines of an exchange, and gives them.
async fn lines(gateway: &Gateway, correlation_id: &str, count: usize) -> Vec<Value> {
    let enough = |received: &Received| of(received, correlation_id).len() >= count;
    of(&gateway.world.chain_log.until(enough).await, correlation_id)
}

fn one_session(lines: &[Value]) -> bool {
    lines.iter().all(|line| line["event"]["session_id"] == lines[0]["event"]["session_id"])
}

#[tokio::test]
async fn a_walk_to_data_leaves_its_lines_in_order_under_one_session() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    session.bundle("EpisodeOfCare").await;
    let lines = lines(&gateway, &session.correlation_id, 10).await;
    let expected = TO_CONSENT.into_iter().chain([
        "send_authorization_response",
        "receive_token_request",
        "send_token_response",
        "receive_resource_request",
        "send_resource_response",
    ]);
    assert_eq!(kinds(&lines), expected.collect::<Vec<_>>());
    assert!(one_session(&lines), "{lines:#?}");
    let (front, back) = ("inloggen.inzage.localhost", "inzage.localhost");
    let locations: Vec<_> = lines.iter().map(|line| line["event"]["location"].as_str().unwrap()).collect();
    assert_eq!(locations, [[front; 6].as_slice(), [back; 4].as_slice()].concat());
    assert!(lines.iter().all(|line| line["event"]["datetime"] == "2026-11-21T12:00:00.000+01:00"));
    let resource = &lines[8]["request"];
    assert_eq!((&resource["client_id"], &resource["provider_id"]), (&"pgo.localhost".into(), &DELINDE.into()));
    assert_eq!(resource["service_id"].to_string(), SERVICE);
    assert_eq!(resource["id"], lines[9]["response"]["id"]);
    assert_eq!((&lines[7]["response"]["status"], &lines[9]["response"]["status"]), (&200.into(), &200.into()));
    gateway.stop().await;
}

#[tokio::test]
async fn every_end_of_a_walk_has_its_lines_and_every_no_the_same_last_one() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let bsn = gateway.patient();
    let stranger = gateway.world.practices[1].patients[0].bsn.reveal().to_owned();
    let willing = Choices::willing(&bsn);
    let at_login = &TO_CONSENT[..3];
    let with = |steps: &[&'static str], more: &[&'static str]| [steps, more].concat();
    let denied = "send_authorization_response";
    for (choices, expected) in [
        (Choices { landing: "cancel", ..willing }, with(&TO_CONSENT[..2], &["send_authorization_cancellation"])),
        (Choices { login: "cancel", ..willing }, with(at_login, &["receive_authorization_cancellation", denied])),
        (Choices { login: "fail", ..willing }, with(at_login, &["receive_authentication_error", denied])),
        (Choices { consent: "refuse", ..willing }, with(&TO_CONSENT, &[denied])),
        // The same as a person who refuses: the log does not say who has a record where.
        (Choices::willing(&stranger), with(&TO_CONSENT, &[denied])),
    ] {
        let (end, _, correlation_id) = gateway.walk(&client, DELINDE, choices).await;
        assert!(matches!(&end, End::Client(answer) if answer["error"] == "access_denied"), "{end:?}");
        let lines = lines(&gateway, &correlation_id, expected.len()).await;
        assert_eq!(kinds(&lines), expected);
        assert!(one_session(&lines));
        let last = lines.last().unwrap();
        if last["event"]["type"] == denied {
            assert_eq!(last["error"], serde_json::json!({"code": "access_denied", "description": "access_denied"}));
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_request_that_is_not_in_order_says_who_was_told() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let endpoints = client.endpoints(DELINDE, SERVICE).await.unwrap();
    let shown =
        ["receive_authorization_request", "authorization_request_error", "show_authorization_request_error_page"];
    let sent = ["receive_authorization_request", "send_authorization_request_error"];
    for (from, to, expected, code) in [
        ("client_id=pgo.localhost", "client_id=999911132.example", &shown[..], "unauthorized_client"),
        ("redirect_uri=https", "redirect_uri=http", &shown[..], "invalid_request"),
        ("response_type=code", "response_type=token", &sent[..], "unsupported_response_type"),
        ("scope=huisarts.delinde", "scope=huisarts.999911132", &sent[..], "invalid_scope"),
    ] {
        let correlation_id = new_id();
        let url = client.authorization_url(&endpoints, "huisarts.delinde", "the state", &correlation_id);
        assert!(url.contains(from), "{url}");
        let url = url.replacen(from, to, 1);
        let _ = Person::default().walk(&client, &url, Choices::willing("999911132")).await;
        let lines = lines(&gateway, &correlation_id, expected.len()).await;
        assert_eq!(kinds(&lines), expected, "{to}");
        assert_eq!(lines[1]["error"]["code"], code);
        assert!(!format!("{lines:?}").contains("999911132"), "{lines:#?}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn refused_requests_leave_their_error_and_nothing_that_was_sent() {
    let gateway = Gateway::start().await;
    let bsn = gateway.patient();
    let session = gateway.session(DELINDE, &bsn).await;
    let spent = session.client.exchange(&session.endpoints, "999911132", &session.correlation_id).await;
    assert!(spent.is_err());
    let reply = session.get(&format!("Patient/{bsn}?identifier={bsn}")).await;
    assert!(!reply.status.is_success());
    let wrong = session.client.get(&format!("{}/Encounter", session.base()), "no-token", &session.correlation_id).await;
    assert_eq!(wrong.unwrap().status, 401);
    let lines = lines(&gateway, &session.correlation_id, 14).await;
    let last = &kinds(&lines)[8..];
    let (token, resource) = ("receive_token_request", "receive_resource_request");
    let refused = "send_resource_error_response";
    assert_eq!(last, [token, "send_token_error_response", resource, refused, resource, refused]);
    assert_eq!(lines[9]["error"]["code"], "invalid_grant");
    assert_eq!(lines[11]["error"]["code"], "other");
    assert_eq!((&lines[13]["error"]["code"], &lines[13]["error"]["status"]), (&"invalid_token".into(), &401.into()));
    // Without a token nobody knows whose request it is, so it is a session of its own.
    assert!(one_session(&lines[..8]) && lines[13]["event"]["session_id"] != lines[0]["event"]["session_id"]);
    let text = serde_json::to_string(&gateway.world.chain_log.received()).unwrap();
    let name = &gateway.world.layout.people(&gateway.world.practices, &gateway.world.his)[0].name;
    for secret in [&bsn, &session.token.access_token, name, "the state", "no-token", "999911132", "identifier", "%20"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    gateway.stop().await;
}

fn metric(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name} in {text}"));
    line.trim().parse().unwrap()
}

#[tokio::test]
async fn what_cannot_be_delivered_waits_and_arrives_once() {
    let gateway = Gateway::start().await;
    let receiver = &gateway.world.chain_log;
    receiver.answer_with(Some(503));
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    receiver.until(|received| received.turned_away > 0).await;
    let (_, metrics) = gateway.ops("/metrics").await;
    assert!(metric(&metrics, "inzage_chain_log_spooled_bytes") > 0.0);
    assert_eq!(metric(&metrics, "inzage_chain_log_lines_total{end=\"delivered\"}"), 0.0);
    assert_eq!(receiver.received().lines.len(), 0);
    receiver.answer_with(None);
    let lines = lines(&gateway, &session.correlation_id, 8).await;
    assert_eq!(kinds(&lines)[..5], TO_CONSENT);
    assert_eq!(lines.len(), 8);
    assert_eq!((receiver.received().refused, receiver.received().repeated), (0, 0));
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_left_at_the_end_is_delivered_by_the_end() {
    let gateway = Gateway::start().await;
    let receiver = gateway.world.chain_log.clone();
    receiver.answer_with(Some(503));
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    receiver.answer_with(None);
    gateway.stop().await;
    assert_eq!(of(&receiver.received(), &session.correlation_id).len(), 8);
}

#[tokio::test]
async fn nobody_else_delivers() {
    let gateway = Gateway::start().await;
    for name in ["pgo", "not_listed"] {
        let client = gateway.client(name);
        let post = client.http().post(gateway.world.layout.chain_log_url()).body("{}");
        assert_eq!(post.send().await.unwrap().status(), 403, "{name}");
    }
    assert_eq!(gateway.world.chain_log.received().turned_away, 2);
    let control = gateway.world.layout.chain_log_control();
    let shown: Value = serde_json::from_str(&crate::harness::operations(&control).await.1).unwrap();
    assert_eq!(shown["turned_away"], 2);
    gateway.stop().await;
}
