//! What shaping an answer costs, beside the plain way: parse into a tree, filter the tree, write it. Both run in turns on the
//! same bytes in one process, so that what else the machine does hits both. How to read the figures: `README.md`.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot run must say so")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use inzage::fhir::shape::{Page, Record, Rules, Shaped, Shaping, ShownEpisodes, shape_searchset};
use inzage::medmij::{Bsn, FhirVersion};
use inzage::sandbox::his::Records;
use inzage::sandbox::his::store::resource_text;
use inzage::sandbox::records;
use inzage::services::Rule;
use jiff::civil::{Date, date};
use serde_json::{Value, json};

const HIS: &str = "https://his-a.example/fhir";
const OURS: &str = "https://inzage.example/fhir/huisarts.delinde/49/stu3";
const LINES: &str = "http://fhir.nl/fhir/NamingSystem/journaalregeltypen";
const BSN_SYSTEM: &str = "http://fhir.nl/fhir/NamingSystem/bsn";
/// Size of the answers, in bytes.
const SIZE: usize = 470_000;
const ROUNDS: usize = 11;
/// How long one way works in one round, at least.
const ROUND: Duration = Duration::from_millis(250);

/// An answer of a HIS and what it is held against.
struct Case {
    resource: &'static str,
    body: Vec<u8>,
    bsn: Bsn,
    patient: String,
    rules: Rules,
}

impl Case {
    /// Repeats one person's resources under new ids until the answer has its size.
    fn of(resource: &'static str, today: Date) -> Self {
        let practice = records::shipped(today).into_iter().next().unwrap();
        let records = Records::from_resources(practice.resources).unwrap();
        let person =
            records.patients().find(|person| Some(&person.bsn) == practice.patients.first().map(|p| &p.bsn)).unwrap();
        let own: Vec<&Value> = records.naming_patient(resource, &person.id).map(|found| found.value()).collect();
        let (mut entries, mut size) = (Vec::new(), 0);
        for number in 0.. {
            let mut copy = own[number % own.len()].clone();
            copy["id"] = json!(format!("{}-{number}", copy["id"].as_str().unwrap()));
            // Some systems repeat the BSN in free text and link to themselves.
            if number % 10 == 0 {
                copy["identifier"] = json!([{"system": BSN_SYSTEM, "value": person.bsn.reveal()}]);
                copy["meta"]["source"] = json!(format!("{HIS}/metadata"));
            }
            let text = format!(
                r#"{{"fullUrl":"{HIS}/{resource}/{}","resource":{},"search":{{"mode":"match"}}}}"#,
                copy["id"].as_str().unwrap(),
                resource_text(&copy).unwrap()
            );
            size += text.len();
            entries.push(text);
            if size >= SIZE {
                break;
            }
        }
        let body = format!(
            r#"{{"resourceType":"Bundle","type":"searchset","total":{},"link":[{{"relation":"self","url":"{HIS}/{resource}"}}],"entry":[{}]}}"#,
            entries.len(),
            entries.join(",")
        );
        let rules = Rules {
            applied: vec![Rule::ResultsPeriod],
            access_start: practice.access_start,
            results_since: today.checked_sub(jiff::ToSpan::months(14)).unwrap(),
            today,
            closed_episodes: ShownEpisodes::All,
        };
        Self { resource, body: body.into_bytes(), bsn: person.bsn, patient: person.id, rules }
    }

    fn shape(&self) -> Shaped {
        let self_link = format!("{OURS}/{}", self.resource);
        let shaping = Shaping {
            record: Record {
                fhir: FhirVersion::Stu3,
                patient_id: &self.patient,
                bsn: &self.bsn,
                his_base: HIS,
                our_base: OURS,
            },
            rules: &self.rules,
            self_link: &self_link,
            resource: self.resource,
            includes: &[],
            page: Page::First,
        };
        shape_searchset(&self.body, &shaping, &|next: &str| Some(next.to_owned())).unwrap()
    }

    /// The same filter in the plain way. It checks less: no repeated names, no escapes, no rule for what it does not expect.
    fn tree(&self) -> (Vec<u8>, usize) {
        let mut bundle: Value = serde_json::from_slice(&self.body).unwrap();
        let entries = bundle["entry"].as_array_mut().unwrap();
        entries.retain(|entry| self.shows(&entry["resource"]));
        let shown = entries.len();
        for entry in entries {
            let resource = &mut entry["resource"];
            assert_eq!(
                resource["subject"]["reference"].as_str().map(|found| found.ends_with(&self.patient)),
                Some(true)
            );
            if self.resource == "Composition" {
                resource.as_object_mut().unwrap().remove("text");
            }
            if let Some(sections) = resource["section"].as_array_mut() {
                sections.retain(|section| !matches!(line(section), Some("S" | "O")));
            }
        }
        bundle["total"] = json!(shown);
        self.mask(&mut bundle);
        (serde_json::to_vec(&bundle).unwrap(), shown)
    }

