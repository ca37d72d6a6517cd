//! The shaper held against its model, against damaged bytes, and against bundles named for their defect.

mod attacks;
mod fixtures;
mod generate;
mod model;
mod stream;
mod types;

use std::collections::HashSet;

use jiff::civil::date;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::Value;

use super::*;
use generate::{Choices, Setting};
use model::words::Judged;

const HIS_HOST: &str = "his.praktijk.internal";
const HIS: &str = "https://his.praktijk.internal/fhir";
const OURS: &str = "https://inzage.example.nl/p/linde/49/fhir";
const SELF_LINK: &str = "https://inzage.example.nl/p/linde/49/fhir/Observation?code=urn%3Ax%7C&date=ge2025-01-10";
const BSN: &str = "999911132";
const OTHER_BSN: &str = "123456782";
/// Stands in the text of S and O lines and in what is another person's.
const CANARY: &str = "KANARIE";

const ALL_RULES: &[Rule] =
    &[Rule::ResultsPeriod, Rule::ClosedEpisodes, Rule::MedicationInUse, Rule::MedicationIntolerances];

fn rules() -> Rules {
    Rules {
        applied: ALL_RULES.to_vec(),
        access_start: date(2024, 3, 1),
        results_since: date(2025, 1, 10),
        today: date(2026, 3, 10),
        closed_episodes: ShownEpisodes::Only(HashSet::from(["e-flagged".to_owned()])),
    }
}

fn bsn() -> Bsn {
    Bsn::parse(BSN).unwrap()
}

fn record(bsn: &Bsn) -> Record<'_> {
    Record { fhir: FhirVersion::Stu3, patient_id: "pat-1", bsn, his_base: HIS, our_base: OURS }
}

fn shaping<'a>(resource: &'a str, bsn: &'a Bsn, rules: &'a Rules) -> Shaping<'a> {
    Shaping {
        record: record(bsn),
        rules,
        self_link: SELF_LINK,
        resource,
        includes: &["Practitioner", "Observation", "Specimen", "Patient", "Organization"],
        page: Page::First,
    }
}

/// Our address of the next page; the real one is sealed.
fn next_link(his: &str) -> Option<String> {
    Some(format!("{OURS}/Observation?_page={}", his.len()))
}

fn shape(resource: &str, body: &[u8]) -> Result<Shaped, ShapeFault> {
    shape_searchset(body, &shaping(resource, &bsn(), &rules()), &next_link)
}

