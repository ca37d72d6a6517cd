//! What the Basisgegevens Zorg ask beyond the GP record.

use super::{ID, IDENTIFIER, Include, Kind, Parameter, Step, TOKEN, TypeTable, bound};

pub(super) const TYPES: &[TypeTable] = &[
    TypeTable {
        kind: "Coverage",
        parameters: &[ID, IDENTIFIER, patient!("beneficiary")],
        includes: &[
            Include { name: "Coverage:payor:Patient", path: path!("payor"), target: Some("Patient") },
            Include { name: "Coverage:payor:Organization", path: path!("payor"), target: Some("Organization") },
        ],
    },
    TypeTable {
        kind: "Consent",
        parameters: &[
            ID,
            IDENTIFIER,
            patient!("patient"),
            parameter!("status", bound("http://hl7.org/fhir/consent-state-codes"), "status"),
            parameter!("category", TOKEN, "category"),
        ],
        includes: &[],
    },
    TypeTable { kind: "NutritionOrder", parameters: &[ID, IDENTIFIER, patient!("patient")], includes: &[] },
    TypeTable {
        kind: "MedicationStatement",
        parameters: &[
            ID,
            IDENTIFIER,
            patient!("subject"),
            subject!(),
            parameter!("category", TOKEN, "category"),
            parameter!("status", bound("http://hl7.org/fhir/medication-statement-status"), "status"),
        ],
        includes: &[include_of!("MedicationStatement:medication", "medicationReference")],
    },
    TypeTable {
        kind: "MedicationDispense",
        parameters: &[ID, IDENTIFIER, patient!("subject"), subject!(), parameter!("category", TOKEN, "category")],
        includes: &[include_of!("MedicationDispense:medication", "medicationReference")],
    },
    TypeTable {
        kind: "DeviceUseStatement",
        parameters: &[ID, IDENTIFIER, patient!("subject"), subject!()],
        includes: &[include_of!("DeviceUseStatement:device", "device")],
    },
    TypeTable {
        kind: "DeviceRequest",
        parameters: &[
            ID,
            IDENTIFIER,
            patient!("subject"),
            subject!(),
            parameter!("status", bound("http://hl7.org/fhir/request-status"), "status"),
        ],
        includes: &[include_of!("DeviceRequest:device", "codeReference")],
    },
    TypeTable {
        kind: "Immunization",
        parameters: &[
            ID,
            IDENTIFIER,
            patient!("patient"),
            parameter!("status", bound("http://hl7.org/fhir/immunization-status"), "status"),
            parameter!("vaccine-code", TOKEN, "vaccineCode"),
            parameter!("date", Kind::Date, "date"),
        ],
        includes: &[],
    },
    TypeTable { kind: "ImmunizationRecommendation", parameters: &[ID, IDENTIFIER, patient!("patient")], includes: &[] },
    TypeTable {
        kind: "Procedure",
        parameters: &[
            ID,
            IDENTIFIER,
            patient!("subject"),
            subject!(),
            parameter!("category", TOKEN, "category"),
            parameter!("code", TOKEN, "code"),
            parameter!("date", Kind::Date, "performedDateTime", "performedPeriod"),
        ],
        includes: &[],
    },
    TypeTable {
        kind: "ProcedureRequest",
        parameters: &[
            ID,
            IDENTIFIER,
            patient!("subject"),
            subject!(),
            parameter!("status", bound("http://hl7.org/fhir/request-status"), "status"),
        ],
        includes: &[],
    },
    TypeTable { kind: "Device", parameters: &[ID, IDENTIFIER, patient!("patient")], includes: &[] },
    TypeTable { kind: "RelatedPerson", parameters: &[ID, IDENTIFIER, patient!("patient")], includes: &[] },
];
