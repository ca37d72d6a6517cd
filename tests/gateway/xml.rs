//! FHIR XML from a HIS, and for who asks for it: the same is kept from a patient as in JSON.

use inzage::fhir::xml::to_json;
use inzage::medmij::FhirVersion::Stu3;
use inzage::sandbox::client::Reply;
use inzage::sandbox::his::faults::{Fail, Faults, ForeignKind, Format};
use serde_json::Value;

use crate::harness::{Gateway, Session, json, send, seven_searches, text};

const DELINDE: &str = "huisarts.delinde@medmij";
const XML: &str = "application/fhir+xml";

fn searches() -> Vec<String> {
    seven_searches(jiff::civil::date(2026, 11, 21))
}

fn bsn(gateway: &Gateway) -> String {
    gateway.world.practices[0].patients[0].bsn.reveal().to_owned()
}

async fn in_xml(session: &Session, request: &str) -> Reply {
    send(session.request(http::Method::GET, request).header("accept", XML)).await
}

/// What an answer in XML says.
fn said(reply: &Reply) -> Value {
    assert_eq!(reply.headers["content-type"], "application/fhir+xml; charset=utf-8");
    let json = to_json(text(reply).as_bytes(), Stu3).unwrap_or_else(|fault| panic!("{fault}: {}", text(reply)));
    serde_json::from_slice(&json).unwrap()
}

/// A searchset without what differs between two answers: when it was made.
fn timeless(mut bundle: Value) -> Value {
    bundle.as_object_mut().unwrap().remove("meta");
    bundle
}

#[tokio::test]
async fn an_answer_in_xml_says_what_the_one_in_json_says() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &bsn(&gateway)).await;
    for request in searches() {
        let reply = in_xml(&session, &request).await;
        assert_eq!(reply.status, 200, "{request}: {}", text(&reply));
        assert!(
            text(&reply)
                .starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Bundle xmlns=\"http://hl7.org/fhir\">")
        );
        assert!(reply.headers.contains_key("inzage-audit-receipt"));
        assert_eq!(timeless(said(&reply)), timeless(session.bundle(&request).await), "{request}");
    }
    let asked = session.request(http::Method::GET, "Encounter?_format=xml").header("accept", "application/fhir+json");
    said(&send(asked).await);
    gateway.stop().await;
}

#[tokio::test]
async fn a_refusal_is_in_the_format_that_is_asked_for() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &bsn(&gateway)).await;
    for (request, status, code) in [
        ("Encounter?_count=1", 400, "not-supported"),
        ("Flag", 404, "not-supported"),
        ("Observation/$", 400, "invalid"),
    ] {
        let reply = in_xml(&session, request).await;
        assert_eq!(reply.status, status, "{request}");
        let outcome = said(&reply);
        assert_eq!(outcome["resourceType"], "OperationOutcome");
        assert_eq!(json(&session.get(request).await)["issue"][0]["code"], outcome["issue"][0]["code"], "{request}");
        assert_eq!(outcome["issue"][0]["code"], code, "{request}");
    }
    let stranger = session.bare(http::Method::GET, &format!("{}/Encounter", session.base())).header("accept", XML);
    let reply = send(stranger).await;
    assert_eq!((reply.status.as_u16(), &said(&reply)["resourceType"]), (401, &"OperationOutcome".into()));
    gateway.stop().await;
}

#[tokio::test]
async fn a_system_that_answers_in_xml_is_judged_like_any_other() {
    let gateway = Gateway::start().await;
    let number = bsn(&gateway);
    let session = gateway.session(DELINDE, &number).await;
    let xml = Faults { format: Format::Xml, ..Faults::default() };
    for request in searches() {
        gateway.world.his[0].set_faults(Faults::default());
        let expected = timeless(session.bundle(&request).await);
        gateway.world.his[0].set_faults(xml);
        assert_eq!(timeless(session.bundle(&request).await), expected, "{request}");
        assert_eq!(timeless(said(&in_xml(&session, &request).await)), expected, "{request}");
        for foreign_kind in [ForeignKind::Entry, ForeignKind::XmlEntity] {
            gateway.world.his[0].set_faults(Faults { foreign_patient: true, foreign_kind, ..xml });
            for reply in [session.get(&request).await, in_xml(&session, &request).await] {
                assert_eq!(reply.status, 502, "{request}: {}", text(&reply));
            }
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_bsn_all_over_xml_reaches_nobody() {
    let gateway = Gateway::start().await;
    let number = bsn(&gateway);
    let session = gateway.session(DELINDE, &number).await;
    let dotted = format!("{}.{}.{}", &number[..4], &number[4..6], &number[6..]);
    for format in [Format::AsAsked, Format::Xml] {
        gateway.world.his[0].set_faults(Faults { unmasked_bsn: true, format, ..Faults::default() });
        for request in searches() {
            let reply = in_xml(&session, &request).await;
            let body = text(&reply);
            assert_eq!(reply.status, 200, "{request}: {body}");
            assert!(!body.contains(&number) && !body.contains(&dotted), "{request}: {body}");
            let entries = said(&reply)["entry"].as_array().unwrap().len();
            let masks = body.matches("*********").count() + body.matches("\"masked\"").count();
            assert!(masks >= entries || request.starts_with("Composition"), "{request}: {body}");
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn xml_that_could_fetch_or_grow_is_refused() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &bsn(&gateway)).await;
    for word in ["garbage:doctype", "garbage:entity"] {
        let fail = Fail::try_from(word.to_owned()).unwrap();
        gateway.world.his[0].set_faults(Faults { fail, ..Faults::default() });
        let reply = session.get("Encounter").await;
        assert_eq!((reply.status.as_u16(), &json(&reply)["issue"][0]["code"]), (502, &"exception".into()), "{word}");
        let reply = in_xml(&session, "Encounter").await;
        assert_eq!((reply.status.as_u16(), &said(&reply)["issue"][0]["code"]), (502, &"exception".into()), "{word}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn an_answer_over_the_limit_leaves_in_xml_entry_by_entry() {
    let gateway = Gateway::start_with("[release]\njudge_whole_limit_bytes = 65536\n").await;
    let session = gateway.session(DELINDE, &bsn(&gateway)).await;
    let huge = Faults { huge_mb: 1, unmasked_bsn: true, ..Faults::default() };
    gateway.world.his[0].set_faults(huge);
    let reply = in_xml(&session, "Encounter").await;
    assert!(!reply.headers.contains_key("content-length"));
    let bundle = said(&reply);
    assert!(bundle["entry"].as_array().unwrap().len() > 500);
    assert_eq!(timeless(bundle), timeless(json(&session.get("Encounter").await)));
    assert!(!text(&reply).contains(&bsn(&gateway)));
    gateway.stop().await;
}
