//! The person, from Patient and what it includes.

use jiff::civil::Date;

use super::super::day::Day;
use super::super::element::Element;
use super::{Resources, day, owned};
use crate::medmij::Bsn;

#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Person {
    pub(in super::super) name: String,
    pub(in super::super) birth_date: Option<Day>,
    /// In years, today.
    pub(in super::super) age: Option<i16>,
    pub(in super::super) gender: Option<&'static str>,
    pub(in super::super) address: Option<String>,
    pub(in super::super) practitioner: Option<String>,
    pub(in super::super) practice: Option<String>,
    pub(in super::super) bsn: BsnShown,
}

/// What the record says about the BSN.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum BsnShown {
    Absent,
    /// Its place is kept, its digits are not.
    Masked,
    /// The digits are there, which the gateway should have prevented; they are not repeated here.
    Exposed,
}

pub(super) fn read(found: &Resources<'_>, today: Date) -> Vec<Person> {
    found.of_type("Patient").map(|patient| person(patient, found, today)).collect()
}

fn person(patient: Element<'_>, found: &Resources<'_>, today: Date) -> Person {
    let birth_date = day(patient, "birthDate");
    let practitioner = patient.items("generalPractitioner").find_map(|reference| {
        let included = || found.follow(reference).and_then(|practitioner| name(practitioner));
        owned(reference.text("display")).or_else(included)
    });
    Person {
        name: name(patient).unwrap_or_else(|| "Naam onbekend".to_owned()),
        birth_date,
        age: birth_date.and_then(|born| born.years_until(today)),
        gender: gender(patient.text("gender")),
        address: patient.items("address").find_map(address),
        practitioner,
        practice: owned(patient.child("managingOrganization").text("display")),
        bsn: bsn(patient),
    }
}

/// The first HumanName that says something.
fn name(named: Element<'_>) -> Option<String> {
    named.items("name").find_map(|name| {
        let built = format!("{} {}", texts(name, "given"), name.text("family").unwrap_or_default());
        let built = built.trim();
        owned(name.text("text")).or_else(|| (!built.is_empty()).then(|| built.to_owned()))
    })
}

fn texts(element: Element<'_>, name: &str) -> String {
    element.items(name).filter_map(Element::as_text).collect::<Vec<_>>().join(" ")
}

fn gender(code: Option<&str>) -> Option<&'static str> {
    match code? {
        "female" => Some("vrouw"),
        "male" => Some("man"),
        "other" => Some("anders"),
        _ => None,
    }
}

fn address(address: Element<'_>) -> Option<String> {
    let city = [address.text("postalCode"), address.text("city")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let parts: Vec<String> = [texts(address, "line"), city].into_iter().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn bsn(patient: Element<'_>) -> BsnShown {
    let mut identifiers =
        patient.items("identifier").filter(|identifier| identifier.text("system") == Some(Bsn::SYSTEM));
    identifiers.next().map_or(BsnShown::Absent, |identifier| {
        if identifier.text("value").is_some() { BsnShown::Exposed } else { BsnShown::Masked }
    })
}
