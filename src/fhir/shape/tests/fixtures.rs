//! Bundles of our own invention, kept as files: good ones with what must come out, bad ones named for their defect.

use jiff::civil::date;
use serde_json::{Value, json};

use super::super::{
    FhirVersion, Flagged, Page, Record, ShapeFault, Shaping, flagged_episodes, read_patient, shape_searchset,
};
use super::{HIS, OURS, SELF_LINK, assert_nothing_leaks, bsn, next_link, record, rules, shape, shaping};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../fixtures/fhir/", $name, ".json")).as_slice()
    };
}

fn shaped(resource: &str, body: &[u8]) -> (Value, u32, u32) {
    let shaped = shape(resource, body).unwrap();
    assert_nothing_leaks(&shaped.body);
    (serde_json::from_slice(&shaped.body).unwrap(), shaped.entries, shaped.withheld)
}

fn ids(bundle: &Value) -> Vec<&str> {
    bundle["entry"].as_array().unwrap().iter().map(|entry| entry["resource"]["id"].as_str().unwrap()).collect()
}

fn masked() -> Value {
    json!({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]})
}

#[test]
fn observations_lose_lines_and_results_that_are_not_shown() {
    let (bundle, entries, withheld) = shaped("Observation", fixture!("observations"));
    assert_eq!(ids(&bundle), ["regel-e", "regel-p", "uitslag", "buis"]);
    assert_eq!((entries, withheld), (3, 6));
    assert_eq!(bundle["total"], 3);
    assert_eq!(bundle["link"], links_to_self());
    let resource = |index: usize| &bundle["entry"][index]["resource"];
    assert_eq!(resource(0)["related"], json!([{"target": {"reference": "Observation/regel-s"}}]));
    assert_eq!(
        resource(1)["valueString"],
        format!("slaapadviezen gegeven, controle via https://***/fhir/agenda, bsn *********")
    );
    assert_eq!(resource(2)["subject"], json!({"reference": format!("{OURS}/Patient/pat-1")}));
    assert_eq!(resource(2)["performer"], json!([{"display": "Laboratorium De Linde"}]));
    assert_eq!(bundle["entry"][0]["fullUrl"], format!("{OURS}/Observation/regel-e"));
    let raw = String::from_utf8(shape("Observation", fixture!("observations")).unwrap().body).unwrap();
    assert!(raw.contains("\"value\": 1.00,"));
}

#[test]
fn compositions_lose_sections_and_narrative() {
    let (bundle, entries, withheld) = shaped("Composition", fixture!("compositions"));
    assert_eq!((ids(&bundle), entries, withheld), (vec!["verslag"], 1, 3));
    let composition = &bundle["entry"][0]["resource"];
    let codes: Vec<_> =
        composition["section"].as_array().unwrap().iter().map(|it| &it["code"]["coding"][0]["code"]).collect();
    assert_eq!(codes, ["E", "P"]);
    for absent in ["text", "contained"] {
        assert_eq!(composition.get(absent), None);
    }
    assert_eq!(composition["section"][0].get("section"), None);
    let entry = json!([{"reference": "Observation/regel-p"}, {"_reference": masked()}]);
    assert_eq!(composition["section"][1]["entry"], entry);
}

#[test]
fn episodes_are_the_current_and_the_flagged() {
    let (bundle, entries, withheld) = shaped("EpisodeOfCare", fixture!("episodes"));
    assert_eq!((ids(&bundle), entries, withheld), (vec!["lopend", "e-flagged"], 2, 2));
}

#[test]
fn the_patient_has_a_masked_bsn_and_moved_addresses() {
    let (bundle, entries, withheld) = shaped("Patient", fixture!("patient"));
    assert_eq!((ids(&bundle), entries, withheld), (vec!["pat-1", "arts"], 1, 0));
    let patient = &bundle["entry"][0]["resource"];
    for index in [0, 1] {
        assert_eq!(patient["identifier"][index]["_value"], masked());
        assert_eq!(patient["identifier"][index].get("value"), None);
    }
    assert_eq!(patient["identifier"][2]["value"], "dossier-12");
    assert_eq!(patient["photo"][0]["url"], format!("{OURS}/Binary/foto"));
}

