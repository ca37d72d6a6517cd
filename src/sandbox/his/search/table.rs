//! What can be searched: parameters and includes of each resource type, as data.

/// One step into a resource.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// A member; of a list each item.
    Member(&'static str),
    /// The extensions with this URL.
    Extension(&'static str),
}

/// A path into a resource.
pub(super) type Path = &'static [Step];

/// How the values of a parameter are read.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// The logical id.
    Id,
    /// A code, coding or identifier; `system` is what a plain code is bound to.
    Token {
        /// Code system of elements of type `code`.
        system: Option<&'static str>,
    },
    /// A date or Period.
    Date,
    /// The Nictiz parameter over the period a medicine is used in.
    PeriodOfUse,
    /// A reference to a Patient.
    Patient,
}

impl Kind {
    /// The type of the parameter in FHIR's own words.
    #[must_use]
    pub const fn fhir_type(self) -> &'static str {
        match self {
            Self::Id | Self::Token { .. } => "token",
            Self::Date | Self::PeriodOfUse => "date",
            Self::Patient => "reference",
        }
    }
}

/// A search parameter.
#[derive(Debug)]
pub struct Parameter {
    /// Name in the query.
    pub name: &'static str,
    /// How its values are read.
    pub kind: Kind,
    /// Where it looks; any may match.
    pub paths: &'static [Path],
}

/// A value of `_include`.
#[derive(Debug)]
pub struct Include {
    /// `Type:parameter`.
    pub name: &'static str,
    /// Where the references are.
    pub path: Path,
}

/// All of one resource type.
#[derive(Debug)]
pub struct TypeTable {
    /// The resource type.
    pub kind: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// Its includes.
    pub includes: &'static [Include],
}

macro_rules! path {
    ($($member:literal).+) => { &[$(Step::Member($member)),+] };
}

macro_rules! parameter {
    ($name:literal, $kind:expr, $($($member:literal).+),*) => {
        Parameter { name: $name, kind: $kind, paths: &[$(path!($($member).+)),*] }
    };
}

const TOKEN: Kind = Kind::Token { system: None };
const ID: Parameter = Parameter { name: "_id", kind: Kind::Id, paths: &[] };
const IDENTIFIER: Parameter = parameter!("identifier", TOKEN, "identifier");

const fn bound(system: &'static str) -> Kind {
    Kind::Token { system: Some(system) }
}

/// Every type this HIS serves.
pub const TYPES: &[TypeTable] = &[
    TypeTable {
        kind: "Patient",
        parameters: &[ID, IDENTIFIER],
        includes: &[Include { name: "Patient:general-practitioner", path: path!("generalPractitioner") }],
    },
    TypeTable {
        kind: "EpisodeOfCare",
        parameters: &[
            ID,
            IDENTIFIER,
            parameter!("patient", Kind::Patient, "patient"),
            parameter!("status", bound("http://hl7.org/fhir/episode-of-care-status"), "status"),
            parameter!("type", TOKEN, "type"),
            parameter!("date", Kind::Date, "period"),
        ],
        includes: &[],
    },
    TypeTable {
        kind: "MedicationRequest",
        parameters: &[
            ID,
            IDENTIFIER,
            parameter!("patient", Kind::Patient, "subject"),
            parameter!("subject", Kind::Patient, "subject"),
            parameter!("status", bound("http://hl7.org/fhir/medication-request-status"), "status"),
            parameter!("category", TOKEN, "category"),
            parameter!("code", TOKEN, "medicationCodeableConcept"),
            Parameter { name: "periodofuse", kind: Kind::PeriodOfUse, paths: &[] },
        ],
        includes: &[Include { name: "MedicationRequest:medication", path: path!("medicationReference") }],
    },
    TypeTable {
        kind: "AllergyIntolerance",
        parameters: &[
            ID,
            IDENTIFIER,
            parameter!("patient", Kind::Patient, "patient"),
            parameter!("category", bound("http://hl7.org/fhir/allergy-intolerance-category"), "category"),
            parameter!("code", TOKEN, "code", "reaction"."substance"),
            parameter!("type", bound("http://hl7.org/fhir/allergy-intolerance-type"), "type"),
            parameter!("date", Kind::Date, "assertedDate"),
        ],
        includes: &[],
    },
    TypeTable {
        kind: "Observation",
        parameters: &[
            ID,
            IDENTIFIER,
            parameter!("patient", Kind::Patient, "subject"),
            parameter!("subject", Kind::Patient, "subject"),
            parameter!("status", bound("http://hl7.org/fhir/observation-status"), "status"),
            parameter!("category", TOKEN, "category"),
            parameter!("code", TOKEN, "code"),
            parameter!("date", Kind::Date, "effectiveDateTime", "effectivePeriod"),
        ],
        includes: &[
            Include { name: "Observation:related-target", path: path!("related"."target") },
            Include { name: "Observation:specimen", path: path!("specimen") },
        ],
    },
    TypeTable {
        kind: "Composition",
        parameters: &[
            ID,
            IDENTIFIER,
            parameter!("patient", Kind::Patient, "subject"),
            parameter!("subject", Kind::Patient, "subject"),
            parameter!("status", bound("http://hl7.org/fhir/composition-status"), "status"),
            parameter!("type", TOKEN, "type"),
            parameter!("date", Kind::Date, "date"),
        ],
        includes: &[],
    },
    TypeTable {
        kind: "Encounter",
        parameters: &[
            ID,
            IDENTIFIER,
            parameter!("patient", Kind::Patient, "subject"),
            parameter!("subject", Kind::Patient, "subject"),
            parameter!("status", bound("http://hl7.org/fhir/encounter-status"), "status"),
            parameter!("class", TOKEN, "class"),
            parameter!("type", TOKEN, "type"),
            parameter!("date", Kind::Date, "period"),
        ],
        includes: &[],
    },
    TypeTable {
        kind: "Flag",
        parameters: &[
            ID,
            IDENTIFIER,
            parameter!("patient", Kind::Patient, "subject"),
            parameter!("subject", Kind::Patient, "subject"),
            parameter!("date", Kind::Date, "period"),
        ],
        includes: &[],
    },
    TypeTable {
        kind: "Condition",
        parameters: &[
            ID,
            IDENTIFIER,
            parameter!("patient", Kind::Patient, "subject"),
            parameter!("subject", Kind::Patient, "subject"),
            parameter!("category", TOKEN, "category"),
            parameter!("code", TOKEN, "code"),
            parameter!("clinical-status", bound("http://hl7.org/fhir/condition-clinical"), "clinicalStatus"),
            parameter!("onset-date", Kind::Date, "onsetDateTime", "onsetPeriod"),
        ],
        includes: &[],
    },
    TypeTable { kind: "Practitioner", parameters: &[ID, IDENTIFIER], includes: &[] },
    TypeTable { kind: "PractitionerRole", parameters: &[ID, IDENTIFIER], includes: &[] },
    TypeTable { kind: "Organization", parameters: &[ID, IDENTIFIER], includes: &[] },
    TypeTable { kind: "Medication", parameters: &[ID, parameter!("code", TOKEN, "code")], includes: &[] },
    TypeTable {
        kind: "Specimen",
        parameters: &[ID, IDENTIFIER, parameter!("patient", Kind::Patient, "subject")],
        includes: &[],
    },
];
