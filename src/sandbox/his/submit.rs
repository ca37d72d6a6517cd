//! `POST [base]`: what a patient shares. A batch is taken entry by entry, a transaction wholly or not at all (FHIR STU3
//! http.html, 2.21.0.17).

use std::collections::BTreeSet;

use bytes::Bytes;
use http::request::Parts;
use http::{StatusCode, header};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Problem, json_answer, new_id, operation_outcome};
use super::faults::Faults;
use super::store::{Records, Resource, references};
use super::urns::{Urns, replace_urns, urn_of};
use crate::fhir::xml;
use crate::medmij::FhirVersion;

/// Entries of a Bundle at most.
const MAX_ENTRIES: usize = 500;
/// The types that this system takes in. A patient is never made by somebody else.
const TAKEN: [&str; 4] = ["Observation", "DocumentManifest", "DocumentReference", "Binary"];

/// Why a whole Bundle is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SubmissionError {
    #[error("the body is no Bundle of type batch or transaction")]
    NotOne,
    #[error("the Bundle has more than {MAX_ENTRIES} entries")]
    TooMany,
    #[error("entry {number} of the transaction cannot be taken: {refusal}")]
    Refused { number: usize, refusal: Refusal },
}

impl SubmissionError {
    /// Status and `issue.code`.
    pub(super) const fn codes(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotOne => (StatusCode::BAD_REQUEST, "invalid"),
            Self::TooMany => (StatusCode::PAYLOAD_TOO_LARGE, "too-long"),
            Self::Refused { refusal, .. } => refusal.codes(),
        }
    }
}

/// Why one entry is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("only POST to the type of the resource is taken")]
    NotACreate,
    #[error("resources of this type are not taken")]
    Type,
    #[error("it refers to an entry that is not there")]
    Dangling,
    #[error("it belongs to no patient of this practice")]
    NoPatient,
    #[error("it cannot be stored")]
    Unwritable,
    #[error("the vendor's own rule 4711 says no")]
    OnPurpose,
}

