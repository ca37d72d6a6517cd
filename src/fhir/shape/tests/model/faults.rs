//! The faults of the model: what may stand nowhere in an answer, whether or not it would leave.

use serde_json::{Map, Value};

use super::words::{Judged, has_host, is_bsn_identifier, is_id};
use super::{Model, text};
use crate::medmij::FhirVersion;

const BY_PATIENT: [&str; 4] = ["AllergyIntolerance", "EpisodeOfCare", "Immunization", "RelatedPerson"];
const BY_SUBJECT: [&str; 8] = [
    "Composition",
    "Condition",
    "DocumentReference",
    "Encounter",
    "Flag",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
];
const SPECIMEN: &str = "Specimen";
const NEUTRAL: [&str; 4] = ["Medication", "Organization", "Practitioner", "Device"];

/// Where a value stands, as far as resources inside resources go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    /// The resource of the entry itself.
    Own,
    /// The list `contained` of that resource, or an item of it.
    Contained,
    Else,
    Frame,
}

/// An OperationOutcome beside the entries may warn or remark, but not say that something is missing.
pub(super) fn check_outcome(outcome: &Value) -> Judged<()> {
    for issue in outcome.get("issue").and_then(Value::as_array).into_iter().flatten() {
        let (severity, code) = (text(issue, "severity"), text(issue, "code"));
        let is_remark = matches!(severity.as_deref(), Some("warning" | "information"));
        let parts = ["incomplete", "timeout", "throttled", "too-costly"];
        if !is_remark || code.is_some_and(|code| parts.contains(&code.as_str())) {
            return Err("failed in part");
        }
    }
    Ok(())
}

impl Model<'_> {
    pub(super) fn check_subject(&self, resource: &Value, kind: &str) -> Judged<()> {
        let is_r4 = self.shaping.record.fhir == FhirVersion::R4;
        if kind == "Appointment" {
            return self.check_participants(resource);
        }
        let name = if BY_PATIENT.contains(&kind) || (kind == "ImagingStudy" && !is_r4) {
            "patient"
        } else if BY_SUBJECT.contains(&kind)
            || kind == SPECIMEN
            || (is_r4 && ["ImagingStudy", "ServiceRequest"].contains(&kind))
            || (!is_r4 && kind == "ProcedureRequest")
        {
            "subject"
        } else if NEUTRAL.contains(&kind) {
            return Ok(());
        } else {
            return Err("type");
        };
        let subject = resource.get(name).and_then(|subject| text(subject, "reference")).ok_or("no subject")?;
        if self.is_patient(&subject) { Ok(()) } else { Err("subject") }
    }

    fn check_participants(&self, resource: &Value) -> Judged<()> {
        let participants = resource.get("participant").and_then(Value::as_array).ok_or("no participants")?;
        let mut actors = participants.iter().filter_map(|it| text(it.get("actor")?, "reference"));
        if actors.any(|actor| self.is_patient(&actor)) { Ok(()) } else { Err("no patient takes part") }
    }

    fn is_patient(&self, reference: &str) -> bool {
        let path = reference.strip_prefix(&format!("{}/", self.shaping.record.his_base)).unwrap_or(reference);
        let ours = format!("Patient/{}", self.shaping.record.patient_id);
        path == ours || path.starts_with(&format!("{ours}/_history/"))
    }

    pub(super) fn check_name(&self, name: &str) -> Judged<()> {
        if self.hide_bsn(name) != name || has_host(name) { Err("name") } else { Ok(()) }
    }

    /// All faults that a value can hold, whether or not it would leave.
    pub(super) fn check(&self, value: &Value, name: &str, parent: &str, inside: Inside) -> Judged<()> {
        match value {
            Value::Array(items) => {
                let inside = if inside == Inside::Own { Inside::Else } else { inside };
                items.iter().try_for_each(|item| self.check(item, name, parent, inside))
            }
            Value::Number(number) if self.hide_bsn(&number.to_string()) != number.to_string() => Err("BSN as number"),
            Value::String(text) => self.check_text(text, name, parent),
            Value::Object(members) => {
                self.check_object(members, inside)?;
                members.iter().try_for_each(|(member, value)| {
                    self.check_name(member)?;
                    let below = match (inside, member.as_str()) {
                        (Inside::Own, "contained") => Inside::Contained,
                        _ => Inside::Else,
                    };
                    self.check(value, member, name, below)
                })
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    pub(super) fn check_text(&self, text: &str, name: &str, parent: &str) -> Judged<()> {
        let addresses = ["fullUrl", "id", "reference", "resourceType", "uri", "url", "valueUri", "valueUrl"];
        if self.hide_bsn(text) != text && addresses.contains(&name) {
            return Err("BSN in address");
        }
        let canonical = ["instantiates", "instantiatesCanonical", "instantiatesUri", "questionnaire", "valueCanonical"];
        let is_canonical = ["system", "resourceType"].contains(&name)
            || canonical.contains(&name)
            || (name == "url" && ["extension", "modifierExtension"].contains(&parent))
            || (name == "profile" && parent == "meta");
        if is_canonical && has_host(text) { Err("host in canonical") } else { Ok(()) }
    }

    pub(super) fn check_object(&self, members: &Map<String, Value>, inside: Inside) -> Judged<()> {
        if let Some(kind) = members.get("resourceType") {
            match inside {
                Inside::Own => {}
                Inside::Contained => {
                    self.check_subject(&Value::Object(members.clone()), kind.as_str().ok_or("type")?)?;
                }
                Inside::Else | Inside::Frame => return Err("resource in an odd place"),
            }
        }
        match members.get("reference") {
            None | Some(Value::Object(_)) => {}
            Some(Value::String(text)) => self.check_reference(text)?,
            Some(_) => return Err("reference"),
        }
        if is_bsn_identifier(members) {
            for name in ["value", "code"] {
                let Some(value) = members.get(name) else { continue };
                let value = value.as_str().ok_or("BSN value")?;
                let digits: String = value.chars().filter(|char| char.is_alphanumeric()).collect();
                let is_ours = digits == self.bsn || (digits.len() == 8 && format!("0{digits}") == self.bsn);
                if value.chars().any(char::is_numeric) && !is_ours {
                    return Err("foreign BSN");
                }
            }
        }
        Ok(())
    }

    pub(super) fn check_reference(&self, text: &str) -> Judged<()> {
        let own = text.strip_prefix(&format!("{}/", self.shaping.record.his_base)).unwrap_or(text);
        if has_host(own) && (!own.contains("://") || own.starts_with('#') || own.starts_with("urn:")) {
            return Err("host in reference");
        }
        if text.starts_with('#') || text.starts_with("urn:uuid:") || text.starts_with("urn:oid:") {
            return Ok(());
        }
        match self.local(text) {
            Some(path) => {
                let segments: Vec<&str> = path.split('/').collect();
                let (kind, id) = match segments[..] {
                    [kind, id] => (kind, id),
                    [kind, id, "_history", version] if is_id(version) => (kind, id),
                    _ => return Err("reference"),
                };
                let is_type =
                    kind.chars().all(|char| char.is_ascii_alphabetic()) && kind.starts_with(char::is_uppercase);
                if !is_type || !is_id(id) || (kind != "Patient" && kind.eq_ignore_ascii_case("patient")) {
                    return Err("reference");
                }
                if kind == "Patient" && id != self.shaping.record.patient_id { Err("foreign") } else { Ok(()) }
            }
            None if text.to_lowercase().split(['/', '?', '#']).any(|part| part == "patient") => Err("foreign"),
            None => Ok(()),
        }
    }
}
