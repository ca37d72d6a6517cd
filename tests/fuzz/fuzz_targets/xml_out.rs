//! Whatever JSON is to leave as XML: no panic, and what is written can be read, says the same, and names no entity or document
//! type of its own.

#![no_main]

use inzage::fhir::xml::{entry_to_xml, to_json, to_xml};
use inzage::medmij::FhirVersion;
use libfuzzer_sys::fuzz_target;

const PREDEFINED: [&str; 5] = ["amp;", "lt;", "gt;", "quot;", "apos;"];

/// The five entities of XML 1.0, section 4.6, and characters by their number.
fn assert_plain(xml: &[u8]) {
    let text = std::str::from_utf8(xml).expect("in UTF-8");
    assert!(!text.contains("<!"));
    for (at, _) in text.match_indices('&') {
        let name = &text[at + 1..];
        assert!(name.starts_with('#') || PREDEFINED.iter().any(|known| name.starts_with(known)));
    }
}

fn check(json: &[u8], version: FhirVersion) {
    if let Ok(entry) = entry_to_xml(json, version) {
        assert_plain(&entry);
    }
    let Ok(written) = to_xml(json, version) else { return };
    assert_plain(&written);
    let back = to_json(&written, version).expect("what is written can be read");
    assert_eq!(to_xml(&back, version).as_ref(), Ok(&written));
}

fuzz_target!(|input: &[u8]| {
    [FhirVersion::Stu3, FhirVersion::R4].into_iter().for_each(|version| check(input, version));
});
