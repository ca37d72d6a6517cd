//! Episodes, attention lines, contacts and journal lines as rows.

use serde_json::{Value, json};

use super::rows::{Row, carer, code, extension, items, number, numbers, target, text, to};
use crate::sandbox::his::store::{Records, Resource, reference_key};

pub(super) fn episode(resource: &Value) -> Row {
    let status = match text(resource, "/status") {
        Some("active") => "actief",
        Some("entered-in-error") => "vervallen",
        _ => "afgesloten",
    };
    Row(json!({
        "id": resource.get("id"),
        "patient": to(resource.get("patient")),
        "kenmerken": numbers(resource),
        "titel": extension(resource, "EpisodeOfCare-Title", "valueString").and_then(Value::as_str).unwrap_or_default(),
        "status": status,
        "begin": resource.pointer("/period/start"),
        "eind": resource.pointer("/period/end"),
        "probleem": to(resource.pointer("/diagnosis/0/condition")),
        "regiebehandelaar": carer(resource.get("careManager")),
        "praktijk": to(resource.get("managingOrganization")),
    }))
}

pub(super) fn flag(resource: &Value) -> Row {
    Row(json!({
        "id": resource.get("id"),
        "patient": to(resource.get("subject")),
        "kenmerken": numbers(resource),
        "actief": text(resource, "/status") == Some("active"),
        "episode": to(extension(resource, "flag-detail", "valueReference")),
        "icpc": code(resource.get("code")),
        "tekst": text(resource, "/code/text").unwrap_or_default(),
        "begin": resource.pointer("/period/start"),
        "medewerker": carer(resource.get("author")),
    }))
}

/// A contact, with its report when there is one.
pub(super) fn contact(records: &Records, patient: &str, resource: &Value) -> Row {
    let id = text(resource, "/id").unwrap_or_default();
    let mut reports = records.naming_patient("Composition", patient).map(Resource::value);
    let report = reports.find(|report| contact_of(report).is_some_and(|contact| contact == id));
    let way = code(resource.pointer("/type/0"));
    let name = report.and_then(|report| text(report, "/encounter/display")).or_else(|| text(&way, "/naam"));
    Row(json!({
        "id": id,
        "patient": to(resource.get("subject")),
        "kenmerken": numbers(resource),
        "omschrijving": name.unwrap_or_default(),
        "contactwijze": way,
        "begin": resource.pointer("/period/start"),
        "eind": resource.pointer("/period/end"),
        "episodes": items(resource, "/episodeOfCare").map(|episode| to(Some(episode))).collect::<Vec<_>>(),
        "medewerker": carer(resource.pointer("/participant/0/individual")),
        "praktijk": to(resource.get("serviceProvider")),
        "verslag": report.map(|report| json!({
            "id": report.get("id"),
            "kenmerken": report.get("identifier").map(number).into_iter().collect::<Vec<_>>(),
            "titel": report.get("title"),
            "aantalRegels": items(report, "/section").count(),
        })),
    }))
}

fn contact_of(report: &Value) -> Option<String> {
    Some(reference_key(text(report, "/encounter/reference")?)?.1)
}

/// The lines of a report, in its order.
pub(super) fn lines(records: &Records, report: &Value) -> Vec<Row> {
    items(report, "/section").map(|section| line(records, report, section)).collect()
}

fn line(records: &Records, report: &Value, section: &Value) -> Row {
    let entry = |kind: &'static str| {
        let is_of = move |entry: &&Value| {
            text(entry, "/reference").and_then(reference_key).is_some_and(|(found, _)| found == kind)
        };
        items(section, "/entry").find(is_of)
    };
    let observation = entry("Observation").and_then(|entry| target(records, entry, "Observation"));
    let diagnosis = extension(section, "code-icpc-1-nl", "valueCodeableConcept");
    Row(json!({
        "id": observation.and_then(|observation| observation.get("id")),
        "patient": to(report.get("subject")),
        "contactId": contact_of(report),
        "soort": code(section.get("code")),
        "tekst": observation.and_then(|observation| observation.get("valueString")),
        "icpc": code(diagnosis),
        "episode": to(entry("EpisodeOfCare")),
    }))
}
