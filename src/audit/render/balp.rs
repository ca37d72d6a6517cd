//! A record as a FHIR R4 AuditEvent, after the patterns of IHE BALP 1.1 (<https://profiles.ihe.net/ITI/BALP>).
//!
//! - One event per record: one person, one interaction. An intent has no outcome; its outcome is an event of its own.
//! - A profile is named only on an instance that conforms to it: the profiles describe success, and want the address of the
//!   other end, which records of version 1 lack. Refusals and failures have the same shape and another outcome.
//! - The person is always an entity, and always by the pseudonym: NEN 7513 wants the client, BALP would leave it out.
//! - How many results there were is not told (BALP 3:5.7.3.5). No access token is known to the log, nor a part of one, so none
//!   of the profiles of OAuth tokens is claimed: they want the last 32 characters or the `jti`. The client is there by its
//!   `client_id`, as they have it. The profile of the token request (ITI-71) wants the raw request, which is not kept either.

mod agents;
mod entities;

use serde_json::{Value, json};

use super::codes::{self, Code, Event, Pattern};
use super::interaction::Interaction;
use super::{Site, responsible, user};
use crate::audit::{Kind, Outcome, Record, User};
use crate::secret::sha256;

/// The system of pseudonyms as identifiers: a value is `<key id>:<64 hexadecimal digits>`.
pub const SYSTEM_PSEUDONYM: &str = "urn:inzage:audit:pseudonym";
/// Of what stands for the id of a document in the log.
pub(super) const SYSTEM_DOCUMENT: &str = "urn:inzage:audit:document";
/// The system of consents: our id of the grant.
pub const SYSTEM_CONSENT: &str = "urn:inzage:audit:consent";
/// The system of logs: the log id.
pub const SYSTEM_LOG: &str = "urn:inzage:audit:log";
/// The system of practices: their name in the list of care providers.
const SYSTEM_PROVIDER: &str = "urn:inzage:audit:provider";
/// The system of people who work with the log or the node.
const SYSTEM_OPERATOR: &str = "urn:inzage:audit:operator";
/// The code system of kinds, for those that this release does not know.
const SYSTEM_KIND: &str = "urn:inzage:audit:kind";
/// The extension that holds what has no element of its own.
const EXTENSION_RECORD: &str = "urn:inzage:audit:record";
/// Policies: rules under which access was given.
const POLICY: &str = "urn:inzage:audit:authorization:";

const PROFILES: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/";

/// The AuditEvent of a record.
#[must_use]
pub fn balp(record: &Record, site: &Site) -> Value {
    let event = Event::of(record);
    let entities = entities::of(record, site, event.pattern);
    let kind = || json!({"system": SYSTEM_KIND, "code": text(record.kind.as_str())});
    object([
        ("resourceType", Some("AuditEvent".into())),
        ("id", Some(id(record, site).into())),
        ("meta", profile(record, event.pattern).map(|name| json!({"profile": [format!("{PROFILES}{name}")]}))),
        ("extension", Some(json!([{"url": EXTENSION_RECORD, "extension": particulars(record, site)}]))),
        ("type", Some(event.id.map_or_else(kind, coding))),
        ("subtype", event.subtype.map(|subtype| json!([coding(subtype)]))),
        ("action", Some(event.action.to_string().into())),
        ("recorded", Some(format!("{:.6}", record.time).into())),
        ("outcome", codes::outcome_indicator(record).map(|code| json!(code.to_string()))),
        ("outcomeDesc", record.reason.as_deref().and_then(text).map(Value::from)),
        ("purposeOfEvent", is_for_the_person(record).then(|| json!([purpose()]))),
        ("agent", Some(agents::of(record, site, event.pattern).into())),
        ("source", Some(source(record, site, event.pattern))),
        ("entity", (!entities.is_empty()).then(|| entities.into())),
    ])
}

/// The logical id: the number of the log and the index, so that it is the same whoever renders the record. Another form of
/// log id gives its own characters, as far as an id has room.
#[must_use]
pub fn id(record: &Record, site: &Site) -> String {
    /// FHIR R4 datatypes.html, id.
    const MAX: usize = 64;
    let log = site.log_of(record);
    let number = log.rsplit('-').next().unwrap_or_default();
    let plain = |c: &char| c.is_ascii_alphanumeric();
    let index = record.index.to_string();
    let room = MAX - 1 - index.len();
    format!("{}.{index}", number.chars().filter(plain).take(room).collect::<String>())
}

