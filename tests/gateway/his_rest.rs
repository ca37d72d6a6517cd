//! A HIS that speaks plain JSON: the same record as through FHIR, the same rules, and pages that are joined.

use std::collections::BTreeMap;

use inzage::medmij::FhirVersion;
use inzage::sandbox::his::faults::Faults;
use jiff::civil::{Date, date};
use serde_json::Value;

use crate::harness::{Gateway, Session, json, send, seven_searches, text};

const TODAY: Date = date(2026, 11, 21);
/// The number of the practice whose HIS speaks plain JSON.
const REST: usize = 2;

/// A session of a patient of the practice with the plain JSON.
async fn session(gateway: &Gateway) -> (Session, String) {
    let practice = &gateway.world.practices[REST];
    let person = practice.patients.iter().find(|person| person.birth_date < date(2010, 1, 1)).unwrap();
    let bsn = person.bsn.reveal().to_owned();
    (gateway.session(practice.provider.as_str(), &bsn).await, bsn)
}

/// The resources, whole, by mode and full URL below the endpoint.
fn entries(session: &Session, bundle: &Value) -> BTreeMap<(String, String), Value> {
    let entry = |entry: &Value| {
        let path = entry["fullUrl"].as_str().unwrap().strip_prefix(session.base()).unwrap().to_owned();
        ((entry["search"]["mode"].as_str().unwrap().to_owned(), path), entry["resource"].clone())
    };
    bundle["entry"].as_array().into_iter().flatten().map(entry).collect()
}

