//! Episodes with their problems and flags, and contacts with their reports and journal lines.

use serde_json::{Value, json};

use super::Record;
use super::element::{
    ICPC, JOURNAL_LINES, LOINC, NHG_14, SNOMED, coding, concept, div, extension, period, reference, resource, with,
};
use super::people::organization_reference;
use super::story::{Consult, Episode, How};

/// Part of an id for something of the contact with this number.
fn contact_part(what: &str, number: usize) -> String {
    format!("c{number}-{what}")
}

/// The Encounter of a day, when there was one.
pub(super) fn encounter_on(record: &Record<'_>, day: i32) -> Option<Value> {
    let (number, consult) = (1..).zip(&record.person.consult).find(|(_, consult)| consult.day == day)?;
    Some(encounter_reference(record, number, consult))
}

pub(super) fn resources(record: &Record<'_>) -> Vec<Value> {
    let mut resources = Vec::new();
    for episode in &record.person.episode {
        resources.extend([condition(record, episode), episode_of_care(record, episode)]);
        resources.extend(episode.flag.as_ref().map(|text| flag(record, episode, text)));
    }
    for (number, consult) in (1..).zip(&record.person.consult) {
        let contact = Contact { record, number, consult };
        resources.extend([contact.encounter(), contact.composition()]);
        resources.extend(contact.lines().iter().map(|line| contact.observation(line)));
    }
    resources
}

fn condition(record: &Record<'_>, episode: &Episode) -> Value {
    let id = record.id(&record.episode_part("probleem", &episode.icpc));
    let (status, code, display) =
        if episode.to.is_some() { ("inactive", "73425007", "Niet actueel") } else { ("active", "55561003", "Actueel") };
    let status_code =
        extension("code-specification", "valueCodeableConcept", json!({"coding": [coding(SNOMED, code, display)]}));
    with(
        resource("Condition", &id, "zib-Problem", &episode.title),
        json!({
            "identifier": [record.identifier(&id)],
            "clinicalStatus": status,
            "_clinicalStatus": {"extension": [status_code]},
            "category": [concept(SNOMED, "282291009", "Diagnose")],
            "code": concept(ICPC, &episode.icpc, &episode.name),
            "subject": record.subject(),
            "onsetDateTime": record.date(episode.from),
            "abatementDateTime": episode.to.map(|day| record.date(day)),
            "asserter": record.gp(),
        }),
    )
}

fn episode_of_care(record: &Record<'_>, episode: &Episode) -> Value {
    let id = record.id(&record.episode_part("episode", &episode.icpc));
    let title = extension("EpisodeOfCare-Title", "valueString", json!(episode.title));
    let condition = record.id(&record.episode_part("probleem", &episode.icpc));
    with(
        resource("EpisodeOfCare", &id, "nl-core-episodeofcare", &format!("Episode: {}", episode.title)),
        json!({
            "extension": [title],
            "identifier": [record.identifier(&id)],
            "status": if episode.to.is_some() { "finished" } else { "active" },
            "type": [concept(SNOMED, "64572001", "aandoening")],
            "diagnosis": [{"condition": reference("Condition", &condition, &episode.title)}],
            "patient": record.subject(),
            "managingOrganization": organization_reference(record.story),
            "period": period(&record.date(episode.from), episode.to.map(|day| record.date(day)).as_deref()),
            "careManager": record.gp(),
        }),
    )
}

fn flag(record: &Record<'_>, episode: &Episode, text: &str) -> Value {
    let id = record.id(&record.episode_part("attentie", &episode.icpc));
    let episode_id = record.id(&record.episode_part("episode", &episode.icpc));
    let detail = json!({"url": "http://hl7.org/fhir/StructureDefinition/flag-detail",
        "valueReference": reference("EpisodeOfCare", &episode_id, &episode.title)});
    with(
        resource("Flag", &id, "zib-Alert", &format!("Let op: {text}")),
        json!({
            "extension": [detail],
            "identifier": [record.identifier(&id)],
            "status": "active",
            "category": concept(LOINC, "74018-3", "waarschuwing"),
            "code": {"coding": [coding(ICPC, &episode.icpc, &episode.name)], "text": text},
            "subject": record.subject(),
            "period": period(&record.date(episode.from), None),
            "author": record.gp(),
        }),
    )
}

fn encounter_reference(record: &Record<'_>, number: usize, consult: &Consult) -> Value {
    let display = format!("{} op {}", how(consult.how).type_name, record.date(consult.day));
    reference("Encounter", &record.id(&contact_part("contact", number)), &display)
}

/// Codes of a way of contact. Of NHG table 14 only 03 is known from data; the others are our own choice.
struct HowCodes {
    class: (&'static str, &'static str),
    type_code: &'static str,
    type_name: &'static str,
}

