//! Whatever a HIS sends: no panic, the same outcome with a look at every part, and what leaves holds no BSN, no address of the HIS and no S line.

#![no_main]

use std::collections::HashSet;

use inzage::fhir::shape::{Page, Record, Rules, ShapeFault, Shaped, Shaping, ShownEpisodes, shape_completely, shape_searchset};
use inzage::medmij::{Bsn, FhirVersion};
use inzage::services::Rule;
use libfuzzer_sys::fuzz_target;

#[path = "shape/clean.rs"]
mod clean;

use clean::{BSN, assert_no_canary, assert_output, inside_a_hidden_line};

const HIS: &str = "https://his.praktijk.internal/fhir";
const OURS: &str = "https://inzage.example.nl/p/linde/49/fhir";

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
    let next_link = |_: &str| Some(format!("{OURS}?_page=x"));
    let shaped = shape_searchset(body, &shaping, &next_link);
    assert!(shaped == shape_completely(body, &shaping, &next_link), "what is passed over matters");
    let shaped = shaped?;
    assert!(shaped.next.as_ref().is_none_or(|next| next.strip_prefix(HIS).is_some_and(|rest| !rest.contains("/../"))));
    Ok(shaped)
}

fuzz_target!(|input: &[u8]| {
    if let Ok(shaped) = shape(input) {
        assert_output(&shaped.body);
    }
    if let Ok(shaped) = shape(&inside_a_hidden_line(input)) {
        assert_output(&shaped.body);
        assert_no_canary(&shaped.body);
    }
});
