//! Where a Reference points. A form that this module cannot read is a fault: it might point at somebody else.

use memchr::memchr;

use super::ShapeFault;
use super::outline::Value;
use super::types::is_id;

/// The target of a Reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'t> {
    /// A resource of the HIS.
    Local {
        /// Its type.
        resource_type: &'t str,
        /// Its logical id.
        id: &'t str,
        /// Type, id and version as they stood.
        path: &'t str,
        /// Whether the base of the HIS stood before it.
        absolute: bool,
    },
    /// A resource contained in the same one, by its id.
    Contained(&'t str),
    /// `urn:uuid:` or `urn:oid:`.
    Urn(&'t str),
    /// An absolute URL that is not below the base of the HIS.
    Elsewhere(&'t str),
}

/// Reads the text of a `reference` member.
///
/// # Errors
/// `Unreadable` when it has none of the forms above; `ForeignPatient` for a Patient on another server.
pub(super) fn target<'t>(text: &'t str, his_base: &str) -> Result<Target<'t>, ShapeFault> {
    if let Some(id) = text.strip_prefix('#') {
        return Ok(Target::Contained(id));
    }
    if text.starts_with("urn:uuid:") || text.starts_with("urn:oid:") {
        return Ok(Target::Urn(text));
    }
    if let Some(path) = below(text, his_base) {
        return local(path, true);
    }
    // Nearly all are; one that is holds no colon.
    let local = local(text, false);
    if local.is_ok() || !text.contains("://") {
        return local;
    }
    if text.split(['/', '?', '#']).any(|segment| segment.eq_ignore_ascii_case("Patient")) {
        return Err(ShapeFault::ForeignPatient);
    }
    Ok(Target::Elsewhere(text))
}

/// The resource that a URL outside the base names by its end, `Type/id`
pub(super) fn named_by(url: &str) -> Option<Target<'_>> {
    let (start, id) = url.rsplit_once('/')?;
    let path = url.get(start.rfind('/')? + 1..)?;
    local(path, true).ok().filter(|_| is_id(id))
}

/// What follows the base and its slash.
pub(super) fn below<'t>(text: &'t str, base: &str) -> Option<&'t str> {
    text.strip_prefix(base)?.strip_prefix('/')
}

/// What stands before the first slash, and behind it.
fn split_slash(path: &str) -> (&str, Option<&str>) {
    let slash = memchr(b'/', path.as_bytes());
    slash.and_then(|at| Some((path.get(..at)?, path.get(at + 1..)))).unwrap_or((path, None))
}

/// `Type/id`, or that with `/_history/version`.
fn local(path: &str, absolute: bool) -> Result<Target<'_>, ShapeFault> {
    const UNREADABLE: ShapeFault = ShapeFault::Unreadable { element: "reference" };
    let (resource_type, rest) = split_slash(path);
    let (id, version) = split_slash(rest.unwrap_or_default());
    let is_type = resource_type.starts_with(|first: char| first.is_ascii_uppercase())
        && resource_type.bytes().all(|byte| byte.is_ascii_alphabetic());
    let tail_fits = version.is_none_or(|tail| tail.strip_prefix("_history/").is_some_and(is_id));
    if !(is_type && is_id(id) && tail_fits) {
        return Err(UNREADABLE);
    }
    // A type name in other letters than its own would slip past the comparison below and still be followed by some servers.
    if resource_type != "Patient" && resource_type.eq_ignore_ascii_case("Patient") {
        return Err(UNREADABLE);
    }
    Ok(Target::Local { resource_type, id, path, absolute })
}

/// Whether one of the References at the path is to this patient.
pub(super) fn refers_to_patient(
    resource: Value<'_>,
    path: &str,
    patient_id: &str,
    his_base: &str,
) -> Result<bool, ShapeFault> {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let Some(element) = resource.member(name) else { return Ok(false) };
    for element in std::iter::once(element).chain(element.items()) {
        let found = match rest {
            Some(rest) => refers_to_patient(element, rest, patient_id, his_base)?,
            None => is_patient(element, patient_id, his_base)?,
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_patient(reference: Value<'_>, patient_id: &str, his_base: &str) -> Result<bool, ShapeFault> {
    let Some(text) = reference.member("reference").and_then(Value::string) else { return Ok(false) };
    // Nearly all are written so.
    if text.strip_prefix("Patient/") == Some(patient_id) && is_id(patient_id) {
        return Ok(true);
    }
    let target = target(&text, his_base)?;
    Ok(matches!(target, Target::Local { resource_type: "Patient", id, .. } if id == patient_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://his.example.nl/fhir";

    #[test]
    fn the_four_forms_are_read() {
        let local = |path, absolute| Target::Local { resource_type: "Flag", id: "f-1", path, absolute };
        assert_eq!(target("Flag/f-1", BASE), Ok(local("Flag/f-1", false)));
        assert_eq!(target("Flag/f-1/_history/2", BASE), Ok(local("Flag/f-1/_history/2", false)));
        assert_eq!(target("https://his.example.nl/fhir/Flag/f-1", BASE), Ok(local("Flag/f-1", true)));
        assert_eq!(target("#org", BASE), Ok(Target::Contained("org")));
        assert_eq!(target("urn:oid:1.2", BASE), Ok(Target::Urn("urn:oid:1.2")));
        let elsewhere = "https://his.example.nl/fhirs/Flag/f-1";
        assert_eq!(target(elsewhere, BASE), Ok(Target::Elsewhere(elsewhere)));
    }

    #[test]
    fn a_url_names_a_resource_by_its_end() {
        let flag = Target::Local { resource_type: "Flag", id: "f-1", path: "Flag/f-1", absolute: true };
        assert_eq!(named_by("http://other.example.nl/fhir/Flag/f-1"), Some(flag));
        for url in [
            "http://other.example.nl",
            "http://other.example.nl/Flag",
            "http://other.example.nl/Flag/",
            "http://other.example.nl/flag/1",
            "http://other.example.nl/Flag/f-1/_history/2",
            "http://other.example.nl/Flag/f-1?x=y",
        ] {
            assert_eq!(named_by(url), None, "{url}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "Patient",
            "Patient/",
            "/Patient/1",
            "./Patient/1",
            "../Patient/1",
            "Patient/1/",
            "Patient/1/x",
            "Patient/1?a=b",
            "Patient?identifier=1",
            "Patient/1#a",
            "patient/1",
            "PATIENT/1",
            "Patient%2F1",
            "Patient/..",
            "Patient/1/_history/2/3",
            "Patient/1/_history/",
            "urn:x",
            "javascript:1",
            "Patient//1",
            " Patient/1",
            "fhir/Patient/1",
            "https://his.example.nl/fhir/../Patient/1",
        ] {
            assert_eq!(target(text, BASE), Err(ShapeFault::Unreadable { element: "reference" }), "{text}");
        }
        for text in ["https://other.example.nl/Patient/1", "http://his.example.nl/fhir/patient/1"] {
            assert_eq!(target(text, BASE), Err(ShapeFault::ForeignPatient), "{text}");
        }
    }
}
