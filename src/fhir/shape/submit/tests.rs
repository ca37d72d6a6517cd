//! What may be sent, what may not, and that nothing else changes.

mod answer;
mod model;

use serde_json::{Value, json};

use super::*;
use crate::services::{Catalogue, SubmissionKind};

const BSN: &str = "999911132";
const OTHER_BSN: &str = "123456782";
const PERSON: &str = "urn:uuid:404e19bd-443c-49c8-886d-f8e44d8676d5";
const FIRST: &str = "urn:oid:2.16.840.1.113883.2.4.3.11.9999.2";
const SECOND: &str = "urn:uuid:2aa911db-9117-4e4b-97e4-d2f09dd28afa";
const WEIGHT: &str = "http://nictiz.nl/fhir/StructureDefinition/zib-BodyWeight";

fn bsn() -> Bsn {
    Bsn::parse(BSN).unwrap()
}

/// What a service takes, in the words of the catalogue.
fn allowed(kind: SubmissionKind) -> AllowedSubmission {
    let entries = match kind {
        SubmissionKind::Batch => format!(
            "[[service.submission.entries]]\nresource = 'Observation'\nat_least = 1\nprofiles = ['{WEIGHT}']\ncodes = ['http://loinc.org|29463-7']"
        ),
        SubmissionKind::Transaction => {
            let one = |resource: &str, most: usize| {
                format!("[[service.submission.entries]]\nresource = '{resource}'\nat_least = 1\nat_most = {most}\n")
            };
            [one("DocumentManifest", 1), one("DocumentReference", 2), one("Binary", 2)].concat()
        }
    };
    let document = format!(
        "[[service]]\nid = '1'\nname = 'x'\nroles = []\nfhir = 'stu3'\npurpose = 'share'\n\
         [service.submission]\nkind = '{}'\nmax_entries = 6\n\
         [[service.submission.entries]]\nresource = 'Patient'\nat_least = 1\nat_most = 1\n{entries}\n",
        kind.as_str()
    );
    Catalogue::parse(&document).unwrap().service("1").unwrap().submission.clone().unwrap()
}

fn entry(full_url: &str, resource: &Value) -> Value {
    let kind = resource["resourceType"].as_str().unwrap();
    json!({"fullUrl": full_url, "resource": resource, "request": {"method": "POST", "url": kind}})
}

fn person() -> Value {
    json!({
        "resourceType": "Patient",
        "id": "their-own",
        "meta": {"profile": ["http://fhir.nl/fhir/StructureDefinition/nl-core-patient"]},
        "identifier": [{"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": BSN}],
        "name": [{"family": "De Vries"}],
    })
}

fn weight() -> Value {
    json!({
        "resourceType": "Observation",
        "meta": {"profile": [WEIGHT]},
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": PERSON, "display": "A. de Vries"},
        "performer": [{"reference": PERSON, "display": "A. de Vries"}],
        "valueQuantity": {"value": 81.5, "unit": "kg"},
    })
}

fn batch(observation: &Value) -> Value {
    json!({"resourceType": "Bundle", "type": "batch", "entry": [entry(PERSON, &person()), entry(FIRST, observation)]})
}

/// A batch whose measurement was changed.
fn batch_with(change: impl FnOnce(&mut Value)) -> Value {
    let mut observation = weight();
    change(&mut observation);
    batch(&observation)
}

fn documents() -> Value {
    let manifest = json!({
        "resourceType": "DocumentManifest",
        "contained": [{"resourceType": "Practitioner", "id": "p1"}],
        "subject": {"reference": PERSON},
        "author": [{"reference": "#p1"}],
        "content": [{"pReference": {"reference": FIRST}}],
    });
    let reference = json!({
        "resourceType": "DocumentReference",
        "subject": {"reference": PERSON},
        "content": [{"attachment": {"contentType": "application/pdf", "url": SECOND}}],
    });
    let binary = json!({"resourceType": "Binary", "contentType": "application/pdf", "content": "JVBERi0xLjcK"});
    let manifest_url = "urn:uuid:278764fb-06b6-4f4f-8cef-4abaa3682714";
    json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        entry(PERSON, &person()), entry(manifest_url, &manifest), entry(FIRST, &reference), entry(SECOND, &binary),
    ]})
}

