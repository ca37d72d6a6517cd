//! What goes back: an entry for each that came, nothing of the HIS but resources of this person, and which half was done.

use serde_json::{Value, json};

use super::super::answer::{Answering, Echo, Stored, shape_stored};
use super::*;
use crate::fhir::shape::{Record, ShapeFault};

const HIS: &str = "https://his.praktijk.internal/fhir";
const OURS: &str = "https://inzage.example.nl/p/linde/53/fhir";

fn stored_weight(id: &str) -> Value {
    let mut observation = weight();
    observation["id"] = json!(id);
    observation["subject"]["reference"] = json!(format!("{HIS}/Patient/pat-1"));
    observation["performer"][0]["reference"] = json!("Patient/pat-1");
    observation["comment"] = json!("van 999911132, zie his.praktijk.internal");
    observation
}

fn created(resource: &Value) -> Value {
    let (kind, id) = (resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
    let location = format!("{HIS}/{kind}/{id}/_history/1");
    json!({"fullUrl": format!("{HIS}/{kind}/{id}"), "resource": resource,
        "response": {"status": "201 Created", "location": location, "etag": "W/\"1\""}})
}

fn refused() -> Value {
    let words =
        json!({"resourceType": "OperationOutcome", "issue": [{"diagnostics": "ORA-00942 at his.praktijk.internal"}]});
    json!({"response": {"status": "422", "outcome": words}})
}

fn response(kind: &str, entries: &[Value]) -> Value {
    json!({"resourceType": "Bundle", "id": "of-the-his", "type": kind, "entry": entries})
}

fn two_weights() -> Outgoing {
    let mut bundle = batch(&weight());
    let mut second = bundle["entry"][1].clone();
    second["fullUrl"] = json!(SECOND);
    bundle["entry"].as_array_mut().unwrap().insert(0, second);
    sent(&bundle)
}

fn shape(sent: &Outgoing, kind: SubmissionKind, echo: Echo, answer: &Value) -> Result<Stored, ShapeFault> {
    let bsn = bsn();
    let record = Record { fhir: FhirVersion::Stu3, patient_id: "pat-1", bsn: &bsn, his_base: HIS, our_base: OURS };
    shape_stored(answer.to_string().as_bytes(), sent, &Answering { record, kind, echo, reference: "ref-1" })
}

fn batch_answer(answer: &Value) -> Result<Stored, ShapeFault> {
    shape(&two_weights(), SubmissionKind::Batch, Echo::Representation, answer)
}

fn body(stored: &Stored) -> Value {
    serde_json::from_slice(&stored.body).unwrap()
}

#[test]
fn each_entry_is_answered_in_its_place_with_what_is_stored() {
    let answer = response("batch-response", &[created(&stored_weight("o-1")), created(&stored_weight("o-2"))]);
    let stored = batch_answer(&answer).unwrap();
    assert_eq!(stored.statuses, [201, 201]);
    let text = String::from_utf8(stored.body.clone()).unwrap();
    for secret in [BSN, "his.praktijk.internal", "of-the-his", "W/"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let body = body(&stored);
    let kinds: Vec<_> = (0..3).map(|at| body["entry"][at]["resource"]["resourceType"].clone()).collect();
    assert_eq!(kinds, ["Observation", "Patient", "Observation"]);
    assert_eq!((&body["type"], body["entry"].as_array().unwrap().len()), (&json!("batch-response"), 3));
    let first = &body["entry"][0];
    assert_eq!(first["fullUrl"], format!("{OURS}/Observation/o-1"));
    assert_eq!(first["response"]["location"], format!("{OURS}/Observation/o-1"));
    assert_eq!(first["response"]["status"], "201 Created");
    assert_eq!(first["resource"]["subject"]["reference"], format!("{OURS}/Patient/pat-1"));
    assert_eq!(body["entry"][1]["fullUrl"], PERSON);
    assert_eq!(body["entry"][1]["response"]["status"], "200 OK");
}

#[test]
fn a_half_done_batch_says_which_half_in_our_words() {
    let answer = response("batch-response", &[created(&stored_weight("o-1")), refused()]);
    let stored = batch_answer(&answer).unwrap();
    assert_eq!(stored.statuses, [201, 422]);
    let body = body(&stored);
    let second = &body["entry"][2];
    assert_eq!(second["response"]["status"], "422 Unprocessable Entity");
    assert_eq!(second["response"]["outcome"]["issue"][0]["details"]["coding"][0]["code"], "entry-refused");
    assert!(!body.to_string().contains("ORA-") && second.get("resource").is_none());
    let mut failed = refused();
    failed["response"]["status"] = json!("500 Internal Server Error");
    let answer = response("batch-response", &[failed, created(&stored_weight("o-2"))]);
    assert_eq!(batch_answer(&answer).unwrap().statuses, [502, 201]);
}

#[test]
fn a_transaction_is_done_wholly_or_not_understood() {
    let document = json!({"resourceType": "DocumentReference", "id": "d-1", "subject": {"reference": "Patient/pat-1"},
        "content": [{"attachment": {"url": format!("{HIS}/Binary/b-1")}}]});
    let manifest = json!({"resourceType": "DocumentManifest", "id": "m-1", "subject": {"reference": "Patient/pat-1"}});
    let binary = json!({"response": {"status": "201", "location": "Binary/b-1"}});
    let all = [created(&manifest), created(&document), binary];
    let answered = |entries: &[Value]| {
        let answer = response("transaction-response", entries);
        shape(&sent(&documents()), SubmissionKind::Transaction, Echo::Representation, &answer)
    };
    let body = body(&answered(&all).unwrap());
    assert_eq!(body["entry"][2]["resource"]["content"][0]["attachment"]["url"], format!("{OURS}/Binary/b-1"));
    let echo =
        json!({"resourceType": "Binary", "id": "b-1", "contentType": "application/pdf", "content": "JVBERi0xLjcK"});
    assert_eq!(body["entry"][3]["resource"], echo);
    for at in 0..3 {
        let mut some = all.clone();
        some[at] = refused();
        assert!(answered(&some).is_err());
    }
}

#[test]
fn a_document_comes_back_as_it_was_sent_whatever_the_his_says_it_holds() {
    let mut other = created(&json!({"resourceType": "Binary", "id": "b-1", "content": "JVBERi0yLm90aGVy"}));
    other["resource"]["contentType"] = json!("application/pdf");
    let resource = |kind: &str, id: &str| {
        created(&json!({"resourceType": kind, "id": id, "subject": {"reference": "Patient/pat-1"}}))
    };
    let answer = [resource("DocumentManifest", "m-1"), resource("DocumentReference", "d-1"), other];
    let answer = response("transaction-response", &answer);
    let stored = shape(&sent(&documents()), SubmissionKind::Transaction, Echo::Representation, &answer).unwrap();
    let body = body(&stored);
    assert_eq!(body["entry"][3]["resource"]["content"], "JVBERi0xLjcK");
}

#[test]
fn nothing_of_anybody_else_comes_back() {
    let with = |change: fn(&mut Value)| {
        let mut answer = created(&stored_weight("o-1"));
        change(&mut answer);
        batch_answer(&response("batch-response", &[answer, refused()])).err()
    };
    let foreign = with(|answer| answer["resource"]["performer"][0]["reference"] = json!("Patient/pat-2"));
    assert_eq!(foreign, Some(ShapeFault::ForeignPatient));
    let other = with(|answer| answer["resource"]["subject"]["reference"] = json!("Patient/pat-2"));
    assert_eq!(other, Some(ShapeFault::NoPatient));
    let contained = with(|answer| answer["resource"]["contained"] = json!([{"resourceType": "Patient", "id": "p"}]));
    assert_eq!(contained, Some(ShapeFault::ForeignPatient));
    let nobody = with(|answer| answer["resource"]["subject"] = json!({}));
    assert!(nobody.is_some());
    let elsewhere = with(|answer| answer["response"]["location"] = json!("https://x.example/Observation/o-1"));
    let other_id = with(|answer| answer["response"]["location"] = json!("Observation/o-9"));
    let other_type = with(|answer| answer["response"]["location"] = json!("Condition/o-1"));
    assert!(elsewhere.is_some() && other_id.is_some() && other_type.is_some());
}

#[test]
fn an_answer_that_does_not_fit_what_was_sent_is_none() {
    let one = created(&stored_weight("o-1"));
    for answer in [
        response("batch-response", std::slice::from_ref(&one)),
        response("batch-response", &[one.clone(), one.clone(), one.clone()]),
        response("transaction-response", &[one.clone(), one.clone()]),
        response("searchset", &[one.clone(), one.clone()]),
        response("batch-response", &[one.clone(), json!({"resource": weight()})]),
        response("batch-response", &[one.clone(), json!({"response": {"status": "fine"}})]),
        json!({"resourceType": "OperationOutcome"}),
    ] {
        assert!(batch_answer(&answer).is_err(), "{answer}");
    }
}

#[test]
fn the_client_gets_as_much_as_it_prefers() {
    let answer = response("batch-response", &[created(&stored_weight("o-1")), created(&stored_weight("o-2"))]);
    let shaped = |echo| body(&shape(&two_weights(), SubmissionKind::Batch, echo, &answer).unwrap());
    let minimal = shaped(Echo::Minimal);
    assert!((0..3).all(|at| minimal["entry"][at].get("resource").is_none()));
    assert_eq!(minimal["entry"][0]["response"]["location"], format!("{OURS}/Observation/o-1"));
    let outcome = shaped(Echo::Outcome);
    assert!((0..3).all(|at| outcome["entry"][at]["response"]["outcome"]["resourceType"] == "OperationOutcome"));
    // A HIS that says no more than that it is done.
    let bare = json!({"response": {"status": "201 Created"}});
    let stored = batch_answer(&response("batch-response", &[bare.clone(), bare])).unwrap();
    assert_eq!(body(&stored)["entry"][0], json!({"response": {"status": "201 Created"}}));
}