/// The address of the event in a bundle: a UUID that follows from the log and the index (RFC 9562 section 5.8).
#[must_use]
pub fn full_url(record: &Record, site: &Site) -> String {
    let [hash @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
        sha256(format!("{}/{}", site.log_of(record), record.index).as_bytes());
    format!("urn:uuid:{}", uuid::Builder::from_custom_bytes(hash).into_uuid())
}

/// The profile that this event conforms to.
fn profile(record: &Record, pattern: Pattern<'_>) -> Option<&'static str> {
    let done = record.outcome.known() == Some(Outcome::Done);
    let of_the_person = record.subject.is_some();
    let client = record.access_point.is_some() && agents::client(record).is_some();
    match pattern {
        Pattern::Rest(interaction) if done && of_the_person && client => match interaction {
            Interaction::Read(_) => Some("IHE.BasicAudit.PatientRead"),
            Interaction::Search(_) | Interaction::Operation(_) => Some("IHE.BasicAudit.PatientQuery"),
            Interaction::Create(_) => Some("IHE.BasicAudit.PatientCreate"),
            Interaction::Unknown => None,
        },
        Pattern::Consent if decides(record) && of_the_person && record.client_id.is_some() => {
            (record.grant.is_some() && record.provider.is_some()).then_some("IHE.BasicAudit.AuthZconsent")
        }
        Pattern::Disclosure if codes::outcome_indicator(record).is_some() && of_the_person => {
            let receiver = record.access_point.is_some() && agents::reader(record).is_some();
            receiver.then_some("IHE.BasicAudit.PrivacyDisclosure.Source")
        }
        Pattern::Rest(_) | Pattern::Consent | Pattern::Disclosure => None,
        Pattern::Token | Pattern::Login | Pattern::LogUsed | Pattern::Node => None,
    }
}

/// Whether it is the decision about a consent, and not what became of it; an intent decides nothing.
fn decides(record: &Record) -> bool {
    matches!(record.kind.known(), Some(Kind::ConsentGiven | Kind::ConsentRefused))
        && codes::outcome_indicator(record).is_some()
        && user(record) == User::Person
}

/// Whether the person whose data it is asked for it.
fn is_for_the_person(record: &Record) -> bool {
    record.subject.is_some() && [user(record), responsible(record)].contains(&User::Person)
}

/// As a FHIR string has it (R4 datatypes.html, string): no control characters, no white space around it, and not empty.
fn text(text: &str) -> Option<String> {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Some(plain.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A JSON object of the members that are there: FHIR knows no null.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let present = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect())
}

fn coding(code: Code) -> Value {
    json!({"system": code.system, "code": code.code, "display": code.display})
}

fn concept(code: Code) -> Value {
    json!({"coding": [coding(code)]})
}

/// v3-ActReason: at the request of the patient.
fn purpose() -> Value {
    concept(Code {
        system: "http://terminology.hl7.org/CodeSystem/v3-ActReason",
        code: "PATRQT",
        display: "patient requested",
    })
}

/// Who recorded it: the gateway, by its log. The agent that we are is the same reference (`val-audit-source` of BALP).
fn observer(record: &Record, site: &Site) -> Value {
    json!({
        "type": "Device",
        "identifier": {"system": SYSTEM_LOG, "value": site.log_of(record)},
        "display": site.name(),
    })
}

fn source(record: &Record, site: &Site, pattern: Pattern<'_>) -> Value {
    // security-source-type: 4 application server, 6 security server.
    let (code, display) = match pattern {
        Pattern::Consent | Pattern::Token | Pattern::Login => ("6", "Security Server"),
        Pattern::Rest(_) | Pattern::Disclosure | Pattern::LogUsed | Pattern::Node => ("4", "Application Server"),
    };
    let system = "http://terminology.hl7.org/CodeSystem/security-source-type";
    object([
        ("site", site.operator.as_deref().and_then(text).map(Value::from)),
        ("observer", Some(observer(record, site))),
        ("type", Some(json!([{"system": system, "code": code, "display": display}]))),
    ])
}

/// What a record has beside the elements of the resource; each by the name of its member.
fn particulars(record: &Record, site: &Site) -> Vec<Value> {
    let words = [
        ("log", Some(site.log_of(record).to_owned())),
        ("index", Some(record.index.to_string())),
        ("version", Some(record.version.to_string())),
        ("kind", Some(record.kind.as_str().to_owned())),
        ("outcome", Some(record.outcome.as_str().to_owned())),
        ("intent", record.intent.map(|index| index.to_string())),
        ("status", record.status.map(|status| status.to_string())),
        ("local_id", record.local_id.map(|id| id.to_string())),
        ("request_id", record.request_id.map(|id| id.to_string())),
        ("correlation_id", record.correlation_id.map(|id| id.to_string())),
        ("session", record.session.map(|id| id.to_string())),
        ("service", record.service.as_ref().map(|service| service.as_str().to_owned())),
        ("authorization", record.authorization.as_ref().map(|rules| rules.as_str().to_owned())),
        ("relation", record.relation.as_ref().map(|relation| relation.as_str().to_owned())),
        ("detail", record.detail.as_deref().map(str::to_owned)),
    ];
    let present = words.into_iter().filter_map(|(name, value)| Some((name, text(&value?)?)));
    present.map(|(name, value)| json!({"url": name, "valueString": value})).collect()
}
