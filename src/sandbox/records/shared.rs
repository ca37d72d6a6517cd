//! Beside the GP record: appointments, documents, measurements at home, and vaccinations, these in STU3 and in R4.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Record;
use super::element::{LOINC, SNOMED, concept, div, identifier, reference, resource, with};
use super::pdf;
use super::people::gp_reference;
use super::story::{Appointment, Document, Measured, Vaccination};

const UCUM: &str = "http://unitsofmeasure.org";
const VITAL_SIGNS: &str = "http://hl7.org/fhir/observation-category";

/// In STU3.
pub(super) fn resources(record: &Record<'_>) -> Vec<Value> {
    let person = record.person;
    let mut resources: Vec<Value> =
        (1..).zip(&person.appointment).map(|(number, found)| appointment(record, number, found)).collect();
    for (number, found) in (1..).zip(&person.document) {
        resources.extend(document(record, number, found));
    }
    resources.extend((1..).zip(&person.measured).map(|(number, found)| measured(record, number, found)));
    resources.extend((1..).zip(&person.vaccination).map(|(number, found)| vaccination(record, number, found)));
    resources
}

/// In R4: the person and their vaccinations.
pub(super) fn r4_resources(record: &Record<'_>) -> Vec<Value> {
    let vaccinations =
        (1..).zip(&record.person.vaccination).map(|(number, found)| r4_vaccination(record, number, found));
    std::iter::once(r4_patient(&super::people::patient(record))).chain(vaccinations).collect()
}

fn appointment(record: &Record<'_>, number: usize, found: &Appointment) -> Value {
    let id = record.id(&format!("agenda-{number}"));
    let (start, end) = (record.moment(found.day, &found.from), record.moment(found.day, &found.to));
    let actor = |actor: Value| json!({"actor": actor, "status": "accepted"});
    with(
        resource("Appointment", &id, "eAfspraak-Appointment", &format!("{}, {start}", found.reason)),
        json!({
            "identifier": [record.identifier(&id)],
            "status": if found.day < 0 { "fulfilled" } else { "booked" },
            "specialty": [concept("urn:oid:2.16.840.1.113883.2.4.6.7", "0100", "Huisartsen, niet nader gespecificeerd")],
            "appointmentType": concept("http://hl7.org/fhir/v3/ActCode", "AMB", "ambulatory"),
            "description": found.reason,
            "start": start,
            "end": end,
            "participant": [actor(record.subject()), actor(gp_reference(record.story, &record.person.gp))],
        }),
    )
}

/// The metadata of a document, and its bytes.
fn document(record: &Record<'_>, number: usize, found: &Document) -> [Value; 2] {
    let (id, bytes_id) = (record.id(&format!("document-{number}")), record.id(&format!("bestand-{number}")));
    let date = record.date(found.day);
    let head =
        [format!("{} - {date}", found.title), format!("Aan: {}", record.full_name()), format!("Van: {}", found.from)];
    let paragraphs: Vec<String> = head.into_iter().chain(found.text.iter().cloned()).collect();
    let bytes = pdf::document(&found.title, &paragraphs);
    let attachment = json!({"contentType": "application/pdf", "language": "nl-NL", "url": format!("Binary/{bytes_id}"),
        "size": bytes.len(), "title": found.title, "creation": date});
    let metadata = with(
        resource("DocumentReference", &id, "IHE.MHD.Minimal.DocumentReference", &format!("Document: {}", found.title)),
        json!({
            "contained": [{"resourceType": "Practitioner", "id": "van", "name": [{"text": found.from}]}],
            "masterIdentifier": identifier("urn:ietf:rfc:3986", &format!("urn:uuid:{}", uuid_of(&id))),
            "identifier": [record.identifier(&id)],
            "status": "current",
            "type": concept(LOINC, &found.loinc, &found.kind),
            "class": concept(LOINC, &found.loinc, &found.kind),
            "subject": record.subject(),
            "created": date,
            "indexed": record.moment(found.day, "12:00"),
            "author": [{"reference": "#van", "display": found.from}],
            "description": found.title,
            "content": [{"attachment": attachment}],
        }),
    );
    let binary = json!({"resourceType": "Binary", "id": bytes_id, "contentType": "application/pdf",
        "content": STANDARD.encode(bytes)});
    [metadata, binary]
}