impl Refusal {
    const fn codes(self) -> (StatusCode, &'static str) {
        match self {
            Self::NotACreate => (StatusCode::BAD_REQUEST, "invalid"),
            Self::Type => (StatusCode::FORBIDDEN, "forbidden"),
            Self::Dangling | Self::NoPatient => (StatusCode::UNPROCESSABLE_ENTITY, "business-rule"),
            Self::Unwritable | Self::OnPurpose => (StatusCode::UNPROCESSABLE_ENTITY, "processing"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Batch,
    Transaction,
}

/// A Bundle that was sent.
pub(super) struct Submission {
    kind: Kind,
    entries: Vec<Value>,
}

/// What became of it, entry by entry, in the order sent.
pub(super) struct Judged {
    kind: Kind,
    outcomes: Vec<Result<Resource, Refusal>>,
    now: Timestamp,
}

impl Judged {
    /// What is to be stored.
    pub(super) fn created(&self) -> impl Iterator<Item = &Resource> {
        self.outcomes.iter().flatten()
    }
}

impl Submission {
    pub(super) fn parse(request: &Parts, body: &Bytes, version: FhirVersion) -> Result<Self, Problem> {
        let kind = request.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let read = match kind.split(';').next().unwrap_or_default().trim() {
            "application/fhir+json" | "application/json" => serde_json::from_slice(body),
            "application/fhir+xml" | "application/xml" => {
                let json = xml::to_json(body, version).map_err(|_| SubmissionError::NotOne)?;
                serde_json::from_slice(&json)
            }
            _ => return Err(Problem::MediaType),
        };
        let mut bundle: Value = read.map_err(|_| SubmissionError::NotOne)?;
        let text = |name| bundle.get(name).and_then(Value::as_str);
        let kind = match (text("resourceType"), text("type")) {
            (Some("Bundle"), Some("batch")) => Kind::Batch,
            (Some("Bundle"), Some("transaction")) => Kind::Transaction,
            _ => return Err(SubmissionError::NotOne.into()),
        };
        let Some(Value::Array(entries)) = bundle.get_mut("entry").map(Value::take) else {
            return Err(SubmissionError::NotOne.into());
        };
        if entries.len() > MAX_ENTRIES { Err(SubmissionError::TooMany.into()) } else { Ok(Self { kind, entries }) }
    }

    /// Decides about each entry, and gives what is taken an id.
    pub(super) fn judge(
        self,
        version: FhirVersion,
        records: &Records,
        faults: &Faults,
        now: Timestamp,
    ) -> Result<Judged, Problem> {
        let mut urns = Urns::new();
        let mut drafts = Vec::with_capacity(self.entries.len());
        for (number, entry) in (1_u32..).zip(&self.entries) {
            let draft = draft(entry, version, now).and_then(|draft| told(draft, number, faults));
            if let (Ok((kind, id, _)), Some(urn)) = (&draft, urn_of(entry)) {
                urns.insert(urn.to_owned(), format!("{kind}/{id}"));
            }
            drafts.push(draft);
        }
        let outcomes: Vec<_> =
            drafts.into_iter().map(|draft| draft.and_then(|(_, _, value)| stored(value, &urns, records))).collect();
        let refused = (1..).zip(&outcomes).find_map(|(number, outcome)| Some((number, *outcome.as_ref().err()?)));
        match (self.kind, refused) {
            (Kind::Transaction, Some((number, refusal))) => Err(SubmissionError::Refused { number, refusal }.into()),
            (kind, Some(_) | None) => Ok(Judged { kind, outcomes, now }),
        }
    }
}

/// Type, new id, and the resource with it.
type Draft = (String, String, Value);

fn draft(entry: &Value, version: FhirVersion, now: Timestamp) -> Result<Draft, Refusal> {
    let text = |path| entry.pointer(path).and_then(Value::as_str);
    let kind = text("/resource/resourceType").ok_or(Refusal::NotACreate)?;
    if text("/request/method") != Some("POST") || text("/request/url") != Some(kind) {
        return Err(Refusal::NotACreate);
    }
    if version != FhirVersion::Stu3 || !TAKEN.contains(&kind) {
        return Err(Refusal::Type);
    }
    let id = new_id();
    let mut resource = entry.get("resource").and_then(Value::as_object).cloned().ok_or(Refusal::NotACreate)?;
    resource.insert("id".to_owned(), json!(id));
    let meta = resource.entry("meta").or_insert_with(|| Value::Object(Map::new()));
    if let Some(meta) = meta.as_object_mut() {
        meta.insert("versionId".to_owned(), json!("1"));
        meta.insert("lastUpdated".to_owned(), json!(format!("{now:.3}")));
    }
    Ok((kind.to_owned(), id, Value::Object(resource)))
}

fn told(draft: Draft, number: u32, faults: &Faults) -> Result<Draft, Refusal> {
    if faults.fail_entry == number { Err(Refusal::OnPurpose) } else { Ok(draft) }
}

/// The resource with its references resolved; all it names must be known here.
fn stored(mut value: Value, urns: &Urns, records: &Records) -> Result<Resource, Refusal> {
    replace_urns(&mut value, urns);
    if names_urn(&value) {
        return Err(Refusal::Dangling);
    }
    let named: BTreeSet<String> =
        references(&value).into_iter().filter(|(kind, _)| kind == "Patient").map(|(_, id)| id).collect();
    let resource = Resource::parse(value).map_err(|_| Refusal::Unwritable)?;
    let known = named.iter().all(|id| records.find("Patient", id).is_some());
    let owned = !named.is_empty() || resource.kind() == "Binary";
    if known && owned { Ok(resource) } else { Err(Refusal::NoPatient) }
}

/// Whether a reference still is a URN.
fn names_urn(value: &Value) -> bool {
    let members = value.as_object().into_iter().flatten();
    let is_urn = |text: &str| text.starts_with("urn:uuid:") || text.starts_with("urn:oid:");
    let here = value.get("reference").and_then(Value::as_str).is_some_and(is_urn);
    let items = value.as_array().into_iter().flatten();
    here || members.map(|(_, member)| member).chain(items).any(names_urn)
}

/// `Prefer: return=representation`.
pub(super) fn wants_resources(request: &Parts) -> bool {
    let prefers = request.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    prefers.flat_map(|value| value.split([',', ';'])).any(|wish| wish.trim() == "return=representation")
}

/// The response, with an entry for each that was sent.
pub(super) fn answer(judged: &Judged, base: &str, with_resources: bool) -> Answer {
    let entries: Vec<Value> = judged
        .outcomes
        .iter()
        .map(|outcome| match outcome {
            Ok(resource) => created(resource, base, judged.now, with_resources),
            Err(refusal) => refused(*refusal, base),
        })
        .collect();
    let kind = match judged.kind {
        Kind::Batch => "batch-response",
        Kind::Transaction => "transaction-response",
    };
    json_answer(&json!({"resourceType": "Bundle", "id": new_id(), "type": kind,
        "link": [{"relation": "self", "url": base}], "entry": entries}))
}

fn created(resource: &Resource, base: &str, now: Timestamp, with_resource: bool) -> Value {
    let address = format!("{base}/{}/{}", resource.kind(), resource.id());
    let mut entry = json!({"fullUrl": address, "response": {"status": "201 Created",
        "location": format!("{address}/_history/1"), "etag": "W/\"1\"", "lastModified": format!("{now:.3}")}});
    if let (true, Some(members)) = (with_resource, entry.as_object_mut()) {
        members.insert("resource".to_owned(), resource.value().clone());
    }
    entry
}

fn refused(refusal: Refusal, base: &str) -> Value {
    let (status, code) = refusal.codes();
    json!({"response": {"status": status.to_string(), "outcome": operation_outcome(code, &refusal.to_string(), base)}})
}

#[cfg(test)]
mod tests;
