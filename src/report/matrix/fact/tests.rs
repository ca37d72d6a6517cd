//! Which step each kind of record tells.

use super::*;
use crate::audit::Record;
use crate::practices::golive::NotYet;
use proptest::prelude::*;
use serde_json::{Value, json};

const VISIT: &str = "0193515a-8a5c-7cc0-8a55-7d3b1f6f0a01";

/// A record of this kind and outcome with these members.
fn record(kind: &str, outcome: &str, members: &Value) -> Record {
    let mut line = json!({"v": 2, "time": "2026-11-21T09:30:00.000000Z", "kind": kind, "outcome": outcome,
        "local_id": VISIT, "client_id": "pgo.example.nl", "provider": "huisarts.delinde@medmij"});
    for (name, value) in members.as_object().unwrap() {
        line[name] = value.clone();
    }
    Record::parse(0, line.to_string().as_bytes()).unwrap()
}

fn steps(kind: &str, outcome: &str, members: &Value) -> Vec<String> {
    let told = Fact::of(&record(kind, outcome, members)).map(|fact| fact.told).unwrap_or_default();
    let words = told.iter().map(|told| match &told.step {
        ToldStep::Step(step) => format!("{step} {}", told.ending),
        ToldStep::Query(query) => format!("?{query} {}", told.ending),
    });
    words.collect()
}

#[test]
fn each_record_of_a_walk_tells_its_step() {
    let none = json!({});
    assert_eq!(steps("authorization_requested", "done", &none), ["found succeeded"]);
    assert_eq!(steps("person_authenticated", "done", &none), ["login succeeded"]);
    assert_eq!(steps("consent_given", "done", &none), ["availability succeeded", "consent succeeded"]);
    assert_eq!(steps("consent_refused", "refused", &none), ["availability succeeded", "consent ended"]);
    assert_eq!(steps("token_issued", "intended", &none), [""; 0]);
    assert_eq!(steps("token_issued", "done", &none), ["token succeeded"]);
    let vouched = json!({"authorization": "portal_assertion"});
    assert_eq!(steps("token_issued", "done", &vouched), ["availability succeeded", "token succeeded"]);
    for kind in ["node_started", "grant_ended", "consent_withdrawn", "disclosure_intent", "log_exported"] {
        assert_eq!(steps(kind, "done", &none), [""; 0], "{kind}");
    }
    let own = json!({"client_id": null});
    assert_eq!(steps("person_authenticated", "done", &own), [""; 0], "they see their own consents");
    assert_eq!(steps("authentication_failed", "refused", &own), [""; 0]);
}

#[test]
fn a_walk_ends_where_its_reason_says() {
    let ends = |reason: &str| steps("authorization_refused", "refused", &json!({"reason": reason})).join(" ");
    assert_eq!(ends("cancelled"), "login ended");
    assert_eq!(ends("stale-page"), "login ended");
    assert_eq!(ends("login-unavailable"), "login !login-unavailable");
    assert_eq!(ends("not-available"), "availability !not-available");
    assert_eq!(ends("his-timeout"), "availability !his-timeout");
    assert_eq!(ends("invalid_scope"), "found !invalid_scope");
    assert_eq!(ends("stopped-practice"), "found !stopped-practice");
    assert_eq!(ends("lists-too-old"), "consent !lists-too-old");
    for not_yet in NotYet::ALL {
        assert_eq!(ends(not_yet.code()), "availability ended", "the practice means it so");
    }
    let login = |reason: &str| steps("authentication_failed", "refused", &json!({"reason": reason})).join(" ");
    assert_eq!(
        (login("login-cancelled").as_str(), login("login-failed").as_str()),
        ("login ended", "login !login-failed")
    );
}

#[test]
fn a_token_that_is_refused_says_whether_the_person_or_the_request_was_the_reason() {
    let refused = |members: &Value| steps("token_refused", "refused", members).join(" ");
    assert_eq!(refused(&json!({"reason": "invalid_client"})), "token !invalid_client");
    assert_eq!(refused(&json!({"reason": "his-gives-no-answer"})), "availability !his-gives-no-answer");
    let gone = json!({"reason": "invalid_grant", "detail": "not available"});
    assert_eq!(refused(&gone), "availability !not-available");
    assert_eq!(refused(&json!({"reason": "not-in-pilot"})), "availability ended");
}

#[test]
fn a_request_tells_that_it_was_admitted_and_how_it_ended() {
    let ends = |kind: &str, outcome: &str, reason: &str| {
        let members = json!({"grant": VISIT, "service": "49", "query": "EpisodeOfCare", "reason": reason});
        steps(kind, outcome, &members).join(", ")
    };
    let outcome = "disclosure_outcome";
    assert_eq!(ends(outcome, "done", ""), "admission succeeded, ?EpisodeOfCare succeeded");
    assert_eq!(ends(outcome, "failed", "his-nonsense"), "admission succeeded, ?EpisodeOfCare !his-nonsense");
    assert_eq!(ends(outcome, "aborted", ""), "admission succeeded, ?EpisodeOfCare aborted");
    assert_eq!(ends(outcome, "refused", "consent-ended"), "admission succeeded, ?EpisodeOfCare ended");
    assert_eq!(ends("log_read", "done", ""), "admission succeeded, ?EpisodeOfCare succeeded");
    assert_eq!(ends("resource_refused", "refused", "token-expired"), "admission !token-expired");
    assert_eq!(ends("resource_refused", "aborted", ""), "admission aborted");
    let check = json!({"service": "49", "query": "EpisodeOfCare", "client_id": null});
    assert_eq!(steps(outcome, "done", &check), [""; 0], "nobody asked: the gateway tried the HIS");
}

#[test]
fn a_fact_names_the_visit_its_services_and_a_request_that_can_be_found() {
    let members = json!({"request_id": "5c0f6f0e-6a0b-4a43-9d2e-2f1f8a9e6b06", "authorization": "lasting_consent",
        "detail": "services 48 49, for an indefinite period"});
    let fact = Fact::of(&record("consent_given", "done", &members)).unwrap();
    assert_eq!((fact.visit.to_string().as_str(), fact.lasting), (VISIT, true));
    assert_eq!(fact.services.iter().map(ServiceId::as_str).collect::<Vec<_>>(), ["48", "49"]);
    assert_eq!(fact.sample, "5c0f6f0e-6a0b-4a43-9d2e-2f1f8a9e6b06");
    let fact = Fact::of(&record("consent_refused", "refused", &json!({}))).unwrap();
    assert_eq!(fact.sample, VISIT);
}

proptest! {
    /// Nothing that a record holds is too much, and no reason is a reason to panic.
    #[test]
    fn every_event_is_read(event in crate::audit::testing::any_event()) {
        let mut payload = Vec::new();
        crate::audit::encode(&event, crate::audit::testing::LOG, &mut payload);
        if let Some(fact) = Fact::of(&Record::parse(0, &payload).unwrap()) {
            prop_assert!(!fact.told.is_empty());
        }
    }

    #[test]
    fn any_reason_ends_a_walk_somewhere(reason: String, known: bool) {
        let (step, ending) = walk_ended(Some(&reason), known);
        prop_assert!(step < Step::Token && ending != Ending::Succeeded);
    }
}
