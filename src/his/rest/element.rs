//! The pieces of the resources, with the conventions of the Dutch profiles: every coding has a system and a code, every
//! Reference a display, every identifier a system and a value, every resource a profile.

use super::node::{Member, Node, object};
use super::rows::{Code, Kenmerk, Medewerker, Verwijzing};
use super::value::Id;

pub(super) const ICPC: &str = "http://hl7.org/fhir/sid/icpc-1-nl";
pub(super) const SNOMED: &str = "http://snomed.info/sct";
pub(super) const LOINC: &str = "http://loinc.org";
pub(super) const UCUM: &str = "http://unitsofmeasure.org";
pub(super) const ACT_CODE: &str = "http://hl7.org/fhir/v3/ActCode";
pub(super) const JOURNAL_LINES: &str = "http://fhir.nl/fhir/NamingSystem/journaalregeltypen";
pub(super) const NHG_14: &str = "https://referentiemodel.nhg.org/tabellen/nhg-tabel-14-contactwijze";
pub(super) const NHG_45: &str = "https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen";
/// Prescription code (PRK) of the G-Standaard.
pub(super) const PRK: &str = "urn:oid:2.16.840.1.113883.2.4.4.10";
/// Substance code (SSK) of the G-Standaard.
pub(super) const SSK: &str = "urn:oid:2.16.840.1.113883.2.4.4.1.725";

/// `meta` with a profile of Nictiz or, for those that begin with nl-core, of HL7 Netherlands.
pub(super) fn meta(profile: &str) -> Node {
    let base = if profile.starts_with("nl-core-") { "http://fhir.nl" } else { "http://nictiz.nl" };
    object! { "profile": [Node::Text(format!("{base}/fhir/StructureDefinition/{profile}"))] }
}

pub(super) fn coding(system: &str, code: &str, display: &str) -> Node {
    object! { "system": system, "code": code, "display": display }
}

pub(super) fn concept(system: &str, code: &str, display: &str) -> Node {
    object! { "coding": [coding(system, code, display)] }
}

pub(super) fn concept_of(system: &str, code: &Code) -> Node {
    concept(system, &code.code, &code.naam)
}

pub(super) fn reference(kind: &str, to: &Verwijzing) -> Node {
    refer(kind, &to.id, &to.naam)
}

pub(super) fn refer(kind: &str, id: &Id, display: &str) -> Node {
    object! { "reference": format!("{kind}/{}", id.as_str()), "display": display }
}

/// A carer, with the role in the practice as the Dutch profiles add it.
pub(super) fn carer(who: &Medewerker) -> Node {
    let role = who.rol_id.as_ref().map(|role| refer("PractitionerRole", role, &who.naam));
    let role = role.map(|role| [nictiz("practitionerrole-reference", "valueReference", role)]);
    object! {
        "extension": role,
        "reference": format!("Practitioner/{}", who.id.as_str()),
        "display": &who.naam,
    }
}

pub(super) fn identifiers(kenmerken: &[Kenmerk]) -> Vec<Node> {
    kenmerken.iter().map(identifier).collect()
}

pub(super) fn identifier(kenmerk: &Kenmerk) -> Node {
    object! { "system": &kenmerk.stelsel, "value": &kenmerk.waarde }
}

/// An extension of the Nictiz profiles, named without its base.
pub(super) fn nictiz(name: &str, member: &'static str, value: impl Member) -> Node {
    extension(&format!("http://nictiz.nl/fhir/StructureDefinition/{name}"), member, value)
}

pub(super) fn extension(url: &str, member: &'static str, value: impl Member) -> Node {
    super::node::object_of([("url", url.member()), (member, value.member())])
}

/// The extension that ties a line to its episode.
pub(super) fn in_episode(episode: Option<&Verwijzing>) -> Option<Node> {
    episode.map(|episode| {
        nictiz("extension-context-nl-core-episodeofcare", "valueReference", reference("EpisodeOfCare", episode))
    })
}

/// A period, open where nothing is said; `None` when nothing is said at all.
pub(super) fn period(start: Option<impl Member>, end: Option<impl Member>) -> Option<Node> {
    let (start, end) = (start.member(), end.member());
    (start.is_some() || end.is_some()).then(|| object! { "start": start, "end": end })
}

/// A narrative of plain text.
pub(super) fn narrative(text: &str) -> Node {
    object! { "status": "generated", "div": div(text) }
}

fn div(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{escaped}</div>")
}