#[test]
fn a_reference_by_an_address_outside_the_base_leads_to_the_entry_that_has_it() {
    let performers = |id: &str| {
        json!({
            "resourceType": "Observation", "id": "uitslag", "subject": {"reference": "Patient/pat-1"},
            "effectiveDateTime": "2026-02-01",
            "performer": [{"reference": format!("https://elsewhere.example/fhir/Practitioner/{id}"), "display": "De arts"}],
        })
    };
    let bundle = |id: &str| {
        let doctor = json!({"resourceType": "Practitioner", "id": "arts"});
        json!({"resourceType": "Bundle", "type": "searchset", "entry": [
            {"resource": performers(id), "search": {"mode": "match"}},
            {"fullUrl": "https://elsewhere.example/fhir/Practitioner/arts", "resource": doctor, "search": {"mode": "include"}},
        ]})
    };
    let (led, ..) = shaped("Observation", bundle("arts").to_string().as_bytes());
    assert_eq!(ids(&led), ["uitslag", "arts"]);
    let address = format!("{OURS}/Practitioner/arts");
    assert_eq!(led["entry"][1]["fullUrl"], address);
    assert_eq!(led["entry"][0]["resource"]["performer"], json!([{"reference": address, "display": "De arts"}]));

    let (lost, ..) = shaped("Observation", bundle("een-ander").to_string().as_bytes());
    assert_eq!(ids(&lost), ["uitslag"]);
    assert_eq!(lost["entry"][0]["resource"]["performer"], json!([{"display": "De arts"}]));
}

#[test]
fn an_empty_answer_stays_empty() {
    let (bundle, entries, withheld) = shaped("Encounter", fixture!("empty"));
    assert_eq!((entries, withheld), (0, 0));
    let link = links_to_self();
    assert_eq!(bundle, json!({"resourceType": "Bundle", "type": "searchset", "total": 0, "link": link}));
}

#[test]
fn when_all_is_withheld_there_is_no_entry() {
    let body = String::from_utf8(fixture!("episodes").to_vec()).unwrap();
    let body = body.replace("\"active\"", "\"cancelled\"").replace("e-flagged", "weg");
    let (bundle, entries, withheld) = shaped("EpisodeOfCare", body.as_bytes());
    assert_eq!((bundle.get("entry"), &bundle["total"], entries, withheld), (None, &json!(0), 0, 4));
}

#[test]
fn each_defect_has_its_fault() {
    let unreadable = |element| ShapeFault::Unreadable { element };
    for (body, fault) in [
        (fixture!("bad-foreign-subject"), ShapeFault::NoPatient),
        (fixture!("bad-foreign-subject-in-withheld-line"), ShapeFault::NoPatient),
        (fixture!("bad-foreign-patient-as-include"), ShapeFault::ForeignPatient),
        (fixture!("bad-foreign-patient-in-extension"), ShapeFault::ForeignPatient),
        (fixture!("bad-foreign-patient-on-other-server"), ShapeFault::ForeignPatient),
        (fixture!("bad-foreign-bsn"), ShapeFault::ForeignPatient),
        (fixture!("bad-contained-patient"), ShapeFault::ForeignPatient),
        (fixture!("bad-contained-in-contained"), ShapeFault::UnexpectedType),
        (fixture!("bad-resource-in-odd-place"), ShapeFault::UnexpectedType),
        (fixture!("bad-no-subject"), ShapeFault::NoPatient),
        (fixture!("bad-subject-by-bsn-only"), ShapeFault::NoPatient),
        (fixture!("bad-subject-climbs-path"), unreadable("reference")),
        (fixture!("bad-provenance"), ShapeFault::UnexpectedType),
        (fixture!("bad-match-of-other-type"), ShapeFault::UnexpectedType),
        (fixture!("bad-history"), ShapeFault::NotASearchset),
        (fixture!("bad-no-id"), unreadable("id")),
        (fixture!("bad-bsn-as-id"), ShapeFault::UnmaskableBsn),
        (fixture!("bad-bsn-as-number"), ShapeFault::UnmaskableBsn),
        (fixture!("bad-bsn-in-name"), ShapeFault::UnmaskableBsn),
        (fixture!("bad-bsn-in-reference"), ShapeFault::UnmaskableBsn),
        (fixture!("bad-internal-address-as-extension"), ShapeFault::InternalAddress),
        (fixture!("bad-repeated-name"), ShapeFault::RepeatedName),
        (fixture!("bad-escaped-name"), ShapeFault::EscapedName),
        (fixture!("bad-outcome"), ShapeFault::NotASearchset),
        (fixture!("bad-html"), ShapeFault::NotJson { offset: 0 }),
    ] {
        assert_eq!(shape("Observation", body).unwrap_err(), fault, "{}", String::from_utf8_lossy(body));
    }
    for body in [fixture!("bad-trailing-text"), fixture!("bad-half-surrogate")] {
        assert!(matches!(shape("Observation", body), Err(ShapeFault::NotJson { .. })));
    }
}