/// A UUID that is the same for the same text (RFC 9562 section 5.8).
fn uuid_of(text: &str) -> uuid::Uuid {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(crate::secret::sha256(text.as_bytes())) {
        *to = from;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// What a person measured at home.
fn measured(record: &Record<'_>, number: usize, found: &Measured) -> Value {
    let id = record.id(&format!("meting-{number}"));
    let quantity = |value: &serde_json::Number, unit: &str, code: &str| json!({"value": value, "unit": unit, "system": UCUM, "code": code});
    let (profile, code, display, narrative, values) = match found {
        Measured::Weight { value, .. } => (
            "zib-BodyWeight",
            "29463-7",
            "Lichaamsgewicht",
            format!("Gewicht: {value} kg"),
            json!({"valueQuantity": quantity(value, "kg", "kg")}),
        ),
        Measured::BloodPressure { high, low, .. } => {
            let component = |code: &str, name: &str, value| json!({"code": concept(LOINC, code, name), "valueQuantity": quantity(value, "mmHg", "mm[Hg]")});
            let components = [
                component("8480-6", "Systolische bloeddruk", high),
                component("8462-4", "Diastolische bloeddruk", low),
            ];
            let narrative = format!("Bloeddruk: {high}/{low} mmHg");
            ("zib-BloodPressure", "85354-9", "Bloeddruk", narrative, json!({"component": components}))
        }
    };
    let (day, at) = found.moment();
    let start = with(
        resource("Observation", &id, profile, &narrative),
        json!({
            "identifier": [record.identifier(&id)],
            "status": "final",
            "category": [concept(VITAL_SIGNS, "vital-signs", "Vital Signs")],
            "code": concept(LOINC, code, display),
            "subject": record.subject(),
            "effectiveDateTime": record.moment(day, at),
            "performer": [record.subject()],
        }),
    );
    with(start, values)
}

fn vaccination(record: &Record<'_>, number: usize, found: &Vaccination) -> Value {
    let id = record.id(&format!("vaccinatie-{number}"));
    with(
        resource("Immunization", &id, "zib-Vaccination", &format!("Vaccinatie: {}", found.name)),
        json!({
            "identifier": [record.identifier(&id)],
            "status": "completed",
            "notGiven": false,
            "vaccineCode": concept(SNOMED, &found.snomed, &found.name),
            "patient": record.subject(),
            "date": record.date(found.day),
            "primarySource": true,
        }),
    )
}

fn r4_vaccination(record: &Record<'_>, number: usize, found: &Vaccination) -> Value {
    let id = record.id(&format!("vaccinatie-{number}"));
    with(
        resource("Immunization", &id, "", &format!("Vaccinatie: {}", found.name)),
        json!({
            // The profiles of R4 all stand at the one base.
            "meta": {"profile": ["http://nictiz.nl/fhir/StructureDefinition/nl-core-Vaccination-event"]},
            "identifier": [record.identifier(&id)],
            "status": "completed",
            "vaccineCode": concept(SNOMED, &found.snomed, &found.name),
            "patient": r4_subject(record),
            "occurrenceDateTime": record.date(found.day),
            "primarySource": true,
        }),
    )
}

/// In R4 a reference also says what type it is to.
fn r4_subject(record: &Record<'_>) -> Value {
    with(reference("Patient", &record.id("patient"), &record.full_name()), json!({"type": "Patient"}))
}

/// A person in R4: who they are, and nothing that is written in another way there.
pub(super) fn r4_patient(stu3: &Value) -> Value {
    let name = stu3.pointer("/name/0/family").and_then(Value::as_str).unwrap_or_default();
    let mut patient = json!({
        "resourceType": "Patient",
        "meta": {"profile": ["http://nictiz.nl/fhir/StructureDefinition/nl-core-Patient"]},
        "text": {"status": "generated", "div": div(name)},
    });
    if let Some(members) = patient.as_object_mut() {
        let kept = ["id", "identifier", "name", "gender", "birthDate"].iter();
        members.extend(kept.filter_map(|name| Some(((*name).to_owned(), stu3.get(*name)?.clone()))));
    }
    patient
}
