//! An emulated HIS that does not speak FHIR: the plain JSON API that `fixtures/his-rest/README.md` describes, over the same
//! records. Written from that description; nothing of the adapter is used here.

mod agenda;
mod care;
mod journal;
mod rows;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use self::rows::{List, Row};
use super::answer::Answer;
use super::document;
use super::faults::Faults;
use super::store::Records;
use crate::form::{decode_pairs, single};
use crate::medmij::Bsn;

/// Rows a page when no fault says otherwise.
const PAGE_ROWS: usize = 100;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Why a request gets no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("De sleutel in X-Api-Key ontbreekt of klopt niet.")]
    NotAdmitted,
    #[error("Niet gevonden.")]
    NotFound,
    #[error("Deze methode kan hier niet.")]
    Method,
    #[error("De vraag is niet goed.")]
    Malformed,
    #[error("Er ging iets mis.")]
    Broken,
}

impl Refusal {
    const fn codes(self) -> (StatusCode, &'static str) {
        match self {
            Self::NotAdmitted => (StatusCode::UNAUTHORIZED, "GEEN_TOEGANG"),
            Self::NotFound => (StatusCode::NOT_FOUND, "NIET_GEVONDEN"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "METHODE"),
            Self::Malformed => (StatusCode::BAD_REQUEST, "ONGELDIG"),
            Self::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "STORING"),
        }
    }
}

/// An error in the form of the vendor; it names the internal host, as those of real systems do.
pub(super) fn refuse(refusal: Refusal, base: &str) -> Answer {
    let (status, code) = refusal.codes();
    let body = json!({"fout": {"code": code, "melding": refusal.to_string(), "bron": base}});
    Answer { status, ..json_answer(&body) }
}

/// Answers a request for `path`, which follows the base.
pub(super) fn answer(
    records: &Records,
    path: &str,
    request: &Parts,
    body: &Bytes,
    faults: &Faults,
) -> Result<Answer, Refusal> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let query = decode_pairs(request.uri.query().unwrap_or_default()).map_err(|_| Refusal::Malformed)?;
    match (&request.method, segments.as_slice()) {
        (&Method::POST, ["patienten", "zoek"]) => find(records, body, faults),
        (&Method::GET, ["versie"]) => Ok(json_answer(&version())),
        (&Method::GET, ["patienten", id]) => {
            let patient = records.find("Patient", id).ok_or(Refusal::NotFound)?;
            Ok(json_answer(&taint(records, rows::patient(patient.value()), faults).0))
        }
        (&Method::GET, ["patienten", id, "huisarts"]) => gp(records, id),
        (&Method::GET, ["patienten", id, list]) => page(records, id, list, &query, faults),
        (&Method::GET, ["documenten", id, "inhoud"]) => {
            let binary = records.find("Binary", id).ok_or(Refusal::NotFound)?;
            document::raw(binary.value(), faults).map_err(|_| Refusal::NotFound)
        }
        (&Method::GET, _) => Err(Refusal::NotFound),
        _ => Err(Refusal::Method),
    }
}

fn version() -> Value {
    let lists: Vec<&str> = List::ALL.iter().map(|(name, _)| *name).collect();
    json!({"product": "Dossierpunt", "api": "1.4", "onderdelen": lists})
}

/// Patients by BSN; it is nowhere but in the body.
fn find(records: &Records, body: &Bytes, faults: &Faults) -> Result<Answer, Refusal> {
    let asked: Value = serde_json::from_slice(body).map_err(|_| Refusal::Malformed)?;
    let bsn = asked.get("bsn").and_then(Value::as_str).and_then(|text| Bsn::parse(text).ok());
    let bsn = bsn.ok_or(Refusal::Malformed)?;
    let known = records.patients().filter(|patient| patient.bsn == bsn);
    let patients = known.filter_map(|patient| records.find("Patient", &patient.id));
    let rows: Vec<Value> = patients.map(|patient| taint(records, rows::patient(patient.value()), faults).0).collect();
    Ok(json_answer(&json!({"patienten": rows})))
}

