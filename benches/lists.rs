//! What reading a ZAL costs, and looking a provider up in it, as the list grows.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot run must say so")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use inzage::lists::{ListHeader, ProviderEntry, Reading, RoleEntry, ServiceEntry, VersionEntry, Zal, write_zal};

const SIZES: [u32; 3] = [200, 5_000, 20_000];
const ROUNDS: usize = 7;
/// Look-ups of one round; strides over the whole list.
const LOOK_UPS: u32 = 200_000;

fn provider(number: u32) -> ProviderEntry {
    let node = number % 40;
    let service = |id: &str| ServiceEntry {
        id: id.to_owned(),
        authorization: Some(format!("https://login{node}.inzage.example/practice{number}/authorize")),
        token: Some(format!("https://node{node}.inzage.example/token")),
        subscription: None,
        roles: vec![RoleEntry {
            role: "MM-2.0-HGB-FHIR".to_owned(),
            endpoint: format!("https://node{node}.inzage.example/practice{number}/fhir"),
        }],
    };
    let version = VersionEntry { id: "2".to_owned(), services: vec![service("49"), service("51")] };
    ProviderEntry { name: name(number), kind: "ZA".to_owned(), versions: vec![version] }
}

fn name(number: u32) -> String {
    format!("practice{number}@medmij")
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let started = Instant::now();
    black_box(work());
    started.elapsed()
}

fn spread(mut work: impl FnMut() -> Duration) -> [Duration; 3] {
    let mut rounds: Vec<_> = (0..ROUNDS).map(|_| work()).collect();
    rounds.sort();
    [rounds[ROUNDS / 2], rounds[0], rounds[ROUNDS - 1]]
}

fn main() {
    println!("{:>9} {:>7} {:>36} {:>40}", "providers", "MB", "read: median (min - max)", "look-up: median (min - max)");
    for size in SIZES {
        let header = ListHeader { timestamp: "2026-03-02T08:30:00Z".parse().unwrap(), sequence: 1 };
        let text = write_zal(header, &(0..size).map(provider).collect::<Vec<_>>());
        let read = || Zal::parse(text.as_bytes(), Reading::default()).unwrap();
        let zal = read();
        let names: Vec<String> = (0..size).map(name).collect();
        let ask = |at: u32| zal.provider(&names[(at as usize * 7919) % names.len()]).unwrap();
        let [middle, low, high] = spread(|| timed(read));
        let [each, least, most] = spread(|| timed(|| (0..LOOK_UPS).for_each(|at| _ = black_box(ask(at)))) / LOOK_UPS);
        let megabytes = text.len() / 1_000_000;
        println!(
            "{size:>9} {megabytes:>7} {middle:>14.1?} ({low:.1?} - {high:.1?}) {each:>14.0?} ({least:.0?} - {most:.0?})"
        );
    }
}
