//! What is sent to the emulated HIS, and what becomes of it.

use http::Request;

use super::super::endpoint::Endpoint;
use super::*;

const BASE: &str = "https://his.localhost/fhir";

fn endpoint() -> Endpoint {
    let records = Records::from_resources(vec![json!({"resourceType": "Patient", "id": "a"})]);
    Endpoint::new(FhirVersion::Stu3, BASE.to_owned(), records.unwrap())
}

fn entry(number: u32, resource: &Value) -> Value {
    json!({"fullUrl": format!("urn:uuid:{number}"), "resource": resource,
        "request": {"method": "POST", "url": resource["resourceType"]}})
}

fn weight(subject: &str) -> Value {
    json!({"resourceType": "Observation", "meta": {"profile": ["urn:x"]}, "subject": {"reference": subject}})
}

fn document(address: &str) -> Value {
    json!({"resourceType": "DocumentReference", "subject": {"reference": "Patient/a"},
        "content": [{"attachment": {"url": address}}]})
}

/// Status and body of the answer.
fn send(endpoint: &Endpoint, kind: &str, entries: &[Value], faults: Faults) -> (u16, Value) {
    let body = json!({"resourceType": "Bundle", "type": kind, "entry": entries}).to_string();
    let request = Request::post("/fhir").header("content-type", "application/fhir+json");
    let (head, ()) = request.header("prefer", "return=representation").body(()).unwrap().into_parts();
    let answer = endpoint.answer(&head, &body.into(), &faults, Timestamp::UNIX_EPOCH);
    let answer = answer.unwrap_or_else(|problem| super::super::answer::outcome(&problem, BASE));
    (answer.status.as_u16(), serde_json::from_slice(answer.body.at_hand()).unwrap())
}

#[test]
fn a_batch_is_stored_and_can_be_read_back() {
    let endpoint = endpoint();
    let (status, answer) = send(&endpoint, "batch", &[entry(1, &weight("Patient/a"))], Faults::default());
    assert_eq!((status, &answer["type"]), (200, &json!("batch-response")));
    let created = &answer["entry"][0];
    let id = created["resource"]["id"].as_str().unwrap();
    assert_eq!(created["response"]["status"], "201 Created");
    assert_eq!(created["response"]["location"], format!("{BASE}/Observation/{id}/_history/1"));
    assert_eq!(created["resource"]["meta"]["profile"], json!(["urn:x"]));
    assert!(endpoint.records().find("Observation", id).is_some());
}

#[test]
fn a_batch_is_taken_entry_by_entry_and_a_transaction_wholly_or_not_at_all() {
    let entries = [
        entry(1, &weight("Patient/a")),
        entry(2, &weight("Patient/nobody")),
        entry(3, &json!({"resourceType": "Patient"})),
        entry(4, &json!({"resourceType": "Observation"})),
        entry(5, &weight("urn:uuid:9")),
        json!({"resource": weight("Patient/a"), "request": {"method": "PUT", "url": "Observation/x"}}),
        json!({"resource": weight("Patient/a"), "request": {"method": "POST", "url": "Flag"}}),
        entry(8, &weight("Patient/a")),
    ];
    let faults = Faults { fail_entry: 8, ..Faults::default() };
    let batch = endpoint();
    let (status, answer) = send(&batch, "batch", &entries, faults);
    assert_eq!(status, 200);
    let found: Vec<_> =
        (0..8).map(|at| answer["entry"][at]["response"]["status"].as_str().unwrap()[..3].to_owned()).collect();
    assert_eq!(found, ["201", "422", "403", "422", "422", "400", "400", "422"]);
    assert_eq!(batch.records().len(), 2, "one beside the patient");
    let whole = endpoint();
    let (status, answer) = send(&whole, "transaction", &entries, faults);
    assert_eq!((status, &answer["resourceType"]), (422, &json!("OperationOutcome")));
    assert_eq!(whole.records().len(), 1);
}

#[test]
fn a_transaction_ties_a_document_to_its_bytes() {
    let endpoint = endpoint();
    let bytes = json!({"resourceType": "Binary", "contentType": "application/pdf", "content": "JVBERg=="});
    let (status, answer) =
        send(&endpoint, "transaction", &[entry(1, &document("urn:uuid:2")), entry(2, &bytes)], Faults::default());
    assert_eq!((status, &answer["type"]), (200, &json!("transaction-response")));
    let address = answer["entry"][0]["resource"]["content"][0]["attachment"]["url"].as_str().unwrap();
    let id = address.strip_prefix("Binary/").unwrap();
    let records = endpoint.records();
    assert!(records.owners(records.find("Binary", id).unwrap()).unwrap().contains("a"), "it is the patient's now");
}

#[test]
fn what_is_no_submission_is_refused() {
    let endpoint = endpoint();
    for (kind, expected) in [("collection", 400), ("searchset", 400)] {
        assert_eq!(send(&endpoint, kind, &[], Faults::default()).0, expected, "{kind}");
    }
    let many = vec![entry(1, &weight("Patient/a")); MAX_ENTRIES + 1];
    assert_eq!(send(&endpoint, "batch", &many, Faults::default()).0, 413);
    let (head, ()) = Request::post("/fhir").header("content-type", "text/plain").body(()).unwrap().into_parts();
    let refused = endpoint.answer(&head, &Bytes::from_static(b"{}"), &Faults::default(), Timestamp::UNIX_EPOCH);
    assert_eq!(refused.unwrap_err(), Problem::MediaType);
}