fn judge(bundle: &Value) -> Result<Submission, SubmitFault> {
    let kind = if bundle["type"] == "transaction" { SubmissionKind::Transaction } else { SubmissionKind::Batch };
    judge_submission(bundle.to_string().as_bytes(), &allowed(kind), FhirVersion::Stu3, &bsn())
}

fn why(bundle: &Value) -> (Why, Option<usize>) {
    match judge(bundle) {
        Ok(_) => panic!("it passed"),
        Err(fault) => (fault.why, fault.entry),
    }
}

fn sent(bundle: &Value) -> Outgoing {
    judge(bundle).unwrap_or_else(|fault| panic!("{fault:?}")).addressed("pat-1").unwrap()
}

#[test]
fn the_his_gets_the_measurement_about_its_own_patient_and_no_person() {
    let out = sent(&batch(&weight()));
    let expected = weight().to_string().replace(PERSON, "Patient/pat-1");
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let body: Value = serde_json::from_slice(&out.body).unwrap();
    assert_eq!(body["entry"], json!([entry(FIRST, &expected)]));
    assert_eq!(body["type"], "batch");
    assert!(!String::from_utf8(out.body).unwrap().contains(BSN));
    let goes: Vec<_> = out.entries.iter().map(|sent| (sent.resource.as_str(), sent.goes)).collect();
    assert_eq!(goes, [("Patient", false), ("Observation", true)]);
}

#[test]
fn the_person_comes_back_as_sent_without_number_and_id() {
    let out = sent(&batch(&weight()));
    let echo: Value = serde_json::from_str(&out.person.resource).unwrap();
    assert_eq!((out.person.at, out.person.full_url.as_str()), (0, PERSON));
    assert_eq!(echo["name"], person()["name"]);
    assert_eq!(echo["identifier"][0]["_value"]["extension"][0]["valueCode"], "masked");
    assert!(echo.get("id").is_none() && !out.person.resource.contains(BSN));
}

#[test]
fn a_transaction_keeps_what_ties_its_documents_together() {
    let out = sent(&documents());
    let body: Value = serde_json::from_slice(&out.body).unwrap();
    assert_eq!(body["entry"].as_array().unwrap().len(), 3);
    assert_eq!(body["entry"][0]["resource"]["content"][0]["pReference"]["reference"], FIRST);
    assert_eq!(body["entry"][1]["resource"]["content"][0]["attachment"]["url"], SECOND);
    assert_eq!(body["entry"][1]["resource"]["subject"]["reference"], "Patient/pat-1");
}

