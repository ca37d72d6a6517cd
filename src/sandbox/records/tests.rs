//! What the shipped records promise: people who do not exist, records that hold together, and words that may not leak.

use std::collections::BTreeSet;

use jiff::civil::date;

use super::*;
use crate::sandbox::his::store::reference_key;

const TODAY: Date = date(2026, 11, 21);

/// Test BSNs that Nictiz published for its own people.
const PUBLISHED: [&str; 9] = [
    "999911132",
    "999910796",
    "999910784",
    "999910863",
    "999911302",
    "999911259",
    "999911533",
    "999911582",
    "999911594",
];

fn of_type<'a>(practice: &'a Practice, kind: &str) -> Vec<&'a Value> {
    practice.resources.iter().filter(|resource| resource["resourceType"] == kind).collect()
}

/// Every object at any depth, the resource itself included.
fn objects(value: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                found.push(value);
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found
}

fn line_code(observation: &Value) -> Option<&str> {
    let coding = &observation["code"]["coding"][0];
    if coding["system"] == element::JOURNAL_LINES { coding["code"].as_str() } else { None }
}

fn has_canary(practice: &Practice, text: &str) -> bool {
    practice.canaries.iter().any(|canary| text.contains(canary.as_str()))
}

#[test]
fn there_are_people_enough_and_none_is_a_published_one() {
    let practices = shipped(TODAY);
    let sizes: Vec<usize> = practices.iter().map(|practice| practice.patients.len()).collect();
    assert_eq!(sizes, [5, 4, 4]);
    let numbers: Vec<&str> = practices.iter().flat_map(|p| &p.patients).map(|patient| patient.bsn.reveal()).collect();
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len(), "each BSN is one person's");
    for number in numbers {
        assert!(number.starts_with("9999") && !PUBLISHED.contains(&number), "{number}");
    }
}

#[test]
fn the_practices_are_the_known_ones_and_the_first_was_open_all_the_time() {
    let practices = shipped(TODAY);
    let names: Vec<&str> = practices.iter().map(|practice| practice.provider.as_str()).collect();
    assert_eq!(names, ["huisarts.delinde@medmij", "huisarts.haven@medmij", "huisarts.molenwiek@medmij"]);
    let contacts = |practice: &Practice, before: bool| {
        let start = practice.access_start.to_string();
        let dates = of_type(practice, "Composition").into_iter().map(|report| report["date"].as_str().unwrap());
        dates.filter(|date| (*date < start.as_str()) == before).count()
    };
    assert_eq!(contacts(&practices[0], true), 0);
    for practice in &practices[1..] {
        assert!(contacts(practice, true) > 0 && contacts(practice, false) > 0, "{}", practice.name);
    }
}

#[test]
fn one_patient_of_the_first_practice_is_a_child() {
    let practices = shipped(TODAY);
    let sixteen_ago = TODAY.saturating_sub(16.years());
    let children = |practice: &Practice| practice.patients.iter().filter(|p| p.birth_date > sixteen_ago).count();
    assert_eq!(practices.iter().map(children).collect::<Vec<_>>(), [1, 0, 0]);
}

#[test]
fn every_contact_has_four_lines_and_the_hidden_ones_hold_a_canary() {
    for practice in shipped(TODAY) {
        for report in of_type(&practice, "Composition") {
            let sections = report["section"].as_array().unwrap();
            let codes: Vec<_> =
                sections.iter().map(|section| section["code"]["coding"][0]["code"].as_str().unwrap()).collect();
            assert_eq!(codes, ["S", "O", "E", "P"]);
            assert!(has_canary(&practice, report["text"]["div"].as_str().unwrap()), "the narrative holds the S line");
        }
        let lines: Vec<_> = of_type(&practice, "Observation").into_iter().filter(|o| line_code(o).is_some()).collect();
        assert_eq!(lines.len(), of_type(&practice, "Composition").len() * 4);
        for line in lines {
            let hidden = matches!(line_code(line), Some("S" | "O"));
            assert_eq!(has_canary(&practice, line["valueString"].as_str().unwrap()), hidden, "{line}");
        }
    }
}

#[test]
fn canaries_stand_nowhere_else() {
    for practice in shipped(TODAY) {
        for resource in &practice.resources {
            let mut open = resource.clone();
            if let Some(sections) = open.get_mut("section").and_then(Value::as_array_mut) {
                sections
                    .retain(|section| !["S", "O"].contains(&section["code"]["coding"][0]["code"].as_str().unwrap()));
                open["text"] = Value::Null;
            }
            let hidden = matches!(line_code(&open), Some("S" | "O"));
            assert_eq!(has_canary(&practice, &open.to_string()), hidden, "{resource}");
        }
    }
}

#[test]
fn every_canary_is_used() {
    for practice in shipped(TODAY) {
        let all = practice.resources.iter().map(Value::to_string).collect::<String>();
        for canary in &practice.canaries {
            assert!(all.contains(canary.as_str()), "{canary}");
        }
    }
}

#[test]
fn ids_are_unique_and_every_reference_resolves() {
    for practice in shipped(TODAY) {
        let key = |r: &Value| (r["resourceType"].as_str().unwrap().to_owned(), r["id"].as_str().unwrap().to_owned());
        let keys: BTreeSet<_> = practice.resources.iter().map(key).collect();
        assert_eq!(keys.len(), practice.resources.len());
        for resource in &practice.resources {
            for reference in objects(resource)
                .into_iter()
                .filter_map(|object| object["reference"].as_str())
                .filter(|reference| !reference.starts_with('#'))
            {
                assert!(keys.contains(&reference_key(reference).unwrap()), "{reference}");
            }
        }
    }
}

