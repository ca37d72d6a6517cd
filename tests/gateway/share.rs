//! Sharing (Delen): what a person sends through a PGO, up to the record of the practice, and each way in which it may not.

mod body;
mod consent;

use http::Method;
use inzage::sandbox::client::{Reply, new_id};
use inzage::sandbox::his::faults::{Fail, Faults};
use serde_json::{Value, json};

use crate::harness::{Gateway, Session, fault, json, send, text};

const DELINDE: &str = "huisarts.delinde@medmij";
const PERSON: &str = "urn:uuid:404e19bd-443c-49c8-886d-f8e44d8676d5";
const PROFILE: &str = "http://nictiz.nl/fhir/StructureDefinition/zib-BodyWeight";

fn entry(full_url: &str, resource: &Value) -> Value {
    json!({"fullUrl": full_url, "resource": resource,
        "request": {"method": "POST", "url": resource["resourceType"]}})
}

fn person() -> Value {
    let masked = json!({"extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]});
    json!({
        "resourceType": "Patient",
        "meta": {"profile": ["http://fhir.nl/fhir/StructureDefinition/nl-core-patient"]},
        "identifier": [{"system": "http://fhir.nl/fhir/NamingSystem/bsn", "_value": masked}],
        "name": [{"text": "A. de Vries", "family": "De Vries"}],
    })
}

fn weight(kilos: f64) -> Value {
    json!({
        "resourceType": "Observation",
        "meta": {"profile": [PROFILE]},
        "status": "final",
        "category": [{"coding": [{"system": "http://hl7.org/fhir/observation-category", "code": "vital-signs",
            "display": "Vital Signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7", "display": "lichaamsgewicht"}]},
        "subject": {"reference": PERSON, "display": "A. de Vries"},
        "effectiveDateTime": "2026-11-20T08:00:00+01:00",
        "performer": [{"reference": PERSON, "display": "A. de Vries"}],
        "valueQuantity": {"value": kilos, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    })
}

/// A batch of this many measurements.
pub(crate) fn measurements(number: u32) -> Value {
    let measured = (0..number)
        .map(|at| entry(&format!("urn:oid:2.16.840.1.113883.2.4.3.11.9999.{at}"), &weight(80.5 + f64::from(at))));
    let entries: Vec<Value> = std::iter::once(entry(PERSON, &person())).chain(measured).collect();
    json!({"resourceType": "Bundle", "type": "batch", "entry": entries})
}

/// A transaction of one document whose PDF has this many bytes in base64.
fn document(base64_bytes: usize) -> Value {
    let (manifest, reference, binary) = (new_urn(), new_urn(), new_urn());
    let subject = json!({"reference": PERSON, "display": "A. de Vries"});
    let content = format!("JVBERi0x{}", "A".repeat(base64_bytes - 8));
    json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        entry(PERSON, &person()),
        entry(&manifest, &json!({
            "resourceType": "DocumentManifest",
            "meta": {"profile": ["http://nictiz.nl/fhir/StructureDefinition/IHE.MHD.DocumentManifest"]},
            "status": "current",
            "subject": subject,
            "content": [{"pReference": {"reference": reference, "display": "Brief"}}],
        })),
        entry(&reference, &json!({
            "resourceType": "DocumentReference",
            "meta": {"profile": ["http://nictiz.nl/fhir/StructureDefinition/IHE.MHD.Minimal.DocumentReference"]},
            "status": "current",
            "type": {"coding": [{"system": "http://snomed.info/sct", "code": "371535009", "display": "brief"}]},
            "subject": subject,
            "indexed": "2026-11-20T08:00:00+01:00",
            "content": [{"attachment": {"contentType": "application/pdf", "url": binary, "title": "Brief"}}],
        })),
        entry(&binary, &json!({"resourceType": "Binary", "contentType": "application/pdf", "content": content})),
    ]})
}

fn new_urn() -> String {
    format!("urn:uuid:{}", new_id())
}

fn posting(session: &Session, bundle: &Value) -> reqwest::RequestBuilder {
    let request = session.request(Method::POST, "").header("Prefer", "return=representation");
    request.header("content-type", "application/fhir+json").body(bundle.to_string())
}

/// Shares a bundle.
pub(crate) async fn post(session: &Session, bundle: &Value) -> Reply {
    send(posting(session, bundle)).await
}

async fn sharing(service: &str) -> (Gateway, Session) {
    let gateway = Gateway::start().await;
    let session = gateway.session_of(service, DELINDE, &gateway.patient()).await;
    (gateway, session)
}

fn kinds(bundle: &Value) -> Vec<&str> {
    let entries = bundle["entry"].as_array().unwrap();
    entries.iter().map(|entry| entry["resource"]["resourceType"].as_str().unwrap_or_default()).collect()
}

#[tokio::test]
async fn measurements_reach_the_practice_and_can_be_read_back() {
    let (gateway, session) = sharing("53").await;
    let reply = post(&session, &measurements(13)).await;
    assert_eq!(reply.status, 200, "{}", text(&reply));
    assert_eq!(reply.headers["content-type"], "application/fhir+json; charset=utf-8");
    assert_eq!(reply.headers["cache-control"], "no-store");
    let answer = json(&reply);
    assert_eq!(answer["type"], "batch-response");
    assert_eq!(kinds(&answer), [&["Patient"][..], &["Observation"; 13]].concat());
    for entry in &answer["entry"].as_array().unwrap()[1..] {
        let id = entry["resource"]["id"].as_str().unwrap();
        assert_eq!(entry["fullUrl"], format!("{}/Observation/{id}", session.base()));
        assert_eq!(entry["response"]["location"], entry["fullUrl"]);
        assert_eq!(entry["resource"]["meta"]["profile"][0], PROFILE);
    }
    assert!(!text(&reply).contains("his-a.") && !text(&reply).contains(&gateway.patient()));
    let reading = gateway.session_of("52", DELINDE, &gateway.patient()).await;
    let read = reading.bundle("Observation?code=http://loinc.org%7C29463-7").await;
    let values: Vec<_> = read["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["resource"]["valueQuantity"]["value"].as_f64())
        .collect();
    assert!((0..13).all(|at| values.contains(&Some(80.5 + f64::from(at)))), "{values:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn each_resource_has_an_intent_on_disk_first_and_an_outcome() {
    let (gateway, session) = sharing("53").await;
    let reply = post(&session, &measurements(2)).await;
    assert_eq!(reply.status, 200);
    let receipt = reply.headers["inzage-audit-receipt"].to_str().unwrap().to_owned();
    let (intents, outcomes) = (gateway.audit_of("submission_intent"), gateway.audit_of("submission_outcome"));
    assert_eq!((intents.len(), outcomes.len()), (2, 2));
    for (intent, outcome) in intents.iter().zip(&outcomes) {
        assert_eq!((&intent["outcome"], &intent["query"]), (&"intended".into(), &"create Observation".into()));
        assert_eq!((&outcome["outcome"], &outcome["status"]), (&"done".into(), &201.into()));
        assert_eq!(outcome["intent"], intent["index"]);
        assert_eq!((&outcome["local_id"], &outcome["request_id"]), (&intent["local_id"], &intent["request_id"]));
        assert_eq!((&intent["service"], &intent["provider"]), (&"53".into(), &DELINDE.into()));
        assert!(intent["subject"].is_string() && intent["grant"].is_string());
    }
    assert_eq!(intents[1]["detail"], "entry 3 of 3 in a batch");
    assert!(receipt.ends_with(&format!("/{}", intents[1]["index"])));
    gateway.stop().await;
}

#[tokio::test]
async fn a_document_of_2_7_mb_reaches_the_practice_wholly() {
    let (gateway, session) = sharing("60").await;
    let bundle = document(2_700_000);
    let reply = post(&session, &bundle).await;
    assert_eq!(reply.status, 200, "{}", text(&reply));
    let answer = json(&reply);
    assert_eq!(answer["type"], "transaction-response");
    assert_eq!(kinds(&answer), ["Patient", "DocumentManifest", "DocumentReference", "Binary"]);
    assert_eq!(answer["entry"][3]["resource"]["content"], bundle["entry"][3]["resource"]["content"]);
    let (reference, binary) = (&answer["entry"][2], &answer["entry"][3]);
    let address = reference["resource"]["content"][0]["attachment"]["url"].as_str().unwrap();
    assert!(address.ends_with(&format!("Binary/{}", binary["resource"]["id"].as_str().unwrap())), "{address}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_half_done_batch_says_which_half() {
    let (gateway, session) = sharing("53").await;
    gateway.world.his[0].set_faults(Faults { fail_entry: 2, ..Faults::default() });
    let reply = post(&session, &measurements(3)).await;
    assert_eq!(reply.status, 200, "{}", text(&reply));
    let answer = json(&reply);
    let statuses: Vec<_> = (0..4).map(|at| answer["entry"][at]["response"]["status"].clone()).collect();
    assert_eq!(statuses, ["200 OK", "201 Created", "422 Unprocessable Entity", "201 Created"]);
    let outcome = &answer["entry"][2]["response"]["outcome"]["issue"][0];
    assert_eq!(outcome["details"]["coding"][0]["code"], "entry-refused");
    assert!(!text(&reply).contains("4711"), "the vendor's words");
    let ends: Vec<_> = gateway.audit_of("submission_outcome").iter().map(|record| record["outcome"].clone()).collect();
    assert_eq!(ends, ["done", "failed", "done"]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_transaction_that_the_practice_refuses_leaves_nothing() {
    let (gateway, session) = sharing("60").await;
    gateway.world.his[0].set_faults(Faults { fail_entry: 3, ..Faults::default() });
    let reply = post(&session, &document(10_000)).await;
    assert_eq!((reply.status.as_u16(), fault(&reply).0.as_str()), (422, "his-rejected"));
    assert!(!text(&reply).contains("4711"));
    let records = gateway.audit_of("submission_outcome");
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|record| record["outcome"] == "failed" && record["reason"] == "his-rejected"));
    assert_eq!(gateway.named_by(&reply), records[2]);
    gateway.stop().await;
}

#[tokio::test]
async fn what_the_practice_may_have_stored_is_said_and_never_sent_again() {
    let (gateway, session) = sharing("53").await;
    // The person is known by now, so that the next request is the batch.
    assert_eq!(post(&session, &measurements(1)).await.status, 200);
    for word in ["status:500", "garbage:html", "cut", "reset"] {
        let before = gateway.his_requests();
        gateway.world.his[0].set_faults(Faults { fail: Fail::try_from(word.to_owned()).unwrap(), ..Faults::default() });
        let reply = post(&session, &measurements(1)).await;
        assert_eq!(
            (reply.status.as_u16(), fault(&reply).0.as_str()),
            (502, "his-unconfirmed"),
            "{word}: {}",
            text(&reply)
        );
        assert_eq!(gateway.his_requests(), before + 1, "{word}");
        let outcome = gateway.last_audit("submission_outcome");
        assert_eq!(outcome["reason"], "his-unconfirmed", "{word}");
        assert_eq!(gateway.named_by(&reply), outcome, "{word}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_client_gets_as_much_as_it_prefers() {
    let (gateway, session) = sharing("53").await;
    let preferring = async |prefer: &str| {
        let request = session.request(Method::POST, "").header("Prefer", prefer);
        let reply =
            send(request.header("content-type", "application/fhir+json").body(measurements(1).to_string())).await;
        assert_eq!(reply.status, 200, "{}", text(&reply));
        json(&reply)
    };
    assert_eq!(kinds(&preferring("return=minimal").await), ["", ""]);
    assert_eq!(kinds(&preferring("handling=strict, return=representation").await), ["Patient", "Observation"]);
    let outcome = preferring("return=OperationOutcome").await;
    assert_eq!(outcome["entry"][1]["response"]["outcome"]["resourceType"], "OperationOutcome");
    assert_eq!(kinds(&preferring("respond-async").await), ["Patient", "Observation"]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_token_to_collect_does_not_share_and_the_other_way_round() {
    let (gateway, sharing) = sharing("53").await;
    let collecting = gateway.session_of("49", DELINDE, &gateway.patient()).await;
    let before = gateway.his_requests();
    let refused = async |session: &Session, base: &str, token: &Session| {
        let request = session.bare(Method::POST, base).bearer_auth(&token.token.access_token);
        let reply =
            send(request.header("content-type", "application/fhir+json").body(measurements(1).to_string())).await;
        (reply.status.as_u16(), fault(&reply).0)
    };
    let collect = refused(&collecting, sharing.base(), &collecting).await;
    assert_eq!(collect, (403, "service-not-granted".to_owned()));
    // 56: a batch where nothing can be shared.
    assert_eq!(refused(&collecting, collecting.base(), &collecting).await.0, 405);
    let document = document(1_000);
    let reply = post(&sharing, &document).await;
    assert_eq!(reply.status, 422, "56: a transaction where a batch is shared");
    assert_eq!(gateway.named_by(&reply), gateway.last_audit("resource_refused"));
    assert_eq!(sharing.get("Observation").await.status, 404);
    let reading = gateway.session_of("52", DELINDE, &gateway.patient()).await;
    let url = format!("{}/Observation?category=vital-signs", reading.base());
    let reply = sharing.client.get(&url, &sharing.token.access_token, &sharing.correlation_id).await.unwrap();
    assert_eq!((reply.status.as_u16(), fault(&reply).0.as_str()), (403, "service-not-granted"));
    assert_eq!(gateway.his_requests(), before + 1, "but for the test whether there is data for the person");
    gateway.stop().await;
}
