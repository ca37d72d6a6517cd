//! What a compromised, broken or exotic HIS may send, each attack by its name, with what must become of it.

mod frame;
mod json;
mod lines;
mod references;
mod secrets;

use std::collections::HashSet;

use super::super::{Page, ShapeFault, flagged_episodes};
use super::{assert_nothing_leaks, bsn, record, shape};

/// What must become of an attack.
enum Fate {
    /// Nothing leaves.
    Refused(ShapeFault),
    /// Nothing leaves, as it is no JSON.
    Broken,
    /// An answer leaves, without a match.
    Withheld,
    /// An answer leaves that holds this text, and none of what is secret.
    Kept(&'static str),
    /// An answer leaves that holds this text although one would rather not: a limit of what can be told from the data.
    Undetected(&'static str),
}

use Fate::{Broken, Kept, Refused, Undetected, Withheld};

/// Name, type that was searched, answer of the HIS.
type Attack = (&'static str, &'static str, String, Fate);

const LINES: &str = "http://fhir.nl/fhir/NamingSystem/journaalregeltypen";
const UNREADABLE_REFERENCE: Fate = Refused(ShapeFault::Unreadable { element: "reference" });
const FOREIGN: Fate = Refused(ShapeFault::ForeignPatient);

fn bundle(entries: &str) -> String {
    format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{entries}]}}"#)
}

/// A match that is the patient's own, with more members.
fn resource(resource_type: &str, members: &str) -> String {
    let name = if resource_type == "EpisodeOfCare" { "patient" } else { "subject" };
    let subject = format!(r#""{name}":{{"reference":"Patient/pat-1"}}"#);
    format!(r#"{{"resource":{{"resourceType":"{resource_type}","id":"r",{subject},{members}}}}}"#)
}

fn encounter(members: &str) -> String {
    bundle(&resource("Encounter", members))
}

/// An Observation of today with this code.
fn observation(members: &str) -> String {
    bundle(&resource("Observation", &format!(r#""effectiveDateTime":"2026-01-01","valueString":"KANARIE",{members}"#)))
}

/// The same, with a value that may be shown.
fn shown(members: &str) -> String {
    observation(members).replace("KANARIE", "beleid")
}

fn e_line(members: &str) -> String {
    shown(&format!(r#""code":{{"coding":[{{"system":"{LINES}","code":"E"}}]}},{members}"#))
}

fn composition(sections: &str) -> String {
    bundle(&resource("Composition", &format!(r#""date":"2026-01-01","section":[{sections}]"#)))
}

/// A section of this line type and this text.
fn section(code: &str, text: &str) -> String {
    let code = format!(r#""code":{{"coding":[{{"system":"{LINES}","code":"{code}"}}]}}"#);
    format!(r#"{{{code},"text":{{"status":"additional","div":"<div>{text}</div>"}}}}"#)
}

fn check((name, searched, body, fate): &Attack) {
    let shaped = shape(searched, body.as_bytes());
    match (fate, shaped) {
        (Refused(fault), shaped) => assert_eq!(shaped, Err(*fault), "{name}"),
        (Broken, shaped) => assert!(matches!(shaped, Err(ShapeFault::NotJson { .. })), "{name}"),
        (Withheld, shaped) => {
            let shaped = shaped.unwrap_or_else(|fault| panic!("{name}: {fault}"));
            assert_nothing_leaks(&shaped.body);
            assert_eq!(shaped.entries, 0, "{name}");
        }
        (Kept(text) | Undetected(text), shaped) => {
            let body = shaped.unwrap_or_else(|fault| panic!("{name}: {fault}")).body;
            if matches!(fate, Kept(_)) {
                assert_nothing_leaks(&body);
            }
            let body = String::from_utf8(body).unwrap();
            assert!(serde_json::from_str::<&serde_json::value::RawValue>(&body).is_ok(), "{name}: {body}");
            assert!(body.contains(text), "{name}: {body}");
        }
    }
}

#[test]
fn each_attack_has_its_fate() {
    let all: Vec<Attack> =
        [json::attacks(), references::attacks(), frame::attacks(), lines::attacks(), secrets::attacks()]
            .into_iter()
            .flatten()
            .collect();
    let names: HashSet<&str> = all.iter().map(|attack| attack.0).collect();
    assert_eq!(names.len(), all.len());
    all.iter().for_each(check);
}

#[test]
fn only_a_flag_in_force_reopens_an_episode() {
    let detail = "http://hl7.org/fhir/StructureDefinition/flag-detail";
    let flags = |status: &str, subject: &str, url: &str, reference: &str| {
        let body = bundle(&format!(
            r#"{{"resource":{{"resourceType":"Flag","id":"f",{status},"subject":{{"reference":"{subject}"}},
            "extension":[{{"url":"{url}","valueReference":{{"reference":"{reference}"}}}}]}}}}"#
        ));
        flagged_episodes(body.as_bytes(), &record(&bsn()), Page::First).map(|flagged| flagged.episodes)
    };
    let (active, mine, episode) = (r#""status":"active""#, "Patient/pat-1", "EpisodeOfCare/e");
    let found = Ok(HashSet::from(["e".to_owned()]));
    for reference in [episode, "EpisodeOfCare/e/_history/2", "https://his.praktijk.internal/fhir/EpisodeOfCare/e"] {
        assert_eq!(flags(active, mine, detail, reference), found, "{reference}");
    }
    for status in ["inactive", "entered-in-error", "Active", "active ", "acti\\u0076e"] {
        assert_eq!(flags(&format!(r#""status":"{status}""#), mine, detail, episode), Ok(HashSet::new()), "{status}");
    }
    assert_eq!(flags(r#""_status":{"id":"active"}"#, mine, detail, episode), Ok(HashSet::new()));
    assert_eq!(flags(active, mine, "urn:flag-detail", episode), Ok(HashSet::new()));
    for reference in ["https://x.example/fhir/EpisodeOfCare/e", "Condition/e", "#e", "urn:uuid:e"] {
        assert_eq!(flags(active, mine, detail, reference), Ok(HashSet::new()), "{reference}");
    }
    assert_eq!(flags(active, "Patient/pat-2", detail, episode), Err(ShapeFault::NoPatient));
}
