//! The bodies an emulated HIS answers with: searchsets, resources, outcomes and its CapabilityStatement.

use std::borrow::Cow;

use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::faults::{Faults, expose_bsn};
use super::payload::Payload;
use super::search::{SearchError, TypeTable, tables};
use super::store::{Records, Resource, resource_text};
use super::submit::SubmissionError;
use crate::medmij::FhirVersion;

/// Status, media type and body.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) media_type: HeaderValue,
    pub(super) body: Payload,
}

pub(super) const FHIR_JSON: HeaderValue = HeaderValue::from_static("application/fhir+json;charset=utf-8");

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Why a request gets no data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("the key or token is missing or wrong")]
    NotAdmitted,
    #[error("the method is not served here")]
    Method,
    #[error("not found")]
    NotFound,
    #[error("no such media type is served or read here")]
    MediaType,
    #[error("what was sent is larger than this system takes")]
    TooLarge,
    #[error("this page cannot be made")]
    Page,
    #[error("this system is full")]
    Full,
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error(transparent)]
    Submission(#[from] SubmissionError),
}

impl Problem {
    /// Status and `issue.code`.
    const fn codes(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotAdmitted => (StatusCode::UNAUTHORIZED, "security"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "not-supported"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found"),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-supported"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-long"),
            Self::Page => (StatusCode::INTERNAL_SERVER_ERROR, "exception"),
            Self::Full => (StatusCode::INSUFFICIENT_STORAGE, "no-store"),
            Self::Search(SearchError::UnknownType) => (StatusCode::NOT_FOUND, "not-supported"),
            Self::Search(SearchError::BadQuery) => (StatusCode::BAD_REQUEST, "invalid"),
            Self::Search(SearchError::UnknownParameter { .. }) => (StatusCode::BAD_REQUEST, "not-supported"),
            Self::Search(SearchError::BadValue { .. }) => (StatusCode::BAD_REQUEST, "value"),
            Self::Submission(error) => error.codes(),
        }
    }
}

/// An OperationOutcome. Its diagnostics name the internal host, as those of real systems do.
pub(super) fn outcome(problem: &Problem, base: &str) -> Answer {
    let (status, code) = problem.codes();
    Answer { status, ..json_answer(&operation_outcome(code, &problem.to_string(), base)) }
}

/// The resource itself, of severity error.
pub(super) fn operation_outcome(code: &str, text: &str, base: &str) -> Value {
    let issue = json!({"severity": "error", "code": code, "details": {"text": text},
        "diagnostics": format!("raised by {base}")});
    json!({"resourceType": "OperationOutcome", "issue": [issue]})
}

/// The text of one resource.
pub(super) fn resource(text: &RawValue) -> Answer {
    json_answer(text)
}

/// A resource as it leaves: as stored, or with the BSN of its patient all over it.
pub(super) fn released<'a>(
    records: &Records,
    resource: &'a Resource,
    patient: Option<&str>,
    faults: &Faults,
) -> Cow<'a, RawValue> {
    let stored = Cow::Borrowed(resource.text());
    // A Binary is the document itself; it has no narrative and no identifier.
    if !faults.unmasked_bsn || resource.kind() == "Binary" {
        return stored;
    }
    let owners = records.owners(resource);
    let asked_for = patient.filter(|patient| owners.is_none_or(|owners| owners.contains(*patient)));
    let owner = asked_for.or_else(|| owners.into_iter().flatten().map(String::as_str).next());
    let exposed = owner.and_then(|id| records.bsn_of(id)).map(|bsn| expose_bsn(resource.value(), &bsn));
    exposed.and_then(|value| resource_text(&value)).map_or(stored, Cow::Owned)
}

/// A new logical id, as real systems give them.
pub(super) fn new_id() -> String {
    uuid::Builder::from_random_bytes(crate::secret::random()).into_uuid().to_string()
}

/// What the tables of the search say this server can do.
pub(super) fn capabilities(version: FhirVersion, base: &str, now: Timestamp) -> Answer {
    let resources: Vec<Value> = tables(version).iter().copied().flatten().map(capability).collect();
    let number = match version {
        FhirVersion::Stu3 => "3.0.2",
        FhirVersion::R4 => "4.0.1",
    };
    let mut statement = json!({
        "resourceType": "CapabilityStatement", "status": "active", "date": format!("{now:.0}"), "kind": "instance",
        "software": {"name": "Inzage sandbox"}, "implementation": {"description": "Emulated HIS", "url": base},
        "fhirVersion": number, "format": ["application/fhir+json", "application/fhir+xml"],
        "rest": [{"mode": "server", "resource": resources,
            "interaction": [{"code": "batch"}, {"code": "transaction"}]}],
    });
    if let (FhirVersion::Stu3, Some(members)) = (version, statement.as_object_mut()) {
        members.insert("acceptUnknown".to_owned(), json!("both"));
    }
    json_answer(&statement)
}

fn capability(table: &TypeTable) -> Value {
    let parameters: Vec<Value> =
        table.parameters.iter().map(|p| json!({"name": p.name, "type": p.kind.fhir_type()})).collect();
    let mut capability = Map::from_iter([
        ("type".to_owned(), json!(table.kind)),
        ("interaction".to_owned(), json!([{"code": "read"}, {"code": "search-type"}])),
        ("searchParam".to_owned(), json!(parameters)),
    ]);
    if !table.includes.is_empty() {
        let names: Vec<_> = table.includes.iter().map(|include| include.name).collect();
        capability.insert("searchInclude".to_owned(), json!(names));
    }
    Value::Object(capability)
}

pub(super) fn json_answer(body: &(impl Serialize + ?Sized)) -> Answer {
    let body = serde_json::to_vec(body).expect("a tree of strings, numbers and stored JSON can be written");
    Answer { status: StatusCode::OK, media_type: FHIR_JSON, body: body.into() }
}