/// Every byte of the good fixtures replaced by another: nothing hidden comes out, unless the changed byte is in the very
/// word that hides it (a line type, a date, the name of the narrative, what ties an entry to its type).
#[test]
fn no_single_damaged_byte_shows_what_is_hidden() {
    let decisive = ["code", "system", "date", "effectiveDateTime", "status", "id", "reference", "div", "text"];
    let replacements = *b"\"x0 },S\\\xff";
    for (resource, body) in [("Observation", fixture!("observations")), ("Composition", fixture!("compositions"))] {
        let (mut passed, mut at) = (0, 0);
        for line in body.split_inclusive(|byte| *byte == b'\n') {
            let start = at;
            at += line.len();
            let text = String::from_utf8_lossy(line);
            if decisive.iter().any(|name| text.contains(&format!("\"{name}\""))) || text.contains("KANARIE") {
                continue;
            }
            for position in start + line.len() - text.trim_start().len()..at {
                let mut damaged = body.to_vec();
                damaged[position] = replacements[position % replacements.len()];
                if let Ok(shaped) = shape(resource, &damaged) {
                    passed += 1;
                    assert!(!String::from_utf8(shaped.body).unwrap().contains("KANARIE"), "{position}: {text}");
                }
            }
        }
        assert!(passed > 100, "{passed}");
    }
}

#[test]
fn an_entry_may_be_repeated_but_not_without_end() {
    let entry = r#"{"resource":{"resourceType":"Practitioner","id":"a"},"search":{"mode":"include"}}"#;
    let line = r#"{"resource":{"resourceType":"Encounter","id":"e","subject":{"reference":"Patient/pat-1"},
        "participant":[{"individual":{"reference":"Practitioner/a"}}]}}"#;
    let bundle = |times: usize| {
        format!(
            r#"{{"resourceType":"Bundle","type":"searchset","entry":[{line}{}]}}"#,
            format!(",{entry}").repeat(times)
        )
    };
    assert_eq!(shape("Encounter", bundle(256).as_bytes()).unwrap().withheld, 0);
    assert_eq!(shape("Encounter", bundle(257).as_bytes()), Err(ShapeFault::NotASearchset));
}

#[test]
fn no_spelling_of_an_internal_address_leaves() {
    let body = |place: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"searchset","entry":[{{"resource":{{"resourceType":"Encounter","id":"e",
            "subject":{{"reference":"Patient/pat-1"}},{place}}}}}]}}"#
        )
    };
    for place in [
        r##""a":{"reference":"#HIS.prakti\u006ak.internal"}"##,
        r#""a":{"reference":"urn:uuid:his.prakti\u006ak.internal"}"#,
        r#""a":{"reference":"Location\/his.prakti\u006ak.internal"}"#,
        r#""his.praktijk.internal":1"#,
        r#""extension":[{"url":"https:\/\/his.praktijk.internal\/x"}]"#,
    ] {
        assert_eq!(shape("Encounter", body(place).as_bytes()), Err(ShapeFault::InternalAddress), "{place}");
    }
    for place in [
        r#""a":{"reference":"https:\/\/his.praktijk.internal\/fhir\/Location\/1"}"#,
        r#""a":{"reference":"https://his.praktijk.internal:8443/fhir/Location/1"}"#,
        r#""photo":[{"url":"http://his.praktijk.internal/x"}]"#,
        r#""b":"\u0068is.praktijk.internal""#,
    ] {
        assert_nothing_leaks(&shape("Encounter", body(place).as_bytes()).unwrap().body);
    }
}

