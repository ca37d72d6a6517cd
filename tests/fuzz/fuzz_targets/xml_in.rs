//! Whatever a HIS or an app sends as XML: no panic, and what is accepted is JSON that goes back to XML and comes again from it.

#![no_main]

use inzage::fhir::xml::{to_json, to_xml};
use inzage::medmij::FhirVersion;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// Numbers outside what `f64` holds are the one thing we pass on that serde_json does not read.
fn assert_json(json: &[u8]) {
    if let Err(error) = serde_json::from_slice::<Value>(json) {
        assert!(error.to_string().starts_with("number out of range"), "{error}");
    }
}

fn check(xml: &[u8], version: FhirVersion) {
    let Ok(json) = to_json(xml, version) else { return };
    assert_json(&json);
    let written = to_xml(&json, version).expect("what is read can be written");
    let again = to_json(&written, version).expect("what is written can be read");
    assert_eq!(to_xml(&again, version).as_ref(), Ok(&written));
}

fuzz_target!(|input: &[u8]| {
    [FhirVersion::Stu3, FhirVersion::R4].into_iter().for_each(|version| check(input, version));
});
