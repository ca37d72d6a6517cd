//! Views from small literal resources, and from anything that is JSON.

use std::time::Duration;

use http::StatusCode;
use jiff::civil::date;
use proptest::prelude::*;
use serde_json::json;

use super::super::search::Trace;
use super::person::BsnShown;
use super::result::Outside;
use super::*;

const TODAY: Date = date(2026, 3, 9);

fn answer(subject: Subject, outcome: Result<Value, Problem>) -> Answer {
    let (request, took) = (subject.request(TODAY), Duration::ZERO);
    let trace = Trace { subject, request, status: Some(StatusCode::OK), entries: 0, took, receipt: None };
    Answer { trace, outcome }
}

fn bundle(resources: &[Value]) -> Value {
    let entries: Vec<Value> = resources.iter().map(|resource| json!({"resource": resource})).collect();
    json!({"resourceType": "Bundle", "entry": entries})
}

fn read(subject: Subject, resources: &[Value]) -> Record {
    Record::read(&[answer(subject, Ok(bundle(resources)))], TODAY)
}

#[test]
fn a_person_has_a_name_an_age_a_general_practitioner_and_no_bsn() {
    let bsn = |value: Value| json!({"resourceType": "Patient", "identifier": [value]});
    let system = "http://fhir.nl/fhir/NamingSystem/bsn";
    let patient = json!({"resourceType": "Patient", "name": [{"given": ["Bep", "Tine"], "family": "Duinker"}],
        "birthDate": "1980-03-10", "gender": "female",
        "address": [{"line": ["Kade 2"], "postalCode": "9991 AA", "city": "Ergens"}],
        "generalPractitioner": [{"reference": "Practitioner/g"}],
        "identifier": [{"system": system, "_value": {"extension": []}}]});
    let practitioner = json!({"resourceType": "Practitioner", "id": "g", "name": [{"text": "Joost de Graaf"}]});
    let record = read(Subject::Person, &[patient, practitioner]);
    assert_eq!(
        record.person.items,
        [Person {
            name: "Bep Tine Duinker".to_owned(),
            birth_date: Day::parse("1980-03-10"),
            age: Some(45),
            gender: Some("vrouw"),
            address: Some("Kade 2, 9991 AA Ergens".to_owned()),
            practitioner: Some("Joost de Graaf".to_owned()),
            practice: None,
            bsn: BsnShown::Masked,
        }]
    );
    let shown = |value| read(Subject::Person, &[bsn(value)]).person.items.pop().unwrap().bsn;
    assert_eq!(shown(json!({"system": system, "value": "999900006"})), BsnShown::Exposed);
    assert_eq!(shown(json!({"system": "urn:other", "value": "7"})), BsnShown::Absent);
}

#[test]
fn current_episodes_come_before_closed_ones_and_new_before_old() {
    let episode = |title: &str, status: &str, start: &str| {
        json!({"resourceType": "EpisodeOfCare", "status": status, "period": {"start": start},
            "diagnosis": [{"condition": {"display": "diagnose"}}],
            "extension": [{"url": "http://nictiz.nl/fhir/StructureDefinition/EpisodeOfCare-Title", "valueString": title}]})
    };
    let untitled = json!({"resourceType": "EpisodeOfCare", "status": "active"});
    let episodes = [
        untitled,
        episode("dicht", "finished", "2026-01-01"),
        episode("oud", "active", "2020"),
        episode("nieuw", "active", "2025-11-30"),
    ];
    let shown = read(Subject::Episodes, &episodes).episodes.items;
    let titles: Vec<&str> = shown.iter().map(|episode| episode.title.as_str()).collect();
    assert_eq!(titles, ["nieuw", "oud", "Episode zonder titel", "dicht"]);
    assert_eq!(shown[0].diagnosis.as_deref(), Some("diagnose"));
    assert!(shown[3].closed && !shown[0].closed);
}

#[test]
fn a_medicine_is_named_by_its_reference_or_by_what_came_along() {
    let request = |medication: Value| {
        json!({"resourceType": "MedicationRequest", "medicationReference": medication, "authoredOn": "2024-01-01",
            "dosageInstruction": [{"text": "1 per dag"}, {"sequence": 2}],
            "extension": [{"url": "http://nictiz.nl/fhir/StructureDefinition/zib-Medication-PeriodOfUse",
                "valuePeriod": {"start": "2025-05-06"}}]})
    };
    let medication = json!({"resourceType": "Medication", "id": "m", "code": {"text": "PILTABLET 1MG"}});
    let named = json!({"reference": "Medication/x", "display": "ZALFJE"});
    let along = json!({"reference": "https://gp.example/fhir/Medication/m"});
    let shown = read(Subject::Medicines, &[request(named), request(along), medication]).medicines.items;
    let names: Vec<&str> = shown.iter().map(|medicine| medicine.name.as_str()).collect();
    assert_eq!(names, ["ZALFJE", "PILTABLET 1MG"]);
    assert_eq!(
        (shown[0].dose.as_slice(), shown[0].since),
        (["1 per dag".to_owned()].as_slice(), Day::parse("2025-05-06"))
    );
}

