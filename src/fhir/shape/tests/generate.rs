//! Bundles made from a stream of bytes: a zero byte chooses what is harmless, so that a failing case shrinks to its cause.

mod write;

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::super::{Page, ShownEpisodes};
use super::{BSN, CANARY, HIS, HIS_HOST, OTHER_BSN};
use crate::medmij::FhirVersion;
use crate::services::Rule;

/// A stream of choices; at its end all of them are zero.
pub(super) struct Choices<'b>(pub(super) std::slice::Iter<'b, u8>);

/// What an answer is held against, apart from the patient.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) applied: Vec<Rule>,
    pub(super) closed_episodes: ShownEpisodes,
    pub(super) fhir: FhirVersion,
    pub(super) page: Page,
}

const LINES: &str = "http://fhir.nl/fhir/NamingSystem/journaalregeltypen";
const SEARCHED: [&str; 12] = [
    "Observation",
    "Composition",
    "EpisodeOfCare",
    "Encounter",
    "Patient",
    "MedicationRequest",
    "AllergyIntolerance",
    "MedicationStatement",
    "DocumentReference",
    "Appointment",
    "Immunization",
    "ImagingStudy",
];

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or_default()
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    fn pick<'v>(&mut self, options: &[&'v str]) -> &'v str {
        options[self.below(options.len())]
    }

    /// About one in `of`.
    fn rarely(&mut self, of: usize) -> bool {
        self.below(of) == of - 1
    }

    pub(super) fn setting(&mut self) -> Setting {
        let rules = [Rule::ResultsPeriod, Rule::ClosedEpisodes, Rule::MedicationInUse, Rule::MedicationIntolerances];
        let applied = rules.into_iter().filter(|_| !self.rarely(5)).collect();
        let closed_episodes = match self.below(8) {
            6 => ShownEpisodes::All,
            7 => ShownEpisodes::Only(HashSet::new()),
            _ => ShownEpisodes::Only(HashSet::from(["e-flagged".to_owned()])),
        };
        let fhir = if self.rarely(4) { FhirVersion::R4 } else { FhirVersion::Stu3 };
        let page = if self.rarely(6) { Page::Later } else { Page::First };
        Setting { applied, closed_episodes, fhir, page }
    }

    pub(super) fn bundle(&mut self) -> (Value, &'static str) {
        let searched = SEARCHED[self.below(SEARCHED.len())];
        let count = self.below(7);
        let entries: Vec<Value> = (0..count).map(|_| self.entry(searched)).collect();
        let mut bundle = json!({"resourceType": "Bundle", "type": "searchset", "total": count, "entry": entries});
        let members = bundle.as_object_mut().unwrap();
        if self.rarely(2) {
            members.insert(
                "link".to_owned(),
                json!([{"relation": "self", "url": format!("{HIS}/Observation?patient=pat-1")}]),
            );
        }
        if self.rarely(12) {
            let relation = self.pick(&["next", "Prev", "urn:x#next", "nextcloud"]);
            let address = match self.below(24) {
                20 => format!("{HIS}/../x"),
                21 => "https://elsewhere.example/fhir?page=2".to_owned(),
                22 => format!("{HIS}?patient={BSN}"),
                23 => "Observation?page=2".to_owned(),
                _ => format!("{HIS}{}page=2", self.pick(&["?", "/Observation?", "/a%7Cb/"])),
            };
            members.insert("link".to_owned(), json!([{"relation": relation, "url": address}]));
        }
        if self.rarely(3) {
            members.insert("id".to_owned(), json!("b-1"));
            members.insert("meta".to_owned(), json!({"lastUpdated": "2026-01-01T00:00:00Z"}));
        }
        if self.rarely(8) {
            members.insert("extension".to_owned(), json!([{"url": "urn:x", "valueString": self.text()}]));
        }
        if self.rarely(8) {
            members.remove("total");
        }
        if self.rarely(8) {
            members.insert("implicitRules".to_owned(), json!(self.text()));
        }
        if self.rarely(60) {
            members.insert("total".to_owned(), [json!(count + 1), json!(-1), json!(1.5)][self.below(3)].clone());
        }
        if self.rarely(60) {
            members.insert("type".to_owned(), json!("history"));
        }
        (bundle, searched)
    }

    fn entry(&mut self, searched: &str) -> Value {
        let is_include = self.rarely(3);
        let types = ["Practitioner", "Observation", "Specimen", "Patient", "Organization", "Condition", "Device"];
        let kind = if is_include { self.pick(&types) } else { searched };
        let odd = ["Provenance", "OperationOutcome", "Practitioner", "Binary", "ServiceRequest", "ProcedureRequest"];
        let kind = if self.rarely(100) { self.pick(&odd) } else { kind };
        let resource = self.resource(kind);
        let id = resource["id"].as_str().unwrap_or("x").to_owned();
        let mut entry = json!({"resource": resource});
        let members = entry.as_object_mut().unwrap();
        if (is_include && !self.rarely(8)) || self.rarely(2) {
            members.insert("search".to_owned(), json!({"mode": if is_include { "include" } else { "match" }}));
        }
        let urls = [
            format!("{HIS}/{kind}/{id}"),
            format!("urn:uuid:{id}"),
            format!("https://elsewhere.example/fhir/{kind}/{id}"),
            format!("http://{HIS_HOST}/{kind}/{id}"),
        ];
        if self.rarely(100) {
            members.insert("fullUrl".to_owned(), json!(format!("{HIS}/{kind}/other/_history/1")));
        } else if !self.rarely(6) {
            members.insert("fullUrl".to_owned(), json!(urls[self.below(urls.len())]));
        }
        if self.rarely(5) {
            members.insert("link".to_owned(), json!([{"relation": "alternate", "url": HIS}]));
            members.insert("response".to_owned(), json!({"status": "200", "location": format!("{HIS}/{kind}/{id}")}));
        }
        entry
    }

    fn resource(&mut self, kind: &str) -> Value {
        let id = if kind == "Patient" { "pat-1" } else { self.pick(&["a", "b", "c", "e-flagged", "d-4"]) };
        let mut resource = json!({"resourceType": kind, "id": id});
        let members = resource.as_object_mut().unwrap();
        if kind == "Patient" && self.rarely(60) {
            members.insert("id".to_owned(), json!("pat-2"));
            members.insert("name".to_owned(), json!([{"family": CANARY}]));
        }
        self.subject(kind, members);
        match kind {
            "Observation" => self.observation(members),
            "Composition" => self.composition(members),
            "EpisodeOfCare" => {
                let statuses = ["active", "finished", "onhold", "cancelled", "entered-in-error", "planned"];
                members.insert("status".to_owned(), json!(self.pick(&statuses)));
            }
            "MedicationRequest" | "MedicationStatement" => {
                if kind == "MedicationStatement" && self.rarely(2) {
                    members
                        .insert("effectivePeriod".to_owned(), json!({"end": self.pick(&["2026-03-10", "2024-01-01"])}));
                }
                let end = self.pick(&["2026-03-09", "2026-03-10", "2001-01-01", "2030-12-31"]);
                let period = if self.rarely(30) { json!({}) } else { json!({"end": end}) };
                let url = "http://nictiz.nl/fhir/StructureDefinition/zib-Medication-PeriodOfUse";
                members.insert("extension".to_owned(), json!([{"url": url, "valuePeriod": period}]));
            }
            "AllergyIntolerance" => {
                let category = self.pick(&["medication", "food"]);
                members.insert("category".to_owned(), json!([category]));
            }
            "Immunization" if self.rarely(2) => {
                members.insert("education".to_owned(), json!([{"reference": "https://www.example.nl/folder.pdf"}]));
            }
            "DocumentReference" => {
                let attachment = json!({"contentType": "application/pdf", "url": self.address(), "title": self.text()});
                members.insert("content".to_owned(), json!([{"attachment": attachment}]));
            }
            "OperationOutcome" => {
                let severity = self.pick(&["warning", "information", "error"]);
                let code = self.pick(&["informational", "incomplete", "not-supported"]);
                members.insert("issue".to_owned(), json!([{"severity": severity, "code": code}]));
            }
            _ => {}
        }
        self.spice(members);
        if self.rarely(3) {
            let contained: Vec<Value> = (0..self.below(3)).map(|_| self.contained()).collect();
            members.insert("contained".to_owned(), json!(contained));
        }
        resource
    }

    fn subject(&mut self, kind: &str, members: &mut Map<String, Value>) {
        let name = match kind {
            "EpisodeOfCare" | "AllergyIntolerance" | "Immunization" => "patient",
            "ImagingStudy" => self.pick(&["patient", "subject"]),
            "Appointment" => return self.participants(members),
            "Composition"
            | "Condition"
            | "DocumentReference"
            | "Encounter"
            | "MedicationRequest"
            | "MedicationStatement"
            | "Observation"
            | "ProcedureRequest"
            | "ServiceRequest"
            | "Specimen" => "subject",
            _ => return,
        };
        let forms = ["Patient/pat-1".to_owned(), format!("{HIS}/Patient/pat-1"), "Patient/pat-1/_history/3".to_owned()];
        let form = forms[self.below(3)].as_str();
        let bad = [
            "Patient/pat-2",
            "#p",
            "Group/pat-1",
            "patient/pat-1",
            "urn:uuid:pat-1",
            "https://x.example/Patient/pat-1",
        ];
        let reference = if self.rarely(100) { self.pick(&bad) } else { form };
        if !self.rarely(120) {
            members.insert(name.to_owned(), json!({"reference": reference, "display": self.text()}));
        }
    }

    fn participants(&mut self, members: &mut Map<String, Value>) {
        let mut list = vec![json!({"actor": self.reference()}), json!({"type": [{"text": self.text()}]})];
        let actor = if self.rarely(60) { "Patient/pat-2" } else { "Patient/pat-1" };
        if !self.rarely(60) {
            list.push(json!({"actor": {"reference": actor, "display": self.text()}}));
        }
        members.insert("participant".to_owned(), json!(list));
    }

    fn address(&mut self) -> String {
        match self.below(8) {
            6 => self.pick(&["javascript:alert(1)", "data:text/html,x", "/fhir/Binary/9", "", "x\\y"]).to_owned(),
            7 => "urn:uuid:9".to_owned(),
            0 => "Binary/9".to_owned(),
            1 => "https://elsewhere.example/x.pdf".to_owned(),
            2 => format!("https://{HIS_HOST}/other/9"),
            _ => format!("{HIS}/Binary/9"),
        }
    }

    fn observation(&mut self, members: &mut Map<String, Value>) {
        let line = self.pick(&["E", "P", "S", "O", "e", "s", "X", "", "", ""]);
        if !line.is_empty() {
            members.insert("code".to_owned(), self.code(line));
            let value = if matches!(line, "E" | "P" | "e") { "beleid" } else { CANARY };
            members.insert("valueString".to_owned(), json!(value));
        } else if self.rarely(2) {
            members.insert(
                "code".to_owned(),
                json!({"coding": [{"system": "urn:nhg45", "code": "1", "display": self.text()}]}),
            );
        }
        let date = self.date();
        match self.below(5) {
            0..=2 => members.insert("effectiveDateTime".to_owned(), json!(date)),
            3 => members.insert("effectivePeriod".to_owned(), json!({"start": date})),
            _ => members.insert("effectivePeriod".to_owned(), json!({"end": date})),
        };
        if self.rarely(3) {
            members.insert("related".to_owned(), json!([{"type": "has-member", "target": self.reference()}]));
        }
        if self.rarely(3) {
            members.insert(
                "specimen".to_owned(),
                json!({"reference": format!("Specimen/{}", self.pick(&["a", "b", "c"]))}),
            );
        }
        if self.rarely(8) {
            let system = if self.rarely(2) { LINES } else { "urn:x" };
            members.insert("category".to_owned(), json!([{"coding": [{"system": system, "code": "E"}]}]));
            if self.rarely(4) {
                members["category"][0] = json!({"coding": [{"system": system, "code": self.pick(&["O", "S", "1"])}]});
            }
        }
        if self.rarely(10) {
            members.insert("meta".to_owned(), json!({"profile": ["urn:gp-JournalEntry"], "source": HIS}));
        }
    }

    fn code(&mut self, line: &str) -> Value {
        match self.below(8) {
            5 if line != "X" => json!({"coding": [{"system": "urn:oid:2.999", "code": line}]}),
            6 if matches!(line, "S" | "O") => json!({"text": self.pick(&["Subjectief", "o", "Objective:"])}),
            7 if matches!(line, "S" | "s") => {
                json!({"coding": [{"system": "urn:y", "code": "1", "display": "subjectief"}]})
            }
            0 | 1 => json!({"coding": [{"system": LINES, "code": line}]}),
            2 if line != "X" => json!({"coding": [{"code": line}]}),
            3 => json!({"coding": [{"system": "urn:other", "code": "1"}, {"system": LINES, "code": line}]}),
            _ => json!({"coding": [{"system": LINES.to_uppercase(), "code": line, "display": "x"}]}),
        }
    }

    fn date(&mut self) -> String {
        let dates = [
            "2026-02-03",
            "2025-01-10",
            "2024-03-01T08:00:00+01:00",
            "2025",
            "2024-02-29",
            "2025-01",
            "2024",
            "gisteren",
            "2026-01-01T1",
            "2026-02-30",
            "2026",
        ];
        self.pick(&dates).to_owned()
    }

    fn composition(&mut self, members: &mut Map<String, Value>) {
        members.insert("date".to_owned(), json!(self.date()));
        members.insert("text".to_owned(), json!({"status": "generated", "div": format!("<div>{CANARY}</div>")}));
        let count = self.below(4);
        let sections: Vec<Value> = (0..count).map(|_| self.section(2)).collect();
        members.insert("section".to_owned(), json!(sections));
    }

    fn section(&mut self, depth: usize) -> Value {
        let line = self.pick(&["E", "P", "S", "O", "other", "none"]);
        let mut section = match line {
            "other" => json!({"title": "x", "code": {"coding": [{"system": "urn:other", "code": "1"}]}}),
            "none" => json!({"title": CANARY, "code": {"text": "S"}}),
            line => json!({"code": self.code(line)}),
        };
        let text = if matches!(line, "S" | "O" | "none") { CANARY.to_owned() } else { self.text() };
        section["text"] =
            json!({"status": "additional", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{text}</div>")});
        section["entry"] = json!([self.reference()]);
        if depth > 0 && self.rarely(3) {
            section["section"] = json!([self.section(depth - 1)]);
        }
        section
    }

    fn reference(&mut self) -> Value {
        let id = self.pick(&["a", "b", "c", "e-flagged", "d-4"]);
        let kind = self.pick(&["Observation", "Practitioner", "Organization", "Condition"]);
        let forms = [
            format!("{kind}/{id}"),
            format!("{HIS}/{kind}/{id}"),
            format!("urn:uuid:{id}"),
            format!("https://elsewhere.example/fhir/{kind}/{id}"),
            format!("#{id}"),
            format!("http://{HIS_HOST}/{kind}/{id}"),
        ];
        let mut reference = json!({"reference": forms[self.below(forms.len())]});
        if self.rarely(200) {
            reference["reference"] = json!(self.pick(&[
                "../Patient/1",
                "Organization/his.praktijk.internal",
                "#his.praktijk.internal",
                "Patient/pat-2",
                "x",
                "https://x.example/patient/pat-1"
            ]));
        }
        if !self.rarely(4) {
            reference["display"] = json!(self.text());
        }
        reference
    }

    fn text(&mut self) -> String {
        match self.below(27) {
            24 => self.pick(&["<b>9999</b>&#160;11/132", "9999<br/>11132"]).to_owned(),
            25 => "9999\n11\t132 en ９999\u{a0}11132".to_owned(),
            26 => format!("00{BSN}, 10{BSN}, {BSN}１"),
            0..=14 => self.pick(&["huisarts", "Déjà vu 😀", "\"aan\\huis\"\n", "12 mmol/l", "a/b"]).to_owned(),
            15 => format!("bsn {BSN}."),
            16 => "9999.11.132 of 9999 11 132".to_owned(),
            17 => format!("1{BSN} {BSN}1"),
            18 => format!("{HIS}/Binary/1?x={HIS_HOST}"),
            19 => format!("zie http://{}/x, niet {HIS_HOST}s", HIS_HOST.to_uppercase()),
            20 => format!("{HIS}x"),
            21 => HIS.to_owned(),
            22 => format!("a{HIS_HOST}"),
            _ => format!("{BSN} op {HIS_HOST}"),
        }
    }

    fn contained(&mut self) -> Value {
        let kind =
            self.pick(&["Practitioner", "Observation", "Organization", "Device", "Composition", "EpisodeOfCare"]);
        let kind = if self.rarely(50) { self.pick(&["Patient", "Bundle", "Provenance"]) } else { kind };
        let mut contained = json!({"resourceType": kind, "id": self.pick(&["a", "b", "c"])});
        let members = contained.as_object_mut().unwrap();
        self.subject(kind, members);
        if kind == "Observation" {
            self.observation(members);
        }
        members.insert("text".to_owned(), json!({"div": "<div>kort</div>"}));
        if kind == "Composition" {
            members.insert("title".to_owned(), json!(CANARY));
        }
        contained
    }

    fn spice(&mut self, members: &mut Map<String, Value>) {
        let mut add = |name: &str, value: Value| {
            members.entry(name).or_insert(value);
        };
        for _ in 0..self.below(4) {
            match self.below(16) {
                0 => add("performer", json!([self.reference()])),
                1 => add("identifier", json!([self.identifier()])),
                2 => add("comment", json!(self.text())),
                3 => add("meta", json!({"source": HIS, "versionId": "1"})),
                4 => add("meta", json!({"source": HIS})),
                5 => add("photo", json!([{"url": format!("{HIS}/Binary/9"), "title": self.text()}])),
                6 => add(
                    "photo",
                    json!([{"url": "https://elsewhere.example/x.jpg"}, {"url": "Binary/9"}, {"url": "//x/y", "size": 1}]),
                ),
                7 => add("extension", json!([{"url": "urn:episode", "valueReference": self.reference()}])),
                8 => add("valueQuantity", json!({"value": 1.5, "unit": self.text()})),
                9 => add("extra", json!({"a": [null, true, {}, [], -0.25], "b": {"c": self.text()}})),
                10 => add("identifier", json!([self.identifier(), self.identifier()])),
                11 => add("telecom", json!([{"system": "url", "value": self.text()}])),
                12 if self.rarely(8) => add("extension", json!([{"url": format!("{HIS}/x"), "valueInteger": 1}])),
                13 if self.rarely(4) => {
                    add("aside", json!({"code": {"coding": [{"system": LINES, "code": "S"}]}, "text": CANARY}));
                }
                13 if self.rarely(4) => {
                    add("aside", json!({"valueCoding": {"system": LINES, "code": "O"}, "x": CANARY}));
                }
                13 if self.rarely(8) => add("valueInteger", json!(999_911_132)),
                14 if self.rarely(8) => add(&format!("x{BSN}"), json!(1)),
                15 if self.rarely(8) => add("nested", json!({"resourceType": "Patient", "id": "pat-1"})),
                _ => add("note", json!([{"text": self.text()}])),
            }
        }
    }

    fn identifier(&mut self) -> Value {
        let system = self.pick(&["http://fhir.nl/fhir/NamingSystem/bsn", "urn:oid:2.16.840.1.113883.2.4.6.3", "urn:x"]);
        let mut identifier = json!({"system": system, "use": "official"});
        match self.below(5) {
            0 => identifier["value"] = json!(BSN),
            1 => identifier["value"] = json!("9999.11.132"),
            2 => identifier["value"] = json!("***"),
            3 => identifier["_value"] = json!({"extension": [{"url": "urn:x", "valueCode": "masked"}]}),
            _ => {
                identifier["value"] = json!(BSN);
                identifier["_value"] = json!({"id": "v"});
            }
        }
        if self.rarely(60) {
            identifier["value"] = json!(OTHER_BSN);
        }
        identifier
    }
}