#[tokio::test]
async fn the_same_searches_through_each_dialect_give_the_same_resources() {
    let gateway = Gateway::start().await;
    let story = gateway.world.practices[0].clone();
    for his in &gateway.world.his {
        his.put(FhirVersion::Stu3, story.resources.clone()).unwrap();
    }
    // Each practice opened on a day of its own, and its reports begin there.
    let start = gateway.world.practices.iter().map(|practice| practice.access_start).max().unwrap().to_string();
    let opened_everywhere = |resource: &Value| {
        resource["resourceType"] != "Composition" || resource["date"].as_str().unwrap() >= start.as_str()
    };
    let mut compared: BTreeMap<String, usize> = BTreeMap::new();
    for person in story.patients.iter().filter(|person| person.birth_date < date(2010, 1, 1)) {
        let mut sessions = Vec::new();
        for practice in &gateway.world.practices {
            sessions.push(gateway.session(practice.provider.as_str(), person.bsn.reveal()).await);
        }
        for request in seven_searches(TODAY) {
            let mut through = Vec::new();
            for session in &sessions {
                let mut entries = entries(session, &session.bundle(&request).await);
                entries.retain(|_, resource| opened_everywhere(resource));
                through.push(entries);
            }
            assert_eq!(through[REST], through[0], "{request} of {}", person.family);
            assert_eq!(through[1], through[0], "{request} of {}", person.family);
            for (_, path) in through[0].keys() {
                *compared.entry(path.split('/').nth(1).unwrap().to_owned()).or_default() += 1;
            }
        }
    }
    let kinds: Vec<&str> = compared.keys().map(String::as_str).collect();
    assert_eq!(
        kinds,
        [
            "AllergyIntolerance",
            "Composition",
            "Encounter",
            "EpisodeOfCare",
            "Medication",
            "MedicationRequest",
            "Observation",
            "Patient",
            "Practitioner",
            "Specimen"
        ],
        "{compared:?}"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn joined_pages_are_the_whole_and_a_page_that_fails_is_said_to_be_missing() {
    let gateway = Gateway::start().await;
    let (session, _) = session(&gateway).await;
    // Results, reports and contacts: each more than one.
    for request in seven_searches(TODAY).iter().skip(4) {
        gateway.world.his[REST].set_faults(Faults::default());
        let whole = session.bundle(request).await;
        gateway.world.his[REST].set_faults(Faults { page_size: 1, ..Faults::default() });
        let paged = session.bundle(request).await;
        assert_eq!(paged["entry"], whole["entry"], "{request}");
        assert!(!entries(&session, &whole).is_empty(), "{request}: {whole}");

        gateway.world.his[REST].set_faults(Faults { page_size: 1, fail_page: 2, ..Faults::default() });
        let partial = session.bundle(request).await;
        let entries = partial["entry"].as_array().unwrap();
        let (last, shown) = entries.split_last().unwrap();
        assert_eq!(
            (&last["search"]["mode"], &last["resource"]["issue"][0]["code"]),
            (&"outcome".into(), &"incomplete".into())
        );
        assert!(shown.len() < whole["entry"].as_array().unwrap().len(), "{request}");
        assert!(shown.iter().all(|entry| whole["entry"].as_array().unwrap().contains(entry)), "{request}: {partial}");
    }
    // Without the first page there is nothing to show.
    gateway.world.his[REST].set_faults(Faults { fail_page: 1, ..Faults::default() });
    assert_eq!(session.get("Encounter").await.status, 502);
    gateway.stop().await;
}

#[tokio::test]
async fn a_row_of_another_patient_is_caught_in_every_list() {
    let gateway = Gateway::start().await;
    let (session, _) = session(&gateway).await;
    gateway.world.his[REST].set_faults(Faults { foreign_patient: true, ..Faults::default() });
    for request in seven_searches(TODAY).iter().filter(|request| !request.starts_with("Patient")) {
        let reply = session.get(request).await;
        assert_eq!(reply.status, 502, "{request}: {}", text(&reply));
        assert_eq!(json(&reply)["resourceType"], "OperationOutcome");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_bsn_is_masked_wherever_the_vendor_writes_it() {
    let gateway = Gateway::start().await;
    let (session, bsn) = session(&gateway).await;
    gateway.world.his[REST].set_faults(Faults { unmasked_bsn: true, ..Faults::default() });
    for request in seven_searches(TODAY) {
        let reply = session.get(&request).await;
        assert_eq!(reply.status, 200, "{request}: {}", text(&reply));
        assert!(!text(&reply).contains(&bsn), "{request}: {}", text(&reply));
    }
    let asked = gateway.world.his[REST].log().last.unwrap();
    assert!(!format!("{}?{}", asked.path, asked.query).contains(&bsn), "{asked:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn appointments_and_documents_come_through_and_what_the_vendor_lacks_is_said_to_be_lacking() {
    let gateway = Gateway::start().await;
    let story = gateway.world.practices[0].clone();
    gateway.world.his[REST].put(FhirVersion::Stu3, story.resources.clone()).unwrap();
    let bsn = gateway.patient();
    let providers = [&story.provider, &gateway.world.practices[REST].provider];
    for (service, request, members) in [
        ("47", "Appointment?date=ge2026-01-01", ["/description", "/start", "/end", "/status", "/id"]),
        (
            "51",
            "DocumentReference?status=current",
            ["/description", "/indexed", "/content/0/attachment/url", "/status", "/id"],
        ),
    ] {
        let mut seen = Vec::new();
        for provider in providers {
            let session = gateway.session_of(service, provider.as_str(), &bsn).await;
            let found = entries(&session, &session.bundle(request).await);
            let texts = |resource: &Value| members.map(|member| resource.pointer(member).cloned().unwrap_or_default());
            seen.push(found.values().map(texts).collect::<Vec<_>>());
        }
        assert!(!seen[0].is_empty() && seen[0] == seen[1], "{service}: {seen:#?}");
    }

    let mut letters = Vec::new();
    for provider in providers {
        let session = gateway.session_of("51", provider.as_str(), &bsn).await;
        let listed = session.bundle("DocumentReference?status=current").await;
        let url = listed.pointer("/entry/0/resource/content/0/attachment/url").unwrap().as_str().unwrap();
        let id = url.rsplit('/').next().unwrap();
        let letter = send(session.request(http::Method::GET, &format!("Binary/{id}")).header("accept", "*/*")).await;
        assert_eq!(
            (letter.status.as_u16(), &letter.headers["content-type"]),
            (200, &"application/pdf".parse().unwrap())
        );
        letters.push(letter.body);
    }
    assert!(letters[0].starts_with(b"%PDF") && letters[0] == letters[1]);

    let session = gateway.session_of("51", providers[1].as_str(), &bsn).await;
    let reply = session.get("DocumentManifest?status=current").await;
    assert_eq!(reply.status, 404, "{}", text(&reply));
    assert_eq!(json(&reply)["issue"][0]["code"], "not-supported");
    gateway.stop().await;
}