#[test]
fn the_conventions_of_the_profiles_hold() {
    let practices = shipped(TODAY);
    let all = practices.iter().flat_map(|practice| practice.resources.iter().chain(&practice.r4));
    // A Binary is the document itself: no profile, no narrative.
    for resource in all.filter(|resource| resource["resourceType"] != "Binary") {
        assert!(resource["meta"]["profile"][0].is_string(), "{resource}");
        assert!(resource["text"]["div"].as_str().unwrap().starts_with("<div xmlns="), "{resource}");
        for object in objects(resource) {
            if object.get("reference").is_some_and(Value::is_string) {
                assert!(object["display"].as_str().is_some_and(|display| !display.is_empty()), "{object}");
            }
            for coding in object["coding"].as_array().into_iter().flatten() {
                assert!(coding["system"].is_string() && coding["code"].is_string(), "{object}");
            }
            for identifier in object["identifier"].as_array().into_iter().flatten() {
                assert!(identifier["system"].is_string() && identifier["value"].is_string(), "{object}");
            }
            assert!(!has_empty_member(object), "{object}");
        }
    }
}

/// FHIR JSON knows no null members and no empty lists.
fn has_empty_member(object: &Value) -> bool {
    object.as_object().unwrap().values().any(|v| v.is_null() || v.as_array().is_some_and(Vec::is_empty))
}

#[test]
fn the_cases_that_the_rules_are_about_are_there() {
    let practices = shipped(TODAY);
    let all: Vec<&Value> = practices.iter().flat_map(|practice| &practice.resources).collect();
    let flagged: BTreeSet<String> = all
        .iter()
        .filter(|resource| resource["resourceType"] == "Flag")
        .map(|flag| flag["extension"][0]["valueReference"]["reference"].as_str().unwrap().to_owned())
        .collect();
    let closed =
        all.iter().filter(|resource| resource["resourceType"] == "EpisodeOfCare" && resource["status"] == "finished");
    let (with_flag, without): (Vec<&Value>, Vec<&Value>) = closed
        .copied()
        .partition(|episode| flagged.contains(&format!("EpisodeOfCare/{}", episode["id"].as_str().unwrap())));
    assert!(!with_flag.is_empty() && !without.is_empty());

    let limit = TODAY.saturating_sub(14.months()).to_string();
    let results = all.iter().filter(|resource| resource["code"]["coding"][0]["system"] == element::NHG_45);
    let (old, recent): (Vec<&Value>, Vec<&Value>) =
        results.copied().partition(|result| result["effectiveDateTime"].as_str().unwrap() < limit.as_str());
    assert!(!old.is_empty() && !recent.is_empty());
    assert!(recent.iter().any(|result| result.get("specimen").is_some()));
    assert!(recent.iter().any(|result| result.get("related").is_some()));

    let diagnoses = all.iter().filter(|line| line_code(line) == Some("E"));
    assert!(diagnoses.clone().all(|line| line["component"][0]["code"]["coding"][0]["code"] == "DISDX"));
    assert!(diagnoses.count() > 20);
}

#[test]
fn every_service_has_something_to_show_in_the_first_practice() {
    let practice = shipped(TODAY).swap_remove(0);
    let days = |kind: &str, member: &str| -> Vec<String> {
        of_type(&practice, kind).iter().map(|found| found[member].as_str().unwrap()[..10].to_owned()).collect()
    };
    let today = TODAY.to_string();
    let appointments = days("Appointment", "start");
    assert!(appointments.iter().any(|day| *day < today) && appointments.iter().any(|day| *day > today));
    let vaccinations = days("Immunization", "date");
    let in_r4 = practice.r4.iter().filter(|found| found["resourceType"] == "Immunization");
    assert_eq!(in_r4.map(|found| found["occurrenceDateTime"].as_str().unwrap()).collect::<Vec<_>>(), vaccinations);
    for code in ["29463-7", "85354-9"] {
        let found = |o: &&&Value| o["code"]["coding"][0]["code"] == code;
        assert!(of_type(&practice, "Observation").iter().filter(found).count() > 1, "{code}");
    }
    for document in of_type(&practice, "DocumentReference") {
        let attachment = &document["content"][0]["attachment"];
        let id = attachment["url"].as_str().unwrap().strip_prefix("Binary/").unwrap();
        let bytes = of_type(&practice, "Binary").into_iter().find(|binary| binary["id"] == id).unwrap();
        let content = bytes["content"].as_str().unwrap();
        assert!(content.starts_with("JVBERi0xLjQ") && bytes["contentType"] == "application/pdf");
        assert!(content.len() < 40_000 && attachment["size"].as_u64().unwrap() < 30_000, "{}", content.len());
    }
}

#[test]
fn the_same_day_gives_the_same_records_and_another_day_moves_them() {
    let resources = |today| shipped(today).into_iter().flat_map(|practice| practice.resources).collect::<Vec<_>>();
    assert_eq!(resources(TODAY), resources(TODAY));
    assert_ne!(resources(TODAY), resources(TODAY.tomorrow().unwrap()));
    assert!(!resources(Date::MIN).is_empty() && !resources(Date::MAX).is_empty());
}
