//! What it is about (AuditEvent.entity): the person, the data or the question, the request and the consent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::Site;
use super::super::codes::Pattern;
use super::super::interaction::Interaction;
use super::{SYSTEM_CONSENT, SYSTEM_DOCUMENT, SYSTEM_LOG, SYSTEM_PSEUDONYM, object as members, text};
use crate::audit::Record;

const ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";

/// The entities of a record; there may be none.
pub(super) fn of(record: &Record, site: &Site, pattern: Pattern<'_>) -> Vec<Value> {
    let all = match pattern {
        Pattern::Rest(interaction) => {
            [patient(record), object(record, interaction), transaction(record), consent(record)]
        }
        // BALP has no other entities than these at a decision about a consent.
        Pattern::Consent | Pattern::Token | Pattern::Login | Pattern::Node => {
            [patient(record), consent(record), None, None]
        }
        Pattern::Disclosure | Pattern::LogUsed => [patient(record), Some(log(record, site)), transaction(record), None],
    };
    all.into_iter().flatten().collect()
}

fn kind(code: &str, display: &str) -> Value {
    json!({"system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": code, "display": display})
}

fn role(code: &str, display: &str) -> Value {
    json!({"system": ROLE, "code": code, "display": display})
}

fn patient(record: &Record) -> Option<Value> {
    let value = record.subject.as_ref()?.as_str();
    Some(json!({
        "type": kind("1", "Person"),
        "role": role("1", "Patient"),
        "what": {"type": "Patient", "identifier": {"system": SYSTEM_PSEUDONYM, "value": value}},
    }))
}

/// What was read or made, or the question of a search: the catalogue's own words, which hold no identifier, both as the
/// profile wants it (base64) and to be read.
fn object(record: &Record, interaction: Interaction<'_>) -> Option<Value> {
    let query = record.query.as_deref().unwrap_or_default();
    match interaction {
        Interaction::Read(_) | Interaction::Create(_) => Some(json!({
            "type": kind("2", "System Object"),
            "role": role("4", "Domain Resource"),
            "what": what(query)?,
        })),
        Interaction::Search(_) | Interaction::Operation(_) => question(query),
        Interaction::Unknown => None,
    }
}

/// A resource by its type, and a document by what stands for its id.
fn what(query: &str) -> Option<Value> {
    let Some((resource, name)) = query.split_once('/') else { return Some(json!({"display": text(query)?})) };
    Some(json!({
        "type": text(resource)?,
        "identifier": {"system": SYSTEM_DOCUMENT, "value": text(name)?},
        "display": text(query)?,
    }))
}

fn question(query: &str) -> Option<Value> {
    Some(json!({
        "type": kind("2", "System Object"),
        "role": role("24", "Query"),
        "query": STANDARD.encode(query),
        "description": text(query)?,
    }))
}

/// The log itself, when it is what was read.
fn log(record: &Record, site: &Site) -> Value {
    members([
        ("type", Some(kind("2", "System Object"))),
        ("role", Some(role("13", "Security Resource"))),
        ("what", Some(json!({"identifier": {"system": SYSTEM_LOG, "value": site.log_of(record)}}))),
        ("description", record.query.as_deref().and_then(text).map(Value::from)),
    ])
}

fn transaction(record: &Record) -> Option<Value> {
    let id = record.request_id?;
    let system = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";
    Some(json!({
        "type": {"system": system, "code": "XrequestId"},
        "what": {"identifier": {"value": id.to_string()}},
    }))
}

fn consent(record: &Record) -> Option<Value> {
    let grant = record.grant?;
    Some(json!({
        "type": {"system": "http://hl7.org/fhir/resource-types", "code": "Consent", "display": "Consent"},
        "what": {"type": "Consent", "identifier": {"system": SYSTEM_CONSENT, "value": grant.to_string()}},
    }))
}