const fn how(how: How) -> HowCodes {
    match how {
        How::Consult => HowCodes { class: ("AMB", "ambulatory"), type_code: "03", type_name: "Consult" },
        How::Visite => HowCodes { class: ("HH", "home health"), type_code: "02", type_name: "Visite" },
        How::Telefonisch => HowCodes { class: ("VR", "virtual"), type_code: "04", type_name: "Telefonisch consult" },
        How::EConsult => HowCodes { class: ("VR", "virtual"), type_code: "06", type_name: "E-consult" },
    }
}

/// A journal line of a contact.
struct Line<'a> {
    code: &'static str,
    name: &'static str,
    text: &'a str,
}

struct Contact<'a> {
    record: &'a Record<'a>,
    number: usize,
    consult: &'a Consult,
}

impl Contact<'_> {
    fn lines(&self) -> [Line<'_>; 4] {
        [
            Line { code: "S", name: "Subjectief", text: &self.consult.s },
            Line { code: "O", name: "Objectief", text: &self.consult.o },
            Line { code: "E", name: "Evaluatie", text: &self.consult.e },
            Line { code: "P", name: "Plan", text: &self.consult.p },
        ]
    }

    fn id(&self, what: &str) -> String {
        self.record.id(&contact_part(what, self.number))
    }

    fn line_id(&self, line: &Line<'_>) -> String {
        self.id(&format!("regel-{}", line.code.to_lowercase()))
    }

    /// The diagnosis of the contact, as an ICPC coding.
    fn icpc(&self) -> Option<Value> {
        let episode = self.record.person.episode.iter().find(|episode| episode.icpc == self.consult.episode)?;
        Some(coding(ICPC, &episode.icpc, &episode.name))
    }

    fn encounter(&self) -> Value {
        let (record, id, codes) = (self.record, self.id("contact"), how(self.consult.how));
        let date = record.date(self.consult.day);
        with(
            resource("Encounter", &id, "gp-Encounter", &format!("{} op {date}", codes.type_name)),
            json!({
                "identifier": [record.identifier(&id)],
                "status": "finished",
                "class": coding("http://hl7.org/fhir/v3/ActCode", codes.class.0, codes.class.1),
                "type": [concept(NHG_14, codes.type_code, codes.type_name)],
                "subject": record.subject(),
                "episodeOfCare": record.episode_reference(&self.consult.episode).map(|episode| [episode]),
                "participant": [{"individual": record.gp()}],
                "period": period(&date, Some(&date)),
                "serviceProvider": organization_reference(record.story),
            }),
        )
    }

    /// The report of the contact. Its narrative holds the S line, as real ones do.
    fn composition(&self) -> Value {
        let (record, id) = (self.record, self.id("verslag"));
        let date = record.date(self.consult.day);
        let narrative = format!("Contactverslag van {date}. S: {} E: {}", self.consult.s, self.consult.e);
        let sections: Vec<Value> = self.lines().iter().map(|line| self.section(line)).collect();
        with(
            resource("Composition", &id, "gp-EncounterReport", &narrative),
            json!({
                "identifier": record.identifier(&id),
                "status": "final",
                "type": concept(LOINC, "67781-5", "Summarization of encounter note Narrative"),
                "subject": record.subject(),
                "encounter": encounter_reference(record, self.number, self.consult),
                "date": date,
                "author": [record.gp()],
                "title": format!("Contactverslag van {date}"),
                "section": sections,
            }),
        )
    }

    fn section(&self, line: &Line<'_>) -> Value {
        let entry = reference("Observation", &self.line_id(line), line.text);
        let entries: Vec<Value> =
            std::iter::once(entry).chain(self.record.episode_reference(&self.consult.episode)).collect();
        let diagnosis = self
            .icpc()
            .filter(|_| line.code == "E")
            .map(|icpc| [extension("code-icpc-1-nl", "valueCodeableConcept", json!({"coding": [icpc]}))]);
        with(
            json!({
                "code": concept(JOURNAL_LINES, line.code, line.name),
                "text": {"status": "generated", "div": div(line.text)},
                "entry": entries,
            }),
            json!({"extension": diagnosis}),
        )
    }

    /// The journal line as a resource of its own; the E line carries the diagnosis.
    fn observation(&self, line: &Line<'_>) -> Value {
        let (record, id) = (self.record, self.line_id(line));
        let diagnosis = self.icpc().filter(|_| line.code == "E").map(|icpc| {
            [json!({"code": concept("http://hl7.org/fhir/v3/ActCode", "DISDX", "discharge diagnosis"),
                "valueCodeableConcept": {"coding": [icpc]}})]
        });
        with(
            resource("Observation", &id, "gp-JournalEntry", &format!("{}: {}", line.name, line.text)),
            json!({
                "extension": record.episode_extension(&self.consult.episode).map(|extension| [extension]),
                "identifier": [record.identifier(&id)],
                "status": "final",
                "code": concept(JOURNAL_LINES, line.code, line.name),
                "subject": record.subject(),
                "context": encounter_reference(record, self.number, self.consult),
                "effectiveDateTime": record.date(self.consult.day),
                "performer": [record.gp()],
                "valueString": line.text,
                "component": diagnosis,
            }),
        )
    }
}