fn gp(records: &Records, patient: &str) -> Result<Answer, Refusal> {
    let patient = records.find("Patient", patient).ok_or(Refusal::NotFound)?;
    let reference = patient.value().pointer("/generalPractitioner/0").ok_or(Refusal::NotFound)?;
    let found = rows::target(records, reference, "Practitioner").ok_or(Refusal::NotFound)?;
    Ok(json_answer(&rows::practitioner(found)))
}

/// A page of a list. What continues it is the number of rows that went before.
fn page(
    records: &Records,
    patient: &str,
    list: &str,
    query: &[(String, String)],
    faults: &Faults,
) -> Result<Answer, Refusal> {
    records.find("Patient", patient).ok_or(Refusal::NotFound)?;
    let list = List::named(list).ok_or(Refusal::NotFound)?;
    let mut rows = list.rows(records, patient, query)?;
    let start: usize = match single(query, "vervolg") {
        Some(text) => text.strip_prefix("na-").and_then(|rows| rows.parse().ok()).ok_or(Refusal::Malformed)?,
        None => 0,
    };
    let size = usize::try_from(faults.page_size).ok().filter(|size| *size > 0).unwrap_or(PAGE_ROWS);
    if let Some(row) = foreign(records, patient, list).filter(|_| faults.foreign_patient) {
        let before = usize::try_from(faults.foreign_page).unwrap_or_default().saturating_sub(1).saturating_mul(size);
        rows.insert(before.min(rows.len()), row);
    }
    let page = start / size + 1;
    if faults.fail_page > 0 && u32::try_from(page).is_ok_and(|page| page >= faults.fail_page) {
        return Err(Refusal::Broken);
    }
    let next = start.saturating_add(size);
    let shown: Vec<Value> =
        rows.iter().skip(start).take(size).map(|row| taint(records, row.clone(), faults).0).collect();
    let next = (next < rows.len()).then(|| format!("na-{next}"));
    Ok(json_answer(&json!({"regels": shown, "volgende": next})))
}

/// A row of somebody else in the same list.
fn foreign(records: &Records, patient: &str, list: List) -> Option<Row> {
    let others = records.of_type("Patient").map(super::store::Resource::id).filter(|other| *other != patient);
    let others: Vec<&str> = others.collect();
    let of_other = others.iter().flat_map(|other| list.rows(records, other, &[]).unwrap_or_default()).next();
    // When nobody else has any, one of their own that is said to be another's.
    of_other.or_else(|| {
        let Row(mut row) = list.rows(records, patient, &[]).ok()?.pop()?;
        *row.pointer_mut("/patient/id")? = (*others.first()?).into();
        Some(Row(row))
    })
}

/// The row, with the BSN of its patient among its numbers and in a text when a fault says so.
fn taint(records: &Records, Row(mut row): Row, faults: &Faults) -> Row {
    let whose = row.pointer("/patient/id").or_else(|| row.get("id")).and_then(Value::as_str);
    let bsn = whose.filter(|_| faults.unmasked_bsn).and_then(|id| records.bsn_of(id));
    let (Some(bsn), Some(members)) = (bsn, row.as_object_mut()) else { return Row(row) };
    if let Some(numbers) = members.get_mut("kenmerken").and_then(Value::as_array_mut) {
        numbers.push(json!({"stelsel": Bsn::OID, "waarde": bsn.reveal()}));
    }
    for name in ["omschrijving", "tekst", "dosering", "titel"] {
        if let Some(Value::String(text)) = members.get_mut(name) {
            *text = format!("{text} (BSN {})", bsn.reveal());
        }
    }
    Row(row)
}

fn json_answer(body: &Value) -> Answer {
    Answer { status: StatusCode::OK, media_type: JSON, body: body.to_string().into() }
}
