//! Episodes, attention flags, contacts, and the reports made of their journal lines.

use std::collections::HashMap;

use super::Resource;
use super::person::subject;
use crate::his::rest::element::{
    ACT_CODE, ICPC, JOURNAL_LINES, LOINC, NHG_14, SNOMED, carer, coding, concept, concept_of, extension, identifier,
    identifiers, narrative, nictiz, period, refer, reference,
};
use crate::his::rest::node::{Node, object};
use crate::his::rest::rows::{Attentie, Code, Contact, Episode, EpisodeStatus, Journaalregel, Verslag, Verwijzing};
use crate::his::rest::value::{Day, Id};

/// nl-core-episodeofcare.
pub(in crate::his::rest) fn episode(row: &Episode) -> Resource {
    let diagnosis = row.probleem.as_ref().map(|problem| [object! { "condition": reference("Condition", problem) }]);
    let members = object! {
        "extension": [nictiz("EpisodeOfCare-Title", "valueString", &row.titel)],
        "identifier": identifiers(&row.kenmerken),
        "status": match row.status {
            EpisodeStatus::Actief => "active",
            EpisodeStatus::Afgesloten => "finished",
            EpisodeStatus::Vervallen => "entered-in-error",
        },
        "type": [concept(SNOMED, "64572001", "aandoening")],
        "diagnosis": diagnosis,
        "patient": subject(&row.patient),
        "managingOrganization": row.praktijk.as_ref().map(|practice| reference("Organization", practice)),
        "period": period(row.begin, row.eind),
        "careManager": row.regiebehandelaar.as_ref().map(carer),
    };
    Resource::new("EpisodeOfCare", &row.id, "nl-core-episodeofcare", &format!("Episode: {}", row.titel), members)
}

/// zib-Alert.
pub(in crate::his::rest) fn flag(row: &Attentie) -> Resource {
    let about = row.episode.as_ref().map(|episode| {
        let url = "http://hl7.org/fhir/StructureDefinition/flag-detail";
        [extension(url, "valueReference", reference("EpisodeOfCare", episode))]
    });
    let code = row.icpc.as_ref().map(|icpc| [coding(ICPC, &icpc.code, &icpc.naam)]);
    let members = object! {
        "extension": about,
        "identifier": identifiers(&row.kenmerken),
        "status": if row.actief { "active" } else { "inactive" },
        "category": concept(LOINC, "74018-3", "waarschuwing"),
        "code": object! { "coding": code, "text": &row.tekst },
        "subject": subject(&row.patient),
        "period": period(row.begin, None::<Day>),
        "author": row.medewerker.as_ref().map(carer),
    };
    Resource::new("Flag", &row.id, "zib-Alert", &format!("Let op: {}", row.tekst), members)
}

/// gp-Encounter.
pub(in crate::his::rest) fn encounter(row: &Contact) -> Resource {
    let episodes: Vec<Node> = row.episodes.iter().map(|episode| reference("EpisodeOfCare", episode)).collect();
    let members = object! {
        "identifier": identifiers(&row.kenmerken),
        "status": "finished",
        "class": class(&row.contactwijze),
        "type": [concept_of(NHG_14, &row.contactwijze)],
        "subject": subject(&row.patient),
        "episodeOfCare": episodes,
        "participant": [object! { "individual": carer(&row.medewerker) }],
        "period": period(Some(&row.begin), row.eind.as_ref()),
        "serviceProvider": row.praktijk.as_ref().map(|practice| reference("Organization", practice)),
    };
    Resource::new("Encounter", &row.id, "gp-Encounter", &row.omschrijving, members)
}

/// Where patient and carer met. Of a way that is not known, the class is not known either; its type says more.
fn class(way: &Code) -> Node {
    match way.code.as_str() {
        "03" => coding(ACT_CODE, "AMB", "ambulatory"),
        "02" => coding(ACT_CODE, "HH", "home health"),
        "04" | "06" => coding(ACT_CODE, "VR", "virtual"),
        _ => coding("http://hl7.org/fhir/v3/NullFlavor", "UNK", "unknown"),
    }
}

/// Reports, and whether one had to be left out because lines of it are missing.
#[derive(Debug, Default)]
pub(in crate::his::rest) struct Reports {
    pub(in crate::his::rest) found: Vec<Resource>,
    pub(in crate::his::rest) left_out: bool,
}

/// gp-EncounterReport of each contact that has a report, from the lines that name the contact.
pub(in crate::his::rest) fn reports(patient: &Id, contacts: &[Contact], lines: &[Journaalregel]) -> Reports {
    let mut of_contact: HashMap<&Id, Vec<&Journaalregel>> = HashMap::new();
    for line in lines {
        of_contact.entry(&line.contact_id).or_default().push(line);
    }
    let mut reports = Reports::default();
    for contact in contacts {
        let lines = of_contact.remove(&contact.id).unwrap_or_default();
        let named = std::iter::once(&contact.patient).chain(lines.iter().map(|line| &line.patient));
        reports.found.extend(named.filter(|named| named.id != *patient).map(|foreign| stray(&contact.id, foreign)));
        match &contact.verslag {
            Some(report) if report.aantal_regels == lines.len() => {
                reports.found.push(composition(contact, report, &lines));
            }
            Some(_) => reports.left_out = true,
            None => reports.left_out |= !lines.is_empty(),
        }
    }
    // Lines of contacts that did not come: their reports are missing.
    reports.left_out |= !of_contact.is_empty();
    let strays = of_contact.into_values().flatten().filter(|line| line.patient.id != *patient);
    reports.found.extend(strays.map(|line| stray(&line.id, &line.patient)));
    reports
}

fn composition(contact: &Contact, report: &Verslag, lines: &[&Journaalregel]) -> Resource {
    let sections: Vec<Node> = lines.iter().map(|line| section(line)).collect();
    let members = object! {
        "identifier": report.kenmerken.first().map(identifier),
        "status": "final",
        "type": report_type(),
        "subject": subject(&contact.patient),
        "encounter": refer("Encounter", &contact.id, &contact.omschrijving),
        "date": &contact.begin,
        "author": [carer(&contact.medewerker)],
        "title": &report.titel,
        "section": sections,
    };
    Resource::new("Composition", &report.id, "gp-EncounterReport", &report.titel, members)
}

/// A row of another patient: whose it is without what it says, so that the shaping refuses the whole answer, as it does for a
/// foreign entry of a FHIR server. In a report of this patient nobody would see it.
fn stray(id: &Id, whose: &Verwijzing) -> Resource {
    let members = object! { "status": "final", "type": report_type(), "subject": subject(whose) };
    Resource::new("Composition", id, "gp-EncounterReport", "Contactverslag", members)
}

fn report_type() -> Node {
    concept(LOINC, "67781-5", "Summarization of encounter note Narrative")
}

fn section(line: &Journaalregel) -> Node {
    let observation = refer("Observation", &line.id, &line.tekst);
    let episode = line.episode.as_ref().map(|episode| reference("EpisodeOfCare", episode));
    let diagnosis = line.icpc.as_ref().map(|icpc| object! { "coding": [coding(ICPC, &icpc.code, &icpc.naam)] });
    object! {
        "extension": diagnosis.map(|diagnosis| [nictiz("code-icpc-1-nl", "valueCodeableConcept", diagnosis)]),
        "code": concept_of(JOURNAL_LINES, &line.soort),
        "text": narrative(&line.tekst),
        "entry": std::iter::once(observation).chain(episode).collect::<Vec<_>>(),
    }
}
