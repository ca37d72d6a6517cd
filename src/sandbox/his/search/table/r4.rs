//! What is kept in R4: vaccinations, with the person and the people around them.

use super::{ID, IDENTIFIER, Include, Kind, Parameter, Step, TOKEN, TypeTable, bound};

pub(super) const TYPES: &[TypeTable] = &[
    TypeTable {
        kind: "Patient",
        parameters: &[ID, IDENTIFIER],
        includes: &[include_of!("Patient:general-practitioner", "generalPractitioner")],
    },
    TypeTable {
        kind: "Immunization",
        parameters: &[
            ID,
            IDENTIFIER,
            patient!("patient"),
            parameter!("status", bound("http://hl7.org/fhir/event-status"), "status"),
            parameter!("vaccine-code", TOKEN, "vaccineCode"),
            parameter!("date", Kind::Date, "occurrenceDateTime"),
        ],
        includes: &[include_of!("Immunization:performer", "performer"."actor")],
    },
    TypeTable { kind: "Practitioner", parameters: &[ID, IDENTIFIER], includes: &[] },
    TypeTable { kind: "PractitionerRole", parameters: &[ID, IDENTIFIER], includes: &[] },
    TypeTable { kind: "Organization", parameters: &[ID, IDENTIFIER], includes: &[] },
    TypeTable { kind: "Location", parameters: &[ID, IDENTIFIER], includes: &[] },
];
