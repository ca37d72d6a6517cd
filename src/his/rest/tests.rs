//! The mapping, held against the examples of the vendor and against what no vendor should send.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const BASE: &str = "https://his.example.nl/api/v1";
const EPISODES: &str = include_str!("../../../fixtures/his-rest/episodes.json");
const FLAGS: &str = include_str!("../../../fixtures/his-rest/attentieregels.json");
const CONTACTS: &str = include_str!("../../../fixtures/his-rest/contacten.json");
const LINES: &str = include_str!("../../../fixtures/his-rest/journaalregels.json");
const RESULTS: &str = include_str!("../../../fixtures/his-rest/metingen.json");
const MEDICATION: &str = include_str!("../../../fixtures/his-rest/medicatie.json");
const INTOLERANCES: &str = include_str!("../../../fixtures/his-rest/overgevoeligheden.json");
const APPOINTMENTS: &str = include_str!("../../../fixtures/his-rest/afspraken.json");
const DOCUMENTS: &str = include_str!("../../../fixtures/his-rest/documenten.json");
const LISTS: [(&str, &str); 8] = [
    ("episodes", EPISODES),
    ("attentieregels", FLAGS),
    ("contacten", CONTACTS),
    ("metingen", RESULTS),
    ("medicatie", MEDICATION),
    ("overgevoeligheden", INTOLERANCES),
    ("afspraken", APPOINTMENTS),
    ("documenten", DOCUMENTS),
];

/// The resources in a searchset that was checked.
fn resources(searchset: &[u8]) -> Vec<Value> {
    let bundle: Value = serde_json::from_slice(searchset).unwrap();
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&json!("Bundle"), &json!("searchset")));
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    for entry in &entries {
        let resource = &entry["resource"];
        let path = format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        assert_eq!(entry["fullUrl"], format!("{BASE}/{path}"));
        assert!(resource["meta"]["profile"][0].is_string(), "{resource}");
        check_conventions(entry);
    }
    entries.into_iter().map(|entry| entry["resource"].clone()).collect()
}

/// The rules of the qualification for Coding, Reference and Identifier, and of FHIR JSON for what is empty.
fn check_conventions(value: &Value) {
    let text = |name: &str| value[name].is_string();
    if value.get("reference").is_some() {
        assert!(text("reference") && text("display"), "{value}");
    }
    for coding in value["coding"].as_array().into_iter().flatten() {
        assert!(coding["system"].is_string() && coding["code"].is_string(), "{value}");
    }
    for identifier in value["identifier"].as_array().into_iter().flatten() {
        assert!(identifier["system"].is_string() && identifier["value"].is_string(), "{value}");
    }
    assert!(!value.is_null() && value.as_array().is_none_or(|items| !items.is_empty()), "empty");
    value.as_object().into_iter().flatten().for_each(|(_, member)| check_conventions(member));
    value.as_array().into_iter().flatten().for_each(check_conventions);
}

fn ids(resources: &[Value]) -> Vec<&str> {
    resources.iter().map(|resource| resource["id"].as_str().unwrap()).collect()
}

fn reports(contacts: &str, lines: &Value) -> Joined {
    let patient = Id::parse("p-1001").unwrap();
    answer::of_reports(&patient, contacts.as_bytes(), lines.to_string().as_bytes()).unwrap()
}

