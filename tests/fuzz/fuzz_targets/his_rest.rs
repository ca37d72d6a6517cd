//! Whatever a HIS of the `his-rest` dialect sends as a page: no panic, and what it becomes is a searchset whose entries have
//! a type, an id, a profile and the full URL that belongs to them, or an error.

#![no_main]

use inzage::his::rest::{map_page, map_reports};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const BASE: &str = "https://his.praktijk.internal/api/v1";
const LISTS: [&str; 8] = [
    "episodes",
    "attentieregels",
    "contacten",
    "metingen",
    "medicatie",
    "overgevoeligheden",
    "afspraken",
    "documenten",
];
const CONTACTS: &[u8] = include_bytes!("../../../fixtures/his-rest/contacten.json");
const LINES: &[u8] = include_bytes!("../../../fixtures/his-rest/journaalregels.json");

fn check(searchset: &[u8]) {
    let bundle: Value = serde_json::from_slice(searchset).expect("JSON");
    assert!(bundle["resourceType"] == "Bundle" && bundle["type"] == "searchset");
    for entry in bundle["entry"].as_array().into_iter().flatten() {
        let text = |pointer| entry.pointer(pointer).and_then(Value::as_str).expect("a text");
        let (kind, id) = (text("/resource/resourceType"), text("/resource/id"));
        assert_eq!(text("/fullUrl"), format!("{BASE}/{kind}/{id}"));
        assert!(text("/resource/meta/profile/0").contains("/StructureDefinition/"));
        assert!(id.len() <= 64 && !id.contains('/'));
    }
}

fuzz_target!(|page: &[u8]| {
    let pages = LISTS.iter().map(|list| map_page(BASE, list, page));
    let reports = [map_reports(BASE, "p-1001", page, LINES), map_reports(BASE, "p-1001", CONTACTS, page)];
    pages.chain(reports).flatten().for_each(|searchset| check(&searchset));
});
