//! Appointments and documents as rows.

use serde_json::{Value, json};

use super::rows::{Row, carer, code, extension, items, number, numbers, text, to};
use crate::sandbox::his::store::reference_key;

pub(super) fn appointment(resource: &Value) -> Row {
    let status = match text(resource, "/status") {
        Some("booked" | "arrived") => "geboekt",
        Some("fulfilled") => "voltooid",
        Some("cancelled") => "geannuleerd",
        Some("noshow") => "verzuimd",
        _ => "aangevraagd",
    };
    let actor = |kind: &str| {
        let mut actors = items(resource, "/participant").filter_map(|participant| participant.get("actor"));
        actors.find(|actor| text(actor, "/reference").and_then(reference_key).is_some_and(|(found, _)| found == kind))
    };
    Row(json!({
        "id": resource.get("id"),
        "patient": to(actor("Patient")),
        "kenmerken": numbers(resource),
        "status": status,
        "specialisme": code(resource.pointer("/specialty/0")),
        "omschrijving": resource.get("description"),
        "instructie": extension(resource, "PatientInstructions", "valueString"),
        "begin": resource.get("start"),
        "eind": resource.get("end"),
        "medewerker": carer(actor("Practitioner")),
        "locatie": to(actor("Location")),
    }))
}

pub(super) fn document(resource: &Value) -> Row {
    let status = match text(resource, "/status") {
        Some("current") => "actueel",
        Some("superseded") => "vervangen",
        _ => "vervallen",
    };
    let attachment = resource.pointer("/content/0/attachment");
    let content = attachment.and_then(|attachment| reference_key(text(attachment, "/url")?));
    let author =
        resource.pointer("/author/0").filter(|author| text(author, "/reference").and_then(reference_key).is_some());
    Row(json!({
        "id": resource.get("id"),
        "patient": to(resource.get("subject")),
        "kenmerken": numbers(resource),
        "documentnummer": resource.get("masterIdentifier").map(number),
        "status": status,
        "soort": code(resource.get("type")),
        "titel": resource.get("description").or_else(|| attachment?.get("title")),
        "vastgelegd": resource.get("indexed"),
        "auteur": author.map(|author| carer(Some(author))),
        "mediatype": attachment.and_then(|attachment| attachment.get("contentType")),
        "inhoudId": content.map(|(_, id)| id),
    }))
}
