//! What a patient sees of their record, and what they never see.

mod expected;

use std::collections::BTreeSet;

use http::Method;
use inzage::form::decode_pairs;
use inzage::sandbox::person::{Choices, End};
use inzage::sandbox::records::{Practice, ShippedPatient, shipped};
use jiff::civil::{Date, date};
use serde_json::Value;

use self::expected::{Record, day, has_code, items, path};
use crate::harness::{Gateway, Session, fault, json, send, seven_searches, text};

const TODAY: Date = date(2026, 11, 21);
const NHG_45: &str = "https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen";
const LINES: &str = "http://fhir.nl/fhir/NamingSystem/journaalregeltypen";

#[tokio::test]
async fn every_patient_sees_exactly_what_the_guideline_shows() {
    let gateway = Gateway::start().await;
    for practice in &gateway.world.practices {
        for person in practice.patients.iter().filter(|person| is_of_age(person)) {
            let session = gateway.session(practice.provider.as_str(), person.bsn.reveal()).await;
            let record = Record::of(practice, person.bsn.reveal(), TODAY);
            for request in seven_searches(TODAY) {
                let body = text(&session.get(&request).await);
                check_words(&gateway, person, &body);
                let bundle: Value = serde_json::from_str(&body).unwrap();
                check_frame(&session, &request, &bundle);
                check_elements(&bundle, &record.reference(), &request);
                for title in record.hidden_titles() {
                    assert!(!body.contains(&title), "{title} in {request} of {}: {body}", person.family);
                }
                let kind = request.split('?').next().unwrap();
                let expected = record.search(kind);
                assert_eq!(entries(&bundle, "match"), sorted(expected.matches), "{request} of {}", person.family);
                assert_eq!(entries(&bundle, "include"), sorted(expected.includes), "{request} of {}", person.family);
            }
        }
    }
    gateway.stop().await;
}

fn is_of_age(person: &ShippedPatient) -> bool {
    person.birth_date <= date(2010, 11, 21)
}

/// No word that stands in hidden lines, no BSN, no address of a HIS.
fn check_words(gateway: &Gateway, person: &ShippedPatient, body: &str) {
    let canaries = gateway.world.practices.iter().flat_map(|practice| &practice.canaries);
    let hosts = gateway.world.his.iter().map(|his| his.base().split(['/', ':']).nth(3).unwrap());
    for forbidden in canaries.map(String::as_str).chain(hosts).chain([person.bsn.reveal(), "his-a", "his-b", "his-c"]) {
        assert!(!body.contains(forbidden), "{forbidden} in {body}");
    }
}

/// The rules of the qualification for a searchset and its entries, with links and full URLs on our own base.
fn check_frame(session: &Session, request: &str, bundle: &Value) {
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&"Bundle".into(), &"searchset".into()));
    assert_eq!(bundle["link"].as_array().unwrap().len(), 1);
    assert_eq!(bundle["link"][0]["relation"], "self");
    let link = bundle["link"][0]["url"].as_str().unwrap().strip_prefix(session.base()).unwrap();
    let (asked, repeated) = (request.split_once('?'), link.strip_prefix('/').unwrap().split_once('?'));
    let pairs = |half: Option<(&str, &str)>| half.map(|(kind, query)| (kind.to_owned(), decode_pairs(query).unwrap()));
    assert_eq!(pairs(repeated), pairs(asked));
    let matches = items(&bundle["entry"]).filter(|entry| entry["search"]["mode"] == "match").count();
    assert_eq!(bundle["total"], matches);
    for entry in items(&bundle["entry"]) {
        assert_eq!(entry["fullUrl"], format!("{}/{}", session.base(), path(&entry["resource"])));
        assert!(items(&entry["resource"]["meta"]["profile"]).all(Value::is_string), "{entry}");
        assert!(items(&entry["resource"]["meta"]["profile"]).count() > 0, "{entry}");
    }
}

/// The rules of the qualification for Coding, CodeableConcept, Reference and Identifier, anywhere in the answer; and every
/// reference to a Patient is to this one.
fn check_elements(value: &Value, patient: &str, request: &str) {
    for (name, member) in value.as_object().into_iter().flatten() {
        match name.as_str() {
            "coding" => {
                for coding in items(member) {
                    assert!(coding["system"].is_string() && coding["code"].is_string(), "{request}: {value}");
                }
                let is_named = value["text"].is_string() || items(member).any(|coding| coding["display"].is_string());
                assert!(is_named, "{request}: {value}");
            }
            "reference" => {
                assert!(value["display"].is_string(), "{request}: {value}");
                let to = member.as_str().unwrap();
                assert!(!to.contains("Patient/") || to == patient, "{request}: {value}");
            }
            "identifier" | "valueIdentifier" => {
                for identifier in items(member).chain(member.is_object().then_some(member)) {
                    let has_value = identifier["value"].is_string() || identifier["_value"]["extension"].is_array();
                    assert!(identifier["system"].is_string() && has_value, "{request}: {value}");
                }
            }
            _ => {}
        }
        check_elements(member, patient, request);
    }
    items(value).for_each(|item| check_elements(item, patient, request));
}

