//! Patients, general practitioners and their practice.

use serde_json::{Value, json};

use super::element::{coding, concept, extension, identifier, reference, resource, with};
use super::story::{Gender, Gp, Story};
use super::{Bsn, Record};

pub(super) fn organization_reference(story: &Story) -> Value {
    reference("Organization", &format!("{}-praktijk", story.key), &story.name)
}

/// A GP by key, with the role in the practice as the Dutch profiles add it.
pub(super) fn gp_reference(story: &Story, key: &str) -> Value {
    let name = story.gp.iter().find(|gp| gp.key == key).map(display).unwrap_or_default();
    let role = reference("PractitionerRole", &role_id(story, key), &name);
    let role = extension("practitionerrole-reference", "valueReference", role);
    with(reference("Practitioner", &practitioner_id(story, key), &name), json!({"extension": [role]}))
}

/// The Organization, and a Practitioner and PractitionerRole for each GP.
pub(super) fn practice(story: &Story) -> Vec<Value> {
    let practitioners = story.gp.iter().flat_map(|gp| [practitioner(story, gp), role(story, gp)]);
    std::iter::once(organization(story)).chain(practitioners).collect()
}

fn organization(story: &Story) -> Value {
    with(
        resource("Organization", &format!("{}-praktijk", story.key), "nl-core-organization", &story.name),
        json!({
            "identifier": [identifier("http://fhir.nl/fhir/NamingSystem/ura", &story.ura)],
            "type": [concept("http://nictiz.nl/fhir/NamingSystem/organization-type", "Z3", "Huisartspraktijk (zelfstandig of groepspraktijk)")],
            "name": story.name,
            "address": [{"use": "work", "line": [story.street], "city": story.place, "postalCode": story.postal_code}],
        }),
    )
}

fn practitioner(story: &Story, gp: &Gp) -> Value {
    with(
        resource("Practitioner", &practitioner_id(story, &gp.key), "nl-core-practitioner", &display(gp)),
        json!({
            "identifier": [identifier("http://fhir.nl/fhir/NamingSystem/uzi-nr-pers", &gp.uzi)],
            "name": [{"text": display(gp), "family": gp.family, "given": [gp.given]}],
            "gender": gender(gp.gender),
        }),
    )
}

fn role(story: &Story, gp: &Gp) -> Value {
    let narrative = format!("{}, huisarts bij {}", display(gp), story.name);
    with(
        resource("PractitionerRole", &role_id(story, &gp.key), "nl-core-practitionerrole", &narrative),
        json!({
            "identifier": [identifier("http://fhir.nl/fhir/NamingSystem/uzi-nr-pers", &gp.uzi)],
            "practitioner": reference("Practitioner", &practitioner_id(story, &gp.key), &display(gp)),
            "organization": organization_reference(story),
            "specialty": [concept("http://fhir.nl/fhir/NamingSystem/uzi-rolcode", "01.015", "Huisarts")],
        }),
    )
}

/// The Patient, with the BSN in the clear, as the HIS of a practice has it.
pub(super) fn patient(record: &Record<'_>) -> Value {
    let (story, person) = (record.story, record.person);
    let id = record.id("patient");
    let home = coding("http://hl7.org/fhir/v3/AddressUse", "HP", "Officieel adres");
    let home = extension("zib-AddressInformation-AddressType", "valueCodeableConcept", json!({"coding": [home]}));
    with(
        resource("Patient", &id, "nl-core-patient", &record.full_name()),
        json!({
            "identifier": [
                identifier(Bsn::SYSTEM, person.bsn.reveal()),
                identifier(&format!("https://{}.example/fhir/NamingSystem/patientnummer", story.key), &id),
            ],
            "name": [{"text": record.full_name(), "family": person.family, "given": [person.given]}],
            "gender": gender(person.gender),
            "birthDate": record.calendar.birth_date(person.birth).to_string(),
            "address": [{"extension": [home], "use": "home", "type": "physical", "line": [person.street],
                "city": story.place, "postalCode": story.postal_code}],
            "generalPractitioner": [record.gp()],
            "managingOrganization": organization_reference(story),
        }),
    )
}

fn practitioner_id(story: &Story, key: &str) -> String {
    format!("{}-huisarts-{key}", story.key)
}

fn role_id(story: &Story, key: &str) -> String {
    format!("{}-rol-{key}", story.key)
}

fn display(gp: &Gp) -> String {
    format!("{} {}, huisarts", gp.given, gp.family)
}

const fn gender(gender: Gender) -> &'static str {
    match gender {
        Gender::Female => "female",
        Gender::Male => "male",
    }
}
