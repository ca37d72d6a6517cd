//! Whatever a HIS sends above the limit, entry by entry: no panic, the same bytes however they arrive, no S line in what has
//! left by the time it is broken off, and no BSN or address of the HIS in what ends well.

#![no_main]

use std::collections::HashSet;

use inzage::fhir::shape::stream::{Kept, SearchsetStream};
use inzage::fhir::shape::{Page, Record, Rules, Shaping, ShownEpisodes};
use inzage::medmij::{Bsn, FhirVersion};
use inzage::services::Rule;
use libfuzzer_sys::fuzz_target;

#[path = "shape/clean.rs"]
mod clean;

use clean::{BSN, HOST, assert_no_canary, assert_output, inside_a_hidden_line};

const OURS: &str = "https://inzage.example.nl/p/linde/49/fhir";
/// Small, so that it is met.
const PIECE_LIMIT: usize = 4096;

fn kept(fhir: FhirVersion) -> Kept {
    let rules = Rules {
        applied: vec![Rule::ResultsPeriod, Rule::ClosedEpisodes],
        access_start: jiff::civil::date(2024, 3, 1),
        results_since: jiff::civil::date(2025, 1, 10),
        today: jiff::civil::date(2026, 3, 10),
        closed_episodes: ShownEpisodes::Only(HashSet::new()),
    };
    let (bsn, his_base) = (Bsn::parse(BSN).expect("a BSN"), format!("{HOST}/fhir"));
    let record = Record { fhir, patient_id: "pat-1", bsn: &bsn, his_base: &his_base, our_base: OURS };
    let includes = &["Specimen", "Practitioner"];
    let page = Page::First;
    Kept::of(&Shaping { record, rules: &rules, self_link: OURS, resource: "Observation", includes, page })
}

/// What leaves, and whether it ends well.
fn shape(body: &[u8], fhir: FhirVersion, chunk: usize) -> (Vec<u8>, bool) {
    let next = Box::new(|_: &str| Some(format!("{OURS}?_page=x")));
    let mut stream = SearchsetStream::new(kept(fhir), Some(next), PIECE_LIMIT);
    let mut out = Vec::new();
    for part in body.chunks(chunk) {
        match stream.push(part) {
            Ok(bytes) => out.extend(bytes),
            Err(_) => return (out, false),
        }
    }
    match stream.finish() {
        Ok((end, _)) => ([out, end].concat(), true),
        Err(_) => (out, false),
    }
}

fn check(body: &[u8]) -> Vec<u8> {
    let mut left = Vec::new();
    for fhir in [FhirVersion::Stu3, FhirVersion::R4] {
        let (out, ends) = shape(body, fhir, 7);
        let (whole, whole_ends) = shape(body, fhir, usize::MAX);
        assert_eq!(ends, whole_ends);
        if ends {
            assert_eq!(out, whole);
            assert_output(&out);
        }
        left.extend(out);
    }
    left
}

fuzz_target!(|input: &[u8]| {
    check(input);
    assert_no_canary(&check(&inside_a_hidden_line(input)));
});