fn entries(bundle: &Value, mode: &str) -> Vec<(String, Value)> {
    let of_mode = items(&bundle["entry"]).filter(|entry| entry["search"]["mode"] == mode);
    sorted(of_mode.map(|entry| entry["resource"].clone()).collect())
}

fn sorted(resources: Vec<Value>) -> Vec<(String, Value)> {
    let mut named: Vec<_> = resources.into_iter().map(|resource| (path(&resource), resource)).collect();
    named.sort_by(|one, other| one.0.cmp(&other.0));
    named
}

#[tokio::test]
async fn asking_further_back_shows_no_more() {
    let gateway = Gateway::start().await;
    for practice in &gateway.world.practices {
        let bsn = practice.patients[0].bsn.reveal();
        let session = gateway.session(practice.provider.as_str(), bsn).await;
        let record = Record::of(practice, bsn, TODAY);
        assert!(record.of_type("Observation").any(|it| record.is_result(it) && !record.is_recent(it)));
        assert!(record.of_type("MedicationRequest").any(|it| !record.is_in_use(it)));
        for request in [
            "MedicationRequest?category=http://snomed.info/sct|16076005".to_owned(),
            "MedicationRequest?category=http://snomed.info/sct|16076005&periodofuse=ge2001-01-01".to_owned(),
            format!("Observation?code={NHG_45}|"),
            format!("Observation?code={NHG_45}|&date=ge2001-01-01"),
            format!("Observation?code={NHG_45}|&date=le{TODAY}"),
        ] {
            let bundle = session.bundle(&request).await;
            let kind = request.split('?').next().unwrap();
            assert_eq!(entries(&bundle, "match"), sorted(record.search(kind).matches), "{request}");
            assert_eq!(entries(&bundle, "include"), [], "{request}");
        }
    }
    gateway.stop().await;
}

/// Without these cases the journey above would prove less than it says.
#[test]
fn the_shipped_records_hold_every_case_that_must_stay_hidden() {
    let practices = shipped(TODAY);
    let records = || {
        practices.iter().flat_map(|practice| {
            practice.patients.iter().map(move |person| (practice, Record::of(practice, person.bsn.reveal(), TODAY)))
        })
    };
    let any = |kind: &str, holds: &dyn Fn(&Record<'_>, &Value) -> bool| {
        records().any(|(_, record)| record.of_type(kind).any(|resource| holds(&record, resource)))
    };
    assert!(any("EpisodeOfCare", &|record, it| it["status"] == "finished" && !record.is_open_or_flagged(it)));
    assert!(any("EpisodeOfCare", &|record, it| it["status"] == "finished" && record.is_open_or_flagged(it)));
    assert!(any("Observation", &|record, it| record.is_result(it) && !record.is_recent(it)));
    assert!(any("Observation", &|record, it| record.is_result(it) && record.is_recent(it)));
    assert!(any("MedicationRequest", &|record, it| !record.is_in_use(it)));
    for code in ["S", "O", "E", "P"] {
        assert!(any("Observation", &|_, it| has_code(&it["code"], code)), "{code}");
    }
    for practice in &practices[1..] {
        let reports = || practice.resources.iter().filter(|it| it["resourceType"] == "Composition");
        assert!(reports().any(|it| day(&it["date"]) < practice.access_start), "{}", practice.name);
        assert!(reports().any(|it| day(&it["date"]) >= practice.access_start), "{}", practice.name);
    }
    assert!(practices.iter().any(|practice| practice.patients.iter().any(|person| !is_of_age(person))));
    practices.iter().for_each(check_canaries);
}

