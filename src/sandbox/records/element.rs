//! The pieces FHIR resources are made of, with the conventions of the Dutch profiles: every coding has a system and a code,
//! every reference a display, every identifier a system and a value.

use serde_json::{Map, Value, json};

pub(super) const ICPC: &str = "http://hl7.org/fhir/sid/icpc-1-nl";
pub(super) const SNOMED: &str = "http://snomed.info/sct";
pub(super) const LOINC: &str = "http://loinc.org";
pub(super) const JOURNAL_LINES: &str = "http://fhir.nl/fhir/NamingSystem/journaalregeltypen";
pub(super) const NHG_45: &str = "https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen";
pub(super) const NHG_14: &str = "https://referentiemodel.nhg.org/tabellen/nhg-tabel-14-contactwijze";

const NICTIZ: &str = "http://nictiz.nl/fhir/StructureDefinition/";
const NL_CORE: &str = "http://fhir.nl/fhir/StructureDefinition/";

/// The start of a resource: type, id, profile and narrative. The profile is named without its base.
pub(super) fn resource(kind: &str, id: &str, profile: &str, narrative: &str) -> Value {
    let base = if profile.starts_with("nl-core-") { NL_CORE } else { NICTIZ };
    json!({"resourceType": kind, "id": id, "meta": {"profile": [format!("{base}{profile}")]},
        "text": {"status": "generated", "div": div(narrative)}})
}

/// Adds members to a resource; null ones are left out.
pub(super) fn with(mut resource: Value, members: Value) -> Value {
    if let (Some(resource), Value::Object(members)) = (resource.as_object_mut(), members) {
        resource.extend(members.into_iter().filter(|(_, member)| !member.is_null()));
    }
    resource
}

pub(super) fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({"system": system, "code": code, "display": display})
}

pub(super) fn concept(system: &str, code: &str, display: &str) -> Value {
    json!({"coding": [coding(system, code, display)]})
}

pub(super) fn reference(kind: &str, id: &str, display: &str) -> Value {
    json!({"reference": format!("{kind}/{id}"), "display": display})
}

pub(super) fn identifier(system: &str, value: &str) -> Value {
    json!({"system": system, "value": value})
}

/// An extension of the Nictiz profiles, named without its base.
pub(super) fn extension(name: &str, member: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([("url".to_owned(), json!(format!("{NICTIZ}{name}"))), (member.to_owned(), value)]))
}

/// A period; without a last day it has no end.
pub(super) fn period(start: &str, end: Option<&str>) -> Value {
    with(json!({"start": start}), json!({"end": end}))
}

/// An XHTML block of plain text.
pub(super) fn div(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{escaped}</div>")
}
