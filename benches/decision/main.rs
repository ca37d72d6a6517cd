//! What stands between a request and the audit intent without waiting: hash and find the token, read the path, decide. Bars K
//! and L.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a bench that cannot run must say so")]

mod scene;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use inzage::audit::{Keyring, Years};
use inzage::clock::Clock as _;
use inzage::oauth::grant::TokenStore as _;
use inzage::secret::{Secret, hash_handle};

use self::scene::{Scene, Visit};

const TOKENS: usize = 20_000;
const ROUNDS: usize = 11;
/// Requests whose texts lie ready before the time is taken: those of a real one were just read from its connection.
const BATCH: usize = 50;
/// Look-ups over which allocations are counted.
const COUNTED: usize = 1_000_000;

/// Bar K: at most this long, in nanoseconds.
const BAR_K_NS: f64 = 2_000.0;
/// Bar L: at most this many times as long with 200,000 providers as with 200.
const BAR_L: f64 = 1.2;

/// Median, least and most of some rounds.
#[derive(Clone, Copy)]
struct Spread([f64; 3]);

impl Spread {
    fn of(mut rounds: Vec<f64>) -> Self {
        rounds.sort_by(f64::total_cmp);
        Self([rounds[rounds.len() / 2], rounds[0], rounds[rounds.len() - 1]])
    }

    fn tell(self, name: &str) {
        let Self([median, min, max]) = self;
        println!("  {name:44} {median:>7.0} ns   min {min:>7.0}   max {max:>7.0}");
    }

    /// The form that `benches/compare` reads.
    fn bar(self, bar: char, unit: f64, digits: usize) {
        let [median, min, max] = self.0.map(|figure| figure / unit);
        println!("bar {bar} median {median:.digits$} min {min:.digits$} max {max:.digits$} rounds {ROUNDS}");
    }
}

/// Nanoseconds for one visit, each token asked once in this round.
fn per_visit<T>(scene: &Scene, work: impl Fn(&Scene, &Visit) -> T) -> f64 {
    let mut spent = Duration::ZERO;
    for batch in scene.visits.chunks(BATCH) {
        let ready = batch.to_vec();
        spent += time(|| ready.iter().for_each(|visit| _ = black_box(work(scene, visit))));
    }
    spent.as_secs_f64() * 1e9 / scene.visits.len() as f64
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn time(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

fn rounds(mut round: impl FnMut() -> f64) -> Spread {
    round();
    Spread::of((0..ROUNDS).map(|_| round()).collect())
}

fn decided(scene: &Scene) -> f64 {
    scene.remember();
    per_visit(scene, Scene::decided)
}

/// The same path over a short list and a long one, in turns.
fn growth(short: &Scene, long: &Scene) -> Spread {
    rounds(|| {
        let before = decided(short);
        decided(long) / before
    })
}

fn found(scene: &Scene) -> Spread {
    rounds(|| {
        scene.remember();
        per_visit(scene, |scene, visit| scene.tokens.at_hand(&hash_handle(&visit.token)).is_some())
    })
}

/// What was there before, to show why it is not any more.
fn found_by_moka(scene: &Scene) -> Spread {
    let lasts = Duration::from_secs(4);
    let cache = moka::sync::Cache::builder().max_capacity(100_000).time_to_live(lasts).build();
    rounds(|| {
        scene.remember();
        scene.issued().for_each(|token| cache.insert(token.hash, token));
        per_visit(scene, |_, visit| cache.get(&hash_handle(&visit.token)).is_some())
    })
}

/// The keys of the audit for this year.
fn keyring(scene: &Scene) -> Keyring {
    let (mut years, year) = (Years::default(), inzage::audit::key_year(scene.clock.now()));
    years.add_pseudonym_key(year, &Secret::new([1; 32]));
    years.add_sealing_key(year, &Secret::new([2; 32]));
    Keyring::new(years)
}

/// What stands for the person in the audit, from the second request with a token on.
fn named(scene: &Scene, keyring: &Keyring) -> Spread {
    let name = |scene: &Scene, visit: &Visit| {
        let token = scene.tokens.at_hand(&hash_handle(&visit.token)).unwrap();
        token.subject(keyring, scene.clock.now()).unwrap()
    };
    rounds(|| {
        scene.remember();
        per_visit(scene, name);
        per_visit(scene, name)
    })
}

/// The same, worked out for each request.
fn named_anew(scene: &Scene, keyring: &Keyring) -> Spread {
    rounds(|| {
        scene.remember();
        per_visit(scene, |scene, visit| {
            let token = scene.tokens.at_hand(&hash_handle(&visit.token)).unwrap();
            keyring.subject(&token.grant.subject, scene.clock.now()).unwrap()
        })
    })
}

/// Allocations of [`COUNTED`] decisions.
fn allocations(scene: &Scene) -> u64 {
    (0..COUNTED / scene.visits.len())
        .map(|_| {
            scene.remember();
            let all = || assert!(scene.visits.iter().all(|visit| scene.decided(visit)));
            allocation_counter::measure(all).count_total
        })
        .sum()
}

fn main() -> ExitCode {
    let bars = std::env::args().any(|argument| argument == "--bars");
    let country = Scene::of(20_000, TOKENS);
    let whole = rounds(|| decided(&country));
    let allocated = allocations(&country);
    if bars {
        whole.bar('K', 1_000.0, 3);
    } else {
        println!("20,000 providers, practices and tokens, all visited, {ROUNDS} rounds");
        rounds(|| per_visit(&country, |_, visit| hash_handle(&visit.token))).tell("hash of the token");
        rounds(|| per_visit(&country, Scene::offers)).tell("look the service up in the lists");
        found(&country).tell("hash and find the token");
        found_by_moka(&country).tell("the same in moka");
        whole.tell("route, token and decide");
        let keys = keyring(&country);
        named(&country, &keys).tell("find the token and name the person");
        named_anew(&country, &keys).tell("the same, the name worked out each time");
    }
    println!("{allocated} allocations in {COUNTED} visits");
    drop(country);
    let (short, long) = (Scene::of(200, TOKENS), Scene::of(200_000, TOKENS));
    if !bars {
        rounds(|| decided(&short)).tell("route, token and decide, 200 providers");
        rounds(|| decided(&long)).tell("200,000 providers");
    }
    let growth = growth(&short, &long);
    growth.bar('L', 1.0, 3);
    let missed = whole.0[0] > BAR_K_NS || growth.0[0] > BAR_L || allocated > 0;
    if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
