//! What the shaper knows of FHIR, STU3 and R4: which resource types belong to a patient, and which places mean what.

use super::names::Name;
use crate::medmij::FhirVersion;

/// How a resource type is tied to the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding {
    /// The Patient itself.
    Patient,
    /// By a reference at this path, dots between the names (CompartmentDefinition "patient" of the version, narrowed to the
    /// element that says whom the resource is about).
    To(&'static str),
    /// Not at all: about carers, places and things.
    Neutral,
}

/// How a type is tied to the patient; `None` for a type that may not pass at all, as entry or contained. Binary is one of
/// those: nothing in it says whose it is.
pub(super) fn binding(resource_type: &str, fhir: FhirVersion) -> Option<Binding> {
    let shared = shared_binding(resource_type);
    let own = || match fhir {
        FhirVersion::Stu3 => stu3_binding(resource_type),
        FhirVersion::R4 => r4_binding(resource_type),
    };
    shared.or_else(own)
}

/// The types that are tied in the same way in both versions.
fn shared_binding(resource_type: &str) -> Option<Binding> {
    let path = match resource_type {
        "Patient" => return Some(Binding::Patient),
        "Device" | "Endpoint" | "HealthcareService" | "Location" | "Medication" | "Organization" | "Practitioner"
        | "PractitionerRole" | "Substance" => return Some(Binding::Neutral),
        "AllergyIntolerance"
        | "Consent"
        | "DetectedIssue"
        | "EpisodeOfCare"
        | "FamilyMemberHistory"
        | "Immunization"
        | "ImmunizationRecommendation"
        | "NutritionOrder"
        | "RelatedPerson"
        | "SupplyDelivery"
        | "VisionPrescription" => "patient",
        "CarePlan"
        | "CareTeam"
        | "ClinicalImpression"
        | "Communication"
        | "CommunicationRequest"
        | "Composition"
        | "Condition"
        | "DeviceRequest"
        | "DeviceUseStatement"
        | "DiagnosticReport"
        | "DocumentManifest"
        | "DocumentReference"
        | "Encounter"
        | "Flag"
        | "Goal"
        | "List"
        | "Media"
        | "MedicationAdministration"
        | "MedicationDispense"
        | "MedicationRequest"
        | "MedicationStatement"
        | "Observation"
        | "Procedure"
        | "QuestionnaireResponse"
        | "RiskAssessment"
        | "Specimen" => "subject",
        "Appointment" => "participant.actor",
        "Coverage" => "beneficiary",
        "Task" => "for",
        _ => return None,
    };
    Some(Binding::To(path))
}

fn stu3_binding(resource_type: &str) -> Option<Binding> {
    match resource_type {
        "BodySite" | "ImagingManifest" | "ImagingStudy" => Some(Binding::To("patient")),
        "ProcedureRequest" | "ReferralRequest" => Some(Binding::To("subject")),
        _ => None,
    }
}

fn r4_binding(resource_type: &str) -> Option<Binding> {
    match resource_type {
        "BodyStructure" | "ImmunizationEvaluation" => Some(Binding::To("patient")),
        "ImagingStudy" | "ServiceRequest" => Some(Binding::To("subject")),
        _ => None,
    }
}

/// Elements of type Attachment, by the name they have in the resources above and in the data types.
pub(super) const fn is_attachment(element: Name) -> bool {
    const ATTACHMENTS: u64 = Name::Attachment.bit()
        | Name::Content.bit()
        | Name::ContentAttachment.bit()
        | Name::Document.bit()
        | Name::Image.bit()
        | Name::PAttachment.bit()
        | Name::Photo.bit()
        | Name::PresentedForm.bit()
        | Name::SourceAttachment.bit()
        | Name::ValueAttachment.bit();
    element.bit() & ATTACHMENTS != 0
}

/// Whether the strings called `name`, in an element called `parent`, name something rather than say where it is. They
/// are never rewritten. A `questionnaire` is a canonical in R4 and a Reference in STU3, whose string is called `reference`.
pub(super) fn is_canonical(parent: &str, name: &str) -> bool {
    match name {
        "system"
        | "resourceType"
        | "instantiates"
        | "instantiatesCanonical"
        | "instantiatesUri"
        | "questionnaire"
        | "valueCanonical" => true,
        "url" => matches!(parent, "extension" | "modifierExtension"),
        "profile" => parent == "meta",
        _ => false,
    }
}

/// Whether a string called `name` is followed as an address or compared as an identity, so that masking a part of it
/// would point elsewhere.
pub(super) fn is_address(name: &str) -> bool {
    matches!(name, "fullUrl" | "id" | "reference" | "resourceType" | "uri" | "url" | "valueUri" | "valueUrl")
}

/// The characters and length of a logical id (STU3 and R4 2.24.0.1), with the underscore that some systems use.
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| IN_ID.get(usize::from(byte)) == Some(&true))
        && !matches!(text, "." | "..")
}

/// Whether each byte may stand in a logical id.
static IN_ID: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest = table.as_mut_slice();
    let mut byte = 0_u8;
    while let [first, others @ ..] = rest {
        *first = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        byte = byte.wrapping_add(1);
        rest = others;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: [(FhirVersion, &str); 2] = [
        (FhirVersion::Stu3, include_str!("../xml/tables/stu3.txt")),
        (FhirVersion::R4, include_str!("../xml/tables/r4.txt")),
    ];

    /// The JSON names of the elements of type Attachment that a line of a table has.
    fn attachments(line: &str) -> impl Iterator<Item = String> {
        line.split(' ').filter_map(|field| field.split_once(':')).filter_map(|(name, types)| {
            let name = name.trim_end_matches('*');
            let is_one = types.split('|').any(|kind| kind == "Attachment");
            is_one.then(|| name.strip_suffix("[x]").map_or(name.to_owned(), |name| format!("{name}Attachment")))
        })
    }

    /// By the models: of each resource that may pass with all its parts, and of the data types that may stand anywhere.
    #[test]
    fn every_attachment_of_what_may_pass_is_known() {
        let mut found = 0;
        for (fhir, table) in TABLES {
            let lines = || table.lines().filter_map(|line| Some((line.split(' ').next()?, line)));
            let passing: Vec<_> = lines()
                .filter(|(name, line)| line.split(' ').nth(1) == Some("resource") && binding(name, fhir).is_some())
                .map(|(name, _)| name)
                .chain(["Extension", "RelatedArtifact"])
                .collect();
            for (name, line) in lines().filter(|(name, _)| passing.iter().any(|passing| name.starts_with(passing))) {
                for element in attachments(line) {
                    assert!(is_attachment(Name::of(&element)), "{fhir:?} {name}.{element}");
                    found += 1;
                }
            }
        }
        assert!(found > 30, "the tables name {found}");
    }
}
