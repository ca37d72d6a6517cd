//! The plain JSON API over the shipped records, request by request.

use http::Request;
use jiff::civil::date;

use super::*;
use crate::sandbox::records;

const FIRST: &str = "delinde-p1-patient";

fn shipped() -> Records {
    let practice = records::shipped(date(2026, 11, 21)).swap_remove(0);
    Records::from_resources(practice.resources).unwrap()
}

fn ask(records: &Records, request: &str, faults: Faults) -> Result<Value, Refusal> {
    let (method, target) = request.split_once(' ').unwrap();
    let (target, body) =
        target.split_once(" {").map_or((target, String::new()), |(to, body)| (to, format!("{{{body}")));
    let (parts, ()) = Request::builder().method(method).uri(target).body(()).unwrap().into_parts();
    let answer = answer(records, parts.uri.path(), &parts, &body.into(), &faults)?;
    assert_eq!((answer.status, answer.media_type), (StatusCode::OK, JSON));
    Ok(serde_json::from_slice(answer.body.at_hand()).unwrap())
}

fn rows(records: &Records, list: &str, faults: Faults) -> Vec<Value> {
    let page = ask(records, &format!("GET /patienten/{FIRST}/{list}"), faults).unwrap();
    page["regels"].as_array().unwrap().clone()
}

#[test]
fn a_patient_is_found_by_bsn_in_the_body_only() {
    let records = shipped();
    let none = Faults::default();
    let bsn = records.bsn_of(FIRST).unwrap();
    let found = ask(&records, &format!("POST /patienten/zoek {{\"bsn\":\"{}\"}}", bsn.reveal()), none).unwrap();
    assert_eq!(found["patienten"].as_array().unwrap().len(), 1);
    assert_eq!((&found["patienten"][0]["id"], &found["patienten"][0]["bsn"]), (&json!(FIRST), &json!(bsn.reveal())));
    let nobody = ask(&records, "POST /patienten/zoek {\"bsn\":\"123456782\"}", none).unwrap();
    assert_eq!(nobody["patienten"], json!([]));
    for bad in ["POST /patienten/zoek", "POST /patienten/zoek {\"bsn\":\"7\"}"] {
        assert_eq!(ask(&records, bad, none).unwrap_err(), Refusal::Malformed, "{bad}");
    }
    assert_eq!(ask(&records, "GET /patienten/zoek", none).unwrap_err(), Refusal::NotFound);
}

#[test]
fn the_lists_hold_what_the_story_tells() {
    let records = shipped();
    let none = Faults::default();
    let counts = [
        ("episodes", 3),
        ("attentieregels", 1),
        ("contacten", 3),
        ("journaalregels", 12),
        ("metingen", 7),
        ("metingen?vanaf=2025-09-21", 4),
        ("metingen?tot=2025-09-20", 3),
        ("medicatie", 4),
        ("medicatie?actueel=2026-11-21", 2),
        ("overgevoeligheden?soort=medicatie", 1),
        ("overgevoeligheden?soort=voedsel", 0),
    ];
    for (list, count) in counts {
        let rows = rows(&records, list, none);
        assert_eq!(rows.len(), count, "{list}");
        assert!(rows.iter().all(|row| row["id"].is_string() && row["patient"]["id"] == FIRST), "{list}: {rows:?}");
    }
    let lines = rows(&records, "journaalregels", none);
    let kinds: Vec<_> = lines.iter().take(4).map(|line| line["soort"]["code"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["S", "O", "E", "P"]);
    let gp = ask(&records, &format!("GET /patienten/{FIRST}/huisarts"), none).unwrap();
    assert_eq!(gp["naam"]["achternaam"], "Dekker");
    let refused = [
        ("patienten/nobody/episodes", Refusal::NotFound),
        (&format!("patienten/{FIRST}/facturen"), Refusal::NotFound),
        (&format!("patienten/{FIRST}/episodes?status=actief"), Refusal::Malformed),
        (&format!("patienten/{FIRST}/episodes?vervolg=3"), Refusal::Malformed),
    ];
    for (request, refusal) in refused {
        assert_eq!(ask(&records, &format!("GET /{request}"), none).unwrap_err(), refusal, "{request}");
    }
}

#[test]
fn pages_follow_each_other_and_can_fail() {
    let records = shipped();
    let paged = Faults { page_size: 5, ..Faults::default() };
    let mut next = String::new();
    let mut found = Vec::new();
    for _ in 0..3 {
        let page = ask(&records, &format!("GET /patienten/{FIRST}/journaalregels{next}"), paged).unwrap();
        found.extend(page["regels"].as_array().unwrap().clone());
        next = page["volgende"].as_str().map(|next| format!("?vervolg={next}")).unwrap_or_default();
    }
    assert_eq!((found.len(), next.as_str()), (12, ""));
    assert_eq!(found, rows(&records, "journaalregels", Faults::default()));
    let failing = Faults { fail_page: 2, ..paged };
    assert!(ask(&records, &format!("GET /patienten/{FIRST}/journaalregels"), failing).is_ok());
    let second = format!("GET /patienten/{FIRST}/journaalregels?vervolg=na-5");
    assert_eq!(ask(&records, &second, failing).unwrap_err(), Refusal::Broken);
}

#[test]
fn faults_bring_in_another_patient_and_the_bsn() {
    let records = shipped();
    let foreign = rows(&records, "episodes", Faults { foreign_patient: true, ..Faults::default() });
    assert_eq!(foreign.iter().filter(|row| row["patient"]["id"] != FIRST).count(), 1);
    let bsn = records.bsn_of(FIRST).unwrap();
    let exposed = rows(&records, "episodes", Faults { unmasked_bsn: true, ..Faults::default() });
    for row in exposed {
        assert!(row["titel"].as_str().unwrap().contains(bsn.reveal()), "{row}");
        assert!(row["kenmerken"].to_string().contains(bsn.reveal()), "{row}");
    }
}
