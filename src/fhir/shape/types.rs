//! What the shaper knows of FHIR STU3: which resource types belong to a patient, and which places mean what.

/// How a resource type is tied to the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding {
    /// The Patient itself.
    Patient,
    /// By a reference at one of these paths, dots between the names (STU3 CompartmentDefinition "patient", narrowed to
    /// the elements that say whom the resource is about).
    To(&'static [&'static str]),
    /// Not at all: about carers, places and things.
    Neutral,
}

/// How a type is tied to the patient; `None` for a type that may not pass at all.
pub(super) fn binding(resource_type: &str) -> Option<Binding> {
    let paths: &'static [&'static str] = match resource_type {
        "Patient" => return Some(Binding::Patient),
        "Device" | "Endpoint" | "HealthcareService" | "Location" | "Medication" | "Organization" | "Practitioner"
        | "PractitionerRole" | "Substance" => return Some(Binding::Neutral),
        "AllergyIntolerance"
        | "BodySite"
        | "Consent"
        | "DetectedIssue"
        | "EpisodeOfCare"
        | "FamilyMemberHistory"
        | "ImagingManifest"
        | "ImagingStudy"
        | "Immunization"
        | "ImmunizationRecommendation"
        | "NutritionOrder"
        | "RelatedPerson"
        | "SupplyDelivery"
        | "VisionPrescription" => &["patient"],
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
        | "ProcedureRequest"
        | "QuestionnaireResponse"
        | "ReferralRequest"
        | "RiskAssessment"
        | "Specimen" => &["subject"],
        "Appointment" => &["participant.actor"],
        "Coverage" => &["beneficiary"],
        "Task" => &["for"],
        _ => return None,
    };
    Some(Binding::To(paths))
}

/// Elements of type Attachment, by the name they have in the resources above.
pub(super) fn is_attachment(element: &str) -> bool {
    matches!(
        element,
        "attachment"
            | "content"
            | "contentAttachment"
            | "image"
            | "photo"
            | "presentedForm"
            | "sourceAttachment"
            | "valueAttachment"
    )
}

/// Whether the strings called `name`, in an element called `parent`, name something rather than say where it is. They
/// are never rewritten.
pub(super) fn is_canonical(parent: &str, name: &str) -> bool {
    match name {
        "system" | "resourceType" | "instantiates" => true,
        "url" => matches!(parent, "extension" | "modifierExtension"),
        "profile" => parent == "meta",
        _ => false,
    }
}

/// Whether a string called `name` is followed as an address or compared as an identity, so that masking a part of it
/// would point elsewhere.
pub(super) fn is_address(name: &str) -> bool {
    matches!(name, "fullUrl" | "id" | "reference" | "resourceType" | "uri" | "url" | "valueUri")
}

/// The characters and length of a logical id (STU3 2.24.0.1), with the underscore that some systems use.
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        && !matches!(text, "." | "..")
}
