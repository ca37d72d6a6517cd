//! Patients and their general practitioners.

use super::Resource;
use crate::his::rest::element::{carer, coding, identifiers, nictiz, refer, reference};
use crate::his::rest::node::{Node, object};
use crate::his::rest::rows::{Adres, Geslacht, Huisarts, Naam, Patient};
use crate::medmij::Bsn;

/// nl-core-patient, with the BSN in the clear: the shaping masks it for every dialect.
pub(in crate::his::rest) fn patient(row: &Patient) -> Resource {
    let bsn = object! { "system": Bsn::SYSTEM, "value": &row.bsn };
    let members = object! {
        "identifier": [vec![bsn], identifiers(&row.kenmerken)].concat(),
        "name": [name(&row.naam)],
        "gender": row.geslacht.map(gender),
        "birthDate": &row.geboortedatum,
        "address": row.adres.as_ref().map(|address| [home(address)]),
        "generalPractitioner": row.huisarts.as_ref().map(|gp| [carer(gp)]),
        "managingOrganization": row.praktijk.as_ref().map(|practice| reference("Organization", practice)),
    };
    Resource::new("Patient", &row.id, "nl-core-patient", &row.naam.volledig, members)
}

/// nl-core-practitioner.
pub(in crate::his::rest) fn practitioner(row: &Huisarts) -> Resource {
    let members = object! {
        "identifier": identifiers(&row.kenmerken),
        "name": [name(&row.naam)],
        "gender": row.geslacht.map(gender),
    };
    Resource::new("Practitioner", &row.id, "nl-core-practitioner", &row.naam.volledig, members)
}

/// The subject of a row.
pub(super) fn subject(patient: &crate::his::rest::rows::Verwijzing) -> Node {
    refer("Patient", &patient.id, &patient.naam)
}

fn name(name: &Naam) -> Node {
    object! {
        "text": &name.volledig,
        "family": &name.achternaam,
        "given": name.voornaam.as_ref().map(|given| [Node::Text(given.clone())]),
    }
}

/// The vendor keeps one address, of the home.
fn home(address: &Adres) -> Node {
    let official = coding("http://hl7.org/fhir/v3/AddressUse", "HP", "Officieel adres");
    let kind = object! { "coding": [official] };
    object! {
        "extension": [nictiz("zib-AddressInformation-AddressType", "valueCodeableConcept", kind)],
        "use": "home",
        "type": "physical",
        "line": address.straat.as_ref().map(|street| [Node::Text(street.clone())]),
        "city": &address.plaats,
        "postalCode": &address.postcode,
    }
}

const fn gender(gender: Geslacht) -> &'static str {
    match gender {
        Geslacht::V => "female",
        Geslacht::M => "male",
        Geslacht::X => "other",
        Geslacht::Onbekend => "unknown",
    }
}
