//! Bodies that may not pass: of another person, of another form, too large, cut off. The HIS sees none of them.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::{DELINDE, PERSON, document, measurements, post, sharing};
use crate::harness::{Gateway, fault, json, send, text};

/// A batch in which one thing was changed.
fn changed(pointer: &str, value: Value) -> Value {
    let mut bundle = measurements(1);
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    bundle.pointer_mut(parent).unwrap()[name] = value;
    bundle
}

#[tokio::test]
async fn nothing_outside_the_service_or_about_anybody_else_reaches_a_practice() {
    let (gateway, session) = sharing("53").await;
    let before = gateway.his_requests();
    let other = json!({"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "123456782"});
    let request = |method: &str, url: &str| json!({"method": method, "url": url});
    let observation = |name: &str| format!("/entry/1/resource/{name}");
    let cases = [
        (changed(&observation("subject"), json!({"reference": "Patient/pat-2"})), 422, "no-subject"),
        (changed(&observation("performer"), json!([{"reference": "Patient/pat-2"}])), 422, "reference-leads-out"),
        (changed(&observation("performer"), json!([{"identifier": other}])), 422, "other-person"),
        (changed("/entry/0/resource/identifier", json!([other])), 422, "other-person"),
        (changed(&observation("contained"), json!([{"resourceType": "Patient", "id": "p"}])), 422, "other-person"),
        (changed("/entry/1/request", request("PUT", "Observation/1")), 422, "not-a-create"),
        (changed("/entry/1/request", request("GET", "Patient/pat-2")), 422, "not-a-create"),
        (changed("/entry/1/request/ifNoneExist", json!("identifier=1")), 422, "not-a-create"),
        (changed("/entry/1/fullUrl", json!(PERSON)), 400, "bad-full-url"),
        (changed("/entry/1/resource/meta", json!({})), 422, "other-profile"),
        (changed("/type", json!("transaction")), 422, "other-bundle-type"),
        (changed("/type", json!("history")), 422, "other-bundle-type"),
        (changed("/entry", json!([])), 422, "wrong-number"),
        (json!({"resourceType": "Observation"}), 400, "no-bundle"),
        (measurements(500), 422, "too-many-entries"),
    ];
    for (bundle, status, code) in cases {
        let reply = post(&session, &bundle).await;
        assert_eq!((reply.status.as_u16(), fault(&reply).0.as_str()), (status, code), "{}", text(&reply));
        assert!(!text(&reply).contains("123456782"));
    }
    let reply = post(&session, &changed(&observation("performer"), json!([{"reference": "Patient/pat-2"}]))).await;
    assert_eq!(json(&reply)["issue"][0]["expression"][0], "Bundle.entry[1]");
    assert_eq!(gateway.his_requests(), before);
    assert_eq!(gateway.audit_of("submission_intent").len(), 0);
    let refused = gateway.last_audit("resource_refused");
    assert_eq!((&refused["reason"], &refused["query"]), (&"reference-leads-out".into(), &"batch".into()));
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_has_a_size_and_a_type() {
    let gateway = Gateway::start_with("[release]\nsubmit_limit_bytes = 65536\n").await;
    let session = gateway.session_of("60", DELINDE, &gateway.patient()).await;
    let before = gateway.his_requests();
    let posting = |kind: &str| session.request(Method::POST, "").header("content-type", kind);
    let large = document(70_000).to_string();
    let announced = send(posting("application/fhir+json").body(large.clone())).await;
    let chunks: Vec<Result<Bytes, std::io::Error>> =
        large.into_bytes().chunks(8_192).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    let stream = reqwest::Body::wrap(Chunks(chunks));
    let unannounced = send(posting("application/fhir+json").body(stream)).await;
    for reply in [announced, unannounced] {
        assert_eq!((reply.status.as_u16(), fault(&reply).0.as_str()), (413, "body-too-large"));
        assert_eq!(json(&reply)["issue"][0]["code"], "too-long");
    }
    for kind in ["application/pdf", "text/plain", "application/fhir+json; fhirVersion=4.0"] {
        assert_eq!(send(posting(kind).body(document(100).to_string())).await.status, 415, "{kind}");
    }
    let broken = send(posting("application/fhir+json").body("{\"resourceType\":")).await;
    assert_eq!((broken.status.as_u16(), fault(&broken).0.as_str()), (400, "bundle-malformed"));
    assert_eq!(gateway.his_requests(), before);
    assert_eq!(post(&session, &document(40_000)).await.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_that_is_cut_off_stores_nothing_and_is_recorded() {
    let (gateway, session) = sharing("60").await;
    let before = gateway.his_requests();
    let half = document(50_000).to_string().into_bytes();
    let half = Bytes::copy_from_slice(&half[..half.len() / 2]);
    let broken = Err(std::io::Error::other("cut on purpose"));
    let stream = reqwest::Body::wrap(Chunks(vec![Ok(half), broken]));
    let sent =
        session.request(Method::POST, "").header("content-type", "application/fhir+json").body(stream).send().await;
    assert!(sent.is_err());
    assert_eq!(gateway.his_requests(), before);
    let left = gateway.leave().await;
    let refused: Vec<Value> = left.audit().into_iter().filter(|record| record["kind"] == "resource_refused").collect();
    assert_eq!(refused.len(), 1, "{refused:#?}");
    assert_eq!((&refused[0]["reason"], &refused[0]["service"]), (&"body-broken".into(), &"60".into()));
}

/// Pieces of a body, one after the other.
struct Chunks(Vec<Result<Bytes, std::io::Error>>);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        let next = (!self.0.is_empty()).then(|| self.0.remove(0));
        Poll::Ready(next.map(|piece| piece.map(http_body::Frame::data)))
    }
}
