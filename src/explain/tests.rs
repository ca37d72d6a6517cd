//! Questions are read as they are written, and an explanation ends where the answer comes from.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::fhir::request::RequestError;
use crate::routing::world::{now, snapshot};

fn written(request: &str) -> Written<'_> {
    Written { provider: "open@medmij", service: "49", client: "pgo.example.nl", request, ..Written::default() }
}

fn read(request: &str) -> Result<Question, QuestionFault> {
    Question::read(written(request), Person::Stranger, &snapshot())
}

fn told(request: &str) -> Explanation {
    explain(&snapshot(), &read(request).unwrap(), &|_| Vec::new(), now())
}

#[test]
fn a_request_is_what_follows_the_base_or_a_whole_path() {
    for (request, path) in [
        ("EpisodeOfCare", "/fhir/open/49/stu3/EpisodeOfCare"),
        ("GET Observation?code=x", "/fhir/open/49/stu3/Observation"),
        ("POST Observation/_search", "/fhir/open/49/stu3/Observation/_search"),
        ("", "/fhir/open/49/stu3"),
        ("/fhir/other/51/r4/Binary/1", "/fhir/other/51/r4/Binary/1"),
    ] {
        assert_eq!(read(request).unwrap().path(), path, "{request}");
    }
    let long = "a".repeat(REQUEST_MAX + 1);
    for request in ["get Observation", "GET  a b", "a\nb", &long] {
        assert_eq!(read(request).unwrap_err(), QuestionFault::Request, "{request}");
    }
    assert_eq!(read("metadata").unwrap_err(), QuestionFault::Metadata);
}

#[test]
fn no_number_of_a_person_stands_in_a_question() {
    assert_eq!(read("Patient?identifier=999911132").unwrap_err(), QuestionFault::Bsn);
    assert_eq!(Person::test_patient("111222333").unwrap_err(), QuestionFault::TestPatient);
    assert!(Person::test_patient(" 999911132 ").unwrap().is_somebody());
    for mark in ["", "ab", &"g".repeat(64), &"a".repeat(65)] {
        assert_eq!(Person::marked(mark).unwrap_err(), QuestionFault::Mark, "{mark}");
    }
    let mark = "0f".repeat(32);
    let Person::Marked(known) = Person::marked(&mark).unwrap() else { panic!("a mark") };
    assert_eq!(known.reveal(), mark);
}

#[test]
fn what_cannot_be_read_is_named() {
    let world = snapshot();
    let fault = |written| Question::read(written, Person::Stranger, &world).unwrap_err();
    let good = written("EpisodeOfCare");
    assert_eq!(fault(Written { provider: "open", ..good }), QuestionFault::Provider);
    assert_eq!(fault(Written { service: "", ..good }), QuestionFault::Service);
    assert_eq!(fault(Written { client: "PGO", ..good }), QuestionFault::Client);
    assert_eq!(fault(Written { peer: "a b", ..good }), QuestionFault::Peer);
    assert_eq!(fault(Written { scope: "patient/Unknown.rs", ..good }), QuestionFault::Scope);
    assert_eq!(fault(Written { consented: "yesterday", ..good }), QuestionFault::Consented);
}

#[test]
fn the_way_goes_through_decision_and_request_to_a_his() {
    let explanation = told("EpisodeOfCare");
    let names: Vec<_> = explanation.steps.iter().map(|step| step.name).collect();
    assert_eq!(names.first(), Some(&"lists"));
    assert_eq!(names[names.len() - 2..], ["request", "his"]);
    assert_eq!(explanation.refused.unwrap().fault.code, "no-adapter", "the world of this test has no HIS");
}

#[test]
fn a_refusal_is_that_of_the_table() {
    for (request, code, step) in [
        ("Nothing", "unknown-type", "request"),
        ("EpisodeOfCare?unknown=1", "unknown-parameter", "request"),
        ("DELETE EpisodeOfCare", "method-not-allowed", "request"),
        ("/fhir/closed/49/stu3/EpisodeOfCare", "other-provider", "provider"),
        ("/fhir/open/49/r4/EpisodeOfCare", "unknown-service", "service"),
        ("/fhir/open/49/stu3//EpisodeOfCare", "bad-path", "address"),
        ("/fhir/open/49", "no-route", "address"),
    ] {
        let explanation = told(request);
        let last = explanation.steps.last().unwrap();
        let found = (explanation.refused.unwrap().fault.code, last.name, last.verdict);
        assert_eq!(found, (code, step, Verdict::Refused), "{request}");
    }
    let fault: Fault = ReadError::Request(RequestError::UnknownType).into();
    assert_eq!(told("Nothing").refused.unwrap().fault, fault);
}

#[test]
fn the_endpoint_of_the_version_is_looked_at() {
    let endpoint = |name, breaker| Endpoint { name, host: "his.example.nl".to_owned(), breaker };
    let all = [endpoint("token", None), endpoint("fhir", None), endpoint("r4", None)];
    let name = |all: &[Endpoint], fhir| chosen(all, fhir).map(|endpoint| endpoint.name);
    assert_eq!((name(&all, FhirVersion::Stu3), name(&all, FhirVersion::R4)), (Some("fhir"), Some("r4")));
    assert_eq!(name(&all[..2], FhirVersion::R4), Some("fhir"));
    assert_eq!((name(&all[..1], FhirVersion::R4), name(&[], FhirVersion::Stu3)), (None, None));
    for (breaker, verdict) in [
        (None, Verdict::Unknown),
        (Some(BreakerState::Closed), Verdict::Passed),
        (Some(BreakerState::HalfOpen), Verdict::Passed),
        (Some(BreakerState::Open), Verdict::Refused),
    ] {
        assert_eq!(told::breaker(&endpoint("fhir", breaker)).verdict, verdict);
    }
}

proptest! {
    #[test]
    fn whatever_is_asked_ends_with_its_last_step(request in "(GET |POST |PUT )?[a-zA-Z/$_.%]{0,20}([?][a-z=&%]{0,20})?") {
        let world = Arc::new(snapshot());
        if let Ok(question) = Question::read(written(&request), Person::Seated, &world) {
            let explanation = explain(&world, &question, &|_| Vec::new(), now());
            let (last, earlier) = explanation.steps.split_last().unwrap();
            prop_assert!(earlier.iter().all(|step| step.verdict == Verdict::Passed));
            prop_assert_eq!(explanation.refused.is_some(), last.verdict == Verdict::Refused);
        }
    }
}