    fn shows(&self, resource: &Value) -> bool {
        let day = |name: &str, first: Date| resource[name].as_str().is_some_and(|day| day[..10] >= *first.to_string());
        match (self.resource, line(resource)) {
            ("Composition", _) => day("date", self.rules.access_start),
            (_, Some("S" | "O")) => false,
            (_, Some(_)) => day("effectiveDateTime", self.rules.access_start),
            (_, None) => day("effectiveDateTime", self.rules.results_since),
        }
    }

    fn mask(&self, value: &mut Value) {
        match value {
            Value::String(text) if text.contains(HIS) => *text = text.replace(HIS, OURS),
            Value::String(text) if text.contains(self.bsn.reveal()) => {
                *text = text.replace(self.bsn.reveal(), "*********");
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.mask(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// The type of a line of a consultation.
fn line(element: &Value) -> Option<&str> {
    let coding = &element["code"]["coding"][0];
    if coding["system"] == LINES { coding["code"].as_str() } else { None }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn took(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

/// Time per call of each, in turns until both have worked for a round.
fn round(first: impl Fn(), second: impl Fn()) -> (Duration, Duration) {
    let (mut one, mut two, mut calls) = (Duration::ZERO, Duration::ZERO, 0);
    while one < ROUND || two < ROUND {
        one += took(&first);
        two += took(&second);
        calls += 1;
    }
    (one / calls, two / calls)
}

/// Minimum, median and maximum.
fn spread(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [values[0], values[values.len() / 2], values[values.len() - 1]]
}

fn measure(case: &Case) {
    let (shaped, (tree, shown)) = (case.shape(), case.tree());
    assert_eq!(usize::try_from(shaped.entries).unwrap(), shown, "both ways must show the same entries");
    for body in [&shaped.body, &tree] {
        let text = String::from_utf8_lossy(body);
        assert!(!text.contains(case.bsn.reveal()) && !text.contains(HIS), "both ways must mask");
    }
    let megabytes = case.body.len() as f64 / 1e6;
    let rounds: Vec<_> =
        (0..ROUNDS).map(|_| round(|| drop(black_box(case.shape())), || drop(black_box(case.tree())))).collect();
    let speed = |time: &Duration| megabytes / time.as_secs_f64();
    let [low, middle, high] =
        spread(rounds.iter().map(|(shape, tree)| tree.as_secs_f64() / shape.as_secs_f64()).collect());
    let shape = spread(rounds.iter().map(|(shape, _)| speed(shape)).collect());
    let tree_speed = spread(rounds.iter().map(|(_, tree)| speed(tree)).collect());
    println!(
        "{}: {} bytes in, {} shown and {} withheld entries, {} bytes out (plain way {})",
        case.resource,
        case.body.len(),
        shaped.entries,
        shaped.withheld,
        shaped.body.len(),
        tree.len()
    );
    println!("  shape_searchset      {:7.1} MB/s   min {:7.1}   max {:7.1}", shape[1], shape[0], shape[2]);
    println!(
        "  tree, filter, write  {:7.1} MB/s   min {:7.1}   max {:7.1}",
        tree_speed[1], tree_speed[0], tree_speed[2]
    );
    println!("  times as fast        {middle:7.2}        min {low:7.2}   max {high:7.2}   ({ROUNDS} rounds)");
    // For the comparison; of two lines of a bar it takes the worse.
    if std::env::args().any(|argument| argument == "--bars") {
        println!("bar E median {middle:.3} min {low:.3} max {high:.3} rounds {ROUNDS}");
    }
}

fn compiler() -> String {
    let output = std::process::Command::new("rustc").arg("--version").output();
    output.map_or_else(
        |_| "unknown compiler".to_owned(),
        |found| String::from_utf8_lossy(&found.stdout).trim().to_owned(),
    )
}

fn main() {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{}, {}, {cores} cores", compiler(), std::env::consts::ARCH);
    for resource in ["Composition", "Observation"] {
        measure(&Case::of(resource, date(2026, 11, 21)));
    }
}
