//! The two answers of a HIS that we only read ourselves, the patient and their flags: ids are FHIR ids and hold no BSN,
//! and a patient that is found stands in the answer.

#![no_main]

use inzage::fhir::shape::{Page, Record, flagged_episodes, read_patient};
use inzage::medmij::{Bsn, FhirVersion};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const HIS: &str = "https://his.praktijk.internal/fhir";
const BSN: &str = "999911132";

/// STU3 datatypes, `id`, with the underscore that some systems use; nothing that moves in a path.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._".contains(&c))
        && !matches!(text, "." | "..")
}

/// The Patients of the answer by another reader of JSON; `None` when it cannot hold the numbers.
fn patients(body: &[u8]) -> Option<Vec<Value>> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let entries = value.get("entry").and_then(Value::as_array).cloned().unwrap_or_default();
    let resources = entries.into_iter().filter_map(|entry| entry.get("resource").cloned());
    Some(resources.filter(|resource| resource.get("resourceType").and_then(Value::as_str) == Some("Patient")).collect())
}

fuzz_target!(|body: &[u8]| {
    let bsn = Bsn::parse(BSN).expect("a BSN");
    if let Ok(Some(patient)) = read_patient(body, FhirVersion::Stu3, &bsn, HIS) {
        assert!(is_id(&patient.id) && patient.id != BSN);
        assert!(!format!("{patient:?}").contains(&patient.id) || "HisPatient([redacted])".contains(&patient.id));
        if let Some(found) = patients(body) {
            // Another may come along, but it is the same person.
            assert!(found.iter().all(|other| other.get("id").and_then(Value::as_str) == Some(&patient.id)));
            let born = |other: &Value| other.get("birthDate").and_then(Value::as_str).map(str::to_owned);
            assert!(
                patient.birth_date.is_none_or(|date| found.iter().any(|other| born(other) == Some(date.to_string())))
            );
            assert!(!found.is_empty());
        }
    }
    let record = Record { fhir: FhirVersion::Stu3, patient_id: "pat-1", bsn: &bsn, his_base: HIS, our_base: "" };
    if let Ok(flagged) = flagged_episodes(body, &record, Page::First) {
        assert!(flagged.episodes.iter().all(|id| is_id(id)));
        assert!(flagged.next.is_none_or(|next| next.starts_with(HIS)));
    }
});
