//! The pages: what they say, what they escape, and what the policy forbids in them.

use std::time::Duration;

use serde_json::json;

use super::super::search::{Answer, Problem};
use super::super::trouble::Trouble;
use super::*;
use crate::secret::Secret;

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
        base: "https://gp.example/fhir/x/49/stu3".to_owned(),
        token: Secret::new("tok'en".to_owned()),
        correlation_id: "c".to_owned(),
    };
    let traces = answers.into_iter().map(|answer| answer.trace).collect();
    let at = "2026-03-09T08:05:00Z".parse().unwrap();
    Collected { practice: practice(), at, record, traces, access, expires_in: 900 }
}

fn record_page(answers: Vec<Answer>) -> String {
    let collected = collected(answers);
    RecordPage::of(&collected, "pgo.localhost").render_html()
}

fn allowed_by_the_policy(html: &str) {
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
    assert_eq!(html.matches("Geen gegevens.").count(), 6);
    assert!(html.contains("9 maart 2026 om 9.05 uur"));
    let problem =
        |_| Problem { what: "Het <b>hapert</b>.".to_owned(), who: "Uw praktijk.", reference: Some("0abc".to_owned()) };
    let failed = Subject::ALL.map(|subject| answer(subject, Err(problem(subject)))).into();
    let html = record_page(failed);
    assert_eq!(html.matches("Geen gegevens.").count(), 0);
    assert_eq!(html.matches("<code>0abc</code>").count(), 7);
    assert!(html.contains("geen antwoord") && !html.contains("<b>hapert"));
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
fn the_start_page_lists_practices_with_their_people() {
    let person = |name: &str, provider: &str| TestPerson {
        bsn: "999900006".to_owned(),
        name: name.to_owned(),
        provider: provider.to_owned(),
        birth_date: Some(jiff::civil::date(1980, 1, 1)),
    };
    let people = vec![person("Duinker", "huisarts.dijk@medmij"), person("Elders", "huisarts.ander@medmij")];
    let directory = Directory { practices: vec![practice()], people };
    let html = StartPage::of(&directory, TODAY, Some(&"https://gp.example".to_owned()), true).render_html();
    assert!(html.contains("Praktijk &#60;Dijk&#62; &#38; Zn") && html.contains(r#"value="huisarts.dijk@medmij""#));
    assert!(html.contains("Duinker") && html.contains("46") && !html.contains("Elders"));
    assert!(html.contains(r#"href="/record""#));
    assert!(html.contains(r#"href="https://gp.example/practices""#));
    assert!(!StartPage::of(&directory, TODAY, None, false).render_html().contains(r#"href="/record""#));
    allowed_by_the_policy(&html);
}

#[test]
fn an_error_page_says_what_happened_who_acts_and_how_to_go_on() {
    let words = Trouble::NotYourReturn.words();
    let html = TroublePage { words }.render_html();
    assert!(html.contains(words.title) && html.contains(words.what) && html.contains(words.who));
    assert!(html.contains(r#"<a class="button" href="/">"#));
    allowed_by_the_policy(&html);
}
