//! The steps of a request and of what goes on beside it, each by itself. How to read the figures: `README.md`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a bench that cannot run must say so")]

#[expect(dead_code, reason = "white space is for the bench of shaping")]
#[path = "shaping/answer.rs"]
mod answer;
#[path = "audit/record.rs"]
mod record;
#[expect(dead_code, reason = "the steps are measured one by one")]
#[path = "decision/scene.rs"]
mod scene;

use std::cell::LazyCell;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use inzage::audit::checkpoint::Checkpoint;
use inzage::audit::encode;
use inzage::audit::note::{KeyName, SigningKey};
use inzage::audit::tree::{RightEdge, leaf_hash};
use inzage::clock::Clock as _;
use inzage::lists::{Lists, Reading};
use inzage::oauth::grant::TokenStore as _;
use inzage::routing::{is_plain, put_lists, route};
use inzage::secret::{Secret, hash_handle};
use jiff::civil::date;

use self::answer::{Answer, SEARCHES};
use self::record::{Chain, intent};
use self::scene::{Scene, published};

const TOKENS: usize = 20_000;
const PROVIDERS: [usize; 4] = [200, 5_000, 20_000, 200_000];
/// Sizes of lists that are read, which takes seconds for the largest of them.
const READ: [usize; 3] = [200, 5_000, 20_000];
/// Sizes of the answers, in bytes.
const SIZES: [usize; 3] = [2_048, 8_192, 470_000];
const LOG: &str = "inzage-a-00000000000000ff";

/// A scene that is made when it is first asked, so that a filter on the command line costs nothing for the others.
type Later = LazyCell<Scene, Box<dyn FnOnce() -> Scene>>;

fn of_providers(providers: usize) -> Later {
    LazyCell::new(Box::new(move || Scene::of(providers, TOKENS)))
}

/// Path to key.
fn paths(criterion: &mut Criterion) {
    let path = "/fhir/huisarts.nummer12345/49/stu3/Observation";
    criterion.bench_function("route", |bencher| {
        bencher.iter(|| assert!(is_plain(black_box(path)) && route(black_box(path)).is_some()));
    });
}

/// From the text of a token to what it stands for.
fn tokens(criterion: &mut Criterion) {
    let scene = of_providers(200);
    criterion.bench_function("token", |bencher| {
        scene.remember();
        let mut visits = scene.visits.iter().cycle();
        bencher.iter(|| black_box(scene.tokens.at_hand(&hash_handle(&visits.next().unwrap().token)).unwrap()));
    });
}

/// The list, and the decision, as the list grows.
fn decisions(criterion: &mut Criterion) {
    for providers in PROVIDERS {
        let scene = of_providers(providers);
        criterion.bench_function(&format!("list/{providers}"), |bencher| {
            let mut visits = scene.visits.iter().cycle();
            bencher.iter(|| assert!(scene.offers(visits.next().unwrap())));
        });
        criterion.bench_function(&format!("decide/{providers}"), |bencher| {
            scene.remember();
            let issued: Vec<_> = scene.issued().collect();
            let mut visits = scene.visits.iter().map(|visit| (visit, route(&visit.path).unwrap())).zip(&issued).cycle();
            bencher.iter(|| {
                let ((visit, route), token) = visits.next().unwrap();
                assert!(scene.permits(visit, token, route));
            });
        });
    }
}

/// Each search with its rules.
fn shaping(criterion: &mut Criterion) {
    for size in SIZES {
        let mut group = criterion.benchmark_group("shape");
        for (service, resource) in SEARCHES {
            let answer = LazyCell::new(|| Answer::of((service, resource), size, date(2026, 11, 21)));
            group.throughput(Throughput::Bytes(size as u64));
            group.bench_function(BenchmarkId::new(format!("{service} {resource}"), size), |bencher| {
                bencher.iter(|| black_box(answer.shape()));
            });
        }
        group.finish();
    }
}

/// What an audit record takes before it is written, and what follows it.
fn records(criterion: &mut Criterion) {
    let (event, mut payload) = (intent(), Vec::new());
    encode(&event, LOG, &mut payload);
    let mut buffer = Vec::new();
    criterion.bench_function("audit/encode", |bencher| {
        bencher.iter(|| {
            buffer.clear();
            encode(black_box(&event), LOG, &mut buffer);
        });
    });
    let (mut chain, leaf) = (Chain::default(), leaf_hash(&payload));
    criterion.bench_function("audit/chain", |bencher| bencher.iter(|| chain.follow(black_box(&leaf))));
    let mut edge = RightEdge::new();
    criterion.bench_function("audit/leaf and tree", |bencher| {
        bencher.iter(|| edge.push(leaf_hash(black_box(&payload)), &mut |tile, hashes| _ = black_box((tile, hashes))));
    });
    let origin = KeyName::parse(LOG).unwrap();
    let key = SigningKey::from_seed(&Secret::new([7; 32]), origin.clone());
    let checkpoint = Checkpoint { origin, size: 1_000_000, root: edge.root() };
    criterion.bench_function("audit/sign a checkpoint", |bencher| {
        bencher.iter(|| black_box(black_box(&checkpoint).sign(&key).unwrap()));
    });
}

/// Reading the four lists, and putting them into force.
fn lists(criterion: &mut Criterion) {
    for providers in READ {
        let scene = of_providers(providers);
        let reading = Reading { max_bytes: usize::MAX, ..Reading::default() };
        let texts = LazyCell::new(|| published(providers, scene.clock.now()));
        let mut group = criterion.benchmark_group("lists");
        group.sample_size(10);
        group.bench_function(BenchmarkId::new("read", providers), |bencher| {
            bencher.iter_with_large_drop(|| Lists::parse(&texts, reading).unwrap());
        });
        group.bench_function(BenchmarkId::new("swap", providers), |bencher| {
            let lists = || scene.snapshot.load().lists.clone();
            bencher.iter_batched(lists, |lists| put_lists(&scene.snapshot, &lists), BatchSize::PerIteration);
        });
        group.finish();
    }
}

fn main() {
    let short = Criterion::default().sample_size(20).without_plots();
    let short = short.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    let mut criterion = short.configure_from_args();
    for measure in [paths, tokens, decisions, shaping, records, lists] {
        measure(&mut criterion);
    }
    criterion.final_summary();
}
