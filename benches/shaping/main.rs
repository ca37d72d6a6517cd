//! What shaping an answer costs, beside the plain way: parse into a tree, filter the tree, write it. Both run in turns on the
//! same bytes in one process, so that what else the machine does hits both. How to read the figures: `README.md`.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot run must say so")]

mod answer;

use std::hint::black_box;
use std::time::{Duration, Instant};

use inzage::services::Rule;
use jiff::civil::{Date, date};
use serde_json::{Value, json};

use self::answer::{Answer, HIS, OURS, SEARCHES, Search};

const LINES: &str = "http://fhir.nl/fhir/NamingSystem/journaalregeltypen";
/// Sizes of the answers, in bytes before white space; of the last is bar E.
const SIZES: [usize; 3] = [2_048, 8_192, LARGE];
const LARGE: usize = 470_000;
const TODAY: Date = date(2026, 11, 21);
const ROUNDS: usize = 9;
/// How long one way works in one round, at least.
const ROUND: Duration = Duration::from_millis(40);

/// Whether there is white space in the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Print {
    Compact,
    Pretty,
}

impl Answer {
    /// The same filter in the plain way. It checks less: no repeated names, no escapes, no rule for what it does not expect.
    fn tree(&self) -> (Vec<u8>, usize) {
        let mut bundle: Value = serde_json::from_slice(&self.body).unwrap();
        let entries = bundle["entry"].as_array_mut().unwrap();
        entries.retain(|entry| self.shows(&entry["resource"]));
        let shown = entries.len();
        for entry in entries {
            let resource = &mut entry["resource"];
            let patient = [&resource["subject"], &resource["patient"]].map(|found| found["reference"].as_str());
            assert!(patient.iter().flatten().any(|found| found.ends_with(&self.patient)));
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
            ("Observation", Some("S" | "O")) => false,
            ("Observation", Some(_)) => day("effectiveDateTime", self.rules.access_start),
            ("Observation", None) if self.rules.applied.contains(&Rule::ResultsPeriod) => {
                day("effectiveDateTime", self.rules.results_since)
            }
            ("EpisodeOfCare", _) => resource["status"] != "entered-in-error",
            ("AllergyIntolerance", _) if self.rules.applied.contains(&Rule::MedicationIntolerances) => {
                resource["category"].as_array().is_some_and(|all| all.iter().any(|one| one == "medication"))
            }
            ("MedicationRequest", _) if self.rules.applied.contains(&Rule::MedicationInUse) => {
                let today = self.rules.today.to_string();
                resource["extension"].as_array().into_iter().flatten().all(|extension| {
                    let end = extension["valuePeriod"]["end"].as_str();
                    !extension["url"].as_str().is_some_and(|url| url.contains("PeriodOfUse"))
                        || end.is_none_or(|end| end[..10] >= *today)
                })
            }
            _ => true,
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

/// Median, minimum and maximum of how many times as fast shaping is.
fn measure(case: &Answer, print: Print) -> [f64; 3] {
    let (shaped, (tree, shown)) = (case.shape(), case.tree());
    assert_eq!(usize::try_from(shaped.entries).unwrap(), shown, "both ways must show the same entries");
    for body in [&shaped.body, &tree] {
        let text = String::from_utf8_lossy(body);
        assert!(!text.contains(case.bsn.reveal()) && !text.contains(HIS), "both ways must mask");
    }
    let rounds: Vec<_> =
        (0..ROUNDS).map(|_| round(|| drop(black_box(case.shape())), || drop(black_box(case.tree())))).collect();
    let times = spread(rounds.iter().map(|(shape, tree)| tree.as_secs_f64() / shape.as_secs_f64()).collect());
    let micros = |time: &Duration| time.as_secs_f64() * 1e6;
    let shape = spread(rounds.iter().map(|(shape, _)| micros(shape)).collect())[1];
    let tree = spread(rounds.iter().map(|(_, tree)| micros(tree)).collect())[1];
    let allocations = allocation_counter::measure(|| drop(black_box(case.shape()))).count_total;
    println!(
        "| {} {} | {}{} | {}, {} | {shape:.1} | {:.0} | {tree:.1} | {:.2} ({:.2} – {:.2}) | {allocations} |",
        case.service,
        case.resource,
        case.body.len(),
        if print == Print::Pretty { ", pretty" } else { "" },
        shaped.entries,
        shaped.withheld,
        case.body.len() as f64 / shape,
        times[1],
        times[0],
        times[2]
    );
    times
}

fn answer(search: Search, size: usize, print: Print) -> Answer {
    let answer = Answer::of(search, size, TODAY);
    if print == Print::Pretty { answer.pretty() } else { answer }
}

fn compiler() -> String {
    let output = std::process::Command::new("rustc").arg("--version").output();
    output.map_or_else(
        |_| "unknown compiler".to_owned(),
        |found| String::from_utf8_lossy(&found.stdout).trim().to_owned(),
    )
}

fn main() {
    let only_bars = std::env::args().any(|argument| argument == "--bars");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{}, {}, {cores} cores, {ROUNDS} rounds", compiler(), std::env::consts::ARCH);
    println!("| search | bytes | shown, withheld | shaped, µs | MB/s | tree, µs | times as fast | allocations |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut worst = [f64::MAX; 3];
    for search in SEARCHES {
        for (size, print) in SIZES.into_iter().flat_map(|size| [(size, Print::Compact), (size, Print::Pretty)]) {
            let is_of_bar = (size, print) == (LARGE, Print::Compact);
            if is_of_bar || !only_bars {
                let times = measure(&answer(search, size, print), print);
                worst = if is_of_bar && times[1] < worst[1] { times } else { worst };
            }
        }
    }
    let [min, median, max] = worst;
    println!("bar E median {median:.2} min {min:.2} max {max:.2} rounds {ROUNDS}");
}
