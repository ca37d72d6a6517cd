//! Results, medication and intolerances as rows.

use serde_json::{Value, json};

use super::rows::{Row, carer, code, episode_of, extension, items, number, numbers, target, text, to};
use crate::sandbox::his::store::Records;

const NHG_45: &str = "nhg-tabel-45-diagnostische-bepalingen";
const LABORATORY: &str = "49581000146104";

pub(super) fn is_result(observation: &Value) -> bool {
    items(observation, "/code/coding").any(|coding| text(coding, "/system").is_some_and(|it| it.ends_with(NHG_45)))
}

pub(super) fn result(records: &Records, resource: &Value) -> Row {
    let is_laboratory = items(resource, "/category")
        .flat_map(|category| items(category, "/coding"))
        .any(|coding| text(coding, "/code") == Some(LABORATORY));
    let quantity = resource.get("valueQuantity");
    let taken = resource.get("specimen");
    let specimen = taken.and_then(|taken| target(records, taken, "Specimen"));
    Row(json!({
        "id": resource.get("id"),
        "patient": to(resource.get("subject")),
        "kenmerken": numbers(resource),
        "soort": if is_laboratory { "lab" } else { "meting" },
        "bepaling": code(resource.get("code")),
        "waarde": quantity.and_then(|quantity| quantity.get("value")),
        "waardeTekst": resource.get("valueString"),
        "eenheid": quantity.map(|quantity| json!({"naam": quantity.get("unit"), "ucum": quantity.get("code")})),
        "ondergrens": resource.pointer("/referenceRange/0/low/value"),
        "bovengrens": resource.pointer("/referenceRange/0/high/value"),
        "datum": resource.get("effectiveDateTime"),
        "contact": to(resource.get("context")),
        "episode": episode_of(resource),
        "medewerker": carer(resource.pointer("/performer/0")),
        "materiaal": specimen.map(|specimen| json!({
            "id": specimen.get("id"),
            "kenmerken": numbers(specimen),
            "naam": taken.and_then(|taken| taken.get("display")),
            "soort": code(specimen.get("type")),
            "afgenomen": specimen.pointer("/collection/collectedDateTime"),
        })),
        "hoortBij": to(resource.pointer("/related/0/target")),
    }))
}

/// Whether the use has not ended before this day.
pub(super) fn is_used_on(request: &Value, day: &str) -> bool {
    period_of_use(request).and_then(|period| text(period, "/end")).is_none_or(|end| end >= day)
}

fn period_of_use(request: &Value) -> Option<&Value> {
    extension(request, "zib-Medication-PeriodOfUse", "valuePeriod")
}

pub(super) fn agreement(records: &Records, resource: &Value) -> Row {
    let period = period_of_use(resource);
    let product = resource.get("medicationReference");
    let medication = product.and_then(|product| target(records, product, "Medication"));
    Row(json!({
        "id": resource.get("id"),
        "patient": to(resource.get("subject")),
        "kenmerken": numbers(resource),
        "behandeling": extension(resource, "zib-Medication-MedicationTreatment", "valueIdentifier").map(number),
        "product": {
            "id": medication.and_then(|medication| medication.get("id")),
            "prk": medication.and_then(|medication| medication.pointer("/code/coding/0/code")),
            "naam": product.and_then(|product| product.get("display")),
        },
        "dosering": resource.pointer("/dosageInstruction/0/text"),
        "begin": period.and_then(|period| period.get("start")),
        "eind": period.and_then(|period| period.get("end")),
        "afgesprokenOp": resource.get("authoredOn"),
        "voorschrijver": carer(resource.pointer("/requester/agent")),
        "contact": to(resource.get("context")),
        "episode": episode_of(resource),
    }))
}

pub(super) fn intolerance(resource: &Value) -> Row {
    let kind = match text(resource, "/category/0") {
        Some("medication") => "medicatie",
        Some("food") => "voedsel",
        _ => "anders",
    };
    let reactions = items(resource, "/reaction").filter_map(|reaction| reaction.pointer("/manifestation/0/text"));
    Row(json!({
        "id": resource.get("id"),
        "patient": to(resource.get("patient")),
        "kenmerken": numbers(resource),
        "soort": kind,
        "stof": code(resource.get("code")),
        "reacties": reactions.collect::<Vec<_>>(),
        "actief": text(resource, "/clinicalStatus") == Some("active"),
        "bevestigd": text(resource, "/verificationStatus") == Some("confirmed"),
        "begin": resource.get("onsetDateTime"),
        "vastgesteldOp": resource.get("assertedDate"),
        "medewerker": carer(resource.get("recorder")),
    }))
}