#[test]
fn flags_name_the_episodes() {
    let bsn = bsn();
    let of = |patient_id| Record { patient_id, ..record(&bsn) };
    let read = |body: &[u8], patient| flagged_episodes(body, &of(patient), Page::First);
    let found = |ids: &[&str], next: Option<&str>| {
        let episodes = ids.iter().map(|id| (*id).to_owned()).collect();
        Ok(Flagged { episodes, next: next.map(str::to_owned) })
    };
    assert_eq!(read(fixture!("flags"), "pat-1"), found(&["e-flagged", "astma"], None));
    assert_eq!(read(fixture!("empty"), "pat-1"), found(&[], None));
    assert_eq!(read(fixture!("flags"), "pat-2"), Err(ShapeFault::NoPatient));
    assert_eq!(read(fixture!("episodes"), "pat-1"), Err(ShapeFault::UnexpectedType));
    let paged = |address: &str| {
        let text = String::from_utf8(fixture!("flags").to_vec()).unwrap().replace("\"self\"", "\"next\"");
        text.replacen("https://his.praktijk.internal/fhir/X?patient=pat-1", address, 1)
    };
    let next = "https://his.praktijk.internal/fhir?c=2";
    assert_eq!(read(paged(next).as_bytes(), "pat-1"), found(&["e-flagged", "astma"], Some(next)));
    let elsewhere = paged("https://his.praktijk.internal/other?c=2");
    assert_eq!(read(elsewhere.as_bytes(), "pat-1"), Err(ShapeFault::InternalAddress));
}

#[test]
fn a_page_has_our_link_to_the_next_and_no_total() {
    let body = fixture!("first-page");
    let first = shape("Observation", body).unwrap();
    assert_eq!(first.next.as_deref(), Some("https://his.praktijk.internal/fhir?page=2"));
    let bundle: Value = serde_json::from_slice(&first.body).unwrap();
    let next = format!("{OURS}/Observation?_page=41");
    let links = json!([{"relation": "self", "url": SELF_LINK}, {"relation": "next", "url": next}]);
    assert_eq!((&bundle["link"], bundle.get("total"), first.entries), (&links, None, 1));
    let (bsn, rules) = (bsn(), rules());
    let whole = String::from_utf8(body.to_vec()).unwrap().replace("\"next\"", "\"previous\"");
    let shape = |page, body: &str| {
        shape_searchset(body.as_bytes(), &Shaping { page, ..shaping("Observation", &bsn, &rules) }, &next_link)
    };
    // The last page: what came before counts in the total of the HIS.
    let last = shape(Page::Later, &whole.replace("\"total\": 1", "\"total\": 7")).unwrap();
    let bundle: Value = serde_json::from_slice(&last.body).unwrap();
    assert_eq!((&bundle["link"], bundle.get("total"), last.next), (&links_to_self(), None, None));
    let cut_short = whole.replace("\"total\": 1", "\"total\": 7");
    assert_eq!(shape(Page::First, &cut_short), Err(ShapeFault::Incomplete));
}

fn links_to_self() -> Value {
    json!([{"relation": "self", "url": SELF_LINK}])
}

#[test]
fn the_patient_is_read_when_it_is_the_one() {
    let text = String::from_utf8(fixture!("patient").to_vec()).unwrap();
    let read = |text: &str| read_patient(text.as_bytes(), FhirVersion::Stu3, &bsn(), HIS);
    let patient = read(&text).unwrap().unwrap();
    assert_eq!((patient.id.as_str(), patient.birth_date), ("pat-1", Some(date(1971, 5, 8))));
    assert_eq!(read(&text.replace("1971-05-08", "1971-05")).unwrap().unwrap().birth_date, None);
    assert_eq!(read_patient(fixture!("empty"), FhirVersion::Stu3, &bsn(), HIS), Ok(None));
    for other in ["123456782", "", "dossier"] {
        assert_eq!(read(&text.replace("999911132", other)), Err(ShapeFault::ForeignPatient), "{other}");
    }
    assert_eq!(read(&text.replace("pat-1", "p-999911132")), Err(ShapeFault::UnmaskableBsn));
    let twice = text.replace("\"Practitioner\",", "\"Patient\",").replace("\"include\"", "\"match\"");
    assert_eq!(read(&twice), Err(ShapeFault::AmbiguousPatient));
    assert_eq!(read_patient(fixture!("episodes"), FhirVersion::Stu3, &bsn(), HIS), Err(ShapeFault::AmbiguousPatient));
}

#[test]
fn faults_and_results_print_nothing_of_the_answer() {
    let shaped = shape("Patient", fixture!("patient")).unwrap();
    assert!(format!("{shaped:?}").starts_with("Shaped("));
    let fault = shape("Observation", fixture!("bad-foreign-subject")).unwrap_err();
    assert!(!format!("{fault:?} {fault}").contains("pat-"));
}
