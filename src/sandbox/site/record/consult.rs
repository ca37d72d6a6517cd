//! Consultations: the E and P lines of the reports, with what the contacts say about when, how and with whom.

use std::collections::HashSet;

use super::super::day::Day;
use super::super::element::Element;
use super::care::episode_title;
use super::{Resources, day, newest_first, owned};

/// The code system of ICPC-1-NL.
const ICPC: &str = "http://hl7.org/fhir/sid/icpc-1-nl";
/// The code system of line types.
const LINE_TYPES: &str = "http://fhir.nl/fhir/NamingSystem/journaalregeltypen";

#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Consult {
    pub(in super::super) day: Option<Day>,
    /// Consultation, visit, telephone call …
    pub(in super::super) kind: String,
    pub(in super::super) practitioner: Option<String>,
    pub(in super::super) episode: Option<String>,
    /// Empty for a contact without a report that may be seen.
    pub(in super::super) lines: Vec<Line>,
}

#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Line {
    /// `E`, `P`, or empty for a part that is coded as something else.
    pub(in super::super) letter: String,
    pub(in super::super) name: String,
    pub(in super::super) text: String,
    /// The ICPC code with its meaning.
    pub(in super::super) icpc: Option<String>,
}

/// Every report, and every contact that no report is about.
pub(super) fn read(reports: &Resources<'_>, contacts: &Resources<'_>, episodes: &Resources<'_>) -> Vec<Consult> {
    let reported: HashSet<&str> =
        reports.of_type("Composition").filter_map(|report| report.child("encounter").target()).collect();
    let silent = contacts.of_type("Encounter").filter(|contact| {
        let target = contact.text("id").map(|id| format!("Encounter/{id}"));
        target.is_none_or(|target| !reported.contains(target.as_str()))
    });
    let silent = silent.map(|contact| consult(None, Some(contact), episodes));
    let told = reports
        .of_type("Composition")
        .map(|report| consult(Some(report), contacts.follow(report.child("encounter")), episodes));
    newest_first(told.chain(silent).collect(), |consult| consult.day)
}

fn consult(report: Option<Element<'_>>, contact: Option<Element<'_>>, episodes: &Resources<'_>) -> Consult {
    let author = || report.and_then(|report| report.items("author").find_map(|author| author.text("display")));
    let seen_by = contact.and_then(|contact| {
        contact.items("participant").find_map(|participant| participant.child("individual").text("display"))
    });
    let begun = contact.and_then(|contact| day(contact.child("period"), "start"));
    let kind = contact.and_then(|contact| contact.items("type").find_map(Element::concept));
    let of_contact =
        contact.and_then(|contact| contact.items("episodeOfCare").find_map(|episode| episode_title(episode, episodes)));
    Consult {
        day: report.and_then(|report| day(report, "date")).or(begun),
        kind: kind.unwrap_or("Contact").to_owned(),
        practitioner: owned(seen_by.or_else(author)),
        episode: of_contact.or_else(|| report.and_then(|report| episode_of(report, episodes))),
        lines: report.into_iter().flat_map(|report| report.items("section")).filter_map(line).collect(),
    }
}

fn episode_of(report: Element<'_>, episodes: &Resources<'_>) -> Option<String> {
    let mut entries = report.items("section").flat_map(|section| section.items("entry"));
    entries.find(|entry| entry.points_at("EpisodeOfCare")).and_then(|entry| episode_title(entry, episodes))
}

fn line(section: Element<'_>) -> Option<Line> {
    let code = section.child("code");
    let told =
        || section.items("entry").find(|entry| entry.points_at("Observation")).and_then(|entry| entry.text("display"));
    let text = section.narrative().or_else(|| owned(told()))?;
    let icpc = section.extension("code-icpc-1-nl").child("valueCodeableConcept");
    let icpc = icpc.code_in(ICPC).map(|code| match icpc.concept().filter(|meaning| *meaning != code) {
        Some(meaning) => format!("{code} {meaning}"),
        None => code.to_owned(),
    });
    let name = code.concept().or_else(|| section.text("title")).unwrap_or("Verslag");
    Some(Line { letter: code.code_in(LINE_TYPES).unwrap_or_default().to_owned(), name: name.to_owned(), text, icpc })
}
