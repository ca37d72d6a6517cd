//! Answers of a HIS to the searches of four services, made of the invented record of one person.

use inzage::fhir::shape::{Page, Record, Rules, Shaped, Shaping, ShownEpisodes, shape_searchset};
use inzage::medmij::{Bsn, FhirVersion};
use inzage::sandbox::his::Records;
use inzage::sandbox::his::store::resource_text;
use inzage::sandbox::records;
use inzage::services::Catalogue;
use jiff::civil::Date;
use serde_json::{Value, json};

/// Address of the HIS, and of ours.
pub(crate) const HIS: &str = "https://his-a.example/fhir";
pub(crate) const OURS: &str = "https://inzage.example/fhir/huisarts.delinde/49/stu3";

const BSN_SYSTEM: &str = "http://fhir.nl/fhir/NamingSystem/bsn";

/// Service and type of a search.
pub(crate) type Search = (&'static str, &'static str);

/// Each with the rules that the catalogue gives it.
pub(crate) const SEARCHES: [Search; 9] = [
    ("49", "Composition"),
    ("49", "Observation"),
    ("49", "EpisodeOfCare"),
    ("49", "MedicationRequest"),
    ("49", "AllergyIntolerance"),
    ("49", "Encounter"),
    ("48", "Condition"),
    ("51", "DocumentReference"),
    ("63", "Immunization"),
];

/// An answer of a HIS and what it is held against.
pub(crate) struct Answer {
    pub(crate) service: &'static str,
    pub(crate) resource: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) bsn: Bsn,
    pub(crate) patient: String,
    pub(crate) rules: Rules,
    fhir: FhirVersion,
    self_link: String,
}

impl Answer {
    /// Repeats one person's resources under new ids until the answer has this size in bytes.
    pub(crate) fn of((service, resource): Search, size: usize, today: Date) -> Self {
        let practice = records::shipped(today).into_iter().next().unwrap();
        let bsn = practice.patients.first().unwrap().bsn.clone();
        let records = Records::from_resources(practice.resources).unwrap();
        let patient = records.patients().find(|person| person.bsn == bsn).unwrap().id;
        let own: Vec<&Value> = records.naming_patient(resource, &patient).map(|found| found.value()).collect();
        let body = searchset(resource, &own, &bsn, size).into_bytes();
        let catalogue = Catalogue::shipped();
        let offered = catalogue.service(service).unwrap();
        let rules = Rules {
            applied: offered.rules_for(offered.searches_of(resource).next().unwrap()),
            access_start: practice.access_start,
            results_since: today.checked_sub(jiff::ToSpan::months(14)).unwrap(),
            today,
            closed_episodes: ShownEpisodes::All,
        };
        Self {
            service,
            resource,
            body,
            bsn,
            patient,
            rules,
            fhir: offered.fhir,
            self_link: format!("{OURS}/{resource}"),
        }
    }

    /// With white space.
    pub(crate) fn pretty(mut self) -> Self {
        let parsed: Value = serde_json::from_slice(&self.body).unwrap();
        self.body = serde_json::to_vec_pretty(&parsed).unwrap();
        self
    }

    /// As the gateway does it.
    pub(crate) fn shape(&self) -> Shaped {
        let record =
            Record { fhir: self.fhir, patient_id: &self.patient, bsn: &self.bsn, his_base: HIS, our_base: OURS };
        let (rules, self_link, resource) = (&self.rules, &*self.self_link, self.resource);
        let shaping = Shaping { record, rules, self_link, resource, includes: &[], page: Page::First };
        shape_searchset(&self.body, &shaping, &|next: &str| Some(next.to_owned())).unwrap()
    }
}

fn searchset(resource: &str, own: &[&Value], bsn: &Bsn, size: usize) -> String {
    let (mut entries, mut length) = (Vec::new(), 0);
    for (number, original) in own.iter().cycle().enumerate() {
        let entry = entry(resource, original, number, bsn);
        length += entry.len();
        entries.push(entry);
        if length >= size {
            break;
        }
    }
    format!(
        r#"{{"resourceType":"Bundle","type":"searchset","total":{},"link":[{{"relation":"self","url":"{HIS}/{resource}"}}],"entry":[{}]}}"#,
        entries.len(),
        entries.join(",")
    )
}

fn entry(resource: &str, original: &Value, number: usize, bsn: &Bsn) -> String {
    let mut copy = original.clone();
    let id = format!("{}-{number}", copy["id"].as_str().unwrap());
    copy["id"] = json!(id);
    // Some systems repeat the BSN in free text and link to themselves.
    if number.is_multiple_of(10) {
        copy["identifier"] = json!([{"system": BSN_SYSTEM, "value": bsn.reveal()}]);
        copy["meta"]["source"] = json!(format!("{HIS}/metadata"));
    }
    let text = resource_text(&copy).unwrap();
    format!(r#"{{"fullUrl":"{HIS}/{resource}/{id}","resource":{text},"search":{{"mode":"match"}}}}"#)
}
