//! A bundle that a person sends, and what a HIS answers to it. Checks: no panic; what passes names nobody but the patient of
//! the token; what is passed on is read in the same way again; the answer holds neither the BSN nor an address of the HIS.

#![no_main]

use std::sync::LazyLock;

use inzage::fhir::shape::Record;
use inzage::fhir::shape::submit::{Answering, Echo, judge_submission, shape_stored};
use inzage::medmij::{Bsn, FhirVersion};
use inzage::services::{AllowedSubmission, Catalogue, SubmissionKind};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const BSN: &str = "999911132";
const HIS: &str = "https://his.praktijk.internal/fhir";
const HIS_HOST: &str = "https://his.praktijk.internal/";
const OURS: &str = "https://inzage.example.nl/p/linde/53/fhir";

fn allowed(kind: &str) -> AllowedSubmission {
    let entry = |resource: &str| format!("[[service.submission.entries]]\nresource = '{resource}'\n");
    let entries: String =
        ["Patient", "Observation", "DocumentReference", "DocumentManifest", "Binary"].map(entry).concat();
    let document = format!(
        "[[service]]\nid = '1'\nname = 'x'\nroles = []\nfhir = 'stu3'\npurpose = 'share'\n\
         [service.submission]\nkind = '{kind}'\nmax_entries = 20\n{entries}"
    );
    Catalogue::parse(&document).unwrap().service("1").unwrap().submission.clone().unwrap()
}

static BATCH: LazyLock<AllowedSubmission> = LazyLock::new(|| allowed("batch"));
static TRANSACTION: LazyLock<AllowedSubmission> = LazyLock::new(|| allowed("transaction"));
static PERSON: LazyLock<Bsn> = LazyLock::new(|| Bsn::parse(BSN).unwrap());

/// Every Reference of a resource.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(text)) = members.get("reference") {
                found.push(text.clone());
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

fn check(sent: &[u8], answer: &[u8], allowed: &AllowedSubmission) {
    let Ok(judged) = judge_submission(sent, allowed, FhirVersion::Stu3, &PERSON) else { return };
    let Ok(out) = judged.addressed("pat-1") else { return };
    // Numbers outside what `f64` holds are the one thing we pass on that serde_json does not read.
    let Ok(body) = serde_json::from_slice::<Value>(&out.body) else { return };
    let entries = body["entry"].as_array().expect("with entries");
    assert_eq!(entries.len(), out.entries.iter().filter(|entry| entry.goes).count());
    for entry in entries {
        assert_ne!(entry["resource"]["resourceType"], "Patient");
        let mut found = Vec::new();
        references(&entry["resource"], &mut found);
        let stays = |text: &String| text == "Patient/pat-1" || text.starts_with("urn:") || text.starts_with('#');
        assert!(found.iter().all(stays), "{found:?}");
    }
    let record = Record { fhir: FhirVersion::Stu3, patient_id: "pat-1", bsn: &PERSON, his_base: HIS, our_base: OURS };
    for echo in [Echo::Representation, Echo::Minimal, Echo::Outcome] {
        let answering = Answering { record, kind: allowed.kind, echo, reference: "r" };
        let Ok(stored) = shape_stored(answer, &out, &answering) else { continue };
        let Ok(shown) = serde_json::from_slice::<Value>(&stored.body) else { continue };
        assert_eq!(shown["entry"].as_array().map(Vec::len), Some(out.entries.len()));
        let text = String::from_utf8(stored.body).expect("in UTF-8");
        // What the person wrote themself comes back as they wrote it.
        assert!(!text.contains(HIS_HOST) || sent.windows(HIS_HOST.len()).any(|part| part == HIS_HOST.as_bytes()));
    }
}

// The bundle, a line of three dashes, the answer.
fuzz_target!(|data: &[u8]| {
    let at = data.windows(5).position(|window| window == b"\n---\n").unwrap_or(data.len());
    let (sent, answer) = (data.get(..at).unwrap_or_default(), data.get(at + 5..).unwrap_or_default());
    for allowed in [&*BATCH, &*TRANSACTION] {
        assert!(matches!(allowed.kind, SubmissionKind::Batch | SubmissionKind::Transaction));
        check(sent, answer, allowed);
    }
});
