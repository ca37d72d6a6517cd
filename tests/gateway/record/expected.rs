//! What the guideline lets a patient see, computed a second time: plainly, from the records that the HIS was given.

use inzage::sandbox::records::Practice;
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::{Value, json};

const NHG_45: &str = "https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen";
const PRESCRIBED: &str = "16076005";
const REPORT: &str = "67781-5";

/// What an answer must hold, no more and no less.
pub(super) struct Expected {
    pub(super) matches: Vec<Value>,
    pub(super) includes: Vec<Value>,
}

/// The record of one patient, as the HIS has it.
pub(super) struct Record<'a> {
    practice: &'a Practice,
    patient: &'a Value,
    today: Date,
}

impl<'a> Record<'a> {
    pub(super) fn of(practice: &'a Practice, bsn: &str, today: Date) -> Self {
        let is_them = |resource: &&Value| {
            resource["resourceType"] == "Patient" && items(&resource["identifier"]).any(|it| it["value"] == bsn)
        };
        Self { practice, patient: practice.resources.iter().find(is_them).unwrap(), today }
    }

    pub(super) fn reference(&self) -> String {
        path(self.patient)
    }

    /// What the search for this type shows.
    pub(super) fn search(&self, kind: &str) -> Expected {
        let mut expected = self.shown(kind);
        if kind != "EpisodeOfCare" {
            expected.matches.iter_mut().chain(&mut expected.includes).for_each(rename_episodes);
        }
        expected
    }

    fn shown(&self, kind: &str) -> Expected {
        match kind {
            "Patient" => Expected {
                matches: vec![masked(self.patient)],
                includes: self.targets([self.patient], &["/generalPractitioner/0"]),
            },
            "EpisodeOfCare" => self.alone(self.of_type(kind).filter(|it| self.is_open_or_flagged(it))),
            "MedicationRequest" => {
                let shown: Vec<_> = self.of_type(kind).filter(|it| self.is_in_use(it)).collect();
                let includes = self.targets(shown.iter().copied(), &["/medicationReference"]);
                Expected { includes, ..self.alone(shown) }
            }
            "AllergyIntolerance" => self
                .alone(self.of_type(kind).filter(|it| items(&it["category"]).any(|category| category == "medication"))),
            "Observation" => {
                let shown: Vec<_> = self.of_type(kind).filter(|it| self.is_result(it) && self.is_recent(it)).collect();
                let includes = self.targets(shown.iter().copied(), &["/related/0/target", "/specimen"]);
                let others = includes.into_iter().filter(|it| !shown.contains(&it)).collect();
                Expected { includes: others, ..self.alone(shown) }
            }
            "Composition" => {
                let since =
                    |it: &&Value| has_code(&it["type"], REPORT) && day(&it["date"]) >= self.practice.access_start;
                Expected { matches: self.of_type(kind).filter(since).map(open_report).collect(), includes: Vec::new() }
            }
            "Encounter" => self.alone(self.of_type(kind)),
            other => panic!("no search for {other}"),
        }
    }

    /// The titles of their closed episodes without attention flag.
    pub(super) fn hidden_titles(&self) -> Vec<String> {
        let hidden = self.of_type("EpisodeOfCare").filter(|it| !self.is_open_or_flagged(it));
        let extensions = hidden.flat_map(|it| items(&it["extension"]));
        extensions.filter_map(|it| it["valueString"].as_str()).map(str::to_owned).collect()
    }

    /// Their resources of a type.
    pub(super) fn of_type(&self, kind: &str) -> impl Iterator<Item = &'a Value> {
        let (kind, them) = (kind.to_owned(), self.reference());
        self.practice.resources.iter().filter(move |resource| {
            let about = [&resource["subject"]["reference"], &resource["patient"]["reference"]];
            resource["resourceType"] == kind.as_str() && about.into_iter().any(|reference| *reference == them.as_str())
        })
    }

    pub(super) fn is_result(&self, observation: &Value) -> bool {
        items(&observation["code"]["coding"]).any(|coding| coding["system"] == NHG_45)
    }

    pub(super) fn is_recent(&self, observation: &Value) -> bool {
        day(&observation["effectiveDateTime"]) >= self.today.checked_sub(14.months()).unwrap()
    }

    pub(super) fn is_open_or_flagged(&self, episode: &Value) -> bool {
        let named = path(episode);
        let names =
            |flag: &Value| items(&flag["extension"]).any(|it| it["valueReference"]["reference"] == named.as_str());
        episode["status"] == "active" || self.of_type("Flag").any(|flag| flag["status"] == "active" && names(flag))
    }

    pub(super) fn is_in_use(&self, request: &Value) -> bool {
        let url = "http://nictiz.nl/fhir/StructureDefinition/zib-Medication-PeriodOfUse";
        let period = items(&request["extension"]).find(|it| it["url"] == url).unwrap();
        let end = &period["valuePeriod"]["end"];
        has_code(&request["category"], PRESCRIBED) && (end.is_null() || day(end) >= self.today)
    }

    fn alone(&self, matches: impl IntoIterator<Item = &'a Value>) -> Expected {
        Expected { matches: matches.into_iter().cloned().collect(), includes: Vec::new() }
    }

    /// What these resources refer to, each once.
    fn targets(&self, from: impl IntoIterator<Item = &'a Value>, pointers: &[&str]) -> Vec<Value> {
        let mut found: Vec<Value> = Vec::new();
        for resource in from {
            for reference in pointers.iter().filter_map(|pointer| resource.pointer(pointer)) {
                let target = self.practice.resources.iter().find(|it| reference["reference"] == path(it).as_str());
                found.extend(target.filter(|it| !found.contains(it)).cloned());
            }
        }
        found
    }
}

/// `Type/id`.
pub(super) fn path(resource: &Value) -> String {
    format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap())
}

/// The items of a list, or none.
pub(super) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The day of a FHIR date.
pub(super) fn day(value: &Value) -> Date {
    value.as_str().unwrap().parse().unwrap()
}

pub(super) fn has_code(concept: &Value, code: &str) -> bool {
    items(&concept["coding"]).any(|coding| coding["code"] == code)
}

/// The Patient without the BSN: the number is told to be masked, the rest stays.
fn masked(patient: &Value) -> Value {
    let mut patient = patient.clone();
    for identifier in patient["identifier"].as_array_mut().unwrap() {
        if identifier["system"] == inzage::medmij::Bsn::SYSTEM {
            let reason =
                json!({"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"});
            identifier.as_object_mut().unwrap().remove("value").unwrap();
            identifier["_value"] = json!({"extension": [reason]});
        }
    }
    patient
}

/// The report with its E and P sections, and without the narrative, which holds the S line.
fn open_report(composition: &Value) -> Value {
    let mut report = composition.clone();
    report.as_object_mut().unwrap().remove("text").unwrap();
    let sections = report["section"].as_array_mut().unwrap();
    sections.retain(|section| has_code(&section["code"], "E") || has_code(&section["code"], "P"));
    assert_eq!(sections.len(), 2);
    report
}

/// Outside their own search, References to episodes do not say what they are about: one may be hidden.
fn rename_episodes(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(rename_episodes),
        Value::Object(members) => {
            if members.get("reference").and_then(Value::as_str).is_some_and(|it| it.starts_with("EpisodeOfCare/")) {
                members.insert("display".to_owned(), json!("Zorgepisode"));
            }
            members.values_mut().for_each(rename_episodes);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
