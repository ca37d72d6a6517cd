//! The pages of both sites: what they say, what they escape, and what the policy forbids in them.

use std::time::Duration;

use jiff::civil::Date;
use serde_json::json;

use super::super::search::{Answer, Problem};
use super::*;
use crate::sandbox::site::services::DataService;
use crate::sandbox::world::ListedPractice;
use crate::secret::Secret;

const BRAND: Brand = Brand {
    name: "Ergens <Zorg>",
    stylesheet: "/assets/ergens.css",
    foot: "Verzonnen.",
    leave: Leave { action: "/weg", label: "Wegwezen" },
};
const TODAY: Date = jiff::civil::date(2026, 3, 9);

fn practice() -> ListedPractice {
    ListedPractice {
        provider: "huisarts.dijk@medmij".to_owned(),
        name: "Praktijk <Dijk> & Zn".to_owned(),
        place: "Ergens".to_owned(),
    }
}

fn answer(subject: Subject, outcome: Result<serde_json::Value, Problem>) -> Answer {
    let status = outcome.is_ok().then_some(StatusCode::OK);
    let (request, took) = (subject.request(TODAY), Duration::from_micros(1_250));
    Answer { trace: Trace { subject, request, status, entries: 1, took, receipt: Some("log/7".to_owned()) }, outcome }
}

fn collected(answers: Vec<Answer>) -> Collected {
    let record = Record::read(&answers, TODAY);
    let access = Access {
        bases: DataService::ALL.map(|service| (service.role().to_owned(), base(service))).into(),
        token: Secret::new("tok'en".to_owned()),
        correlation_id: "c".to_owned(),
    };
    let traces = answers.into_iter().map(|answer| answer.trace).collect();
    let at = "2026-03-09T08:05:00Z".parse().unwrap();
    Collected { practice: practice(), at, record, traces, access, expires_in: 900 }
}

fn base(service: DataService) -> String {
    format!("https://gp.example/fhir/x/{}/stu3", service.id())
}

fn record_page(answers: Vec<Answer>) -> String {
    let collected = collected(answers);
    RecordPage::of(&BRAND, &collected, "pgo.localhost", None).render_html()
}

/// No script, no style of its own, nothing from elsewhere.
pub(in crate::sandbox) fn allowed_by_the_policy(html: &str) {
    for forbidden in ["<script", "style=", "<style", " on", "javascript:", "<img", "http-equiv"] {
        let tags = html.split('<').skip(1).map(|piece| format!("<{}", piece.split('>').next().unwrap_or_default()));
        let hit = tags.into_iter().find(|tag| tag.contains(forbidden));
        assert!(hit.is_none(), "{forbidden} in {hit:?}");
    }
}

#[test]
fn every_empty_part_says_so_and_every_failed_part_says_why() {
    let empty = || Subject::ALL.map(|subject| answer(subject, Ok(json!({"resourceType": "Bundle"})))).into();
    let html = record_page(empty());
    assert_eq!(html.matches("Geen gegevens.").count(), 10);
    assert!(html.contains("9 maart 2026 om 9.05 uur"));
    let problem =
        |_| Problem { what: "Het <b>hapert</b>.".to_owned(), who: "Uw praktijk.", reference: Some("0abc".to_owned()) };
    let failed = Subject::ALL.map(|subject| answer(subject, Err(problem(subject)))).into();
    let html = record_page(failed);
    assert_eq!(html.matches("Geen gegevens.").count(), 0);
    assert_eq!(html.matches("<code>0abc</code>").count(), 11);
    assert!(html.contains("geen antwoord") && !html.contains("<b>hapert"));
    allowed_by_the_policy(&html);
}

#[test]
fn a_part_that_fails_says_so_alone_and_a_service_that_was_not_chosen_has_no_part() {
    let failed = Problem { what: "Het hapert.".to_owned(), who: "Uw praktijk.", reference: None };
    let letter = json!({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "DocumentReference",
        "description": "Brief", "content": [{"attachment": {"url": "Binary/b-1"}}]}}]});
    let html = record_page(vec![answer(Subject::Appointments, Err(failed)), answer(Subject::Documents, Ok(letter))]);
    assert_eq!(html.matches("Het hapert.").count(), 1);
    assert!(html.contains(r#"href="/documents/0""#) && html.contains("id=\"afspraken\""));
    assert!(!html.contains("id=\"persoon\"") && !html.contains("id=\"metingen\""));
    allowed_by_the_policy(&html);
}

#[test]
fn what_a_record_says_is_escaped() {
    let patient = json!({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient",
        "name": [{"text": "<script>alert(1)</script>"}]}}]});
    let html = record_page(vec![answer(Subject::Person, Ok(patient))]);
    assert!(html.contains("&#60;script&#62;alert(1)") && !html.contains("<script"));
    allowed_by_the_policy(&html);
}

#[test]
fn the_technical_part_has_a_command_that_a_shell_reads_as_meant() {
    let html = record_page(vec![answer(Subject::Results, Ok(json!({"resourceType": "Bundle"})))]);
    assert!(html.contains("1,2 ms") || html.contains("1,3 ms"));
    assert!(html.contains("log/7") && html.contains("geldt 15 minuten"));
    let collected = collected(vec![answer(Subject::Episodes, Ok(json!({})))]);
    let command = curl(&collected.traces[0], &collected.access, "pgo");
    assert!(command.starts_with("curl --cacert ca.pem --cert pgo.pem --key pgo.key \\\n"));
    assert!(command.contains(r"'Authorization: Bearer tok'\''en'"));
    assert!(command.ends_with("'https://gp.example/fhir/x/49/stu3/EpisodeOfCare'"));
    assert!(html.contains("%7C&#38;_include="), "written encoded, and escaped as text");
}

#[test]
fn a_message_says_what_happened_who_acts_under_which_number_and_how_to_go_on() {
    let words = Words { status: StatusCode::OK, title: "Titel", what: "Het gebeurde.", who: "Doe <iets>." };
    let said = |reference| MessagePage { brand: &BRAND, words, reference, next: "Verder" }.render_html();
    let html = said(Some("0<abc"));
    for text in
        ["<h1>Titel</h1>", "Het gebeurde.", "Doe &#60;iets&#62;.", "<code>0&#60;abc</code>", "Ergens &#60;Zorg&#62;"]
    {
        assert!(html.contains(text), "{text}");
    }
    assert!(html.contains(r#"<a class="button" href="/">Verder</a>"#) && html.contains(r#"href="/assets/ergens.css""#));
    assert!(!said(None).contains("Nummer"));
    allowed_by_the_policy(&html);
}

#[test]
fn the_record_has_the_button_with_which_this_site_is_left() {
    let html = record_page(Vec::new());
    assert!(
        html.contains(r#"<form method="post" action="/weg"><button type="submit" class="quiet">Wegwezen</button>"#)
    );
}
