//! Episodes, medicines and intolerances.

use super::super::day::Day;
use super::super::element::Element;
use super::{Resources, day, newest_first, owned};

#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Episode {
    pub(in super::super) title: String,
    /// The diagnosis, when it says something else than the title.
    pub(in super::super) diagnosis: Option<String>,
    pub(in super::super) since: Option<Day>,
    pub(in super::super) until: Option<Day>,
    pub(in super::super) practitioner: Option<String>,
    /// Closed episodes are given under an attention flag only.
    pub(in super::super) closed: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Medicine {
    pub(in super::super) name: String,
    pub(in super::super) dose: Vec<String>,
    pub(in super::super) reason: Option<String>,
    pub(in super::super) since: Option<Day>,
    pub(in super::super) until: Option<Day>,
    pub(in super::super) prescriber: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Intolerance {
    pub(in super::super) substance: String,
    pub(in super::super) reactions: Vec<String>,
    pub(in super::super) since: Option<Day>,
}

/// Current ones first.
pub(super) fn episodes(found: &Resources<'_>) -> Vec<Episode> {
    let mut episodes = newest_first(found.of_type("EpisodeOfCare").map(episode).collect(), |episode| episode.since);
    episodes.sort_by_key(|episode| episode.closed);
    episodes
}

fn episode(episode: Element<'_>) -> Episode {
    let (title, diagnosis) = (title(episode), diagnosis(episode));
    let period = episode.child("period");
    Episode {
        title: title.unwrap_or("Episode zonder titel").to_owned(),
        diagnosis: owned(diagnosis.filter(|diagnosis| Some(*diagnosis) != title)),
        since: day(period, "start"),
        until: day(period, "end"),
        practitioner: owned(episode.child("careManager").text("display")),
        closed: episode.text("status") == Some("finished"),
    }
}

fn diagnosis(episode: Element<'_>) -> Option<&str> {
    episode.items("diagnosis").find_map(|diagnosis| diagnosis.child("condition").text("display"))
}

fn title(episode: Element<'_>) -> Option<&str> {
    let kind = || episode.items("type").find_map(Element::concept);
    episode.extension("EpisodeOfCare-Title").text("valueString").or_else(|| diagnosis(episode)).or_else(kind)
}

/// What the episode that a Reference points at is about. The Reference itself does not tell: the episode may be one that is
/// not shown.
pub(super) fn episode_title(reference: Element<'_>, episodes: &Resources<'_>) -> Option<String> {
    episodes.follow(reference).and_then(title).map(str::to_owned)
}

pub(super) fn medicines(found: &Resources<'_>, episodes: &Resources<'_>) -> Vec<Medicine> {
    let medicines = found.of_type("MedicationRequest").map(|request| medicine(request, found, episodes));
    newest_first(medicines.collect(), |medicine| medicine.since)
}

fn medicine(request: Element<'_>, found: &Resources<'_>, episodes: &Resources<'_>) -> Medicine {
    let reference = request.child("medicationReference");
    let included = || found.follow(reference).and_then(|medication| medication.child("code").concept());
    let name =
        reference.text("display").or_else(included).or_else(|| request.child("medicationCodeableConcept").concept());
    let period = request.extension("zib-Medication-PeriodOfUse").child("valuePeriod");
    let episode = request.extension("extension-context-nl-core-episodeofcare").child("valueReference");
    Medicine {
        name: name.unwrap_or("Medicijn zonder naam").to_owned(),
        dose: request.items("dosageInstruction").filter_map(|dosage| owned(dosage.text("text"))).collect(),
        reason: episode_title(episode, episodes),
        since: day(period, "start").or_else(|| day(request, "authoredOn")),
        until: day(period, "end"),
        prescriber: owned(request.child("requester").child("agent").text("display")),
    }
}

pub(super) fn intolerances(found: &Resources<'_>) -> Vec<Intolerance> {
    newest_first(found.of_type("AllergyIntolerance").map(intolerance).collect(), |found| found.since)
}

fn intolerance(allergy: Element<'_>) -> Intolerance {
    let manifestations = allergy.items("reaction").flat_map(|reaction| reaction.items("manifestation"));
    Intolerance {
        substance: allergy.child("code").concept().unwrap_or("Stof onbekend").to_owned(),
        reactions: manifestations.filter_map(|manifestation| owned(manifestation.concept())).collect(),
        since: day(allergy, "onsetDateTime").or_else(|| day(allergy, "assertedDate")),
    }
}