/// Every canary stands in an S or O line, and in the narrative or the sections of a report.
fn check_canaries(practice: &Practice) {
    let of_type = |kind: &'static str| practice.resources.iter().filter(move |it| it["resourceType"] == kind);
    for canary in &practice.canaries {
        let hidden = |it: &Value| has_code(&it["code"], "S") || has_code(&it["code"], "O");
        let holds = |it: &Value| it.to_string().contains(canary);
        assert!(of_type("Observation").any(|it| hidden(it) && holds(it)), "{canary}");
        assert!(of_type("Composition").any(holds), "{canary}");
        assert!(of_type("Observation").all(|it| hidden(it) || !holds(it)), "{canary}");
    }
}

#[tokio::test]
async fn whoever_is_under_sixteen_gets_no_token() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let mut children = 0;
    for practice in &gateway.world.practices {
        for child in practice.patients.iter().filter(|person| !is_of_age(person)) {
            let choices = Choices::willing(child.bsn.reveal());
            let (End::Client(answer), ..) = gateway.walk(&client, practice.provider.as_str(), choices).await else {
                panic!("no answer to the client")
            };
            let keys: BTreeSet<_> = answer.keys().map(String::as_str).collect();
            assert_eq!((answer["error"].as_str(), keys.contains("code")), ("access_denied", false));
            children += 1;
        }
    }
    assert!(children > 0);
    gateway.stop().await;
}

/// Every way we know to ask for a hidden line; the HIS would answer most of them.
fn ways_to_hidden_lines(line: &str, report: &str, patient: &str) -> Vec<(Method, String, u16, &'static str)> {
    let get = |request: String, status, code| (Method::GET, request, status, code);
    let results = format!("Observation?code={NHG_45}|");
    let reports = "Composition?type=http://loinc.org|67781-5";
    let mut ways = vec![
        get(format!("Observation/{line}"), 404, "no-such-interaction"),
        get(format!("Observation/{line}/_history"), 404, "no-such-interaction"),
        get(format!("Observation/{line}/_history/1"), 404, "no-such-interaction"),
        get(format!("Composition/{report}"), 404, "no-such-interaction"),
        get(format!("Composition/{report}/$document"), 404, "no-such-interaction"),
        get(format!("Patient/{patient}/$everything"), 404, "no-such-interaction"),
        get(format!("Patient/{patient}/Observation"), 404, "no-such-interaction"),
        get("Binary/1".to_owned(), 404, "unknown-type"),
        get(format!("Binary/{report}"), 404, "unknown-type"),
        get("Flag".to_owned(), 404, "unknown-type"),
        get("Condition".to_owned(), 404, "unknown-type"),
        get("Observation".to_owned(), 400, "missing-parameter"),
        get("Composition".to_owned(), 400, "missing-parameter"),
        get(format!("{results}&code={LINES}|S"), 400, "bad-value"),
        get(format!("{results},{LINES}|S"), 400, "bad-value"),
        get(format!("{results}&code={NHG_45}|"), 400, "repeated-parameter"),
        get(format!("{results}&code:not=x"), 400, "unknown-parameter"),
        get(format!("{results}&_id={line}"), 400, "unknown-parameter"),
        get(format!("{results}&category=x"), 400, "unknown-parameter"),
        get(format!("{results}&_include=Observation:related-target:Observation"), 400, "bad-value"),
        get(format!("{results}&_include=Observation:context"), 400, "bad-value"),
        get(format!("{results}&_include=*"), 400, "bad-value"),
        get(format!("{results}&_include:iterate=Observation:related-target"), 400, "unknown-parameter"),
        get(format!("{results}&_include:recurse=Observation:related-target"), 400, "unknown-parameter"),
        get(format!("{results}&_revinclude=Composition:entry"), 400, "unknown-parameter"),
        get(format!("{reports}&_include=Composition:entry"), 400, "unknown-parameter"),
        get(format!("{reports}&section={LINES}|S"), 400, "unknown-parameter"),
        get("Encounter?_revinclude=Observation:context".to_owned(), 400, "unknown-parameter"),
        get("Patient?_revinclude=Observation:subject".to_owned(), 400, "unknown-parameter"),
        get("EpisodeOfCare?_revinclude=*".to_owned(), 400, "unknown-parameter"),
        get(String::new(), 400, "bad-path"),
        get("?_type=Observation".to_owned(), 400, "bad-path"),
        (Method::POST, String::new(), 405, "method-not-allowed"),
        (Method::POST, "Observation/_search".to_owned(), 415, "bad-media-type"),
        (Method::POST, "Observation".to_owned(), 405, "method-not-allowed"),
    ];
    for code in ["S", "O", "E", "P", ""] {
        ways.push(get(format!("Observation?code={LINES}|{code}"), 400, "bad-value"));
    }
    for operation in ["$everything", "$lastn", "$graphql", "_history"] {
        ways.push(get(format!("Observation/{operation}"), 404, "no-such-interaction"));
        ways.push(get(operation.to_owned(), 404, "no-such-interaction"));
    }
    ways.push(get("Observation/_search".to_owned(), 405, "method-not-allowed"));
    ways.push(get("_search".to_owned(), 404, "no-such-interaction"));
    ways
}