#[test]
fn an_intolerance_has_its_reactions() {
    let allergy = json!({"resourceType": "AllergyIntolerance", "code": {"coding": [{"display": "Penicilline"}]},
        "assertedDate": "2019", "reaction": [{"manifestation": [{"text": "jeuk"}, {"coding": [{"code": "7"}]}]}]});
    let shown = read(Subject::Intolerances, &[allergy]).intolerances.items;
    assert_eq!((shown[0].substance.as_str(), shown[0].reactions.join(" ")), ("Penicilline", "jeuk 7".to_owned()));
    assert_eq!(shown[0].since.unwrap().to_string(), "2019");
}

fn result(name: &str, day: &str, value: f64, range: &Value) -> Value {
    json!({"resourceType": "Observation", "code": {"text": name}, "effectiveDateTime": day,
        "valueQuantity": {"value": value, "unit": "mmol/l"}, "referenceRange": [range]})
}

#[test]
fn results_are_grouped_by_day_newest_first_with_a_decimal_comma() {
    let none = json!({});
    let results = [
        result("b", "2025-12-01", 1.5, &none),
        result("a", "2026-02-01", 2.0, &none),
        result("a", "2025-12-01", 3.0, &none),
        json!({"resourceType": "Observation", "code": {"text": "paneel"}}),
    ];
    let record = read(Subject::Results, &results);
    let days: Vec<(String, Vec<&str>)> = record
        .results
        .items
        .iter()
        .map(|day| (day.day.unwrap().to_string(), day.lines.iter().map(|line| line.name.as_str()).collect()))
        .collect();
    assert_eq!(days, [("1 februari 2026".to_owned(), vec!["a"]), ("1 december 2025".to_owned(), vec!["a", "b"])]);
    assert_eq!(record.results.items[1].lines[1].value, "1,5 mmol/l");
    assert_eq!(record.results.result_count(), "3");
}

#[test]
fn a_value_outside_its_range_is_marked_when_the_units_agree() {
    let range = json!({"low": {"value": 4, "unit": "mmol/l"}, "high": {"value": 8.5, "unit": "mmol/l"}});
    let other = json!({"low": {"value": 72, "unit": "mg/dl"}});
    let shown = |value, range: &Value| {
        let mut record = read(Subject::Results, &[result("glucose", "2026-01-01", value, range)]);
        let line = record.results.items.pop().unwrap().lines.pop().unwrap();
        (line.range.unwrap(), line.outside)
    };
    assert_eq!(shown(3.9, &range), ("4 – 8,5".to_owned(), Some(Outside::Below)));
    assert_eq!(shown(4.0, &range).1, None);
    assert_eq!(shown(8.5, &range).1, None);
    assert_eq!(shown(8.6, &range).1, Some(Outside::Above));
    assert_eq!(shown(3.9, &other), ("vanaf 72".to_owned(), None));
}

#[test]
fn components_and_other_kinds_of_values_are_results_too() {
    let observation = json!({"resourceType": "Observation", "code": {"text": "bloeddruk"}, "component": [
        {"code": {"text": "boven"}, "valueQuantity": {"value": 120, "comparator": ">", "code": "mm[Hg]"}},
        {"code": {"text": "arm"}, "valueCodeableConcept": {"text": "links"}},
        {"code": {"text": "zittend"}, "valueBoolean": true}]});
    let record = read(Subject::Results, &[observation]);
    let shown: Vec<(&str, &str)> =
        record.results.items[0].lines.iter().map(|line| (line.name.as_str(), line.value.as_str())).collect();
    assert_eq!(
        shown,
        [("bloeddruk: arm", "links"), ("bloeddruk: boven", "> 120 mm[Hg]"), ("bloeddruk: zittend", "ja")]
    );
}