#[test]
fn the_examples_become_resources() {
    let expected: [&[&str]; 8] = [
        &["e-1", "e-2"],
        &["a-1"],
        &["c-1"],
        &["b-1", "b-2", "b-4", "mat-1"],
        &["med-1", "prod-900214"],
        &["o-1"],
        &["af-1"],
        &["d-1"],
    ];
    for ((list, page), expected) in LISTS.into_iter().zip(expected) {
        let resources = resources(&map_page(BASE, list, page.as_bytes()).unwrap());
        assert_eq!(ids(&resources), expected, "{list}");
    }
    let reports = resources(&map_reports(BASE, "p-1001", CONTACTS.as_bytes(), LINES.as_bytes()).unwrap());
    assert_eq!(ids(&reports), ["v-1"]);
    let codes: Vec<_> = reports[0]["section"]
        .as_array()
        .unwrap()
        .iter()
        .map(|section| section["code"]["coding"][0]["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["S", "O", "E", "P"]);
}

#[test]
fn numbers_keep_their_digits_and_moments_their_words() {
    let searchset = String::from_utf8(map_page(BASE, "metingen", RESULTS.as_bytes()).unwrap()).unwrap();
    for text in [r#""value":5.60,"#, r#""value":4.0,"#, r#""value":6.10,"#, r#""2026-10-01T08:15:00+02:00""#] {
        assert!(searchset.contains(text), "{text} in {searchset}");
    }
}

#[test]
fn a_report_of_which_lines_are_missing_is_left_out_and_said_to_be() {
    let mut lines: Value = serde_json::from_str(LINES).unwrap();
    assert!(!reports(CONTACTS, &lines).incomplete);
    lines["regels"].as_array_mut().unwrap().pop();
    let found = reports(CONTACTS, &lines);
    assert!(found.matches.is_empty() && found.incomplete);
    // Lines whose contact did not come are missed as well.
    let none = r#"{"regels":[],"volgende":null}"#;
    assert!(reports(none, &lines).incomplete);
}

#[test]
fn a_line_of_another_patient_is_for_the_shaping_to_find() {
    let foreign = json!({"id": "p-2002", "naam": "Iemand Anders"});
    for contact in ["c-1", "c-9"] {
        let mut lines: Value = serde_json::from_str(LINES).unwrap();
        lines["regels"][3]["patient"] = foreign.clone();
        lines["regels"][3]["contactId"] = json!(contact);
        let searchset = map_reports(BASE, "p-1001", CONTACTS.as_bytes(), lines.to_string().as_bytes()).unwrap();
        let subjects = resources(&searchset);
        assert!(subjects.iter().any(|report| report["subject"]["reference"] == "Patient/p-2002"), "{contact}");
    }
}

#[test]
fn a_row_says_itself_whose_it_is() {
    for (list, page) in LISTS {
        let mut page: Value = serde_json::from_str(page).unwrap();
        page["regels"][0]["patient"]["id"] = json!("p-2002");
        let searchset = map_page(BASE, list, page.to_string().as_bytes()).unwrap();
        let first = &resources(&searchset)[0];
        let actor = first.pointer("/participant/0/actor");
        let subject = first.get("subject").or_else(|| first.get("patient")).or(actor).unwrap();
        assert_eq!(subject["reference"], "Patient/p-2002", "{list}");
        page["regels"][0].as_object_mut().unwrap().remove("patient");
        assert_eq!(map_page(BASE, list, page.to_string().as_bytes()), Err(HisError::Nonsense), "{list}");
    }
}

#[test]
fn what_a_rule_reads_must_be_in_form() {
    for (list, page, pointer, value) in [
        ("episodes", EPISODES, "/regels/0/status", json!("open")),
        ("episodes", EPISODES, "/regels/0/id", json!("../../admin")),
        ("metingen", RESULTS, "/regels/0/datum", json!("onlangs")),
        ("metingen", RESULTS, "/regels/0/waarde", json!("5,60")),
        ("medicatie", MEDICATION, "/regels/0/eind", json!("morgen")),
        ("attentieregels", FLAGS, "/regels/0/actief", json!("ja")),
        ("afspraken", APPOINTMENTS, "/regels/0/begin", json!("2026-12-01")),
        ("documenten", DOCUMENTS, "/regels/0/inhoudId", json!("../patienten")),
    ] {
        let mut page: Value = serde_json::from_str(page).unwrap();
        *page.pointer_mut(pointer).unwrap() = value;
        assert_eq!(map_page(BASE, list, page.to_string().as_bytes()), Err(HisError::Nonsense), "{pointer}");
    }
    assert_eq!(map_page(BASE, "facturen", b"{}"), Err(HisError::Unsupported));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "[a-z0-9.-]{1,8}".prop_map(Value::from),
        "20[0-9]{2}-[01][0-9]-[0-3][0-9](T[0-9:+Z.]{0,14})?".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("(id|naam|code|patient|waarde|[a-z]{1,6})", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Every place in a value.
fn places(value: &Value, here: &str, all: &mut Vec<String>) {
    all.push(here.to_owned());
    for (name, member) in value.as_object().into_iter().flatten() {
        places(member, &format!("{here}/{name}"), all);
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        places(item, &format!("{here}/{index}"), all);
    }
}

proptest! {
    #[test]
    fn whatever_a_vendor_changes_the_outcome_is_a_searchset_or_an_error(
        list in 0..LISTS.len(), place in any::<prop::sample::Index>(), value in any_json(),
    ) {
        let (list, page) = LISTS[list];
        let mut page: Value = serde_json::from_str(page).unwrap();
        let mut all = Vec::new();
        places(&page, "", &mut all);
        *page.pointer_mut(place.get(&all).as_str()).unwrap() = value;
        if let Ok(searchset) = map_page(BASE, list, page.to_string().as_bytes()) {
            resources(&searchset);
        }
    }

    #[test]
    fn the_same_holds_for_reports(in_lines in any::<bool>(), place in any::<prop::sample::Index>(), value in any_json()) {
        let mut page: Value = serde_json::from_str(if in_lines { LINES } else { CONTACTS }).unwrap();
        let mut all = Vec::new();
        places(&page, "", &mut all);
        *page.pointer_mut(place.get(&all).as_str()).unwrap() = value;
        let page = page.to_string();
        let (contacts, lines) = if in_lines { (CONTACTS, page.as_str()) } else { (page.as_str(), LINES) };
        if let Ok(searchset) = map_reports(BASE, "p-1001", contacts.as_bytes(), lines.as_bytes()) {
            resources(&searchset);
        }
    }
}