#[tokio::test]
async fn no_read_include_or_operation_leads_to_a_hidden_line() {
    let gateway = Gateway::start().await;
    let practice = &gateway.world.practices[0];
    let bsn = practice.patients[0].bsn.reveal();
    let record = Record::of(practice, bsn, TODAY);
    let id = |resource: &Value| resource["id"].as_str().unwrap().to_owned();
    let line = id(record.of_type("Observation").find(|it| has_code(&it["code"], "S")).unwrap());
    let report = id(record.of_type("Composition").next().unwrap());
    let patient = record.reference().split_once('/').unwrap().1.to_owned();
    let session = gateway.session("huisarts.delinde@medmij", bsn).await;
    for (method, request, status, code) in ways_to_hidden_lines(&line, &report, &patient) {
        let (asked, records) = (gateway.his_requests(), gateway.audit().len());
        let search = format!("code={LINES}|S");
        let built = session.request(method.clone(), &request);
        let reply = send(if method == Method::POST { built.body(search) } else { built }).await;
        assert_eq!((reply.status.as_u16(), fault(&reply).0.as_str()), (status, code), "{method} {request}");
        assert_eq!(gateway.his_requests(), asked, "{method} {request}");
        let audit = gateway.audit();
        assert_eq!(audit.len(), records + 1, "{method} {request}");
        assert_eq!((&audit[records]["kind"], &audit[records]["reason"]), (&"resource_refused".into(), &code.into()));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn an_answer_repeats_the_query_on_our_base_and_carries_its_receipt() {
    let gateway = Gateway::start().await;
    let person = &gateway.world.practices[0].patients[0];
    let session = gateway.session("huisarts.delinde@medmij", person.bsn.reveal()).await;
    let request = "Composition?type=http://loinc.org|67781-5";
    let reply = session.get(request).await;
    let bundle = json(&reply);
    let link = bundle["link"][0]["url"].as_str().unwrap();
    assert_eq!(link, format!("{}/Composition?type=http://loinc.org%7C67781-5", session.base()));
    assert_eq!(bundle["total"].as_u64(), bundle["entry"].as_array().map(|entries| entries.len() as u64));
    let intent = gateway.last_audit("disclosure_intent");
    let receipt = reply.headers["inzage-audit-receipt"].to_str().unwrap();
    assert!(receipt.ends_with(&format!("/{}", intent["index"])), "{receipt} {intent}");
    assert_eq!(intent["query"], "Composition?type=http://loinc.org%7C67781-5");
    gateway.stop().await;
}

#[tokio::test]
async fn a_refusal_says_who_can_act_and_is_in_the_audit() {
    let gateway = Gateway::start().await;
    let person = &gateway.world.practices[0].patients[0];
    let session = gateway.session("huisarts.delinde@medmij", person.bsn.reveal()).await;
    let reply = session.get("Encounter?patient=Patient/1").await;
    assert_eq!((reply.status.as_u16(), fault(&reply)), (400, ("unknown-parameter".to_owned(), "pgo".to_owned())));
    let record = gateway.last_audit("resource_refused");
    assert_eq!((&record["reason"], &record["client_id"]), (&"unknown-parameter".into(), &"pgo.localhost".into()));
    assert!(gateway.folder().join("sandbox.json").exists());
    let episodes = session.bundle("EpisodeOfCare").await;
    assert_eq!(episodes["type"], "searchset");
    gateway.stop().await;
}

#[tokio::test]
async fn ids_that_were_not_sent_are_not_on_record() {
    let gateway = Gateway::start().await;
    let person = &gateway.world.practices[0].patients[0];
    let session = gateway.session("huisarts.delinde@medmij", person.bsn.reveal()).await;
    let url = format!("{}/Encounter", session.base());
    let request = session.client.http().get(&url).bearer_auth(&session.token.access_token);
    assert_eq!(request.header("X-Correlation-ID", "not a UUID").send().await.unwrap().status(), 200);
    let intent = gateway.last_audit("disclosure_intent");
    assert_eq!((&intent["request_id"], &intent["correlation_id"]), (&Value::Null, &Value::Null));
    assert!(intent["local_id"].is_string());
    gateway.stop().await;
}