#[test]
fn a_consultation_joins_report_and_contact_and_a_silent_contact_stays() {
    let line = |letter: &str, text: &str| {
        json!({"code": {"coding": [{"system": "http://fhir.nl/fhir/NamingSystem/journaalregeltypen", "code": letter}]},
            "text": {"div": format!("<div>{text}</div>")},
            "entry": [{"reference": "EpisodeOfCare/e", "display": "Zorgepisode"}],
            "extension": [{"url": "http://nictiz.nl/fhir/StructureDefinition/code-icpc-1-nl", "valueCodeableConcept":
                {"coding": [{"system": "http://hl7.org/fhir/sid/icpc-1-nl", "code": "N01", "display": "Hoofdpijn"}]}}]})
    };
    let report = json!({"resourceType": "Composition", "date": "2026-01-02", "encounter": {"reference": "Encounter/1"},
        "author": [{"display": "Auteur"}], "section": [line("E", "Spanning"), {"code": {}, "text": {}}]});
    let contact = |id: &str, day: &str| {
        json!({"resourceType": "Encounter", "id": id, "type": [{"text": "Visite"}], "period": {"start": day},
            "participant": [{"individual": {"display": "Huisarts"}}]})
    };
    let reports = answer(Subject::Reports, Ok(bundle(&[report])));
    let contacts = answer(Subject::Contacts, Ok(bundle(&[contact("1", "2026-01-02"), contact("2", "2026-02-02")])));
    let episode = json!({"resourceType": "EpisodeOfCare", "id": "e", "status": "active", "extension": [
        {"url": "http://nictiz.nl/fhir/StructureDefinition/EpisodeOfCare-Title", "valueString": "Hoofdpijn"}]});
    let episodes = answer(Subject::Episodes, Ok(bundle(&[episode])));
    let shown = Record::read(&[reports, contacts, episodes], TODAY).consults.items;
    assert_eq!(shown.len(), 2);
    assert!(shown[0].lines.is_empty() && shown[0].day == Day::parse("2026-02-02"), "the silent one, newest");
    let told = &shown[1];
    assert_eq!((told.kind.as_str(), told.practitioner.as_deref()), ("Visite", Some("Huisarts")));
    assert_eq!(told.episode.as_deref(), Some("Hoofdpijn"));
    assert_eq!(told.lines.len(), 1, "a part without text says nothing");
    assert_eq!((told.lines[0].letter.as_str(), told.lines[0].text.as_str()), ("E", "Spanning"));
    assert_eq!(told.lines[0].icpc.as_deref(), Some("N01 Hoofdpijn"));
}

#[test]
fn a_failed_search_leaves_its_problem_and_an_unknown_count() {
    let problem = Problem::new("stuk", "wie");
    let record = Record::read(&[answer(Subject::Results, Err(problem.clone()))], TODAY);
    assert_eq!((record.results.problem.as_ref(), record.results.result_count().as_str()), (Some(&problem), "–"));
    assert_eq!((record.episodes.problem.is_none(), record.episodes.count().as_str()), (true, "0"));
    let contacts = Record::read(&[answer(Subject::Contacts, Err(problem.clone()))], TODAY);
    assert_eq!(contacts.contacts_problem, Some(problem));
}

const NAMES: &str = "resourceType id name given family text div birthDate identifier system value generalPractitioner \
    reference display extension url valueString valuePeriod period start end status diagnosis condition code coding \
    medicationReference dosageInstruction reaction manifestation effectiveDateTime valueQuantity unit referenceRange low \
    high component specimen section entry encounter date author type participant individual";

const WORDS: [&str; 9] = [
    "Encounter/1",
    "1",
    "2026-01-02",
    "2026-13",
    "<div>a</",
    "&amp;lt;",
    "http://x/EpisodeOfCare-Title",
    "/",
    "http://fhir.nl/fhir/NamingSystem/bsn",
];

/// JSON with the member names that the views look at, so that random values get deep into them.
fn resource() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(NAMES.split_whitespace().collect::<Vec<_>>());
    let word = prop::sample::select(WORDS.to_vec());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6).prop_map(|members| Value::Object(
                members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            )),
        ]
    })
}

const TYPES: [&str; 7] =
    ["Patient", "EpisodeOfCare", "MedicationRequest", "AllergyIntolerance", "Observation", "Composition", "Encounter"];

proptest! {
    #[test]
    fn no_json_panics_the_views(whole in resource(), mut parts in prop::collection::vec(resource(), 7)) {
        for (part, resource_type) in parts.iter_mut().zip(TYPES) {
            if let Some(members) = part.as_object_mut() {
                members.insert("resourceType".to_owned(), Value::from(resource_type));
            }
        }
        let answers = Subject::ALL.map(|subject| answer(subject, Ok(bundle(&parts))));
        let record = Record::read(&answers, TODAY);
        let objects = |index: usize| usize::from(parts[index].is_object());
        prop_assert_eq!(record.person.items.len(), objects(0));
        prop_assert_eq!(record.episodes.items.len(), objects(1));
        let _ = Record::read(&Subject::ALL.map(|subject| answer(subject, Ok(whole.clone()))), TODAY);
    }
}
