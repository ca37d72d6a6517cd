//! The hot functions, each as work that can be done again and again on the same values.

use std::hint::black_box;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use inzage::audit::encode;
use inzage::audit::tree::{RightEdge, leaf_hash};
use inzage::oauth::grant::TokenStore as _;
use inzage::routing::{is_plain, route};
use inzage::secret::hash_handle;
use jiff::civil::date;

use crate::answer::{Answer, SEARCHES, Search};
use crate::desk::Desk;
use crate::record::{Chain, intent};
use crate::scene::{Scene, Visit};

/// Practices and tokens.
const PRACTICES: usize = 1_000;
/// Records of one count: several tiles of the tree.
const RECORDS: u64 = 1_024;
/// Sizes of the answers that are shaped, in bytes, and what they are called.
const SIZES: [(usize, &str); 2] = [(8_192, "8 kB"), (470_000, "470 kB")];
/// Requests of one count.
const REQUESTS: u64 = 16;
const LOG: &str = "inzage-a-00000000000000ff";

/// One of the hot functions.
pub(crate) struct Case {
    /// What it is called in the stored figures.
    pub(crate) name: String,
    /// How often it is done for one count.
    pub(crate) times: u64,
    /// What must be so before, and is not counted.
    pub(crate) ready: Box<dyn FnMut()>,
    /// All of it, so often.
    pub(crate) work: Box<dyn FnMut()>,
}

impl Case {
    fn new(name: &str, times: u64, work: impl FnMut() + 'static) -> Self {
        Self { name: name.to_owned(), times, ready: Box::new(|| ()), work: Box::new(work) }
    }

    /// For each token once, every one known to the cache.
    fn of_visits(name: &str, scene: &Rc<Scene>, work: impl Fn(&Scene, &Visit) -> bool + 'static) -> Self {
        let (before, scene) = (Rc::clone(scene), Rc::clone(scene));
        let all = move || assert!(scene.visits.iter().all(|visit| work(&scene, black_box(visit))));
        Self { ready: Box::new(move || before.remember()), ..Self::new(name, PRACTICES as u64, all) }
    }

    fn of_records(name: &str, mut work: impl FnMut() + 'static) -> Self {
        Self::new(name, RECORDS, move || (0..RECORDS).for_each(|_| work()))
    }
}

/// All of them, in the order in which they are counted.
pub(crate) fn all() -> impl Iterator<Item = Case> {
    let answers = SIZES.into_iter().flat_map(|size| SEARCHES.map(|search| shaping(search, size)));
    before_the_his().into_iter().chain(record()).chain(answers).chain([request()])
}

/// What a request takes before a HIS is asked.
fn before_the_his() -> [Case; 5] {
    let scene = Rc::new(Scene::of(PRACTICES, PRACTICES));
    let is_routed = |_: &Scene, visit: &Visit| is_plain(&visit.path) && black_box(route(&visit.path)).is_some();
    let is_found = |scene: &Scene, visit: &Visit| {
        let found = scene.tokens.at_hand(&hash_handle(&visit.token));
        black_box(found).is_some()
    };
    [
        Case::of_visits("route", &scene, is_routed),
        Case::of_visits("token", &scene, is_found),
        Case::of_visits("list", &scene, Scene::offers),
        decide(&scene),
        Case::of_visits("route, token and decide", &scene, Scene::decided),
    ]
}

/// The decision alone.
fn decide(scene: &Rc<Scene>) -> Case {
    scene.remember();
    let tokens: Vec<_> = scene.issued().collect();
    let paths = scene.visits.iter().map(|visit| &*visit.path.clone().leak());
    let routes: Vec<_> = paths.map(|path| route(path).unwrap()).collect();
    let scene = Rc::clone(scene);
    Case::new("decide", PRACTICES as u64, move || {
        let all = scene.visits.iter().zip(&tokens).zip(&routes);
        all.for_each(|((visit, token), route)| assert!(scene.permits(visit, black_box(token), *route)));
    })
}

/// An audit record: its encoding, the hash of the chain, and its leaf in the tree.
fn record() -> [Case; 3] {
    let (event, mut payload) = (intent(), Vec::new());
    encode(&event, LOG, &mut payload);
    let (leaf, for_tree) = (leaf_hash(&payload), payload.clone());
    let (mut chain, mut edge) = (Chain::default(), RightEdge::new());
    let encode = move || {
        payload.clear();
        encode(black_box(&event), LOG, &mut payload);
    };
    [
        Case::of_records("audit: encode", encode),
        Case::of_records("audit: chain", move || chain.follow(black_box(&leaf))),
        Case::of_records("audit: leaf and tree", move || {
            edge.push(leaf_hash(black_box(&for_tree)), &mut |tile, hashes| _ = black_box((tile, hashes)));
        }),
    ]
}

fn shaping(search: Search, (size, called): (usize, &str)) -> Case {
    let answer = Answer::of(search, size, date(2026, 11, 21));
    let name = format!("shaping: {called} of {} {}", search.0, search.1);
    Case::new(&name, 1, move || assert!(black_box(answer.shape()).entries > 0))
}

/// A whole request for data, with everything but its sockets.
fn request() -> Case {
    let desk = Rc::new(Desk::open());
    let before = Rc::clone(&desk);
    let all = move || (0..REQUESTS).for_each(|_| assert!(now_or_never(desk.read()), "it shows nothing"));
    Case { ready: Box::new(move || before.remember()), ..Case::new("request", REQUESTS, all) }
}

/// The outcome of what does not wait.
fn now_or_never<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}