/// What no output may hold, whatever the input was.
fn assert_nothing_leaks(body: &[u8]) {
    let text = String::from_utf8(body.to_vec()).unwrap();
    for secret in [CANARY, BSN, OTHER_BSN, HIS_HOST] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

/// A HIS answer of any kind, and what it is held against.
struct Generated {
    body: String,
    searched: &'static str,
    setting: Setting,
}

impl Generated {
    fn of(bytes: &[u8]) -> Self {
        let mut choices = Choices(bytes.iter());
        let setting = choices.setting();
        let (bundle, searched) = choices.bundle();
        let mut body = String::new();
        choices.write(&bundle, &mut body);
        Self { body, searched, setting }
    }

    fn with<T>(&self, work: impl FnOnce(&Shaping<'_>) -> T) -> T {
        let Setting { applied, closed_episodes, fhir, page } = &self.setting;
        let rules = Rules { applied: applied.clone(), closed_episodes: closed_episodes.clone(), ..rules() };
        let bsn = bsn();
        let record = Record { fhir: *fhir, ..record(&bsn) };
        work(&Shaping { record, page: *page, ..shaping(self.searched, &bsn, &rules) })
    }

    /// What becomes of these bytes.
    fn shape(&self, body: &[u8]) -> Result<Shaped, ShapeFault> {
        self.with(|shaping| shape_searchset(body, shaping, &next_link))
    }

    /// The same, with a look at every part.
    fn shape_completely(&self, body: &[u8]) -> Result<Shaped, ShapeFault> {
        self.with(|shaping| shape_completely(body, shaping, &next_link))
    }

    /// What should, by the model; it reads no broken JSON.
    fn model(&self, body: &[u8]) -> Option<Judged<Value>> {
        self.with(|shaping| serde_json::from_slice(body).ok().map(|bundle| model::shape(&bundle, shaping)))
    }
}

proptest! {
    #[test]
    fn it_does_what_the_model_does(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
        let generated = Generated::of(&bytes);
        let (body, setting) = (&generated.body, &generated.setting);
        let shaped = generated.shape(body.as_bytes());
        let expected = generated.model(body.as_bytes()).unwrap();
        prop_assert_eq!(shaped.is_ok(), expected.is_ok(), "{:?} {:?} {:?} {}", shaped, expected, setting, body);
        if let (Ok(shaped), Ok(expected)) = (shaped, expected) {
            let found: Value = serde_json::from_slice(&shaped.body).unwrap();
            prop_assert_eq!(&found, &expected, "{:?} {}", setting, body);
            // The generator writes the host in places that are not the host, so the model's own search is the judge of it.
            prop_assert!(!String::from_utf8(shaped.body).unwrap().contains(CANARY), "{}", body);
        }
    }

    /// What a thread shaped before makes no difference: the same bytes and the same faults, also of broken JSON.
    #[test]
    fn an_answer_is_shaped_as_if_it_were_the_first(
        answers in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..500), any::<prop::sample::Index>()), 1..4),
    ) {
        for (bytes, cut) in answers {
            let generated = Generated::of(&bytes);
            let body = generated.body.as_bytes();
            let (torn, _) = body.split_at(cut.index(body.len() + 1));
            for body in [body, torn, body] {
                let first = std::thread::scope(|scope| scope.spawn(|| generated.shape(body)).join().unwrap());
                prop_assert_eq!(generated.shape(body), first, "{}", generated.body);
            }
        }
    }

    /// What has left once, given the addresses of the HIS again, is what leaves the second time: whatever no rule touches
    /// keeps its bytes, in any notation.
    #[test]
    fn what_was_shaped_stays_byte_for_byte(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
        let generated = Generated::of(&bytes);
        let shape = |body: &[u8]| {
            generated.with(|shaping| shape_searchset(body, shaping, &|next| Some(next.replace(HIS, OURS))))
        };
        if let Ok(once) = shape(generated.body.as_bytes()) {
            let once = String::from_utf8(once.body).unwrap();
            let twice = shape(once.replace(OURS, HIS).as_bytes());
            let twice = twice.map(|shaped| (String::from_utf8(shaped.body).unwrap(), shaped.withheld));
            prop_assert_eq!(twice, Ok((once, 0)), "{:?} {}", generated.setting, generated.body);
        }
    }

    #[test]
    fn damaged_bytes_neither_panic_nor_leak(
        bytes in prop::collection::vec(any::<u8>(), 100..700),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4),
    ) {
        let generated = Generated::of(&bytes);
        let mut body = generated.body.clone().into_bytes();
        for (index, byte, kind) in damage {
            let at = index.index(body.len());
            match kind {
                0 => body[at] = byte,
                1 => body.insert(at, byte),
                _ => drop(body.remove(at)),
            }
        }
        // Whatever still passes is what the model lets pass of it. Damage may turn a line type into a code of no known
        // system, so the model, not the canary, says what is a line.
        if let (Ok(shaped), Some(expected)) = (generated.shape(&body), generated.model(&body)) {
            prop_assert_eq!(serde_json::from_slice::<Value>(&shaped.body).ok(), expected.ok());
        }
    }

    /// What is passed over has nothing that a rule would have found: the bytes are the same, or the refusal is.
    #[test]
    fn the_quick_way_is_the_complete_way(
        bytes in prop::collection::vec(any::<u8>(), 0..700),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..2),
    ) {
        let generated = Generated::of(&bytes);
        let mut body = generated.body.clone().into_bytes();
        for (index, byte) in damage {
            let at = index.index(body.len());
            body[at] = byte;
        }
        prop_assert_eq!(generated.shape(&body), generated.shape_completely(&body));
    }

    #[test]
    fn any_bytes_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(shape("Observation", &bytes).is_err());
    }

    #[test]
    fn decimals_keep_their_digits(decimal in r"-?(0|[1-7][0-9]{0,22})(\.[0-8]{1,20})?([eE][+-]?[0-8]{1,3})?") {
        let body = untouched(&format!(r#"{{ "value" :{decimal}}}"#));
        let shaped = shape("Observation", body.as_bytes()).unwrap();
        prop_assert_eq!(String::from_utf8(shaped.body).unwrap(), body);
    }
}

/// A Bundle to which no rule applies, link and total being right already.
fn untouched(quantity: &str) -> String {
    format!(
        "\n{{ \"type\":\"searchset\",\t\"link\":[{{\"relation\":\"self\",\"url\":\"{SELF_LINK}\"}}], \"total\" : 1 ,\r\n\
         \"entry\" : [ {{ \"resource\":{{\"id\":\"o\",\"valueQuantity\" : {quantity}, \"zz\":[1.00, 1e-7,12345678901234567890.123 ],\n\
         \"effectiveDateTime\":\"2026-01-01\", \"comment\":\"a\\u00e9\\/b\", \"subject\":{{\"reference\":\"Patient\\/pat-1\"}},\n\
         \"resourceType\":\"Observation\"  }}, \"fullUrl\":\"{OURS}/Observation/o\"}} ],\"resourceType\":\"Bundle\" }} "
    )
}

#[test]
fn what_no_rule_touches_leaves_byte_for_byte() {
    let body = untouched("{}");
    let shaped = shape("Observation", body.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(shaped.body).unwrap(), body);
    assert_eq!((shaped.entries, shaped.withheld), (1, 0));
}

#[test]
fn the_generator_reaches_both_outcomes() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = prop::collection::vec(any::<u8>(), 0..700);
    let (mut passed, mut refused, mut withheld, mut paged) = (0, HashSet::new(), 0, 0);
    for _ in 0..3000 {
        let bytes = strategy.new_tree(&mut runner).unwrap().current();
        let generated = Generated::of(&bytes);
        match generated.shape(generated.body.as_bytes()) {
            Ok(shaped) => {
                passed += usize::from(shaped.entries > 0);
                withheld += shaped.withheld;
                paged += usize::from(shaped.next.is_some());
            }
            Err(fault) => drop(refused.insert(std::mem::discriminant(&fault))),
        }
    }
    let faults = refused.len();
    assert!(passed > 300 && withheld > 300 && paged > 30 && faults >= 7, "{passed} {withheld} {paged} {faults}");
}