#[test]
fn only_creates_of_what_the_service_takes() {
    let changed = |pointer: &str, value: Value| {
        let mut bundle = batch(&weight());
        *bundle.pointer_mut(pointer).unwrap() = value;
        why(&bundle)
    };
    let create = |method: &str, url: &str| json!({"method": method, "url": url});
    assert_eq!(changed("/resourceType", json!("Parameters")), (Why::NotABundle, None));
    assert_eq!(changed("/entry", json!([])), (Why::WrongNumber, None));
    assert_eq!(changed("/entry/1/request", create("PUT", "Observation/1")), (Why::NotACreate, Some(1)));
    assert_eq!(changed("/entry/1/request", create("DELETE", "Observation/1")), (Why::NotACreate, Some(1)));
    assert_eq!(changed("/entry/1/request", create("GET", "Observation")), (Why::NotACreate, Some(1)));
    assert_eq!(changed("/entry/1/request", create("POST", "Observation?x=1")), (Why::NotACreate, Some(1)));
    assert_eq!(changed("/entry/1/request", create("POST", "Condition")), (Why::NotACreate, Some(1)));
    let conditional = json!({"method": "POST", "url": "Observation", "ifNoneExist": "code=1"});
    assert_eq!(changed("/entry/1/request", conditional), (Why::NotACreate, Some(1)));
    let provenance = entry(FIRST, &json!({"resourceType": "Provenance"}));
    assert_eq!(changed("/entry/1", provenance), (Why::OtherType, Some(1)));
    assert_eq!(changed("/entry/1", entry(FIRST, &person())), (Why::WrongNumber, None));
    assert_eq!(changed("/entry/1/fullUrl", json!(PERSON)), (Why::FullUrl, Some(1)));
    assert_eq!(changed("/entry/1/fullUrl", json!("https://pgo.example/Observation/1")), (Why::FullUrl, Some(1)));
    assert_eq!(changed("/entry/1/resource/meta/profile/0", json!("urn:other")), (Why::OtherProfile, Some(1)));
    assert_eq!(changed("/entry/1/resource/code/coding/0/code", json!("1-8")), (Why::OtherCode, Some(1)));
    let mut many = batch(&weight());
    many["entry"] = std::iter::repeat_n(many["entry"][1].clone(), 7).collect();
    assert_eq!(why(&many), (Why::TooMany, None));
}

#[test]
fn a_batch_is_no_transaction_and_the_other_way_round() {
    let fault = |bundle: &Value, kind| {
        judge_submission(bundle.to_string().as_bytes(), &allowed(kind), FhirVersion::Stu3, &bsn()).err()
    };
    let other = Some(Why::OtherKind.into());
    assert_eq!(fault(&batch(&weight()), SubmissionKind::Transaction), other);
    assert_eq!(fault(&documents(), SubmissionKind::Batch), other);
}

#[test]
fn nothing_is_about_anybody_else() {
    let other = || json!({"system": "urn:oid:2.16.840.1.113883.2.4.6.3", "value": OTHER_BSN});
    let at = |pointer: &'static str, value: Value| {
        why(&batch_with(move |observation| *observation.pointer_mut(pointer).unwrap() = value))
    };
    assert_eq!(at("/subject", json!({"reference": "Patient/pat-2"})), (Why::NoSubject, Some(1)));
    assert_eq!(at("/subject", json!({"display": "A. de Vries"})), (Why::NoSubject, Some(1)));
    assert_eq!(at("/subject", json!({"identifier": other()})), (Why::NoSubject, Some(1)));
    assert_eq!(at("/performer", json!([{"reference": "Patient/pat-2"}])), (Why::LeadsOut, Some(1)));
    assert_eq!(at("/performer", json!([{"reference": "https://x.example/Patient/1"}])), (Why::LeadsOut, Some(1)));
    assert_eq!(at("/performer", json!([{"reference": FIRST}])), (Why::LeadsOut, Some(1)), "entries of a batch");
    assert_eq!(at("/performer", json!([{"reference": "#nobody"}])), (Why::LeadsOut, Some(1)));
    assert_eq!(at("/performer", json!([{"identifier": other()}])), (Why::OtherPerson, Some(1)));
    let contained = |resource| why(&batch_with(|observation| observation["contained"] = json!([resource])));
    assert_eq!(contained(json!({"resourceType": "Patient", "id": "p"})), (Why::OtherPerson, Some(1)));
    assert_eq!(contained(json!({"resourceType": "Provenance", "id": "p"})), (Why::Contained, Some(1)));
    let relative = |patient: Value| json!({"resourceType": "RelatedPerson", "id": "p", "patient": patient});
    assert_eq!(contained(relative(json!({"reference": "Patient/2"}))), (Why::LeadsOut, Some(1)));
    assert_eq!(contained(relative(json!({"display": "B. de Vries"}))), (Why::NoSubject, Some(1)));
    let mut bundle = batch(&weight());
    bundle["entry"][0]["resource"]["identifier"][0]["value"] = json!(OTHER_BSN);
    assert_eq!(why(&bundle), (Why::OtherPerson, Some(0)));
    bundle["entry"][0]["resource"]["identifier"] = json!([]);
    bundle["entry"][0]["resource"]["link"] = json!([{"other": {"reference": "Patient/2"}}]);
    assert_eq!(why(&bundle), (Why::LeadsOut, Some(0)));
}

