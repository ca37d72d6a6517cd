//! Medicines, intolerances, and results of determinations with their specimens.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Record;
use super::element::{NHG_45, SNOMED, concept, extension, identifier, period, reference, resource, with};
use super::journal::encounter_on;
use super::story::{Intolerance, Measurement, MeasurementKind, Medicine};

const PRK: &str = "urn:oid:2.16.840.1.113883.2.4.4.10";
const SSK: &str = "urn:oid:2.16.840.1.113883.2.4.4.1.725";
const UCUM: &str = "http://unitsofmeasure.org";

pub(super) fn resources(record: &Record<'_>) -> Vec<Value> {
    let person = record.person;
    // A medicine that was prescribed twice is one product.
    let products: BTreeMap<&str, &Medicine> = person.medicine.iter().map(|m| (m.prk.as_str(), m)).collect();
    let mut resources: Vec<Value> = products.into_values().map(|medicine| product(record, medicine)).collect();
    resources.extend((1..).zip(&person.medicine).map(|(number, medicine)| agreement(record, number, medicine)));
    resources.extend((1..).zip(&person.intolerance).map(|(number, found)| intolerance(record, number, found)));
    for measurement in &person.result {
        resources.push(result(record, measurement));
        resources.extend(measurement.specimen.as_ref().map(|name| specimen(record, measurement, name)));
    }
    resources
}

fn product(record: &Record<'_>, medicine: &Medicine) -> Value {
    with(
        resource("Medication", &product_id(record, medicine), "zib-Product", &medicine.name),
        json!({"code": concept(PRK, &medicine.prk, &medicine.name)}),
    )
}

fn product_id(record: &Record<'_>, medicine: &Medicine) -> String {
    record.id(&format!("product-{}", medicine.prk))
}

fn agreement(record: &Record<'_>, number: usize, medicine: &Medicine) -> Value {
    let id = record.id(&format!("afspraak-{number}"));
    let (start, end) = (record.date(medicine.from), medicine.to.map(|day| record.date(day)));
    let treatment = format!("https://{}.example/fhir/NamingSystem/medicamenteuzebehandeling", record.story.key);
    let extensions = [
        Some(extension("zib-Medication-MedicationTreatment", "valueIdentifier", identifier(&treatment, &id))),
        record.episode_extension(&medicine.episode),
        Some(extension("zib-Medication-PeriodOfUse", "valuePeriod", period(&start, end.as_deref()))),
    ];
    let extensions: Vec<Value> = extensions.into_iter().flatten().collect();
    with(
        resource("MedicationRequest", &id, "zib-MedicationAgreement", &format!("{}: {}", medicine.name, medicine.dose)),
        json!({
            "extension": extensions,
            "identifier": [record.identifier(&id)],
            "intent": "order",
            "category": concept(SNOMED, "16076005", "Voorschrijven"),
            "medicationReference": reference("Medication", &product_id(record, medicine), &medicine.name),
            "subject": record.subject(),
            "context": encounter_on(record, medicine.from),
            "authoredOn": start,
            "requester": {"agent": record.gp()},
            "dosageInstruction": [{"sequence": 1, "text": medicine.dose}],
        }),
    )
}

fn intolerance(record: &Record<'_>, number: usize, found: &Intolerance) -> Value {
    let id = record.id(&format!("intolerantie-{number}"));
    let medicine = concept(SNOMED, "419511003", "Allergie voor geneesmiddel");
    let medicine = extension("code-specification", "valueCodeableConcept", medicine);
    with(
        resource(
            "AllergyIntolerance",
            &id,
            "zib-AllergyIntolerance",
            &format!("{}: {}", found.substance, found.reaction),
        ),
        json!({
            "identifier": [record.identifier(&id)],
            "clinicalStatus": "active",
            "verificationStatus": "confirmed",
            "category": ["medication"],
            "_category": [{"extension": [medicine]}],
            "code": concept(SSK, &found.code, &found.substance),
            "patient": record.subject(),
            "onsetDateTime": record.date(found.day),
            "assertedDate": record.date(found.day),
            "recorder": record.gp(),
            "reaction": [{"manifestation": [{"text": found.reaction}]}],
        }),
    )
}

fn result(record: &Record<'_>, found: &Measurement) -> Value {
    let id = result_id(record, &found.code, found.day);
    let (profile, code, display) = match found.kind {
        MeasurementKind::Lab => {
            ("gp-LaboratoryResult", "49581000146104", "bevinding betreffende laboratoriumonderzoek")
        }
        MeasurementKind::Measurement => ("gp-DiagnosticResult", "363787002", "waarneembare entiteit"),
    };
    let narrative = format!("{}: {} {}", found.name, found.value, found.unit);
    with(
        resource("Observation", &id, profile, &narrative),
        json!({
            "extension": record.episode_extension(&found.episode).map(|extension| [extension]),
            "identifier": [record.identifier(&id)],
            "status": "final",
            "category": [concept(SNOMED, code, display)],
            "code": concept(NHG_45, &found.code, &found.name),
            "subject": record.subject(),
            "context": encounter_on(record, found.day),
            "effectiveDateTime": record.date(found.day),
            "performer": [record.gp()],
            "valueQuantity": quantity(&found.value, found),
            "referenceRange": reference_range(found).map(|range| [range]),
            "specimen": found.specimen.as_ref().map(|name| specimen_reference(record, found, name)),
            "related": related(record, found).map(|target| [json!({"type": "has-member", "target": target})]),
        }),
    )
}

fn result_id(record: &Record<'_>, code: &str, day: i32) -> String {
    record.id(&format!("bepaling-{code}-{}", day.unsigned_abs()))
}

fn quantity(value: &serde_json::Number, found: &Measurement) -> Value {
    json!({"value": value, "unit": found.unit, "system": UCUM, "code": found.ucum})
}

fn reference_range(found: &Measurement) -> Option<Value> {
    let (low, high) = (found.low.as_ref()?, found.high.as_ref()?);
    let meaning = concept("http://hl7.org/fhir/referencerange-meaning", "normal", "Normal Range");
    Some(json!({"low": quantity(low, found), "high": quantity(high, found), "type": meaning}))
}

/// The other result of the same day that this one goes with.
fn related(record: &Record<'_>, found: &Measurement) -> Option<Value> {
    let code = found.related.as_ref()?;
    let other = record.person.result.iter().find(|other| other.code == *code && other.day == found.day)?;
    Some(reference("Observation", &result_id(record, &other.code, other.day), &other.name))
}

fn specimen_id(record: &Record<'_>, found: &Measurement) -> String {
    record.id(&format!("monster-{}-{}", found.code, found.day.unsigned_abs()))
}

fn specimen_reference(record: &Record<'_>, found: &Measurement, name: &str) -> Value {
    reference("Specimen", &specimen_id(record, found), name)
}

fn specimen(record: &Record<'_>, found: &Measurement, name: &str) -> Value {
    let id = specimen_id(record, found);
    let (code, display) = if name == "serum" { ("119364003", "serum") } else { ("119297000", "bloed") };
    with(
        resource("Specimen", &id, "zib-LaboratoryTestResult-Specimen", &format!("Monster: {name}")),
        json!({
            "identifier": [record.identifier(&id)],
            "type": concept(SNOMED, code, display),
            "subject": record.subject(),
            "collection": {"collectedDateTime": record.date(found.day)},
        }),
    )
}
