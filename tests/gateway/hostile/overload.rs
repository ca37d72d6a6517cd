//! More than we can do, or more than somebody's share: refused at once, with the time to come back, and others are served.

use std::time::Duration;

use http::Method;
use inzage::sandbox::client::Reply;
use inzage::sandbox::his::faults::{Fail, Faults};
use inzage::tls::ALPN_HTTP1;
use serde_json::{Value, json};

use super::doors::{Door, MARKER, status};
use crate::harness::{Gateway, Session, fault, send, text};

const DELINDE: &str = "huisarts.delinde@medmij";
const HAVEN: &str = "huisarts.haven@medmij";

fn hang() -> Faults {
    Faults { fail: Fail::Hang, ..Faults::default() }
}

fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    reply.headers.get(name).unwrap_or_else(|| panic!("no {name}: {:?}", reply.headers)).to_str().unwrap()
}

/// Two sessions: of the first practice and of the second.
async fn sessions(gateway: &Gateway) -> [Session; 2] {
    let other = gateway.world.practices[1].patients[0].bsn.reveal();
    [gateway.session(DELINDE, &gateway.patient()).await, gateway.session(HAVEN, other).await]
}

/// Records of requests that were not let in: status, client, certificate and how many they stand for.
fn summary(records: &[Value], kind: &str, reason: &str) -> Vec<Value> {
    let fitting = records.iter().filter(|record| record["kind"] == kind && record["reason"] == reason);
    fitting.map(|it| json!([it["status"], it["client_id"], it["peer"], it["detail"]])).collect()
}

