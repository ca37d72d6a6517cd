//! Appointments and documents.

use super::Resource;
use super::person::subject;
use crate::his::rest::element::{LOINC, carer, coding, concept_of, identifier, identifiers, nictiz, reference};
use crate::his::rest::node::object;
use crate::his::rest::rows::{Afspraak, AfspraakStatus, Document, DocumentStatus};

/// Specialisms of the AGB register.
const AGB_SPECIALISM: &str = "urn:oid:2.16.840.1.113883.2.4.6.7";

/// eAfspraak-Appointment.
pub(in crate::his::rest) fn appointment(row: &Afspraak) -> Resource {
    let actors = [
        Some(subject(&row.patient)),
        row.medewerker.as_ref().map(carer),
        row.locatie.as_ref().map(|place| reference("Location", place)),
    ];
    let participants = actors.into_iter().flatten().map(|actor| object! { "actor": actor, "status": "accepted" });
    let instructions = row.instructie.as_ref();
    let members = object! {
        "extension": instructions.map(|text| [nictiz("eAfspraak-Appointment-PatientInstructions", "valueString", text)]),
        "identifier": identifiers(&row.kenmerken),
        "status": match row.status {
            AfspraakStatus::Aangevraagd => "proposed",
            AfspraakStatus::Geboekt => "booked",
            AfspraakStatus::Voltooid => "fulfilled",
            AfspraakStatus::Geannuleerd => "cancelled",
            AfspraakStatus::Verzuimd => "noshow",
        },
        "specialty": row.specialisme.as_ref().map(|code| [concept_of(AGB_SPECIALISM, code)]),
        "description": &row.omschrijving,
        "start": &row.begin,
        "end": &row.eind,
        "participant": participants.collect::<Vec<_>>(),
    };
    Resource::new(
        "Appointment",
        &row.id,
        "eAfspraak-Appointment",
        row.omschrijving.as_deref().unwrap_or("Afspraak"),
        members,
    )
}

/// IHE.MHD.Minimal.DocumentReference. Its bytes are a Binary below our base.
pub(in crate::his::rest) fn document(row: &Document) -> Resource {
    let normal = coding("http://hl7.org/fhir/v3/Confidentiality", "N", "normal");
    let attachment = object! {
        "contentType": &row.mediatype,
        "url": format!("Binary/{}", row.inhoud_id.as_str()),
        "title": &row.titel,
    };
    let members = object! {
        "masterIdentifier": row.documentnummer.as_ref().map(identifier),
        "identifier": identifiers(&row.kenmerken),
        "status": match row.status {
            DocumentStatus::Actueel => "current",
            DocumentStatus::Vervangen => "superseded",
            DocumentStatus::Vervallen => "entered-in-error",
        },
        "type": concept_of(LOINC, &row.soort),
        "subject": subject(&row.patient),
        "indexed": &row.vastgelegd,
        "author": row.auteur.as_ref().map(|who| [carer(who)]),
        "description": &row.titel,
        "securityLabel": [object! { "coding": [normal] }],
        "content": [object! { "attachment": attachment }],
    };
    Resource::new("DocumentReference", &row.id, "IHE.MHD.Minimal.DocumentReference", &row.titel, members)
}