#[test]
fn a_resource_inside_another_stands_in_contained_or_nowhere() {
    let hidden = batch_with(|observation| observation["extension"] = json!([{"x": {"resourceType": "Device"}}]));
    assert_eq!(why(&hidden), (Why::Contained, Some(1)));
    let own = json!({"resourceType": "RelatedPerson", "id": "p", "patient": {"reference": PERSON}});
    let body = sent(&batch_with(|observation| {
        observation["contained"] = json!([own]);
        observation["performer"] = json!([{"reference": "#p"}]);
    }));
    assert!(!String::from_utf8(body.body).unwrap().contains(PERSON));
}

#[test]
fn the_number_of_the_person_goes_nowhere() {
    let body = |change: fn(&mut Value)| String::from_utf8(sent(&batch_with(change)).body).unwrap();
    let identifier = body(|observation| {
        let own = json!({"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "9999.11.132"});
        observation["identifier"] = json!([own]);
    });
    assert!(identifier.contains("masked") && !identifier.contains("9999.11.132"));
    assert!(body(|observation| observation["comment"] = json!("mijn BSN is 999911132")).contains("is *********"));
    let logical = body(|observation| observation["subject"]["identifier"] = json!({"system": "urn:x", "value": "1"}));
    assert!(!logical.contains("urn:x"));
    let fault = |change: fn(&mut Value)| why(&batch_with(change)).0;
    assert_eq!(fault(|observation| observation["valueQuantity"]["value"] = json!(999_911_132)), Why::Bsn);
    assert_eq!(fault(|observation| observation["id"] = json!("999911132")), Why::Bsn);
    let mut bundle = batch(&weight());
    bundle["entry"][1]["fullUrl"] = json!("urn:oid:2.16.840.1.113883.2.4.6.3.123456782");
    assert_eq!(why(&bundle), (Why::Bsn, Some(1)));
}

#[test]
fn a_document_is_a_pdf_of_the_bundle() {
    let changed = |pointer: &str, value: Value| {
        let mut bundle = documents();
        *bundle.pointer_mut(pointer).unwrap() = value;
        why(&bundle)
    };
    assert_eq!(changed("/entry/3/resource/contentType", json!("text/html")), (Why::NotAPdf, Some(3)));
    assert_eq!(changed("/entry/3/resource/content", json!("PGh0bWw+")), (Why::NotAPdf, Some(3)));
    let address = "/entry/2/resource/content/0/attachment/url";
    assert_eq!(changed(address, json!("http://169.254.169.254/")), (Why::LeadsOut, Some(2)));
    assert_eq!(changed(address, json!("Binary/of-another")), (Why::LeadsOut, Some(2)));
    assert_eq!(changed(address, json!(PERSON)), (Why::LeadsOut, Some(2)));
    let by_manifest = json!({"pAttachment": {"url": "http://169.254.169.254/"}});
    assert_eq!(changed("/entry/1/resource/content/0", by_manifest), (Why::LeadsOut, Some(1)));
}

#[test]
fn what_is_no_json_of_fhir_is_refused() {
    for body in ["", "{", "[]", "null", "{}", r#"{"resourceType":"Bundle","resourceType":"Bundle"}"#] {
        assert!(
            judge_submission(body.as_bytes(), &allowed(SubmissionKind::Batch), FhirVersion::Stu3, &bsn()).is_err(),
            "{body}"
        );
    }
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let fault =
        judge_submission(deep.as_bytes(), &allowed(SubmissionKind::Batch), FhirVersion::Stu3, &bsn()).err().unwrap();
    assert_eq!(fault, Why::NotFhir.into());
}
