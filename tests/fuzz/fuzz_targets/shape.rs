//! Whatever a HIS sends: no panic, and what leaves holds no BSN, no address of the HIS and no S line.

#![no_main]

use std::collections::HashSet;

use inzage::fhir::shape::{Page, Record, Rules, ShapeFault, Shaped, Shaping, ShownEpisodes, shape_searchset};
use inzage::medmij::{Bsn, FhirVersion};
use inzage::services::Rule;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const HIS: &str = "https://his.praktijk.internal/fhir";
const HOST: &str = "https://his.praktijk.internal";
const OURS: &str = "https://inzage.example.nl/p/linde/49/fhir";
const BSN: &str = "999911132";
/// The text of an S line into which the input is written as further members.
const CANARY: &str = "KANARIE";

/// What was searched.
const SEARCHED: [&str; 6] =
    ["Observation", "DocumentReference", "Appointment", "Immunization", "EpisodeOfCare", "MedicationStatement"];

/// Shapes it. How many spaces stand at the end, which means nothing in JSON, says what was searched, in which version, and
/// which page it is.
fn shape(body: &[u8]) -> Result<Shaped, ShapeFault> {
    let choice = body.iter().rev().take_while(|byte| **byte == b' ').count();
    let rules = Rules {
        applied: if choice % 5 == 4 { Vec::new() } else { vec![Rule::ResultsPeriod, Rule::ClosedEpisodes] },
        access_start: jiff::civil::date(2024, 3, 1),
        results_since: jiff::civil::date(2025, 1, 10),
        today: jiff::civil::date(2026, 3, 10),
        closed_episodes: if choice % 7 == 6 { ShownEpisodes::All } else { ShownEpisodes::Only(HashSet::new()) },
    };
    let bsn = Bsn::parse(BSN).expect("a BSN");
    let fhir = if choice / 6 % 2 == 1 { FhirVersion::R4 } else { FhirVersion::Stu3 };
    let record = Record { fhir, patient_id: "pat-1", bsn: &bsn, his_base: HIS, our_base: OURS };
    let shaping = Shaping {
        record,
        rules: &rules,
        self_link: OURS,
        resource: SEARCHED[choice % SEARCHED.len()],
        includes: &["Specimen", "Practitioner"],
        page: if choice / 12 % 2 == 1 { Page::Later } else { Page::First },
    };
    let shaped = shape_searchset(body, &shaping, &|_| Some(format!("{OURS}?_page=x")))?;
    assert!(shaped.next.as_ref().is_none_or(|next| next.strip_prefix(HIS).is_some_and(|rest| !rest.contains("/../"))));
    Ok(shaped)
}

/// The input as further members of an S line: they cannot make it anything else, and cannot carry its text out.
fn inside_a_hidden_line(input: &[u8]) -> Vec<u8> {
    let system = "http://fhir.nl/fhir/NamingSystem/journaalregeltypen";
    let head = format!(
        r#"{{"resourceType":"Bundle","type":"searchset","entry":[{{"resource":{{"resourceType":"Observation","id":"s",
        "subject":{{"reference":"Patient/pat-1"}},"code":{{"coding":[{{"system":"{system}","code":"S"}}]}},
        "effectiveDateTime":"2026-01-01","valueString":"{CANARY}","#
    );
    [head.as_bytes(), input, b"}}]}"].concat()
}

/// No digit beside them, full-width or not: ten digits are no BSN.
fn has_digits_alone(text: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_digit() || ('\u{ff10}'..='\u{ff19}').contains(&c);
    text.match_indices(BSN).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + BSN.len()..].chars().next());
        !before.is_some_and(is_digit) && !after.is_some_and(is_digit)
    })
}

/// The address as a whole: `his.praktijk.internals` is another host.
fn has_address(text: &str) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    text.match_indices(HOST).any(|(at, _)| !text.as_bytes().get(at + HOST.len()).is_some_and(is_part))
}

fn assert_clean(value: &Value) {
    match value {
        Value::String(text) => {
            assert!(!has_digits_alone(text));
            assert!(!has_address(text));
        }
        Value::Array(items) => items.iter().for_each(assert_clean),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            assert!(!has_digits_alone(name));
            assert_clean(value);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Numbers outside what `f64` holds are the one thing we pass on that serde_json does not read.
fn assert_output(body: &[u8]) {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => assert_clean(&value),
        Err(error) => assert!(error.to_string().starts_with("number out of range"), "{error}"),
    }
}

fuzz_target!(|input: &[u8]| {
    if let Ok(shaped) = shape(input) {
        assert_output(&shaped.body);
    }
    if let Ok(shaped) = shape(&inside_a_hidden_line(input)) {
        assert_output(&shaped.body);
        assert!(!shaped.body.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
    }
});
