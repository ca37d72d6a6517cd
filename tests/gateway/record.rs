//! What a patient sees of their record, and what they never see.

use jiff::civil::date;

use crate::harness::{Gateway, fault, json, seven_searches};

#[tokio::test]
async fn every_patient_collects_seven_answers_without_a_canary() {
    let gateway = Gateway::start().await;
    let canaries: Vec<_> = gateway.world.practices.iter().flat_map(|practice| practice.canaries.clone()).collect();
    for practice in &gateway.world.practices {
        let adults = practice.patients.iter().filter(|person| person.birth_date < date(2010, 11, 21));
        for person in adults {
            let session = gateway.session(practice.provider.as_str(), person.bsn.reveal()).await;
            for request in seven_searches(date(2026, 11, 21)) {
                let body = crate::harness::text(&session.get(&request).await);
                assert!(body.contains("\"searchset\""), "{request}: {body}");
                for forbidden in canaries.iter().map(String::as_str).chain([
                    person.bsn.reveal(),
                    "his-a.localhost",
                    "his-b",
                    "his-c",
                ]) {
                    assert!(!body.contains(forbidden), "{forbidden} in {request}: {body}");
                }
            }
        }
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