/// Two certificates that may act for one client ask as if they were one, from the moment that both were served for it.
#[tokio::test]
async fn certificates_of_one_client_share_its_rate() {
    let settings = "[rates]\nclient_per_second = 1\nclient_burst = 30\n[clients.\"pgo.localhost\"]\n\
                    peers = [\"pgo.localhost\", \"pgo2.localhost\"]\nbind_tokens = false\n";
    let gateway = Gateway::start_with(settings).await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let url = format!("{}/Encounter", session.base());
    let other = gateway.client("pgo2");
    let ask = async || other.get(&url, &session.token.access_token, &session.correlation_id).await.unwrap().status;
    assert_eq!(ask().await, 200);
    let mut tries = 0;
    while session.get("Encounter").await.status == 200 {
        tries += 1;
        assert!(tries <= 30, "the burst has no end");
    }
    assert_eq!(ask().await, 429, "it has asked little itself");
    gateway.clock.advance(Duration::from_secs(1));
    assert_eq!([ask().await, session.get("Encounter").await.status], [200, 429]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_that_asks_too_often_waits_and_others_do_not() {
    let gateway = Gateway::start_with("[rates]\nclient_per_second = 2\nclient_burst = 40\n").await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let mut answered = 0;
    let refused = loop {
        let reply = session.get("Encounter").await;
        if reply.status != 200 {
            break reply;
        }
        answered += 1;
        assert!(answered <= 40, "the burst has no end");
    };
    assert!(answered > 30);
    assert_eq!((refused.status.as_u16(), fault(&refused).0.as_str()), (429, "too-many-requests"), "{}", text(&refused));
    assert_eq!(header(&refused, "retry-after"), "1");
    assert_eq!(header(&refused, "ratelimit-policy"), "\"requests\";q=40;w=20");
    assert_eq!(header(&refused, "ratelimit"), "\"requests\";r=0;t=1");
    let token = session.bare(Method::POST, &session.endpoints.token).form(&[("grant_type", "authorization_code")]);
    let refused = send(token).await;
    assert_eq!((refused.status.as_u16(), header(&refused, "retry-after")), (429, "1"));
    assert!(text(&refused).contains("\"slow_down\""), "{}", text(&refused));
    let url = format!("{}/Encounter", session.base());
    let other = gateway.client("pgo2").get(&url, &session.token.access_token, &session.correlation_id).await.unwrap();
    assert_ne!(other.status, 429, "another certificate has a rate of its own");
    let door = Door::front(&gateway, ALPN_HTTP1);
    assert_eq!(status(&door.raw(door.get(MARKER)).await), 200, "and so have browsers");
    gateway.clock.advance(Duration::from_secs(1));
    assert_eq!(session.get("Encounter").await.status, 200, "whoever waits as told is served");
    let left = gateway.leave().await;
    let of = |kind: &str| summary(&left.audit(), kind, "too-many-requests");
    let told = "requests 1, last at 2026-11-21T11:00:00Z";
    assert_eq!(
        of("resource_refused"),
        [json!([429, "pgo.localhost", "pgo.localhost", told])],
        "one record, with its count"
    );
    assert_eq!(of("token_refused"), [json!([429, "pgo.localhost", "pgo.localhost", told])]);
}

#[tokio::test]
async fn a_network_that_asks_too_often_waits_and_clients_do_not() {
    let gateway = Gateway::start_with("[rates]\npages_per_second = 1\npages_burst = 30\n").await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let door = Door::front(&gateway, ALPN_HTTP1);
    let mut last = String::new();
    for _ in 0..31 {
        last = door.raw(door.get(MARKER)).await;
    }
    assert_eq!(status(&last), 429, "{last}");
    for line in ["retry-after: 1\r\n", "ratelimit-policy: \"requests\";q=30;w=30\r\n", "Probeer het zo opnieuw."] {
        assert!(last.contains(line), "{line} in {last}");
    }
    assert_eq!(session.get("Encounter").await.status, 200);
    gateway.clock.advance(Duration::from_secs(1));
    assert_eq!(status(&door.raw(door.get(MARKER)).await), 200);
    gateway.stop().await;
}

/// While two requests wait for their HIS a third is not kept waiting, on either face that it comes to.
#[tokio::test]
async fn what_is_too_much_is_refused_at_once() {
    let gateway = Gateway::start_with("[edge]\nmax_requests = 2\n[release]\nhis_deadline_ms = 3000\n").await;
    let [session, other] = sessions(&gateway).await;
    let his = &gateway.world.his[0];
    his.set_faults(hang());
    let asked = his.log().count;
    let crowded = async {
        let mut tries = 0;
        while his.log().count < asked + 2 {
            tokio::task::yield_now().await;
            tries += 1;
            assert!(tries < 50_000_000, "they do not come to the HIS");
        }
        let refused = other.get("Encounter").await;
        assert_eq!((refused.status.as_u16(), fault(&refused).0.as_str()), (503, "node-full"), "{}", text(&refused));
        assert_eq!(header(&refused, "retry-after"), "1");
        let token = session.bare(Method::POST, &session.endpoints.token).form(&[("grant_type", "authorization_code")]);
        let refused = send(token).await;
        assert_eq!((refused.status.as_u16(), header(&refused, "retry-after")), (503, "1"));
        let door = Door::front(&gateway, ALPN_HTTP1);
        assert_eq!(status(&door.raw(door.get(MARKER)).await), 200, "browsers have places of their own");
    };
    let (one, two, ()) = tokio::join!(session.get("Encounter"), session.get("EpisodeOfCare"), crowded);
    assert_eq!((one.status.as_u16(), two.status.as_u16()), (504, 504), "both were under way all the time");
    his.set_faults(Faults::default());
    assert_eq!(other.get("Encounter").await.status, 200, "their places are free again");
    let left = gateway.leave().await;
    let full = summary(&left.audit(), "resource_refused", "node-full");
    assert_eq!((full.len(), &full[0][0], &full[0][1]), (1, &json!(503), &json!("pgo.localhost")));
}

/// The place is free when the last byte has left, not when the answer begins.
#[tokio::test]
async fn a_slow_reader_keeps_its_place_until_it_is_done() {
    let gateway = Gateway::start_with("[edge]\nmax_requests = 1\n").await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    gateway.world.his[0].set_faults(Faults { huge_mb: 7, ..Faults::default() });
    let reading = crate::slow::slow_reader(&gateway, &session, "Encounter").await;
    assert_eq!(reading.status(), 200);
    assert_eq!(session.get("Patient").await.status, 503);
    let whole = http_body_util::BodyExt::collect(reading.into_body()).await.unwrap().to_bytes();
    assert!(whole.len() > 6_000_000);
    let mut tries = 0;
    // The connection learns that the client has it all a moment after the client does.
    while session.get("Patient").await.status == 503 {
        tries += 1;
        assert!(tries < 20_000, "it still has its place");
    }
    gateway.stop().await;
}

/// One HIS hangs with everything that it may have in hand and in its queue; what comes on top is refused at once, and the others
/// have all the places that are left.
#[tokio::test(flavor = "multi_thread")]
async fn one_dead_his_does_not_take_the_places_of_others() {
    let gateway = Gateway::start_with("[edge]\nmax_requests = 300\n[release]\nhis_deadline_ms = 5000\n").await;
    let [dead, alive] = sessions(&gateway).await;
    gateway.world.his[0].set_faults(hang());
    let url = format!("{}/Encounter", dead.base());
    let mut hanging = tokio::task::JoinSet::new();
    // More connections than one, as to one HIS a client may have more under way than a connection has streams.
    for client in std::iter::repeat_with(|| gateway.client("pgo")).take(4) {
        for _ in 0..100 {
            let asking = client.http().get(&url).bearer_auth(&dead.token.access_token);
            hanging.spawn(async move { send(asking).await.status.as_u16() });
        }
    }
    for _ in 0..50 {
        let reply = alive.get("Encounter").await;
        assert_eq!(reply.status, 200, "{}", text(&reply));
    }
    let statuses = hanging.join_all().await;
    assert!(statuses.iter().all(|status| [503, 504].contains(status)), "{statuses:?}");
    gateway.stop().await;
}
