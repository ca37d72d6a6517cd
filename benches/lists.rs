//! What reading a ZAL costs, and looking a provider up in it, as the list grows.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot run must say so")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use inzage::lists::{
    Grace, ListHeader, Lists, ProviderEntry, Reading, RoleEntry, ServiceEntry, VersionEntry, Zal, write_zal,
};

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

/// As many providers in grace as a ZAL may lose at once without an operator.
fn grace(size: u32) -> Grace {
    let row = |number: u32| {
        let until = "2026-03-02T10:00:00Z";
        format!(r#"{{"provider":"gone{number}@medmij","interface_version":"2","service":"49","until":"{until}"}}"#)
    };
    let rows: Vec<_> = (0..size / 20).map(row).collect();
    serde_json::from_str(&format!("[{}]", rows.join(","))).unwrap()
}

/// By the ZAL alone.
fn service_of(lists: &Lists, provider: &str) -> bool {
    lists.zal.provider(provider).is_some_and(|provider| provider.service("2", "49").is_some())
}

/// The cost of one look-up, when every name is asked in turn.
fn look_up(names: &[String], ask: impl Fn(&str) -> bool) -> [Duration; 3] {
    let each = |at: u32| assert!(black_box(ask(&names[(at as usize * 7919) % names.len()])));
    spread(|| timed(|| (0..LOOK_UPS).for_each(each)) / LOOK_UPS)
}

fn main() {
    let now = "2026-03-02T09:00:00Z".parse().unwrap();
    for size in SIZES {
        let header = ListHeader { timestamp: "2026-03-02T08:30:00Z".parse().unwrap(), sequence: 1 };
        let text = write_zal(header, &(0..size).map(provider).collect::<Vec<_>>());
        let read = || Zal::parse(text.as_bytes(), Reading::default()).unwrap();
        let lists = Lists { zal: read().into(), grace: grace(size).into(), ..Lists::default() };
        let names: Vec<String> = (0..size).map(name).collect();
        let gone: Vec<String> = (0..size / 20).map(|number| format!("gone{number}@medmij")).collect();
        println!("{size} providers, {} MB: median (min - max)", text.len() / 1_000_000);
        for (what, [middle, low, high]) in [
            ("read", spread(|| timed(read))),
            ("look-up of a provider", look_up(&names, |name| lists.zal.provider(name).is_some())),
            ("look-up of a service", look_up(&names, |name| service_of(&lists, name))),
            ("is it offered: listed", look_up(&names, |name| lists.offers(name, "2", "49", now))),
            ("is it offered: in grace", look_up(&gone, |name| lists.offers(name, "2", "49", now))),
        ] {
            println!("{what:>26} {middle:>10.1?} ({low:.1?} - {high:.1?})");
        }
    }
}
