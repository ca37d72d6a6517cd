//! Any text in each place of a line where a HIS can put text: if the line leaves, it leaves without BSN and address, as
//! JSON, and as one entry. The first byte of the input says the place; `#` stands for the BSN and `@` for the address of the HIS.

#![no_main]

use std::collections::HashSet;

use inzage::fhir::shape::{Page, Record, Rules, Shaping, ShownEpisodes, shape_searchset};
use inzage::medmij::{Bsn, FhirVersion};
use inzage::services::Rule;
use jiff::civil::date;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const HIS: &str = "https://his.praktijk.internal/fhir";
const HOST: &str = "his.praktijk.internal";
const OURS: &str = "https://inzage.example.nl/p/linde/49/fhir";
const BSN: &str = "999911132";
/// Where the text goes.
const PLACES: [&str; 9] = [
    "/entry/0/resource/valueString",
    "/entry/0/resource/subject/display",
    "/entry/0/resource/text/div",
    "/entry/0/resource/extension/0/url",
    "/entry/0/resource/extension/0/valueString",
    "/entry/0/resource/performer/0/reference",
    "/entry/0/resource/identifier/0/value",
    "/entry/0/resource/identifier/0/system",
    "/entry/0/fullUrl",
];

fn line() -> Value {
    json!({"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [{
        "fullUrl": format!("{HIS}/Observation/e1"),
        "resource": {
            "resourceType": "Observation",
            "id": "e1",
            "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},
            "extension": [{"url": "http://example.nl/x", "valueString": "x"}],
            "identifier": [{"system": "http://example.nl/id", "value": "1"}],
            "status": "final",
            "code": {"coding": [{"system": "http://fhir.nl/fhir/NamingSystem/journaalregeltypen", "code": "E"}]},
            "subject": {"reference": "Patient/pat-1", "display": "x"},
            "performer": [{"reference": "Practitioner/arts-1"}],
            "effectiveDateTime": "2026-02-03",
            "valueString": "x"
        }
    }]})
}

/// Whether `sought` stands in the text with nothing beside it that would make it a part of something else.
fn stands_in(text: &str, sought: &str, is_part: fn(char) -> bool) -> bool {
    text.match_indices(sought).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + sought.len()..].chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// Full-width ones too: ten digits are no BSN.
fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || ('\u{ff10}'..='\u{ff19}').contains(&c)
}

fn assert_clean(value: &Value) {
    match value {
        Value::String(text) => {
            assert!(!stands_in(text, BSN, is_digit));
            assert!(!stands_in(&text.to_ascii_lowercase(), HOST, |c| c.is_ascii_alphanumeric() || c == '-'));
        }
        Value::Array(items) => items.iter().for_each(assert_clean),
        Value::Object(members) => members.values().for_each(assert_clean),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fuzz_target!(|input: (u8, &str)| {
    let (place, text) = input;
    let mut bundle = line();
    let place = PLACES[usize::from(place) % PLACES.len()];
    *bundle.pointer_mut(place).expect("a place in the line") = text.replace('#', BSN).replace('@', HIS).into();
    let rules = Rules {
        applied: vec![Rule::ResultsPeriod],
        access_start: date(2024, 3, 1),
        results_since: date(2025, 1, 10),
        today: date(2026, 3, 10),
        closed_episodes: ShownEpisodes::Only(HashSet::new()),
    };
    let bsn = Bsn::parse(BSN).expect("a BSN");
    let record =
        Record { fhir: FhirVersion::Stu3, patient_id: "pat-1", bsn: &bsn, his_base: HIS, our_base: OURS };
    let shaping = Shaping {
        record,
        rules: &rules,
        self_link: OURS,
        resource: "Observation",
        includes: &["Specimen", "Practitioner"],
        page: Page::First,
    };
    let Ok(shaped) = shape_searchset(bundle.to_string().as_bytes(), &shaping, &|next| Some(next.to_owned())) else { return };
    let value: Value = serde_json::from_slice(&shaped.body).expect("JSON");
    assert_clean(&value);
    assert_eq!((shaped.entries, shaped.withheld), (1, 0));
    assert_eq!(value["entry"].as_array().map(Vec::len), Some(1));
    // What is no address, reference or number of a person is the HIS's own words.
    if place.ends_with("valueString") && !text.contains(['#', '@']) && !text.contains(|c: char| c.is_numeric()) {
        let found = value.pointer(place).and_then(Value::as_str);
        assert!(found == Some(text) || text.to_ascii_lowercase().contains(HOST));
    }
});
