//! What other services than that of the GP record give: appointments, documents and vaccinations.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::super::day::{self, Day};
use super::super::element::Element;
use super::{Resources, day, newest_first, owned};

#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Appointment {
    begins: Option<Timestamp>,
    /// Day and hour, in words.
    pub(in super::super) when: Option<String>,
    pub(in super::super) title: String,
    /// With whom, besides the patient.
    pub(in super::super) with: Vec<String>,
    pub(in super::super) status: Option<&'static str>,
}

#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Document {
    pub(in super::super) title: String,
    pub(in super::super) author: Option<String>,
    pub(in super::super) day: Option<Day>,
    /// The id of the Binary with its PDF.
    pub(in super::super) bytes: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Vaccination {
    pub(in super::super) name: String,
    pub(in super::super) day: Option<Day>,
}

/// Latest first.
pub(super) fn appointments(found: &Resources<'_>) -> Vec<Appointment> {
    let mut appointments: Vec<_> = found.of_type("Appointment").map(appointment).collect();
    appointments.sort_by_key(|appointment| Reverse(appointment.begins));
    appointments
}

fn appointment(found: Element<'_>) -> Appointment {
    let begins = found.text("start").and_then(|start| start.parse().ok());
    let others = found.items("participant").map(|participant| participant.child("actor"));
    let others = others.filter(|actor| !actor.points_at("Patient"));
    let title = found.text("description").or_else(|| found.child("appointmentType").concept());
    Appointment {
        begins,
        when: begins.map(day::moment),
        title: title.unwrap_or("Afspraak").to_owned(),
        with: others.filter_map(|actor| owned(actor.text("display"))).collect(),
        status: found.text("status").and_then(status),
    }
}

/// A code of FHIR's AppointmentStatus, in words.
fn status(code: &str) -> Option<&'static str> {
    match code {
        "proposed" | "pending" => Some("Nog niet bevestigd"),
        "booked" => Some("Gepland"),
        "arrived" => Some("Aanwezig"),
        "fulfilled" => Some("Geweest"),
        "cancelled" => Some("Afgezegd"),
        "noshow" => Some("Niet verschenen"),
        _ => None,
    }
}

pub(super) fn documents(found: &Resources<'_>) -> Vec<Document> {
    newest_first(found.of_type("DocumentReference").map(document).collect(), |document| document.day)
}

fn document(found: Element<'_>) -> Document {
    let attachments = || found.items("content").map(|content| content.child("attachment"));
    let title = found.text("description").or_else(|| attachments().find_map(|attachment| attachment.text("title")));
    Document {
        title: title.or_else(|| found.child("type").concept()).unwrap_or("Document zonder titel").to_owned(),
        author: found.items("author").find_map(|author| owned(author.text("display"))),
        day: day(found, "created").or_else(|| day(found, "indexed")),
        bytes: attachments().find_map(|attachment| attachment.text("url").and_then(binary_id)),
    }
}

/// The id in an address that ends in `Binary/id`; FHIR ids have letters, digits, `-` and `.` only.
fn binary_id(url: &str) -> Option<String> {
    let (before, id) = url.rsplit_once('/')?;
    let of_fhir = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let is_id = (1..=64).contains(&id.len()) && id.bytes().all(of_fhir) && id.bytes().any(|byte| byte != b'.');
    (before.rsplit('/').next() == Some("Binary") && is_id).then(|| id.to_owned())
}

/// Of both FHIR versions.
pub(super) fn vaccinations(found: &Resources<'_>) -> Vec<Vaccination> {
    newest_first(found.of_type("Immunization").map(vaccination).collect(), |vaccination| vaccination.day)
}

fn vaccination(found: Element<'_>) -> Vaccination {
    Vaccination {
        name: found.child("vaccineCode").concept().unwrap_or("Vaccin onbekend").to_owned(),
        day: day(found, "occurrenceDateTime").or_else(|| day(found, "date")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_address_of_a_binary_has_an_id() {
        let id = "his-1.2";
        for url in [format!("Binary/{id}"), format!("https://gp.example/fhir/x/51/stu3/Binary/{id}")] {
            assert_eq!(binary_id(&url).as_deref(), Some(id));
        }
        for url in ["", "Binary/", "Binary/..", "Binary/a?b", "Binary/a%2F", "Patient/1", "a", "Binary/a/_history/1"] {
            assert_eq!(binary_id(url), None, "{url}");
        }
    }
}
