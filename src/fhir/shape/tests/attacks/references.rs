//! Tricks with References, and other people in unexpected places.

use super::super::super::ShapeFault;
use super::{Attack, FOREIGN, Kept, Refused, UNREADABLE_REFERENCE, Undetected, bundle, encounter, resource};

fn reference(text: &str) -> String {
    encounter(&format!(r#""x":{{"reference":"{text}"}}"#))
}

pub(super) fn attacks() -> Vec<Attack> {
    let mut all: Vec<Attack> = [
        ("a type in lower case", "patient/pat-2"),
        ("a slash after the id", "Patient/pat-2/"),
        ("a dot before the type", "./Patient/pat-2"),
        ("a slash before the type", "/Patient/pat-2"),
        ("a percent-encoded id", "Patient/%70at-2"),
        ("a percent-encoded type", "%50atient/pat-2"),
        ("a conditional reference", "Patient?identifier=123"),
        ("a query behind the id", "Patient/pat-1?_id=pat-2"),
        ("a climb from the own patient", "Patient/pat-1/../pat-2"),
        ("a reference without scheme", "//his.praktijk.internal/fhir/Patient/pat-2"),
        ("a urn in upper case", "URN:UUID:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"),
        ("an empty reference", ""),
    ]
    .into_iter()
    .map(|(name, text)| (name, "Encounter", reference(text), UNREADABLE_REFERENCE))
    .collect();
    all.extend(
        [
            ("a version of another patient", "Patient/pat-2/_history/2"),
            ("another patient by full address", "https://his.praktijk.internal/fhir/Patient/pat-2"),
            ("the own patient at another port", "https://his.praktijk.internal:8443/fhir/Patient/pat-1"),
            ("the own patient with user", "https://u:p@his.praktijk.internal/fhir/Patient/pat-1"),
            ("the own patient at the HIS in capitals", "HTTPS://HIS.PRAKTIJK.INTERNAL/fhir/Patient/pat-1"),
            ("an id that only differs in case", "Patient/PAT-1"),
            ("an id that only begins the same", "Patient/pat-1.2"),
        ]
        .map(|(name, text)| (name, "Encounter", reference(text), FOREIGN)),
    );
    all.extend(people());
    all.extend(identifiers());
    all.extend(undetected());
    all
}

fn patient(url: &str, mode: &str, id: &str) -> String {
    format!(
        r#"{{"fullUrl":"{url}","resource":{{"resourceType":"Patient","id":"{id}","name":[{{"family":"KANARIE"}}]}},
        "search":{{"mode":"{mode}"}}}}"#
    )
}

/// An entry beside one that is good.
fn with(entry: &str) -> String {
    bundle(&format!("{},{entry}", resource("Encounter", r#""status":"finished""#)))
}

fn people() -> Vec<Attack> {
    let urn = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0";
    vec![
        ("a urn that leads to another patient", "Encounter", with(&patient(urn, "include", "pat-2")), FOREIGN),
        (
            "a full URL that names another patient",
            "Patient",
            bundle(&patient("https://his.praktijk.internal/fhir/Patient/pat-2", "match", "pat-1")),
            FOREIGN,
        ),
        ("an include of another patient", "Encounter", with(&patient("x/pat-2", "include", "pat-2")), FOREIGN),
    ]
}

fn identifiers() -> Vec<Attack> {
    vec![
        (
            "an identifier of another person",
            "Encounter",
            encounter(
                r#""x":{"identifier":{"system":"http:\/\/fhir.nl\/fhir\/NamingSystem\/bs\u006e","value":"1234 56 782"}}"#,
            ),
            FOREIGN,
        ),
        (
            "another person's BSN by the OID",
            "Encounter",
            encounter(r#""x":{"system":"URN:OID:2.16.840.1.113883.2.4.6.3","value":"123456782"}"#),
            FOREIGN,
        ),
        (
            "a contained patient",
            "Encounter",
            encounter(r##""contained":[{"resourceType":"Patient","id":"p"}],"x":{"reference":"#p"}"##),
            FOREIGN,
        ),
        (
            "a contained list of another patient",
            "Encounter",
            encounter(r#""contained":[{"resourceType":"List","id":"l","subject":{"reference":"Patient/pat-2"}}]"#),
            Refused(ShapeFault::NoPatient),
        ),
        (
            "a provenance",
            "Encounter",
            with(r#"{"resource":{"resourceType":"Provenance","id":"p"},"search":{"mode":"include"}}"#),
            Refused(ShapeFault::UnexpectedType),
        ),
        (
            "a resource in an extension",
            "Encounter",
            encounter(r#""extension":[{"url":"urn:x","valueResource":{"resourceType":"Basic","id":"b"}}]"#),
            Refused(ShapeFault::UnexpectedType),
        ),
        (
            "a merged patient",
            "Patient",
            bundle(
                r#"{"resource":{"resourceType":"Patient","id":"pat-1","link":[{"other":{"reference":"Patient/pat-2"}}]}}"#,
            ),
            FOREIGN,
        ),
    ]
}

fn undetected() -> Vec<Attack> {
    vec![
        ("an own id in a narrative of another", "Encounter", encounter(r#""text":{"div":"Jan"}"#), Undetected("Jan")),
        (
            "a local number of another person",
            "Encounter",
            encounter(r#""x":{"identifier":{"system":"urn:x","value":"dossier-2"}}"#),
            Undetected("dossier-2"),
        ),
        (
            "a link to another patient that is no Reference",
            "Encounter",
            encounter(r#""extension":[{"url":"urn:x","valueUri":"Patient/pat-2"}]"#),
            Undetected("Patient/pat-2"),
        ),
        (
            "a patient on another server, percent-encoded",
            "Encounter",
            encounter(r#""x":{"reference":"https://x.example/%50atient/2","display":"de ander"}"#),
            Undetected(r#""x":{"display":"de ander"}"#),
        ),
        (
            "the own patient by version",
            "Encounter",
            encounter(r#""x":{"reference":"Patient/pat-1/_history/2"}"#),
            Kept("2"),
        ),
    ]
}
